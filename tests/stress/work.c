/* Jobs: graphs of them, trees of them, and jobs that nobody asks for any more. */
#include "programs.h"

#include <poll.h>

#define JOBS 24
#define AFTER 3

struct errand {
	struct scene scene;
	uint64_t number;
	int value; // that its function returns
	bool nests;
	_Atomic int *bullets; // NULL: it may not die
	_Atomic int *flag; // set when it runs
};

static int run_errand(void *arg, void *result)
{
	const struct errand *errand = arg;
	if (errand->bullets && !is_home(&errand->scene) && atomic_exchange(errand->bullets, 0)) {
		atomic_fetch_add(&report->kills, 1);
		kill(getpid(), SIGKILL);
	}
	if (errand->flag)
		*errand->flag = 1;
	if (result)
		*(uint64_t *)result = errand->number * 7;
	struct dice dice = dice_for(errand->number, 3);
	int error = errand->nests ? act_any(&errand->scene, &dice) : 0;
	return error ? error : errand->value;
}

struct graph {
	size_t count;
	struct errand *errands;
	_Atomic int *bullets;
	struct kin_job *jobs[JOBS];
	size_t after[JOBS][AFTER], after_count[JOBS];
	bool cancelled[JOBS];
	int want[JOBS];
};

static int submit(const struct scene *scene, struct dice *dice, struct graph *graph, size_t i)
{
	struct kin_job *after[AFTER];
	struct kin_job_options options = {
		.result_size = sizeof(uint64_t), .priority = (int)roll(dice, 5) - 2, .after = after
	};
	size_t count = i && chance(dice, 3) ? roll(dice, AFTER + 1) : 0;
	for (; options.after_count < count; options.after_count++) {
		size_t which = graph->after[i][options.after_count] = roll(dice, (uint32_t)i);
		after[options.after_count] = graph->jobs[which];
	}
	graph->after_count[i] = count;
	struct errand *errand = &graph->errands[i];
	*errand = (struct errand){ .scene = *scene, .number = roll(dice, UINT32_MAX) };
	errand->scene.depth++;
	errand->nests = scene->depth + 1 < DEEPEST && chance(dice, 8);
	errand->value = chance(dice, 10) ? 1 + (int)roll(dice, 1000) : 0;
	if (runs_elsewhere(scene) && scene->depth == 0 && chance(dice, 10)) {
		errand->bullets = &graph->bullets[i];
		graph->bullets[i] = 1;
	}
	return kin_submit(scene->pool, run_errand, errand, &options, &graph->jobs[i]);
}

/* What each job has to return, from those before it. */
static void work_out(struct graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		graph->want[i] = graph->cancelled[i] ? -ECANCELED : graph->errands[i].value;
		for (size_t a = 0; a < graph->after_count[i]; a++)
			if (graph->want[graph->after[i][a]])
				graph->want[i] = -ECANCELED;
	}
}

static void cancel_some(struct dice *dice, struct graph *graph, size_t i)
{
	if (graph->jobs[i] && chance(dice, 10)) {
		int result = kin_job_cancel(graph->jobs[i]);
		expect(result == 0 || result == -EBUSY || result == -EALREADY, "kin_job_cancel: %d", result);
		graph->cancelled[i] |= result == 0;
	}
}

/* Ways to wait that do not replace kin_wait. A descriptor is waited for by who does not help: not inside bodies. */
static void wait_in_other_ways(const struct scene *scene, struct dice *dice, struct graph *graph)
{
	struct kin_job *some[JOBS] = { NULL };
	size_t first = roll(dice, (uint32_t)graph->count), any = SIZE_MAX;
	some[first] = graph->jobs[first];
	for (size_t i = 0; i < graph->count; i++)
		if (chance(dice, 3))
			some[i] = graph->jobs[i];
	if (chance(dice, 3)) {
		int result = kin_wait_any(some, graph->count, -1, &any);
		bool ended = result == 0 && any < graph->count && some[any] &&
			     kin_job_state(some[any]) == KIN_JOB_ENDED;
		expect(ended, "kin_wait_any: %d, job %zu of %zu", result, any, graph->count);
	}
	if (chance(dice, 3)) {
		int result = kin_wait(graph->jobs[first], roll(dice, 300000));
		bool right = result == graph->want[first] || result == -ETIMEDOUT || scene->limited;
		expect(right, "kin_wait with a limit: %d, not %d", result, graph->want[first]);
	}
	if (scene->depth == 0 && chance(dice, 4)) {
		struct pollfd polled = { .fd = kin_job_descriptor(graph->jobs[first]), .events = POLLIN };
		int result;
		do
			result = poll(&polled, 1, -1);
		while (result < 0 && errno == EINTR);
		expect(result == 1 && kin_job_state(graph->jobs[first]) == KIN_JOB_ENDED,
			"the descriptor of a job tells before its end");
	}
	if (chance(dice, 4)) {
		int result = kin_wait_all(graph->jobs, graph->count, -1), want = 0;
		for (size_t i = 0; i < graph->count && !want; i++)
			want = graph->want[i];
		expect(result == want || scene->limited, "kin_wait_all: %d, not %d", result, want);
	}
}

