/* The causes of page faults, from records that no kernel has written. */
#include "tap.h"

#include "record/faults.h"
#include "record/symbols.h"

#include <malloc.h>
#include <sched.h>
#include <sys/mman.h>
#include <unistd.h>

/* No such processes: nothing can be read from /proc. */
#define PARENT 0x7ffffff0
#define CHILD 0x7ffffff1
#define THREAD 0x7ffffff2

#define RW (PROT_READ | PROT_WRITE)
#define CODE 0x400000u
#define DATA 0x500000u
#define ANON 0x700000u
#define HUGE 0x40000000u
#define SHARED 0x900000u
#define SHARED_FILE 0xa00000u

enum { ABSENT = 0, PRESENT_WRITE = PERF_CODE_PRESENT | PERF_CODE_WRITE };

struct sums {
	uint64_t cause[CAUSE_COUNT], major, all, rows, largest, last;
	enum mapping_kind mapping;
	char object[64], place[64];
	bool descending;
};

static struct faults *faults;
static struct symbols *symbols;
static uint64_t page_size;

static void begin(bool births_told)
{
	if (symbols_create(&symbols) < 0 ||
		faults_create(&faults,
			&(struct faults_options){ .births_told = births_told, .symbols = symbols }) < 0)
		abort();
}

static void end(void)
{
	faults_destroy(faults);
	symbols_destroy(symbols);
}

static int add_row(void *data, const struct event_faults *row)
{
	struct sums *sums = data;
	sums->cause[row->cause] += row->count;
	sums->major += row->major ? row->count : 0;
	sums->all += row->count;
	sums->descending &= sums->rows == 0 || row->count <= sums->last;
	sums->last = row->count;
	if (row->count > sums->largest) {
		sums->largest = row->count;
		sums->mapping = row->mapping;
		snprintf(sums->object, sizeof sums->object, "%s", row->object ? row->object : "");
		snprintf(sums->place, sizeof sums->place, "%s", row->place ? row->place : "");
	}
	sums->rows++;
	return 0;
}

static struct sums leave(int tid)
{
	struct sums sums = { .descending = true };
	faults_exit(faults, tid, add_row, &sums);
	return sums;
}

static void map(int pid, uint64_t start, uint64_t pages, uint32_t prot, uint32_t flags, const char *path)
{
	struct perf_record record = { .type = PERF_MMAP,
		.pid = pid,
		.tid = pid,
		.mmap = { .start = start,
			.length = pages * page_size,
			.prot = prot,
			.flags = flags,
			.path = path } };
	faults_record(faults, &record);
}

static void fork_record(int maker, int pid, int tid)
{
	struct perf_record record = { .type = PERF_FORK, .pid = pid, .tid = tid, .fork = { maker, maker } };
	faults_record(faults, &record);
}

static void newtask(int maker, uint64_t flags)
{
	struct perf_record record = {
		.type = PERF_NEWTASK, .pid = maker, .tid = maker, .clone_flags = flags
	};
	faults_record(faults, &record);
}

static void exec(int pid)
{
	struct perf_record record = {
		.type = PERF_COMM, .pid = pid, .tid = pid, .comm = { true, "program" }
	};
	faults_record(faults, &record);
	map(pid, CODE, 16, PROT_READ | PROT_EXEC, MAP_PRIVATE, "/nowhere/program");
	map(pid, DATA, 32, RW, MAP_PRIVATE, "/nowhere/program");
	map(pid, ANON + ((uint64_t)1 << 40), 64, RW, MAP_PRIVATE, "//anon");
	map(pid, SHARED, 64, RW, MAP_SHARED, "/dev/zero (deleted)");
	map(pid, SHARED_FILE, 64, RW, MAP_SHARED, "/srv/data");
}

/* Faults on consecutive pages, each from the same instruction. code < 0: not known. */
static void fault(int pid, int tid, uint64_t address, uint64_t pages, int code, bool major)
{
	for (uint64_t i = 0; i < pages; i++) {
		struct perf_record record = { .type = PERF_FAULT,
			.pid = pid,
			.tid = tid,
			.fault = {
				address + i * page_size, CODE + 0x123, major, code >= 0, (unsigned)code } };
		faults_record(faults, &record);
	}
}

#define ANON_AT (ANON + ((uint64_t)1 << 40))

