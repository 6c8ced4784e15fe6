/**
 * event.h: what a source reports.
 *
 * Data flows one way: sources (record/, store/read) -> events -> the history (model/) -> views (view/, expect/).
 * A source fills a struct event and hands it to an event_sink; the sink copies what it keeps, so every pointer in
 * an event is valid during the call only. Tasks are named by number: 1 is the program kin started (or attached to),
 * the others follow in the order of their births. A TID may be used again by the kernel, a number never.
 *
 * Order: a task's birth comes before any other event of that task, its exit after all of them. Events of one
 * recording have times that never decrease by more than the sources' merge window, and a reader may rely on the
 * order of the stream rather than on the times.
 */
#ifndef KIN_TOOL_MODEL_EVENT_H
#define KIN_TOOL_MODEL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The version of the recording format that store/ writes; docs/man/kin-recording.5.scd has its fields. */
#define RECORDING_VERSION 1

enum event_type {
	EVENT_START, // first event: what is recorded, and how
	EVENT_BIRTH, // a task was made
	EVENT_FAILED, // a call that should have made a task or run a program failed
	EVENT_EXEC, // a task runs a new program
	EVENT_NAME, // a task's name changed otherwise than by exec
	EVENT_SIGNAL, // a signal reached a task
	EVENT_STOP, // a process was stopped by job control
	EVENT_CONT, // and goes on
	EVENT_ADOPT, // a process whose parent has ended has a new parent
	EVENT_FAULTS, // page faults of one task with the same mapping, place and cause, summed
	EVENT_EXIT, // a task ended
	EVENT_LOST, // a task was let go (--follow, or kin told to stop): what it did later is not known
	EVENT_NOTE, // one line the user should read: what could not be seen, and what to do about it
	EVENT_END, // last event: what watching cost, what was lost. Missing when the recording was cut short
};

/** The system call that made a task, or ran a program. */
enum call {
	CALL_UNKNOWN, // made, but the source cannot see by which call
	CALL_KIN, // task 1: started by kin itself
	CALL_FORK,
	CALL_VFORK,
	CALL_CLONE,
	CALL_CLONE3,
	CALL_EXECVE,
	CALL_EXECVEAT,
	CALL_COUNT
};

/** Where the arguments of a clone call point; 0 where the call has no such argument. */
struct clone_call {
	enum call call;
	uint64_t flags; // CLONE_* bits; the exit signal is not among them. Filled for fork (0) and vfork too
	bool flags_known; // false where the source does not see them (--no-stop without root)
	int exit_signal; // signal sent to the parent at exit, 0 none
	bool compat; // a 32-bit program's call
	uint64_t stack; // lowest address (clone3) or initial stack pointer (clone)
	uint64_t stack_size; // clone3 only
	uint64_t parent_tid, child_tid, pidfd, tls; // user-space addresses (tls: as given)
	uint64_t set_tid_size, cgroup; // clone3 only
};

/** Counters of a task's life. A field's bit in `known` is set when the source could read it. */
struct usage {
	uint64_t user_ns, system_ns; // resolution is a clock tick for threads, see kin-recording(5)
	uint64_t cpu_ns; // user + system, exact
	uint64_t minor, major; // page faults, as the kernel counts them for this task
	uint64_t voluntary, involuntary; // context switches
	uint64_t maxrss_kib; // of the whole process; of a thread: not known
	unsigned known; // USAGE_* bits
};
enum {
	USAGE_TIMES = 1 << 0, // user_ns, system_ns
	USAGE_CPU = 1 << 1, // cpu_ns
	USAGE_FAULTS = 1 << 2, // minor, major
	USAGE_SWITCHES = 1 << 3, // voluntary, involuntary
	USAGE_MAXRSS = 1 << 4, // maxrss_kib
};

/** Who sent a signal, as far as the source can tell. */
struct sender {
	bool known;
	bool kernel; // the kernel itself (a fault, a terminal, a timer, a child's end)
	int pid; // 0 where from outside this PID namespace
	int uid; // -1 where not known
	uint32_t task; // its number when it is one of ours, else 0
};

enum oom { OOM_NO, OOM_LIKELY, OOM_YES };

/** Why a page was not there, or not writable. docs/GLOSSARY.md has the exact definitions. */
enum cause {
	CAUSE_ZERO, // zero-fill: first touch of anonymous memory, or the first write to a page read as zeroes
	CAUSE_COW, // copy-on-write: write to a page write-protected because it is, or was, shared
	CAUSE_FILE, // file-backed: first touch of a page of a mapped file, found in the page cache or read
	CAUSE_SHARED, // shared memory: first touch of a page of a shared anonymous or shmem mapping
	CAUSE_OTHER, // in no mapping kin knows, or for a reason it cannot tell
	CAUSE_COUNT
};

