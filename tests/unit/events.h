/**
 * events.h: random events, every field of every type filled, the same again for the same seed; and whether two events
 * are equal in everything a recording keeps.
 */
#ifndef KIN_TESTS_UNIT_EVENTS_H
#define KIN_TESTS_UNIT_EVENTS_H

#include "model/event.h"
#include "model/names.h"

#include <stdlib.h>
#include <string.h>

struct events_random {
	uint64_t state, count;
	struct event event;
	char *strings[64]; // of the event
	size_t n_strings;
	const char *lists[4][8];
};

static void events_begin(struct events_random *random, uint64_t seed)
{
	*random = (struct events_random){ .state = seed * 2 + 1 };
}

static void events_end(struct events_random *random)
{
	for (size_t i = 0; i < random->n_strings; i++)
		free(random->strings[i]);
	random->n_strings = 0;
}

static uint64_t events_bits(struct events_random *random)
{
	random->state ^= random->state << 13;
	random->state ^= random->state >> 7;
	random->state ^= random->state << 17;
	return random->state * UINT64_C(0x2545f4914f6cdd1d);
}

static uint64_t events_below(struct events_random *random, uint64_t limit)
{
	return (events_bits(random) >> 11) % limit;
}

static bool events_flip(struct events_random *random)
{
	return events_below(random, 2);
}

/* Small, large, and beyond what a signed number holds. */
static uint64_t events_number(struct events_random *random)
{
	uint64_t bits = events_bits(random);
	return bits >> events_below(random, 64);
}

static int events_int(struct events_random *random)
{
	return (int)(int32_t)(uint32_t)events_number(random);
}

/* Any bytes, among them quotes, control characters, broken UTF-8 and the characters that stand for bytes. */
static const char *events_string(struct events_random *random)
{
	static const char *const pieces[] = { "a", "\"", "\\", "\n", "\t", "\x01", "\x7f", "é", "漢", "\xff",
		"\xc3", "\xf4\x8f\xba\x80", "\xf4\x8f\xbb\xbf", "\xf4\x8f\xb8\x80", "\xf4\x8f",
		"\xed\xa0\x80", "😀", "\\u0041", "\xe2\x80\xa8", "/usr/bin/", " ", "=" };
	char *string = calloc(1, 64);
	size_t count = events_below(random, 12);
	for (size_t i = 0; i < count; i++)
		strcat(string, pieces[events_below(random, sizeof pieces / sizeof *pieces)]);
	random->strings[random->n_strings++] = string;
	return string;
}

static const char *events_string_or_null(struct events_random *random)
{
	return events_flip(random) ? events_string(random) : NULL;
}

static const char *const *events_list(struct events_random *random, unsigned which, size_t *count)
{
	*count = events_below(random, 8);
	for (size_t i = 0; i < *count; i++)
		random->lists[which][i] = events_string(random);
	return random->lists[which];
}

static struct clone_call events_call(struct events_random *random)
{
	bool known = events_flip(random);
	return (struct clone_call){
		.call = (enum call)events_below(random, CALL_COUNT),
		.flags = known ? events_number(random) : 0,
		.flags_known = known,
		.exit_signal = (int)events_below(random, 70),
		.compat = events_flip(random),
		.stack = events_number(random),
		.stack_size = events_number(random),
		.parent_tid = events_number(random),
		.child_tid = events_number(random),
		.pidfd = events_number(random),
		.tls = events_bits(random),
		.set_tid_size = events_number(random),
		.cgroup = events_number(random),
	};
}

static struct sender events_sender(struct events_random *random)
{
	if (events_flip(random))
		return (struct sender){ 0 };
	return (struct sender){ true, events_flip(random), events_int(random), events_int(random),
		(uint32_t)events_number(random) };
}

static struct usage events_usage(struct events_random *random)
{
	struct usage usage = { .known = (unsigned)events_below(random, 32) };
	if (usage.known & USAGE_TIMES) {
		usage.user_ns = events_number(random);
		usage.system_ns = events_number(random);
	}
	if (usage.known & USAGE_CPU)
		usage.cpu_ns = events_number(random);
	if (usage.known & USAGE_FAULTS) {
		usage.minor = events_number(random);
		usage.major = events_number(random);
	}
	if (usage.known & USAGE_SWITCHES) {
		usage.voluntary = events_number(random);
		usage.involuntary = events_number(random);
	}
	if (usage.known & USAGE_MAXRSS)
		usage.maxrss_kib = events_number(random);
	return usage;
}

