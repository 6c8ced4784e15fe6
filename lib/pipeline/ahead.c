/* Reading ahead: a job fills a ring until it is full, and is submitted again when half of it has been pulled. */
#include "base/api.h"
#include "base/fork.h"
#include "base/futex.h"
#include "base/ticks.h"
#include "pool/context.h"

#include <kin/control.h>
#include <kin/job.h>
#include <kin/pipeline.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

/* How often those who wait look whether they were cancelled. */
#define LOOK_NS 5000000

/* From pull: nothing is there yet. */
#define NOT_YET 2

struct kin_ahead {
	struct kin_pool *pool;
	kin_produce *produce;
	void *arg;
	size_t item_size, count;
	uint32_t generation; // of the process that made it
	struct kin_job *job; // the last one submitted; of the thread that pulls
	pthread_mutex_t lock; // over what follows
	size_t first, filled; // the items in the ring
	int end; // 1: not reached, 0: reached, negative: failed
	bool stop;
	bool filling; // a job runs, or will, and has not decided to end
	bool waits; // somebody sleeps on the futex
	_Atomic uint32_t changed; // a futex: something was added, or the job ends
	_Alignas(max_align_t) char ring[];
};

static char *slot(struct kin_ahead *ahead, size_t at)
{
	return ahead->ring + (ahead->first + at) % ahead->count * ahead->item_size;
}

static void tell_locked(struct kin_ahead *ahead)
{
	if (!ahead->waits)
		return;
	ahead->waits = false;
	atomic_fetch_add(&ahead->changed, 1);
	futex_wake(&ahead->changed, 1);
}

static int make(struct kin_ahead *ahead, char *item)
{
	int made = ahead->produce(item, ahead->arg);
	return made > 1 ? -EINVAL : made;
}

static int fill(void *arg, void *result)
{
	struct kin_ahead *ahead = arg;
	pthread_mutex_lock(&ahead->lock);
	while (!ahead->stop && ahead->end == 1 && ahead->filled < ahead->count && kin_stopping() == 0) {
		/* Pulling moves first and filled, and their sum stays. */
		char *item = slot(ahead, ahead->filled);
		pthread_mutex_unlock(&ahead->lock);
		int made = make(ahead, item);
		if (ahead->generation != fork_generation())
			return 0; // a child that it forked: the lock may be held by a thread that is not there
		pthread_mutex_lock(&ahead->lock);
		ahead->end = made;
		ahead->filled += made == 1;
		tell_locked(ahead);
	}
	ahead->filling = false;
	tell_locked(ahead);
	pthread_mutex_unlock(&ahead->lock);
	return 0;
}

static void set_idle(struct kin_ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	ahead->filling = false;
	pthread_mutex_unlock(&ahead->lock);
}

/* Whether nobody produces, nor will; a job that has not begun is taken back where `take` says so. */
static bool is_idle(struct kin_ahead *ahead, bool take)
{
	pthread_mutex_lock(&ahead->lock);
	bool filling = ahead->filling;
	pthread_mutex_unlock(&ahead->lock);
	if (!filling)
		return true;
	/* Cancelled jobs do not tell. */
	if (kin_job_state(ahead->job) != KIN_JOB_ENDED && !(take && kin_job_cancel(ahead->job) == 0))
		return false;
	set_idle(ahead);
	return true;
}

/* A job that runs, or will; nothing if the ring is full enough. */
static int keep_filling(struct kin_ahead *ahead)
{
	pthread_mutex_lock(&ahead->lock);
	bool wanted = ahead->end == 1 && !ahead->filling && ahead->filled <= ahead->count / 2;
	ahead->filling |= wanted;
	pthread_mutex_unlock(&ahead->lock);
	if (!wanted)
		return 0;
	kin_job_destroy(ahead->job);
	ahead->job = NULL;
	int error = kin_submit(ahead->pool, fill, ahead, NULL, &ahead->job);
	if (error < 0)
		set_idle(ahead);
	return error;
}

