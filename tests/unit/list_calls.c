/* Every function of kin/list.h, called at random, against a plain array. */
#include "list_model.h"

#include <kin/pool.h>

#include <unistd.h>

#define HELD 4
#define UNTOUCHED 0xee

struct held {
	struct kin_snapshot *snapshot;
	struct model model;
};

struct trial {
	struct kin_list *list;
	struct model model;
	struct kin_pool *pool;
	size_t size; /* of an item */
	size_t most; /* items before they become fewer again */
	uint64_t random;
	uint32_t serial;
	bool growing;
	unsigned char *given, *got; /* most items each */
	struct held held[HELD];
	bool holding; /* whether snapshots are taken at present */
	unsigned wrong;
};

#define expect(trial, condition) expect_at((trial), (condition), __LINE__, #condition)

static void expect_at(struct trial *trial, bool holds, int line, const char *what)
{
	if (!holds && trial->wrong++ < 5)
		tap_note("line %d, items of %zu, count %zu: %s", line, trial->size, trial->model.count, what);
}

static size_t below(struct trial *trial, size_t limit)
{
	return limit ? (size_t)(random_next(&trial->random) % limit) : 0;
}

/* Few kinds of first bytes, so that sorts have equals; otherwise mostly different. */
static void make_items(struct trial *trial, unsigned char *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned char *item = items + i * trial->size;
		uint32_t head[2] = { (uint32_t)below(trial, 200) | (trial->serial & 0xffffff) << 8,
			trial->serial };
		trial->serial++;
		memset(item, (int)(head[1] % 251), trial->size);
		memcpy(item, head, trial->size < sizeof head ? trial->size : sizeof head);
		memcpy(item + trial->size - 1, head, 1);
	}
}

/* An index to try: often an end, sometimes none. */
static size_t any_index(struct trial *trial)
{
	size_t count = trial->model.count;
	const size_t odd[] = { count, count + 1, KIN_LIST_LAST, SIZE_MAX - 1, SIZE_MAX / 2, count + 1000 };
	switch (below(trial, 8)) {
	case 0:
		return odd[below(trial, sizeof odd / sizeof *odd)];
	case 1:
		return below(trial, count < 3 ? count : 3);
	case 2:
		return count - 1 - below(trial, count < 3 ? count : 3);
	default:
		return below(trial, count);
	}
}

/* How many items a call on many is about: mostly few, sometimes several chunks, never too many. */
static size_t any_count(struct trial *trial)
{
	size_t count = below(trial, 8) ? below(trial, 6) : below(trial, trial->most / 2);
	size_t room = trial->most - 1;
	return count < room ? count : room;
}

static size_t named(const struct trial *trial, size_t index)
{
	return index == KIN_LIST_LAST ? trial->model.count - 1 : index;
}

static bool is_there(const struct trial *trial, size_t index)
{
	return named(trial, index) < trial->model.count;
}

static bool are_there(const struct trial *trial, size_t index, size_t count)
{
	return index <= trial->model.count && count <= trial->model.count - index;
}

static void taint(struct trial *trial, size_t count)
{
	memset(trial->got, UNTOUCHED, count * trial->size);
}

static bool is_untouched(const struct trial *trial, size_t count)
{
	for (size_t i = 0; i < count * trial->size; i++)
		if (trial->got[i] != UNTOUCHED)
			return false;
	return true;
}

/* --- what makes it longer --- */

static void try_append(struct trial *trial)
{
	size_t index = 77, *ret_index = below(trial, 2) ? &index : NULL;
	make_items(trial, trial->given, 1);
	expect(trial, kin_list_append(trial->list, trial->given, ret_index) == 0);
	expect(trial, !ret_index || index == trial->model.count);
	model_insert(&trial->model, trial->model.count, trial->given, 1);
}

static void try_append_many(struct trial *trial)
{
	size_t index = 77, count = any_count(trial), *ret_index = below(trial, 2) ? &index : NULL;
	make_items(trial, trial->given, count);
	const void *items = count ? trial->given : NULL;
	expect(trial, kin_list_append_many(trial->list, items, count, ret_index) == 0);
	expect(trial, !ret_index || index == trial->model.count);
	model_insert(&trial->model, trial->model.count, trial->given, count);
}