static int check_job(const struct scene *scene, struct graph *graph, size_t i)
{
	int value = kin_wait(graph->jobs[i], -1);
	int result = settle(scene, value, graph->want[i], "kin_wait");
	const uint64_t *number = kin_job_result(graph->jobs[i]);
	if (result == 0 && value == 0)
		return verdict(expect(number && *number == graph->errands[i].number * 7,
			"job %zu of %zu (%s%s) left the result %llu, not %llu", i, graph->count,
			scene->kind == KIN_THREADS ? "threads" : "processes",
			scene->limited ? ", limited" : "", number ? (unsigned long long)*number : 0ULL,
			(unsigned long long)graph->errands[i].number * 7));
	return result ? result : verdict(expect(!number, "a job that failed has a result"));
}

int act_jobs(const struct scene *scene, struct dice *dice)
{
	struct graph graph = { .count = 1 + roll(dice, scene->depth ? 6 : JOBS) };
	graph.errands = room_to_read(scene, dice, JOBS * sizeof *graph.errands);
	graph.bullets = room(scene, JOBS * sizeof *graph.bullets);
	int result = 0;
	size_t made = 0;
	for (; made < graph.count && result == 0; made += result == 0) {
		result = settle(scene, submit(scene, dice, &graph, made), 0, "kin_submit");
		if (result == 0)
			cancel_some(dice, &graph, made);
	}
	graph.count = made;
	for (size_t i = 0; i < made; i++)
		cancel_some(dice, &graph, i);
	work_out(&graph);
	if (result == 0)
		wait_in_other_ways(scene, dice, &graph);
	for (size_t i = 0; i < made; i++) {
		int error = check_job(scene, &graph, i);
		result = result == WRONG || !error ? result : error;
	}
	for (size_t i = 0; i < made; i++)
		kin_job_destroy(graph.jobs[i]);
	room_free((void *)graph.bullets);
	room_free(graph.errands);
	return result;
}

struct branch {
	struct scene scene;
	size_t depth;
};

static int grow(void *arg, void *result)
{
	const struct branch *branch = arg;
	struct branch next = { branch->scene, branch->depth - 1 };
	struct kin_job *jobs[2] = { NULL, NULL };
	int error = 0;
	*(size_t *)result = 1;
	for (size_t i = 0; i < 2 && branch->depth && !error; i++)
		error = kin_submit(branch->scene.pool, grow, &next,
			&(struct kin_job_options){ .result_size = sizeof(size_t) }, &jobs[i]);
	for (size_t i = 0; i < 2; i++) {
		int value = jobs[i] ? kin_wait(jobs[i], -1) : 0;
		error = error ? error : value;
		if (jobs[i] && value == 0)
			*(size_t *)result += *(const size_t *)kin_job_result(jobs[i]);
		kin_job_destroy(jobs[i]);
	}
	return error;
}

/* Jobs that submit jobs and wait for them. */
int act_job_tree(const struct scene *scene, struct dice *dice)
{
	bool is_small = scene->kind == KIN_PROCESSES || scene->depth > 1;
	struct branch root = { *scene, roll(dice, is_small ? 3 : 7) };
	struct kin_job *tree;
	int result = kin_submit(
		scene->pool, grow, &root, &(struct kin_job_options){ .result_size = sizeof(size_t) }, &tree);
	if (settle(scene, result, 0, "kin_submit"))
		return result;
	result = settle(scene, kin_wait(tree, -1), 0, "a tree of jobs");
	const size_t *nodes = kin_job_result(tree);
	if (result == 0)
		result = verdict(expect(nodes && *nodes == ((size_t)2 << root.depth) - 1,
			"a tree of jobs of depth %zu", root.depth));
	kin_job_destroy(tree);
	return result;
}

/* Jobs without a handle run all the same; a pool that is stopped runs nothing any more. */
int act_forget_jobs(const struct scene *scene, struct dice *dice)
{
	size_t count = 1 + roll(dice, JOBS);
	struct errand *errands = room_to_read(scene, dice, count * sizeof *errands);
	_Atomic int *flags = room(scene, count * sizeof *flags);
	int result = 0;
	for (size_t i = 0; i < count && result == 0; i++) {
		struct kin_job *job = NULL;
		errands[i] = (struct errand){ .scene = *scene, .number = i, .flag = &flags[i] };
		result = settle(scene,
			kin_submit(scene->pool, run_errand, &errands[i], NULL, chance(dice, 2) ? &job : NULL),
			0, "kin_submit");
		kin_job_destroy(job);
	}
	bool stop = scene->alone && chance(dice, 3);
	int ended = stop ? kin_pool_stop(scene->pool) : kin_pool_drain(scene->pool, -1);
	result = result ? result : settle(scene, ended, 0, stop ? "kin_pool_stop" : "kin_pool_drain");
	for (size_t i = 0; i < count && result == 0 && !stop; i++)
		result = verdict(expect(flags[i], "job %zu of %zu did not run", i, count));
	room_free((void *)flags);
	room_free(errands);
	return result;
}