KIN_API int kin_ahead_create(struct kin_ahead **ret_ahead, struct kin_pool *pool, size_t item_size,
	size_t count, kin_produce *produce, void *arg)
{
	size_t bytes;
	if (!produce || !item_size || !count)
		return -EINVAL;
	if (__builtin_mul_overflow(item_size, count, &bytes) || bytes > SIZE_MAX / 2)
		return -ENOMEM;
	struct kin_ahead *ahead = calloc(1, sizeof *ahead + bytes);
	if (!ahead)
		return -ENOMEM;
	ahead->pool = kin_pool_kind(pool) == KIN_THREADS ? pool : NULL;
	ahead->produce = produce;
	ahead->arg = arg;
	ahead->item_size = item_size;
	ahead->count = count;
	ahead->generation = fork_generation();
	ahead->end = 1;
	pthread_mutex_init(&ahead->lock, NULL);
	int error = keep_filling(ahead);
	if (error < 0) {
		kin_ahead_destroy(ahead);
		return error;
	}
	*ret_ahead = ahead;
	return 0;
}

/* 1: pulled; 0 or negative: there will be none; NOT_YET: then a change will be told. */
static int pull(struct kin_ahead *ahead, void *item)
{
	pthread_mutex_lock(&ahead->lock);
	int result = NOT_YET;
	if (ahead->filled) {
		memcpy(item, slot(ahead, 0), ahead->item_size);
		ahead->first = (ahead->first + 1) % ahead->count;
		ahead->filled--;
		result = 1;
	} else if (ahead->end != 1)
		result = ahead->end;
	ahead->waits = result == NOT_YET;
	pthread_mutex_unlock(&ahead->lock);
	return result;
}

/* Nobody produces: one item by the caller. */
static int produce_one(struct kin_ahead *ahead, void *item)
{
	char *made_at = slot(ahead, 0);
	int made = make(ahead, made_at);
	if (ahead->generation != fork_generation())
		return -ECHILD;
	pthread_mutex_lock(&ahead->lock);
	ahead->end = made;
	if (made == 1)
		memcpy(item, made_at, ahead->item_size);
	pthread_mutex_unlock(&ahead->lock);
	return made;
}

/* Nothing is there: make it, or wait. NOT_YET: look again. */
static int get(struct kin_ahead *ahead, void *item, uint32_t changed, int64_t limit)
{
	bool alone = limit == INT64_MAX;
	int stopping = kin_stopping();
	if (stopping)
		return stopping;
	if (is_idle(ahead, alone)) {
		/* It may have ended with an item just now. */
		int result = pull(ahead, item);
		if (result != NOT_YET)
			return result;
		if (alone)
			return produce_one(ahead, item);
		int error = keep_filling(ahead);
		if (error < 0)
			return error;
	}
	int64_t left = alone ? -1 : limit - clock_ns();
	if (!alone && left <= 0)
		return -ETIMEDOUT;
	if (context_control_now() && (left < 0 || left > LOOK_NS))
		left = LOOK_NS;
	futex_wait(&ahead->changed, changed, left);
	return NOT_YET;
}

KIN_API int kin_ahead_next(struct kin_ahead *ahead, void *item, int64_t timeout_ns)
{
	if (ahead->generation != fork_generation())
		return -ECHILD;
	int64_t now = timeout_ns < 0 ? 0 : clock_ns();
	int64_t limit = timeout_ns < 0 || timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
	int result;
	do {
		uint32_t changed = atomic_load(&ahead->changed);
		result = pull(ahead, item);
		if (result == NOT_YET)
			result = get(ahead, item, changed, limit);
	} while (result == NOT_YET);
	/* Without memory for a job the items are produced one by one, as they are pulled. */
	if (result == 1)
		(void)keep_filling(ahead);
	return result;
}

/* In a child the lock may be held for ever by a thread of the parent, whose job it was. */
static void end_job(struct kin_ahead *ahead)
{
	if (ahead->generation != fork_generation())
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_mutex_unlock(&ahead->lock);
	if (ahead->job && kin_job_cancel(ahead->job) == -EBUSY)
		kin_wait(ahead->job, -1);
	pthread_mutex_destroy(&ahead->lock);
}

KIN_API void kin_ahead_destroy(struct kin_ahead *ahead)
{
	if (!ahead)
		return;
	end_job(ahead);
	kin_job_destroy(ahead->job);
	free(ahead);
}
