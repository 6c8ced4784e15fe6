/**
 * symbols.h: the place in the code for an offset in a mapped file.
 *
 * Files are opened once and looked at once for each distinct offset; what was found is kept (up to a limit, then
 * found again). Uses elfutils where kin is built with it, also separate debug files that are installed; never the
 * network. Not thread-safe.
 */
#ifndef KIN_TOOL_RECORD_SYMBOLS_H
#define KIN_TOOL_RECORD_SYMBOLS_H

#include "record/instruction.h"

#include <stdbool.h>
#include <stdint.h>

struct symbols;

/** A file as a mapping names it. */
struct symbols_file {
	const char *path; // as the task sees it: perhaps in another root, perhaps "... (deleted)"
	uint32_t major, minor; // device and inode: which file the path meant at the time. inode 0: not known
	uint64_t inode;
	int pid; // a task that has it mapped, for /proc/PID/root; 0: none
};

/** A place. Its strings are owned by the struct symbols and valid until symbols_trim(). */
struct place {
	const char *name; // "function", or "object+0x1234"; never NULL
	const char *source; // "file.c:12", NULL without debug info
};

/** Returns 0 or -ENOMEM. */
int symbols_create(struct symbols **ret_symbols);

/** NULL is welcome. */
void symbols_destroy(struct symbols *symbols);

/**
 * The place at an offset in the file (not an address). A file that cannot be read, or is not the one that was
 * mapped, gives "object+0x1234". Returns 0 or -ENOMEM.
 */
int symbols_find(
	struct symbols *symbols, const struct symbols_file *file, uint64_t offset, struct place *ret_place);

/**
 * Whether the instruction at an offset in the file reads or writes memory; ACCESS_UNKNOWN where the file cannot be
 * read. Kept like places. Returns 0 or -ENOMEM.
 */
int symbols_access(
	struct symbols *symbols, const struct symbols_file *file, uint64_t offset, enum access *ret_access);

/** Forget places and files when very many have come together. Places found before are no longer valid. */
void symbols_trim(struct symbols *symbols);

#endif
