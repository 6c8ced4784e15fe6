#include "list/snapshot.h"

#include "base/api.h"
#include "base/sysfile.h"
#include "list/edit.h"
#include "list/lock.h"
#include "list/pages.h"
#include "list/read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* --- whose it is --- */

/* When a process began, in ticks since boot; 0: there is none. */
static uint64_t process_born(int32_t pid)
{
	char path[32], text[1024];
	snprintf(path, sizeof path, "/proc/%d/stat", pid);
	if (sysfile_read(path, text, sizeof text) < 0)
		return 0;
	/* Field 22; the name, field 2, can hold anything. */
	const char *at = strrchr(text, ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at ? strtoull(at, NULL, 10) : 0;
}

/* Numbers of processes mean something within a namespace; 0: unknown. */
static uint64_t process_space(void)
{
	struct stat status;
	return stat("/proc/self/ns/pid", &status) < 0 ? 0 : status.st_ino;
}

static bool is_orphaned(const struct shot *shot)
{
	if (shot->owner == getpid() || shot->owner_space == 0 || shot->owner_space != process_space())
		return false;
	return process_born(shot->owner) != shot->owner_born;
}

/* --- the table --- */

bool snapshots_keep(struct kin_list *list, uint32_t page)
{
	struct shot *newest = list_shot(list, list->top->newest);
	if (list_page(list, page)->born > newest->epoch)
		return false;
	*pages_link(list, page) = newest->dead;
	newest->dead = page;
	return true;
}

/* A free place, or -EAGAIN, -ENOMEM. */
static int32_t find_place(struct kin_list *list)
{
	int32_t room = list->shots_room;
	for (int32_t place = 0; place < room; place++)
		if (list_shot(list, place)->epoch == 0)
			return place;
	if (list->shared)
		return -EAGAIN;
	int32_t more = room ? 2 * room : 4;
	struct shot *shots = realloc(list->shots, (size_t)more * sizeof *shots);
	if (!shots)
		return -ENOMEM;
	memset(shots + room, 0, (size_t)(more - room) * sizeof *shots);
	list->shots = shots;
	list->shots_room = more;
	return room;
}

/* Before the place counts as taken, all of it is there: the epoch comes last. */
static void take_place(struct kin_list *list, int32_t place)
{
	struct top *top = list->top;
	struct shot *shot = list_shot(list, place);
	*shot = (struct shot){
		.map = *list_map(top), .tail_end = list_tail_end(top), .older = top->newest, .newer = -1
	};
	if (list->shared) {
		shot->owner = getpid();
		shot->owner_born = process_born(shot->owner);
		shot->owner_space = shot->owner_born ? process_space() : 0;
	}
	__atomic_store_n(&shot->epoch, top->epoch, __ATOMIC_RELEASE);
	if (top->newest >= 0)
		list_shot(list, top->newest)->newer = place;
	else
		top->oldest = place;
	top->newest = place;
	top->epoch++;
	/* Who overwrites an item without T finds another seq, and then that there is a snapshot. */
	ST(top->frozen, 1);
	const struct mapping same = shot->map;
	list_flip(top, &same, shot->tail_end);
}

static void free_dead(struct kin_list *list, uint32_t page)
{
	struct page *at = list_page(list, page);
	if (at->inner) {
		pages_free_inner(list, page);
		return;
	}
	/* A late replacement may have closed it, and will open it again. */
	if (!list->shared)
		chunk_close(at);
	pages_free_chunk(list, page);
}

static void drop_place(struct kin_list *list, int32_t place)
{
	struct top *top = list->top;
	struct shot *shot = list_shot(list, place);
	struct shot *older = shot->older >= 0 ? list_shot(list, shot->older) : NULL;
	uint32_t page = shot->dead;
	if (older)
		older->newer = shot->newer;
	else
		top->oldest = shot->newer;
	if (shot->newer >= 0)
		list_shot(list, shot->newer)->older = shot->older;
	else
		top->newest = shot->older;
	__atomic_store_n(&shot->epoch, 0, __ATOMIC_RELEASE);
	while (page != NONE) {
		uint32_t *link = pages_link(list, page), next = *link;
		if (older && list_page(list, page)->born <= older->epoch) {
			*link = older->dead;
			older->dead = page;
		} else
			free_dead(list, page);
		page = next;
	}
	list_thaw(top);
	pages_settle(list);
}

void snapshots_reap(struct kin_list *list)
{
	for (int32_t place = 0; place < SHOTS_SHARED; place++)
		if (list->shots[place].epoch && is_orphaned(&list->shots[place]))
			drop_place(list, place);
}

/* --- for programs --- */

KIN_API int kin_list_snapshot(struct kin_list *list, struct kin_snapshot **ret_snapshot)
{
	const int saved = errno;
	struct kin_snapshot *snapshot = calloc(1, sizeof *snapshot);
	if (!snapshot)
		return -ENOMEM;
	int result = list_lock(list);
	if (result < 0) {
		free(snapshot);
		return result;
	}
	if (list->shared && list->top->newest >= 0)
		snapshots_reap(list);
	int32_t place = find_place(list);
	if (place >= 0) {
		take_place(list, place);
		const struct shot *shot = list_shot(list, place);
		*snapshot = (struct kin_snapshot){ .list = list,
			.place = place,
			.count = map_count(&shot->map, shot->tail_end),
			.map = shot->map,
			.tail_end = shot->tail_end };
	}
	list_unlock(list);
	errno = saved;
	if (place < 0) {
		free(snapshot);
		return place;
	}
	*ret_snapshot = snapshot;
	return 0;
}

KIN_API void kin_snapshot_release(struct kin_snapshot *snapshot)
{
	if (!snapshot)
		return;
	struct kin_list *list = snapshot->list;
	if (list_lock(list) == 0) {
		drop_place(list, snapshot->place);
		list_unlock(list);
	}
	free(snapshot);
}

KIN_API size_t kin_snapshot_count(const struct kin_snapshot *snapshot)
{
	return snapshot->count;
}

KIN_API const void *kin_snapshot_at(const struct kin_snapshot *snapshot, size_t index, size_t *ret_count)
{
	struct kin_list *list = snapshot->list;
	const struct mapping *map = &snapshot->map;
	if (index >= snapshot->count)
		return NULL;
	struct page *page;
	uint64_t slot, end;
	if (index < map->head_count) {
		page = list_page(list, map->head);
		slot = map->head_start + index;
		end = map->head_start + map->head_count;
	} else if (index - map->head_count < map->body_count) {
		uint64_t offset = index - map->head_count;
		uint32_t id = map->root;
		for (unsigned depth = 0; depth < map->height; depth++) {
			if (!list_page(list, id))
				return NULL;
			const struct inner *inner = list_inner(list, id);
			unsigned k = inner_find(inner, &offset);
			if (k == FAN)
				return NULL;
			id = inner->child[k];
		}
		page = list_page(list, id);
		if (page) {
			/* Who overwrites an item just now had begun before the snapshot. */
			if (!list->shared)
				read_await_open(page);
			slot = page->start + offset;
			end = page->start + page->count;
		}
	} else {
		page = list_page(list, map->tail);
		slot = map->tail_start + (index - map->head_count - map->body_count);
		end = snapshot->tail_end;
	}
	if (!page)
		return NULL;
	if (ret_count)
		*ret_count = end - slot;
	return page_slot(list, page, slot);
}
