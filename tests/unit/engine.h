/**
 * engine.h: what the tests of the pool's engine need: a watchdog, children in which something is tried, and a look
 * at what processes there are.
 */
#ifndef KIN_TESTS_ENGINE_H
#define KIN_TESTS_ENGINE_H

#include <kin/shm.h>

#include "tap.h"

#include <ctype.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined __SANITIZE_THREAD__ || __has_feature(thread_sanitizer)
TAP_MAY_BE_UNUSED static const bool thread_sanitizer = true;
#else
TAP_MAY_BE_UNUSED static const bool thread_sanitizer = false;
#endif
#if defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer)
TAP_MAY_BE_UNUSED static const bool address_sanitizer = true;
#else
TAP_MAY_BE_UNUSED static const bool address_sanitizer = false;
#endif

/* The thread sanitizer does not like threads in forked children; these tests are about them. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

/* A child has what other threads of its parent had on their stacks, and nothing that points there: no leaks. */
static pid_t engine_main;
int __lsan_is_turned_off(void);
__attribute__((visibility("default"))) int __lsan_is_turned_off(void)
{
	return getpid() != engine_main;
}

/** A test that hangs is ended by SIGALRM. What libkin keeps open from its first use on is no leak. */
TAP_MAY_BE_UNUSED static void engine_begin(void)
{
	alarm(80);
	engine_main = getpid();
	void *memory = NULL;
	tap_ok(kin_shared_alloc(&memory, 1) == 0, "there is shared memory");
	kin_shared_free(memory);
	tap.descriptors = tap_count_descriptors();
}

/** Shared memory of so many bytes, or the end of the test. */
TAP_MAY_BE_UNUSED static void *engine_shared(size_t bytes)
{
	void *memory = NULL;
	if (kin_shared_alloc(&memory, bytes) < 0) {
		tap_ok(false, "shared memory for the test");
		exit(1);
	}
	return memory;
}

TAP_MAY_BE_UNUSED static void engine_nap(long ms)
{
	nanosleep(&(struct timespec){ ms / 1000, ms % 1000 * 1000000 }, NULL);
}

/** Wait until *word is at least `value`; the watchdog ends what waits for ever. */
TAP_MAY_BE_UNUSED static void engine_await(_Atomic int *word, int value)
{
	while (atomic_load(word) < value)
		engine_nap(1);
}

/**
 * Run a function in a forked child that ends with what it returns, and return the child's status as wait gives it.
 * The child has 30 seconds.
 */
TAP_MAY_BE_UNUSED static int engine_in_child(int (*function)(void *arg), void *arg)
{
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		alarm(30);
		_exit(function(arg));
	}
	int status = -1;
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

/** State of a process, as in /proc/PID/stat, and its parent; 0: there is none. */
TAP_MAY_BE_UNUSED static char engine_state(pid_t pid, pid_t *ret_parent)
{
	char path[40], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return 0;
	size_t length = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[length] = '\0';
	char *name_end = strrchr(text, ')'), state = 0;
	int parent = 0;
	if (!name_end || sscanf(name_end + 1, " %c %d", &state, &parent) != 2)
		return 0;
	*ret_parent = parent;
	return state;
}

/** Children of this process in one of these states, "" for any; up to `most` of their PIDs. Returns how many. */
TAP_MAY_BE_UNUSED static int engine_children(const char *states, pid_t *pids, int most)
{
	DIR *dir = opendir("/proc");
	int count = 0;
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		pid_t pid = (pid_t)atoi(entry->d_name), parent = 0;
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		char state = engine_state(pid, &parent);
		if (!state || parent != getpid() || (*states && !strchr(states, state)))
			continue;
		if (count < most)
			pids[count] = pid;
		count++;
	}
	if (dir)
		closedir(dir);
	return count;
}

#endif
