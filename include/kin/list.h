/**
 * kin/list.h: a list that many threads, or processes, use at the same time.
 *
 *	struct kin_list *list;
 *	kin_list_create(&list, sizeof(int));
 *	kin_list_append(list, &(int){ 7 }, NULL);            // from any thread
 *	kin_list_insert(list, 0, &(int){ 3 });
 *	int first;
 *	if (kin_list_get(list, 0, &first) == 0)              // waits for nobody
 *		printf("%d\n", first);
 *	kin_list_remove(list, 0, &first);
 *	kin_list_destroy(list);
 *
 * Items have one size, chosen when the list is made, and an index, 0 to count - 1. Inserting and removing moves the
 * indexes of all items behind, in logarithmic time.
 *
 * What a call promises. **Every call takes effect at one instant between its start and its return, and all threads
 * agree on the order of these instants** (it is linearizable), also calls on many items. kin_list_get gives a copy of
 * the item that had this index at such an instant, whole, never a mixture and never freed memory. An index is no
 * handle: between two calls the item may have moved. What must happen together is one call: kin_list_remove hands
 * back what it removed, kin_list_replace what was there before, kin_list_update runs a function while the item is
 * held. A count that was returned is already in the past.
 *
 * Who waits. Reading (count, get, each, find, snapshots once taken) takes no lock and writes nothing that others
 * read. A reader that others disturb - they change the very part of the list that it reads - looks again, and after
 * a number of lost races waits in line with the writers; so no reader is starved. Writers wait for each other, for
 * as long as one change takes: some tens of nanoseconds, or what the call says. kin_list_update holds the part of
 * the list in which the item is (thousands of bytes), or all writers if the item is near an end of the list, for as
 * long as its function runs; readers of this part wait too.
 *
 * Items are copied in and out; there are no pointers into a list, save those into a snapshot, which nobody changes.
 *
 * Memory: items lie in chunks of 4096 bytes (16 items or more; larger chunks for larger items). After appends a list
 * takes 1.02 times its items; after changes at random places about 1.25 times; at worst twice. What is no longer
 * needed goes back to the system in large portions; kin_list_trim packs what is left.
 *
 * Failures leave a list as it was, and no function prints or ends the program.
 *
 * fork(): a child has a copy of its parent's private lists. As with any memory, a list that another thread was just
 * changing is unusable there. Shared lists are one list in all processes (kin_list_create_shared).
 *
 * No function may be called from a signal handler.
 *
 * The method: a counted B+-tree of chunks with the ends kept apart. Writers pass one short lock; readers check the
 * versions of what they read against the list's sequence number, as the transactions of D. Dice, O. Shalev and
 * N. Shavit do ("Transactional Locking II", DISC 2006). Snapshots, calls on many items and shared lists copy the
 * path they change instead, and publish it by one store.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_LIST_H
#define KIN_LIST_H

#include <kin/pool.h>
#include <kin/sort.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that an item may have at most. */
#define KIN_LIST_ITEM_MOST ((size_t)1 << 20)

/**
 * In place of an index: the last item. A count that somebody asked for a moment ago cannot name it. For
 * kin_list_insert it is the end.
 */
#define KIN_LIST_LAST SIZE_MAX

/** A list; opaque. */
struct kin_list;

/** What a list held at one instant; opaque. */
struct kin_snapshot;

/**
 * Make an empty list for the threads of this process.
 *
 * @param ret_list   receives the list, owned by the caller: kin_list_destroy; untouched on failure
 * @param item_size  bytes of an item, 1 to KIN_LIST_ITEM_MOST
 * @return           0; -EINVAL: no such size; -ENOMEM
 *
 * Takes 64 KiB of addresses and little more memory than its items. Since 0.1.
 */
int kin_list_create(struct kin_list **ret_list, size_t item_size);

