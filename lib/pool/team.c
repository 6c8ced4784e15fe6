#include "pool/team.h"

#include "base/api.h"
#include "base/fork.h"
#include "base/futex.h"
#include "base/ticks.h"
#include "pool/context.h"
#include "pool/control.h"

#include <errno.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int team_create(struct team **ret_team, bool shared, unsigned seats, unsigned max_spinners)
{
	size_t states = shared ? TEAM_POSTS * sizeof(_Atomic uint64_t[TEAM_STATES]) : 0;
	size_t head = (sizeof(struct team) + seats * sizeof(struct seat) + 4095) & ~(size_t)4095;
	struct team *team = mmap(NULL, head + states, PROT_READ | PROT_WRITE,
		MAP_ANONYMOUS | MAP_NORESERVE | (shared ? MAP_SHARED : MAP_PRIVATE), -1, 0);
	if (team == MAP_FAILED)
		return -ENOMEM;
	team->bytes = head + states;
	team->shared = shared;
	team->seats_count = seats;
	team->max_spinners = max_spinners;
	team->states = shared ? (void *)((char *)team + head) : NULL;
	for (size_t i = 0; i < TEAM_POSTS; i++)
		team->posts[i].parent = -1;
	*ret_team = team;
	return 0;
}

void team_destroy(struct team *team)
{
	if (team)
		munmap(team, team->bytes);
}

/* Whether a post comes from a step of another one, or from a job. A chain cannot be longer than there are posts. */
static bool comes_from(struct team *team, struct post *post, const struct claimant *who)
{
	for (int hops = 0; hops < TEAM_POSTS; hops++) {
		if (who->job && atomic_load_explicit(&post->job, memory_order_relaxed) == who->job)
			return true;
		int parent = atomic_load_explicit(&post->parent, memory_order_relaxed);
		if (parent < 0 || parent >= TEAM_POSTS)
			return false;
		post = &team->posts[parent];
		if (post == who->ancestor)
			return true;
	}
	return false;
}

/* To be asked between the load of a ticket and its claim: what is read here is old only if the claim fails. */
static bool is_for(struct team *team, struct post *post, const struct claimant *who)
{
	if (atomic_load_explicit(&post->only, memory_order_relaxed) != who->only)
		return false;
	return (!who->ancestor && !who->job) || comes_from(team, post, who);
}

/* After a worker died: steps it had begun are free again, and a ticket it had drawn may never have become a state. */
static bool next_freed(struct team *team, struct post *post, uint64_t ticket, uint32_t *step)
{
	if (!(atomic_load_explicit(&post->done, memory_order_relaxed) & DONE_CAREFUL) ||
		!atomic_load_explicit(&post->open, memory_order_relaxed))
		return false;
	uint64_t free_now = STATE(ticket >> TICKET_BITS, STATE_FREE, 0);
	uint32_t steps = atomic_load_explicit(&post->steps, memory_order_relaxed);
	_Atomic uint64_t *states = team->states[post - team->posts];
	for (; *step < steps && *step < TEAM_STATES; ++*step)
		if (atomic_load_explicit(&states[*step], memory_order_relaxed) == free_now)
			return true;
	return false;
}

/* Who looks for freed steps may have been faster than who drew the ticket: one of them gets the step. */
static bool mark_begun(struct team *team, const struct claim *claim, uint32_t step, unsigned seat)
{
	uint64_t free_now = STATE(claim->generation, STATE_FREE, 0);
	return atomic_compare_exchange_strong(&team->states[claim->post - team->posts][step], &free_now,
		STATE(claim->generation, STATE_BEGUN, seat));
}

static bool claim_freed(struct team *team, struct post *post, uint64_t ticket, const struct claimant *who,
	struct claim *claim)
{
	for (uint32_t step = 0; next_freed(team, post, ticket, &step); step++) {
		*claim = (struct claim){ post, ticket >> TICKET_BITS, step, 1, true };
		if (mark_begun(team, claim, step, who->seat))
			return true;
	}
	return false;
}

bool post_has_freed(struct team *team, struct post *post)
{
	uint32_t step = 0;
	return next_freed(team, post, atomic_load_explicit(&post->ticket, memory_order_acquire), &step);
}

