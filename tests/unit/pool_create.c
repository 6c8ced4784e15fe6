/* Making, changing and ending pools: options, names, limits, and nothing left behind. */
#include "pool_tools.h"

#include <kin/fork.h>

#include <pthread.h>
#include <sched.h>
#include <stddef.h>
#include <sys/resource.h>

static const enum kin_kind both[] = { KIN_THREADS, KIN_PROCESSES };

static int add(size_t begin, size_t end, void *arg)
{
	for (size_t i = begin; i < end; i++)
		atomic_fetch_add((_Atomic uint64_t *)arg, i);
	return 0;
}

/* Whether a loop on the pool runs each index once. */
static bool works(struct kin_pool *pool)
{
	_Atomic uint64_t *sum = engine_shared(sizeof *sum);
	bool right = kin_for(pool, 0, 1000, 1, add, sum) == 0 && *sum == 1000 * 999 / 2;
	kin_shared_free(sum);
	return right;
}

static void test_options(void)
{
	struct kin_pool *none = (void *)&both, *pool = none;
	tap_is_int(kin_pool_create(&pool, &(struct kin_pool_options){ .kind = 7 }), -EINVAL, "no such kind");
	struct kin_pool_options large = { .size = sizeof large + 1 };
	tap_is_int(kin_pool_create(&pool, &large), -EINVAL, "options of a later version");
	tap_ok(pool == none, "the result is untouched");

	tap_is_int(kin_pool_create(&pool, NULL), 0, "no options");
	tap_ok(kin_pool_kind(pool) == KIN_THREADS && kin_pool_workers(pool) >= 1 && works(pool), "threads");
	tap_ok(kin_pool_slots(pool) >= kin_pool_workers(pool), "slots");
	kin_pool_destroy(pool);

	struct kin_pool_options old = { .size = offsetof(struct kin_pool_options, kind) };
	old.workers = 2;
	old.kind = KIN_PROCESSES;
	tap_is_int(kin_pool_create(&pool, &old), 0, "options of an earlier version");
	tap_ok(kin_pool_kind(pool) == KIN_THREADS, "what it did not have is the default");
	tap_is_int(kin_pool_workers(pool), 2, "what it had counts");
	kin_pool_destroy(pool);

	struct kin_pool_options whole = { .size = sizeof whole, .workers = 2, .stack_size = 1 << 20 };
	tap_is_int(kin_pool_create(&pool, &whole), 0, "a stack size");
	struct kin_error warning = { .code = 1 };
	tap_ok(kin_pool_warning(pool, &warning) == 0 && warning.code == 0, "nothing to warn of");
	tap_ok(works(pool), "it works");
	kin_pool_destroy(pool);
	kin_pool_destroy(NULL);
}

static void test_default(void)
{
	struct kin_pool *pool = NULL, *again = NULL;
	tap_ok(kin_pool_default(&pool) == 0 && kin_pool_default(&again) == 0 && pool == again,
		"there is one default pool");
	kin_pool_destroy(pool);
	tap_ok(works(NULL) && works(pool), "nobody can destroy it");
	tap_is_int(kin_pool_workers(NULL), kin_pool_workers(pool), "NULL stands for it");
}

static void test_environment(void)
{
	static const char *const bad[] = { "0", "257", "-1", "three", "3x", "99999999999999999999" };
	struct kin_pool *pool;
	struct kin_error warning;
	for (int k = 0; k < 2; k++) {
		setenv("KIN_WORKERS", "3", 1);
		pool = tool_pool(both[k], 0);
		tap_ok(kin_pool_workers(pool) == 3 && kin_pool_warning(pool, &warning) == 0,
			"KIN_WORKERS decides how many %s", tool_kinds[k]);
		setenv("KIN_WORKERS", "5", 1);
		tap_ok(kin_pool_resize(pool, 0) == 0 && kin_pool_workers(pool) == 5, "and is counted anew");
		kin_pool_destroy(pool);
		pool = tool_pool(both[k], 2);
		tap_is_int(kin_pool_workers(pool), 2, "who asks for a number gets it");
		kin_pool_destroy(pool);
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		setenv("KIN_WORKERS", bad[i], 1);
		pool = tool_pool(KIN_THREADS, 0);
		int code = kin_pool_warning(pool, &warning);
		tap_ok(code == -EINVAL && warning.code == EINVAL && strstr(warning.text, bad[i]) &&
				kin_pool_workers(pool) >= 1 && works(pool),
			"KIN_WORKERS=%s gives a warning: %s %s", bad[i], warning.step, warning.text);
		kin_pool_destroy(pool);
	}
	unsetenv("KIN_WORKERS");
}