/**
 * Make an empty list that several processes use: this one, those forked from it, and those that attach.
 *
 * @param ret_list   receives this process's access to the list; untouched on failure
 * @param item_size  bytes of an item
 * @return           0; -EINVAL: no such size; -ENOMEM; -EMFILE, -ENFILE: no descriptor to be had
 *
 * A process may be killed at any moment, in the middle of any call: the next one to change the list sees it and puts
 * in order what was left, in time linear in the length of the list. A call that was cut off has happened whole, or
 * not at all. Nothing that was acknowledged - whose call returned - is lost.
 *
 * The list lives in anonymous shared memory behind a descriptor, which has to stay open (it is closed in programs
 * that are executed); it is gone when the last process that uses it is. Memory is reserved as the list grows: a lack
 * is -ENOMEM and not a SIGBUS. Changes at random places cost about four times those of a private list: they copy the
 * chunk they change. Since 0.1.
 */
int kin_list_create_shared(struct kin_list **ret_list, size_t item_size);

/**
 * The descriptor behind a shared list, to be handed to another process (over a socket, or by fork and exec with
 * FD_CLOEXEC taken off).
 *
 * @param list  any list
 * @return      a descriptor that belongs to the list; -EINVAL: the list is private
 *
 * Since 0.1.
 */
int kin_list_descriptor(const struct kin_list *list);

/**
 * Use a shared list that another process made.
 *
 * @param ret_list    receives the access, to be ended by kin_list_destroy; untouched on failure
 * @param descriptor  of the list, see kin_list_descriptor; it stays the caller's, the list has a copy
 * @return            0; -EINVAL: no list of this version is behind it; -EBADF; -ENOMEM; -EMFILE
 *
 * Since 0.1.
 */
int kin_list_attach(struct kin_list **ret_list, int descriptor);

/**
 * Free a list, or this process's access to a shared one. Its snapshots have to be released before.
 *
 * @param list  no other thread uses it any more; NULL is welcome
 *
 * Since 0.1.
 */
void kin_list_destroy(struct kin_list *list);

/**
 * @param list  any list
 * @return      number of items
 *
 * Takes no lock. Since 0.1.
 */
size_t kin_list_count(struct kin_list *list);

/**
 * @param list  any list
 * @return      bytes of an item
 *
 * Since 0.1.
 */
size_t kin_list_item_size(const struct kin_list *list);

/**
 * @param list  any list
 * @return      bytes that the list takes: chunks in use and kept, and what keeps them together
 *
 * Takes no lock; a number for people, not in step with the calls. Since 0.1.
 */
size_t kin_list_memory(struct kin_list *list);

/**
 * Add an item at the end.
 *
 * @param list       any list
 * @param item       item_size bytes, copied
 * @param ret_index  NULL, or receives the index it had when it was added; undefined after a failure
 * @return           0; -ENOMEM; -EDEADLK: called from inside of kin_list_update on the same list
 *
 * O(1), O(log n) for one in a thousand. Since 0.1.
 */
int kin_list_append(struct kin_list *list, const void *item, size_t *ret_index);

/**
 * Add many items at the end, one after the other and nothing between them.
 *
 * @param list       any list
 * @param items      the array, copied; can be NULL if count is 0
 * @param count      number of items
 * @param ret_index  NULL, or receives the index of the first
 * @return           as kin_list_append; -EINVAL: no items
 *
 * O(count). Other writers wait. Since 0.1.
 */
int kin_list_append_many(struct kin_list *list, const void *items, size_t count, size_t *ret_index);

/**
 * Put an item in front of the one at an index.
 *
 * @param list   any list
 * @param index  0 to count; KIN_LIST_LAST: the end
 * @param item   item_size bytes, copied
 * @return       0; -ERANGE: no such index; -ENOMEM; -EDEADLK
 *
 * O(log n); O(1) at both ends. Since 0.1.
 */
int kin_list_insert(struct kin_list *list, size_t index, const void *item);

/**
 * Put many items in front of the one at an index.
 *
 * @param list   any list
 * @param index  0 to count; KIN_LIST_LAST: the end
 * @param items  the array, copied; can be NULL if count is 0
 * @param count  number of items
 * @return       as kin_list_insert; -EINVAL: no items
 *
 * O(count + log n). Other writers wait. Since 0.1.
 */
