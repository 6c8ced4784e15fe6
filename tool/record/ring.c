#include "record/ring.h"

#include <string.h>

/* sizeof the trailer: pid, tid, time, identifier. */
#define TRAILER 24

struct fault_sample {
	struct perf_event_header header;
	uint64_t id, ip;
	uint32_t pid, tid;
	uint64_t time, address;
};

struct trace_sample {
	struct perf_event_header header;
	uint64_t id;
	uint32_t pid, tid;
	uint64_t time;
	uint32_t size;
	char raw[];
};

struct task_record {
	struct perf_event_header header;
	uint32_t pid, ppid, tid, ptid;
};

struct comm_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	char name[];
};

struct mmap_record {
	struct perf_event_header header;
	uint32_t pid, tid;
	uint64_t start, length, offset;
	uint32_t major, minor;
	uint64_t inode, generation;
	uint32_t prot, flags;
	char path[];
};

struct lost_record {
	struct perf_event_header header;
	uint64_t id, lost;
};

void ring_begin(struct ring *ring)
{
	ring->head = __atomic_load_n(&ring->page->data_head, __ATOMIC_ACQUIRE);
	ring->tail = ring->page->data_tail;
	ring->next = NULL;
}

/* Copy from the ring, over its edge if need be. */
static void ring_copy(const struct ring *ring, uint64_t from, void *to, size_t size)
{
	uint64_t offset = from & (ring->size - 1);
	size_t first = size <= ring->size - offset ? size : (size_t)(ring->size - offset);
	memcpy(to, ring->data + offset, first);
	memcpy((char *)to + first, ring->data, size - first);
}

static enum ring_stream stream_of(const struct ring *ring, uint64_t id)
{
	for (int i = RING_MINOR; i < RING_STREAMS; i++)
		if (ring->ids[i] == id && id)
			return (enum ring_stream)i;
	return RING_SIDE;
}

static bool is_fault_sample(enum ring_stream stream)
{
	return stream == RING_MINOR || stream == RING_MAJOR;
}

enum ring_stream ring_stream(const struct ring *ring)
{
	uint64_t id;
	if (ring->next->type != PERF_RECORD_SAMPLE || ring->next->size < sizeof *ring->next + sizeof id)
		return RING_SIDE;
	memcpy(&id, ring->next + 1, sizeof id);
	return stream_of(ring, id);
}

static uint64_t time_of(const struct ring *ring)
{
	const struct perf_event_header *header = ring->next;
	size_t at = (size_t)header->size - 16;
	if (header->type == PERF_RECORD_SAMPLE)
		at = is_fault_sample(ring_stream(ring)) ? offsetof(struct fault_sample, time)
							: offsetof(struct trace_sample, time);
	uint64_t time = 0;
	if (header->size >= sizeof *header + 16 && at + sizeof time <= header->size)
		memcpy(&time, (const char *)header + at, sizeof time);
	return time;
}

bool ring_load(struct ring *ring)
{
	ring->next = NULL;
	if (ring->tail >= ring->head)
		return false;
	/* Records are padded to eight bytes, so a header never wraps. */
	uint64_t offset = ring->tail & (ring->size - 1);
	const struct perf_event_header *header = (const void *)(ring->data + offset);
	uint16_t size = header->size;
	if (size < sizeof *header || size > ring->head - ring->tail) {
		ring->tail = ring->head; /* nothing after a record without a length can be found */
		return false;
	}
	if (offset + size > ring->size) {
		ring_copy(ring, ring->tail, ring->bounce, size);
		header = (const void *)ring->bounce;
	}
	ring->next = header;
	ring->time = time_of(ring);
	return true;
}

void ring_step(struct ring *ring)
{
	ring->tail += ring->next->size;
	ring->next = NULL;
}

void ring_release(struct ring *ring)
{
	__atomic_store_n(&ring->page->data_tail, ring->tail, __ATOMIC_RELEASE);
}

