/* fork() in programs that have pools: idle ones, busy ones, from inside of bodies and jobs. */
#include <kin/job.h>
#include <kin/pool.h>

#include "engine.h"

#include <poll.h>
#include <pthread.h>
#include <sys/syscall.h>

enum { COUNT = 3000 };

static const enum kin_kind kinds[] = { KIN_THREADS, KIN_PROCESSES };

static struct kin_pool *make(enum kin_kind kind, unsigned workers)
{
	struct kin_pool *pool = NULL;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers, .kind = kind }) < 0) {
		tap_ok(false, "a pool");
		exit(1);
	}
	return pool;
}

static int square(size_t begin, size_t end, void *arg)
{
	long *numbers = arg;
	for (size_t i = begin; i < end; i++)
		numbers[i] = (long)(i * i);
	return 0;
}

static int make_square(size_t index, void *item, void *arg)
{
	(void)arg;
	*(long *)item = (long)(index * index);
	return 0;
}

static bool are_squares(const long *numbers)
{
	for (long i = 0; i < COUNT; i++)
		if (numbers[i] != i * i)
			return false;
	return true;
}

/* A loop over memory of each kind, and a job. Returns 0 if all is right, otherwise the number of what is not. */
static int use(struct kin_pool *pool)
{
	long *shared, *private = calloc(COUNT, sizeof *private);
	if (!private || kin_shared_alloc((void **)&shared, COUNT * sizeof *shared) < 0)
		return 1;
	int wrong = 0;
	for (int round = 0; round < 3 && !wrong; round++) {
		memset(shared, 0, COUNT * sizeof *shared);
		memset(private, 0, COUNT * sizeof *private);
		if (kin_for(pool, 0, COUNT, 10, square, shared) != 0 || !are_squares(shared))
			wrong = 2;
		else if (kin_map(pool, COUNT, private, sizeof *private, make_square, private) != 0 ||
			 !are_squares(private))
			wrong = 3;
	}
	kin_shared_free(shared);
	free(private);
	return wrong;
}

static int add_seven(void *arg, void *result)
{
	*(long *)result = *(long *)arg + 7;
	return 0;
}

static int use_jobs(struct kin_pool *pool)
{
	long three = 3;
	struct kin_job *job;
	if (kin_submit(pool, add_seven, &three, &(struct kin_job_options){ .result_size = sizeof(long) },
		    &job) < 0)
		return 10;
	int value = kin_wait(job, -1);
	const long *result = kin_job_result(job);
	int wrong = value != 0 || !result || *result != 10 ? 11 : 0;
	kin_job_destroy(job);
	return wrong;
}

static int use_all(void *arg)
{
	int wrong = use(arg);
	return wrong ? wrong : use_jobs(arg);
}

/* The same in a child, which destroys what is not the default pool. */
static int use_in_child(void *arg)
{
	int wrong = use_all(arg);
	kin_pool_destroy(arg);
	return wrong;
}

static int use_in_grandchild(void *arg)
{
	int status = engine_in_child(use_in_child, arg);
	if (status != 0)
		return 20 + WEXITSTATUS(status);
	int wrong = use_all(arg);
	if (wrong)
		return wrong;
	status = engine_in_child(use_in_child, arg);
	return status == 0 ? use_all(arg) : 40 + WEXITSTATUS(status);
}

static int only_destroy(void *arg)
{
	kin_pool_destroy(arg);
	return use_all(NULL);
}

static int only_exit(void *arg)
{
	(void)arg;
	exit(6);
}

static int use_and_exit(void *arg)
{
	exit(use_all(arg));
}

struct plain {
	int (*function)(void *arg);
	const char *name;
	int status;
};

static void test_idle(struct kin_pool *pool, const char *whom)
{
	static const struct plain plains[] = {
		{ use_in_child, "uses and destroys it", 0 },
		{ only_destroy, "destroys it", 0 },
		{ only_exit, "ends by exit()", 6 },
		{ use_and_exit, "uses it, ends by exit()", 0 },
		{ use_in_grandchild, "has children that use it", 0 },
	};
	for (size_t used = 0; used < 2; used++)
		for (size_t i = 0; i < sizeof plains / sizeof *plains; i++) {
			if (used)
				tap_is_int(use_all(pool), 0, "the parent uses it");
			int status = engine_in_child(plains[i].function, pool);
			tap_ok(status == plains[i].status << 8, "%s: the child %s (%x)", whom, plains[i].name,
				(unsigned)status);
		}
	tap_is_int(use_all(pool), 0, "the parent goes on");
}

