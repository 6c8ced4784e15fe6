/*
 * Loops over integers. All results are exact, so the compiler may take the items in any order; only sums and counts
 * are written with vectors, because compilers widen every item first where adding halves of larger numbers does.
 */
#include "reduce/kernels.h"

#include <string.h>

#define PASTE_(a, b) a##b
#define PASTE(a, b) PASTE_(a, b)

#define SIGNED_WIDTH(bits) \
	typedef int##bits##_t signed_##bits##_v __attribute__((vector_size(VECTOR))); \
	typedef uint##bits##_t unsigned_##bits##_v __attribute__((vector_size(VECTOR)));
SIGNED_WIDTH(8)
SIGNED_WIDTH(16)
SIGNED_WIDTH(32)
SIGNED_WIDTH(64)

/*
 * What a type needs, for whole_type.h:
 *   HALVES      the vector's elements when summing: twice as wide as the item, but for items of 64 bits, whose own
 *   halves
 *               are summed
 *   ROWS        deposits of the largest half that an element of HALVES holds
 *   PRODUCT     a type that holds the product of two items
 */
#define NAME i8
#define TYPE int8_t
#define BITS 8
#define IS_SIGNED 1
#define HALVES 16
#define ROWS 256
#include "reduce/whole_type.h"

#define NAME u8
#define TYPE uint8_t
#define BITS 8
#define IS_SIGNED 0
#define HALVES 16
#define ROWS 256
#include "reduce/whole_type.h"

#define NAME i16
#define TYPE int16_t
#define BITS 16
#define IS_SIGNED 1
#define HALVES 32
#define ROWS MOST_ITEMS
#include "reduce/whole_type.h"

#define NAME u16
#define TYPE uint16_t
#define BITS 16
#define IS_SIGNED 0
#define HALVES 32
#define ROWS MOST_ITEMS
#include "reduce/whole_type.h"

#define NAME i32
#define TYPE int32_t
#define BITS 32
#define IS_SIGNED 1
#define HALVES 64
#define ROWS MOST_ITEMS
#include "reduce/whole_type.h"

#define NAME u32
#define TYPE uint32_t
#define BITS 32
#define IS_SIGNED 0
#define HALVES 64
#define ROWS MOST_ITEMS
#include "reduce/whole_type.h"

#define NAME i64
#define TYPE int64_t
#define BITS 64
#define IS_SIGNED 1
#define HALVES 64
#define ROWS MOST_ITEMS
#include "reduce/whole_type.h"

#define NAME u64
#define TYPE uint64_t
#define BITS 64
#define IS_SIGNED 0
#define HALVES 64
#define ROWS MOST_ITEMS
#include "reduce/whole_type.h"

/* Products of items of 8 bits: 65,536 of them fit in 32 bits. */
static void dot_i8(const struct piece *piece, const void *extra, void *state)
{
	const int8_t *a = piece->items, *b = piece->others;
	int32_t sum = 0;
	for (size_t i = 0; i < piece->count; i++)
		sum += a[i] * b[i];
	wide_add_128(state, sum);
}

static void dot_u8(const struct piece *piece, const void *extra, void *state)
{
	const uint8_t *a = piece->items, *b = piece->others;
	uint32_t sum = 0;
	for (size_t i = 0; i < piece->count; i++)
		sum += (uint32_t)a[i] * b[i];
	wide_add_128(state, sum);
}

/* Products of 32 and 64 bits are cut in halves, whose sums fit; signed ones are raised by half their range first. */
static void dot_i16(const struct piece *piece, const void *extra, void *state)
{
	const int16_t *a = piece->items, *b = piece->others;
	uint32_t low = 0, high = 0;
	for (size_t i = 0; i < piece->count; i++) {
		uint32_t product = (uint32_t)(a[i] * b[i]) ^ (uint32_t)1 << 31;
		low += product & 0xffff;
		high += product >> 16;
	}
	wide_add_128(state, (__int128)low + ((__int128)high << 16) - ((__int128)piece->count << 31));
}

static void dot_u16(const struct piece *piece, const void *extra, void *state)
{
	const uint16_t *a = piece->items, *b = piece->others;
	uint32_t low = 0, high = 0;
	for (size_t i = 0; i < piece->count; i++) {
		uint32_t product = (uint32_t)a[i] * b[i];
		low += product & 0xffff;
		high += product >> 16;
	}
	wide_add_128(state, (__int128)low + ((__int128)high << 16));
}

static void dot_i32(const struct piece *piece, const void *extra, void *state)
{
	const int32_t *a = piece->items, *b = piece->others;
	uint64_t low = 0, high = 0;
	for (size_t i = 0; i < piece->count; i++) {
		uint64_t product = (uint64_t)((int64_t)a[i] * b[i]) ^ (uint64_t)1 << 63;
		low += product & 0xffffffff;
		high += product >> 32;
	}
	wide_add_128(state, (__int128)low + ((__int128)high << 32) - ((__int128)piece->count << 63));
}

static void dot_u32(const struct piece *piece, const void *extra, void *state)
{
	const uint32_t *a = piece->items, *b = piece->others;
	uint64_t low = 0, high = 0;
	for (size_t i = 0; i < piece->count; i++) {
		uint64_t product = (uint64_t)a[i] * b[i];
		low += product & 0xffffffff;
		high += product >> 32;
	}
	wide_add_128(state, (__int128)low + ((__int128)high << 32));
}

/* Products of 128 bits: no vectors, but two independent chains of additions. */
static void dot_i64(const struct piece *piece, const void *extra, void *state)
{
	const int64_t *a = piece->items, *b = piece->others;
	unsigned __int128 low = 0;
	__int128 high = 0;
	for (size_t i = 0; i < piece->count; i++) {
		__int128 product = (__int128)a[i] * b[i];
		low += (uint64_t)product;
		high += (int64_t)(product >> 64);
	}
	wide_add_128(state, (__int128)low);
	wide_add_high(state, high);
}

static void dot_u64(const struct piece *piece, const void *extra, void *state)
{
	const uint64_t *a = piece->items, *b = piece->others;
	unsigned __int128 low = 0, high = 0;
	for (size_t i = 0; i < piece->count; i++) {
		unsigned __int128 product = (unsigned __int128)a[i] * b[i];
		low += (uint64_t)product;
		high += (uint64_t)(product >> 64);
	}
	wide_add_128(state, (__int128)low);
	wide_add_high(state, (__int128)high);
}

#define KERNELS(name) \
	{ \
		sum_##name, dot_##name, product_##name, least_##name, greatest_##name, count_##name \
	}

extern const struct whole_kernels PASTE(whole_kernels_, KERNEL_ISA)[KERNEL_TYPES];
const struct whole_kernels PASTE(whole_kernels_, KERNEL_ISA)[KERNEL_TYPES] = {
	[KIN_I8] = KERNELS(i8),
	[KIN_I16] = KERNELS(i16),
	[KIN_I32] = KERNELS(i32),
	[KIN_I64] = KERNELS(i64),
	[KIN_U8] = KERNELS(u8),
	[KIN_U16] = KERNELS(u16),
	[KIN_U32] = KERNELS(u32),
	[KIN_U64] = KERNELS(u64),
};
