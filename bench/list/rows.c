/* rows.c: what is measured in bursts; the contestants of a row take turns. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 8 /* bursts in a round until one counts */
#define MILLION 1000000u

/* One contestant, or one way to use it, in a row. */
struct entry {
	const char *label;
	const struct contestant *list;
	int workers;
	enum work works[WORKERS];
	uint64_t fill; /* items there are before */
	uint64_t step; /* of indexes */
	uint64_t index; /* where the first worker begins; the second one behind it, if step is more than 1 */
	uint64_t count; /* operations of each worker */
	uint64_t other; /* of the second, if not as many: then what counts is what the first does */
	uint64_t warm; /* operations before the first burst */
	uint64_t before; /* and before each one, by each worker */
	bool fresh; /* a new list for each burst */
};

struct row {
	const char *name;
	struct entry entries[8];
};

/* Where the workers of a list that moves all items do one operation, others do thousands. */
#define FEW 128

#define APPEND(label, list, workers) \
	{ \
		label, list, workers, { WORK_APPEND, WORK_APPEND }, .fill = MILLION, .count = 200000 \
	}
#define TIMED(label, list) \
	{ \
		label, list, 2, { WORK_APPEND_TIMED, WORK_APPEND_TIMED }, .fill = MILLION, .count = 200000 \
	}
#define FIRST(label, list) \
	{ \
		label, list, 2, { WORK_FIRST, WORK_FIRST }, .fill = MILLION, .count = 200000, .fresh = true \
	}
#define THROUGH(label, list) \
	{ \
		label, list, 2, { WORK_FIRST, WORK_APPEND }, .fill = MILLION, .count = 200000, .fresh = true \
	}
#define EDIT(label, list, workers, n) \
	{ \
		label, list, workers, { WORK_EDIT, WORK_EDIT }, .fill = n, .count = 20000, .before = 4000, \
								.warm = 2 * MILLION \
	}
#define EDIT_ARRAY(label, list, workers) \
	{ \
		label, list, workers, { WORK_EDIT, WORK_EDIT }, .fill = MILLION, .count = FEW \
	}
#define GET(label, list, workers) \
	{ \
		label, list, workers, { WORK_GET_RANDOM, WORK_GET_RANDOM }, \
			.fill = MILLION, .count = 100000, .before = 200000 \
	}
#define GET_BESIDE(label, list, n) \
	{ \
		label, list, 2, { WORK_GET_RANDOM, WORK_EDIT }, .fill = MILLION, .count = n, \
								.before = n / 2, .other = UINT64_MAX / 4 \
	}
#define ORDER(label, list) \
	{ \
		label, list, 1, { WORK_GET_ORDER }, .fill = MILLION, .count = 300000, .step = 1 \
	}
#define EACH(label, list) \
	{ \
		label, list, 1, { WORK_EACH }, .fill = 25 * MILLION \
	}
#define SAME(label, list, at) \
	{ \
		label, list, 2, { WORK_REPLACE, WORK_REPLACE }, .fill = MILLION, .count = 200000, \
								.index = at \
	}
#define DIFFERENT(label, list) \
	{ \
		label, list, 2, { WORK_REPLACE, WORK_REPLACE }, .fill = MILLION, .count = 200000, .step = 2 \
	}

