/**
 * load.h: what the programs under observation have in common: a table of kinds, chosen by name.
 *
 * A load does one thing that a recorder has to see, the same way every time: it waits for conditions, never for
 * an amount of time, and its exit status says whether the thing was done. 77 means that this kernel, or this user,
 * cannot.
 */
#ifndef KIN_TESTS_LOAD_LOAD_H
#define KIN_TESTS_LOAD_LOAD_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LOAD_CANNOT 77

struct kind {
	const char *name;
	int (*run)(int argc, char **argv); // its own arguments, without the program's and the kind's names
};

/** Print what failed and end with status 1. For the callers' own mistakes and for calls that must work. */
__attribute__((noreturn)) static inline void load_die(const char *what)
{
	fprintf(stderr, "load: %s: %s\n", what, strerror(errno));
	exit(1);
}

/** Wait for one child, also one with an odd exit signal. Returns its wait status. */
static inline int load_reap(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, __WALL) < 0)
		if (errno != EINTR)
			load_die("waitpid");
	return status;
}

/** Read from a pipe until every writer is gone: how one task learns that another has ended. */
static inline void load_wait_closed(int fd)
{
	char byte;
	while (read(fd, &byte, 1) != 0)
		;
}

static inline int load_main(const struct kind *kinds, size_t count, int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < count; i++)
		if (strcmp(argv[1], kinds[i].name) == 0)
			return kinds[i].run(argc - 2, argv + 2);
	fprintf(stderr, "usage: %s KIND [ARG...], KIND one of:", argv[0]);
	for (size_t i = 0; i < count; i++)
		fprintf(stderr, " %s", kinds[i].name);
	fputc('\n', stderr);
	return 2;
}

#endif
