/* Jobs in jobs, many of them, loops in them, pools that are resized under them, and exit(). */
#include <kin/job.h>

#include "engine.h"

#include <poll.h>
#include <pthread.h>

static struct kin_pool *make(unsigned workers)
{
	struct kin_pool *pool = NULL;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers }) < 0) {
		tap_ok(false, "a pool");
		exit(1);
	}
	return pool;
}

static struct kin_job *submit(
	struct kin_pool *pool, kin_job_fn *fn, void *arg, const struct kin_job_options *options)
{
	struct kin_job *job = NULL;
	int error = kin_submit(pool, fn, arg, options, &job);
	if (error < 0) {
		tap_ok(false, "a job is taken: %s", strerror(-error));
		exit(1);
	}
	return job;
}

static struct kin_job *submit_after(
	struct kin_pool *pool, kin_job_fn *fn, void *arg, struct kin_job *const *after, size_t count)
{
	return submit(pool, fn, arg, &(struct kin_job_options){ .after = after, .after_count = count });
}

/* --- functions of jobs --- */

static int add_one(void *arg, void *result)
{
	(void)result;
	atomic_fetch_add((_Atomic int *)arg, 1);
	return 0;
}

/* A job that is there until it is let go. */
struct gate {
	_Atomic int entered, open;
};

static int pass_gate(void *arg, void *result)
{
	struct gate *gate = arg;
	(void)result;
	atomic_fetch_add(&gate->entered, 1);
	while (!atomic_load(&gate->open))
		engine_nap(1);
	return 0;
}

/* --- jobs in jobs --- */

struct nest {
	struct kin_pool *pool;
	int depth;
};

static int go_deeper(void *arg, void *result)
{
	struct nest *nest = arg, inner = { nest->pool, nest->depth - 1 };
	long *depth = result;
	*depth = 1;
	if (inner.depth == 0)
		return 0;
	struct kin_job *job;
	int value = kin_submit(nest->pool, go_deeper, &inner,
		&(struct kin_job_options){ .result_size = sizeof(long) }, &job);
	if (value < 0)
		return value;
	value = kin_wait(job, -1);
	if (value == 0)
		*depth += *(const long *)kin_job_result(job);
	kin_job_destroy(job);
	return value;
}

/* Waits for the end of a chain of its own, in a worker that nobody else helps. */
static int wait_for_chain(void *arg, void *result)
{
	struct kin_pool *pool = arg;
	(void)result;
	_Atomic int count = 0;
	struct kin_job *last = submit(pool, add_one, &count, NULL);
	for (int i = 1; i < 300; i++) {
		struct kin_job *next = submit_after(pool, add_one, &count, &last, 1);
		kin_job_destroy(last);
		last = next;
	}
	int value = kin_wait(last, -1);
	kin_job_destroy(last);
	return value ? value : atomic_load(&count);
}

static void test_nested(void)
{
	for (unsigned workers = 1; workers <= 2; workers++)
		for (int waits = 0; waits < 2; waits++) {
			struct kin_pool *pool = make(workers);
			struct nest nest = { pool, 100 };
			struct kin_job *job = submit(pool, go_deeper, &nest,
				&(struct kin_job_options){ .result_size = sizeof(long) });
			struct pollfd polled = { .fd = kin_job_descriptor(job), .events = POLLIN };
			if (!waits)
				poll(&polled, 1, -1);
			int value = kin_wait(job, -1);
			tap_ok(value == 0 && *(const long *)kin_job_result(job) == 100,
				"100 jobs in each other on %u workers, %s", workers,
				waits ? "waited for" : "on their own");
			kin_job_destroy(job);
			job = submit(pool, wait_for_chain, pool, NULL);
			polled.fd = kin_job_descriptor(job);
			poll(&polled, 1, -1);
			tap_is_int(kin_wait(job, -1), 300, "a job waits for a chain of its own");
			kin_job_destroy(job);
			kin_pool_destroy(pool);
		}
}

/* Each job submits the next one and ends. */
struct relay {
	struct kin_pool *pool;
	_Atomic int left;
};

static int run_relay(void *arg, void *result)
{
	struct relay *relay = arg;
	(void)result;
	return atomic_fetch_sub(&relay->left, 1) > 1 ? kin_submit(relay->pool, run_relay, relay, NULL, NULL)
						     : 0;
}

static void test_many(struct kin_pool *pool)
{
	_Atomic int count = 0;
	for (int i = 0; i < 100000; i++)
		if (kin_submit(pool, add_one, &count, NULL, NULL) < 0)
			break;
	tap_is_int(kin_pool_drain(pool, -1), 0, "100,000 small jobs");
	tap_is_int(count, 100000, "ran once each");
	struct relay relay = { pool, 50000 };
	kin_submit(pool, run_relay, &relay, NULL, NULL);
	tap_is_int(kin_pool_drain(pool, -1), 0, "50,000 jobs, each of which submits the next");
	tap_is_int(relay.left, 0, "ran");
}

