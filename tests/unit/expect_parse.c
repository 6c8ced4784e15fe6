/* The language of kin expect: what it accepts, what it refuses, and where it points. */
#include "expect/expect.h"
#include "tap.h"

#include "expect/tell.h"
#include "expect/value.h"

#include <stdlib.h>

static void accepts(const char *source)
{
	struct expectation *expectation = NULL;
	struct expect_error error;
	int failed = expectation_parse(&expectation, source, strlen(source), &error);
	if (!tap_ok(failed == 0, "accepts %s", source))
		tap_note("at %zu: %s", error.offset, error.message);
	if (failed == 0)
		tap_is_string(expectation_source(expectation), source, "and gives it back");
	expectation_destroy(expectation);
}

static void refuses(const char *source, size_t offset, const char *part)
{
	struct expectation *expectation = NULL;
	struct expect_error error;
	int failed = expectation_parse(&expectation, source, strlen(source), &error);
	if (!tap_ok(failed == -EINVAL, "refuses %s", source)) {
		expectation_destroy(expectation);
		return;
	}
	tap_is_int(error.offset, offset, "points at the place");
	tap_has(error.message, part, "says what is wrong");
}

static void check_accepted(void)
{
	static const char *const sources[] = {
		"processes == 1",
		"threads==2&&faults.major==0",
		"maxrss < 64MiB",
		"wall<2s",
		"wall < 1.5s && wall > 0",
		"0 < wall",
		"!(exit == 0)",
		"!!core",
		"-1 < processes",
		"exit in (0, 77)",
		"signal in (SIGKILL, SIGTERM)",
		"signal == 9 || signal == SIGRTMIN + 3 || signal == SIGRTMAX-1",
		"exec(\"/bin/sh\").count == 0",
		"task(\"worker*\").faults.major == 0",
		"process('nginx').threads > 2 * process('nginx').processes",
		"any(clone.flags has CLONE_VFORK)",
		"any(clone.flags has CLONE_VM|CLONE_VFORK)",
		"all(clone.flags == 0x4100)",
		"any(exec.argv has \"-O2\")",
		"none(exec.argv =~ \"-O[3s]\") && all(exit == 0)",
		"count(thread && cpu > 10ms) <= 4",
		"task(\"w\").all(clone.call == \"clone3\")",
		"exec(\"cc1\").all(exec.argv has \"-O2\" || exec.cwd != \"/tmp\")",
		"exec('cc1').count(exit != 0) == 0",
		"any(failed.error == EAGAIN && failed.call has \"clone\")",
		"none(received.signal == SIGPIPE && !received.kernel)",
		"cpu / wall > 1.5",
		"faults.minor % 2 == 0",
		"cpu * 2 > 3 * wall",
		"wall - cpu < 1min && wall < 1h && wall > 1us && wall > 10ns",
		"maxrss > 1KiB + 1kB + 1B + 1MB && maxrss < 1GB + 1GiB",
		"true != false",
		"  ( ( ( processes ) ) )==(1)  ",
		"any(name =~ '*' && pid == tid && !thread)",
		"tasks\n==\t1",
	};
	for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
		accepts(sources[i]);
}