static void test_unprivileged(void)
{
	begin(false);
	exec(PARENT);
	fault(PARENT, PARENT, ANON_AT, 10, -1, false);
	fault(PARENT, PARENT, DATA, 5, -1, false);
	fault(PARENT, PARENT, DATA, 5, -1, false);
	fault(PARENT, PARENT, CODE, 3, -1, true);
	fault(PARENT, PARENT, CODE, 3, -1, false);
	fault(PARENT, PARENT, SHARED, 4, -1, false);
	fault(PARENT, PARENT, SHARED_FILE, 6, -1, false);
	fault(PARENT, PARENT, 0x1000, 2, -1, false);
	uint64_t minor, major;
	faults_located(faults, PARENT, &minor, &major);
	tap_ok(minor == 35 && major == 3, "faults are counted as they come");
	struct sums sums = leave(PARENT);
	tap_is_int(sums.cause[CAUSE_ZERO], 10, "first touches of anonymous memory are zero-fill");
	tap_is_int(sums.cause[CAUSE_COW], 5, "second touches of a private file's writable pages are copies");
	tap_is_int(sums.cause[CAUSE_FILE], 5 + 6 + 6,
		"touches of file pages are the file's, read-only ones always");
	tap_is_int(sums.cause[CAUSE_SHARED], 4, "those of shared memory are shared");
	tap_is_int(sums.cause[CAUSE_OTHER], 2, "those in no known mapping are other");
	tap_is_int(sums.major, 3, "major ones are told apart");
	tap_ok(sums.rows == 7 && sums.descending,
		"one row for each cause, mapping and place, most frequent first");
	tap_is_string(sums.place, "program+0x123", "a place in a file that cannot be read");
	sums = leave(PARENT);
	tap_is_int(sums.rows, 0, "a task's rows are handed out once");
	end();
}

static void test_exact(void)
{
	begin(false);
	exec(PARENT);
	fault(PARENT, PARENT, ANON_AT, 4, ABSENT, false);
	fault(PARENT, PARENT, ANON_AT, 4, PRESENT_WRITE, false);
	struct sums sums = leave(PARENT);
	tap_ok(sums.cause[CAUSE_ZERO] == 8 && sums.cause[CAUSE_COW] == 0,
		"a write to a page read as zeroes is zero-fill too");
	exec(PARENT);
	fault(PARENT, PARENT, ANON_AT, 4, ABSENT, false);
	fault(PARENT, PARENT, ANON_AT, 4, ABSENT, false);
	fork_record(PARENT, CHILD, CHILD);
	newtask(PARENT, 0);
	fault(PARENT, PARENT, ANON_AT, 4, PRESENT_WRITE, false);
	fault(PARENT, PARENT, ANON_AT, 4, PRESENT_WRITE, false);
	fault(CHILD, CHILD, ANON_AT, 2, ABSENT, false);
	fault(CHILD, CHILD, ANON_AT, 4, PRESENT_WRITE, false);
	fault(PARENT, PARENT, DATA, 4, PRESENT_WRITE, false);
	fault(PARENT, PARENT, DATA, 4, ABSENT, false);
	fault(PARENT, PARENT, ANON_AT, 1, ABSENT, true);
	sums = leave(CHILD);
	tap_ok(sums.cause[CAUSE_ZERO] == 4 && sums.cause[CAUSE_COW] == 2,
		"an inherited page that is not there any more was given back: it is zero-fill");
	sums = leave(PARENT);
	tap_is_int(sums.cause[CAUSE_ZERO], 8, "a page that is not there is zero-fill, also the second time");
	tap_is_int(sums.cause[CAUSE_COW], 12,
		"a write to a page that was shared, or was written before, is a copy");
	tap_is_int(sums.cause[CAUSE_FILE], 4, "a write to a file's absent page is the file's");
	tap_is_int(sums.cause[CAUSE_OTHER], 1, "anonymous memory that needs I/O comes from swap");
	exec(PARENT);
	fault(PARENT, PARENT, ANON_AT, 4, PRESENT_WRITE, false);
	sums = leave(PARENT);
	tap_is_int(sums.cause[CAUSE_ZERO], 4,
		"a present page nobody else has, touched by the kernel alone, was the page of zeroes");
	end();
}

