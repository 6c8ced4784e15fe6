/* The deque of lib/fork/deque.h: its own functions, one owner, two thieves. */
#include "model.hpp"

#define DEQUE_PUBLISH weak(1, seq_cst)
#define DEQUE_STEAL weak(2, acquire)
#define DEQUE_TAKE_BACK release
#define DEQUE_FINISH weak(3, seq_cst)
#define DEQUE_RETURN release
#define DEQUE_JOIN weak(4, acquire)
#include "fork/deque.h"

enum {
	STEAL_BY_STORE = 10,
	SLOT_BEFORE_CAS,
	TAKE_BACK_BY_STORE,
	NO_LOOK_AFTER,
	LOOK_BEFORE,
	LIMITS_AFTER,
};

/* A task in memory that is used again and again, as a stack is. */
struct model_task {
	rl::var<int> input, result, runs;
	rl::atomic<uint32_t> state;
};

struct stack {
	rl::atomic<uint64_t> word;
	rl::atomic<int> slots[4];
	uint32_t split, bottom; // the owner's

	void init()
	{
		word.store(0, rl::mo_relaxed, $);
		split = bottom = 0;
	}

	void push(int task)
	{
		slots[bottom++].store(task, rl::mo_relaxed, $);
	}
};

/* A mutation: the thief's CAS in two steps. */
static bool steal_by_store(rl::atomic<uint64_t> *word, uint32_t *ret_index)
{
	uint64_t seen = word->load(rl::mo_acquire, $);
	if (deque_top(seen) >= deque_split(seen))
		return false;
	*ret_index = deque_top(seen);
	word->store(deque_word(deque_top(seen) + 1, deque_split(seen)), rl::mo_seq_cst, $);
	return true;
}

static int try_steal(stack &of, bool *ret_emptied)
{
	uint32_t index = 0;
	*ret_emptied = false;
	if (weakened == STEAL_BY_STORE)
		return steal_by_store(&of.word, &index) ? of.slots[index].load(rl::mo_relaxed, $) : -1;
	int early = -1;
	if (weakened == SLOT_BEFORE_CAS) {
		uint64_t seen = of.word.load(rl::mo_acquire, $);
		if (deque_top(seen) >= deque_split(seen))
			return -1;
		early = of.slots[deque_top(seen)].load(rl::mo_relaxed, $);
	}
	if (!deque_steal(&of.word, &index, ret_emptied))
		return -1;
	return early >= 0 ? early : of.slots[index].load(rl::mo_relaxed, $);
}

/* As take_back in lib/fork/run.c. */
static bool take_back(stack &of)
{
	uint64_t seen = ATOMIC_LOAD(of.word, relaxed);
	while (deque_top(seen) < deque_split(seen)) {
		uint32_t split = deque_plan_back(seen);
		if (weakened == TAKE_BACK_BY_STORE) {
			of.word.store(deque_word(deque_top(seen), split), rl::mo_seq_cst, $);
			of.split = split;
			return true;
		}
		if (deque_take_back(&of.word, &seen)) {
			of.split = split;
			return true;
		}
	}
	return false;
}

/* Three rounds over the same slots and tasks: fork two or three, publish some, join all. */
template <int thieves, int rounds>
struct exactly_once : rl::test_suite<exactly_once<thieves, rounds>, thieves + 1> {
	stack deque;
	model_task tasks[6];

	void before()
	{
		deque.init();
	}

	void run(int task, int by)
	{
		model_task &self = tasks[task];
		int input = self.input($);
		self.runs($) = self.runs($) + 1;
		self.result($) = input * 10;
	}

	void fork(int task, int input)
	{
		model_task &self = tasks[task];
		self.input($) = input;
		self.runs($) = 0;
		self.result($) = 0;
		deque.push(task);
	}

	void publish(uint32_t count)
	{
		for (uint32_t i = deque.split; i < deque.split + count; i++)
			tasks[deque.slots[i].load(rl::mo_relaxed, $)].state.store(
				DEQUE_TAKEN, rl::mo_relaxed, $);
		deque.split += count;
		deque_publish(&deque.word, count);
	}

