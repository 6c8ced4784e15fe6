/**
 * kin/reduce.h: one result from many items, with the same bits on any workers.
 *
 *	int64_t sum;
 *	kin_sum_i32(NULL, items, count, &sum);              // -EOVERFLOW if it does not fit, never a wrong sum
 *
 *	double total;
 *	kin_sum_exact_f64(NULL, numbers, count, &total);    // correctly rounded, in any order of the numbers
 *
 *	struct kin_array prices = { &orders[0].price, order_count, sizeof *orders, KIN_F32 };     // a column of a table
 *	struct kin_moments moments;
 *	kin_array_moments(NULL, &prices, &moments);
 *
 * kin_reduce folds anything; the typed reductions know ten types of numbers and run at the speed of the memory.
 * Each comes as kin_array_NAME, for any type and stride, and as kin_NAME_TYPE, for plain arrays of i8 to i64, u8 to
 * u64, f32 and f64. In C11 kin_sum, kin_product, kin_dot, kin_min, kin_max, kin_count_if and kin_sum_exact pick by
 * the type of items. All of them read arrays and change nothing.
 *
 * Whole numbers. Sums and dot products of signed types are an int64_t, those of unsigned types a uint64_t. They are
 * exact: it does not matter what happens on the way, and -EOVERFLOW says that the result itself does not fit.
 *
 * Floats. f32 is computed in double. Results are the same to the last bit on any number and kind of workers, and
 * with any instructions (SSE2, AVX2, AVX-512, NEON or none), because the order of additions is written down here.
 * An array is cut into blocks of 2048 items. In a block, item i is added to running result i modulo 32, of 32 that
 * begin at +0 (at 1 for products). These are folded in halves: result j takes in j + 16, for j below 16, then j +
 * 8, j + 4, j + 2, j + 1. Blocks are combined with their neighbours, (0 1) (2 3) and so on; then the results of
 * that are, the last of an odd number going up as it is, until one is left. No multiplication is contracted into an
 * addition. So the bits do depend on the order of the items, and where the array is cut if the caller cuts it:
 * kin_array_sum_exact depends on neither.
 *
 * An item passes through at most 64 + 5 + log2(count / 2048) additions, so the error of a sum is at most about that
 * many times 2^-53 of the sum of the items' magnitudes, 88 for a billion items; adding one after the other gives
 * 2^30 (Higham, "The accuracy of floating point summation", 1993). Sums that do not depend on the order, but are
 * not exact, are Demmel and Nguyen's ("Parallel reproducible summation", 2015); the exact sum here costs less than
 * their method was measured to.
 *
 * NaN and zeros. A NaN among the items makes a NaN of sums, products, dot products, moments and extremes; all have
 * the same bits, those of NAN. In comparisons a NaN is "not equal" to everything and nothing else. -0 is less than
 * +0 for extremes and equal for comparisons; sums are never -0. The rounding mode is taken to be to nearest, and
 * denormals to be on.
 *
 * Nothing. An array of no items, which can be NULL, gives the identity: sum and dot product 0, product 1, the least
 * item the type's greatest value or infinity, with index SIZE_MAX, and the contrary; a mean of NaN; a count of 0.
 *
 * Errors of all typed reductions: -EINVAL: unknown type, NULL with a count above 0, arrays that do not go together;
 * -EOVERFLOW: an array that does not fit in the address space, or a whole result that does not fit its type;
 * otherwise as kin_for. Results are untouched on failure. Cost: one pass, in order; items that do not follow one
 * another, or are not aligned to their size, are gathered first, which is some times slower in the caches and less
 * so from memory. With processes, arrays in shared memory (kin/shm.h) are read by the pool's own workers, others by
 * workers forked for the call.
 *
 * All functions can be called from any thread, several at a time, and in a forked child; not from signal handlers.
 * The caller owns the arrays, which may not change meanwhile.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_REDUCE_H
#define KIN_REDUCE_H

#include <kin/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Fold the indexes [begin, end) into *state, which holds the identity, or what earlier chunks left. */
typedef int kin_fold(size_t begin, size_t end, void *state, void *arg);

/** *into = *into combined with *from, in this order: from is about higher indexes. Associative; need not commute. */
typedef int kin_combine(void *into, const void *from, void *arg);

/** A reduction of any kind. Zero is the default where it says so. */
struct kin_reduction {
	size_t size; /* sizeof(struct kin_reduction), or 0: this version's */
	size_t state_size; /* bytes of a partial result; any */
	const void *identity; /* state_size bytes that each chunk begins with; NULL: zero bytes */
	kin_fold *fold;
	kin_combine *combine;
	void *arg; /* handed to both */
	size_t grain; /* indexes in a chunk; 0: kin chooses, by the length and the state's size alone */
};

