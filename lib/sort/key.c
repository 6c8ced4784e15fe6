#include "sort/key.h"

size_t key_width(enum kin_type type)
{
	switch (type) {
	case KIN_I8:
	case KIN_U8:
		return 1;
	case KIN_I16:
	case KIN_U16:
		return 2;
	case KIN_I32:
	case KIN_U32:
	case KIN_F32:
		return 4;
	case KIN_I64:
	case KIN_U64:
	case KIN_F64:
		return 8;
	}
	return 0;
}

void key_reader_init(
	struct key_reader *reader, size_t size, size_t offset, enum kin_type type, bool descending)
{
	size_t width = key_width(type), loaded = size < 8 ? size : 8;
	size_t at = size > 8 && offset > size - 8 ? size - 8 : size > 8 ? offset : 0;
	size_t before = offset - at;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	before = loaded - before - width;
#endif
	bool is_signed = type == KIN_I8 || type == KIN_I16 || type == KIN_I32 || type == KIN_I64;
	uint64_t sign = (uint64_t)1 << (8 * width - 1), mask = sign | (sign - 1);
	*reader = (struct key_reader){
		.mask = mask,
		.flip = (is_signed ? sign : 0) ^ (descending ? mask : 0),
		.sign = sign,
		.infinity = type == KIN_F32 ? 0x7F800000u : 0x7FF0000000000000u,
		.offset = (unsigned)at,
		.shift = (unsigned)(8 * before),
		.is_float = type == KIN_F32 || type == KIN_F64,
	};
	(void)loaded;
}
