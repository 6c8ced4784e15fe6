/*
 * peak FILE COMMAND...: run a command and write its peak resident memory, in KiB, to FILE.
 *
 * The kernel's ru_maxrss remembers what a process was before exec: a child of a large process, such as Python's
 * interpreter, seems never to have been small. This one is small.
 */
#include "load.h"

#include <sys/resource.h>

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: peak FILE COMMAND...\n");
		return 2;
	}
	pid_t pid = fork();
	if (pid == 0) {
		execvp(argv[2], argv + 2);
		_exit(127);
	}
	int status;
	struct rusage usage;
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		load_die("wait4");
	FILE *file = fopen(argv[1], "w");
	if (!file || fprintf(file, "%ld\n", usage.ru_maxrss) < 0 || fclose(file) != 0)
		load_die(argv[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