static void try_insert(struct trial *trial)
{
	size_t index = any_index(trial), at = index == KIN_LIST_LAST ? trial->model.count : index;
	make_items(trial, trial->given, 1);
	int want = at <= trial->model.count ? 0 : -ERANGE;
	expect(trial, kin_list_insert(trial->list, index, trial->given) == want);
	if (want == 0)
		model_insert(&trial->model, at, trial->given, 1);
}

static void try_insert_many(struct trial *trial)
{
	size_t index = any_index(trial), at = index == KIN_LIST_LAST ? trial->model.count : index;
	size_t count = any_count(trial);
	make_items(trial, trial->given, count);
	int want = at <= trial->model.count ? 0 : -ERANGE;
	expect(trial, kin_list_insert_many(trial->list, index, trial->given, count) == want);
	if (want == 0)
		model_insert(&trial->model, at, trial->given, count);
}

/* --- what makes it shorter --- */

static void try_remove(struct trial *trial)
{
	size_t index = any_index(trial);
	bool there = is_there(trial, index);
	void *ret_item = below(trial, 4) ? trial->got : NULL;
	taint(trial, 1);
	expect(trial, kin_list_remove(trial->list, index, ret_item) == (there ? 0 : -ERANGE));
	if (there) {
		expect(trial, !ret_item || model_equals(&trial->model, trial->got, named(trial, index), 1));
		model_remove(&trial->model, named(trial, index), 1);
	} else
		expect(trial, is_untouched(trial, 1));
}

static void try_remove_many(struct trial *trial)
{
	size_t index = below(trial, trial->model.count + 2), count = any_count(trial);
	bool there = are_there(trial, index, count);
	void *ret_items = below(trial, 4) ? trial->got : NULL;
	taint(trial, count);
	int result = kin_list_remove_many(trial->list, index, count, ret_items);
	expect(trial, result == (there ? 0 : -ERANGE));
	if (there) {
		expect(trial, !ret_items || model_equals(&trial->model, trial->got, index, count));
		model_remove(&trial->model, index, count);
	} else
		expect(trial, is_untouched(trial, count));
}

static void try_pop(struct trial *trial)
{
	bool first = below(trial, 2), there = trial->model.count > 0;
	void *ret_item = below(trial, 4) ? trial->got : NULL;
	int64_t timeout_ns = there ? (int64_t)below(trial, 3) - 1 : 0;
	taint(trial, 1);
	int result = first ? kin_list_pop_first(trial->list, ret_item, timeout_ns)
			   : kin_list_pop_last(trial->list, ret_item, timeout_ns);
	expect(trial, result == (there ? 0 : -ETIMEDOUT));
	if (there) {
		size_t index = first ? 0 : trial->model.count - 1;
		expect(trial, !ret_item || model_equals(&trial->model, trial->got, index, 1));
		model_remove(&trial->model, index, 1);
	} else
		expect(trial, is_untouched(trial, 1));
}

/* --- what leaves the length as it is --- */

static void try_get(struct trial *trial)
{
	size_t index = any_index(trial);
	bool there = is_there(trial, index);
	taint(trial, 1);
	expect(trial, kin_list_get(trial->list, index, trial->got) == (there ? 0 : -ERANGE));
	expect(trial, there ? model_equals(&trial->model, trial->got, named(trial, index), 1)
			    : is_untouched(trial, 1));
}

static void try_get_many(struct trial *trial)
{
	size_t index = below(trial, trial->model.count + 2), count = any_count(trial);
	bool there = are_there(trial, index, count);
	int result = kin_list_get_many(trial->list, index, count, trial->got);
	expect(trial, result == (there ? 0 : -ERANGE));
	expect(trial, !there || model_equals(&trial->model, trial->got, index, count));
}

static void try_replace(struct trial *trial)
{
	size_t index = any_index(trial);
	bool there = is_there(trial, index);
	void *ret_old = below(trial, 2) ? trial->got : NULL;
	make_items(trial, trial->given, 1);
	taint(trial, 1);
	expect(trial, kin_list_replace(trial->list, index, trial->given, ret_old) == (there ? 0 : -ERANGE));
	if (there) {
		expect(trial, !ret_old || model_equals(&trial->model, trial->got, named(trial, index), 1));
		memcpy(model_at(&trial->model, named(trial, index)), trial->given, trial->size);
	} else
		expect(trial, is_untouched(trial, 1));
}

