/*
 * course.c: the course's five workloads of two threads, each with the check that its author meant. Those who move all
 * items to remove the first would need days for two of them, and are left out there.
 */
#include "bench.h"

#include <stdio.h>

struct part {
	const char *name;
	enum work works[WORKERS];
	bool full; /* begins with all items, otherwise with none, or with one to replace */
	bool same; /* one item is enough */
	bool all; /* each worker does as many operations as there are items, not half as many */
	bool (*check)(const struct part *part, void *list, const struct burst *burst, uint64_t count);
	const struct contestant *list; /* the one that is measured */
};

struct seen {
	int64_t next[WORKERS], last;
	uint64_t count;
	bool wrong;
};

/* Each number once, and each adder's in its order. */
static void see_added(const int32_t *items, size_t count, void *arg)
{
	struct seen *seen = arg;
	for (size_t i = 0; i < count; i++) {
		int64_t *next = &seen->next[items[i] & 1];
		seen->wrong |= items[i] != *next;
		*next = items[i] + WORKERS;
	}
	seen->count += count;
}

static bool check_added(const struct part *part, void *list, const struct burst *burst, uint64_t count)
{
	struct seen seen = { .next = { 0, 1 } };
	(void)burst;
	part->list->pass(list, see_added, &seen);
	return !seen.wrong && seen.count == count && part->list->count(list) == count;
}

/* That they came out in order was seen by those who removed. */
static bool check_empty(const struct part *part, void *list, const struct burst *burst, uint64_t count)
{
	uint64_t sum = 0;
	for (int i = 0; i < WORKERS; i++)
		sum += burst->tasks[i].sum;
	return part->list->count(list) == 0 && sum == count * (count - 1) / 2;
}

static void see_negative(const int32_t *items, size_t count, void *arg)
{
	struct seen *seen = arg;
	for (size_t i = 0; i < count; i++)
		seen->wrong |= items[i] != -(int64_t)seen->count++;
}

static bool check_negative(const struct part *part, void *list, const struct burst *burst, uint64_t count)
{
	struct seen seen = { 0 };
	(void)burst;
	part->list->pass(list, see_negative, &seen);
	return !seen.wrong && seen.count == count;
}

static void see_last(const int32_t *items, size_t count, void *arg)
{
	struct seen *seen = arg;
	seen->last = items[0];
	seen->count += count;
}

static bool check_last(const struct part *part, void *list, const struct burst *burst, uint64_t count)
{
	struct seen seen = { 0 };
	(void)burst;
	part->list->pass(list, see_last, &seen);
	return seen.count == 1 && (seen.last == 1 - (int64_t)count || seen.last == 2 - (int64_t)count);
}

static const struct part parts[] = {
	{ "add/add", { WORK_APPEND, WORK_APPEND }, false, false, false, check_added, NULL },
	{ "add/remove", { WORK_APPEND, WORK_FIRST }, false, false, true, check_empty, NULL },
	{ "remove/remove", { WORK_FIRST, WORK_FIRST }, true, false, false, check_empty, NULL },
	{ "replace different", { WORK_REPLACE, WORK_REPLACE }, true, false, false, check_negative, NULL },
	{ "replace same", { WORK_REPLACE, WORK_REPLACE }, false, true, false, check_last, NULL },
};

static const struct contestant *const lists[] = { &list_kin, &list_tbb, &list_mutex, &list_rwlock };

static bool can(const struct contestant *list, const struct part *part)
{
	bool first = part->works[0] == WORK_FIRST || part->works[1] == WORK_FIRST;
	return list->create && list->works[part->works[0]] && list->works[part->works[1]] &&
	       !(first && list->shifts);
}

static void set_tasks(const struct part *part, struct burst *burst, void *list, uint64_t count)
{
	for (int i = 0; i < WORKERS; i++) {
		int64_t sign = part->works[i] == WORK_REPLACE ? -1 : 1, step = part->all ? 1 : WORKERS;
		burst->tasks[i] = (struct task){
			.list = list,
			.work = part->works[i],
			.count = part->all ? count : (count + (i == 0)) / WORKERS,
			.block = 1 << 16,
			.range = part->same ? 1 : count + WORKERS, /* no index comes round */
			.index = part->same ? 0 : (uint64_t)i,
			.index_step = part->same ? 0 : WORKERS,
			.value = part->all ? 0 : sign * i,
			.value_step = sign * step,
		};
	}
}

/* Returns whether the list was right. */
static bool run_part(const struct part *part, uint64_t count, int round)
{
	struct burst burst = { 0 };
	void *list = part->list->create();
	struct task fill = { .list = list, .count = part->same ? 1 : count, .block = count, .value_step = 1 };
	if (!list)
		return false;
	if (part->full || part->same)
		part->list->works[WORK_APPEND](&fill);
	set_tasks(part, &burst, list, count);
	bool fine = !fill.failed && burst_run(&burst, part->list, WORKERS) == 0 &&
		    !burst_failed(&burst, WORKERS) && part->check(part, list, &burst, count);
	part->list->destroy(list);
	if (fine)
		printf("{\"row\": \"course\", \"part\": \"%s\", \"who\": \"%s\", \"round\": %d, \"counts\": "
		       "1, "
		       "\"tried\": 1, \"seconds\": %.4f, \"cpus\": %.3f}\n",
			part->name, part->list->name, round, burst.seconds, burst.cpus);
	else
		printf("{\"row\": \"course\", \"part\": \"%s\", \"who\": \"%s\", \"wrong\": 1}\n", part->name,
			part->list->name);
	fflush(stdout);
	return fine;
}

int course_run(const struct options *options)
{
	const int all = sizeof lists / sizeof *lists;
	bool fine = true;
	for (int round = 0; round < options->rounds; round++)
		for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
			for (int k = 0; k < all; k++) {
				struct part part = parts[i];
				part.list = lists[(round + k) % all];
				if (can(part.list, &part))
					fine &= run_part(&part, options->count, round);
			}
	return fine ? 0 : -1;
}
