/*
 * Random programs on random pools: loops in loops, reductions, maps, searches, sorts, scans, jobs, fork-join, errors,
 * cancels, deadlines, killed workers, forks. Every answer is compared with a serial one.
 *
 * usage: programs [--count N] [--seed S] [--no-fork]
 *
 * Program i has the seed S + i, so that one that fails is run alone by --count 1 --seed S+i. A program that takes
 * longer than HANG seconds is a hang.
 */
#include "tap.h"

#include <kin/kin.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define HANG 60
#define MOST 4000

#if defined __SANITIZE_THREAD__
#define WITH_TSAN 1
#elif defined __has_feature
#if __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#endif

/* What bodies write to; in shared memory. */
struct board {
	_Atomic int hits[MOST];
	double numbers[MOST];
	_Atomic int bullets; // workers that may still be killed
	int depth; // of nested loops
	size_t bad; // index whose body fails
};

struct program {
	uint64_t state; // of the random numbers
	struct kin_pool *pool;
	enum kin_kind kind;
	struct board *board; // shared
	struct board *own; // private
	const char *wrong; // the first answer that was not right
	bool may_fork;
};

static uint32_t roll(struct program *program, uint32_t below)
{
	program->state = program->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((program->state >> 33) % below);
}

static void expect(struct program *program, bool holds, const char *what)
{
	if (!holds && !program->wrong)
		program->wrong = what;
}

static struct kin_pool *nested_pool; // also for bodies in workers, where every pool is the worker alone

static int hit(size_t begin, size_t end, void *arg)
{
	struct board *board = arg;
	for (size_t i = begin; i < end; i++)
		board->hits[i] = 1;
	return 0;
}

static void shoot(struct board *board)
{
	/* One bullet a loop: three for one chunk would be the end of it. */
	if (board->bullets > 0 && atomic_fetch_sub(&board->bullets, 1) > 0)
		kill(getpid(), SIGKILL);
}

static int hit_and_die(size_t begin, size_t end, void *arg)
{
	shoot(arg);
	return hit(begin, end, arg);
}

struct level {
	struct board *board;
	size_t width;
	int depth;
};

static int nest(size_t begin, size_t end, void *arg)
{
	struct level *level = arg;
	for (size_t i = begin; i < end; i++) {
		size_t first = i * level->width;
		int error = kin_for(nested_pool, first, first + level->width, 1 + i % 3, hit, level->board);
		if (error)
			return error;
	}
	return 0;
}

static bool all_hit(struct board *board, size_t count)
{
	size_t hits = 0;
	for (size_t i = 0; i < MOST; i++)
		hits += (size_t)board->hits[i];
	return hits == count;
}

static void clear(struct board *board)
{
	for (size_t i = 0; i < MOST; i++)
		board->hits[i] = 0;
	board->bullets = 0;
}

static void do_loop(struct program *program)
{
	struct board *board = program->board;
	size_t count = roll(program, MOST + 1), grain = roll(program, 3) ? roll(program, 200) : 0;
	clear(board);
	bool die = program->kind == KIN_PROCESSES && roll(program, 4) == 0;
	board->bullets = die ? 1 : 0;
	int result = kin_for(program->pool, 0, count, grain, die ? hit_and_die : hit, board);
	expect(program, result == 0 && all_hit(board, count), "kin_for");
}

static void do_nested(struct program *program)
{
	struct level level = { program->board, 1 + roll(program, 40), 0 };
	size_t count = roll(program, 60);
	clear(program->board);
	nested_pool = program->pool;
	int result = kin_for(program->pool, 0, count, 1 + roll(program, 3), nest, &level);
	expect(program, result == 0 && all_hit(program->board, count * level.width), "nested loops");
}

static int fail_from(size_t begin, size_t end, void *arg)
{
	const struct board *board = arg;
	for (size_t i = begin; i < end; i++)
		if (i >= board->bad && (i - board->bad) % 7 == 0)
			return (int)i + 1;
	return 0;
}

