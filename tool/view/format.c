#include "view/format.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct glyphs utf8 = {
	.branch = "├─ ",
	.last = "└─ ",
	.pipe = "│  ",
	.space = "   ",
	.more = "…",
	.times = "×",
	.became = "⇒",
	.deep = "⋯",
	.median = "~",
	.total = "Σ",
	.most = "≤",
	.micro = "µs",
	.dot = "·",
};

static const struct glyphs ascii = {
	.branch = "|- ",
	.last = "`- ",
	.pipe = "|  ",
	.space = "   ",
	.more = "...",
	.times = "x",
	.became = "=>",
	.deep = "...",
	.median = "~",
	.total = "+",
	.most = "<",
	.micro = "us",
	.dot = "-",
};

const struct glyphs *glyphs_for(const struct view_options *options)
{
	return options->ascii ? &ascii : &utf8;
}

static const char *const style_codes[] = {
	[STYLE_PLAIN] = NULL,
	[STYLE_DIM] = "\x1b[2m",
	[STYLE_BOLD] = "\x1b[1m",
	[STYLE_WARN] = "\x1b[33m",
	[STYLE_BAD] = "\x1b[1;31m",
	[STYLE_INFO] = "\x1b[36m",
};

void add_styled_bytes(struct text *out, const struct view_options *options, enum style style,
	const char *bytes, size_t count)
{
	bool coloured = options->colour && style_codes[style] && count;
	if (coloured)
		text_add(out, style_codes[style]);
	text_add_bytes(out, bytes, count);
	if (coloured)
		text_add(out, "\x1b[0m");
}

void add_styled(struct text *out, const struct view_options *options, enum style style, const char *string)
{
	add_styled_bytes(out, options, style, string, strlen(string));
}

void add_spaces(struct text *out, size_t count)
{
	static const char spaces[] = "                                ";
	for (; count >= sizeof spaces; count -= sizeof spaces - 1)
		text_add_bytes(out, spaces, sizeof spaces - 1);
	text_add_bytes(out, spaces, count);
}

void add_count(struct text *out, uint64_t count)
{
	char digits[24];
	int length = snprintf(digits, sizeof digits, "%" PRIu64, count);
	for (int i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			text_add_char(out, ',');
		text_add_char(out, digits[i]);
	}
}

void add_counted(struct text *out, uint64_t count, const char *noun)
{
	add_count(out, count);
	text_printf(out, " %s%s", noun, count == 1 ? "" : "s");
}

/* value / unit with three figures. Rounds as integers do, so that no libm decides a golden file. */
static void add_three_figures(struct text *out, uint64_t value, uint64_t unit, const char *name)
{
	unsigned decimals = value / unit >= 100 ? 0 : value / unit >= 10 ? 1 : 2;
	uint64_t scale = decimals == 2 ? 100 : decimals == 1 ? 10 : 1;
	uint64_t whole = value / unit, part = (value % unit * scale + unit / 2) / unit;
	if (part == scale) {
		whole++;
		part = 0;
	}
	text_printf(out, "%" PRIu64, whole);
	if (decimals)
		text_printf(out, ".%0*" PRIu64, (int)decimals, part);
	text_printf(out, " %s", name);
}

void add_duration(struct text *out, uint64_t ns, const struct glyphs *glyphs)
{
	static const uint64_t second = UINT64_C(1000000000);
	if (ns == 0) {
		text_add(out, "0 s");
	} else if (ns < 1000) {
		text_printf(out, "%" PRIu64 " ns", ns);
	} else if (ns < 999500) {
		add_three_figures(out, ns, 1000, glyphs->micro);
	} else if (ns < 999500000) {
		add_three_figures(out, ns, 1000000, "ms");
	} else if (ns < 60 * second) {
		add_three_figures(out, ns, second, "s");
	} else if (ns < 3600 * second) {
		text_printf(out, "%" PRIu64 "m%02" PRIu64 "s", ns / second / 60, ns / second % 60);
	} else {
		text_printf(out, "%" PRIu64 "h%02" PRIu64 "m", ns / second / 3600, ns / second / 60 % 60);
	}
}

