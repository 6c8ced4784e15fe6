/*
 * forks N HOW: N children one after the other. HOW: fork, vfork, spawn (posix_spawn /bin/true), exec (fork, then
 * exec /bin/true).
 */
#include "load.h"

#include <spawn.h>

static char *true_argv[] = { "true", NULL };

static pid_t by_fork(void)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(0);
	return pid;
}

static pid_t by_vfork(void)
{
	pid_t pid = vfork();
	if (pid == 0)
		_exit(0);
	return pid;
}

static pid_t by_spawn(void)
{
	pid_t pid;
	int error = posix_spawn(&pid, "/bin/true", NULL, NULL, true_argv, environ);
	errno = error;
	return error ? -1 : pid;
}

static pid_t by_exec(void)
{
	pid_t pid = fork();
	if (pid == 0) {
		execv("/bin/true", true_argv);
		_exit(127);
	}
	return pid;
}

static const struct {
	const char *name;
	pid_t (*make)(void);
} ways[] = { { "fork", by_fork }, { "vfork", by_vfork }, { "spawn", by_spawn }, { "exec", by_exec } };

int main(int argc, char **argv)
{
	for (size_t i = 0; argc == 3 && i < sizeof ways / sizeof *ways; i++) {
		if (strcmp(argv[2], ways[i].name) != 0)
			continue;
		for (long n = atol(argv[1]); n > 0; n--) {
			pid_t pid = ways[i].make();
			if (pid < 0)
				load_die(argv[2]);
			if (load_reap(pid) != 0)
				return 1;
		}
		return 0;
	}
	fprintf(stderr, "usage: forks N fork|vfork|spawn|exec\n");
	return 2;
}
