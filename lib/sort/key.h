/**
 * key.h: how an item's key is read: as an unsigned number whose order is the order asked for.
 */
#ifndef KIN_LIB_SORT_KEY_H
#define KIN_LIB_SORT_KEY_H

#include <kin/sort.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/** What inlines into loops made for one size of items. */
#define SORT_INLINE static inline __attribute__((always_inline))

struct key_reader {
	uint64_t mask; // the width of the key, at bit 0
	uint64_t flip; // signed: the sign; descending: all bits
	uint64_t sign; // of a float
	uint64_t infinity; // of a float
	unsigned offset; // bytes from the item to what is loaded
	unsigned shift; // from there to the key
	bool is_float;
};

/** Bytes of a number of this type; 0: there is no such type. */
size_t key_width(enum kin_type type);

/** Read keys of a type from items of 1, 2, 4, 8 or 16 bytes; the key lies within. */
void key_reader_init(
	struct key_reader *reader, size_t size, size_t offset, enum kin_type type, bool descending);

/* As many bytes as the item has, 8 at most. */
SORT_INLINE uint64_t key_load(const char *bytes, size_t size)
{
	if (size == 1)
		return *(const uint8_t *)bytes;
	if (size == 2) {
		uint16_t number;
		memcpy(&number, bytes, sizeof number);
		return number;
	}
	if (size == 4) {
		uint32_t number;
		memcpy(&number, bytes, sizeof number);
		return number;
	}
	uint64_t number;
	memcpy(&number, bytes, sizeof number);
	return number;
}

/**
 * The key of the item at bytes. Floats: their bits grow with their value once those of negative numbers are
 * inverted and those of positive ones get the sign; every NaN becomes the greatest key.
 */
SORT_INLINE uint64_t key_read(const struct key_reader *reader, const char *bytes, size_t size, bool is_float)
{
	uint64_t key =
		key_load(bytes + (size > 8 ? reader->offset : 0), size) >> reader->shift & reader->mask;
	if (!is_float)
		return key ^ reader->flip;
	uint64_t magnitude = key & (reader->sign - 1);
	uint64_t negative = key & reader->sign ? reader->mask : reader->sign;
	key ^= negative;
	return (magnitude > reader->infinity ? reader->mask : key) ^ reader->flip;
}

/** Number of bits up to the highest one set. */
static inline unsigned key_bits(uint64_t number)
{
	return number ? 64 - (unsigned)__builtin_clzll(number) : 0;
}

#endif
