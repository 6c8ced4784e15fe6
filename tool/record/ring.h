/**
 * ring.h: one CPU's perf ring, and how its bytes become a struct perf_record.
 *
 * Every event that writes to a ring is opened so that a record's time lies at the same place: samples as RING_FAULT
 * or RING_TRACE say, other records with the trailer { pid, tid, time, identifier }.
 */
#ifndef KIN_TOOL_RECORD_RING_H
#define KIN_TOOL_RECORD_RING_H

#include "record/perf.h"
#include "record/tracepoint.h"

#include <linux/perf_event.h>

/** What an event samples. */
enum ring_stream {
	RING_SIDE, // nothing: it is there for the side records
	RING_MINOR,
	RING_MAJOR,
	RING_CODE, // the tracepoints: page_fault_user,
	RING_NEWTASK, // task_newtask,
	RING_DELIVER, // signal_deliver,
	RING_KILL, // signal_generate,
	RING_OOM, // mark_victim
	RING_EXEC, // sched_process_exec, with the stack
	RING_STREAMS
};

#define RING_FAULT_SAMPLE \
	(PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_IP | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_ADDR)
#define RING_TRACE_SAMPLE (PERF_SAMPLE_IDENTIFIER | PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_RAW)

/** The fields of the tracepoints that are read, in the order in which tracepoint.fields names them. */
enum { CODE_ADDRESS, CODE_IP, CODE_ERROR };
enum { NEWTASK_FLAGS };
enum { SIGNAL_SIGNO, SIGNAL_CODE, SIGNAL_TARGET, SIGNAL_GROUP, SIGNAL_RESULT };
enum { OOM_PID };

/** sched_process_exec has the new program's stack pointer and what lies there too. */
#define RING_EXEC_SAMPLE (RING_TRACE_SAMPLE | PERF_SAMPLE_REGS_USER | PERF_SAMPLE_STACK_USER)
#define RING_STACK_BYTES 24576

struct ring {
	struct perf_event_mmap_page *page; // NULL: not in use
	const char *data;
	uint64_t size; // of the data, a power of two
	uint64_t head, tail; // of the drain that is going on
	const struct perf_event_header *next; // the record at tail, whole; NULL: none
	uint64_t time; // its time
	uint64_t ids[RING_STREAMS]; // 0: no such event
	char *bounce; // for a record that wraps; RING_BOUNCE bytes
};

/** No record is longer: its size is 16 bits. */
#define RING_BOUNCE 65536

/** Begin a drain: look at how far the kernel has written. */
void ring_begin(struct ring *ring);

/** Load the record at the tail into ring->next and ring->time; false when the drain has come to its end. */
bool ring_load(struct ring *ring);

/** Step over the record that ring_load() found. */
void ring_step(struct ring *ring);

/** End a drain, or a part of it: give the room back to the kernel. */
void ring_release(struct ring *ring);

/** Which of its events wrote the sample ring->next; RING_SIDE for other records and for an unknown event. */
enum ring_stream ring_stream(const struct ring *ring);

/**
 * Decode ring->next. A sample of RING_CODE becomes a PERF_FAULT with its code. points is indexed by stream.
 * Returns 1, or 0 for a record that says nothing kin wants or is shorter than its type.
 */
int ring_decode(const struct ring *ring, const struct tracepoint *points, struct perf_record *record);

#endif
