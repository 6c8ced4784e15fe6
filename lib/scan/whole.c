/* Running sums of integers. One addition waits for the other, which is still faster than memory. */
#include "scan/kernel.h"

#ifdef __x86_64__
#include <emmintrin.h>
#endif

#define SCAN_INLINE static inline __attribute__((always_inline))

SCAN_INLINE void store(uint64_t *to, uint64_t sum, bool stream)
{
#ifdef __x86_64__
	if (stream) {
		_mm_stream_si64((long long *)(void *)to, (long long)sum);
		return;
	}
#endif
	*to = sum;
}

/* Bit 63: before + item = sum did not fit. */
SCAN_INLINE uint64_t overflow(uint64_t before, uint64_t item, uint64_t sum, bool is_signed)
{
	if (is_signed)
		return (before ^ sum) & (item ^ sum);
	return (before & item) | ((before | item) & ~sum);
}

/* Four sums, so that additions need not wait for each other. */
#define SUM(name, item) \
	static union scan_sum sum_##name(const void *bytes, size_t count) \
	{ \
		const item *items = bytes; \
		uint64_t a = 0, b = 0, c = 0, d = 0; \
		size_t i = 0; \
		for (; i + 4 <= count; i += 4) { \
			a += (uint64_t)items[i]; \
			b += (uint64_t)items[i + 1]; \
			c += (uint64_t)items[i + 2]; \
			d += (uint64_t)items[i + 3]; \
		} \
		for (; i < count; i++) \
			a += (uint64_t)items[i]; \
		return (union scan_sum){ .u = a + b + (c + d) }; \
	}

#define SCAN(name, item, is_signed) \
	SCAN_INLINE uint64_t scan_each_##name(const item *items, size_t count, uint64_t *sums, \
		uint64_t *ret_sum, bool exclusive, bool stream) \
	{ \
		uint64_t sum = *ret_sum, wrong = 0; \
		for (size_t i = 0; i < count; i++) { \
			uint64_t before = sum, number = (uint64_t)items[i]; \
			sum += number; \
			wrong |= overflow(before, number, sum, is_signed); \
			store(&sums[i], exclusive ? before : sum, stream); \
		} \
		*ret_sum = sum; \
		return wrong; \
	} \
	static bool scan_##name(const void *items, size_t count, void *sums, union scan_sum before, \
		struct scan_how how, union scan_sum *total) \
	{ \
		uint64_t sum = before.u, wrong; \
		size_t most = count - (how.exclusive && how.last && count); \
		if (how.exclusive && how.stream) \
			wrong = scan_each_##name(items, most, sums, &sum, true, true); \
		else if (how.exclusive) \
			wrong = scan_each_##name(items, most, sums, &sum, true, false); \
		else if (how.stream) \
			wrong = scan_each_##name(items, most, sums, &sum, false, true); \
		else \
			wrong = scan_each_##name(items, most, sums, &sum, false, false); \
		if (most < count) /* the sum of all is no result, so it may overflow */ \
			((uint64_t *)sums)[most] = sum; \
		total->u = sum - before.u; \
		return wrong >> 63; \
	}

#define KERNEL(name, item) \
	{ \
		sizeof(item), sizeof(uint64_t), false, sum_##name, scan_##name \
	}

SUM(i8, int8_t)
SUM(i16, int16_t)
SUM(i32, int32_t)
SUM(i64, int64_t)
SUM(u8, uint8_t)
SUM(u16, uint16_t)
SUM(u32, uint32_t)
SUM(u64, uint64_t)
SCAN(i8, int8_t, true)
SCAN(i16, int16_t, true)
SCAN(i32, int32_t, true)
SCAN(i64, int64_t, true)
SCAN(u8, uint8_t, false)
SCAN(u16, uint16_t, false)
SCAN(u32, uint32_t, false)
SCAN(u64, uint64_t, false)

const struct scan_kernel *scan_whole(enum kin_type type)
{
	static const struct scan_kernel kernels[] = {
		[KIN_I8] = KERNEL(i8, int8_t),
		[KIN_I16] = KERNEL(i16, int16_t),
		[KIN_I32] = KERNEL(i32, int32_t),
		[KIN_I64] = KERNEL(i64, int64_t),
		[KIN_U8] = KERNEL(u8, uint8_t),
		[KIN_U16] = KERNEL(u16, uint16_t),
		[KIN_U32] = KERNEL(u32, uint32_t),
		[KIN_U64] = KERNEL(u64, uint64_t),
	};
	if ((unsigned)type >= sizeof kernels / sizeof *kernels || !kernels[type].sum)
		return NULL;
	return &kernels[type];
}
