/**
 * list_scarce.h: calls for memory that fail when a test says so (the linker leads them here: --wrap), and all calls of
 * a list, which a model follows where they succeed.
 */
#ifndef KIN_TESTS_LIST_SCARCE_H
#define KIN_TESTS_LIST_SCARCE_H

#include <kin/pool.h>

#include <stdlib.h>

/* What the test itself allocates is there. */
void *__real_malloc(size_t size);
#define malloc __real_malloc
#include "list_model.h"
#undef malloc

#include <sys/mman.h>

/* --- calls for memory, which the linker leads here --- */

enum { PAGES = 1, BLOCKS = 2 }; // from the system; of malloc

static struct {
	int kinds; // which calls fail; 0: none
	unsigned let; // so many of them do not
	bool once; // only one fails
	unsigned failed;
	unsigned files; // of them, those for more of a file: who goes on without it ends by SIGBUS
} lack;

static bool lacks(int kind)
{
	if (!(lack.kinds & kind))
		return false;
	if (lack.let) {
		lack.let--;
		return false;
	}
	if (lack.once)
		lack.kinds = 0;
	lack.failed++;
	errno = ENOMEM;
	return true;
}

/* With a mode, memory is given back. */
static int lack_file(int mode)
{
	lack.files += mode == 0;
	return -1;
}

static void lack_begin(int kinds, unsigned let, bool once)
{
	lack.kinds = kinds;
	lack.let = let;
	lack.once = once;
	lack.failed = 0;
}

/* Returns how many calls failed. */
static unsigned lack_end(void)
{
	lack.kinds = 0;
	return lack.failed;
}

/* clang-format off */
#define WRAP(kind, refused, type, name, parameters, arguments) \
	type __real_##name parameters; \
	type __wrap_##name parameters; \
	type __wrap_##name parameters \
	{ \
		return lacks(kind) ? (refused) : __real_##name arguments; \
	}
/* clang-format on */

WRAP(PAGES, MAP_FAILED, void *, mmap, (void *at, size_t size, int prot, int flags, int fd, off_t offset),
	(at, size, prot, flags, fd, offset))
WRAP(PAGES, MAP_FAILED, void *, mmap64, (void *at, size_t size, int prot, int flags, int fd, off64_t offset),
	(at, size, prot, flags, fd, offset))
WRAP(PAGES, -1, int, ftruncate, (int fd, off_t size), (fd, size))
WRAP(PAGES, -1, int, ftruncate64, (int fd, off64_t size), (fd, size))
WRAP(PAGES, lack_file(mode), int, fallocate, (int fd, int mode, off_t offset, off_t size),
	(fd, mode, offset, size))
WRAP(PAGES, lack_file(mode), int, fallocate64, (int fd, int mode, off64_t offset, off64_t size),
	(fd, mode, offset, size))
WRAP(PAGES, -1, int, memfd_create, (const char *name, unsigned flags), (name, flags))
WRAP(BLOCKS, NULL, void *, malloc, (size_t size), (size))
WRAP(BLOCKS, NULL, void *, calloc, (size_t count, size_t size), (count, size))
WRAP(BLOCKS, NULL, void *, realloc, (void *memory, size_t size), (memory, size))
WRAP(BLOCKS, NULL, void *, aligned_alloc, (size_t alignment, size_t size), (alignment, size))
WRAP(BLOCKS, ENOMEM, int, posix_memalign, (void **memory, size_t alignment, size_t size),
	(memory, alignment, size))

/* --- a list and its model --- */

enum { HELD = 3 };

struct trial {
	struct kin_list *list;
	struct model model;
	struct kin_pool *pool;
	bool shared;
	uint64_t random;
	size_t many; // items of calls on many
	unsigned char *given;
	struct kin_snapshot *held[HELD];
	struct model before[HELD];
	unsigned wrong;
};

#define expect(trial, condition, what) expect_at((trial), (condition), (what), __LINE__)

static void expect_at(struct trial *trial, bool holds, const char *what, int line)
{
	if (!holds && trial->wrong++ < 5)
		tap_note("line %d: %s: count %zu, %s, items of %zu", line, what, trial->model.count,
			trial->shared ? "shared" : "private", trial->model.size);
}

static size_t below(struct trial *trial, size_t limit)
{
	return limit ? (size_t)(random_next(&trial->random) % limit) : 0;
}

static void make_items(struct trial *trial, size_t count)
{
	size_t bytes = count * trial->model.size;
	for (size_t i = 0; i < bytes; i += trial->model.size < 64 ? 1 : 64)
		trial->given[i] = (unsigned char)random_next(&trial->random);
}

