/**
 * numbers.h: files of numbers, raw or text, as one array.
 *
 * init/finish pair: zero bytes are a valid empty object.
 */
#ifndef KIN_TOOL_NUMBERS_NUMBERS_H
#define KIN_TOOL_NUMBERS_NUMBERS_H

#include "numbers/buffer.h"
#include "numbers/parse.h"
#include "numbers/type.h"

#include <sys/stat.h>

/** What to read. */
struct numbers_source {
	const char *const *names; // "-": standard input, at most once
	size_t count;
	enum kin_type type;
	bool text; // otherwise raw: items as the machine has them in memory
	bool writable; // the items are going to be changed, which no file must notice
	/* Called now and then with the bytes read so far; NULL: nobody wants to know. */
	void (*progress)(uint64_t bytes, void *arg);
	void *arg;
};

struct numbers_file; // private

struct numbers {
	struct kin_array array;
	uint64_t bytes; // of the items
	char message[NUMBERS_MESSAGE]; // what went wrong, in one line, after a failure
	/* private state */
	struct numbers_buffer buffer; // what was read
	void *mapped; // or the file itself; NULL: it is not mapped
	int mapped_fd;
	struct numbers_file *files;
	size_t n_files;
};

/**
 * Read all files, one after the other; a single raw file is mapped where that can be. After success array has the items
 * until numbers_finish. Returns 0 or a negative errno value, with a message.
 */
int numbers_read(struct numbers *numbers, const struct numbers_source *source);

/**
 * Once the items have been looked at: whether they were what the files had all the time, or what was computed is worth
 * nothing. Returns 0, or a negative errno value with a message. Call it once after each success of numbers_read.
 */
int numbers_verify(struct numbers *numbers);

/** Which file an item is from, and which item of that file it is. */
const char *numbers_where(const struct numbers *numbers, size_t index, size_t *ret_within);

void numbers_finish(struct numbers *numbers);

#endif