static void events_fill_start(struct events_random *random, struct event_start *start)
{
	start->version = RECORDING_VERSION;
	start->kin = events_string_or_null(random);
	start->command = events_string_or_null(random);
	start->argv = events_list(random, 0, &start->argc);
	start->cwd = events_string_or_null(random);
	start->kernel = events_string_or_null(random);
	start->machine = events_string_or_null(random);
	start->realtime_ns = events_number(random);
	start->uid = events_int(random);
	start->cpus = events_int(random);
	start->page_size = events_int(random);
	start->follow = events_string_or_null(random);
	start->sources = events_list(random, 1, &start->n_sources);
	start->unseen = events_list(random, 2, &start->n_unseen);
}

static void events_fill_exec(struct events_random *random, struct event_exec *exec)
{
	exec->call = (enum call)events_below(random, CALL_COUNT);
	exec->path = events_string_or_null(random);
	exec->exe = events_string_or_null(random);
	exec->script = events_string_or_null(random);
	exec->argv_known = events_flip(random);
	if (exec->argv_known)
		exec->argv = events_list(random, 0, &exec->argc);
	exec->cwd = events_string_or_null(random);
	exec->env_known = events_flip(random);
	if (exec->env_known)
		exec->env = events_list(random, 1, &exec->n_env);
	exec->former_tid = events_int(random);
	exec->setid = events_flip(random);
	exec->compat = events_flip(random);
}

static void events_fill_exit(struct events_random *random, struct event_exit *exit)
{
	exit->status_known = events_flip(random);
	exit->by_signal = exit->status_known && events_flip(random);
	if (exit->status_known)
		exit->status = events_int(random);
	exit->core = events_flip(random);
	exit->killer = events_sender(random);
	exit->oom = (enum oom)events_below(random, 3);
	exit->exec_by_thread = events_flip(random);
	exit->usage = events_usage(random);
}

static void events_fill_failed(struct events_random *random, struct event_failed *failed)
{
	failed->by = events_call(random);
	failed->error = events_int(random);
	failed->limit = events_string_or_null(random);
	failed->path = events_string_or_null(random);
	failed->argv = events_list(random, 0, &failed->argc);
}

static void events_fill(struct events_random *random, struct event *event)
{
	switch (event->type) {
	case EVENT_START:
		events_fill_start(random, &event->start);
		break;
	case EVENT_BIRTH:
		event->birth = (struct event_birth){ events_int(random), events_int(random),
			(uint32_t)events_number(random), (uint32_t)events_number(random), events_call(random),
			events_flip(random), events_string_or_null(random) };
		break;
	case EVENT_FAILED:
		events_fill_failed(random, &event->failed);
		break;
	case EVENT_EXEC:
		events_fill_exec(random, &event->exec);
		break;
	case EVENT_NAME:
		event->name = events_string(random);
		break;
	case EVENT_SIGNAL:
		event->signal = (struct event_signal){ (int)events_below(random, 70), events_int(random),
			events_sender(random) };
		break;
	case EVENT_STOP:
		event->stop_signal = (int)events_below(random, 70);
		break;
	case EVENT_CONT:
		break;
	case EVENT_ADOPT:
		event->adopt = (struct event_adopt){ events_int(random), (uint32_t)events_number(random) };
		break;
	case EVENT_FAULTS:
		event->faults = (struct event_faults){ (enum cause)events_below(random, CAUSE_COUNT),
			events_flip(random), events_number(random),
			(enum mapping_kind)events_below(random, MAPPING_COUNT), events_string_or_null(random),
			events_string_or_null(random), events_string_or_null(random) };
		break;
	case EVENT_EXIT:
		events_fill_exit(random, &event->exit);
		break;
	case EVENT_LOST:
		event->text = events_string_or_null(random);
		break;
	case EVENT_NOTE:
		event->text = events_string(random);
		break;
	case EVENT_END:
		break;
	}
}

/** The next event: the first is a start, the others anything but a start or an end. Valid until the next call. */
static struct event *events_next(struct events_random *random)
{
	events_end(random);
	random->event = (struct event){ .type = EVENT_START };
	if (random->count++) {
		random->event.type = EVENT_BIRTH + events_below(random, EVENT_END - EVENT_BIRTH);
		random->event.time = events_number(random) >> 1;
		random->event.task = (uint32_t)events_number(random);
	}
	events_fill(random, &random->event);
	return &random->event;
}

