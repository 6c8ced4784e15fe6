/* fork() in tasks of kin/fork.h: the child goes on with the stack it has, whatever it does with the pool. */
#include "pool_tools.h"

#include <kin/fork.h>
#include <kin/job.h>

static int add(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add((_Atomic uint64_t *)arg, end - begin);
	return 0;
}

static int add_job(void *arg, void *result)
{
	return add(0, 1, arg);
}

/* Returns 0 if a loop and a job do what they should. */
static int use(struct kin_pool *pool)
{
	_Atomic uint64_t sum = 0;
	struct kin_job *job = NULL;
	int wrong = kin_for(pool, 0, 1000, 1, add, &sum) != 0;
	wrong |= kin_submit(pool, add_job, &sum, NULL, &job) != 0 || kin_wait(job, -1) != 0;
	kin_job_destroy(job);
	return wrong || sum != 1001;
}

struct fib {
	struct kin_task task;
	int n;
	long result;
};

static long fib(struct kin_worker worker, int n);

static void fib_task(struct kin_worker worker, struct kin_task *task)
{
	struct fib *self = (struct fib *)task;
	self->result = fib(worker, self->n);
}

static long fib(struct kin_worker worker, int n)
{
	if (n < 2)
		return n;
	struct fib left = { .n = n - 1 };
	kin_fork(&worker, &left.task, fib_task);
	long right = fib(worker, n - 2);
	kin_join_run(&worker, &left.task);
	return left.result + right;
}

struct family {
	struct kin_task task;
	struct kin_pool *pool;
	int what; // the child does: 0 nothing; 1 use the pool; 2 destroy it unused; 3 both
	bool begun;
	int status;
};

/* The child goes on with the stack of its parent's worker, whatever it did with the pool. */
static int go_on(struct kin_worker worker, const struct family *family)
{
	struct fib root = { .n = 15 };
	alarm(30);
	if (family->what & 1 && (use(family->pool) || kin_run(family->pool, fib_task, &root.task)))
		return 61;
	if (family->what & 1 && root.result != 610)
		return 62;
	if (family->what & 1 && kin_pool_resize(family->pool, 3) < 0)
		return 64;
	if (family->what & 2)
		kin_pool_destroy(family->pool);
	__atomic_store_n(&worker.stack->ceiling, NULL, __ATOMIC_RELAXED); // as if a thief asked for tasks
	return fib(worker, 20) == 6765 ? 0 : 63;
}

static void fork_in_task(struct kin_worker worker, struct kin_task *task)
{
	struct family *family = (struct family *)task;
	__atomic_store_n(&family->begun, true, __ATOMIC_SEQ_CST);
	pid_t child = fork();
	if (child == 0)
		_exit(go_on(worker, family));
	while (waitpid(child, &family->status, 0) < 0 && errno == EINTR)
		continue;
}

/* Has the task stolen. */
static void fork_elsewhere(struct kin_worker worker, struct kin_task *task)
{
	kin_fork(&worker, task, fork_in_task);
	while (!__atomic_load_n(&((struct family *)task)->begun, __ATOMIC_SEQ_CST))
		engine_nap(1);
	kin_join_run(&worker, task);
}

static void test_tasks(void)
{
	for (int what = 0; what < 4; what++)
		for (int stolen = 0; stolen < 2; stolen++) {
			struct family family = {
				.pool = tool_pool(KIN_THREADS, 2), .what = what, .status = -1
			};
			kin_run(family.pool, stolen ? fork_elsewhere : fork_in_task, &family.task);
			tap_ok(family.status == 0, "a child forked in a %s task goes on in it: %d, %x",
				stolen ? "stolen" : "root", what, (unsigned)family.status);
			tap_is_int(use(family.pool), 0, "its parent, too");
			kin_pool_destroy(family.pool);
		}
}

int main(void)
{
	if (thread_sanitizer)
		return tap_skip_all("the thread sanitizer bears no threads in forked children");
	if (address_sanitizer)
		return tap_skip_all("the address sanitizer's allocator may be locked in a forked child");
	engine_begin();
	test_tasks();
	return tap_done();
}
