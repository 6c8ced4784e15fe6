/*
 * Random programs on random pools: loops in loops, reductions, maps, searches, sorts, scans, jobs, fork-join, errors,
 * cancels, deadlines, killed workers, forks. Every answer is compared with a serial one.
 *
 * usage: programs [--count N] [--seed S] [--kind threads|processes] [--no-fork] [--hang SECONDS] [--verbose]
 *
 * Program i has the seed S + i, so that one that fails is run alone by --count 1 --seed S+i. The programs run in a
 * child, the runner; this process watches that they go on, and that nothing of them is left at the end. A run that
 * makes no act for HANG seconds hangs: that is reported, and the runner killed with all it started.
 */
#include "programs.h"
#include "tap.h"

#include <sys/mman.h>
#include <sys/prctl.h>

#define HANG 60
/* What a process may have more of at the end than in the middle: stacks and arenas that libc keeps. */
#define SLACK_MAPPINGS 60
#define SLACK_KB 512

#ifndef __has_feature
#define __has_feature(name) 0
#endif
#if defined __SANITIZE_THREAD__ || __has_feature(thread_sanitizer)
#define WITH_TSAN 1
#endif
#if defined WITH_TSAN || defined __SANITIZE_ADDRESS__ || __has_feature(address_sanitizer)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

#ifdef WITH_TSAN
/* Its runtime ends a process that was forked from one with threads, as soon as it makes some: see may_start_threads. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}
#endif

struct report *report;
bool is_stray;

static struct settings {
	uint64_t count, seed;
	unsigned hang;
	int kind; // -1: any
	bool no_fork, verbose;
} settings = {
	/* The address sanitizer's allocator may be locked in a child of a fork beside other threads. */
	.count = SANITIZED ? 80 : 250,
	.seed = 1,
	.hang = HANG,
	.kind = -1,
	.no_fork = SANITIZED
};

/* --- what acts need --- */

uint32_t roll(struct dice *dice, uint32_t below)
{
	dice->state = dice->state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((dice->state >> 32) * below >> 32);
}

struct dice dice_for(uint64_t seed, uint64_t number)
{
	uint64_t mixed = (seed + number * UINT64_C(0xD1B54A32D192ED03)) * UINT64_C(0x9E3779B97F4A7C15);
	mixed = (mixed ^ mixed >> 29) * UINT64_C(0xBF58476D1CE4E5B9);
	return (struct dice){ mixed ^ mixed >> 32 };
}

bool expect(bool holds, const char *format, ...)
{
	if (holds || atomic_exchange(&report->is_wrong, true))
		return holds;
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(report->wrong, sizeof report->wrong, format, arguments);
	va_end(arguments);
	return false;
}

void end_child(void)
{
	_exit(atomic_load(&report->is_wrong) ? 1 : 0);
}

bool may_start_threads(const struct scene *scene)
{
	return !SANITIZED || is_home(scene);
}

int settle(const struct scene *scene, int result, int want, const char *what)
{
	/* Not in the loop that forked it, but in a wait that helped with that: all there is the parent's. */
	if (is_stray) {
		atomic_fetch_add(&report->strays, 1);
		end_child();
	}
	if (result == want)
		return 0;
	if (scene->limited && (result == -ECANCELED || result == -ETIMEDOUT))
		return result;
	expect(false, "%s: %d, not %d (%s, depth %d%s)", what, result, want,
		scene->kind == KIN_THREADS ? "threads" : "processes", scene->depth,
		scene->limited ? ", limited" : "");
	return WRONG;
}

static void *give(bool shared, size_t bytes)
{
	void *memory = NULL;
	if (shared ? kin_shared_alloc(&memory, bytes) < 0 : !(memory = calloc(1, bytes + 1))) {
		expect(false, "no memory");
		abort();
	}
	return memory;
}

void *room(const struct scene *scene, size_t bytes)
{
	return give(runs_elsewhere(scene), bytes);
}

void *room_to_read(const struct scene *scene, struct dice *dice, size_t bytes)
{
	bool shared = !chance(dice, 3);
	return give(shared && runs_elsewhere(scene), bytes);
}

void room_free(void *memory)
{
	if (memory && kin_is_shared(memory, 0))
		kin_shared_free(memory);
	else
		free(memory);
}

