/*
 * Paths are copied from the chunk up to the root. Chunks that are full share with a neighbour before they are split,
 * two into three; chunks that are half empty are joined with one if both fit.
 */
#include "list/edit.h"

#include "list/items.h"
#include "list/pages.h"
#include "list/snapshot.h"

#include <stddef.h>

/* --- begin and commit --- */

void edit_begin(struct edit *edit, struct kin_list *list)
{
	*edit = (struct edit){
		.list = list,
		.stamp = list_seq(list->top) + 1,
		.map = *list_map(list->top),
		.tail_end = list_tail_end(list->top),
	};
}

bool edit_owns(const struct edit *edit, const struct page *page)
{
	return VERSION_STAMP(atomic_load_explicit(&page->version, memory_order_relaxed)) == edit->stamp;
}

static void retire(struct edit *edit, uint32_t page)
{
	*pages_link(edit->list, page) = edit->retired;
	edit->retired = page;
}

/* Until the commit, others may still read what it holds; a late replacement must not begin. */
static void hold(struct edit *edit, uint32_t page)
{
	if (edit->list->shared || KIN_LIST_BUG == 3)
		return;
	for (unsigned i = 0; i < edit->held_count; i++)
		if (edit->held[i] == page) {
			edit->held[i] = edit->held[--edit->held_count];
			return;
		}
	chunk_close(list_page(edit->list, page));
}

void edit_retire_chunk(struct edit *edit, uint32_t page)
{
	struct page *at = list_page(edit->list, page);
	if (!edit_owns(edit, at))
		hold(edit, page);
	retire(edit, page);
}

void edit_retire_inner(struct edit *edit, uint32_t page)
{
	if (edit_owns(edit, list_page(edit->list, page)))
		pages_free_inner(edit->list, page);
	else
		retire(edit, page);
}

/* Whoever found it in the body does not read it any more: at an end other items may take their places. */
void edit_keep_closed(struct edit *edit, uint32_t page)
{
	struct page *at = list_page(edit->list, page);
	if (edit->list->shared || edit_owns(edit, at)) {
		page_restamp(at, edit->stamp);
		return;
	}
	chunk_close(at);
	edit->held[edit->held_count++] = page;
}

static void open_again(struct page *page)
{
	uint64_t version = atomic_load_explicit(&page->version, memory_order_relaxed);
	atomic_store_explicit(&page->version, version | VERSION_OPEN, memory_order_release);
}

void edit_commit(struct edit *edit)
{
	struct kin_list *list = edit->list;
	list_flip(list->top, &edit->map, edit->tail_end);
	for (unsigned i = 0; i < edit->held_count; i++)
		page_open(list_page(list, edit->held[i]), edit->stamp);
	while (edit->retired != NONE) {
		uint32_t page = edit->retired;
		edit->retired = *pages_link(list, page);
		bool is_inner = list_page(list, page)->inner;
		if (list->top->newest >= 0 && snapshots_keep(list, page)) {
			if (!is_inner)
				open_again(list_page(list, page));
		} else if (is_inner)
			pages_free_inner(list, page);
		else
			pages_free_chunk(list, page);
	}
	pages_settle(list);
}

/* --- inner nodes --- */

unsigned inner_find(const struct inner *inner, uint64_t *offset)
{
	uint64_t sum = 0, base = 0, at = *offset;
	unsigned group = 0, child = 0;
	for (unsigned i = 0; i < GROUPS; i++) {
		sum += LD(inner->groups[i]);
		bool before = sum <= at;
		group += before;
		base = before ? sum : base;
	}
	/* Behind the last, or torn. */
	if (group >= GROUPS)
		return FAN;
	at -= base;
	const uint64_t *counts = inner->counts + group * GROUP;
	sum = base = 0;
	for (unsigned i = 0; i < GROUP; i++) {
		sum += LD(counts[i]);
		bool before = sum <= at;
		child += before;
		base = before ? sum : base;
	}
	*offset = at - base;
	return group * GROUP + (child < GROUP ? child : GROUP - 1);
}

