/* Shared memory, and what the engine does where the kernel refuses. */
#include <kin/job.h>
#include <kin/pool.h>
#include <kin/shm.h>

#include "engine.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

static bool is_filled(const unsigned char *memory, size_t bytes, int with)
{
	for (size_t i = 0; i < bytes; i++)
		if (memory[i] != with)
			return false;
	return true;
}

static void test_one(void)
{
	static const size_t sizes[] = { 0, 1, 4095, 4096, 4097, 100000, (2 << 20) - 1, 2 << 20, 5 << 20 };
	void *last = NULL;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (int round = 0; round < 2; round++) {
			unsigned char *memory = NULL;
			tap_is_int(kin_shared_alloc((void **)&memory, sizes[i]), 0, "shared memory");
			tap_ok((uintptr_t)memory % 4096 == 0, "aligned");
			tap_ok(is_filled(memory, sizes[i], 0), "zeroed");
			if (round)
				tap_ok(memory == last, "what was freed is used again");
			memset(memory, 0xa5, sizes[i]);
			last = memory;
			kin_shared_free(memory);
		}
	kin_shared_free(NULL);
}

static void test_huge(void)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX / 2, ((size_t)1 << 40) + 1, (size_t)1 << 40 };
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		void *memory = &memory, *before = memory;
		tap_is_int(kin_shared_alloc(&memory, sizes[i]), -ENOMEM, "more than there can be");
		tap_ok(memory == before, "untouched");
	}
	/* Addresses there are for so much, and no memory. */
	long pages = sysconf(_SC_PHYS_PAGES);
	size_t much = pages > 0 ? (size_t)pages * 4096 * 2 : 0;
	FILE *file = fopen("/proc/swaps", "re");
	char line[256];
	bool swaps = file && fgets(line, sizeof line, file) && fgets(line, sizeof line, file);
	if (file)
		fclose(file);
	if (swaps || much == 0 || much > (size_t)1 << 39) {
		tap_skip("twice the machine's memory is refused", "there is swap, or too much memory");
		return;
	}
	void *memory = NULL;
	tap_is_int(kin_shared_alloc(&memory, much), -ENOMEM, "twice the machine's memory is refused");
	tap_is_int(kin_shared_alloc(&memory, 10), 0, "a little is not");
	kin_shared_free(memory);
}

static void test_is_shared(void)
{
	static int own;
	char *memory = engine_shared(10000);
	tap_ok(kin_is_shared(memory, 0) && kin_is_shared(memory, 10000), "it is shared");
	tap_ok(kin_is_shared(memory + 9999, 1) && kin_is_shared(memory + 5000, 0), "a part of it");
	tap_ok(!kin_is_shared(NULL, 0) && !kin_is_shared(NULL, 1), "NULL is not");
	tap_ok(!kin_is_shared(&own, sizeof own) && !kin_is_shared(&memory, 1), "nor is other memory");
	tap_ok(!kin_is_shared(memory, SIZE_MAX) && !kin_is_shared(memory, (size_t)1 << 41),
		"nor all there is");
	tap_ok(!kin_is_shared(memory, SIZE_MAX - (uintptr_t)memory + 2), "nor what wraps around");
	tap_ok(!kin_is_shared((void *)UINTPTR_MAX, 1), "nor the last byte");
	kin_shared_free(memory);
}

/* Each block is filled with its own byte, and nobody else's. */
static void test_random(void)
{
	enum { BLOCKS = 60, ROUNDS = 10000 };
	struct {
		unsigned char *memory;
		size_t bytes;
		int byte;
	} blocks[BLOCKS] = { 0 };
	unsigned random = 99;
	int wrong = 0;
	for (int round = 0; round < ROUNDS; round++) {
		random = random * 1103515245 + 12345;
		size_t i = (random >> 16) % BLOCKS;
		random = random * 1103515245 + 12345;
		if (blocks[i].memory) {
			wrong += !is_filled(blocks[i].memory, blocks[i].bytes, blocks[i].byte);
			kin_shared_free(blocks[i].memory);
			blocks[i].memory = NULL;
			continue;
		}
		blocks[i].bytes = 1 + (random >> 16) % ((random >> 8) % 64 ? 9000 : 200000);
		blocks[i].byte = 1 + round % 255;
		void *memory = NULL;
		wrong += kin_shared_alloc(&memory, blocks[i].bytes) != 0;
		blocks[i].memory = memory;
		if (!memory)
			continue;
		wrong += !is_filled(memory, blocks[i].bytes, 0);
		memset(memory, blocks[i].byte, blocks[i].bytes);
	}
	for (size_t i = 0; i < BLOCKS; i++) {
		if (blocks[i].memory)
			wrong += !is_filled(blocks[i].memory, blocks[i].bytes, blocks[i].byte);
		kin_shared_free(blocks[i].memory);
	}
	tap_is_int(wrong, 0, "10,000 times memory taken or given back");
}

