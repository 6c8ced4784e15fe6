/*
 * One sparse shared mapping, made before any worker is forked: what is allocated later lies in a mapping that every
 * worker has already. An allocation takes a run of whole pages out of it, and freeing punches them out of the file
 * again, so that the memory goes back to the system for all processes at once.
 *
 * No more of the region can be touched than was ever in use: what reads all that a program may read, as valgrind's
 * search for leaks does, would else fill the memory with a mapping of this size. How much that is stands in the
 * region's first page, so that process workers follow.
 *
 * Which runs are free is the business of the process that made the region alone. A forked child has the mapping,
 * and its own arena beside it once it allocates.
 */
#include "shm/arena.h"

#include "base/api.h"
#include "base/fork.h"
#include "base/sysfile.h"

#include <kin/shm.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE ((size_t)4096)
#define HUGE_PAGE ((size_t)2 << 20)
#define LARGEST ((size_t)1 << 40)
#define SMALLEST ((size_t)64 << 20)
/* From here on it is asked whether the system has so much memory. */
#define CHECKED ((size_t)16 << 20)

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

/* A run of pages, free or in use; kept in the order of the addresses. */
struct run {
	struct run *next;
	size_t begin, bytes;
	bool used;
};

static struct {
	pthread_mutex_t lock;
	uint32_t generation; // of the process that owns it, see base/fork.h; 0: not begun
	int error; // why it could not begin
	char *base;
	size_t bytes;
	size_t opened; // bytes from base on that this process may touch
	struct run *runs;
} arena = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* This process's region and those of the processes it was forked from, for kin_is_shared, which takes no lock. */
#define REGIONS 16
static struct {
	_Atomic uintptr_t base;
	_Atomic size_t bytes;
} regions[REGIONS];
static _Atomic uint32_t regions_count;

static void note_region_locked(void)
{
	uint32_t at = atomic_load(&regions_count) % REGIONS;
	atomic_store(&regions[at].bytes, 0);
	atomic_store(&regions[at].base, (uintptr_t)arena.base);
	atomic_store(&regions[at].bytes, arena.bytes);
	atomic_fetch_add(&regions_count, 1);
}

/*
 * A child's first use: the parent's region stays mapped, as its memory is shared, and a new one takes its place
 * here.
 */
static void forget_parents(void)
{
	if (arena.generation == 0 || arena.generation == fork_generation())
		return;
	for (struct run *run = arena.runs; run;) {
		struct run *next = run->next;
		free(run);
		run = next;
	}
	arena.runs = NULL;
	arena.generation = 0;
}

/* The region's first page. */
struct head {
	_Atomic size_t opened; // by the process that made the region; only grows
};

/* What a process worker may touch of the region of the process that made it. */
static struct {
	char *base; // NULL: this process is no worker
	size_t opened;
} followed;

static int open_up_to(char *base, size_t *opened, size_t end)
{
	if (end <= *opened)
		return 0;
	end = (end + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1);
	if (mprotect(base + *opened, end - *opened, PROT_READ | PROT_WRITE) < 0)
		return -errno;
	*opened = end;
	return 0;
}

void arena_become_follower(void)
{
	followed.base = arena.base;
	followed.opened = arena.opened;
}

void arena_follow(void)
{
	const struct head *head = (const struct head *)followed.base;
	/* Relaxed: the claim before this saw a post that came after the allocation. */
	size_t opened = head ? atomic_load_explicit(&head->opened, memory_order_relaxed) : 0;
	if (opened > followed.opened)
		open_up_to(followed.base, &followed.opened, opened);
}

