/*
 * Idle workers: look, spin for a while, sleep on the bell.
 *
 * How long a worker spins follows the pauses between calls that the posters see: four times the usual pause, and at
 * most SPIN_MOST_NS, if that is shorter than what waking costs; next to nothing otherwise. When a worker was pushed
 * off its CPU, more than once since it last slept, others need the CPUs: nobody spins for a while. And there are
 * never more spinners than CPUs that the callers leave free.
 */
#include "base/api.h"
#include "base/fork.h"
#include "base/futex.h"
#include "base/ticks.h"
#include "job/jobs.h"
#include "pool/context.h"
#include "pool/pool.h"
#include "shm/arena.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#define CROWDED_NS 20000000

KIN_HOT enum pace pool_note_gap(struct kin_pool *pool, uint64_t now)
{
	uint64_t last = atomic_load_explicit(&pool->last_end, memory_order_relaxed);
	uint64_t pause = now > last ? now - last : 0, most = pool->ticks_spin;
	if (pause > 16 * most)
		pause = 16 * most;
	uint64_t before = atomic_load_explicit(&pool->gap, memory_order_relaxed);
	uint64_t gap = before - before / 4 + pause / 4, spin = pool->ticks_least;
	atomic_store_explicit(&pool->gap, gap, memory_order_relaxed);
	bool hot = gap < most / 2 && pool->cpus > 1;
	if (hot)
		spin = 4 * gap > most ? most : 4 * gap > pool->ticks_hot ? 4 * gap : pool->ticks_hot;
	uint32_t told = atomic_load_explicit(&pool->spin, memory_order_relaxed);
	if (spin > told + told / 4 || spin < told - told / 4) {
		atomic_store_explicit(&pool->spin, (uint32_t)spin, memory_order_relaxed);
		atomic_store_explicit(&pool->team->spin_ticks, (uint32_t)spin, memory_order_relaxed);
	}
	if (hot && pool->team->max_spinners && !team_is_crowded(pool->team, now))
		return PACE_HOT;
	return pause > 10 * most ? PACE_COLD : PACE_LOOSE;
}

static bool help_with_forks(struct pool_worker *worker)
{
	struct kin_pool *pool = worker->pool;
	if (!pool || !pool->forks || !fork_team_active(pool->forks))
		return false;
	const uint32_t generation = fork_generation();
	bool helped = fork_help(pool->forks, worker->who.seat);
	/* A child that the task forked, and that came back from it; what it did may have freed this worker. */
	if (__builtin_expect(fork_generation() != generation, 0))
		_exit(0);
	return helped;
}

static bool work_once(struct pool_worker *worker)
{
	struct claim claim;
	if (team_claim(worker->team, &worker->who, &claim)) {
		int budget = atomic_load_explicit(&claim.post->wake_budget, memory_order_relaxed);
		if (budget > 0 && atomic_load_explicit(&worker->team->sleepers, memory_order_relaxed)) {
			/* The wakes of a large team are spread over those that are awake. */
			budget = atomic_fetch_sub(&claim.post->wake_budget, 2);
			if (budget > 0)
				team_wake(worker->team, budget > 1 ? 2 : 1);
		}
		if (worker->team->shared)
			arena_follow();
		claim_run(worker->team, &claim, worker->seat);
		return true;
	}
	struct kin_pool *pool = worker->pool;
	if (!pool || pool->kind != KIN_THREADS)
		return false;
	return help_with_forks(worker) || jobs_run_one(pool->jobs);
}

/* Whether there may be something; looks at the same things as work_once, and takes none. */
static bool may_work(struct pool_worker *worker)
{
	struct team *team = worker->team;
	uint32_t used = atomic_load_explicit(&team->posts_used, memory_order_seq_cst);
	for (uint32_t i = 0; i < used; i++) {
		struct post *post = &team->posts[i];
		if (atomic_load_explicit(&post->only, memory_order_relaxed) != worker->who.only)
			continue;
		if (post_has_work(post))
			return true;
		if (team->shared && post_has_freed(team, post))
			return true;
	}
	struct kin_pool *pool = worker->pool;
	return pool && pool->kind == KIN_THREADS && jobs_ready(pool->jobs);
}

static void add_to(_Atomic uint64_t *counter, uint64_t amount)
{
	uint64_t before = atomic_load_explicit(counter, memory_order_relaxed);
	atomic_store_explicit(counter, before + amount, memory_order_relaxed);
}

/* Returns true if the bell rang. */
static bool spin(struct pool_worker *worker, uint32_t bell)
{
	struct team *team = worker->team;
	uint64_t begin = ticks_now(), now;
	if (!worker->may_spin || team_is_crowded(team, begin))
		return false;
	bool rang = false;
	uint64_t limit = atomic_load_explicit(&team->spin_ticks, memory_order_relaxed);
	if (worker->pool && worker->pool->forks && fork_team_active(worker->pool->forks))
		limit = worker->pool->ticks_spin;
	do {
		for (int i = 0; i < 8 && !rang; i++) {
			cpu_relax();
			rang = atomic_load_explicit(&team->bell, memory_order_relaxed) != bell;
		}
		now = ticks_now();
	} while (!rang && now - begin < limit);
	add_to(&worker->seat->spin_ns, ticks_to_ns(now - begin));
	return rang;
}

static long count_switches(void)
{
	struct rusage usage;
	return getrusage(RUSAGE_THREAD, &usage) < 0 ? 0 : usage.ru_nivcsw;
}

static void look_for_crowd(struct pool_worker *worker)
{
	long switches = count_switches();
	if (switches > worker->switches + 1)
		atomic_store_explicit(&worker->team->crowded_until, ticks_now() + ticks_from_ns(CROWDED_NS),
			memory_order_relaxed);
	worker->switches = switches;
}

static void sleep_on_bell(struct pool_worker *worker, uint32_t bell)
{
	struct team *team = worker->team;
	look_for_crowd(worker);
	/* What a body printed must not wait in a buffer of this process. */
	if (team->shared)
		fflush(stdout);
	atomic_fetch_add_explicit(&team->sleepers, 1, memory_order_seq_cst);
	atomic_store_explicit(&worker->seat->sleeping, 1, memory_order_relaxed);
	if (!help_with_forks(worker) && !may_work(worker) && !atomic_load(&team->stopping)) {
		add_to(&worker->seat->sleeps, 1);
		futex_wait(&team->bell, bell, -1);
	}
	atomic_store_explicit(&worker->seat->sleeping, 0, memory_order_relaxed);
	atomic_fetch_sub_explicit(&team->sleepers, 1, memory_order_seq_cst);
}

void worker_loop(struct pool_worker *worker)
{
	struct context base = { .team = worker->team, .index = (int)worker->who.seat };
	const uint32_t generation = fork_generation();
	worker->switches = count_switches();
	context_now = &base;
	for (;;) {
		uint32_t bell = atomic_load_explicit(&worker->team->bell, memory_order_acquire);
		if (work_once(worker)) {
			/* A child that a body forked, and that came back from it: its caller is not here. */
			if (__builtin_expect(fork_generation() != generation, 0))
				_exit(0);
			continue;
		}
		if (atomic_load(&worker->team->stopping))
			break;
		if (spin(worker, bell))
			post_fetch(worker->team, &worker->team->posts[0], false);
		else
			sleep_on_bell(worker, bell);
	}
	context_now = NULL;
}