/**
 * Fold a range chunk by chunk, each beginning with the identity, and combine the chunks' states in one fixed binary
 * tree: the result depends on the range, the grain and the functions, and on no worker.
 *
 * @param pool       NULL: the default pool
 * @param begin      first index
 * @param end        one past the last; an empty range gives the identity
 * @param reduction  what to compute
 * @param result     receives state_size bytes; untouched on failure
 * @return           as kin_for; what fold or combine returned if not 0; also -EINVAL: no state, fold or combine
 *
 * combine runs in threads of the caller's process, also for processes. Since 0.1.
 */
int kin_reduce(
	struct kin_pool *pool, size_t begin, size_t end, const struct kin_reduction *reduction, void *result);

/* --- typed reductions --- */

/** The type of an array's items. */
enum kin_type {
	KIN_I8 = 1,
	KIN_I16,
	KIN_I32,
	KIN_I64,
	KIN_U8,
	KIN_U16,
	KIN_U32,
	KIN_U64,
	KIN_F32,
	KIN_F64,
};

/** An array of numbers, or a column of a table of records. */
struct kin_array {
	const void *items; /* can be NULL if count is 0 */
	size_t count;
	ptrdiff_t stride; /* bytes from one item to the next, can be negative; 0: the item's size */
	enum kin_type type;
};

/** A number: i for signed types, u for unsigned ones, f for both floats. */
union kin_number {
	int64_t i;
	uint64_t u;
	double f;
};

/**
 * The sum of all items: see the top of this file for the order in which floats are added.
 *
 * @param pool   NULL: the default pool
 * @param array  read only
 * @param sum    receives it, as the member for the type says
 * @return       0; -EINVAL; -EOVERFLOW; as kin_for
 *
 * Runs at the speed of the memory. Since 0.1.
 */
int kin_array_sum(struct kin_pool *pool, const struct kin_array *array, union kin_number *sum);

/**
 * The exact sum of floats, rounded once to the nearest double, ties to even: the same whatever the order of the
 * items, and whatever a part of them adds up to on the way. Infinities of one sign give that infinity, of both NaN;
 * a sum of zeros, or one that is exactly 0, is +0.
 *
 * @param pool   NULL: the default pool
 * @param array  of KIN_F32 or KIN_F64; read only
 * @param sum    receives it in f; infinity if it is beyond the largest double
 * @return       0; -EINVAL, also for types that are no floats; -EOVERFLOW: the array does not fit in memory; as
 *               kin_for
 *
 * Blocks whose last bits lie within some 100 bits of their first ones are added at about the speed of the memory;
 * others need up to 5 ns an item. After Neal, "Fast exact summation using small and large
 * superaccumulators", 2015, and, for blocks, Demmel and Nguyen's slices. Since 0.1.
 */
int kin_array_sum_exact(struct kin_pool *pool, const struct kin_array *array, union kin_number *sum);

/**
 * The exact sum of an array of KIN_F32, rounded once to the nearest float; which is not always the double that
 * kin_array_sum_exact gives, rounded again.
 *
 * @param pool   NULL: the default pool
 * @param array  of KIN_F32; read only
 * @param sum    receives it; infinity if it is beyond the largest float
 * @return       as kin_array_sum_exact
 *
 * Since 0.1.
 */
int kin_array_sum_exact_f32(struct kin_pool *pool, const struct kin_array *array, float *sum);

/** An item and where it is. */
struct kin_extreme {
	union kin_number value;
	size_t index; /* the lowest of equal ones; SIZE_MAX: there are no items */
};

/**
 * The least item. Floats: -0 is less than +0; if there are NaN, the first of them.
 *
 * @param pool   NULL: the default pool
 * @param array  read only
 * @param least  receives it; of no items the greatest value of the type, or infinity, with index SIZE_MAX
 * @return       0; -EINVAL; -EOVERFLOW: the array does not fit in memory; as kin_for
 *
 * Runs at the speed of the memory. Since 0.1.
 */
int kin_array_min(struct kin_pool *pool, const struct kin_array *array, struct kin_extreme *least);