static const struct row rows[] = {
	{ "append-1", { APPEND("kin", &list_kin, 1), APPEND("TBB", &list_tbb, 1),
			      APPEND("TBB, called", &list_tbb_called, 1), APPEND("mutex", &list_mutex, 1),
			      APPEND("rwlock", &list_rwlock, 1) } },
	{ "append-2", { APPEND("kin", &list_kin, 2), APPEND("TBB", &list_tbb, 2),
			      APPEND("TBB, called", &list_tbb_called, 2), APPEND("mutex", &list_mutex, 2),
			      APPEND("rwlock", &list_rwlock, 2) } },
	{ "first-2",
		{ FIRST("kin", &list_kin), FIRST("mutex", &list_mutex), FIRST("rwlock", &list_rwlock) } },
	{ "append-first", { THROUGH("kin", &list_kin), THROUGH("mutex", &list_mutex),
				  THROUGH("rwlock", &list_rwlock) } },
	{ "edit",
		{ EDIT("kin, 1 thread", &list_kin, 1, MILLION), EDIT("kin, 2 threads", &list_kin, 2, MILLION),
			EDIT_ARRAY("mutex, 1 thread", &list_mutex, 1),
			EDIT_ARRAY("mutex, 2 threads", &list_mutex, 2),
			EDIT_ARRAY("rwlock, 1 thread", &list_rwlock, 1),
			EDIT_ARRAY("rwlock, 2 threads", &list_rwlock, 2) } },
	{ "edit-far", { EDIT("kin, 1e6, 1 thread", &list_kin, 1, MILLION),
			      EDIT("kin, 1e8, 1 thread", &list_kin, 1, 100 * MILLION),
			      EDIT("kin, 1e6, 2 threads", &list_kin, 2, MILLION),
			      EDIT("kin, 1e8, 2 threads", &list_kin, 2, 100 * MILLION) } },
	{ "get-1",
		{ GET("kin", &list_kin, 1), GET("TBB", &list_tbb, 1), GET("TBB, called", &list_tbb_called, 1),
			GET("mutex", &list_mutex, 1), GET("rwlock", &list_rwlock, 1) } },
	{ "get-2",
		{ GET("kin", &list_kin, 2), GET("TBB", &list_tbb, 2), GET("TBB, called", &list_tbb_called, 2),
			GET("mutex", &list_mutex, 2), GET("rwlock", &list_rwlock, 2) } },
	{ "get-beside", { GET_BESIDE("kin", &list_kin, 20000), GET_BESIDE("mutex", &list_mutex, FEW),
				GET_BESIDE("rwlock", &list_rwlock, FEW) } },
	{ "order", { ORDER("kin", &list_kin), ORDER("TBB", &list_tbb), ORDER("TBB, called", &list_tbb_called),
			   ORDER("mutex", &list_mutex), ORDER("rwlock", &list_rwlock) } },
	{ "each", { EACH("kin", &list_kin), EACH("plain array", &list_array), EACH("TBB", &list_tbb),
			  EACH("mutex", &list_mutex), EACH("rwlock", &list_rwlock) } },
	{ "replace-same", { SAME("kin", &list_kin, 0), SAME("TBB", &list_tbb, 0),
				  SAME("TBB, called", &list_tbb_called, 0), SAME("mutex", &list_mutex, 0),
				  SAME("rwlock", &list_rwlock, 0) } },
	{ "replace-same-middle", { SAME("kin", &list_kin, MILLION / 2), SAME("TBB", &list_tbb, MILLION / 2),
					 SAME("TBB, called", &list_tbb_called, MILLION / 2),
					 SAME("mutex", &list_mutex, MILLION / 2),
					 SAME("rwlock", &list_rwlock, MILLION / 2) } },
	{ "replace-different", { DIFFERENT("kin", &list_kin), DIFFERENT("TBB", &list_tbb),
				       DIFFERENT("TBB, called", &list_tbb_called),
				       DIFFERENT("mutex", &list_mutex), DIFFERENT("rwlock", &list_rwlock) } },
	{ "latency", { TIMED("kin", &list_kin), TIMED("TBB", &list_tbb), TIMED("mutex", &list_mutex),
			     TIMED("rwlock", &list_rwlock), TIMED("clock alone", &list_array) } },
	{ "shared-append", { APPEND("kin", &list_kin_shared, 2), APPEND("kin private", &list_kin, 2),
				   APPEND("robust mutex", &list_mutex_shared, 2) } },
	{ "shared-first", { FIRST("kin", &list_kin_shared), FIRST("kin private", &list_kin),
				  FIRST("robust mutex", &list_mutex_shared) } },
	{ "shared-edit",
		{ EDIT("kin", &list_kin_shared, 2, MILLION), EDIT("kin private", &list_kin, 2, MILLION),
			EDIT_ARRAY("robust mutex", &list_mutex_shared, 2) } },
};

