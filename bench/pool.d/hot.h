/*
 * hot.h: threads that never sleep, for what has no pool of its own: the ceiling, and published methods of
 * summing. It is
 * the best case of any pool: a chunk is claimed by one atomic addition, and the end is seen as soon as it is there.
 */
#ifndef HOT_H
#define HOT_H

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#if defined __x86_64__
#define hot_pause() __builtin_ia32_pause()
#else
#define hot_pause() __asm__ volatile("yield")
#endif

/** Run one chunk as worker `worker`. */
typedef void hot_run_fn(void *data, size_t worker, size_t chunk);

struct hot {
	_Alignas(64) _Atomic size_t next; /* claim */
	_Alignas(64) _Atomic size_t finished;
	_Alignas(64) _Atomic size_t round;
	size_t chunks, workers;
	hot_run_fn *run;
	void *data;
	_Alignas(64) _Atomic size_t away; /* workers that are not in this round any more */
};

struct hot_worker {
	struct hot *hot;
	size_t index;
};

static inline void hot_work(struct hot *hot, size_t worker)
{
	for (;;) {
		size_t chunk = atomic_fetch_add(&hot->next, 1);
		if (chunk >= hot->chunks)
			return;
		hot->run(hot->data, worker, chunk);
		atomic_fetch_add(&hot->finished, 1);
	}
}

static inline void *hot_worker_main(void *data)
{
	struct hot_worker *worker = data;
	struct hot *hot = worker->hot;
	for (size_t round = 0;; round++) {
		while (atomic_load(&hot->round) == round)
			hot_pause();
		hot_work(hot, worker->index);
		atomic_fetch_add(&hot->away, 1);
	}
	return NULL;
}

/** Threads start with the first round, so that a program that waits for its turn does not spin. */
static inline void hot_begin(struct hot *hot)
{
	for (size_t i = 1; i < hot->workers; i++) {
		struct hot_worker *worker = malloc(sizeof *worker);
		pthread_t thread;
		*worker = (struct hot_worker){ hot, i };
		if (pthread_create(&thread, NULL, hot_worker_main, worker) != 0)
			exit(1);
		pthread_detach(thread);
	}
	atomic_store(&hot->away, hot->workers - 1);
}

static inline void hot_run(struct hot *hot, size_t chunks, hot_run_fn *run, void *data)
{
	if (!hot->run)
		hot_begin(hot);
	while (atomic_load(&hot->away) != hot->workers - 1)
		hot_pause();
	hot->chunks = chunks;
	hot->run = run;
	hot->data = data;
	atomic_store(&hot->away, 0);
	atomic_store(&hot->finished, 0);
	atomic_store(&hot->next, 0);
	atomic_fetch_add(&hot->round, 1);
	hot_work(hot, 0);
	while (atomic_load(&hot->finished) != chunks)
		hot_pause();
}

#endif
