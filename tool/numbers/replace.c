#include "numbers/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const int deadly[] = { SIGINT, SIGTERM, SIGHUP };
#define N_DEADLY (sizeof deadly / sizeof *deadly)

/* What a signal has to remove. */
static struct {
	pid_t owner; // a forked worker removes nothing
	const char *temporary;
	struct sigaction before[N_DEADLY];
} pending;

static void remove_and_die(int signo)
{
	if (getpid() == pending.owner)
		unlink(pending.temporary);
	signal(signo, SIG_DFL);
	raise(signo); // pending until this handler is left
}

static void catch_signals(const char *temporary)
{
	pending.owner = getpid();
	pending.temporary = temporary;
	struct sigaction action = { .sa_handler = remove_and_die };
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < N_DEADLY; i++) {
		sigaction(deadly[i], NULL, &pending.before[i]);
		if (pending.before[i].sa_handler == SIG_DFL)
			sigaction(deadly[i], &action, NULL);
	}
}

static void release_signals(void)
{
	for (size_t i = 0; i < N_DEADLY; i++)
		sigaction(deadly[i], &pending.before[i], NULL);
}

static void block_signals(sigset_t *before)
{
	sigset_t blocked;
	sigemptyset(&blocked);
	for (size_t i = 0; i < N_DEADLY; i++)
		sigaddset(&blocked, deadly[i]);
	sigprocmask(SIG_BLOCK, &blocked, before);
}

/* The file's own mode and owner, or what a new file gets. */
static int adopt(int fd, const struct stat *file)
{
	mode_t mask = umask(0);
	umask(mask);
	if (fchmod(fd, file ? file->st_mode & 0777 : 0666 & ~mask) < 0)
		return -errno;
	if (file && fchown(fd, file->st_uid, file->st_gid) < 0 && errno != EPERM)
		return -errno;
	return 0;
}

static int make_temporary(struct numbers_replacement *replacement, const struct stat *file)
{
	char directory[PATH_MAX], temporary[PATH_MAX + 32];
	snprintf(directory, sizeof directory, "%s", replacement->path);
	snprintf(temporary, sizeof temporary, "%s/.kin-sort-XXXXXX", dirname(directory));
	sigset_t before;
	block_signals(&before);
	int error = 0, fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		error = -errno;
	else if ((error = adopt(fd, file)) == 0 && !(replacement->temporary = strdup(temporary)))
		error = -ENOMEM;
	if (error && fd >= 0) {
		close(fd);
		unlink(temporary);
	}
	if (!error) {
		replacement->fd = fd;
		catch_signals(replacement->temporary);
	}
	sigprocmask(SIG_SETMASK, &before, NULL);
	return error;
}

static int begin_file(struct numbers_replacement *replacement, const char *path, const struct stat *file)
{
	if (strlen(path) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (file && access(path, W_OK) < 0)
		return -errno;
	struct numbers_replacement begun = { .path = file ? realpath(path, NULL) : strdup(path) };
	if (!begun.path)
		return -errno;
	int error = make_temporary(&begun, file);
	if (error)
		free(begun.path);
	else
		*replacement = begun;
	return error;
}

int numbers_replace_begin(struct numbers_replacement *replacement, const char *path)
{
	struct stat stat_now;
	bool there = stat(path, &stat_now) == 0;
	if (!there && errno != ENOENT)
		return -errno;
	if (!there || S_ISREG(stat_now.st_mode))
		return begin_file(replacement, path, there ? &stat_now : NULL);
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return -errno;
	*replacement = (struct numbers_replacement){ .fd = fd };
	return 0;
}

static int rename_temporary(struct numbers_replacement *replacement)
{
	/* Else a machine that stops now may come back with the name and without what was written. */
	if (fsync(replacement->fd) < 0 && errno != EINVAL && errno != ENOSYS)
		return -errno;
	if (rename(replacement->temporary, replacement->path) < 0)
		return -errno;
	release_signals();
	free(replacement->temporary);
	replacement->temporary = NULL;
	return 0;
}

int numbers_replace_commit(struct numbers_replacement *replacement)
{
	int error = replacement->temporary ? rename_temporary(replacement) : 0;
	if (error)
		return error;
	int closed = close(replacement->fd) < 0 ? -errno : 0;
	free(replacement->path);
	*replacement = (struct numbers_replacement){ 0 };
	return closed;
}

void numbers_replace_finish(struct numbers_replacement *replacement)
{
	if (replacement->fd > 0) // standard input is nobody's replacement
		close(replacement->fd);
	if (replacement->temporary) {
		unlink(replacement->temporary);
		release_signals();
	}
	free(replacement->temporary);
	free(replacement->path);
	*replacement = (struct numbers_replacement){ 0 };
}
