/**
 * perf.h: records from the kernel's perf rings about one program and all that descends from it.
 *
 * One ring per CPU, inherited by every task the target makes. Nothing is stopped. An ordinary user may do all of this
 * where kernel.perf_event_paranoid is at most 2, but for what is marked "root". Knows nothing of ptrace, nor of events.
 *
 * Use: fork a child that waits, perf_create() on it, let the child exec (recording begins at its exec), perf_drain()
 * whenever woken and at the end, perf_destroy(). One thread at a time may use a struct perf.
 */
#ifndef KIN_TOOL_RECORD_PERF_H
#define KIN_TOOL_RECORD_PERF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct perf;

/** What to record. Births, ends, names and execs (FORK, EXIT, COMM) always come. */
struct perf_options {
	int target; // PID of the child that waits to exec
	bool wide; // of every task of the system, where allowed (root): costs the target nothing. Not with faults
	bool programs; // MMAP records of code: the program and its libraries
	bool maps; // MMAP records: every mapping made, code and data
	bool faults; // FAULT records: every page fault taken in user mode; implies maps
	bool exact; // with faults: the hardware's error code too, where allowed (root, x86); see perf_exact()
	bool switches; // SWITCH records
	bool newtask; // NEWTASK records, of every task of the system, where allowed (root)
	bool arguments; // EXEC records, of every task of the system, where allowed (root)
	bool kills; // SIGNAL records of each SIGKILL and OOM records, from anywhere in the system, where allowed (root)
	bool signals; // DELIVER records but for SIGCHLD and SIGKILL, of every task of the system, where allowed (root)
	bool prompt; // wake at every record, not when a ring has filled to a quarter
	size_t ring_pages; // pages a CPU, a power of two; 0: the largest useful. Halved where the kernel refuses
};

enum perf_record_type {
	PERF_FORK, // task pid/tid was made by maker_pid/maker_tid; no flags: a thread where pid == maker_pid
	PERF_EXIT, // parent: the PID that getppid() named
	PERF_COMM, // a new name; exec: by running a program, whose mappings follow
	PERF_MMAP, // a mapping was made, grown or its protection changed: this is what now lies there
	PERF_FAULT, // a page fault in user mode
	PERF_SWITCH, // a task leaves the CPU (out) or comes to it
	PERF_LOST, // the kernel dropped `lost` records about here
	PERF_NEWTASK, // clone_flags of the task that the preceding FORK of the same maker (pid/tid) announced
	PERF_SIGNAL, // pid/tid sent a signal
	PERF_DELIVER, // pid/tid got a signal; target is not set
	PERF_EXEC, // exec is done: what lies on the new program's stack. After its COMM and MMAP
	PERF_OOM, // the kernel chose a victim
};

/** The error code of a fault, as x86 gives it. Without PERF_CODE_PRESENT the other bits are not recorded. */
enum { PERF_CODE_PRESENT = 1, PERF_CODE_WRITE = 2, PERF_CODE_USER = 4, PERF_CODE_INSTRUCTION = 16 };

/** One record. Its strings are valid during the callback only. PIDs are those of kin's own PID namespace. */
struct perf_record {
	enum perf_record_type type;
	uint64_t time; // CLOCK_MONOTONIC, ns
	int pid, tid; // the task it is about
	union {
		struct {
			int maker_pid, maker_tid;
		} fork;
		struct {
			int parent;
		} exit;
		struct {
			bool exec;
			const char *name;
		} comm;
		struct {
			uint64_t start, length, offset;
			uint32_t major, minor; // device of the file; 0, 0 and inode 0 where there is none
			uint64_t inode, generation;
			uint32_t prot, flags; // PROT_*, MAP_*
			const char *path; // the file, "[heap]", "[stack]", "[vdso]", or "//anon"
		} mmap;
		struct {
			uint64_t address, ip;
			bool major;
			bool code_known; // only with perf_exact()
			unsigned code; // PERF_CODE_* bits; 0 where PERF_CODE_PRESENT is not among them
		} fault;
		struct {
			bool out, preempted;
		} sched;
		uint64_t lost;
		uint64_t clone_flags;
		struct {
			int signo, code; // si_code
			int target; // TID of the receiver, in the first PID namespace
			bool group; // sent to a process, not to one thread
			bool delivered; // false: ignored or already pending
		} signal;
		struct {
			const uint8_t *stack; // begins at the stack pointer; ends at a page that is not there
			uint64_t stack_length, stack_pointer;
			bool compat; // a 32-bit program
		} exec;
		int victim; // PID, in the first PID namespace
	};
};

/** Receives the records in the order of their times. Returns 0, or a negative errno value which ends the drain. */
typedef int perf_take(void *data, const struct perf_record *record);

#define PERF_MESSAGE_SIZE 200

/**
 * Open the rings on a child that has not yet run exec; its records begin with the COMM of its first exec.
 *
 * On failure *ret_perf is untouched and message holds one line for the user that says what to do. What is marked root
 * and is refused is left out without failure: ask perf_exact(), perf_has_newtask(), perf_has_kills().
 *
 * Returns 0, or -EACCES, -EPERM (kernel.perf_event_paranoid, a container's seccomp profile), -ENOSYS (no perf in this
 * kernel), -ESRCH, -EMFILE, -ENOMEM.
 */
int perf_create(struct perf **ret_perf, const struct perf_options *options, char message[PERF_MESSAGE_SIZE]);

/** Close the rings and stop the waker. NULL is welcome. */
void perf_destroy(struct perf *perf);

/** FAULT records carry the hardware's error code. */
bool perf_exact(const struct perf *perf);
bool perf_has_newtask(const struct perf *perf);
bool perf_has_arguments(const struct perf *perf);
bool perf_has_kills(const struct perf *perf);
bool perf_has_signals(const struct perf *perf);

/** CLOCK_MONOTONIC in ns, the clock of all records. */
uint64_t perf_now(void);

/**
 * Hand every record up to a point of time to take(), ordered by time over all CPUs.
 *
 * Records newer than horizon stay for the next drain, and so do those written while this call runs: causes always
 * come before their effects (a FORK before anything its child did). UINT64_MAX takes everything: for the end, when
 * no task runs any more.
 *
 * Returns 0, take()'s error, or -ENOMEM.
 */
int perf_drain(struct perf *perf, uint64_t horizon, perf_take *take, void *data);

/**
 * Have a signal sent to the calling thread when a ring fills beyond a quarter, and with faults after some milliseconds
 * in any case, so that a blocking wait returns EINTR.
 *
 * The signal is repeated every few milliseconds until perf_drain() is called, so one that arrives just before the
 * wait is not lost. Starts a thread that has all signals blocked; the handler is the caller's, without SA_RESTART.
 * Call it after the child was forked. perf_destroy() ends it. Returns 0 or a negative errno value.
 */
int perf_wake_by_signal(struct perf *perf, int signo);

/**
 * Descriptors to poll(2) for POLLIN instead; POLLHUP on all of them: every task has ended. Stores at most `size` and
 * returns how many there are.
 */
size_t perf_fds(const struct perf *perf, int *fds, size_t size);

/** Records the kernel dropped for want of room, announced so far. */
uint64_t perf_lost(const struct perf *perf);

/** Records handed out so far, and FAULT records among them. */
uint64_t perf_records(const struct perf *perf);
uint64_t perf_fault_records(const struct perf *perf);

/** CPUs that came online after perf_create(): what ran there was not seen. */
int perf_cpus_missed(const struct perf *perf);

#endif
