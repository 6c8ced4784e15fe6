/**
 * list.h: what a list is made of. [head chunk][counted B+-tree of chunks, the "body"][tail chunk].
 *
 * Everything lies in pages, which have numbers; nothing holds a pointer, so processes can share it. Pages are never
 * unmapped while the list lives: who reads one that has been given another use finds that out by its version.
 *
 * Writers hold one lock, T (lock.h), save replace.c in the body of a private list. There are two copies of the
 * mapping - where head, body and tail are, and how many items each has: map[seq & 1] is the current one. A change of
 * the structure fills the other and then stores seq + 1, its commit (list_flip). tail_end belongs to the mapping, and
 * is the one thing of it that grows without a new seq, by appends.
 *
 * The version of a page: [stamp: the seq of its last change][counter][open]. Closed pages are being changed, or free.
 *
 * Why readers are right (read.c). A reader takes q = seq, reads the mapping of q and finds seq == q still, so that
 * is the mapping of q. In the body it accepts from a page what it finds between two looks at an open version with a
 * stamp of at most q. Claim: that is what the page held under the mapping of q, save for items replaced later but
 * before the change q + 1. (1) In place: a writer closes all pages it will change before it stores seq = w, and
 * opens each with stamp w after it has changed it. Who has q < w sees the page before it was closed, or closed, or
 * with a stamp above q. Who has q >= w has read a seq stored after the pages were closed, so it sees them closed or
 * changed. (2) Copies: a page allocated for the change w has stamp w from before it is filled; with q < w nobody
 * accepts it, and with q >= w it is whole. The page it replaces stays as it was until it is freed, and then it is
 * closed until it is allocated anew, with a higher stamp. (3) A replaced item carries stamp q of the mapping it was
 * found by, so a reader of an older mapping, for which the slot may have another index, does not accept it. The
 * reader's instant is the moment at which seq was q, or, if it saw a replaced item, that moment or the later one at
 * which it was replaced: seq still was q then, as replace.c checks after it has closed the page. For that check the
 * order between closing and reading seq matters, and the same for storing seq and looking at the page: these are
 * sequentially consistent; on x86 a store with release is enough, as reads are not moved before the CAS.
 * Head and tail chunk change under T alone, and their readers also find seq == q at the end.
 *
 * Killed processes (recover.c). In a shared list nothing that can be reached from the current mapping is changed in
 * place, but for single stores: of an item of 1, 2, 4 or 8 bytes, and of tail_end. So whatever was under way has
 * happened when seq, or this word, was stored; and before it has not.
 */
#ifndef KIN_LIB_LIST_LIST_H
#define KIN_LIB_LIST_LIST_H

#include <kin/list.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

/* Tests have small ones. */
#ifndef KIN_LIST_PAGE
#define KIN_LIST_PAGE 4096u
#endif
#ifndef KIN_LIST_FAN
#define KIN_LIST_FAN 64u
#endif
#ifndef KIN_LIST_LEAST
#define KIN_LIST_LEAST (KIN_LIST_PAGE < 4096 ? 4u : 16u) /* items in a chunk, at least */
#endif
#ifndef KIN_LIST_BUG
#define KIN_LIST_BUG 0
#endif

#ifdef KIN_LIST_CHAOS
void kin_list_chaos(void);
#define CHAOS() kin_list_chaos()
#else
#define CHAOS() ((void)0)
#endif

#ifndef __has_feature
#define __has_feature(name) 0
#endif
/** The thread sanitizer knows no fences; what they order is atomic, and this is for its eyes alone. */
#if defined __SANITIZE_THREAD__ || __has_feature(thread_sanitizer)
#define LIST_TSAN 1
#define FENCE(order) atomic_signal_fence(order)
#else
#define FENCE(order) atomic_thread_fence(order)
#endif

#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)

/** Fields that are read while they may be written: relaxed, and checked by a version afterwards. */
#define LD(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define ST(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)

enum {
	FAN = KIN_LIST_FAN,
	GROUP = FAN < 8 ? FAN : 8,
	GROUPS = FAN / GROUP,
	FAN_BITS = FAN == 4    ? 2
		   : FAN == 8  ? 3
		   : FAN == 16 ? 4
		   : FAN == 32 ? 5
			       : 6,
	HEIGHT_MOST = FAN < 16 ? 24 : 10,
	SEGMENT_FIRST = 4,
	SEGMENT_LEAST = 1 << SEGMENT_FIRST,
	SEGMENTS = 31,
	SHOTS_SHARED = 60,
	TRIES = 16, /* of a reader, before it waits in line */
};
_Static_assert(1 << FAN_BITS == FAN, "the number of children is a power of two");

/* --- pages --- */

#define VERSION_OPEN UINT64_C(1)
#define VERSION_STEP UINT64_C(2)
#define VERSION_BITS 11
#define VERSION(stamp) ((uint64_t)(stamp) << VERSION_BITS | VERSION_OPEN)
#define VERSION_STAMP(version) ((version) >> VERSION_BITS)