static void do_error(struct program *program)
{
	struct board *board = roll(program, 2) ? program->board : program->own;
	size_t count = 1 + roll(program, MOST);
	board->bad = roll(program, (uint32_t)count);
	int result = kin_for(program->pool, 0, count, roll(program, 50), fail_from, board);
	expect(program, result == (int)board->bad + 1, "the lowest error");
}

static int triple(size_t index, void *item, void *arg)
{
	*(uint32_t *)item = (uint32_t)index * 3;
	return 0;
}

static int is_past(size_t index, void *arg)
{
	return index >= ((const struct board *)arg)->bad;
}

static void do_map_and_find(struct program *program)
{
	static uint32_t items[MOST];
	size_t count = 1 + roll(program, MOST - 1), found = 0;
	bool right = kin_map(program->pool, count, items, sizeof *items, triple, NULL) == 0;
	for (size_t i = 0; i < count; i++)
		right &= items[i] == (uint32_t)i * 3;
	expect(program, right, "kin_map");
	program->board->bad = roll(program, MOST);
	int result = kin_find(program->pool, 0, count, is_past, program->board, &found);
	expect(program,
		program->board->bad < count ? result == 0 && found == program->board->bad : result == -ENOENT,
		"kin_find");
}

/* x -> a x + b, whose composition does not commute. */
struct affine {
	uint64_t a, b;
};

static int fold(size_t begin, size_t end, void *state, void *arg)
{
	struct affine *all = state;
	for (size_t i = begin; i < end; i++) {
		all->b = all->b * (2 * i + 3) + i;
		all->a *= 2 * i + 3;
	}
	return 0;
}

static int combine(void *into, const void *from, void *arg)
{
	struct affine *left = into;
	const struct affine *right = from;
	left->b = right->a * left->b + right->b;
	left->a *= right->a;
	return 0;
}

static void do_reduce(struct program *program)
{
	static const struct affine identity = { 1, 0 };
	size_t count = roll(program, MOST);
	struct affine want = identity, got = { 0, 0 };
	fold(0, count, &want, NULL);
	struct kin_reduction reduction = { .state_size = sizeof got,
		.identity = &identity,
		.fold = fold,
		.combine = combine,
		.grain = roll(program, 100),
		.arg = roll(program, 2) ? program->board : NULL };
	int result = kin_reduce(program->pool, 0, count, &reduction, &got);
	expect(program, result == 0 && got.a == want.a && got.b == want.b, "kin_reduce");
}

static void do_numbers(struct program *program)
{
	struct board *board = roll(program, 2) ? program->board : program->own;
	size_t count = roll(program, MOST);
	double exact = 0, sum, scanned[MOST];
	for (size_t i = 0; i < count; i++)
		exact += board->numbers[i] = (double)roll(program, 1000000);
	int result = kin_sum_f64(program->pool, board->numbers, count, &sum);
	expect(program, result == 0 && sum == exact, "kin_sum_f64"); // whole numbers: any order is exact
	result = kin_scan_sum_f64(program->pool, board->numbers, count, scanned);
	expect(program, result == 0 && (count == 0 || scanned[count - 1] == exact), "kin_scan_sum_f64");
	result = kin_sort_f64(program->pool, board->numbers, count);
	bool sorted = result == 0;
	for (size_t i = 1; i < count; i++)
		sorted &= board->numbers[i - 1] <= board->numbers[i];
	expect(program, sorted, "kin_sort_f64");
}

static int job(void *arg, void *result)
{
	*(size_t *)result = (size_t)(uintptr_t)arg * 7;
	return 0;
}