/* --- a raw clone: no handler of the C library runs --- */

static void test_clone(struct kin_pool *pool, const char *whom)
{
	tap_is_int(use_all(pool), 0, "the parent uses it");
	long child = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0) {
		alarm(30);
		_exit(use_all(pool));
	}
	int status = -1;
	waitpid((pid_t)child, &status, 0);
	tap_ok(status == 0, "%s: a child of clone() (%x)", whom, (unsigned)status);
	tap_is_int(use_all(pool), 0, "the parent goes on");
}

/* --- while others call --- */

struct busy {
	struct kin_pool *pool;
	_Atomic int over, calls;
	int wrong;
};

static void *call_on(void *arg)
{
	struct busy *busy = arg;
	while (!atomic_load(&busy->over)) {
		int wrong = use_all(busy->pool);
		busy->wrong = busy->wrong ? busy->wrong : wrong;
		atomic_fetch_add(&busy->calls, 1);
	}
	return NULL;
}

static void test_busy(struct kin_pool *pool, const char *whom)
{
	struct busy busy = { .pool = pool };
	pthread_t callers[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&callers[i], NULL, call_on, &busy);
	int wrong = 0;
	for (int i = 0; i < 15; i++) {
		engine_await(&busy.calls, i);
		int status = engine_in_child(i % 3 ? use_in_child : only_destroy, pool);
		if (status && !wrong++)
			tap_note("status %x", (unsigned)status);
	}
	atomic_store(&busy.over, 1);
	for (int i = 0; i < 2; i++)
		pthread_join(callers[i], NULL);
	tap_is_int(wrong, 0, whom);
	tap_is_int(busy.wrong, 0, "the parent's calls were right all the time");
}

/* --- from inside of a body --- */

struct inside {
	struct kin_pool *pool;
	pthread_t caller;
	_Atomic int
		*log; // shared: [0] children, [1] chunks run in a child after it came back, [2] bad statuses
	_Atomic int in_caller, in_worker, met;
	pid_t parent;
	bool nested, uses_pool;
	int returned;
};

static void fork_here(struct inside *inside)
{
	pid_t child = fork();
	if (child == 0) {
		alarm(30);
		atomic_fetch_add(&inside->log[0], 1);
		if (inside->uses_pool && use_all(inside->pool) != 0)
			_exit(9);
		return;
	}
	int status = -1;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	if (status != 0) {
		tap_note("status %x", (unsigned)status);
		atomic_fetch_add(&inside->log[2], 1);
	}
}

/* The caller and the worker meet, so that both have a chunk; then each forks once. */
static int fork_in_body(size_t begin, size_t end, void *arg)
{
	struct inside *inside = arg;
	(void)begin;
	(void)end;
	if (getpid() != inside->parent) {
		atomic_fetch_add(&inside->log[1], 1);
		return 0;
	}
	bool is_caller = pthread_equal(pthread_self(), inside->caller);
	if (atomic_fetch_add(is_caller ? &inside->in_caller : &inside->in_worker, 1) == 0) {
		atomic_fetch_add(&inside->met, 1);
		engine_await(&inside->met, 2);
		fork_here(inside);
	}
	return 0;
}

static int loop_in_body(size_t begin, size_t end, void *arg)
{
	struct inside *inside = arg;
	(void)begin;
	(void)end;
	if (getpid() != inside->parent)
		return -ECHILD;
	int value = kin_for(inside->pool, 0, 8, 1, fork_in_body, arg);
	return getpid() == inside->parent ? value : -ECHILD;
}

static void test_inside(bool nested, bool uses_pool)
{
	struct kin_pool *pool = make(KIN_THREADS, 2);
	struct inside inside = { .pool = pool,
		.caller = pthread_self(),
		.log = engine_shared(3 * sizeof(_Atomic int)),
		.parent = getpid(),
		.nested = nested,
		.uses_pool = uses_pool };
	int value = kin_for(pool, 0, nested ? 4 : 60, 1, nested ? loop_in_body : fork_in_body, &inside);
	if (getpid() != inside.parent) {
		/* A child of the caller's. */
		int wrong = value == -ECHILD ? use_all(pool) : 8;
		kin_pool_destroy(pool);
		_exit(wrong);
	}
	tap_is_int(value, 0, "bodies that fork in a caller and in a worker");
	tap_is_int(inside.log[0], 2, "two children");
	tap_is_int(inside.log[1], 0, "which run no other chunk");
	tap_is_int(inside.log[2], 0, "and end well");
	tap_is_int(use_all(pool), 0, "the parent goes on");
	kin_pool_destroy(pool);
	kin_shared_free(inside.log);
}

