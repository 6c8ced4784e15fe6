/* The perf rings: what their bytes mean, and in which order records come out of several. */
#include "tap.h"

#include "record/perf_set.h"
#include "record/ring.h"

#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#define SIZE 4096
#define MINOR_ID 11
#define MAJOR_ID 12
#define CODE_ID 13
#define NEWTASK_ID 14
#define KILL_ID 15

/* A ring in plain memory, written as the kernel would. */
struct fake {
	struct perf_event_mmap_page page;
	char data[SIZE];
	char bounce[RING_BOUNCE];
	struct ring ring;
};

static const struct tracepoint points[RING_STREAMS] = {
	[RING_CODE] = { .fields = { { "address", 8, 8 }, { "ip", 16, 8 }, { "error_code", 24, 8 } } },
	[RING_NEWTASK] = { .fields = { { "clone_flags", 32, 8 } } },
	[RING_KILL] = { .fields = { { "sig", 8, 4 }, { "code", 16, 4 }, { "pid", 36, 4 }, { "group", 40, 4 },
				{ "result", 44, 4 } } },
};

static struct fake *fake_create(uint64_t begin)
{
	struct fake *fake = calloc(1, sizeof *fake);
	if (!fake)
		abort();
	fake->page.data_head = fake->page.data_tail = begin;
	fake->ring = (struct ring){
		.page = &fake->page, .data = fake->data, .size = SIZE, .bounce = fake->bounce
	};
	fake->ring.ids[RING_MINOR] = MINOR_ID;
	fake->ring.ids[RING_MAJOR] = MAJOR_ID;
	fake->ring.ids[RING_CODE] = CODE_ID;
	fake->ring.ids[RING_NEWTASK] = NEWTASK_ID;
	fake->ring.ids[RING_KILL] = KILL_ID;
	return fake;
}

static void put_bytes(struct fake *fake, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fake->data[(fake->page.data_head + i) % SIZE] = ((const char *)bytes)[i];
	fake->page.data_head += size;
}

static void put(struct fake *fake, uint32_t type, uint16_t misc, const void *body, size_t size)
{
	size_t padded = (size + 7) & ~(size_t)7;
	struct perf_event_header header = { type, misc, (uint16_t)(sizeof header + padded) };
	const char zeroes[8] = { 0 };
	put_bytes(fake, &header, sizeof header);
	put_bytes(fake, body, size);
	put_bytes(fake, zeroes, padded - size);
}

/* A record that is no sample: its body, then the trailer. */
static void put_side(
	struct fake *fake, uint32_t type, uint16_t misc, const void *body, size_t size, uint64_t time)
{
	char bytes[1024] = { 0 };
	struct {
		uint32_t pid, tid;
		uint64_t time, id;
	} trailer = { 70, 71, time, MINOR_ID };
	size_t padded = (size + 7) & ~(size_t)7;
	if (size > 0)
		memcpy(bytes, body, size);
	memcpy(bytes + padded, &trailer, sizeof trailer);
	put(fake, type, misc, bytes, padded + sizeof trailer);
}

static void put_fault(struct fake *fake, uint64_t id, int tid, uint64_t time, uint64_t address)
{
	struct {
		uint64_t id, ip;
		uint32_t pid, tid;
		uint64_t time, address;
	} body = { id, 0x401000, 5, (uint32_t)tid, time, address };
	put(fake, PERF_RECORD_SAMPLE, 0, &body, sizeof body);
}

static void put_trace(struct fake *fake, uint64_t id, int tid, uint64_t time, const void *raw, uint32_t size)
{
	struct {
		uint64_t id;
		uint32_t pid, tid;
		uint64_t time;
		uint32_t size;
		char raw[100];
	} body = { .id = id, .pid = 5, .tid = (uint32_t)tid, .time = time, .size = size };
	memcpy(body.raw, raw, size);
	put(fake, PERF_RECORD_SAMPLE, 0, &body, 28 + size);
}

