/**
 * proc.h: what /proc and the stopped task's memory say about a task.
 *
 * All read the state of the moment: the caller makes sure the task is stopped, or a zombie, when it must not change.
 * Return 0 or a negative errno value (-ESRCH: the task is gone). Nothing is allocated unless said.
 */
#ifndef KIN_TOOL_RECORD_PROC_H
#define KIN_TOOL_RECORD_PROC_H

#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * Whether there is a /proc that tells of kin's own PID namespace. Where it is another's, PIDs there are of other
 * processes: all functions that read it then fail with -ENOENT, or as if the task was gone.
 */
bool proc_usable(void);

/** Of /proc/TGID/task/TID/stat. Works for zombies not yet reaped. */
struct proc_stat {
	char name[16 * 4 + 1]; // comm; the kernel escapes nothing here, so up to 15 bytes, NUL-terminated
	char state;
	int ppid;
	uint64_t minor, major;
	uint64_t children_minor; // of the children it waited for
	uint64_t user_ticks, system_ticks;
};
int proc_read_stat(int tgid, int tid, struct proc_stat *stat);

/** Nanoseconds on a CPU, from /proc/TGID/task/TID/schedstat; -ENOENT where the kernel does not keep it. */
int proc_read_cpu_ns(int tgid, int tid, uint64_t *ns);

/** Context switches, from /proc/TGID/task/TID/status. */
int proc_read_switches(int tgid, int tid, uint64_t *voluntary, uint64_t *involuntary);

/** Peak resident memory of the address space a task has (VmHWM), in KiB; -ENOENT when it has none any more. */
int proc_read_peak(int tgid, int tid, uint64_t *kib);

/**
 * Whether the PIDs a task is given, and gives, are those that kin sees. Where that cannot be seen: true. If not,
 * *ret_own is the PID of its process as it sees it itself, 0 if not known.
 */
bool proc_shares_pids(int tgid, int tid, int *ret_own);

/** The effective user ID of a task; -1 when it is gone. */
int proc_read_uid(int tid);

/** Target of /proc/PID/NAME ("exe", "cwd") into text, replacing what it holds. A " (deleted)" tail is kept. */
int proc_read_link(int pid, const char *name, struct text *target);

/** Soft limit of /proc/PID/limits' line starting with NAME ("Max processes"); UINT64_MAX: unlimited. */
int proc_read_limit(int pid, const char *name, uint64_t *limit);

/** PIDs of one cgroup file ("pids.max", "memory.events" key) are read by these two; -ENOENT when there is none. */
int proc_read_cgroup_number(
	int pid, const char *controller, const char *file, const char *key, uint64_t *value);

/** Copy count bytes of a task's memory; -EFAULT unless all could be read. */
int proc_read_memory(int tid, uint64_t address, void *bytes, size_t count);

/** The same, but as many as there are (0 .. count). */
size_t proc_read_memory_some(int tid, uint64_t address, void *bytes, size_t count);

/** A NUL-terminated string from a task's memory, of at most limit bytes, appended to text. */
int proc_read_string(int tid, uint64_t address, size_t limit, struct text *string);

#endif
