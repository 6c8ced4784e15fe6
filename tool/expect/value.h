/**
 * value.h: the values of the language: types, exact numbers of which only bounds may be known, and three truths.
 */
#ifndef KIN_TOOL_EXPECT_VALUE_H
#define KIN_TOOL_EXPECT_VALUE_H

#include "base/text.h"
#include "model/history.h"

enum value_type {
	TYPE_BOOL,
	TYPE_NUMBER,
	TYPE_DURATION, // in ns
	TYPE_SIZE, // in bytes
	TYPE_STRING,
	TYPE_WORDS, // a list of strings
	TYPE_FLAGS, // CLONE_* bits
	TYPE_SIGNAL, // a signal's number, 0 for none
	TYPE_ERROR, // an errno value
};

/** "a number", "a duration", ... */
const char *type_name(enum value_type type);

/** A number, a duration or a size: what can be ordered and calculated with. */
bool type_is_quantity(enum value_type type);

/** The unit of that name ("ms", "MiB"): its type and its worth in ns or bytes. Returns false if there is none. */
bool unit_find(const char *name, size_t length, enum value_type *type, int64_t *worth);

/** An exact fraction in lowest terms; below is positive. Zero bytes are not a valid one: use fraction_of. */
struct fraction {
	int64_t above, below;
};

/** Bounds of a number, both included; low == high when it is known exactly. */
struct range {
	struct fraction low, high;
	bool no_low, no_high; // unbounded on that side
};

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNKNOWN };

/** Why something is not known: a text, and the task it is about if it is about one. */
struct reason {
	const char *text; // NULL: nothing is unknown
	const struct task *task;
};

/** One value. Which fields count depends on its type. */
struct value {
	enum value_type type;
	enum truth truth; // TYPE_BOOL
	struct range range; // quantities, signals and errors
	bool known; // strings, words and flags
	const char *string; // never NULL when known
	const struct words *words; // never NULL when known
	uint64_t flags;
	struct reason why; // when it is not known exactly
};

struct fraction fraction_of(int64_t whole);

/** Reduce above / below and store it. Returns 0, or -EOVERFLOW when it does not fit; below must not be 0. */
int fraction_make(struct fraction *ret, int64_t above, int64_t below);

/** -1, 0 or 1. */
int fraction_compare(struct fraction a, struct fraction b);

/**
 * Arithmetic. '+', '-', '*', '/' and '%' on ranges; where bounds cannot be kept (a product of two ranges, a divisor
 * that may be zero) the result is unbounded. Returns 0, -EOVERFLOW, or -EDOM for an exact number divided by zero;
 * *ret is then not to be used.
 */
int range_calculate(struct range *ret, char operation, const struct range *a, const struct range *b);

bool range_is_exact(const struct range *range);
enum truth range_less(const struct range *a, const struct range *b);
enum truth range_equal(const struct range *a, const struct range *b);

enum truth truth_not(enum truth a);
enum truth truth_and(enum truth a, enum truth b);
enum truth truth_or(enum truth a, enum truth b);

/** Make values. A count above INT64_MAX becomes "at least that". */
void value_set_count(struct value *value, enum value_type type, uint64_t count);
void value_set_truth(struct value *value, bool truth);
void value_set_string(struct value *value, const char *string);

/** A quantity of which nothing but a lower bound is known; any other type, of which nothing is known. */
void value_set_unknown(struct value *value, enum value_type type, const char *why, const struct task *task);

/** Whether all there is to know of it is known. */
bool value_is_exact(const struct value *value);

/** As a person would write it: "3", "at least 3", "1.25s", "64MiB", "CLONE_VM|CLONE_FS", "not known". */
void value_format(struct text *text, const struct value *value);

/** The reason in words, with its task's TID and title. Nothing for no reason. */
void reason_format(struct text *text, const struct reason *reason);

/** Whether a string matches a pattern of *, ?, [a-z], [!a-z] and \x. A star matches slashes too. */
bool glob_match(const char *pattern, const char *string);

#endif