/**
 * What is known of a page, kept apart from it: if each page began with it, all of them would compete for the same few
 * places in the caches.
 */
struct page {
	_Atomic uint64_t version;
	uint64_t born; // the list's epoch when it was allocated: snapshots before do not have it
	uint16_t start, count; // chunk: first slot in use, and items
	uint32_t link; // chains it to another
	uint32_t number; // its own
	uint32_t inner; // 1: an inner node
};

/** Lies in its page at a place that depends on the number, for the same reason. */
struct inner {
	uint64_t groups
		[GROUPS]; // items of eight children: a search reads one line of these and one of the counts
	uint64_t counts[FAN]; // items below each child; 0 past the last
	uint32_t child[FAN];
	uint32_t count, level; // children; level 0 has chunks below
	uint32_t uniform; // all children but the last have as many items as there can be
	uint32_t unused;
};
/* How many places there are, in lines: a power of two. */
enum { INNER_PLACES = KIN_LIST_PAGE - sizeof(struct inner) >= 32 * 64 ? 32 : 1 };
_Static_assert(sizeof(struct inner) <= KIN_LIST_PAGE, "an inner node is a page");

/** An entry of an inner node. */
struct entry {
	uint64_t count;
	uint32_t page;
};

#define NONE 0u

/* --- the list --- */

struct mapping {
	uint64_t head_count, body_count;
	uint32_t head, head_start; // NONE: there is no such chunk
	uint32_t tail, tail_start;
	uint32_t root, height; // height: levels of inner nodes
};

/** A snapshot, or a free place for one. */
struct shot {
	uint64_t epoch; // 0: free
	struct mapping map;
	uint64_t tail_end;
	uint32_t dead; // pages that only this one and older ones have; chained by links
	int32_t older, newer; // -1: none
	int32_t owner; // process; shared lists only
	uint64_t owner_born, owner_space;
};

/** What the processes of a shared list share; in private lists behind the handle. */
struct top {
	uint64_t magic;
	uint64_t item_size;
	uint32_t page_bytes, fan;
	/* What writers write. */
	_Alignas(64) _Atomic uint32_t lock, parked;
	_Atomic uint64_t tail_end[2];
	/* What readers read. */
	_Alignas(64) _Atomic uint64_t seq;
	uint32_t frozen; // 1: there are snapshots, or all items are in work: overwriting needs T
	_Alignas(64) struct mapping map[2];
	/* Pages; under T. */
	_Alignas(64) uint32_t free, free_count; // chained by links; closed
	uint32_t free_large, free_large_count; // likewise, chunks of several pages
	uint32_t given, given_count; // given back to the system; to be asked for again in shared lists
	uint32_t given_large, given_large_count;
	uint32_t next, end; // pages never used yet
	uint32_t segments;
	uint32_t kept; // free pages not to be given back
	uint64_t live; // pages in use
	/* Snapshots; under T. */
	_Alignas(64) uint64_t epoch;
	int32_t newest, oldest;
	uint32_t broken; // somebody was killed, and what he left is not in order yet
	/* Those who wait for an item. */
	_Alignas(64) _Atomic uint32_t bell;
	uint32_t waiters; // under T
	_Alignas(64) pthread_mutex_t mutex; // T of a shared list
};

struct kin_list {
	struct top *top;
	bool shared;
	bool single; // items are read and written in one piece
	uint32_t capacity; // items in a chunk
	uint32_t units; // pages of a chunk
	uint64_t inverse; // of capacity: 2^64 / capacity, rounded up
	size_t item_size;
	/* Segment k, from SEGMENT_FIRST on, has the 1 << k pages from (1 << k) - SEGMENT_LEAST on. These are where page
	   -SEGMENT_LEAST would be. pages is set last. */
	_Atomic(char *) bytes[SEGMENTS];
	_Atomic(struct page *) pages[SEGMENTS];
	int descriptor;
	_Atomic uint32_t mapped; // segments of a shared list, all up to this one
	struct shot *shots; // of a shared list: in its file
	int32_t shots_room;
};

struct kin_snapshot {
	struct kin_list *list;
	int32_t place;
	uint64_t count;
	struct mapping map;
	uint64_t tail_end;
};

static inline struct shot *list_shot(struct kin_list *list, int32_t place)
{
	return &list->shots[place];
}

/* --- addresses --- */

/** In pages.c: map a segment that another process has added. Returns whether it could be. */
bool pages_map(struct kin_list *list, unsigned segment);

static inline unsigned page_segment(uint32_t page)
{
	return 31 - (unsigned)__builtin_clz(page + SEGMENT_LEAST);
}