static void check_syntax(void)
{
	refuses("", 0, "empty");
	refuses("   ", 0, "empty");
	refuses("processes", 0, "'processes' is a number");
	refuses("processes ==", 12, "expected a name, a number, a string or '(', found the end");
	refuses("processes 1", 10, "expected an operator or the end, found '1'");
	refuses("== 1", 0, "expected a name");
	refuses("(processes == 1", 15, "expected an operator or ')', found the end");
	refuses("processes == 1)", 14, "found ')'");
	refuses("processes = 1", 10, "'==' compares");
	refuses("true & true", 5, "'&&' is 'and'");
	refuses("true # true", 5, "no part of the language");
	refuses("exec(\"sh).count == 0", 5, "never closed");
	refuses("exec('sh).count == 0", 5, "never closed");
	refuses("exec(sh).count == 0", 5, "a pattern in quotes");
	refuses("exec(\"\").count == 0", 5, "empty pattern");
	refuses("exec(\"sh\") == 0", 11, "expected '.' and a name");
	refuses("exec(\"sh\").", 11, "found the end");
	refuses("exec.count == 0", 0, "there is no name 'exec.count'");
	refuses("any == 0", 4, "expected '('");
	refuses("any()", 4, "expected a name");
	refuses("any(exit == 0", 13, "expected an operator or ')'");
	refuses("1 < threads < 3", 12, "comparisons do not chain");
	refuses("exit in 0", 8, "expected '('");
	refuses("exit in ()", 9, "expected a name");
	refuses("exit in (0, 1", 13, "expected ',' or ')'");
	refuses("foo(1) == 0", 0, "'foo' is no function");
	refuses("99999999999999999999 == 0", 0, "too large");
	refuses("0xfffffffffffffffff == 0", 0, "too large");
	refuses("9223372036854775807s > wall", 0, "too large");
	refuses("wall < 2parsecs", 8, "'parsecs' is no unit");
	refuses("wall < 2 s", 7, "needs a unit, as in 2s");
	refuses("2s 3", 3, "found '3'");
}

static void check_types(void)
{
	refuses("wall < 64MiB", 7, "a duration is not a size: 'wall' is a duration and '64MiB' is a size");
	refuses("wall < 2", 7, "'2' needs a unit");
	refuses("2 > wall", 0, "'2' needs a unit");
	refuses("maxrss < 64", 9, "'64' needs a unit");
	refuses("threads == \"two\"", 11, "a number is not a string");
	refuses("threads && true", 0, "'&&' needs a yes or no");
	refuses("true || threads", 8, "'||' needs a yes or no");
	refuses("!threads", 1, "'!' needs a yes or no");
	refuses("-core", 1, "'-' needs a number");
	refuses("wall * wall > 2s", 7, "a plain number");
	refuses("wall + maxrss > 2s", 7, "a duration is not a size");
	refuses("2 / wall > 1", 0, "'2' needs a unit");
	refuses("core < true", 0, "'<' needs numbers");
	refuses("any(name < \"a\")", 4, "'<' needs numbers");
	refuses("signal < SIGKILL", 0, "'<' needs numbers");
	refuses("any(exec.argv == \"x\")", 17, "a list of strings is not a string");
	refuses("any(argv == exec.argv)", 4, "one value");
	refuses("any(exit =~ \"x\")", 4, "a string or a list of strings");
	refuses("any(name =~ cwd)", 12, "a pattern in quotes");
	refuses("any(clone.flags has \"VM\")", 20, "flags on its right");
	refuses("any(exit has 1)", 4, "flags, a string or a list");
	refuses("any(clone.flags has CLONE_VM || CLONE_FS)", 32, "'||' needs a yes or no");
	refuses("threads | 1 == 1", 0, "'or' is '||'");
	refuses("any(faults.major)", 4, "any needs a yes or no");
	refuses("count(exit == 0)", 0, "an expectation needs a yes or no");
	refuses("any(failed.error == SIGKILL)", 20, "an error is not a signal");
	refuses("exit == ENOENT", 8, "a number is not an error");
}

static void check_names(void)
{
	refuses("thread == 2", 0, "did you mean 'threads'");
	refuses("proceses == 1", 0, "did you mean 'processes'?");
	refuses("faults.majr == 0", 0, "did you mean 'faults.major'?");
	refuses("major == 0", 0, "did you mean 'faults.major'?");
	refuses("xyzzy == 0", 0, "--list-names");
	refuses("tid == 5", 0, "'tid' is of one task");
	refuses("task(\"x\").exit == 0", 10, "SELECTION.any");
	refuses("task(\"x\").nonsense == 0", 10, "there is no name 'nonsense'");
	refuses("any(threads == 2)", 4, "of several tasks together");
	refuses("any(any(exit == 0))", 4, "cannot stand inside another");
	refuses("any(task(\"x\").count == 0)", 4, "cannot stand inside a quantifier");
	refuses("any(exec.argv has \"x\" && failed.error == 1)", 25, "range over programs run");
	refuses("any(clone.flags has CLONE_VFROK)", 20, "did you mean CLONE_VFORK");
	refuses("any(clone.flags has CLONE_XYZZYXYZZY)", 20, "there is no flag");
	refuses("signal == SIGKIL", 10, "there is no signal SIGKIL");
	refuses("signal == SIGRTMIN+99", 10, "there is no signal");
	refuses("none(received.signal == SIGKILL)", 24, "does not see SIGKILL arrive");
	refuses("none(SIGCHLD != received.signal)", 5, "does not see SIGCHLD arrive");
	refuses("none(received.signal in (SIGTERM, SIGKILL))", 34, "does not see SIGKILL arrive");
	refuses("any(failed.error == EFOO)", 20, "there is no error EFOO");
}

