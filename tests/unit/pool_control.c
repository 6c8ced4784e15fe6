/* Controls: cancelling from everywhere, deadlines that kill, progress, and what calls inside calls inherit. */
#include "pool_tools.h"

#include <kin/control.h>
#include <kin/reduce.h>

#include <pthread.h>

static struct kin_pool *pools[4];
static const struct {
	enum kin_kind kind;
	unsigned workers;
} kinds[4] = { { KIN_THREADS, 1 }, { KIN_THREADS, 3 }, { KIN_PROCESSES, 1 }, { KIN_PROCESSES, 3 } };

static struct kin_control *new_control(void)
{
	struct kin_control *control = NULL;
	if (kin_control_create(&control) < 0) {
		tap_ok(false, "a control");
		exit(1);
	}
	return control;
}

/* In shared memory. */
struct scene {
	struct kin_control *control;
	struct kin_pool *pool;
	_Atomic uint32_t begun, ran, stopped, cancel_at, wrong;
};

static struct scene *scene;

static struct scene *new_scene(int pool)
{
	*scene = (struct scene){ .control = new_control(), .pool = pools[pool] };
	return scene;
}

static int call(size_t count, kin_body *body, void *arg)
{
	struct kin_control *before = kin_control_use(scene->control);
	int result = kin_for(scene->pool, 0, count, 1, body, arg);
	kin_control_use(before);
	return result;
}

static int count(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&scene->ran, 1);
	return 0;
}

/* --- cancelling --- */

static int fold_nothing(size_t begin, size_t end, void *state, void *arg)
{
	return 0;
}

static int combine_nothing(void *into, const void *from, void *arg)
{
	return 0;
}

static int always(size_t index, void *arg)
{
	return 1;
}

static void test_basics(void)
{
	struct kin_control *first = new_control(), *second = new_control();
	tap_ok(kin_control_use(first) == NULL && kin_control_use(second) == first &&
			kin_control_use(NULL) == second && kin_control_use(NULL) == NULL,
		"kin_control_use returns the one before");
	tap_is_int(kin_stopping(), 0, "under no control nothing is stopped");
	kin_cancel(NULL);
	kin_control_use(first);
	tap_is_int(kin_stopping(), 0, "not cancelled yet");
	kin_cancel(first);
	tap_is_int(kin_stopping(), -ECANCELED, "cancelled");
	kin_control_set_deadline(second, 0);
	kin_control_use(second);
	tap_is_int(kin_stopping(), -ETIMEDOUT, "past its deadline");
	kin_control_set_deadline(second, -1);
	tap_is_int(kin_stopping(), 0, "no deadline any more");
	kin_control_set_deadline(second, INT64_MAX);
	tap_is_int(kin_stopping(), 0, "a deadline beyond all time");
	kin_control_reset(first);
	kin_control_use(first);
	tap_is_int(kin_stopping(), 0, "new again");
	kin_control_use(NULL);
	kin_control_destroy(first);
	kin_control_destroy(second);
	kin_control_destroy(NULL);
}

static void test_before(void)
{
	for (int p = 0; p < 4; p++) {
		new_scene(p);
		kin_cancel(scene->control);
		tap_is_int(call(10, count, scene), -ECANCELED, "cancelled before the call");
		tap_is_int(call(1, count, NULL), -ECANCELED, "and for all calls after it");
		struct kin_reduction reduction = {
			.state_size = 1, .fold = fold_nothing, .combine = combine_nothing
		};
		size_t found = 77;
		char state = 'x';
		kin_control_use(scene->control);
		int searched = kin_find(pools[p], 0, 10, always, NULL, &found);
		int reduced = kin_reduce(pools[p], 0, 10, &reduction, &state);
		kin_control_use(NULL);
		tap_ok(searched == -ECANCELED && reduced == -ECANCELED && found == 77 && state == 'x',
			"results are untouched");
		kin_control_reset(scene->control);
		kin_control_set_deadline(scene->control, 0);
		tap_is_int(call(10, count, scene), -ETIMEDOUT, "too late before the call");
		tap_is_int(scene->ran, 0, "nothing was run");
		kin_control_reset(scene->control);
		tap_ok(call(10, count, scene) == 0 && scene->ran == 10, "after a reset it runs");
		kin_control_destroy(scene->control);
	}
}

/* Runs until its call is stopped. */
static int until_stopped(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&scene->begun, 1);
	int why;
	while ((why = kin_stopping()) == 0)
		engine_nap(1);
	atomic_store(&scene->stopped, (uint32_t)-why);
	return 0;
}

