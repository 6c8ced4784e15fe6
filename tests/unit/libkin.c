/* libkin: version and errors. */
#include "config.h"
#include "tap.h"

#include <kin/kin.h>

static void test_set(void)
{
	struct kin_error error = { 0 };
	errno = EXDEV;
	tap_is_int(kin_error_set(&error, ENOENT, "open", "file %s, line %d", "a", 3), -ENOENT,
		"set returns -code");
	tap_is_int(errno, EXDEV, "errno is left alone");
	tap_is_int(error.code, ENOENT, "code is kept");
	tap_is_string(error.step, "open", "step is kept");
	tap_is_string(error.text, "file a, line 3", "text is formatted");

	kin_error_set(&error, EIO, NULL, NULL);
	tap_is_int(error.code, EIO, "a second failure replaces the first");
	tap_is_string(error.step, "", "no step leaves none of the first");
	tap_is_string(error.text, "", "no text leaves none of the first");

	tap_is_int(kin_error_set(NULL, ENOMEM, "x", "%d", 1), -ENOMEM, "NULL is welcome");
	tap_is_int(kin_error_set(&error, 0, "x", NULL), -EINVAL, "a failure is never reported as success");
	tap_is_int(error.code, EINVAL, "nor kept as one");
}

static void test_cut(void)
{
	char many[1000];
	memset(many, 'x', sizeof many - 1);
	many[sizeof many - 1] = '\0';

	struct kin_error error;
	memset(&error, 0x55, sizeof error);
	kin_error_set(&error, EIO, many, "%s", many);
	tap_is_int(strlen(error.step), sizeof error.step - 1, "a long step is cut");
	tap_is_int(strlen(error.text), sizeof error.text - 1, "a long text is cut");

	size_t longest = 0;
	char line[KIN_ERROR_LINE];
	for (int code = 1; code < 4096; code++) {
		error.code = code;
		size_t length = kin_error_format(&error, line, sizeof line);
		if (length > longest)
			longest = length;
	}
	tap_ok(longest < KIN_ERROR_LINE, "KIN_ERROR_LINE holds the longest line (%zu bytes)", longest);
}

static void test_format(void)
{
	char line[KIN_ERROR_LINE];
	struct kin_error error = { 0 };
	tap_is_int(kin_error_format(&error, line, sizeof line), 8, "length of no error");
	tap_is_string(line, "no error", "a zeroed error is none");
	kin_error_format(NULL, line, sizeof line);
	tap_is_string(line, "no error", "NULL is none");

	const struct {
		const char *step, *text, *line;
	} cases[] = {
		{ "open", "b.txt", "open b.txt: No such file or directory" },
		{ "open", NULL, "open: No such file or directory" },
		{ NULL, "b.txt", "b.txt: No such file or directory" },
		{ NULL, NULL, "No such file or directory" },
		{ "open", "two\nlines\t\033[1m", "open two?lines??[1m: No such file or directory" },
		{ "open", "\xc3\xa9t\xc3\xa9", "open \xc3\xa9t\xc3\xa9: No such file or directory" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const char *text = cases[i].text;
		kin_error_set(&error, ENOENT, cases[i].step, text ? "%s" : NULL, text);
		size_t length = kin_error_format(&error, line, sizeof line);
		tap_is_string(line, cases[i].line, "the line has what the error has");
		tap_is_int(length, strlen(cases[i].line), "and its length is returned");
	}

	kin_error_set(&error, 99999, "step", NULL);
	kin_error_format(&error, line, sizeof line);
	tap_is_string(line, "step: unknown error", "a code without a name");

	char small[5] = "abcd";
	kin_error_set(&error, ENOENT, "open", NULL);
	tap_is_int(kin_error_format(&error, small, sizeof small), 31,
		"a small buffer: length of the whole line");
	tap_is_string(small, "open", "a small buffer: cut and terminated");
	tap_is_int(kin_error_format(&error, NULL, 0), 31, "no buffer: length of the whole line");
}

int main(void)
{
	tap_is_string(kin_version(), KIN_VERSION, "kin_version is the build's");
	test_set();
	test_cut();
	test_format();
	return tap_done();
}