static char *repeat(const char *string, size_t times)
{
	size_t length = strlen(string);
	char *all = malloc(length * times + 1);
	for (size_t i = 0; i < times; i++)
		memcpy(all + i * length, string, length);
	all[length * times] = '\0';
	return all;
}

static void refuses_huge(const char *what, const char *head, const char *part, size_t times, const char *says)
{
	char *middle = repeat(part, times);
	char *source = malloc(strlen(head) + strlen(middle) + 1);
	strcpy(stpcpy(source, head), middle);
	struct expectation *expectation = NULL;
	struct expect_error error;
	int failed = expectation_parse(&expectation, source, strlen(source), &error);
	if (tap_ok(failed == -EINVAL, "refuses %s", what))
		tap_has(error.message, says, "and says why");
	else
		expectation_destroy(expectation);
	free(middle);
	free(source);
}

static void check_limits(void)
{
	refuses_huge("10,000 parentheses", "", "(", 10000, "nested deeper than 500");
	refuses_huge("10,000 times !", "", "!", 10000, "nested deeper than 500");
	refuses_huge("10,000 terms", "true", " && true", 8000, "nested deeper than 500");
	refuses_huge("10,000 quantifiers", "", "any(", 10000, "inside another");
	refuses_huge("1 MiB", "", "(", 1 << 20, "bytes long");
	char *deep = repeat("(", 490), *close = repeat(")", 490);
	char *source = malloc(1100);
	sprintf(source, "%strue%s", deep, close);
	accepts(source);
	free(deep);
	free(close);
	free(source);
	struct expectation *expectation = NULL;
	struct expect_error error;
	tap_is_int(
		expectation_parse(&expectation, "true\0 && x", 10, &error), -EINVAL, "refuses a zero byte");
	tap_is_int(error.offset, 4, "points at it");
	tap_is_int(expectation_parse(&expectation, "true && nonsense", 4, &error), 0,
		"reads only the length it is given");
	tap_is_int(expectation_needs(expectation), 0, "a constant needs nothing recorded");
	expectation_destroy(expectation);
	expectation_destroy(NULL);
}

static unsigned needs_of(const char *source)
{
	struct expectation *expectation;
	struct expect_error error;
	if (expectation_parse(&expectation, source, strlen(source), &error) < 0)
		return 99;
	unsigned needs = expectation_needs(expectation);
	expectation_destroy(expectation);
	return needs;
}

static void check_needs(void)
{
	tap_is_int(needs_of("faults == 0 && faults.major == 0"), 0, "counts of faults need no cause");
	tap_is_int(needs_of("faults.cow == 0"), EXPECT_NEEDS_FAULTS, "a cause needs --faults");
	tap_is_int(needs_of("task('x').faults.zero == 0"), EXPECT_NEEDS_FAULTS, "of a selection too");
	tap_is_int(needs_of("any(faults.file > 3)"), EXPECT_NEEDS_FAULTS, "and of one task");
	tap_is_int(needs_of("failed == 0"), EXPECT_NEEDS_FAILED, "failed calls need --failed");
	tap_is_int(needs_of("none(failed.error == ENOENT) || faults.cow == 1"),
		EXPECT_NEEDS_FAILED | EXPECT_NEEDS_FAULTS, "both");
}

