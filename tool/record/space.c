#include "record/space.h"

#include "record/pagemap.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define READ_AGAIN_NS 5000000
/* brk begins up to 1 GiB (arm64; 32 MiB on x86) beyond the program's end. */
#define HEAP_WITHIN ((uint64_t)1 << 30)

#ifndef MAP_HUGETLB
#define MAP_HUGETLB 0x40000
#endif

int space_create(struct space **ret_space, int pid)
{
	struct space *space = calloc(1, sizeof *space);
	if (!space)
		return -ENOMEM;
	space->users = 1;
	space->pid = pid;
	space->page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	space->lineage_known = true;
	*ret_space = space;
	return 0;
}

struct space *space_hold(struct space *space)
{
	if (space)
		space->users++;
	return space;
}

void space_release(struct space *space)
{
	if (!space || --space->users > 0)
		return;
	mappings_finish(&space->mappings);
	pages_finish(&space->pages);
	object_release(space->program);
	free(space);
}

static bool begins(const char *string, const char *prefix)
{
	return strncmp(string, prefix, strlen(prefix)) == 0;
}

/* The names the kernel gives to memory: memory without a file keeps none, shared memory keeps its own. */
static const char *describe(struct mapping *mapping, const char *path)
{
	bool shared = mapping->shared;
	if (*path == '\0' || begins(path, "//anon") || begins(path, "/dev/zero") ||
		begins(path, "/anon_hugepage")) {
		mapping->kind = shared ? MAPPING_SHARED : MAPPING_ANON;
		return NULL;
	}
	if (begins(path, "/memfd:") || begins(path, "/SYSV") || begins(path, "/dev/shm/")) {
		mapping->kind = shared ? MAPPING_SHARED : MAPPING_FILE;
		return begins(path, "/dev/") ? path : path + 1;
	}
	mapping->kind = shared ? MAPPING_SHARED_FILE : MAPPING_FILE;
	if (*path != '[')
		return path;
	if (strcmp(path, "[heap]") == 0)
		mapping->kind = MAPPING_HEAP;
	else if (begins(path, "[stack"))
		mapping->kind = MAPPING_STACK;
	else if (begins(path, "[anon_shmem:"))
		mapping->kind = MAPPING_SHARED;
	else
		mapping->kind = begins(path, "[anon:") ? MAPPING_ANON : MAPPING_KERNEL;
	return path;
}

static bool is_anonymous(const struct mapping *mapping)
{
	return mapping->kind == MAPPING_ANON || mapping->kind == MAPPING_HEAP ||
	       mapping->kind == MAPPING_STACK;
}

/* brk's first record has no name yet: the kernel moves the break after it has told. */
static void recognize_heap(const struct space *space, struct mapping *mapping)
{
	if (mapping->kind == MAPPING_ANON && space->program && mapping->start > space->program_end &&
		mapping->start - space->program_end < HEAP_WITHIN && mapping->prot != PROT_NONE)
		mapping->kind = MAPPING_HEAP;
}

static void note_program(struct space *space, const struct mapping *mapping)
{
	if (mapping->kind != MAPPING_FILE)
		return;
	if (!space->program) {
		object_hold(mapping->object);
		space->program = mapping->object;
	}
	if (space->program == mapping->object && mapping->end > space->program_end)
		space->program_end = mapping->end;
}

/*
 * The same record tells of a new mapping, of one that grew, and of one whose protection changed; only the first has
 * new pages. Nothing tells of munmap, so a mapping that comes again where it was, the same in every way, is new.
 */
static bool is_kept(const struct mapping *old, const struct mapping *mapping)
{
	if (is_anonymous(old) != is_anonymous(mapping) || old->shared || mapping->shared)
		return false;
	bool inside = old->start <= mapping->start && mapping->end <= old->end;
	if (is_anonymous(mapping))
		return !inside || old->prot != mapping->prot || old->grown;
	return old->object == mapping->object && inside && old->prot != mapping->prot &&
	       old->offset + (mapping->start - old->start) == mapping->offset;
}

static void forget_pages(struct space *space, uint64_t start, uint64_t end)
{
	if (start < end)
		pages_set_range(&space->pages, start / space->page_size, end / space->page_size, PAGE_NEW);
}

