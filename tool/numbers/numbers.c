#include "numbers/numbers.h"
#include "numbers/guard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define BLOCK ((size_t)1 << 20) // of text; no number is longer

struct numbers_file {
	const char *name; // as given
	const char *title; // for messages
	struct stat before;
	size_t first; // index of its first item
};

static __attribute__((format(printf, 3, 4))) int fail(
	struct numbers *numbers, int error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(numbers->message, sizeof numbers->message, format, arguments);
	va_end(arguments);
	return error;
}

static int cannot_read(struct numbers *numbers, const struct numbers_file *file, int error)
{
	if (error == -ENOMEM)
		return fail(numbers, error, "not enough memory for the numbers of %.300s", file->title);
	return fail(numbers, error, "cannot read %.300s: %s", file->title, strerror(-error));
}

/* Devices and /proc tell no size; what they have is taken as it comes. */
static bool has_size(const struct stat *stat)
{
	return S_ISREG(stat->st_mode) && stat->st_size > 0;
}

static int check_unchanged(struct numbers *numbers, const struct numbers_file *file, int fd)
{
	struct stat after;
	if (fstat(fd, &after) < 0)
		return cannot_read(numbers, file, -errno);
	const struct stat *before = &file->before;
	if (!S_ISREG(after.st_mode) || (before->st_size == 0 && after.st_size == 0))
		return 0;
	if (after.st_size != before->st_size)
		return fail(numbers, -EBUSY,
			"%.300s was %s while it was read; try again when nobody writes to it", file->title,
			after.st_size < before->st_size ? "cut short" : "growing");
	if (after.st_mtim.tv_sec != before->st_mtim.tv_sec ||
		after.st_mtim.tv_nsec != before->st_mtim.tv_nsec)
		return fail(numbers, -EBUSY,
			"%.300s was changed while it was read; try again when nobody writes to it",
			file->title);
	return 0;
}

static int check_whole(struct numbers *numbers, const struct numbers_file *file, uint64_t bytes)
{
	const struct numbers_type *type = numbers_type(numbers->array.type);
	if (bytes % type->size == 0)
		return 0;
	return fail(numbers, -EINVAL,
		"%.300s: %llu bytes are no whole number of %s, which have %u each; is it cut short, or of "
		"another --type?",
		file->title, (unsigned long long)bytes, type->name, type->size);
}

static int open_file(struct numbers *numbers, struct numbers_file *file, int *ret_fd)
{
	bool standard_input = strcmp(file->name, "-") == 0;
	int fd = standard_input ? STDIN_FILENO : open(file->name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0 || fstat(fd, &file->before) < 0) {
		int error = cannot_read(numbers, file, -errno);
		if (fd > STDIN_FILENO)
			close(fd);
		return error;
	}
	if (S_ISDIR(file->before.st_mode)) {
		if (!standard_input)
			close(fd);
		return fail(numbers, -EISDIR, "%.300s is a directory; give files of numbers", file->title);
	}
	*ret_fd = fd;
	return 0;
}

static void close_file(const struct numbers_file *file, int fd)
{
	if (strcmp(file->name, "-") != 0)
		close(fd);
}

/* Returns 1: mapped, and the descriptor is kept; 0: it cannot be. */
static int map_file(struct numbers *numbers, const struct numbers_file *file, int fd)
{
	if ((uint64_t)file->before.st_size > PTRDIFF_MAX)
		return 0;
	size_t bytes = (size_t)file->before.st_size;
	void *mapped = mmap(NULL, bytes, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED)
		return 0;
	if (numbers_guard_begin(mapped, bytes) < 0) {
		munmap(mapped, bytes);
		return 0;
	}
	numbers->mapped = mapped;
	numbers->mapped_fd = fd;
	numbers->bytes = bytes;
	return 1;
}

static int read_raw(
	struct numbers *numbers, const struct numbers_source *source, const struct numbers_file *file, int fd)
{
	uint64_t expected = has_size(&file->before) ? (uint64_t)file->before.st_size : 0;
	if (expected > PTRDIFF_MAX)
		return cannot_read(numbers, file, -ENOMEM);
	size_t before = numbers->buffer.length;
	int error = numbers_buffer_read(&numbers->buffer, fd, (size_t)expected);
	if (error)
		return cannot_read(numbers, file, error);
	if (source->progress)
		source->progress(numbers->buffer.length, source->arg);
	return check_whole(numbers, file, numbers->buffer.length - before);
}

