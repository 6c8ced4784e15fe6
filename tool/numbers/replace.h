/**
 * replace.h: a file that is there whole, or as it was before.
 *
 * What is written goes to a file beside it, which takes its name at the end. SIGINT, SIGTERM and SIGHUP remove that
 * file before they end the process; one replacement at a time.
 */
#ifndef KIN_TOOL_NUMBERS_REPLACE_H
#define KIN_TOOL_NUMBERS_REPLACE_H

struct numbers_replacement {
	int fd; // write here
	char *path, *temporary; // private state; NULL: what is there is no file, and is written to as it is
};

/**
 * Begin to write a file, or to what is no file (a device, a pipe). A file that may not be written is refused, though
 * it could be replaced; mode and, if that is allowed, owner are those of the file. Returns 0 or a negative errno value;
 * *replacement is untouched then.
 */
int numbers_replace_begin(struct numbers_replacement *replacement, const char *path);

/** What was written takes the file's name. Returns 0 or a negative errno value. */
int numbers_replace_commit(struct numbers_replacement *replacement);

/** Begun and not committed: as if it had not been begun. Afterwards nothing is left to do. For zeroed ones too. */
void numbers_replace_finish(struct numbers_replacement *replacement);

#endif
