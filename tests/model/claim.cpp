/*
 * Claiming steps of a region, as lib/pool/team.h says: a post whose fields are written anew for each region, and one
 * word, the ticket, generation << 24 | next step, that both opens it and hands out its steps.
 */
#include "model.hpp"

enum {
	OPEN = 1,
	LOAD,
	ADD,
	WAIT,
	NOT_CLOSED = 10,
	NO_GENERATION,
	CLAIM_BY_STORE,
	EARLY_REUSE,
};

static const uint64_t mask = (1u << 24) - 1;

/* Two regions, one of one step, one of two, in the same post. */
template <int workers> struct post : rl::test_suite<post<workers>, workers + 1> {
	static const int regions = 2;
	rl::atomic<uint64_t> ticket;
	rl::atomic<uint32_t> steps, done;
	rl::var<int> run; // read only by who has claimed a step
	rl::var<int> ran[regions + 1][regions + 1];

	void before()
	{
		ticket.store(mask, rl::mo_relaxed, $);
		steps.store(0, rl::mo_relaxed, $);
		done.store(0, rl::mo_relaxed, $);
		for (int i = 0; i <= regions; i++)
			for (int j = 0; j <= regions; j++)
				ran[i][j]($) = 0;
	}

	/* What was read before the claim is of the region that is claimed. */
	bool claim(uint64_t *ret_ticket)
	{
		uint64_t seen = ticket.load(weak(LOAD, acquire), $);
		uint32_t limit = steps.load(rl::mo_relaxed, $);
		if ((seen & mask) >= limit)
			return false;
		if (weakened == CLAIM_BY_STORE)
			ticket.store(seen + 1, rl::mo_seq_cst, $);
		else if (!ticket.compare_exchange_strong(seen, seen + 1, acq_rel, $, rl::mo_relaxed, $))
			return false;
		*ret_ticket = seen;
		RL_ASSERT(limit == (uint32_t)run($));
		return true;
	}

	void run_step(uint64_t claimed)
	{
		int generation = run($);
		int step = (int)(claimed & mask);
		if (weakened != NO_GENERATION)
			RL_ASSERT((claimed >> 24) == (uint64_t)generation);
		RL_ASSERT(step < generation);
		ran[generation][step]($) = ran[generation][step]($) + 1;
		done.fetch_add(1, weak(ADD, acq_rel), $);
	}

	void open(int generation)
	{
		run($) = generation;
		done.store(0, rl::mo_relaxed, $);
		steps.store((uint32_t)generation, rl::mo_relaxed, $);
		uint64_t number = weakened == NO_GENERATION ? 0 : (uint64_t)generation;
		ticket.store(number << 24, weak(OPEN, release), $);
	}

	void close(int generation)
	{
		if (weakened == NOT_CLOSED)
			return;
		uint64_t number = weakened == NO_GENERATION ? 0 : (uint64_t)generation;
		ticket.store(number << 24 | mask, rl::mo_relaxed, $);
		rl::atomic_thread_fence(rl::mo_release, $);
	}

	void poster()
	{
		for (int generation = 1; generation <= regions; generation++) {
			open(generation);
			uint64_t claimed;
			while ((ticket.load(rl::mo_relaxed, $) & mask) < (uint64_t)generation)
				if (claim(&claimed))
					run_step(claimed);
			while (weakened != EARLY_REUSE &&
				done.load(weak(WAIT, acquire), $) != (uint32_t)generation)
				rl::yield(1, $);
			for (int step = 0; weakened != EARLY_REUSE && step < generation; step++)
				RL_ASSERT(ran[generation][step]($) == 1);
			close(generation);
		}
	}

	void thread(unsigned index)
	{
		if (index == 0) {
			poster();
			return;
		}
		for (int tries = 0; tries < 3; tries++) {
			uint64_t claimed;
			if (claim(&claimed))
				run_step(claimed);
		}
	}
};

int main()
{
	const uint64_t many = model_runs();
	typedef post<1> one;
	typedef post<2> two;

	model_holds<one>("one worker", many, 3);
	model_holds<two>("two workers", many, 1);
	model_breaks<one>("one worker", OPEN, "found: the ticket is stored relaxed", many);
	model_breaks<one>("one worker", LOAD, "found: the ticket is loaded relaxed", many);
	model_breaks<one>("one worker", ADD, "found: done is added to relaxed", many);
	model_breaks<one>("one worker", WAIT, "found: done is loaded relaxed", many);
	model_breaks<one>("one worker", NOT_CLOSED, "found: fields written under the drawn-out ticket", many);
	model_breaks<one>("one worker", NO_GENERATION, "found: tickets without a generation", many);
	model_breaks<one>("one worker", CLAIM_BY_STORE, "found: claims by a plain store", many);
	model_breaks<one>(
		"one worker", EARLY_REUSE, "found: the post is used again before all is done", many);
	return model_done();
}
