#include "record/tracer.h"
#include "record/proc.h"
#include "record/signals.h"
#include "record/watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

int tracer_seize(struct tracer *tracer)
{
	const struct recorder_options *options = tracer->source->options;
	long wanted = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
		      PTRACE_O_TRACESYSGOOD;
	if (options->failed)
		wanted |= PTRACE_O_TRACESECCOMP;
	if (options->kill_on_death || options->failed)
		wanted |= PTRACE_O_EXITKILL;
	tracer->options = wanted;
	tracer->follow_none = options->follow == FOLLOW_NONE;
	if (ptrace(PTRACE_SEIZE, tracer->started->pid, 0, wanted) < 0)
		return -errno;
	tracer->oom_kills = exit_count_oom_kills();
	struct live *root = birth_root(tracer, tracer->started->pid);
	return root ? 0 : -ENOMEM;
}

void tracer_want_exit_stop(struct tracer *tracer, struct live *live, bool wanted)
{
	long options = tracer->options | (wanted ? PTRACE_O_TRACEEXIT : 0);
	if (ptrace(PTRACE_SETOPTIONS, live->tid, 0, options) == 0)
		live->exit_stop = wanted;
}

/* Whether a task is there and waits for its tracer. One that was killed meanwhile does not. */
static bool is_stopped(const struct live *live)
{
	struct proc_stat stat;
	int tgid = live->group ? live->group->tgid : live->tid;
	return proc_read_stat(tgid, live->tid, &stat) == 0 && stat.state == 't';
}

void tracer_resume(struct tracer *tracer, struct live *live, int signo)
{
	/* While a call is awaited its end is a stop too, also after the event stops inside it. */
	int request = live->pending ? PTRACE_SYSCALL : PTRACE_CONT;
	if (ptrace(request, live->tid, 0, (void *)(long)signo) == 0 || !is_stopped(live))
		return;
	/* Another thread may have taken its TID over by exec: a stop that is still to be reported. */
	siginfo_t info = { 0 };
	if (waitid(P_PID, (id_t)live->tid, &info, WSTOPPED | WNOHANG | WNOWAIT | __WALL) == 0 &&
		info.si_pid != 0 && info.si_status >> 8 == PTRACE_EVENT_EXEC)
		return;
	/* It must not be left stopped, and a stop that was waited for is not reported again. */
	if (ptrace(request, live->tid, 0, (void *)(long)signo) < 0)
		tracer->error = -errno;
}

void sender_of(
	const struct tracer *tracer, const struct live *live, const siginfo_t *info, struct sender *sender)
{
	int own, tgid = live->group->tgid;
	*sender = (struct sender){ .known = true };
	/* SI_USER, SI_QUEUE, SI_TKILL name a sender; timers and the like have other codes below 0. */
	if (info->si_code != SI_USER && info->si_code != SI_QUEUE && info->si_code != SI_TKILL) {
		sender->kernel = true;
		return;
	}
	sender->pid = info->si_pid;
	sender->uid = (int)info->si_uid;
	/* The PID is one of the receiver's namespace: in another than kin's only its own can be told from others. */
	if (info->si_pid != 0 && !proc_shares_pids(tgid, live->tid, &own)) {
		sender->pid = tgid;
		sender->known = info->si_pid == own;
	}
	if (sender->known)
		sender->task = tasks_number(&tracer->tasks, sender->pid);
}

static void signal_arrived(struct tracer *tracer, struct live *live, int signo)
{
	siginfo_t info;
	/* A parent is told of each child's end: the exits say it already. */
	if (signo != SIGCHLD && live->group && ptrace(PTRACE_GETSIGINFO, live->tid, 0, &info) == 0) {
		struct event event = { .type = EVENT_SIGNAL, .task = live->number };
		event.signal.signo = signo;
		event.signal.code = info.si_code;
		sender_of(tracer, live, &info, &event.signal.sender);
		live->group->last_signal = signo;
		live->group->last_sender = event.signal.sender;
		source_emit(tracer->source, &event);
	}
	tracer_resume(tracer, live, signo);
}

