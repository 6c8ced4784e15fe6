/* What bodies do inside process workers and forked children: jobs, pools of their own, printing, many threads. */
#include "pool_tools.h"

#include <kin/job.h>

#include <pthread.h>

static struct kin_pool *threads, *processes;

static int nothing(void *arg, void *result)
{
	return 0;
}

static int no_work(size_t begin, size_t end, void *arg)
{
	return 0;
}

static int submit_one(size_t begin, size_t end, void *arg)
{
	struct kin_job *job = NULL;
	int result = kin_submit(threads, nothing, NULL, NULL, &job);
	if (result == 0)
		result = kin_wait(job, -1);
	kin_job_destroy(job);
	return result;
}

static int loop_on_processes(void *arg, void *result)
{
	return kin_for(processes, 0, 10, 1, submit_one, arg);
}

/* The job lies in memory that came after the workers, which have something else there, or nothing. */
static void test_job_in_loop_in_job(void)
{
	char *memory = engine_shared(64);
	struct kin_pool_stats before, after;
	struct kin_job *jobs[30];
	struct kin_job_options large = { .result_size = 1 << 20 };
	kin_pool_stats(processes, &before, sizeof before);
	int wrong = 0;
	for (int i = 0; i < 30; i++)
		wrong += kin_submit(threads, loop_on_processes, memory, &large, &jobs[i]) != 0;
	wrong += kin_wait_all(jobs, 30, -1) != 0;
	for (int i = 0; i < 30; i++)
		kin_job_destroy(jobs[i]);
	kin_pool_stats(processes, &after, sizeof after);
	tap_is_int(wrong, 0, "jobs call loops on processes, whose bodies submit jobs");
	tap_is_int(after.deaths - before.deaths, 0, "no worker died of that");
	kin_shared_free(memory);
}

/* --- a job of the parent --- */

static struct kin_job *of_parent;
static _Atomic uint32_t *gate;

static int wait_at_gate(void *arg, void *result)
{
	return tool_await(gate, 1) ? 0 : -ETIMEDOUT;
}

static int wait_for_parents(size_t begin, size_t end, void *arg)
{
	size_t index;
	if (kin_wait(of_parent, -1) != -ECANCELED || kin_wait(of_parent, 0) != -ECANCELED)
		return 1;
	if (kin_wait_any(&of_parent, 1, -1, &index) != 0 || kin_job_state(of_parent) != KIN_JOB_ENDED)
		return 2;
	if (kin_job_cancel(of_parent) != -EALREADY || kin_job_result(of_parent))
		return 3;
	return 0;
}

static void test_parents_job(void)
{
	gate = engine_shared(sizeof *gate);
	kin_submit(threads, wait_at_gate, NULL, NULL, &of_parent);
	/* Private memory: forked for the call, so that they know the job. */
	int result = kin_for(processes, 0, 3, 1, wait_for_parents, &of_parent);
	tap_is_int(result, 0, "in a worker a job of the parent counts as cancelled");
	atomic_store(gate, 1);
	tap_is_int(kin_wait(of_parent, -1), 0, "for the parent it is what it is");
	kin_job_destroy(of_parent);
	kin_shared_free(gate);
}

/* --- pools of their own --- */

static int make_pools(size_t begin, size_t end, void *arg)
{
	unsigned before = tool_count_threads();
	for (int i = 0; i < 20; i++) {
		struct kin_pool *pool;
		struct kin_pool_options options = { .workers = 3, .kind = (enum kin_kind)(i % 2) };
		int result = kin_pool_create(&pool, &options);
		if (result == 0)
			result = kin_for(pool, 0, 100, 1, no_work, arg);
		if (result < 0)
			return result;
		kin_pool_destroy(pool);
	}
	kin_pool_destroy(*(struct kin_pool **)arg); // the parent's: that is not ours to end
	pid_t pids[8];
	return tool_count_threads() == before && engine_children("", pids, 8) == 0 ? 0 : -EBUSY;
}

static void test_own_pools(void)
{
	struct kin_pool **pool = engine_shared(sizeof *pool);
	*pool = processes;
	tap_is_int(
		kin_for(processes, 0, 2, 1, make_pools, pool), 0, "pools made in a worker and ended there");
	tap_is_int(kin_for(processes, 0, 100, 1, no_work, pool), 0, "the pool it works for goes on");
	kin_shared_free(pool);
}

