/* What being traced does to a program that it cannot hide: told in one line, with the way out. */
#include "record/tracer.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
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

/* LeakSanitizer stops its own process by ptrace at the end; its runtime, or a reference to it, is in the file. */
static bool has_leak_sanitizer(const char *path)
{
	static const char *const marks[] = { "__lsan_", "__asan_init", "liblsan" };
	struct stat st;
	bool found = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 && st.st_size < 256 << 20) {
		size_t size = (size_t)st.st_size;
		void *bytes = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		for (size_t i = 0; bytes != MAP_FAILED && !found && i < sizeof marks / sizeof *marks; i++)
			found = memmem(bytes, size, marks[i], strlen(marks[i])) != NULL;
		if (bytes != MAP_FAILED)
			munmap(bytes, size);
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
