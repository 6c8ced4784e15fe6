/* Pools: options, workers, the default one, and what becomes of them in a forked child. */
#include "pool/pool.h"

#include "base/api.h"
#include "base/fork.h"
#include "base/futex.h"
#include "base/ticks.h"
#include "job/jobs.h"
#include "pool/context.h"
#include "pool/pin.h"
#include "pool/process.h"
#include "shm/arena.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* Seats beyond those of the persistent workers, for workers forked for one region. */
#define PRIVATE_SEATS(workers) ((workers) < 16 ? 64 : 4 * (workers))

/*
 * In a process worker calls run alone; this stands for every pool there, also for those whose address is not valid
 * there. Its team has no workers: callers get their indexes of it.
 */
static struct kin_pool solo = { .kind = KIN_THREADS, .workers = 1 };
static struct team solo_team;

void pool_become_worker(struct kin_pool *pool)
{
	context_in_process_worker = true;
	context_own_pool = pool;
	context_now = NULL;
	context_control = NULL;
	solo_team.seats_count = 1;
	solo.team = &solo_team;
}

void worker_name(const struct kin_pool *pool, unsigned index, char name[16])
{
	if (index)
		snprintf(name, 16, "%.9s/%u", pool->name, index % 100000);
	else
		snprintf(name, 16, "%.9s/keep", pool->name);
}

