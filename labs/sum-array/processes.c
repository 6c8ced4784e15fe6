/*
 * Processes: each fork is one clone with SIGCHLD and no CLONE_VM. A child has its own view of the numbers - the same
 * pages, until somebody writes to one - but what it writes its parent does not see. So the results go to a page that
 * was mapped MAP_SHARED before the fork.
 */
#include "sum_array.h"

#include <sys/mman.h>
#include <sys/wait.h>

struct result {
	_Alignas(64) int64_t sum; /* a cache line each: see threads.c */
};

/* Every child that was started is waited for, whatever happened to the others. */
static bool wait_for(const pid_t *children, unsigned count)
{
	bool all_well = true;
	for (unsigned i = 0; i < count; i++) {
		int status;
		pid_t pid;
		do
			pid = waitpid(children[i], &status, 0);
		while (pid == -1 && errno == EINTR);
		if (pid == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			all_well = false;
	}
	return all_well;
}

int main(int argc, char **argv)
{
	struct lab lab = lab_begin(argc, argv, "processes", 2);
	static pid_t children[MAX_WORKERS];

	double start = seconds_now();
	size_t bytes = lab.workers * sizeof(struct result);
	struct result *results = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (results == MAP_FAILED)
		lab_fail(&lab, "mmap", errno);

	for (unsigned i = 0; i < lab.workers; i++) {
		children[i] = fork();
		if (children[i] == -1) {
			int error = errno;
			wait_for(children, i);
			lab_fail(&lab, "fork", error);
		}
		if (children[i] == 0) {
			results[i].sum = sum_range(lab.numbers, range_of(lab.count, i, lab.workers));
			/* Not exit: what stdio holds is the parent's to write. */
			_exit(0);
		}
	}
	if (!wait_for(children, lab.workers))
		lab_fail(&lab, "a worker did not end well, the sum is not whole", ECHILD);

	int64_t sum = 0;
	for (unsigned i = 0; i < lab.workers; i++)
		sum += results[i].sum;
	double seconds = seconds_now() - start;
	munmap(results, bytes);
	return lab_end(&lab, sum, seconds);
}
