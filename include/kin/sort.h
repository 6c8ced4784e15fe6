/**
 * kin/sort.h: stable sorting on every core.
 *
 *	kin_sort_f64(NULL, numbers, count);                       // numbers
 *	kin_sort(NULL, people, count, sizeof *people, by_name, NULL);       // anything, by a comparison
 *
 *	struct kin_sort_key by_time = { sizeof *events, offsetof(struct event, time), KIN_U64, false };
 *	kin_sort_keys(NULL, events, count, &by_time);             // records, by a number in them
 *
 * All sorts are stable: items that compare equal stay in the order they were in. So the result is one and the same on
 * any workers. The array is left as it was if the call fails with -EINVAL, -EOVERFLOW or -ENOMEM; if it is stopped
 * (-ECANCELED, -ETIMEDOUT, -EOWNERDEAD) it holds its bytes in no particular order, some of them perhaps twice.
 *
 * Process workers see shared memory only: what is not (kin/shm.h) is copied there, and back at the end.
 *
 * Order of numbers. Integers by value. Floats by value, with -0 before +0 and every NaN, whatever its sign, after
 * +inf; NaNs are equal to each other. Descending is the reverse of that, NaNs first, but equal keys still stay in
 * their order.
 *
 * Functions may be called from any thread, and inside bodies and jobs; not from signal handlers. After fork() they
 * work in the child too.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_SORT_H
#define KIN_SORT_H

#include <kin/pool.h>
#include <kin/reduce.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Compare two items: negative if a comes before b, 0 if they are equal, positive if a comes after b. Called by
 * several workers at a time, for the caller's array or for copies of its items. arg is the sort's.
 */
typedef int kin_compare(const void *a, const void *b, void *arg);

/**
 * Sort an array of anything by a comparison.
 *
 * @param pool     NULL: the default pool
 * @param items    the array; can be NULL if count is 0
 * @param count    number of items
 * @param size     bytes of an item
 * @param compare  the order. One that is none - cycles, random answers - gives some permutation of the items
 * @param arg      handed to compare; with processes it may lie in private memory, then each step forks workers to
 *                 see it
 * @return         0; -EINVAL: no items, size 0 or no comparison; -EOVERFLOW: more than SIZE_MAX bytes; -ENOMEM;
 *                 otherwise as kin_for
 *
 * A merge sort: pieces that fit in a core's cache are sorted, then merged level by level, all workers merging equal
 * parts of the output whatever the lengths of the inputs (S. Odeh et al., "Merge Path", IPDPSW 2012). At most
 * count * (log2(count) + 2) comparisons; an array in order, or in strictly reverse order, takes count. Items larger
 * than 64 bytes are not moved until their order is known. Memory: as much as the array has; for items larger than
 * 64 bytes 16 bytes for each more. Since 0.1.
 */
int kin_sort(struct kin_pool *pool, void *items, size_t count, size_t size, kin_compare *compare, void *arg);

/**
 * Find the order of an array, and leave the array alone.
 *
 * @param pool     NULL: the default pool
 * @param items    the array; can be NULL if count is 0
 * @param count    number of items
 * @param size     bytes of an item
 * @param compare  the order
 * @param arg      handed to compare
 * @param index    receives count indexes: index[0] is where the first item in order is; in no particular order on
 *                 failure
 * @return         as kin_sort
 *
 * Memory: 8 bytes for each item, 16 with processes. Since 0.1.
 */
int kin_sort_index(struct kin_pool *pool, const void *items, size_t count, size_t size, kin_compare *compare,
	void *arg, size_t *index);

/**
 * Whether an array is in order.
 *
 * @param pool     NULL: the default pool
 * @param items    the array; can be NULL if count is 0
 * @param count    number of items
 * @param size     bytes of an item
 * @param compare  the order
 * @param arg      handed to compare
 * @return         1: it is; 0: it is not; negative: as kin_sort
 *
 * Stops early: nothing after the first two items out of order is begun any more. Since 0.1.
 */
int kin_is_sorted(
	struct kin_pool *pool, const void *items, size_t count, size_t size, kin_compare *compare, void *arg);

/** Which number of a record is its key. */
struct kin_sort_key {
	size_t size; /* bytes of a record */
	size_t key_offset; /* bytes from the record's beginning to the key, which need not be aligned */
	enum kin_type key_type;
	bool descending;
};

/**
 * Sort records by a number in them.
 *
 * @param pool     NULL: the default pool
 * @param records  the array; can be NULL if count is 0
 * @param count    number of records
 * @param key      which number, and of what type
 * @return         0; -EINVAL: no records, size 0, a key that is not inside the record, an unknown type; -EOVERFLOW:
 *                 more than SIZE_MAX bytes; -ENOMEM; otherwise as kin_for
 *
 * A radix sort: the array is parted by the leading bits in which its keys differ, by all workers at once, until the
 * parts fit in a core's cache; there the bits that follow are sorted digit by digit, as few as tell the keys apart.
 * Linear in count; keys in order, in strictly reverse order, or all equal take little more than a pass. Memory: as
 * much as the array has, where a record has 1, 2, 4, 8 or 16 bytes. Records of other sizes are not moved until
 * their order is known: this takes 16 bytes for each more (keys of up to 4 bytes) or 32. Since 0.1.
 */
int kin_sort_keys(struct kin_pool *pool, void *records, size_t count, const struct kin_sort_key *key);

/**
 * Find the order of records by a number in them, and leave them alone.
 *
 * @param pool     NULL: the default pool
 * @param records  the array; can be NULL if count is 0
 * @param count    number of records
 * @param key      which number, and of what type
 * @param index    receives count indexes: index[0] is where the first record in order is; untouched on failure
 * @return         as kin_sort_keys
 *
 * Memory: 16 bytes for each record (keys of up to 4 bytes, and fewer than 2^32 records) or 32. Since 0.1.
 */
int kin_sort_keys_index(struct kin_pool *pool, const void *records, size_t count,
	const struct kin_sort_key *key, size_t *index);

/*
 * For plain arrays, ascending: TYPE is i8, i16, i32, i64, u8, u16, u32, u64, f32 or f64, ITEM its C type. They are
 * kin_sort_keys, and return what it does. All since 0.1.
 *
 *	int kin_sort_TYPE(pool, ITEM *items, size_t count);
 */
#define KIN_DEFINE_SORT_(name, item, type) \
	static inline int kin_sort_##name(struct kin_pool *pool, item *items, size_t count) \
	{ \
		struct kin_sort_key key = { sizeof(item), 0, type, false }; \
		return kin_sort_keys(pool, items, count, &key); \
	}
KIN_DEFINE_SORT_(i8, int8_t, KIN_I8)
KIN_DEFINE_SORT_(i16, int16_t, KIN_I16)
KIN_DEFINE_SORT_(i32, int32_t, KIN_I32)
KIN_DEFINE_SORT_(i64, int64_t, KIN_I64)
KIN_DEFINE_SORT_(u8, uint8_t, KIN_U8)
KIN_DEFINE_SORT_(u16, uint16_t, KIN_U16)
KIN_DEFINE_SORT_(u32, uint32_t, KIN_U32)
KIN_DEFINE_SORT_(u64, uint64_t, KIN_U64)
KIN_DEFINE_SORT_(f32, float, KIN_F32)
KIN_DEFINE_SORT_(f64, double, KIN_F64)
#undef KIN_DEFINE_SORT_

#ifdef __cplusplus
}
#endif

#endif
