/* What the fault classifier knows of address spaces: pages, mappings, objects. Checked against plain arrays. */
#include "tap.h"

#include "record/space.h"

#include <sys/mman.h>
#include <unistd.h>

#define PAGES 4096

static unsigned random_below(unsigned limit)
{
	static uint32_t state = 12345;
	state = state * 1664525u + 1013904223u;
	return (unsigned)((uint64_t)(state >> 4) * limit >> 28);
}

/* Pages far apart too: the plain array's page i is this one. */
static uint64_t page_number(unsigned i)
{
	return i < PAGES / 2 ? i : ((uint64_t)1 << 34) + i;
}

struct runs {
	uint8_t *model;
	unsigned pages;
	bool right;
};

static int check_run(void *data, uint64_t first, uint64_t end, enum page_state state)
{
	struct runs *runs = data;
	for (uint64_t page = first; page < end; page++) {
		uint64_t i = page < PAGES / 2 ? page : page - ((uint64_t)1 << 34);
		runs->right &= i < PAGES && runs->model[i] == state && state != PAGE_NEW;
		runs->pages++;
	}
	return 0;
}

static void test_pages(void)
{
	struct pages pages = { 0 };
	uint8_t model[PAGES] = { 0 };
	bool right = true;
	tap_is_int(pages_get(&pages, 5), PAGE_NEW, "a page of an empty set is new");
	for (int round = 0; round < 3000; round++) {
		unsigned half = random_below(2) * PAGES / 2;
		unsigned first = half + random_below(PAGES / 2),
			 length = 1 + random_below(round % 7 ? 4 : 1500);
		if (first + length > half + PAGES / 2)
			length = half + PAGES / 2 - first;
		enum page_state state = (enum page_state)random_below(4);
		pages_set_range(&pages, page_number(first), page_number(first) + length, state);
		memset(model + first, (int)state, length);
		unsigned probe = random_below(PAGES);
		right &= pages_get(&pages, page_number(probe)) == (enum page_state)model[probe];
	}
	for (unsigned i = 0; i < PAGES; i++)
		right &= pages_get(&pages, page_number(i)) == (enum page_state)model[i];
	tap_ok(right, "pages keep what was set, after 3000 ranges");
	struct runs runs = { .model = model, .right = true };
	unsigned touched = 0;
	for (unsigned i = 0; i < PAGES; i++)
		touched += model[i] != PAGE_NEW;
	pages_each(&pages, check_run, &runs);
	tap_ok(runs.right && runs.pages == touched, "each page that is not new is in one run");
	pages_set_range(&pages, 0, 2 * PAGES_CHUNK, PAGE_SEEN);
	size_t chunks = pages.count;
	pages_set_range(
		&pages, ((uint64_t)1 << 34) - ((uint64_t)1 << 33), ((uint64_t)1 << 34) + PAGES - 1, PAGE_NEW);
	pages_set(&pages, page_number(PAGES - 1), PAGE_SEEN);
	pages_set_range(&pages, (uint64_t)1 << 33, page_number(PAGES - 1), PAGE_NEW);
	tap_ok(pages_get(&pages, page_number(PAGES - 1)) == PAGE_SEEN && pages_get(&pages, 5) == PAGE_SEEN,
		"a large range is forgotten up to its ends and no further");
	pages_set_range(&pages, 0, (uint64_t)1 << 40, PAGE_NEW);
	tap_ok(pages_get(&pages, page_number(1)) == PAGE_NEW &&
			pages_get(&pages, page_number(PAGES - 1)) == PAGE_NEW,
		"a range of terabytes is forgotten");
	tap_is_int(pages.count, chunks, "without new memory");
	pages_finish(&pages);
}

static bool same(const struct mappings *mappings, const uint64_t *model, unsigned count)
{
	for (unsigned i = 0; i < count; i++) {
		const struct mapping *found = mappings_find(mappings, i * 10 + 3);
		uint64_t offset = found ? found->offset + (i * 10 - found->start) : 0;
		if (offset != model[i])
			return false;
	}
	return true;
}

#define SLOTS 300