/** What is known of a page; NULL only if it is in a segment of a shared list that cannot be mapped. */
static inline struct page *list_page(struct kin_list *list, uint32_t page)
{
	unsigned segment = page_segment(page);
	struct page *pages = atomic_load_explicit(&list->pages[segment], memory_order_acquire);
	if (UNLIKELY(!pages)) {
		if (!pages_map(list, segment))
			return NULL;
		pages = atomic_load_explicit(&list->pages[segment], memory_order_acquire);
	}
	return pages + page + SEGMENT_LEAST;
}

/** The page itself; list_page was called for it before. */
static inline char *list_bytes(const struct kin_list *list, uint32_t page)
{
	char *bytes = atomic_load_explicit(&list->bytes[page_segment(page)], memory_order_relaxed);
	return bytes + (size_t)(page + SEGMENT_LEAST) * KIN_LIST_PAGE;
}

static inline struct inner *list_inner(const struct kin_list *list, uint32_t page)
{
	return (struct inner *)(void *)(list_bytes(list, page) + page % INNER_PLACES * 64);
}

/** A slot of a chunk at an end of the list. */
static inline char *list_slot(const struct kin_list *list, uint32_t page, uint64_t slot)
{
	return list_bytes(list, page) + slot * list->item_size;
}

static inline char *page_slot(const struct kin_list *list, const struct page *page, uint64_t slot)
{
	return list_bytes(list, LD(page->number)) + slot * list->item_size;
}

/** Chunks of capacity items that come before item number `offset` if all are full. */
static inline uint64_t list_divide(const struct kin_list *list, uint64_t offset)
{
	__extension__ typedef unsigned __int128 wide;
	return (uint64_t)((wide)offset * list->inverse >> 64);
}

/* --- the mapping --- */

static inline uint64_t list_seq(const struct top *top)
{
	return atomic_load_explicit(&top->seq, memory_order_relaxed);
}

static inline struct mapping *list_map(struct top *top)
{
	return &top->map[list_seq(top) & 1];
}

static inline uint64_t list_tail_end(struct top *top)
{
	return atomic_load_explicit(&top->tail_end[list_seq(top) & 1], memory_order_relaxed);
}

static inline uint64_t map_count(const struct mapping *map, uint64_t tail_end)
{
	return map->head_count + map->body_count + tail_end - map->tail_start;
}

/** All items; under T. */
static inline uint64_t list_count(struct top *top)
{
	return map_count(list_map(top), list_tail_end(top));
}

#if defined __x86_64__
#define FLIP_ORDER memory_order_release
#else
#define FLIP_ORDER memory_order_seq_cst
#endif

/** Commit a change: under T. */
static inline void list_flip(struct top *top, const struct mapping *map, uint64_t tail_end)
{
	uint64_t next = list_seq(top) + 1;
	struct mapping *to = &top->map[next & 1];
	CHAOS();
	/* A reader two changes late notices by seq. */
	FENCE(memory_order_release);
	ST(to->head_count, map->head_count);
	ST(to->body_count, map->body_count);
	ST(to->head, map->head);
	ST(to->head_start, map->head_start);
	ST(to->tail, map->tail);
	ST(to->tail_start, map->tail_start);
	ST(to->root, map->root);
	ST(to->height, map->height);
	atomic_store_explicit(&top->tail_end[next & 1], tail_end, memory_order_relaxed);
	CHAOS();
	atomic_store_explicit(&top->seq, next, FLIP_ORDER);
	CHAOS();
}

/* --- versions --- */

static inline void page_close(struct page *page)
{
	uint64_t version = atomic_load_explicit(&page->version, memory_order_relaxed);
	atomic_store_explicit(&page->version, version & ~VERSION_OPEN, memory_order_relaxed);
}

static inline void page_open(struct page *page, uint64_t stamp)
{
	CHAOS();
	atomic_store_explicit(&page->version, VERSION(stamp), memory_order_release);
}

/** The version of a chunk after an item was overwritten; false: the counter is at its end, a new seq is needed. */
static inline bool version_after_write(uint64_t *version, uint64_t seq)
{
	uint64_t next = VERSION_STAMP(*version) < seq ? VERSION(seq) : *version + VERSION_STEP;
	bool fits = VERSION_STAMP(next) <= seq;
	*version = fits ? next : *version;
	return fits;
}

/**
 * Before something is written to a place of a page that nobody finds in it by the current mapping: who found it by an
 * older one notices.
 */
static inline void page_restamp(struct page *page, uint64_t stamp)
{
	atomic_store_explicit(&page->version, VERSION(stamp), memory_order_relaxed);
	FENCE(memory_order_release);
}

/** Items may be overwritten without T again if there are no snapshots: after all reads of those that were. */
static inline void list_thaw(struct top *top)
{
	__atomic_store_n(&top->frozen, top->newest >= 0, __ATOMIC_RELEASE);
}

static inline bool list_is_frozen(const struct top *top)
{
	return __atomic_load_n(&top->frozen, __ATOMIC_ACQUIRE) != 0;
}

/** Close a chunk of a private list that replace.c may be at. Returns the version it had. */
uint64_t chunk_close(struct page *page);

#endif