/* Every thread reports it, one event tells it. */
void tracer_stop_with_group(struct tracer *tracer, struct live *live, int signo)
{
	ptrace(PTRACE_LISTEN, live->tid, 0, 0);
	struct group *group = live->group;
	if (!group || group->stopped)
		return;
	group->stopped = true;
	source_emit(tracer->source,
		&(struct event){ .type = EVENT_STOP, .task = live->number, .stop_signal = signo });
	/* Stopped from the terminal: whoever waits for kin (a shell) must see kin stop, as it would see the program. */
	if (group->root && signo != SIGSTOP && group->last_signal == signo && group->last_sender.kernel &&
		getpgid(group->tgid) == getpgrp())
		signals_stop_self();
}

static void group_continued(struct tracer *tracer, struct live *live)
{
	if (live->group && live->group->stopped) {
		live->group->stopped = false;
		source_emit(tracer->source, &(struct event){ .type = EVENT_CONT, .task = live->number });
	}
	tracer_resume(tracer, live, 0);
}

static void event_stopped(struct tracer *tracer, struct live *live, int event, int signo)
{
	switch (event) {
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		birth_announced(tracer, live, event);
		break;
	case PTRACE_EVENT_EXEC:
		exec_happened(tracer, live);
		break;
	case PTRACE_EVENT_EXIT:
		exit_stopped(tracer, live);
		break;
	case PTRACE_EVENT_SECCOMP:
		call_entered(tracer, live);
		break;
	case PTRACE_EVENT_STOP:
		if (!live->born)
			birth_stopped(tracer, live, signo);
		else if (signo != SIGTRAP)
			tracer_stop_with_group(tracer, live, signo);
		else
			group_continued(tracer, live);
		break;
	default:
		tracer_resume(tracer, live, 0);
	}
}

static void stopped(struct tracer *tracer, int tid, int status)
{
	struct live *live = tasks_find(&tracer->tasks, tid);
	tracer->source->end.stops++;
	if (!live) {
		/* Born before its maker's event: it waits until it is announced. */
		live = tasks_add(&tracer->tasks, tid);
		if (!live) {
			tracer->error = -ENOMEM;
			ptrace(PTRACE_DETACH, tid, 0, 0);
			return;
		}
	}
	int event = status >> 8 & 0xff, signo = status & 0xff;
	if (event)
		event_stopped(tracer, live, event, signo);
	else if (signo == SYSCALL_STOP)
		call_left(tracer, live);
	else
		signal_arrived(tracer, live, signo);
}

void consume_stop(int tid)
{
	siginfo_t info;
	waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | __WALL);
}

/* A stop that is still to be waited for. */
static void stop_seen(struct tracer *tracer, const siginfo_t *info)
{
	int tid = info->si_pid;
	stopped(tracer, tid, info->si_status);
	struct live *live = tasks_find(&tracer->tasks, tid);
	if (live && live->held)
		consume_stop(tid);
}

static void handle(struct tracer *tracer, const siginfo_t *info)
{
	if (info->si_code == CLD_TRAPPED)
		stop_seen(tracer, info);
	else if (info->si_code == CLD_STOPPED)
		consume_stop(info->si_pid); // a child from before kin was exec'd, not traced
	else
		exit_happened(tracer, tasks_find(&tracer->tasks, info->si_pid), info->si_pid);
}

/*
 * The kernel gives the same tasks precedence again and again: some that stop without end would keep all others waiting.
 * Everything that waits now is taken before any of it is let go on.
 */
