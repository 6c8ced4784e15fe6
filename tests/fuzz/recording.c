/*
 * Any bytes as a recording, read into a history and shown by every view. What must hold: nothing crashes, what is read
 * can be written and read again as the same, and no line of the tree is longer than was asked for.
 */
#include "model/history.h"
#include "store/store.h"
#include "view/view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define WIDTH 70

static void demand(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "fuzz: %s\n", what);
	abort();
}

/* What is taken goes to the history and the writer; what the history refuses is not written. */
struct both {
	struct event_sink sink; // keep first
	struct history history;
	struct store_writer writer;
};

static int take(struct event_sink *sink, const struct event *event)
{
	struct both *both = (struct both *)sink;
	int error = both->history.sink.take(&both->history.sink, event);
	if (error)
		return error;
	return both->writer.sink.take(&both->writer.sink, event);
}

static int memory_file(void)
{
	int fd = memfd_create("recording", MFD_CLOEXEC);
	demand(fd >= 0, "no memory file");
	return fd;
}

/* The recording that comes out is returned as a descriptor, at its start. */
static int read_and_write(FILE *file, struct both *both, int *error)
{
	int fd = memory_file();
	struct store_reading reading;
	*both = (struct both){ .sink.take = take };
	demand(history_init(&both->history) == 0, "no memory");
	store_writer_init(&both->writer, fd);
	*error = store_read(file, &both->sink, &reading);
	demand(!*error == !*reading.message, "an error comes with a message");
	demand(store_writer_flush(&both->writer) == 0, "written");
	store_writer_finish(&both->writer);
	lseek(fd, 0, SEEK_SET);
	return fd;
}

static void check_width(const char *text)
{
	while (*text) {
		size_t length = strcspn(text, "\n");
		char *line = strndup(text, length);
		demand(line && text_columns(line) <= WIDTH, "a line is too long");
		free(line);
		text += length + (text[length] == '\n');
	}
}

static void show(const struct history *history, bool all, bool verbose)
{
	struct text text = { 0 };
	struct view_options options = { .width = WIDTH, .all = all, .verbose = verbose, .ascii = verbose };
	demand(view_tree(&text, history, &options) == 0, "a tree");
	check_width(text_string(&text));
	text_clear(&text);
	demand(view_summary(&text, history, &options) == 0, "a summary");
	demand(view_faults(&text, history, &options) == 0, "the faults");
	text_finish(&text);
}

static void show_lines(int recording)
{
	FILE *file = fdopen(dup(recording), "r");
	struct view_options options = { .width = WIDTH };
	struct view_lines *lines = NULL;
	struct store_reading reading;
	int fd = memory_file();
	demand(file && view_lines_create(&lines, fd, &options) == 0, "lines");
	store_read(file, view_lines_sink(lines), &reading);
	view_lines_destroy(lines);
	fclose(file);
	close(fd);
}

static bool same_bytes(int a, int b)
{
	off_t size = lseek(a, 0, SEEK_END);
	if (size != lseek(b, 0, SEEK_END))
		return false;
	if (size == 0)
		return true;
	char *x = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, a, 0);
	char *y = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, b, 0);
	bool same = x != MAP_FAILED && y != MAP_FAILED && memcmp(x, y, (size_t)size) == 0;
	munmap(x, (size_t)size);
	munmap(y, (size_t)size);
	return same;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct both both, again;
	int error, second_error;
	int input = memory_file();
	demand(write(input, data, size) == (ssize_t)size, "the input is there");
	lseek(input, 0, SEEK_SET);
	FILE *file = fdopen(input, "r");
	int once = read_and_write(file, &both, &error);
	show(&both.history, false, false);
	show(&both.history, true, true);
	if (both.history.started) {
		FILE *reread = fdopen(dup(once), "r");
		int twice = read_and_write(reread, &again, &second_error);
		demand(second_error == 0, "what was written can be read");
		demand(same_bytes(once, twice), "what is written, read and written is the same");
		history_finish(&again.history);
		fclose(reread);
		close(twice);
		lseek(once, 0, SEEK_SET);
		show_lines(once);
	}
	history_finish(&both.history);
	fclose(file);
	close(once);
	return 0;
}