void add_size(struct text *out, uint64_t kib)
{
	if (kib < 1024)
		text_printf(out, "%" PRIu64 " KiB", kib);
	else if (kib < 1024 * 1024)
		add_three_figures(out, kib, 1024, "MiB");
	else
		add_three_figures(out, kib, 1024 * 1024, "GiB");
}

/* One character, or its escape when it could disturb the line. Returns the bytes used. */
static size_t add_character(struct text *out, const char *string, const struct view_options *options)
{
	uint32_t code_point = 0;
	size_t length = text_utf8_next(string, &code_point);
	bool shown = length && code_point >= 0x20 && code_point != 0x7f &&
		     !(code_point >= 0x80 && code_point < 0xa0);
	bool bidi = (code_point >= 0x202a && code_point <= 0x202e) ||
		    (code_point >= 0x2066 && code_point <= 0x2069);
	if (shown && !bidi && (length == 1 || !options->ascii)) {
		text_add_bytes(out, string, length);
		return length;
	}
	if (*string == '\n')
		text_add(out, "\\n");
	else if (*string == '\t')
		text_add(out, "\\t");
	else
		text_printf(out, "\\x%02x", (unsigned char)*string);
	return 1;
}

void add_name(struct text *out, const char *name, const struct view_options *options)
{
	while (*name)
		name += add_character(out, name, options);
}

void add_word(struct text *out, const char *word, const struct view_options *options)
{
	bool bare = *word && !strpbrk(word, " \t\n'\"\\|&;<>()$`*?[]#~!{}");
	if (bare) {
		add_name(out, word, options);
		return;
	}
	text_add_char(out, '\'');
	while (*word) {
		if (*word == '\'') {
			text_add(out, "'\\''");
			word++;
		} else {
			word += add_character(out, word, options);
		}
	}
	text_add_char(out, '\'');
}

/* Bytes of the longest start of a string that takes at most so many columns. */
static size_t bytes_in_columns(const char *string, size_t columns)
{
	size_t used = 0, bytes = 0;
	while (string[bytes]) {
		uint32_t code_point;
		size_t length = text_utf8_next(string + bytes, &code_point);
		used += length ? text_code_point_columns(code_point) : 1;
		if (used > columns)
			break;
		bytes += length ? length : 1;
	}
	return bytes;
}

void cut_columns(struct text *text, size_t columns, const char *more)
{
	if (text_columns(text_string(text)) <= columns)
		return;
	size_t mark = text_columns(more);
	size_t keep = bytes_in_columns(text->bytes, columns > mark ? columns - mark : 0);
	while (keep && text->bytes[keep - 1] == ' ')
		keep--;
	text->length = keep;
	text->bytes[keep] = '\0';
	if (columns >= mark)
		text_add(text, more);
}

/* Where a line may end at the latest: after a space or a '|', or in the middle of a word that is too long. */
static size_t break_point(const char *string, size_t columns)
{
	size_t limit = bytes_in_columns(string, columns);
	if (string[limit] == '\0' || string[limit] == ' ')
		return limit;
	for (size_t i = limit; i > 0; i--)
		if (string[i - 1] == ' ' || string[i - 1] == '|')
			return i;
	return limit ? limit : 1;
}

size_t wrap_line(const char **paragraph, size_t columns)
{
	const char *line = *paragraph;
	size_t length = break_point(line, columns);
	*paragraph += length;
	while (**paragraph == ' ')
		(*paragraph)++;
	while (length && line[length - 1] == ' ')
		length--;
	return length;
}

void add_wrapped(struct text *out, const struct view_options *options, size_t column, size_t indent,
	const char *paragraph)
{
	size_t width = options->width ? options->width : SIZE_MAX;
	while (*paragraph) {
		const char *line = paragraph;
		size_t length = wrap_line(&paragraph, width > column + 10 ? width - column : 10);
		text_add_bytes(out, line, length);
		text_add_char(out, '\n');
		if (*paragraph)
			add_spaces(out, indent);
		column = indent;
	}
}