void rows_names(void)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		puts(rows[i].name);
}

/* What an entry has from round to round. */
struct state {
	struct entry entry;
	void *list;
	uint32_t *ticks[WORKERS];
	uint64_t seed, count; /* count: items there have to be */
};

static bool moves_all(const struct entry *entry)
{
	return entry->list->shifts && (entry->works[0] == WORK_FIRST || entry->works[0] == WORK_EDIT ||
					      entry->works[1] == WORK_EDIT);
}

static void *filled(const struct entry *entry)
{
	void *list = entry->list->create();
	if (!list)
		return NULL;
	struct task task = { .list = list, .count = entry->fill, .block = entry->fill, .value_step = 1 };
	entry->list->works[WORK_APPEND](&task);
	if (!task.failed)
		return list;
	entry->list->destroy(list);
	return NULL;
}

static void *timed_memory(uint64_t count)
{
	uint32_t *ticks = malloc(count * sizeof *ticks);
	if (ticks)
		memset(ticks, 1, count * sizeof *ticks);
	return ticks;
}

static bool state_begin(struct state *state, const struct entry *entry, bool quick)
{
	*state = (struct state){ .entry = *entry, .seed = 88172645463325252u };
	if (quick) {
		state->entry.fill = entry->fill > MILLION ? entry->fill / 10 : entry->fill;
		state->entry.warm /= 10;
	}
	entry = &state->entry;
	state->count = entry->fill;
	for (int i = 0; i < entry->workers && entry->works[0] == WORK_APPEND_TIMED; i++)
		if (!(state->ticks[i] = timed_memory(entry->count)))
			return false;
	if (!entry->fresh && !(state->list = filled(entry)))
		return false;
	if (entry->warm) {
		struct task task = { .list = state->list,
			.count = entry->warm,
			.block = entry->warm,
			.range = entry->fill,
			.seed = 2463534242u };
		entry->list->works[WORK_EDIT](&task);
	}
	return true;
}

static void state_end(struct state *state)
{
	for (int i = 0; i < WORKERS; i++)
		free(state->ticks[i]);
	if (state->list)
		state->entry.list->destroy(state->list);
}

static void set_tasks(struct state *state, struct burst *burst)
{
	static int ends;
	const struct entry *entry = &state->entry;
	for (int i = 0; i < entry->workers; i++) {
		uint64_t count = entry->count;
		if (entry->works[i] == WORK_FIRST && entry->list->shifts)
			count = FEW;
		if (entry->works[i] == WORK_EACH)
			count = entry->fill;
		if (i > 0 && entry->other)
			count = entry->other;
		burst->tasks[i] = (struct task){
			.list = state->list,
			.work = entry->works[i],
			.before = entry->before,
			.count = count,
			.block = moves_all(entry) ? 4 : 256,
			.range = entry->fill,
			.index = entry->index + (entry->step > 1 ? (uint64_t)i : 0),
			.index_step = entry->step,
			.value = (int64_t)(entry->fill + (uint64_t)i),
			.value_step = entry->workers,
			.seed = state->seed = state->seed * 6364136223846793005u + 1442695040888963407u,
			.ticks = state->ticks[i],
			.stop = entry->workers > 1 ? &ends : NULL,
		};
	}
}

/*
 * Whether the list holds as many items as it has to, and readers saw them: until it is changed, each item is its
 * index.
 */
