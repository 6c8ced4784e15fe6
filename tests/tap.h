/**
 * tap.h: checks that print the Test Anything Protocol. One test program per topic; Meson runs it.
 *
 *     int main(void)
 *     {
 *             tap_is_int(1 + 1, 2, "one and one");
 *             tap_ok(getpid() > 0, "a process has a PID");
 *             return tap_done();
 *     }
 *
 * A check never jumps away: it prints its line, counts, and returns whether it held, so that a test cleans up after
 * itself and may fork, clone or kill what it likes. Each line is flushed at once: a child inherits no unwritten
 * output. Checks made in a child are lost with it; let the child end with _exit(tap_child_status()).
 *
 * tap_done() adds two checks of its own: the test left no child and no open descriptor behind.
 */
#ifndef KIN_TESTS_TAP_H
#define KIN_TESTS_TAP_H

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static struct {
	unsigned checks, failed;
	int descriptors; // open when the program began
} tap;

#define TAP_MAY_BE_UNUSED __attribute__((unused))

TAP_MAY_BE_UNUSED static int tap_count_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	if (!dir)
		return -1;
	int count = -1; // the directory's own
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

__attribute__((constructor)) static void tap_begin(void)
{
	tap.descriptors = tap_count_descriptors();
}

/* Words of a check or a note: a line of TAP must not be broken by a newline in them. */
__attribute__((format(printf, 2, 0))) TAP_MAY_BE_UNUSED static void tap_print(
	const char *newline, const char *format, va_list arguments)
{
	char *words;
	if (vasprintf(&words, format, arguments) < 0)
		return;
	for (const char *c = words; *c; c++)
		fputs(*c == '\n' ? newline : (char[]){ *c, '\0' }, stdout);
	putchar('\n');
	fflush(stdout);
	free(words);
}

/** Words for the reader of the log; no check. */
__attribute__((format(printf, 1, 2))) TAP_MAY_BE_UNUSED static void tap_note(const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("# ", stdout);
	tap_print("\n# ", format, arguments);
	va_end(arguments);
}

/* Prints the result line and returns whether the check held. Use tap_ok. */
__attribute__((format(printf, 4, 5))) TAP_MAY_BE_UNUSED static bool tap_check(
	bool holds, const char *file, int line, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	printf("%sok %u - ", holds ? "" : "not ", ++tap.checks);
	tap_print(" ", format, arguments);
	va_end(arguments);
	if (!holds) {
		tap.failed++;
		tap_note("%s:%d", file, line);
	}
	return holds;
}

/** Check a condition; the rest is a printf format that says what holds. */
#define tap_ok(condition, ...) tap_check((condition), __FILE__, __LINE__, __VA_ARGS__)

TAP_MAY_BE_UNUSED static bool tap_compare_ints(
	intmax_t got, intmax_t want, const char *file, int line, const char *what)
{
	bool same = tap_check(got == want, file, line, "%s", what);
	if (!same)
		tap_note("got %" PRIdMAX ", want %" PRIdMAX, got, want);
	return same;
}

/** Check that two integers are equal. */
#define tap_is_int(got, want, what) \
	tap_compare_ints((intmax_t)(got), (intmax_t)(want), __FILE__, __LINE__, (what))

TAP_MAY_BE_UNUSED static bool tap_compare_strings(
	const char *got, const char *want, const char *file, int line, const char *what)
{
	bool same = got && want ? strcmp(got, want) == 0 : got == want;
	tap_check(same, file, line, "%s", what);
	if (!same)
		tap_note("got \"%s\", want \"%s\"", got ? got : "(null)", want ? want : "(null)");
	return same;
}

/** Check that two strings are equal; NULL equals NULL alone. */
#define tap_is_string(got, want, what) tap_compare_strings((got), (want), __FILE__, __LINE__, (what))

TAP_MAY_BE_UNUSED static bool tap_find_string(
	const char *text, const char *part, const char *file, int line, const char *what)
{
	bool found = text && strstr(text, part);
	tap_check(found, file, line, "%s", what);
	if (!found)
		tap_note("no \"%s\" in \"%s\"", part, text ? text : "(null)");
	return found;
}

/** Check that a text contains a part. */
#define tap_has(text, part, what) tap_find_string((text), (part), __FILE__, __LINE__, (what))

/** A check that cannot be made here, and why. */
TAP_MAY_BE_UNUSED static void tap_skip(const char *what, const char *reason)
{
	printf("ok %u - %s # SKIP %s\n", ++tap.checks, what, reason);
	fflush(stdout);
}

/** The whole program cannot run here: `return tap_skip_all("why");` before any check. */
TAP_MAY_BE_UNUSED static int tap_skip_all(const char *reason)
{
	printf("1..0 # SKIP %s\n", reason);
	return 0;
}

/** What a forked child of a test exits with: 0 if all checks made so far held. */
TAP_MAY_BE_UNUSED static int tap_child_status(void)
{
	return tap.failed ? 1 : 0;
}

/** Print the plan; `return tap_done();` ends main. */
TAP_MAY_BE_UNUSED static int tap_done(void)
{
	tap_ok(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "no child is left");
	tap_is_int(tap_count_descriptors(), tap.descriptors, "no descriptor is left open");
	printf("1..%u\n", tap.checks);
	fflush(stdout);
	return tap.failed ? 1 : 0;
}

#endif
