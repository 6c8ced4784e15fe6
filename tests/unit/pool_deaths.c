/* Process workers that die: of what bodies do, of kills from outside, with and without SIGCHLD. */
#include <kin/pool.h>
#include <kin/reduce.h>

#include "engine.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

static struct kin_pool *make(unsigned workers)
{
	struct kin_pool *pool = NULL;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers, .kind = KIN_PROCESSES }) <
		0) {
		tap_ok(false, "a pool of processes");
		exit(1);
	}
	return pool;
}

static struct kin_pool_stats stats_of(struct kin_pool *pool)
{
	struct kin_pool_stats stats;
	kin_pool_stats(pool, &stats, sizeof stats);
	return stats;
}

/* --- deaths in a body --- */

enum way { KILL, EXIT_0, EXIT_3, ABORT, SEGV, STOP };
static const char *const way_names[] = { "SIGKILL", "exit(0)", "_exit(3)", "abort()", "SIGSEGV" };

enum { CHUNKS = 50, GRAIN = 3, LENGTH = CHUNKS * GRAIN - 1 };

/* What a body and its test share. */
struct scene {
	size_t deadly; // the chunk that begins here ends its worker
	enum way way;
	_Atomic int lives; // workers it takes yet
	_Atomic int bad_ranges;
	long values[LENGTH];
};

