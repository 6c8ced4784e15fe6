/*
 * Segments double in size, so a number says which one it is in, and small lists are small. Free pages are chained by
 * what is known of them, not in them: those that were given back to the system stay untouched.
 *
 * The memory of a shared list is asked for with fallocate before it is used, pages that were given back as well: a
 * lack is an error here, and not a SIGBUS there.
 */
#include "list/pages.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define SYSTEM_PAGE ((size_t)4096)
/* Free pages that are kept, beside an eighth of those in use, and how many are given back at a time. */
#define KEPT 64
enum { GIVEN_AT_ONCE = 32 };

void pages_init(struct kin_list *list, size_t item_size)
{
	const size_t least = KIN_LIST_LEAST;
	size_t bytes = least * item_size;
	list->item_size = item_size;
	list->units = (uint32_t)((bytes + KIN_LIST_PAGE - 1) / KIN_LIST_PAGE);
	list->capacity = (uint32_t)((size_t)list->units * KIN_LIST_PAGE / item_size);
	list->inverse = UINT64_MAX / list->capacity + 1;
	list->single = item_size == 4 || item_size == 8;
}

static uint32_t segment_pages(unsigned segment)
{
	return 1u << segment;
}

static uint32_t segment_first(unsigned segment)
{
	return segment_pages(segment) - SEGMENT_LEAST;
}

/* Pages, and what is known of them. */
static size_t segment_bytes(unsigned segment)
{
	size_t pages = segment_pages(segment);
	size_t bytes = pages * (KIN_LIST_PAGE + sizeof(struct page));
	return (bytes + SYSTEM_PAGE - 1) & ~(SYSTEM_PAGE - 1);
}

static size_t segment_offset(unsigned segment)
{
	size_t offset = PAGES_FILE_HEAD;
	for (unsigned before = SEGMENT_FIRST; before < segment; before++)
		offset += segment_bytes(before);
	return offset;
}

bool pages_map(struct kin_list *list, unsigned segment)
{
	const int saved = errno;
	const size_t bytes = segment_bytes(segment), pages = segment_pages(segment);
	char *memory = list->shared ? mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, list->descriptor,
					      (off_t)segment_offset(segment))
				    : mmap(NULL, bytes, PROT_READ | PROT_WRITE,
					      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	errno = saved;
	if (memory == MAP_FAILED)
		return false;
	/* Another thread may be at it too. */
	char *before = (char *)((uintptr_t)memory - pages * KIN_LIST_PAGE), *other = NULL;
	if (!atomic_compare_exchange_strong(&list->bytes[segment], &other, before)) {
		munmap(memory, bytes);
		before = other;
	}
	uintptr_t known = (uintptr_t)before + 2 * pages * KIN_LIST_PAGE - pages * sizeof(struct page);
	atomic_store_explicit(&list->pages[segment], (struct page *)known, memory_order_release);
	return true;
}

void pages_finish(struct kin_list *list)
{
	for (unsigned segment = SEGMENT_FIRST; segment < SEGMENTS; segment++) {
		char *bytes = atomic_load_explicit(&list->bytes[segment], memory_order_relaxed);
		if (bytes)
			munmap(bytes + (size_t)segment_pages(segment) * KIN_LIST_PAGE,
				segment_bytes(segment));
	}
}

uint32_t *pages_link(struct kin_list *list, uint32_t page)
{
	return &list_page(list, page)->link;
}

/* --- chains --- */

static void push(struct kin_list *list, uint32_t *chain, uint32_t *count, uint32_t page)
{
	*pages_link(list, page) = *chain;
	*chain = page;
	++*count;
}

static uint32_t pop(struct kin_list *list, uint32_t *chain, uint32_t *count)
{
	uint32_t page = *chain;
	*chain = *pages_link(list, page);
	--*count;
	return page;
}

/* --- from the system, and back --- */

static size_t page_offset(uint32_t page)
{
	unsigned segment = page_segment(page);
	return segment_offset(segment) + (page - segment_first(segment)) * KIN_LIST_PAGE;
}

static int reserve(const struct kin_list *list, size_t offset, size_t bytes)
{
	int result;
	do
		result = fallocate(list->descriptor, 0, (off_t)offset, (off_t)bytes);
	while (result < 0 && errno == EINTR);
	return result < 0 ? -ENOMEM : 0;
}

