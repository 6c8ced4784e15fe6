/**
 * team.h: what a pool's workers share: the posts, where regions are handed over, and the bell, on which idle
 * workers sleep.
 *
 * A team lies in memory of its own: private for threads, shared for processes, at one address in all of them. Its
 * posts are never freed while it lives and are used again and again; so a worker may look at any of them at any
 * time, and what it sees counts only once it has claimed a step of it.
 *
 * Ordering of a claim (tests/model has it as a model):
 *   - The poster writes the fields of the post, then stores the ticket (generation, 0) with release. A worker loads
 *     the ticket with acquire, then `steps`, and claims by a compare-and-swap of that ticket. If that succeeds the
 *     ticket had not changed since the load, as a generation never comes back; so the region was open all the time,
 *     the fields are those of its generation (the load read the release store, or a claim in its release sequence),
 *     and it stays open until the claimed steps are done. If it fails nothing that was read is used.
 *   - Between two regions the ticket stays at (generation, steps). Before the poster stores the next region's steps
 *     it stores a ticket that is past any number of steps; the steps are stored with release and loaded with
 *     acquire, so a worker that reads the new number cannot claim with the old ticket.
 *   - A worker adds its steps to `done` with release after it has run them; the poster loads `done` with acquire,
 *     finds all steps there, and so sees all that was written in them. Only then are the fields written again.
 *   - After a death the count may be too low, and the poster looks at the states of the steps instead. A worker that
 *     has marked its last step has not counted it yet; should the post be used again meanwhile, it would be counted
 *     for the next region. So a worker says in its seat which post it is at, before it marks a step and until it has
 *     counted all, and the poster waits for that too. The keeper clears the seats of the dead.
 *   - Sleeping on `done`: the poster sets DONE_WAITING by a read-modify-write and sleeps on the word as it then is.
 *     The adder of the last step reads that bit in its own read-modify-write and wakes; whichever comes second in
 *     the order of the word's modifications sees the other, and if the add is first, the sleep does not begin.
 *   - Sleeping on the bell: a worker reads the bell, announces itself as a sleeper (seq_cst), looks at all posts
 *     again, and sleeps only if the bell is still what it read. A poster stores the ticket, adds to the bell
 *     (seq_cst), and then looks at the sleepers. In the one order of seq_cst operations either the poster sees the
 *     sleeper, or the worker's announcement comes after the addition to the bell, and its look sees the post.
 */
#ifndef KIN_LIB_POOL_TEAM_H
#define KIN_LIB_POOL_TEAM_H

#include "pool/region.h"

#include <kin/control.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** Regions a team can have open at a time; a caller that finds no post free runs its region alone. */
#define TEAM_POSTS 32

/** Steps of a region on processes, each with a state of its own. */
#define TEAM_STATES 16384

#define TICKET_BITS 24
#define TICKET_MASK (((uint64_t)1 << TICKET_BITS) - 1)
#define TEAM_STEPS ((size_t)1 << (TICKET_BITS - 2))

#define DONE_COUNT (((uint32_t)1 << 28) - 1)
#define DONE_WAITING ((uint32_t)1 << 30) // somebody sleeps on the word
#define DONE_CAREFUL \
	((uint32_t)1 << 31) // a worker died: its steps are free again, and the count may be too low

/** No chunk stopped the region. */
#define STOP_NONE UINT64_MAX
/** As a step: a control stopped the region; any step that failed counts before that. */
#define STOP_BY_CONTROL (UINT32_MAX - 1)

/** A step's state, for processes: generation << STATE_BITS | status << 12 | worker. */
enum state_status { STATE_FREE, STATE_BEGUN, STATE_DONE };
#define STATE_BITS 16
#define STATE(generation, status, worker) \
	((uint64_t)(generation) << STATE_BITS | (uint64_t)(status) << 12 | (uint64_t)(worker))
#define STATE_STATUS(state) ((enum state_status)((state) >> 12 & 3))
#define STATE_WORKER(state) ((unsigned)((state)&0xfff))

struct kin_control {
	_Atomic uint32_t cancelled;
	_Atomic int64_t deadline; // on CLOCK_MONOTONIC, in ns; INT64_MAX: none
	_Atomic uint64_t done, total; // items
	kin_progress *progress; // of the process that set it
	void *progress_arg;
	int64_t interval_ns;
	_Atomic int64_t next_ns; // when progress is due
	bool shared; // lies in shared memory
};

/** A region as its workers see it. What is not atomic is read only by who has claimed a step. */
struct post {
	_Alignas(64) _Atomic uint64_t ticket; // generation << TICKET_BITS | next step
	_Atomic uint32_t steps;
	_Atomic int32_t parent; // the post whose step the poster runs, in the same team; -1: none
	_Atomic uint64_t job; // number of the job the poster runs; 0: none
	_Atomic uint32_t only; // 0: any worker may take part; otherwise only those forked for this tag
	_Atomic uint32_t open; // from posting to closing
	_Atomic uint32_t batch; // steps worth claiming at once
	_Atomic uint32_t rings; // a job: the keeper is rung when it is done

	_Alignas(64) _Atomic uint32_t done; // steps done, and DONE_ bits
	_Atomic uint64_t stop; // step << 32 | value of the lowest step that stopped, see stop_pack; STOP_NONE
	_Atomic int32_t wake_budget; // sleeping workers that may still be woken

	_Alignas(64) _Atomic uint32_t busy; // taken by a poster
	region_run_fn *run;
	void *data;
	char *slots;
	size_t slot_size;
	size_t chunks;
	size_t unit; // chunks in a step
	uint64_t items;
	_Atomic size_t stopped_at; // chunk; valid with `stop`, exact where a step is one chunk
	struct kin_control *control;
	size_t begin, end, grain; // for reports of crashes
	_Atomic uint32_t private_workers; // forked for this region and not reaped yet; a futex
	_Atomic int32_t failed; // no worker can be forked for it: the negative errno value
	_Alignas(64) char copy[REGION_DATA]; // data, for processes
};

