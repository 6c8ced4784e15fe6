/**
 * fault_rows.h: the faults of one task, summed by cause, mapping and place.
 */
#ifndef KIN_TOOL_RECORD_FAULT_ROWS_H
#define KIN_TOOL_RECORD_FAULT_ROWS_H

#include "record/faults.h"
#include "record/objects.h"

/** What a row's faults have in common. All bytes count: make it with memset. */
struct fault_key {
	struct object *object; // of the mapping; NULL: it has no name
	struct object *code; // the file that the instruction lies in, NULL: none
	uint64_t offset; // of the instruction in it
	uint8_t cause, major, mapping; // enum cause, bool, enum mapping_kind
	uint8_t generated; // the instruction lies in memory that is no file
	uint32_t zero;
};

struct fault_row_sum {
	struct fault_key key;
	uint64_t count; // 0: an empty slot
};

/** Zero bytes are a valid empty set. */
struct fault_rows {
	struct fault_row_sum *table; // private state: a hash table
	size_t count, capacity;
};

void fault_rows_finish(struct fault_rows *rows);

/** Count faults; holds the key's objects. Returns 0 or -ENOMEM. */
int fault_rows_add(struct fault_rows *rows, const struct fault_key *key, uint64_t count);

/** Move all rows of one set to another, leaving it empty. Returns 0 or -ENOMEM. */
int fault_rows_move(struct fault_rows *rows, struct fault_rows *from);

/**
 * Find the places, sum rows that have the same, and hand them out, most frequent first. pid is a task
 * that has the files mapped, or had. Returns 0, take()'s error or -ENOMEM.
 */
int fault_rows_emit(
	const struct fault_rows *rows, struct symbols *symbols, int pid, faults_take *take, void *data);

#endif
