#include "record/pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static size_t slot_of(const struct pages *pages, uint64_t number)
{
	size_t slot = (size_t)((number * 0x9E3779B97F4A7C15u) >> 32) & (pages->capacity - 1);
	while (pages->table[slot] && pages->table[slot]->number != number)
		slot = (slot + 1) & (pages->capacity - 1);
	return slot;
}

static struct pages_chunk *find_chunk(const struct pages *pages, uint64_t number)
{
	return pages->capacity ? pages->table[slot_of(pages, number)] : NULL;
}

static int grow(struct pages *pages)
{
	struct pages larger = { .capacity = pages->capacity ? pages->capacity * 2 : 16,
		.count = pages->count };
	larger.table = calloc(larger.capacity, sizeof *larger.table);
	if (!larger.table)
		return -ENOMEM;
	for (size_t i = 0; i < pages->capacity; i++)
		if (pages->table[i])
			larger.table[slot_of(&larger, pages->table[i]->number)] = pages->table[i];
	free(pages->table);
	*pages = larger;
	return 0;
}

static struct pages_chunk *make_chunk(struct pages *pages, uint64_t number)
{
	struct pages_chunk *chunk = find_chunk(pages, number);
	if (chunk)
		return chunk;
	if (pages->count * 2 >= pages->capacity && grow(pages) < 0)
		return NULL;
	chunk = calloc(1, sizeof *chunk);
	if (!chunk)
		return NULL;
	chunk->number = number;
	pages->table[slot_of(pages, number)] = chunk;
	pages->count++;
	return chunk;
}

void pages_finish(struct pages *pages)
{
	for (size_t i = 0; i < pages->capacity; i++)
		free(pages->table[i]);
	free(pages->table);
	*pages = (struct pages){ 0 };
}

static enum page_state chunk_get(const struct pages_chunk *chunk, unsigned index)
{
	return (enum page_state)(chunk->bits[index / 4] >> index % 4 * 2 & 3);
}

static void chunk_set(struct pages_chunk *chunk, unsigned index, enum page_state state)
{
	unsigned shift = index % 4 * 2;
	uint8_t *byte = &chunk->bits[index / 4];
	*byte = (uint8_t)((*byte & ~(3u << shift)) | (unsigned)state << shift);
}

enum page_state pages_get(const struct pages *pages, uint64_t page)
{
	const struct pages_chunk *chunk = find_chunk(pages, page / PAGES_CHUNK);
	return chunk ? chunk_get(chunk, page % PAGES_CHUNK) : PAGE_NEW;
}

int pages_set(struct pages *pages, uint64_t page, enum page_state state)
{
	return pages_set_range(pages, page, page + 1, state);
}

static void chunk_set_range(struct pages_chunk *chunk, unsigned first, unsigned end, enum page_state state)
{
	if (first == 0 && end == PAGES_CHUNK) {
		memset(chunk->bits, (int)state * 0x55, sizeof chunk->bits);
		return;
	}
	for (unsigned i = first; i < end; i++)
		chunk_set(chunk, i, state);
}

/* A mapping may be thousands of times larger than what is known of it. */
static void forget_range(struct pages *pages, uint64_t first, uint64_t end)
{
	for (size_t i = 0; i < pages->capacity; i++) {
		struct pages_chunk *chunk = pages->table[i];
		if (!chunk)
			continue;
		uint64_t low = chunk->number * PAGES_CHUNK, high = low + PAGES_CHUNK;
		if (low < end && first < high)
			chunk_set_range(chunk, first > low ? (unsigned)(first - low) : 0,
				end < high ? (unsigned)(end - low) : PAGES_CHUNK, PAGE_NEW);
	}
}

int pages_set_range(struct pages *pages, uint64_t first, uint64_t end, enum page_state state)
{
	if (state == PAGE_NEW && (end - first) / PAGES_CHUNK > pages->capacity) {
		forget_range(pages, first, end);
		return 0;
	}
	for (uint64_t page = first; page < end;) {
		uint64_t number = page / PAGES_CHUNK, low = number * PAGES_CHUNK;
		uint64_t stop = end < low + PAGES_CHUNK ? end : low + PAGES_CHUNK;
		struct pages_chunk *chunk =
			state == PAGE_NEW ? find_chunk(pages, number) : make_chunk(pages, number);
		if (chunk)
			chunk_set_range(chunk, (unsigned)(page - low), (unsigned)(stop - low), state);
		else if (state != PAGE_NEW)
			return -ENOMEM;
		page = stop;
	}
	return 0;
}

static int each_in_chunk(const struct pages_chunk *chunk, pages_run *each, void *data)
{
	uint64_t low = chunk->number * PAGES_CHUNK;
	for (unsigned first = 0; first < PAGES_CHUNK;) {
		enum page_state state = chunk_get(chunk, first);
		unsigned end = first + 1;
		while (end < PAGES_CHUNK && chunk_get(chunk, end) == state)
			end++;
		int result = state == PAGE_NEW ? 0 : each(data, low + first, low + end, state);
		if (result < 0)
			return result;
		first = end;
	}
	return 0;
}

int pages_each(const struct pages *pages, pages_run *each, void *data)
{
	int result = 0;
	for (size_t i = 0; i < pages->capacity && result == 0; i++)
		if (pages->table[i])
			result = each_in_chunk(pages->table[i], each, data);
	return result;
}
