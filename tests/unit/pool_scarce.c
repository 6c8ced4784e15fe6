/* Pools where the system gives little: processes, threads, descriptors. */
#include "pool_tools.h"

#include <kin/job.h>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int add_one(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add((_Atomic uint64_t *)arg, end - begin);
	return 0;
}

/* Whether a pool counts to 1000, with memory that is shared and memory that is not. */
static bool works(struct kin_pool *pool)
{
	_Atomic uint64_t *shared = engine_shared(sizeof *shared), own = 0;
	bool right = kin_for(pool, 0, 1000, 7, add_one, shared) == 0 && *shared == 1000;
	right &= kin_for(pool, 0, 1000, 7, add_one, &own) == 0;
	right &= own == (kin_pool_kind(pool) == KIN_THREADS ? 1000 : 0);
	kin_shared_free(shared);
	return right;
}

#define NOT_ROOT 77

/* As a user that owns nothing else here. Returns what the exit status is to be. */
static int with_few_processes(void *arg)
{
	const int kind = *(int *)arg;
	struct rlimit limit = { 6, 6 };
	if (setgid(61234) < 0 || setuid(61234) < 0 || setrlimit(RLIMIT_NPROC, &limit) < 0)
		return NOT_ROOT;
	struct kin_pool *pool;
	struct kin_pool_options options = { .kind = (enum kin_kind)kind, .workers = 12 };
	struct kin_error warning;
	if (kin_pool_create(&pool, &options) < 0)
		return 1;
	unsigned workers = kin_pool_workers(pool);
	if (workers >= 12 || workers < 1)
		return 2;
	if (kin_pool_warning(pool, &warning) != -EAGAIN || !warning.text[0])
		return 3;
	_Atomic uint64_t *sum = engine_shared(sizeof *sum);
	if (kin_for(pool, 0, 1000, 1, add_one, sum) != 0 || *sum != 1000)
		return 4;
	kin_pool_destroy(pool);
	return 0;
}

static int nothing(void *arg, void *result)
{
	return 0;
}

static int with_no_process(void *arg)
{
	struct rlimit limit = { 1, 1 };
	if (setgid(61235) < 0 || setuid(61235) < 0 || setrlimit(RLIMIT_NPROC, &limit) < 0)
		return NOT_ROOT;
	struct kin_pool *pool = NULL;
	struct kin_pool_options options = { .kind = KIN_THREADS, .workers = 4 };
	if (kin_pool_create(&pool, &options) < 0 || kin_pool_workers(pool) != 1 || !works(pool))
		return 1;
	struct kin_job *job = NULL;
	if (kin_submit(pool, nothing, NULL, NULL, &job) != -EAGAIN || job)
		return 3;
	kin_pool_destroy(pool);
	pool = NULL;
	options.kind = KIN_PROCESSES;
	return kin_pool_create(&pool, &options) == -EAGAIN && !pool ? 0 : 2;
}

/* Fewer descriptors than workers: deaths are noticed without pidfds. */
static int with_few_descriptors(void *arg)
{
	struct rlimit before, limit;
	getrlimit(RLIMIT_NOFILE, &before);
	limit = before;
	limit.rlim_cur = 16;
	setrlimit(RLIMIT_NOFILE, &limit);
	struct kin_pool *pool;
	struct kin_pool_options options = { .kind = KIN_PROCESSES, .workers = 40 };
	if (kin_pool_create(&pool, &options) < 0)
		return 1;
	for (int i = 0; i < 5; i++)
		if (!works(pool))
			return 2;
	pid_t pids[64];
	setrlimit(RLIMIT_NOFILE, &before); // to look at /proc
	int count = engine_children("", pids, 64);
	setrlimit(RLIMIT_NOFILE, &limit);
	for (int i = 0; i < count; i++)
		kill(pids[i], SIGKILL);
	if (count != 40)
		return 3;
	if (!works(pool))
		return 4;
	kin_pool_destroy(pool);
	setrlimit(RLIMIT_NOFILE, &before);
	return engine_children("", pids, 64) ? 5 : 0;
}

#define NO_FILTER 78

/* From now on this process and its children cannot bind themselves to CPUs. */
static bool forbid_binding(void)
{
	struct sock_filter steps[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_sched_setaffinity, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof steps / sizeof *steps, .filter = steps };
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static int with_no_binding(void *arg)
{
	struct kin_pool_options options = { .kind = *(enum kin_kind *)arg, .workers = 3, .pin = true };
	const char *all = options.kind == KIN_THREADS ? "2 workers are" : "3 workers are";
	struct kin_pool *pool;
	struct kin_error warning;
	if (kin_pool_create(&pool, &options) < 0)
		return 1;
	if (kin_pool_warning(pool, &warning) != 0)
		return 2; // nothing forbids it yet
	if (!forbid_binding())
		return NO_FILTER;
	if (kin_pool_resize(pool, 3) < 0)
		return 3;
	if (kin_pool_warning(pool, &warning) != -EPERM || strncmp(warning.text, all, strlen(all)) != 0)
		return 4;
	if (kin_pool_workers(pool) != 3 || !works(pool))
		return 5;
	kin_pool_destroy(pool);
	options.pin = false;
	if (kin_pool_create(&pool, &options) < 0 || kin_pool_warning(pool, &warning) != 0)
		return 6;
	kin_pool_destroy(pool);
	return 0;
}

static void check(int (*function)(void *), void *arg, const char *what)
{
	int status = engine_in_child(function, arg);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_ROOT)
		tap_skip(what, "needs root, to be another user");
	else if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER)
		tap_skip(what, "no filter of system calls can be set here");
	else
		tap_is_int(status, 0, what);
}

int main(void)
{
	int kinds[] = { KIN_THREADS, KIN_PROCESSES };
	enum kin_kind both[] = { KIN_THREADS, KIN_PROCESSES };
	engine_begin();
	if (thread_sanitizer || address_sanitizer)
		tap_skip("few processes", "the sanitizers have threads of their own");
	else {
		check(with_few_processes, &kinds[0], "RLIMIT_NPROC: fewer threads, and a warning");
		check(with_few_processes, &kinds[1], "RLIMIT_NPROC: fewer processes, and a warning");
		check(with_no_process, NULL, "RLIMIT_NPROC: no thread, no process");
	}
	for (int k = 0; k < 2; k++)
		check(with_no_binding, &both[k],
			"seccomp: workers that cannot be bound to CPUs give a warning");
	check(with_few_descriptors, NULL, "RLIMIT_NOFILE: fewer descriptors than workers");
	return tap_done();
}
