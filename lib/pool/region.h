/**
 * region.h: the one way work reaches workers. A region is a number of chunks, each run once; loops, reductions,
 * scans and sorts are functions that describe their chunks and hand them over here.
 *
 * A chunk may be run again from its beginning when the process that ran it dies; so a run function writes results and
 * does not add to them.
 */
#ifndef KIN_LIB_POOL_REGION_H
#define KIN_LIB_POOL_REGION_H

#include <kin/pool.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Bytes of data a region hands to its chunks. */
#define REGION_DATA 256

/** Chunks a region may have. */
#define REGION_MAX_CHUNKS ((size_t)1 << 48)

/**
 * Run one chunk. data: the region's. slot: where this chunk's result goes (slot_size bytes, not initialized; NULL
 * if it is 0). Returns 0; anything else stops the region after the chunks below this one.
 */
typedef int region_run_fn(void *data, size_t chunk, void *slot);

struct region_work {
	size_t chunks;
	region_run_fn *run;
	/*
	 * Threads get this very pointer; process workers get a copy of data_size bytes, at most REGION_DATA, at
	 * another address. So run must not write to it, nor keep pointers into it.
	 */
	void *data;
	size_t data_size;
	size_t slot_size; // bytes of each chunk's result; 0: none
	/*
	 * All memory that run reads and writes through data is shared memory (kin_is_shared): persistent process
	 * workers may run it. False: workers forked for this region, whose writes other than to the slot are lost.
	 * No meaning for threads.
	 */
	bool shared;
	/* What history of speed this region belongs to: the body it calls, or its run function. NULL: run. */
	const void *key;
	uint64_t
		items; // for progress and for the history of speed, in all chunks together; 0: the number of chunks
	/* For reports of crashes: the range of chunk c is [begin + c * grain, begin + (c + 1) * grain) cut to end. */
	size_t begin, end, grain;
};

/** What a region leaves. Zero bytes are a valid empty object. */
struct region_result {
	void *slots; // chunk c's result at slots + c * slot_size; NULL if slot_size was 0
	/*
	 * The lowest chunk that returned something else than 0; SIZE_MAX: none did. Exact for up to 16384 chunks,
	 * and then of those that are handed over together the first that did.
	 */
	size_t stopped_at;
	/* Private state: how slots are freed. */
	void *owned;
	size_t owned_bytes;
	struct kin_pool *owner;
};

/**
 * Run a region, and wait for its end. NULL pool: the default pool. Returns 0; what the lowest stopping chunk
 * returned; -ECANCELED, -ETIMEDOUT (a control's), -EOWNERDEAD, -EAGAIN, -ENOMEM, -ECHILD (see kin_for).
 *
 * Slots are in result on success only, and where a chunk stopped the region too (the slots of chunks below it are set
 * then); region_result_finish frees them. result may be NULL if there are no slots and nobody asks where it stopped.
 */
int region_run(struct kin_pool *pool, const struct region_work *work, struct region_result *result);
void region_result_finish(struct region_result *result);

struct post;
struct kin_control;

/**
 * For jobs on processes, in the keeper's thread: hand a region of one chunk over and do not wait. slot: where its
 * result goes. Returns 0; 1: it has to wait for a post or a worker; a negative errno value: no worker can be
 * forked.
 */
int region_post_job(struct kin_pool *pool, const struct region_work *work, void *slot,
	struct kin_control *control, struct post **ret_post);

/** Whether such a region has ended, and how; its post is free again then. */
bool region_job_ended(struct kin_pool *pool, struct post *post, int *ret_value);

/**
 * Whether a region's run functions must be given shared memory to have their writes seen: the pool has process
 * workers and the caller is not itself one. NULL: the default pool.
 */
bool region_needs_shared(struct kin_pool *pool);

#endif
