/**
 * wide.h: integers of 192 bits, wide enough for every sum of products of 64-bit items that an address space can hold.
 */
#ifndef KIN_LIB_REDUCE_WIDE_H
#define KIN_LIB_REDUCE_WIDE_H

#include <errno.h>
#include <stdint.h>

/** Two's complement, the lowest word first. Zero bytes are 0. */
struct wide {
	uint64_t word[3];
};

static inline void wide_add(struct wide *into, const struct wide *from)
{
	unsigned __int128 carry = 0;
	for (int i = 0; i < 3; i++) {
		carry += (unsigned __int128)into->word[i] + from->word[i];
		into->word[i] = (uint64_t)carry;
		carry >>= 64;
	}
}

/** into += number. */
static inline void wide_add_128(struct wide *into, __int128 number)
{
	struct wide from = { { (uint64_t)number, (uint64_t)(number >> 64), number < 0 ? UINT64_MAX : 0 } };
	wide_add(into, &from);
}

/** into += number * 2^64; the number is below 2^127 in magnitude, and what leaves the top is the caller's fault. */
static inline void wide_add_high(struct wide *into, __int128 number)
{
	struct wide from = { { 0, (uint64_t)number, (uint64_t)(number >> 64) } };
	wide_add(into, &from);
}

/** The number as an int64_t, or -EOVERFLOW. */
static inline int wide_to_i64(const struct wide *wide, int64_t *ret)
{
	uint64_t sign = wide->word[0] >> 63 ? UINT64_MAX : 0;
	if (wide->word[1] != sign || wide->word[2] != sign)
		return -EOVERFLOW;
	*ret = (int64_t)wide->word[0];
	return 0;
}

/** The number as a uint64_t, or -EOVERFLOW. */
static inline int wide_to_u64(const struct wide *wide, uint64_t *ret)
{
	if (wide->word[1] || wide->word[2])
		return -EOVERFLOW;
	*ret = wide->word[0];
	return 0;
}

/** The number where it is known to fit in 128 bits. */
static inline __int128 wide_to_128(const struct wide *wide)
{
	return (__int128)((unsigned __int128)wide->word[1] << 64 | wide->word[0]);
}

#endif