static void forget_new_pages(struct space *space, struct mapping *mapping)
{
	const struct mapping *old;
	uint64_t at = mapping->start;
	while (at < mapping->end && (old = mappings_next(&space->mappings, at)) &&
		old->start < mapping->end) {
		forget_pages(space, at, old->start);
		uint64_t from = old->start > at ? old->start : at;
		at = old->end < mapping->end ? old->end : mapping->end;
		bool kept = is_kept(old, mapping);
		if (!kept)
			forget_pages(space, from, at);
		else if (old->start != mapping->start || old->end != mapping->end || old->grown)
			mapping->grown = true;
	}
	forget_pages(space, at, mapping->end);
}

static int name_mapping(
	struct objects *objects, struct mapping *mapping, const char *path, const struct perf_record *record)
{
	char name[4096];
	size_t length = strlen(path);
	static const char deleted[] = " (deleted)";
	bool memory = mapping->kind == MAPPING_SHARED && *path != '/';
	if (memory && length < sizeof name && length > sizeof deleted - 1 &&
		strcmp(path + length - (sizeof deleted - 1), deleted) == 0) {
		memcpy(name, path, length - (sizeof deleted - 1));
		name[length - (sizeof deleted - 1)] = '\0';
		path = name;
	}
	return objects_get(
		objects, path, record->mmap.major, record->mmap.minor, record->mmap.inode, &mapping->object);
}

static int fill_mapping(struct space *space, struct objects *objects, const struct perf_record *record,
	struct mapping *mapping)
{
	*mapping = (struct mapping){
		.start = record->mmap.start,
		.end = record->mmap.start + record->mmap.length,
		.offset = record->mmap.offset,
		.prot = (uint8_t)record->mmap.prot,
		.shared = record->mmap.flags & MAP_SHARED,
		.huge = record->mmap.flags & MAP_HUGETLB,
	};
	const char *path = describe(mapping, record->mmap.path);
	recognize_heap(space, mapping);
	if (mapping->kind == MAPPING_HEAP)
		path = "[heap]";
	return path ? name_mapping(objects, mapping, path, record) : 0;
}

int space_map(struct space *space, struct objects *objects, const struct perf_record *record)
{
	struct mapping mapping;
	if (record->mmap.length == 0 || record->mmap.start + record->mmap.length < record->mmap.start)
		return 0;
	int result = fill_mapping(space, objects, record, &mapping);
	if (result < 0)
		return result;
	forget_new_pages(space, &mapping);
	note_program(space, &mapping);
	result = mappings_put(&space->mappings, &mapping);
	object_release(mapping.object);
	return result;
}

/* "start-end perms offset major:minor inode path" */
static bool parse_line(char *line, struct perf_record *record)
{
	char protection[5];
	uint64_t end;
	int path = 0;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n",
		    &record->mmap.start, &end, protection, &record->mmap.offset, &record->mmap.major,
		    &record->mmap.minor, &record->mmap.inode, &path) < 7 ||
		path == 0)
		return false;
	record->mmap.length = end - record->mmap.start;
	record->mmap.prot = (protection[0] == 'r' ? PROT_READ : 0u) |
			    (protection[1] == 'w' ? PROT_WRITE : 0u) |
			    (protection[2] == 'x' ? PROT_EXEC : 0u);
	record->mmap.flags = protection[3] == 's' ? MAP_SHARED : MAP_PRIVATE;
	line[strcspn(line, "\n")] = '\0';
	record->mmap.path = line + path;
	return true;
}

static int read_into(struct space *space, struct objects *objects, FILE *file, struct mappings *mappings)
{
	char *line = NULL;
	size_t size = 0;
	int result = 0;
	while (result == 0 && getline(&line, &size, file) > 0) {
		struct perf_record record = { .type = PERF_MMAP };
		struct mapping mapping;
		if (!parse_line(line, &record))
			continue;
		result = fill_mapping(space, objects, &record, &mapping);
		if (result < 0)
			break;
		/* What makes a mapping a thread's stack, or one of huge pages, is not in the file. */
		const struct mapping *old = mappings_find(&space->mappings, mapping.start);
		if (old && old->start == mapping.start && old->end == mapping.end) {
			mapping.huge = old->huge;
			if (mapping.kind == MAPPING_ANON && old->kind == MAPPING_STACK) {
				mapping.kind = old->kind;
				object_release(mapping.object);
				mapping.object = old->object;
				object_hold(mapping.object);
			}
		}
		result = mappings_put(mappings, &mapping);
		object_release(mapping.object);
	}
	free(line);
	return result;
}

