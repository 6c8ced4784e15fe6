/* kin/fork.h: what is forked runs once, whoever runs it; deep, wide, nested, alone. */
#include "fork_team.h"

#include "../tap.h"

#include <kin/fork.h>

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

/* count tasks forked in a row, joined in a row. */
struct wide {
	struct kin_task task;
	size_t count;
	struct leaf *leaves;
	bool hungry; // as if a thief asked for tasks all the time
};

struct leaf {
	struct kin_task task;
	unsigned runs;
};

static void leaf_task(struct kin_worker worker, struct kin_task *task)
{
	((struct leaf *)task)->runs++;
}

static void wide_task(struct kin_worker worker, struct kin_task *task)
{
	struct wide *self = (struct wide *)task;
	for (size_t i = 0; i < self->count; i++) {
		if (self->hungry)
			__atomic_store_n(&worker.stack->ceiling, NULL, __ATOMIC_RELAXED);
		kin_fork(&worker, &self->leaves[i].task, leaf_task);
	}
	for (size_t i = self->count; i-- > 0;)
		kin_join_run(&worker, &self->leaves[i].task);
}

static void check_wide(struct fork_team *team, size_t count, bool hungry, const char *what)
{
	struct wide wide = { .count = count, .hungry = hungry, .leaves = calloc(count, sizeof *wide.leaves) };
	if (!wide.leaves) {
		tap_skip(what, "no memory");
		return;
	}
	fork_run(team, 0, wide_task, &wide.task);
	size_t wrong = 0;
	for (size_t i = 0; i < count; i++)
		wrong += wide.leaves[i].runs != 1;
	tap_is_int(wrong, 0, what);
	free(wide.leaves);
}

/* A chain as long as it is deep: forks at every level, joins on the way back. */
struct deep {
	struct kin_task task;
	unsigned depth, sum;
};

static void deep_task(struct kin_worker worker, struct kin_task *task)
{
	struct deep *self = (struct deep *)task;
	self->sum = 1;
	if (self->depth == 0)
		return;
	struct leaf leaf = { .runs = 0 };
	kin_fork(&worker, &leaf.task, leaf_task);
	struct deep below = { .depth = self->depth - 1 };
	deep_task(worker, &below.task);
	kin_join_run(&worker, &leaf.task);
	self->sum = below.sum + leaf.runs;
}

/* The call of kin_run inside a task. */
static void nested_task(struct kin_worker worker, struct kin_task *task)
{
	struct fib *self = (struct fib *)task;
	struct fib other = { .n = 15 };
	kin_fork(&worker, &other.task, fib_task);
	struct fib inner = { .n = self->n };
	int result = kin_run(NULL, fib_task, &inner.task);
	kin_join_run(&worker, &other.task);
	self->result = result < 0 ? result : inner.result + other.result;
}

/* What is forked is begun elsewhere though this worker neither forks nor joins any more. */
struct meet {
	struct kin_task task;
	bool begun;
};

static void meet_task(struct kin_worker worker, struct kin_task *task)
{
	__atomic_store_n(&((struct meet *)task)->begun, true, __ATOMIC_SEQ_CST);
}

static void wait_for_begin(struct kin_worker worker, struct kin_task *task)
{
	struct meet *self = (struct meet *)task;
	kin_fork(&worker, task, meet_task);
	while (!__atomic_load_n(&self->begun, __ATOMIC_SEQ_CST))
		sched_yield();
	if (kin_join(&worker, task))
		self->begun = false;
}

/*
 * A stolen task that goes on until the one who joins it sleeps. Then it ends, or forks something that only the
 * sleeper can run, as there is nobody else.
 */
struct late {
	struct kin_task task;
	bool begun, forks;
	struct meet child;
};

static void late_task(struct kin_worker worker, struct kin_task *task)
{
	struct late *self = (struct late *)task;
	struct fork_worker *me = (struct fork_worker *)worker.stack;
	__atomic_store_n(&self->begun, true, __ATOMIC_SEQ_CST);
	while (!__atomic_load_n(&me->event.sleepers, __ATOMIC_SEQ_CST))
		sched_yield();
	if (self->forks)
		wait_for_begin(worker, &self->child.task);
}