/* A read fault maps the pages around it: their first write is a copy. */
static void test_around(void)
{
	begin(false);
	exec(PARENT);
	map(PARENT, DATA, 32, RW, MAP_PRIVATE, "/nowhere/program");
	struct perf_record jump = { .type = PERF_FAULT,
		.pid = PARENT,
		.tid = PARENT,
		.fault = { .address = DATA + 16 * page_size, .ip = DATA + 16 * page_size } };
	faults_record(faults, &jump); /* a jump reads */
	fault(PARENT, PARENT, DATA + 17 * page_size, 3, -1, false);
	fault(PARENT, PARENT, DATA, 3, -1, false);
	struct sums sums = leave(PARENT);
	tap_is_int(sums.cause[CAUSE_COW], page_size == 4096 ? 3 : 0,
		"pages beside one that was read were mapped with it");
	tap_is_int(sums.all, 7, "and all faults are there");
	end();
}

static void test_fork(bool flags_seen)
{
	begin(false);
	exec(PARENT);
	fault(PARENT, PARENT, ANON_AT, 10, -1, false);
	fork_record(PARENT, CHILD, CHILD);
	if (flags_seen)
		newtask(PARENT, 0);
	fault(CHILD, CHILD, ANON_AT, 10, -1, false);
	fault(CHILD, CHILD, ANON_AT + 10 * page_size, 7, -1, false);
	fault(PARENT, PARENT, ANON_AT + 3 * page_size, 2, -1, false);
	fault(PARENT, PARENT, ANON_AT + 3 * page_size, 2, -1, false);
	struct sums child = leave(CHILD), parent = leave(PARENT);
	tap_is_int(child.cause[CAUSE_COW], 10, "a child's writes to what it inherited are copies");
	tap_is_int(child.cause[CAUSE_ZERO], 7, "to what it did not are zero-fill");
	tap_is_int(parent.cause[CAUSE_COW], 2, "the parent's first writes after the fork are copies");
	tap_is_int(parent.cause[CAUSE_ZERO], 12, "the second not");
	end();
}

static void test_shared_memory(void)
{
	begin(false);
	exec(PARENT);
	fault(PARENT, PARENT, ANON_AT, 10, -1, false);
	fork_record(PARENT, CHILD, CHILD);
	newtask(PARENT, CLONE_VM | CLONE_VFORK);
	fault(CHILD, CHILD, ANON_AT, 10, -1, false);
	fork_record(PARENT, PARENT, THREAD);
	newtask(PARENT, CLONE_VM | CLONE_THREAD);
	fault(PARENT, THREAD, ANON_AT, 10, -1, false);
	struct sums child = leave(CHILD), thread = leave(THREAD), parent = leave(PARENT);
	tap_ok(child.cause[CAUSE_COW] == 0 && child.cause[CAUSE_ZERO] == 10, "a vfork child copies nothing");
	tap_ok(thread.cause[CAUSE_COW] == 0 && thread.all == 10,
		"nor does a thread, whose faults are its own");
	tap_is_int(parent.all, 10, "not its maker's");
	end();
}

static void test_told_births(void)
{
	begin(true);
	exec(PARENT);
	fork_record(PARENT, PARENT, THREAD);
	struct clone_call by = { .call = CALL_CLONE3,
		.flags = CLONE_VM | CLONE_THREAD,
		.flags_known = true,
		.stack = ANON_AT + 8 * page_size,
		.stack_size = 8 * page_size };
	tap_is_int(faults_birth(faults, PARENT, THREAD, PARENT, &by), 0, "a thread's birth is told");
	fault(PARENT, THREAD, ANON_AT + 9 * page_size, 5, -1, false);
	struct sums sums = leave(THREAD);
	tap_ok(sums.mapping == MAPPING_STACK, "its stack is known");
	tap_is_string(sums.object, "[thread stack]", "and named");
	fault(PARENT, PARENT, ANON_AT, 3, -1, false);
	by = (struct clone_call){ .call = CALL_FORK, .flags_known = true };
	tap_is_int(faults_birth(faults, PARENT, CHILD, CHILD, &by), 0, "a child that is gone is no failure");
	fault(CHILD, CHILD, ANON_AT, 3, -1, false);
	sums = leave(CHILD);
	tap_is_int(sums.cause[CAUSE_COW], 3, "what it inherited is concluded");
	tap_is_int(faults_birth(faults, 12345, 12346, 12346, &by), 0,
		"a birth from an unknown maker is no failure");
	end();
}

