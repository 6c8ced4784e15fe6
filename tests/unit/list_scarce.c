/* Lists where memory is lacking: the n-th call for it fails, or all do. Nothing else may happen. */
#include "list_scarce.h"

#include "engine.h"

#include <sys/resource.h>

/* --- the n-th call for memory fails --- */

/* Returns how many calls for memory failed; 0: there are not so many in this call. */
static unsigned try_nth(struct kin_pool *pool, const struct call *call, int how, unsigned let,
	unsigned *wrong, unsigned *refused)
{
	struct trial trial;
	if (!trial_begin(&trial, pool, how & 1, how & 8 ? 5000 : 4, how & 8 ? 40 : 700))
		return 0;
	for (int i = 0; i < 30; i++)
		call_insert(&trial);
	if (how & 2)
		call_snapshot(&trial);
	if (how & 16)
		call_trim(&trial);
	lack_begin(PAGES | BLOCKS, let, how & 4);
	*refused += call_scarce(&trial, call) == -ENOMEM;
	unsigned failed = lack_end();
	expect(&trial, call_scarce(&trial, call) == 0, "with memory all is well");
	trial_finish(&trial);
	*wrong += trial.wrong;
	return failed;
}

static void test_nth(struct kin_pool *pool, const struct call *call)
{
	unsigned wrong = 0, refused = 0, tried = 0;
	for (int how = 0; how < 32; how += test_is_slow() ? 5 : 1)
		for (unsigned let = 0; try_nth(pool, call, how, let, &wrong, &refused); let += 1 + let / 6)
			tried++;
	if (!tap_ok(wrong == 0, "%s: all or nothing", call->name))
		tap_note("%u things were wrong", wrong);
	tap_note("%u calls for memory failed, and %u of list's calls with them", tried, refused);
}

/* --- all calls fail --- */

static const struct call *any_call(struct trial *trial)
{
	static const char *const rare[] = { "clear", "assign", "remove_many", "trim" };
	size_t kind = below(trial, 100);
	if (trial->model.count > 30 * trial->many)
		return &calls[CLEAR];
	if (kind < 40)
		return &calls[kind % 4]; // more items
	const struct call *call = &calls[below(trial, CALLS)];
	for (size_t i = 0; i < sizeof rare / sizeof *rare; i++)
		if (strcmp(call->name, rare[i]) == 0 && below(trial, 8))
			return &calls[REPLACE];
	return call;
}

static void test_exhausted(struct kin_pool *pool, int kinds, bool shared, size_t size, size_t many)
{
	struct trial trial;
	unsigned refused = 0, after = 0;
	if (!trial_begin(&trial, pool, shared, size, many))
		return;
	for (int round = 0; round < (test_is_slow() ? 1 : 3); round++) {
		lack_begin(kinds, 0, false);
		for (int i = 0; i < 200 && trial.wrong < 5; i++)
			refused += call_scarce(&trial, any_call(&trial)) < 0;
		lack_end();
		for (int i = 0; i < CALLS; i++)
			after += call_scarce(&trial, &calls[i]) < 0;
		call_append_many(&trial);
	}
	trial_finish(&trial);
	tap_is_int(trial.wrong, 0, "without memory nothing is half done");
	tap_is_int(after, 0, "with memory all is well");
	tap_ok(refused > 0, "%s, items of %zu: %u calls failed", shared ? "shared" : "private", size,
		refused);
}

/* --- what was reserved is there --- */

/* More chunks than a list keeps when they are free. */
#ifdef KIN_LIST_PAGE
enum { RESERVED = 5000 };
#else
enum { RESERVED = 60000 };
#endif

