#include "record/image.h"
#include "record/proc.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

/* The stack's words from its pointer on; their size is the new program's, not kin's. */
struct words_of_stack {
	unsigned char *bytes;
	size_t length;
	size_t size; // 4 or 8
};

static uint64_t word_at(const struct words_of_stack *stack, size_t index)
{
	uint32_t narrow;
	uint64_t wide;
	if (stack->size == 4) {
		memcpy(&narrow, stack->bytes + index * 4, 4);
		return narrow;
	}
	memcpy(&wide, stack->bytes + index * 8, 8);
	return wide;
}

static bool has_word(const struct words_of_stack *stack, size_t index)
{
	return (index + 1) * stack->size <= stack->length;
}

/* What the words tell, as addresses in the task. */
struct layout {
	size_t argc;
	size_t first_env, first_aux; // word indices
	uint64_t arguments, arguments_end, environment, environment_end, path;
	bool complete;
};

static void find_layout(const struct words_of_stack *stack, struct layout *layout)
{
	*layout = (struct layout){ 0 };
	if (!has_word(stack, 0))
		return;
	layout->argc = word_at(stack, 0);
	if (layout->argc > stack->length / stack->size)
		return;
	layout->first_env = 1 + layout->argc + 1;
	size_t i = layout->first_env;
	while (has_word(stack, i) && word_at(stack, i) != 0)
		i++;
	layout->first_aux = i + 1;
	for (i = layout->first_aux; has_word(stack, i + 1); i += 2) {
		uint64_t type = word_at(stack, i), value = word_at(stack, i + 1);
		if (type == AT_EXECFN)
			layout->path = value;
		if (type == AT_NULL) {
			layout->complete = layout->path != 0;
			break;
		}
	}
	if (!layout->complete)
		return;
	uint64_t first_env = word_at(stack, layout->first_env);
	layout->environment = first_env ? first_env : layout->path;
	layout->environment_end = layout->path;
	layout->arguments = layout->argc ? word_at(stack, 1) : layout->environment;
	layout->arguments_end = layout->environment;
}

static uint64_t aux_value(const struct words_of_stack *stack, const struct layout *layout, uint64_t type)
{
	for (size_t i = layout->first_aux; has_word(stack, i + 1); i += 2) {
		if (word_at(stack, i) == type)
			return word_at(stack, i + 1);
		if (word_at(stack, i) == AT_NULL)
			break;
	}
	return 0;
}

/* Append [address, end) of the task's memory, from the bytes at hand where they reach. */
static int copy_range(int tid, uint64_t base, const struct words_of_stack *stack, uint64_t address,
	uint64_t end, struct text *text)
{
	if (end < address || end - address > (uint64_t)1 << 32)
		return -EFAULT;
	size_t count = end - address;
	if (address >= base && end - base <= stack->length) {
		text_add_bytes(text, (const char *)stack->bytes + (address - base), count);
		return text_failed(text) ? -ENOMEM : 0;
	}
	char *bytes = malloc(count);
	if (!bytes)
		return -ENOMEM;
	int error = proc_read_memory(tid, address, bytes, count);
	if (error == 0)
		text_add_bytes(text, bytes, count);
	free(bytes);
	return error ? error : text_failed(text) ? -ENOMEM : 0;
}

static int copy_string(
	int tid, uint64_t base, const struct words_of_stack *stack, uint64_t address, struct text *text)
{
	size_t offset = address - base;
	if (address < base || offset >= stack->length ||
		!memchr(stack->bytes + offset, '\0', stack->length - offset))
		return proc_read_string(tid, address, 1 << 20, text);
	text_add(text, (const char *)stack->bytes + offset);
	return text_failed(text) ? -ENOMEM : 0;
}

static int split_arguments(struct image *image, size_t argc)
{
	if (argc > image->argv_capacity) {
		const char **argv = realloc(image->argv, argc * sizeof *argv);
		if (!argv)
			return -ENOMEM;
		image->argv = argv;
		image->argv_capacity = argc;
	}
	const char *next = text_string(&image->arguments), *end = next + image->arguments.length;
	for (image->argc = 0; image->argc < argc && next < end; image->argc++) {
		image->argv[image->argc] = next;
		next += strlen(next) + 1;
	}
	return image->argc == argc ? 0 : -EFAULT;
}

