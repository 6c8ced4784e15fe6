/**
 * type.h: the types of numbers: names, sizes, ranges.
 */
#ifndef KIN_TOOL_NUMBERS_TYPE_H
#define KIN_TOOL_NUMBERS_TYPE_H

#include <kin/reduce.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum numbers_class { NUMBERS_SIGNED, NUMBERS_UNSIGNED, NUMBERS_FLOAT };

struct numbers_type {
	char name[4]; // "i32"
	unsigned size; // in bytes
	enum numbers_class class;
	uint64_t below, above; // how far whole numbers reach below and above 0
};

/** What names them all, for help and messages. */
#define NUMBERS_TYPE_NAMES "i8 i16 i32 i64 u8 u16 u32 u64 f32 f64"

/** What is known of a type. */
const struct numbers_type *numbers_type(enum kin_type type);

/** The type of that name. False: there is none; *type is untouched then. */
bool numbers_type_by_name(const char *name, enum kin_type *type);

/** The item at an address, which need not be aligned. */
union kin_number numbers_load(enum kin_type type, const void *item);

/** Store a number as an item of its type; it has to fit. */
void numbers_store(enum kin_type type, void *item, union kin_number number);

#endif