static int recursive(void *arg, void *result)
{
	size_t depth = (size_t)(uintptr_t)arg;
	*(size_t *)result = 1;
	struct kin_job *jobs[2] = { NULL, NULL };
	int error = 0;
	for (size_t i = 0; i < 2 && depth && !error; i++)
		error = kin_submit(nested_pool, recursive, (void *)(uintptr_t)(depth - 1),
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

static void do_jobs(struct program *program)
{
	struct kin_job *jobs[24];
	bool cancelled[24];
	size_t count = 1 + roll(program, 24);
	for (size_t i = 0; i < count; i++) {
		struct kin_job_options options = { .result_size = sizeof(size_t),
			.priority = (int)roll(program, 5) };
		if (i && roll(program, 4) == 0) {
			options.after = &jobs[roll(program, (uint32_t)i)];
			options.after_count = 1;
		}
		if (kin_submit(program->pool, job, (void *)(uintptr_t)i, &options, &jobs[i]) < 0) {
			expect(program, false, "kin_submit");
			return;
		}
		cancelled[i] = roll(program, 8) == 0 && kin_job_cancel(jobs[i]) == 0;
	}
	size_t any;
	if (roll(program, 2))
		expect(program, kin_wait_any(jobs, count, -1, &any) == 0 && any < count, "kin_wait_any");
	for (size_t i = 0; i < count; i++) {
		int value = kin_wait(jobs[i], -1);
		bool right = value == -ECANCELED ||
			     (value == 0 && *(const size_t *)kin_job_result(jobs[i]) == i * 7);
		expect(program, cancelled[i] ? value == -ECANCELED : right, "kin_wait");
	}
	for (size_t i = 0; i < count; i++)
		kin_job_destroy(jobs[i]);
	if (program->kind == KIN_THREADS || roll(program, 4) == 0) {
		struct kin_job *tree;
		nested_pool = program->pool;
		size_t depth = program->kind == KIN_THREADS ? roll(program, 7) : 2;
		kin_submit(program->pool, recursive, (void *)(uintptr_t)depth,
			&(struct kin_job_options){ .result_size = sizeof(size_t) }, &tree);
		int value = kin_wait(tree, -1);
		expect(program,
			value == 0 && *(const size_t *)kin_job_result(tree) == ((size_t)2 << depth) - 1,
			"jobs that submit jobs");
		kin_job_destroy(tree);
	}
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

static void do_fork_join(struct program *program)
{
	struct fib root = { .n = (int)roll(program, 16) };
	long a = 0, b = 1;
	for (int i = 0; i < root.n; i++) {
		long next = a + b;
		a = b;
		b = next;
	}
	int result = kin_run(program->pool, fib_task, &root.task);
	expect(program, result == 0 && root.result == a, "kin_run");
}

static int slow(size_t begin, size_t end, void *arg)
{
	usleep(200);
	return kin_stopping() ? 0 : 0;
}

static void *cancel_soon(void *control)
{
	usleep(3000);
	kin_cancel(control);
	return NULL;
}

static void do_control(struct program *program)
{
	struct kin_control *control;
	if (kin_control_create(&control) < 0)
		return;
	struct kin_control *before = kin_control_use(control);
	uint64_t done, total;
	if (roll(program, 2)) {
		kin_control_set_deadline(control, roll(program, 3000000));
		int result = kin_for(program->pool, 0, 4000, 1, slow, program->board);
		expect(program, result == -ETIMEDOUT, "a deadline");
	} else {
		pthread_t thread;
		pthread_create(&thread, NULL, cancel_soon, control);
		int result = kin_for(program->pool, 0, 4000, 1, slow, program->board);
		pthread_join(thread, NULL);
		expect(program, result == -ECANCELED, "a cancel");
	}
	kin_control_progress(control, &done, &total);
	expect(program, done <= total && total <= 4000, "progress");
	kin_control_use(before);
	kin_control_destroy(control);
}

static void do_fork(struct program *program)
{
	if (!program->may_fork)
		return;
	pid_t child = fork();
	if (child == 0) {
		alarm(HANG);
		/* The board is the parent's too. */
		if (kin_shared_alloc((void **)&program->board, sizeof *program->board) < 0)
			_exit(2);
		do_reduce(program);
		do_loop(program);
		do_jobs(program);
		_exit(program->wrong ? 1 : 0);
	}
	int status = 1;
	do_loop(program);
	waitpid(child, &status, 0);
	expect(program, status == 0, "a forked child");
}

static void *call_beside(void *arg)
{
	struct program own = *(struct program *)arg;
	own.board = own.own; // the other callers' boards are theirs
	for (int i = 0; i < 5; i++) {
		do_reduce(&own);
		do_error(&own);
	}
	return (void *)own.wrong;
}

static void do_callers(struct program *program)
{
	pthread_t threads[3];
	struct board *boards[3];
	struct program programs[3];
	size_t count = 1 + roll(program, 3);
	for (size_t i = 0; i < count; i++) {
		boards[i] = calloc(1, sizeof *boards[i]);
		programs[i] = *program;
		programs[i].own = boards[i];
		programs[i].state += i;
		pthread_create(&threads[i], NULL, call_beside, &programs[i]);
	}
	do_loop(program);
	for (size_t i = 0; i < count; i++) {
		void *wrong;
		pthread_join(threads[i], &wrong);
		expect(program, !wrong, wrong ? wrong : "");
		free(boards[i]);
	}
}

static const char *run_program(uint64_t seed, bool may_fork)
{
	struct program program = { .state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1, .may_fork = may_fork };
	program.kind = roll(&program, 2) ? KIN_THREADS : KIN_PROCESSES;
	struct kin_pool_options options = { .kind = program.kind, .workers = 1 + roll(&program, 6) };
	if (kin_pool_create(&program.pool, &options) < 0)
		return "kin_pool_create";
	program.own = calloc(1, sizeof *program.own);
	if (kin_shared_alloc((void **)&program.board, sizeof *program.board) < 0)
		return "kin_shared_alloc";
	static void (*const acts[])(struct program *) = { do_loop, do_nested, do_error, do_map_and_find,
		do_reduce, do_numbers, do_jobs, do_fork_join, do_control, do_fork, do_callers };
	for (size_t left = 2 + roll(&program, 8); left && !program.wrong; left--)
		acts[roll(&program, sizeof acts / sizeof *acts)](&program);
	if (!program.wrong && roll(&program, 8) == 0) {
		expect(&program, kin_pool_resize(program.pool, 1 + roll(&program, 4)) == 0,
			"kin_pool_resize");
		do_loop(&program);
	}
	kin_shared_free(program.board);
	free(program.own);
	kin_pool_destroy(program.pool);
	return program.wrong;
}

static volatile uint64_t running;

static void hang(int signo)
{
	char words[64];
	int length =
		snprintf(words, sizeof words, "not ok 1 - seed %llu hangs\n", (unsigned long long)running);
	if (write(1, words, (size_t)length) < 0)
		_exit(3);
	abort();
}

int main(int argc, char **argv)
{
	uint64_t count = 150, seed = 1;
	bool may_fork = true;
#ifdef WITH_TSAN
	may_fork = false; // its runtime allows no threads in a child of a process with threads
	count = 40;
#endif
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--no-fork") == 0)
			may_fork = false;
		else if (i + 1 < argc && strcmp(argv[i], "--count") == 0)
			count = strtoull(argv[++i], NULL, 10);
		else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
			seed = strtoull(argv[++i], NULL, 10);
		else {
			fprintf(stderr,
				"programs: '%s' is no option; there are --count N, --seed S, --no-fork\n",
				argv[i]);
			return 2;
		}
	signal(SIGALRM, hang);
	uint64_t wrong = 0;
	for (uint64_t i = 0; i < count; i++) {
		running = seed + i;
		alarm(HANG);
		const char *what = run_program(seed + i, may_fork);
		alarm(0);
		if (what) {
			wrong++;
			tap_note("seed %llu: %s", (unsigned long long)running, what);
		}
	}
	tap_ok(wrong == 0, "%llu random programs give the right answers", (unsigned long long)count);
	return tap_done();
}