static void try_swap(struct trial *trial)
{
	size_t first = any_index(trial), second = below(trial, 8) ? any_index(trial) : first;
	bool there = is_there(trial, first) && is_there(trial, second);
	expect(trial, kin_list_swap(trial->list, first, second) == (there ? 0 : -ERANGE));
	if (!there)
		return;
	unsigned char *a = model_at(&trial->model, named(trial, first));
	unsigned char *b = model_at(&trial->model, named(trial, second));
	memcpy(trial->got, a, trial->size);
	memmove(a, b, trial->size);
	memcpy(b, trial->got, trial->size);
}

struct change {
	struct trial *trial;
	int result;
	unsigned calls;
};

static int change(void *item, void *arg)
{
	struct change *change = arg;
	memcpy(change->trial->got, item, change->trial->size);
	memcpy(item, change->trial->given, change->trial->size);
	change->calls++;
	return change->result;
}

static void try_update(struct trial *trial)
{
	size_t index = any_index(trial);
	bool there = is_there(trial, index);
	struct change what = { trial, below(trial, 4) ? 0 : (int)below(trial, 100) - 50, 0 };
	make_items(trial, trial->given, 1);
	int result = kin_list_update(trial->list, index, change, &what);
	expect(trial, result == (there ? what.result : -ERANGE));
	expect(trial, what.calls == there);
	expect(trial, !there || model_equals(&trial->model, trial->got, named(trial, index), 1));
	if (there && what.result == 0)
		memcpy(model_at(&trial->model, named(trial, index)), trial->given, trial->size);
}

/* --- searches --- */

static int is_like(const void *item, void *arg)
{
	return *(const unsigned char *)item == *(const unsigned char *)arg;
}

/* Any part of any item, or its first byte; sometimes of none. */
static struct kin_list_search any_search(struct trial *trial)
{
	struct kin_list_search search = { .size = below(trial, 2) ? sizeof search : 0 };
	make_items(trial, trial->given, 1);
	if (trial->model.count && below(trial, 8))
		memcpy(trial->given, model_at(&trial->model, below(trial, trial->model.count)), trial->size);
	if (below(trial, 3)) {
		search.offset = below(trial, 2) ? 0 : below(trial, trial->size);
		search.length = below(trial, 2) ? 0 : below(trial, trial->size - search.offset + 1);
		search.bytes = trial->given + search.offset;
	} else {
		search.test = is_like;
		search.arg = trial->given;
	}
	if (below(trial, 2)) {
		search.begin = below(trial, trial->model.count + 1);
		search.end = search.begin + below(trial, trial->model.count - search.begin + 1);
	}
	search.parallel = below(trial, 4) == 0;
	search.pool = trial->pool;
	return search;
}

static bool fits(const struct trial *trial, const struct kin_list_search *search, size_t index)
{
	const unsigned char *item = model_at(&trial->model, index);
	size_t length = search->length ? search->length : trial->size - search->offset;
	return search->test ? *item == *trial->given
			    : memcmp(item + search->offset, search->bytes, length) == 0;
}

static void try_find(struct trial *trial)
{
	struct kin_list_search search = any_search(trial);
	bool last = below(trial, 2);
	size_t found = SIZE_MAX, index = SIZE_MAX, *ret_index = below(trial, 8) ? &index : NULL;
	size_t end = search.end ? search.end : trial->model.count;
	for (size_t i = search.begin; i < end && (last || found == SIZE_MAX); i++)
		if (fits(trial, &search, i))
			found = i;
	void *ret_item = below(trial, 4) ? trial->got : NULL;
	taint(trial, 1);
	int result = last ? kin_list_find_last(trial->list, &search, ret_index, ret_item)
			  : kin_list_find(trial->list, &search, ret_index, ret_item);
	expect(trial, result == (found == SIZE_MAX ? -ENOENT : 0));
	expect(trial, !ret_index || index == found);
	if (found == SIZE_MAX || !ret_item)
		expect(trial, is_untouched(trial, 1));
	else
		expect(trial, model_equals(&trial->model, trial->got, found, 1));
}

/* --- as it was at one instant --- */

struct pass {
	struct trial *trial;
	struct model before;
	size_t next, stop;
	bool change, wrong;
};