static void *cancel_soon(void *arg)
{
	if (tool_await(&scene->begun, 1))
		kin_cancel(scene->control);
	return NULL;
}

static void test_other_thread(void)
{
	for (int p = 0; p < 4; p++)
		for (int private = 0; private < 2; private ++) {
			pthread_t thread;
			new_scene(p);
			pthread_create(&thread, NULL, cancel_soon, NULL);
			int result = call(500, until_stopped, private ? NULL : scene);
			pthread_join(thread, NULL);
			tap_ok(result == -ECANCELED && scene->stopped == ECANCELED && scene->begun < 500,
				"%u %s: cancelled by a thread (%d)", kinds[p].workers,
				tool_kinds[kinds[p].kind], result);
			kin_control_destroy(scene->control);
		}
}

static int cancel_or_wait(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&scene->ran, 1);
	if (begin == scene->cancel_at)
		kin_cancel(scene->control);
	while (begin > scene->cancel_at && kin_stopping() == 0)
		engine_nap(1);
	return 0;
}

static void test_body(void)
{
	for (int p = 0; p < 4; p++) {
		new_scene(p);
		scene->cancel_at = 3;
		int result = call(1000, cancel_or_wait, scene);
		/* Others may have drawn the chunks before it, and not begun them. */
		uint32_t least = kinds[p].workers == 1 ? 4 : 1;
		tap_ok(result == -ECANCELED && scene->ran >= least && scene->ran <= 4 + kinds[p].workers,
			"%u %s: cancelled by a body, %u chunks were run", kinds[p].workers,
			tool_kinds[kinds[p].kind], (unsigned)scene->ran);
		kin_control_destroy(scene->control);
	}
}

static void on_signal(int signo)
{
	kin_cancel(scene->control);
}

static void *signal_soon(void *arg)
{
	if (tool_await(&scene->begun, 1))
		pthread_kill(*(pthread_t *)arg, SIGUSR1);
	return NULL;
}

static void test_signal(void)
{
	struct sigaction action = { .sa_handler = on_signal }, before;
	sigaction(SIGUSR1, &action, &before);
	for (int p = 0; p < 4; p++) {
		pthread_t thread, self = pthread_self();
		new_scene(p);
		pthread_create(&thread, NULL, signal_soon, &self);
		int result = call(500, until_stopped, scene);
		pthread_join(thread, NULL);
		tap_ok(result == -ECANCELED && scene->stopped == ECANCELED,
			"%u %s: cancelled by a signal handler (%d)", kinds[p].workers,
			tool_kinds[kinds[p].kind], result);
		kin_control_destroy(scene->control);
	}
	sigaction(SIGUSR1, &before, NULL);
}

/* --- deadlines --- */

static int sleep_for_ever(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&scene->begun, 1);
	for (;;)
		pause();
	return 0;
}

static struct kin_pool_stats stats_of(struct kin_pool *pool)
{
	struct kin_pool_stats stats;
	kin_pool_stats(pool, &stats, sizeof stats);
	return stats;
}

#define MS INT64_C(1000000)

static void test_deadlines(void)
{
	for (int p = 0; p < 4; p++)
		for (int private = 0; private < 2; private ++) {
			new_scene(p);
			kin_control_set_deadline(scene->control, 5 * MS);
			int result = call(500, until_stopped, private ? NULL : scene);
			tap_ok(result == -ETIMEDOUT, "%u %s: a deadline passes (%d)", kinds[p].workers,
				tool_kinds[kinds[p].kind], result);
			kin_control_destroy(scene->control);
		}
}

/* A deadline, or its end, ends what the body itself would not; the watchdog tells if not. */
static void test_kills(void)
{
	for (int p = 2; p < 4; p++)
		for (int private = 0; private < 2; private ++)
			for (size_t chunks = 1; chunks < 20; chunks += 9) {
				new_scene(p);
				uint64_t deaths = stats_of(pools[p]).deaths;
				kin_control_set_deadline(scene->control, 30 * MS);
				int result = call(chunks, sleep_for_ever, private ? NULL : scene);
				deaths = stats_of(pools[p]).deaths - deaths;
				struct kin_crash crash;
				/* One that takes the place of a killed one may be killed as it puts a step aside. */
				tap_ok(result == -ETIMEDOUT && deaths <= 6 && deaths >= (scene->begun > 0) &&
						kin_pool_last_crash(pools[p], &crash) == -ENODATA,
					"%u processes, %zu chunks sleep for ever: %d, %u killed",
					kinds[p].workers, chunks, result, (unsigned)deaths);
				kin_control_destroy(scene->control);
				new_scene(p);
				kin_control_destroy(scene->control);
				scene->control = NULL;
				result = call(50, count, scene);
				tap_ok(result == 0 && scene->ran == 50, "the pool lives on");
			}
}