static void test_too_many(void)
{
	for (int k = 0; k < 2; k++) {
		struct kin_pool *pool = tool_pool(both[k], KIN_MAX_WORKERS + 1);
		struct kin_error warning;
		int code = kin_pool_warning(pool, &warning);
		if (kin_pool_workers(pool) < KIN_MAX_WORKERS)
			tap_skip("more workers than there can be", "the system gives fewer");
		else
			tap_is_int(code, -ERANGE, "more workers than there can be");
		tap_ok(kin_pool_workers(pool) <= KIN_MAX_WORKERS && works(pool), "the pool works");
		tap_ok(kin_pool_resize(pool, 2) == 0 && kin_pool_workers(pool) == 2, "fewer");
		tap_is_int(kin_pool_warning(pool, &warning), 0, "then there is nothing to warn of");
		kin_pool_destroy(pool);
	}
}

/* --- names and CPUs, as others see them --- */

/* PIDs or thread IDs that have this name. */
static int find_named(const char *directory, const char *name, pid_t *found)
{
	DIR *dir = opendir(directory);
	int count = 0;
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		char path[300], comm[20] = "";
		snprintf(path, sizeof path, "%s/%s/comm", directory, entry->d_name);
		FILE *file = isdigit((unsigned char)entry->d_name[0]) ? fopen(path, "re") : NULL;
		if (!file)
			continue;
		if (fgets(comm, sizeof comm, file) && strcspn(comm, "\n") == strlen(name) &&
			strncmp(comm, name, strlen(name)) == 0) {
			*found = (pid_t)atoi(entry->d_name);
			count++;
		}
		fclose(file);
	}
	if (dir)
		closedir(dir);
	return count;
}

/* A worker names itself some time after it was made. */
static bool await_named(const char *directory, const char *name, pid_t *found)
{
	for (int i = 0; i < 10000; i++) {
		int count = find_named(directory, name, found);
		if (count)
			return count == 1;
		engine_nap(1);
	}
	return false;
}

static bool await_pinned(pid_t id)
{
	cpu_set_t set;
	for (int i = 0; i < 10000; i++) {
		CPU_ZERO(&set);
		if (sched_getaffinity(id, sizeof set, &set) == 0 && CPU_COUNT(&set) == 1)
			return true;
		engine_nap(1);
	}
	return false;
}

/* Names that no other process has: the number is this one's. */
static void test_names_and_pins(void)
{
	cpu_set_t before, after;
	sched_getaffinity(0, sizeof before, &before);
	for (int k = 0; k < 2; k++) {
		char name[10], worker[24];
		snprintf(name, sizeof name, "%c%u", "tp"[k], (unsigned)getpid() % 1000000);
		struct kin_pool_options options = {
			.kind = both[k], .workers = 3, .name = name, .pin = true
		};
		struct kin_pool *pool = NULL;
		if (!tap_ok(kin_pool_create(&pool, &options) == 0, "a pool with a name"))
			continue;
		const char *directory = k ? "/proc" : "/proc/self/task";
		int named = 0, pinned = 0;
		for (unsigned i = 1; i <= 3; i++) {
			pid_t id;
			snprintf(worker, sizeof worker, "%s/%u", name, i);
			if (both[k] == KIN_THREADS && i == 3)
				continue; // the caller is a worker, and keeps its name
			named += await_named(directory, worker, &id);
			pinned += await_pinned(id);
		}
		tap_is_int(named, k ? 3 : 2, "the workers have their names");
		tap_is_int(pinned, k ? 3 : 2, "each is bound to one CPU");
		tap_ok(works(pool), "they work");
		kin_pool_destroy(pool);
	}
	sched_getaffinity(0, sizeof after, &after);
	tap_ok(CPU_EQUAL(&before, &after), "the caller is not bound");
	struct kin_pool_options options = { .workers = 2, .name = "abcdefghijklmnop" };
	struct kin_pool *pool = NULL;
	pid_t id;
	tap_is_int(kin_pool_create(&pool, &options), 0, "a long name");
	tap_ok(await_named("/proc/self/task", "abcdefghi/1", &id), "9 bytes of it show");
	kin_pool_destroy(pool);
}

