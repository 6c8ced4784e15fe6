#include "record/nostop.h"

#include "record/family.h"
#include "record/perf.h"
#include "record/signals.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/*
 * Every record wakes: arguments can be read only while the program lives. Then a pause, in which others come together:
 * a wake-up each would cost the program more than the record does.
 */
#define PAUSE_NS 100000
/* While something is waited for, and with --faults, whose rings do not wake at every record. */
#define SETTLE_MS 1
#define LOOK_MS 20 // while a task is out of perf's sight
#define FAILED_WAITS_MOST 3
#define IDLE_MS 1000 // then a look whether tasks went away unseen

struct nostop {
	struct family family;
	unsigned failed_waits;
	int epoll, child_signals; // child_signals: signalfd of SIGCHLD
	uint64_t looked; // when it was last looked for tasks that went away unseen
	int *fds;
	size_t n_fds;
};

static void say(struct recorder_result *result, const char *what, const char *why)
{
	snprintf(result->message, sizeof result->message, "%s: %s", what, why);
}

static int open_perf(struct nostop *nostop)
{
	struct family *family = &nostop->family;
	const struct recorder_options *options = family->source->options;
	char message[PERF_MESSAGE_SIZE];
	struct perf_options perf_options = {
		.target = family->started->pid,
		.wide = true,
		.programs = true,
		.faults = options->faults,
		.exact = options->faults && !options->inexact,
		.newtask = true,
		.arguments = true,
		.kills = true,
		.signals = true,
		.prompt = !options->faults,
	};
	int error = perf_create(&family->perf, &perf_options, message);
	if (error) {
		say(family->source->result, "--no-stop cannot work", message);
		return error;
	}
	if (options->faults) {
		error = symbols_create(&family->symbols);
		if (!error)
			error = faults_create(
				&family->faults, &(struct faults_options){ .symbols = family->symbols });
	}
	if (error)
		say(family->source->result, "--no-stop", strerror(-error));
	return error;
}

static int add_to_epoll(struct nostop *nostop, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	return epoll_ctl(nostop->epoll, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static int open_epoll(struct nostop *nostop)
{
	sigset_t child;
	int error = 0;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &child, NULL) < 0)
		return -errno;
	nostop->child_signals = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	nostop->epoll = epoll_create1(EPOLL_CLOEXEC);
	nostop->n_fds = perf_fds(nostop->family.perf, NULL, 0);
	nostop->fds = calloc(nostop->n_fds, sizeof *nostop->fds);
	if (nostop->child_signals < 0 || nostop->epoll < 0)
		return -errno;
	if (!nostop->fds)
		return -ENOMEM;
	perf_fds(nostop->family.perf, nostop->fds, nostop->n_fds);
	for (size_t i = 0; i < nostop->n_fds && !error; i++)
		error = add_to_epoll(nostop, nostop->fds[i]);
	return error ? error : add_to_epoll(nostop, nostop->child_signals);
}

static void emit_start(struct nostop *nostop)
{
	const struct family *family = &nostop->family;
	const struct recorder_options *options = family->source->options;
	const char *sources[4], *unseen[8];
	size_t n_sources = 0, n_unseen = 0;
	sources[n_sources++] = "perf";
	if (options->faults)
		sources[n_sources++] = perf_exact(family->perf) ? "perf faults, exact" : "perf faults";
	if (family->connector >= 0)
		sources[n_sources++] = "process connector";
	else
		unseen[n_unseen++] = "how tasks ended, but for the program's own process";
	unseen[n_unseen++] =
		perf_has_newtask(family->perf)
			? "the calls that made tasks, and their arguments but for the flags"
			: "the calls that made tasks, their flags and arguments (root sees the flags)";
	unseen[n_unseen++] = "calls that failed";
	unseen[n_unseen++] = perf_has_arguments(family->perf)
				     ? "some arguments of programs that ended within a moment"
				     : "arguments of programs that ended within a moment";
	unseen[n_unseen++] = "counters of tasks that were reaped within a moment";
	if (!perf_has_signals(family->perf))
		unseen[n_unseen++] = "signals, but for those that ended a task";
	if (getuid() != 0)
		unseen[n_unseen++] = "what set-user-ID programs do";
	recorder_emit_start(family->source, sources, n_sources, unseen, n_unseen);
}