/*
 * The caller has done its chunk and waits for the worker's, which calls a loop of its own; there it helps, and the
 * chunk that it runs forks.
 */
static int fork_when_helping(size_t begin, size_t end, void *arg)
{
	struct inside *inside = arg;
	(void)begin;
	(void)end;
	if (pthread_equal(pthread_self(), inside->caller)) {
		if (atomic_fetch_add(&inside->in_caller, 1) == 0)
			fork_here(inside);
		atomic_fetch_add(&inside->met, 1);
	} else
		engine_await(&inside->met, 2);
	return 0;
}

static int be_helped(size_t begin, size_t end, void *arg)
{
	struct inside *inside = arg;
	(void)begin;
	(void)end;
	if (!pthread_equal(pthread_self(), inside->caller)) {
		atomic_store(&inside->met, 1);
		return kin_for(inside->pool, 0, 2, 1, fork_when_helping, arg);
	}
	engine_await(&inside->met, 1);
	return 0;
}

static void test_helping(bool uses_pool)
{
	struct kin_pool *pool = make(KIN_THREADS, 2);
	struct inside inside = { .pool = pool,
		.caller = pthread_self(),
		.log = engine_shared(3 * sizeof(_Atomic int)),
		.parent = getpid(),
		.uses_pool = uses_pool };
	int value = kin_for(pool, 0, 2, 1, be_helped, &inside);
	if (getpid() != inside.parent) {
		int wrong = value == -ECHILD ? use_all(pool) : 8;
		kin_pool_destroy(pool);
		_exit(wrong);
	}
	tap_is_int(value, 0, "a body that forks in a caller that helps");
	tap_ok(inside.log[0] == 1 && inside.log[2] == 0, "its child ends well");
	kin_pool_destroy(pool);
	kin_shared_free(inside.log);
}

/* One worker: the caller runs all of it. */
static void test_alone(void)
{
	struct kin_pool *pool = make(KIN_THREADS, 1);
	struct inside inside = { .pool = pool,
		.caller = pthread_self(),
		.log = engine_shared(3 * sizeof(_Atomic int)),
		.parent = getpid(),
		.met = 1,
		.uses_pool = true };
	int value = kin_for(pool, 0, 60, 1, fork_in_body, &inside);
	if (getpid() != inside.parent) {
		int wrong = value == -ECHILD ? use_all(pool) : 8;
		_exit(!wrong && kin_pool_resize(pool, 2) < 0
				? 12
				: wrong); // the call is the parent's, and is over here
	}
	tap_is_int(value, 0, "a body that forks on a pool of one worker");
	tap_ok(inside.log[0] == 1 && inside.log[1] == 0 && inside.log[2] == 0, "its child ends well");
	kin_pool_destroy(pool);
	kin_shared_free(inside.log);
}

/* --- jobs --- */

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

struct jobs {
	struct kin_pool *pool;
	struct kin_job *jobs[4]; // ended, running, waiting, behind it
	int descriptor; // of the running one, made before the fork
};

static int look_at_jobs(void *arg)
{
	struct jobs *all = arg;
	const long *result = kin_job_result(all->jobs[0]);
	if (kin_wait(all->jobs[0], -1) != 0 || !result || *result != 10)
		return 50;
	for (int i = 1; i < 4; i++) {
		if (kin_wait(all->jobs[i], -1) != -ECANCELED)
			return 51;
		if (kin_job_state(all->jobs[i]) != KIN_JOB_ENDED)
			return 52;
		if (kin_job_cancel(all->jobs[i]) != -EALREADY)
			return 53;
		if (kin_job_result(all->jobs[i]))
			return 54;
	}
	size_t index = 99;
	if (kin_wait_any(all->jobs + 1, 3, -1, &index) != 0 || index != 0)
		return 55;
	if (kin_wait_all(all->jobs, 4, -1) != -ECANCELED)
		return 56;
	for (int i = 1; i < 4; i++) {
		struct pollfd polled = { .fd = kin_job_descriptor(all->jobs[i]), .events = POLLIN };
		if (poll(&polled, 1, 0) != 1)
			return 57;
	}
	if (kin_pool_drain(all->pool, -1) != 0)
		return 58;
	struct kin_job *behind = NULL;
	if (kin_submit(all->pool, pass_gate, NULL,
		    &(struct kin_job_options){ .after = &all->jobs[2], .after_count = 1 }, &behind) != 0 ||
		kin_wait(behind, -1) != -ECANCELED)
		return 59;
	kin_job_destroy(behind);
	int wrong = use_all(all->pool);
	for (int i = 0; i < 4; i++)
		kin_job_destroy(all->jobs[i]);
	kin_pool_destroy(all->pool);
	return wrong;
}

