/**
 * list_histories.h: what threads asked of a list and what they got, and whether a plain array, asked one call after
 * the other, could have said the same.
 *
 * The search is that of J. M. Wing and C. Gong ("Testing and Verifying Concurrent Objects", JPDC 1993) with the memory
 * that G. Lowe added to it ("Testing for linearizability", CCPE 2017): a set of calls done and the array they left is
 * not looked at twice.
 */
#ifndef KIN_TESTS_LIST_HISTORIES_H
#define KIN_TESTS_LIST_HISTORIES_H

#include "tap.h"

enum {
	THREADS_MOST = 4,
	CALLS_MOST = 6, // of a thread
	OPS_MOST = THREADS_MOST * CALLS_MOST,
	MANY = 6, // items of a call on many, at most
	ITEMS_MOST = 64 + OPS_MOST * MANY,
	LAST = 0xffff, // for KIN_LIST_LAST
	REFUSED = 77, // what the function of an update returns if it refuses
};

enum kind {
	APPEND,
	INSERT,
	REMOVE,
	REPLACE,
	GET,
	COUNT,
	POP_FIRST,
	POP_LAST,
	SWAP,
	UPDATE,
	REFUSE, // an update that does not
	APPEND_MANY,
	INSERT_MANY,
	REMOVE_MANY,
	GET_MANY,
	CLEAR,
	ASSIGN,
	EXPORT,
	SNAPSHOT,
	EACH,
	FIND,
	FIND_LAST,
	REVERSE,
	SORT,
	TRIM,
	KINDS,
};

static const char *const kind_names[KINDS] = { "append", "insert", "remove", "replace", "get", "count",
	"pop_first", "pop_last", "swap", "update", "update, refused", "append_many", "insert_many",
	"remove_many", "get_many", "clear", "assign", "export", "snapshot", "each", "find", "find_last",
	"reverse", "sort", "trim" };

/** A call and its answer. Items are numbers here. */
struct op {
	enum kind kind;
	unsigned thread;
	uint32_t index, other; // other: the second index of a swap; how many
	uint32_t value[MANY];
	int result;
	uint64_t begin, end;
	uint32_t out_count; // also the index or number that was returned
	uint32_t out[ITEMS_MOST];
};

/** The list as an array. */
struct array {
	uint32_t count;
	uint32_t item[ITEMS_MOST];
};

struct history {
	unsigned count;
	struct op op[OPS_MOST];
	struct array first, last;
};

/* --- the array's answers: could it have been this one? --- */

static bool array_range(
	const struct array *array, const struct op *op, uint32_t index, uint32_t count, bool *ret_in)
{
	*ret_in = index <= array->count && count <= array->count - index;
	return op->result == (*ret_in ? 0 : -ERANGE);
}

static uint32_t array_last(const struct array *array, uint32_t index)
{
	return index == LAST ? array->count - 1 : index;
}

static void array_put(struct array *array, uint32_t at, const uint32_t *item, uint32_t count)
{
	memmove(array->item + at + count, array->item + at, (array->count - at) * sizeof *item);
	memcpy(array->item + at, item, count * sizeof *item);
	array->count += count;
}

static void array_cut(struct array *array, uint32_t at, uint32_t count)
{
	array->count -= count;
	memmove(array->item + at, array->item + at + count, (array->count - at) * sizeof *array->item);
}

static bool array_append(struct array *array, const struct op *op, uint32_t count)
{
	if (op->result != 0 || op->out_count != array->count)
		return false;
	array_put(array, array->count, op->value, count);
	return true;
}

static bool array_insert(struct array *array, const struct op *op, uint32_t count)
{
	bool in;
	uint32_t index = op->index == LAST ? array->count : op->index;
	if (!array_range(array, op, index, 0, &in))
		return false;
	if (in)
		array_put(array, index, op->value, count);
	return true;
}

/* Calls that hand out items; then these are gone (remove), overwritten (replace), or as they were. */
static bool array_read(struct array *array, const struct op *op, uint32_t count, bool remove, bool replace)
{
	bool in;
	uint32_t index = array_last(array, op->index);
	if (!array_range(array, op, index, count, &in))
		return false;
	if (!in)
		return true;
	if (memcmp(array->item + index, op->out, count * sizeof *op->out) != 0)
		return false;
	if (remove)
		array_cut(array, index, count);
	if (replace)
		array->item[index] = op->value[0];
	return true;
}

static bool array_pop(struct array *array, const struct op *op, bool first)
{
	if (array->count == 0)
		return op->result == -ETIMEDOUT;
	uint32_t index = first ? 0 : array->count - 1;
	if (op->result != 0 || op->out[0] != array->item[index])
		return false;
	array_cut(array, index, 1);
	return true;
}

static bool array_swap(struct array *array, const struct op *op)
{
	uint32_t a = array_last(array, op->index), b = array_last(array, op->other);
	if (a >= array->count || b >= array->count)
		return op->result == -ERANGE;
	uint32_t item = array->item[a];
	array->item[a] = array->item[b];
	array->item[b] = item;
	return op->result == 0;
}

static bool array_refuse(const struct array *array, const struct op *op)
{
	uint32_t index = array_last(array, op->index);
	if (index >= array->count)
		return op->result == -ERANGE;
	return op->result == REFUSED && op->out[0] == array->item[index];
}

static bool array_is(const struct array *array, const struct op *op)
{
	return op->result == 0 && op->out_count == array->count &&
	       memcmp(array->item, op->out, array->count * sizeof *op->out) == 0;
}

static bool array_find(const struct array *array, const struct op *op, bool last)
{
	uint32_t found = array->count;
	for (uint32_t i = 0; i < array->count; i++)
		if (array->item[i] == op->value[0] && (last || found == array->count))
			found = i;
	if (found == array->count)
		return op->result == -ENOENT;
	return op->result == 0 && op->out_count == found;
}

