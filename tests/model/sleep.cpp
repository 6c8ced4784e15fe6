/* Sleeping without losing a wake-up: lib/fork/event.h as it is; the pool's bell and its count of steps, by hand. */
#include "model.hpp"

#define EVENT_ANNOUNCE weak(1, seq_cst, acq_rel)
#define EVENT_LOOK weak(2, seq_cst, acquire)
#define EVENT_KEY acquire
#define EVENT_RING release
#include "fork/event.h"

enum {
	CHANGE = 3,
	KEY_LATE = 10,
	NO_BELL,
	BELL_ANNOUNCE = 20,
	BELL_LOOK,
	BELL_RING,
	BELL_KEY,
	BELL_NO_SECOND_LOOK,
	FENCE_POSTER = 30,
	FENCE_WORKER,
	DONE_ADD = 40,
	DONE_LOAD,
	DONE_BY_STORE,
	DONE_NO_WAKE,
};

/* lib/fork/event.h: each changer adds to a word; the waiter sleeps until all have. A lost wake-up is a deadlock. */
template <int changers> struct event_count : rl::test_suite<event_count<changers>, changers + 1> {
	struct event event;
	rl::atomic<uint32_t> changed;
	model_futex futex;
	rl::var<int> data[changers];

	void before()
	{
		event.sleepers.store(0, rl::mo_relaxed, $);
		event.bell.store(0, rl::mo_relaxed, $);
		changed.store(0, rl::mo_relaxed, $);
	}

	void wait()
	{
		while (changed.load(rl::mo_acquire, $) != changers) {
			uint32_t key = event_prepare(&event);
			uint32_t seen = changed.load(EVENT_LOOK, $);
			if (weakened == KEY_LATE)
				key = event.bell.load(rl::mo_acquire, $);
			if (seen != changers)
				futex.wait(event.bell, key);
			event_cancel(&event);
		}
		for (int i = 0; i < changers; i++)
			RL_ASSERT(data[i]($) == 1);
	}

	void thread(unsigned index)
	{
		if (index == 0) {
			wait();
			return;
		}
		data[index - 1]($) = 1;
		ATOMIC_ADD(changed, 1u, weak(CHANGE, seq_cst, release));
		if (weakened == NO_BELL) {
			if (event.sleepers.load(rl::mo_seq_cst, $))
				futex.wake();
		} else if (event_tell(&event)) {
			futex.wake();
		}
	}
};

/* The bell of lib/pool: who posts adds to it, then looks at the sleepers. A worker ends when it saw the post. */
struct pool_bell : rl::test_suite<pool_bell, 3> {
	rl::atomic<uint32_t> bell, sleepers, ticket;
	model_futex futex;

	void before()
	{
		bell.store(0, rl::mo_relaxed, $);
		sleepers.store(0, rl::mo_relaxed, $);
		ticket.store(0, rl::mo_relaxed, $);
	}

	void post()
	{
		ticket.store(1, rl::mo_release, $);
		bell.fetch_add(1, weak(BELL_RING, seq_cst), $);
		if (sleepers.load(weak(BELL_LOOK, seq_cst), $))
			futex.wake();
	}

	void worker()
	{
		while (!ticket.load(rl::mo_acquire, $)) {
			uint32_t key = bell.load(weak(BELL_KEY, acquire), $);
			sleepers.fetch_add(1, weak(BELL_ANNOUNCE, seq_cst), $);
			if (weakened == BELL_NO_SECOND_LOOK || !ticket.load(rl::mo_acquire, $))
				futex.wait(bell, key);
			sleepers.fetch_sub(1, rl::mo_relaxed, $);
		}
	}

	void thread(unsigned index)
	{
		if (index == 0)
			post();
		else
			worker();
	}
};

/*
 * The bell with fences, as lib/fork/fork.h asks of those who sleep until a team has something public: the change is the
 * team's, the fence and the look at the sleepers are the bell's.
 */
struct fenced_bell : rl::test_suite<fenced_bell, 3> {
	rl::atomic<uint32_t> bell, sleepers, work;
	model_futex futex;

	void before()
	{
		bell.store(0, rl::mo_relaxed, $);
		sleepers.store(0, rl::mo_relaxed, $);
		work.store(0, rl::mo_relaxed, $);
	}

