/* Sums, products, dot products. */
#include "reduce/array.h"

#include "base/api.h"

#include <errno.h>
#include <math.h>

static void combine_sums(void *into, const void *from)
{
	*(double *)into += *(const double *)from;
}

static void combine_products(void *into, const void *from)
{
	*(double *)into *= *(const double *)from;
}

static void combine_whole_sums(void *into, const void *from)
{
	wide_add(into, from);
}

static void combine_whole_products(void *into, const void *from)
{
	struct whole_product *product = into;
	const struct whole_product *factor = from;
	product->zero |= factor->zero;
	product->large |= factor->large;
	product->negative ^= factor->negative;
	if (!product->large)
		product->large =
			__builtin_mul_overflow(product->magnitude, factor->magnitude, &product->magnitude);
}

/* The bits of a NaN depend on the CPU and on which operand came first; all results have those of NAN. */
static double one_nan(double number)
{
	return isnan(number) ? NAN : number;
}

static int run_float(struct kin_pool *pool, const struct reduction *reduction, const struct kin_array *array,
	const struct kin_array *other, union kin_number *ret)
{
	double number;
	int failed = reduction_run(pool, reduction, array, other, &number);
	if (!failed)
		ret->f = one_nan(number);
	return failed;
}

static int run_whole(struct kin_pool *pool, kernel_fold *fold, const struct kin_array *array,
	const struct kin_array *other, union kin_number *ret)
{
	const struct reduction reduction = {
		.fold = fold,
		.combine = combine_whole_sums,
		.state_size = sizeof(struct wide),
	};
	struct wide wide;
	int failed = reduction_run(pool, &reduction, array, other, &wide);
	if (failed)
		return failed;
	return type_is_signed(array->type) ? wide_to_i64(&wide, &ret->i) : wide_to_u64(&wide, &ret->u);
}

KIN_API int kin_array_sum(struct kin_pool *pool, const struct kin_array *array, union kin_number *sum)
{
	struct kin_array checked;
	int failed = array_check(array, &checked);
	if (failed)
		return failed;
	if (!checked.count) {
		*sum = (union kin_number){ 0 };
		return 0;
	}
	if (!type_is_float(checked.type))
		return run_whole(pool, whole_kernels_of(checked.type)->sum, &checked, NULL, sum);
	const struct reduction reduction = {
		.fold = float_kernels_of(checked.type)->sum,
		.combine = combine_sums,
		.state_size = sizeof(double),
		.is_tree = true,
	};
	return run_float(pool, &reduction, &checked, NULL, sum);
}

static int check_two(
	const struct kin_array *first, const struct kin_array *second, struct kin_array checked[2])
{
	int failed = array_check(first, &checked[0]);
	if (!failed)
		failed = array_check(second, &checked[1]);
	if (!failed && (checked[0].type != checked[1].type || checked[0].count != checked[1].count))
		failed = -EINVAL;
	return failed;
}

KIN_API int kin_array_dot(struct kin_pool *pool, const struct kin_array *first,
	const struct kin_array *second, union kin_number *dot)
{
	struct kin_array checked[2];
	int failed = check_two(first, second, checked);
	if (failed)
		return failed;
	enum kin_type type = checked[0].type;
	if (!checked[0].count) {
		*dot = (union kin_number){ 0 };
		return 0;
	}
	if (!type_is_float(type))
		return run_whole(pool, whole_kernels_of(type)->dot, &checked[0], &checked[1], dot);
	const struct reduction reduction = {
		.fold = float_kernels_of(type)->dot,
		.combine = combine_sums,
		.state_size = sizeof(double),
		.is_tree = true,
	};
	return run_float(pool, &reduction, &checked[0], &checked[1], dot);
}

static int finish_product(const struct whole_product *product, bool is_signed, union kin_number *ret)
{
	uint64_t magnitude = product->zero ? 0 : product->magnitude;
	if (product->large && !product->zero)
		return -EOVERFLOW;
	if (!is_signed) {
		ret->u = magnitude;
		return 0;
	}
	if (magnitude > (uint64_t)INT64_MAX + product->negative)
		return -EOVERFLOW;
	ret->i = (int64_t)(product->negative ? -magnitude : magnitude);
	return 0;
}

static int product_of_whole(struct kin_pool *pool, const struct kin_array *array, union kin_number *ret)
{
	const struct reduction reduction = {
		.fold = whole_kernels_of(array->type)->product,
		.combine = combine_whole_products,
		.state_size = sizeof(struct whole_product),
		.start.product = { .magnitude = 1 },
	};
	struct whole_product product;
	int failed = reduction_run(pool, &reduction, array, NULL, &product);
	if (failed)
		return failed;
	return finish_product(&product, type_is_signed(array->type), ret);
}

KIN_API int kin_array_product(struct kin_pool *pool, const struct kin_array *array, union kin_number *product)
{
	struct kin_array checked;
	int failed = array_check(array, &checked);
	if (failed)
		return failed;
	if (!type_is_float(checked.type)) {
		if (checked.count)
			return product_of_whole(pool, &checked, product);
		product->u = 1;
		return 0;
	}
	if (!checked.count) {
		product->f = 1;
		return 0;
	}
	const struct reduction reduction = {
		.fold = float_kernels_of(checked.type)->product,
		.combine = combine_products,
		.state_size = sizeof(double),
		.is_tree = true,
	};
	return run_float(pool, &reduction, &checked, NULL, product);
}