static int visit(const void *items, size_t count, size_t index, void *arg)
{
	struct pass *pass = arg;
	pass->wrong |= index != pass->next || count == 0 || !model_equals(&pass->before, items, index, count);
	if (pass->change && below(pass->trial, 2)) {
		try_insert(pass->trial);
		try_remove(pass->trial);
		try_replace(pass->trial);
		pass->wrong |= !model_equals(&pass->before, items, index, count);
	}
	pass->next = index + count;
	return pass->next > pass->stop ? 99 : 0;
}

static void try_each(struct trial *trial)
{
	struct pass pass = { trial, model_copy(&trial->model), 0, SIZE_MAX - 1, below(trial, 2), false };
	if (below(trial, 4) == 0)
		pass.stop = below(trial, trial->model.count + 1);
	int want = pass.stop < trial->model.count ? 99 : 0;
	expect(trial, kin_list_each(trial->list, visit, &pass) == want);
	expect(trial, !pass.wrong && (want || pass.next == pass.before.count));
	model_finish(&pass.before);
}

static void try_export(struct trial *trial)
{
	size_t room = below(trial, trial->most), count = 77;
	taint(trial, trial->most);
	expect(trial, kin_list_export(trial->list, room ? trial->got : NULL, room, &count) == 0);
	expect(trial, count == trial->model.count);
	size_t copied = room < count ? room : count;
	expect(trial, model_equals(&trial->model, trial->got, 0, copied));
	expect(trial, copied == trial->most || trial->got[copied * trial->size] == UNTOUCHED);
}

static void release(struct trial *trial, struct held *held)
{
	if (!held->snapshot)
		return;
	expect(trial, model_is_snapshot(&held->model, held->snapshot));
	kin_snapshot_release(held->snapshot);
	model_finish(&held->model);
	held->snapshot = NULL;
}

static void try_snapshot(struct trial *trial)
{
	struct held *held = &trial->held[below(trial, HELD)];
	if (held->snapshot && below(trial, 2)) {
		expect(trial, model_is_snapshot(&held->model, held->snapshot));
		return;
	}
	release(trial, held);
	if (!trial->holding)
		return;
	expect(trial, kin_list_snapshot(trial->list, &held->snapshot) == 0);
	held->model = model_copy(&trial->model);
}

/* --- all of it --- */

static int by_first_byte(const void *a, const void *b, void *arg)
{
	const struct trial *trial = arg;
	return trial->size ? *(const unsigned char *)a - *(const unsigned char *)b : 0;
}

static void try_sort(struct trial *trial)
{
	expect(trial, kin_list_sort(trial->list, trial->pool, by_first_byte, trial) == 0);
	model_sort(&trial->model);
}

static void try_reverse(struct trial *trial)
{
	expect(trial, kin_list_reverse(trial->list, trial->pool) == 0);
	model_reverse(&trial->model);
}

static void try_assign(struct trial *trial)
{
	size_t count = any_count(trial);
	make_items(trial, trial->given, count);
	expect(trial, kin_list_assign(trial->list, count ? trial->given : NULL, count) == 0);
	model_remove(&trial->model, 0, trial->model.count);
	model_insert(&trial->model, 0, trial->given, count);
}

static void try_clear(struct trial *trial)
{
	expect(trial, kin_list_clear(trial->list) == 0);
	model_remove(&trial->model, 0, trial->model.count);
}

static void try_concat(struct trial *trial)
{
	struct kin_list *other = NULL;
	if (below(trial, 2)) {
		struct model copy = model_copy(&trial->model);
		expect(trial, kin_list_concat(trial->list, trial->list) == 0);
		model_insert(&trial->model, trial->model.count, copy.items, copy.count);
		model_finish(&copy);
		return;
	}
	size_t count = any_count(trial);
	make_items(trial, trial->given, count);
	expect(trial, kin_list_create(&other, trial->size) == 0);
	expect(trial, kin_list_append_many(other, trial->given, count, NULL) == 0);
	expect(trial, kin_list_concat(trial->list, other) == 0);
	expect(trial, kin_list_count(other) == count);
	model_insert(&trial->model, trial->model.count, trial->given, count);
	kin_list_destroy(other);
}

