/**
 * faults.h: why each page fault happened, in which mapping and at which place in the code.
 *
 * Fed with perf records in the order of time and, where the caller stops tasks at their birth, with each birth. Keeps
 * per address space the mappings and two bits a page, and per task one row for every distinct (cause, major, mapping,
 * place): its memory does not grow with the number of faults, and all of a task's is freed by faults_exit().
 *
 * Causes are those of enum cause (model/event.h). Without the hardware's error code they are found from what is known
 * of a page: whether it was there when a child was forked, and whether it was touched before.
 */
#ifndef KIN_TOOL_RECORD_FAULTS_H
#define KIN_TOOL_RECORD_FAULTS_H

#include "model/event.h"
#include "record/perf.h"

struct faults;
struct symbols;

struct faults_options {
	/**
	 * faults_birth() is called for each task before it runs. Otherwise births are taken from the FORK records, and
	 * which pages a child inherited is concluded from the faults of its maker.
	 */
	bool births_told;
	struct symbols *symbols; // borrowed
};

/** Returns 0 or -ENOMEM. */
int faults_create(struct faults **ret_faults, const struct faults_options *options);

/** NULL is welcome. */
void faults_destroy(struct faults *faults);

/**
 * A task was made and has not run yet: child is stopped, and its maker too.
 *
 * First drain the rings up to now into faults_record(). Without CLONE_VM the child's page table is read (about as
 * long as the fork itself took) to know what it inherited; with CLONE_VM it shares its maker's address space until
 * it runs exec. by->stack tells a thread's stack. Returns 0 or -ENOMEM; a child that is gone is no error.
 */
int faults_birth(
	struct faults *faults, int maker_tid, int child_tid, int child_tgid, const struct clone_call *by);

/**
 * Take a record from the rings: MMAP, COMM by exec, FAULT, and FORK unless births are told; others are ignored.
 * EXIT is ignored too: call faults_exit(). Returns 0 or -ENOMEM.
 */
int faults_record(struct faults *faults, const struct perf_record *record);

/**
 * A thread that is no leader ran exec and now has its process's PID for its TID: what it did under former_tid is
 * its own. First drain, and report the exit of the former leader. Returns 0 or -ENOMEM.
 */
int faults_exec(struct faults *faults, int tid, int former_tid);

/** Receives the rows of a task; the strings of a row are valid during the call only. */
typedef int faults_take(void *data, const struct event_faults *row);

/**
 * A task ends: hand out its rows, most frequent first, and forget it.
 *
 * First drain. Best called while the task still has its memory (ptrace's exit stop): places in files that were
 * deleted or lie in another mount namespace can then still be found. A TID without faults has no rows.
 * Returns 0, take()'s error (the task is forgotten all the same) or -ENOMEM.
 */
int faults_exit(struct faults *faults, int tid, faults_take *take, void *data);

/** Page faults of a task so far that were located: to be compared with the kernel's own counters. */
void faults_located(const struct faults *faults, int tid, uint64_t *ret_minor, uint64_t *ret_major);

#endif