int space_read(struct space *space, struct objects *objects, uint64_t now)
{
	if (space->gone || (space->read_at && now - space->read_at < READ_AGAIN_NS))
		return 0;
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/maps", space->pid);
	FILE *file = fopen(path, "re");
	if (!file) {
		space->gone = errno != ENOMEM && errno != EMFILE && errno != ENFILE;
		return 0;
	}
	space->read_at = now;
	struct mappings mappings = { 0 };
	int result = read_into(space, objects, file, &mappings);
	fclose(file);
	if (result == 0 && mappings.count == 0)
		space->gone = true; /* a zombie, or a process that lets nobody look */
	if (result < 0 || mappings.count == 0) {
		mappings_finish(&mappings);
		return result;
	}
	mappings_finish(&space->mappings);
	space->mappings = mappings;
	return 0;
}

int space_stack(struct space *space, struct objects *objects, uint64_t stack, uint64_t size)
{
	const struct mapping *found =
		stack ? mappings_find(&space->mappings, size ? stack : stack - 1) : NULL;
	if (!found || found->kind != MAPPING_ANON)
		return 0;
	struct mapping mapping = *found;
	if (size && stack + size <= mapping.end) {
		mapping.offset += stack - mapping.start;
		mapping.start = stack;
		mapping.end = stack + size;
	}
	mapping.kind = MAPPING_STACK;
	int result = objects_get(objects, "[thread stack]", 0, 0, 0, &mapping.object);
	if (result == 0)
		result = mappings_put(&space->mappings, &mapping);
	object_release(mapping.object);
	return result;
}

int space_fork(struct space **ret_space, const struct space *from, int pid)
{
	struct space *space;
	int result = space_create(&space, pid);
	if (result < 0)
		return result;
	space->lineage_known = from->lineage_known;
	space->program = from->program;
	object_hold(space->program);
	space->program_end = from->program_end;
	result = mappings_copy(&space->mappings, &from->mappings);
	if (result < 0)
		space_release(space);
	else
		*ret_space = space;
	return result;
}

struct family {
	struct space *child, *maker;
};

static int inherit_run(void *data, uint64_t first, uint64_t end, enum pagemap_kind kind)
{
	struct family *family = data;
	if (kind != PAGEMAP_ANON)
		return pages_set_range(&family->child->pages, first, end, PAGE_SEEN);
	int result = pages_set_range(&family->maker->pages, first, end, PAGE_INHERITED);
	return result < 0 ? result : pages_set_range(&family->child->pages, first, end, PAGE_INHERITED);
}

/* Without the page table: what the maker has touched of its private memory, it has probably written. */
static int conclude_run(void *data, uint64_t first, uint64_t end, enum page_state state)
{
	struct family *family = data;
	uint64_t size = family->child->page_size;
	while (first < end) {
		const struct mapping *mapping = mappings_next(&family->maker->mappings, first * size);
		if (!mapping || mapping->start >= end * size)
			return 0;
		if (mapping->start > first * size)
			first = mapping->start / size;
		uint64_t stop = mapping->end < end * size ? mapping->end / size : end;
		bool written = state == PAGE_WRITTEN || state == PAGE_INHERITED || is_anonymous(mapping);
		int result = mapping->shared
				     ? 0
				     : inherit_run(data, first, stop, written ? PAGEMAP_ANON : PAGEMAP_FILE);
		if (result < 0)
			return result;
		first = stop;
	}
	return 0;
}

int space_inherit(struct space *child, struct space *maker, bool stopped)
{
	struct family family = { child, maker };
	bool whole = false;
	int result = -ESRCH;
	if (stopped)
		result = pagemap_walk(child->pid, &child->mappings, inherit_run, &family, &whole);
	if (result == -ENOMEM)
		return result;
	if (result == 0 && whole)
		return 0;
	child->lineage_known = maker->lineage_known = false;
	return pages_each(&maker->pages, conclude_run, &family);
}
