#include "expect/tell.h"

#include <string.h>

#define WINDOW 100 // bytes of a long expression that are shown
#define BEFORE 60 // of those at most this many before the caret

const char *verdict_name(enum verdict verdict)
{
	return verdict == VERDICT_HELD ? "held" : verdict == VERDICT_NOT_HELD ? "not held" : "cannot tell";
}

static bool is_shown(uint32_t code_point)
{
	bool control = code_point < ' ' || (code_point >= 0x7f && code_point < 0xa0);
	return !control && code_point != 0xfffe && code_point != 0xffff;
}

/* At most count bytes of a string that ends in NUL. */
static void add_part(struct text *out, const char *string, size_t count, escape_function *escape)
{
	for (size_t i = 0; i < count && string[i];) {
		uint32_t code_point;
		size_t length = text_utf8_next(string + i, &code_point);
		char c = string[i];
		const char *escaped = escape && length == 1 ? escape(c) : NULL;
		if (escaped)
			text_add(out, escaped);
		else if (c == '\n' || c == '\t' || c == '\r')
			text_add_char(out, ' ');
		else if (length && is_shown(code_point))
			text_add_bytes(out, string + i, length);
		else
			text_add_char(out, '?');
		i += length ? length : 1;
	}
}

void tell_line(struct text *out, const char *string, escape_function *escape)
{
	add_part(out, string, strlen(string), escape);
}

static bool inside_character(char c)
{
	return ((unsigned char)c & 0xc0) == 0x80;
}

void tell_error(struct text *out, const char *source, const struct expect_error *error)
{
	size_t length = strlen(source);
	size_t offset = error->offset < length ? error->offset : length;
	size_t begin = offset > BEFORE && length > WINDOW ? offset - BEFORE : 0;
	size_t end = length - begin > WINDOW ? begin + WINDOW : length;
	while (begin > 0 && inside_character(source[begin]))
		begin--;
	while (end < length && inside_character(source[end]))
		end++;
	struct text before = { 0 };
	text_add(&before, begin ? "  ..." : "  ");
	add_part(&before, source + begin, offset - begin, NULL);
	text_add(out, "kin expect: ");
	tell_line(out, error->message, NULL);
	text_printf(out, "\n%s", text_string(&before));
	add_part(out, source + offset, end - offset, NULL);
	text_printf(
		out, "%s\n%*s^\n", end < length ? "..." : "", (int)text_columns(text_string(&before)), "");
	text_finish(&before);
}

static void tell_seen(struct text *out, const struct outcome *outcome)
{
	for (size_t i = 0; i < outcome->n_seen; i++)
		text_printf(out, "%s%s = %s", i ? ", " : "  ", outcome->seen[i].name, outcome->seen[i].value);
	if (outcome->n_seen)
		text_add_char(out, '\n');
}

static void tell_unseen(struct text *out, const struct history *history)
{
	for (size_t i = 0; i < history->start.n_unseen; i++) {
		text_add(out, "  not seen here: ");
		tell_line(out, history->start.unseen[i], NULL);
		text_add_char(out, '\n');
	}
}

static void tell_outcome(struct text *out, const struct told *told, const struct history *history)
{
	const struct outcome *outcome = &told->outcome;
	text_printf(out, "kin expect: %s: ", verdict_name(outcome->verdict));
	tell_line(out, expectation_source(told->expectation), NULL);
	text_add_char(out, '\n');
	tell_seen(out, outcome);
	if (outcome->why)
		text_printf(out, "  because %s\n", outcome->why);
	for (size_t i = 0; i < outcome->n_culprits; i++)
		text_printf(out, "  %s\n", outcome->culprits[i].line);
	if (outcome->more)
		text_printf(out, "  and %zu more\n", outcome->more);
	if (outcome->verdict == VERDICT_CANNOT_TELL && expectation_needs(told->expectation))
		tell_unseen(out, history); // what it needs and the default lacks may have been refused
}

void tell_report(struct text *out, const struct report *report)
{
	for (size_t i = 0; i < report->count; i++)
		if (report->told[i].outcome.verdict != VERDICT_HELD)
			tell_outcome(out, &report->told[i], report->history);
}
