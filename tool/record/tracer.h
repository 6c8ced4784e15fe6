/**
 * tracer.h: the ptrace source. Every task is seized with fork, vfork, clone and exec events and no system-call
 * stops; with --failed a seccomp filter adds a stop at the calls that make tasks or run programs. The room's
 * inside.
 *
 * A forked process costs three stops (its maker's event, its birth, its SIGCHLD), a thread two, an exec one more. There
 * is no stop at exit: a task that has ended stays a zombie until the tracer reaps it, and a zombie's counters can
 * still be read from /proc. The one exception is a task that has made processes: wait4() mixes its peak memory with
 * theirs, so its own is read when it begins to exit.
 */
#ifndef KIN_TOOL_RECORD_TRACER_H
#define KIN_TOOL_RECORD_TRACER_H

#include "record/image.h"
#include "record/source.h"
#include "record/start.h"
#include "record/tasks.h"

#include <signal.h>

struct watch;

struct tracer {
	struct source *source;
	struct started *started;
	struct tasks tasks;
	struct group *root; // the program's process; NULL once it has ended
	struct group *spare; // kin's own process, as parent of the root
	struct image image; // memory used again at each exec
	struct text scratch;
	struct watch *watch; // perf records beside ptrace; NULL without
	uint64_t oom_kills; // /proc/vmstat's count when last looked at
	long options; // PTRACE_O_*
	unsigned stops_in_a_row; // private to tracer.c
	bool follow_none;
	bool finished; // nothing more to follow
	unsigned attached; // tasks that could not be let go: the kernel does it when kin ends
	bool sanitizer_noted; // private to hints.c
	char *looked_at; // private to hints.c
	int error; // negative errno value that ends the tracing
};

/** Seize the waiting child. Returns 0 or a negative errno value. */
int tracer_seize(struct tracer *tracer);

/** Follow every task to its end, as the options say. Returns 0 or a negative errno value. */
int tracer_run(struct tracer *tracer);

#define SYSCALL_STOP (SIGTRAP | 0x80) // with PTRACE_O_TRACESYSGOOD

/** Wait for a stop that has been looked at: one that is not resumed at once would be reported again and again. */
void consume_stop(int tid);

/** letgo.c: Detach from every task still alive, say so in the stream, and leave none stopped. */
void tracer_let_go(struct tracer *tracer, const char *why);

void tracer_finish(struct tracer *tracer);

/* births.c: a task is made. */
void birth_announced(struct tracer *tracer, struct live *maker, int event);
/* signo is SIGTRAP, or the signal that is stopping its process just now. */
void birth_stopped(struct tracer *tracer, struct live *live, int signo);
void birth_untraced(struct tracer *tracer, struct live *maker, int tid, const struct clone_call *by);
/* Its maker's event is to come: until then it waits, stopped or dead. */
void birth_hold(struct tracer *tracer, struct live *live);
/* A child whose maker was killed before it could announce it would be held for ever: take it as it is. */
void birth_overdue(struct tracer *tracer);
struct live *birth_root(struct tracer *tracer, int tid);

/* execs.c: a task runs another program. */
void exec_happened(struct tracer *tracer, struct live *live);

/* hints.c: what tracing breaks. */
void hint_at_exec(struct tracer *tracer, struct live *live);
void hint_at_exit(struct tracer *tracer, const struct live *live, int exit_status);

/* exits.c: a task ended. Reaps it; live is gone afterwards. */
void exit_happened(struct tracer *tracer, struct live *live, int tid);
/* It stops before it ends (see tracer_want_exit_stop): its memory can still be looked at. */
void exit_stopped(struct tracer *tracer, struct live *live);
/* Take a reaped task out of the tables. */
void exit_leave(struct tracer *tracer, struct live *live, int status);
void exit_report(struct tracer *tracer, struct live *live, int status, const struct usage *usage);
/* The machine's count of out-of-memory kills so far. */
uint64_t exit_count_oom_kills(void);
void exit_name(struct tracer *tracer, struct live *live, const char *name);

/* calls.c: the stops of --failed. */
void call_entered(struct tracer *tracer, struct live *live);
void call_left(struct tracer *tracer, struct live *live);

/** Ask for, or do without, a stop at the exit of a stopped task. */
void tracer_want_exit_stop(struct tracer *tracer, struct live *live, bool wanted);

/** The whole process is stopped by job control, and this task of it with the others, until SIGCONT. */
void tracer_stop_with_group(struct tracer *tracer, struct live *live, int signo);

/** Let a stopped task go on with a signal (0: none); ended meanwhile is fine. */
void tracer_resume(struct tracer *tracer, struct live *live, int signo);

/** The sender in a task's siginfo, as an event tells it. */
void sender_of(
	const struct tracer *tracer, const struct live *live, const siginfo_t *info, struct sender *sender);

#endif
