/* What edits do with items and with the ends of the list. */
#include "list/edit.h"
#include "list/items.h"
#include "list/pages.h"
#include "list/snapshot.h"

#include <string.h>

uint64_t edit_chunks_for(const struct kin_list *list, uint64_t count)
{
	return list_divide(list, count) + 4;
}

int edit_prepare(struct kin_list *list, uint64_t chunks, unsigned places)
{
	unsigned height = list_map(list->top)->height + 2;
	return pages_prepare(list, chunks * 4 / FAN + places * (2 * height + 1), chunks + 4 * places);
}

/* --- pouring items into new chunks --- */

struct piece {
	const char *items;
	uint64_t count;
};

/* Items from several places, to be put into chunks of about equal length. */
struct pour {
	struct edit *edit;
	struct piece pieces[4];
	unsigned at;
	uint64_t left, chunks; // still to be poured
};

static void pour_piece(struct pour *pour, const char *items, uint64_t count)
{
	unsigned at = 0;
	while (pour->pieces[at].count)
		at++;
	pour->pieces[at] = (struct piece){ items, count };
	pour->left += count;
}

static void pour_chunk_of(struct pour *pour, struct page *page, uint32_t start, uint32_t count)
{
	if (count)
		pour_piece(pour, page_slot(pour->edit->list, page, start), count);
}

static struct entry pour_next(struct pour *pour)
{
	struct kin_list *list = pour->edit->list;
	const size_t size = list->item_size;
	uint32_t count = (uint32_t)((pour->left + pour->chunks - 1) / pour->chunks);
	uint32_t slot = (list->capacity - count) / 2; // room on both sides
	struct page *page;
	struct entry entry = { count, edit_new_chunk(pour->edit, slot, count, &page) };
	pour->left -= count;
	pour->chunks--;
	while (count) {
		struct piece *piece = &pour->pieces[pour->at];
		uint32_t now = piece->count < count ? (uint32_t)piece->count : count;
		copy_bytes(page_slot(list, page, slot), piece->items, now * size);
		piece->items += now * size;
		piece->count -= now;
		slot += now;
		count -= now;
		pour->at += piece->count == 0;
	}
	return entry;
}

/* --- ends --- */

/* Its items as the chunk's header has to say. */
static uint32_t settle_end(struct edit *edit, uint32_t page, uint32_t start, uint32_t count)
{
	struct kin_list *list = edit->list;
	struct page *at = list_page(list, page);
	if (snapshots_have(list, at)) {
		struct page *copy;
		return edit_copy_chunk(edit, page, start, count, start, &copy);
	}
	page_restamp(at, edit->stamp);
	ST(at->start, (uint16_t)start);
	ST(at->count, (uint16_t)count);
	return page;
}

static void push(struct edit *edit, uint32_t page, uint32_t start, uint32_t count, bool first)
{
	struct kin_list *list = edit->list;
	const struct mapping *map = &edit->map;
	struct path path;
	struct page *next;
	if (map->root == NONE) {
		edit_put_first(edit, (struct entry){ count, settle_end(edit, page, start, count) });
		return;
	}
	path_find(list, map, first ? 0 : map->body_count, &path);
	unsigned k = path.k[path.height - 1];
	next = list_page(list, path.chunk);
	if (count + next->count > list->capacity || 2 * count > list->capacity) {
		struct entry entry = { count, settle_end(edit, page, start, count) };
		edit_put(edit, &path, first ? 0 : k + 1, 0, &entry, 1);
		return;
	}
	struct page *at = list_page(list, page);
	struct pour pour = { .edit = edit, .chunks = 1 };
	edit_retire_chunk(edit, page);
	edit_retire_chunk(edit, path.chunk);
	if (first)
		pour_chunk_of(&pour, at, start, count);
	pour_chunk_of(&pour, next, next->start, next->count);
	if (!first)
		pour_chunk_of(&pour, at, start, count);
	struct entry both = pour_next(&pour);
	edit_put(edit, &path, k, 1, &both, 1);
}

void edit_push_head(struct edit *edit)
{
	struct mapping *map = &edit->map;
	push(edit, map->head, map->head_start, (uint32_t)map->head_count, true);
	map->head = NONE;
	map->head_count = map->head_start = 0;
}

void edit_push_tail(struct edit *edit)
{
	struct mapping *map = &edit->map;
	push(edit, map->tail, map->tail_start, (uint32_t)edit->tail_end - map->tail_start, false);
	map->tail = NONE;
	edit->tail_end = map->tail_start = 0;
}