/* --- which acts --- */

enum where {
	TOP = 1, // not inside of other acts
	HOME = 2, // not in process workers
	PROCESSES = 4, // only with them
	ALONE = 8,
	FORKS = 16,
	NESTS = 32, // makes acts inside
};

static const struct {
	act_fn *act;
	const char *name;
	unsigned weight;
	unsigned where;
} acts[] = {
	{ act_loop, "loop", 4, 0 },
	{ act_tiles, "tiles", 2, 0 },
	{ act_map, "map", 2, 0 },
	{ act_find, "find", 2, 0 },
	{ act_error, "error", 2, 0 },
	{ act_local, "local", 1, HOME },
	{ act_poison, "poison", 1, TOP | HOME | PROCESSES },
	{ act_snipe, "snipe", 2, TOP | HOME | PROCESSES | ALONE },
	{ act_reduce, "reduce", 3, 0 },
	{ act_sum, "sum", 2, 0 },
	{ act_typed, "typed", 2, 0 },
	{ act_sort, "sort", 2, 0 },
	{ act_sort_keys, "sort-keys", 2, 0 },
	{ act_scan, "scan", 2, 0 },
	{ act_nested, "nested", 6, NESTS },
	{ act_fork_join, "fork-join", 2, 0 },
	{ act_stop, "stop", 1, 0 },
	{ act_control, "control", 4, NESTS },
	{ act_jobs, "jobs", 4, 0 },
	{ act_job_tree, "job-tree", 2, 0 },
	{ act_forget_jobs, "forget-jobs", 1, TOP | HOME },
	{ act_fork, "fork", 2, TOP | HOME | FORKS },
	{ act_fork_inside, "fork-inside", 1, FORKS },
};

#define ACTS (sizeof acts / sizeof *acts)

static bool may_be_made(const struct scene *scene, unsigned where)
{
	return !((where & TOP) && scene->depth) && !((where & HOME) && !is_home(scene)) &&
	       !((where & PROCESSES) && scene->kind != KIN_PROCESSES) &&
	       !((where & ALONE) && !scene->alone) && !((where & FORKS) && !scene->may_fork) &&
	       !((where & NESTS) && scene->depth >= DEEPEST) && !((where & TOP) && scene->limited);
}

int act_any(const struct scene *scene, struct dice *dice)
{
	struct scene here = *scene;
	if (chance(dice, 12)) {
		here.pool = NULL;
		here.kind = KIN_THREADS;
		here.alone = false;
	}
	unsigned total = 0;
	for (size_t i = 0; i < ACTS; i++)
		total += may_be_made(&here, acts[i].where) ? acts[i].weight : 0;
	unsigned left = roll(dice, total);
	size_t which = 0;
	for (;; which++) {
		unsigned weight = may_be_made(&here, acts[which].where) ? acts[which].weight : 0;
		if (left < weight)
			break;
		left -= weight;
	}
	int result = acts[which].act(&here, dice);
	atomic_fetch_add(&report->kinds[which], 1);
	atomic_fetch_add(&report->acts, 1);
	return result;
}

/* --- the runner --- */

/* Pools that go from program to program; one is replaced now and then. */
static struct kept {
	struct kin_pool *pool;
	enum kin_kind kind;
	unsigned workers;
} kept[4];

static struct kin_pool *take_kept(enum kin_kind kind, unsigned workers, size_t number)
{
	struct kept *place = &kept[number];
	if (place->pool && place->kind == kind && place->workers == workers)
		return place->pool;
	kin_pool_destroy(place->pool);
	*place = (struct kept){ NULL, kind, workers };
	struct kin_pool_options options = { .kind = kind, .workers = workers };
	int result = kin_pool_create(&place->pool, &options);
	expect(result == 0, "kin_pool_create: %d", result);
	return place->pool;
}

static void destroy_kept(void)
{
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
		kin_pool_destroy(kept[i].pool);
	memset(kept, 0, sizeof kept);
}

struct caller {
	struct scene scene;
	struct dice dice;
	pthread_t thread;
	unsigned acts;
};

static void *call(void *arg)
{
	struct caller *caller = arg;
	int result = 0;
	while (caller->acts-- && result == 0)
		result = act_any(&caller->scene, &caller->dice);
	return NULL;
}