/* --- processes that share it --- */

static int add_index(size_t begin, size_t end, void *arg)
{
	long *numbers = arg;
	for (size_t i = begin; i < end; i++)
		numbers[i] = numbers[i] * 2 + (long)i;
	return 0;
}

static int loop_over(struct kin_pool *pool, long *numbers)
{
	for (long i = 0; i < 1000; i++)
		numbers[i] = 1;
	int value = kin_for(pool, 0, 1000, 10, add_index, numbers);
	for (long i = 0; i < 1000 && value == 0; i++)
		value = numbers[i] != 2 + i;
	return value;
}

static struct kin_pool *processes(void)
{
	struct kin_pool *pool = NULL;
	int error = kin_pool_create(&pool, &(struct kin_pool_options){ .kind = KIN_PROCESSES, .workers = 2 });
	return error < 0 ? NULL : pool;
}

static void test_older_workers(void)
{
	struct kin_pool *older = processes(), *younger;
	struct kin_pool_stats before, after;
	kin_pool_stats(older, &before, sizeof before);
	long *blocks[10];
	int wrong = 0;
	for (int i = 0; i < 10; i++) {
		blocks[i] = engine_shared(8000 + (size_t)i * 700000);
		wrong += loop_over(older, blocks[i]) != 0;
	}
	younger = processes();
	for (int i = 0; i < 10; i++) {
		wrong += loop_over(younger, blocks[i]) != 0;
		kin_shared_free(blocks[i]);
	}
	tap_is_int(wrong, 0, "older and younger workers see it");
	kin_pool_stats(older, &after, sizeof after);
	tap_is_int(after.forks, before.forks, "and none was forked for it");
	kin_pool_destroy(older);
	kin_pool_destroy(younger);
}

struct couple {
	long *numbers;
	char *other;
};

static int be_child(void *arg)
{
	struct couple *couple = arg;
	kin_shared_free(couple->other); // does nothing here
	if (couple->other[0] != 17)
		return 1;
	couple->other[1] = 18;
	long *own = NULL;
	if (kin_shared_alloc((void **)&own, 8000) < 0)
		return 2;
	kin_shared_free(couple->other);
	if (!kin_is_shared(couple->other, 10000) || !kin_is_shared(couple->numbers, 8000) ||
		!kin_is_shared(own, 8000))
		return 3;
	if ((char *)own < couple->other + 10000 && couple->other < (char *)own + 8000)
		return 4;
	struct kin_pool *pool = processes();
	if (!pool)
		return 5;
	if (loop_over(pool, own) != 0 || loop_over(pool, couple->numbers) != 0)
		return 6;
	struct kin_pool_stats stats;
	kin_pool_stats(pool, &stats, sizeof stats);
	if (stats.forks != 2)
		return 7; // also the parent's memory is for persistent workers
	kin_pool_destroy(pool);
	kin_shared_free(own);
	return couple->other[0] == 17 ? 0 : 8;
}

static int be_parent_too(void *arg)
{
	int wrong = be_child(arg);
	int status = wrong ? 0 : engine_in_child(be_child, arg);
	return wrong ? wrong : status ? 10 + WEXITSTATUS(status) : be_child(arg);
}