static bool right(struct state *state, const struct burst *burst)
{
	const struct entry *entry = &state->entry;
	uint64_t count = entry->fresh ? entry->fill : state->count;
	if (burst_failed(burst, entry->workers))
		return false;
	for (int i = 0; i < entry->workers; i++) {
		const struct task *task = &burst->tasks[i];
		if (task->work == WORK_APPEND || task->work == WORK_APPEND_TIMED)
			count += task->done;
		if (task->work == WORK_FIRST)
			count -= task->done;
		if ((task->work == WORK_GET_RANDOM || task->work == WORK_GET_ORDER) && !entry->other &&
			task->sum)
			return false;
		if (task->work == WORK_EACH && task->sum != entry->fill * (entry->fill - 1) / 2)
			return false;
	}
	state->count = count;
	return entry->list == &list_array || entry->list->count(state->list) == count;
}

static int by_size(const void *a, const void *b)
{
	uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;
	return (first > second) - (first < second);
}

static void print_latencies(const struct state *state, const struct burst *burst)
{
	static const double shares[] = { 0.5, 0.99, 0.999, 0.9999 };
	uint64_t all = burst_done(burst, state->entry.workers), at = 0;
	uint32_t *both = malloc(all * sizeof *both);
	if (!both || all == 0)
		return;
	for (int i = 0; i < state->entry.workers; i++) {
		memcpy(both + at, state->ticks[i], burst->tasks[i].done * sizeof *both);
		at += burst->tasks[i].done;
	}
	qsort(both, all, sizeof *both, by_size);
	printf(", \"latency\": [");
	for (size_t i = 0; i < sizeof shares / sizeof *shares; i++)
		printf("%s%.1f", i ? ", " : "", both[(uint64_t)(shares[i] * (double)all)] / ticks_per_ns());
	printf("]");
	free(both);
}

static void print_burst(const struct row *row, const struct state *state, const struct burst *burst,
	int round, int tried, bool counts)
{
	int workers = state->entry.workers;
	printf("{\"row\": \"%s\", \"who\": \"%s\", \"round\": %d, \"counts\": %d, \"tried\": %d, \"rate\": "
	       "%.6g, "
	       "\"rates\": [",
		row->name, state->entry.label, round, counts, tried,
		(double)burst_done(burst, workers) / burst->seconds);
	for (int i = 0; i < workers; i++)
		printf("%s%.6g", i ? ", " : "", (double)burst->tasks[i].done / burst->each[i]);
	printf("], \"cpus\": %.3f, \"overlap\": %.3f", burst->cpus, burst->overlap);
	if (burst->tasks[0].ticks)
		print_latencies(state, burst);
	printf("}\n");
	fflush(stdout);
}

/* Bursts until one counts. */
static int turn(const struct row *row, struct state *state, int round)
{
	struct burst burst = { 0 };
	const struct entry *entry = &state->entry;
	bool counts = false;
	int tried = 0;
	while (tried < TRIES && !counts) {
		if (entry->fresh && !(state->list = filled(entry)))
			return -1;
		set_tasks(state, &burst);
		int result = burst_run(&burst, entry->list, entry->workers);
		if (result == 0 && !right(state, &burst))
			result = -1;
		if (entry->fresh) {
			entry->list->destroy(state->list);
			state->list = NULL;
		}
		if (result < 0) {
			printf("{\"row\": \"%s\", \"who\": \"%s\", \"wrong\": 1}\n", row->name, entry->label);
			return result;
		}
		counts = burst_counts(&burst, entry->workers);
		tried++;
	}
	print_burst(row, state, &burst, round, tried, counts);
	return 0;
}

static int run_row(const struct row *row, const struct options *options)
{
	struct state states[sizeof row->entries / sizeof *row->entries];
	int count = 0, result = 0;
	for (const struct entry *entry = row->entries; entry->label; entry++)
		if (entry->list->create &&
			(result = state_begin(&states[count++], entry, options->quick) ? 0 : -1) < 0)
			break;
	for (int round = 0; round < options->rounds && result == 0; round++)
		for (int i = 0; i < count && result == 0; i++)
			result = turn(row, &states[(round + i) % count], round);
	for (int i = 0; i < count; i++)
		state_end(&states[i]);
	return result;
}

int rows_run(const char *name, const struct options *options)
{
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(rows[i].name, name) == 0)
			return run_row(&rows[i], options);
	return -2;
}