static void make_program(struct scene *scene, struct dice *dice)
{
	struct caller callers[4];
	size_t beside = chance(dice, 3) ? 1 + roll(dice, 3) : 0, started = 1;
	scene->alone = beside == 0;
	for (size_t i = 0; i <= beside; i++)
		callers[i] = (struct caller){ .scene = *scene,
			.dice = dice_for(dice->state, i),
			.acts = 1 + roll(dice, beside ? 3 : 6) };
	while (started <= beside &&
		pthread_create(&callers[started].thread, NULL, call, &callers[started]) == 0)
		started++;
	call(&callers[0]);
	for (size_t i = 1; i < started; i++)
		pthread_join(callers[i].thread, NULL);
}

static void run_program(uint64_t seed)
{
	struct dice dice = dice_for(seed, 0);
	enum kin_kind kind = chance(&dice, 2) ? KIN_THREADS : KIN_PROCESSES;
	if (settings.kind >= 0)
		kind = (enum kin_kind)settings.kind;
	unsigned workers = 1 + roll(&dice, chance(&dice, 2) ? 3 : 8);
	struct scene scene = { .kind = kind, .home = getpid(), .may_fork = !settings.no_fork };
	struct kin_pool_options options = { .kind = kind, .workers = workers };
	bool keep = chance(&dice, 3);
	if (keep)
		scene.pool = take_kept(kind, workers > 4 ? 4 : workers, roll(&dice, 4));
	else
		settle(&scene, kin_pool_create(&scene.pool, &options), 0, "kin_pool_create");
	if (!scene.pool)
		return;
	make_program(&scene, &dice);
	if (!atomic_load(&report->is_wrong) && !keep && chance(&dice, 6)) {
		settle(&scene, kin_pool_resize(scene.pool, 1 + roll(&dice, 4)), 0, "kin_pool_resize");
		make_program(&scene, &dice);
	}
	if (!keep)
		kin_pool_destroy(scene.pool);
}

/* Mappings of this process, and shared memory it uses, in KiB. */
static void measure(int *mappings, int *shared_kb)
{
	char line[512];
	*mappings = *shared_kb = 0;
	FILE *file = fopen("/proc/self/maps", "re");
	while (file && fgets(line, sizeof line, file))
		++*mappings;
	if (file)
		fclose(file);
	file = fopen("/proc/self/status", "re");
	while (file && fgets(line, sizeof line, file))
		sscanf(line, "RssShmem: %d", shared_kb);
	if (file)
		fclose(file);
}

static void run_all(void)
{
	int descriptors = 0, mappings = 0, shared_kb = 0;
	for (uint64_t i = 0; i < settings.count; i++) {
		/* By now all that is made once is there. */
		if (i == settings.count / 2) {
			destroy_kept();
			measure(&mappings, &shared_kb);
			descriptors = tap_count_descriptors();
		}
		atomic_store(&report->is_wrong, false);
		atomic_store(&report->program, settings.seed + i);
		if (settings.verbose)
			tap_note("seed %llu", (unsigned long long)(settings.seed + i));
		run_program(settings.seed + i);
		atomic_fetch_add(&report->programs, 1);
		if (!atomic_load(&report->is_wrong))
			continue;
		atomic_fetch_add(&report->wrongs, 1);
		tap_note("seed %llu: %s", (unsigned long long)(settings.seed + i), report->wrong);
	}
	destroy_kept();
	measure(&report->mappings, &report->shared_kb);
	report->mappings -= mappings;
	report->shared_kb -= shared_kb;
	report->descriptors = tap_count_descriptors() - descriptors;
	report->children = waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD ? 0 : 1;
}

/* --- the watcher --- */

/* Children of the runner that outlived it are this process's now. Returns whether any is left. */
static bool reap_all(pid_t runner, int *status)
{
	pid_t pid;
	int one;
	while ((pid = waitpid(-1, &one, WNOHANG)) > 0)
		if (pid == runner)
			*status = one;
	return pid == 0;
}

