/**
 * kin/pool.h: loops on every core, by threads or by processes, with one call.
 *
 * A pool has workers; a call hands them the chunks of a range. The same call runs on threads or on forked processes:
 *
 *	static int square(size_t begin, size_t end, void *arg)
 *	{
 *		double *numbers = arg;
 *		for (size_t i = begin; i < end; i++)
 *			numbers[i] *= numbers[i];
 *		return 0;
 *	}
 *
 *	kin_for(NULL, 0, count, 0, square, numbers);      // NULL: the default pool, threads, made when first used
 *
 * Chunks. A range is cut into chunks by its length and the grain alone, never by the workers; so what is computed per
 * chunk and combined in the order of the chunks (kin/reduce.h, kin/scan.h) has the same bits whatever runs it. Every
 * chunk is run once. On threads the caller works too and waits only for chunks that somebody has begun: where workers
 * come late, as on a busy machine, it runs all chunks itself, and pays for handing them over; a chunk whose worker has
 * lost its CPU is waited for. docs/PARALLEL.md has what that cost where it was measured.
 *
 * Threads or processes. Threads share everything with the caller. Process workers are forked, and share what lies in
 * shared memory:
 *   - If arg lies in memory from kin_shared_alloc (kin/shm.h), the call runs on the pool's persistent workers, and
 *     all that the body reaches through it must lie there too, or be as it was when the pool was made.
 *   - Otherwise the call runs on workers forked for it. They see the caller's whole memory as it is at the call, copy
 *     on write; what they write there is lost, so results go to shared memory or through kin_map and kin_reduce,
 *     which bring them home.
 * A body run by process workers never runs in the caller. A worker that dies in a chunk - SIGKILL, a crash, exit()
 * - is noticed at once and replaced, and the chunk is run again from its beginning: bodies have to bear that (write
 * results, do not add to them). A chunk that kills three workers in a row ends the call with -EOWNERDEAD;
 * kin_pool_last_crash names its range. The pool lives on. When the process that made the pool dies, however, its
 * workers die too.
 *
 * Stopping. A body that returns a value other than 0 stops the loop: chunks before it are still run, chunks after it
 * are not begun any more, and the call returns the value of the lowest chunk that returned one - the same one in
 * every run. kin/control.h adds cancelling, deadlines and progress to any call.
 *
 * Nesting. A call from inside a body works, on any pool; while it waits the worker helps with chunks of its own call
 * and of calls made by those, and with nothing else, so a body may hold a lock around a call. Inside a process worker
 * calls run alone, in order.
 *
 * fork(). In the child of a process that has pools every pool has no workers any more; the first call makes new ones.
 * A child forked inside a body cannot finish the loop it was forked in: if it comes back from the body, the call
 * returns -ECHILD in it where the caller ran the body, and the child ends with status 0 where a worker did.
 *
 * Waiting. Workers that find nothing to do spin for a while that adapts to the pauses between calls, at most 100
 * us, and not at all when the machine is busy or a cgroup quota binds; then they sleep and use no CPU. Sleeping
 * workers are woken only for calls that are expected to take longer than waking does; kin_pool_stats counts all of
 * this.
 *
 * All functions can be called from any thread, several at a time on one pool; not from signal handlers unless it is
 * said. A pool may not be destroyed or resized while calls on it run.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_POOL_H
#define KIN_POOL_H

#include <kin/error.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What runs the work. */
enum kin_kind {
	KIN_THREADS = 0, /* threads of this process */
	KIN_PROCESSES = 1, /* processes forked from it */
};

/** Workers of a pool at most; more are cut to this, with a warning. */
#define KIN_MAX_WORKERS 256

/** A pool of workers; opaque. */
struct kin_pool;

/**
 * How to make a pool. Zero is the default everywhere, so `{ .kind = KIN_PROCESSES }` is all there is to write; set
 * size to sizeof(struct kin_pool_options), or to 0, which means this version's.
 */
