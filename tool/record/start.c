#include "record/start.h"
#include "record/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* 0 if the file can be run, or why not. */
static int runnable(const char *path)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode))
		return -EISDIR;
	return access(path, X_OK) < 0 ? -errno : 0;
}

int start_find(const char *name, struct text *path)
{
	text_clear(path);
	if (strchr(name, '/')) {
		text_add(path, name);
		return text_failed(path) ? -ENOMEM : runnable(name);
	}
	if (*name == '\0')
		return -ENOENT;
	const char *search = getenv("PATH");
	if (!search)
		search = "/usr/local/bin:/bin:/usr/bin";
	int refused = 0;
	while (true) {
		size_t length = strcspn(search, ":");
		text_clear(path);
		if (length > 0) {
			text_add_bytes(path, search, length);
			text_add_char(path, '/');
		}
		text_add(path, name);
		if (text_failed(path))
			return -ENOMEM;
		int error = runnable(text_string(path));
		if (error == 0)
			return 0;
		/* As a shell does: a file that may not be run is remembered, the search goes on. */
		if (error == -EACCES && refused == 0 && access(text_string(path), F_OK) == 0)
			refused = error;
		if (search[length] == '\0')
			break;
		search += length + 1;
	}
	return refused ? refused : -ENOENT;
}

/* A file without a "#!" line that is no binary is a shell script, as for execvp(3) and POSIX shells. */
static void run_as_shell_script(const struct start_options *options)
{
	size_t argc = 0;
	while (options->argv[argc])
		argc++;
	const char **argv = calloc(argc + 2, sizeof *argv);
	if (!argv)
		return;
	argv[0] = "/bin/sh";
	argv[1] = options->path;
	for (size_t i = 1; i < argc; i++)
		argv[i + 1] = options->argv[i];
	execv("/bin/sh", (char *const *)argv);
	free(argv);
	errno = ENOEXEC;
}

static _Noreturn void child(const struct start_options *options, int go, int failed)
{
	char byte;
	ssize_t got;
	do
		got = read(go, &byte, 1);
	while (got < 0 && errno == EINTR);
	if (got != 1)
		_exit(126);
	if (options->die_with_kin)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	int error = options->prepare ? -options->prepare(options->argument) : 0;
	if (error == 0) {
		signals_give_back(options->inherited);
		execv(options->path, options->argv);
		if (errno == ENOEXEC)
			run_as_shell_script(options);
		error = errno;
	}
	ssize_t ignored = write(failed, &error, sizeof error);
	(void)ignored;
	_exit(error == ENOENT ? 127 : 126);
}

int start_fork(const struct start_options *options, struct started *started)
{
	int go[2], failed[2], error;
	if (pipe2(go, O_CLOEXEC) < 0)
		return -errno;
	/* Read when the child has run exec or ended: what has not been said by then never will. */
	if (pipe2(failed, O_CLOEXEC | O_NONBLOCK) < 0) {
		error = -errno;
		goto close_go;
	}
	/*
	 * A signal that comes before the program has its own dispositions waits for them: kin's handlers are
	 * not for it.
	 */
	sigset_t all, before;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	pid_t pid = fork();
	error = -errno;
	if (pid != 0)
		sigprocmask(SIG_SETMASK, &before, NULL);
	if (pid < 0)
		goto close_failed;
	if (pid == 0) {
		close(go[1]);
		close(failed[0]);
		child(options, go[0], failed[1]);
	}
	close(go[0]);
	close(failed[1]);
	*started = (struct started){ pid, go[1], failed[0] };
	return 0;

close_failed:
	close(failed[0]);
	close(failed[1]);
close_go:
	close(go[0]);
	close(go[1]);
	return error;
}

int start_go(struct started *started)
{
	ssize_t put;
	do
		put = write(started->go, "", 1);
	while (put < 0 && errno == EINTR);
	int error = put == 1 ? 0 : -errno;
	close(started->go);
	started->go = -1;
	return error;
}

int start_result(struct started *started)
{
	int error = 0;
	ssize_t got;
	do
		got = read(started->failed, &error, sizeof error);
	while (got < 0 && errno == EINTR);
	return got == sizeof error ? -error : 0;
}

void start_finish(struct started *started, bool wait)
{
	if (started->go >= 0)
		close(started->go);
	if (started->failed >= 0)
		close(started->failed);
	started->go = started->failed = -1;
	if (wait)
		while (waitpid(started->pid, NULL, 0) < 0 && errno == EINTR)
			;
}
