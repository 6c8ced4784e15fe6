/* labs/list/clist.h against a plain array, in one thread; and in several, where each knows what it did. */
#include "list_model.h"

#include "labs/list/clist.h"

#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

struct trial {
	CList *list;
	struct model model;
	uint64_t random;
	bool growing;
	int found; /* what index() has to be */
	unsigned wrong;
	unsigned char item[64];
};

#define expect(trial, condition) expect_at((trial), (condition), __LINE__, #condition)

static void expect_at(struct trial *trial, bool holds, int line, const char *what)
{
	if (!holds && trial->wrong++ < 5)
		tap_note("line %d, count %zu: %s", line, trial->model.count, what);
}

static size_t below(struct trial *trial, size_t limit)
{
	return limit ? (size_t)(random_next(&trial->random) % limit) : 0;
}

static int any_index(struct trial *trial)
{
	int count = (int)trial->model.count;
	const int odd[] = { -1, count, count + 1, INT_MAX, INT_MIN, 0 };
	return below(trial, 8) ? (int)below(trial, trial->model.count) : odd[below(trial, 6)];
}

static bool is_there(const struct trial *trial, int n)
{
	return n >= 0 && (size_t)n < trial->model.count;
}

/* An item: few letters and an end, so that they are found again, as bytes and as strings. */
static void make_item(struct trial *trial)
{
	for (size_t i = 0; i < trial->model.size; i++)
		trial->item[i] = below(trial, 5) ? (unsigned char)('a' + below(trial, 3)) : 0;
}

static bool is_item(const struct trial *trial, const void *copy, const void *item)
{
	return copy && copy != item && memcmp(copy, item, trial->model.size) == 0;
}

static void try_add(struct trial *trial)
{
	make_item(trial);
	expect(trial, is_item(trial, trial->list->add(trial->list, trial->item), trial->item));
	model_insert(&trial->model, trial->model.count, trial->item, 1);
}

static void try_insert(struct trial *trial)
{
	int n = any_index(trial);
	bool fits = n >= 0 && (size_t)n <= trial->model.count;
	make_item(trial);
	void *copy = trial->list->insert(trial->list, trial->item, n);
	expect(trial, fits ? is_item(trial, copy, trial->item) : !copy);
	if (fits)
		model_insert(&trial->model, (size_t)n, trial->item, 1);
}

static void try_replace(struct trial *trial)
{
	int n = any_index(trial);
	make_item(trial);
	void *copy = trial->list->replace(trial->list, trial->item, n);
	expect(trial, is_there(trial, n) ? is_item(trial, copy, trial->item) : !copy);
	if (is_there(trial, n))
		memcpy(model_at(&trial->model, (size_t)n), trial->item, trial->model.size);
}

static void try_remove(struct trial *trial)
{
	int n = any_index(trial);
	expect(trial, trial->list->remove(trial->list, n) == is_there(trial, n));
	if (is_there(trial, n))
		model_remove(&trial->model, (size_t)n, 1);
}

static void try_at(struct trial *trial)
{
	int n = any_index(trial);
	void *copy = trial->list->at(trial->list, n);
	expect(trial, is_there(trial, n) ? is_item(trial, copy, model_at(&trial->model, (size_t)n)) : !copy);
	if (copy)
		memset(copy, 0x99, trial->model.size); /* the list does not mind */
}

static void try_swap(struct trial *trial)
{
	int a = any_index(trial), b = any_index(trial);
	bool there = is_there(trial, a) && is_there(trial, b);
	expect(trial, trial->list->swap(trial->list, a, b) == there);
	if (!there)
		return;
	memcpy(trial->item, model_at(&trial->model, (size_t)a), trial->model.size);
	memmove(model_at(&trial->model, (size_t)a), model_at(&trial->model, (size_t)b), trial->model.size);
	memcpy(model_at(&trial->model, (size_t)b), trial->item, trial->model.size);
}

/* --- searches --- */

struct part {
	size_t shift, size;
	bool string;
};

static bool fits(const struct trial *trial, const struct part *part, size_t n)
{
	const char *there = (const char *)model_at(&trial->model, n) + part->shift;
	const char *wanted = (const char *)trial->item;
	for (size_t i = 0; i < part->size; i++) {
		if (there[i] != wanted[i])
			return false;
		if (part->string && !there[i])
			break;
	}
	return true;
}

