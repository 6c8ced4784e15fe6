/* Reading ahead: a job fills a ring until it is full, and is submitted again when half of it has been pulled. */
#include "base/api.h"
#include "base/futex.h"
#include "base/ticks.h"

#include <kin/job.h>
#include <kin/pipeline.h>

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct kin_ahead {
	struct kin_pool *pool;
	kin_produce *produce;
	void *arg;
	size_t item_size, count;
	pthread_mutex_t lock; // over what follows
	size_t first, filled; // the items in the ring
	int end; // 1: not reached, 0: reached, negative: failed
	bool stop;
	bool filling; // a job runs, or will, and has not decided to end
	struct kin_job *job; // the last one submitted; of the thread that pulls
	_Atomic uint32_t changed; // a futex: something was added, or the end came
	char ring[];
};

static char *slot(struct kin_ahead *ahead, size_t at)
{
	return ahead->ring + (ahead->first + at) % ahead->count * ahead->item_size;
}

static void tell(struct kin_ahead *ahead)
{
	atomic_fetch_add(&ahead->changed, 1);
	futex_wake(&ahead->changed, 1);
}

static int fill(void *arg, void *result)
{
	struct kin_ahead *ahead = arg;
	pthread_mutex_lock(&ahead->lock);
	while (!ahead->stop && ahead->end == 1 && ahead->filled < ahead->count) {
		char *item = slot(ahead, ahead->filled);
		pthread_mutex_unlock(&ahead->lock);
		int made = ahead->produce(item, ahead->arg);
		pthread_mutex_lock(&ahead->lock);
		ahead->end = made;
		ahead->filled += made == 1;
		tell(ahead);
	}
	ahead->filling = false;
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
	bool idle = !ahead->filling;
	pthread_mutex_unlock(&ahead->lock);
	/* In a forked child the job was the parent's, and counts as ended. */
	if (!idle &&
		(kin_job_state(ahead->job) == KIN_JOB_ENDED || (take && kin_job_cancel(ahead->job) == 0))) {
		set_idle(ahead);
		idle = true;
	}
	return idle;
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

/* 1: pulled, 0 or negative: there will be none; 2: not yet. */
static int pull(struct kin_ahead *ahead, void *item)
{
	pthread_mutex_lock(&ahead->lock);
	int result = 2;
	if (ahead->filled) {
		memcpy(item, slot(ahead, 0), ahead->item_size);
		ahead->first = (ahead->first + 1) % ahead->count;
		ahead->filled--;
		result = 1;
	} else if (ahead->end != 1)
		result = ahead->end;
	pthread_mutex_unlock(&ahead->lock);
	return result;
}

/* Nobody produces: one item by the caller. */
static int produce_one(struct kin_ahead *ahead, void *item)
{
	char *made_at = slot(ahead, 0);
	int made = ahead->produce(made_at, ahead->arg);
	pthread_mutex_lock(&ahead->lock);
	ahead->end = made;
	if (made == 1)
		memcpy(item, made_at, ahead->item_size);
	pthread_mutex_unlock(&ahead->lock);
	return made;
}

KIN_API int kin_ahead_next(struct kin_ahead *ahead, void *item, int64_t timeout_ns)
{
	int64_t now = clock_ns();
	int64_t limit = timeout_ns < 0 || timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns;
	for (;;) {
		uint32_t changed = atomic_load(&ahead->changed);
		int result = pull(ahead, item);
		if (result == 1) {
			int error = keep_filling(ahead);
			(void)error; // without memory for a job the items are produced one by one, as they are pulled
			return 1;
		}
		if (result != 2)
			return result;
		bool idle = is_idle(ahead, timeout_ns < 0);
		if (timeout_ns < 0 && idle) {
			/* It may have ended with an item just now. */
			result = pull(ahead, item);
			return result != 2 ? result : produce_one(ahead, item);
		}
		if (idle && keep_filling(ahead) < 0)
			return -ENOMEM;
		int64_t left = limit == INT64_MAX ? -1 : limit - clock_ns();
		if (limit != INT64_MAX && left <= 0)
			return -ETIMEDOUT;
		futex_wait(&ahead->changed, changed, left);
	}
}

KIN_API void kin_ahead_destroy(struct kin_ahead *ahead)
{
	if (!ahead)
		return;
	pthread_mutex_lock(&ahead->lock);
	ahead->stop = true;
	pthread_mutex_unlock(&ahead->lock);
	if (ahead->job) {
		if (kin_job_cancel(ahead->job) == -EBUSY)
			kin_wait(ahead->job, -1);
		kin_job_destroy(ahead->job);
	}
	pthread_mutex_destroy(&ahead->lock);
	free(ahead);
}
