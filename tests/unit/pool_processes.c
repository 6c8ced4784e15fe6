/*
 * Process workers: the end of their parent, what bodies may do in them, several callers. Deaths are in
 * pool_deaths.c.
 */
#include <kin/pool.h>

#include "engine.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static struct kin_pool *make(unsigned workers)
{
	struct kin_pool *pool = NULL;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers, .kind = KIN_PROCESSES }) <
		0) {
		tap_ok(false, "a pool of processes");
		exit(1);
	}
	return pool;
}

static struct kin_pool_stats stats_of(struct kin_pool *pool)
{
	struct kin_pool_stats stats;
	kin_pool_stats(pool, &stats, sizeof stats);
	return stats;
}

/* --- the end of the parent --- */

struct family {
	_Atomic int ready;
	_Atomic int workers;
};

static int run_for_ever(size_t begin, size_t end, void *arg)
{
	struct family *family = arg;
	(void)begin;
	(void)end;
	atomic_fetch_add(&family->ready, 1);
	for (;;)
		pause();
	return 0;
}

static int run_for_ever_outside(size_t begin, size_t end, void *arg)
{
	return run_for_ever(begin, end, *(struct family **)arg);
}

static struct kin_pool *family_pool;

static void *call_for_ever(void *arg)
{
	kin_for(family_pool, 0, 2, 1, run_for_ever_outside, arg);
	return NULL;
}

/* Two idle workers of one pool, two busy persistent ones and two forked for a call of another. */
static int be_parent(struct family *family)
{
	make(2);
	family_pool = make(2);
	pthread_t caller;
	pthread_create(&caller, NULL, call_for_ever, &family);
	kin_for(family_pool, 0, 2, 1, run_for_ever, family);
	return 1;
}

static void test_parent_killed(void)
{
	struct family *family = engine_shared(sizeof *family);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t parent = fork();
	if (parent == 0)
		_exit(be_parent(family));
	engine_await(&family->ready, 4);
	kill(parent, SIGKILL);
	int reaped = 0;
	while (waitpid(-1, NULL, 0) > 0)
		reaped++;
	tap_is_int(reaped, 7, "a parent was killed: it and its six workers are gone");
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	kin_shared_free(family);
}

/* --- what bodies do --- */

static int print_index(size_t begin, size_t end, void *arg)
{
	(void)arg;
	for (size_t i = begin; i < end; i++)
		printf("<%zu>", i);
	return 0;
}

static int print_all(void *arg)
{
	int *ends = arg, private = 0;
	if (dup2(ends[1], STDOUT_FILENO) < 0)
		return 2;
	close(ends[0]);
	close(ends[1]);
	printf("[before]");
	struct kin_pool *pool = make(2);
	int *shared = engine_shared(sizeof *shared);
	printf("[between]");
	int result = kin_for(pool, 0, 100, 1, print_index, shared) |
		     kin_for(pool, 100, 200, 1, print_index, &private);
	printf("[after]");
	kin_pool_destroy(pool);
	fflush(stdout);
	return result != 0;
}

static int count_of(const char *text, const char *part)
{
	int count = 0;
	while ((text = strstr(text, part))) {
		text += strlen(part);
		count++;
	}
	return count;
}

static void test_printing(void)
{
	int ends[2];
	if (pipe(ends) < 0)
		return;
	int status = engine_in_child(print_all, ends);
	close(ends[1]);
	tap_is_int(status, 0, "a program whose bodies print");
	char text[8192];
	size_t length = 0;
	ssize_t got;
	while ((got = read(ends[0], text + length, sizeof text - 1 - length)) > 0)
		length += (size_t)got;
	text[length] = '\0';
	close(ends[0]);
	int wrong = count_of(text, "[before]") != 1;
	wrong += count_of(text, "[between]") != 1;
	wrong += count_of(text, "[after]") != 1;
	for (int i = 0; i < 200; i++) {
		char part[16];
		snprintf(part, sizeof part, "<%d>", i);
		wrong += count_of(text, part) != 1;
	}
	tap_is_int(wrong, 0, "what is printed appears once");
}

static int close_all(size_t begin, size_t end, void *arg)
{
	long *values = arg;
	for (int fd = 0; fd < 1024; fd++)
		close(fd);
	for (size_t i = begin; i < end; i++)
		values[i] = (long)i + 1;
	return 0;
}

static void test_closed_descriptors(void)
{
	struct kin_pool *pool = make(2);
	long *values = engine_shared(100 * sizeof *values);
	for (int round = 0; round < 3; round++) {
		memset(values, 0, 100 * sizeof *values);
		int wrong = kin_for(pool, 0, 100, 1, close_all, values);
		for (long i = 0; i < 100; i++)
			wrong += values[i] != i + 1;
		tap_is_int(wrong, 0, "bodies that close all descriptors");
	}
	tap_is_int(stats_of(pool).deaths, 0, "nobody died of it");
	kin_pool_destroy(pool);
	kin_shared_free(values);
}

struct forking {
	_Atomic int runs[40], children, bad;
	pid_t worker[40];
};

static int fork_in_body(size_t begin, size_t end, void *arg)
{
	struct forking *forking = arg;
	(void)end;
	atomic_fetch_add(&forking->runs[begin], 1);
	pid_t child = fork();
	if (child == 0) {
		atomic_fetch_add(&forking->children, 1);
		return begin % 2 ? 5 : 0;
	}
	int status = -1;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (status != 0)
		atomic_fetch_add(&forking->bad, 1);
	return 0;
}

