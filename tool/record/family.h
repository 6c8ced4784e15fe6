/**
 * family.h: the inside of the --no-stop source: what is known of the tasks, and how records become events.
 *
 * perf's records come in the order of time but late; what /proc says is of now. So each task keeps what it still waits
 * for: an exec its arguments, an end its status. Both are given up after some milliseconds.
 */
#ifndef KIN_TOOL_RECORD_FAMILY_H
#define KIN_TOOL_RECORD_FAMILY_H

#include "base/text.h"
#include "record/connector.h"
#include "record/faults.h"
#include "record/source.h"
#include "record/start.h"
#include "record/symbols.h"
#include "record/tasks.h"

/* An exec that has been seen, but not yet all that it ran. */
struct exec_seen {
	struct exec_seen *next;
	int tid, former_tid;
	uint64_t time; // of the record
	char name[16];
	struct text exe, path, arguments, cwd; // path: as given to the call
	bool compat;
	bool looked; // arguments were read
	bool complete; // the kernel has set the program up: there is no need to wait longer than for a moment
};

/* A task that has ended, whose status may still come. */
struct leaving {
	struct leaving *next;
	int tid, tgid;
	uint32_t number;
	uint64_t time;
	bool root; // the leader of the program's own process: wait() gives its status
	bool others_alive; // its process had other threads
	bool leaf; // it never had threads or children
	bool exec_by_thread;
	bool status_known;
	int status; // as from wait()
	struct usage usage;
	struct sender killer;
	enum oom oom;
};

/* A status that came before the record of the end. */
struct early_status {
	struct early_status *next;
	struct connector_exit exit;
};

/* A FORK that waits for its NEWTASK, which has the flags. */
struct fork_waiting {
	struct fork_waiting *next;
	struct perf_record fork;
};

struct kill_sent {
	int target;
	struct sender sender;
};
#define KILLS_KEPT 64

struct family {
	struct source *source;
	struct started *started;
	struct tasks tasks;
	struct perf *perf;
	struct faults *faults; // NULL without --faults
	struct symbols *symbols;
	int connector; // -1: none
	uint64_t drained; // every record up to this time has been taken
	bool statuses_lost; // the connector had to drop some
	struct exec_seen *execs;
	struct leaving *leaving, **leaving_end; // in the order of time
	struct early_status *early;
	struct fork_waiting *forks;
	struct kill_sent kills[KILLS_KEPT];
	unsigned next_kill;
	int victims[8]; // of the kernel's out-of-memory killer
	unsigned next_victim;
	unsigned out_of_sight; // tasks (live->let_go) that perf has let go of; they live on
	bool root_reaped; // wait() has returned the program's own process
	bool root_status_known;
	int root_status;
	struct usage root_usage; // what wait() tells if it had neither threads nor children
	bool finished;
	int error;
};

/** Task 1, waiting to exec. Returns 0 or -ENOMEM. */
int family_begin(struct family *family);
void family_finish(struct family *family);

/** A perf record. Returns 0 or -ENOMEM. */
int family_record(void *data, const struct perf_record *record);

/** After a drain: what waited for /proc and the connector. With all, nothing waits any longer. */
void family_settle(struct family *family, bool all);

/** Something is still waited for and may come within a moment. */
bool family_waits(const struct family *family);

/** The program's own process has ended and was reaped; status NULL: it is not known how it ended. */
void family_root_reaped(struct family *family, const int *status, const struct usage *usage);

/** Tasks that are gone without a record: perf lets go of a set-user-ID program. */
void family_sweep(struct family *family);

/** The tasks still there are not followed any longer. */
void family_let_go(struct family *family, const char *why);

/* family_births.c */
int birth_record(struct family *family, const struct perf_record *record);
int birth_flags(struct family *family, const struct perf_record *record);
int births_settle(struct family *family, int maker_tid); // 0: of every maker
void births_finish(struct family *family);

/* family_execs.c */
int exec_record(struct family *family, const struct perf_record *record);
void exec_mapped(struct family *family, const struct perf_record *record);
void exec_stack(struct family *family, const struct perf_record *record);
void execs_settle(struct family *family, int tid, bool all); // tid 0: of every task
/* perf lets go of a task that runs a set-user-ID program, as if it had ended, before that has mapped anything. */
bool exec_out_of_sight(struct family *family, int tid);
void execs_finish(struct family *family);

/* family_exits.c */
int exit_record(struct family *family, struct live *live, uint64_t time, int parent);
void exits_settle(struct family *family, bool all);
void exits_finish(struct family *family);
void exit_status_known(void *data, const struct connector_exit *exit);

/** Nanoseconds since the start of the recording; never 0, which means "now". */
uint64_t family_time(const struct family *family, uint64_t time);

#endif
