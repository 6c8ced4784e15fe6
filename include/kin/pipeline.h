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
 * Items go through in batches: while one batch is transformed and consumed, the next one is produced. What D calls
 * asyncBuf is struct kin_ahead here; its lazy map is kin_pipeline.
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
	size_t ahead; /* items in memory at most; 0: kin chooses, by their size and how long they take */
};

/**
 * Run a pipeline to its end.
 *
 * Items are produced one after the other, each by the calling thread or by a worker thread; never two at a time,
 * and never in a process worker. Results are consumed in the order of the items, in the calling thread. On
 * processes transforms run in workers, and arg decides in which, as in kin_for; items and results travel in shared
 * memory.
 *
 * What goes wrong first in the order of the items counts: everything before it is consumed, nothing after it.
 *
 * @param pool      NULL: the default pool
 * @param pipeline  what to run
 * @return          0: the end was reached; what a stage returned; -EINVAL: no producer, item_size or result_size 0;
 *                  -ENOMEM; -ECANCELED, -ETIMEDOUT: see kin/control.h; for processes also what kin_for returns
 *
 * From any thread, also from inside a body. Since 0.1.
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
 * Since 0.1.
 */
int kin_ahead_create(struct kin_ahead **ret_ahead, struct kin_pool *pool, size_t item_size, size_t count,
	kin_produce *produce, void *arg);

/**
 * The next item.
 *
 * @param ahead       the handle; one thread at a time pulls
 * @param item        receives item_size bytes; untouched unless the result is 1
 * @param timeout_ns  wait at most so long, in nanoseconds; negative: without limit
 * @return            1; 0: the end; what the producer returned when it failed, each time; -ETIMEDOUT
 *
 * Never waits for a worker to become free: without a limit the caller produces the item itself then. Since 0.1.
 */
int kin_ahead_next(struct kin_ahead *ahead, void *item, int64_t timeout_ns);

/**
 * Stop the producer, after the item it works on, and free what was read ahead.
 *
 * @param ahead  NULL is welcome; afterwards invalid
 *
 * Since 0.1.
 */
void kin_ahead_destroy(struct kin_ahead *ahead);

#ifdef __cplusplus
}
#endif

#endif