static int parse_blocks(struct numbers *numbers, const struct numbers_source *source,
	const struct numbers_file *file, int fd, char *block)
{
	struct numbers_parser parser = { source->type, file->title, 1, numbers->message };
	size_t length = 0, used;
	uint64_t all = 0;
	for (;;) {
		ssize_t got = numbers_read_some(fd, block + length, BLOCK - length);
		if (got < 0)
			return cannot_read(numbers, file, -errno);
		all += (uint64_t)got;
		length += (size_t)got;
		block[length] = '\0';
		int error = numbers_parse(&parser, block, block + length, got == 0, &numbers->buffer, &used);
		if (error || got == 0)
			return error;
		if (used == 0 && length == BLOCK)
			return fail(numbers, -EINVAL,
				"%.300s:%zu: a megabyte without white space; is it text?", file->title,
				parser.line);
		memmove(block, block + used, length - used);
		length -= used;
		if (source->progress)
			source->progress(all, source->arg);
	}
}

static int read_text(
	struct numbers *numbers, const struct numbers_source *source, const struct numbers_file *file, int fd)
{
	char *block = malloc(BLOCK + 1);
	if (!block)
		return cannot_read(numbers, file, -ENOMEM);
	int error = parse_blocks(numbers, source, file, fd, block);
	free(block);
	return error;
}

static int read_file(struct numbers *numbers, const struct numbers_source *source, struct numbers_file *file)
{
	int fd = -1, error = open_file(numbers, file, &fd);
	if (error)
		return error;
	file->first = numbers->buffer.length / numbers_type(source->type)->size;
	/* Of standard input somebody may have read a part. */
	bool sized = fd != STDIN_FILENO && has_size(&file->before);
	if (sized && !source->text)
		error = check_whole(numbers, file, (uint64_t)file->before.st_size);
	bool mappable = sized && source->count == 1 && !source->text && !source->writable;
	if (!error && mappable && map_file(numbers, file, fd))
		return 0;
	if (!error)
		error = (source->text ? read_text : read_raw)(numbers, source, file, fd);
	/* That somebody writes to it explains whatever else is wrong with it. */
	int changed = error == -ENOMEM ? 0 : check_unchanged(numbers, file, fd);
	close_file(file, fd);
	return changed ? changed : error;
}

int numbers_read(struct numbers *numbers, const struct numbers_source *source)
{
	*numbers = (struct numbers){ .array.type = source->type };
	numbers->files = calloc(source->count, sizeof *numbers->files);
	if (!numbers->files)
		return fail(numbers, -ENOMEM, "not enough memory");
	int error = 0;
	for (size_t i = 0; i < source->count && !error; i++) {
		struct numbers_file *file = &numbers->files[numbers->n_files++];
		file->name = source->names[i];
		file->title = strcmp(file->name, "-") == 0 ? "standard input" : file->name;
		error = read_file(numbers, source, file);
	}
	if (error)
		return error;
	if (!numbers->mapped)
		numbers->bytes = numbers->buffer.length;
	numbers->array.items = numbers->mapped ? numbers->mapped : numbers->buffer.bytes;
	numbers->array.count = numbers->bytes / numbers_type(source->type)->size;
	return 0;
}

/* A mapping is let go as soon as it has been verified: what is kept of it is the result. */
static bool unmap(struct numbers *numbers)
{
	bool missed = numbers_guard_end();
	munmap(numbers->mapped, numbers->bytes);
	numbers->mapped = NULL;
	numbers->array.items = NULL;
	return missed;
}

int numbers_verify(struct numbers *numbers)
{
	if (!numbers->mapped)
		return 0;
	const struct numbers_file *file = &numbers->files[0];
	bool missed = unmap(numbers);
	int error = check_unchanged(numbers, file, numbers->mapped_fd);
	close(numbers->mapped_fd);
	return !error && missed ? cannot_read(numbers, file, -EIO) : error;
}

const char *numbers_where(const struct numbers *numbers, size_t index, size_t *ret_within)
{
	size_t i = numbers->n_files - 1;
	while (numbers->files[i].first > index)
		i--;
	*ret_within = index - numbers->files[i].first;
	return numbers->files[i].name;
}

void numbers_finish(struct numbers *numbers)
{
	if (numbers->mapped) {
		unmap(numbers);
		close(numbers->mapped_fd);
	}
	numbers_buffer_finish(&numbers->buffer);
	free(numbers->files);
	*numbers = (struct numbers){ 0 };
}
