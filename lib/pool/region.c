/*
 * Handing a region over and waiting for it.
 *
 * On threads the caller works like any worker, and at the end waits only for steps that others have begun; what it
 * expects to be short (history.h) it runs alone at once, or without waking anybody. On processes the caller only
 * waits: what it hands over may crash, or write to memory that must not change here.
 */
#include "pool/region.h"

#include "base/api.h"
#include "base/fork.h"
#include "base/futex.h"
#include "base/ticks.h"
#include "job/jobs.h"
#include "pool/context.h"
#include "pool/control.h"
#include "pool/keeper.h"
#include "pool/pool.h"
#include "pool/process.h"

#include <kin/shm.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* How long a caller looks for the end of what others have begun before it sleeps. */
#define JOIN_SPIN_NS 20000
/* Steps are claimed several at a time while they take less than this together. */
#define BATCH_NS 4000
/* Processes: regions of less than so many wake-ups are short. */
#define SHORT_WAKES 4

static struct post *take_post(struct team *team)
{
	for (uint32_t i = 0; i < TEAM_POSTS; i++) {
		struct post *post = &team->posts[i];
		if (atomic_load_explicit(&post->busy, memory_order_relaxed) ||
			atomic_exchange_explicit(&post->busy, 1, memory_order_acquire))
			continue;
		uint32_t used = atomic_load_explicit(&team->posts_used, memory_order_relaxed);
		while (used < i + 1 && !atomic_compare_exchange_weak(&team->posts_used, &used, i + 1))
			continue;
		return post;
	}
	return NULL;
}

static void give_post(struct post *post)
{
	atomic_store_explicit(&post->open, 0, memory_order_relaxed);
	atomic_store_explicit(&post->busy, 0, memory_order_release);
}

/* How a region is cut and run; what region_run decides before it hands anything over. */
struct plan {
	struct kin_pool *pool;
	const struct region_work *work;
	struct kin_control *control;
	char *slots;
	const void *key;
	uint64_t items;
	uint64_t expected; // ticks of one thread; UINT64_MAX: not known
	uint32_t steps;
	size_t unit; // chunks in a step
	uint32_t tag; // of the workers forked for it; 0: persistent ones
	bool rings; // the keeper waits for it, and is rung when a step is done
	size_t first; // chunks that the caller has run already
	enum pace pace;
	bool is_long; // processes: worth waking all workers
};

/*
 * Run chunks in the calling thread, in order. patience: hand the rest over as soon as it is expected to take more
 * ticks than that; 0: never. Returns what stopped it, with stopped_at set; 0 with plan->first short of all chunks:
 * hand over.
 */
static KIN_HOT int run_alone(struct plan *plan, uint64_t patience, size_t *stopped_at)
{
	const struct region_work *work = plan->work;
	struct team *team = plan->pool->team;
	struct context context = {
		.outer = context_now,
		.team = team,
		.post = context_now && context_now->team == team ? context_now->post : NULL,
		.control = plan->control,
		.job = context_now ? context_now->job : 0,
		.index = context_index_in(team),
	};
	const uint32_t generation = fork_generation();
	atomic_fetch_add_explicit(&plan->pool->alone, 1, memory_order_relaxed);
	context_now = &context;
	uint64_t told =
		plan->first ? (uint64_t)((unsigned __int128)plan->items * plan->first / work->chunks) : 0;
	uint64_t begin = patience ? ticks_now() : 0;
	int result = 0;
	for (size_t chunk = plan->first; chunk < work->chunks; chunk++) {
		if (plan->control && (result = control_state(plan->control)))
			break;
		context.control = plan->control; // a body may have left another one
		result = work->run(
			work->data, chunk, plan->slots ? plan->slots + chunk * work->slot_size : NULL);
		if (__builtin_expect(fork_generation() != generation, 0)) {
			result = -ECHILD;
			break;
		}
		if (result) {
			*stopped_at = chunk;
			break;
		}
		plan->first = chunk + 1;
		if (plan->control) {
			uint64_t done =
				(uint64_t)((unsigned __int128)plan->items * plan->first / work->chunks);
			control_add_done(plan->control, done - told);
			told = done;
			control_tell(plan->control, false);
		}
		if (patience && (ticks_now() - begin) / plan->first * (work->chunks - plan->first) > patience)
			break;
	}
	context_now = context.outer;
	if (context.index_owned)
		context_give_index(&context);
	if (__builtin_expect(fork_generation() == generation, 1)) // a child counts its own
		atomic_fetch_sub_explicit(&plan->pool->alone, 1, memory_order_release);
	return result;
}

