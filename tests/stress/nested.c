/* Acts inside loops, maps, reductions, jobs and tasks of others; calls that a control stops. */
#include "programs.h"

struct nest {
	struct scene scene; // of the acts inside
	uint64_t seed;
};

static int act_inside(const struct nest *nest, size_t number)
{
	struct dice dice = dice_for(nest->seed, number);
	return act_any(&nest->scene, &dice);
}

static int nest_body(size_t begin, size_t end, void *arg)
{
	int result = 0;
	for (size_t i = begin; i < end && result == 0; i++)
		result = act_inside(arg, i);
	return result;
}

static int nest_tile(const struct kin_tile *tile, void *arg)
{
	int result = 0;
	for (size_t row = tile->row_begin; row < tile->row_end && result == 0; row++)
		result = nest_body(10 * row + tile->column_begin, 10 * row + tile->column_end, arg);
	return result;
}

static int nest_item(size_t index, void *item, void *arg)
{
	*(char *)item = 1;
	return act_inside(arg, index);
}

static int nest_fold(size_t begin, size_t end, void *state, void *arg)
{
	*(size_t *)state += end - begin;
	return nest_body(begin, end, arg);
}

static int nest_combine(void *into, const void *from, void *arg)
{
	*(size_t *)into += *(const size_t *)from;
	return 0;
}

static int nest_job(void *arg, void *result)
{
	return act_inside(arg, 0);
}

static int submit_and_wait(struct kin_pool *pool, void *arg)
{
	struct kin_job *job;
	int result = kin_submit(pool, nest_job, arg, NULL, &job);
	if (result < 0)
		return result;
	result = kin_wait(job, -1);
	kin_job_destroy(job);
	return result;
}

struct nest_task {
	struct kin_task task;
	const struct nest *nest;
	size_t begin, end;
	int result;
};

/* Halves until there is one act. */
static void nest_task(struct kin_worker worker, struct kin_task *task)
{
	struct nest_task *self = (struct nest_task *)task;
	if (self->end - self->begin <= 1) {
		self->result = self->begin < self->end ? act_inside(self->nest, self->begin) : 0;
		return;
	}
	struct nest_task left = *self, right = *self;
	left.end = right.begin = self->begin + (self->end - self->begin) / 2;
	kin_fork(&worker, &left.task, nest_task);
	nest_task(worker, &right.task);
	kin_join_run(&worker, &left.task);
	self->result = left.result ? left.result : right.result;
}

int act_nested(const struct scene *scene, struct dice *dice)
{
	struct nest *nest = room_to_read(scene, dice, sizeof *nest);
	*nest = (struct nest){ .scene = *scene, .seed = (uint64_t)roll(dice, UINT32_MAX) };
	nest->scene.depth++;
	size_t count = 1 + roll(dice, scene->depth ? 3 : 8), total = 0;
	char items[16];
	struct kin_tile tile = { 0, 1 + count / 3, 0, 3 };
	struct kin_reduction reduction = { .state_size = sizeof total,
		.fold = nest_fold,
		.combine = nest_combine,
		.arg = nest,
		.grain = 1 };
	struct nest_task root = { .nest = nest, .end = count };
	int result;
	switch (roll(dice, 6)) {
	case 0:
		result = kin_for_2d(scene->pool, &tile, (size_t[]){ 1, 1 }, nest_tile, nest);
		break;
	case 1:
		result = kin_map(scene->pool, count, items, 1, nest_item, nest);
		break;
	case 2:
		result = kin_reduce(scene->pool, 0, count, &reduction, &total);
		break;
	case 3:
		result = submit_and_wait(scene->pool, nest);
		break;
	case 4:
		result = kin_run(scene->pool, nest_task, &root.task);
		result = result ? result : root.result;
		break;
	default:
		result = kin_for(scene->pool, 0, count, 1 + roll(dice, 2), nest_body, nest);
	}
	room_free(nest);
	return settle(scene, result, 0, "acts inside acts");
}

struct fib {
	struct kin_task task;
	int n;
	long result;
};

static long fib(struct kin_worker worker, int n);

static void fib_task(struct kin_worker worker, struct kin_task *task)
{
	struct fib *self = (struct fib *)task;
	self->result = fib(worker, self->n);
}