int kin_list_insert_many(struct kin_list *list, size_t index, const void *items, size_t count);

/**
 * Overwrite an item.
 *
 * @param list     any list
 * @param index    0 to count - 1, or KIN_LIST_LAST
 * @param item     item_size bytes, copied
 * @param ret_old  NULL, or receives the item that was there; untouched on failure
 * @return         0; -ERANGE: no such index; -ENOMEM (only while there are snapshots, or if the list is shared);
 *                 -EDEADLK
 *
 * O(log n). Waits for writers of the same part of the list only. Since 0.1.
 */
int kin_list_replace(struct kin_list *list, size_t index, const void *item, void *ret_old);

/**
 * Remove an item and hand it over.
 *
 * @param list      any list
 * @param index     0 to count - 1, or KIN_LIST_LAST
 * @param ret_item  NULL, or receives the item; untouched on failure
 * @return          0; -ERANGE: no such index; -ENOMEM; -EDEADLK
 *
 * O(log n); O(1) at both ends. Since 0.1.
 */
int kin_list_remove(struct kin_list *list, size_t index, void *ret_item);

/**
 * Remove a range of items.
 *
 * @param list       any list
 * @param index      first of them
 * @param count      how many; all of them have to be there
 * @param ret_items  NULL, or receives them, in order
 * @return           0; -ERANGE: not all are there, and none is removed; -ENOMEM; -EDEADLK
 *
 * O(count + log n). Other writers wait. Since 0.1.
 */
int kin_list_remove_many(struct kin_list *list, size_t index, size_t count, void *ret_items);

/**
 * Read an item.
 *
 * @param list      any list
 * @param index     0 to count - 1, or KIN_LIST_LAST
 * @param ret_item  receives a copy; undefined after a failure
 * @return          0; -ERANGE: no such index at some instant of the call; -ENOMEM, in a process that cannot map what
 *                  another added to a shared list; -EDEADLK: called from inside of kin_list_update for an item near
 *                  the one that is held
 *
 * O(log n). Takes no lock, writes nothing that others read. Since 0.1.
 */
int kin_list_get(struct kin_list *list, size_t index, void *ret_item);

/**
 * Read a range of items, as they were together at one instant.
 *
 * @param list       any list
 * @param index      first of them
 * @param count      how many
 * @param ret_items  receives copies; the array's content is undefined after a failure
 * @return           0; -ERANGE: not all were there; -ENOMEM
 *
 * O(count + log n). Since 0.1.
 */
int kin_list_get_many(struct kin_list *list, size_t index, size_t count, void *ret_items);

/**
 * Exchange two items.
 *
 * @param list    any list
 * @param first   0 to count - 1, or KIN_LIST_LAST
 * @param second  likewise; the same index is welcome
 * @return        0; -ERANGE: no such index; -ENOMEM; -EDEADLK
 *
 * O(log n). Since 0.1.
 */
int kin_list_swap(struct kin_list *list, size_t first, size_t second);

/**
 * What kin_list_update does with an item: change it in place and return 0, or return something else, then the item
 * stays as it was. It may read other lists, but not change the list that it is called for (-EDEADLK).
 */
typedef int kin_list_change(void *item, void *arg);

/**
 * Read, change and write an item while nobody else touches it.
 *
 * @param list    any list
 * @param index   0 to count - 1, or KIN_LIST_LAST
 * @param change  called once, with a copy of the item that is written back
 * @param arg     handed to it
 * @return        0; what change returned; -ERANGE: no such index; -ENOMEM; -EDEADLK; -EINVAL: no change
 *
 * O(log n). Since 0.1.
 */
int kin_list_update(struct kin_list *list, size_t index, kin_list_change *change, void *arg);

/**
 * Take the first item; wait for one if there is none.
 *
 * @param list        any list
 * @param ret_item    NULL, or receives the item; untouched on failure
 * @param timeout_ns  at most so long, in nanoseconds; 0: do not wait; negative: without limit
 * @return            0; -ETIMEDOUT: the list was empty all the time; -ENOMEM; -EDEADLK
 *
 * O(1). Those that wait sleep, in no particular order. Since 0.1.
 */