static void join_late(struct kin_worker worker, struct kin_task *task)
{
	struct late *self = (struct late *)task;
	kin_fork(&worker, task, late_task);
	while (!__atomic_load_n(&self->begun, __ATOMIC_SEQ_CST))
		sched_yield();
	if (kin_join(&worker, task))
		self->begun = false;
}

static void check_sleeping_joins(void)
{
	struct test_team team;
	if (!tap_ok(team_begin(&team, 1, 1, true), "a team of one thief"))
		return;
	bool ended = true, helped = true;
	for (int i = 0; i < 20; i++) {
		struct late ends = { .forks = false };
		fork_run(team.team, 0, join_late, &ends.task);
		ended &= ends.begun;
		struct late forks = { .forks = true };
		fork_run(team.team, 0, join_late, &forks.task);
		helped &= forks.begun && forks.child.begun;
	}
	tap_ok(ended, "who sleeps in a join is woken by the task's end");
	tap_ok(helped, "and by what the task forks, and helps");
	team_end(&team);
}

static void check_alone(void)
{
	struct fib root = { .n = 20 };
	fork_run(NULL, 0, fib_task, &root.task);
	tap_is_int(root.result, 6765, "alone: fib(20)");
	check_wide(NULL, 1000, false, "alone: more tasks than slots, each run once");
	struct deep deep = { .depth = 5000 };
	fork_run(NULL, 0, deep_task, &deep.task);
	tap_is_int(deep.sum, 5001, "alone: deeper than the slots");
}

static void check_calls(void)
{
	struct fib root = { .n = 20 };
	tap_is_int(kin_run(NULL, fib_task, &root.task), 0, "kin_run");
	tap_is_int(root.result, 6765, "kin_run: fib(20)");
	tap_is_int(kin_run(NULL, NULL, &root.task), -EINVAL, "kin_run without a root");
	tap_is_int(kin_run(NULL, nested_task, &root.task), 0, "kin_run with a call of kin_run inside");
	tap_is_int(root.result, 6765 + 610, "kin_run in kin_run: both results");
}

static void check_team(unsigned thieves, bool may_sleep)
{
	struct test_team team;
	if (!tap_ok(team_begin(&team, thieves, 1, may_sleep), "a team of %u thieves", thieves))
		return;
	tap_ok(!fork_team_active(team.team), "at first it is not active");
	bool right = true;
	for (int i = 0; i < 40; i++) {
		struct fib root = { .n = 17 };
		fork_run(team.team, 0, fib_task, &root.task);
		right &= root.result == 1597;
	}
	tap_ok(right, "%u thieves: fib(17), 40 times", thieves);
	check_wide(team.team, 10000, false, "10000 tasks at once, each run once");
	struct deep deep = { .depth = 5000 };
	fork_run(team.team, 0, deep_task, &deep.task);
	tap_is_int(deep.sum, 5001, "5000 levels");
	struct meet meet = { .begun = false };
	if (thieves) {
		uint64_t before = fork_team_steals(team.team);
		fork_run(team.team, 0, wait_for_begin, &meet.task);
		tap_ok(meet.begun, "a task is begun by another worker while its own is busy");
		tap_ok(fork_team_steals(team.team) > before, "and counted as stolen");
	}
	tap_ok(!fork_team_active(team.team), "at last it is not active");
	team_end(&team);
}

static void check_overflow(void)
{
	struct test_team team;
	if (!tap_ok(team_begin(&team, 1, 1, false), "a team of one thief"))
		return;
	check_wide(team.team, FORK_CAPACITY + 1000, false, "more tasks than slots, each run once");
	check_wide(team.team, FORK_CAPACITY, false, "as many tasks as slots");
	check_wide(team.team, FORK_CAPACITY + 1, false, "one more");
	check_wide(
		team.team, FORK_CAPACITY + 1000, true, "more than slots, all published as they are forked");
	team_end(&team);
}

int main(void)
{
	check_alone();
	check_calls();
	check_team(0, false);
	check_team(1, false);
	check_team(1, true);
	check_team(3, true);
	check_sleeping_joins();
	check_overflow();
	fork_team_destroy(NULL);
	return tap_done();
}
