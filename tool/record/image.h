/**
 * image.h: the program a task has just exec'd, read from the task's fresh stack while it is stopped at
 * PTRACE_EVENT_EXEC. The layout is the System V ABI's process initialisation: argc, the argument pointers, the
 * environment pointers, the auxiliary vector, then the strings, arguments first.
 */
#ifndef KIN_TOOL_RECORD_IMAGE_H
#define KIN_TOOL_RECORD_IMAGE_H

#include "base/text.h"
#include "model/event.h"
#include "record/call.h"

struct image {
	struct text path; // as given to exec (AT_EXECFN)
	struct text exe; // the file that runs; empty when not known
	struct text cwd; // empty when not known
	struct text arguments; // NUL-terminated strings one after another
	struct text environment;
	const char **argv; // points into arguments
	size_t argc, argv_capacity;
	bool script; // exe is an interpreter for path
	bool setid; // set-user-ID or set-group-ID without effect
	bool compat;
};

/**
 * Read the image of a stopped task, replacing what *image holds (its memory is used again). With env the
 * environment is read too. Returns 0, or a negative errno value: -ESRCH, -EFAULT when the task was killed
 * meanwhile, -ENOMEM.
 */
int image_read(struct image *image, int tid, const struct call_registers *registers, bool env);

void image_finish(struct image *image);

/**
 * The changes from one environment block to another, as event_exec.env: "NAME=value" set, "NAME" unset. Blocks
 * are NUL-terminated strings one after another. *changes gets an array to free(), whose strings point into the
 * blocks and into *names.
 */
int environment_changes(const char *before, size_t before_length, const char *after, size_t after_length,
	struct text *names, const char ***changes, size_t *count);

#endif