static void handle_all_in_turn(struct tracer *tracer)
{
	struct {
		int tid, status;
	} stops[256];
	size_t count = 0;
	siginfo_t info = { 0 };
	while (count < sizeof stops / sizeof *stops &&
		waitid(P_ALL, 0, &info, WSTOPPED | WNOHANG | __WALL) == 0 && info.si_pid != 0) {
		/* A TID that stops again has been taken over by exec: its first stop is that of a task now gone. */
		for (size_t i = 0; i < count && info.si_status >> 8 == PTRACE_EVENT_EXEC; i++)
			if (stops[i].tid == info.si_pid)
				stops[i].tid = 0;
		if (info.si_code == CLD_TRAPPED) {
			stops[count].tid = info.si_pid;
			stops[count++].status = info.si_status;
		}
		info.si_pid = 0;
	}
	for (size_t i = 0; i < count; i++)
		if (stops[i].tid != 0)
			stopped(tracer, stops[i].tid, stops[i].status);
	for (size_t i = 0; i < sizeof stops / sizeof *stops; i++) {
		info.si_pid = 0;
		if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) < 0 || info.si_pid == 0)
			break;
		handle(tracer, &info);
	}
}

#define STOPS_BETWEEN_TURNS 16

/*
 * The next thing to handle; info->si_pid is 0 when there is nothing and a child is held. Stops come before ends: a
 * stopped task waits for kin, one that has ended can wait itself until all get their turn.
 */
static int next_change(struct tracer *tracer, siginfo_t *info)
{
	int flags = WSTOPPED | WNOWAIT | __WALL;
	*info = (siginfo_t){ 0 };
	/* While a child is held its maker's event is due: do not sleep for ever should it never come. */
	int got = waitid(P_ALL, 0, info, flags | WEXITED | (tracer->tasks.held ? WNOHANG : 0));
	if (got < 0 || info->si_pid == 0)
		return got;
	if (info->si_code != CLD_TRAPPED) {
		siginfo_t stop = { 0 };
		if (waitid(P_ALL, 0, &stop, flags | WNOHANG) == 0 && stop.si_pid != 0)
			*info = stop;
	}
	tracer->stops_in_a_row = info->si_code == CLD_TRAPPED ? tracer->stops_in_a_row + 1 : 0;
	return 0;
}

/*
 * There is nobody to wait for: take out what has ended without a report. False, with errno: a task is there all
 * the same.
 */
static bool drop_ended(struct tracer *tracer)
{
	size_t state = 0;
	struct live *live, *next = NULL;
	while ((live = tasks_each(&tracer->tasks, &state, &next))) {
		struct proc_stat stat;
		if (!live->dead && proc_read_stat(live->tid, live->tid, &stat) == 0) {
			errno = ECHILD;
			return false;
		}
		if (live->group) {
			source_emit(tracer->source, &(struct event){ .type = EVENT_LOST,
							    .task = live->number,
							    .text = "its end was not seen" });
			exit_leave(tracer, live, 0);
		} else {
			tasks_remove(&tracer->tasks, live);
		}
	}
	return true;
}

int tracer_run(struct tracer *tracer)
{
	while (!tracer->finished && tracer->tasks.count > 0 && tracer->error == 0) {
		siginfo_t info;
		if (tracer->stops_in_a_row >= STOPS_BETWEEN_TURNS) {
			tracer->stops_in_a_row = 0;
			handle_all_in_turn(tracer);
			continue;
		}
		int got = next_change(tracer, &info);
		if (got == 0 && info.si_pid == 0) {
			nanosleep(&(struct timespec){ 0, 100000 }, NULL);
			birth_overdue(tracer);
		} else if (got == 0) {
			handle(tracer, &info);
		} else if (errno == EINTR) {
			watch_drain(tracer->watch, false);
			if (signals_stop_asked()) {
				tracer_let_go(tracer, "kin was told to stop following");
				break;
			}
		} else if (errno != ECHILD || !drop_ended(tracer)) {
			tracer->error = -errno;
		}
	}
	if (tracer->error)
		tracer_let_go(tracer, "kin could not go on");
	else if (tracer->tasks.count > 0)
		tracer_let_go(tracer, "the program has ended (--follow=direct)");
	return tracer->error;
}

void tracer_finish(struct tracer *tracer)
{
	tasks_finish(&tracer->tasks);
	image_finish(&tracer->image);
	text_finish(&tracer->scratch);
	free(tracer->looked_at);
}