/* --- a system that gives fewer --- */

#define LONELY_UID 61423 // nobody's: the limit counts all processes of a user

static int in_a_limit(void *arg)
{
	const rlim_t most = *(rlim_t *)arg;
	if (setrlimit(RLIMIT_NPROC, &(struct rlimit){ most, most }) < 0 || setgid(LONELY_UID) < 0 ||
		setuid(LONELY_UID) < 0)
		return 77;
	struct kin_pool *pool = NULL;
	struct kin_error warning = { 0 };
	int error = kin_pool_create(&pool, &(struct kin_pool_options){ .workers = 20 });
	if (error < 0)
		return 10; // threads: it is never a failure
	unsigned workers = kin_pool_workers(pool);
	if (workers >= 20 || kin_pool_warning(pool, &warning) != -EAGAIN || !works(pool))
		return 11;
	if (kin_pool_resize(pool, 30) < 0 || kin_pool_workers(pool) >= 20 || !works(pool))
		return 12;
	kin_pool_destroy(pool);
	error = kin_pool_create(&pool, &(struct kin_pool_options){ .kind = KIN_PROCESSES, .workers = 20 });
	if (most == 1)
		return error == -EAGAIN ? 0 : 13;
	if (error < 0)
		return 14;
	workers = kin_pool_workers(pool);
	if (workers >= 20 || kin_pool_warning(pool, &warning) != -EAGAIN || !works(pool))
		return 15;
	kin_pool_destroy(pool);
	return engine_children("", NULL, 0) ? 16 : 0;
}

static void test_limits(void)
{
	static rlim_t limits[] = { 1, 8 };
	for (int i = 0; i < 2; i++) {
		if (thread_sanitizer) {
			tap_skip("a limit on processes",
				"the thread sanitizer bears no threads in forked children");
			continue;
		}
		if (getuid() != 0) {
			tap_skip("a limit on processes", "needs root");
			continue;
		}
		int status = engine_in_child(in_a_limit, &limits[i]);
		if (status == 77 << 8)
			tap_skip("a limit on processes", "cannot become another user here");
		else
			tap_is_int(status, 0, i ? "few can be had: smaller pools" : "none can be had");
	}
}

/* --- resizing --- */

static void test_resize(void)
{
	static const unsigned sizes[] = { 5, 1, 8, 3, 3, 1 };
	for (int k = 0; k < 2; k++) {
		unsigned threads = tool_count_threads();
		struct kin_pool *pool = tool_pool(both[k], 2);
		for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
			int error = kin_pool_resize(pool, sizes[i]);
			bool right = error == 0 && kin_pool_workers(pool) == sizes[i] && works(pool);
			if (both[k] == KIN_THREADS)
				right &= tool_count_threads() == threads + sizes[i] - 1;
			else
				right &= engine_children("", NULL, 0) == (int)sizes[i];
			tap_ok(right, "%u %s after a change (%d)", sizes[i], tool_kinds[k], error);
		}
		tap_ok(kin_pool_resize(pool, 0) == 0 && kin_pool_workers(pool) >= 1 && works(pool),
			"as many as there may be");
		kin_pool_destroy(pool);
	}
	tap_ok(kin_pool_resize(NULL, 3) == 0 && kin_pool_workers(NULL) == 3 && works(NULL),
		"the default pool, too");
}

struct holding {
	struct kin_pool *pool;
	_Atomic uint32_t begun, let_go;
	_Atomic int inside;
	size_t chunks;
	int result;
};

static int hold(size_t begin, size_t end, void *arg)
{
	struct holding *holding = arg;
	atomic_store(&holding->begun, 1);
	while (!atomic_load(&holding->let_go))
		engine_nap(1);
	return 0;
}