static bool same_string(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_list(size_t a_count, const char *const *a, size_t b_count, const char *const *b)
{
	if (a_count != b_count)
		return false;
	for (size_t i = 0; i < a_count; i++)
		if (!same_string(a[i], b[i]))
			return false;
	return true;
}

static bool same_call(const struct clone_call *a, const struct clone_call *b)
{
	return a->call == b->call && a->flags == b->flags && a->flags_known == b->flags_known &&
	       a->exit_signal == b->exit_signal && a->compat == b->compat && a->stack == b->stack &&
	       a->stack_size == b->stack_size && a->parent_tid == b->parent_tid &&
	       a->child_tid == b->child_tid && a->pidfd == b->pidfd && a->tls == b->tls &&
	       a->set_tid_size == b->set_tid_size && a->cgroup == b->cgroup;
}

static bool same_sender(const struct sender *a, const struct sender *b)
{
	return a->known == b->known && a->kernel == b->kernel && a->pid == b->pid && a->uid == b->uid &&
	       a->task == b->task;
}

static bool same_usage(const struct usage *a, const struct usage *b)
{
	return a->known == b->known && a->user_ns == b->user_ns && a->system_ns == b->system_ns &&
	       a->cpu_ns == b->cpu_ns && a->minor == b->minor && a->major == b->major &&
	       a->voluntary == b->voluntary && a->involuntary == b->involuntary &&
	       a->maxrss_kib == b->maxrss_kib;
}

static bool same_start(const struct event_start *a, const struct event_start *b)
{
	return a->version == b->version && same_string(a->kin, b->kin) &&
	       same_string(a->command, b->command) && same_list(a->argc, a->argv, b->argc, b->argv) &&
	       same_string(a->cwd, b->cwd) && same_string(a->kernel, b->kernel) &&
	       same_string(a->machine, b->machine) && a->realtime_ns == b->realtime_ns && a->uid == b->uid &&
	       a->cpus == b->cpus && a->page_size == b->page_size && same_string(a->follow, b->follow) &&
	       same_list(a->n_sources, a->sources, b->n_sources, b->sources) &&
	       same_list(a->n_unseen, a->unseen, b->n_unseen, b->unseen);
}

static bool same_exec(const struct event_exec *a, const struct event_exec *b)
{
	return a->call == b->call && same_string(a->path, b->path) && same_string(a->exe, b->exe) &&
	       same_string(a->script, b->script) && a->argv_known == b->argv_known &&
	       same_list(a->argc, a->argv, b->argc, b->argv) && same_string(a->cwd, b->cwd) &&
	       a->env_known == b->env_known && same_list(a->n_env, a->env, b->n_env, b->env) &&
	       a->former_tid == b->former_tid && a->setid == b->setid && a->compat == b->compat;
}

static bool same_exit(const struct event_exit *a, const struct event_exit *b)
{
	return a->by_signal == b->by_signal && a->status == b->status && a->core == b->core &&
	       a->status_known == b->status_known && same_sender(&a->killer, &b->killer) &&
	       a->oom == b->oom && a->exec_by_thread == b->exec_by_thread && same_usage(&a->usage, &b->usage);
}

static bool same_failed(const struct event_failed *a, const struct event_failed *b)
{
	return same_call(&a->by, &b->by) && a->error == b->error && same_string(a->limit, b->limit) &&
	       same_string(a->path, b->path) && same_list(a->argc, a->argv, b->argc, b->argv);
}

static bool same_birth(const struct event_birth *a, const struct event_birth *b)
{
	return a->tid == b->tid && a->tgid == b->tgid && a->maker == b->maker && a->parent == b->parent &&
	       same_call(&a->by, &b->by) && a->untraced == b->untraced && same_string(a->name, b->name);
}

static bool same_faults(const struct event_faults *a, const struct event_faults *b)
{
	return a->cause == b->cause && a->major == b->major && a->count == b->count &&
	       a->mapping == b->mapping && same_string(a->object, b->object) &&
	       same_string(a->place, b->place) && same_string(a->source, b->source);
}

/** Equal in everything. */
static bool events_equal(const struct event *a, const struct event *b)
{
	if (a->type != b->type || a->time != b->time || a->task != b->task)
		return false;
	switch (a->type) {
	case EVENT_START:
		return same_start(&a->start, &b->start);
	case EVENT_BIRTH:
		return same_birth(&a->birth, &b->birth);
	case EVENT_FAILED:
		return same_failed(&a->failed, &b->failed);
	case EVENT_EXEC:
		return same_exec(&a->exec, &b->exec);
	case EVENT_NAME:
		return same_string(a->name, b->name);
	case EVENT_SIGNAL:
		return a->signal.signo == b->signal.signo && a->signal.code == b->signal.code &&
		       same_sender(&a->signal.sender, &b->signal.sender);
	case EVENT_STOP:
		return a->stop_signal == b->stop_signal;
	case EVENT_ADOPT:
		return a->adopt.ppid == b->adopt.ppid && a->adopt.parent == b->adopt.parent;
	case EVENT_FAULTS:
		return same_faults(&a->faults, &b->faults);
	case EVENT_EXIT:
		return same_exit(&a->exit, &b->exit);
	case EVENT_LOST:
	case EVENT_NOTE:
		return same_string(a->text, b->text);
	default:
		return true;
	}
}

#endif
