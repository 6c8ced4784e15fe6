/* Arrays, their chunks, and the order in which results are combined. */
#include "reduce/array.h"

#include "pool/region.h"

#include <kin/shm.h>

#include <errno.h>
#include <string.h>

/*
 * Bytes of a chunk: some ten microseconds, so that neither a claim weighs much nor the last chunk is waited for
 * long.
 */
enum { CHUNK_BYTES = 1 << 18 };

/* Where chunks would be more, they grow; so results stay few. */
enum { MOST_CHUNKS = 4096 };

size_t type_size(enum kin_type type)
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

const struct float_kernels *float_kernels_of(enum kin_type type)
{
	return &kernels_get()->floats[type == KIN_F64];
}

const struct whole_kernels *whole_kernels_of(enum kin_type type)
{
	return &kernels_get()->whole[type];
}

/* The lowest byte of an array that is not empty, and their number. */
static uintptr_t lowest(const struct kin_array *array, size_t *ret_bytes)
{
	size_t step = array->stride < 0 ? -(size_t)array->stride : (size_t)array->stride;
	size_t reach = (array->count - 1) * step;
	*ret_bytes = reach + type_size(array->type);
	return (uintptr_t)array->items - (array->stride < 0 ? reach : 0);
}

int array_check(const struct kin_array *array, struct kin_array *ret_array)
{
	size_t size = array ? type_size(array->type) : 0;
	if (!size || (!array->items && array->count))
		return -EINVAL;
	struct kin_array checked = *array;
	if (!checked.stride)
		checked.stride = (ptrdiff_t)size;
	if (checked.count) {
		size_t step = checked.stride < 0 ? -(size_t)checked.stride : (size_t)checked.stride;
		size_t reach, bytes;
		if (__builtin_mul_overflow(checked.count - 1, step, &reach) || reach > PTRDIFF_MAX - size)
			return -EOVERFLOW;
		uintptr_t begin = lowest(&checked, &bytes), end;
		if (begin > (uintptr_t)checked.items || __builtin_add_overflow(begin, bytes - 1, &end))
			return -EOVERFLOW;
	}
	*ret_array = checked;
	return 0;
}

bool array_is_shared(const struct kin_array *array)
{
	size_t bytes;
	uintptr_t begin = lowest(array, &bytes);
	return kin_is_shared((const void *)begin, bytes);
}

size_t array_chunk(const struct kin_array *array, size_t most_chunks)
{
	size_t chunk = CHUNK_BYTES / type_size(array->type);
	while ((array->count - 1) / chunk >= most_chunks)
		chunk *= 2;
	return chunk;
}

/* Whether loops can run over the array where it lies. */
static bool is_dense(const struct kin_array *array)
{
	size_t size = type_size(array->type);
	return array->stride == (ptrdiff_t)size && (uintptr_t)array->items % size == 0;
}

#define GATHER(size) \
	for (size_t i = 0; i < count; i++) \
	memcpy((char *)buffer + i * (size), from + (ptrdiff_t)i * stride, (size))

static void gather(const struct kin_array *array, size_t begin, size_t count, void *buffer)
{
	ptrdiff_t stride = array->stride;
	const char *from = (const char *)array->items + (ptrdiff_t)begin * stride;
	switch (type_size(array->type)) {
	case 1:
		GATHER(1);
		break;
	case 2:
		GATHER(2);
		break;
	case 4:
		GATHER(4);
		break;
	default:
		GATHER(8);
	}
}

static void fold_where_it_lies(const struct reduction *reduction, size_t begin, size_t count, void *state)
{
	size_t size = type_size(reduction->array.type);
	const char *others = reduction->other.items;
	const struct piece piece = {
		.items = (const char *)reduction->array.items + begin * size,
		.others = others ? others + begin * size : NULL,
		.count = count,
		.begin = begin,
	};
	reduction->fold(&piece, &reduction->extra, state);
}

/* A frame of its own: two blocks of the largest items. */
static __attribute__((noinline)) void fold_gathered(
	const struct reduction *reduction, size_t begin, size_t count, void *state)
{
	uint64_t items[BLOCK], others[BLOCK];
	gather(&reduction->array, begin, count, items);
	if (reduction->other.items)
		gather(&reduction->other, begin, count, others);
	const struct piece piece = { .items = items, .others = others, .count = count, .begin = begin };
	reduction->fold(&piece, &reduction->extra, state);
}

