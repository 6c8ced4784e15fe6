#include "numbers/type.h"

#include <string.h>

static const struct numbers_type types[] = {
	[KIN_I8] = { "i8", 1, NUMBERS_SIGNED, (uint64_t)1 << 7, INT8_MAX },
	[KIN_I16] = { "i16", 2, NUMBERS_SIGNED, (uint64_t)1 << 15, INT16_MAX },
	[KIN_I32] = { "i32", 4, NUMBERS_SIGNED, (uint64_t)1 << 31, INT32_MAX },
	[KIN_I64] = { "i64", 8, NUMBERS_SIGNED, (uint64_t)1 << 63, INT64_MAX },
	[KIN_U8] = { "u8", 1, NUMBERS_UNSIGNED, 0, UINT8_MAX },
	[KIN_U16] = { "u16", 2, NUMBERS_UNSIGNED, 0, UINT16_MAX },
	[KIN_U32] = { "u32", 4, NUMBERS_UNSIGNED, 0, UINT32_MAX },
	[KIN_U64] = { "u64", 8, NUMBERS_UNSIGNED, 0, UINT64_MAX },
	[KIN_F32] = { "f32", 4, NUMBERS_FLOAT, 0, 0 },
	[KIN_F64] = { "f64", 8, NUMBERS_FLOAT, 0, 0 },
};

const struct numbers_type *numbers_type(enum kin_type type)
{
	return &types[type];
}

bool numbers_type_by_name(const char *name, enum kin_type *type)
{
	for (int i = KIN_I8; i <= KIN_F64; i++) {
		if (strcmp(types[i].name, name) == 0) {
			*type = (enum kin_type)i;
			return true;
		}
	}
	return false;
}

static int64_t load_signed(unsigned size, const void *item)
{
	int8_t i8;
	int16_t i16;
	int32_t i32;
	int64_t i64;
	switch (size) {
	case 1:
		return memcpy(&i8, item, size), i8;
	case 2:
		return memcpy(&i16, item, size), i16;
	case 4:
		return memcpy(&i32, item, size), i32;
	default:
		return memcpy(&i64, item, size), i64;
	}
}

union kin_number numbers_load(enum kin_type type, const void *item)
{
	unsigned size = types[type].size;
	float f32;
	double f64;
	switch (types[type].class) {
	case NUMBERS_SIGNED:
		return (union kin_number){ .i = load_signed(size, item) };
	case NUMBERS_UNSIGNED:
		return (union kin_number){ .u = (uint64_t)load_signed(size, item) &
						(UINT64_MAX >> (64 - 8 * size)) };
	default:
		if (type == KIN_F64)
			return memcpy(&f64, item, sizeof f64), (union kin_number){ .f = f64 };
		return memcpy(&f32, item, sizeof f32), (union kin_number){ .f = f32 };
	}
}

void numbers_store(enum kin_type type, void *item, union kin_number number)
{
	uint8_t bits8 = (uint8_t)number.u;
	uint16_t bits16 = (uint16_t)number.u;
	uint32_t bits32 = (uint32_t)number.u;
	float f32;
	switch (type) {
	case KIN_I8:
	case KIN_U8:
		memcpy(item, &bits8, sizeof bits8);
		return;
	case KIN_I16:
	case KIN_U16:
		memcpy(item, &bits16, sizeof bits16);
		return;
	case KIN_I32:
	case KIN_U32:
		memcpy(item, &bits32, sizeof bits32);
		return;
	case KIN_I64:
	case KIN_U64:
	case KIN_F64:
		memcpy(item, &number, sizeof number);
		return;
	case KIN_F32:
		f32 = (float)number.f;
		memcpy(item, &f32, sizeof f32);
		return;
	}
}