static void test_children(void)
{
	struct couple couple = { engine_shared(8000), engine_shared(10000) };
	couple.other[0] = 17;
	int status = engine_in_child(be_child, &couple);
	tap_ok(status == 0, "a child has its parent's memory, and its own (%x)", (unsigned)status);
	tap_ok(couple.other[0] == 17 && couple.other[1] == 18, "its parent sees what it writes");
	for (long i = 0; i < 1000; i++)
		if (couple.numbers[i] != 2 + i)
			couple.other[0] = 0;
	tap_is_int(couple.other[0], 17, "also what its workers write");
	status = engine_in_child(be_parent_too, &couple);
	tap_ok(status == 0, "and so has a child of the child (%x)", (unsigned)status);
	char *more = engine_shared(10000);
	tap_ok(more != couple.other && more != (char *)couple.numbers, "what it freed is not free here");
	kin_shared_free(more);
	kin_shared_free(couple.other);
	kin_shared_free(couple.numbers);
}

/* --- how much of the region may be touched --- */

/* Bytes of shared memory without a name that this process may read. */
static size_t readable_shared(void)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	size_t all = 0, begin, end;
	char line[512], may[5];
	while (maps && fgets(line, sizeof line, maps))
		if (sscanf(line, "%zx-%zx %4s", &begin, &end, may) == 3 && may[0] == 'r' && may[3] == 's' &&
			strstr(line, "/dev/zero"))
			all += end - begin;
	if (maps)
		fclose(maps);
	return all;
}

static int allocate_in_body(size_t begin, size_t end, void *arg)
{
	(void)begin, (void)end, (void)arg;
	void *own;
	if (kin_shared_alloc(&own, (size_t)20 << 20) < 0)
		return -ENOMEM;
	kin_shared_free(own);
	return 0;
}

/* Workers reach what lies beyond all that was in use when they were made, also when they have a region of their own. */
static void test_growth(void)
{
	struct kin_pool *pool = processes();
	char *first = engine_shared(8000);
	size_t before = readable_shared();
	tap_ok(before < (size_t)256 << 20, "what was never in use cannot be read: %zu bytes can", before);
	tap_is_int(loop_over(pool, (long *)first), 0, "workers");
	int wrong = 0;
	for (int round = 1; round <= 4; round++) {
		size_t bytes = (size_t)round << 24;
		char *more = engine_shared(bytes);
		wrong += loop_over(pool, (long *)(more + bytes - 8000)) != 0;
		wrong += kin_for(pool, 0, 4, 1, allocate_in_body, first) != 0;
		kin_shared_free(more);
	}
	tap_is_int(wrong, 0, "they reach memory of larger and larger allocations");
	struct kin_pool_stats stats;
	kin_pool_stats(pool, &stats, sizeof stats);
	tap_ok(stats.forks == 2, "and are still the first ones: %lu forks", (unsigned long)stats.forks);
	kin_shared_free(first);
	kin_pool_destroy(pool);
}

/* --- a kernel that refuses --- */

/* Let some system calls fail: by number, with a certain third argument if that is not -1. */
static int refuse(long number, long third, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)number, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[2])),
		BPF_JUMP(third < 0 ? BPF_JMP | BPF_JGE | BPF_K : BPF_JMP | BPF_JEQ | BPF_K,
			third < 0 ? 0 : (unsigned)third, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof code / sizeof *code, code };
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}

enum { NO_FILTER = 99 };

static int use_pools(void)
{
	long *numbers = NULL;
	if (kin_shared_alloc((void **)&numbers, 8000) < 0)
		return 1;
	if (loop_over(NULL, numbers) != 0)
		return 2;
	struct kin_pool *pool = processes();
	if (!pool)
		return 3;
	if (loop_over(pool, numbers) != 0)
		return 4;
	struct kin_job *job = NULL;
	if (kin_submit(pool, (kin_job_fn *)NULL, NULL, NULL, &job) != -EINVAL)
		return 5;
	pid_t pids[2];
	if (engine_children("", pids, 2) != 2)
		return 6;
	kill(pids[0], SIGKILL);
	kill(pids[1], SIGKILL);
	for (int i = 0; i < 3; i++)
		if (loop_over(pool, numbers) != 0)
			return 7;
	kin_pool_destroy(pool);
	kin_shared_free(numbers);
	return engine_children("", NULL, 0) == 0 ? 0 : 8;
}

static int without_memfd(void *arg)
{
	(void)arg;
	if (refuse(SYS_memfd_create, -1, ENOSYS) < 0)
		return NO_FILTER;
	return use_pools();
}

