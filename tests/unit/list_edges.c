/* The edges of kin/list.h, one by one: what is refused, calls from inside of calls, waiting, much, memory. */
#include "engine.h"
#include "list_model.h"

#include <kin/pool.h>

#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>

static struct kin_pool *pool;

static struct kin_list *make(bool shared, size_t size)
{
	struct kin_list *list = NULL;
	int result = shared ? kin_list_create_shared(&list, size) : kin_list_create(&list, size);
	if (result < 0) {
		tap_is_int(result, 0, "a list");
		exit(1);
	}
	return list;
}

/* A list of 0, 1, 2 ... */
static struct kin_list *make_ints(bool shared, int count)
{
	struct kin_list *list = make(shared, sizeof(int));
	int wrong = 0;
	for (int i = 0; i < count; i++)
		wrong += kin_list_append(list, &i, NULL) != 0;
	if (wrong)
		tap_is_int(wrong, 0, "0, 1, 2 ... appended");
	return list;
}

static bool are_ints(struct kin_list *list, const int *numbers, size_t count)
{
	struct model model = { .items = (unsigned char *)(uintptr_t)numbers, count, count, sizeof(int) };
	return model_is_list(&model, list);
}

#define are(list, ...) \
	are_ints((list), (const int[]){ __VA_ARGS__ }, sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int))

/* --- beginning and end --- */

static void test_create(void)
{
	static const size_t sizes[] = { 0, KIN_LIST_ITEM_MOST + 1, SIZE_MAX, SIZE_MAX / 2 };
	struct kin_list *list = (struct kin_list *)&pool, *before = list;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		tap_is_int(kin_list_create(&list, sizes[i]), -EINVAL, "no such size");
		tap_is_int(kin_list_create_shared(&list, sizes[i]), -EINVAL, "nor shared");
		tap_ok(list == before, "untouched");
	}
	kin_list_destroy(NULL);
	kin_snapshot_release(NULL);
	for (int shared = 0; shared < 2; shared++) {
		unsigned char *item = test_alloc(KIN_LIST_ITEM_MOST), *got = test_alloc(KIN_LIST_ITEM_MOST);
		memset(item, 0x5a, KIN_LIST_ITEM_MOST);
		list = make(shared, KIN_LIST_ITEM_MOST);
		for (int i = 0; i < 3; i++)
			tap_is_int(kin_list_insert(list, 0, item), 0, "an item of the largest size");
		tap_ok(kin_list_get(list, 1, got) == 0 && memcmp(item, got, KIN_LIST_ITEM_MOST) == 0,
			"whole");
		tap_is_int(kin_list_item_size(list), KIN_LIST_ITEM_MOST, "its size");
		kin_list_destroy(list);
		free(item);
		free(got);
	}
}

/* --- indexes --- */

static int add_ten(void *item, void *arg)
{
	*(int *)item += 10;
	(*(int *)arg)++;
	return 0;
}