static void *call_hold(void *arg)
{
	struct holding *holding = arg;
	holding->result = kin_for(holding->pool, 0, holding->chunks, 1, hold, holding);
	return NULL;
}

static int resize_inside(size_t begin, size_t end, void *arg)
{
	struct holding *holding = arg;
	if (begin == 0)
		atomic_store(&holding->inside, kin_pool_resize(holding->pool, 3));
	return 0;
}

static void test_busy(void)
{
	struct holding *holding = engine_shared(sizeof *holding);
	for (int k = 0; k < 2; k++)
		for (size_t chunks = 1; chunks <= 8; chunks += 7) {
			pthread_t thread;
			*holding = (struct holding){ .pool = tool_pool(both[k], 2), .chunks = chunks };
			pthread_create(&thread, NULL, call_hold, holding);
			bool begun = tool_await(&holding->begun, 1);
			int error = kin_pool_resize(holding->pool, 4);
			atomic_store(&holding->let_go, 1);
			pthread_join(thread, NULL);
			tap_ok(begun && error == -EBUSY && holding->result == 0,
				"%zu chunks on %s: no change while a call runs (%d)", chunks, tool_kinds[k],
				error);
			tap_ok(kin_pool_workers(holding->pool) == 2 && works(holding->pool),
				"it stays as it was");
			kin_pool_destroy(holding->pool);
		}
	for (unsigned workers = 1; workers <= 2; workers++) {
		*holding = (struct holding){ .pool = tool_pool(KIN_THREADS, workers) };
		int result = kin_for(holding->pool, 0, 5, 1, resize_inside, holding);
		tap_ok(result == 0 && holding->inside == -EBUSY, "%u workers: no change in a body (%d)",
			workers, holding->inside);
		kin_pool_destroy(holding->pool);
	}
	kin_shared_free(holding);
}

/* In the computation, and from another thread meanwhile. */
struct forking {
	struct kin_task task;
	struct kin_pool *pool;
	int inside, outside;
};

static void *resize_outside(void *arg)
{
	struct forking *forking = arg;
	forking->outside = kin_pool_resize(forking->pool, 3);
	return NULL;
}

static void resize_in_task(struct kin_worker worker, struct kin_task *task)
{
	struct forking *forking = (struct forking *)task;
	pthread_t thread;
	forking->inside = kin_pool_resize(forking->pool, 3);
	pthread_create(&thread, NULL, resize_outside, forking);
	pthread_join(thread, NULL);
}

static void test_busy_forks(void)
{
	struct forking forking = { .pool = tool_pool(KIN_THREADS, 2) };
	tap_is_int(kin_run(forking.pool, resize_in_task, &forking.task), 0, "a computation that forks");
	tap_ok(forking.inside == -EBUSY && forking.outside == -EBUSY,
		"no change in it, nor meanwhile (%d, %d)", forking.inside, forking.outside);
	tap_ok(kin_pool_resize(forking.pool, 3) == 0 && works(forking.pool), "afterwards there is one");
	kin_pool_destroy(forking.pool);
}

/* --- what is left --- */

static int count_mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "re");
	int lines = 0, c;
	while (file && (c = fgetc(file)) != EOF)
		lines += c == '\n';
	if (file)
		fclose(file);
	return lines;
}

static int make_index(size_t index, void *item, void *arg)
{
	*(uint64_t *)item = index;
	return 0;
}

static int nothing(size_t index, void *arg)
{
	return 0;
}

static void make_and_end(int rounds)
{
	for (int i = 0; i < rounds; i++)
		for (int k = 0; k < 2; k++) {
			struct kin_pool *pool = tool_pool(both[k], 3), *other = tool_pool(both[1 - k], 2);
			size_t found;
			works(pool);
			works(other);
			kin_find(pool, 0, 10, nothing, NULL, &found); // workers forked for it, and slots
			kin_pool_destroy(pool);
			kin_pool_destroy(other);
		}
}