/**
 * The greatest item. Floats: +0 is greater than -0; if there are NaN, the first of them.
 *
 * @param pool      NULL: the default pool
 * @param array     read only
 * @param greatest  receives it; of no items the least value of the type, or -infinity, with index SIZE_MAX
 * @return          0; -EINVAL; -EOVERFLOW: the array does not fit in memory; as kin_for
 *
 * Runs at the speed of the memory. Since 0.1.
 */
int kin_array_max(struct kin_pool *pool, const struct kin_array *array, struct kin_extreme *greatest);

/**
 * The product of all items. Whole numbers: the exact one, which is 0 where any item is. Floats: in the order of sums,
 * beginning with 1; what is too large or too small on the way becomes infinity or 0, and both together NaN.
 *
 * @param pool     NULL: the default pool
 * @param array    read only
 * @param product  receives it, as the member for the type says
 * @return         0; -EINVAL; -EOVERFLOW: it does not fit, and no item is 0; as kin_for
 *
 * Since 0.1.
 */
int kin_array_product(struct kin_pool *pool, const struct kin_array *array, union kin_number *product);

/**
 * The sum of the products of items with the same index. Floats: each product is rounded to a double, which for f32
 * changes nothing, and added in the order of sums.
 *
 * @param pool    NULL: the default pool
 * @param first   read only
 * @param second  of the same type and count; its stride can be another one, and it can be the same array
 * @param dot     receives it, as the member for the type says
 * @return        0; -EINVAL, also for two types or counts; -EOVERFLOW; as kin_for
 *
 * Since 0.1.
 */
int kin_array_dot(struct kin_pool *pool, const struct kin_array *first, const struct kin_array *second,
	union kin_number *dot);

/** Mean and variance of some numbers. */
struct kin_moments {
	uint64_t count;
	double mean; /* NaN if there are none */
	double squares; /* the sum of the squared differences from the mean */
	double variance; /* squares / count: of these numbers themselves; NaN if there are none */
	double sample_variance; /* squares / (count - 1): of what they are a sample of; NaN if there is but one */
};

/**
 * Mean and variance in one pass. Whole numbers: from their exact sum and sum of squares, so that the mean and
 * `squares` are within two roundings of the true ones. Floats: each block's mean and squared differences, merged in
 * the tree of sums, which loses nothing to a mean that is large beside the differences. An item of infinity makes
 * both NaN or infinite; so can items beyond 1e150, whose squares are beyond the largest double.
 *
 * @param pool     NULL: the default pool
 * @param array    read only
 * @param moments  filled
 * @return         0; -EINVAL; -EOVERFLOW: the array does not fit in memory; as kin_for
 *
 * After Chan, Golub and LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances", 1979.
 * Since 0.1.
 */
int kin_array_moments(struct kin_pool *pool, const struct kin_array *array, struct kin_moments *moments);

/** How an item, on the left, compares to a number. */
enum kin_comparison {
	KIN_LESS = 1,
	KIN_LESS_EQUAL,
	KIN_EQUAL,
	KIN_NOT_EQUAL,
	KIN_GREATER_EQUAL,
	KIN_GREATER,
};

/**
 * How many items compare to a number in some way.
 *
 * @param pool        NULL: the default pool
 * @param array       read only
 * @param comparison  which; a NaN is only ever "not equal"
 * @param number      with what, in the member for the type; it may lie outside the type's range, and f32 is
 *                    compared as a double
 * @param count       receives the number of items for which it holds
 * @return            0; -EINVAL, also for an unknown comparison; -EOVERFLOW: the array does not fit in memory; as
 *                    kin_for
 *
 * Runs at the speed of the memory. Since 0.1.
 */
int kin_array_count_if(struct kin_pool *pool, const struct kin_array *array, enum kin_comparison comparison,
	union kin_number number, size_t *count);

/** Whether to count an item: 0 no, positive yes, negative: stop, with this error. The item may be unaligned. */
typedef int kin_predicate(const void *item, void *arg);

/**
 * How many items a function says yes to.
 *
 * @param pool       NULL: the default pool
 * @param array      read only
 * @param predicate  called once for each item, in no order, by any worker; where it stops, items after it may be
 *                   asked about
 * @param arg        handed to the predicate; for processes it should lie in shared memory if the array does, or be
 *                   NULL
 * @param count      receives the number of items it returned a positive number for
 * @return           0; -EINVAL, also for no predicate; -EOVERFLOW: the array does not fit in memory; the error that
 *                   the predicate gave for the lowest item; as kin_for
 *
 * Since 0.1.
 */
int kin_array_count_where(struct kin_pool *pool, const struct kin_array *array, kin_predicate *predicate,
	void *arg, size_t *count);

