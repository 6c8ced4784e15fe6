/**
 * tell.h: what became of expectations, as text: for a person, as TAP 14, as JUnit XML. Nothing is printed here.
 */
#ifndef KIN_TOOL_EXPECT_TELL_H
#define KIN_TOOL_EXPECT_TELL_H

#include "expect/expect.h"

/** An expectation and what became of it. */
struct told {
	struct expectation *expectation;
	struct outcome outcome;
};

struct report {
	const char *title; // what was run, one line
	const struct history *history;
	const struct told *told;
	size_t count;
	const char *broken; // why nothing could be checked (the program did not start), or NULL
};

/** A wrong expression, with a caret under the place; a long one is shown in part. */
void tell_error(struct text *out, const char *source, const struct expect_error *error);

/** The expectations that did not hold, with names, values and tasks. Nothing if all held. */
void tell_report(struct text *out, const struct report *report);

/** All of them as TAP version 14; with report->broken a bail-out. */
void tap_report(struct text *out, const struct report *report);

/** All of them as one JUnit test suite: a failure for "not held", an error for "cannot tell" and report->broken. */
void junit_report(struct text *out, const struct report *report);

/** "not held" or "cannot tell". */
const char *verdict_name(enum verdict verdict);

/** What to write for an ASCII character instead of itself, or NULL. */
typedef const char *escape_function(char c);

/**
 * Append a string as valid UTF-8 in one line: line breaks and tabs become blanks, other control characters, code points
 * that XML does not allow and bytes that are not UTF-8 become '?'. escape can be NULL.
 */
void tell_line(struct text *out, const char *string, escape_function *escape);

#endif