static void die(enum way way)
{
	signal(SIGABRT, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
	switch (way) {
	case KILL:
		raise(SIGKILL);
		break;
	case EXIT_0:
		exit(0);
	case EXIT_3:
		_exit(3);
	case ABORT:
		abort();
	case SEGV:
		raise(SIGSEGV);
		break;
	case STOP:
		raise(SIGSTOP);
		break;
	}
}

static int fill(size_t begin, size_t end, void *arg)
{
	struct scene *scene = arg;
	if (begin % GRAIN != 0 || end - begin > GRAIN || (end - begin < GRAIN && end != LENGTH))
		atomic_fetch_add(&scene->bad_ranges, 1);
	if (begin == scene->deadly && atomic_fetch_sub(&scene->lives, 1) > 0) {
		scene->values[begin] = -1; // half done
		die(scene->way);
	}
	for (size_t i = begin; i < end; i++)
		scene->values[i] = (long)(i * i + 1);
	return 0;
}

static bool is_filled(struct scene *scene)
{
	for (size_t i = 0; i < LENGTH; i++)
		if (scene->values[i] != (long)(i * i + 1))
			return false;
	return atomic_load(&scene->bad_ranges) == 0;
}

static void set(struct scene *scene, size_t deadly, enum way way, int lives)
{
	memset(scene, 0, sizeof *scene);
	scene->deadly = deadly;
	scene->way = way;
	scene->lives = lives;
}

static void test_one_death(struct kin_pool *pool, struct scene *scene, const char *whom)
{
	static const size_t at[] = { 0, CHUNKS / 2 * GRAIN, (CHUNKS - 1) * GRAIN };
	for (enum way way = KILL; way <= SEGV; way++)
		for (size_t i = 0; i < 3; i++) {
			struct kin_pool_stats before = stats_of(pool);
			set(scene, at[i], way, 1);
			int result = kin_for(pool, 0, LENGTH, GRAIN, fill, scene);
			struct kin_pool_stats after = stats_of(pool);
			tap_ok(result == 0 && is_filled(scene), "%s: %s at %zu: all is there (%d)", whom,
				way_names[way], at[i], result);
			tap_ok(after.deaths == before.deaths + 1 && after.retries == before.retries + 1,
				"%s: one death, one retry", whom);
		}
}

static void test_three_deaths(struct kin_pool *pool, struct scene *scene, const char *whom)
{
	static const size_t at[] = { 0, CHUNKS / 2 * GRAIN, (CHUNKS - 1) * GRAIN };
	for (size_t i = 0; i < 3; i++) {
		set(scene, at[i], i == 1 ? EXIT_3 : KILL, 2);
		tap_ok(kin_for(pool, 0, LENGTH, GRAIN, fill, scene) == 0 && is_filled(scene),
			"%s: two workers are lost, and no more", whom);
		set(scene, at[i], i == 1 ? EXIT_3 : KILL, 3);
		tap_is_int(kin_for(pool, 0, LENGTH, GRAIN, fill, scene), -EOWNERDEAD, "three workers lost");
		struct kin_crash crash = { 0 };
		tap_is_int(kin_pool_last_crash(pool, &crash), 0, "there was a crash");
		size_t end = at[i] + GRAIN < LENGTH ? at[i] + GRAIN : LENGTH;
		tap_ok(crash.begin == at[i] && crash.end == end, "its range is [%zu, %zu), got [%zu, %zu)",
			at[i], end, crash.begin, crash.end);
		tap_is_int(crash.workers, 3, "it names three workers");
		tap_ok(i == 1 ? WIFEXITED(crash.status) && WEXITSTATUS(crash.status) == 3
			      : WIFSIGNALED(crash.status) && WTERMSIG(crash.status) == SIGKILL,
			"and what they died of");
		set(scene, LENGTH + 1, KILL, 0);
		tap_ok(kin_for(pool, 0, LENGTH, GRAIN, fill, scene) == 0 && is_filled(scene),
			"%s: the pool lives on", whom);
	}
}

static int kill_late(size_t begin, size_t end, void *arg)
{
	struct scene *scene = arg;
	(void)end;
	if (begin == scene->deadly)
		raise(SIGKILL);
	return begin == 30 ? 77 : 0;
}

static void test_lowest_stop(struct kin_pool *pool, struct scene *scene)
{
	set(scene, 100, KILL, 9);
	int result = kin_for(pool, 0, 200, 1, kill_late, scene);
	tap_is_int(result, 77, "a chunk that stops the loop before one that kills: its value counts");
	set(scene, 10, KILL, 9);
	result = kin_for(pool, 0, 200, 1, kill_late, scene);
	tap_is_int(result, -EOWNERDEAD, "a chunk that kills before one that stops the loop");
	struct kin_crash crash = { 0 };
	tap_ok(kin_pool_last_crash(pool, &crash) == 0 && crash.begin == 10 && crash.end == 11, "at 10");
}

static void test_deaths(void)
{
	struct kin_pool *pool = make(2);
	struct kin_crash crash;
	tap_is_int(kin_pool_last_crash(pool, &crash), -ENODATA, "no crash so far");
	struct scene *scene = engine_shared(sizeof *scene);
	test_one_death(pool, scene, "persistent");
	test_three_deaths(pool, scene, "persistent");
	test_lowest_stop(pool, scene);
	kin_pool_destroy(pool);
	kin_shared_free(scene);
}

/* The same with a private argument: workers forked for the call. */

struct outside {
	struct scene *scene;
};

static int fill_outside(size_t begin, size_t end, void *arg)
{
	return fill(begin, end, ((struct outside *)arg)->scene);
}

static void test_private_deaths(void)
{
	struct kin_pool *pool = make(2);
	struct outside outside = { engine_shared(sizeof(struct scene)) };
	static const size_t at[] = { 0, CHUNKS / 2 * GRAIN, (CHUNKS - 1) * GRAIN };
	for (enum way way = KILL; way <= SEGV; way++) {
		struct kin_pool_stats before = stats_of(pool);
		set(outside.scene, at[way % 3], way, 2);
		int result = kin_for(pool, 0, LENGTH, GRAIN, fill_outside, &outside);
		tap_ok(result == 0 && is_filled(outside.scene), "private: %s twice: all is there",
			way_names[way]);
		tap_is_int(stats_of(pool).deaths - before.deaths, 2, "two deaths");
	}
	for (size_t i = 0; i < 3; i++) {
		set(outside.scene, at[i], KILL, 3);
		int result = kin_for(pool, 0, LENGTH, GRAIN, fill_outside, &outside);
		tap_is_int(result, -EOWNERDEAD, "private: three workers lost");
		struct kin_crash crash = { 0 };
		tap_ok(kin_pool_last_crash(pool, &crash) == 0 && crash.begin == at[i], "and where");
	}
	tap_is_int(engine_children("", NULL, 0), 2, "the forked ones are gone when the call returns");
	kin_pool_destroy(pool);
	kin_shared_free(outside.scene);
}

/* --- deaths from outside --- */

/* Numbers to fold in an order that matters; count: chunks folded so far, by all. */
struct chain {
	_Atomic int folded;
	_Atomic int over;
	uint64_t numbers[4000];
};

static int fold_chain(size_t begin, size_t end, void *state, void *arg)
{
	struct chain *chain = arg;
	uint64_t *pair = state; // x -> pair[0] * x + pair[1]
	for (size_t i = begin; i < end; i++) {
		pair[0] *= 2 * i + 1;
		pair[1] = pair[1] * (2 * i + 1) + chain->numbers[i];
	}
	atomic_fetch_add(&chain->folded, 1);
	return 0;
}

static int combine_chain(void *into, const void *from, void *arg)
{
	(void)arg;
	uint64_t *low = into;
	const uint64_t *high = from;
	low[1] = low[1] * high[0] + high[1];
	low[0] *= high[0];
	return 0;
}

static const uint64_t chain_identity[2] = { 1, 0 };

static int fold_outside(size_t begin, size_t end, void *state, void *arg)
{
	return fold_chain(begin, end, state, *(struct chain **)arg);
}

static struct chain *make_chain(void)
{
	struct chain *chain = engine_shared(sizeof *chain);
	for (size_t i = 0; i < 4000; i++)
		chain->numbers[i] = i * i + 7;
	return chain;
}

static uint64_t expected_chain(struct chain *chain)
{
	uint64_t pair[2] = { 1, 0 };
	fold_chain(0, 4000, pair, chain);
	return pair[1];
}

/*
 * Kill one worker after the other, and go on only when so much was done meanwhile that no chunk is hit three times.
 */
static void *kill_at_random(void *arg)
{
	struct chain *chain = arg;
	unsigned random = 12345;
	while (!atomic_load(&chain->over)) {
		int before = atomic_load(&chain->folded);
		pid_t pids[16];
		int count = engine_children("", pids, 16);
		random = random * 1103515245 + 12345;
		if (count > 0 && count <= 16)
			kill(pids[(random >> 16) % (unsigned)count], SIGKILL);
		while (!atomic_load(&chain->over) && atomic_load(&chain->folded) < before + 60)
			sched_yield();
	}
	return NULL;
}

static void fold_among_kills(struct kin_pool *pool, bool shared, int calls)
{
	struct chain *chain = make_chain();
	uint64_t expected = expected_chain(chain);
	struct kin_reduction reduction = {
		.state_size = sizeof chain_identity,
		.identity = chain_identity,
		.fold = shared ? fold_chain : fold_outside,
		.combine = combine_chain,
		.arg = shared ? (void *)chain : (void *)&chain,
		.grain = 40,
	};
	uint64_t deaths = stats_of(pool).deaths;
	pthread_t killer;
	pthread_create(&killer, NULL, kill_at_random, chain);
	int failed = 0, wrong = 0;
	for (int i = 0; i < calls; i++) {
		uint64_t pair[2] = { 0, 0 };
		int result = kin_reduce(pool, 0, 4000, &reduction, pair);
		if (result != 0 && !failed++)
			tap_note("call %d: %s", i, strerror(-result));
		wrong += result == 0 && pair[1] != expected;
	}
	while (stats_of(pool).deaths == deaths)
		kin_reduce(pool, 0, 4000, &reduction, (uint64_t[2]){ 0 });
	atomic_store(&chain->over, 1);
	pthread_join(killer, NULL);
	tap_ok(failed == 0 && wrong == 0, "%d %s reductions among kills: %d failed, %d wrong", calls,
		shared ? "shared" : "private", failed, wrong);
	tap_note("%d deaths", (int)(stats_of(pool).deaths - deaths));
	kin_shared_free(chain);
}

static void test_random_kills(void)
{
	struct kin_pool *pool = make(3);
	fold_among_kills(pool, true, 200);
	fold_among_kills(pool, false, 40);
	kin_pool_destroy(pool);
}

/* Wait until all of a pool's workers are alive, and nothing is left of the dead ones. */
static void await_workers(int count)
{
	while (engine_children("", NULL, 0) != count || engine_children("Z", NULL, 0) != 0)
		engine_nap(1);
}

static void test_idle_kills(void)
{
	struct kin_pool *pool = make(3);
	struct scene *scene = engine_shared(sizeof *scene);
	for (int round = 0; round < 5; round++) {
		uint64_t forks = stats_of(pool).forks;
		pid_t pids[3];
		int count = engine_children("", pids, 3);
		tap_is_int(count, 3, "three workers");
		for (int i = 0; i < 3; i++)
			kill(pids[i], SIGKILL);
		if (round % 2)
			while (stats_of(pool).forks < forks + 3)
				engine_nap(1);
		set(scene, LENGTH + 1, KILL, 0);
		tap_ok(kin_for(pool, 0, LENGTH, GRAIN, fill, scene) == 0 && is_filled(scene),
			"idle workers were killed, %s", round % 2 ? "and replaced" : "just now");
		while (stats_of(pool).forks < forks + 3)
			engine_nap(1);
		await_workers(3);
	}
	tap_is_int(stats_of(pool).deaths, 15, "15 deaths");
	kin_pool_destroy(pool);
	kin_shared_free(scene);
}

struct crowd {
	_Atomic int begun, go;
	_Atomic int runs[64];
};

static int hang_about(size_t begin, size_t end, void *arg)
{
	struct crowd *crowd = arg;
	(void)end;
	atomic_fetch_add(&crowd->begun, 1);
	while (!atomic_load(&crowd->go))
		engine_nap(1);
	atomic_fetch_add(&crowd->runs[begin], 1);
	return 0;
}

static void *kill_all(void *arg)
{
	struct crowd *crowd = arg;
	engine_await(&crowd->begun, 3);
	pid_t pids[8];
	int count = engine_children("", pids, 8);
	for (int i = 0; i < count && i < 8; i++)
		kill(pids[i], SIGSTOP); // so that all of them die with a chunk in their hands
	for (int i = 0; i < count && i < 8; i++)
		kill(pids[i], SIGKILL);
	atomic_store(&crowd->go, 1);
	return NULL;
}

static int hang_outside(size_t begin, size_t end, void *arg)
{
	return hang_about(begin, end, *(struct crowd **)arg);
}

static void test_all_killed(void)
{
	struct kin_pool *pool = make(3);
	for (int private = 0; private < 2; private ++) {
		struct crowd *crowd = engine_shared(sizeof *crowd);
		pthread_t killer;
		pthread_create(&killer, NULL, kill_all, crowd);
		int result = private ? kin_for(pool, 0, 64, 1, hang_outside, &crowd)
				     : kin_for(pool, 0, 64, 1, hang_about, crowd);
		pthread_join(killer, NULL);
		int wrong = 0;
		for (int i = 0; i < 64; i++)
			wrong += atomic_load(&crowd->runs[i]) != 1;
		tap_ok(result == 0 && wrong == 0, "all %s workers were killed in a call: %d, %d chunks wrong",
			private ? "private" : "persistent", result, wrong);
		kin_shared_free(crowd);
	}
	tap_ok(stats_of(pool).deaths >= 6, "six deaths");
	kin_pool_destroy(pool);
}

static void *kill_stopped(void *arg)
{
	pid_t stopped;
	(void)arg;
	while (engine_children("T", &stopped, 1) == 0)
		engine_nap(1);
	kill(stopped, SIGKILL);
	return NULL;
}

static void test_stopped(void)
{
	struct kin_pool *pool = make(2);
	struct scene *scene = engine_shared(sizeof *scene);
	set(scene, 6, STOP, 1);
	pthread_t killer;
	pthread_create(&killer, NULL, kill_stopped, NULL);
	int result = kin_for(pool, 0, LENGTH, GRAIN, fill, scene);
	pthread_join(killer, NULL);
	tap_ok(result == 0 && is_filled(scene), "a worker that was stopped, then killed");
	tap_is_int(stats_of(pool).deaths, 1, "one death");
	await_workers(2);
	pid_t pids[2];
	engine_children("", pids, 2);
	kill(pids[0], SIGSTOP);
	kin_pool_destroy(pool);
	tap_is_int(engine_children("", NULL, 0), 0, "a pool with a stopped worker can be destroyed");
	kin_shared_free(scene);
}

/* --- SIGCHLD --- */

static void die_once_in_each(const char *what)
{
	struct kin_pool *pool = make(2);
	struct scene *scene = engine_shared(sizeof *scene);
	struct outside outside = { scene };
	for (int i = 0; i < 5; i++) {
		set(scene, 3, KILL, 2);
		int result = kin_for(pool, 0, LENGTH, GRAIN, fill, scene);
		tap_ok(result == 0 && is_filled(scene), "%s: two die", what);
		set(scene, 3, EXIT_0, 1);
		result = kin_for(pool, 0, LENGTH, GRAIN, fill_outside, &outside);
		tap_ok(result == 0 && is_filled(scene), "%s: one of those forked for a call dies", what);
	}
	set(scene, 3, KILL, 3);
	tap_is_int(kin_for(pool, 0, LENGTH, GRAIN, fill, scene), -EOWNERDEAD, "three die");
	struct kin_crash crash = { 0 };
	tap_ok(kin_pool_last_crash(pool, &crash) == 0 && crash.begin == 3 && crash.end == 6, "at [3, 6)");
	kin_pool_destroy(pool);
	kin_shared_free(scene);
}

static void reap_all(int signo)
{
	(void)signo;
	const int saved = errno;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	errno = saved;
}

static _Atomic int reaper_over;

static void *reap_in_thread(void *arg)
{
	(void)arg;
	while (!atomic_load(&reaper_over))
		if (waitpid(-1, NULL, WNOHANG) <= 0)
			sched_yield();
	return NULL;
}

static void test_sigchld(void)
{
	signal(SIGCHLD, SIG_IGN);
	die_once_in_each("SIGCHLD is ignored");
	tap_is_int(engine_children("", NULL, 0), 0, "no child");
	sigaction(SIGCHLD, &(struct sigaction){ .sa_handler = reap_all }, NULL);
	die_once_in_each("a handler reaps all");
	tap_is_int(engine_children("", NULL, 0), 0, "no child");
	signal(SIGCHLD, SIG_DFL);
	pthread_t reaper;
	pthread_create(&reaper, NULL, reap_in_thread, NULL);
	die_once_in_each("a thread reaps all");
	atomic_store(&reaper_over, 1);
	pthread_join(reaper, NULL);
	tap_is_int(engine_children("", NULL, 0), 0, "no child");
}

int main(void)
{
	engine_begin();
	test_deaths();
	test_private_deaths();
	test_random_kills();
	test_idle_kills();
	test_all_killed();
	test_stopped();
	test_sigchld();
	tap_is_int(engine_children("", NULL, 0), 0, "no process is left");
	return tap_done();
}