static int decode_fault(const struct perf_event_header *header, bool major, struct perf_record *record)
{
	const struct fault_sample *sample = (const void *)header;
	if (header->size < sizeof *sample)
		return 0;
	record->type = PERF_FAULT;
	record->pid = (int)sample->pid;
	record->tid = (int)sample->tid;
	record->fault.address = sample->address;
	record->fault.ip = sample->ip;
	record->fault.major = major;
	record->fault.code_known = false;
	record->fault.code = 0;
	return 1;
}

static void decode_signal(
	const struct tracepoint_field *fields, const void *raw, size_t size, struct perf_record *record)
{
	record->signal.signo = (int)tracepoint_value(&fields[SIGNAL_SIGNO], raw, size);
	record->signal.code = (int)tracepoint_value(&fields[SIGNAL_CODE], raw, size);
	record->signal.target = (int)tracepoint_value(&fields[SIGNAL_TARGET], raw, size);
	record->signal.group = tracepoint_value(&fields[SIGNAL_GROUP], raw, size) != 0;
	record->signal.delivered = tracepoint_value(&fields[SIGNAL_RESULT], raw, size) == 0;
}

/* After the raw data: which registers there are, the stack pointer, and the stack in front of its own length. */
static int decode_exec(const struct perf_event_header *header, size_t raw_size, struct perf_record *record)
{
	const char *at = (const char *)header + offsetof(struct trace_sample, raw) + raw_size;
	const char *end = (const char *)header + header->size;
	uint64_t words[3]; /* kind of registers, stack pointer, room */
	if ((size_t)(end - at) < sizeof words)
		return 0;
	memcpy(words, at, sizeof words);
	at += sizeof words;
	uint64_t room = words[2], length = 0;
	if (words[0] == PERF_SAMPLE_REGS_ABI_NONE || room > (size_t)(end - at) ||
		(size_t)(end - at) - room < sizeof length)
		return 0;
	memcpy(&length, at + room, sizeof length);
	record->type = PERF_EXEC;
	record->exec.compat = words[0] == PERF_SAMPLE_REGS_ABI_32;
	record->exec.stack_pointer = words[1];
	record->exec.stack = (const uint8_t *)at;
	record->exec.stack_length = length < room ? length : room;
	return 1;
}

static int decode_trace(const struct perf_event_header *header, enum ring_stream stream,
	const struct tracepoint *points, struct perf_record *record)
{
	const struct trace_sample *sample = (const void *)header;
	if (header->size < sizeof *sample)
		return 0;
	size_t size = sample->size;
	if (size > header->size - offsetof(struct trace_sample, raw))
		return 0;
	const struct tracepoint_field *fields = points[stream].fields;
	record->pid = (int)sample->pid;
	record->tid = (int)sample->tid;
	switch (stream) {
	case RING_CODE:
		record->type = PERF_FAULT;
		record->fault.address = tracepoint_value(&fields[CODE_ADDRESS], sample->raw, size);
		record->fault.ip = tracepoint_value(&fields[CODE_IP], sample->raw, size);
		record->fault.code = (unsigned)tracepoint_value(&fields[CODE_ERROR], sample->raw, size);
		record->fault.code_known = true;
		record->fault.major = false;
		return 1;
	case RING_NEWTASK:
		record->type = PERF_NEWTASK;
		record->clone_flags = tracepoint_value(&fields[NEWTASK_FLAGS], sample->raw, size);
		return 1;
	case RING_DELIVER:
	case RING_KILL:
		record->type = stream == RING_KILL ? PERF_SIGNAL : PERF_DELIVER;
		decode_signal(fields, sample->raw, size, record);
		return 1;
	case RING_OOM:
		record->type = PERF_OOM;
		record->victim = (int)tracepoint_value(&fields[OOM_PID], sample->raw, size);
		return 1;
	case RING_EXEC:
		return decode_exec(header, size, record);
	default:
		return 0;
	}
}

static int decode_sample(const struct ring *ring, const struct tracepoint *points, struct perf_record *record)
{
	enum ring_stream stream = ring_stream(ring);
	if (is_fault_sample(stream))
		return decode_fault(ring->next, stream == RING_MAJOR, record);
	return decode_trace(ring->next, stream, points, record);
}