static void try_memory(struct trial *trial)
{
	if (below(trial, 2)) {
		expect(trial, kin_list_trim(trial->list) == 0);
	} else {
		size_t count = below(trial, trial->most);
		expect(trial, kin_list_reserve(trial->list, count) == 0);
	}
	expect(trial, kin_list_memory(trial->list) >= trial->model.count * trial->size);
	expect(trial, kin_list_item_size(trial->list) == trial->size);
	expect(trial, kin_list_count(trial->list) == trial->model.count);
}

/* --- --- */

typedef void try_call(struct trial *trial);

static try_call *const longer[] = { try_append, try_insert, try_insert, try_insert, try_append_many,
	try_insert_many };
static try_call *const shorter[] = { try_remove, try_remove, try_remove, try_remove, try_pop,
	try_remove_many };
static try_call *const other[] = { try_get, try_get, try_get_many, try_replace, try_replace, try_swap,
	try_update, try_snapshot, try_snapshot, try_find, try_memory };
static try_call *const whole[] = { try_each, try_export, try_sort, try_reverse, try_assign, try_clear,
	try_concat, try_memory };

#define ONE_OF(trial, calls) (calls)[below(trial, sizeof(calls) / sizeof *(calls))]

static void call_something(struct trial *trial)
{
	size_t count = trial->model.count, kind = below(trial, 100);
	if (count > trial->most)
		trial->growing = false;
	else if (count == 0)
		trial->growing = true;
	if (kind < 60)
		(kind < 50) == trial->growing ? ONE_OF(trial, longer)(trial) : ONE_OF(trial, shorter)(trial);
	else if (kind < 98 || count > 2 * trial->most)
		ONE_OF(trial, other)(trial);
	else
		ONE_OF(trial, whole)(trial);
}

/* What a list of this kind does when it is called so often. */
static void run(struct trial *trial, bool shared, unsigned calls)
{
	char name[80];
	int result = shared ? kin_list_create_shared(&trial->list, trial->size)
			    : kin_list_create(&trial->list, trial->size);
	if (!tap_is_int(result, 0, "a list"))
		return;
	trial->model = (struct model){ .size = trial->size };
	trial->given = test_alloc(trial->most * trial->size);
	trial->got = test_alloc(trial->most * trial->size);
	unsigned every = 1 + calls / 200;
	for (unsigned i = 0; i < calls && trial->wrong < 5; i++) {
		/* In half of the time nobody keeps what was: changes are made in place. */
		if (i % (calls / 4) == 0)
			trial->holding = i / (calls / 4) % 2;
		for (int j = 0; j < HELD && !trial->holding; j++)
			release(trial, &trial->held[j]);
		call_something(trial);
		expect(trial, kin_list_check(trial->list) == 0);
		if (i % every == 0)
			expect(trial, model_is_list(&trial->model, trial->list));
	}
	for (int i = 0; i < HELD; i++)
		release(trial, &trial->held[i]);
	expect(trial, model_is_list(&trial->model, trial->list));
	snprintf(name, sizeof name, "%u calls, items of %zu, %s", calls, trial->size,
		shared ? "shared" : "private");
	tap_is_int(trial->wrong, 0, name);
	kin_list_destroy(trial->list);
	model_finish(&trial->model);
	free(trial->given);
	free(trial->got);
}

int main(void)
{
	static const struct {
		size_t size, most;
		unsigned calls;
	} kinds[] = { { 1, 9000, 8000 }, { 3, 4000, 8000 }, { 4, 4000, 10000 }, { 8, 2000, 8000 },
		{ 12, 1500, 8000 }, { 100, 600, 4000 }, { 1024, 200, 2000 }, { 100000, 40, 400 } };
	struct kin_pool *pool = NULL;
	alarm(80);
	if (!tap_is_int(kin_pool_create(&pool, &(struct kin_pool_options){ .workers = 2 }), 0, "a pool"))
		return tap_done();
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		for (int shared = 0; shared < 2; shared++) {
			struct trial trial = { .pool = pool, .size = kinds[i].size, .most = kinds[i].most };
			trial.random = trial.size * 2 + (size_t)shared;
			run(&trial, shared, kinds[i].calls / (test_is_slow() ? 10 : 1));
		}
	kin_pool_destroy(pool);
	return tap_done();
}