/* No file stands behind it: a descriptor would be closed some day by a program that closes all it does not know. */
static int map_region(void)
{
	int error = 0;
	for (size_t bytes = LARGEST; bytes >= SMALLEST; bytes /= 4) {
		/* aligned to a huge page: ask for one more, and give the ends back */
		char *base = mmap(NULL, bytes + HUGE_PAGE, PROT_NONE,
			MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (base == MAP_FAILED) {
			error = error ? error : -errno;
			continue;
		}
		char *aligned = (char *)(((uintptr_t)base + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
		if (aligned > base)
			munmap(base, (size_t)(aligned - base));
		munmap(aligned + bytes, (size_t)(base + HUGE_PAGE - aligned));
		/* An image of a crash need not hold it, and could not. */
		madvise(aligned, bytes, MADV_DONTDUMP);
		arena.base = aligned;
		arena.bytes = bytes;
		arena.opened = 0;
		error = open_up_to(aligned, &arena.opened, PAGE);
		if (error == 0)
			return 0;
		munmap(aligned, bytes);
		return error;
	}
	return error;
}

static int begin_locked(void)
{
	forget_parents();
	if (arena.generation)
		return arena.error;
	struct run *all = calloc(1, sizeof *all);
	if (!all)
		return -ENOMEM;
	arena.error = map_region();
	if (arena.error < 0) {
		free(all);
		int error = arena.error;
		arena.error = 0;
		return error;
	}
	all->begin = PAGE;
	all->bytes = arena.bytes - PAGE;
	arena.runs = all;
	arena.generation = fork_generation();
	note_region_locked();
	return 0;
}

/*
 * The lock can be held by a thread of the parent that a fork did not copy, so a child begins with a new one: the
 * handlers hold it across the fork.
 */
static void before_fork(void)
{
	pthread_mutex_lock(&arena.lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&arena.lock);
}

static void install_handlers(void)
{
	pthread_atfork(before_fork, after_fork, after_fork);
}

static void arena_lock(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	pthread_once(&once, install_handlers);
	pthread_mutex_lock(&arena.lock);
}

int arena_begin(void)
{
	arena_lock();
	int result = begin_locked();
	pthread_mutex_unlock(&arena.lock);
	return result;
}

/* First fit; large runs begin at a huge page. Returns the run, marked used, or NULL. */
static struct run *take_run(size_t bytes)
{
	size_t align = bytes >= HUGE_PAGE ? HUGE_PAGE : PAGE;
	for (struct run *run = arena.runs; run; run = run->next) {
		size_t begin = (run->begin + align - 1) & ~(align - 1), skip = begin - run->begin;
		if (run->used || run->bytes < skip || run->bytes - skip < bytes)
			continue;
		struct run *head = skip ? malloc(sizeof *head) : run, *tail = malloc(sizeof *tail);
		if (!head || !tail) {
			if (skip)
				free(head);
			free(tail);
			return NULL;
		}
		size_t end = run->begin + run->bytes;
		*tail = (struct run){
			.next = run->next, .begin = begin + bytes, .bytes = end - begin - bytes
		};
		if (skip) {
			run->bytes = skip;
			run->next = head;
		}
		*head = (struct run){ .next = tail, .begin = begin, .bytes = bytes, .used = true };
		if (tail->bytes == 0) {
			head->next = tail->next;
			free(tail);
		}
		return head;
	}
	return NULL;
}

static void join_free_runs(void)
{
	for (struct run *run = arena.runs; run && run->next;) {
		struct run *next = run->next;
		if (run->used || next->used) {
			run = next;
			continue;
		}
		run->bytes += next->bytes;
		run->next = next->next;
		free(next);
	}
}

static int open_run(struct run *run)
{
	int result = open_up_to(arena.base, &arena.opened, run->begin + run->bytes);
	struct head *head = (struct head *)arena.base;
	if (result == 0) {
		atomic_store_explicit(&head->opened, arena.opened, memory_order_relaxed);
		return 0;
	}
	run->used = false;
	join_free_runs();
	return result;
}

static void punch(size_t begin, size_t bytes)
{
	/* The next one to have it wants zeros. */
	if (madvise(arena.base + begin, bytes, MADV_REMOVE) < 0)
		memset(arena.base + begin, 0, bytes);
}

static uint64_t meminfo_bytes(const char *text, const char *name)
{
	const char *line = strstr(text, name);
	uint64_t kilobytes;
	if (!line)
		return 0;
	line += strlen(name);
	line += strspn(line, " ");
	return sysfile_number(&line, &kilobytes) ? kilobytes << 10 : 0;
}

/*
 * To touch more pages than there are does not fail: the kernel ends processes to find some. What cannot be known is
 * assumed to be enough.
 */
static bool is_too_much(size_t bytes)
{
	char text[4096];
	if (bytes < CHECKED || sysfile_read("/proc/meminfo", text, sizeof text) < 0)
		return false;
	uint64_t available = meminfo_bytes(text, "MemAvailable:");
	return available && bytes > available + meminfo_bytes(text, "SwapFree:");
}

/* Touch all pages now, in a way that tells when there is no memory. */
static int populate(struct run *run)
{
	void *memory = arena.base + run->begin;
	if (is_too_much(run->bytes))
		return -ENOMEM;
	if (run->bytes >= HUGE_PAGE)
		madvise(memory, run->bytes, MADV_HUGEPAGE);
	int done;
	do
		done = madvise(memory, run->bytes, MADV_POPULATE_WRITE);
	while (done < 0 && (errno == EINTR || errno == EAGAIN));
	if (done == 0)
		return 0;
	/* A kernel that does not know this way gives the pages when they are first touched. */
	return errno == ENOMEM || errno == EFAULT || errno == EHWPOISON ? -ENOMEM : 0;
}

KIN_API int kin_shared_alloc(void **ret_memory, size_t bytes)
{
	if (bytes > LARGEST)
		return -ENOMEM;
	bytes = bytes ? (bytes + PAGE - 1) & ~(PAGE - 1) : PAGE;
	const int saved = errno;
	arena_lock();
	int result = begin_locked();
	struct run *run = NULL;
	if (result == 0) {
		run = take_run(bytes);
		result = run ? open_run(run) : -ENOMEM;
	}
	pthread_mutex_unlock(&arena.lock);
	if (result == 0) {
		result = populate(run);
		if (result < 0)
			kin_shared_free(arena.base + run->begin);
		else
			*ret_memory = arena.base + run->begin;
	}
	errno = saved;
	return result;
}

KIN_API void kin_shared_free(void *memory)
{
	if (!memory)
		return;
	const int saved = errno;
	arena_lock();
	if (arena.generation == fork_generation() && (char *)memory >= arena.base) {
		size_t begin = (size_t)((char *)memory - arena.base);
		struct run *run = arena.runs;
		while (run && (run->begin != begin || !run->used))
			run = run->next;
		if (run) {
			punch(run->begin, run->bytes);
			run->used = false;
			join_free_runs();
		}
	}
	pthread_mutex_unlock(&arena.lock);
	errno = saved;
}

KIN_API bool kin_is_shared(const void *memory, size_t bytes)
{
	uintptr_t at = (uintptr_t)memory;
	uint32_t count = atomic_load_explicit(&regions_count, memory_order_acquire);
	for (uint32_t i = 0; i < count && i < REGIONS; i++) {
		uintptr_t base = atomic_load_explicit(&regions[i].base, memory_order_relaxed);
		size_t most = atomic_load_explicit(&regions[i].bytes, memory_order_acquire);
		if (at >= base && at - base < most && bytes <= most - (at - base))
			return true;
	}
	return false;
}
