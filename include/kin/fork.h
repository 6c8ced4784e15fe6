/**
 * kin/fork.h: fork and join of functions that last nanoseconds.
 *
 * For recursive work - trees, divide and conquer, searches - where any call may be worth a core of its own and nobody
 * knows beforehand which. Forking costs a nanosecond or two, so no cut-off is needed:
 *
 *	struct fib {
 *		struct kin_task task;                                   // first member
 *		int n;
 *		long result;
 *	};
 *
 *	static long fib(struct kin_worker worker, int n);
 *
 *	static void fib_task(struct kin_worker worker, struct kin_task *task)
 *	{
 *		struct fib *self = (struct fib *)task;
 *		self->result = fib(worker, self->n);
 *	}
 *
 *	static long fib(struct kin_worker worker, int n)
 *	{
 *		if (n < 2)
 *			return n;
 *		struct fib left;
 *		left.n = n - 1;
 *		kin_fork(&worker, &left.task, fib_task);                // somebody else may begin it now
 *		long right = fib(worker, n - 2);
 *		if (kin_join(&worker, &left.task))                      // nobody did: call it, directly
 *			left.result = fib(worker, n - 1);
 *		return left.result + right;
 *	}
 *
 *	struct fib root = { .n = 32 };
 *	kin_run(NULL, fib_task, &root.task);                            // root.result is fib(32)
 *
 * Rules. Every forked task is joined by the function that forked it, the last one forked first, before it returns;
 * so a task may lie on the stack. Many tasks may be forked before the first is joined. A function gets its worker
 * by value, which keeps it in registers, forks and joins with its own copy, and hands that copy, as it is at the
 * moment, to the functions it calls. A copy from before a fork must not be used between the fork and its join.
 *
 * Who runs what. A task is run once, by its own worker at the join or by one that was idle, which takes the oldest. A
 * worker whose joined task runs elsewhere meanwhile helps with tasks forked by that very task and with nothing else
 * (leapfrogging: Wagner and Calder, PPoPP 1993), so a lock may be held around fork and join if the task takes no lock
 * that its parent holds; when there is nothing to help with it spins briefly, then sleeps. The deque of tasks is
 * split in a part of its worker's own, which needs no atomic operation, and a public one; see Lace (van Dijk and
 * van de Pol, 2014). Idle workers ask for tasks to be made public; the worker sees that when it next forks or
 * joins. The first task of a worker with none in public is made public at once.
 *
 * A function returns its results, errors too, through the struct its task is part of. It must not leave by longjmp or
 * by a C++ exception past a fork that was not joined. A child of fork() made inside must not return into the
 * computation, nor join what was forked before it was made: it ends by exec or _exit. Until then it can use every
 * pool, and fork and join tasks.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname. The inline
 * functions become part of the program: build it again for a new minor version.
 */
#ifndef KIN_FORK_H
#define KIN_FORK_H

#include <kin/pool.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct kin_worker;
struct kin_stack;
struct kin_task;

/** A function that can be forked: worker runs it, task is the first member of its arguments and results. */
typedef void kin_task_fn(struct kin_worker worker, struct kin_task *task);

/**
 * A forked task; the first member of a struct of the caller's, which owns it and keeps it until it is joined. Nothing
 * in it need be set: kin_fork does. Its members are libkin's own.
 */
struct kin_task {
	kin_task_fn *fn;
	struct kin_stack *thief;
	uint32_t state;
};

/** What a worker's forks and joins look at; opaque. Its members are libkin's own, and more follow. */
struct kin_stack {
	struct kin_task **ceiling; /* from here up a fork takes the long way */
	struct kin_task **floor; /* below here a join takes the long way */
};

/** Who runs a function, and how far its stack of forked tasks goes. Two words, handed on by value; libkin's own. */
struct kin_worker {
	struct kin_stack *stack;
	struct kin_task **bottom; /* the next free slot */
};

/**
 * Run a function with the pool's help: the calling thread becomes a worker, idle workers take what it forks, and so
 * on.
 *
 * @param pool  NULL: the default pool; with process workers all runs in the calling thread, as forked tasks lie in
 *              its memory
 * @param root  called once, in the calling thread
 * @param task  handed to root; NULL is fine if root does not mind
 * @return      0, after root returned; -EINVAL: no root; -ENOMEM, -EAGAIN: nothing was run
 *
 * From any thread, several at a time, and from inside a task. Cost: under a microsecond, and waking a sleeping worker
 * if something is forked. Since 0.1.
 */
int kin_run(struct kin_pool *pool, kin_task_fn *root, struct kin_task *task);

/**
 * The long way of kin_fork, for its use alone.
 *
 * @param stack   the worker's
 * @param bottom  the worker's
 * @param task    as kin_fork's
 *
 * Since 0.1.
 */
void kin_fork_slow(struct kin_stack *stack, struct kin_task **bottom, struct kin_task *task)
	__attribute__((cold));

/**
 * The long way of kin_join, for its use alone.
 *
 * @param stack   the worker's
 * @param bottom  the worker's bottom afterwards
 * @param task    as kin_join's
 * @return        as kin_join's
 *
 * Since 0.1.
 */
bool kin_join_slow(struct kin_stack *stack, struct kin_task **bottom, struct kin_task *task)
	__attribute__((cold));

/**
 * Fork: let another worker run fn(its worker, task), if one is idle before the task is joined.
 *
 * @param worker  the caller's own copy of who runs it; changed
 * @param task    borrowed until it is joined, together with the struct it begins, which must be filled before
 * @param fn      what to run
 *
 * Cannot fail: where a worker has more than 262,144 tasks open at once, further ones are kept for their join. Cost:
 * two stores and a comparison. Since 0.1.
 */
static inline void kin_fork(struct kin_worker *worker, struct kin_task *task, kin_task_fn *fn)
{
	struct kin_task **slot = worker->bottom;
	worker->bottom = slot + 1;
	task->fn = fn;
	if (__builtin_expect(slot >= __atomic_load_n(&worker->stack->ceiling, __ATOMIC_RELAXED), 0))
		kin_fork_slow(worker->stack, slot, task);
	else
		__atomic_store_n(slot, task, __ATOMIC_RELAXED);
}

/**
 * Join the task forked last and not yet joined.
 *
 * @param worker  what forked it; changed back
 * @param task    no longer borrowed afterwards
 * @return        true: nobody has run it, nor will; the caller does, best by a direct call, which can be inlined.
 *                false: it has been run, and all it wrote can be read
 *
 * Cost: a comparison if nobody took it. Otherwise it waits for its end and helps it meanwhile. Since 0.1.
 */
static inline bool kin_join(struct kin_worker *worker, struct kin_task *task)
{
	struct kin_task **slot = worker->bottom - 1;
	worker->bottom = slot;
	if (__builtin_expect(slot < __atomic_load_n(&worker->stack->floor, __ATOMIC_RELAXED), 0))
		return kin_join_slow(worker->stack, slot, task);
	return true;
}

/**
 * Join the task forked last and not yet joined, and run it here if nobody has: afterwards it has been run.
 *
 * @param worker  what forked it; changed back
 * @param task    no longer borrowed afterwards
 *
 * Cost: as kin_join, and an indirect call. Since 0.1.
 */
static inline void kin_join_run(struct kin_worker *worker, struct kin_task *task)
{
	if (kin_join(worker, task))
		task->fn(*worker, task);
}

#ifdef __cplusplus
}
#endif

#endif
