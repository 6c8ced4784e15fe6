/**
 * pool_tools.h: what tests of pools share: a watchdog, pools that are there or the test ends, memory that all
 * processes see, and what this process has of threads and children.
 */
#ifndef KIN_TESTS_POOL_TOOLS_H
#define KIN_TESTS_POOL_TOOLS_H

#include "tap.h"

#include <kin/pool.h>
#include <kin/shm.h>

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define TOOL_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define TOOL_TSAN 1
#endif
#endif
#ifndef TOOL_TSAN
#define TOOL_TSAN 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define TOOL_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TOOL_ASAN 1
#endif
#endif
#ifndef TOOL_ASAN
#define TOOL_ASAN 0
#endif

/** A test that hangs is killed by SIGALRM, should nobody else do it. */
TAP_MAY_BE_UNUSED static void tool_watchdog(unsigned seconds)
{
	alarm(seconds);
}

/** A pool, or the end of the test. */
TAP_MAY_BE_UNUSED static struct kin_pool *tool_pool(enum kin_kind kind, unsigned workers)
{
	struct kin_pool *pool = NULL;
	struct kin_pool_options options = { .kind = kind, .workers = workers };
	int error = kin_pool_create(&pool, &options);
	if (error < 0) {
		printf("Bail out! no pool of kind %d with %u workers: %d\n", (int)kind, workers, error);
		exit(1);
	}
	return pool;
}

/** Zeroed memory that all processes see, or the end of the test. */
TAP_MAY_BE_UNUSED static void *tool_shared(size_t bytes)
{
	void *memory = NULL;
	int error = kin_shared_alloc(&memory, bytes);
	if (error < 0) {
		printf("Bail out! no %zu bytes of shared memory: %d\n", bytes, error);
		exit(1);
	}
	return memory;
}

TAP_MAY_BE_UNUSED static void tool_pause(unsigned ms)
{
	struct timespec pause = { ms / 1000, (long)(ms % 1000) * 1000000 };
	while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
		continue;
}

/** Entries of a directory of /proc with a name that begins with a digit. */
TAP_MAY_BE_UNUSED static unsigned tool_count_entries(const char *path)
{
	unsigned count = 0;
	DIR *dir = opendir(path);
	for (struct dirent *entry; dir && (entry = readdir(dir));)
		count += entry->d_name[0] >= '0' && entry->d_name[0] <= '9';
	if (dir)
		closedir(dir);
	return count;
}

TAP_MAY_BE_UNUSED static unsigned tool_count_threads(void)
{
	return tool_count_entries("/proc/self/task");
}

/** PID of the parent of a process, and its state; 0: there is no such process. */
TAP_MAY_BE_UNUSED static pid_t tool_parent_of(pid_t pid, char *ret_state)
{
	char path[64], text[512];
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	if (got <= 0)
		return 0;
	text[got] = '\0';
	char *after = strrchr(text, ')'), state;
	int parent;
	if (!after || sscanf(after + 1, " %c %d", &state, &parent) != 2)
		return 0;
	if (ret_state)
		*ret_state = state;
	return parent;
}

/** The PIDs of the children of this process, zombies too, whichever thread forked them. */
TAP_MAY_BE_UNUSED static unsigned tool_children(pid_t *pids, unsigned room)
{
	unsigned count = 0;
	DIR *dir = opendir("/proc");
	for (struct dirent *entry; dir && (entry = readdir(dir));) {
		pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
		if (pid > 0 && tool_parent_of(pid, NULL) == getpid() && count < room)
			pids[count++] = pid;
	}
	if (dir)
		closedir(dir);
	return count;
}

/** Wait until a word in memory is not 0, at most some seconds. */
TAP_MAY_BE_UNUSED static bool tool_await(_Atomic uint32_t *word, uint32_t at_least)
{
	for (int i = 0; i < 20000; i++) {
		if (atomic_load(word) >= at_least)
			return true;
		tool_pause(1);
	}
	return false;
}

/** Reap a child of the test; returns its status as wait gives it, -1 where there was none, -2 if it hangs: killed. */
TAP_MAY_BE_UNUSED static int tool_reap(pid_t pid, unsigned seconds)
{
	int status;
	for (unsigned ms = 0; ms < seconds * 1000; ms += 2) {
		pid_t got = waitpid(pid, &status, WNOHANG);
		if (got < 0)
			return -1;
		if (got == pid)
			return status;
		tool_pause(2);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return -2;
}

/** xorshift; the state must not be 0. */
TAP_MAY_BE_UNUSED static uint64_t tool_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * UINT64_C(2685821657736338717);
}

#endif
