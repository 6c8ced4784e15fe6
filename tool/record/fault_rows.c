#include "record/fault_rows.h"

#include "record/symbols.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void fault_rows_finish(struct fault_rows *rows)
{
	for (size_t i = 0; i < rows->capacity; i++) {
		if (!rows->table[i].count)
			continue;
		object_release(rows->table[i].key.object);
		object_release(rows->table[i].key.code);
	}
	free(rows->table);
	*rows = (struct fault_rows){ 0 };
}

static size_t slot_of(const struct fault_rows *rows, const struct fault_key *key)
{
	uint64_t hash = (uint64_t)(uintptr_t)key->object * 0x9E3779B97F4A7C15u ^
			(uint64_t)(uintptr_t)key->code * 0xC2B2AE3D27D4EB4Fu ^
			key->offset * 0x165667B19E3779F9u ^
			(uint64_t)(key->cause << 16 | key->major << 8 | key->mapping) * 0x27D4EB2F165667C5u;
	size_t slot = (size_t)(hash ^ hash >> 32) & (rows->capacity - 1);
	while (rows->table[slot].count && memcmp(&rows->table[slot].key, key, sizeof *key) != 0)
		slot = (slot + 1) & (rows->capacity - 1);
	return slot;
}

static int grow(struct fault_rows *rows)
{
	struct fault_rows larger = { .capacity = rows->capacity ? rows->capacity * 2 : 32,
		.count = rows->count };
	larger.table = calloc(larger.capacity, sizeof *larger.table);
	if (!larger.table)
		return -ENOMEM;
	for (size_t i = 0; i < rows->capacity; i++)
		if (rows->table[i].count)
			larger.table[slot_of(&larger, &rows->table[i].key)] = rows->table[i];
	free(rows->table);
	*rows = larger;
	return 0;
}

int fault_rows_add(struct fault_rows *rows, const struct fault_key *key, uint64_t count)
{
	if (rows->count * 2 >= rows->capacity) {
		int result = grow(rows);
		if (result < 0)
			return result;
	}
	struct fault_row_sum *row = &rows->table[slot_of(rows, key)];
	if (!row->count) {
		row->key = *key;
		object_hold(key->object);
		object_hold(key->code);
		rows->count++;
	}
	row->count += count;
	return 0;
}

int fault_rows_move(struct fault_rows *rows, struct fault_rows *from)
{
	for (size_t i = 0; i < from->capacity; i++) {
		int result = 0;
		if (from->table[i].count)
			result = fault_rows_add(rows, &from->table[i].key, from->table[i].count);
		if (result < 0)
			return result;
	}
	fault_rows_finish(from);
	return 0;
}

static int locate(const struct fault_key *key, struct symbols *symbols, int pid, struct event_faults *row)
{
	row->place = key->generated ? "[anon]" : NULL;
	row->source = NULL;
	if (!key->code)
		return 0;
	struct symbols_file file = { .path = key->code->path,
		.major = key->code->major,
		.minor = key->code->minor,
		.inode = key->code->inode,
		.pid = pid };
	struct place place;
	int result = symbols_find(symbols, &file, key->offset, &place);
	if (result < 0)
		return result;
	row->place = place.name;
	row->source = place.source;
	return 0;
}

static int compare_strings(const char *a, const char *b)
{
	if (!a || !b)
		return (a != NULL) - (b != NULL);
	return a == b ? 0 : strcmp(a, b);
}

static int compare_kinds(const void *left, const void *right)
{
	const struct event_faults *a = left, *b = right;
	int order = (int)a->cause - (int)b->cause;
	order = order ? order : (int)a->major - (int)b->major;
	order = order ? order : (int)a->mapping - (int)b->mapping;
	order = order ? order : compare_strings(a->object, b->object);
	order = order ? order : compare_strings(a->place, b->place);
	return order ? order : compare_strings(a->source, b->source);
}

static int compare_counts(const void *left, const void *right)
{
	const struct event_faults *a = left, *b = right;
	if (a->count != b->count)
		return a->count > b->count ? -1 : 1;
	return compare_kinds(left, right);
}

static size_t sum_equal(struct event_faults *list, size_t count)
{
	size_t kept = 0;
	qsort(list, count, sizeof *list, compare_kinds);
	for (size_t i = 0; i < count; i++) {
		if (kept > 0 && compare_kinds(&list[kept - 1], &list[i]) == 0)
			list[kept - 1].count += list[i].count;
		else
			list[kept++] = list[i];
	}
	return kept;
}

int fault_rows_emit(
	const struct fault_rows *rows, struct symbols *symbols, int pid, faults_take *take, void *data)
{
	if (rows->count == 0)
		return 0;
	struct event_faults *list = calloc(rows->count, sizeof *list);
	if (!list)
		return -ENOMEM;
	int result = 0;
	size_t count = 0;
	symbols_trim(symbols);
	for (size_t i = 0; i < rows->capacity && result == 0; i++) {
		const struct fault_key *key = &rows->table[i].key;
		if (!rows->table[i].count)
			continue;
		struct event_faults *row = &list[count++];
		row->cause = (enum cause)key->cause;
		row->major = key->major;
		row->mapping = (enum mapping_kind)key->mapping;
		row->count = rows->table[i].count;
		row->object = key->object ? key->object->path : NULL;
		result = locate(key, symbols, pid, row);
	}
	if (result == 0) {
		count = sum_equal(list, count);
		qsort(list, count, sizeof *list, compare_counts);
	}
	for (size_t i = 0; i < count && result == 0; i++)
		result = take(data, &list[i]);
	free(list);
	return result;
}