	void join(int task, int input)
	{
		uint32_t index = deque.bottom - 1;
		if (index >= deque.split || take_back(deque)) {
			run(task, 0);
		} else {
			while (ATOMIC_LOAD(tasks[task].state, DEQUE_JOIN) != DEQUE_DONE)
				rl::yield(1, $);
			deque.split = index;
			deque_empty(&deque.word, index);
		}
		deque.bottom = index;
		RL_ASSERT(tasks[task].runs($) == 1);
		RL_ASSERT(tasks[task].result($) == input * 10);
	}

	void owner()
	{
		for (int round = 0; round < rounds; round++) {
			/* Other tasks in the same slots each second round: what a stale slot would show. */
			int first = round % 2 ? 2 : 0;
			fork(first, round + 1);
			if (rl::rand(2))
				publish(1);
			fork(first + 1, round + 5);
			publish(deque.bottom - deque.split);
			join(first + 1, round + 5);
			join(first, round + 1);
		}
	}

	void thief(int index)
	{
		for (int tries = 0; tries < rounds + 1; tries++) {
			bool emptied;
			int task = try_steal(deque, &emptied);
			if (task < 0)
				continue;
			run(task, index);
			ATOMIC_STORE(tasks[task].state, (uint32_t)DEQUE_DONE, DEQUE_FINISH);
		}
	}

	void thread(unsigned index)
	{
		if (index == 0)
			owner();
		else
			thief((int)index);
	}
};

/*
 * Who waits helps its own alone. The waiter's task 0 is run by a thief, which forks 1 in it; when it is done it goes on
 * with something else, which forks 2. The waiter may run 1, never 2, which it has to hand back.
 */
struct own_only : rl::test_suite<own_only, 2> {
	stack deque; // the thief's
	model_task tasks[3];

	void before()
	{
		deque.init();
		tasks[0].state.store(DEQUE_TAKEN, rl::mo_relaxed, $);
		for (int i = 0; i < 3; i++) {
			tasks[i].runs($) = 0;
			tasks[i].result($) = 0;
		}
	}

	void run(int task)
	{
		tasks[task].runs($) = tasks[task].runs($) + 1;
	}

	void fork_and_join(int task)
	{
		deque.push(task);
		tasks[task].state.store(DEQUE_TAKEN, rl::mo_relaxed, $);
		deque.split++;
		deque_publish(&deque.word, 1);
		if (take_back(deque)) {
			run(task);
		} else {
			uint32_t state;
			while ((state = ATOMIC_LOAD(tasks[task].state, DEQUE_JOIN)) == DEQUE_TAKEN)
				rl::yield(1, $);
			if (state == DEQUE_RETURNED)
				run(task);
			deque.split = 0;
			deque_empty(&deque.word, 0);
		}
		deque.bottom--;
		RL_ASSERT(tasks[task].runs($) == 1);
	}

	void thief()
	{
		fork_and_join(1);
		ATOMIC_STORE(tasks[0].state, (uint32_t)DEQUE_DONE, DEQUE_FINISH);
		fork_and_join(2);
	}

	void waiter()
	{
		while (ATOMIC_LOAD(tasks[0].state, DEQUE_JOIN) == DEQUE_TAKEN) {
			bool emptied, done = false;
			if (weakened == LOOK_BEFORE)
				done = ATOMIC_LOAD(tasks[0].state, DEQUE_JOIN) != DEQUE_TAKEN;
			int task = try_steal(deque, &emptied);
			if (task < 0) {
				rl::yield(1, $);
				continue;
			}
			if (weakened != LOOK_BEFORE && weakened != NO_LOOK_AFTER)
				done = ATOMIC_LOAD(tasks[0].state, DEQUE_JOIN) != DEQUE_TAKEN;
			if (done) {
				ATOMIC_STORE(tasks[task].state, (uint32_t)DEQUE_RETURNED, DEQUE_RETURN);
				break;
			}
			RL_ASSERT(task == 1);
			run(task);
			ATOMIC_STORE(tasks[task].state, (uint32_t)DEQUE_DONE, DEQUE_FINISH);
		}
	}

