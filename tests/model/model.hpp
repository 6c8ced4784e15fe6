/**
 * model.hpp: lib/fork's own headers under Relacy's memory model, and a small harness that prints TAP.
 *
 * Include it first: it binds lib/fork/atomics.h. Each place where an order is named can be made weaker while the
 * program runs: `weak(3, acquire)` is acquire, or relaxed in runs that weaken place 3. Every model runs once as it is,
 * where no failure may be found, and once for each place, where one must be found.
 */
#ifndef KIN_TESTS_MODEL_HPP
#define KIN_TESTS_MODEL_HPP

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wall"
#pragma GCC diagnostic ignored "-Wextra"
#include <relacy/relacy.hpp>
#pragma GCC diagnostic pop

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>

static int weakened; // the place that is weaker in this run; 0: none

static const rl::memory_order relaxed = rl::mo_relaxed;
static const rl::memory_order acquire = rl::mo_acquire;
static const rl::memory_order release = rl::mo_release;
static const rl::memory_order acq_rel = rl::mo_acq_rel;
static const rl::memory_order seq_cst = rl::mo_seq_cst;

static inline rl::memory_order weak(
	int place, rl::memory_order order, rl::memory_order weaker = rl::mo_relaxed)
{
	return weakened == place ? weaker : order;
}

#define ATOMIC(type) rl::atomic<type>
#define ATOMIC_LOAD(object, order) (object).load((order), $)
#define ATOMIC_STORE(object, value, order) (object).store((value), (order), $)
#define ATOMIC_ADD(object, value, order) (object).fetch_add((value), (order), $)
#define ATOMIC_SUB(object, value, order) (object).fetch_sub((value), (order), $)
#define ATOMIC_CAS(object, expected, desired, order) \
	(object).compare_exchange_strong((expected), (desired), (order), $, rl::mo_relaxed, $)

static inline void fence(int place, rl::memory_order order)
{
	if (weakened != place)
		rl::atomic_thread_fence(order, $);
}

/**
 * A futex: compare and block are one step to those who wake, as under the kernel's lock. Both calls begin with a full
 * barrier, as the kernel's do. The kernel's look at the word is therefore not before any seq_cst change of it that
 * comes before the barrier (C11 7.17.3 p. 9); Relacy's fences do not say so, hence the seq_cst load.
 */
struct model_futex {
	rl::mutex lock;
	rl::condition_variable woken;

	template <typename T> void wait(rl::atomic<T> &word, T value)
	{
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
		lock.lock($);
		if (word.load(rl::mo_seq_cst, $) == value)
			woken.wait(lock, $);
		lock.unlock($);
	}

	void wake()
	{
		rl::atomic_thread_fence(rl::mo_seq_cst, $);
		lock.lock($);
		woken.notify_all($);
		lock.unlock($);
	}
};

/** How many executions a search at random looks at. */
static inline uint64_t model_runs()
{
	const char *asked = std::getenv("MODEL_RUNS");
	return asked ? std::strtoull(asked, NULL, 10) : 100000;
}

static int model_checks, model_failures;

struct model_seen {
	uint64_t runs;
	rl::test_result_e result;
};

static inline void model_ok(bool holds, const char *model, const char *what, const model_seen &seen)
{
	std::printf("%sok %d - %s: %s (%s, %llu runs)\n", holds ? "" : "not ", ++model_checks, model, what,
		rl::test_result_str(seen.result), (unsigned long long)seen.runs);
	std::fflush(stdout);
	model_failures += !holds;
}

/** One search. Returns whether it found no failure. */
template <typename Model>
static bool model_search(rl::scheduler_type_e search, uint64_t runs, unsigned switches, model_seen *seen)
{
	std::ostream sink(NULL);
	rl::test_params params;
	params.search_type = search;
	params.iteration_count = runs;
	params.context_bound = switches;
	params.execution_depth_limit = 4000;
	const bool loud = std::getenv("MODEL_TRACE") != NULL;
	params.output_stream = loud ? static_cast<std::ostream *>(&std::cerr) : &sink;
	params.progress_stream = &sink;
	bool right = rl::simulate<Model>(params);
	seen->runs = params.stop_iteration;
	seen->result = params.test_result;
	return right;
}

/** What is right is searched at random `runs` times; and wholly, up to `switches` preemptions, if that is not 0. */
template <typename Model> static void model_holds(const char *name, uint64_t runs, unsigned switches)
{
	model_seen seen;
	weakened = 0;
	bool right = model_search<Model>(rl::sched_random, runs, 0, &seen);
	model_ok(right, name, "nothing found, at random", seen);
	if (switches) {
		right = model_search<Model>(rl::sched_bound, UINT64_MAX, switches, &seen);
		model_ok(right, name, "nothing found, all runs with few preemptions", seen);
	}
}

template <typename Model>
static void model_breaks(const char *name, int place, const char *what, uint64_t runs)
{
	model_seen seen;
	weakened = place;
	bool right = model_search<Model>(rl::sched_random, runs, 0, &seen);
	weakened = 0;
	model_ok(!right, name, what, seen);
}

static inline int model_done()
{
	std::printf("1..%d\n", model_checks);
	return model_failures ? 1 : 0;
}

#endif
