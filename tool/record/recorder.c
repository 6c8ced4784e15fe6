#include "record/recorder.h"
#include "config.h"
#include "model/names.h"
#include "record/filter.h"
#include "record/nostop.h"
#include "record/proc.h"
#include "record/signals.h"
#include "record/start.h"
#include "record/tracer.h"
#include "record/watch.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *const follow_names[] = { "all", "direct", "none" };

/* The mechanisms that run and what they cannot see, for the start event. */
struct account {
	const char *sources[4], *unseen[6];
	size_t n_sources, n_unseen;
	char no_perf[PERF_MESSAGE_SIZE + 40];
};

static void account_source(struct account *account, const char *source)
{
	account->sources[account->n_sources++] = source;
}

static void account_unseen(struct account *account, const char *what)
{
	account->unseen[account->n_unseen++] = what;
}

void recorder_emit_start(struct source *source, const char *const *sources, size_t n_sources,
	const char *const *unseen, size_t n_unseen)
{
	struct utsname name = { 0 };
	char kernel[sizeof name.sysname + sizeof name.release + 2], cwd[PATH_MAX];
	struct timespec now;
	uname(&name);
	snprintf(kernel, sizeof kernel, "%s %s", name.sysname, name.release);
	clock_gettime(CLOCK_REALTIME, &now);
	struct event event = { .type = EVENT_START };
	struct event_start *start = &event.start;
	start->version = RECORDING_VERSION;
	start->kin = KIN_VERSION;
	start->command = source->options->command;
	start->argv = (const char *const *)source->options->argv;
	while (start->argv[start->argc])
		start->argc++;
	start->cwd = getcwd(cwd, sizeof cwd);
	start->kernel = kernel;
	start->machine = name.machine;
	start->realtime_ns = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
	start->uid = (int)getuid();
	start->cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
	start->page_size = sysconf(_SC_PAGESIZE);
	start->follow = follow_names[source->options->follow];
	start->sources = sources;
	start->n_sources = n_sources;
	start->unseen = unseen;
	start->n_unseen = n_unseen;
	source_emit(source, &event);
}

static uint64_t cpu_ns(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000000 + (uint64_t)time->tv_usec * 1000;
}

void recorder_emit_end(struct source *source)
{
	struct rusage self;
	struct event event = { .type = EVENT_END };
	getrusage(RUSAGE_SELF, &self);
	source->end.wall_ns = source_now(source);
	source->end.self_user_ns = cpu_ns(&self.ru_utime);
	source->end.self_system_ns = cpu_ns(&self.ru_stime);
	event.end = source->end;
	source_emit(source, &event);
}

static void say(struct recorder_result *result, const char *what, int error)
{
	snprintf(result->message, sizeof result->message, "%s: %s", what, strerror(-error));
}

/*
 * Perf records beside ptrace locate page faults. They also tell of children out of a tracer's reach and of a SIGKILL's
 * sender, but for these alone they would cost every fork more than ptrace does. A refusal is told, not fatal.
 */
static void open_watch(struct tracer *tracer, struct account *account)
{
	const struct recorder_options *options = tracer->source->options;
	char message[PERF_MESSAGE_SIZE] = "";
	int error = -ENOENT;
	if (proc_usable())
		error = watch_create(&tracer->watch, tracer, options->inexact, message);
	else
		snprintf(message, sizeof message, "this needs /proc");
	if (error == 0) {
		account_source(account, watch_exact(tracer->watch) ? "perf faults, exact" : "perf faults");
		return;
	}
	snprintf(account->no_perf, sizeof account->no_perf, "where page faults happened (%s)",
		*message ? message : strerror(-error));
	account_unseen(account, account->no_perf);
}

static void open_account(struct tracer *tracer, struct account *account)
{
	const struct recorder_options *options = tracer->source->options;
	account_source(account, "ptrace");
	if (options->failed)
		account_source(account, "seccomp");
	if (options->faults)
		open_watch(tracer, account);
	if (!proc_usable())
		account_unseen(account,
			"programs' files, directories, names and numbers: the /proc here is not of kin's PID "
			"namespace (mount one: unshare --mount-proc)");
	if (options->failed)
		return;
	const char *unseen =
		"failed calls, CLONE_UNTRACED children, who sent a SIGKILL (--failed shows these)";
	if (watch_has_kills(tracer->watch))
		unseen = "failed calls (--failed shows them)";
	else if (tracer->watch)
		unseen = "failed calls, who sent a SIGKILL (--failed shows these)";
	account_unseen(account, unseen);
}

