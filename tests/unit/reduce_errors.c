/* Reductions of nothing, and of what is no array. */
#include "reduce_data.h"

#include <math.h>

static struct kin_array nothing(enum kin_type type)
{
	return (struct kin_array){ NULL, 0, 0, type };
}

static void test_nothing_whole(void)
{
	for (size_t t = 0; t < WHOLE_TYPES; t++) {
		enum kin_type type = whole_types[t];
		struct kin_array array = nothing(type);
		union kin_number sum = { .u = 5 }, product = { .u = 5 }, dot = { .u = 5 };
		struct kin_extreme least = { .index = 5 }, greatest = { .index = 5 };
		unsigned unused = 64 - 8 * (unsigned)item_size(type);
		size_t count = 5;
		tap_ok(kin_array_sum(NULL, &array, &sum) == 0 && sum.u == 0, "%s: sum of nothing",
			type_name(type));
		tap_ok(kin_array_product(NULL, &array, &product) == 0 && product.u == 1,
			"product of nothing");
		tap_ok(kin_array_dot(NULL, &array, &array, &dot) == 0 && dot.u == 0,
			"dot product of nothing");
		tap_ok(kin_array_count_if(NULL, &array, KIN_NOT_EQUAL, sum, &count) == 0 && count == 0,
			"count");
		kin_array_min(NULL, &array, &least);
		kin_array_max(NULL, &array, &greatest);
		if (is_signed(type))
			tap_ok(least.value.i == INT64_MAX >> unused &&
					greatest.value.i == INT64_MIN >> unused,
				"extremes of nothing are those of the type");
		else
			tap_ok(least.value.u == UINT64_MAX >> unused && greatest.value.u == 0,
				"extremes of nothing are those of the type");
		tap_ok(least.index == SIZE_MAX && greatest.index == SIZE_MAX, "and lie nowhere");
	}
}

static void test_nothing_float(void)
{
	for (enum kin_type type = KIN_F32; type <= KIN_F64; type++) {
		struct kin_array array = nothing(type);
		union kin_number sum = { .f = 5 }, product = { .f = 5 }, dot = { .f = 5 }, exact = { .f = 5 };
		struct kin_extreme least = { .index = 5 }, greatest = { .index = 5 };
		tap_ok(kin_array_sum(NULL, &array, &sum) == 0 && sum.u == 0, "%s: sum of nothing",
			type_name(type));
		tap_ok(kin_array_product(NULL, &array, &product) == 0 && product.f == 1,
			"product of nothing");
		tap_ok(kin_array_dot(NULL, &array, &array, &dot) == 0 && dot.u == 0,
			"dot product of nothing");
		tap_ok(kin_array_sum_exact(NULL, &array, &exact) == 0 && exact.u == 0,
			"exact sum of nothing");
		kin_array_min(NULL, &array, &least);
		kin_array_max(NULL, &array, &greatest);
		tap_ok(least.value.f == INFINITY && greatest.value.f == -INFINITY, "extremes of nothing");
		tap_ok(least.index == SIZE_MAX && greatest.index == SIZE_MAX, "lie nowhere");
	}
}

/* Every function on a bad array; results stay. */
static int errors_of(const struct kin_array *array)
{
	union kin_number number = { .u = 4711 };
	struct kin_extreme extreme = { .index = 4711 };
	struct kin_moments moments = { .count = 4711 };
	size_t count = 4711;
	const int results[] = {
		kin_array_sum(NULL, array, &number),
		kin_array_product(NULL, array, &number),
		kin_array_dot(NULL, array, array, &number),
		kin_array_sum_exact(NULL, array, &number),
		kin_array_min(NULL, array, &extreme),
		kin_array_max(NULL, array, &extreme),
		kin_array_moments(NULL, array, &moments),
		kin_array_count_if(NULL, array, KIN_LESS, number, &count),
	};
	for (size_t i = 1; i < sizeof results / sizeof *results; i++)
		if (results[i] != results[0])
			return 1;
	return number.u == 4711 && extreme.index == 4711 && moments.count == 4711 && count == 4711
		       ? results[0]
		       : 2;
}

static void test_bad_arrays(void)
{
	double items[4] = { 1, 2, 3, 4 };
	tap_is_int(errors_of(NULL), -EINVAL, "no array");
	tap_is_int(errors_of(&(struct kin_array){ NULL, 1, 0, KIN_F64 }), -EINVAL, "no items");
	tap_is_int(errors_of(&(struct kin_array){ items, 4, 0, 0 }), -EINVAL, "no type");
	tap_is_int(errors_of(&(struct kin_array){ items, 0, 0, 11 }), -EINVAL,
		"an unknown type, even of nothing");
	tap_is_int(
		errors_of(&(struct kin_array){ items, SIZE_MAX, 0, KIN_F64 }), -EOVERFLOW, "too many items");
	tap_is_int(errors_of(&(struct kin_array){ items, SIZE_MAX / 8, 0, KIN_F64 }), -EOVERFLOW,
		"the whole memory");
	tap_is_int(errors_of(&(struct kin_array){ items, 3, PTRDIFF_MAX, KIN_F64 }), -EOVERFLOW,
		"too far apart");
	tap_is_int(errors_of(&(struct kin_array){ items, 2, PTRDIFF_MIN, KIN_F64 }), -EOVERFLOW,
		"and backwards");
	tap_is_int(errors_of(&(struct kin_array){ items, 3, -((ptrdiff_t)items / 2 + 8), KIN_F64 }),
		-EOVERFLOW, "below address 0");
	tap_is_int(errors_of(&(struct kin_array){ (void *)(UINTPTR_MAX - 15), 3, 0, KIN_F64 }), -EOVERFLOW,
		"beyond the last address");
}

static void test_bad_pairs(void)
{
	double items[4] = { 1, 2, 3, 4 };
	struct kin_array array = { items, 4, 0, KIN_F64 }, shorter = { items, 3, 0, KIN_F64 };
	struct kin_array other = { items, 4, 0, KIN_I64 };
	union kin_number number = { .u = 4711 };
	size_t count = 4711;
	float narrow = 4711;
	tap_is_int(kin_array_dot(NULL, &array, &shorter, &number), -EINVAL, "two counts");
	tap_is_int(kin_array_dot(NULL, &array, &other, &number), -EINVAL, "two types");
	tap_is_int(kin_array_dot(NULL, &array, NULL, &number), -EINVAL, "only one array");
	tap_is_int(kin_array_sum_exact(NULL, &other, &number), -EINVAL, "an exact sum of integers");
	tap_is_int(kin_array_sum_exact_f32(NULL, &array, &narrow), -EINVAL, "a float's exact sum of doubles");
	tap_is_int(kin_array_count_if(NULL, &array, 0, number, &count), -EINVAL, "no comparison");
	tap_is_int(kin_array_count_if(NULL, &array, 7, number, &count), -EINVAL, "an unknown comparison");
	tap_is_int(kin_array_count_where(NULL, &array, NULL, NULL, &count), -EINVAL, "no predicate");
	tap_ok(number.u == 4711 && count == 4711 && narrow == 4711, "results stay");
}

int main(void)
{
	test_nothing_whole();
	test_nothing_float();
	test_bad_arrays();
	test_bad_pairs();
	return tap_done();
}