static void try_match(struct trial *trial)
{
	struct part part = { .string = below(trial, 2) };
	bool first = below(trial, 2);
	part.shift = below(trial, trial->model.size);
	part.size = 1 + below(trial, trial->model.size - part.shift);
	make_item(trial);
	trial->found = -1;
	for (size_t n = 0; n < trial->model.count && (trial->found < 0 || !first); n++)
		if (fits(trial, &part, n))
			trial->found = (int)n;
	size_t size = part.size == trial->model.size - part.shift ? 0 : part.size;
	void *copy = (first ? trial->list->firstMatch : trial->list->lastMatch)(
		trial->list, trial->item, part.shift, size, part.string);
	expect(trial, trial->list->index(trial->list) == trial->found);
	expect(trial, trial->found < 0 ? !copy
				       : is_item(trial, copy, model_at(&trial->model, (size_t)trial->found)));
}

static void try_match_outside(struct trial *trial)
{
	CList *list = trial->list;
	size_t size = trial->model.size;
	expect(trial, !list->firstMatch(list, trial->item, size, 1, 0) && list->index(list) == -1);
	expect(trial, !list->lastMatch(list, trial->item, 1, size, 1) && list->index(list) == -1);
	expect(trial, !list->firstMatch(list, trial->item, SIZE_MAX, 2, 0));
	expect(trial, !list->lastMatch(list, trial->item, 1, SIZE_MAX, 0));
	trial->found = -1;
}

/* --- --- */

static void try_sizes(struct trial *trial)
{
	CList *list = trial->list;
	int count = (int)trial->model.count;
	expect(trial, list->count(list) == count && list->itemSize(list) == trial->model.size);
	expect(trial, list->realloc(list, -1) == 0 && list->realloc(list, count / 2) == 1);
	expect(trial, list->allocSize(list) >= count);
	expect(trial, list->realloc(list, count + 3000) == 1 && list->allocSize(list) >= count + 3000);
	expect(trial, list->index(list) == trial->found);
}

static void try_clear(struct trial *trial)
{
	if (below(trial, 10))
		return;
	trial->list->clear(trial->list);
	model_remove(&trial->model, 0, trial->model.count);
}

typedef void try_call(struct trial *trial);

static void call_something(struct trial *trial)
{
	static try_call *const other[] = { try_replace, try_at, try_swap, try_match, try_match,
		try_match_outside, try_sizes, try_clear };
	size_t kind = below(trial, 100);
	if (trial->model.count > 3000)
		trial->growing = false;
	else if (trial->model.count == 0)
		trial->growing = true;
	if (kind < 60)
		(kind < 50) == trial->growing ? (below(trial, 2) ? try_insert : try_add)(trial)
					      : try_remove(trial);
	else
		other[below(trial, sizeof other / sizeof *other)](trial);
}

static void test_random(size_t size)
{
	struct trial trial = { .list = CList_init(size), .model.size = size, .random = size, .found = -1 };
	if (!tap_ok(trial.list != NULL, "a list"))
		return;
	tap_is_int(trial.list->index(trial.list), -1, "nothing was looked for yet");
	for (int i = 0; i < 20000; i++)
		call_something(&trial);
	unsigned lost = 0;
	for (size_t i = 0; i < trial.model.count; i++)
		lost += !is_item(&trial, trial.list->at(trial.list, (int)i), model_at(&trial.model, i));
	tap_is_int(trial.wrong, 0, "every method does what an array would");
	tap_ok(lost == 0 && trial.list->count(trial.list) == (int)trial.model.count, "to the end");
	trial.list->free(trial.list);
	model_finish(&trial.model);
}

/* --- copies --- */

static void test_copies(void)
{
	enum { SMALL = 63, LARGE_COUNT = 7, LARGE = 50000 };
	CList *list = CList_init(sizeof(int)), *large = CList_init(LARGE);
	unsigned char *item = test_alloc(LARGE);
	int *small[SMALL], wrong = 0;
	unsigned char *copies[LARGE_COUNT];
	for (int i = 0; i < SMALL; i++)
		list->add(list, &i);
	for (int i = 0; i < LARGE_COUNT; i++)
		large->add(large, memset(item, i, LARGE));
	for (int round = 0; round < 5; round++) {
		for (int i = 0; i < SMALL; i++)
			small[i] = list->at(list, i);
		for (int i = 0; i < SMALL; i++)
			wrong += *small[i] != i;
		for (int i = 0; i < LARGE_COUNT; i++)
			copies[i] = large->at(large, i);
		for (int i = 0; i < LARGE_COUNT; i++)
			wrong += copies[i][0] != i || copies[i][LARGE - 1] != i;
		for (int i = 0; i < LARGE_COUNT; i++)
			if (i % 2)
				small[i] = list->at(list, i);
			else
				copies[i] = large->at(large, i);
		for (int i = 0; i < LARGE_COUNT; i++)
			wrong += i % 2 ? *small[i] != i : copies[i][LARGE - 1] != i;
	}
	tap_is_int(wrong, 0, "copies last as long as the header says");
	small[0] = list->at(list, 5);
	list->clear(list);
	tap_is_int(*small[0], 5, "also when the list is empty");
	list->free(list);
	tap_is_int(*small[0], 5, "and when it is gone");
	large->free(large);
	free(item);
}