void edit_join_ends(struct edit *edit)
{
	struct mapping *map = &edit->map;
	if (map->head_count)
		edit_push_head(edit);
	else if (map->head != NONE)
		edit_retire_chunk(edit, map->head);
	map->head = NONE;
	map->head_start = 0;
	if (edit->tail_end > map->tail_start)
		edit_push_tail(edit);
	else if (map->tail != NONE)
		edit_retire_chunk(edit, map->tail);
	map->tail = NONE;
	edit->tail_end = map->tail_start = 0;
}

void edit_pull_head(struct edit *edit)
{
	struct mapping *map = &edit->map;
	struct path path;
	if (map->head != NONE)
		edit_retire_chunk(edit, map->head);
	path_find(edit->list, map, 0, &path);
	const struct page *page = list_page(edit->list, path.chunk);
	edit_keep_closed(edit, path.chunk);
	map->head = path.chunk;
	map->head_start = page->start;
	map->head_count = page->count;
	edit_put(edit, &path, 0, 1, NULL, 0);
}

void edit_pull_tail(struct edit *edit)
{
	struct mapping *map = &edit->map;
	struct path path;
	if (map->tail != NONE)
		edit_retire_chunk(edit, map->tail);
	path_find(edit->list, map, map->body_count, &path);
	const struct page *page = list_page(edit->list, path.chunk);
	edit_keep_closed(edit, path.chunk);
	map->tail = path.chunk;
	map->tail_start = page->start;
	edit->tail_end = page->start + page->count;
	edit_put(edit, &path, path.k[path.height - 1], 1, NULL, 0);
}

/* --- items --- */

void edit_append(struct edit *edit, const char *items, uint64_t count)
{
	struct kin_list *list = edit->list;
	struct mapping *map = &edit->map;
	while (count) {
		struct page *page;
		if (map->tail != NONE && edit->tail_end == list->capacity) {
			if (map->tail_start < edit->tail_end)
				edit_push_tail(edit);
			else
				edit_retire_chunk(edit, map->tail);
			map->tail = NONE;
		}
		if (map->tail == NONE) {
			map->tail = edit_new_chunk(edit, 0, 0, &page);
			map->tail_start = 0;
			edit->tail_end = 0;
		}
		page = list_page(list, map->tail);
		uint64_t room = list->capacity - edit->tail_end, now = count < room ? count : room;
		copy_bytes(page_slot(list, page, edit->tail_end), items, now * list->item_size);
		edit->tail_end += now;
		items += now * list->item_size;
		count -= now;
	}
}

/* A full chunk shares with its less full neighbour; two full ones become three. */
static unsigned share(struct pour *pour, const struct path *path, struct page *chunk, const char *item)
{
	struct edit *edit = pour->edit;
	struct kin_list *list = edit->list;
	const struct inner *parent = path->node[path->height - 1];
	unsigned k = path->k[path->height - 1], n = parent->count, other = k;
	if (k > 0)
		other = k - 1;
	if (k + 1 < n && (other == k || parent->counts[k + 1] < parent->counts[other]))
		other = k + 1;
	struct page *neighbour = NULL;
	if (other != k) {
		edit_retire_chunk(edit, parent->child[other]);
		neighbour = list_page(list, parent->child[other]);
	}
	if (other < k)
		pour_chunk_of(pour, neighbour, neighbour->start, neighbour->count);
	pour_chunk_of(pour, chunk, chunk->start, (uint32_t)path->offset);
	pour_piece(pour, item, 1);
	pour_chunk_of(
		pour, chunk, chunk->start + (uint32_t)path->offset, chunk->count - (uint32_t)path->offset);
	if (other > k)
		pour_chunk_of(pour, neighbour, neighbour->start, neighbour->count);
	pour->chunks = pour->left <= 2 * (uint64_t)list->capacity - list->capacity / 8 ? 2 : 3;
	return other;
}

static void insert_into_nothing(struct edit *edit, const char *items, uint64_t count)
{
	struct pour pour = { .edit = edit };
	pour_piece(&pour, items, count);
	pour.chunks = (count + edit->list->capacity - 1) / edit->list->capacity;
	edit_put_first(edit, pour_next(&pour));
	while (pour.chunks) {
		struct path path;
		struct entry entry = pour_next(&pour);
		path_find(edit->list, &edit->map, edit->map.body_count, &path);
		edit_put(edit, &path, path.k[path.height - 1] + 1, 0, &entry, 1);
	}
}