static int decode_task(const struct perf_event_header *header, struct perf_record *record)
{
	const struct task_record *task = (const void *)header;
	if (header->size < sizeof *task + TRAILER)
		return 0;
	record->pid = (int)task->pid;
	record->tid = (int)task->tid;
	if (header->type == PERF_RECORD_FORK) {
		record->type = PERF_FORK;
		record->fork.maker_pid = (int)task->ppid;
		record->fork.maker_tid = (int)task->ptid;
	} else {
		record->type = PERF_EXIT;
		record->exit.parent = (int)task->ppid;
	}
	return 1;
}

static bool ends_in_time(const char *string, const struct perf_event_header *header)
{
	const char *end = (const char *)header + header->size - TRAILER;
	return string < end && memchr(string, '\0', (size_t)(end - string));
}

static int decode_comm(const struct perf_event_header *header, struct perf_record *record)
{
	const struct comm_record *comm = (const void *)header;
	if (header->size < sizeof *comm + TRAILER || !ends_in_time(comm->name, header))
		return 0;
	record->type = PERF_COMM;
	record->pid = (int)comm->pid;
	record->tid = (int)comm->tid;
	record->comm.exec = header->misc & PERF_RECORD_MISC_COMM_EXEC;
	record->comm.name = comm->name;
	return 1;
}

static int decode_mmap(const struct perf_event_header *header, struct perf_record *record)
{
	const struct mmap_record *map = (const void *)header;
	if (header->size < sizeof *map + TRAILER || !ends_in_time(map->path, header))
		return 0;
	record->type = PERF_MMAP;
	record->pid = (int)map->pid;
	record->tid = (int)map->tid;
	record->mmap.start = map->start;
	record->mmap.length = map->length;
	record->mmap.offset = map->offset;
	record->mmap.major = map->major;
	record->mmap.minor = map->minor;
	record->mmap.inode = map->inode;
	record->mmap.generation = map->generation;
	record->mmap.prot = map->prot;
	record->mmap.flags = map->flags;
	record->mmap.path = map->path;
	return 1;
}

static int decode_trailer(const struct perf_event_header *header, struct perf_record *record)
{
	uint32_t ids[2];
	if (header->size < sizeof *header + TRAILER)
		return 0;
	memcpy(ids, (const char *)header + header->size - TRAILER, sizeof ids);
	record->pid = (int)ids[0];
	record->tid = (int)ids[1];
	return 1;
}

static int decode_switch(const struct perf_event_header *header, struct perf_record *record)
{
	record->type = PERF_SWITCH;
	record->sched.out = header->misc & PERF_RECORD_MISC_SWITCH_OUT;
	record->sched.preempted = header->misc & PERF_RECORD_MISC_SWITCH_OUT_PREEMPT;
	return decode_trailer(header, record);
}

static int decode_lost(const struct perf_event_header *header, struct perf_record *record)
{
	const struct lost_record *lost = (const void *)header;
	bool samples = header->type == PERF_RECORD_LOST_SAMPLES; /* which has no id before the count */
	if (header->size < sizeof *lost + TRAILER - (samples ? 8 : 0))
		return 0;
	record->type = PERF_LOST;
	record->lost = samples ? lost->id : lost->lost;
	return decode_trailer(header, record);
}

int ring_decode(const struct ring *ring, const struct tracepoint *points, struct perf_record *record)
{
	const struct perf_event_header *header = ring->next;
	record->time = ring->time;
	switch (header->type) {
	case PERF_RECORD_SAMPLE:
		return decode_sample(ring, points, record);
	case PERF_RECORD_FORK:
	case PERF_RECORD_EXIT:
		return decode_task(header, record);
	case PERF_RECORD_COMM:
		return decode_comm(header, record);
	case PERF_RECORD_MMAP2:
		return decode_mmap(header, record);
	case PERF_RECORD_SWITCH:
		return decode_switch(header, record);
	case PERF_RECORD_LOST:
	case PERF_RECORD_LOST_SAMPLES:
		return decode_lost(header, record);
	default:
		return 0;
	}
}