/* --- printing --- */

static int print(size_t begin, size_t end, void *arg)
{
	printf("x");
	return 0;
}

/* The program ends right after its last call, and leaves the pool alone. */
static int print_and_end(void *arg)
{
	const int *pipe_ends = arg;
	int result = 0;
	dup2(pipe_ends[1], STDOUT_FILENO);
	struct kin_pool *pool = tool_pool(KIN_PROCESSES, 2);
	void *memory = engine_shared(64);
	for (int i = 0; i < 10; i++)
		result |= kin_for(pool, 0, 10, 1, print, memory);
	return result;
}

static void test_printing(void)
{
	int wrong = 0;
	for (int round = 0; round < 15; round++) {
		int pipe_ends[2];
		char text[500];
		if (pipe(pipe_ends) < 0)
			break;
		int status = engine_in_child(print_and_end, pipe_ends);
		close(pipe_ends[1]);
		ssize_t got, all = 0;
		while ((got = read(pipe_ends[0], text, sizeof text)) > 0)
			all += got;
		close(pipe_ends[0]);
		wrong += status != 0 || all != 100;
	}
	tap_is_int(wrong, 0, "what bodies printed is there when the call returns");
}

/* --- several threads of a child use a pool of the parent for the first time --- */

enum { CALLERS = 8 };
static _Atomic uint32_t ready;

static int look_who(size_t begin, size_t end, void *arg)
{
	return kin_worker_index(threads) >= 0 ? 0 : -EIO;
}

static void *call_at_once(void *arg)
{
	atomic_fetch_add(&ready, 1);
	while (atomic_load(&ready) < CALLERS)
		continue;
	for (int i = 0; i < 100; i++)
		if (kin_for(threads, 0, i % 5 ? 3 : 100, 1, look_who, NULL))
			return arg;
	return NULL;
}

static int use_from_threads(void *arg)
{
	pthread_t callers[CALLERS];
	int wrong = 0;
	for (int i = 0; i < CALLERS; i++)
		pthread_create(&callers[i], NULL, call_at_once, &wrong);
	for (int i = 0; i < CALLERS; i++) {
		void *failed;
		pthread_join(callers[i], &failed);
		wrong += failed != NULL;
	}
	return wrong;
}

static void test_threads_of_child(void)
{
	int wrong = 0;
	for (int i = 0; i < 20; i++) // so that it is known to be short, and need no worker
		kin_for(threads, 0, 3, 1, look_who, NULL);
	for (int round = 0; round < 15; round++) {
		atomic_store(&ready, 0);
		wrong += engine_in_child(use_from_threads, NULL) != 0;
	}
	tap_is_int(wrong, 0, "eight threads of a child use a pool first");
}

/* --- what is left of a region in which workers died --- */

static int die_once(size_t begin, size_t end, void *arg)
{
	_Atomic uint32_t *lives = arg;
	if (begin == 1 && atomic_fetch_sub(lives, 1) == 1)
		raise(SIGKILL);
	return 0;
}

static int count(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add((_Atomic uint32_t *)arg, 1);
	return 0;
}

/* A call whose end comes by the states of its steps must not be counted in the next one. */
static void test_after_deaths(void)
{
	_Atomic uint32_t *words = engine_shared(2 * sizeof *words);
	int wrong = 0;
	for (int round = 0; round < 100; round++) {
		words[0] = 1;
		wrong += kin_for(processes, 0, 4, 1, die_once, &words[0]) != 0;
		for (uint32_t i = 1; i < 4; i++) {
			words[1] = 0;
			wrong += kin_for(processes, 0, i, 1, count, &words[1]) != 0 || words[1] != i;
		}
	}
	tap_is_int(wrong, 0, "calls right after calls in which workers died");
	kin_shared_free(words);
}

int main(void)
{
	engine_begin();
	processes = tool_pool(KIN_PROCESSES, 2);
	threads = tool_pool(KIN_THREADS, 3);
	test_job_in_loop_in_job();
	test_parents_job();
	test_own_pools();
	test_printing();
	if (thread_sanitizer)
		tap_skip("threads of a child", "the thread sanitizer allows none");
	else
		test_threads_of_child();
	test_after_deaths();
	kin_pool_destroy(threads);
	kin_pool_destroy(processes);
	return tap_done();
}