static void test_empty(bool shared)
{
	static const size_t indexes[] = { 0, 1, KIN_LIST_LAST, SIZE_MAX - 1, SIZE_MAX / 2 + 1 };
	struct kin_list *list = make(shared, sizeof(int));
	int number = 7, wrong = 0, calls = 0;
	size_t count = 5;
	for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
		wrong += kin_list_get(list, indexes[i], &number) != -ERANGE;
		wrong += kin_list_replace(list, indexes[i], &calls, &number) != -ERANGE;
		wrong += kin_list_remove(list, indexes[i], &number) != -ERANGE;
		wrong += kin_list_update(list, indexes[i], add_ten, &calls) != -ERANGE;
		wrong += kin_list_swap(list, indexes[i], indexes[i]) != -ERANGE;
		wrong += kin_list_get_many(list, indexes[i], 1, &number) != -ERANGE;
		wrong += kin_list_remove_many(list, indexes[i], 1, &number) != -ERANGE;
		wrong += kin_list_remove_many(list, indexes[i], SIZE_MAX, &number) != -ERANGE;
	}
	tap_is_int(wrong, 0, "an empty list has no index");
	tap_ok(number == 7 && calls == 0, "nothing is touched");
	tap_is_int(kin_list_pop_first(list, &number, 0), -ETIMEDOUT, "nothing is first");
	tap_is_int(kin_list_pop_last(list, NULL, 1000), -ETIMEDOUT, "nor last");
	tap_is_int(kin_list_get_many(list, 0, 0, NULL), 0, "no items can be read");
	tap_is_int(kin_list_remove_many(list, 0, 0, NULL), 0, "and removed");
	tap_is_int(kin_list_append_many(list, NULL, 0, &count), 0, "and appended");
	tap_is_int(count, 0, "where they would be");
	tap_is_int(kin_list_insert_many(list, KIN_LIST_LAST, NULL, 0), 0, "and inserted");
	tap_is_int(kin_list_assign(list, NULL, 0), 0, "and assigned");
	count = 5;
	tap_is_int(kin_list_export(list, NULL, 0, &count), 0, "and exported");
	tap_is_int(count, 0, "none");
	tap_is_int(kin_list_clear(list), 0, "clear");
	tap_is_int(kin_list_trim(list), 0, "trim");
	tap_is_int(kin_list_reverse(list, pool), 0, "reverse");
	tap_is_int(kin_list_concat(list, list), 0, "concat with itself");
	tap_is_int(kin_list_insert(list, 1, &number), -ERANGE, "1 is too far");
	tap_is_int(kin_list_insert(list, 0, &number), 0, "0 is the end");
	tap_is_int(kin_list_insert(list, KIN_LIST_LAST, &(int){ 8 }), 0, "so is the last");
	tap_ok(are(list, 7, 8), "both are there");
	tap_is_int(kin_list_replace(list, KIN_LIST_LAST, &(int){ 9 }, &number), 0, "the last is replaced");
	tap_ok(number == 8 && are(list, 7, 9), "and handed over");
	tap_is_int(kin_list_swap(list, KIN_LIST_LAST, 0), 0, "the last and the first");
	tap_ok(are(list, 9, 7), "are exchanged");
	tap_is_int(kin_list_update(list, KIN_LIST_LAST, add_ten, &calls), 0, "the last is changed");
	tap_ok(are(list, 9, 17) && calls == 1, "once");
	tap_is_int(kin_list_remove(list, KIN_LIST_LAST, &number), 0, "the last is removed");
	tap_ok(number == 17 && are(list, 9), "and handed over");
	kin_list_destroy(list);
}

/* Numbers of items that overflow, arguments that are missing. */
static void test_refused(bool shared)
{
	static const size_t counts[] = { SIZE_MAX, SIZE_MAX / 2, SIZE_MAX / 4, SIZE_MAX / 4 + 2 };
	struct kin_list *list = make_ints(shared, 3), *other = make(false, 8);
	int wrong = 0, scratch[4];
	size_t index = 77;
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		wrong += kin_list_reserve(list, counts[i]) != -ENOMEM;
		wrong += kin_list_append_many(list, &index, counts[i], &index) != -ENOMEM;
		wrong += kin_list_insert_many(list, 1, &index, counts[i]) != -ENOMEM;
		wrong += kin_list_assign(list, &index, counts[i]) != -ENOMEM;
		wrong += kin_list_get_many(list, 1, counts[i], scratch) != -ERANGE;
		wrong += kin_list_remove_many(list, 1, counts[i], NULL) != -ERANGE;
	}
	tap_is_int(wrong, 0, "more items than there can be");
	tap_is_int(index, 77, "nothing is touched");
	tap_is_int(kin_list_append_many(list, NULL, 1, &index), -EINVAL, "no items to append");
	tap_is_int(kin_list_insert_many(list, 0, NULL, 1), -EINVAL, "no items to insert");
	tap_is_int(kin_list_assign(list, NULL, 1), -EINVAL, "no items to assign");
	tap_is_int(kin_list_update(list, 0, NULL, NULL), -EINVAL, "no change");
	tap_is_int(kin_list_sort(list, pool, NULL, NULL), -EINVAL, "no comparison");
	tap_is_int(kin_list_each(list, NULL, NULL), -EINVAL, "no visit");
	tap_is_int(kin_list_concat(list, other), -EINVAL, "items of another size");
	tap_is_int(kin_list_concat(other, list), -EINVAL, "either way");
	tap_is_int(kin_list_get_many(list, 2, 2, (int[2]){ 0 }), -ERANGE, "not all are there");
	tap_is_int(kin_list_remove_many(list, 2, 2, NULL), -ERANGE, "and none is removed");
	tap_ok(are(list, 0, 1, 2) && kin_list_count(other) == 0, "the lists are as they were");
	kin_list_destroy(list);
	kin_list_destroy(other);
}