	void thread(unsigned index)
	{
		if (index == 0) {
			work.store(1, rl::mo_release, $);
			fence(FENCE_POSTER, seq_cst);
			if (sleepers.load(rl::mo_relaxed, $)) {
				bell.fetch_add(1, rl::mo_release, $);
				futex.wake();
			}
			return;
		}
		while (!work.load(rl::mo_relaxed, $)) {
			uint32_t key = bell.load(rl::mo_acquire, $);
			sleepers.fetch_add(1, rl::mo_relaxed, $);
			fence(FENCE_WORKER, seq_cst);
			if (!work.load(rl::mo_relaxed, $))
				futex.wait(bell, key);
			sleepers.fetch_sub(1, rl::mo_relaxed, $);
		}
	}
};

/* The end of a region: workers add to `done`; the poster sets a bit there and sleeps; who completes it wakes. */
template <int workers> struct region_end : rl::test_suite<region_end<workers>, workers + 1> {
	static const uint32_t waiting = 1u << 30, count = (1u << 28) - 1;
	rl::atomic<uint32_t> done;
	rl::var<int> result[workers];
	model_futex futex;

	void before()
	{
		done.store(0, rl::mo_relaxed, $);
	}

	uint32_t announce(uint32_t seen)
	{
		if (weakened == DONE_BY_STORE) {
			done.store(seen | waiting, rl::mo_relaxed, $);
			return seen | waiting;
		}
		return done.fetch_or(waiting, rl::mo_relaxed, $) | waiting;
	}

	void poster()
	{
		uint32_t seen;
		while (((seen = done.load(weak(DONE_LOAD, acquire), $)) & count) != workers) {
			seen = announce(seen);
			if ((seen & count) != workers)
				futex.wait(done, seen);
		}
		for (int i = 0; i < workers; i++)
			RL_ASSERT(result[i]($) == i + 1);
	}

	void worker(int index)
	{
		result[index]($) = index + 1;
		uint32_t before = done.fetch_add(1, weak(DONE_ADD, acq_rel), $);
		if ((before & waiting) && (before & count) + 1 == workers && weakened != DONE_NO_WAKE)
			futex.wake();
	}

	void thread(unsigned index)
	{
		if (index == 0)
			poster();
		else
			worker((int)index - 1);
	}
};

int main()
{
	const uint64_t many = model_runs();

	model_holds<event_count<1>>("event.h, one changer", many, 4);
	model_holds<event_count<2>>("event.h, two changers", many, 2);
	model_breaks<event_count<1>>("event.h", 1, "found: the announcement is not seq_cst", many);
	model_breaks<event_count<1>>("event.h", 2, "found: the looks are acquire only", many);
	model_breaks<event_count<1>>("event.h", CHANGE, "found: the change is release only", many);
	model_breaks<event_count<1>>("event.h", KEY_LATE, "found: the key is read after the look", many);
	model_breaks<event_count<1>>("event.h", NO_BELL, "found: woken without a change of the bell", many);

	model_holds<pool_bell>("bell of the pool", many, 2);
	model_breaks<pool_bell>(
		"bell of the pool", BELL_ANNOUNCE, "found: the announcement is relaxed", many);
	model_breaks<pool_bell>("bell of the pool", BELL_LOOK, "found: the poster's look is relaxed", many);
	model_breaks<pool_bell>("bell of the pool", BELL_RING, "found: the ring is relaxed", many);
	model_breaks<pool_bell>("bell of the pool", BELL_KEY, "found: the key is read relaxed", many);
	model_breaks<pool_bell>("bell of the pool", BELL_NO_SECOND_LOOK, "found: no second look", many);

	model_holds<fenced_bell>("bell with fences", many, 2);
	model_breaks<fenced_bell>("bell with fences", FENCE_POSTER, "found: no fence of the poster", many);
	model_breaks<fenced_bell>("bell with fences", FENCE_WORKER, "found: no fence of the worker", many);

	model_holds<region_end<1>>("end of a region, one worker", many, 4);
	model_holds<region_end<2>>("end of a region, two workers", many, 3);
	model_breaks<region_end<2>>("end of a region", DONE_ADD, "found: the addition is relaxed", many);
	model_breaks<region_end<2>>(
		"end of a region", DONE_LOAD, "found: the poster's load is relaxed", many);
	model_breaks<region_end<2>>(
		"end of a region", DONE_BY_STORE, "found: the bit is set by a store", many);
	model_breaks<region_end<2>>("end of a region", DONE_NO_WAKE, "found: nobody wakes", many);
	return model_done();
}