static void test_leaks(void)
{
	enum { ROUNDS = 20 };
	make_and_end(5); // what the C library keeps for later
	unsigned threads = tool_count_threads();
	int mappings = count_mappings(), descriptors = tap_count_descriptors();
	make_and_end(ROUNDS);
	tap_is_int(tool_count_threads(), threads, "no thread is left");
	tap_is_int(tap_count_descriptors(), descriptors, "no descriptor");
	tap_is_int(engine_children("", NULL, 0), 0, "no child");
	int more = count_mappings() - mappings;
	tap_ok(more < ROUNDS, "no mapping with each pool: %d more", more);
}

static void test_several(void)
{
	enum { POOLS = 12 };
	struct kin_pool *pools[POOLS];
	int wrong = 0;
	for (int i = 0; i < POOLS; i++)
		pools[i] = tool_pool(both[i % 2], 1 + (unsigned)i % 3);
	for (int i = 0; i < POOLS; i++)
		wrong += !works(pools[i]);
	for (int i = 0; i < POOLS; i += 3)
		kin_pool_destroy(pools[i]);
	for (int i = 0; i < POOLS; i++)
		wrong += i % 3 && !works(pools[i]);
	for (int i = 0; i < POOLS; i++)
		if (i % 3)
			kin_pool_destroy(pools[i]);
	tap_is_int(wrong, 0, "several pools side by side");
}

/* A call that has returned is counted with all its chunks, those of steps that have several, too. */
static void test_exact_stats(void)
{
	enum { CALLS = 500, MANY = 3 * 16384 + 5 };
	struct kin_pool *pool = tool_pool(KIN_PROCESSES, 2);
	_Atomic uint64_t *sum = engine_shared(sizeof *sum);
	struct kin_pool_stats before, after;
	int wrong = 0;
	for (int i = 0; i < CALLS; i++) {
		kin_pool_stats(pool, &before, sizeof before);
		kin_for(pool, 0, 3, 1, add, sum);
		kin_pool_stats(pool, &after, sizeof after);
		wrong += after.chunks - before.chunks != 3;
	}
	tap_is_int(wrong, 0, "no chunk is counted late");
	kin_pool_stats(pool, &before, sizeof before);
	kin_for(pool, 0, MANY, 1, add, sum);
	kin_pool_stats(pool, &after, sizeof after);
	tap_is_int(
		after.chunks - before.chunks, MANY, "chunks are counted, and not what is handed out at once");
	kin_pool_stats(pool, &before, sizeof before);
	uint64_t own[3] = { 0 };
	kin_map(pool, 3, own, sizeof own[0], make_index, own);
	kin_pool_stats(pool, &after, sizeof after);
	tap_ok(after.chunks - before.chunks == 3 && own[2] == 2, "those of workers forked for a call: %u",
		(unsigned)(after.chunks - before.chunks));
	kin_shared_free(sum);
	kin_pool_destroy(pool);
}

static void test_stats(void)
{
	struct kin_pool *pool = tool_pool(KIN_PROCESSES, 2);
	struct kin_pool_stats stats;
	memset(&stats, 0xa5, sizeof stats);
	kin_pool_stats(pool, &stats, sizeof stats.calls);
	tap_ok(stats.calls == 0 && stats.chunks == UINT64_C(0xa5a5a5a5a5a5a5a5),
		"no more is filled than the caller has");
	works(pool);
	kin_pool_stats(pool, &stats, sizeof stats);
	tap_ok(stats.calls == 1 && stats.chunks == 1000 && stats.forks == 2 && stats.deaths == 0,
		"what it did is counted: %u calls, %u chunks, %u forks", (unsigned)stats.calls,
		(unsigned)stats.chunks, (unsigned)stats.forks);
	kin_pool_resize(pool, 3);
	kin_pool_stats(pool, &stats, sizeof stats);
	tap_ok(stats.calls == 1 && stats.chunks == 1000 && stats.forks == 5, "also after a change");
	kin_pool_destroy(pool);
}

int main(void)
{
	engine_begin();
	unsetenv("KIN_WORKERS");
	test_options();
	test_default();
	test_environment();
	test_too_many();
	test_names_and_pins();
	test_limits();
	test_resize();
	test_busy();
	test_busy_forks();
	test_several();
	test_stats();
	test_exact_stats();
	test_leaks();
	return tap_done();
}