struct kin_pool_options {
	size_t size;
	/*
	 * Workers, the caller counted as one of them for threads. 0: as many as this process may use: the least of
	 * the CPUs of its affinity mask, its cgroups' CPU quotas (v1 and v2, rounded up), and the environment
	 * variable KIN_WORKERS, which, where it is a number from 1 to 256, decides alone.
	 */
	unsigned workers;
	enum kin_kind kind;
	const char *name; /* at most 9 bytes show, as NAME/1, NAME/2 ... in ps and top; NULL: "kin" */
	/* Bind each worker to one CPU: cores first, then their second hardware threads. kin_pool_warning: if not. */
	bool pin;
	bool finish_at_exit; /* exit() runs all submitted jobs first; otherwise they end with the process */
	size_t stack_size; /* of worker threads, in bytes; 0: the system's default */
};

/**
 * Make a pool and its workers.
 *
 * Where the system gives fewer workers than asked for - RLIMIT_NPROC, a pids cgroup, seccomp - the pool is smaller,
 * which is no failure: kin_pool_warning tells. A pool of threads needs none at all, as its callers work.
 *
 * @param ret_pool  receives the pool, owned by the caller: kin_pool_destroy ends it; untouched on failure
 * @param options   NULL: all defaults
 * @return          0; -EINVAL: unknown kind or size; -ENOMEM; for processes also -EAGAIN: not one could be forked,
 *                  and what mmap returns
 *
 * Threads are made with signals blocked, so that they go to the program's own threads; not blocked are those that a
 * thread causes itself, as SIGSEGV and SIGBUS. Since 0.1.
 */
int kin_pool_create(struct kin_pool **ret_pool, const struct kin_pool_options *options);

/**
 * End a pool: jobs not begun are cancelled, those that run are waited for; then its workers end and are reaped. For
 * the default pool see kin_pool_default.
 *
 * @param pool  NULL is welcome; afterwards invalid
 *
 * Not from inside a body or job of the pool itself: that would wait for itself for ever. In a forked child it frees
 * what is the child's, and leaves the parent's workers alone. Since 0.1.
 */
void kin_pool_destroy(struct kin_pool *pool);

/**
 * The process-wide default pool, threads with all defaults, which NULL stands for in every call. Made on first use,
 * it ends with the process.
 *
 * @param ret_pool  receives it; the caller does not own it and kin_pool_destroy leaves it alone
 * @return          0; -ENOMEM
 *
 * Since 0.1.
 */
int kin_pool_default(struct kin_pool **ret_pool);

/**
 * Change the number of workers. No call may run on the pool meanwhile; submitted jobs wait. Calls that have begun are
 * noticed; that none begins at the same time is for the caller to see to.
 *
 * @param pool     NULL: the default pool
 * @param workers  as in struct kin_pool_options; 0: count anew what this process may use
 * @return         0, also where fewer were to be had (see kin_pool_warning); -EBUSY: a call is running, whoever runs
 *                 its work, or a computation of kin/fork.h; -ENOMEM, -EAGAIN
 *
 * Process workers are forked anew, which shows them code and memory that came after the pool. Since 0.1.
 */
int kin_pool_resize(struct kin_pool *pool, unsigned workers);

/**
 * The number of workers; for threads the caller is one of them.
 *
 * @param pool  NULL: the default pool
 * @return      from 1 to KIN_MAX_WORKERS
 *
 * Since 0.1.
 */
unsigned kin_pool_workers(struct kin_pool *pool);

/**
 * What runs the work of a pool.
 *
 * @param pool  NULL: the default pool
 * @return      its kind
 *
 * Since 0.1.
 */
enum kin_kind kin_pool_kind(struct kin_pool *pool);

/**
 * Why the pool is not what was asked for: fewer workers, or workers that are not bound to a CPU, which is told only
 * where nothing else is. It is about the workers the pool began with, not about those that later took their places.
 *
 * @param pool     NULL: the default pool
 * @param warning  filled, with code 0 if there is nothing to say
 * @return         0: nothing to say; otherwise the negative errno value of the warning
 *
 * Since 0.1.
 */
int kin_pool_warning(struct kin_pool *pool, struct kin_error *warning);

/** A chunk that killed its workers. */
struct kin_crash {
	size_t begin, end; /* the range that was running, in the call's own numbers */
	int status; /* of the last worker it killed, as wait gives it */
	unsigned workers; /* how many it killed */
};

/**
 * The last chunk that was given up after killing three workers in a row, in any call on this pool.
 *
 * @param pool   NULL: the default pool
 * @param crash  filled if there was one
 * @return       0; -ENODATA: none so far
 *
 * Since 0.1.
 */
