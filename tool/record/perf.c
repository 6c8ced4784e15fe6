#include "record/perf.h"

#include "record/perf_set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

uint64_t perf_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* Room given back to the kernel in pieces: it can go on writing while a long drain lasts. */
#define RELEASE_BYTES 65536

static bool sooner(const struct ring *a, const struct ring *b)
{
	return a->time < b->time;
}

/* The heap holds the rings that have a record, the one with the oldest on top. */
static void sift_down(struct ring **heap, size_t count, size_t at)
{
	for (;;) {
		size_t least = at, left = 2 * at + 1;
		if (left < count && sooner(heap[left], heap[least]))
			least = left;
		if (left + 1 < count && sooner(heap[left + 1], heap[least]))
			least = left + 1;
		if (least == at)
			return;
		struct ring *other = heap[at];
		heap[at] = heap[least];
		heap[least] = other;
		at = least;
	}
}

static bool load_until(struct ring *ring, uint64_t horizon)
{
	return ring_load(ring) && ring->time <= horizon;
}

static size_t begin_drain(struct perf *perf, uint64_t horizon)
{
	size_t count = 0;
	for (size_t i = 0; i < perf->n_cpus; i++) {
		struct ring *ring = &perf->cpus[i].ring;
		ring_begin(ring);
		if (load_until(ring, horizon))
			perf->heap[count++] = ring;
	}
	for (size_t i = count / 2; i-- > 0;)
		sift_down(perf->heap, count, i);
	return count;
}

/*
 * The tracepoint comes at the start of a fault, the software event at its end. Only what has the second is a fault
 * that the kernel counts: one that ends in a signal, or that another signal interrupts, has the first alone. The first
 * is filtered: it comes for pages that were there, so without it the page was not.
 */
static bool pair_code(struct perf *perf, struct perf_record *record)
{
	struct perf_code *code = &perf->codes[(unsigned)record->tid % PERF_CODES];
	if (record->fault.code_known) {
		code->tid = record->tid;
		code->address = record->fault.address;
		code->code = record->fault.code;
		return false;
	}
	bool same_page = code->address / perf->page_size == record->fault.address / perf->page_size;
	record->fault.code_known = true;
	record->fault.code = code->tid == record->tid && same_page ? code->code : 0;
	if (code->tid == record->tid)
		code->tid = 0;
	return true;
}

static int hand_out(struct perf *perf, struct perf_record *record, perf_take *take, void *data)
{
	if (record->type == PERF_LOST)
		perf->lost += record->lost;
	if (record->type == PERF_FAULT) {
		if (perf->codes && !pair_code(perf, record))
			return 0;
		perf->faults++;
	}
	perf->records++;
	return take(data, record);
}

static int drain_ring(struct perf *perf, struct ring *ring, uint64_t until, perf_take *take, void *data)
{
	uint64_t released = ring->tail;
	do {
		struct perf_record record;
		int result = 0;
		if (ring_decode(ring, perf->points, &record))
			result = hand_out(perf, &record, take, data);
		ring_step(ring);
		if (ring->tail - released >= RELEASE_BYTES) {
			ring_release(ring);
			released = ring->tail;
		}
		if (result < 0)
			return result;
	} while (load_until(ring, until));
	return 0;
}

int perf_drain(struct perf *perf, uint64_t horizon, perf_take *take, void *data)
{
	waker_heard(perf->waker);
	/*
	 * The clock is read before the heads of the rings. An effect that one of them shows with an older time than
	 * this had its cause written before, so the cause is in sight too.
	 */
	uint64_t now = perf_now();
	if (horizon != UINT64_MAX && horizon > now)
		horizon = now;
	int result = 0;
	size_t count = begin_drain(perf, horizon);
	while (count > 0 && result == 0) {
		struct ring *ring = perf->heap[0];
		uint64_t until = horizon;
		for (size_t i = 1; i < count && i < 3; i++)
			if (perf->heap[i]->time < until)
				until = perf->heap[i]->time;
		result = drain_ring(perf, ring, until, take, data);
		if (!ring->next || ring->time > horizon)
			perf->heap[0] = perf->heap[--count];
		sift_down(perf->heap, count, 0);
	}
	for (size_t i = 0; i < perf->n_cpus; i++)
		ring_release(&perf->cpus[i].ring);
	return result;
}

bool perf_exact(const struct perf *perf)
{
	return perf->codes != NULL;
}

bool perf_has_newtask(const struct perf *perf)
{
	return perf->streams & 1u << RING_NEWTASK;
}

bool perf_has_arguments(const struct perf *perf)
{
	return perf->streams & 1u << RING_EXEC;
}

bool perf_has_kills(const struct perf *perf)
{
	return perf->streams & 1u << RING_KILL;
}

bool perf_has_signals(const struct perf *perf)
{
	return perf->streams & 1u << RING_DELIVER;
}

size_t perf_fds(const struct perf *perf, int *fds, size_t size)
{
	for (size_t i = 0; i < perf->n_cpus && i < size; i++)
		fds[i] = perf->cpus[i].fds[perf->carrier];
	return perf->n_cpus;
}

/*
 * A mapping that mremap has moved is in no record: it can be looked up in /proc while the process lives, which a
 * ring that fills slowly would outlast.
 */
#define LOOK_MS 10

static bool any_record(void *data)
{
	const struct perf *perf = data;
	for (size_t i = 0; i < perf->n_cpus; i++) {
		const struct perf_event_mmap_page *page = perf->cpus[i].ring.page;
		if (__atomic_load_n(&page->data_head, __ATOMIC_RELAXED) !=
			__atomic_load_n(&page->data_tail, __ATOMIC_RELAXED))
			return true;
	}
	return false;
}

int perf_wake_by_signal(struct perf *perf, int signo)
{
	int *fds = malloc(perf->n_cpus * sizeof *fds);
	if (!fds)
		return -ENOMEM;
	size_t count = perf_fds(perf, fds, perf->n_cpus);
	int every_ms = perf->carrier == RING_MINOR ? LOOK_MS : 0;
	int result = waker_create(&perf->waker, fds, count, signo, every_ms, any_record, perf);
	free(fds);
	return result;
}

uint64_t perf_lost(const struct perf *perf)
{
	return perf->lost;
}

uint64_t perf_records(const struct perf *perf)
{
	return perf->records;
}

uint64_t perf_fault_records(const struct perf *perf)
{
	return perf->faults;
}
