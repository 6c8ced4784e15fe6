/**
 * edit.h: changes by copying. An edit begins under T with the current mapping; what it makes is seen by nobody until
 * edit_commit. Pages have to be prepared before (pages_prepare): an edit itself cannot fail.
 */
#ifndef KIN_LIB_LIST_EDIT_H
#define KIN_LIB_LIST_EDIT_H

#include "list/list.h"

struct edit {
	struct kin_list *list;
	uint64_t stamp; // of the change
	struct mapping map; // as it will be
	uint64_t tail_end;
	uint32_t retired; // pages that are replaced; chained by links
	uint32_t held[3]; // chunks that go on elsewhere; closed until the commit
	unsigned held_count;
};

/** Where an item of the body is. */
struct path {
	struct inner *node[HEIGHT_MOST];
	uint32_t page[HEIGHT_MOST];
	unsigned k[HEIGHT_MOST]; // the child taken in each
	unsigned height;
	uint32_t chunk;
	uint64_t offset; // in the chunk
};

void edit_begin(struct edit *edit, struct kin_list *list);
/** Publish, and free what was replaced. */
void edit_commit(struct edit *edit);

/**
 * Find item number offset of a body; under T, of the mapping given. offset may be body_count: then behind the last.
 */
void path_find(struct kin_list *list, const struct mapping *map, uint64_t offset, struct path *path);

/** The child of a node in which item number *offset is, which becomes the number in there. */
unsigned inner_find(const struct inner *inner, uint64_t *offset);

/** A page made by this edit, which may be changed in place. */
bool edit_owns(const struct edit *edit, const struct page *page);

/** A page is not part of the new mapping. A chunk is closed, so that nobody writes to it any more; it may be read. */
void edit_retire_chunk(struct edit *edit, uint32_t page);
void edit_retire_inner(struct edit *edit, uint32_t page);

/** A chunk goes on at an end of the list: closed until the commit, after those who may still write to it. */
void edit_keep_closed(struct edit *edit, uint32_t page);

/** A new chunk whose items begin at a slot. */
uint32_t edit_new_chunk(struct edit *edit, uint32_t start, uint32_t count, struct page **ret_page);

/** A copy of a chunk's items [start, start + count), at slot `to`. The old one is retired. */
uint32_t edit_copy_chunk(struct edit *edit, uint32_t page, uint32_t start, uint32_t count, uint32_t to,
	struct page **ret_page);

void edit_copy_items(struct edit *edit, struct page *to, uint64_t to_slot, struct page *from,
	uint64_t from_slot, uint64_t count);

/**
 * In the lowest node of a path: put count children, at most FAN, in the place of `gone` of them, beginning at
 * `from`.
 */
void edit_put(struct edit *edit, struct path *path, unsigned from, unsigned gone, const struct entry *put,
	unsigned count);

/** The body was empty. */
void edit_put_first(struct edit *edit, struct entry chunk);

/* Ends of the body. */
/** Attach the head or tail chunk to the body; it has items. */
void edit_push_head(struct edit *edit);
void edit_push_tail(struct edit *edit);
/** Make the body's first or last chunk the head or tail chunk; there is none, or none with items. */
void edit_pull_head(struct edit *edit);
void edit_pull_tail(struct edit *edit);
/** Head and tail chunk are retired or attached: everything is body. */
void edit_join_ends(struct edit *edit);

/* Items of the body. */
/** Put items in front of number offset. */
void edit_insert(struct edit *edit, uint64_t offset, const char *items, uint64_t count);
/** Remove items; at most all of the body's. to: NULL, or receives them. */
void edit_remove(struct edit *edit, uint64_t offset, uint64_t count, char *to);
/** Overwrite one. */
void edit_write(struct edit *edit, uint64_t offset, const void *item, void *old);
/** Append items at the list's end: to the tail chunk and new ones. */
void edit_append(struct edit *edit, const char *items, uint64_t count);
/** Retire everything. */
void edit_clear(struct edit *edit);

/**
 * Have pages for an edit: chunks new ones for items (edit_chunks_for), and changes at so many places besides. Returns
 * 0 or -ENOMEM.
 */
int edit_prepare(struct kin_list *list, uint64_t chunks, unsigned places);

/** Chunks that so many items take at most. */
uint64_t edit_chunks_for(const struct kin_list *list, uint64_t count);

#endif