static void test_exec(void)
{
	begin(true);
	struct clone_call by = { .call = CALL_CLONE3, .flags = CLONE_VM | CLONE_THREAD, .flags_known = true };
	exec(PARENT);
	faults_birth(faults, PARENT, THREAD, PARENT, &by);
	fault(PARENT, THREAD, ANON_AT, 3, -1, false);
	fault(PARENT, PARENT, ANON_AT + 3 * page_size, 2, -1, false);
	struct sums leader = leave(PARENT); /* the leader ends when the thread calls exec */
	exec(PARENT);
	tap_is_int(faults_exec(faults, PARENT, THREAD), 0, "a thread that runs exec takes its leader's TID");
	fault(PARENT, PARENT, ANON_AT, 4, -1, false);
	uint64_t minor, major;
	faults_located(faults, PARENT, &minor, &major);
	tap_is_int(minor, 7, "with all that was located");
	struct sums sums = leave(PARENT);
	tap_ok(leader.all == 2 && sums.all == 7, "and keeps what it did before");
	tap_is_int(leave(THREAD).rows, 0, "under the new TID alone");
	exec(PARENT);
	fault(PARENT, PARENT, ANON_AT, 4, -1, false);
	exec(PARENT);
	fault(PARENT, PARENT, ANON_AT, 4, -1, false);
	fault(PARENT, PARENT, DATA, 4, -1, false);
	sums = leave(PARENT);
	tap_ok(sums.cause[CAUSE_ZERO] == 8 && sums.cause[CAUSE_FILE] == 4, "after exec all pages are new");
	tap_is_int(faults_exec(faults, PARENT, 999), 0, "an exec by an unknown thread is no failure");
	end();
}

static void test_huge_pages(void)
{
	begin(false);
	exec(PARENT);
	map(PARENT, HUGE, 1024, RW, MAP_PRIVATE | MAP_HUGETLB, "/anon_hugepage (deleted)");
	fault(PARENT, PARENT, HUGE + 5 * page_size, 1, -1, false);
	fork_record(PARENT, CHILD, CHILD);
	newtask(PARENT, 0);
	fault(CHILD, CHILD, HUGE + 100 * page_size, 1, -1, false);
	fault(CHILD, CHILD, HUGE + 101 * page_size, 1, -1, false);
	struct sums sums = leave(CHILD);
	tap_ok(sums.cause[CAUSE_COW] == 1 && sums.cause[CAUSE_ZERO] == 1,
		"a huge page is copied once, as a whole");
	end();
}

static int refuse(void *data, const struct event_faults *row)
{
	return -EPIPE;
}

static void test_refusal(void)
{
	begin(false);
	exec(PARENT);
	fault(PARENT, PARENT, ANON_AT, 4, -1, false);
	tap_is_int(faults_exit(faults, PARENT, refuse, NULL), -EPIPE, "the receiver's error is handed on");
	tap_is_int(leave(PARENT).rows, 0, "and the task forgotten all the same");
	end();
}

/* Many short processes, one after another and with new TIDs: as much memory after them as before. */
static void test_memory(void)
{
	begin(false);
	exec(PARENT);
	size_t before = 0;
	for (int i = 0; i < 20000; i++) {
		int pid = 0x1000000 + i;
		fork_record(PARENT, pid, pid);
		newtask(PARENT, 0);
		exec(pid);
		fault(pid, pid, ANON_AT, 20, -1, false);
		fault(pid, pid, DATA, 20, -1, false);
		struct sums sums = leave(pid);
		if (sums.all != 40)
			tap_ok(false, "process %d has its 40 faults", i);
		if (i == 1000)
			before = mallinfo2().uordblks;
	}
	size_t after = mallinfo2().uordblks;
	tap_ok(after < before + 100000, "20,000 short processes leave no memory in use (%zu, then %zu bytes)",
		before, after);
	for (unsigned i = 0; i < 100000; i++)
		fault(PARENT, PARENT, ANON_AT, 4, -1, false);
	tap_ok(mallinfo2().uordblks < after + 100000, "nor do 400,000 faults");
	tap_is_int(leave(PARENT).all, 400000, "which are all counted");
	end();
}

int main(void)
{
	page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	test_unprivileged();
	test_exact();
	test_around();
	test_fork(false);
	test_fork(true);
	test_shared_memory();
	test_told_births();
	test_exec();
	test_huge_pages();
	test_refusal();
	test_memory();
	return tap_done();
}