static bool trial_begin(struct trial *trial, struct kin_pool *pool, bool shared, size_t size, size_t many)
{
	*trial = (struct trial){
		.pool = pool, .shared = shared, .many = many, .random = size, .model.size = size
	};
	int result =
		shared ? kin_list_create_shared(&trial->list, size) : kin_list_create(&trial->list, size);
	trial->given = __real_malloc(many * size);
	if (result < 0 || !trial->given)
		return tap_ok(false, "a list to begin with");
	memset(trial->given, 0, many * size);
	make_items(trial, many);
	expect(trial, kin_list_append_many(trial->list, trial->given, many, NULL) == 0, "filled");
	model_insert(&trial->model, 0, trial->given, many);
	return true;
}

static void release(struct trial *trial, int place)
{
	if (!trial->held[place])
		return;
	expect(trial, model_is_snapshot(&trial->before[place], trial->held[place]),
		"a snapshot is as it was");
	kin_snapshot_release(trial->held[place]);
	model_finish(&trial->before[place]);
	trial->held[place] = NULL;
}

static void trial_finish(struct trial *trial)
{
	for (int i = 0; i < HELD; i++)
		release(trial, i);
	expect(trial, model_is_list(&trial->model, trial->list), "all is there at the end");
	kin_list_destroy(trial->list);
	model_finish(&trial->model);
	free(trial->given);
}

/* --- calls: the model follows if they succeed --- */

static int call_append(struct trial *trial)
{
	make_items(trial, 1);
	int result = kin_list_append(trial->list, trial->given, NULL);
	if (result == 0)
		model_insert(&trial->model, trial->model.count, trial->given, 1);
	return result;
}

static int call_append_many(struct trial *trial)
{
	make_items(trial, trial->many);
	int result = kin_list_append_many(trial->list, trial->given, trial->many, NULL);
	if (result == 0)
		model_insert(&trial->model, trial->model.count, trial->given, trial->many);
	return result;
}

static int call_insert(struct trial *trial)
{
	size_t index = below(trial, 5) ? below(trial, trial->model.count + 1) : 0;
	make_items(trial, 1);
	int result = kin_list_insert(trial->list, index, trial->given);
	if (result == 0)
		model_insert(&trial->model, index, trial->given, 1);
	return result;
}

static int call_insert_many(struct trial *trial)
{
	size_t index = below(trial, trial->model.count + 1);
	make_items(trial, trial->many);
	int result = kin_list_insert_many(trial->list, index, trial->given, trial->many);
	if (result == 0)
		model_insert(&trial->model, index, trial->given, trial->many);
	return result;
}

static int call_remove(struct trial *trial)
{
	size_t index = below(trial, trial->model.count);
	if (trial->model.count == 0)
		return 0;
	int result = kin_list_remove(trial->list, index, NULL);
	if (result == 0)
		model_remove(&trial->model, index, 1);
	return result;
}

static int call_remove_many(struct trial *trial)
{
	size_t index = below(trial, trial->model.count), count = below(trial, trial->model.count - index) / 2;
	int result = kin_list_remove_many(trial->list, index, count, NULL);
	if (result == 0)
		model_remove(&trial->model, index, count);
	return result;
}

static bool is_held(const struct trial *trial)
{
	for (int i = 0; i < HELD; i++)
		if (trial->held[i])
			return true;
	return false;
}

static int call_pop_first(struct trial *trial)
{
	if (trial->model.count == 0)
		return 0;
	int result = kin_list_pop_first(trial->list, NULL, 0);
	if (result == 0)
		model_remove(&trial->model, 0, 1);
	return result;
}

static int call_pop_last(struct trial *trial)
{
	if (trial->model.count == 0)
		return 0;
	int result = kin_list_pop_last(trial->list, NULL, 0);
	if (result == 0)
		model_remove(&trial->model, trial->model.count - 1, 1);
	return result;
}

static int call_replace(struct trial *trial)
{
	size_t index = below(trial, trial->model.count);
	if (trial->model.count == 0)
		return 0;
	make_items(trial, 1);
	int result = kin_list_replace(trial->list, index, trial->given, NULL);
	expect(trial, result == 0 || trial->shared || is_held(trial),
		"nothing is needed to replace in place");
	if (result == 0)
		memcpy(model_at(&trial->model, index), trial->given, trial->model.size);
	return result;
}

static int set_given(void *item, void *arg)
{
	struct trial *trial = arg;
	memcpy(item, trial->given, trial->model.size);
	return 0;
}

static int call_update(struct trial *trial)
{
	size_t index = below(trial, trial->model.count);
	if (trial->model.count == 0)
		return 0;
	make_items(trial, 1);
	int result = kin_list_update(trial->list, index, set_given, trial);
	if (result == 0)
		memcpy(model_at(&trial->model, index), trial->given, trial->model.size);
	return result;
}

static int call_swap(struct trial *trial)
{
	size_t first = below(trial, trial->model.count), second = below(trial, trial->model.count);
	if (trial->model.count == 0)
		return 0;
	int result = kin_list_swap(trial->list, first, second);
	if (result < 0)
		return result;
	memcpy(trial->given, model_at(&trial->model, first), trial->model.size);
	memmove(model_at(&trial->model, first), model_at(&trial->model, second), trial->model.size);
	memcpy(model_at(&trial->model, second), trial->given, trial->model.size);
	return 0;
}