int kin_list_pop_first(struct kin_list *list, void *ret_item, int64_t timeout_ns);

/**
 * Take the last item; wait for one if there is none.
 *
 * @param list        any list
 * @param ret_item    NULL, or receives the item; untouched on failure
 * @param timeout_ns  as for kin_list_pop_first
 * @return            0; -ETIMEDOUT: the list was empty all the time; -ENOMEM; -EDEADLK
 *
 * O(1). Since 0.1.
 */
int kin_list_pop_last(struct kin_list *list, void *ret_item, int64_t timeout_ns);

/**
 * Remove all items.
 *
 * @param list  any list
 * @return      0; -EDEADLK
 *
 * O(n) in chunks. Since 0.1.
 */
int kin_list_clear(struct kin_list *list);

/**
 * Have memory for items to come, so that appending so many cannot fail.
 *
 * @param list   any list
 * @param count  number of items beyond those that are there
 * @return       0; -ENOMEM; -EDEADLK
 *
 * Since 0.1.
 */
int kin_list_reserve(struct kin_list *list, size_t count);

/**
 * Pack the items, and give the memory that is not needed back to the system.
 *
 * @param list  any list
 * @return      0; -ENOMEM: there was none to pack them into; -EDEADLK
 *
 * O(n). Other writers wait. Since 0.1.
 */
int kin_list_trim(struct kin_list *list);

/**
 * Make a list's content an array's: kin_list_clear and kin_list_append_many at one instant.
 *
 * @param list   any list
 * @param items  the array, copied; can be NULL if count is 0
 * @param count  number of items
 * @return       0; -EINVAL: no items; -ENOMEM; -EDEADLK
 *
 * O(n + count). Since 0.1.
 */
int kin_list_assign(struct kin_list *list, const void *items, size_t count);

/**
 * Copy all items to an array.
 *
 * @param list       any list
 * @param items      receives at most room items, those with the lowest indexes
 * @param room       items that the array holds
 * @param ret_count  receives how many there were at that instant; if more than room, only room were copied
 * @return           0; -ENOMEM
 *
 * O(n). Nobody waits. Since 0.1.
 */
int kin_list_export(struct kin_list *list, void *items, size_t room, size_t *ret_count);

/**
 * Append all items of another list.
 *
 * @param list   receives them
 * @param other  is left as it is; can be the same list
 * @return       0; -EINVAL: items of another size; -ENOMEM; -EDEADLK
 *
 * The items of other are those of one instant, and appear in list at one, later instant. O(length of other).
 * Since 0.1.
 */
int kin_list_concat(struct kin_list *list, struct kin_list *other);

/**
 * Sort a list, stably, through a pool.
 *
 * @param list     any list
 * @param pool     NULL: the default pool
 * @param compare  the order; it may not use the list
 * @param arg      handed to it
 * @return         0; -EINVAL: no comparison; -ENOMEM; -EDEADLK; otherwise as kin_sort, and the list is as it was
 *
 * O(n log n). Writers wait until it is done; readers see the list as it was, then sorted. Memory: twice the items.
 * Since 0.1.
 */
int kin_list_sort(struct kin_list *list, struct kin_pool *pool, kin_compare *compare, void *arg);

/**
 * Reverse the order of all items.
 *
 * @param list  any list
 * @param pool  NULL: the default pool
 * @return      0; -ENOMEM; -EDEADLK; otherwise as kin_for, and the list is as it was
 *
 * O(n). Writers wait until it is done. Since 0.1.
 */
int kin_list_reverse(struct kin_list *list, struct kin_pool *pool);

/** Whether an item is what is looked for: 1 yes, 0 no, negative: stop, with this error. */
typedef int kin_list_test(const void *item, void *arg);