/* Cancelled first: what runs is waited for, but no longer than to the deadline. */
static void test_cancelled_then_late(void)
{
	for (int private = 0; private < 2; private ++) {
		pthread_t thread;
		new_scene(3);
		kin_control_set_deadline(scene->control, 200 * MS);
		pthread_create(&thread, NULL, cancel_soon, NULL);
		int result = call(10, sleep_for_ever, private ? NULL : scene);
		pthread_join(thread, NULL);
		tap_ok(result == -ECANCELED || result == -ETIMEDOUT,
			"cancelled, and past the deadline: killed (%d)", result);
		kin_control_destroy(scene->control);
		scene->control = NULL;
		atomic_store(&scene->ran, 0);
		tap_ok(call(50, count, scene) == 0 && scene->ran == 50, "the pool lives on");
	}
}

/* --- progress --- */

struct telling {
	pthread_t thread;
	unsigned calls, elsewhere, backwards, beyond;
	uint64_t done, total;
};

static void tell(uint64_t done, uint64_t total, void *arg)
{
	struct telling *telling = arg;
	telling->calls++;
	telling->elsewhere += !pthread_equal(telling->thread, pthread_self());
	telling->backwards += done < telling->done;
	telling->beyond += done > total;
	telling->done = done;
	telling->total = total;
}

static void test_progress(void)
{
	for (int p = 0; p < 4; p++)
		for (int private = 0; private < 2; private ++) {
			struct telling telling = { .thread = pthread_self() };
			void *arg = private ? NULL : scene;
			new_scene(p);
			kin_control_set_progress(scene->control, tell, 0, &telling);
			bool right = call(1000, count, arg) == 0 && telling.done == 1000 &&
				     telling.total == 1000 && telling.calls > 0;
			right &= call(1, count, arg) == 0 && telling.done == 1001 && telling.total == 1001;
			struct kin_control *before = kin_control_use(scene->control);
			right &= kin_for(scene->pool, 0, 12345678, 0, count, arg) == 0;
			kin_control_use(before);
			right &= telling.done == 12346679 && telling.total == 12346679;
			uint64_t done = 0, total = 0;
			kin_control_progress(scene->control, &done, &total);
			right &= done == 12346679 && total == 12346679;
			kin_control_progress(scene->control, NULL, NULL);
			tap_ok(right, "%u %s: all is done at the end: %u of %u, %u calls", kinds[p].workers,
				tool_kinds[kinds[p].kind], (unsigned)telling.done, (unsigned)telling.total,
				telling.calls);
			tap_ok(telling.elsewhere + telling.backwards + telling.beyond == 0,
				"told by the caller, and never too much: %u %u %u", telling.elsewhere,
				telling.backwards, telling.beyond);
			kin_control_destroy(scene->control);
		}
}

/* A call that cannot begin is not among the items to do. */
static void test_too_many(void)
{
	for (int p = 0; p < 4; p++) {
		uint64_t done = 1, total = 1;
		new_scene(p);
		struct kin_control *before = kin_control_use(scene->control);
		int result = kin_for(scene->pool, 0, ((size_t)1 << 48) + 1, 1, count, scene);
		kin_control_use(before);
		kin_control_progress(scene->control, &done, &total);
		tap_ok(result == -ENOMEM && done == 0 && total == 0 && scene->ran == 0,
			"%u %s: more chunks than there can be (%d): %u to do", kinds[p].workers,
			tool_kinds[kinds[p].kind], result, (unsigned)total);
		kin_control_destroy(scene->control);
	}
}

/* With the longest interval there is only the end of each call. */
static void test_seldom(void)
{
	for (int p = 0; p < 4; p++) {
		struct telling telling = { .thread = pthread_self() };
		new_scene(p);
		kin_control_set_progress(scene->control, tell, INT64_MAX, &telling);
		int result = call(100, count, scene);
		tap_ok(result == 0 && telling.calls == 1 && telling.done == 100,
			"%u %s: once at the end (%u)", kinds[p].workers, tool_kinds[kinds[p].kind],
			telling.calls);
		result = call(100, count, scene);
		tap_ok(result == 0 && telling.calls == 2 && telling.done == 200, "and of the next call (%u)",
			telling.calls);
		kin_control_set_progress(scene->control, NULL, 0, NULL);
		result = call(100, count, scene);
		tap_ok(result == 0 && telling.calls == 2, "no more");
		kin_control_destroy(scene->control);
	}
}

