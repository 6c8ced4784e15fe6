/* burst.c: workers that begin together, each on a CPU of its own, and what the kernel says of how they ran. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

bool burst_ahead;

/* How often a thread lost its CPU, how often it gave it up, and how long it had to wait for one then. */
struct switches {
	long lost, given;
	double waited;
};

/* What workers share; in shared memory, for they may be processes. */
struct start {
	int ready, workers, stop;
	struct ran {
		double begin, end, cpu;
		struct switches switches;
	} ran[WORKERS];
	struct task tasks[WORKERS];
};

struct worker {
	struct start *start;
	const struct contestant *list;
	int number;
};

static double seconds(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double ticks_per_ns(void)
{
	static double known;
	if (known > 0)
		return known;
	uint64_t first = ticks();
	double begin = seconds(CLOCK_MONOTONIC), now;
	do
		now = seconds(CLOCK_MONOTONIC);
	while (now - begin < 0.05);
	return known = (double)(ticks() - first) / (now - begin) / 1e9;
}

/* Seconds that this thread could have run, but had no CPU; 0 if the kernel does not say. */
static double waited(void)
{
	unsigned long long ran, waiting = 0;
	FILE *file = fopen("/proc/thread-self/schedstat", "r");
	if (file && fscanf(file, "%llu %llu", &ran, &waiting) != 2)
		waiting = 0;
	if (file)
		fclose(file);
	return (double)waiting / 1e9;
}

static struct switches switches(void)
{
	struct rusage usage;
	getrusage(RUSAGE_THREAD, &usage);
	return (struct switches){ usage.ru_nivcsw, usage.ru_nvcsw, waited() };
}

/*
 * One that was preempted, or was woken and then had to wait for a CPU. A thread that has slept for nobody, and
 * still had less time than went by, was halted from outside.
 */
static bool disturbed(const struct ran *ran, int workers)
{
	double time = ran->end - ran->begin;
	bool slept = workers > 1 && ran->switches.given > 0;
	return ran->switches.lost > 0 || ran->switches.waited > 0.1 * time ||
	       (!slept && ran->cpu < 0.9 * time);
}

/* To the number-th CPU that this process may use; with fewer it stays where it is. */
static void take_cpu(int number)
{
	static cpu_set_t allowed;
	static bool known;
	if (!known)
		known = sched_getaffinity(getpid(), sizeof allowed, &allowed) == 0;
	for (int cpu = 0; known && cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &allowed) && number-- == 0) {
			cpu_set_t one;
			CPU_ZERO(&one);
			CPU_SET(cpu, &one);
			sched_setaffinity(0, sizeof one, &one);
			return;
		}
}

static void go_ahead(void)
{
	struct sched_param param = { .sched_priority = 1 };
	if (burst_ahead)
		pthread_setschedparam(pthread_self(), SCHED_RR, &param);
}

static void leave_time(double time)
{
	struct timespec pause = { .tv_sec = (time_t)time,
		.tv_nsec = (long)((time - (double)(time_t)time) * 1e9) };
	if (burst_ahead)
		nanosleep(&pause, NULL);
}

static void work_before(const struct contestant *list, const struct task *task)
{
	struct task before = *task;
	before.count = task->before;
	before.seed = ~task->seed;
	before.stop = NULL;
	if (task->before)
		list->works[task->work](&before);
}

static void work(struct worker *worker)
{
	struct start *start = worker->start;
	struct task *task = &start->tasks[worker->number], own = *task;
	struct ran ran;
	take_cpu(worker->number);
	go_ahead();
	work_before(worker->list, &own);
	struct switches before = switches();
	__atomic_add_fetch(&start->ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&start->ready, __ATOMIC_ACQUIRE) != start->workers)
		pause_cpu();
	ran.begin = seconds(CLOCK_MONOTONIC);
	ran.cpu = seconds(CLOCK_THREAD_CPUTIME_ID);
	worker->list->works[own.work](&own);
	ran.end = seconds(CLOCK_MONOTONIC);
	ran.cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - ran.cpu;
	ran.switches = switches();
	ran.switches.lost -= before.lost;
	ran.switches.given -= before.given;
	ran.switches.waited -= before.waited;
	start->ran[worker->number] = ran;
	*task = own;
}

static void *thread_main(void *arg)
{
	work(arg);
	return NULL;
}

static int run_threads(struct worker *workers, int count)
{
	pthread_t threads[WORKERS];
	for (int i = 0; i < count; i++) {
		int error = pthread_create(&threads[i], NULL, thread_main, &workers[i]);
		if (error)
			return -error;
	}
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return 0;
}

static int run_processes(struct worker *workers, int count)
{
	pid_t pids[WORKERS];
	int result = 0;
	for (int i = 0; i < count; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			work(&workers[i]);
			_exit(0);
		}
		if (pids[i] < 0)
			return -errno;
	}
	for (int i = 0; i < count; i++) {
		int status = 0;
		waitpid(pids[i], &status, 0);
		if (status == 0)
			continue;
		fprintf(stderr, "list-bench: %s: a process ended with %s %d\n", workers->list->name,
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		result = -ECHILD;
	}
	return result;
}

static void judge(struct burst *burst, const struct start *start)
{
	double first = start->ran[0].begin, last = start->ran[0].end, all_begun = first, one_ended = last,
	       cpu = 0;
	burst->preempted = false;
	for (int i = 0; i < start->workers; i++) {
		const struct ran *ran = &start->ran[i];
		first = ran->begin < first ? ran->begin : first;
		last = ran->end > last ? ran->end : last;
		all_begun = ran->begin > all_begun ? ran->begin : all_begun;
		one_ended = ran->end < one_ended ? ran->end : one_ended;
		cpu += ran->cpu;
		burst->preempted |= disturbed(ran, start->workers);
		burst->each[i] = ran->end - ran->begin;
	}
	burst->seconds = last - first;
	burst->cpus = cpu / burst->seconds;
	burst->overlap = (one_ended - all_begun) / burst->seconds;
}

int burst_run(struct burst *burst, const struct contestant *list, int workers)
{
	struct worker each[WORKERS];
	struct start *start =
		mmap(NULL, sizeof *start, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (start == MAP_FAILED)
		return -errno;
	start->workers = workers;
	for (int i = 0; i < workers; i++) {
		start->tasks[i] = burst->tasks[i];
		if (start->tasks[i].stop)
			start->tasks[i].stop = &start->stop;
		each[i] = (struct worker){ start, list, i };
	}
	int result = list->shared ? run_processes(each, workers) : run_threads(each, workers);
	if (result == 0) {
		memcpy(burst->tasks, start->tasks, sizeof burst->tasks);
		judge(burst, start);
		leave_time(burst->seconds < 1 ? burst->seconds : 1);
	}
	munmap(start, sizeof *start);
	return result;
}

bool burst_counts(const struct burst *burst, int workers)
{
	return !burst->preempted && (workers == 1 || burst->overlap > 0.5);
}

uint64_t burst_done(const struct burst *burst, int workers)
{
	uint64_t done = 0;
	for (int i = 0; i < workers; i++)
		done += burst->tasks[i].done;
	return done;
}

bool burst_failed(const struct burst *burst, int workers)
{
	bool failed = false;
	for (int i = 0; i < workers; i++)
		failed |= burst->tasks[i].failed;
	return failed;
}
