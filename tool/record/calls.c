/* --failed: the calls that make tasks, run programs or send signals, at their start and at their end. */
#include "record/call.h"
#include "record/proc.h"
#include "record/tracer.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

/* The arguments are read at the start, as the end of a successful call may find other memory. */
struct pending_call {
	struct clone_call by;
	int target, signo; // of a call that sends a signal
	size_t argc;
	size_t length;
	char strings[]; // of an exec: the path, then the arguments
};

#define ARGUMENTS_KEPT (8 << 20) // bytes of them: a little more than the kernel takes

/* Bounded as a whole, as the call may fail for being given nonsense, such as one long string a million times. */
static size_t read_arguments(int tid, uint64_t array, bool compat, struct text *strings)
{
	size_t size = compat ? 4 : 8, argc = 0;
	while (array != 0 && strings->length < ARGUMENTS_KEPT) {
		uint64_t pointer = 0;
		if (proc_read_memory(tid, array + argc * size, &pointer, size) < 0 || pointer == 0)
			break;
		if (proc_read_string(tid, pointer, ARGUMENTS_KEPT - strings->length, strings) < 0)
			break;
		text_add_char(strings, '\0');
		argc++;
	}
	return argc;
}

static struct pending_call *read_call(struct tracer *tracer, int tid, const struct call_registers *registers)
{
	struct text *strings = &tracer->scratch;
	struct clone_call by = { .call = call_identify(registers) };
	size_t argc = 0;
	text_clear(strings);
	if (by.call == CALL_EXECVE || by.call == CALL_EXECVEAT) {
		unsigned first = by.call == CALL_EXECVEAT;
		proc_read_string(tid, registers->argument[first], 1 << 20, strings);
		text_add_char(strings, '\0');
		argc = read_arguments(tid, registers->argument[first + 1], registers->compat, strings);
	} else {
		call_decode_clone(tid, registers, &by);
	}
	if (text_failed(strings))
		return NULL;
	struct pending_call *call = calloc(1, sizeof *call + strings->length + 1);
	if (!call)
		return NULL;
	call->by = by;
	call->argc = argc;
	call->length = strings->length;
	memcpy(call->strings, text_string(strings), strings->length);
	call_decode_kill(registers, &call->target, &call->signo);
	return call;
}

void call_entered(struct tracer *tracer, struct live *live)
{
	struct call_registers registers;
	free(live->pending);
	live->pending = NULL;
	if (live->group && call_read_registers(live->tid, &registers) == 0)
		live->pending = read_call(tracer, live->tid, &registers);
	/* SIGKILL leaves its target no time to say who sent it: note it before it is sent. */
	int own;
	if (live->pending && live->pending->signo == SIGKILL &&
		proc_shares_pids(live->group->tgid, live->tid, &own)) {
		struct live *target = tasks_find(&tracer->tasks, live->pending->target);
		if (target && target->group) {
			target->group->last_signal = SIGKILL;
			target->group->last_sender = (struct sender){ .known = true,
				.pid = live->group->tgid,
				.task = live->number,
				.uid = proc_read_uid(live->tid) };
		}
	}
	tracer_resume(tracer, live, 0);
}

/* Which limit a fork that failed with EAGAIN has met: the process limit, or the cgroup's. */
static const char *limit_in_words(int tid, char *words, size_t size)
{
	uint64_t value;
	if (proc_read_cgroup_number(tid, "pids", "pids.max", NULL, &value) == 0 && value != UINT64_MAX) {
		uint64_t now;
		if (proc_read_cgroup_number(tid, "pids", "pids.current", NULL, &now) == 0 && now >= value) {
			snprintf(words, size, "cgroup pids.max %" PRIu64, value);
			return words;
		}
	}
	if (proc_read_limit(tid, "Max processes", &value) < 0 || value == UINT64_MAX)
		return NULL;
	snprintf(words, size, "RLIMIT_NPROC %" PRIu64, value);
	return words;
}

static void report_failure(
	struct tracer *tracer, struct live *live, const struct pending_call *call, int error)
{
	struct event event = { .type = EVENT_FAILED, .task = live->number };
	char words[64];
	event.failed.by = call->by;
	event.failed.error = error;
	const char **argv = NULL;
	if (call->by.call == CALL_EXECVE || call->by.call == CALL_EXECVEAT) {
		argv = calloc(call->argc + 1, sizeof *argv);
		const char *next = call->strings;
		event.failed.path = next;
		for (size_t i = 0; argv && i < call->argc; i++) {
			next += strlen(next) + 1;
			argv[i] = next;
		}
		event.failed.argc = argv ? call->argc : 0;
		event.failed.argv = argv;
	} else if (error == EAGAIN) {
		event.failed.limit = limit_in_words(live->tid, words, sizeof words);
	}
	source_emit(tracer->source, &event);
	free(argv);
}

/* Nothing was sent: should the target be killed later it was somebody else. */
static void forget_kill(struct tracer *tracer, const struct live *live, const struct pending_call *call)
{
	struct live *target = tasks_find(&tracer->tasks, call->target);
	if (call->signo == SIGKILL && target && target->group &&
		target->group->last_sender.task == live->number)
		target->group->last_signal = 0;
}

void call_left(struct tracer *tracer, struct live *live)
{
	struct __ptrace_syscall_info info;
	struct pending_call *call = live->pending;
	live->pending = NULL;
	if (call && ptrace(PTRACE_GET_SYSCALL_INFO, live->tid, sizeof info, &info) > 0 &&
		info.op == PTRACE_SYSCALL_INFO_EXIT) {
		/* ERESTART* (512 and up) are the kernel's own: the call will be made again. */
		if (info.exit.is_error)
			forget_kill(tracer, live, call);
		if (info.exit.is_error && info.exit.rval > -512 && call->by.call != CALL_UNKNOWN)
			report_failure(tracer, live, call, (int)-info.exit.rval);
		else if (!info.exit.is_error && info.exit.rval > 0 && (call->by.flags & CLONE_UNTRACED) &&
			 !tasks_find(&tracer->tasks, (int)info.exit.rval))
			birth_untraced(tracer, live, (int)info.exit.rval, &call->by);
	}
	free(call);
	tracer_resume(tracer, live, 0);
}
