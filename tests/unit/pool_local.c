/* Who runs a body: indexes of workers, and values for each of them. */
#include "pool_tools.h"

#include <kin/job.h>

#include <pthread.h>

#define POOLS 5
static struct {
	struct kin_pool *pool;
	enum kin_kind kind;
	unsigned workers;
} all[POOLS] = {
	{ .kind = KIN_THREADS, .workers = 1 },
	{ .kind = KIN_THREADS, .workers = 2 },
	{ .kind = KIN_THREADS, .workers = 6 },
	{ .kind = KIN_PROCESSES, .workers = 1 },
	{ .kind = KIN_PROCESSES, .workers = 4 },
};

/* In shared memory. */
struct taken {
	struct kin_pool *pool;
	unsigned slots;
	_Atomic uint32_t bad, twice, ran;
	_Atomic uint32_t holders[1024]; // bodies that have this index now
};

static struct taken *taken;

static int take(size_t begin, size_t end, void *arg)
{
	int index = kin_worker_index(taken->pool);
	atomic_fetch_add(&taken->ran, 1);
	if (index < 0 || (unsigned)index >= taken->slots) {
		atomic_fetch_add(&taken->bad, 1);
		return 0;
	}
	atomic_fetch_add(&taken->twice, atomic_fetch_add(&taken->holders[index], 1) != 0);
	for (int i = 0; i < 3; i++) {
		sched_yield();
		atomic_fetch_add(&taken->bad, kin_worker_index(taken->pool) != index);
	}
	atomic_fetch_sub(&taken->holders[index], 1);
	return 0;
}

static void *call_take(void *arg)
{
	for (int i = 0; i < 10; i++)
		kin_for(taken->pool, 0, 40, 1, take, arg);
	return NULL;
}

static void test_distinct(void)
{
	enum { CALLERS = 6 };
	for (int p = 0; p < POOLS; p++)
		for (int private = 0; private <= (all[p].kind == KIN_PROCESSES); private ++) {
			pthread_t threads[CALLERS];
			unsigned callers = private ? 2 : CALLERS;
			memset(taken, 0, sizeof *taken);
			taken->pool = all[p].pool;
			taken->slots = kin_pool_slots(all[p].pool);
			for (unsigned i = 0; i < callers; i++)
				pthread_create(&threads[i], NULL, call_take, private ? NULL : taken);
			for (unsigned i = 0; i < callers; i++)
				pthread_join(threads[i], NULL);
			tap_ok(taken->ran == 400 * callers && taken->bad == 0 && taken->twice == 0,
				"%u %s, %u callers: indexes of their own: %u bad, %u twice", all[p].workers,
				tool_kinds[all[p].kind], callers, (unsigned)taken->bad,
				(unsigned)taken->twice);
		}
}

static int same_inside(size_t begin, size_t end, void *arg)
{
	const pthread_t *outer = arg;
	int index = kin_worker_index(taken->pool);
	atomic_fetch_add(&taken->bad, index < 0 || (unsigned)index >= taken->slots);
	if (pthread_equal(*outer, pthread_self()))
		atomic_fetch_add(&taken->twice, (unsigned)index + 1 != taken->holders[begin / 100]);
	return 0;
}

/* A chunk of a call inside, where the same thread runs it, has the index that the thread had. */
static int index_inside(size_t begin, size_t end, void *arg)
{
	pthread_t self = pthread_self();
	atomic_store(&taken->holders[begin], (unsigned)kin_worker_index(taken->pool) + 1);
	return kin_for(taken->pool, begin * 100, begin * 100 + 5, 1, same_inside, &self);
}

static void test_nested(void)
{
	for (int p = 0; p < POOLS; p++) {
		memset(taken, 0, sizeof *taken);
		taken->pool = all[p].pool;
		taken->slots = kin_pool_slots(all[p].pool);
		int result = kin_for(all[p].pool, 0, 50, 1, index_inside, taken);
		tap_ok(result == 0 && taken->bad == 0 && taken->twice == 0,
			"%u %s: indexes in calls inside calls", all[p].workers, tool_kinds[all[p].kind]);
	}
}

/* --- values --- */

struct tally {
	uint64_t sum;
	char rest[73]; // no multiple of a cache line
};

static int tally(size_t begin, size_t end, void *arg)
{
	struct tally *mine = kin_local_get(*(struct kin_local **)arg);
	if (!mine || ((uintptr_t)mine & 63) || mine->rest[72] != 'z')
		return -EBADF;
	mine->sum += end - begin;
	return 0;
}

static int add_up(void *value, void *arg)
{
	struct tally *sum = arg;
	sum->sum += ((struct tally *)value)->sum;
	sum->rest[0]++;
	return ((struct tally *)value)->rest[72] == 'z' ? 0 : -EBADF;
}

static int stop_at_third(void *value, void *arg)
{
	return ++*(int *)arg == 3 ? 33 : 0;
}