static void cut(struct plan *plan, size_t most)
{
	size_t chunks = plan->work->chunks;
	plan->unit = (chunks + most - 1) / most;
	plan->steps = (uint32_t)((chunks + plan->unit - 1) / plan->unit);
}

static uint32_t batch_of(const struct plan *plan)
{
	if (plan->expected == UINT64_MAX)
		return 1;
	uint64_t step = plan->expected / plan->steps + 1, most = plan->steps / (4 * plan->pool->workers) + 1;
	uint64_t batch = ticks_from_ns(BATCH_NS) / step + 1;
	return (uint32_t)(batch < most ? batch : most);
}

/* Fill a post and open it: from the store of the ticket on, workers may claim steps. */
static void open_post(struct team *team, struct post *post, const struct plan *plan)
{
	const struct region_work *work = plan->work;
	post_fetch(team, post, true);
	uint64_t generation = (atomic_load_explicit(&post->ticket, memory_order_relaxed) >> TICKET_BITS) + 1;
	post->run = work->run;
	post->data = work->data;
	post->slots = plan->slots;
	post->slot_size = work->slot_size;
	post->chunks = work->chunks;
	post->unit = plan->unit;
	post->items = plan->items;
	post->control = plan->control;
	atomic_store_explicit(&post->stop, STOP_NONE, memory_order_relaxed);
	atomic_store_explicit(&post->stopped_at, SIZE_MAX, memory_order_relaxed);
	atomic_store_explicit(&post->done, (uint32_t)plan->first, memory_order_relaxed);
	atomic_store_explicit(&post->only, plan->tag, memory_order_relaxed);
	atomic_store_explicit(&post->batch, batch_of(plan), memory_order_relaxed);
	atomic_store_explicit(&post->wake_budget, 0, memory_order_relaxed);
	struct context *context = context_now;
	bool nested = context && context->team == team && context->post;
	atomic_store_explicit(
		&post->parent, nested ? (int)(context->post - team->posts) : -1, memory_order_relaxed);
	atomic_store_explicit(&post->job, context ? context->job : 0, memory_order_relaxed);
	if (team->shared) {
		post->begin = work->begin;
		post->end = work->end;
		post->grain = work->grain;
		atomic_store_explicit(&post->failed, 0, memory_order_relaxed);
		atomic_store_explicit(&post->rings, plan->rings, memory_order_relaxed);
		memcpy(post->copy, work->data, work->data_size);
		post->data = post->copy;
		_Atomic uint64_t *states = team->states[post - team->posts];
		for (uint32_t step = 0; step < plan->steps; step++)
			atomic_store_explicit(
				&states[step], STATE(generation, STATE_FREE, 0), memory_order_relaxed);
	}
	atomic_store_explicit(&post->open, 1, memory_order_relaxed);
	/* A worker that still has the old ticket must not take the new number of steps for the old region's. */
	atomic_store_explicit(&post->ticket, generation << TICKET_BITS | TICKET_MASK, memory_order_relaxed);
	atomic_store_explicit(&post->steps, plan->steps, memory_order_release);
	atomic_store_explicit(&post->ticket, generation << TICKET_BITS | plan->first, memory_order_release);
	atomic_fetch_add_explicit(&team->bell, 1, memory_order_seq_cst);
	atomic_fetch_add_explicit(&team->calls, 1, memory_order_relaxed);
}