static void test_reserved(struct kin_pool *pool, bool shared, bool snapshot, size_t size, size_t many)
{
	struct trial trial;
	unsigned refused = 0;
	if (!trial_begin(&trial, pool, shared, size, many))
		return;
	for (int i = 0; i < 10; i++)
		call_insert(&trial);
	/* What was given back has to be asked for again. */
	for (int i = 0; i < 3; i++)
		call_append_many(&trial);
	while (trial.model.count > many)
		call_remove_many(&trial);
	call_trim(&trial);
	if (snapshot)
		call_snapshot(&trial);
	expect(&trial, call_reserve(&trial) == 0, "reserve");
	lack_begin(PAGES | BLOCKS, 0, false);
	for (size_t i = 0; i < many; i++)
		refused += call_append(&trial) < 0;
	refused += call_append_many(&trial) < 0;
	for (size_t i = 0; i < many; i++)
		refused += call_append(&trial) < 0;
	refused += call_append_many(&trial) < 0;
	lack_end();
	trial_finish(&trial);
	tap_ok(refused == 0 && trial.wrong == 0, "reserved, %s, items of %zu%s",
		shared ? "shared" : "private", size, snapshot ? ", a snapshot" : "");
}

/* --- beginnings --- */

static int create(struct kin_list **ret_list, int kind, int descriptor)
{
	return kind == 0   ? kin_list_create(ret_list, 4)
	       : kind == 1 ? kin_list_create_shared(ret_list, 4)
			   : kin_list_attach(ret_list, descriptor);
}

static void test_create(void)
{
	static const char *const names[] = { "create", "create_shared", "attach" };
	struct kin_list *first = NULL;
	tap_is_int(kin_list_create_shared(&first, 4), 0, "a list");
	for (int kind = 0; kind < 3; kind++) {
		unsigned failed = 1, wrong = 0, let = 0;
		int descriptors = tap_count_descriptors();
		for (; failed && let < 100; let++) {
			struct kin_list *list = (struct kin_list *)&lack, *before = list;
			lack_begin(PAGES | BLOCKS, let, true);
			int result = create(&list, kind, kin_list_descriptor(first));
			failed = lack_end();
			wrong += result != (failed ? -ENOMEM : 0);
			wrong += failed && list != before;
			if (result == 0)
				kin_list_destroy(list);
			wrong += tap_count_descriptors() != descriptors;
		}
		tap_ok(wrong == 0 && let > 1, "%s: %u calls for memory, each failed", names[kind], let - 1);
	}
	kin_list_destroy(first);
}

/* --- a process that cannot map what another added --- */

static void test_reader(void)
{
	struct kin_list *list = NULL, *other = NULL;
	int number = 7, wrong = 0, *numbers = calloc(200000, sizeof *numbers);
	size_t count = 0;
	tap_ok(numbers && kin_list_create_shared(&list, sizeof(int)) == 0 &&
			kin_list_append(list, &number, NULL) == 0 &&
			kin_list_attach(&other, kin_list_descriptor(list)) == 0 &&
			kin_list_get(other, 0, &number) == 0,
		"a shared list");
	tap_is_int(kin_list_insert_many(list, 0, numbers, 200000), 0, "it grows");
	lack_begin(PAGES, 0, false);
	number = 7;
	for (size_t i = 100000; i < 110000; i++)
		wrong += kin_list_get(other, i, &number) != -ENOMEM;
	tap_is_int(wrong, 0, "the other cannot read what it cannot map");
	tap_is_int(number, 7, "untouched");
	tap_is_int(kin_list_get_many(other, 100000, 5000, numbers), -ENOMEM, "nor many at once");
	tap_is_int(kin_list_export(other, numbers, 200000, &count), -ENOMEM, "nor all");
	tap_is_int(kin_list_each(other, nothing, NULL), -ENOMEM, "nor pass over it");
	tap_is_int(kin_list_find(other, &(struct kin_list_search){ .bytes = &number }, NULL, NULL), -ENOMEM,
		"nor search");
	tap_is_int(kin_list_replace(other, 100000, &number, NULL), -ENOMEM, "nor replace");
	tap_is_int(kin_list_insert(other, 100000, &number), -ENOMEM, "nor insert");
	tap_is_int(kin_list_remove(other, 100000, NULL), -ENOMEM, "nor remove");
	tap_is_int(kin_list_count(other), 200001, "but count it");
	tap_is_int(kin_list_append(list, &number, NULL), 0, "the one that can goes on");
	lack_end();
	tap_ok(kin_list_get(other, 200001, &number) == 0 && number == 7, "with memory the other can");
	tap_is_int(kin_list_export(other, numbers, 200000, &count), 0, "all of it");
	tap_is_int(kin_list_check(list), 0, "the list is whole");
	kin_list_destroy(other);
	kin_list_destroy(list);
	free(numbers);
}