static void test_many_lists(void)
{
	enum { LISTS = 64 };
	CList *lists[LISTS + 1];
	int wrong = 0;
	for (int i = 0; i <= LISTS; i++) {
		lists[i] = CList_init(1);
		for (int j = 0; j <= i; j++)
			lists[i]->add(lists[i], j == i ? "x" : "o");
		lists[i]->lastMatch(lists[i], "x", 0, 1, 0);
	}
	for (int i = 1; i <= LISTS; i++)
		wrong += lists[i]->index(lists[i]) != i;
	tap_is_int(wrong, 0, "a thread remembers its searches of 64 lists");
	tap_is_int(lists[0]->index(lists[0]), -1, "and no more");
	lists[1]->firstMatch(lists[1], "o", 0, 1, 0);
	lists[0]->firstMatch(lists[0], "x", 0, 1, 0);
	tap_ok(lists[1]->index(lists[1]) == 0 && lists[0]->index(lists[0]) == 0, "the latest count");
	tap_ok(lists[2]->index(lists[2]) == -1 && lists[3]->index(lists[3]) == 3, "the oldest is forgotten");
	for (int i = 0; i <= LISTS; i++)
		lists[i]->free(lists[i]);
	tap_ok(!CList_init(0) && !CList_init(SIZE_MAX), "no list of items of no such size");
}

/* --- print --- */

struct line {
	char letter;
	short small;
	int number;
	char name[8];
	double size;
	void *pointer;
};

static void prints(CList *list, size_t shift, int n, const char *type, const char *want)
{
	char got[1000] = "";
	FILE *file = tmpfile();
	fflush(stdout);
	int old = dup(STDOUT_FILENO);
	dup2(fileno(file), STDOUT_FILENO);
	list->print(list, shift, n, type);
	fflush(stdout);
	dup2(old, STDOUT_FILENO);
	close(old);
	rewind(file);
	got[fread(got, 1, sizeof got - 1, file)] = '\0';
	fclose(file);
	tap_is_string(got, want, "what is printed");
}

#define HEAD "list of 2, 32 bytes each\n"

static void test_print(void)
{
	struct line lines[2];
	memset(lines, 0, sizeof lines); /* also what is between the members */
	lines[0] = (struct line){ 'a', -5, 70000, "seven", 1.5, NULL };
	lines[1] = (struct line){ 'b', 6, -7, "eight..", -2, NULL };
	memset(lines[1].name, '8', sizeof lines[1].name); /* a string without an end, but for the item's */
	CList *list = CList_init(sizeof(struct line));
	for (int i = 0; i < 2; i++)
		list->add(list, &lines[i]);
	if (sizeof(struct line) == 32) {
		prints(list, 0, 0, "char", HEAD);
		prints(list, 0, -1, "char", HEAD);
		prints(list, 0, 1, "char", HEAD "0: a\n");
		prints(list, 0, INT_MAX, "char", HEAD "0: a\n1: b\n");
		prints(list, offsetof(struct line, small), 2, "short", HEAD "0: -5\n1: 6\n");
		prints(list, offsetof(struct line, number), 2, "int", HEAD "0: 70000\n1: -7\n");
		prints(list, offsetof(struct line, number), 1, "unsigned", HEAD "0: 70000\n");
		prints(list, offsetof(struct line, name), 1, "string", HEAD "0: seven\n");
		prints(list, offsetof(struct line, size), 2, "double", HEAD "0: 1.5\n1: -2\n");
		prints(list, offsetof(struct line, name), 0, "string", HEAD);
		prints(list, 28, 1, NULL, HEAD "0: 00 00 00 00\n");
		prints(list, 28, 1, "double", HEAD "0: 00 00 00 00\n");
		prints(list, 32, 1, "char", HEAD);
		prints(list, SIZE_MAX, 1, "string", HEAD);
	} else
		tap_skip("what is printed", "the struct has another size here");
	list->free(list);

	CList *words = CList_init(3);
	words->add(words, "abc");
	words->add(words, "d\0");
	prints(words, 0, 9, "string", "list of 2, 3 bytes each\n0: abc\n1: d\n");
	prints(words, 2, 1, "string", "list of 2, 3 bytes each\n0: c\n");
	words->clear(words);
	prints(words, 0, 9, "string", "list of 0, 3 bytes each\n");
	words->free(words);
}