static uint64_t inner_total(const struct inner *inner)
{
	uint64_t sum = 0;
	for (unsigned i = 0; i < GROUPS; i++)
		sum += inner->groups[i];
	return sum;
}

static uint64_t span(const struct kin_list *list, unsigned level)
{
	return (uint64_t)list->capacity << (FAN_BITS * level);
}

static void inner_fill(
	struct edit *edit, struct inner *inner, unsigned level, const struct entry *entries, unsigned count)
{
	uint64_t all = span(edit->list, level);
	bool uniform = true;
	for (unsigned i = 0; i < FAN; i++) {
		ST(inner->counts[i], i < count ? entries[i].count : 0);
		if (i < count) {
			ST(inner->child[i], entries[i].page);
			uniform &= entries[i].count == all || i == count - 1;
		}
	}
	for (unsigned group = 0; group < GROUPS; group++) {
		uint64_t sum = 0;
		for (unsigned i = 0; i < GROUP; i++)
			sum += inner->counts[group * GROUP + i];
		ST(inner->groups[group], sum);
	}
	ST(inner->count, count);
	ST(inner->level, level);
	ST(inner->uniform, uniform && count && entries[count - 1].count <= all);
}

static struct entry inner_new(struct edit *edit, unsigned level, const struct entry *entries, unsigned count)
{
	uint32_t page = pages_take_inner(edit->list);
	struct inner *inner = list_inner(edit->list, page);
	inner_fill(edit, inner, level, entries, count);
	return (struct entry){ inner_total(inner), page };
}

void path_find(struct kin_list *list, const struct mapping *map, uint64_t offset, struct path *path)
{
	uint32_t page = map->root;
	path->height = map->height;
	for (unsigned depth = 0; depth < map->height; depth++) {
		struct inner *inner = list_inner(list, page);
		path->page[depth] = page;
		path->node[depth] = inner;
		unsigned k = inner_find(inner, &offset);
		if (k == FAN) {
			/* behind the last: in the last */
			k = inner->count - 1;
			offset -= inner_total(inner) - inner->counts[k];
		}
		path->k[depth] = k;
		page = inner->child[k];
	}
	path->chunk = page;
	path->offset = offset;
}

/* --- the way up --- */

enum { ENTRIES_MOST = 2 * FAN + 4 };

/* The new root stands over one node or more, or there is none. */
static void put_root(struct edit *edit, unsigned level, const struct entry *nodes, unsigned count)
{
	struct mapping *map = &edit->map;
	if (count == 0) {
		map->root = NONE;
		map->height = 0;
		map->body_count = 0;
		return;
	}
	struct entry root = nodes[0];
	map->height = level + 1;
	if (count > 1) {
		root = inner_new(edit, level + 1, nodes, count);
		map->height++;
	}
	for (;;) {
		struct inner *inner = list_inner(edit->list, root.page);
		if (map->height == 1 || inner->count > 1)
			break;
		uint32_t old = root.page;
		root.page = inner->child[0];
		edit_retire_inner(edit, old);
		map->height--;
	}
	map->root = root.page;
	map->body_count = root.count;
}

/* Make one node or two of entries, in the place of an old one. */
static unsigned make_nodes(struct edit *edit, uint32_t old, unsigned level, const struct entry *entries,
	unsigned count, bool at_right_edge, struct entry *nodes)
{
	struct inner *inner = list_inner(edit->list, old);
	if (count > 0 && count <= FAN && edit_owns(edit, list_page(edit->list, old))) {
		inner_fill(edit, inner, level, entries, count);
		nodes[0] = (struct entry){ inner_total(inner), old };
		return 1;
	}
	edit_retire_inner(edit, old);
	if (count == 0)
		return 0;
	unsigned first = count <= FAN ? count : at_right_edge ? FAN : count / 2;
	nodes[0] = inner_new(edit, level, entries, first);
	if (first == count)
		return 1;
	nodes[1] = inner_new(edit, level, entries + first, count - first);
	return 2;
}