static int next(struct fake *fake, struct perf_record *record)
{
	memset(record, 0x5a, sizeof *record);
	if (!ring_load(&fake->ring))
		return -1;
	int result = ring_decode(&fake->ring, points, record);
	ring_step(&fake->ring);
	return result;
}

static void test_side_records(void)
{
	struct fake *fake = fake_create(SIZE * 7 + 4016); /* so that a record wraps */
	struct perf_record record;
	const uint32_t fork[] = { 10, 20, 11, 21, 0, 0 }, name[] = { 10, 11, 0x636261, 0 };
	struct {
		uint32_t pid, tid;
		uint64_t start, length, offset;
		uint32_t major, minor;
		uint64_t inode, generation;
		uint32_t prot, flags;
		char path[16];
	} map = { 10, 11, 0x7000, 0x2000, 0x1000, 8, 1, 77, 3, 5, 2, "/lib/libx.so" };
	const uint64_t lost[] = { MINOR_ID, 42 };
	put_side(fake, PERF_RECORD_FORK, 0, fork, sizeof fork, 100);
	put_side(fake, PERF_RECORD_COMM, PERF_RECORD_MISC_COMM_EXEC, name, sizeof name, 101);
	put_side(fake, PERF_RECORD_MMAP2, 0, &map, sizeof map, 102);
	put_side(fake, PERF_RECORD_EXIT, 0, fork, sizeof fork, 103);
	put_side(fake, PERF_RECORD_SWITCH, PERF_RECORD_MISC_SWITCH_OUT, NULL, 0, 104);
	put_side(fake, PERF_RECORD_LOST, 0, lost, sizeof lost, 105);
	put_side(fake, PERF_RECORD_LOST_SAMPLES, 0, lost + 1, sizeof *lost, 106);
	put_side(fake, PERF_RECORD_THROTTLE, 0, lost, sizeof lost, 107);
	ring_begin(&fake->ring);
	tap_ok(next(fake, &record) == 1 && record.type == PERF_FORK && record.time == 100, "FORK");
	tap_ok(record.pid == 10 && record.tid == 11 && record.fork.maker_pid == 20 &&
			record.fork.maker_tid == 21,
		"FORK names child and maker");
	tap_ok(next(fake, &record) == 1 && record.type == PERF_COMM && record.comm.exec && record.tid == 11 &&
			record.time == 101,
		"COMM by exec");
	tap_is_string(record.comm.name, "abc", "COMM has the name");
	tap_ok(next(fake, &record) == 1 && record.type == PERF_MMAP && record.time == 102, "MMAP2");
	tap_ok(record.mmap.start == 0x7000 && record.mmap.length == 0x2000 && record.mmap.offset == 0x1000 &&
			record.mmap.inode == 77 && record.mmap.major == 8 && record.mmap.minor == 1 &&
			record.mmap.prot == 5 && record.mmap.flags == 2,
		"MMAP2 has range, file and protection");
	tap_is_string(record.mmap.path, "/lib/libx.so", "MMAP2 has the path, also over the ring's edge");
	tap_ok(next(fake, &record) == 1 && record.type == PERF_EXIT && record.exit.parent == 20, "EXIT");
	tap_ok(next(fake, &record) == 1 && record.type == PERF_SWITCH && record.sched.out &&
			!record.sched.preempted && record.pid == 70 && record.tid == 71,
		"SWITCH, whose task is in the trailer");
	tap_ok(next(fake, &record) == 1 && record.type == PERF_LOST && record.lost == 42, "LOST");
	tap_ok(next(fake, &record) == 1 && record.type == PERF_LOST && record.lost == 42, "LOST_SAMPLES");
	tap_is_int(next(fake, &record), 0, "a record kin does not want is passed over");
	tap_is_int(next(fake, &record), -1, "then the ring is empty");
	free(fake);
}