static void test_jobs(enum kin_kind kind)
{
	struct gate *gate = engine_shared(sizeof *gate);
	struct jobs all = { .pool = make(kind, 2) };
	long three = 3;
	struct kin_job_options options = { .result_size = sizeof(long) };
	kin_submit(all.pool, add_seven, &three, &options, &all.jobs[0]);
	kin_wait(all.jobs[0], -1);
	kin_submit(all.pool, pass_gate, gate, NULL, &all.jobs[1]);
	engine_await(&gate->entered, 1);
	options = (struct kin_job_options){
		.result_size = sizeof(long), .after = &all.jobs[1], .after_count = 1
	};
	kin_submit(all.pool, add_seven, &three, &options, &all.jobs[2]);
	options.after = &all.jobs[2];
	kin_submit(all.pool, add_seven, &three, &options, &all.jobs[3]);
	all.descriptor = kin_job_descriptor(all.jobs[1]);
	for (int i = 0; i < 2; i++) {
		int status = engine_in_child(look_at_jobs, &all);
		tap_ok(status == 0, "a child looks at the jobs of its parent (%x)", (unsigned)status);
	}
	struct pollfd polled = { .fd = all.descriptor, .events = POLLIN };
	tap_is_int(poll(&polled, 1, 0), 0, "which runs on in the parent");
	atomic_store(&gate->open, 1);
	tap_is_int(kin_wait_all(all.jobs, 4, -1), 0, "and ends there");
	for (int i = 0; i < 4; i++)
		kin_job_destroy(all.jobs[i]);
	kin_pool_destroy(all.pool);
	kin_shared_free(gate);
}

/* A job that forks: whoever runs it, the child comes back from it. */
static int fork_in_job(void *arg, void *result)
{
	(void)result;
	fork_here(arg);
	return 0;
}

static void test_forking_jobs(void)
{
	for (unsigned workers = 1; workers <= 2; workers++)
		for (int waits = 0; waits < 3; waits++) {
			struct kin_pool *pool = make(KIN_THREADS, workers);
			struct inside inside = { .pool = pool,
				.log = engine_shared(3 * sizeof(_Atomic int)),
				.uses_pool = workers == 2 };
			inside.parent = getpid();
			struct kin_job *jobs[10];
			for (int i = 0; i < 10; i++)
				kin_submit(pool, fork_in_job, &inside, NULL, &jobs[i]);
			struct pollfd polled = { .fd = kin_job_descriptor(jobs[9]), .events = POLLIN };
			if (waits == 0)
				poll(&polled, 1, -1);
			int value = waits < 2 ? kin_wait_all(jobs, 10, -1) : kin_pool_drain(pool, -1);
			if (getpid() != inside.parent)
				_exit(value == (waits < 2 ? -ECANCELED : 0) ? use_all(pool) : 8);
			tap_is_int(value, 0, "jobs that fork");
			tap_ok(inside.log[0] == 10 && inside.log[2] == 0,
				"their children end well: %d, %d not", inside.log[0], inside.log[2]);
			for (int i = 0; i < 10; i++)
				kin_job_destroy(jobs[i]);
			kin_pool_destroy(pool);
			kin_shared_free(inside.log);
		}
}

int main(void)
{
	if (thread_sanitizer)
		return tap_skip_all("the thread sanitizer bears no threads in forked children");
	/* A thread that starts or allocates just then: clang 14's and gcc 12's runtimes do not wait for it. */
	if (address_sanitizer)
		return tap_skip_all("the address sanitizer's allocator may be locked in a forked child");
	engine_begin();
	for (int i = 0; i < 2; i++) {
		struct kin_pool *pool = make(kinds[i], 3);
		const char *whom = kinds[i] == KIN_THREADS ? "threads" : "processes";
		test_idle(pool, whom);
		test_clone(pool, whom);
		test_busy(pool, whom);
		kin_pool_destroy(pool);
		test_jobs(kinds[i]);
	}
	test_idle(NULL, "the default pool");
	test_busy(NULL, "the default pool");
	for (int i = 0; i < 4; i++)
		test_inside(i / 2, i % 2);
	test_alone();
	test_helping(false);
	test_helping(true);
	test_forking_jobs();
	return tap_done();
}