/* --- searches --- */

static int is_odd(const void *item, void *arg)
{
	return *(const int *)item % 2;
}

static int fails_at_five(const void *item, void *arg)
{
	return *(const int *)item == 5 ? -ECANCELED : 0;
}

static void search(struct kin_list *list, struct kin_list_search what, int first, int last, const char *name)
{
	for (what.parallel = 0; what.parallel < 2; what.parallel++) {
		size_t index = 77;
		int item = 77;
		what.pool = pool;
		int result = kin_list_find(list, &what, &index, &item);
		tap_ok(result == (first < 0 ? first : 0), "%s: first", name);
		tap_ok(first < 0 ? index == 77 && item == 77 : index == (size_t)first && item == first,
			"%s: where it is", name);
		index = 77, item = 77;
		result = kin_list_find_last(list, &what, &index, &item);
		tap_ok(result == (last < 0 ? last : 0), "%s: last", name);
		tap_ok(last < 0 ? index == 77 && item == 77 : index == (size_t)last && item == last,
			"%s: where it is", name);
		tap_is_int(kin_list_find(list, &what, NULL, NULL), first < 0 ? first : 0, name);
	}
}

static void test_search(bool shared)
{
	struct kin_list *list = make_ints(shared, 3000);
	const int ten = 10;
	search(list, (struct kin_list_search){ .bytes = &ten }, 10, 10, "an item");
	search(list, (struct kin_list_search){ .test = is_odd }, 1, 2999, "a function");
	search(list, (struct kin_list_search){ .test = is_odd, .begin = 4, .end = 9 }, 5, 7, "a range");
	search(list, (struct kin_list_search){ .test = is_odd, .begin = 4, .end = 5 }, -ENOENT, -ENOENT,
		"a short one");
	search(list, (struct kin_list_search){ .test = is_odd, .begin = 4, .end = 4 }, -ENOENT, -ENOENT,
		"an empty one");
	search(list, (struct kin_list_search){ .test = is_odd, .begin = 2990 }, 2991, 2999, "to the end");
	search(list, (struct kin_list_search){ .bytes = &(int){ 5000 } }, -ENOENT, -ENOENT,
		"what is not there");
	search(list, (struct kin_list_search){ .bytes = "\1", .length = 1 }, 1, 2817, "one byte");
	search(list, (struct kin_list_search){ .bytes = "\1", .offset = 1, .length = 1 }, 256, 511,
		"the second byte");
	search(list, (struct kin_list_search){ 0 }, -EINVAL, -EINVAL, "nothing to look for");
	search(list, (struct kin_list_search){ .bytes = &ten, .offset = 5 }, -EINVAL, -EINVAL,
		"behind the item");
	search(list, (struct kin_list_search){ .bytes = &ten, .offset = 2, .length = 3 }, -EINVAL, -EINVAL,
		"too long");
	search(list, (struct kin_list_search){ .bytes = &ten, .offset = 2, .length = SIZE_MAX - 1 }, -EINVAL,
		-EINVAL, "much too long");
	search(list, (struct kin_list_search){ .test = is_odd, .begin = 9, .end = 8 }, -EINVAL, -EINVAL,
		"backwards");
	search(list, (struct kin_list_search){ .test = fails_at_five }, -ECANCELED, -ECANCELED,
		"a test that fails");
	kin_list_destroy(list);
}

