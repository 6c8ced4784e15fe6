/* How many items compare to a number in some way, or please a function. */
#include "reduce/array.h"

#include "base/api.h"
#include "pool/region.h"

#include <kin/shm.h>

#include <errno.h>

static void combine_counts(void *into, const void *from)
{
	*(uint64_t *)into += *(const uint64_t *)from;
}

/*
 * What has to be counted; where the answer is known without, kind is KNOWN. The answer is complemented at the end
 * if so.
 */
struct plan {
	enum { KNOWN, COUNTED } how;
	struct count_test test;
	bool all; // KNOWN: all items, not none
	bool complement;
};

static struct plan known(bool all)
{
	return (struct plan){ .how = KNOWN, .all = all };
}

/*
 * Integers: every comparison is "less" or "equal", or the contrary of one. position: where the number lies, below the
 * type's range -1, above it 1; next: whether the number after it is still in the range.
 */
static struct plan plan_whole(enum kin_comparison comparison, union kin_number number, union kin_number next,
	int position, bool has_next)
{
	struct plan plan = { .how = COUNTED, .test = { COUNT_LESS, number } };
	plan.complement =
		comparison == KIN_NOT_EQUAL || comparison == KIN_GREATER || comparison == KIN_GREATER_EQUAL;
	if (comparison == KIN_EQUAL || comparison == KIN_NOT_EQUAL) {
		plan.test.kind = COUNT_EQUAL;
		return position ? known(comparison == KIN_NOT_EQUAL) : plan;
	}
	if (position)
		return known((position > 0) == !plan.complement);
	if (comparison == KIN_LESS_EQUAL || comparison == KIN_GREATER) {
		if (!has_next)
			return known(comparison == KIN_LESS_EQUAL);
		plan.test.number = next;
	}
	return plan;
}

static struct plan plan_signed(enum kin_type type, enum kin_comparison comparison, union kin_number number)
{
	int64_t most = INT64_MAX >> (64 - 8 * type_size(type));
	int position = number.i > most ? 1 : number.i < -most - 1 ? -1 : 0;
	bool has_next = number.i < most;
	union kin_number next = { .i = has_next ? number.i + 1 : 0 };
	return plan_whole(comparison, number, next, position, has_next);
}

static struct plan plan_unsigned(enum kin_type type, enum kin_comparison comparison, union kin_number number)
{
	uint64_t most = UINT64_MAX >> (64 - 8 * type_size(type));
	union kin_number next = { .u = number.u + 1 };
	return plan_whole(comparison, number, next, number.u > most, number.u < most);
}

/* Floats: a NaN compares to nothing, so only "not equal" is a contrary. */
static struct plan plan_float(enum kin_comparison comparison, union kin_number number)
{
	static const enum count_kind kinds[] = {
		[KIN_LESS] = COUNT_LESS,
		[KIN_LESS_EQUAL] = COUNT_LESS_EQUAL,
		[KIN_EQUAL] = COUNT_EQUAL,
		[KIN_NOT_EQUAL] = COUNT_EQUAL,
		[KIN_GREATER] = COUNT_GREATER,
		[KIN_GREATER_EQUAL] = COUNT_GREATER_EQUAL,
	};
	return (struct plan){
		.how = COUNTED,
		.test = { kinds[comparison], number },
		.complement = comparison == KIN_NOT_EQUAL,
	};
}

static struct plan make_plan(enum kin_type type, enum kin_comparison comparison, union kin_number number)
{
	if (type_is_float(type))
		return plan_float(comparison, number);
	return type_is_signed(type) ? plan_signed(type, comparison, number)
				    : plan_unsigned(type, comparison, number);
}

KIN_API int kin_array_count_if(struct kin_pool *pool, const struct kin_array *array,
	enum kin_comparison comparison, union kin_number number, size_t *count)
{
	struct kin_array checked;
	int failed = array_check(array, &checked);
	if (failed)
		return failed;
	if (comparison < KIN_LESS || comparison > KIN_GREATER)
		return -EINVAL;
	struct plan plan = make_plan(checked.type, comparison, number);
	if (!checked.count || plan.how == KNOWN) {
		*count = plan.all ? checked.count : 0;
		return 0;
	}
	const struct reduction reduction = {
		.fold = type_is_float(checked.type) ? float_kernels_of(checked.type)->count
						    : whole_kernels_of(checked.type)->count,
		.combine = combine_counts,
		.state_size = sizeof(uint64_t),
		.extra.test = plan.test,
	};
	uint64_t counted;
	failed = reduction_run(pool, &reduction, &checked, NULL, &counted);
	if (!failed)
		*count = plan.complement ? checked.count - counted : counted;
	return failed;
}

/* Counting by a function: what its chunks are told. */
struct asking {
	struct kin_array array;
	size_t chunk;
	kin_predicate *predicate;
	void *arg;
};

static int ask_chunk(void *data, size_t chunk, void *slot)
{
	const struct asking *asking = data;
	const struct kin_array *array = &asking->array;
	size_t begin = chunk * asking->chunk, left = array->count - begin;
	size_t count = left < asking->chunk ? left : asking->chunk;
	const char *items = (const char *)array->items + (ptrdiff_t)begin * array->stride;
	uint64_t counted = 0;
	for (size_t i = 0; i < count; i++) {
		int answer = asking->predicate(items + (ptrdiff_t)i * array->stride, asking->arg);
		if (answer < 0)
			return answer;
		counted += answer != 0;
	}
	*(uint64_t *)slot = counted;
	return 0;
}

/* Items a function is asked about in a chunk: it is taken to need some nanoseconds for each. */
enum { ASKED_CHUNK = 4096, ASKED_CHUNKS = 4096 };

KIN_API int kin_array_count_where(struct kin_pool *pool, const struct kin_array *array,
	kin_predicate *predicate, void *arg, size_t *count)
{
	struct asking asking = { .chunk = ASKED_CHUNK, .predicate = predicate, .arg = arg };
	int failed = array_check(array, &asking.array);
	if (failed)
		return failed;
	if (!predicate)
		return -EINVAL;
	size_t all = asking.array.count;
	if (!all) {
		*count = 0;
		return 0;
	}
	while ((all - 1) / asking.chunk >= ASKED_CHUNKS)
		asking.chunk *= 2;
	const struct region_work work = {
		.chunks = (all - 1) / asking.chunk + 1,
		.run = ask_chunk,
		.data = &asking,
		.data_size = sizeof asking,
		.slot_size = sizeof(uint64_t),
		.shared = array_is_shared(&asking.array) && (!arg || kin_is_shared(arg, 0)),
		.key = (const void *)predicate,
		.items = all,
		.end = all,
		.grain = asking.chunk,
	};
	struct region_result result = { 0 };
	failed = region_run(pool, &work, &result);
	if (!failed) {
		const uint64_t *counts = result.slots;
		uint64_t sum = 0;
		for (size_t c = 0; c < work.chunks; c++)
			sum += counts[c];
		*count = sum;
	}
	region_result_finish(&result);
	return failed;
}