/*
 * For plain arrays: TYPE is i8, i16, i32, i64, u8, u16, u32, u64, f32 or f64, ITEM its C type, and WIDE int64_t,
 * uint64_t or double. What they do, return and cost is what kin_array_NAME does. All since 0.1.
 *
 *	int kin_sum_TYPE(pool, const ITEM *items, size_t count, WIDE *sum);
 *	int kin_product_TYPE(pool, const ITEM *items, size_t count, WIDE *product);
 *	int kin_dot_TYPE(pool, const ITEM *first, const ITEM *second, size_t count, WIDE *dot);
 *	int kin_min_TYPE(pool, const ITEM *items, size_t count, size_t *index, ITEM *least);     index: can be NULL
 *	int kin_max_TYPE(pool, const ITEM *items, size_t count, size_t *index, ITEM *greatest);  likewise
 *	int kin_moments_TYPE(pool, const ITEM *items, size_t count, struct kin_moments *moments);
 *	int kin_count_if_TYPE(pool, const ITEM *items, size_t count, enum kin_comparison, WIDE, size_t *found);
 *	int kin_sum_exact_f32(pool, const float *items, size_t count, float *sum);
 *	int kin_sum_exact_f64(pool, const double *items, size_t count, double *sum);
 */
#define KIN_DEFINE_TYPED_(name, item, wide, member, its_type) \
	static inline struct kin_array kin_array_of_##name(const item *items, size_t count) \
	{ \
		struct kin_array array; \
		array.items = items; \
		array.count = count; \
		array.stride = 0; \
		array.type = its_type; \
		return array; \
	} \
	static inline int kin_sum_##name(struct kin_pool *pool, const item *items, size_t count, wide *sum) \
	{ \
		struct kin_array array = kin_array_of_##name(items, count); \
		union kin_number number; \
		int failed = kin_array_sum(pool, &array, &number); \
		if (!failed) \
			*sum = number.member; \
		return failed; \
	} \
	static inline int kin_product_##name( \
		struct kin_pool *pool, const item *items, size_t count, wide *product) \
	{ \
		struct kin_array array = kin_array_of_##name(items, count); \
		union kin_number number; \
		int failed = kin_array_product(pool, &array, &number); \
		if (!failed) \
			*product = number.member; \
		return failed; \
	} \
	static inline int kin_dot_##name( \
		struct kin_pool *pool, const item *first, const item *second, size_t count, wide *dot) \
	{ \
		struct kin_array one = kin_array_of_##name(first, count), \
				 two = kin_array_of_##name(second, count); \
		union kin_number number; \
		int failed = kin_array_dot(pool, &one, &two, &number); \
		if (!failed) \
			*dot = number.member; \
		return failed; \
	} \
	static inline int kin_min_##name( \
		struct kin_pool *pool, const item *items, size_t count, size_t *index, item *least) \
	{ \
		struct kin_array array = kin_array_of_##name(items, count); \
		struct kin_extreme extreme; \
		int failed = kin_array_min(pool, &array, &extreme); \
		if (!failed) \
			*least = (item)extreme.value.member; \
		if (!failed && index) \
			*index = extreme.index; \
		return failed; \
	} \
	static inline int kin_max_##name( \
		struct kin_pool *pool, const item *items, size_t count, size_t *index, item *greatest) \
	{ \
		struct kin_array array = kin_array_of_##name(items, count); \
		struct kin_extreme extreme; \
		int failed = kin_array_max(pool, &array, &extreme); \
		if (!failed) \
			*greatest = (item)extreme.value.member; \
		if (!failed && index) \
			*index = extreme.index; \
		return failed; \
	} \
	static inline int kin_moments_##name( \
		struct kin_pool *pool, const item *items, size_t count, struct kin_moments *moments) \
	{ \
		struct kin_array array = kin_array_of_##name(items, count); \
		return kin_array_moments(pool, &array, moments); \
	} \
	static inline int kin_count_if_##name(struct kin_pool *pool, const item *items, size_t count, \
		enum kin_comparison comparison, wide with, size_t *found) \
	{ \
		struct kin_array array = kin_array_of_##name(items, count); \
		union kin_number number; \
		number.member = with; \
		return kin_array_count_if(pool, &array, comparison, number, found); \
	}