/* --- calls inside calls --- */

static int count_inner(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&scene->ran, 1);
	atomic_fetch_add(&scene->wrong, kin_control_use(NULL) != scene->control);
	return 0;
}

static int inner_cancelled(size_t begin, size_t end, void *arg)
{
	kin_cancel(scene->control);
	int result = kin_for(scene->pool, 0, 10, 1, count, scene);
	atomic_store(&scene->stopped, (uint32_t)-result);
	return 0;
}

static int leave_none(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&scene->wrong, kin_control_use(NULL) != scene->control);
	return 0;
}

/* Leaves another control behind, which must not be there in the next chunk, nor in the next call. */
static int change_control(size_t begin, size_t end, void *arg)
{
	atomic_fetch_add(&scene->wrong, kin_control_use(NULL) != scene->control);
	return kin_for(scene->pool, 0, 3, 1, count, scene);
}

static int inner(size_t begin, size_t end, void *arg)
{
	return kin_for(scene->pool, 0, 3, 1, count_inner, scene);
}

static void test_nested(void)
{
	for (int p = 0; p < 4; p++) {
		const char *kind = tool_kinds[kinds[p].kind];
		new_scene(p);
		int result = call(20, inner, scene);
		tap_ok(result == 0 && scene->ran == 60 && scene->wrong == 0,
			"%u %s: calls inside are under the control too (%u)", kinds[p].workers, kind,
			(unsigned)scene->wrong);
		uint64_t done, total;
		kin_control_progress(scene->control, &done, &total);
		tap_ok(done == 80 && total == 80, "their items are counted: %u of %u", (unsigned)done,
			(unsigned)total);
		kin_control_destroy(scene->control);

		new_scene(p);
		result = call(200, change_control, scene);
		tap_ok(result == 0 && scene->ran == 600 && scene->wrong == 0,
			"%u %s: each chunk begins under the call's control (%u)", kinds[p].workers, kind,
			(unsigned)scene->wrong);
		kin_control_progress(scene->control, &done, &total);
		tap_ok(done == 200 && total == 200, "calls under none are not counted: %u", (unsigned)total);
		kin_control_destroy(scene->control);

		/* So many that process workers run several in a row. */
		new_scene(p);
		result = call(40000, leave_none, scene);
		tap_ok(result == 0 && scene->wrong == 0, "%u %s: also where there are many (%u)",
			kinds[p].workers, kind, (unsigned)scene->wrong);
		kin_control_destroy(scene->control);

		new_scene(p);
		result = call(3, inner_cancelled, scene);
		tap_ok(scene->stopped == ECANCELED && scene->ran == 0,
			"%u %s: a call inside is cancelled with the outer one (%d)", kinds[p].workers, kind,
			result);
		kin_control_destroy(scene->control);
	}
	tap_ok(kin_control_use(NULL) == NULL, "the caller's control is as it was");
}

/* A control is for the thread that uses it. */
static void *call_elsewhere(void *arg)
{
	*(int *)arg = kin_for(scene->pool, 0, 10, 1, count, scene);
	return NULL;
}

static void test_thread_local(void)
{
	pthread_t thread;
	int result = 1;
	new_scene(1);
	kin_cancel(scene->control);
	kin_control_use(scene->control);
	pthread_create(&thread, NULL, call_elsewhere, &result);
	pthread_join(thread, NULL);
	kin_control_use(NULL);
	tap_ok(result == 0 && scene->ran == 10, "another thread's call is not stopped");
	kin_control_destroy(scene->control);
}

int main(void)
{
	engine_begin();
	scene = engine_shared(sizeof *scene);
	for (int p = 0; p < 4; p++)
		pools[p] = tool_pool(kinds[p].kind, kinds[p].workers);
	test_basics();
	test_before();
	test_other_thread();
	test_body();
	test_signal();
	test_deadlines();
	test_kills();
	test_progress();
	test_too_many();
	test_seldom();
	test_nested();
	test_thread_local();
	test_cancelled_then_late();
	for (int p = 0; p < 4; p++)
		kin_pool_destroy(pools[p]);
	kin_shared_free(scene);
	return tap_done();
}
