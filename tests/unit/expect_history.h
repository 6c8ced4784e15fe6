/**
 * expect_history.h: histories for the tests of kin expect, made by feeding events as a recorder does.
 */
#ifndef KIN_TESTS_UNIT_EXPECT_HISTORY_H
#define KIN_TESTS_UNIT_EXPECT_HISTORY_H

#include "expect/expect.h"
#include "model/history.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS UINT64_C(1000000)

enum {
	FLAGS_PTHREAD = 0x3d0f00, // what glibc's pthread_create gives
	FLAGS_SPAWN = 0x4100, // CLONE_VM|CLONE_VFORK
	FLAGS_FORK = 0x1200000, // what glibc's fork gives
};

struct family {
	struct history history;
	uint64_t time;
	int next_tid;
};

__attribute__((unused)) static void feed(struct family *family, struct event event)
{
	family->time += MS;
	event.time = family->time;
	int error = family->history.sink.take(&family->history.sink, &event);
	if (error) {
		fprintf(stderr, "the history refused an event of type %d: %s\n", event.type,
			strerror(-error));
		abort();
	}
}

/** Begin a recording made by these mechanisms: "ptrace", "ptrace,seccomp", ... */
__attribute__((unused)) static void family_begin(
	struct family *family, const char *sources, const char *follow)
{
	*family = (struct family){ .next_tid = 100 };
	if (history_init(&family->history) < 0)
		abort();
	char names[100], *rest = names;
	const char *list[8];
	size_t count = 0;
	snprintf(names, sizeof names, "%s", sources);
	for (char *name; (name = strsep(&rest, ",")) && count < 8;)
		list[count++] = name;
	const char *const argv[] = { "prog", "-x" };
	const char *const unseen[] = { "signals of the dead" };
	struct event event = { .type = EVENT_START };
	event.start = (struct event_start){ .version = 1,
		.kin = "0",
		.command = "expect",
		.argc = 2,
		.argv = argv,
		.follow = follow,
		.n_sources = count,
		.sources = list,
		.n_unseen = 1,
		.unseen = unseen };
	feed(family, event);
}

/** A task; returns its number. tgid 0: a process of its own. */
__attribute__((unused)) static uint32_t birth(
	struct family *family, uint32_t maker, enum call call, uint64_t flags, int tgid)
{
	int tid = family->next_tid++;
	struct event event = { .type = EVENT_BIRTH, .task = family->history.n_tasks + 1 };
	event.birth = (struct event_birth){
		.tid = tid, .tgid = tgid ? tgid : tid, .maker = maker, .parent = maker
	};
	event.birth.by =
		(struct clone_call){ .call = call, .flags = flags, .flags_known = true, .exit_signal = 17 };
	feed(family, event);
	return family->history.n_tasks;
}

/** PROG's own task: TID 100, runs /usr/bin/prog. */
__attribute__((unused)) static void birth_of_prog(struct family *family)
{
	birth(family, 0, CALL_KIN, 0, 0);
}

/** A program run; its arguments in one string, parted by blanks. */
__attribute__((unused)) static void runs(
	struct family *family, uint32_t task, const char *path, const char *exe, const char *arguments)
{
	char words[200], *rest = words;
	const char *argv[20];
	size_t argc = 0;
	snprintf(words, sizeof words, "%s", arguments);
	for (char *word; (word = strsep(&rest, " ")) && argc < 20;)
		argv[argc++] = word;
	struct event event = { .type = EVENT_EXEC, .task = task };
	event.exec = (struct event_exec){ .call = CALL_EXECVE,
		.path = path,
		.exe = exe,
		.argc = argc,
		.argv = argv,
		.argv_known = true,
		.cwd = "/tmp" };
	feed(family, event);
}

__attribute__((unused)) static void named(struct family *family, uint32_t task, const char *name)
{
	struct event event = { .type = EVENT_NAME, .task = task, .name = name };
	feed(family, event);
}

__attribute__((unused)) static void signalled(struct family *family, uint32_t task, int signo, int pid)
{
	struct event event = { .type = EVENT_SIGNAL, .task = task };
	event.signal = (struct event_signal){ .signo = signo,
		.sender = { .known = true, .kernel = !pid, .pid = pid } };
	feed(family, event);
}

__attribute__((unused)) static void fails(
	struct family *family, uint32_t task, enum call call, int error, const char *path)
{
	const char *argv[] = { "x" };
	struct event event = { .type = EVENT_FAILED, .task = task };
	event.failed =
		(struct event_failed){ .error = error, .path = path, .argc = path != NULL, .argv = argv };
	event.failed.by = (struct clone_call){ .call = call, .flags_known = true };
	feed(family, event);
}

__attribute__((unused)) static void faults(
	struct family *family, uint32_t task, enum cause cause, uint64_t count)
{
	struct event event = { .type = EVENT_FAULTS, .task = task };
	event.faults = (struct event_faults){ .cause = cause, .count = count, .mapping = MAPPING_HEAP };
	feed(family, event);
}

/** An exit with counters: 3 ms of user time, 1 of system time, 20 minor faults. */
__attribute__((unused)) static void exits_with(
	struct family *family, uint32_t task, int status, bool by_signal, uint64_t major, uint64_t maxrss_kib)
{
	struct event event = { .type = EVENT_EXIT, .task = task };
	event.exit = (struct event_exit){ .by_signal = by_signal, .status = status, .status_known = true };
	event.exit.usage = (struct usage){ .user_ns = 3 * MS,
		.system_ns = MS,
		.cpu_ns = 4 * MS,
		.minor = 20,
		.major = major,
		.voluntary = 2,
		.involuntary = 1,
		.maxrss_kib = maxrss_kib };
	event.exit.usage.known = USAGE_TIMES | USAGE_CPU | USAGE_FAULTS | USAGE_SWITCHES;
	if (maxrss_kib)
		event.exit.usage.known |= USAGE_MAXRSS;
	feed(family, event);
}

__attribute__((unused)) static void exits(struct family *family, uint32_t task, int status)
{
	exits_with(family, task, status, false, 0, 1024);
}

__attribute__((unused)) static void let_go(struct family *family, uint32_t task)
{
	struct event event = { .type = EVENT_LOST, .task = task, .text = "kin was told to stop" };
	feed(family, event);
}

__attribute__((unused)) static void family_end(struct family *family, uint64_t lost)
{
	struct event event = { .type = EVENT_END };
	event.end = (struct event_end){ .wall_ns = family->time, .lost = lost };
	feed(family, event);
}

__attribute__((unused)) static void family_finish(struct family *family)
{
	history_finish(&family->history);
}

/** Parse and check. "held", "not held", "cannot tell", or the message of a syntax error, in static memory. */
__attribute__((unused)) static const char *verdict(const struct family *family, const char *source)
{
	static struct expect_error error;
	struct expectation *expectation;
	if (expectation_parse(&expectation, source, strlen(source), &error) < 0)
		return error.message;
	struct outcome outcome;
	int failed = expectation_check(expectation, &family->history, &outcome);
	static const char *const names[] = { "held", "not held", "cannot tell" };
	const char *name = failed ? "out of memory" : names[outcome.verdict];
	outcome_finish(&outcome);
	expectation_destroy(expectation);
	return name;
}

#endif
