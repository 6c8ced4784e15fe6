/**
 * expect.h: the expression language over a history. The room's front door.
 *
 * An expectation is one expression that is parsed and type-checked once and can then be checked against any number of
 * histories. Checking gives a verdict and, when the verdict is not "held", what a person needs to see why: the value
 * of each name and the tasks that broke it. Nothing here prints or runs a program: `kin expect` does, with tell.h, and
 * a test program can ask the same of a history of its own:
 *
 *     struct expectation *expectation;
 *     struct expect_error error;
 *     if (expectation_parse(&expectation, "threads == 2", 12, &error) < 0)
 *             return complain(error.offset, error.message);
 *     struct outcome outcome;
 *     if (expectation_check(expectation, &history, &outcome) == 0) {
 *             bool held = outcome.verdict == VERDICT_HELD;
 *             outcome_finish(&outcome);
 *     }
 *     expectation_destroy(expectation);
 *
 * The language is three-valued. What a history does not hold (a task let go, causes of faults without --faults, a
 * recording cut short) makes a value partly or wholly unknown, and an expression that depends on it can then be told
 * to be neither true nor false: VERDICT_CANNOT_TELL, under `!` too. A number of which only a bound is known still
 * decides what the bound decides: with at least 5 processes seen, `processes >= 3` holds.
 *
 * docs/man/kin-expect.1.scd has the grammar, vocabulary.c every name.
 */
#ifndef KIN_TOOL_EXPECT_EXPECT_H
#define KIN_TOOL_EXPECT_EXPECT_H

#include "base/text.h"
#include "model/history.h"

/** Longest expression, in bytes, and deepest nesting: more is an error, so that a check needs little stack. */
#define EXPECT_LENGTH_MAX 65536
#define EXPECT_DEPTH_MAX 500

struct expectation; // opaque: a parsed expression and the memory of its tree

/** Where an expression is wrong, and what was expected there. */
struct expect_error {
	size_t offset; // bytes from the start of the expression; its length when something is missing at the end
	char message[400];
};

/**
 * Parse and type-check an expression.
 *
 * The source need not end in NUL and is copied. On success *ret is owned by the caller: expectation_destroy() ends it.
 * Returns 0, -EINVAL (error is filled) or -ENOMEM; *ret is untouched on failure.
 */
int expectation_parse(
	struct expectation **ret, const char *source, size_t length, struct expect_error *error);

/** Free an expectation. NULL is welcome. Outcomes made with it stay valid. */
void expectation_destroy(struct expectation *expectation);

/** The expression as it was given, NUL-terminated (bytes of value 0 are no part of the language). */
const char *expectation_source(const struct expectation *expectation);

/** What a recording must hold, beyond the default, for the expression to be told. */
enum {
	EXPECT_NEEDS_FAULTS = 1 << 0, // causes of page faults: recorder_options.faults
	EXPECT_NEEDS_FAILED = 1 << 1, // failed calls: recorder_options.failed
};

/** The EXPECT_NEEDS_* bits of the names it uses. */
unsigned expectation_needs(const struct expectation *expectation);

enum verdict {
	VERDICT_HELD,
	VERDICT_NOT_HELD,
	VERDICT_CANNOT_TELL,
};

/** The value of one name (or selection, or quantifier) of the expression. */
struct seen {
	char *name; // as written in the expression
	char *value; // "3", "at least 3", "1.25s", "not known"
};

/** A task, a program it ran, a call of it that failed or a signal it got, which the broken part speaks of. */
struct culprit {
	const struct task *task;
	char *line; // one line for the user: "thread 1234 worker: faults.major = 3"
};

/** Culprits kept per check; outcome.more counts the others. */
#define OUTCOME_CULPRITS 10

struct outcome {
	enum verdict verdict;
	char *why; // VERDICT_CANNOT_TELL: the reason, one line; else NULL
	struct seen *seen;
	size_t n_seen;
	struct culprit culprits[OUTCOME_CULPRITS];
	size_t n_culprits;
	size_t more; // culprits beyond those kept
};

/**
 * Check an expectation against a history. Names, values and culprits are filled only when it did not hold.
 *
 * The outcome is the caller's to outcome_finish() and points into the history (culprit.task) alone. Any number of
 * threads may check against one history. Returns 0 or -ENOMEM (the outcome is then empty).
 */
int expectation_check(
	const struct expectation *expectation, const struct history *history, struct outcome *ret);

/** Free what an outcome owns. A zeroed one is welcome. */
void outcome_finish(struct outcome *outcome);

/** Append the names of the language, a line each: name, where it can be used, its type, its meaning. */
void expect_list_names(struct text *out);

#endif