bool post_claim(struct team *team, struct post *post, const struct claimant *who, struct claim *claim)
{
	uint64_t ticket = atomic_load_explicit(&post->ticket, memory_order_acquire);
	for (;;) {
		uint32_t next = (uint32_t)(ticket & TICKET_MASK);
		uint32_t steps = atomic_load_explicit(&post->steps, memory_order_acquire);
		bool drawn = next >= steps;
		if (drawn && !team->shared)
			return false;
		if (!is_for(team, post, who))
			return false;
		if (drawn)
			return claim_freed(team, post, ticket, who, claim);
		uint32_t most = atomic_load_explicit(&post->batch, memory_order_relaxed);
		uint32_t count = steps - next < most ? steps - next : most;
		if (!atomic_compare_exchange_weak_explicit(&post->ticket, &ticket, ticket + count,
			    memory_order_acq_rel, memory_order_acquire))
			continue;
		*claim = (struct claim){ post, ticket >> TICKET_BITS, next, count, false };
		return true;
	}
}

bool team_claim(struct team *team, const struct claimant *who, struct claim *claim)
{
	uint32_t used = atomic_load_explicit(&team->posts_used, memory_order_acquire);
	for (uint32_t i = 0; i < used; i++)
		if (post_claim(team, &team->posts[i], who, claim))
			return true;
	return false;
}

void post_stop(struct post *post, uint32_t step, size_t chunk, int value)
{
	uint64_t mine = stop_pack(step, value),
		 seen = atomic_load_explicit(&post->stop, memory_order_relaxed);
	while (seen == STOP_NONE || step < (uint32_t)(seen >> 32))
		if (atomic_compare_exchange_weak(&post->stop, &seen, mine)) {
			/* chunks of steps are in the order of steps, so the lowest step has the lowest chunk */
			size_t at = atomic_load(&post->stopped_at);
			while (chunk < at && !atomic_compare_exchange_weak(&post->stopped_at, &at, chunk))
				continue;
			return;
		}
}

static bool is_past_stop(struct post *post, uint32_t step)
{
	uint64_t stop = atomic_load_explicit(&post->stop, memory_order_relaxed);
	return stop != STOP_NONE && step > (uint32_t)(stop >> 32);
}

/* Items of the chunks before a step; so that the parts of all claims add up to the whole. */
static uint64_t items_before(const struct post *post, uint64_t steps, uint64_t step)
{
	return (uint64_t)((unsigned __int128)post->items * step / steps);
}

/* Before the step counts as done: who waits for it finds it counted. */
static void count_chunks(struct seat *seat, size_t count)
{
	uint64_t before = atomic_load_explicit(&seat->chunks, memory_order_relaxed);
	atomic_store_explicit(&seat->chunks, before + count, memory_order_relaxed);
}

/*
 * A child that the body forked, and that came back from it, ends the step there: what it would do was not asked of
 * it.
 */
static void run_step(struct post *post, uint32_t step, struct seat *seat)
{
	const uint32_t generation = fork_generation();
	size_t chunk = step * post->unit, end = chunk + post->unit;
	if (end > post->chunks)
		end = post->chunks;
	const size_t first = chunk;
	for (; chunk < end; chunk++) {
		if (seat)
			atomic_store_explicit(&seat->chunk, chunk, memory_order_relaxed);
		char *slot = post->slots ? post->slots + chunk * post->slot_size : NULL;
		context_now->control = post->control; // a body may have left another one
		int value = post->run(post->data, chunk, slot);
		if (__builtin_expect(fork_generation() != generation, 0))
			return;
		int stopped = 0;
		if (__builtin_expect(value != 0, 0))
			post_stop(post, step, chunk, value);
		else if (post->control && end - chunk > 1 && (stopped = control_state(post->control)))
			post_stop(post, STOP_BY_CONTROL, SIZE_MAX, stopped);
		if (value || stopped)
			end = chunk + 1;
	}
	if (seat)
		count_chunks(seat, end - first);
}

/* One step, if the region still wants it. Returns whether it did. */
static bool do_step(struct post *post, uint32_t step, struct seat *seat)
{
	int stopped = post->control ? control_state(post->control) : 0;
	if (stopped)
		post_stop(post, STOP_BY_CONTROL, SIZE_MAX, stopped);
	if (stopped || is_past_stop(post, step))
		return false;
	run_step(post, step, seat);
	return true;
}

/* Processes: each step is marked before and after, so that a death loses nothing. Returns how many were ours. */
static uint32_t do_marked_steps(
	struct team *team, const struct claim *claim, struct seat *seat, uint32_t *ret_run)
{
	_Atomic uint64_t *states = team->states[claim->post - team->posts];
	const uint32_t generation = fork_generation();
	uint32_t done = 0;
	for (uint32_t step = claim->first; step < claim->first + claim->count; step++) {
		if (!claim->marked && !mark_begun(team, claim, step, (unsigned)(seat - team->seats)))
			continue;
		*ret_run += do_step(claim->post, step, seat);
		/* A child must not count the step again. */
		if (__builtin_expect(fork_generation() != generation, 0))
			_exit(0);
		/* What it printed is there when the call returns, whatever becomes of this process then. */
		if (__fpending(stdout))
			fflush(stdout);
		atomic_store_explicit(
			&states[step], STATE(claim->generation, STATE_DONE, 0), memory_order_release);
		done++;
	}
	return done;
}

