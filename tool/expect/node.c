#include "expect/node.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_SIZE 8192

struct chunk {
	struct chunk *next;
	size_t size;
	alignas(max_align_t) char bytes[];
};

void *tree_alloc(struct expectation *expectation, size_t size)
{
	size_t alignment = alignof(max_align_t);
	size = (size + alignment - 1) / alignment * alignment;
	if (size > expectation->room) {
		size_t capacity = size > CHUNK_SIZE ? size : CHUNK_SIZE;
		struct chunk *chunk = malloc(sizeof *chunk + capacity);
		if (!chunk)
			return NULL;
		chunk->next = expectation->chunks;
		chunk->size = capacity;
		expectation->chunks = chunk;
		expectation->room = capacity;
	}
	struct chunk *chunk = expectation->chunks;
	void *memory = chunk->bytes + chunk->size - expectation->room;
	expectation->room -= size;
	return memset(memory, 0, size);
}

void expectation_destroy(struct expectation *expectation)
{
	if (!expectation)
		return;
	while (expectation->chunks) {
		struct chunk *next = expectation->chunks->next;
		free(expectation->chunks);
		expectation->chunks = next;
	}
	free(expectation->source);
	free(expectation);
}

const char *expectation_source(const struct expectation *expectation)
{
	return expectation->source;
}

unsigned expectation_needs(const struct expectation *expectation)
{
	return expectation->needs;
}

const char *operation_name(enum operation operation)
{
	static const char *const names[] = {
		[OPERATION_OR] = "||",
		[OPERATION_AND] = "&&",
		[OPERATION_EQUAL] = "==",
		[OPERATION_NOT_EQUAL] = "!=",
		[OPERATION_LESS] = "<",
		[OPERATION_LESS_EQUAL] = "<=",
		[OPERATION_GREATER] = ">",
		[OPERATION_GREATER_EQUAL] = ">=",
		[OPERATION_MATCH] = "=~",
		[OPERATION_NO_MATCH] = "!~",
		[OPERATION_HAS] = "has",
		[OPERATION_UNITE] = "|",
		[OPERATION_ADD] = "+",
		[OPERATION_SUBTRACT] = "-",
		[OPERATION_MULTIPLY] = "*",
		[OPERATION_DIVIDE] = "/",
		[OPERATION_REMAINDER] = "%",
	};
	return names[operation];
}