int kin_pool_last_crash(struct kin_pool *pool, struct kin_crash *crash);

/** What a pool did so far; see kin_pool_stats. All but `workers` only grow. */
struct kin_pool_stats {
	uint64_t calls; /* loops handed to the workers; those the caller ran alone at once are not counted */
	uint64_t chunks; /* chunks run by workers, the caller's own and unfinished ones not counted */
	uint64_t wakes; /* sleeping workers woken for work */
	uint64_t sleeps; /* times a worker went to sleep */
	uint64_t spin_ns; /* time workers spent looking for work without sleeping, in nanoseconds */
	uint64_t deaths; /* process workers that died, whatever the reason */
	uint64_t retries; /* chunks run again because their worker died */
	uint64_t forks; /* process workers made, the first ones included */
	uint64_t jobs; /* jobs finished */
	uint64_t steals; /* kin_fork: tasks another worker took */
};

/**
 * Read the pool's counters, one after the other while workers work. Of a call that has returned all its chunks are
 * counted, of a job that has ended the job. What workers do beside that may be counted a little later: how they go to
 * sleep, and deaths after a worker's last chunk.
 *
 * @param pool   NULL: the default pool
 * @param stats  filled
 * @param size   sizeof *stats
 *
 * Since 0.1.
 */
void kin_pool_stats(struct kin_pool *pool, struct kin_pool_stats *stats, size_t size);

/**
 * Wait until every job submitted so far has ended (kin/job.h).
 *
 * @param pool        NULL: the default pool
 * @param timeout_ns  at most so long, in nanoseconds; negative: without limit
 * @return            0; -ETIMEDOUT; -EDEADLK: called by a job of this pool
 *
 * Since 0.1.
 */
int kin_pool_drain(struct kin_pool *pool, int64_t timeout_ns);

/**
 * Cancel all submitted jobs that have not begun, and wait for those that run. The pool can be used again afterwards.
 *
 * @param pool  NULL: the default pool
 * @return      0; -EDEADLK: called by a job of this pool
 *
 * Since 0.1.
 */
int kin_pool_stop(struct kin_pool *pool);

/**
 * Body of a loop: work on [begin, end), which is one chunk or, where the grain is left to kin, part of one.
 * 0: go on; anything else stops the loop and is what the call returns. Negative values other than errno values, and
 * values below -4095, are the caller's own to interpret.
 */
typedef int kin_body(size_t begin, size_t end, void *arg);

/**
 * Run a body over [begin, end).
 *
 * @param pool   NULL: the default pool
 * @param begin  first index
 * @param end    one past the last; begin == end is no work, and fine
 * @param grain  indexes in a chunk, the last one may have fewer; 0: kin chooses, by the length alone: at most 1024
 *               chunks
 * @param body   called with ranges that cover [begin, end) exactly once
 * @param arg    handed to the body; for processes it decides who runs the body, see above
 * @return       0; -EINVAL: begin > end, or no body; what the body returned; -ECANCELED, -ETIMEDOUT: see
 *               kin/control.h; for processes -EOWNERDEAD: a chunk killed three workers, -EAGAIN, -ENOMEM: no worker
 *               could be forked; -ECHILD: in a child forked by the body
 *
 * Cost: well under a microsecond when the workers are awake or the work is short. Since 0.1.
 */
int kin_for(struct kin_pool *pool, size_t begin, size_t end, size_t grain, kin_body *body, void *arg);

/** A rectangle of indexes, rows [row_begin, row_end) by columns [column_begin, column_end). */
struct kin_tile {
	size_t row_begin, row_end, column_begin, column_end;
};

/** Body of a two-dimensional loop; the result means what kin_body's does. */
typedef int kin_tile_body(const struct kin_tile *tile, void *arg);

/**
 * Run a body over a rectangle, cut into tiles, which are chunks numbered row of tiles by row of tiles.
 *
 * @param pool   NULL: the default pool
 * @param whole  the rectangle; empty is fine
 * @param grain  rows and columns of a tile, each 0 where kin chooses by the extent alone: at most 32 tiles a side
 * @param body   called once for each tile
 * @param arg    handed to the body
 * @return       as kin_for; also -EOVERFLOW: more than SIZE_MAX tiles
 *
 * Since 0.1.
 */
