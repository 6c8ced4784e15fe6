#include "record/mappings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static struct mapping *entry(const struct mappings *mappings, size_t index)
{
	return &mappings->entries[index < mappings->gap ? index
							: index + mappings->capacity - mappings->count];
}

void mappings_finish(struct mappings *mappings)
{
	for (size_t i = 0; i < mappings->count; i++)
		object_release(entry(mappings, i)->object);
	free(mappings->entries);
	*mappings = (struct mappings){ 0 };
}

/* The number of the first entry that ends after the address. */
static size_t index_after(const struct mappings *mappings, uint64_t address)
{
	size_t low = 0, high = mappings->count;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (entry(mappings, middle)->end <= address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct mapping *mappings_next(const struct mappings *mappings, uint64_t address)
{
	size_t index = index_after(mappings, address);
	return index < mappings->count ? entry(mappings, index) : NULL;
}

struct mapping *mappings_find(const struct mappings *mappings, uint64_t address)
{
	struct mapping *next = mappings_next(mappings, address);
	return next && next->start <= address ? next : NULL;
}

static void move_gap(struct mappings *mappings, size_t to)
{
	size_t length = mappings->capacity - mappings->count;
	struct mapping *entries = mappings->entries;
	if (to < mappings->gap)
		memmove(entries + to + length, entries + to, (mappings->gap - to) * sizeof *entries);
	else if (to > mappings->gap)
		memmove(entries + mappings->gap, entries + mappings->gap + length,
			(to - mappings->gap) * sizeof *entries);
	mappings->gap = to;
}

static int make_room(struct mappings *mappings, size_t more)
{
	if (mappings->capacity - mappings->count >= more)
		return 0;
	size_t capacity = mappings->capacity ? mappings->capacity * 2 : 32;
	if (mappings->count)
		move_gap(mappings, mappings->count);
	mappings->gap = mappings->count;
	struct mapping *entries = realloc(mappings->entries, capacity * sizeof *entries);
	if (!entries)
		return -ENOMEM;
	mappings->entries = entries;
	mappings->capacity = capacity;
	return 0;
}

static struct mapping *insert(struct mappings *mappings, size_t index, const struct mapping *mapping)
{
	move_gap(mappings, index);
	struct mapping *place = &mappings->entries[mappings->gap++];
	mappings->count++;
	*place = *mapping;
	object_hold(place->object);
	return place;
}

static void drop(struct mappings *mappings, size_t index)
{
	object_release(entry(mappings, index)->object);
	move_gap(mappings, index);
	mappings->count--;
}

/* Room for two more was made. Returns the number an entry at start would have. */
static size_t cut(struct mappings *mappings, uint64_t start, uint64_t end)
{
	size_t index = index_after(mappings, start);
	while (index < mappings->count) {
		struct mapping *old = entry(mappings, index);
		if (old->start >= end)
			break;
		if (old->start < start && old->end > end) {
			struct mapping rest = *old;
			rest.offset += end - rest.start;
			rest.start = end;
			old->end = start;
			insert(mappings, index + 1, &rest);
			return index + 1;
		}
		if (old->start < start) {
			old->end = start;
			index++;
		} else if (old->end > end) {
			old->offset += end - old->start;
			old->start = end;
			break;
		} else {
			drop(mappings, index);
		}
	}
	return index;
}

int mappings_cut(struct mappings *mappings, uint64_t start, uint64_t end)
{
	int result = make_room(mappings, 2);
	if (result == 0 && start < end)
		cut(mappings, start, end);
	return result;
}

int mappings_put(struct mappings *mappings, const struct mapping *mapping)
{
	if (mapping->start >= mapping->end)
		return 0;
	int result = make_room(mappings, 2);
	if (result == 0)
		insert(mappings, cut(mappings, mapping->start, mapping->end), mapping);
	return result;
}

int mappings_copy(struct mappings *mappings, const struct mappings *from)
{
	if (from->count == 0)
		return 0;
	size_t capacity = from->count + 8;
	mappings->entries = malloc(capacity * sizeof *mappings->entries);
	if (!mappings->entries)
		return -ENOMEM;
	for (size_t i = 0; i < from->count; i++) {
		mappings->entries[i] = *entry(from, i);
		object_hold(mappings->entries[i].object);
	}
	mappings->count = mappings->gap = from->count;
	mappings->capacity = capacity;
	return 0;
}