static void wake_for(struct team *team, struct post *post, uint64_t ticks, uint32_t steps)
{
	unsigned sleepers = atomic_load_explicit(&team->sleepers, memory_order_seq_cst);
	if (sleepers == 0 || steps == 0)
		return;
	uint64_t most = ticks == UINT64_MAX ? steps : ticks / (ticks_from_ns(WAKE_NS) / 2) + 1;
	if (most > steps)
		most = steps;
	unsigned count = most < sleepers ? (unsigned)most : sleepers, now = count < 2 ? count : 2;
	atomic_store_explicit(&post->wake_budget, (int)(count - now), memory_order_relaxed);
	team_wake(team, now);
}

static bool all_done(const struct plan *plan, struct post *post, uint32_t done)
{
	if (!(done & DONE_CAREFUL))
		return (done & DONE_COUNT) == plan->steps;
	return post_is_left(plan->pool->team, post, plan->steps);
}

/*
 * Processes: once no worker can be had, or the call is to stop, it does not wait for steps that nobody has begun; the
 * workers may be busy with other calls for long. True: it is over.
 */
static bool is_given_up(const struct plan *plan, struct post *post)
{
	int why = atomic_load(&post->failed);
	if (!why && plan->control)
		why = control_state(plan->control);
	if (!why)
		return false;
	process_give_up(plan->pool, post, plan->steps, why);
	if (all_done(plan, post, DONE_CAREFUL))
		return true;
	if (control_is_late(plan->control)) // each time: one that was just forked cannot be reached yet
		process_kill_runners(plan->pool, post);
	return false;
}

/* Processes: what the caller sleeps for has to be in somebody's hands, also where those who are awake are busy. */
static void wake_before_sleep(const struct plan *plan, struct post *post)
{
	struct team *team = plan->pool->team;
	if (!plan->tag && post_has_work(post) && atomic_load(&team->sleepers))
		team_wake(team, 1);
}

/* How long to sleep at most. Nobody wakes a caller whose call is cancelled, or whose last worker leaves its seat. */
static int64_t patience_of(const struct plan *plan, uint32_t done)
{
	if (plan->pool->kind != KIN_PROCESSES)
		return control_patience(plan->control);
	return plan->control || !(done & DONE_CAREFUL) ? control_look(plan->control) : CONTROL_LOOK_NS;
}

/*
 * Wait until all steps are done; meanwhile help, on threads, with regions that come from steps of this one. Returns
 * 0; -ECHILD: in a child that was forked meanwhile, by such a step or in a progress callback.
 */
static int join(const struct plan *plan, struct post *post)
{
	struct team *team = plan->pool->team;
	const uint32_t generation = fork_generation();
	struct claimant who = { .ancestor = post };
	uint64_t begin = ticks_now(), limit = ticks_from_ns(JOIN_SPIN_NS);
	bool needs_our_cpu = team->shared && plan->is_long && plan->pool->workers >= plan->pool->cpus;
	if (needs_our_cpu || team_is_crowded(team, begin))
		limit = 0;
	for (;;) {
		if (__builtin_expect(fork_generation() != generation, 0))
			return -ECHILD;
		uint32_t done = atomic_load_explicit(&post->done, memory_order_acquire);
		if (all_done(plan, post, done))
			return 0;
		struct claim claim;
		if (!team->shared && team_claim(team, &who, &claim)) {
			claim_run(team, &claim, NULL);
			continue;
		}
		if (ticks_now() - begin < limit) {
			cpu_relax();
			continue;
		}
		if (team->shared && is_given_up(plan, post))
			return 0;
		if (!(done & DONE_WAITING)) {
			atomic_fetch_or(&post->done, DONE_WAITING);
			continue; // look again: what came before that did not see it
		}
		if (team->shared)
			wake_before_sleep(plan, post);
		futex_wait(&post->done, done, patience_of(plan, done));
		control_tell(plan->control, false);
	}
}

