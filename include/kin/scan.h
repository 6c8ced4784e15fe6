/**
 * kin/scan.h: running sums, and running anything, on every core, with the same bits on any workers.
 *
 *	kin_scan_sum_f64(NULL, numbers, count, sums);              // sums[i] = numbers[0] + ... + numbers[i]
 *	kin_scan_sum_exclusive_u32(NULL, lengths, count, begins);   // begins[i] = lengths[0] + ... + lengths[i - 1]
 *
 * An inclusive scan combines each item with all before it; an exclusive one combines those before it alone. Results
 * can be written over the items where both have the same size; arrays that overlap otherwise give -EINVAL.
 *
 * A call that fails, other than by -EINVAL, leaves results filled in part. Process workers see shared memory only:
 * what is not (kin/shm.h) is copied there, and back. The caller owns the arrays.
 *
 * Functions may be called from any thread, and inside bodies and jobs; not from signal handlers. After fork() they
 * work in the child too.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_SCAN_H
#define KIN_SCAN_H

#include <kin/pool.h>
#include <kin/reduce.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A scan of any kind. Zero is the default where it says so. */
struct kin_scan {
	size_t size; /* sizeof(struct kin_scan), or 0: this version's */
	size_t item_size; /* bytes of an item, and of a result */
	kin_combine *combine; /* *into = *into combined with *from; associative, need not commute */
	void *arg; /* handed to combine */
	const void *initial; /* an item to put before all; NULL: none; in an exclusive scan: zero bytes */
	bool exclusive;
	size_t grain; /* items in a chunk; 0: kin chooses, by their number alone: at most 256 chunks */
};

/**
 * Combine each item with those before it, in order.
 *
 * The chunks' items are combined from left to right; the chunks' states likewise; then each chunk is combined again,
 * beginning with what all chunks before it gave. So where combine is not quite associative, as in floating point, the
 * results depend on the number of items and the grain, and on no worker.
 *
 * @param pool     NULL: the default pool
 * @param items    the items; can be NULL if count is 0
 * @param count    number of items
 * @param results  receives count results; items, or memory that does not overlap it
 * @param scan     what to compute
 * @return         as kin_for; what combine returned if not 0; also -EINVAL: no item size or combine, bad memory;
 *                 -EOVERFLOW: more than SIZE_MAX bytes; -ENOMEM
 *
 * About 2 * count calls of combine, shared among the workers; with the chunks' states it is called in the caller's
 * process, also for processes. With processes arg may lie in private memory: each step forks workers to see it
 * then. Memory: a state for each chunk; with processes copies of what is not shared, and of items if they are
 * overwritten. Since 0.1.
 */
int kin_scan(
	struct kin_pool *pool, const void *items, size_t count, void *results, const struct kin_scan *scan);

/**
 * Running sums of numbers.
 *
 * Sums of i8 to i64 are int64_t, of u8 to u64 uint64_t, of f32 float, of f64 double; those of f32 are kept in
 * double and rounded when they are stored.
 *
 * Floats are added in one shape. The sums of 4 items are x0, x0 + x1, x0 + (x1 + x2) and (x0 + x1) + (x2 + x3) (W. D.
 * Hillis, G. L. Steele, "Data parallel algorithms", 1986). In each 8 items of a chunk of 16384 the last of the
 * first 4 sums is added to the second 4. To each sum s is added the sum c of the eights before it in the chunk, and
 * to that the sum p of the chunks before: p + (c + s). c and p begin with +0 and are added up from left to right;
 * what c comes to is what is added to p. The last items, if fewer than 8, have zeros after them. So results have
 * the same bits on any workers and instruction set, and an exclusive scan gives what an inclusive one has one place
 * before.
 *
 * @param pool       NULL: the default pool
 * @param items      the numbers; can be NULL if count is 0
 * @param count      number of items
 * @param type       their type
 * @param sums       receives count sums; items if the sizes are equal, or memory that does not overlap it
 * @param exclusive  whether sums[i] leaves out items[i]
 * @return           0; -EINVAL: unknown type, bad memory; -EOVERFLOW: an integer sum does not fit - all of sums is
 *                   filled, modulo 2^64 - or there are more than SIZE_MAX bytes - nothing is; -ENOMEM; otherwise as
 *                   kin_for
 *
 * Linear. Sums of a part that stays in the caches are taken first, then results written, so that memory is read and
 * written once (W. Zhang, Y. Wang, K. Ross, "Parallel prefix sum with SIMD", ADMS 2020); with one worker in one pass.
 * Memory: none; with processes up to 16 MiB for what is not shared. Since 0.1.
 */
int kin_scan_sum(struct kin_pool *pool, const void *items, size_t count, enum kin_type type, void *sums,
	bool exclusive);

/*
 * For plain arrays: TYPE is i8, i16, i32, i64, u8, u16, u32, u64, f32 or f64, ITEM its C type, and SUM int64_t,
 * uint64_t, float or double. They are kin_scan_sum, and return what it does. All since 0.1.
 *
 *	int kin_scan_sum_TYPE(pool, const ITEM *items, size_t count, SUM *sums);
 *	int kin_scan_sum_exclusive_TYPE(pool, const ITEM *items, size_t count, SUM *sums);
 */
#define KIN_DEFINE_SCAN_(name, item, sum, type) \
	static inline int kin_scan_sum_##name( \
		struct kin_pool *pool, const item *items, size_t count, sum *sums) \
	{ \
		return kin_scan_sum(pool, items, count, type, sums, false); \
	} \
	static inline int kin_scan_sum_exclusive_##name( \
		struct kin_pool *pool, const item *items, size_t count, sum *sums) \
	{ \
		return kin_scan_sum(pool, items, count, type, sums, true); \
	}
KIN_DEFINE_SCAN_(i8, int8_t, int64_t, KIN_I8)
KIN_DEFINE_SCAN_(i16, int16_t, int64_t, KIN_I16)
KIN_DEFINE_SCAN_(i32, int32_t, int64_t, KIN_I32)
KIN_DEFINE_SCAN_(i64, int64_t, int64_t, KIN_I64)
KIN_DEFINE_SCAN_(u8, uint8_t, uint64_t, KIN_U8)
KIN_DEFINE_SCAN_(u16, uint16_t, uint64_t, KIN_U16)
KIN_DEFINE_SCAN_(u32, uint32_t, uint64_t, KIN_U32)
KIN_DEFINE_SCAN_(u64, uint64_t, uint64_t, KIN_U64)
KIN_DEFINE_SCAN_(f32, float, float, KIN_F32)
KIN_DEFINE_SCAN_(f64, double, double, KIN_F64)
#undef KIN_DEFINE_SCAN_

#ifdef __cplusplus
}
#endif

#endif
