/*
 * Any bytes as an expression: it is parsed, checked against a history with something of everything, and told.
 * What must hold: nothing crashes, an error points into the expression, and "not" turns a verdict round.
 */
#include "expect/tell.h"
#include "expect_history.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_history(struct family *family)
{
	family_begin(family, "ptrace,seccomp,perf faults", "all");
	birth_of_prog(family);
	runs(family, 1, "./prog", "/tmp/prog", "./prog -x");
	birth(family, 1, CALL_CLONE3, FLAGS_PTHREAD, 100);
	named(family, 2, "worker1");
	birth(family, 1, CALL_CLONE, FLAGS_FORK, 0);
	runs(family, 3, "/usr/bin/sh", "/usr/bin/dash", "sh -c true");
	birth(family, 3, CALL_UNKNOWN, 0, 0);
	signalled(family, 3, 15, 100);
	fails(family, 3, CALL_EXECVE, ENOENT, "/a/x");
	faults(family, 1, CAUSE_COW, 7);
	faults(family, 1, CAUSE_OTHER, 1);
	exits_with(family, 2, 0, false, 3, 0);
	exits_with(family, 3, 9, true, 0, 2048);
	exits(family, 1, 1);
	let_go(family, 4);
	family_end(family, 0);
}

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

static enum verdict check(const struct history *history, const char *source, size_t length, bool *parsed)
{
	struct expect_error error;
	struct told told = { 0 };
	struct text text = { 0 };
	*parsed = expectation_parse(&told.expectation, source, length, &error) == 0;
	if (!*parsed) {
		demand(error.offset <= length && *error.message,
			"an error points into the expression and has a text");
		char *copy = strndup(source, length);
		tell_error(&text, copy, &error);
		free(copy);
		text_finish(&text);
		return VERDICT_CANNOT_TELL;
	}
	demand(expectation_check(told.expectation, history, &told.outcome) == 0, "a check needs only memory");
	enum verdict verdict = told.outcome.verdict;
	demand((verdict == VERDICT_CANNOT_TELL) == (told.outcome.why != NULL),
		"what cannot be told has a reason");
	demand(!told.outcome.why || *told.outcome.why, "the reason has a text");
	struct report report = { .title = "fuzz", .history = history, .told = &told, .count = 1 };
	tell_report(&text, &report);
	tap_report(&text, &report);
	junit_report(&text, &report);
	text_finish(&text);
	outcome_finish(&told.outcome);
	expectation_destroy(told.expectation);
	return verdict;
}

static void check_negation(
	const struct history *history, const char *source, size_t length, enum verdict verdict)
{
	char *negated = malloc(length + 3);
	bool parsed;
	negated[0] = '!';
	negated[1] = '(';
	memcpy(negated + 2, source, length);
	negated[length + 2] = ')';
	enum verdict other = check(history, negated, length + 3, &parsed);
	free(negated);
	if (!parsed) // one level too deep, or too long
		return;
	enum verdict want = verdict == VERDICT_HELD       ? VERDICT_NOT_HELD
			    : verdict == VERDICT_NOT_HELD ? VERDICT_HELD
							  : VERDICT_CANNOT_TELL;
	demand(other == want, "not turns the verdict round");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct family family;
	if (!family.history.started)
		make_history(&family);
	bool parsed;
	char *source = malloc(size + 1); // no NUL behind it: reading too far is seen
	if (size)
		memcpy(source, data, size);
	char *exact = realloc(source, size ? size : 1);
	enum verdict verdict = check(&family.history, exact, size, &parsed);
	if (parsed)
		check_negation(&family.history, exact, size, verdict);
	free(exact);
	return 0;
}