static int outcome(const struct plan *plan, struct post *post, struct region_result *result)
{
	uint64_t stop = atomic_load(&post->stop);
	if (stop == STOP_NONE)
		return 0;
	if (result)
		result->stopped_at = atomic_load(&post->stopped_at);
	return (int32_t)(uint32_t)stop;
}

/* Returns false if no post is free. */
static __attribute__((noinline)) bool run_on_threads(
	struct plan *plan, struct region_result *result, int *ret_value)
{
	struct kin_pool *pool = plan->pool;
	struct team *team = pool->team;
	struct post *post = take_post(team);
	if (!post)
		return false;
	cut(plan, TEAM_STEPS);
	uint32_t generation = atomic_load_explicit(&pool->generation, memory_order_relaxed);
	uint64_t begin = ticks_now(), wake_ticks = ticks_from_ns(WAKE_NS);
	open_post(team, post, plan);
	if (atomic_load_explicit(&post->parent, memory_order_relaxed) >= 0)
		team_nudge_waiters(team, post);
	if (atomic_load_explicit(&post->job, memory_order_relaxed))
		jobs_nudge(pool, atomic_load_explicit(&post->job, memory_order_relaxed));
	bool woken = plan->expected == UINT64_MAX || plan->expected > wake_ticks || plan->pace == PACE_HOT ||
		     plan->first;
	if (woken)
		wake_for(team, post, plan->first ? UINT64_MAX : plan->expected,
			plan->steps - 1 - (uint32_t)plan->first);

	struct claimant who = { .ancestor = NULL };
	struct claim claim;
	uint32_t own = 0;
	while (post_claim(team, post, &who, &claim)) {
		own += claim_run_steps(team, &claim, NULL);
		if (__builtin_expect(fork_generation() != generation, 0))
			break;
		if (plan->control)
			control_tell(plan->control, false);
		if (!woken && atomic_load_explicit(&team->sleepers, memory_order_relaxed)) {
			/* It takes longer than was expected. */
			uint64_t each = (ticks_now() - begin) / own;
			if (each * (plan->steps - own) > wake_ticks) {
				woken = true;
				wake_for(team, post, each * (plan->steps - own), plan->steps - own);
			}
		}
	}
	if (fork_generation() != generation) {
		*ret_value = -ECHILD;
		return true;
	}
	uint64_t worked = ticks_now() - begin;
	if (own) {
		post_add_done(post, plan->steps, own);
		history_learn(&pool->history, plan->key, plan->items * own / plan->steps, worked);
	}
	*ret_value = join(plan, post);
	if (*ret_value < 0)
		return true;
	*ret_value = outcome(plan, post, result);
	give_post(post);
	return true;
}

/*
 * Short regions: as many workers as there are CPUs beside the caller's, which waits without sleeping. Longer ones:
 * all, and the caller sleeps at once where they need its CPU.
 */
static void wake_processes(struct plan *plan, struct post *post)
{
	struct kin_pool *pool = plan->pool;
	struct team *team = pool->team;
	uint32_t sleepers = atomic_load_explicit(&team->sleepers, memory_order_seq_cst);
	uint32_t awake = pool->workers > sleepers ? pool->workers - sleepers : 0;
	plan->is_long = plan->expected > SHORT_WAKES * pool->ticks_wake;
	if (plan->is_long) {
		wake_for(team, post, plan->expected, plan->steps);
		return;
	}
	uint32_t wanted = pool->cpus > 2 ? pool->cpus - 1 : 1;
	if (plan->expected < pool->ticks_wake)
		wanted = 1;
	wanted = wanted < plan->steps ? wanted : plan->steps;
	if (awake < wanted)
		team_wake(team, wanted - awake < sleepers ? wanted - awake : sleepers);
}