/* The program is a child of kin, traced or not: its end is kin's exit status. */
static void wait_untraced(struct source *source, pid_t pid)
{
	int status;
	pid_t got;
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got == pid)
		result_take_status(source->result, status);
}

static int trace(struct source *source, struct started *started)
{
	struct tracer tracer = { .source = source, .started = started };
	struct account account = { 0 };
	int error;
	open_account(&tracer, &account);
	recorder_emit_start(source, account.sources, account.n_sources, account.unseen, account.n_unseen);
	error = tracer_seize(&tracer);
	if (error) {
		snprintf(source->result->message, sizeof source->result->message,
			"not permitted to trace (ptrace: %s); it was not started. Try --no-stop",
			strerror(-error));
		goto out;
	}
	signals_pass_on_to(started->pid);
	error = start_go(started);
	if (error) {
		say(source->result, "cannot start the program", error);
		goto out;
	}
	error = tracer_run(&tracer);
	if (error) {
		snprintf(source->result->message, sizeof source->result->message,
			"recording stopped (%s); the program runs on untraced", strerror(-error));
		/* While a task is still attached it may stop and wait for kin: better to end than to wait for it. */
		if (tracer.attached == 0)
			wait_untraced(source, started->pid);
	}
out:
	watch_finish(tracer.watch, &source->end);
	watch_destroy(tracer.watch);
	tracer_finish(&tracer);
	recorder_emit_end(source);
	return error;
}

static int record(struct source *source, const char *path, const struct inherited *inherited)
{
	const struct recorder_options *options = source->options;
	struct recorder_result *result = source->result;
	struct start_options start_options = { .argv = options->argv,
		.path = path,
		.inherited = inherited,
		.die_with_kin = options->no_stop && options->kill_on_death };
	struct started started = { -1, -1, -1 };
	void *filter = NULL;
	int error = 0;
	if (options->failed) {
		error = filter_build(&filter);
		if (error) {
			say(result, "cannot make the filter for --failed", error);
			return error;
		}
		start_options.prepare = filter_install;
		start_options.argument = filter;
	}
	error = start_fork(&start_options, &started);
	if (error) {
		say(result, "cannot start a process", error);
		goto out;
	}
	error = options->no_stop ? nostop_run(source, &started) : trace(source, &started);
	int failed = error ? 0 : start_result(&started);
	if (failed) {
		result->started = false;
		result->exit_status = failed == -ENOENT ? 127 : 126;
		bool there = failed == -ENOENT && access(path, F_OK) == 0;
		snprintf(result->message, sizeof result->message, "%.200s: %s", options->argv[0],
			there ? "the interpreter it names was not found" : strerror(-failed));
	} else if (!error && !result->started) {
		/*
		 * Killed early, or by the kernel: it sees some broken files only when the old program is gone
		 * already.
		 */
		char name[24];
		snprintf(result->message, sizeof result->message, "%.200s: ended by %s before it could run",
			options->argv[0], signal_name(result->signal, name));
	}
	start_finish(&started, error != 0 && !result->started);
out:
	filter_destroy(filter);
	return error;
}

int recorder_run(
	const struct recorder_options *options, struct event_sink *sink, struct recorder_result *result)
{
	*result = (struct recorder_result){ .exit_status = 126 };
	struct source source = { .sink = sink, .options = options, .result = result, .origin = clock_now() };
	struct inherited inherited;
	struct text path = { 0 };
	int error = start_find(options->argv[0], &path);
	if (error) {
		result->exit_status = error == -ENOENT ? 127 : 126;
		if (error == -ENOENT && !strchr(options->argv[0], '/'))
			snprintf(result->message, sizeof result->message, "%.200s: command not found",
				options->argv[0]);
		else
			say(result, options->argv[0], error);
		text_finish(&path);
		return 0;
	}
	error = signals_take_over(&inherited);
	if (error) {
		say(result, "cannot set up signals", error);
	} else {
		error = record(&source, text_string(&path), &inherited);
		signals_release(&inherited);
	}
	text_finish(&path);
	return error;
}