/* What a thread does to itself - a fault at an address - must reach the handler the program has for it. */
void block_signals(sigset_t *before)
{
	static const int own[] = { SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
	sigset_t most;
	sigfillset(&most);
	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		sigdelset(&most, own[i]);
	pthread_sigmask(SIG_SETMASK, &most, before);
}

static void *thread_main(void *arg)
{
	struct pool_worker *worker = arg;
	char name[16];
	worker_name(worker->pool, worker->who.seat, name);
	prctl(PR_SET_NAME, name);
	worker_loop(worker);
	return NULL;
}

/* Start what threads can be had. With none at all the callers do the work. */
static int start_threads(struct kin_pool *pool)
{
	unsigned wanted = pool->workers - 1, made = 0;
	pool->workers = 1;
	pool->threads = calloc(wanted + 1, sizeof *pool->threads);
	pool->thread_seats = calloc(wanted + 1, sizeof *pool->thread_seats);
	if (!pool->threads || !pool->thread_seats)
		return -ENOMEM;
	pthread_attr_t attributes;
	int error = pthread_attr_init(&attributes);
	if (error)
		return -error;
	if (pool->stack_size)
		error = pthread_attr_setstacksize(&attributes, pool->stack_size);
	if (error) {
		pthread_attr_destroy(&attributes);
		return -EINVAL;
	}
	struct pins pins = { 0 };
	if (pool->pin)
		pins_init(&pins);
	sigset_t before;
	block_signals(&before);
	while (made < wanted) {
		struct pool_worker *worker = &pool->thread_seats[made];
		*worker = (struct pool_worker){
			.pool = pool,
			.team = pool->team,
			.seat = &pool->team->seats[made + 1],
			.who = { .seat = made + 1 },
			.may_spin = made < pool->team->max_spinners,
		};
		error = pthread_create(&pool->threads[made], &attributes, thread_main, worker);
		if (error)
			break;
		if (pool->pin)
			pins_bind_thread(&pins, pool->threads[made], made + 1);
		made++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	if (error)
		kin_error_set(&pool->warning, error, "pthread_create",
			"%u of %u worker threads were to be had", made, wanted);
	pins_warn(&pins, &pool->warning);
	pool->workers = made + 1;
	return 0;
}

static void ring_for_forks(void *data)
{
	struct team *team = data;
	atomic_fetch_add_explicit(&team->bell, 1, memory_order_relaxed);
	/*
	 * By a read-modify-write, as a sleeper announces itself: the one that comes second in the order of
	 * modifications sees what was done before the first. Either a sleeper is found here, or it finds the task.
	 */
	if (atomic_fetch_add_explicit(&team->sleepers, 0, memory_order_acq_rel))
		team_wake(team, 1);
}

static unsigned choose_workers(struct kin_pool *pool, unsigned *max_spinners)
{
	struct cpus_usable usable;
	unsigned cpus = cpus_usable(&usable), workers = pool->wanted ? pool->wanted : cpus;
	memset(&pool->warning, 0, sizeof pool->warning);
	if (workers > KIN_MAX_WORKERS) {
		if (pool->wanted)
			kin_error_set(&pool->warning, ERANGE, "workers", "%u are asked for, %d is the most",
				workers, KIN_MAX_WORKERS);
		workers = KIN_MAX_WORKERS;
	}
	if (usable.ignored)
		kin_error_set(&pool->warning, EINVAL, "KIN_WORKERS", "\"%s\" is no number from 1 to %d",
			usable.ignored_text, KIN_MAX_WORKERS);
	unsigned real = usable.affinity;
	if (usable.quota && (usable.quota + 999) / 1000 < real)
		real = (usable.quota + 999) / 1000;
	pool->cpus = real;
	/* More workers than CPUs must not spin: they would take the time of those that work. */
	*max_spinners = real > 1 && !cpus_quota_binds(&usable, workers) ? real - 1 : 0;
	return workers;
}

int pool_start(struct kin_pool *pool)
{
	unsigned max_spinners;
	ticks_calibrate();
	pool->workers = choose_workers(pool, &max_spinners);
	bool shared = pool->kind == KIN_PROCESSES;
	unsigned seats = pool->workers + (shared ? PRIVATE_SEATS(pool->workers) : 0);
	int error = shared ? arena_begin() : 0;
	if (error == 0)
		error = team_create(&pool->team, shared, seats, max_spinners);
	if (error < 0)
		return error;
	atomic_store(&pool->gap, UINT64_MAX / 16);
	pool->ticks_alone = ticks_from_ns(ALONE_NS);
	pool->ticks_wake = ticks_from_ns(WAKE_NS);
	pool->ticks_hot = ticks_from_ns(SPIN_HOT_NS);
	pool->ticks_spin = ticks_from_ns(SPIN_MOST_NS);
	pool->ticks_least = ticks_from_ns(SPIN_LEAST_NS);
	atomic_store(&pool->last_end, ticks_now());
	if (!shared && pool->workers > 1)
		error = fork_team_create(&pool->forks, seats + CONTEXT_GUESTS, ring_for_forks, pool->team);
	if (error == 0)
		error = shared ? process_start(pool) : start_threads(pool);
	if (error < 0)
		pool_end_workers(pool);
	return error;
}

/* Counters outlive the workers that made them. */
static void keep_counters(struct kin_pool *pool)
{
	for (unsigned i = 0; i < pool->team->seats_count; i++) {
		struct seat *seat = &pool->team->seats[i];
		atomic_fetch_add(&pool->seats_chunks, atomic_load(&seat->chunks));
		atomic_fetch_add(&pool->seats_sleeps, atomic_load(&seat->sleeps));
		atomic_fetch_add(&pool->seats_spin_ns, atomic_load(&seat->spin_ns));
	}
	atomic_fetch_add(&pool->calls_before, atomic_load(&pool->team->calls));
	atomic_fetch_add(&pool->wakes_before, atomic_load(&pool->team->wakes));
	if (pool->forks)
		atomic_fetch_add(&pool->steals_before, fork_team_steals(pool->forks));
}

static void join_threads(struct kin_pool *pool)
{
	atomic_store(&pool->team->stopping, 1);
	atomic_fetch_add(&pool->team->bell, 1);
	futex_wake(&pool->team->bell, UINT32_MAX);
	for (unsigned i = 0; i + 1 < pool->workers; i++)
		pthread_join(pool->threads[i], NULL);
}

static void free_workers(struct kin_pool *pool)
{
	free(pool->threads);
	free(pool->thread_seats);
	fork_team_destroy(pool->forks);
	pool->threads = NULL;
	pool->thread_seats = NULL;
	pool->forks = NULL;
	process_free_spares(pool);
	team_destroy(pool->team);
	pool->team = NULL;
}

void pool_end_workers(struct kin_pool *pool)
{
	if (!pool->team)
		return;
	if (pool->kind == KIN_PROCESSES)
		process_end(pool, false);
	else if (pool->threads)
		join_threads(pool);
	keep_counters(pool);
	free_workers(pool);
}

/* Whether the calling thread is in the middle of something of this pool. */
static bool is_in_use_here(const struct kin_pool *pool)
{
	bool in_use = false;
	for (const struct context *context = context_now; context; context = context->outer)
		in_use |= context->team == pool->team;
	return in_use;
}

/*
 * In a forked child: a thread that was forked in the middle of a computation may fork and join further tasks, with
 * the stack it has. Nobody can tell when it is through with that: so it stays.
 */
static void keep_forks_in_use(struct kin_pool *pool)
{
	if (!pool->forks || !fork_team_active(pool->forks))
		return;
	pool->forks->bell = NULL; // nobody is here to hear it
	pool->forks = NULL;
}

/*
 * In a forked child: the workers are the parent's. A thread that was forked in the middle of a step still uses the
 * team; then it is kept until the pool is destroyed.
 */
static int become_new(struct kin_pool *pool)
{
	bool in_use = is_in_use_here(pool);
	pthread_mutex_init(&pool->lock, NULL);
	keep_forks_in_use(pool);
	atomic_store(&pool->alone, 0);
	if (in_use && !pool->inherited) {
		pool->inherited = pool->team;
		pool->team = NULL;
	} else if (in_use)
		pool->team = NULL;
	process_end(pool, true);
	free_workers(pool);
	jobs_forget(pool->jobs);
	atomic_store(&pool->fork_guests, 0);
	return pool_start(pool);
}

static int make_new(struct kin_pool *pool, uint32_t generation)
{
	uint32_t before = atomic_load(&pool->rebuilding);
	while (atomic_load(&pool->generation) != generation) {
		if (before != generation &&
			atomic_compare_exchange_strong(&pool->rebuilding, &before, generation)) {
			int error = become_new(pool);
			if (error < 0) {
				atomic_store(&pool->rebuilding, 0);
				return error;
			}
			atomic_store(&pool->generation, generation);
			return 0;
		}
		sched_yield();
		before = atomic_load(&pool->rebuilding);
	}
	return 0;
}

KIN_HOT int pool_find(struct kin_pool **pool)
{
	if (__builtin_expect(context_in_process_worker, 0))
		*pool = &solo;
	return *pool ? 0 : kin_pool_default(pool);
}

KIN_HOT int pool_renew(struct kin_pool *pool)
{
	if (context_in_process_worker)
		return 0;
	uint32_t generation = fork_generation();
	if (__builtin_expect(atomic_load_explicit(&pool->generation, memory_order_acquire) == generation, 1))
		return 0;
	return make_new(pool, generation);
}

int pool_enter(struct kin_pool **pool)
{
	int error = pool_find(pool);
	return error < 0 ? error : pool_renew(*pool);
}

static int create(struct kin_pool **ret_pool, const struct kin_pool_options *options)
{
	/* On one page, if it fits: what a call looks at first is then one page to fetch. */
	struct kin_pool *pool = aligned_alloc(4096, (sizeof *pool + 4095) & ~(size_t)4095);
	if (!pool)
		return -ENOMEM;
	memset(pool, 0, sizeof *pool);
	pool->kind = options->kind;
	pool->pin = options->pin;
	pool->finish_at_exit = options->finish_at_exit;
	pool->stack_size = options->stack_size;
	pool->wanted = options->workers;
	snprintf(pool->name, sizeof pool->name, "%s", options->name ? options->name : "kin");
	pthread_mutex_init(&pool->lock, NULL);
	int error = jobs_create(&pool->jobs, pool);
	if (error == 0)
		error = pool_start(pool);
	if (error < 0) {
		jobs_destroy(pool->jobs);
		free(pool);
		return error;
	}
	atomic_store(&pool->generation, fork_generation());
	atomic_store(&pool->rebuilding, fork_generation());
	*ret_pool = pool;
	return 0;
}

KIN_API int kin_pool_create(struct kin_pool **ret_pool, const struct kin_pool_options *options)
{
	struct kin_pool_options all = { 0 };
	if (options) {
		if (options->size > sizeof all)
			return -EINVAL;
		memcpy(&all, options, options->size ? options->size : sizeof all);
	}
	if (all.kind != KIN_THREADS && all.kind != KIN_PROCESSES)
		return -EINVAL;
	struct kin_pool *pool;
	int error = create(&pool, &all);
	if (error < 0)
		return error;
	if (all.finish_at_exit)
		jobs_finish_at_exit(pool);
	*ret_pool = pool;
	return 0;
}

static void end_pool(struct kin_pool *pool)
{
	bool own = atomic_load(&pool->generation) == fork_generation();
	if (pool->finish_at_exit)
		jobs_forget_at_exit(pool);
	if (own) {
		jobs_stop(pool->jobs);
		pool_end_workers(pool);
	} else {
		/* A forked child that never used it. */
		keep_forks_in_use(pool);
		process_end(pool, true);
		free_workers(pool);
		jobs_forget(pool->jobs);
	}
	team_destroy(pool->inherited);
	jobs_destroy(pool->jobs);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

KIN_API void kin_pool_destroy(struct kin_pool *pool)
{
	if (!pool || pool->is_default)
		return;
	/* A worker has pools of its parent, and those it made itself. */
	if (!context_in_process_worker || atomic_load(&pool->generation) == fork_generation())
		end_pool(pool);
}

/* 0: none; otherwise the pool, or MAKING while a thread makes it. */
static _Atomic(struct kin_pool *) default_pool;
static struct kin_pool making;

KIN_API int kin_pool_default(struct kin_pool **ret_pool)
{
	static _Atomic uint32_t maker; // generation of the process that makes it
	for (;;) {
		struct kin_pool *pool = atomic_load_explicit(&default_pool, memory_order_acquire);
		if (pool && pool != &making) {
			*ret_pool = pool;
			return 0;
		}
		/* Forked while another thread made it: nobody does here. */
		if (pool == &making && atomic_load(&maker) != fork_generation())
			atomic_compare_exchange_strong(&default_pool, &pool, NULL);
		struct kin_pool *none = NULL;
		if (!pool && atomic_compare_exchange_strong(&default_pool, &none, &making)) {
			atomic_store(&maker, fork_generation());
			int error = create(&pool, &(struct kin_pool_options){ 0 });
			if (error == 0)
				pool->is_default = true;
			atomic_store_explicit(&default_pool, error < 0 ? NULL : pool, memory_order_release);
			if (error < 0)
				return error;
			continue;
		}
		sched_yield();
	}
}

KIN_API int kin_pool_resize(struct kin_pool *pool, unsigned workers)
{
	int error = pool_enter(&pool);
	if (error < 0 || context_in_process_worker)
		return error < 0 ? error : -EBUSY;
	if (is_in_use_here(pool) || atomic_load(&pool->alone) || atomic_load(&pool->fork_guests))
		return -EBUSY;
	for (unsigned i = 0; i < TEAM_POSTS; i++)
		if (atomic_load(&pool->team->posts[i].busy))
			return -EBUSY;
	error = jobs_hold(pool->jobs);
	if (error < 0)
		return error;
	unsigned before = pool->wanted;
	pool_end_workers(pool);
	pool->wanted = workers;
	error = pool_start(pool);
	if (error < 0) {
		pool->wanted = before;
		int again = pool_start(pool);
		if (again < 0) {
			/* As few as there can be: a pool has to go on. */
			pool->wanted = 1;
			again = pool_start(pool);
		}
	}
	jobs_release(pool->jobs);
	return error;
}

KIN_API unsigned kin_pool_workers(struct kin_pool *pool)
{
	return pool_enter(&pool) < 0 ? 1 : pool->workers;
}

KIN_API enum kin_kind kin_pool_kind(struct kin_pool *pool)
{
	return pool && !context_in_process_worker ? pool->kind : KIN_THREADS;
}

KIN_API int kin_pool_warning(struct kin_pool *pool, struct kin_error *warning)
{
	struct kin_error none = { 0 };
	int error = pool_enter(&pool);
	*warning = error < 0 ? none : pool->warning;
	return -warning->code;
}

KIN_API int kin_pool_last_crash(struct kin_pool *pool, struct kin_crash *crash)
{
	if (pool_enter(&pool) < 0)
		return -ENODATA;
	pthread_mutex_lock(&pool->lock);
	bool crashed = pool->crashed;
	if (crashed)
		*crash = pool->crash;
	pthread_mutex_unlock(&pool->lock);
	return crashed ? 0 : -ENODATA;
}

KIN_API void kin_pool_stats(struct kin_pool *pool, struct kin_pool_stats *stats, size_t size)
{
	struct kin_pool_stats all = { 0 };
	if (pool_enter(&pool) == 0 && pool->team && !context_in_process_worker) {
		struct team *team = pool->team;
		all.calls = atomic_load(&pool->calls_before) + atomic_load(&team->calls);
		all.wakes = atomic_load(&pool->wakes_before) + atomic_load(&team->wakes);
		all.chunks = atomic_load(&pool->seats_chunks);
		all.sleeps = atomic_load(&pool->seats_sleeps);
		all.spin_ns = atomic_load(&pool->seats_spin_ns);
		for (unsigned i = 0; i < team->seats_count; i++) {
			all.chunks += atomic_load_explicit(&team->seats[i].chunks, memory_order_relaxed);
			all.sleeps += atomic_load_explicit(&team->seats[i].sleeps, memory_order_relaxed);
			all.spin_ns += atomic_load_explicit(&team->seats[i].spin_ns, memory_order_relaxed);
		}
		all.deaths = atomic_load(&pool->deaths);
		all.retries = atomic_load(&pool->retries);
		all.forks = atomic_load(&pool->process_forks);
		all.jobs = jobs_ended(pool->jobs);
		all.steals =
			atomic_load(&pool->steals_before) + (pool->forks ? fork_team_steals(pool->forks) : 0);
	}
	memcpy(stats, &all, size < sizeof all ? size : sizeof all);
}

/* Whose contexts count in a process worker: its own pool's, or those of calls that run alone. */
static struct kin_pool *pool_in_worker(struct kin_pool *pool)
{
	return pool && pool == context_own_pool ? pool : &solo;
}

KIN_API int kin_worker_index(struct kin_pool *pool)
{
	if (context_in_process_worker)
		pool = pool_in_worker(pool);
	else if (!pool)
		pool = atomic_load(&default_pool);
	if (!pool || pool == &making || !pool->team)
		return -1;
	return context_take_index(pool->team);
}

KIN_API unsigned kin_pool_slots(struct kin_pool *pool)
{
	if (context_in_process_worker)
		pool = pool_in_worker(pool);
	else if (pool_enter(&pool) < 0 || !pool->team)
		return 1;
	return pool->team->seats_count + (pool->kind == KIN_THREADS ? CONTEXT_GUESTS - 1 : 0);
}

int pool_fork_enter(struct kin_pool *pool, struct fork_team **ret_team, unsigned *ret_index)
{
	int error = pool_enter(&pool);
	*ret_team = NULL;
	if (error < 0 || !pool->forks)
		return error;
	for (;;) {
		uint64_t taken = atomic_load(&pool->fork_guests);
		if (!~taken)
			return 0;
		unsigned guest = (unsigned)__builtin_ctzll(~taken);
		if (!atomic_compare_exchange_weak(&pool->fork_guests, &taken, taken | (uint64_t)1 << guest))
			continue;
		*ret_team = pool->forks;
		*ret_index = pool->team->seats_count + guest;
		return 0;
	}
}

void pool_fork_leave(struct kin_pool *pool, unsigned index)
{
	if (pool_enter(&pool) == 0)
		atomic_fetch_and(&pool->fork_guests, ~((uint64_t)1 << (index - pool->team->seats_count)));
}