/** What to look for, and where. Zero is the default where it says so. */
struct kin_list_search {
	size_t size; /* sizeof(struct kin_list_search), or 0: this version's */
	kin_list_test *test; /* NULL: compare bytes */
	void *arg; /* handed to test */
	const void *bytes; /* without a test: what the item, or a part of it, equals */
	size_t offset, length; /* that part of the item; length 0: from offset to the item's end */
	size_t begin, end; /* indexes; end 0: to the end of the list */
	int parallel; /* 1: by all workers of a pool; the test is called by several at a time */
	struct kin_pool *pool; /* NULL: the default pool */
};

/**
 * Find the first item that fits.
 *
 * @param list       any list
 * @param search     what to look for
 * @param ret_index  NULL, or receives its index
 * @param ret_item   NULL, or receives a copy of it
 * @return           0; -ENOENT: there was none; -EINVAL: a part that is not in the item, neither test nor bytes,
 *                   begin after end; a negative value of the test; -ENOMEM; -EAGAIN as kin_list_snapshot; otherwise
 *                   as kin_for
 *
 * What it says is true for the instant of a snapshot taken in the call. O(n). While it runs, others that change the
 * list copy what they change. Since 0.1.
 */
int kin_list_find(
	struct kin_list *list, const struct kin_list_search *search, size_t *ret_index, void *ret_item);

/**
 * Find the last item that fits; otherwise as kin_list_find.
 *
 * @param list       any list
 * @param search     what to look for
 * @param ret_index  NULL, or receives its index
 * @param ret_item   NULL, or receives a copy of it
 * @return           as kin_list_find
 *
 * Since 0.1.
 */
int kin_list_find_last(
	struct kin_list *list, const struct kin_list_search *search, size_t *ret_index, void *ret_item);

/**
 * A run of items that lie behind one another, index the first one's. Return 0 to go on, anything else to stop.
 */
typedef int kin_list_visit(const void *items, size_t count, size_t index, void *arg);

/**
 * Pass over all items, as they were together at one instant, in order.
 *
 * @param list   any list
 * @param visit  called for run after run
 * @param arg    handed to it
 * @return       0; what visit returned; -EINVAL: no visit; -ENOMEM; -EAGAIN as kin_list_snapshot
 *
 * Nobody waits: others may change the list meanwhile, and visit itself may. O(n). Since 0.1.
 */
int kin_list_each(struct kin_list *list, kin_list_visit *visit, void *arg);

/**
 * Keep what a list holds at this instant.
 *
 * @param list          any list
 * @param ret_snapshot  receives it, owned by the caller: kin_snapshot_release, before the list is destroyed;
 *                      untouched on failure
 * @return              0; -ENOMEM; -EDEADLK; -EAGAIN: a shared list has 60 snapshots already
 *
 * O(1). As long as it is there, the items that others replace or remove stay in memory, and changes inside the list
 * copy the chunk they change. A snapshot of a shared list belongs to the process that took it, and is released when
 * that ends. Since 0.1.
 */
int kin_list_snapshot(struct kin_list *list, struct kin_snapshot **ret_snapshot);

/**
 * End a snapshot.
 *
 * @param snapshot  nobody uses it any more; NULL is welcome
 *
 * Not from inside of kin_list_update on the same list, where it does nothing. O(what was kept for it alone).
 * Since 0.1.
 */
void kin_snapshot_release(struct kin_snapshot *snapshot);

/**
 * @param snapshot  any snapshot
 * @return          number of items
 *
 * Since 0.1.
 */
size_t kin_snapshot_count(const struct kin_snapshot *snapshot);

/**
 * The items of a snapshot from an index on, in place.
 *
 * @param snapshot   any snapshot
 * @param index      0 to count - 1
 * @param ret_count  NULL, or receives how many items lie behind one another from there on
 * @return           the item, valid until the snapshot is released; NULL: no such index, or a shared list's memory
 *                   cannot be mapped
 *
 * O(log n). From any number of threads. Since 0.1.
 */
const void *kin_snapshot_at(const struct kin_snapshot *snapshot, size_t index, size_t *ret_count);

#ifdef __cplusplus
}
#endif

#endif
