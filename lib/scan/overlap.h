/**
 * overlap.h: whether results may be written where they are asked for.
 */
#ifndef KIN_LIB_SCAN_OVERLAP_H
#define KIN_LIB_SCAN_OVERLAP_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 0; -EINVAL: NULL, or arrays that overlap and are not one and the same; -EOVERFLOW: more than SIZE_MAX bytes. */
static inline int scan_check(
	const void *items, size_t item_size, const void *results, size_t result_size, size_t count)
{
	size_t bytes, result_bytes;
	uintptr_t in = (uintptr_t)items, out = (uintptr_t)results;
	if (count && (!items || !results))
		return -EINVAL;
	if (__builtin_mul_overflow(count, item_size, &bytes) ||
		__builtin_mul_overflow(count, result_size, &result_bytes))
		return -EOVERFLOW;
	bool overlap = in < out ? out - in < bytes : in - out < result_bytes;
	return overlap && count && (in != out || item_size != result_size) ? -EINVAL : 0;
}

#endif
