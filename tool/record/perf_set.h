/* perf_set.h: private to perf.c, which drains the rings, and perf_open.c, which opens them. */
#ifndef KIN_TOOL_RECORD_PERF_SET_H
#define KIN_TOOL_RECORD_PERF_SET_H

#include "record/ring.h"
#include "record/waker.h"

#include <sys/resource.h>

/* Error codes that wait for the end of their fault, by TID. Two tasks that collide lose one; it is found otherwise. */
#define PERF_CODES 4096

struct perf_code {
	int tid; // 0: none
	unsigned code;
	uint64_t address;
};

struct perf_cpu {
	int cpu;
	int fds[RING_STREAMS]; // -1: not open
	struct ring ring;
};

struct perf {
	size_t n_cpus;
	struct perf_cpu *cpus;
	struct ring **heap; // room for n_cpus
	enum ring_stream carrier; // the event that owns the ring and writes the side records
	bool wide; // the carrier watches the whole system
	unsigned streams; // bit of each stream that is open on every CPU
	struct perf_code *codes; // NULL: no error codes
	struct tracepoint points[RING_STREAMS];
	struct waker *waker;
	uint64_t page_size;
	uint64_t lost, records, faults;
	bool limit_raised;
	struct rlimit limit; // RLIMIT_NOFILE before it was raised
};

#endif
