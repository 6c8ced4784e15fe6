/*
 * Threads: each pthread_create is one clone3 with CLONE_VM. All threads see the same memory, so a worker reads the
 * numbers and leaves its result where it is; nothing is copied and nothing is sent.
 */
#include "sum_array.h"

#include <pthread.h>

struct worker {
	/* A cache line each: workers that wrote to one line would take it from each other (false sharing). */
	_Alignas(64) int64_t sum;
	const int32_t *numbers;
	struct range range;
	pthread_t thread;
};

static void *work(void *argument)
{
	struct worker *worker = argument;
	worker->sum = sum_range(worker->numbers, worker->range);
	return NULL;
}

int main(int argc, char **argv)
{
	struct lab lab = lab_begin(argc, argv, "threads", 2);
	static struct worker workers[MAX_WORKERS];

	double start = seconds_now();
	for (unsigned i = 0; i < lab.workers; i++) {
		workers[i].numbers = lab.numbers;
		workers[i].range = range_of(lab.count, i, lab.workers);
		/* pthread functions return the error; they do not set errno. */
		int error = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (error)
			lab_fail(&lab, "pthread_create", error);
	}

	int64_t sum = 0;
	for (unsigned i = 0; i < lab.workers; i++) {
		int error = pthread_join(workers[i].thread, NULL);
		if (error)
			lab_fail(&lab, "pthread_join", error);
		sum += workers[i].sum;
	}
	return lab_end(&lab, sum, seconds_now() - start);
}