static void test_mappings(void)
{
	struct mappings mappings = { 0 }, copy = { 0 };
	uint64_t model[SLOTS] = { 0 };
	bool right = true;
	tap_ok(!mappings_find(&mappings, 0) && !mappings_next(&mappings, 0), "an empty table has no mapping");
	for (unsigned round = 0; round < 4000; round++) {
		unsigned first = random_below(SLOTS), length = 1 + random_below(12);
		if (first + length > SLOTS)
			length = SLOTS - first;
		bool gone = random_below(3) == 0;
		/* Offsets tell the mappings apart, also the pieces that are left of one. */
		struct mapping mapping = { .start = first * 10,
			.end = (first + length) * 10,
			.offset = (uint64_t)(round + 1) * 100000 };
		if (gone)
			mappings_cut(&mappings, mapping.start, mapping.end);
		else
			mappings_put(&mappings, &mapping);
		for (unsigned i = 0; i < length; i++)
			model[first + i] = gone ? 0 : mapping.offset + i * 10;
		if (round % 50 == 0)
			right &= same(&mappings, model, SLOTS);
	}
	tap_ok(right && same(&mappings, model, SLOTS),
		"a table of mappings keeps what lies where, after 4000 changes");
	uint64_t at = 0;
	const struct mapping *mapping;
	size_t count = 0;
	bool ascending = true;
	while ((mapping = mappings_next(&mappings, at))) {
		ascending &= mapping->start >= at && mapping->end > mapping->start;
		at = mapping->end;
		count++;
	}
	tap_ok(ascending && count == mappings.count, "a walk meets each once, in order");
	tap_ok(mappings_copy(&copy, &mappings) == 0 && same(&copy, model, SLOTS), "a copy is the same");
	mappings_finish(&mappings);
	tap_ok(same(&copy, model, SLOTS), "and stays when the first is gone");
	mappings_finish(&copy);
}

static void test_many_mappings(void)
{
	struct mappings mappings = { 0 };
	const uint64_t many = 60000, top = (uint64_t)1 << 40;
	/* As threads' stacks come: downwards, each with a guard page. */
	for (uint64_t i = 1; i <= many; i++)
		mappings_put(&mappings,
			&(struct mapping){ .start = top - i * 100, .end = top - i * 100 + 90, .offset = i });
	bool right = mappings.count == many;
	for (uint64_t i = 1; i <= many; i++) {
		const struct mapping *found = mappings_find(&mappings, top - i * 100 + 89);
		right &= found && found->offset == i && !mappings_find(&mappings, top - i * 100 + 95);
	}
	tap_ok(right, "60,000 mappings");
	mappings_finish(&mappings);
}

static struct perf_record map_record(
	uint64_t start, uint64_t length, uint32_t prot, uint32_t flags, const char *path)
{
	return (struct perf_record){ .type = PERF_MMAP,
		.pid = 1,
		.tid = 1,
		.mmap = { .start = start,
			.length = length,
			.prot = prot,
			.flags = flags,
			.path = path,
			.inode = *path == '/' && path[1] != '/' ? 7 : 0 } };
}

static const struct mapping *put(struct space *space, struct objects *objects, uint64_t start,
	uint64_t length, uint32_t prot, uint32_t flags, const char *path)
{
	struct perf_record record = map_record(start, length, prot, flags, path);
	space_map(space, objects, &record);
	return mappings_find(&space->mappings, start);
}

#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)

