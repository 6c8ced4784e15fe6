#include "model/strings.h"

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE ((size_t)64 * 1024)

struct chunk {
	struct chunk *next;
	alignas(max_align_t) char bytes[];
};

struct slot {
	uint32_t hash;
	const void *item; // NULL: empty
};

/* Open addressing with linear probing; size is a power of two, at most three quarters full. */
struct table {
	struct slot *slots;
	size_t size, used;
};

struct strings {
	struct chunk *chunks;
	size_t left; // in the newest chunk, at its end
	size_t bytes;
	char *free;
	struct table strings, lists;
};

struct strings *strings_create(void)
{
	return calloc(1, sizeof(struct strings));
}

void strings_destroy(struct strings *strings)
{
	if (!strings)
		return;
	while (strings->chunks) {
		struct chunk *next = strings->chunks->next;
		free(strings->chunks);
		strings->chunks = next;
	}
	free(strings->strings.slots);
	free(strings->lists.slots);
	free(strings);
}

size_t strings_bytes(const struct strings *strings)
{
	size_t slots = strings->strings.size + strings->lists.size;
	return sizeof *strings + strings->bytes + slots * sizeof(struct slot);
}

/* A large block gets a chunk of its own, put behind the newest so that the room left there is not given up. */
static void *alloc_large(struct strings *strings, size_t size)
{
	if (size > SIZE_MAX - sizeof(struct chunk))
		return NULL;
	struct chunk *chunk = calloc(1, sizeof *chunk + size);
	if (!chunk)
		return NULL;
	strings->bytes += sizeof *chunk + size;
	if (strings->chunks) {
		chunk->next = strings->chunks->next;
		strings->chunks->next = chunk;
	} else {
		strings->chunks = chunk;
		strings->left = 0;
	}
	return chunk->bytes;
}

static void *alloc_aligned(struct strings *strings, size_t size, size_t align)
{
	size_t skip = strings->left & (align - 1);
	if (strings->left < skip || strings->left - skip < size) {
		if (size > CHUNK_SIZE / 4)
			return alloc_large(strings, size);
		struct chunk *chunk = calloc(1, CHUNK_SIZE);
		if (!chunk)
			return NULL;
		chunk->next = strings->chunks;
		strings->chunks = chunk;
		strings->bytes += CHUNK_SIZE;
		strings->left = CHUNK_SIZE - sizeof *chunk;
		strings->free = chunk->bytes;
		skip = strings->left & (align - 1);
	}
	void *block = strings->free + skip;
	strings->free += skip + size;
	strings->left -= skip + size;
	return block;
}

void *strings_alloc(struct strings *strings, size_t size)
{
	return alloc_aligned(strings, size, alignof(max_align_t));
}

static uint32_t hash_bytes(const void *bytes, size_t count)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325);
	for (size_t i = 0; i < count; i++)
		hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
	return (uint32_t)(hash ^ hash >> 32);
}

static int table_grow(struct table *table)
{
	size_t size = table->size ? table->size * 2 : 64;
	struct slot *slots = calloc(size, sizeof *slots);
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < table->size; i++) {
		if (!table->slots[i].item)
			continue;
		size_t at = table->slots[i].hash & (size - 1);
		while (slots[at].item)
			at = (at + 1) & (size - 1);
		slots[at] = table->slots[i];
	}
	free(table->slots);
	table->slots = slots;
	table->size = size;
	return 0;
}

/* The slot that holds an equal item, or the empty one where it belongs. There is always an empty one. */
static struct slot *table_find(
	struct table *table, uint32_t hash, bool (*equal)(const void *item, const void *key), const void *key)
{
	size_t at = hash & (table->size - 1);
	while (table->slots[at].item) {
		if (table->slots[at].hash == hash && equal(table->slots[at].item, key))
			break;
		at = (at + 1) & (table->size - 1);
	}
	return &table->slots[at];
}

static int table_reserve(struct table *table)
{
	return (table->used + 1) * 4 > table->size * 3 ? table_grow(table) : 0;
}

static bool string_equal(const void *item, const void *key)
{
	return strcmp(item, key) == 0;
}

int strings_intern(struct strings *strings, const char *string, const char **ret)
{
	if (!string) {
		*ret = NULL;
		return 0;
	}
	if (table_reserve(&strings->strings) < 0)
		return -ENOMEM;
	size_t size = strlen(string) + 1;
	uint32_t hash = hash_bytes(string, size - 1);
	struct slot *slot = table_find(&strings->strings, hash, string_equal, string);
	if (!slot->item) {
		char *copy = alloc_aligned(strings, size, 1);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, string, size);
		*slot = (struct slot){ hash, copy };
		strings->strings.used++;
	}
	*ret = slot->item;
	return 0;
}

/* Both lists hold interned strings: the same words are the same pointers. */
static bool words_equal(const void *item, const void *key)
{
	const struct words *a = item, *b = key;
	return a->count == b->count &&
	       (a->count == 0 || memcmp(a->word, b->word, a->count * sizeof *a->word) == 0);
}

int strings_words(struct strings *strings, size_t count, const char *const *words, const struct words **ret)
{
	int error = -ENOMEM;
	const char *few[16], **own = few;
	if (count > sizeof few / sizeof *few) {
		own = malloc(count * sizeof *own);
		if (!own)
			return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++)
		if (strings_intern(strings, words[i], &own[i]) < 0)
			goto out;
	if (table_reserve(&strings->lists) < 0)
		goto out;
	struct words key = { count, own };
	uint32_t hash = hash_bytes(own, count * sizeof *own);
	struct slot *slot = table_find(&strings->lists, hash, words_equal, &key);
	if (!slot->item) {
		struct words *copy =
			alloc_aligned(strings, sizeof *copy + count * sizeof *own, alignof(struct words));
		if (!copy)
			goto out;
		const char **word = (const char **)(copy + 1);
		if (count)
			memcpy(word, own, count * sizeof *own);
		*copy = (struct words){ count, word };
		*slot = (struct slot){ hash, copy };
		strings->lists.used++;
	}
	*ret = slot->item;
	error = 0;
out:
	if (own != few)
		free(own);
	return error;
}
