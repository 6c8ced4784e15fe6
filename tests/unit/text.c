/* base/text.h: growing, printing, failing, columns. */
#include "base/text.h"
#include "tap.h"

static void growing(void)
{
	struct text text = { 0 };
	tap_is_string(text_string(&text), "", "an empty text is an empty string");
	text_add_bytes(&text, "x", 0);
	tap_ok(text.bytes == NULL, "nothing added allocates nothing");
	text_add(&text, "one");
	text_add_char(&text, ' ');
	text_printf(&text, "%d%s", 2, "!");
	tap_is_string(text_string(&text), "one 2!", "what is added follows");
	tap_is_int(text.length, 6, "the length leaves out the NUL");
	text_clear(&text);
	tap_is_string(text_string(&text), "", "cleared");
	for (int i = 0; i < 100000; i++)
		text_add_char(&text, (char)('a' + i % 26));
	tap_is_int(text.length, 100000, "a hundred thousand characters");
	bool right = !text_failed(&text);
	for (int i = 0; right && i < 100000; i++)
		right = text.bytes[i] == 'a' + i % 26;
	tap_ok(right && text.bytes[100000] == '\0', "each in its place, and a NUL after them");
	text_finish(&text);
	tap_ok(text.bytes == NULL && text.length == 0, "finished");
	text_finish(&text);
}

static void printing(void)
{
	struct text text = { 0 };
	char wide[1001];
	memset(wide, 'w', 1000);
	wide[1000] = '\0';
	for (size_t length = 250; length < 262; length++) {
		text_clear(&text);
		text_printf(&text, "%.*s", (int)length, wide);
		if (text.length != length || strlen(text_string(&text)) != length)
			break;
		if (length == 261)
			tap_ok(true, "lengths around the small buffer's");
	}
	text_clear(&text);
	text_add(&text, "<");
	text_printf(&text, "%s|%s", wide, wide);
	tap_is_int(text.length, 2002, "longer than any small buffer");
	tap_ok(text.bytes[0] == '<' && text.bytes[1001] == '|', "printed behind what was there");
	text_finish(&text);
}

static void failing(void)
{
	struct text text = { 0 };
	text_add(&text, "kept");
	text_add_bytes(&text, "", SIZE_MAX - 100);
	tap_ok(text_failed(&text), "an impossible size is remembered as a failure");
	text_add(&text, " and more");
	tap_is_string(text_string(&text), "kept", "what was there stays, what comes is ignored");
	text_clear(&text);
	tap_ok(!text_failed(&text), "clearing forgets the failure");
	text_finish(&text);
}

static void columns(void)
{
	uint32_t c = 7;
	tap_is_int(text_columns(""), 0, "no columns");
	tap_is_int(text_columns("abc"), 3, "ASCII");
	tap_is_int(text_columns("├─ é"), 4, "two and three bytes a character");
	tap_is_int(text_columns("漢字"), 4, "East Asian characters are two wide");
	tap_is_int(text_columns("e\xcc\x81"), 1, "a combining accent takes none");
	tap_is_int(text_columns("\xff\xfe"), 2, "bytes that are not UTF-8 count one each");
	tap_is_int(text_columns("\xe2\x94"), 2, "a character cut short is its bytes");
	tap_is_int(text_utf8_next("\xc0\x80", &c), 0, "an overlong NUL is not UTF-8");
	tap_is_int(text_utf8_next("\xed\xa0\x80", &c), 0, "a surrogate is not UTF-8");
	tap_is_int(text_utf8_next("\xf4\x90\x80\x80", &c), 0, "nothing above U+10FFFF");
	tap_is_int(text_utf8_next("\xe0\x80\xaf", &c), 0, "an overlong slash is not UTF-8");
	tap_is_int(text_utf8_next("\xf4\x8f\xbf\xbf", &c), 4, "the last character of all");
	tap_is_int(c, 0x10ffff, "is U+10FFFF");
}

int main(void)
{
	growing();
	printing();
	failing();
	columns();
	return tap_done();
}
