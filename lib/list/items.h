/**
 * items.h: copying items that others may read or write at the same time. What was copied is thrown away if a version
 * shows that it was torn.
 */
#ifndef KIN_LIB_LIST_ITEMS_H
#define KIN_LIB_LIST_ITEMS_H

#include "list/list.h"

#include <string.h>

#ifdef LIST_TSAN
/* What is meant to be raced for has to be atomic there. */
static inline void copy_byte(char *to, const char *from)
{
	__atomic_store_n(to, __atomic_load_n(from, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
}

static inline void copy_bytes(void *to, const void *from, size_t bytes)
{
	char *a = to;
	const char *b = from;
	if (((uintptr_t)a | (uintptr_t)b | bytes) % 4 == 0) {
		for (size_t i = 0; i < bytes; i += 4)
			__atomic_store_n((uint32_t *)(void *)(a + i),
				__atomic_load_n((const uint32_t *)(const void *)(b + i), __ATOMIC_RELAXED),
				__ATOMIC_RELAXED);
		return;
	}
	for (size_t i = 0; i < bytes; i++)
		copy_byte(a + i, b + i);
}

static inline void move_bytes(void *to, const void *from, size_t bytes)
{
	if ((char *)to <= (const char *)from) {
		copy_bytes(to, from, bytes);
		return;
	}
	for (size_t i = bytes; i-- > 0;)
		copy_byte((char *)to + i, (const char *)from + i);
}
#else
static inline void copy_bytes(void *to, const void *from, size_t bytes)
{
	memcpy(to, from, bytes);
}

static inline void move_bytes(void *to, const void *from, size_t bytes)
{
	memmove(to, from, bytes);
}
#endif

/**
 * One item; aligned ones of 1, 2, 4 and 8 bytes in the list are read and written in one piece. What lies outside of
 * the list may lie anywhere.
 */
static inline void item_read(void *to, const void *in_list, size_t size)
{
	uint32_t four;
	uint64_t eight;
	CHAOS();
	switch (size) {
	case 4:
		four = __atomic_load_n((const uint32_t *)in_list, __ATOMIC_RELAXED);
		memcpy(to, &four, 4);
		return;
	case 8:
		eight = __atomic_load_n((const uint64_t *)in_list, __ATOMIC_RELAXED);
		memcpy(to, &eight, 8);
		return;
	default:
		copy_bytes(to, in_list, size);
	}
}

static inline void item_write(void *in_list, const void *from, size_t size)
{
	uint32_t four;
	uint64_t eight;
	CHAOS();
	switch (size) {
	case 4:
		memcpy(&four, from, 4);
		__atomic_store_n((uint32_t *)in_list, four, __ATOMIC_RELAXED);
		return;
	case 8:
		memcpy(&eight, from, 8);
		__atomic_store_n((uint64_t *)in_list, eight, __ATOMIC_RELAXED);
		return;
	default:
		copy_bytes(in_list, from, size);
	}
}

#endif
