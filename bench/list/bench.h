/*
 * bench.h: what the parts of bench/list share. A contestant is a list and the loops that use it; an entry of a row says
 * how many workers run which loops on it; a burst is one run of them, and says whether it can be trusted.
 */
#ifndef LIST_BENCH_H
#define LIST_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	WORKERS = 2,
};

enum work {
	WORK_NONE,
	WORK_APPEND,
	WORK_FIRST, /* remove(0), and wait if there is none */
	WORK_EDIT, /* insert at random, remove at random, by turns */
	WORK_GET_RANDOM,
	WORK_GET_ORDER,
	WORK_EACH,
	WORK_REPLACE,
	WORK_APPEND_TIMED,
	WORKS
};

/** What one worker does in a burst. */
struct task {
	void *list;
	enum work work;
	uint64_t before; /* operations ahead of the burst, so that what it needs is in the caches again */
	uint64_t count; /* operations at most */
	uint64_t block; /* operations between two looks at the flag that ends a burst */
	uint64_t range; /* indexes are below */
	uint64_t index, index_step; /* of get in order and replace */
	int64_t value, value_step; /* of append and replace */
	uint64_t seed;
	uint32_t *ticks; /* what each append took */
	int *stop; /* not 0: another has done all of its operations; NULL: do all */

	uint64_t done;
	uint64_t sum; /* of what was removed or passed over; of what was read by index: less the indexes */
	bool failed; /* a call that cannot fail did, or items came out of order */
};

typedef void work_run(struct task *task);
/** Items that lie behind one another. */
typedef void items_seen(const int32_t *items, size_t count, void *arg);

/** A list and the loops that use it; a loop it cannot run is NULL. */
struct contestant {
	const char *name;
	bool shifts; /* an array: what happens in front moves all items behind */
	bool shared; /* for processes */
	void *(*create)(void);
	void (*destroy)(void *list);
	uint64_t (*count)(void *list);
	int (*insert)(
		void *list, uint64_t index, int32_t value); /* single ones, for what is not timed; or NULL */
	int (*remove)(void *list, uint64_t index);
	uint64_t (*memory)(void *list); /* NULL: it does not know */
	void (*trim)(void *list);
	void (*pass)(void *list, items_seen *seen, void *arg); /* for checks, not for times */
	work_run *works[WORKS];
};

extern const struct contestant list_kin, list_kin_shared, list_tbb, list_tbb_called, list_mutex, list_rwlock,
	list_mutex_shared, list_array;

/** How a burst went. */
struct burst {
	struct task tasks[WORKERS];
	double seconds; /* from the first begin to the last end */
	double each[WORKERS]; /* of each worker */
	double cpus; /* used, on average */
	double overlap; /* share of the time in which all worked */
	bool preempted; /* somebody lost its CPU meanwhile, or waited for one */
};

/** Bursts go ahead of everything else on the machine, and leave it as much time afterwards. */
extern bool burst_ahead;
/** Run workers tasks of a burst, on a CPU each, as threads or processes. 0 or -errno. */
int burst_run(struct burst *burst, const struct contestant *list, int workers);
/** Whether it counts: nobody was preempted, and they really ran beside each other. */
bool burst_counts(const struct burst *burst, int workers);
uint64_t burst_done(const struct burst *burst, int workers);
/** Whether a task went wrong. */
bool burst_failed(const struct burst *burst, int workers);

/** Ticks of the CPU's clock in a nanosecond. */
double ticks_per_ns(void);

struct options {
	int rounds;
	uint64_t count; /* of the course's workloads */
	bool quick;
};

int rows_run(const char *name, const struct options *options);
void rows_names(void);
int course_run(const struct options *options);
int memory_run(const struct options *options);

static inline uint64_t random_below(uint64_t *seed, uint64_t range)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return (uint64_t)((*seed >> 32) * range >> 32);
}

static inline uint64_t ticks(void)
{
#if defined __x86_64__
	uint32_t low, high;
	__asm__ volatile("lfence\n\trdtsc\n\tlfence" : "=a"(low), "=d"(high)::"memory");
	return (uint64_t)high << 32 | low;
#elif defined __aarch64__
	uint64_t now;
	__asm__ volatile("isb\n\tmrs %0, cntvct_el0\n\tisb" : "=r"(now)::"memory");
	return now;
#else
#error "no clock"
#endif
}

static inline void pause_cpu(void)
{
#if defined __x86_64__
	__builtin_ia32_pause();
#else
	__asm__ volatile("yield");
#endif
}

/** Where the block ends that begins with operation at; at itself if this was the last. */
static inline uint64_t block_end(struct task *task, uint64_t at)
{
	task->done = at;
	if (at >= task->count && task->stop)
		__atomic_store_n(task->stop, 1, __ATOMIC_RELAXED);
	if (at >= task->count || (task->stop && __atomic_load_n(task->stop, __ATOMIC_RELAXED)))
		return at;
	return task->count - at < task->block ? task->count : at + task->block;
}

#ifdef __cplusplus
}
#endif

#endif
