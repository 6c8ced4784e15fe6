#include "list/check.h"

#include "list/edit.h"
#include "list/lock.h"
#include "list/pages.h"

#include <errno.h>
#include <stdlib.h>

struct checking {
	struct kin_list *list;
	uint8_t *seen;
	uint64_t live, free;
	int wrong; // the first line where something is
};

#define CHECK(checking, holds) \
	do { \
		if (!(holds) && !(checking)->wrong) \
			(checking)->wrong = __LINE__; \
	} while (0)

/* Returns whether it was seen before. */
static bool see(struct checking *checking, uint32_t page, uint32_t units)
{
	if (page == NONE || page + units > checking->list->top->next) {
		CHECK(checking, false);
		return true;
	}
	bool before = false;
	for (uint32_t i = page; i < page + units; i++) {
		before |= checking->seen[i / 8] & 1 << i % 8;
		checking->seen[i / 8] |= (uint8_t)(1 << i % 8);
	}
	return before;
}

static void check_chunk(struct checking *checking, uint32_t page, bool shared)
{
	bool before = see(checking, page, checking->list->units);
	CHECK(checking, !before || shared);
	checking->live += !before;
	const struct page *at = list_page(checking->list, page);
	CHECK(checking, at->version & VERSION_OPEN);
	CHECK(checking, !at->inner && at->number == page);
}

static uint64_t check_below(struct checking *checking, uint32_t page, unsigned height, bool shared)
{
	struct kin_list *list = checking->list;
	uint64_t sum = 0;
	if (height == 0) {
		check_chunk(checking, page, shared);
		const struct page *chunk = list_page(list, page);
		CHECK(checking, chunk->count > 0 && chunk->start + chunk->count <= list->capacity);
		return chunk->count;
	}
	const struct inner *inner = list_inner(list, page);
	bool before = see(checking, page, 1);
	CHECK(checking, !before || shared);
	checking->live += !before;
	CHECK(checking, inner->level == height - 1);
	CHECK(checking, list_page(list, page)->version & VERSION_OPEN && list_page(list, page)->inner);
	CHECK(checking, inner->count > 0 && inner->count <= FAN);
	for (uint32_t k = 0; k < inner->count && !checking->wrong; k++) {
		uint64_t count = check_below(checking, inner->child[k], height - 1, shared || before);
		CHECK(checking, count == inner->counts[k]);
		CHECK(checking, !inner->uniform || k + 1 == inner->count ||
					count == (uint64_t)list->capacity << (FAN_BITS * (height - 1)));
		sum += count;
	}
	uint64_t groups = 0;
	for (unsigned i = 0; i < GROUPS; i++)
		groups += inner->groups[i];
	CHECK(checking, groups == sum);
	for (uint32_t k = inner->count; k < FAN; k++)
		CHECK(checking, inner->counts[k] == 0);
	return sum;
}

static void check_mapping(
	struct checking *checking, const struct mapping *map, uint64_t tail_end, bool shared)
{
	const uint32_t capacity = checking->list->capacity;
	if (map->head != NONE)
		check_chunk(checking, map->head, shared);
	if (map->tail != NONE)
		check_chunk(checking, map->tail, shared);
	CHECK(checking, map->head != NONE || map->head_count == 0);
	CHECK(checking, map->head_start + map->head_count <= capacity);
	CHECK(checking, map->tail != NONE || tail_end == map->tail_start);
	CHECK(checking, map->tail_start <= tail_end && tail_end <= capacity);
	uint64_t body = map->root != NONE ? check_below(checking, map->root, map->height, shared) : 0;
	CHECK(checking, body == map->body_count);
	CHECK(checking, (map->root == NONE) == (map->height == 0));
}

static void check_chain(struct checking *checking, uint32_t page, uint32_t count, uint32_t units)
{
	for (; page != NONE && !checking->wrong; page = *pages_link(checking->list, page)) {
		CHECK(checking, !see(checking, page, units));
		CHECK(checking, count-- > 0);
		checking->free += units;
	}
	CHECK(checking, count == 0);
}

static void check_dead(struct checking *checking, uint32_t page)
{
	/* Reached by the snapshots, so seen already. */
	for (; page != NONE && !checking->wrong; page = *pages_link(checking->list, page))
		CHECK(checking, see(checking, page, 1));
}

static void check_all(struct checking *checking)
{
	struct kin_list *list = checking->list;
	const struct top *top = list->top;
	check_mapping(checking, list_map(list->top), list_tail_end(list->top), false);
	for (int32_t place = top->newest; place >= 0; place = list_shot(list, place)->older) {
		const struct shot *shot = list_shot(list, place);
		CHECK(checking, shot->epoch != 0);
		check_mapping(checking, &shot->map, shot->tail_end, true);
		check_dead(checking, shot->dead);
	}
	CHECK(checking, checking->live == top->live);
	check_chain(checking, top->free, top->free_count, 1);
	check_chain(checking, top->free_large, top->free_large_count, list->units);
	check_chain(checking, top->given, top->given_count, 1);
	check_chain(checking, top->given_large, top->given_large_count, list->units);
	uint64_t seen = 0;
	for (uint32_t page = 1; page < top->next; page++)
		seen += checking->seen[page / 8] >> page % 8 & 1;
	CHECK(checking, seen == top->next - 1);
}

int kin_list_check(struct kin_list *list)
{
	int result = list_lock(list);
	if (result < 0)
		return result;
	struct checking checking = { .list = list,
		.seen = calloc(1, list->top->next / 8 + list->units / 8 + 2) };
	if (checking.seen)
		check_all(&checking);
	list_unlock(list);
	free(checking.seen);
	return checking.seen ? checking.wrong : -ENOMEM;
}