/* The first 16 KiB hold everything for most programs; a longer list of pointers takes as much as it needs. */
static int read_stack(
	int tid, uint64_t base, size_t word_size, struct words_of_stack *stack, struct layout *layout)
{
	*stack = (struct words_of_stack){ .size = word_size };
	for (size_t room = 16 * 1024; room <= (size_t)1 << 30; room *= 8) {
		unsigned char *bytes = realloc(stack->bytes, room);
		if (!bytes)
			return -ENOMEM;
		stack->bytes = bytes;
		stack->length = proc_read_memory_some(tid, base, bytes, room);
		if (stack->length == 0)
			return -ESRCH;
		find_layout(stack, layout);
		if (layout->complete)
			return 0;
		if (stack->length < room)
			return -EFAULT;
	}
	return -EFAULT;
}

/*
 * For a script the kernel runs the interpreter with the script's path among its first arguments. A program may be
 * given its own path as an argument too: then path and exe are the same file.
 */
static bool is_script(struct image *image, int tid)
{
	const char *path = text_string(&image->path);
	bool named = false;
	for (size_t i = 1; i < image->argc && i <= 2; i++)
		named = named || strcmp(image->argv[i], path) == 0;
	if (!named)
		return false;
	char link[64];
	struct stat exe, file;
	struct text full = { 0 };
	snprintf(link, sizeof link, "/proc/%d/exe", tid);
	if (*path == '/')
		text_printf(&full, "/proc/%d/root%s", tid, path);
	else
		text_printf(&full, "/proc/%d/cwd/%s", tid, path);
	/* A path by descriptor (/dev/fd/3) can be told from the interpreter only by not being it. */
	bool same = stat(link, &exe) == 0 && stat(text_string(&full), &file) == 0 &&
		    exe.st_ino == file.st_ino && exe.st_dev == file.st_dev;
	text_finish(&full);
	return !same;
}

/* The kernel marks an exec that would have gained privileges (AT_SECURE) even where, for the tracer, it did not. */
static bool lost_privileges(int tid, const struct words_of_stack *stack, const struct layout *layout)
{
	if (aux_value(stack, layout, AT_SECURE) == 0)
		return false;
	unsigned euid = (unsigned)aux_value(stack, layout, AT_EUID);
	unsigned egid = (unsigned)aux_value(stack, layout, AT_EGID);
	char link[64];
	struct stat st;
	snprintf(link, sizeof link, "/proc/%d/exe", tid);
	if (stat(link, &st) < 0)
		return false;
	if ((st.st_mode & S_ISUID) && st.st_uid != euid)
		return true;
	if ((st.st_mode & S_ISGID) && (st.st_mode & S_IXGRP) && st.st_gid != egid)
		return true;
	return euid != 0 && S_ISREG(st.st_mode) && getxattr(link, "security.capability", NULL, 0) > 0;
}

int image_read(struct image *image, int tid, const struct call_registers *registers, bool env)
{
	text_clear(&image->path);
	text_clear(&image->exe);
	text_clear(&image->cwd);
	text_clear(&image->arguments);
	text_clear(&image->environment);
	image->argc = 0;
	image->compat = registers->compat;
	struct words_of_stack stack;
	struct layout layout;
	uint64_t base = registers->stack_pointer;
	int error = read_stack(tid, base, registers->compat ? 4 : 8, &stack, &layout);
	if (error)
		goto out;
	error = copy_range(tid, base, &stack, layout.arguments, layout.arguments_end, &image->arguments);
	if (!error)
		error = split_arguments(image, layout.argc);
	if (!error && env)
		error = copy_range(
			tid, base, &stack, layout.environment, layout.environment_end, &image->environment);
	if (!error)
		error = copy_string(tid, base, &stack, layout.path, &image->path);
	if (error)
		goto out;
	proc_read_link(tid, "cwd", &image->cwd);
	image->script = image->setid = false;
	if (proc_read_link(tid, "exe", &image->exe) == 0) {
		image->script = is_script(image, tid);
		image->setid = lost_privileges(tid, &stack, &layout);
	}
out:
	free(stack.bytes);
	return error;
}