static __attribute__((noinline)) int run_on_processes(struct plan *plan, struct region_result *result)
{
	struct kin_pool *pool = plan->pool;
	struct team *team = pool->team;
	struct post *post;
	int error;
	while (!(post = take_post(team))) {
		error = plan->control ? control_state(plan->control) : 0;
		if (error < 0)
			return error;
		futex_wait(&team->posts[0].busy, 1, 1000000); // regions end, of whichever post
	}
	cut(plan, TEAM_STATES);
	plan->tag = plan->work->shared ? 0 : process_new_tag(pool);
	error = plan->tag ? 0 : process_ensure(pool, plan->control);
	if (error < 0) {
		give_post(post);
		return error;
	}
	uint64_t begin = ticks_now();
	open_post(team, post, plan);
	int forked = 0;
	if (plan->tag)
		forked = process_fork_for(pool, plan->control, post, plan->tag, plan->steps);
	else {
		wake_processes(plan, post);
		/* They may all have died before the post was open. */
		forked = process_ensure(pool, plan->control);
	}
	if (forked < 0)
		atomic_store(&post->failed, forked);
	error = join(plan, post);
	if (error < 0) {
		/* The post and the slots are the parent's. */
		result->owner = NULL;
		result->owned = NULL;
		return error;
	}
	if (plan->tag)
		process_wait_private(pool, post);
	else
		history_learn(&pool->history, plan->key, plan->items,
			(ticks_now() - begin) * (!plan->is_long || plan->steps < 2 ? 1 : pool->workers));
	int value = atomic_load(&post->failed);
	if (!value)
		value = outcome(plan, post, result);
	give_post(post);
	return value;
}

static KIN_HOT int take_slots(struct plan *plan, bool shared, struct region_result *result)
{
	size_t each = plan->work->slot_size, bytes;
	if (each == 0)
		return 0;
	if (__builtin_mul_overflow(each, plan->work->chunks, &bytes))
		return -ENOMEM;
	void *slots = NULL;
	if (shared) {
		int error = process_take_spare(plan->pool, &slots, bytes);
		if (error < 0)
			return error;
		result->owner = plan->pool;
	} else {
		slots = malloc(bytes);
		if (!slots)
			return -ENOMEM;
	}
	plan->slots = slots;
	result->slots = result->owned = slots;
	result->owned_bytes = bytes;
	return 0;
}

KIN_HOT void region_result_finish(struct region_result *result)
{
	if (result->owner)
		process_give_spare(result->owner, result->owned, result->owned_bytes);
	else
		free(result->owned);
	*result = (struct region_result){ 0 };
}

/* Whether the caller does all of it. */
static KIN_HOT bool is_for_caller(const struct plan *plan)
{
	struct kin_pool *pool = plan->pool;
	if (context_in_process_worker)
		return true;
	if (pool->kind == KIN_PROCESSES)
		return false;
	return pool->workers <= 1 || plan->work->chunks <= 1 || plan->expected < pool->ticks_alone;
}

/*
 * Whether the caller should begin, as all others sleep and the work seems to be shorter than waking them would
 * take.
 */
static KIN_HOT bool is_for_caller_first(const struct plan *plan)
{
	struct kin_pool *pool = plan->pool;
	if (plan->expected >= pool->ticks_wake || plan->pace == PACE_HOT || plan->work->chunks > TEAM_STEPS)
		return false;
	return plan->pace == PACE_COLD ||
	       atomic_load_explicit(&pool->team->sleepers, memory_order_relaxed) >= pool->workers - 1;
}