static unsigned get_entries(const struct inner *inner, struct entry *entries)
{
	for (unsigned i = 0; i < inner->count; i++)
		entries[i] = (struct entry){ inner->counts[i], inner->child[i] };
	return inner->count;
}

/* A node that became small takes in its neighbour, or half of what that has. Returns the first child replaced. */
static unsigned join_neighbour(
	struct edit *edit, const struct inner *parent, unsigned k, struct entry *entries, unsigned *count)
{
	unsigned other = k > 0 ? k - 1 : k + 1;
	uint32_t page = parent->child[other];
	struct inner *neighbour = list_inner(edit->list, page);
	if (other < k) {
		unsigned n = neighbour->count;
		for (unsigned i = *count; i-- > 0;)
			entries[i + n] = entries[i];
		get_entries(neighbour, entries);
		*count += n;
	} else
		*count += get_entries(neighbour, entries + *count);
	edit_retire_inner(edit, page);
	return other < k ? other : k;
}

void edit_put(struct edit *edit, struct path *path, unsigned from, unsigned gone, const struct entry *put,
	unsigned count)
{
	struct entry entries[ENTRIES_MOST], nodes[2], below[2];
	for (unsigned depth = path->height; depth-- > 0;) {
		unsigned level = path->height - 1 - depth;
		struct inner *inner = path->node[depth];
		unsigned n = inner->count, all = n - gone + count; // at most 2 * FAN
		get_entries(inner, entries);
		memmove(entries + from + count, entries + from + gone, (n - from - gone) * sizeof *entries);
		for (unsigned i = 0; i < count; i++)
			entries[from + i] = put[i];
		bool at_right_edge = from + gone == n;
		gone = 1;
		from = depth ? path->k[depth - 1] : 0;
		if (depth && all && all < n && all < FAN / 4 && path->node[depth - 1]->count > 1) {
			from = join_neighbour(edit, path->node[depth - 1], from, entries, &all);
			gone = 2;
			at_right_edge = false;
		}
		count = make_nodes(edit, path->page[depth], level, entries, all, at_right_edge, nodes);
		if (depth == 0)
			put_root(edit, level, nodes, count);
		below[0] = nodes[0];
		below[1] = nodes[1];
		put = below;
	}
}

/* --- chunks --- */

void edit_put_first(struct edit *edit, struct entry chunk)
{
	struct entry root = inner_new(edit, 0, &chunk, 1);
	edit->map.root = root.page;
	edit->map.height = 1;
	edit->map.body_count = chunk.count;
}

uint32_t edit_new_chunk(struct edit *edit, uint32_t start, uint32_t count, struct page **ret_page)
{
	uint32_t page = pages_take_chunk(edit->list);
	*ret_page = list_page(edit->list, page);
	ST((*ret_page)->start, (uint16_t)start);
	ST((*ret_page)->count, (uint16_t)count);
	return page;
}

void edit_copy_items(struct edit *edit, struct page *to, uint64_t to_slot, struct page *from,
	uint64_t from_slot, uint64_t count)
{
	const struct kin_list *list = edit->list;
	copy_bytes(page_slot(list, to, to_slot), page_slot(list, from, from_slot), count * list->item_size);
}

uint32_t edit_copy_chunk(
	struct edit *edit, uint32_t page, uint32_t start, uint32_t count, uint32_t to, struct page **ret_page)
{
	struct page *from = list_page(edit->list, page);
	edit_retire_chunk(edit, page);
	uint32_t copy = edit_new_chunk(edit, to, count, ret_page);
	edit_copy_items(edit, *ret_page, to, from, start, count);
	return copy;
}
