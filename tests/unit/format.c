/* view/format.h: numbers and words as views show them, cut and wrapped. */
#include "view/format.h"
#include "tap.h"

static const struct view_options utf8, ascii = { .ascii = true };

static void duration_is(uint64_t ns, const char *want)
{
	struct text text = { 0 };
	add_duration(&text, ns, glyphs_for(&utf8));
	tap_is_string(text_string(&text), want, want);
	text_finish(&text);
}

static void durations(void)
{
	duration_is(0, "0 s");
	duration_is(1, "1 ns");
	duration_is(999, "999 ns");
	duration_is(1000, "1.00 µs");
	duration_is(12345, "12.3 µs");
	duration_is(999499, "999 µs");
	duration_is(999500, "1.00 ms");
	duration_is(123456789, "123 ms");
	duration_is(999499999, "999 ms");
	duration_is(999500000, "1.00 s");
	duration_is(UINT64_C(59999999999), "60.0 s");
	duration_is(UINT64_C(60000000000), "1m00s");
	duration_is(UINT64_C(3599999999999), "59m59s");
	duration_is(UINT64_C(3600000000000), "1h00m");
	duration_is(UINT64_MAX, "5124095h34m");
	struct text text = { 0 };
	add_duration(&text, 5000, glyphs_for(&ascii));
	tap_is_string(text_string(&text), "5.00 us", "no micro sign in ASCII");
	text_finish(&text);
}

static void size_is(uint64_t kib, const char *want)
{
	struct text text = { 0 };
	add_size(&text, kib);
	tap_is_string(text_string(&text), want, want);
	text_finish(&text);
}

static void numbers(void)
{
	struct text text = { 0 };
	static const struct {
		uint64_t count;
		const char *want;
	} counts[] = { { 0, "0" }, { 999, "999" }, { 1000, "1,000" }, { 1234567, "1,234,567" },
		{ UINT64_MAX, "18,446,744,073,709,551,615" } };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		text_clear(&text);
		add_count(&text, counts[i].count);
		tap_is_string(text_string(&text), counts[i].want, counts[i].want);
	}
	text_clear(&text);
	add_counted(&text, 1, "stop");
	add_counted(&text, 0, "stop");
	add_counted(&text, 2000, "stop");
	tap_is_string(text_string(&text), "1 stop0 stops2,000 stops", "one and many");
	text_finish(&text);
	size_is(0, "0 KiB");
	size_is(1023, "1023 KiB");
	size_is(1024, "1.00 MiB");
	size_is(1536, "1.50 MiB");
	size_is(10240, "10.0 MiB");
	size_is(1048576, "1.00 GiB");
	size_is(UINT64_MAX, "17592186044416 GiB");
}

static void word_is(const char *word, const struct view_options *options, const char *want, const char *what)
{
	struct text text = { 0 };
	add_word(&text, word, options);
	tap_is_string(text_string(&text), want, what);
	text_finish(&text);
}

static void words(void)
{
	word_is("plain/word-1.c", &utf8, "plain/word-1.c", "nothing to quote");
	word_is("", &utf8, "''", "an empty word");
	word_is("two words", &utf8, "'two words'", "a space");
	word_is("it's", &utf8, "'it'\\''s'", "a quote");
	word_is("$HOME", &utf8, "'$HOME'", "what a shell would expand");
	word_is("a\nb\tc", &utf8, "'a\\nb\\tc'", "a newline and a tab");
	word_is("\x1b[31m", &utf8, "'\\x1b[31m'", "an escape sequence is shown, not obeyed");
	word_is("\xff", &utf8, "\\xff", "a byte that is not UTF-8");
	word_is("é漢", &utf8, "é漢", "UTF-8");
	word_is("é", &ascii, "\\xc3\\xa9", "UTF-8 in ASCII");
	word_is("\xc2\x85", &utf8, "\\xc2\\x85", "a control character of Latin-1");
	word_is("\xe2\x80\xae", &utf8, "\\xe2\\x80\\xae", "a character that turns the line round");
	word_is("\xe2\x81\xa6", &utf8, "\\xe2\\x81\\xa6", "one that isolates");
}

static void cut_is(const char *string, size_t columns, const char *want)
{
	struct text text = { 0 };
	text_add(&text, string);
	cut_columns(&text, columns, "…");
	tap_is_string(text_string(&text), want, want);
	tap_ok(text_columns(text_string(&text)) <= columns, "and fits");
	text_finish(&text);
}

static void cutting(void)
{
	cut_is("abc", 3, "abc");
	cut_is("abcd", 3, "ab…");
	cut_is("ab cd", 4, "ab…");
	cut_is("漢字漢字", 5, "漢字…");
	cut_is("漢字漢字", 4, "漢…");
	cut_is("abc", 1, "…");
	cut_is("abc", 0, "");
	cut_is("", 0, "");
}

static void wrapping(void)
{
	struct text text = { 0 };
	struct view_options options = { .width = 20 };
	add_wrapped(&text, &options, 4, 2, "the quick brown fox jumps");
	tap_is_string(text_string(&text), "the quick brown\n  fox jumps\n", "at spaces");
	text_clear(&text);
	add_wrapped(&text, &options, 0, 0, "CLONE_VM|CLONE_FS|CLONE_FILES");
	tap_is_string(text_string(&text), "CLONE_VM|CLONE_FS|\nCLONE_FILES\n", "after bars");
	text_clear(&text);
	add_wrapped(&text, &options, 0, 0, "abcdefghijklmnopqrstuvwxyz");
	tap_is_string(text_string(&text), "abcdefghijklmnopqrst\nuvwxyz\n", "in a word that is too long");
	text_clear(&text);
	add_wrapped(&text, &utf8, 0, 0, "as long   as it likes");
	tap_is_string(text_string(&text), "as long   as it likes\n", "no limit");
	text_clear(&text);
	add_wrapped(&text, &options, 0, 0, "");
	tap_is_string(text_string(&text), "", "nothing");
	text_finish(&text);
}

static void styles(void)
{
	struct text text = { 0 };
	struct view_options colour = { .colour = true };
	add_styled(&text, &utf8, STYLE_BAD, "x");
	tap_is_string(text_string(&text), "x", "no colour unless asked for");
	text_clear(&text);
	add_styled(&text, &colour, STYLE_BOLD, "x");
	add_styled(&text, &colour, STYLE_BOLD, "");
	add_styled(&text, &colour, STYLE_PLAIN, "y");
	tap_is_string(text_string(&text), "\x1b[1mx\x1b[0my", "a style ends where its words do");
	text_finish(&text);
}

int main(void)
{
	durations();
	numbers();
	words();
	cutting();
	wrapping();
	styles();
	return tap_done();
}
