/* What being traced does to a program that it cannot hide: told in one line, with the way out. */
#include "record/tracer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A task has one tracer: these cannot trace what kin traces already. */
static const char *const tracers[] = { "strace", "ltrace", "gdb", "gdbserver", "lldb", "lldb-server", "rr",
	"kin" };

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static bool is_tracer(const struct image *image)
{
	const char *name = base_name(text_string(&image->exe));
	for (size_t i = 0; i < sizeof tracers / sizeof *tracers; i++)
		if (strcmp(name, tracers[i]) == 0)
			return strcmp(name, "kin") != 0 ||
			       (image->argc > 1 && strcmp(image->argv[1], "run") == 0);
	return false;
}

void hint_at_exec(struct tracer *tracer, struct live *live)
{
	const struct image *image = &tracer->image;
	free(live->group->exe);
	live->group->exe = image->exe.length ? strdup(text_string(&image->exe)) : NULL;
	if (image->setid)
		source_note(tracer->source, live->number,
			"%.200s is set-user-ID, set-group-ID or has capabilities, and ran without them "
			"because it is "
			"traced; use --no-stop to let it have them",
			text_string(&image->path));
	if (is_tracer(image))
		source_note(tracer->source, live->number,
			"%.200s traces by ptrace, which cannot work inside a traced program; use --no-stop",
			text_string(&image->path));
}

/*
 * A program's file, by a name that anybody may have given to something else by now: opening a device can do harm, so it
 * is opened only once it is known to be a file. Returns a descriptor or -1.
 */
static int open_file(const char *path)
{
	char link[64];
	struct stat st;
	int fd = -1, at = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (at < 0)
		return -1;
	snprintf(link, sizeof link, "/proc/self/fd/%d", at);
	if (fstat(at, &st) == 0 && S_ISREG(st.st_mode))
		fd = open(link, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	close(at);
	return fd;
}

#define LONGEST_MARK 16
#define SEARCHED (256 << 20) // bytes: enough for any program, and an end to a file without one

/* LeakSanitizer stops its own process by ptrace at the end; its runtime, or a reference to it, is in the file. */
static bool has_leak_sanitizer(const char *path)
{
	static const char marks[][LONGEST_MARK] = { "__lsan_", "__asan_init", "liblsan" };
	char bytes[LONGEST_MARK + 65536];
	bool found = false;
	int fd = open_file(path);
	if (fd < 0)
		return false;
	/*
	 * Read, not mapped: a mapped file that is cut short ends its reader. The tail of each piece is kept for
	 * the next.
	 */
	size_t kept = 0, searched = 0;
	ssize_t got;
	while (!found && searched < SEARCHED && (got = read(fd, bytes + kept, sizeof bytes - kept)) > 0) {
		size_t length = kept + (size_t)got;
		for (size_t i = 0; !found && i < sizeof marks / sizeof *marks; i++)
			found = memmem(bytes, length, marks[i], strlen(marks[i])) != NULL;
		kept = length < LONGEST_MARK ? length : LONGEST_MARK;
		memmove(bytes, bytes + length - kept, kept);
		searched += (size_t)got;
	}
	close(fd);
	return found;
}

void hint_at_exit(struct tracer *tracer, const struct live *live, int exit_status)
{
	/* One such line is enough, and most programs succeed: the file is looked at only after a failure. */
	if (exit_status == 0 || tracer->sanitizer_noted || live->thread || !live->group->exe)
		return;
	if (tracer->looked_at && strcmp(tracer->looked_at, live->group->exe) == 0)
		return;
	free(tracer->looked_at);
	tracer->looked_at = strdup(live->group->exe);
	if (!has_leak_sanitizer(live->group->exe))
		return;
	tracer->sanitizer_noted = true;
	source_note(tracer->source, live->number,
		"%.200s is built with LeakSanitizer, which needs ptrace for itself and fails inside a traced "
		"program; "
		"use --no-stop",
		live->group->exe);
}
