/* The owner's side: fork, join, run. deque.h has the protocol. */
#include "fork/fork.h"

#include "base/api.h"
#include "base/fork.h"

#include <errno.h>

/* Slots of a worker that nobody steals from; more tasks than that take the long way. */
#define ALONE_SLOTS 256

static struct fork_worker *of(struct kin_stack *stack)
{
	return (struct fork_worker *)stack;
}

static bool asked(const struct fork_worker *worker)
{
	return !__atomic_load_n(&worker->pub.ceiling, __ATOMIC_RELAXED);
}

/*
 * Say from where on the owner wants to be called. Comes before the release on the word that makes it true: what a
 * thief that saw the word then asks for is not overwritten. eager: publish at the next fork.
 */
static void set_limits(struct fork_worker *worker, uint32_t split, bool eager)
{
	struct kin_task **ceiling = eager && worker->team ? NULL : worker->end;
	__atomic_store_n(&worker->pub.ceiling, ceiling, __ATOMIC_RELAXED);
	__atomic_store_n(&worker->pub.floor, worker->base + split, __ATOMIC_RELAXED);
}

/* Half of the private tasks: as many as remain, so that each is published and taken back a few times at most. */
static void publish(struct fork_worker *worker, struct kin_task **bottom)
{
	struct kin_task **last = bottom < worker->end ? bottom : worker->end;
	uint32_t count = ((uint32_t)(last - worker->base) - worker->split + 1) / 2;
	if (!worker->team || count == 0) {
		set_limits(worker, worker->split, true);
		return;
	}
	for (uint32_t i = worker->split; i < worker->split + count; i++) {
		struct kin_task *task = __atomic_load_n(&worker->base[i], __ATOMIC_RELAXED);
		__atomic_store_n(&task->thief, NULL, __ATOMIC_RELAXED);
		__atomic_store_n(&task->state, DEQUE_TAKEN, __ATOMIC_RELAXED);
	}
	worker->split += count;
	set_limits(worker, worker->split, false);
	deque_publish(&worker->word, count);
	if (event_tell(&worker->event))
		fork_event_wake(&worker->event);
	if (worker->team->bell)
		worker->team->bell(worker->team->data);
}

/* A task past the last slot has a place, but nobody looks there: its join finds it private. */
KIN_API void kin_fork_slow(struct kin_stack *stack, struct kin_task **bottom, struct kin_task *task)
{
	struct fork_worker *worker = of(stack);
	if (bottom < worker->end)
		__atomic_store_n(bottom, task, __ATOMIC_RELAXED);
	if (asked(worker))
		publish(worker, bottom + 1);
}

/* False: a thief has it. */
static bool take_back(struct fork_worker *worker)
{
	uint64_t seen = ATOMIC_LOAD(worker->word, relaxed);
	while (deque_top(seen) < deque_split(seen)) {
		uint32_t split = deque_plan_back(seen);
		set_limits(worker, split, split == deque_top(seen));
		if (deque_take_back(&worker->word, &seen)) {
			worker->split = split;
			return true;
		}
	}
	return false;
}

KIN_API bool kin_join_slow(struct kin_stack *stack, struct kin_task **bottom, struct kin_task *task)
{
	struct fork_worker *worker = of(stack);
	if (bottom >= worker->base + worker->split) { // only called because somebody asked
		publish(worker, bottom);
		return true;
	}
	if (take_back(worker))
		return true;
	set_limits(worker, worker->split, true);
	bool mine = fork_wait_stolen(worker, bottom + 1, task);
	worker->split = (uint32_t)(bottom - worker->base);
	set_limits(worker, worker->split, true);
	deque_empty(&worker->word, worker->split);
	return mine;
}

static void run_alone(kin_task_fn *root, struct kin_task *task)
{
	struct kin_task *slots[ALONE_SLOTS];
	struct fork_worker worker = { .base = slots, .end = slots + ALONE_SLOTS };
	set_limits(&worker, 0, false);
	root((struct kin_worker){ &worker.pub, slots }, task);
}

void fork_run(struct fork_team *team, unsigned index, kin_task_fn *root, struct kin_task *task)
{
	if (!team) {
		run_alone(root, task);
		return;
	}
	struct fork_worker *worker = &team->workers[index];
	fork_use(team, index);
	__atomic_fetch_add(&team->active, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&worker->running, 1, __ATOMIC_RELAXED);
	root((struct kin_worker){ &worker->pub, worker->base }, task);
	__atomic_store_n(&worker->running, 0, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&team->active, 1, __ATOMIC_RELAXED);
}

KIN_API int kin_run(struct kin_pool *pool, kin_task_fn *root, struct kin_task *task)
{
	if (!root)
		return -EINVAL;
	struct fork_team *team = NULL;
	unsigned index = 0;
	int result = pool_fork_enter(pool, &team, &index);
	if (result < 0)
		return result;
	const uint32_t generation = fork_generation();
	fork_run(team, index, root, task);
	if (team && fork_generation() == generation) // a child has no slot: its pool is made new
		pool_fork_leave(pool, index);
	return 0;
}