enum mapping_kind {
	MAPPING_UNKNOWN,
	MAPPING_HEAP,
	MAPPING_STACK, // of the main thread, or one that kin knows to be a thread's
	MAPPING_ANON, // private anonymous
	MAPPING_FILE, // private file
	MAPPING_SHARED_FILE,
	MAPPING_SHARED, // shared anonymous, memfd, SysV or POSIX shared memory
	MAPPING_KERNEL, // vdso and the like
	MAPPING_COUNT
};

struct event_start {
	int version; // RECORDING_VERSION of the writer
	const char *kin; // version of kin
	const char *command; // "run", "attach", "expect"
	size_t argc;
	const char *const *argv; // what was asked to run
	const char *cwd;
	const char *kernel; // uname -sr
	const char *machine; // uname -m
	uint64_t realtime_ns; // CLOCK_REALTIME at time 0
	int uid;
	int cpus;
	long page_size;
	const char *follow; // "all", "direct", "none"
	size_t n_sources;
	const char *const
		*sources; // the mechanisms that run: "ptrace", "seccomp", "perf", "perf faults", ...
	size_t n_unseen;
	const char *const *unseen; // what they cannot see, one short line each
};

struct event_birth {
	int tid, tgid;
	uint32_t maker; // number of the task that made the call; 0 for task 1
	uint32_t
		parent; // number of a task of the process that getppid() names; differs from maker with CLONE_PARENT
	struct clone_call by;
	bool untraced; // CLONE_UNTRACED or otherwise out of the tracer's reach: known from perf records only
	const char *name; // comm, NULL if the maker's
};

struct event_failed {
	struct clone_call by; // by.call is CALL_EXECVE or CALL_EXECVEAT for a failed exec
	int error; // errno value
	const char *limit; // the limit that was met, in words ("RLIMIT_NPROC 100"), or NULL
	const char *path; // exec: the path as given, else NULL
	size_t argc; // exec: the arguments
	const char *const *argv;
};

struct event_exec {
	enum call
		call; // CALL_EXECVEAT: the file was given by descriptor; otherwise CALL_EXECVE, or CALL_UNKNOWN
	const char *path; // as given to the call; by descriptor: "/dev/fd/N" or "/dev/fd/N/PATH"
	const char *exe; // the file that runs; NULL when unknown
	const char *
		script; // for a script (or any file run by an interpreter): the file, else NULL; exe is the interpreter
	size_t argc;
	const char *const *argv; // as the new program sees it, whole; argc 0 when not known
	bool argv_known;
	const char *cwd; // NULL when not known
	size_t n_env; // only with --env: changes against the environment of the program before (for a new
	const char *const *env; // process: the maker's): "NAME=value" set, "NAME" unset
	bool env_known;
	int former_tid; // the TID the task had when it called exec: differs from its TID when it was no leader
	bool setid; // the file is set-user-ID or set-group-ID (or has capabilities) and that was not honoured
	bool compat; // a 32-bit program
};

struct event_signal {
	int signo;
	int code; // si_code
	struct sender sender;
};

struct event_adopt {
	int ppid; // the new parent's PID
	uint32_t parent; // its number when it is one of ours
};

struct event_faults {
	enum cause cause;
	bool major;
	uint64_t count;
	enum mapping_kind mapping;
	const char
		*object; // the mapped file or the mapping's name ("[heap]", "[stack]"), NULL if it has none
	const char *place; // "function" or "function+0x12" or "object+0x1234"; NULL when not known
	const char *source; // "file.c:12" with debug info, else NULL
};

struct event_exit {
	bool by_signal;
	int status; // exit status, or the signal's number
	bool core; // core dumped
	bool status_known;
	struct sender killer; // by_signal: who sent it
	enum oom oom;
	bool exec_by_thread; // a leader whose TID another thread took over by exec (the other threads that an exec
		// sweeps away end with status 0, which is all the kernel tells)
	struct usage usage;
};

struct event_end {
	uint64_t wall_ns; // first birth to the last exit seen
	uint64_t stops; // times a task was stopped by kin
	uint64_t lost; // records the kernel had to drop
	uint64_t self_user_ns, self_system_ns; // kin's own CPU time
	uint64_t fault_samples; // located faults
	uint64_t perf_records;
	uint64_t kernel_faults; // faults counted by the kernel but not located: taken inside system calls
};

struct event {
	enum event_type type;
	uint64_t time; // ns since the start of the recording
	uint32_t task; // 0 for START, END and notes on the whole
	union {
		struct event_start start;
		struct event_birth birth;
		struct event_failed failed;
		struct event_exec exec;
		const char *name;
		struct event_signal signal;
		int stop_signal;
		struct event_adopt adopt;
		struct event_faults faults;
		struct event_exit exit;
		const char *text; // LOST: why; NOTE: the line
		struct event_end end;
	};
};

/** Where events go: the history, the JSON writer, the live view. Returns 0 or a negative errno value. */
struct event_sink {
	int (*take)(struct event_sink *sink, const struct event *event);
};

#endif