static void root_usage(const struct rusage *ru, struct usage *usage)
{
	usage->user_ns = (uint64_t)ru->ru_utime.tv_sec * 1000000000 + (uint64_t)ru->ru_utime.tv_usec * 1000;
	usage->system_ns = (uint64_t)ru->ru_stime.tv_sec * 1000000000 + (uint64_t)ru->ru_stime.tv_usec * 1000;
	usage->cpu_ns = usage->user_ns + usage->system_ns;
	usage->minor = (uint64_t)ru->ru_minflt;
	usage->major = (uint64_t)ru->ru_majflt;
	usage->voluntary = (uint64_t)ru->ru_nvcsw;
	usage->involuntary = (uint64_t)ru->ru_nivcsw;
	usage->maxrss_kib = (uint64_t)ru->ru_maxrss;
	usage->known = USAGE_TIMES | USAGE_CPU | USAGE_FAULTS | USAGE_SWITCHES | USAGE_MAXRSS;
}

static int drain(struct nostop *nostop, bool all)
{
	struct family *family = &nostop->family;
	uint64_t now = perf_now();
	int error = perf_drain(family->perf, all ? UINT64_MAX : now, family_record, family);
	family->drained = now;
	family_settle(family, all);
	return error;
}

/* wait() has failed on the program's own process; when it goes on failing, that is gone for kin. */
static void wait_failed(struct nostop *nostop)
{
	struct family *family = &nostop->family;
	if (++nostop->failed_waits < FAILED_WAITS_MOST)
		return;
	source_note(family->source, 0, "how the program ended cannot be told: %s", strerror(errno));
	family_root_reaped(family, NULL, &(struct usage){ .known = 0 });
}

/* Reaped only after its records are in: until then its counters can be read. */
static int reap_root(struct nostop *nostop)
{
	struct family *family = &nostop->family;
	struct usage usage = { 0 };
	struct rusage ru;
	int status, error = drain(nostop, false);
	signals_pass_on_to(0); /* its PID is free for others from here on */
	if (wait4(family->started->pid, &status, WNOHANG, &ru) == family->started->pid) {
		root_usage(&ru, &usage);
		result_take_status(family->source->result, status);
		family_root_reaped(family, &status, &usage);
	} else {
		wait_failed(nostop);
	}
	return error;
}

static void stopped_or_continued(struct nostop *nostop, bool stopped, int signo)
{
	struct family *family = &nostop->family;
	const struct live *live = tasks_find(&family->tasks, family->started->pid);
	if (!live || (!stopped && !live->group->stopped))
		return;
	/* Each stop is told once: that it went on in between was overtaken by this one. */
	if (stopped && live->group->stopped)
		source_emit(family->source, &(struct event){ .type = EVENT_CONT, .task = live->number });
	live->group->stopped = stopped;
	struct event event = { .type = stopped ? EVENT_STOP : EVENT_CONT, .task = live->number };
	if (stopped)
		event.stop_signal = signo;
	source_emit(family->source, &event);
	/* Stopped from the terminal: whoever waits for kin must see kin stop, as it would see the program. */
	if (stopped && signo != SIGSTOP && getpgid(family->started->pid) == getpgrp())
		signals_stop_self();
}

static int look_after_root(struct nostop *nostop)
{
	pid_t root = nostop->family.started->pid;
	struct signalfd_siginfo ignored;
	while (read(nostop->child_signals, &ignored, sizeof ignored) > 0)
		;
	while (!nostop->family.root_reaped) {
		siginfo_t info = { 0 };
		if (waitid(P_PID, (id_t)root, &info, WEXITED | WNOHANG | WNOWAIT) < 0) {
			wait_failed(nostop);
			return 0;
		}
		if (info.si_pid == root)
			return reap_root(nostop);
		if (waitid(P_PID, (id_t)root, &info, WSTOPPED | WCONTINUED | WNOHANG) < 0 ||
			info.si_pid != root)
			return 0;
		stopped_or_continued(nostop, info.si_code == CLD_STOPPED, info.si_status);
	}
	return 0;
}

/* A ring whose last task has ended would wake for ever. */
static void leave_hung_up(const struct nostop *nostop, const struct epoll_event *event)
{
	if (event->events & (EPOLLHUP | EPOLLERR))
		epoll_ctl(nostop->epoll, EPOLL_CTL_DEL, event->data.fd, NULL);
}

static int patience(const struct nostop *nostop)
{
	const struct family *family = &nostop->family;
	if (family_waits(family) || family->faults)
		return SETTLE_MS;
	return family->out_of_sight > 0 ? LOOK_MS : IDLE_MS;
}

