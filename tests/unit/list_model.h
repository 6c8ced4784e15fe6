/**
 * list_model.h: a plain array that does what a list has to do, for tests that compare the two call by call.
 */
#ifndef KIN_TESTS_LIST_MODEL_H
#define KIN_TESTS_LIST_MODEL_H

#include <kin/list.h>

#include "tap.h"

#include "list/check.h"

struct model {
	unsigned char *items;
	size_t count, room, size;
};

TAP_MAY_BE_UNUSED static unsigned char *model_at(const struct model *model, size_t index)
{
	return model->items + index * model->size;
}

TAP_MAY_BE_UNUSED static void *test_alloc(size_t bytes)
{
	void *memory = malloc(bytes ? bytes : 1);
	if (!memory) {
		tap_ok(false, "memory for the test");
		exit(1);
	}
	return memory;
}

TAP_MAY_BE_UNUSED static struct model model_copy(const struct model *model)
{
	struct model copy = { test_alloc(model->count * model->size), model->count, model->count,
		model->size };
	if (model->count)
		memcpy(copy.items, model->items, model->count * model->size);
	return copy;
}

TAP_MAY_BE_UNUSED static void model_finish(struct model *model)
{
	free(model->items);
	*model = (struct model){ 0 };
}

TAP_MAY_BE_UNUSED static void model_insert(struct model *model, size_t index, const void *items, size_t count)
{
	if (model->count + count > model->room) {
		model->room = (model->count + count) * 2;
		unsigned char *more = test_alloc(model->room * model->size);
		if (model->count)
			memcpy(more, model->items, model->count * model->size);
		free(model->items);
		model->items = more;
	}
	if (count == 0)
		return;
	memmove(model_at(model, index + count), model_at(model, index), (model->count - index) * model->size);
	memcpy(model_at(model, index), items, count * model->size);
	model->count += count;
}

TAP_MAY_BE_UNUSED static void model_remove(struct model *model, size_t index, size_t count)
{
	if (count == 0)
		return;
	memmove(model_at(model, index), model_at(model, index + count),
		(model->count - index - count) * model->size);
	model->count -= count;
}

TAP_MAY_BE_UNUSED static bool model_equals(
	const struct model *model, const void *items, size_t index, size_t count)
{
	return index <= model->count && count <= model->count - index &&
	       (count == 0 || memcmp(model_at(model, index), items, count * model->size) == 0);
}

/** Stably by the first byte. */
TAP_MAY_BE_UNUSED static void model_sort(struct model *model)
{
	struct model sorted = { test_alloc(model->count * model->size), 0, model->count, model->size };
	for (int byte = 0; byte < 256; byte++)
		for (size_t i = 0; i < model->count; i++)
			if (*model_at(model, i) == byte)
				memcpy(model_at(&sorted, sorted.count++), model_at(model, i), model->size);
	free(model->items);
	*model = sorted;
}

TAP_MAY_BE_UNUSED static void model_reverse(struct model *model)
{
	struct model reversed = model_copy(model);
	for (size_t i = 0; i < model->count; i++)
		memcpy(model_at(&reversed, i), model_at(model, model->count - 1 - i), model->size);
	free(model->items);
	*model = reversed;
}

/** Whether a list is whole and holds what the model does. */
TAP_MAY_BE_UNUSED static bool model_is_list(const struct model *model, struct kin_list *list)
{
	size_t count = 0;
	void *items = test_alloc((model->count + 1) * model->size);
	bool same = kin_list_export(list, items, model->count + 1, &count) == 0 && count == model->count &&
		    kin_list_count(list) == count && model_equals(model, items, 0, count);
	free(items);
	return same && kin_list_check(list) == 0;
}

/** Whether a snapshot holds what the model does. */
TAP_MAY_BE_UNUSED static bool model_is_snapshot(
	const struct model *model, const struct kin_snapshot *snapshot)
{
	if (kin_snapshot_count(snapshot) != model->count || kin_snapshot_at(snapshot, model->count, NULL) ||
		kin_snapshot_at(snapshot, SIZE_MAX, NULL))
		return false;
	for (size_t index = 0, run = 0; index < model->count; index += run) {
		const void *items = kin_snapshot_at(snapshot, index, &run);
		if (!items || run == 0 || !model_equals(model, items, index, run))
			return false;
	}
	return true;
}

#ifndef __has_feature
#define __has_feature(name) 0
#endif

/** Whether everything takes many times as long, and a sample has to do: under valgrind and the thread sanitizer. */
TAP_MAY_BE_UNUSED static bool test_is_slow(void)
{
#if defined __SANITIZE_THREAD__ || __has_feature(thread_sanitizer)
	return true;
#endif
	const char *preload = getenv("LD_PRELOAD");
	return preload && strstr(preload, "vgpreload");
}

/** Numbers that look random and are the same in every run (SplitMix64). */
TAP_MAY_BE_UNUSED static uint64_t random_next(uint64_t *state)
{
	uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

#endif