void image_finish(struct image *image)
{
	text_finish(&image->path);
	text_finish(&image->exe);
	text_finish(&image->cwd);
	text_finish(&image->arguments);
	text_finish(&image->environment);
	free(image->argv);
	*image = (struct image){ 0 };
}

/* One variable: the string, where its name ends, and which block it is from. */
struct variable {
	const char *string;
	size_t name_length;
	size_t position;
};

static int by_name(const void *a, const void *b)
{
	const struct variable *x = a, *y = b;
	size_t length = x->name_length < y->name_length ? x->name_length : y->name_length;
	int order = memcmp(x->string, y->string, length);
	if (order == 0 && x->name_length != y->name_length)
		order = x->name_length < y->name_length ? -1 : 1;
	if (order == 0)
		order = x->position < y->position ? -1 : 1;
	return order;
}

/* The variables of a block sorted by name; of a name given twice the first counts, as for getenv(3). */
static int sort_variables(const char *block, size_t length, struct variable **variables, size_t *count)
{
	size_t n = 0;
	for (size_t i = 0; i < length; i++)
		n += block[i] == '\0';
	*variables = calloc(n + 1, sizeof **variables);
	if (!*variables)
		return -ENOMEM;
	const char *next = block;
	for (size_t i = 0; i < n; i++, next += strlen(next) + 1)
		(*variables)[i] = (struct variable){ next, strcspn(next, "="), i };
	qsort(*variables, n, sizeof **variables, by_name);
	*count = 0;
	for (size_t i = 0; i < n; i++) {
		struct variable *last = *count ? &(*variables)[*count - 1] : NULL;
		const struct variable *this = &(*variables)[i];
		if (last && last->name_length == this->name_length &&
			memcmp(last->string, this->string, this->name_length) == 0)
			continue;
		(*variables)[(*count)++] = *this;
	}
	return 0;
}

static int compare_names(const struct variable *a, const struct variable *b)
{
	struct variable x = *a, y = *b;
	x.position = y.position = 0;
	size_t length = x.name_length < y.name_length ? x.name_length : y.name_length;
	int order = memcmp(x.string, y.string, length);
	return order ? order : (x.name_length > y.name_length) - (x.name_length < y.name_length);
}

int environment_changes(const char *before, size_t before_length, const char *after, size_t after_length,
	struct text *names, const char ***changes, size_t *count)
{
	struct variable *old = NULL, *new = NULL;
	size_t n_old = 0, n_new = 0;
	*changes = NULL;
	*count = 0;
	text_clear(names);
	int error = sort_variables(before, before_length, &old, &n_old);
	if (!error)
		error = sort_variables(after, after_length, &new, &n_new);
	const char **list = error ? NULL : calloc(n_old + n_new + 1, sizeof *list);
	if (!list) {
		error = error ? error : -ENOMEM;
		goto out;
	}
	/* Room for every name at once, so that pointers into *names stay good. */
	for (size_t i = 0; i < n_old; i++)
		text_add_bytes(names, old[i].string, old[i].name_length + 1);
	if (text_failed(names)) {
		free(list);
		error = -ENOMEM;
		goto out;
	}
	text_clear(names);
	size_t i = 0, j = 0, n = 0;
	while (i < n_old || j < n_new) {
		int order = i == n_old ? 1 : j == n_new ? -1 : compare_names(&old[i], &new[j]);
		if (order < 0) {
			list[n++] = names->bytes + names->length;
			text_add_bytes(names, old[i].string, old[i].name_length);
			text_add_char(names, '\0');
			i++;
		} else if (order > 0) {
			list[n++] = new[j++].string;
		} else {
			if (strcmp(old[i].string, new[j].string) != 0)
				list[n++] = new[j].string;
			i++;
			j++;
		}
	}
	*changes = list;
	*count = n;
out:
	free(old);
	free(new);
	return error;
}
