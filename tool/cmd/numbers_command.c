#include "cmd/numbers_command.h"
#include "cmd/cmd.h"
#include "cmd/numbers_progress.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum { STATUS_NO_RESULT = 1 };

/* When each step ended. */
struct times {
	int64_t begun, was_read, computed;
};

enum kin_type numbers_wide(enum kin_type type)
{
	switch (numbers_type(type)->class) {
	case NUMBERS_SIGNED:
		return KIN_I64;
	case NUMBERS_UNSIGNED:
		return KIN_U64;
	default:
		return KIN_F64;
	}
}

static const char *kind_name(enum kin_kind kind, unsigned count)
{
	if (kind == KIN_PROCESSES)
		return count == 1 ? "process" : "processes";
	return count == 1 ? "thread" : "threads";
}

static int create_pool(struct numbers_work *work)
{
	const struct numbers_options *options = &work->options;
	struct kin_pool_options wanted = { .workers = options->workers, .kind = options->kind };
	int error = kin_pool_create(&work->pool, &wanted);
	if (error)
		return cmd_fail(STATUS_NO_RESULT, work->command->name, "cannot make %s to work with: %s%s",
			kind_name(options->kind, 2), strerror(-error),
			options->kind == KIN_PROCESSES ? "; try --kind=threads" : "");
	struct kin_error warning;
	if (kin_pool_warning(work->pool, &warning) < 0) {
		char line[KIN_ERROR_LINE];
		kin_error_format(&warning, line, sizeof line);
		cmd_fail(0, work->command->name, "%u %s: %s", kin_pool_workers(work->pool),
			kind_name(options->kind, kin_pool_workers(work->pool)), line);
	}
	return 0;
}

static int explain_crash(const struct numbers_work *work)
{
	struct kin_crash crash;
	const char *name = work->command->name;
	if (kin_pool_last_crash(work->pool, &crash) < 0)
		return cmd_fail(STATUS_NO_RESULT, name, "worker processes died again and again");
	int signo = crash.status & 0x7f;
	return cmd_fail(STATUS_NO_RESULT, name, "items %zu to %zu killed %u worker processes, the last by %s",
		crash.begin, crash.end - 1, crash.workers, signo ? strsignal(signo) : "an exit");
}

static int explain(const struct numbers_work *work, int error)
{
	const char *name = work->command->name, *type = numbers_type(work->options.type)->name;
	switch (error) {
	case -EOVERFLOW:
		return cmd_fail(STATUS_NO_RESULT, name,
			"the sum of these %s goes beyond %s; 'kin mean' has no limit", type,
			numbers_type(numbers_wide(work->options.type))->name);
	case -ENODATA:
		return cmd_fail(STATUS_NO_RESULT, name, "there are no numbers, so there is no %s",
			work->command->none);
	case -EOWNERDEAD:
		return explain_crash(work);
	case -EAGAIN:
		return cmd_fail(STATUS_NO_RESULT, name,
			"cannot make worker processes: %s; try --kind=threads", strerror(-error));
	default:
		return cmd_fail(STATUS_NO_RESULT, name, "%s", strerror(-error));
	}
}

static int read_and_compute(struct numbers_work *work, struct times *times)
{
	const struct numbers_options *options = &work->options;
	const struct numbers_command *command = work->command;
	struct numbers_progress progress;
	numbers_progress_begin(&progress, command->name, options->progress);
	struct numbers_source source = { options->files, options->n_files, options->type, options->text,
		command->changes_items, numbers_progress_read, &progress };
	times->begun = numbers_now();
	int unread = numbers_read(&work->numbers, &source), error = 0;
	times->was_read = numbers_now();
	if (!unread && work->numbers.array.count == 0 && command->none)
		error = -ENODATA;
	else if (!unread)
		error = command->compute(work);
	times->computed = numbers_now();
	/* Whatever else went wrong with a file that has changed, that it has is the reason. */
	int changed = unread ? 0 : numbers_verify(&work->numbers);
	numbers_progress_end(&progress);
	if (unread || changed)
		return cmd_fail(STATUS_NO_RESULT, command->name, "%s", work->numbers.message);
	return error ? explain(work, error) : 0;
}

/* Of a mapped file the pages are read as they are computed with. */
static void tell_speed(const struct numbers_work *work, const struct times *times)
{
	double reading = (double)(times->was_read - times->begun) * 1e-9;
	double computing = (double)(times->computed - times->was_read) * 1e-9;
	unsigned workers = kin_pool_workers(work->pool);
	cmd_fail(0, work->command->name,
		"%zu %s, %llu bytes: read in %.6f s, computed in %.6f s, %.2f GB/s; %u %s",
		work->numbers.array.count, numbers_type(work->options.type)->name,
		(unsigned long long)work->numbers.bytes, reading, computing,
		computing > 0 ? (double)work->numbers.bytes * 1e-9 / computing : 0, workers,
		kind_name(work->options.kind, workers));
}

static int run(struct numbers_work *work)
{
	const struct numbers_command *command = work->command;
	struct times times;
	int status = command->prepare ? command->prepare(work) : 0;
	if (!status)
		status = create_pool(work);
	if (!status)
		status = read_and_compute(work, &times);
	if (!status)
		status = command->show(work);
	if (!status)
		status = cmd_close_stdout(command->name);
	if (!status && work->options.speed)
		tell_speed(work, &times);
	return status;
}

int numbers_command_run(const struct numbers_command *command, int argc, char **argv)
{
	struct numbers_work work = { .command = command };
	int status = numbers_options_read(
		&work.options, command->name, command->short_options, command->long_options, argc, argv);
	if (status)
		return status;
	status = run(&work);
	numbers_replace_finish(&work.output);
	kin_pool_destroy(work.pool);
	numbers_finish(&work.numbers);
	return status;
}