static void test_samples(void)
{
	struct fake *fake = fake_create(0);
	struct perf_record record;
	const uint64_t code[] = { 0, 0xabc123, 0x401000, 7 };
	uint64_t newtask[] = { 0, 0, 0, 0, 0x50f00 };
	uint32_t kill[12] = { 0, 0, SIGKILL, 0, (uint32_t)SI_USER, 0, 0, 0, 0, 99, 1, 0 };
	put_fault(fake, MINOR_ID, 6, 200, 0x1234);
	put_fault(fake, MAJOR_ID, 6, 201, 0x2345);
	put_trace(fake, CODE_ID, 6, 202, code, sizeof code);
	put_trace(fake, NEWTASK_ID, 6, 203, newtask, sizeof newtask);
	put_trace(fake, KILL_ID, 6, 204, kill, sizeof kill);
	put_fault(fake, 999, 6, 205, 0x1234);
	ring_begin(&fake->ring);
	tap_ok(next(fake, &record) == 1 && record.type == PERF_FAULT && !record.fault.major &&
			record.time == 200,
		"a minor fault");
	tap_ok(record.fault.address == 0x1234 && record.fault.ip == 0x401000 && record.pid == 5 &&
			record.tid == 6,
		"has its address, place and task");
	tap_ok(next(fake, &record) == 1 && record.fault.major && record.fault.address == 0x2345,
		"a major fault");
	tap_ok(next(fake, &record) == 1 && record.type == PERF_FAULT && record.fault.code_known &&
			record.fault.code == 7 && record.fault.address == 0xabc123 && record.time == 202,
		"an error code");
	tap_ok(next(fake, &record) == 1 && record.type == PERF_NEWTASK && record.clone_flags == 0x50f00,
		"the flags of a new task");
	tap_ok(next(fake, &record) == 1 && record.type == PERF_SIGNAL && record.signal.signo == SIGKILL &&
			record.signal.code == SI_USER && record.signal.target == 99 && record.signal.group &&
			record.signal.delivered,
		"a signal");
	tap_is_int(next(fake, &record), 0, "a sample of an unknown event is passed over");
	free(fake);
}

/* Whatever stands in a ring, nothing beyond its record is read (the sanitizers watch). */
static void test_short_records(void)
{
	static const uint32_t types[] = { PERF_RECORD_SAMPLE, PERF_RECORD_FORK, PERF_RECORD_EXIT,
		PERF_RECORD_COMM, PERF_RECORD_MMAP2, PERF_RECORD_SWITCH, PERF_RECORD_LOST,
		PERF_RECORD_LOST_SAMPLES };
	const uint64_t ids[] = { MINOR_ID, CODE_ID, KILL_ID };
	bool sane = true;
	for (size_t type = 0; type < sizeof types / sizeof *types; type++) {
		for (size_t id = 0; id < 3; id++) {
			for (size_t size = 0; size <= 24; size += 8) {
				struct fake *fake = fake_create(0);
				struct perf_record record;
				uint64_t body[3] = { ids[id], ~0u, ~0u };
				put(fake, types[type], 0, body, size);
				ring_begin(&fake->ring);
				int result = next(fake, &record);
				/* A switch has nothing but the trailer. */
				sane &= result == 0 || (types[type] == PERF_RECORD_SWITCH && size == 24);
				free(fake);
			}
		}
	}
	tap_ok(sane, "records shorter than their type are passed over");
	struct fake *fake = fake_create(0);
	struct perf_record record;
	const struct perf_event_header broken = { PERF_RECORD_FORK, 0, 0 };
	put_bytes(fake, &broken, sizeof broken);
	put_fault(fake, MINOR_ID, 6, 200, 0x1234);
	ring_begin(&fake->ring);
	tap_is_int(next(fake, &record), -1, "a record without a length ends the drain");
	ring_release(&fake->ring);
	tap_ok(fake->page.data_tail == fake->page.data_head, "and the ring goes on after it");
	free(fake);
}

#define RINGS 5

struct set {
	struct perf perf;
	struct fake *fakes[RINGS];
	struct perf_cpu cpus[RINGS];
	struct ring *heap[RINGS];
};

