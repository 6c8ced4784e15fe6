/* The jobs that are ready to begin: a binary heap, highest priority first, then lowest number. */
#include "job/jobs.h"

#include <errno.h>
#include <stdlib.h>

static bool is_before(const struct kin_job *a, const struct kin_job *b)
{
	return a->priority != b->priority ? a->priority > b->priority : a->number < b->number;
}

static void put(struct jobs *jobs, size_t place, struct kin_job *job)
{
	jobs->ready[place] = job;
	job->place = place;
}

static void sift(struct jobs *jobs, size_t place, struct kin_job *job)
{
	size_t count = atomic_load_explicit(&jobs->ready_count, memory_order_relaxed);
	while (place > 0 && is_before(job, jobs->ready[(place - 1) / 2])) {
		put(jobs, place, jobs->ready[(place - 1) / 2]);
		place = (place - 1) / 2;
	}
	for (size_t child; (child = 2 * place + 1) < count; place = child) {
		if (child + 1 < count && is_before(jobs->ready[child + 1], jobs->ready[child]))
			child++;
		if (!is_before(jobs->ready[child], job))
			break;
		put(jobs, place, jobs->ready[child]);
	}
	put(jobs, place, job);
}

/* Every job that is not ended has room in the heap, so that its turn cannot fail for lack of memory. */
int ready_make_room_locked(struct jobs *jobs, size_t more)
{
	size_t need = jobs->unfinished + more;
	if (need <= jobs->ready_room)
		return 0;
	size_t room = need < 16 ? 16 : 2 * need;
	struct kin_job **ready = realloc(jobs->ready, room * sizeof(struct kin_job *));
	if (!ready)
		return -ENOMEM;
	jobs->ready = ready;
	jobs->ready_room = room;
	return 0;
}

static void count_offspring(struct kin_job *job, int by)
{
	for (struct kin_job *parent = job->parent; parent; parent = parent->parent)
		parent->offspring += (size_t)by;
}

void ready_push_locked(struct kin_job *job)
{
	struct jobs *jobs = job->jobs;
	size_t count = atomic_fetch_add(&jobs->ready_count, 1);
	count_offspring(job, 1);
	sift(jobs, count, job);
}

void ready_remove_locked(struct kin_job *job)
{
	struct jobs *jobs = job->jobs;
	size_t place = job->place, last = atomic_fetch_sub(&jobs->ready_count, 1) - 1;
	count_offspring(job, -1);
	job->place = SIZE_MAX;
	if (place != last)
		sift(jobs, place, jobs->ready[last]);
}

struct kin_job *job_take_first_locked(struct jobs *jobs)
{
	if (jobs->held || atomic_load_explicit(&jobs->ready_count, memory_order_relaxed) == 0)
		return NULL;
	struct kin_job *job = jobs->ready[0];
	ready_remove_locked(job);
	job_begin_locked(job);
	return job;
}
