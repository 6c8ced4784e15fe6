/* Letting go of every task still alive: none may be left stopped, and none that kin's ptrace is still on. */
#include "record/proc.h"
#include "record/tracer.h"

#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

/* Detach one task that has stopped, handing it the signal it was about to get. */
static void detach(struct tracer *tracer, struct live *live, int status, const char *why)
{
	int event = status >> 8 & 0xff, signo = status & 0xff;
	struct proc_stat stat;
	if (live->group) {
		if (proc_read_stat(live->group->tgid, live->tid, &stat) == 0)
			exit_name(tracer, live, stat.name);
		source_emit(tracer->source,
			&(struct event){ .type = EVENT_LOST, .task = live->number, .text = why });
	}
	/* A group-stopped task stays stopped when detached with its stop signal: SIGSTOP keeps it so. */
	int deliver = event == 0 && signo != SYSCALL_STOP ? signo : 0;
	struct proc_stat now;
	if (ptrace(PTRACE_DETACH, live->tid, 0, (void *)(long)deliver) < 0 &&
		proc_read_stat(live->tid, live->tid, &now) == 0 && now.state != 'Z')
		tracer->attached++;
	struct group *group = live->group;
	tasks_remove(&tracer->tasks, live);
	if (group && --group->alive == 0) {
		if (group == tracer->root)
			tracer->root = NULL;
		group_destroy(group);
	}
}

/* A task that has just made another: that one has kin's ptrace on it too, and must not be left to wait for it. */
static void add_child(struct tracer *tracer, const siginfo_t *info)
{
	unsigned long child = 0;
	int event = info->si_status >> 8 & 0xff;
	bool birth = event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE;
	if (info->si_code == CLD_TRAPPED && birth &&
		ptrace(PTRACE_GETEVENTMSG, info->si_pid, 0, &child) == 0 && child != 0 &&
		ptrace(PTRACE_INTERRUPT, (pid_t)child, 0, 0) == 0 && !tasks_find(&tracer->tasks, (int)child))
		tasks_add(&tracer->tasks, (int)child);
}

/* A task has stopped, as it was asked to or for itself, or has ended before it could. */
static void let_go_changed(struct tracer *tracer, const siginfo_t *info, const char *why)
{
	struct live *live = tasks_find(&tracer->tasks, info->si_pid);
	if (info->si_code != CLD_TRAPPED && info->si_code != CLD_STOPPED) {
		int status;
		/* Let go already, but still kin's own child. */
		if (!live && info->si_pid == tracer->started->pid &&
			wait4(info->si_pid, &status, WNOHANG, NULL) > 0)
			result_take_status(tracer->source->result, status);
		else
			exit_happened(tracer, live, info->si_pid);
		return;
	}
	/* After an exec a task is out of ptrace's reach until its stop has been waited for. */
	consume_stop(info->si_pid);
	add_child(tracer, info);
	if (live)
		detach(tracer, live, info->si_status, why);
	else if (info->si_code == CLD_TRAPPED)
		ptrace(PTRACE_DETACH, info->si_pid, 0, 0);
}

void tracer_let_go(struct tracer *tracer, const char *why)
{
	size_t state = 0;
	struct live *live, *next = NULL;
	while ((live = tasks_each(&tracer->tasks, &state, &next))) {
		if (live->dead)
			tasks_remove(&tracer->tasks, live);
		else if (live->held)
			detach(tracer, live, PTRACE_EVENT_STOP << 8 | SIGTRAP, why);
		else
			ptrace(PTRACE_INTERRUPT, live->tid, 0, 0);
	}
	/*
	 * A task that waits for its vfork child cannot stop before that is done; the kernel detaches it when
	 * kin ends.
	 */
	uint64_t deadline = clock_now() + 1000000000;
	while (tracer->tasks.count > 0 && clock_now() < deadline) {
		siginfo_t info = { 0 };
		if (waitid(P_ALL, 0, &info, WEXITED | WSTOPPED | WNOWAIT | WNOHANG | __WALL) < 0 &&
			errno != EINTR)
			break;
		if (info.si_pid == 0)
			nanosleep(&(struct timespec){ 0, 1000000 }, NULL);
		else
			let_go_changed(tracer, &info, why);
	}
	state = 0;
	while ((live = tasks_each(&tracer->tasks, &state, &next)))
		detach(tracer, live, PTRACE_EVENT_STOP << 8 | SIGTRAP, why);
	tracer->finished = true;
}