void edit_insert(struct edit *edit, uint64_t offset, const char *items, uint64_t count)
{
	struct kin_list *list = edit->list;
	struct path path;
	if (edit->map.root == NONE) {
		insert_into_nothing(edit, items, count);
		return;
	}
	path_find(list, &edit->map, offset, &path);
	unsigned k = path.k[path.height - 1], from = k, gone = 1;
	struct page *chunk = list_page(list, path.chunk);
	struct pour pour = { .edit = edit };
	edit_retire_chunk(edit, path.chunk);
	uint32_t before = (uint32_t)path.offset;
	uint64_t done = offset - path.offset; // where the next new chunk goes
	if (count == 1 && chunk->count == list->capacity) {
		unsigned other = share(&pour, &path, chunk, items);
		gone += other != k;
		from = other < k ? other : k;
	} else {
		pour_chunk_of(&pour, chunk, chunk->start, before);
		pour_piece(&pour, items, count);
		pour_chunk_of(&pour, chunk, chunk->start + before, chunk->count - before);
		pour.chunks = (pour.left + list->capacity - 1) / list->capacity;
	}
	while (pour.chunks) {
		struct entry entries[GROUP];
		unsigned made = 0;
		while (pour.chunks && made < GROUP) {
			entries[made] = pour_next(&pour);
			done += entries[made++].count;
		}
		edit_put(edit, &path, from, gone, entries, made);
		if (!pour.chunks)
			break;
		path_find(list, &edit->map, done, &path);
		from = path.k[path.height - 1] + (done == edit->map.body_count);
		gone = 0;
	}
}

/* Of what is left of a chunk make a new one, with a neighbour in it if both fit. */
static void replace_rest(
	struct edit *edit, struct path *path, struct page *chunk, uint32_t gap, uint32_t gone)
{
	struct kin_list *list = edit->list;
	const struct inner *parent = path->node[path->height - 1];
	unsigned k = path->k[path->height - 1], n = parent->count, other = k;
	const uint32_t rest = chunk->count - gone, most = list->capacity - list->capacity / 16;
	if (rest < list->capacity / 2) {
		if (k > 0 && parent->counts[k - 1] + rest <= most)
			other = k - 1;
		else if (k + 1 < n && parent->counts[k + 1] + rest <= most)
			other = k + 1;
	}
	struct pour pour = { .edit = edit, .chunks = 1 };
	struct page *neighbour = NULL;
	if (other != k) {
		neighbour = list_page(list, parent->child[other]);
		edit_retire_chunk(edit, parent->child[other]);
	}
	if (other < k)
		pour_chunk_of(&pour, neighbour, neighbour->start, neighbour->count);
	pour_chunk_of(&pour, chunk, chunk->start, gap);
	pour_chunk_of(&pour, chunk, chunk->start + gap + gone, rest - gap);
	if (other > k)
		pour_chunk_of(&pour, neighbour, neighbour->start, neighbour->count);
	struct entry entry = pour_next(&pour);
	edit_put(edit, path, other < k ? other : k, 1 + (other != k), &entry, 1);
}

void edit_remove(struct edit *edit, uint64_t offset, uint64_t count, char *to)
{
	struct kin_list *list = edit->list;
	while (count) {
		struct path path;
		path_find(list, &edit->map, offset, &path);
		struct page *chunk = list_page(list, path.chunk);
		uint32_t gap = (uint32_t)path.offset, here = chunk->count - gap;
		uint32_t now = count < here ? (uint32_t)count : here;
		edit_retire_chunk(edit, path.chunk);
		if (to) {
			copy_bytes(to, page_slot(list, chunk, chunk->start + gap), now * list->item_size);
			to += now * list->item_size;
		}
		if (now == chunk->count)
			edit_put(edit, &path, path.k[path.height - 1], 1, NULL, 0);
		else
			replace_rest(edit, &path, chunk, gap, now);
		count -= now;
	}
}

void edit_write(struct edit *edit, uint64_t offset, const void *item, void *old)
{
	struct kin_list *list = edit->list;
	struct path path;
	path_find(list, &edit->map, offset, &path);
	struct page *chunk = list_page(list, path.chunk), *copy;
	struct entry entry = { chunk->count,
		edit_copy_chunk(edit, path.chunk, chunk->start, chunk->count, chunk->start, &copy) };
	char *slot = page_slot(list, copy, copy->start + path.offset);
	if (old)
		memcpy(old, slot, list->item_size);
	copy_bytes(slot, item, list->item_size);
	edit_put(edit, &path, path.k[path.height - 1], 1, &entry, 1);
}

static void retire_below(struct edit *edit, uint32_t page, unsigned height)
{
	struct inner *inner = list_inner(edit->list, page);
	for (unsigned k = 0; k < inner->count; k++) {
		if (height > 1)
			retire_below(edit, inner->child[k], height - 1);
		else
			edit_retire_chunk(edit, inner->child[k]);
	}
	edit_retire_inner(edit, page);
}

void edit_clear(struct edit *edit)
{
	struct mapping *map = &edit->map;
	if (map->head != NONE)
		edit_retire_chunk(edit, map->head);
	if (map->tail != NONE)
		edit_retire_chunk(edit, map->tail);
	if (map->root != NONE)
		retire_below(edit, map->root, map->height);
	*map = (struct mapping){ 0 };
	edit->tail_end = 0;
}