/* It needs no memory. */
static int call_get(struct trial *trial)
{
	size_t index = below(trial, trial->model.count);
	if (trial->model.count == 0)
		return 0;
	expect(trial, kin_list_get(trial->list, index, trial->given) == 0, "what is there can be read");
	expect(trial, model_equals(&trial->model, trial->given, index, 1), "and is right");
	return 0;
}

static int call_snapshot(struct trial *trial)
{
	int place = (int)below(trial, HELD);
	release(trial, place);
	int result = kin_list_snapshot(trial->list, &trial->held[place]);
	expect(trial, (result == 0) == (trial->held[place] != NULL), "untouched on failure");
	if (result == 0)
		trial->before[place] = model_copy(&trial->model);
	return result;
}

static int call_release(struct trial *trial)
{
	release(trial, (int)below(trial, HELD));
	return 0;
}

static int by_first_byte(const void *a, const void *b, void *arg)
{
	return *(const unsigned char *)a - *(const unsigned char *)b;
}

static int call_sort(struct trial *trial)
{
	int result = kin_list_sort(trial->list, trial->pool, by_first_byte, NULL);
	if (result == 0)
		model_sort(&trial->model);
	return result;
}

static int call_reverse(struct trial *trial)
{
	int result = kin_list_reverse(trial->list, trial->pool);
	if (result == 0)
		model_reverse(&trial->model);
	return result;
}

static int call_assign(struct trial *trial)
{
	make_items(trial, trial->many);
	int result = kin_list_assign(trial->list, trial->given, trial->many);
	if (result == 0) {
		model_remove(&trial->model, 0, trial->model.count);
		model_insert(&trial->model, 0, trial->given, trial->many);
	}
	return result;
}

static int call_concat(struct trial *trial)
{
	int result = kin_list_concat(trial->list, trial->list);
	if (result == 0) {
		struct model copy = model_copy(&trial->model);
		model_insert(&trial->model, trial->model.count, copy.items, copy.count);
		model_finish(&copy);
	}
	return result;
}

static int call_reserve(struct trial *trial)
{
	return kin_list_reserve(trial->list, trial->many * 4);
}

static int call_trim(struct trial *trial)
{
	return kin_list_trim(trial->list);
}

/* It needs no memory. */
static int call_clear(struct trial *trial)
{
	expect(trial, kin_list_clear(trial->list) == 0, "a list can always be emptied");
	model_remove(&trial->model, 0, trial->model.count);
	return 0;
}

static int nothing(const void *items, size_t count, size_t index, void *arg)
{
	return 0;
}

static int call_each(struct trial *trial)
{
	return kin_list_each(trial->list, nothing, NULL);
}

static int call_find(struct trial *trial)
{
	struct kin_list_search search = { .bytes = trial->given, .parallel = 1, .pool = trial->pool };
	make_items(trial, 1);
	int result = kin_list_find(trial->list, &search, NULL, NULL);
	return result == -ENOENT ? 0 : result;
}

static const struct call {
	const char *name;
	int (*function)(struct trial *trial);
} calls[] = {
	{ "append", call_append },
	{ "append_many", call_append_many },
	{ "insert", call_insert },
	{ "insert_many", call_insert_many },
	{ "remove", call_remove },
	{ "remove_many", call_remove_many },
	{ "pop_first", call_pop_first },
	{ "pop_last", call_pop_last },
	{ "replace", call_replace },
	{ "update", call_update },
	{ "swap", call_swap },
	{ "get", call_get },
	{ "snapshot", call_snapshot },
	{ "release", call_release },
	{ "sort", call_sort },
	{ "reverse", call_reverse },
	{ "assign", call_assign },
	{ "concat", call_concat },
	{ "reserve", call_reserve },
	{ "trim", call_trim },
	{ "clear", call_clear },
	{ "each", call_each },
	{ "find", call_find },
};

enum { CALLS = sizeof calls / sizeof *calls, REPLACE = 8, CLEAR = 20 };

/* One call with memory as it is. What fails has to have changed nothing; what succeeds, all. */
static int call_scarce(struct trial *trial, const struct call *call)
{
	int kinds = lack.kinds;
	unsigned files = lack.files;
	int result = call->function(trial);
	int left = lack.kinds;
	lack.kinds = 0;
	expect(trial, result == 0 || result == -ENOMEM, call->name);
	expect(trial, result == 0 || kinds, call->name);
	expect(trial, result != 0 || lack.files == files, "a file that does not grow is no success");
	expect(trial, model_is_list(&trial->model, trial->list), call->name);
	lack.kinds = left;
	return result;
}

#endif
