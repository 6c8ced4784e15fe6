#include "list/recover.h"

#include "list/pages.h"
#include "list/snapshot.h"

#include <errno.h>
#include <stdlib.h>

struct sweep {
	struct kin_list *list;
	uint8_t *used;
	struct shot *dead_of; // what is reached now and was not before is dead but for this snapshot
};

static bool mark(struct sweep *sweep, uint32_t page, unsigned units)
{
	struct kin_list *list = sweep->list;
	if (sweep->used[page / 8] & 1 << page % 8)
		return false;
	for (uint32_t i = page; i < page + units; i++)
		sweep->used[i / 8] |= (uint8_t)(1 << i % 8);
	list->top->live++;
	if (sweep->dead_of) {
		*pages_link(list, page) = sweep->dead_of->dead;
		sweep->dead_of->dead = page;
	}
	return true;
}

/* What is marked is marked with all below. */
static void mark_below(struct sweep *sweep, uint32_t page, unsigned height)
{
	if (height == 0) {
		mark(sweep, page, sweep->list->units);
		return;
	}
	if (!mark(sweep, page, 1))
		return;
	const struct inner *inner = list_inner(sweep->list, page);
	for (uint32_t k = 0; k < inner->count; k++)
		mark_below(sweep, inner->child[k], height - 1);
}

static void mark_mapping(struct sweep *sweep, const struct mapping *map)
{
	if (map->head != NONE)
		mark_below(sweep, map->head, 0);
	if (map->tail != NONE)
		mark_below(sweep, map->tail, 0);
	if (map->root != NONE)
		mark_below(sweep, map->root, map->height);
}

/* The snapshot that comes after one in age, the newest for UINT64_MAX; -1: none. */
static int32_t next_older(const struct kin_list *list, uint64_t epoch)
{
	int32_t found = -1;
	for (int32_t place = 0; place < SHOTS_SHARED; place++)
		if (list->shots[place].epoch && list->shots[place].epoch < epoch &&
			(found < 0 || list->shots[place].epoch > list->shots[found].epoch))
			found = place;
	return found;
}

static void order_snapshots(struct kin_list *list)
{
	struct top *top = list->top;
	uint64_t epoch = UINT64_MAX;
	int32_t newer = -1, place;
	top->newest = top->oldest = -1;
	while ((place = next_older(list, epoch)) >= 0) {
		struct shot *shot = &list->shots[place];
		epoch = shot->epoch;
		shot->dead = NONE;
		shot->newer = newer;
		shot->older = -1;
		if (newer >= 0)
			list->shots[newer].older = place;
		else
			top->newest = place;
		top->oldest = newer = place;
	}
	if (top->newest >= 0 && top->epoch <= list->shots[top->newest].epoch)
		top->epoch = list->shots[top->newest].epoch + 1;
	ST(top->frozen, top->newest >= 0);
}

int recover(struct kin_list *list)
{
	struct top *top = list->top;
	/* A chunk that straddles the end of what counts as used was being taken. */
	struct sweep sweep = { .list = list, .used = calloc(1, top->next / 8 + list->units / 8 + 2) };
	if (!sweep.used)
		return -ENOMEM;
	top->live = 0;
	order_snapshots(list);
	mark_mapping(&sweep, list_map(top));
	for (int32_t place = top->newest; place >= 0; place = list->shots[place].older) {
		sweep.dead_of = &list->shots[place];
		mark_mapping(&sweep, &sweep.dead_of->map);
	}
	pages_sweep(list, sweep.used);
	free(sweep.used);
	snapshots_reap(list);
	top->waiters = 0;
	atomic_fetch_add_explicit(&top->bell, 1, memory_order_relaxed);
	top->broken = 0;
	return 0;
}
