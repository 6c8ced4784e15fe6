/*
 * The course's five workloads: two threads at one list, through the methods of clist.h. Each part says whether the
 * list holds what it has to hold, however the threads took turns.
 */
#include "clist.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#define THREADS 2
#define KEPT 1000 /* items that stay behind those that both remove */
#define LOOK 1024 /* operations between two looks at the list by those that change it */

struct worker {
	pthread_t thread;
	struct part *part;
	int number; /* 0 or 1 */
	const char *wrong; /* what it saw that cannot be */
};

/* A part of the test: what both threads do, and what must be there before and after. */
struct part {
	const char *name;
	int filled; /* items there are before: 0, 1, 2 ... */
	void *(*work[THREADS])(void *);
	const char *(*check)(struct part *part);

	CList *list;
	int count;
	pthread_barrier_t ready;
	struct worker workers[THREADS];
};

static const char no_memory[] = "there is no memory";

static struct worker *begin(void *arg)
{
	struct worker *worker = arg;
	pthread_barrier_wait(&worker->part->ready);
	return worker;
}

/* What is at an index; INT_MIN if there is nothing. */
static int number_at(CList *list, int index)
{
	const int *number = list->at(list, index);
	return number ? *number : INT_MIN;
}

/* --- add and add: one the even numbers, one the odd ones --- */

static void *add_half(void *arg)
{
	struct worker *worker = begin(arg);
	CList *list = worker->part->list;
	for (int64_t i = worker->number; i < worker->part->count && !worker->wrong; i += THREADS)
		if (!list->add(list, &(int){ (int)i }))
			worker->wrong = no_memory;
	return NULL;
}

/* Each number once, and each adder's in the order in which it added them. */
static const char *check_added(struct part *part)
{
	int64_t next[THREADS] = { 0, 1 };
	if (part->list->count(part->list) != part->count)
		return "the count is wrong";
	for (int i = 0; i < part->count; i++) {
		int number = number_at(part->list, i);
		if (number < 0 || number != next[number % THREADS])
			return "a number is lost, doubled, or out of order";
		next[number % THREADS] += THREADS;
	}
	return NULL;
}

/* --- add and remove(0): numbers come out as they went in --- */

static void *add_all(void *arg)
{
	struct worker *worker = begin(arg);
	CList *list = worker->part->list;
	for (int i = 0; i < worker->part->count && !worker->wrong; i++)
		if (!list->add(list, &i))
			worker->wrong = no_memory;
	return NULL;
}

static void *remove_all(void *arg)
{
	struct worker *worker = begin(arg);
	CList *list = worker->part->list;
	int removed = 0;
	while (removed < worker->part->count && !worker->part->workers[!worker->number].wrong) {
		/* Nobody else removes: what is first stays first. */
		int first = removed % LOOK ? removed : number_at(list, 0);
		if (first != removed && first != INT_MIN)
			worker->wrong = "the first number is not the next one";
		if (list->remove(list, 0))
			removed++;
		else
			sched_yield(); /* it is quicker than the one that adds */
	}
	return NULL;
}

static const char *check_empty(struct part *part)
{
	return part->list->count(part->list) == 0 ? NULL : "the list is not empty";
}

/* --- remove(0) and remove(0) --- */

static void *remove_half(void *arg)
{
	struct worker *worker = begin(arg);
	CList *list = worker->part->list;
	int least = 0, half = (worker->part->count + !worker->number) / THREADS;
	for (int i = 0; i < half; i++) {
		if (i % LOOK == 0) {
			int first = number_at(list, 0);
			if (first < least)
				worker->wrong = "a number that was removed is there again";
			least = first;
		}
		if (!list->remove(list, 0))
			worker->wrong = "the list was empty too early";
		least++;
	}
	return NULL;
}

static const char *check_kept(struct part *part)
{
	if (part->list->count(part->list) != KEPT)
		return "the count is wrong";
	for (int i = 0; i < KEPT; i++)
		if (number_at(part->list, i) != part->count + i)
			return "what should have stayed is not there";
	return NULL;
}

/* --- replace, each at places of its own --- */

static void *replace_half(void *arg)
{
	struct worker *worker = begin(arg);
	CList *list = worker->part->list;
	for (int64_t i = worker->number; i < worker->part->count; i += THREADS)
		if (!list->replace(list, &(int){ (int)-i }, (int)i))
			worker->wrong = "a place is missing";
	return NULL;
}

static const char *check_negative(struct part *part)
{
	if (part->list->count(part->list) != part->count)
		return "the count is wrong";
	for (int i = 0; i < part->count; i++)
		if (number_at(part->list, i) != -i)
			return "a number was not replaced";
	return NULL;
}

