/* Exact numbers and their bounds. Fractions, so that cpu / wall > 1.5 and 0.1 + 0.2 == 0.3 are what they seem. */
#include "expect/value.h"

#include <errno.h>

typedef __int128 wide; // holds the product of two int64_t, and the sum of two such products

struct fraction fraction_of(int64_t whole)
{
	return (struct fraction){ .above = whole, .below = 1 };
}

static wide magnitude(wide a)
{
	return a < 0 ? -a : a;
}

static int reduce(struct fraction *ret, wide above, wide below)
{
	if (below < 0) {
		above = -above;
		below = -below;
	}
	wide a = magnitude(above), b = below;
	while (b) {
		wide rest = a % b;
		a = b;
		b = rest;
	}
	above /= a;
	below /= a;
	if (above > INT64_MAX || above < -INT64_MAX || below > INT64_MAX)
		return -EOVERFLOW;
	*ret = (struct fraction){ .above = (int64_t)above, .below = (int64_t)below };
	return 0;
}

int fraction_make(struct fraction *ret, int64_t above, int64_t below)
{
	return reduce(ret, above, below);
}

int fraction_compare(struct fraction a, struct fraction b)
{
	wide left = (wide)a.above * b.below, right = (wide)b.above * a.below;
	return left < right ? -1 : left > right;
}

static int fraction_calculate(struct fraction *ret, char operation, struct fraction a, struct fraction b)
{
	wide left = (wide)a.above * b.below, right = (wide)b.above * a.below, below = (wide)a.below * b.below;
	switch (operation) {
	case '+':
		return reduce(ret, left + right, below);
	case '-':
		return reduce(ret, left - right, below);
	case '*':
		return reduce(ret, (wide)a.above * b.above, below);
	case '/':
		return right == 0 ? -EDOM : reduce(ret, left, right);
	default:
		return right == 0 ? -EDOM : reduce(ret, left % right, below);
	}
}

bool range_is_exact(const struct range *range)
{
	return !range->no_low && !range->no_high && fraction_compare(range->low, range->high) == 0;
}

static const struct range unbounded = {
	.low = { 0, 1 },
	.high = { 0, 1 },
	.no_low = true,
	.no_high = true,
};

/* a + b, or a - b with b turned round. A bound that overflows is an error: nothing wrong may be told from it. */
static int add(struct range *ret, char operation, const struct range *a, const struct range *b)
{
	bool minus = operation == '-';
	struct range sum = {
		.low = { 0, 1 },
		.high = { 0, 1 },
		.no_low = a->no_low || (minus ? b->no_high : b->no_low),
		.no_high = a->no_high || (minus ? b->no_low : b->no_high),
	};
	int error = 0;
	if (!sum.no_low)
		error = fraction_calculate(&sum.low, operation, a->low, minus ? b->high : b->low);
	if (error == 0 && !sum.no_high)
		error = fraction_calculate(&sum.high, operation, a->high, minus ? b->low : b->high);
	*ret = sum;
	return error;
}

/* a * b or a / b where b is exact and not 0. */
static int scale(struct range *ret, char operation, const struct range *a, struct fraction b)
{
	struct range scaled = *a;
	int error = 0;
	if (!a->no_low)
		error = fraction_calculate(&scaled.low, operation, a->low, b);
	if (error == 0 && !a->no_high)
		error = fraction_calculate(&scaled.high, operation, a->high, b);
	*ret = scaled;
	if (b.above < 0)
		*ret = (struct range){ scaled.high, scaled.low, scaled.no_high, scaled.no_low };
	return error;
}

int range_calculate(struct range *ret, char operation, const struct range *a, const struct range *b)
{
	bool exact_a = range_is_exact(a), exact_b = range_is_exact(b);
	if (operation == '+' || operation == '-')
		return add(ret, operation, a, b);
	if (exact_a && exact_b) {
		int error = fraction_calculate(&ret->low, operation, a->low, b->low);
		ret->high = ret->low;
		ret->no_low = ret->no_high = false;
		return error;
	}
	if (exact_b && b->low.above != 0 && operation != '%')
		return scale(ret, operation, a, b->low);
	if (operation == '*' && exact_a && a->low.above != 0)
		return scale(ret, operation, b, a->low);
	*ret = unbounded;
	return 0;
}

enum truth range_less(const struct range *a, const struct range *b)
{
	if (!a->no_high && !b->no_low && fraction_compare(a->high, b->low) < 0)
		return TRUTH_YES;
	if (!a->no_low && !b->no_high && fraction_compare(a->low, b->high) >= 0)
		return TRUTH_NO;
	return TRUTH_UNKNOWN;
}

enum truth range_equal(const struct range *a, const struct range *b)
{
	if (range_less(a, b) == TRUTH_YES || range_less(b, a) == TRUTH_YES)
		return TRUTH_NO;
	return range_is_exact(a) && range_is_exact(b) ? TRUTH_YES : TRUTH_UNKNOWN;
}

enum truth truth_not(enum truth a)
{
	return a == TRUTH_UNKNOWN ? TRUTH_UNKNOWN : a == TRUTH_YES ? TRUTH_NO : TRUTH_YES;
}

enum truth truth_and(enum truth a, enum truth b)
{
	if (a == TRUTH_NO || b == TRUTH_NO)
		return TRUTH_NO;
	return a == TRUTH_YES && b == TRUTH_YES ? TRUTH_YES : TRUTH_UNKNOWN;
}

enum truth truth_or(enum truth a, enum truth b)
{
	return truth_not(truth_and(truth_not(a), truth_not(b)));
}