static void set_init(struct set *set)
{
	*set = (struct set){ .perf = { .n_cpus = RINGS, .page_size = 4096 } };
	memcpy(set->perf.points, points, sizeof points);
	set->perf.cpus = set->cpus;
	set->perf.heap = set->heap;
	for (int i = 0; i < RINGS; i++) {
		set->fakes[i] = fake_create((uint64_t)i * 1000 * 8);
		set->cpus[i].ring = set->fakes[i]->ring;
	}
}

static void set_finish(struct set *set)
{
	for (int i = 0; i < RINGS; i++)
		free(set->fakes[i]);
}

struct seen {
	uint64_t times[256];
	size_t count;
	struct perf_record last;
	int stop_after; // 0: never
};

static int see(void *data, const struct perf_record *record)
{
	struct seen *seen = data;
	seen->times[seen->count++ % 256] = record->time;
	seen->last = *record;
	return seen->stop_after && seen->count == (size_t)seen->stop_after ? -5 : 0;
}

static bool ordered(const struct seen *seen)
{
	for (size_t i = 1; i < seen->count; i++)
		if (seen->times[i] < seen->times[i - 1])
			return false;
	return true;
}

static void test_merge(void)
{
	struct set set;
	struct seen seen = { .count = 0 };
	unsigned random = 7;
	uint64_t times[RINGS] = { 0 };
	set_init(&set);
	for (int i = 0; i < 200; i++) {
		random = random * 1103515245 + 12345;
		unsigned ring = (random >> 16) % RINGS;
		times[ring] += 1 + (random >> 8) % 50;
		put_fault(set.fakes[ring], MINOR_ID, 6, times[ring], 0x1000);
	}
	tap_is_int(perf_drain(&set.perf, 60, see, &seen), 0, "a drain up to a time");
	bool newer = false;
	for (size_t i = 0; i < seen.count; i++)
		newer |= seen.times[i] > 60;
	tap_ok(seen.count > 0 && !newer, "hands out nothing newer");
	size_t before = seen.count;
	perf_drain(&set.perf, 60, see, &seen);
	tap_is_int(seen.count, before, "and nothing twice");
	tap_is_int(perf_drain(&set.perf, UINT64_MAX, see, &seen), 0, "a drain of everything");
	tap_is_int(seen.count, 200, "hands out every record");
	tap_ok(ordered(&seen), "in the order of time");
	tap_ok(perf_fault_records(&set.perf) == 200 && perf_records(&set.perf) == 200, "and counts them");
	put_fault(set.fakes[0], MINOR_ID, 6, perf_now() + 1000000000000u, 0x1000);
	perf_drain(&set.perf, perf_now() + 2000000000000u, see, &seen);
	tap_is_int(seen.count, 200, "what is newer than the drain itself stays, whatever the horizon");
	perf_drain(&set.perf, UINT64_MAX, see, &seen);
	tap_is_int(seen.count, 201, "but for the last drain");
	set_finish(&set);
}

static void test_stop(void)
{
	struct set set;
	struct seen seen = { .stop_after = 3 };
	const uint64_t lost[] = { MINOR_ID, 42 };
	set_init(&set);
	for (unsigned i = 0; i < 10; i++)
		put_fault(set.fakes[i % RINGS], MINOR_ID, 6, i, 0x1000);
	put_side(set.fakes[2], PERF_RECORD_LOST, 0, lost, sizeof lost, 11);
	tap_is_int(perf_drain(&set.perf, UINT64_MAX, see, &seen), -5, "an error of take() ends the drain");
	tap_is_int(seen.count, 3, "at once");
	seen.stop_after = 0;
	perf_drain(&set.perf, UINT64_MAX, see, &seen);
	tap_ok(seen.count == 11 && ordered(&seen), "and the rest comes with the next");
	tap_is_int(perf_lost(&set.perf), 42, "lost records are counted");
	set_finish(&set);
}