uint32_t claim_run_steps(struct team *team, const struct claim *claim, struct seat *seat)
{
	struct post *post = claim->post;
	struct context context = {
		.outer = context_now,
		.team = team,
		.post = post,
		.control = post->control,
		.job = atomic_load_explicit(&post->job, memory_order_relaxed),
		.index = context_index_in(team),
	};
	const uint32_t generation = fork_generation();
	context_now = &context;
	uint32_t done = claim->count,
		 run = 0; // those that were not wanted any more are done without being run
	if (team->shared)
		done = do_marked_steps(team, claim, seat, &run);
	else
		for (uint32_t step = claim->first; step < claim->first + claim->count; step++) {
			run += do_step(post, step, seat);
			if (__builtin_expect(fork_generation() != generation, 0))
				break;
		}
	context_now = context.outer;
	if (context.index_owned)
		context_give_index(&context);
	/* The control of a forked child may be the parent's too. */
	if (run && post->control && fork_generation() == generation) {
		uint64_t steps = atomic_load_explicit(&post->steps, memory_order_relaxed);
		control_add_done(post->control, items_before(post, steps, claim->first + run) -
							items_before(post, steps, claim->first));
	}
	return done;
}

void post_add_done(struct post *post, uint32_t steps, uint32_t count)
{
	uint32_t before = atomic_fetch_add_explicit(&post->done, count, memory_order_acq_rel);
	if (!(before & DONE_WAITING))
		return;
	if ((before & DONE_COUNT) + count == steps || (before & DONE_CAREFUL))
		futex_wake(&post->done, 1);
}

void claim_run(struct team *team, const struct claim *claim, struct seat *seat)
{
	struct post *post = claim->post;
	uint32_t steps = atomic_load_explicit(&post->steps, memory_order_relaxed);
	if (team->shared)
		atomic_store_explicit(&seat->post, (uint32_t)(post - team->posts) + 1, memory_order_relaxed);
	uint32_t count = claim_run_steps(team, claim, seat);
	bool rings = count && team->shared && atomic_load_explicit(&post->rings, memory_order_relaxed);
	if (count)
		post_add_done(post, steps, count);
	if (team->shared)
		atomic_store_explicit(&seat->post, 0, memory_order_release);
	if (rings)
		team_ring_keeper(team);
}

void team_ring_keeper(const struct team *team)
{
	struct stat now;
	if (fstat(team->ring, &now) < 0 || now.st_dev != team->ring_device || now.st_ino != team->ring_file)
		return;
	while (write(team->ring, "", 1) < 0 && errno == EINTR)
		continue;
}

void post_nudge(struct post *post)
{
	uint32_t before = atomic_fetch_and(&post->done, ~DONE_WAITING);
	if (before & DONE_WAITING)
		futex_wake(&post->done, 1);
}

void team_nudge_waiters(struct team *team, struct post *post)
{
	int parent = atomic_load_explicit(&post->parent, memory_order_relaxed);
	for (int hops = 0; parent >= 0 && hops < TEAM_POSTS; hops++) {
		struct post *outer = &team->posts[parent];
		if (atomic_load(&outer->done) & DONE_WAITING)
			post_nudge(outer);
		parent = atomic_load_explicit(&outer->parent, memory_order_relaxed);
	}
}

bool post_is_left(struct team *team, struct post *post, uint32_t steps)
{
	uint32_t number = (uint32_t)(post - team->posts);
	for (uint32_t step = 0; step < steps; step++) {
		uint64_t state = atomic_load_explicit(&team->states[number][step], memory_order_acquire);
		if (STATE_STATUS(state) != STATE_DONE)
			return false;
	}
	for (unsigned i = 0; i < team->seats_count; i++)
		if (atomic_load_explicit(&team->seats[i].post, memory_order_acquire) == number + 1)
			return false;
	return true;
}

void team_wake(struct team *team, unsigned count)
{
	if (count == 0)
		return;
	unsigned woken = futex_wake(&team->bell, count);
	if (woken)
		atomic_fetch_add_explicit(&team->wakes, woken, memory_order_relaxed);
}
