/* threads N [ALIVE]: N threads, ALIVE of them (default 1) at a time, all ended before the next batch. */
#include "load.h"

#include <pthread.h>

static pthread_barrier_t all_alive;

static void *body(void *wait)
{
	if (wait)
		pthread_barrier_wait(&all_alive);
	return NULL;
}

static int batch(pthread_t *threads, long count, pthread_attr_t *attributes)
{
	pthread_barrier_init(&all_alive, NULL, count);
	for (long i = 0; i < count; i++) {
		errno = pthread_create(&threads[i], attributes, body, count > 1 ? threads : NULL);
		if (errno)
			load_die("pthread_create");
	}
	for (long i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&all_alive);
	return 0;
}

int main(int argc, char **argv)
{
	long left = argc > 1 ? atol(argv[1]) : 0, alive = argc > 2 ? atol(argv[2]) : 1;
	if (left < 0 || alive < 1) {
		fprintf(stderr, "usage: threads N [ALIVE]\n");
		return 2;
	}
	pthread_t *threads = calloc(alive, sizeof *threads);
	if (!threads)
		load_die("calloc");
	pthread_attr_t attributes;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 65536);
	for (; left > 0; left -= alive)
		batch(threads, left < alive ? left : alive, &attributes);
	free(threads);
	return 0;
}