/* --- calls from inside of calls --- */

struct inner {
	struct kin_list *list, *other;
	int wrong, calls;
};

static int by_value(const void *a, const void *b, void *arg)
{
	return (*(const int *)a > *(const int *)b) - (*(const int *)a < *(const int *)b);
}

static int change_again(void *item, void *arg)
{
	struct inner *inner = arg;
	return kin_list_append(inner->list, item, NULL) == -EDEADLK ? 0 : 1;
}

static int change_inside(void *item, void *arg)
{
	struct inner *inner = arg;
	struct kin_list *list = inner->list;
	struct kin_snapshot *snapshot = NULL;
	int got = 77;
	const int results[] = {
		kin_list_append(list, item, NULL),
		kin_list_append_many(list, item, 1, NULL),
		kin_list_insert(list, 1, item),
		kin_list_insert_many(list, 1, item, 1),
		kin_list_replace(list, 1, item, &got),
		kin_list_remove(list, 1, &got),
		kin_list_remove_many(list, 1, 1, &got),
		kin_list_swap(list, 1, 2),
		kin_list_update(list, 1, change_inside, arg),
		kin_list_pop_first(list, &got, -1),
		kin_list_pop_last(list, &got, -1),
		kin_list_clear(list),
		kin_list_reserve(list, 10),
		kin_list_trim(list),
		kin_list_assign(list, item, 1),
		kin_list_concat(list, inner->other),
		kin_list_sort(list, pool, by_value, NULL),
		kin_list_reverse(list, pool),
		kin_list_snapshot(list, &snapshot),
	};
	inner->calls++;
	for (size_t i = 0; i < sizeof results / sizeof *results; i++)
		if (results[i] != -EDEADLK) {
			tap_note("call %zu inside of an update: %d", i, results[i]);
			inner->wrong++;
		}
	inner->wrong += got != 77 || snapshot;
	/* Another list can be used, and changed; through it no way leads back. */
	inner->wrong += kin_list_get(inner->other, 0, &got) != 0;
	inner->wrong += kin_list_update(inner->other, 0, change_again, inner) != 0;
	*(int *)item = -1;
	return 0;
}

static void test_update_inside(bool shared)
{
	enum { COUNT = 4000 };
	static const size_t indexes[] = { 0, COUNT / 2, COUNT - 1 };
	for (size_t i = 0; i < sizeof indexes / sizeof *indexes; i++) {
		struct kin_list *list = make_ints(shared, COUNT), *other = make_ints(false, 10);
		struct inner inner = { list, other, 0, 0 };
		int number = 0;
		tap_is_int(kin_list_update(list, indexes[i], change_inside, &inner), 0, "an update");
		tap_is_int(inner.wrong, 0, "in it the list cannot be changed");
		tap_is_int(inner.calls, 1, "it was called once");
		tap_ok(kin_list_get(list, indexes[i], &number) == 0 && number == -1,
			"what it wrote is there");
		tap_ok(kin_list_count(list) == COUNT && kin_list_check(list) == 0, "all else is as it was");
		tap_is_int(kin_list_append(list, &number, NULL), 0, "afterwards all is allowed");
		kin_list_destroy(list);
		kin_list_destroy(other);
	}
}

struct rounds {
	struct kin_list *list;
	int next;
	bool wrong;
};

static int turn_over(const void *items, size_t count, size_t index, void *arg)
{
	struct rounds *rounds = arg;
	int got[2];
	rounds->wrong |= kin_list_reverse(rounds->list, pool) != 0;
	rounds->wrong |= kin_list_remove(rounds->list, 0, &got[0]) != 0;
	rounds->wrong |= kin_list_clear(rounds->list) != 0 || kin_list_trim(rounds->list) != 0;
	rounds->wrong |= kin_list_append_many(rounds->list, (int[2]){ 5, 6 }, 2, NULL) != 0;
	for (size_t i = 0; i < count; i++)
		rounds->wrong |= ((const int *)items)[i] != rounds->next++;
	return 0;
}

