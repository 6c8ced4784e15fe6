/* clones KIND: children made by raw clone calls, with flags that no C library function gives. */
#include "load.h"

#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static pid_t clone3_call(uint64_t flags, int exit_signal)
{
	struct clone_args arguments = { .flags = flags, .exit_signal = exit_signal };
	return syscall(SYS_clone3, &arguments, sizeof arguments);
}

static int one_child(uint64_t flags, int exit_signal, int status)
{
	pid_t pid = clone3_call(flags, exit_signal);
	if (pid == 0)
		_exit(status);
	if (pid < 0)
		return errno == EPERM || errno == ENOSYS ? LOAD_CANNOT : 1;
	return WEXITSTATUS(load_reap(pid)) == status ? 0 : 1;
}

static int untraced(int argc, char **argv)
{
	return one_child(CLONE_UNTRACED, SIGCHLD, 5);
}

static int files(int argc, char **argv)
{
	return one_child(CLONE_FILES | CLONE_FS, SIGCHLD, 4);
}

static int no_signal(int argc, char **argv)
{
	return one_child(0, 0, 6);
}

static int odd_signal(int argc, char **argv)
{
	signal(SIGUSR1, SIG_IGN);
	pid_t pid = clone3_call(0, SIGUSR1);
	if (pid == 0)
		_exit(2);
	/* an ignored exit signal other than SIGCHLD leaves a zombie to be waited for */
	return pid > 0 && WEXITSTATUS(load_reap(pid)) == 2 ? 0 : 1;
}

/* a child whose parent is its maker's parent */
static int parent(int argc, char **argv)
{
	pid_t pid = fork();
	if (pid == 0) {
		pid = clone3_call(CLONE_PARENT, 0);
		_exit(pid == 0 ? 7 : 3);
	}
	int sum = 0;
	for (int status; waitpid(-1, &status, __WALL) > 0;)
		sum += WEXITSTATUS(status);
	return sum == 10 ? 0 : 1;
}

static int in_child(void *argument)
{
	return *(int *)argument;
}

static int shared_memory(int argc, char **argv)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status = 8;
	pid_t pid = clone(in_child, stack + sizeof stack, CLONE_VM | SIGCHLD, &status);
	return pid > 0 && WEXITSTATUS(load_reap(pid)) == 8 ? 0 : 1;
}

static int clone_call(int argc, char **argv)
{
	static char stack[65536] __attribute__((aligned(16)));
	int status = 9;
	pid_t pid = clone(in_child, stack + sizeof stack, CLONE_FILES | CLONE_SYSVSEM | SIGCHLD, &status);
	return pid > 0 && WEXITSTATUS(load_reap(pid)) == 9 ? 0 : 1;
}

/* the kernel refuses: a thread must share signal handlers and memory; and a structure that is too short */
static int refused(int argc, char **argv)
{
	struct clone_args arguments = { 0 };
	if (clone3_call(CLONE_THREAD, 0) != -1 || errno != EINVAL)
		return errno == ENOSYS ? LOAD_CANNOT : 1;
	if (syscall(SYS_clone3, &arguments, (size_t)8) != -1 || errno != EINVAL)
		return 1;
	return 0;
}

static int pid_namespace(int argc, char **argv)
{
	pid_t pid = clone3_call(CLONE_NEWPID | (geteuid() == 0 ? 0 : CLONE_NEWUSER), SIGCHLD);
	if (pid < 0)
		return LOAD_CANNOT;
	if (pid == 0) {
		pid_t inner = fork();
		if (inner == 0)
			_exit(getpid() == 2 ? 9 : 1);
		_exit(getpid() == 1 && WEXITSTATUS(load_reap(inner)) == 9 ? 5 : 1);
	}
	return WEXITSTATUS(load_reap(pid)) == 5 ? 0 : 1;
}

/* at the limit of processes; the superuser has none, so it becomes somebody first */
static int nproc(int argc, char **argv)
{
	if (geteuid() == 0 && setresuid(61234, 61234, 61234) < 0)
		return LOAD_CANNOT;
	struct rlimit one = { 1, 1 };
	if (setrlimit(RLIMIT_NPROC, &one) < 0)
		load_die("setrlimit");
	pid_t pid = fork();
	if (pid == 0)
		_exit(1);
	if (pid > 0) {
		load_reap(pid);
		return LOAD_CANNOT;
	}
	return errno == EAGAIN ? 0 : 1;
}

static const struct kind kinds[] = {
	{ "untraced", untraced },
	{ "files", files },
	{ "no-signal", no_signal },
	{ "odd-signal", odd_signal },
	{ "parent", parent },
	{ "shared-memory", shared_memory },
	{ "clone", clone_call },
	{ "refused", refused },
	{ "pid-namespace", pid_namespace },
	{ "nproc", nproc },
};

int main(int argc, char **argv)
{
	return load_main(kinds, sizeof kinds / sizeof *kinds, argc, argv);
}