/** What a process worker tells the others about itself. */
struct seat {
	_Alignas(64) _Atomic uint32_t leaving; // it is going to end by itself
	_Atomic uint32_t sleeping; // it counts as a sleeper
	_Atomic uint32_t post; // 1 + number of the post whose steps it runs or counts; 0: none
	_Atomic uint64_t chunk; // that it runs
	_Atomic uint64_t chunks, sleeps, spin_ns; // counters, written by the worker alone
};

struct team {
	_Alignas(64) _Atomic uint32_t bell; // a futex: idle workers sleep on it
	_Alignas(64) _Atomic uint32_t sleepers;
	_Atomic uint32_t stopping; // workers end when they find nothing to do
	_Alignas(64) _Atomic uint32_t spin_ticks; // how long an idle worker looks, see worker.c
	_Atomic uint64_t crowded_until; // ticks: nobody spins before, as the machine is busy
	_Atomic uint32_t posts_used; // posts[posts_used] and beyond were never used
	_Atomic uint64_t wakes, calls;
	_Atomic uint64_t guests; // indexes that callers have, see context.h
	bool shared; // for processes
	unsigned max_spinners; // workers with a lower number may spin
	unsigned seats_count;
	int ring; // processes: where the keeper is rung, see keeper.h
	uint64_t ring_device, ring_file; // what is behind that number
	size_t bytes; // of the mapping
	struct post posts[TEAM_POSTS];
	_Atomic uint64_t (*states)[TEAM_STATES]; // one row for each post; NULL for threads
	struct seat seats[]; // one for each worker
};

/** Map a team. shared: for processes. Returns 0 or -ENOMEM. */
int team_create(struct team **ret_team, bool shared, unsigned seats, unsigned max_spinners);
void team_destroy(struct team *team);

/** Whether others need the CPUs, so that waiting has to be sleeping. */
static inline bool team_is_crowded(const struct team *team, uint64_t now)
{
	return now < atomic_load_explicit(&team->crowded_until, memory_order_relaxed);
}

/** A claimed run of steps. */
struct claim {
	struct post *post;
	uint64_t generation;
	uint32_t first, count;
	bool marked; // processes: the states say already that it is begun
};

/** Who claims: what it may take is checked against the very region that is claimed. */
struct claimant {
	unsigned seat;
	uint32_t only; // the tag it was forked for; 0: persistent
	const struct post *ancestor; // only regions that come from this one's steps; NULL: any
	uint64_t job; // only regions that come from this job; 0: any
};

/** Claim steps of a post. False: there are none to be had. */
bool post_claim(struct team *team, struct post *post, const struct claimant *who, struct claim *claim);

/** Claim steps of any post. */
bool team_claim(struct team *team, const struct claimant *who, struct claim *claim);

/**
 * A region is a handful of cache lines that go from the poster to a worker and back. Asked for one after the other
 * they cost a small region more than its work; asked for together they cost little more than one.
 */
static inline void post_fetch(const struct team *team, const struct post *post, bool to_write)
{
	const char *line = (const char *)post;
	if (to_write)
		for (size_t at = 0; at < offsetof(struct post, copy) + 64; at += 64)
			__builtin_prefetch(line + at, 1);
	else
		for (size_t at = 0; at < offsetof(struct post, copy) + 64; at += 64)
			__builtin_prefetch(line + at, 0);
	if (team->states)
		__builtin_prefetch((const void *)team->states[post - team->posts], 1);
}

/** Whether a post has steps nobody has claimed; what it says is old at once. */
static inline bool post_has_work(struct post *post)
{
	uint64_t ticket = atomic_load_explicit(&post->ticket, memory_order_acquire);
	return (ticket & TICKET_MASK) < atomic_load_explicit(&post->steps, memory_order_relaxed);
}

/** Processes: whether a post has steps that were begun by a worker that died, and that nobody has taken up yet. */
bool post_has_freed(struct team *team, struct post *post);

/** Run what was claimed, chunk by chunk, and count it as done in the post. seat: the worker's; NULL for callers. */
void claim_run(struct team *team, const struct claim *claim, struct seat *seat);

/** The same without counting: returns the number of steps to be added to `done`. */
uint32_t claim_run_steps(struct team *team, const struct claim *claim, struct seat *seat);

/** Add steps to a post's count and wake its poster if that completes it. */
void post_add_done(struct post *post, uint32_t steps, uint32_t count);

/** Make whoever sleeps on the post's `done` look again. */
void post_nudge(struct post *post);

/** Who waits for a region that this one comes from may help with it: make them look. */
void team_nudge_waiters(struct team *team, struct post *post);

/** Processes: whether all steps are marked as done, and no worker is at the post any more. */
bool post_is_left(struct team *team, struct post *post, uint32_t steps);

static inline uint64_t stop_pack(uint32_t step, int value)
{
	return (uint64_t)step << 32 | (uint32_t)value;
}

/** Record that a step stopped the region; the lowest step counts. */
void post_stop(struct post *post, uint32_t step, size_t chunk, int value);

/**
 * Processes: have the keeper look at its orders and jobs. Does nothing where the number of its pipe has become another
 * file's, as a body closed all descriptors: the keeper looks now and then, rung or not.
 */
void team_ring_keeper(const struct team *team);

/** Wake up to `count` sleeping workers. */
void team_wake(struct team *team, unsigned count);

#endif