static int three(const void *items, size_t count, size_t index, void *arg)
{
	(*(int *)arg)++;
	return -3;
}

static void test_each_inside(bool shared)
{
	struct kin_list *list = make_ints(shared, 4000);
	struct rounds rounds = { list, 0, false };
	tap_is_int(kin_list_each(list, turn_over, &rounds), 0, "a pass that empties the list");
	tap_ok(!rounds.wrong && rounds.next == 4000, "sees all that was there");
	tap_ok(are(list, 5, 6), "what it left is there");
	int calls = 0;
	tap_is_int(kin_list_each(list, three, &calls), -3, "a pass that ends");
	tap_is_int(calls, 1, "after one call");
	kin_list_destroy(list);
}

/* --- waiting for an item --- */

static void *append_soon(void *arg)
{
	nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	kin_list_append(arg, &(int){ 42 }, NULL);
	kin_list_insert(arg, 0, &(int){ 41 });
	return NULL;
}

static void test_wait(bool shared)
{
	struct kin_list *list = make(shared, sizeof(int));
	int first = 0, last = 0;
	pthread_t thread;
	if (!tap_is_int(pthread_create(&thread, NULL, append_soon, list), 0, "a thread"))
		return;
	tap_is_int(kin_list_pop_first(list, &first, -1), 0, "the first is waited for");
	tap_is_int(kin_list_pop_last(list, &last, INT64_C(60000000000)), 0, "and the last");
	pthread_join(thread, NULL);
	tap_ok(first + last == 83, "both came");
	tap_is_int(kin_list_pop_first(list, &first, 3000000), -ETIMEDOUT, "then none does");
	kin_list_destroy(list);
}

/* --- descriptors --- */

static void test_attach(void)
{
	struct kin_list *list = make_ints(true, 5), *again = NULL, *private = make(false, 4);
	int descriptor = kin_list_descriptor(list), ends[2], item = 0;
	tap_is_int(kin_list_descriptor(private), -EINVAL, "a private list has no descriptor");
	tap_ok(descriptor >= 0 && fcntl(descriptor, F_GETFD) == FD_CLOEXEC,
		"a shared one does, closed by exec");
	tap_is_int(kin_list_attach(&again, -1), -EBADF, "no descriptor");
	tap_is_int(kin_list_attach(&again, 1 << 20), -EBADF, "a closed one");
	int empty = memfd_create("empty", MFD_CLOEXEC), full = memfd_create("full", MFD_CLOEXEC);
	tap_ok(pipe2(ends, O_CLOEXEC) == 0 && empty >= 0 && full >= 0 && ftruncate(full, 1 << 20) == 0,
		"files");
	tap_is_int(kin_list_attach(&again, ends[0]), -EINVAL, "a pipe is no list");
	tap_is_int(kin_list_attach(&again, empty), -EINVAL, "an empty file is none");
	tap_is_int(kin_list_attach(&again, full), -EINVAL, "nor one of zeros");
	tap_ok(!again, "untouched");
	close(empty), close(full), close(ends[0]), close(ends[1]);

	descriptor = dup(descriptor);
	tap_is_int(kin_list_attach(&again, descriptor), 0, "the list is");
	tap_is_int(kin_list_append(again, &(int){ 5 }, NULL), 0, "what one appends");
	tap_ok(are(list, 0, 1, 2, 3, 4, 5), "is in the other");
	tap_is_int(kin_list_item_size(again), 4, "they have the same items");
	tap_is_int(kin_list_concat(list, again), 0, "a list and itself, by another name");
	tap_ok(are(again, 0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5), "twice what there was");
	kin_list_destroy(list);
	tap_is_int(kin_list_remove_many(again, 0, 9, NULL), 0, "the first is gone, the list is not");
	tap_ok(are(again, 3, 4, 5), "and is whole");
	kin_list_destroy(again);
	again = NULL;
	tap_is_int(kin_list_attach(&again, descriptor), 0, "a descriptor keeps it");
	tap_ok(kin_list_get(again, 0, &item) == 0 && item == 3, "with its items");
	kin_list_destroy(again);
	kin_list_destroy(private);
	close(descriptor);
}