static KIN_HOT int run_in_caller_and_threads(struct plan *plan, bool alone, struct region_result *result)
{
	uint64_t begin = ticks_now();
	bool first = !alone && is_for_caller_first(plan);
	int value = 0;
	result->stopped_at = SIZE_MAX;
	if (alone || first) {
		value = run_alone(plan, first ? plan->pool->ticks_wake : 0, &result->stopped_at);
		if (plan->first)
			history_learn(&plan->pool->history, plan->key,
				plan->items * plan->first / plan->work->chunks, ticks_now() - begin);
		if (value || plan->first == plan->work->chunks)
			return value;
	}
	if (!run_on_threads(plan, result, &value))
		value = run_alone(plan, 0, &result->stopped_at);
	return value;
}

KIN_HOT int region_run(struct kin_pool *pool, const struct region_work *work, struct region_result *result)
{
	struct region_result own = { 0 };
	int value = pool_find(&pool);
	if (value == 0)
		value = pool_renew(pool);
	if (value < 0 || work->chunks == 0)
		return value;
	struct plan plan = {
		.pool = pool,
		.work = work,
		.control = context_control_now(),
		.key = work->key ? work->key : (const void *)(uintptr_t)work->run,
		.items = work->items ? work->items : work->chunks,
	};
	if (plan.control) {
		value = control_state(plan.control);
		if (value < 0)
			return value;
	}
	if (work->chunks > REGION_MAX_CHUNKS)
		return -ENOMEM;
	plan.expected = history_expect(&pool->history, plan.key, plan.items);
	bool alone = is_for_caller(&plan), processes = !alone && pool->kind == KIN_PROCESSES;
	value = take_slots(&plan, processes, &own);
	if (value < 0)
		return value;
	if (plan.control)
		control_add_total(plan.control, plan.items);
	plan.pace = PACE_LOOSE;
	if (!context_now && !context_in_process_worker)
		plan.pace = pool_note_gap(pool, ticks_now());
	value = processes ? run_on_processes(&plan, &own) : run_in_caller_and_threads(&plan, alone, &own);
	if (!context_now)
		atomic_store_explicit(&pool->last_end, ticks_now(), memory_order_relaxed);
	if (plan.control)
		control_tell(plan.control, true);
	if (result && (value == 0 || own.stopped_at < work->chunks))
		*result = own;
	else
		region_result_finish(&own);
	return value;
}

int region_post_job(struct kin_pool *pool, const struct region_work *work, void *slot,
	struct kin_control *control, struct post **ret_post)
{
	struct team *team = pool->team;
	struct post *post = take_post(team);
	if (!post)
		return 1;
	/* No items: as on threads, progress counts the calls that a job makes, and not the job. */
	struct plan plan = { .pool = pool, .work = work, .control = control, .slots = slot };
	plan.expected = UINT64_MAX;
	cut(&plan, TEAM_STATES);
	plan.tag = work->shared ? 0 : process_new_tag(pool);
	plan.rings = true;
	open_post(team, post, &plan);
	int error = keeper_staff(pool, post, plan.tag);
	if (error) {
		process_give_up(pool, post, plan.steps, error);
		give_post(post);
		return error;
	}
	if (work->shared)
		wake_for(team, post, plan.expected, 1);
	*ret_post = post;
	return 0;
}

bool region_job_ended(struct kin_pool *pool, struct post *post, int *ret_value)
{
	struct plan plan = { .pool = pool, .steps = 1 };
	uint32_t done = atomic_load_explicit(&post->done, memory_order_acquire);
	int failed = atomic_load(&post->failed);
	if (failed)
		process_give_up(pool, post, 1, failed);
	if (!all_done(&plan, post, failed ? DONE_CAREFUL : done))
		return false;
	if (atomic_load(&post->private_workers))
		return false; // it ends by itself, and then rings
	*ret_value = failed ? failed : outcome(&plan, post, NULL);
	give_post(post);
	return true;
}

bool region_needs_shared(struct kin_pool *pool)
{
	return pool_enter(&pool) == 0 && pool->kind == KIN_PROCESSES && !context_in_process_worker;
}