static void test_values(void)
{
	static const struct tally initial = { .sum = 0, .rest[72] = 'z' };
	struct kin_local **place = engine_shared(sizeof(struct kin_local *));
	for (int p = 0; p < POOLS; p++) {
		struct kin_local *local = NULL;
		if (!tap_ok(kin_local_create(&local, all[p].pool, sizeof initial, &initial) == 0, "values"))
			continue;
		struct tally sum = { 0 };
		int visits = 0;
		*place = local;
		bool right = kin_for(all[p].pool, 0, 5000, 1, tally, place) == 0;
		right &= kin_for(all[p].pool, 0, 77777, 0, tally, &local) == 0; // workers forked for it, too
		right &= kin_local_each(local, add_up, &sum) == 0;
		tap_ok(right && sum.sum == 82777, "%u %s: all is there: %u", all[p].workers,
			tool_kinds[all[p].kind], (unsigned)sum.sum);
		tap_ok(kin_local_each(local, stop_at_third, &visits) == 33 && visits == 3,
			"a visit can be the last");
		tap_ok(kin_local_get(local) == NULL && kin_worker_index(all[p].pool) == -1,
			"outside there is none");
		kin_local_destroy(local);
	}
	kin_shared_free(place);
}

static int others(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&taken->bad, kin_worker_index(*(struct kin_pool **)arg) != -1);
	return 0;
}

/* --- in process workers --- */

struct inside {
	struct kin_pool *own, *other;
	struct kin_local *others, *defaults;
	_Atomic uint32_t bad, ran;
};

static struct inside *inside;

static void expect(bool holds, uint32_t which)
{
	if (!holds)
		atomic_fetch_or(&inside->bad, (uint32_t)1 << which);
}

static bool is_index_of(struct kin_pool *pool)
{
	int index = kin_worker_index(pool);
	return index >= 0 && (unsigned)index < kin_pool_slots(pool);
}

static int in_default(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&inside->ran, 1);
	expect(is_index_of(NULL), 0);
	expect(kin_worker_index(inside->own) == *(int *)arg, 1);
	expect(kin_local_get(inside->defaults) != NULL, 2);
	return 0;
}

static int in_other(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&inside->ran, 1);
	expect(is_index_of(inside->other), 3);
	expect(kin_local_get(inside->others) == NULL, 4);
	return 0;
}

static int job_in_default(void *arg, void *result)
{
	return in_default(0, 1, arg);
}

static int in_worker(size_t begin, size_t end, void *arg)
{
	int index = kin_worker_index(inside->own);
	struct kin_local *mine = NULL;
	expect(is_index_of(inside->own), 5);
	expect(kin_worker_index(inside->other) == -1, 6);
	expect(kin_worker_index(NULL) == -1, 7);
	expect(kin_local_get(inside->others) == NULL && kin_local_get(inside->defaults) == NULL, 8);
	expect(kin_for(NULL, 0, 3, 1, in_default, &index) == 0, 9);
	expect(kin_for(inside->other, 0, 3, 1, in_other, &index) == 0, 10);
	expect(kin_submit(NULL, job_in_default, &index, NULL, NULL) == 0, 11);
	expect(kin_local_create(&mine, inside->own, 8, NULL) == 0 && kin_local_get(mine) != NULL, 12);
	kin_local_destroy(mine);
	expect(kin_worker_index(inside->other) == -1 && kin_worker_index(inside->own) == index, 13);
	return 0;
}

/* A worker has an index in the pool it works for, and in others only where it calls them. */
static void test_inside(void)
{
	inside = engine_shared(sizeof *inside);
	for (int private = 0; private < 2; private ++) {
		*inside = (struct inside){ .own = all[4].pool, .other = all[3].pool };
		bool right = kin_local_create(&inside->others, inside->other, 8, NULL) == 0 &&
			     kin_local_create(&inside->defaults, NULL, 8, NULL) == 0;
		/* What a persistent worker is to see of private memory has to be there before it. */
		right &= kin_pool_resize(inside->own, all[4].workers) == 0;
		right &= kin_for(inside->own, 0, 20, 1, in_worker, private ? NULL : inside) == 0;
		tap_ok(right && inside->ran == 140 && inside->bad == 0,
			"indexes in calls that process workers make: %u, %x", (unsigned)inside->ran,
			(unsigned)inside->bad);
		kin_local_destroy(inside->others);
		kin_local_destroy(inside->defaults);
	}
	kin_shared_free(inside);
}

static void test_edges(void)
{
	struct kin_local *local = (void *)all;
	tap_is_int(kin_local_create(&local, NULL, 0, NULL), -EINVAL, "values of no bytes");
	tap_ok(kin_local_create(&local, NULL, SIZE_MAX / 4, NULL) == -ENOMEM && local == (void *)all,
		"values too large");
	tap_is_int(kin_local_create(&local, NULL, 1, NULL), 0, "the default pool's");
	tap_ok(kin_local_get(local) == NULL, "outside there is none");
	kin_local_destroy(local);
	kin_local_destroy(NULL);
	memset(taken, 0, sizeof *taken);
	struct kin_pool *other = all[1].pool;
	kin_for(all[2].pool, 0, 50, 1, others, &other);
	tap_is_int(taken->bad, 0, "a body of another pool has no index in this one");
	for (int p = 0; p < POOLS; p++)
		tap_ok(kin_pool_slots(all[p].pool) >= kin_pool_workers(all[p].pool), "slots");
}

int main(void)
{
	engine_begin();
	taken = engine_shared(sizeof *taken);
	for (int p = 0; p < POOLS; p++)
		all[p].pool = tool_pool(all[p].kind, all[p].workers);
	test_distinct();
	test_nested();
	test_values();
	test_inside();
	test_edges();
	for (int p = 0; p < POOLS; p++)
		kin_pool_destroy(all[p].pool);
	kin_shared_free(taken);
	return tap_done();
}