/* --- no more addresses, really --- */

/* Bytes of addresses that are in use. */
static rlim_t used_addresses(void)
{
	unsigned long long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (!file || fscanf(file, "%llu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

static int fill_addresses(bool shared)
{
	static int numbers[50000];
	struct kin_list *list = NULL;
	int result =
		shared ? kin_list_create_shared(&list, sizeof(int)) : kin_list_create(&list, sizeof(int));
	struct rlimit limit = { used_addresses() + ((rlim_t)64 << 20), RLIM_INFINITY };
	if (result < 0 || setrlimit(RLIMIT_AS, &limit) < 0)
		return 1;
	size_t count = 0;
	int number = 0;
	while ((result = kin_list_append(list, &number, NULL)) == 0 && number < 1 << 28)
		number++;
	if (result != -ENOMEM || kin_list_count(list) != (size_t)number)
		return 2;
	for (int i = 0, item; i < number; i += 97)
		if (kin_list_get(list, (size_t)i, &item) != 0 || item != i)
			return 3;
	if (kin_list_append_many(list, numbers, 50000, &count) != -ENOMEM || count != 0)
		return 4;
	limit.rlim_cur = RLIM_INFINITY;
	if (setrlimit(RLIMIT_AS, &limit) < 0)
		return 5;
	for (int i = 0, item; i < 100000; i++)
		if (kin_list_pop_first(list, &item, 0) != 0 || item != i)
			return 5;
	if (kin_list_append_many(list, numbers, 50000, &count) != 0 || count != (size_t)number - 100000)
		return 6;
	kin_list_destroy(list);
	return kin_list_create(&list, 4) == 0 ? 0 : 7;
}

static void test_addresses(bool shared)
{
	const char *what = "where there are no more addresses";
	if (address_sanitizer || thread_sanitizer || test_is_slow()) {
		tap_skip(what, "a sanitizer or valgrind needs addresses");
		return;
	}
	pid_t child = fork();
	if (child == 0)
		_exit(fill_addresses(shared));
	int status = -1;
	waitpid(child, &status, 0);
	tap_is_int(WIFEXITED(status) ? WEXITSTATUS(status) : -1, 0, what);
}

int main(void)
{
	struct kin_pool *pool = NULL;
	engine_begin();
	test_addresses(false);
	test_addresses(true);
	tap_is_int(kin_pool_create(&pool, &(struct kin_pool_options){ .workers = 1 }), 0, "a pool");
	test_create();
	test_reader();
	for (int i = 0; i < CALLS; i++)
		test_nth(pool, &calls[i]);
	for (int shared = 0; shared < 2; shared++) {
		for (int snapshot = 0; snapshot < 2; snapshot++) {
			test_reserved(pool, shared, snapshot, 4, RESERVED);
			test_reserved(pool, shared, snapshot, 5000, 50);
		}
		for (int kinds = PAGES; kinds <= (PAGES | BLOCKS); kinds++) {
			test_exhausted(pool, kinds, shared, 4, 2000);
			test_exhausted(pool, kinds, shared, 12, 500);
			test_exhausted(pool, kinds, shared, 5000, 20);
		}
	}
	kin_pool_destroy(pool);
	return tap_done();
}