static long fib(struct kin_worker worker, int n)
{
	if (n < 2)
		return n;
	struct fib left;
	left.n = n - 1;
	kin_fork(&worker, &left.task, fib_task);
	long right = fib(worker, n - 2);
	if (kin_join(&worker, &left.task))
		left.result = fib(worker, n - 1);
	return left.result + right;
}

int act_fork_join(const struct scene *scene, struct dice *dice)
{
	struct fib root = { .n = (int)roll(dice, 17) };
	long a = 0, b = 1;
	for (int i = 0; i < root.n; i++) {
		long next = a + b;
		a = b;
		b = next;
	}
	int result = settle(scene, kin_run(scene->pool, fib_task, &root.task), 0, "kin_run");
	if (result == 0)
		result = verdict(
			expect(root.result == a, "kin_run: fib(%d) is %ld, not %ld", root.n, root.result, a));
	return result;
}

struct canceller {
	struct kin_control *control;
	useconds_t after_us;
};

static void *cancel_soon(void *arg)
{
	struct canceller *canceller = arg;
	usleep(canceller->after_us);
	kin_cancel(canceller->control);
	return NULL;
}

static int dawdle(size_t begin, size_t end, void *arg)
{
	usleep(100);
	return kin_stopping() && chance(&(struct dice){ begin }, 2) ? kin_stopping() : 0;
}

static int stop_it(const struct scene *scene, struct dice *dice, struct kin_control *control)
{
	void *arg = room_to_read(scene, dice, 1);
	struct canceller canceller = { control, roll(dice, 1500) };
	bool by_deadline = chance(dice, 2) || !may_start_threads(scene);
	pthread_t thread;
	if (by_deadline)
		kin_control_set_deadline(control, roll(dice, 1500000));
	else if (settle(scene, -pthread_create(&thread, NULL, cancel_soon, &canceller), 0, "pthread_create"))
		return WRONG;
	int result = kin_for(scene->pool, 0, 1000000, 1, dawdle, arg);
	if (!by_deadline)
		pthread_join(thread, NULL);
	result = settle(scene, result, by_deadline ? -ETIMEDOUT : -ECANCELED, "an endless call");
	room_free(arg);
	return result;
}

static void note_progress(uint64_t done, uint64_t total, void *arg)
{
	expect(done <= total, "progress: %llu of %llu", (unsigned long long)done, (unsigned long long)total);
}

static int with_control(const struct scene *scene, struct dice *dice,
	int (*part)(const struct scene *, struct dice *, struct kin_control *))
{
	struct kin_control *control;
	uint64_t done, total;
	if (settle(scene, kin_control_create(&control), 0, "kin_control_create"))
		return WRONG;
	if (chance(dice, 3))
		kin_control_set_progress(control, note_progress, roll(dice, 300000), NULL);
	struct kin_control *before = kin_control_use(control);
	int result = part(scene, dice, control);
	kin_control_use(before);
	kin_control_progress(control, &done, &total);
	expect(done <= total, "at the end %llu of %llu", (unsigned long long)done, (unsigned long long)total);
	kin_control_destroy(control);
	return result;
}

/* A call without end, which only a control can stop. */
int act_stop(const struct scene *scene, struct dice *dice)
{
	return with_control(scene, dice, stop_it);
}

/* Any act, which may be stopped or may be done before. */
static int limit_it(const struct scene *scene, struct dice *dice, struct kin_control *control)
{
	struct scene inside = *scene;
	inside.limited = true;
	struct canceller canceller = { control, roll(dice, 1000) };
	pthread_t thread;
	unsigned how = roll(dice, 4);
	if (how == 2 && !may_start_threads(scene))
		how = 1;
	if (how == 0)
		kin_control_set_deadline(control, roll(dice, 2000000));
	else if (how == 1)
		kin_cancel(control);
	else if (how == 2 && pthread_create(&thread, NULL, cancel_soon, &canceller))
		how = 3;
	int result = act_any(&inside, dice);
	if (how == 2)
		pthread_join(thread, NULL);
	if (result == -ECANCELED || result == -ETIMEDOUT) {
		atomic_fetch_add(&report->stopped, 1);
		/* Past a deadline jobs are cancelled that waited for one that was stopped by it. */
		result = verdict(expect(how == 0 || (how < 3 && result == -ECANCELED),
			"stopped by %d where nobody did (way %u)", result, how));
	}
	return result;
}

int act_control(const struct scene *scene, struct dice *dice)
{
	return with_control(scene, dice, limit_it);
}