KIN_DEFINE_TYPED_(i8, int8_t, int64_t, i, KIN_I8)
KIN_DEFINE_TYPED_(i16, int16_t, int64_t, i, KIN_I16)
KIN_DEFINE_TYPED_(i32, int32_t, int64_t, i, KIN_I32)
KIN_DEFINE_TYPED_(i64, int64_t, int64_t, i, KIN_I64)
KIN_DEFINE_TYPED_(u8, uint8_t, uint64_t, u, KIN_U8)
KIN_DEFINE_TYPED_(u16, uint16_t, uint64_t, u, KIN_U16)
KIN_DEFINE_TYPED_(u32, uint32_t, uint64_t, u, KIN_U32)
KIN_DEFINE_TYPED_(u64, uint64_t, uint64_t, u, KIN_U64)
KIN_DEFINE_TYPED_(f32, float, double, f, KIN_F32)
KIN_DEFINE_TYPED_(f64, double, double, f, KIN_F64)
#undef KIN_DEFINE_TYPED_

/**
 * kin_array_sum_exact_f32, of a plain array.
 *
 * @param pool   NULL: the default pool
 * @param items  read only; can be NULL if count is 0
 * @param count  number of items
 * @param sum    receives it
 * @return       as kin_array_sum_exact_f32
 *
 * Since 0.1.
 */
static inline int kin_sum_exact_f32(struct kin_pool *pool, const float *items, size_t count, float *sum)
{
	struct kin_array array = kin_array_of_f32(items, count);
	return kin_array_sum_exact_f32(pool, &array, sum);
}

/**
 * kin_array_sum_exact, of a plain array.
 *
 * @param pool   NULL: the default pool
 * @param items  read only; can be NULL if count is 0
 * @param count  number of items
 * @param sum    receives it
 * @return       as kin_array_sum_exact
 *
 * Since 0.1.
 */
static inline int kin_sum_exact_f64(struct kin_pool *pool, const double *items, size_t count, double *sum)
{
	struct kin_array array = kin_array_of_f64(items, count);
	union kin_number number;
	int failed = kin_array_sum_exact(pool, &array, &number);
	if (!failed)
		*sum = number.f;
	return failed;
}

#ifdef __cplusplus
}
#endif

/*
 * In C11: kin_sum(pool, items, count, &sum) and the others, by the type of items; but for kin_moments, which is a
 * struct.
 */
#if !defined(__cplusplus) && defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L
#define KIN_BY_TYPE_(name, items) \
	_Generic(1 ? (items) : (items), \
		int8_t *: name##_i8, const int8_t *: name##_i8, \
		int16_t *: name##_i16, const int16_t *: name##_i16, \
		int32_t *: name##_i32, const int32_t *: name##_i32, \
		int64_t *: name##_i64, const int64_t *: name##_i64, \
		uint8_t *: name##_u8, const uint8_t *: name##_u8, \
		uint16_t *: name##_u16, const uint16_t *: name##_u16, \
		uint32_t *: name##_u32, const uint32_t *: name##_u32, \
		uint64_t *: name##_u64, const uint64_t *: name##_u64, \
		float *: name##_f32, const float *: name##_f32, \
		double *: name##_f64, const double *: name##_f64)
#define KIN_SUM_(pool, items, ...) KIN_BY_TYPE_(kin_sum, items)(pool, items, __VA_ARGS__)
#define KIN_PRODUCT_(pool, items, ...) KIN_BY_TYPE_(kin_product, items)(pool, items, __VA_ARGS__)
#define KIN_DOT_(pool, items, ...) KIN_BY_TYPE_(kin_dot, items)(pool, items, __VA_ARGS__)
#define KIN_MIN_(pool, items, ...) KIN_BY_TYPE_(kin_min, items)(pool, items, __VA_ARGS__)
#define KIN_MAX_(pool, items, ...) KIN_BY_TYPE_(kin_max, items)(pool, items, __VA_ARGS__)
#define KIN_COUNT_IF_(pool, items, ...) KIN_BY_TYPE_(kin_count_if, items)(pool, items, __VA_ARGS__)
#define KIN_SUM_EXACT_(pool, items, ...) \
	_Generic(1 ? (items) : (items), \
		float *: kin_sum_exact_f32, const float *: kin_sum_exact_f32, double *: kin_sum_exact_f64, \
		const double *: kin_sum_exact_f64)(pool, items, __VA_ARGS__)
#define kin_sum KIN_SUM_
#define kin_product KIN_PRODUCT_
#define kin_dot KIN_DOT_
#define kin_min KIN_MIN_
#define kin_max KIN_MAX_
#define kin_count_if KIN_COUNT_IF_
#define kin_sum_exact KIN_SUM_EXACT_
#endif

#endif