static void test_codes(void)
{
	struct set set;
	struct seen seen = { .count = 0 };
	struct perf_code codes[PERF_CODES] = { { 0 } };
	const uint64_t code[] = { 0, 0x5678, 0x401000, 7 }, other[] = { 0, 0x9000, 0x401000, 6 };
	set_init(&set);
	set.perf.codes = codes;
	put_trace(set.fakes[0], CODE_ID, 6, 1, code, sizeof code);
	put_fault(set.fakes[0], MINOR_ID, 6, 2, 0x5678);
	perf_drain(&set.perf, UINT64_MAX, see, &seen);
	tap_ok(seen.count == 1 && seen.last.fault.code_known && seen.last.fault.code == 7,
		"the start and the end of a fault become one record");
	put_trace(set.fakes[0], CODE_ID, 6, 3, other, sizeof other);
	put_trace(set.fakes[1], CODE_ID, 7, 4, other, sizeof other);
	put_fault(set.fakes[0], MINOR_ID, 6, 5, 0x5678);
	perf_drain(&set.perf, UINT64_MAX, see, &seen);
	tap_ok(seen.count == 2 && seen.last.fault.code_known && seen.last.fault.code == 0,
		"but not if they are of different pages: then the page was absent");
	put_fault(set.fakes[0], MAJOR_ID, 7, 6, 0x9000);
	perf_drain(&set.perf, UINT64_MAX, see, &seen);
	tap_ok(seen.count == 3 && seen.last.fault.code_known && seen.last.fault.code == 6 &&
			seen.last.fault.major,
		"a fault that waits for I/O keeps its code meanwhile");
	put_fault(set.fakes[0], MINOR_ID, 7, 7, 0x9000);
	perf_drain(&set.perf, UINT64_MAX, see, &seen);
	tap_is_int(seen.last.fault.code, 0, "and a code is used once");
	tap_is_int(perf_fault_records(&set.perf), 4, "starts alone are no faults");
	set.perf.codes = NULL;
	set_finish(&set);
}

static const char format[] =
	"name: page_fault_user\nID: 190\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
	"\tfield:unsigned long address;\toffset:8;\tsize:8;\tsigned:0;\n"
	"\tfield:char comm[16];\toffset:16;\tsize:16;\tsigned:0;\n"
	"\tfield:pid_t last_pid;\toffset:32;\tsize:4;\tsigned:1;\n"
	"\tfield:pid_t pid;\toffset:36;\tsize:4;\tsigned:1;\n\nprint fmt: \"pid=%d\", REC->pid\n";

static void test_format(void)
{
	struct tracepoint_field address = { "address", 0, 0 }, comm = { "comm", 0, 0 }, pid = { "pid", 0, 0 };
	struct tracepoint_field none = { "ress", 0, 0 };
	char raw[40] = { 0 };
	int32_t value = 1234;
	memcpy(raw + 36, &value, sizeof value);
	tap_ok(tracepoint_parse_field(format, &address) == 0 && address.offset == 8 && address.size == 8,
		"a field");
	tap_ok(tracepoint_parse_field(format, &comm) == 0 && comm.offset == 16 && comm.size == 16,
		"an array");
	tap_ok(tracepoint_parse_field(format, &pid) == 0 && pid.offset == 36 && pid.size == 4,
		"a field whose name ends another's");
	tap_is_int(tracepoint_parse_field(format, &none), -ENOENT, "a part of a name is no name");
	tap_is_int(tracepoint_parse_field("", &none), -ENOENT, "an empty format has no fields");
	tap_is_int(tracepoint_value(&pid, raw, sizeof raw), 1234, "a field's value");
	tap_is_int(tracepoint_value(&pid, raw, 39), 0, "is 0 beyond the sample");
	tap_is_int(tracepoint_value(&none, raw, sizeof raw), 0, "and where there is no such field");
}

int main(void)
{
	test_side_records();
	test_samples();
	test_short_records();
	test_merge();
	test_stop();
	test_codes();
	test_format();
	return tap_done();
}