/* Tasks whose ends no record tells. */
static void sweep_at_times(struct nostop *nostop)
{
	struct family *family = &nostop->family;
	uint64_t now = perf_now(), every = family->out_of_sight > 0 ? LOOK_MS : IDLE_MS;
	if (now - nostop->looked < every * 1000000)
		return;
	nostop->looked = now;
	family_sweep(family);
}

/* Returns 1 when nothing came. */
static int wait_for_records(struct nostop *nostop)
{
	struct epoll_event events[16];
	int count = epoll_wait(nostop->epoll, events, 16, patience(nostop));
	if (count < 0)
		return errno == EINTR ? 0 : -errno;
	for (int i = 0; i < count; i++) {
		leave_hung_up(nostop, &events[i]);
		int error = events[i].data.fd == nostop->child_signals ? look_after_root(nostop) : 0;
		if (error)
			return error;
	}
	return count == 0;
}

static int follow(struct nostop *nostop)
{
	struct family *family = &nostop->family;
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	int error = 0;
	while (!error && !family->finished && (family->tasks.count > 0 || family_waits(family))) {
		int idle = wait_for_records(nostop);
		error = idle < 0 ? idle : drain(nostop, false);
		/* SIGCHLD has told, and still it is not reaped. */
		if (!error && !family->root_reaped && !tasks_find(&family->tasks, family->started->pid))
			error = look_after_root(nostop);
		sweep_at_times(nostop);
		if (signals_stop_asked()) {
			family_let_go(family, "kin was told to stop following");
			break;
		}
		if (idle == 0 && family->tasks.count > 0 && !family->execs)
			nanosleep(&pause, NULL);
	}
	if (!error)
		error = drain(nostop, true);
	if (family->tasks.count > 0)
		family_let_go(
			family, error ? "kin could not go on" : "the program has ended (--follow=direct)");
	return error;
}

static void notes(struct nostop *nostop)
{
	const struct family *family = &nostop->family;
	int missed = perf_cpus_missed(family->perf);
	if (missed)
		source_note(family->source, 0,
			"%d CPUs came online during the run; what ran there first was not seen", missed);
	if (family->statuses_lost)
		source_note(family->source, 0,
			"the process connector was overrun; how some tasks ended is not known");
	struct event_end *end = &family->source->end;
	end->lost = perf_lost(family->perf);
	end->perf_records = perf_records(family->perf);
	end->fault_samples = perf_fault_records(family->perf);
}

static void close_all(struct nostop *nostop)
{
	struct family *family = &nostop->family;
	family_finish(family);
	connector_close(family->connector);
	faults_destroy(family->faults);
	symbols_destroy(family->symbols);
	perf_destroy(family->perf);
	if (nostop->epoll >= 0)
		close(nostop->epoll);
	if (nostop->child_signals >= 0)
		close(nostop->child_signals);
	free(nostop->fds);
}

/* What goes wrong from here on must not hold the program up. */
static void wait_unwatched(struct nostop *nostop)
{
	struct family *family = &nostop->family;
	struct recorder_result *result = family->source->result;
	int status;
	pid_t got;
	do
		got = family->root_reaped ? 0 : waitpid(family->started->pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got > 0)
		result_take_status(result, status);
}

int nostop_run(struct source *source, struct started *started)
{
	struct nostop nostop = { .family = { .source = source, .started = started, .connector = -1 },
		.epoll = -1,
		.child_signals = -1 };
	struct family *family = &nostop.family;
	int error = open_perf(&nostop);
	if (error)
		goto out;
	error = open_epoll(&nostop);
	if (error) {
		say(source->result, "--no-stop", strerror(-error));
		goto out;
	}
	int connector = connector_open();
	if (connector >= 0 && add_to_epoll(&nostop, connector) == 0)
		family->connector = connector;
	else
		connector_close(connector);
	emit_start(&nostop);
	error = family_begin(family);
	signals_pass_on_to(started->pid);
	if (!error)
		error = start_go(started);
	if (error) {
		say(source->result, "cannot start the program", strerror(-error));
		goto out;
	}
	error = follow(&nostop);
	if (error) {
		snprintf(source->result->message, sizeof source->result->message,
			"recording stopped (%s); the program ran on unwatched", strerror(-error));
		wait_unwatched(&nostop);
	}
	notes(&nostop);
	recorder_emit_end(source);
out:
	close_all(&nostop);
	return error;
}
