/* The least and the greatest item. */
#include "reduce/array.h"

#include "base/api.h"

#include <math.h>

/*
 * Which of two results, `from` being about higher indexes, is the better one: that of the lower indexes if neither
 * is.
 */
#define COMBINE(name, number, compare) \
	static void combine_##name(void *into, const void *from) \
	{ \
		struct kin_extreme *best = into; \
		const struct kin_extreme *other = from; \
		if (other->value.number compare best->value.number) \
			*best = *other; \
	}
COMBINE(least_signed, i, <)
COMBINE(least_unsigned, u, <)
COMBINE(greatest_signed, i, >)
COMBINE(greatest_unsigned, u, >)

/* Floats: a NaN before all, and -0 below +0. */
static bool is_less(double a, double b)
{
	return a < b || (a == b && signbit(a) && !signbit(b));
}

static void combine_least_float(void *into, const void *from)
{
	struct kin_extreme *best = into;
	const struct kin_extreme *other = from;
	if (!isnan(best->value.f) && (isnan(other->value.f) || is_less(other->value.f, best->value.f)))
		*best = *other;
}

static void combine_greatest_float(void *into, const void *from)
{
	struct kin_extreme *best = into;
	const struct kin_extreme *other = from;
	if (!isnan(best->value.f) && (isnan(other->value.f) || is_less(best->value.f, other->value.f)))
		*best = *other;
}

/* Bits of the items of a signed or unsigned type. */
static unsigned type_bits(enum kin_type type)
{
	return 8 * (unsigned)type_size(type);
}

/* What is above all items, or below them; for integers the last of the type. */
static union kin_number identity(enum kin_type type, bool greatest)
{
	union kin_number number;
	if (type_is_float(type)) {
		number.f = greatest ? -INFINITY : INFINITY;
	} else if (type_is_signed(type)) {
		int64_t most = INT64_MAX >> (64 - type_bits(type));
		number.i = greatest ? -most - 1 : most;
	} else {
		number.u = greatest ? 0 : UINT64_MAX >> (64 - type_bits(type));
	}
	return number;
}

static void choose(struct reduction *reduction, enum kin_type type, bool greatest)
{
	if (type_is_float(type)) {
		const struct float_kernels *kernels = float_kernels_of(type);
		reduction->fold = greatest ? kernels->greatest : kernels->least;
		reduction->combine = greatest ? combine_greatest_float : combine_least_float;
		return;
	}
	const struct whole_kernels *kernels = whole_kernels_of(type);
	reduction->fold = greatest ? kernels->greatest : kernels->least;
	if (type_is_signed(type))
		reduction->combine = greatest ? combine_greatest_signed : combine_least_signed;
	else
		reduction->combine = greatest ? combine_greatest_unsigned : combine_least_unsigned;
}

static int extreme(
	struct kin_pool *pool, const struct kin_array *array, bool greatest, struct kin_extreme *ret_extreme)
{
	struct kin_array checked;
	int failed = array_check(array, &checked);
	if (failed)
		return failed;
	struct reduction reduction = { .state_size = sizeof(struct kin_extreme) };
	reduction.start.extreme.value = identity(checked.type, greatest);
	reduction.start.extreme.index = SIZE_MAX;
	if (!checked.count) {
		*ret_extreme = reduction.start.extreme;
		return 0;
	}
	choose(&reduction, checked.type, greatest);
	struct kin_extreme best;
	failed = reduction_run(pool, &reduction, &checked, NULL, &best);
	if (!failed)
		*ret_extreme = best;
	return failed;
}

KIN_API int kin_array_min(struct kin_pool *pool, const struct kin_array *array, struct kin_extreme *least)
{
	return extreme(pool, array, false, least);
}

KIN_API int kin_array_max(struct kin_pool *pool, const struct kin_array *array, struct kin_extreme *greatest)
{
	return extreme(pool, array, true, greatest);
}