static void check_caret(const char *source, const char *want)
{
	struct expectation *expectation;
	struct expect_error error;
	struct text text = { 0 };
	if (tap_ok(expectation_parse(&expectation, source, strlen(source), &error) < 0, "refuses %s",
		    source)) {
		tell_error(&text, source, &error);
		tap_is_string(text_string(&text), want, "and shows the place");
	}
	text_finish(&text);
}

static void check_carets(void)
{
	check_caret("wall < 64MiB",
		"kin expect: a duration is not a size: 'wall' is a duration and '64MiB' is a size\n"
		"  wall < 64MiB\n"
		"         ^\n");
	check_caret("exit ==",
		"kin expect: expected a name, a number, a string or '(', found the end of the expression\n"
		"  exit ==\n"
		"         ^\n");
	check_caret("\t'\xc3\xa4\xe4\xb8\xad' = 1",
		"kin expect: '=' is no operator: '==' compares, '=~' matches a pattern\n"
		"   '\xc3\xa4\xe4\xb8\xad' = 1\n"
		"         ^\n");
	char *pad = repeat("true && ", 20);
	char *source = malloc(400);
	sprintf(source, "%s@ && %s true", pad, pad);
	struct expectation *expectation;
	struct expect_error error;
	struct text text = { 0 };
	tap_ok(expectation_parse(&expectation, source, strlen(source), &error) < 0, "refuses a long one");
	tell_error(&text, source, &error);
	const char *line = strchr(text_string(&text), '\n') + 1;
	const char *caret = strchr(line, '\n') + 1;
	tap_ok(strchr(line, '@') - line == strchr(caret, '^') - caret,
		"the caret is under the place of a part");
	tap_ok(strchr(line, '\n') - line < 120, "only a part of a long expression is shown");
	text_finish(&text);
	free(pad);
	free(source);
}

/* A long expression is cut between characters, wherever the cut falls. */
static void check_cuts(void)
{
	char *umlauts = repeat("\xc3\xa4", 100);
	for (int shift = 0; shift < 2; shift++) {
		char source[700];
		struct expectation *expectation;
		struct expect_error error;
		struct text text = { 0 };
		snprintf(source, sizeof source, "'%s'%s@ '%s'", umlauts, shift ? " " : "", umlauts);
		tap_ok(expectation_parse(&expectation, source, strlen(source), &error) < 0,
			"refuses a long string");
		tell_error(&text, source, &error);
		tap_ok(!strchr(text_string(&text), '?'), "no half character is shown");
		text_finish(&text);
	}
	free(umlauts);
}

static void check_globs(void)
{
	static const struct {
		const char *pattern, *string;
		bool matches;
	} cases[] = {
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "a/b", true },
		{ "a*c", "abc", true },
		{ "a*c", "abcd", false },
		{ "a*b*c", "aXbYbZc", true },
		{ "?", "", false },
		{ "?", "a", true },
		{ "?", "\xc3\xa4", true },
		{ "??", "\xc3\xa4", false },
		{ "?", "\xff", true },
		{ "[a-c]x", "bx", true },
		{ "[a-c]x", "dx", false },
		{ "[!a-c]", "d", true },
		{ "[^a-c]", "a", false },
		{ "[]]", "]", true },
		{ "[a", "[a", true },
		{ "[\xc3\xa4]", "\xc3\xa4", true },
		{ "[\xc3\xa4]", "\xc3\xb6", false },
		{ "*[!\xc3\xa4]", "\xc3\xa4", false },
		{ "\\*", "*", true },
		{ "\\*", "a", false },
		{ "[\\]]", "]", true },
		{ "worker*", "worker", true },
		{ "worker*", "a worker", false },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tap_ok(glob_match(cases[i].pattern, cases[i].string) == cases[i].matches, "glob %zu %s", i,
			cases[i].matches ? "matches" : "does not match");
	char *many = repeat("a", 20000);
	tap_ok(!glob_match("*a*a*a*a*a*a*a*a*a*b", many), "a pattern of many stars ends in time");
	free(many);
}

int main(void)
{
	check_accepted();
	check_syntax();
	check_types();
	check_names();
	check_limits();
	check_needs();
	check_carets();
	check_cuts();
	check_globs();
	return tap_done();
}
