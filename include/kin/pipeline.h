/**
 * kin/pipeline.h: work on items as they come: produce, transform on every core, consume in order; and reading ahead.
 *
 *	static int read_block(void *item, void *arg)              // one after the other, in order
 *	{
 *		struct block *block = item;
 *		block->length = fread(block->bytes, 1, sizeof block->bytes, arg);
 *		return block->length ? 1 : ferror((FILE *)arg) ? -EIO : 0;
 *	}
 *
 *	static int checksum(const void *item, void *result, void *arg)          // many at a time
 *	{
 *		const struct block *block = item;
 *		*(uint32_t *)result = crc(block->bytes, block->length);
 *		return 0;
 *	}
 *
 *	static int print(const void *result, void *arg)           // in order, in the calling thread
 *	{
 *		return printf("%08x\n", (unsigned)*(const uint32_t *)result) < 0 ? -EIO : 0;
 *	}
 *
 *	struct kin_pipeline lines = {
 *		.item_size = sizeof(struct block), .result_size = sizeof(uint32_t),
 *		.produce = read_block, .transform = checksum, .consume = print, .arg = file,
 *	};
 *	int result = kin_pipeline(NULL, &lines);
 *
 * Items go through in batches: while one is produced, the one before it is transformed, and the one before that
 * consumed. How large batches are follows from how long they take; what is computed does not depend on it. What D
 * calls asyncBuf is struct kin_ahead here; what its lazy map is for, kin_pipeline does.
 *
 * What no thread has begun the caller does itself, so it waits for none to become free; transforms on processes are
 * left to these, and kin_ahead_next with a limit of time only waits.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_PIPELINE_H
#define KIN_PIPELINE_H

#include <kin/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Make the next item (item_size zeroed bytes, or what an earlier item left there): 1 made; 0 end; negative: failed.
 * Other values count as -EINVAL. It is not called again after the end or a failure. Items and results are aligned as
 * malloc aligns, where their size is a multiple of that.
 */
typedef int kin_produce(void *item, void *arg);

/** Make an item's result; 0, or anything else to stop. */
typedef int kin_transform(const void *item, void *result, void *arg);

/** Take the next result; 0, or anything else to stop. */
typedef int kin_consume(const void *result, void *arg);

/** A pipeline. Zero is the default where it says so. */
struct kin_pipeline {
	size_t size; /* sizeof(struct kin_pipeline), or 0: this version's */
	size_t item_size, result_size; /* bytes; result_size has no meaning without a transform */
	kin_produce *produce;
	kin_transform *transform; /* NULL: the items themselves are consumed */
	kin_consume *consume; /* NULL: transforms keep what they make, by arg */
	void *arg; /* handed to all three */
	/*
	 * Items at most that are made and not consumed yet, at any time; below 3 no stages overlap. 0: kin chooses:
	 * batches of up to 4096 items and 4 MiB, or 2 items for each worker if that is more, three of them.
	 */
	size_t ahead;
};

/**
 * Run a pipeline to its end.
 *
 * Items are produced one after the other, each by the calling thread or by a worker thread; never two at a time,
 * and never in a process worker. Results are consumed in the order of the items, in the calling thread. The stages
 * run at the same time, so what they share through arg is theirs to guard. On processes transforms run in workers,
 * and arg decides in which, as in kin_for: if it is not shared each batch forks workers, which see the caller's
 * memory as it is then. Items and results travel in shared memory; the producer runs on threads of the default pool.
 * On one thread, and inside a process worker, the calling thread does everything.
 *
 * What goes wrong first in the order of the items counts: everything before it is consumed, nothing after it. By
 * then later items may have been made and transformed. When a control stops the pipeline, or a transform kills three
 * workers, the results of that batch are dropped; kin_pool_last_crash tells the item's number, from 0.
 *
 * @param pool      NULL: the default pool
 * @param pipeline  what to run
 * @return          0: the end was reached; what a stage returned; -EINVAL: no producer, item_size or result_size 0;
 *                  -ENOMEM; -ECANCELED, -ETIMEDOUT: see kin/control.h; -ECHILD: in a child that a stage forked, which
 *                  cannot go on; for processes also what kin_for returns
 *
 * From any thread, also from inside a body. Linear. Memory: three batches, owned by the call. Since 0.1.
 */
int kin_pipeline(struct kin_pool *pool, const struct kin_pipeline *pipeline);

/** A producer that is read ahead of; opaque. */
struct kin_ahead;

/**
 * Have a producer run ahead of the thread that pulls its items.
 *
 * @param ret_ahead  receives the handle, owned by the caller: kin_ahead_destroy ends it; untouched on failure
 * @param pool       whose threads run the producer; NULL, or a pool of processes: the default pool's
 * @param item_size  bytes of an item
 * @param count      items it may be ahead
 * @param produce    called for one item after the other, as soon as there is room
 * @param arg        handed to it
 * @return           0; -EINVAL: no producer, item_size or count 0; -ENOMEM
 *
 * It runs in this process, one call at a time, in jobs that end when there is no room, so no worker is held; they
 * run under the control of the thread that creates or pulls. Inside a process worker the caller produces all. Memory:
 * count items. From any thread. Since 0.1.
 */
int kin_ahead_create(struct kin_ahead **ret_ahead, struct kin_pool *pool, size_t item_size, size_t count,
	kin_produce *produce, void *arg);

/**
 * The next item.
 *
 * @param ahead       the handle; one thread at a time pulls, any one
 * @param item        receives item_size bytes; untouched unless the result is 1
 * @param timeout_ns  wait at most so long, in nanoseconds; negative: without limit
 * @return            1; 0: the end; what the producer returned when it failed, each time; -ETIMEDOUT: none came in
 *                    time; -ETIMEDOUT, -ECANCELED: a control's, and only where there is no item; -ENOMEM, with a
 *                    limit only; -ECHILD: in a forked child, where nothing can be pulled
 *
 * Without a limit the caller produces the item itself if no worker has begun to. Constant time, and a copy of the
 * item. Since 0.1.
 */
int kin_ahead_next(struct kin_ahead *ahead, void *item, int64_t timeout_ns);

/**
 * Stop the producer, after the item it works on, and free what was read ahead. Waits for the producer's current call.
 *
 * @param ahead  NULL is welcome; afterwards invalid
 *
 * Not while another thread pulls, nor from inside the producer. In a forked child it frees what is the child's.
 * Since 0.1.
 */
void kin_ahead_destroy(struct kin_ahead *ahead);

#ifdef __cplusplus
}
#endif

#endif
