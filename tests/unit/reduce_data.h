/**
 * reduce_data.h: arrays of any type and stride for the tests of reductions, and every instruction set this CPU runs.
 */
#ifndef KIN_TESTS_REDUCE_DATA_H
#define KIN_TESTS_REDUCE_DATA_H

#include "reduce/kernels.h"
#include "tap.h"

#include <kin/reduce.h>

static const enum kin_type whole_types[] = { KIN_I8, KIN_I16, KIN_I32, KIN_I64, KIN_U8, KIN_U16, KIN_U32,
	KIN_U64 };
#define WHOLE_TYPES (sizeof whole_types / sizeof *whole_types)

TAP_MAY_BE_UNUSED static const char *type_name(enum kin_type type)
{
	static const char *const names[] = { "?", "i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32",
		"f64" };
	return names[type];
}

TAP_MAY_BE_UNUSED static size_t item_size(enum kin_type type)
{
	static const size_t sizes[] = { 0, 1, 2, 4, 8, 1, 2, 4, 8, 4, 8 };
	return sizes[type];
}

TAP_MAY_BE_UNUSED static bool is_signed(enum kin_type type)
{
	return type <= KIN_I64;
}

/* xorshift64 (Marsaglia 2003) */
static uint64_t random_state = 88172645463325252u;

TAP_MAY_BE_UNUSED static uint64_t random_bits(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return random_state;
}

/** How items lie in memory. */
struct layout {
	const char *name;
	ptrdiff_t stride; // in items; 0: as an array leaves it
	size_t offset; // in bytes
	ptrdiff_t extra; // bytes added to the stride
};

static const struct layout layouts[] = {
	{ "dense", 0, 0, 0 },
	{ "dense, stride given", 1, 0, 0 },
	{ "unaligned", 1, 1, 0 },
	{ "every other item", 2, 0, 0 },
	{ "backwards", -1, 0, 0 },
	{ "odd stride backwards", -3, 1, -1 },
};
#define LAYOUTS (sizeof layouts / sizeof *layouts)

/** An array in memory of its own, of exactly its size, so that valgrind and ASan see what is read beside it. */
struct sample {
	struct kin_array array;
	char *memory;
};

TAP_MAY_BE_UNUSED static char *sample_item(const struct sample *sample, size_t i)
{
	ptrdiff_t stride = sample->array.stride;
	if (!stride)
		stride = (ptrdiff_t)item_size(sample->array.type);
	return (char *)sample->array.items + (ptrdiff_t)i * stride;
}

TAP_MAY_BE_UNUSED static void sample_init(
	struct sample *sample, enum kin_type type, size_t count, const struct layout *layout)
{
	size_t size = item_size(type);
	ptrdiff_t stride = layout->stride * (ptrdiff_t)size + layout->extra;
	size_t step = (size_t)(stride ? stride < 0 ? -stride : stride : (ptrdiff_t)size);
	size_t bytes = count ? layout->offset + (count - 1) * step + size : 0;
	sample->memory = malloc(bytes ? bytes : 1);
	char *first = sample->memory + layout->offset + (stride < 0 && count ? (count - 1) * step : 0);
	sample->array = (struct kin_array){ count ? first : NULL, count, stride, type };
}

TAP_MAY_BE_UNUSED static void sample_finish(struct sample *sample)
{
	free(sample->memory);
}

/** Run a test on the kernels of each instruction set. */
TAP_MAY_BE_UNUSED static void on_every_isa(void (*test)(const char *isa))
{
	for (int isa = 0; isa < ISA_COUNT; isa++) {
		if (kernels_force(isa) == 0)
			test(kernels_name(isa));
		else
			tap_skip(kernels_name(isa), "this CPU does not have these instructions");
	}
	kernels_force(-1);
}

#endif