	void thread(unsigned index)
	{
		if (index == 0)
			waiter();
		else
			thief();
	}
};

/*
 * No wish is lost: when all is over and nothing is public, the owner's next fork takes the long way (eager) and
 * publishes. The owner stores its limits before the change of the word that makes them true.
 */
struct wishes : rl::test_suite<wishes, 3> {
	stack deque;
	rl::atomic<int> eager;

	void before()
	{
		deque.init();
		eager.store(1, rl::mo_relaxed, $);
	}

	void publish(uint32_t count)
	{
		if (weakened != LIMITS_AFTER)
			eager.store(0, rl::mo_relaxed, $);
		deque.split += count;
		deque_publish(&deque.word, count);
		if (weakened == LIMITS_AFTER)
			eager.store(0, rl::mo_relaxed, $);
	}

	void owner()
	{
		for (int i = 0; i < 3; i++)
			deque.push(i);
		publish(2);
		if (rl::rand(2)) {
			uint64_t seen = ATOMIC_LOAD(deque.word, relaxed);
			bool mine = false;
			while (!mine && deque_top(seen) < deque_split(seen)) {
				eager.store(deque_plan_back(seen) == deque_top(seen), rl::mo_relaxed, $);
				mine = deque_take_back(&deque.word, &seen);
			}
			if (!mine)
				eager.store(1, rl::mo_relaxed, $);
		}
	}

	void thread(unsigned index)
	{
		bool emptied;
		if (index == 0)
			owner();
		else if (try_steal(deque, &emptied) >= 0 && emptied)
			eager.store(1, rl::mo_relaxed, $);
	}

	void after()
	{
		uint64_t word = deque.word.load(rl::mo_relaxed, $);
		RL_ASSERT(deque_top(word) < deque_split(word) || eager.load(rl::mo_relaxed, $));
	}
};

int main()
{
	typedef exactly_once<1, 3> one;
	typedef exactly_once<2, 3> two;
	typedef exactly_once<2, 2> two_short;
	const uint64_t many = model_runs();

	model_holds<one>("one thief", many, 2);
	model_holds<two>("two thieves", many, 0);
	model_holds<two_short>("two thieves, two rounds", many, 1);
	model_breaks<one>("one thief", 1, "found: publish is relaxed", many);
	model_breaks<one>("one thief", 2, "found: the thief's CAS is relaxed", many);
	model_breaks<one>("one thief", 3, "found: the end of a stolen task is relaxed", many);
	model_breaks<one>("one thief", 4, "found: the join is relaxed", many);
	model_breaks<one>("one thief", STEAL_BY_STORE, "found: stealing by a plain store", many);
	model_breaks<one>("one thief", TAKE_BACK_BY_STORE, "found: taking back by a plain store", many);
	model_breaks<one>("one thief", SLOT_BEFORE_CAS, "found: the slot is read before the CAS", many);
	model_breaks<two>("two thieves", STEAL_BY_STORE, "found: stealing by a plain store", many);

	model_holds<own_only>("own tasks only", many, 3);
	model_breaks<own_only>("own tasks only", 1, "found: publish is relaxed", many);
	model_breaks<own_only>("own tasks only", 2, "found: the thief's CAS is relaxed", many);
	model_breaks<own_only>("own tasks only", 3, "found: the end of a stolen task is relaxed", many);
	model_breaks<own_only>(
		"own tasks only", NO_LOOK_AFTER, "found: nobody looks whether it is over", many);
	model_breaks<own_only>("own tasks only", LOOK_BEFORE, "found: looks before the CAS, not after", many);

	model_holds<wishes>("wishes", many, 3);
	model_breaks<wishes>("wishes", LIMITS_AFTER, "found: limits stored after the publication", many);
	return model_done();
}