static void test_child(void)
{
	struct kin_list *list = make_ints(true, 3), *own = make_ints(false, 3);
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		int sum = 0;
		for (int i = 0; i < 10000; i++)
			sum += kin_list_append(list, &i, NULL) || kin_list_append(own, &i, NULL);
		_exit(sum || kin_list_count(own) != 10003);
	}
	int status = -1, wrong = 0;
	waitpid(child, &status, 0);
	tap_is_int(status, 0, "a child appends to both kinds");
	tap_ok(are(own, 0, 1, 2), "a private list is the child's own");
	tap_is_int(kin_list_count(list), 10003, "a shared one is shared");
	for (int i = 0, item; i < 10000; i++)
		wrong += kin_list_get(list, (size_t)i + 3, &item) != 0 || item != i;
	tap_is_int(wrong, 0, "with what the child appended");
	kin_list_destroy(list);
	kin_list_destroy(own);
}

static void test_snapshots_most(void)
{
	enum { MOST = 60 };
	struct kin_list *list = make_ints(true, 100);
	struct kin_snapshot *held[MOST] = { 0 }, *more = NULL;
	int wrong = 0;
	for (int i = 0; i < MOST; i++) {
		wrong += kin_list_snapshot(list, &held[i]) != 0;
		wrong += kin_list_remove(list, 0, NULL) != 0;
	}
	tap_is_int(wrong, 0, "60 snapshots of a shared list");
	tap_is_int(kin_list_snapshot(list, &more), -EAGAIN, "one more is too many");
	tap_is_int(kin_list_each(list, three, &wrong), -EAGAIN, "for a pass, too");
	tap_ok(!more, "untouched");
	kin_snapshot_release(held[0]);
	tap_is_int(kin_list_snapshot(list, &held[0]), 0, "there is room again");
	for (int i = 0; i < MOST; i++) {
		const int *first = kin_snapshot_at(held[i], 0, NULL);
		wrong += !first || *first != (i ? i : MOST);
		kin_snapshot_release(held[i]);
	}
	tap_is_int(wrong, 0, "each is as it was");
	tap_is_int(kin_list_check(list), 0, "and the list is whole");
	kin_list_destroy(list);
}

/* --- much --- */

static int add_up(const void *items, size_t count, size_t index, void *arg)
{
	const int *numbers = items;
	for (size_t i = 0; i < count; i++)
		*(int64_t *)arg += numbers[i];
	return 0;
}