/* Returns the runner's status; -1: it hangs. It is the leader of its group, in which all are that it started. */
static int watch(pid_t runner)
{
	uint64_t last = UINT64_MAX;
	unsigned still = 0;
	int status = -1;
	while (reap_all(runner, &status) && status == -1) {
		uint64_t made = atomic_load(&report->acts) + atomic_load(&report->programs);
		still = made == last ? still + 1 : 0;
		last = made;
		if (still / 50 >= settings.hang)
			return -1;
		usleep(20000);
	}
	return status;
}

/* What was killed with its parent ends in a moment; what is still there after seconds is left over. */
static bool is_left_over(pid_t runner)
{
	int status = 0;
	for (int i = 0; i < 500; i++) {
		if (!reap_all(runner, &status))
			return false;
		usleep(20000);
	}
	return true;
}

static pid_t start_runner(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	pid_t watcher = getpid(), runner = fork();
	if (runner)
		return runner;
	setpgid(0, 0);
	prctl(PR_SET_CHILD_SUBREAPER, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != watcher)
		_exit(1);
	run_all();
	exit(0);
}

static void tell_what_was_made(void)
{
	char words[1024];
	size_t length = 0;
	for (size_t i = 0; i < ACTS && length < sizeof words; i++)
		length += (size_t)snprintf(words + length, sizeof words - length, " %s %llu", acts[i].name,
			(unsigned long long)report->kinds[i]);
	tap_note("acts:%s", words);
	tap_note("%llu workers killed, %llu children forked, %llu of them strayed, %llu calls stopped",
		(unsigned long long)report->kills, (unsigned long long)report->forks,
		(unsigned long long)report->strays, (unsigned long long)report->stopped);
}

static void run_and_watch(void)
{
	pid_t runner = start_runner();
	if (!tap_ok(runner > 0, "the runner is there"))
		return;
	int status = watch(runner);
	unsigned long long seed = report->program;
	tap_ok(status != -1, "no program hangs");
	if (status == -1)
		tap_note("seed %llu makes no act for %u seconds", seed, settings.hang);
	else if (!tap_is_int(status, 0, "the runner ends well"))
		tap_note("in seed %llu", seed);
	bool left = status == -1 || is_left_over(runner);
	tap_ok(!left, "no process is left over");
	if (left) {
		kill(-runner, SIGKILL);
		is_left_over(runner);
	}
	tap_is_int((intmax_t)report->wrongs, 0, "no program gives a wrong answer");
	tap_is_int((intmax_t)report->programs, (intmax_t)settings.count, "all programs were run");
	if (status != 0)
		return;
	tap_is_int(report->children, 0, "the runner is left without children");
	tap_is_int(report->descriptors, 0, "and as many descriptors as in the middle");
	if (!SANITIZED && settings.count >= 100) {
		tap_ok(report->mappings < SLACK_MAPPINGS, "mappings do not grow: by %d", report->mappings);
		tap_ok(report->shared_kb < SLACK_KB, "nor does shared memory: by %d KiB", report->shared_kb);
	}
	tell_what_was_made();
}

static bool read_option(int argc, char **argv, int *at)
{
	const char *name = argv[*at], *value = *at + 1 < argc ? argv[*at + 1] : NULL;
	if (strcmp(name, "--no-fork") == 0)
		return settings.no_fork = true;
	if (strcmp(name, "--verbose") == 0)
		return settings.verbose = true;
	++*at;
	if (!value)
		return false;
	if (strcmp(name, "--count") == 0)
		settings.count = strtoull(value, NULL, 10);
	else if (strcmp(name, "--seed") == 0)
		settings.seed = strtoull(value, NULL, 10);
	else if (strcmp(name, "--hang") == 0)
		settings.hang = (unsigned)strtoul(value, NULL, 10);
	else if (strcmp(name, "--kind") == 0 && strcmp(value, "threads") == 0)
		settings.kind = KIN_THREADS;
	else if (strcmp(name, "--kind") == 0 && strcmp(value, "processes") == 0)
		settings.kind = KIN_PROCESSES;
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (!read_option(argc, argv, &i)) {
			fprintf(stderr,
				"programs: the options are --count N, --seed S, --kind threads|processes, "
				"--no-fork, --hang SECONDS and --verbose\n");
			return 2;
		}
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED)
		return tap_skip_all("no shared memory");
	run_and_watch();
	return tap_done();
}