/* --- several threads --- */

enum { THREADS = 4, ROUNDS = 3000 };

struct crew {
	CList *list;
	int number;
	int in, out; /* own items added, and found gone */
	unsigned wrong;
};

/* Adds, finds, replaces and removes; all items of a thread end with its number. */
static void *work(void *arg)
{
	struct crew *crew = arg;
	CList *list = crew->list;
	uint64_t random = (uint64_t)crew->number;
	for (int i = 0; i < ROUNDS; i++) {
		int item[2] = { i, crew->number }, count = list->count(list);
		int n = (int)(random_next(&random) % (uint64_t)(count + 1));
		if (i % 2)
			crew->in += list->add(list, item) != NULL;
		else
			crew->in += list->insert(list, item, n) != NULL;
		int *copy = list->at(list, n);
		crew->wrong +=
			copy && (copy[1] < 0 || copy[1] >= THREADS || copy[0] < 0 || copy[0] >= ROUNDS);
		if (i % 64 == 0) {
			int *found = list->lastMatch(list, &crew->number, sizeof(int), sizeof(int), 0);
			crew->wrong += found && (found[1] != crew->number || list->index(list) < 0);
			crew->wrong += !found && list->index(list) != -1;
		}
		list->swap(list, n, count / 2);
		if (i % 3 == 0)
			crew->out += list->remove(list, n);
	}
	return NULL;
}

static void test_threads(void)
{
	CList *list = CList_init(2 * sizeof(int));
	struct crew crews[THREADS];
	pthread_t threads[THREADS];
	int left = 0;
	unsigned wrong = 0, seen[THREADS] = { 0 };
	for (int i = 0; i < THREADS; i++) {
		crews[i] = (struct crew){ .list = list, .number = i };
		if (!tap_is_int(pthread_create(&threads[i], NULL, work, &crews[i]), 0, "a thread"))
			exit(1);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		left += crews[i].in - crews[i].out;
		wrong += crews[i].wrong;
	}
	tap_is_int(wrong, 0, "no thread sees what is in nobody's hand");
	tap_is_int(list->count(list), left, "as many as were added and not removed");
	unsigned char *there = calloc(THREADS * ROUNDS, 1);
	for (int i = 0; there && i < left; i++) {
		int *item = list->at(list, i);
		wrong += !item || there[item[1] * ROUNDS + item[0]]++;
		seen[item ? item[1] : 0]++;
	}
	tap_ok(there && wrong == 0, "none twice");
	tap_note("left: %u %u %u %u", seen[0], seen[1], seen[2], seen[3]);
	free(there);
	list->free(list);
}

struct look {
	CList *list;
	char letter;
	int index;
	void *copy;
};

static void *search(void *arg)
{
	struct look *look = arg;
	look->copy = look->list->firstMatch(look->list, &look->letter, 0, 1, 0);
	look->index = look->list->index(look->list);
	return NULL;
}

/* A thread's search is its own. */
static void test_own_index(void)
{
	CList *list = CList_init(1);
	pthread_t thread;
	struct look other = { list, 'c', -1, NULL };
	for (const char *letter = "abc"; *letter; letter++)
		list->add(list, letter);
	char *copy = list->firstMatch(list, "b", 0, 1, 0);
	if (!tap_is_int(pthread_create(&thread, NULL, search, &other), 0, "a thread"))
		exit(1);
	pthread_join(thread, NULL);
	tap_is_int(other.index, 2, "it finds its own");
	tap_ok(list->index(list) == 1 && copy && *copy == 'b', "and leaves what another found");
	list->free(list);
}

int main(void)
{
	static const size_t sizes[] = { 2, 4, 7, 60 };
	alarm(80);
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		test_random(sizes[i]);
	test_copies();
	test_many_lists();
	test_print();
	test_own_index();
	test_threads();
	return tap_done();
}