static int without_pidfd(void *arg)
{
	if (refuse(SYS_pidfd_open, -1, (int)(intptr_t)arg) < 0)
		return NO_FILTER;
	return use_pools();
}

static int without_pipe(void *arg)
{
	(void)arg;
	if (refuse(SYS_pipe2, -1, EMFILE) < 0)
		return NO_FILTER;
	struct kin_pool *pool = NULL;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .kind = KIN_PROCESSES }) != -EMFILE || pool)
		return 1;
	long numbers[1000];
	return loop_over(NULL, numbers) == 0 ? 0 : 2;
}

static int without_populate(void *arg)
{
	if (refuse(SYS_madvise, MADV_POPULATE_WRITE, (int)(intptr_t)arg) < 0)
		return NO_FILTER;
	return use_pools();
}

static int without_madvise(void *arg)
{
	(void)arg;
	/* It tells forks apart by a page already. */
	if (refuse(SYS_madvise, -1, EINVAL) < 0)
		return NO_FILTER;
	for (int i = 0; i < 3; i++) {
		unsigned char *memory = NULL;
		if (kin_shared_alloc((void **)&memory, 10000) < 0 || !is_filled(memory, 10000, 0))
			return 20;
		memset(memory, 5, 10000);
		kin_shared_free(memory);
	}
	return use_pools();
}

static int without_memory(void *arg)
{
	struct rlimit limit = { (rlim_t)(uintptr_t)arg << 20, (rlim_t)(uintptr_t)arg << 20 };
	if (setrlimit(RLIMIT_AS, &limit) < 0)
		return NO_FILTER;
	void *memory = NULL;
	int error = kin_shared_alloc(&memory, 100000);
	if (error < 0)
		return error == -ENOMEM ? 0 : 1;
	if (kin_shared_alloc(&memory, (size_t)1 << 30) != -ENOMEM)
		return 2;
	kin_shared_free(memory);
	struct kin_pool *pool = NULL;
	error = kin_pool_create(&pool, &(struct kin_pool_options){ .kind = KIN_PROCESSES, .workers = 2 });
	if (error < 0)
		return error == -ENOMEM || error == -EAGAIN ? 0 : 3;
	long *numbers = NULL;
	error = kin_shared_alloc((void **)&numbers, 8000);
	int wrong = error < 0 ? (error == -ENOMEM ? 0 : 4) : loop_over(pool, numbers) ? 5 : 0;
	kin_pool_destroy(pool);
	return wrong;
}

/* In a child: every process has its own workers, and here also its own shared memory. */
static void refused(int (*function)(void *arg), intptr_t arg, const char *what)
{
	int status = engine_in_child(function, (void *)arg);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_FILTER)
		tap_skip(what, "no seccomp here");
	else
		tap_ok(status == 0, "%s (%x)", what, (unsigned)status);
}

static void test_refusals(void)
{
	refused(without_memfd, 0, "no memfd_create: it is not needed");
	refused(without_pidfd, ENOSYS, "no pidfd_open: deaths are noticed all the same");
	refused(without_pidfd, EPERM, "pidfd_open is forbidden");
	refused(without_pipe, 0, "no pipe: an error");
	refused(without_populate, EINVAL, "no MADV_POPULATE_WRITE: pages come when they are touched");
	refused(without_populate, EPERM, "MADV_POPULATE_WRITE is forbidden");
	refused(without_madvise, 0, "no madvise at all");
	if (address_sanitizer) {
		tap_skip("few addresses", "the sanitizer needs many");
		return;
	}
	refused(without_memory, 300, "300 MB of addresses");
	refused(without_memory, 100, "100 MB of addresses");
	refused(without_memory, 30, "30 MB of addresses");
}

int main(void)
{
	engine_begin();
	test_growth(); // first: what is reached must be new
	test_one();
	test_huge();
	test_is_shared();
	test_random();
	test_older_workers();
	test_children();
	if (thread_sanitizer)
		tap_skip("refusals", "the thread sanitizer bears no threads in forked children");
	else
		test_refusals();
	tap_is_int(engine_children("", NULL, 0), 0, "no process is left");
	return tap_done();
}