/* --- replace, both at the same place --- */

static void *replace_first(void *arg)
{
	struct worker *worker = begin(arg);
	CList *list = worker->part->list;
	for (int64_t i = worker->number; i < worker->part->count; i += THREADS) {
		if (!list->replace(list, &(int){ (int)-i }, 0))
			worker->wrong = "the place is missing";
		if (i / THREADS % LOOK)
			continue;
		/* Its own last number, or one of the other's. */
		int64_t seen = -(int64_t)number_at(list, 0);
		if (seen != i &&
			(seen < 0 || seen >= worker->part->count || seen % THREADS == worker->number))
			worker->wrong = "there is a number that was overwritten";
	}
	return NULL;
}

static const char *check_last(struct part *part)
{
	int last = number_at(part->list, 0), count = part->count;
	if (part->list->count(part->list) != 1)
		return "the count is wrong";
	return last == 1 - count || (last == 2 - count && count > 1) ? NULL : "the number is neither's last";
}

/* --- --- */

static double seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static const char *fill(struct part *part)
{
	for (int i = 0; i < part->filled; i++)
		if (!part->list->add(part->list, &i))
			return no_memory;
	return NULL;
}

_Noreturn static void fail(const char *what, int error)
{
	fprintf(stderr, "parallel: %s: %s\n", what, strerror(error));
	exit(1);
}

/* Both threads' work. Returns what is wrong, or NULL. */
static const char *run_threads(struct part *part)
{
	const char *wrong = NULL;
	pthread_barrier_init(&part->ready, NULL, THREADS + 1);
	for (int i = 0; i < THREADS; i++) {
		part->workers[i] = (struct worker){ .part = part, .number = i };
		int error = pthread_create(&part->workers[i].thread, NULL, part->work[i], &part->workers[i]);
		if (error)
			fail("pthread_create", error);
	}
	double start = seconds(CLOCK_MONOTONIC), used = seconds(CLOCK_PROCESS_CPUTIME_ID);
	pthread_barrier_wait(&part->ready);
	for (int i = 0; i < THREADS; i++) {
		pthread_join(part->workers[i].thread, NULL);
		if (part->workers[i].wrong)
			wrong = part->workers[i].wrong;
	}
	double wall = seconds(CLOCK_MONOTONIC) - start;
	used = seconds(CLOCK_PROCESS_CPUTIME_ID) - used;
	pthread_barrier_destroy(&part->ready);
	printf("%-18s  seconds %8.3f  processors %.1f  ", part->name, wall, wall > 0 ? used / wall : 0);
	fflush(stdout);
	return wrong;
}

/* Returns whether the list was right. */
static bool run(struct part *part)
{
	part->list = CList_init(sizeof(int));
	if (!part->list)
		fail("a list", ENOMEM);
	const char *wrong = fill(part);
	if (!wrong)
		wrong = run_threads(part);
	if (!wrong)
		wrong = part->check(part);
	printf("%s%s\n", wrong ? "WRONG: " : "right", wrong ? wrong : "");
	part->list->free(part->list);
	return !wrong;
}

static int read_count(int argc, char **argv)
{
	static const struct option options[] = { { "count", required_argument, NULL, 'n' }, { 0 } };
	long count = 1000000;
	opterr = 0;
	for (int option; (option = getopt_long(argc, argv, "n:", options, NULL)) != -1;) {
		char *end = NULL;
		errno = 0;
		if (option == 'n')
			count = strtol(optarg, &end, 10);
		if (option != 'n' || end == optarg || *end || errno || count < 1 || count > INT_MAX - KEPT) {
			fprintf(stderr, "usage: parallel [--count N], N from 1 to %d\n", INT_MAX - KEPT);
			exit(2);
		}
	}
	if (optind < argc) {
		fprintf(stderr, "parallel: cannot use '%s'; usage: parallel [--count N]\n", argv[optind]);
		exit(2);
	}
	return (int)count;
}

int main(int argc, char **argv)
{
	int count = read_count(argc, argv);
	struct part parts[] = {
		{ "add/add", 0, { add_half, add_half }, check_added },
		{ "add/remove", 0, { add_all, remove_all }, check_empty },
		{ "remove/remove", count + KEPT, { remove_half, remove_half }, check_kept },
		{ "replace different", count, { replace_half, replace_half }, check_negative },
		{ "replace same", 1, { replace_first, replace_first }, check_last },
	};
	printf("%d operations of two threads, each part on a list of its own\n", count);
	bool right = true;
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		parts[i].count = count;
		right &= run(&parts[i]);
	}
	return right ? 0 : 1;
}