static void test_much(bool shared)
{
	const int count = test_is_slow() ? 300000 : 5000000;
	struct kin_list *list = make(shared, sizeof(int));
	int wrong = 0, number = 0;
	for (int i = 0; i < count / 2; i++)
		wrong += kin_list_append(list, &i, NULL) != 0;
	int *rest = test_alloc((size_t)count * sizeof *rest);
	for (int i = 0; i < count; i++)
		rest[i] = count / 2 + i;
	wrong += kin_list_append_many(list, rest, (size_t)(count - count / 2), NULL) != 0;
	size_t bytes = (size_t)count * sizeof(int), full = kin_list_memory(list);
	tap_is_int(wrong, 0, "millions of numbers");
#ifndef KIN_LIST_PAGE
	tap_ok(full >= bytes && full < bytes + bytes / 20 + 65536, "take little more memory than an array");
#endif
	uint64_t state = 5;
	for (int i = 0; i < 100000; i++) {
		int at = (int)(random_next(&state) % (uint64_t)count);
		wrong += kin_list_get(list, (size_t)at, &number) != 0 || number != at;
	}
	tap_is_int(wrong, 0, "each at its index");
	int64_t sum = 0;
	tap_is_int(kin_list_each(list, add_up, &sum), 0, "a pass");
	tap_ok(sum == (int64_t)count * (count - 1) / 2, "over all");
	size_t index = 0;
	number = count - 3;
	struct kin_list_search what = { .bytes = &number, .parallel = 1, .pool = pool };
	tap_is_int(kin_list_find(list, &what, &index, NULL), 0, "a search by all workers");
	tap_is_int(index, count - 3, "finds it");

	tap_is_int(kin_list_reverse(list, pool), 0, "reversed");
	tap_ok(kin_list_get(list, 0, &number) == 0 && number == count - 1, "the last is first");
	tap_is_int(kin_list_sort(list, pool, by_value, NULL), 0, "sorted");
	tap_is_int(kin_list_get_many(list, 0, (size_t)count, rest), 0, "read as a whole");
	for (int i = 0; i < count; i++)
		wrong += rest[i] != i;
	tap_is_int(wrong, 0, "all in order");
	free(rest);

	/* All but one in a hundred go, one here, some there. */
	while (kin_list_count(list) > (size_t)count / 100) {
		size_t left = kin_list_count(list), at = random_next(&state) % left;
		size_t some = left - at < 1000 ? left - at : 1000;
		wrong += kin_list_remove_many(list, at, at % 2 ? some : 1, NULL) != 0;
	}
	tap_is_int(wrong, 0, "most of them removed");
	tap_is_int(kin_list_check(list), 0, "and the list is whole");
	tap_is_int(kin_list_trim(list), 0, "trimmed");
	bytes = kin_list_count(list) * sizeof(int);
#ifndef KIN_LIST_PAGE /* of less than a page of the system nothing can be given back */
	tap_ok(kin_list_memory(list) <= 2 * bytes + (shared ? 196608 : 131072), "the memory goes with them");
#endif
	tap_note("%zu bytes for %zu, %zu when full", kin_list_memory(list), bytes, full);
	tap_is_int(kin_list_clear(list), 0, "cleared");
	tap_is_int(kin_list_trim(list), 0, "trimmed");
#ifndef KIN_LIST_PAGE
	tap_ok(kin_list_memory(list) <= full / 50 + 131072, "next to nothing is kept");
#endif
	kin_list_destroy(list);
}

/* What one call gives back the next one uses. */
static void test_again(bool shared)
{
	const int count = test_is_slow() ? 100000 : 1500000;
	struct kin_list *list = make(shared, sizeof(int));
	int *numbers = test_alloc((size_t)count * sizeof *numbers), wrong = 0;
	for (int i = 0; i < count; i++)
		numbers[i] = i;
	wrong += kin_list_append_many(list, numbers, (size_t)count, NULL) != 0;
	for (int round = 0; round < 6; round++) {
		wrong += kin_list_reverse(list, pool) != 0;
		wrong += kin_list_trim(list) != 0;
		wrong += kin_list_assign(list, numbers, (size_t)count) != 0;
		wrong += kin_list_reverse(list, pool) != 0 || kin_list_sort(list, pool, by_value, NULL) != 0;
		wrong += kin_list_check(list) != 0;
	}
	tap_is_int(wrong, 0, "all of it is made anew, time after time");
	tap_ok(are_ints(list, numbers, (size_t)count), "and is right");
	tap_ok(kin_list_memory(list) < 4 * (size_t)count * sizeof(int), "in memory that was there");
	tap_note("%zu bytes for %zu", kin_list_memory(list), (size_t)count * sizeof(int));
	kin_list_destroy(list);
	free(numbers);
}

int main(void)
{
	engine_begin();
	tap_is_int(kin_pool_create(&pool, &(struct kin_pool_options){ .workers = 2 }), 0, "a pool");
	test_create();
	for (int shared = 0; shared < 2; shared++) {
		tap_note("%s lists", shared ? "shared" : "private");
		test_empty(shared);
		test_refused(shared);
		test_search(shared);
		test_update_inside(shared);
		test_each_inside(shared);
		test_wait(shared);
		test_much(shared);
		test_again(shared);
	}
	test_attach();
	test_child();
	test_snapshots_most();
	kin_pool_destroy(pool);
	return tap_done();
}