static void test_kinds(struct objects *objects)
{
	static const struct {
		const char *path;
		uint32_t flags;
		enum mapping_kind kind;
		const char *object;
	} cases[] = {
		{ "//anon", MAP_PRIVATE, MAPPING_ANON, NULL },
		{ "", MAP_PRIVATE, MAPPING_ANON, NULL },
		{ "[heap]", MAP_PRIVATE, MAPPING_HEAP, "[heap]" },
		{ "[stack]", MAP_PRIVATE, MAPPING_STACK, "[stack]" },
		{ "[vdso]", MAP_PRIVATE, MAPPING_KERNEL, "[vdso]" },
		{ "[vvar]", MAP_PRIVATE, MAPPING_KERNEL, "[vvar]" },
		{ "[anon:glibc: malloc]", MAP_PRIVATE, MAPPING_ANON, "[anon:glibc: malloc]" },
		{ "/dev/zero (deleted)", MAP_SHARED, MAPPING_SHARED, NULL },
		{ "/dev/zero", MAP_PRIVATE, MAPPING_ANON, NULL },
		{ "/memfd:buffer (deleted)", MAP_SHARED, MAPPING_SHARED, "memfd:buffer" },
		{ "/memfd:buffer (deleted)", MAP_PRIVATE, MAPPING_FILE, "memfd:buffer (deleted)" },
		{ "/SYSV0000002a (deleted)", MAP_SHARED, MAPPING_SHARED, "SYSV0000002a" },
		{ "/dev/shm/segment", MAP_SHARED, MAPPING_SHARED, "/dev/shm/segment" },
		{ "/anon_hugepage (deleted)", MAP_PRIVATE | MAP_HUGETLB, MAPPING_ANON, NULL },
		{ "/srv/data", MAP_SHARED, MAPPING_SHARED_FILE, "/srv/data" },
		{ "/srv/data (deleted)", MAP_PRIVATE, MAPPING_FILE, "/srv/data (deleted)" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct space *space;
		if (space_create(&space, 0) < 0)
			abort();
		const struct mapping *found =
			put(space, objects, 0x100000, 0x1000, RW, cases[i].flags, cases[i].path);
		const char *object = found && found->object ? found->object->path : NULL;
		tap_ok(found && found->kind == cases[i].kind &&
				(cases[i].object ? object && strcmp(object, cases[i].object) == 0 : !object),
			"'%s' %s", cases[i].path, cases[i].flags & MAP_SHARED ? "shared" : "private");
		space_release(space);
	}
}

static void test_heap(struct objects *objects)
{
	struct space *space;
	if (space_create(&space, 0) < 0)
		abort();
	put(space, objects, 0x400000, 0x3000, RX, MAP_PRIVATE, "/bin/program");
	put(space, objects, 0x403000, 0x1000, RW, MAP_PRIVATE, "/bin/program");
	const struct mapping *bss = put(space, objects, 0x404000, 0x1000, RW, MAP_PRIVATE, "//anon");
	tap_ok(bss && bss->kind == MAPPING_ANON, "what follows the program at once is its zeroed data");
	const struct mapping *heap = put(space, objects, 0x900000, 0x21000, RW, MAP_PRIVATE, "//anon");
	tap_ok(heap && heap->kind == MAPPING_HEAP && heap->object,
		"the first brk, which has no name yet, is the heap");
	const struct mapping *far = put(space, objects, 0x7f0000000000, 0x1000, RW, MAP_PRIVATE, "//anon");
	tap_ok(far && far->kind == MAPPING_ANON, "memory far away is not");
	put(space, objects, 0x900000, 0x50000, RW, MAP_PRIVATE, "[heap]");
	heap = mappings_find(&space->mappings, 0x94f000);
	tap_ok(heap && heap->kind == MAPPING_HEAP && heap->start == 0x900000, "it grows");
	space_release(space);
}

static void test_remapping(struct objects *objects)
{
	struct space *space;
	if (space_create(&space, 0) < 0)
		abort();
	uint64_t size = space->page_size, base = 1000 * size;
	put(space, objects, base, 10 * size, RW, MAP_PRIVATE, "//anon");
	pages_set_range(&space->pages, 1000, 1010, PAGE_INHERITED);
	put(space, objects, base + 2 * size, 2 * size, PROT_READ, MAP_PRIVATE, "//anon");
	tap_is_int(pages_get(&space->pages, 1002), PAGE_INHERITED, "mprotect leaves the pages what they are");
	put(space, objects, base, 10 * size, RW, MAP_PRIVATE, "//anon");
	tap_is_int(pages_get(&space->pages, 1002), PAGE_INHERITED,
		"so does mprotect back, whose record is of the whole");
	put(space, objects, base, 14 * size, RW, MAP_PRIVATE, "//anon");
	tap_ok(pages_get(&space->pages, 1009) == PAGE_INHERITED && pages_get(&space->pages, 1011) == PAGE_NEW,
		"a mapping that grew has new pages at its end alone");
	put(space, objects, base + 100 * size, 4 * size, RW, MAP_PRIVATE, "//anon");
	pages_set_range(&space->pages, 1100, 1104, PAGE_INHERITED);
	put(space, objects, base + 100 * size, 4 * size, RW, MAP_PRIVATE, "//anon");
	tap_is_int(pages_get(&space->pages, 1102), PAGE_NEW,
		"a mapping that comes again as it was is a new one");
	pages_set_range(&space->pages, 1100, 1104, PAGE_SEEN);
	put(space, objects, base + 100 * size, 4 * size, PROT_READ, MAP_PRIVATE, "/bin/program");
	tap_is_int(pages_get(&space->pages, 1102), PAGE_NEW, "and so is another in its place");
	pages_set_range(&space->pages, 1100, 1104, PAGE_SEEN);
	put(space, objects, base + 100 * size, 4 * size, RW, MAP_PRIVATE, "/bin/program");
	tap_is_int(pages_get(&space->pages, 1102), PAGE_SEEN, "a file's protection changes");
	space_release(space);
}

static void test_stack(struct objects *objects)
{
	struct space *space;
	if (space_create(&space, 0) < 0)
		abort();
	put(space, objects, 0x100000, 0x10000, RW, MAP_PRIVATE, "//anon");
	space_stack(space, objects, 0x104000, 0x8000);
	const struct mapping *stack = mappings_find(&space->mappings, 0x105000);
	tap_ok(stack && stack->kind == MAPPING_STACK && stack->start == 0x104000 && stack->end == 0x10c000,
		"a thread's stack by address and size");
	const struct mapping *rest = mappings_find(&space->mappings, 0x10d000);
	tap_ok(rest && rest->kind == MAPPING_ANON, "what lies beside it stays");
	put(space, objects, 0x200000, 0x10000, RW, MAP_PRIVATE, "//anon");
	space_stack(space, objects, 0x210000, 0);
	stack = mappings_find(&space->mappings, 0x200000);
	tap_ok(stack && stack->kind == MAPPING_STACK, "a thread's stack by its end");
	tap_is_int(space_stack(space, objects, 0x900000, 0x1000), 0, "one that lies nowhere is no failure");
	space_release(space);
}

static void test_read(struct objects *objects)
{
	struct space *space;
	static int data = 1;
	int local = 2;
	if (space_create(&space, getpid()) < 0)
		abort();
	tap_is_int(space_read(space, objects, 1), 0, "a living process's mappings are read");
	const struct mapping *found = mappings_find(&space->mappings, (uintptr_t)&data);
	tap_ok(found && (found->kind == MAPPING_FILE || found->kind == MAPPING_ANON) &&
			found->prot & PROT_WRITE,
		"its data");
	found = mappings_find(&space->mappings, (uintptr_t)test_read);
	tap_ok(found && found->kind == MAPPING_FILE && found->prot & PROT_EXEC && found->object->inode,
		"its code, with the file's inode");
	found = mappings_find(&space->mappings, (uintptr_t)&local);
	tap_ok(found && found->kind == MAPPING_STACK, "its stack");
	space_release(space);
	if (space_create(&space, 0x7ffffff0) < 0)
		abort();
	tap_is_int(space_read(space, objects, 1), 0, "a process that is gone is no failure");
	tap_ok(space->gone && space->mappings.count == 0, "and is not asked again");
	space_release(space);
}

static void test_conclusion(struct objects *objects)
{
	struct space *maker, *child;
	if (space_create(&maker, 0) < 0)
		abort();
	uint64_t size = maker->page_size;
	put(maker, objects, 1000 * size, 10 * size, RW, MAP_PRIVATE, "//anon");
	put(maker, objects, 1010 * size, 10 * size, RW, MAP_PRIVATE, "/bin/program");
	put(maker, objects, 1020 * size, 10 * size, RW, MAP_SHARED, "/dev/zero (deleted)");
	pages_set_range(&maker->pages, 1008, 1022, PAGE_SEEN);
	pages_set(&maker->pages, 1012, PAGE_WRITTEN);
	if (space_fork(&child, maker, 0) < 0)
		abort();
	tap_is_int(child->mappings.count, 3, "a child has its maker's mappings");
	tap_is_int(space_inherit(child, maker, false), 0, "what it inherited is concluded");
	tap_ok(pages_get(&child->pages, 1009) == PAGE_INHERITED &&
			pages_get(&maker->pages, 1009) == PAGE_INHERITED,
		"memory its maker touched is shared copy-on-write by both");
	tap_ok(pages_get(&child->pages, 1011) == PAGE_SEEN, "a file's page that was read is only seen");
	tap_ok(pages_get(&child->pages, 1012) == PAGE_INHERITED, "one that was written is shared");
	tap_ok(pages_get(&child->pages, 1021) == PAGE_NEW, "shared memory is not copied on write");
	tap_ok(pages_get(&child->pages, 1001) == PAGE_NEW, "nor what nobody touched");
	tap_ok(!child->lineage_known && !maker->lineage_known, "and that this is a conclusion is known");
	space_release(child);
	space_release(maker);
}

int main(void)
{
	struct objects *objects;
	if (objects_create(&objects) < 0)
		abort();
	test_pages();
	test_mappings();
	test_many_mappings();
	test_kinds(objects);
	test_heap(objects);
	test_remapping(objects);
	test_stack(objects);
	test_read(objects);
	test_conclusion(objects);
	objects_destroy(objects);
	return tap_done();
}