int kin_for_2d(struct kin_pool *pool, const struct kin_tile *whole, const size_t grain[2],
	kin_tile_body *body, void *arg);

/** Make item `index` of the output of kin_map. */
typedef int kin_map_body(size_t index, void *item, void *arg);

/**
 * Fill an array, item by item, in order: items[i] is what the body makes for i.
 *
 * @param pool   NULL: the default pool
 * @param count  number of items
 * @param items  the array, at least count * size bytes; with processes it may be private memory: results are brought
 *               home when the call ends, and are not there if it fails
 * @param size   bytes of an item
 * @param body   called once for each index from 0 to count - 1
 * @param arg    handed to the body
 * @return       as kin_for; also -EINVAL: size 0; -EOVERFLOW: more than SIZE_MAX bytes
 *
 * Since 0.1.
 */
int kin_map(struct kin_pool *pool, size_t count, void *items, size_t size, kin_map_body *body, void *arg);

/** Whether index is what kin_find looks for: 1 yes, 0 no, negative: stop, with this error. */
typedef int kin_test(size_t index, void *arg);

/**
 * The lowest index in [begin, end) for which a test holds. Stops early: nothing after a hit is begun any more.
 *
 * @param pool       NULL: the default pool
 * @param begin      first index
 * @param end        one past the last
 * @param test       may be called for indexes after the one found, and for all before it
 * @param arg        handed to the test
 * @param ret_index  receives the index; untouched if there is none
 * @return           0: found; -ENOENT: none; an error that the test gave before the first hit; otherwise as kin_for
 *
 * Since 0.1.
 */
int kin_find(struct kin_pool *pool, size_t begin, size_t end, kin_test *test, void *arg, size_t *ret_index);

/**
 * Which worker runs the calling code: different for any two that work for one pool at a time, so that an array of
 * kin_pool_slots values gives each one of its own. For sums use kin/reduce.h, which does not depend on who ran what.
 *
 * @param pool  NULL: the default pool
 * @return      from 0 to kin_pool_slots() - 1 inside a body or job of the pool; -1 elsewhere
 *
 * In a process worker the pool is the one that the worker belongs to. All others count as one there: inside the calls
 * and jobs that the worker makes on them, which run alone in it, the index is of that process. Since 0.1.
 */
int kin_worker_index(struct kin_pool *pool);

/**
 * The number of values kin_worker_index can have: the workers, and as many threads again as may call at one time.
 *
 * @param pool  NULL: the default pool
 * @return      at least kin_pool_workers
 *
 * Since 0.1.
 */
unsigned kin_pool_slots(struct kin_pool *pool);

/** A value for each worker of a pool; opaque. */
struct kin_local;

/**
 * Make worker-local storage: one value for each worker, each on cache lines of its own.
 *
 * @param ret_local  receives the storage, owned by the caller: kin_local_destroy ends it; before the pool's end
 * @param pool       NULL: the default pool
 * @param size       bytes of a value
 * @param initial    what each value begins as; NULL: zero bytes
 * @return           0; -EINVAL: size 0; -ENOMEM
 *
 * For processes it lies in shared memory: what a killed worker had added stays, and its chunk is run again.
 * Since 0.1.
 */
int kin_local_create(struct kin_local **ret_local, struct kin_pool *pool, size_t size, const void *initial);

/**
 * The calling worker's value.
 *
 * @param local  the storage
 * @return       its address, for as long as the chunk or job runs; NULL outside of them, and for a pool of processes
 *               in a worker of another one
 *
 * Since 0.1.
 */
void *kin_local_get(struct kin_local *local);

/**
 * Look at all workers' values, in the order of the workers, those never touched too; no call may run meanwhile.
 *
 * @param local  the storage
 * @param visit  called for each value; a result other than 0 ends the pass
 * @param arg    handed to visit
 * @return       0, or what visit returned
 *
 * Since 0.1.
 */
int kin_local_each(struct kin_local *local, int (*visit)(void *value, void *arg), void *arg);

/**
 * End worker-local storage.
 *
 * @param local  NULL is welcome
 *
 * Since 0.1.
 */
void kin_local_destroy(struct kin_local *local);

#ifdef __cplusplus
}
#endif

#endif