static int array_compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void array_reverse(struct array *array)
{
	for (uint32_t i = 0; i < array->count / 2; i++) {
		uint32_t item = array->item[i], *other = &array->item[array->count - 1 - i];
		array->item[i] = *other;
		*other = item;
	}
}

/* Calls on the whole list. */
static bool array_whole(struct array *array, const struct op *op)
{
	switch (op->kind) {
	case ASSIGN:
		array->count = 0;
		array_put(array, 0, op->value, op->other);
		break;
	case CLEAR:
		array->count = 0;
		break;
	case REVERSE:
		array_reverse(array);
		break;
	case SORT:
		qsort(array->item, array->count, sizeof *array->item, array_compare);
		break;
	default:
		return array_is(array, op);
	}
	return op->result == 0;
}

/** Make a call on the array. Returns whether its answer is the recorded one. */
static bool array_apply(struct array *array, const struct op *op)
{
	switch (op->kind) {
	case APPEND:
		return array_append(array, op, 1);
	case APPEND_MANY:
		return array_append(array, op, op->other);
	case INSERT:
		return array_insert(array, op, 1);
	case INSERT_MANY:
		return array_insert(array, op, op->other);
	case REMOVE:
		return array_read(array, op, 1, true, false);
	case REMOVE_MANY:
		return array_read(array, op, op->other, true, false);
	case GET:
		return array_read(array, op, 1, false, false);
	case GET_MANY:
		return array_read(array, op, op->other, false, false);
	case REPLACE:
	case UPDATE:
		return array_read(array, op, 1, false, true);
	case REFUSE:
		return array_refuse(array, op);
	case COUNT:
		return op->out_count == array->count;
	case POP_FIRST:
	case POP_LAST:
		return array_pop(array, op, op->kind == POP_FIRST);
	case SWAP:
		return array_swap(array, op);
	case FIND:
	case FIND_LAST:
		return array_find(array, op, op->kind == FIND_LAST);
	case TRIM:
		return op->result == 0;
	default:
		return array_whole(array, op);
	}
}

/* --- the search --- */

enum { MEMORY = 1 << 14 };

/* What led nowhere. A newer one takes an older one's place: then that is looked at again, no more. */
static struct {
	uint64_t hash;
	uint32_t done;
	uint32_t round;
} memory[MEMORY];
static uint32_t memory_round;

static uint64_t array_hash(const struct array *array)
{
	uint64_t hash = array->count * UINT64_C(0x9e3779b97f4a7c15);
	for (uint32_t i = 0; i < array->count; i++) {
		hash = (hash ^ array->item[i]) * UINT64_C(0xff51afd7ed558ccd);
		hash ^= hash >> 32;
	}
	return hash;
}

/* A call comes next if no other one that is still to come had returned before it began. */
static uint64_t first_return(const struct history *history, uint32_t done)
{
	uint64_t first = UINT64_MAX;
	for (unsigned i = 0; i < history->count; i++)
		if (!(done >> i & 1) && history->op[i].end < first)
			first = history->op[i].end;
	return first;
}

static bool search(const struct history *history, uint32_t done, const struct array *array)
{
	if (done == (1u << history->count) - 1)
		return array->count == history->last.count &&
		       memcmp(array->item, history->last.item, array->count * sizeof *array->item) == 0;
	uint64_t hash = array_hash(array);
	size_t place = (hash ^ done * UINT64_C(0x9e3779b97f4a7c15)) % MEMORY;
	if (memory[place].round == memory_round && memory[place].done == done && memory[place].hash == hash)
		return false;
	uint64_t limit = first_return(history, done);
	for (unsigned i = 0; i < history->count; i++) {
		if (done >> i & 1 || history->op[i].begin > limit)
			continue;
		struct array next;
		next.count = array->count;
		memcpy(next.item, array->item, array->count * sizeof *array->item);
		if (array_apply(&next, &history->op[i]) && search(history, done | 1u << i, &next))
			return true;
	}
	memory[place].hash = hash;
	memory[place].done = done;
	memory[place].round = memory_round;
	return false;
}

/** Whether there is an order of the calls, none before one that had returned, in which all answers are right. */
static bool history_is_linearizable(const struct history *history)
{
	memory_round++;
	return search(history, 0, &history->first);
}

/* --- for people --- */

static void array_tell(const char *name, const uint32_t *item, uint32_t count)
{
	char line[ITEMS_MOST * 11 + 1], *at = line;
	*at = '\0';
	for (uint32_t i = 0; i < count; i++)
		at += sprintf(at, " %" PRIu32, item[i]);
	tap_note("%s%s", name, line);
}

static uint32_t op_out_count(const struct op *op)
{
	switch (op->kind) {
	case EXPORT:
	case SNAPSHOT:
	case EACH:
		return op->out_count;
	case GET_MANY:
	case REMOVE_MANY:
		return op->result ? 0 : op->other;
	default:
		return 1;
	}
}

static void history_tell(const struct history *history)
{
	array_tell("first:", history->first.item, history->first.count);
	for (unsigned i = 0; i < history->count; i++) {
		const struct op *op = &history->op[i];
		tap_note("thread %u [%" PRIu64 ", %" PRIu64 "] %s index %" PRIu32 " other %" PRIu32
			 " value %" PRIu32 ": %d, %" PRIu32,
			op->thread, op->begin, op->end, kind_names[op->kind], op->index, op->other,
			op->value[0], op->result, op->out_count);
		array_tell("    ", op->out, op_out_count(op));
	}
	array_tell("last:", history->last.item, history->last.count);
}

#endif