static int square(size_t begin, size_t end, void *arg)
{
	for (size_t i = begin; i < end; i++)
		((long *)arg)[i] *= ((long *)arg)[i];
	return 0;
}

struct loop {
	struct kin_pool *pool;
	long items[3000];
};

static int run_loop(void *arg, void *result)
{
	struct loop *loop = arg;
	(void)result;
	for (long i = 0; i < 3000; i++)
		loop->items[i] = i;
	int value = kin_for(loop->pool, 0, 3000, 10, square, loop->items);
	for (long i = 0; i < 3000 && value == 0; i++)
		value = loop->items[i] != i * i;
	return value;
}

static void test_loops_in_jobs(struct kin_pool *pool)
{
	enum { LOOPS = 40 };
	struct loop *loops = calloc(LOOPS, sizeof *loops);
	struct kin_job *jobs[LOOPS];
	for (int i = 0; i < LOOPS; i++) {
		loops[i].pool = pool;
		jobs[i] = submit(pool, run_loop, &loops[i], NULL);
	}
	tap_is_int(kin_wait_all(jobs, LOOPS, -1), 0, "loops inside of jobs");
	for (int i = 0; i < LOOPS; i++)
		kin_job_destroy(jobs[i]);
	free(loops);
}

/* --- resizing --- */

static void *open_later(void *arg)
{
	engine_nap(5);
	atomic_store(&((struct gate *)arg)->open, 1);
	return NULL;
}

static void *wait_for_job(void *arg)
{
	return (void *)(intptr_t)kin_wait(arg, -1);
}

static void test_resize(void)
{
	struct kin_pool *pool = make(2);
	_Atomic int count = 0;
	for (int round = 0; round < 30; round++) {
		struct gate gate = { 0 };
		struct kin_job *first = submit(pool, pass_gate, &gate, NULL);
		engine_await(&gate.entered, 1);
		struct kin_job *last = submit_after(pool, add_one, &count, &first, 1);
		for (int i = 0; i < 20; i++)
			kin_submit(pool, add_one, &count, NULL, NULL);
		pthread_t waiter, opener;
		pthread_create(&waiter, NULL, wait_for_job, last);
		pthread_create(&opener, NULL, open_later, &gate);
		if (kin_pool_resize(pool, 1 + (unsigned)round % 4) != 0)
			tap_ok(false, "resized");
		void *value;
		pthread_join(waiter, &value);
		pthread_join(opener, NULL);
		if (value)
			tap_ok(false, "the job that was waited for");
		kin_job_destroy(first);
		kin_job_destroy(last);
	}
	tap_is_int(kin_pool_drain(pool, -1), 0, "resized with jobs waiting, and waited for");
	tap_is_int(count, 30 * 21, "all of them ran");
	kin_pool_destroy(pool);
}

/* --- exit --- */

struct program {
	bool finish;
	unsigned workers;
	_Atomic int *count; // shared
};

static int nap_and_add(void *arg, void *result)
{
	engine_nap(1);
	return add_one(arg, result);
}

static int exit_with_jobs(void *arg)
{
	struct program *program = arg;
	struct kin_pool *pool;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .workers = program->workers,
					   .finish_at_exit = program->finish }) < 0)
		return 2;
	static struct gate gate;
	if (!program->finish) {
		/* Nothing else can begin before the end. */
		for (unsigned i = 0; i < program->workers; i++)
			kin_submit(pool, pass_gate, &gate, NULL, NULL);
		engine_await(&gate.entered, (int)(program->workers > 1 ? program->workers - 1 : 1));
	}
	for (int i = 0; i < 20; i++)
		kin_submit(pool, nap_and_add, program->count, NULL, NULL);
	exit(5);
}

static void test_exit(void)
{
	_Atomic int *count = engine_shared(sizeof *count);
	for (int finish = 0; finish < 2; finish++)
		for (unsigned workers = 1; workers <= 2; workers++) {
			struct program program = { finish, workers, count };
			atomic_store(count, 0);
			int status = engine_in_child(exit_with_jobs, &program);
			tap_ok(WIFEXITED(status) && WEXITSTATUS(status) == 5, "exit(5) with jobs");
			tap_is_int(*count, finish ? 20 : 0, finish ? "exit runs all" : "exit runs none");
		}
	kin_shared_free(count);
}

int main(void)
{
	engine_begin();
	test_exit();
	struct kin_pool *pool = make(3);
	test_nested();
	test_many(pool);
	test_loops_in_jobs(pool);
	test_resize();
	kin_pool_destroy(pool);
	return tap_done();
}
