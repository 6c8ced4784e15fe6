#include "sort/memory.h"

#include <kin/shm.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define LINE 64
#define HUGE_PAGE ((size_t)2 << 20)

size_t memory_rounded(size_t size)
{
	return (size + LINE - 1) / LINE * LINE;
}

void *memory_cut(char **rest, size_t size)
{
	void *piece = *rest;
	*rest += memory_rounded(size);
	return piece;
}

static int map(struct memory *memory, size_t size)
{
	void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (bytes == MAP_FAILED)
		return -ENOMEM;
	madvise(bytes, size, MADV_HUGEPAGE);
	*memory = (struct memory){ .bytes = bytes, .size = size, .mapped = true };
	return 0;
}

int memory_init(struct memory *memory, size_t size, bool shared)
{
	void *bytes;
	if (size > SIZE_MAX - HUGE_PAGE)
		return -ENOMEM;
	if (shared) {
		int result = kin_shared_alloc(&bytes, size);
		if (result < 0)
			return result;
		*memory = (struct memory){ .bytes = bytes, .size = size, .shared = true };
		return 0;
	}
	if (size >= HUGE_PAGE)
		return map(memory, size);
	bytes = aligned_alloc(LINE, memory_rounded(size ? size : 1));
	if (!bytes)
		return -ENOMEM;
	*memory = (struct memory){ .bytes = bytes, .size = size };
	return 0;
}

void memory_finish(struct memory *memory)
{
	if (memory->shared)
		kin_shared_free(memory->bytes);
	else if (memory->mapped)
		munmap(memory->bytes, memory->size);
	else
		free(memory->bytes);
	*memory = (struct memory){ 0 };
}