static void give_run(struct kin_list *list, uint32_t page, uint32_t count)
{
	size_t bytes = (size_t)count * KIN_LIST_PAGE;
	if (KIN_LIST_PAGE < SYSTEM_PAGE)
		return;
	if (!list->shared)
		madvise(list_bytes(list, page), bytes, MADV_DONTNEED);
	else
		(void)!fallocate(list->descriptor, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			(off_t)page_offset(page), (off_t)bytes);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static void give_some(struct kin_list *list, uint32_t *from, uint32_t *from_count, uint32_t *to,
	uint32_t *to_count, uint32_t units)
{
	const int saved = errno;
	uint32_t pages[GIVEN_AT_ONCE], count = 0, first;
	while (count < GIVEN_AT_ONCE && *from)
		pages[count++] = pop(list, from, from_count);
	qsort(pages, count, sizeof *pages, by_number);
	for (uint32_t i = 0; i < count; i = first) {
		first = i + 1;
		while (first < count && pages[first] == pages[first - 1] + units &&
			page_segment(pages[first]) == page_segment(pages[i]))
			first++;
		give_run(list, pages[i], (first - i) * units);
	}
	while (count-- > 0)
		push(list, to, to_count, pages[count]);
	errno = saved;
}

void pages_give_back(struct kin_list *list)
{
	struct top *top = list->top;
	top->kept = 0;
	while (top->free)
		give_some(list, &top->free, &top->free_count, &top->given, &top->given_count, 1);
	while (top->free_large)
		give_some(list, &top->free_large, &top->free_large_count, &top->given_large,
			&top->given_large_count, list->units);
}

static int add_segment(struct kin_list *list)
{
	struct top *top = list->top;
	unsigned segment = top->segments;
	if (segment >= SEGMENTS)
		return -ENOMEM;
	if (list->shared) {
		size_t offset = segment_offset(segment), bytes = segment_bytes(segment);
		size_t pages = (size_t)segment_pages(segment) * KIN_LIST_PAGE;
		if (ftruncate(list->descriptor, (off_t)(offset + bytes)) < 0 ||
			reserve(list, offset + pages, bytes - pages) < 0)
			return -ENOMEM;
	}
	if (!atomic_load(&list->pages[segment]) && !pages_map(list, segment))
		return -ENOMEM;
	top->segments++;
	if (!list->shared)
		top->end = (uint32_t)segment_first(segment + 1);
	return 0;
}

/* More pages never used yet. */
static int extend(struct kin_list *list)
{
	struct top *top = list->top;
	uint64_t mapped = segment_first(top->segments);
	if (top->end >= mapped)
		return add_segment(list) < 0 ? -ENOMEM : list->shared ? extend(list) : 0;
	/* Of a shared list: the next sixteenth of what it has, within its segment. */
	uint64_t more = top->end / 16 + 16, room = mapped - top->end;
	if (more < 2 * list->units)
		more = 2 * list->units;
	if (more > room)
		more = room;
	if (reserve(list, page_offset(top->end), (size_t)more * KIN_LIST_PAGE) < 0)
		return -ENOMEM;
	top->end += (uint32_t)more;
	return 0;
}

/* In a shared list, ask again for what was given back. */
static int ask_again(struct kin_list *list, uint32_t *given, uint32_t *given_count, uint32_t *to,
	uint32_t *to_count, uint32_t units, uint64_t need)
{
	while (*given && *to_count < need) {
		if (list->shared && reserve(list, page_offset(*given), (size_t)units * KIN_LIST_PAGE) < 0)
			return -ENOMEM;
		push(list, to, to_count, pop(list, given, given_count));
	}
	return 0;
}

int pages_prepare(struct kin_list *list, uint64_t inner, uint64_t chunks)
{
	struct top *top = list->top;
	const uint32_t units = list->units;
	const int saved = errno;
	if (units == 1) {
		inner += chunks;
		chunks = 0;
	}
	if (LIKELY(top->free_count >= inner && top->free_large_count >= chunks))
		return 0;
	int result = ask_again(list, &top->given, &top->given_count, &top->free, &top->free_count, 1, inner);
	if (result == 0 && chunks)
		result = ask_again(list, &top->given_large, &top->given_large_count, &top->free_large,
			&top->free_large_count, units, chunks);
	uint64_t need = (top->free_count < inner ? inner - top->free_count : 0);
	if (top->free_large_count < chunks)
		need += (chunks - top->free_large_count + 2) * units;
	if (need > UINT32_MAX / 2)
		result = -ENOMEM;
	/* A chunk does not go on in the next segment: what is left of one is lost to chunks. */
	while (result == 0 && top->end - top->next < need + (chunks ? (uint64_t)units * top->segments : 0))
		result = extend(list);
	errno = saved;
	return result;
}

static uint32_t begin_use(struct kin_list *list, uint32_t page, bool inner)
{
	struct top *top = list->top;
	struct page *at = list_page(list, page);
	/* With this stamp nobody who reads it now accepts it. */
	atomic_store_explicit(&at->version, VERSION(list_seq(top) + 1), memory_order_relaxed);
	FENCE(memory_order_release);
	ST(at->born, top->epoch);
	ST(at->number, page);
	ST(at->inner, inner);
	top->live++;
	return page;
}

static uint32_t take_single(struct kin_list *list)
{
	struct top *top = list->top;
	return top->free ? pop(list, &top->free, &top->free_count) : top->next++;
}

uint32_t pages_take_inner(struct kin_list *list)
{
	return begin_use(list, take_single(list), true);
}

uint32_t pages_take_chunk(struct kin_list *list)
{
	struct top *top = list->top;
	const uint32_t units = list->units;
	if (units == 1)
		return begin_use(list, take_single(list), false);
	if (top->free_large)
		return begin_use(list, pop(list, &top->free_large, &top->free_large_count), false);
	while (page_segment(top->next) != page_segment(top->next + units - 1)) {
		push(list, &top->free, &top->free_count, top->next);
		top->next++;
	}
	top->next += units;
	return begin_use(list, top->next - units, false);
}

void pages_free_inner(struct kin_list *list, uint32_t page)
{
	struct top *top = list->top;
	page_close(list_page(list, page));
	push(list, &top->free, &top->free_count, page);
	top->live--;
}

void pages_free_chunk(struct kin_list *list, uint32_t page)
{
	struct top *top = list->top;
	if (list->units == 1) {
		pages_free_inner(list, page);
		return;
	}
	page_close(list_page(list, page));
	push(list, &top->free_large, &top->free_large_count, page);
	top->live--;
}

static bool is_much(const struct kin_list *list, uint32_t free_count, uint32_t units)
{
	const struct top *top = list->top;
	uint64_t kept = top->live / 8 + KEPT / units + 2;
	return free_count > (kept > top->kept ? kept : top->kept) + GIVEN_AT_ONCE / units;
}

void pages_settle(struct kin_list *list)
{
	struct top *top = list->top;
	while (UNLIKELY(is_much(list, top->free_count, 1)))
		give_some(list, &top->free, &top->free_count, &top->given, &top->given_count, 1);
	while (list->units > 1 && UNLIKELY(is_much(list, top->free_large_count, list->units)))
		give_some(list, &top->free_large, &top->free_large_count, &top->given_large,
			&top->given_large_count, list->units);
}

void pages_keep(struct kin_list *list)
{
	struct top *top = list->top;
	top->kept = top->free_count > top->free_large_count ? top->free_count : top->free_large_count;
}

int pages_map_all(struct kin_list *list)
{
	uint32_t mapped = atomic_load_explicit(&list->mapped, memory_order_relaxed);
	while (UNLIKELY(mapped < list->top->segments)) {
		if (mapped >= SEGMENT_FIRST && !atomic_load(&list->pages[mapped]) && !pages_map(list, mapped))
			return -ENOMEM;
		atomic_store_explicit(&list->mapped, ++mapped, memory_order_relaxed);
	}
	return 0;
}

void pages_sweep(struct kin_list *list, const uint8_t *used)
{
	struct top *top = list->top;
	top->free = top->free_large = top->given = top->given_large = NONE;
	top->free_count = top->free_large_count = top->given_count = top->given_large_count = 0;
	uint32_t run;
	for (uint32_t page = 1; page < top->next; page += run) {
		run = 1;
		if (used[page / 8] & 1 << page % 8)
			continue;
		while (page + run < top->next && !(used[(page + run) / 8] & 1 << (page + run) % 8) &&
			page_segment(page + run) == page_segment(page))
			run++;
		uint32_t left = run, at = page;
		for (; list->units > 1 && left >= list->units; left -= list->units, at += list->units) {
			push(list, &top->given_large, &top->given_large_count, at);
		}
		for (; left; left--, at++)
			push(list, &top->given, &top->given_count, at);
	}
}

uint64_t pages_bytes(struct kin_list *list)
{
	const struct top *top = list->top;
	uint64_t given = (uint64_t)LD(top->given_count) + (uint64_t)LD(top->given_large_count) * list->units;
	uint64_t touched = LD(top->next);
	return (touched - (given < touched ? given : touched)) * KIN_LIST_PAGE +
	       touched * sizeof(struct page);
}