static int fork_outside(size_t begin, size_t end, void *arg)
{
	return fork_in_body(begin, end, *(struct forking **)arg);
}

static void test_forking_body(void)
{
	struct kin_pool *pool = make(2);
	for (int private = 0; private < 2; private ++) {
		struct forking *forking = engine_shared(sizeof *forking);
		int result = private ? kin_for(pool, 0, 40, 1, fork_outside, &forking)
				     : kin_for(pool, 0, 40, 1, fork_in_body, forking);
		int wrong = 0;
		for (int i = 0; i < 40; i++)
			wrong += forking->runs[i] != 1;
		tap_ok(result == 0 && wrong == 0 && forking->children == 40,
			"bodies that fork, and return in the child: %d, %d wrong", result, wrong);
		tap_is_int(forking->bad, 0, "the children end with status 0");
		kin_shared_free(forking);
	}
	kin_pool_destroy(pool);
}

/* --- which worker --- */

struct places {
	struct kin_pool *pool;
	struct kin_local *local;
	_Atomic int entered, bad, runs;
};

static int look_inside(size_t begin, size_t end, void *arg)
{
	struct places *places = arg;
	(void)begin;
	(void)end;
	int index = kin_worker_index(places->pool);
	long *value = kin_local_get(places->local);
	if (index < 0 || (unsigned)index >= kin_pool_slots(places->pool) || !value)
		atomic_fetch_add(&places->bad, 1);
	else
		++*value;
	atomic_fetch_add(&places->runs, 1);
	return 0;
}

static int look_around(size_t begin, size_t end, void *arg)
{
	struct places *places = arg;
	/* so that both workers take part */
	atomic_fetch_add(&places->entered, 1);
	engine_await(&places->entered, 2);
	int index = kin_worker_index(places->pool);
	int value = look_inside(begin, end, arg);
	if (value == 0)
		value = kin_for(places->pool, 0, 3, 1, look_inside, arg);
	if (kin_worker_index(places->pool) != index)
		atomic_fetch_add(&places->bad, 1);
	return value;
}

static int add_up(void *value, void *arg)
{
	*(long *)arg += *(long *)value;
	return 0;
}

static void test_places(void)
{
	struct places *places = engine_shared(sizeof *places);
	places->pool = make(2);
	tap_is_int(
		kin_local_create(&places->local, places->pool, sizeof(long), NULL), 0, "values of workers");
	tap_is_int(kin_for(places->pool, 0, 25, 1, look_around, places), 0, "bodies ask who they are");
	long sum = 0;
	kin_local_each(places->local, add_up, &sum);
	tap_ok(places->runs == 100 && places->bad == 0, "%d of 100 looks, %d bad", places->runs, places->bad);
	tap_is_int(sum, 100, "each counted by its worker");
	kin_local_destroy(places->local);
	kin_pool_destroy(places->pool);
	kin_shared_free(places);
}

/* --- several callers --- */

struct caller {
	struct kin_pool *pool;
	pthread_t thread;
	int number, calls, failed;
	bool private;
	long *values; // shared
};

static int mark(size_t begin, size_t end, void *arg)
{
	long *values = arg;
	for (size_t i = begin; i < end; i++)
		values[i] += (long)i;
	return 0;
}

static int mark_outside(size_t begin, size_t end, void *arg)
{
	struct caller *caller = arg;
	return mark(begin, end, caller->values) + (caller->number < 0);
}

static void *call_often(void *arg)
{
	struct caller *caller = arg;
	for (int i = 0; i < caller->calls; i++) {
		memset(caller->values, 0, 64 * sizeof(long));
		int result = caller->private ? kin_for(caller->pool, 0, 64, 2, mark_outside, caller)
					     : kin_for(caller->pool, 0, 64, 2, mark, caller->values);
		for (long k = 0; k < 64 && result == 0; k++)
			result = caller->values[k] != k;
		caller->failed += result != 0;
	}
	return NULL;
}

static void test_callers(unsigned workers, int count, int calls, bool all_private)
{
	struct kin_pool *pool = make(workers);
	struct caller callers[8] = { 0 };
	int failed = 0;
	for (int i = 0; i < count; i++) {
		callers[i] = (struct caller){ .pool = pool,
			.number = i,
			.private = all_private || i % 2,
			.calls = all_private || i % 2 ? calls : 10 * calls,
			.values = engine_shared(64 * sizeof(long)) };
		pthread_create(&callers[i].thread, NULL, call_often, &callers[i]);
	}
	for (int i = 0; i < count; i++) {
		pthread_join(callers[i].thread, NULL);
		failed += callers[i].failed;
		kin_shared_free(callers[i].values);
	}
	tap_ok(failed == 0, "%d callers on %u workers: %d calls failed", count, workers, failed);
	tap_is_int(engine_children("", NULL, 0), workers, "what was forked for calls is gone");
	kin_pool_destroy(pool);
}

int main(void)
{
	engine_begin();
	test_parent_killed();
	test_printing();
	test_closed_descriptors();
	test_forking_body();
	test_places();
	test_callers(2, 6, 20, false);
	test_callers(16, 8, 5, true); // more workers than seats
	tap_is_int(engine_children("", NULL, 0), 0, "no process is left");
	return tap_done();
}