static void fold(const struct reduction *reduction, size_t begin, size_t count, void *state)
{
	if (reduction->is_packed)
		fold_gathered(reduction, begin, count, state);
	else
		fold_where_it_lies(reduction, begin, count, state);
}

static void start(const struct reduction *reduction, void *state)
{
	size_t known = sizeof reduction->start;
	memset(state, 0, reduction->state_size);
	memcpy(state, &reduction->start, known < reduction->state_size ? known : reduction->state_size);
}

/* A tree whose leaves come in order: after n of them the states of complete subtrees, one for each bit of n. */
struct tree {
	struct float_moments state[64]; // or what is smaller
	size_t depth, leaves;
};

static void *tree_next(struct tree *tree)
{
	return &tree->state[tree->depth];
}

/* The state at tree_next has been set. */
static void tree_push(struct tree *tree, const struct reduction *reduction)
{
	tree->depth++;
	for (size_t n = tree->leaves++; n & 1; n >>= 1) {
		tree->depth--;
		reduction->combine(&tree->state[tree->depth - 1], &tree->state[tree->depth]);
	}
}

static void tree_finish(struct tree *tree, const struct reduction *reduction, void *state)
{
	while (tree->depth > 1) {
		tree->depth--;
		reduction->combine(&tree->state[tree->depth - 1], &tree->state[tree->depth]);
	}
	memcpy(state, &tree->state[0], reduction->state_size);
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static int run_chunk(void *data, size_t chunk, void *slot)
{
	const struct reduction *reduction = data;
	size_t begin = chunk * reduction->chunk;
	size_t end = begin + least(reduction->chunk, reduction->array.count - begin);
	if (!reduction->is_tree)
		start(reduction, slot);
	struct tree tree;
	tree.depth = tree.leaves = 0;
	for (; begin < end; begin += least(reduction->run, end - begin)) {
		void *state = reduction->is_tree ? tree_next(&tree) : slot;
		fold(reduction, begin, least(reduction->run, end - begin), state);
		if (reduction->is_tree)
			tree_push(&tree, reduction);
	}
	if (reduction->is_tree)
		tree_finish(&tree, reduction, slot);
	return 0;
}

static void combine_slots(const struct reduction *reduction, const char *slots, size_t chunks, void *state)
{
	if (!reduction->is_tree) {
		memcpy(state, slots, reduction->state_size);
		for (size_t c = 1; c < chunks; c++)
			reduction->combine(state, slots + c * reduction->state_size);
		return;
	}
	struct tree tree;
	tree.depth = tree.leaves = 0;
	for (size_t c = 0; c < chunks; c++) {
		memcpy(tree_next(&tree), slots + c * reduction->state_size, reduction->state_size);
		tree_push(&tree, reduction);
	}
	tree_finish(&tree, reduction, state);
}

int reduction_run(struct kin_pool *pool, const struct reduction *reduction, const struct kin_array *array,
	const struct kin_array *other, void *state)
{
	struct reduction call = *reduction;
	call.array = *array;
	if (other)
		call.other = *other;
	call.chunk = array_chunk(array, call.most_chunks ? call.most_chunks : MOST_CHUNKS);
	call.is_packed = !is_dense(array) || (other && !is_dense(other));
	size_t run = call.is_packed || call.is_tree ? BLOCK : MOST_ITEMS;
	call.run = call.run ? least(call.run, run) : run;
	_Static_assert(sizeof call <= REGION_DATA, "a reduction is handed to workers whole");
	const struct region_work work = {
		.chunks = (array->count - 1) / call.chunk + 1,
		.run = run_chunk,
		.data = &call,
		.data_size = sizeof call,
		.slot_size = call.state_size,
		.shared = array_is_shared(array) && (!other || array_is_shared(other)),
		.key = (const void *)call.fold,
		.items = array->count,
		.end = array->count,
		.grain = call.chunk,
	};
	struct region_result result = { 0 };
	int failed = region_run(pool, &work, &result);
	if (failed)
		return failed;
	combine_slots(&call, result.slots, work.chunks, state);
	region_result_finish(&result);
	return 0;
}
