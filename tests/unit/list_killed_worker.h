/**
 * list_killed_worker.h: a process at random calls on a shared list that writes down what it is about, until it is
 * killed.
 */
#ifndef KIN_TESTS_LIST_KILLED_WORKER_H
#define KIN_TESTS_LIST_KILLED_WORKER_H

#include <kin/list.h>

#include "list/list.h"
#include "tap.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <unistd.h>

#ifdef KIN_LIST_CHAOS
#define MANY 40
#define ITEMS_FULL 250 /* from so many items on, more are removed than added */
#else
#define MANY 400
#define ITEMS_FULL 3000
#endif

enum {
	WORKERS = 4,
	SLOTS = 1 << 14, // items that a worker has
	ALL_SLOTS = WORKERS * SLOTS,
	SIZE_MOST = 24,
};

enum kind { NOTHING, ADD, TAKE, EXCHANGE, OTHER };

/* What a worker is about. */
struct record {
	_Atomic uint32_t kind, returned;
	uint32_t count; // items to be added or handed out
	uint32_t slot[MANY]; // to be added
	char room[MANY * SIZE_MOST]; // handed out
	_Atomic uint32_t parked, errors, armed; // armed: points left to live; 0: many
	uint64_t random;
	uint32_t next_slot;
	uint64_t calls;
};

static struct {
	_Atomic uint32_t stop; // odd: everybody stops after his call
	_Atomic uint32_t quit;
	struct record record[WORKERS];
	_Atomic int8_t balance[ALL_SLOTS]; // 1: acknowledged as added, and not as removed
} * shared;

static struct kin_list *list;
static size_t item_size;
static struct record *mine; // of a worker

/* --- items: a slot, how often it was changed, and a sum of both; several times over --- */

struct item {
	uint32_t slot : 24, changes : 8;
	uint32_t check;
};

static uint32_t item_check(struct item item)
{
	return (item.slot * 0x9e3779b1u ^ item.changes) * 0x85ebca6bu + 1;
}

static void encode(void *to, uint32_t slot, uint32_t changes)
{
	struct item item = { .slot = slot, .changes = changes & 0xff };
	item.check = item_check(item);
	for (size_t at = 0; at < item_size && at < SIZE_MOST; at += sizeof item)
		memcpy((char *)to + at, &item, sizeof item);
}

/* The slot, or ALL_SLOTS if the item is not whole. */
static struct item decode(const void *from)
{
	struct item item;
	memcpy(&item, from, sizeof item);
	bool whole = item.slot < ALL_SLOTS && item.check == item_check(item);
	for (size_t at = 0; at < item_size; at += sizeof item)
		whole = whole && memcmp((const char *)from + at, &item, sizeof item) == 0;
	if (!whole)
		item.slot = ALL_SLOTS;
	return item;
}

static uint32_t below(uint64_t *random, size_t limit)
{
	*random = *random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((*random >> 33) * limit >> 31);
}

/* --- a worker --- */

void kin_list_chaos(void);
void kin_list_chaos(void)
{
	if (mine && atomic_load(&mine->armed) && atomic_fetch_sub(&mine->armed, 1) == 1)
		kill(getpid(), SIGKILL);
}

static void begin(enum kind kind, uint32_t count)
{
	mine->count = count;
	atomic_store(&mine->returned, 0);
	atomic_store(&mine->kind, kind);
}

/* Until here it was a call that was cut off. */
static void acknowledge(int result)
{
	const enum kind kind = atomic_load(&mine->kind);
	if (result != 0 && result != -ERANGE && result != -ETIMEDOUT)
		atomic_fetch_add(&mine->errors, 1);
	atomic_store(&mine->returned, 1);
	for (uint32_t i = 0; result == 0 && kind != OTHER && i < mine->count; i++) {
		if (kind != TAKE)
			atomic_fetch_add(&shared->balance[mine->slot[i]], 1);
		if (kind != ADD) {
			uint32_t slot = decode(mine->room + i * item_size).slot;
			if (slot < ALL_SLOTS)
				atomic_fetch_sub(&shared->balance[slot], 1);
			else
				atomic_fetch_add(&mine->errors, 1);
		}
	}
	atomic_store(&mine->kind, NOTHING);
	mine->calls++;
}

/* New items: slots of mine that are nowhere. */
static void make_items(char *items, uint32_t count)
{
	uint32_t first = (uint32_t)(mine - shared->record) * SLOTS;
	for (uint32_t i = 0; i < count; mine->next_slot++) {
		uint32_t slot = first + mine->next_slot % SLOTS;
		if (atomic_load(&shared->balance[slot]) != 0)
			continue;
		mine->slot[i] = slot;
		encode(items + i * item_size, slot, 0);
		i++;
	}
}

static void put_some(uint32_t dice, size_t index)
{
	static char items[MANY * SIZE_MOST];
	uint32_t count = dice < 70 ? 1 : 1 + below(&mine->random, MANY);
	make_items(items, count);
	begin(ADD, count);
	int result = dice < 35   ? kin_list_append(list, items, NULL)
		     : dice < 70 ? kin_list_insert(list, index, items)
		     : dice < 85 ? kin_list_append_many(list, items, count, NULL)
				 : kin_list_insert_many(list, index, items, count);
	acknowledge(result);
}

static void take_some(uint32_t dice, size_t index)
{
	uint32_t count = dice < 75 ? 1 : 1 + below(&mine->random, MANY);
	begin(TAKE, count);
	int result = dice < 40   ? kin_list_remove(list, index, mine->room)
		     : dice < 50 ? kin_list_remove(list, KIN_LIST_LAST, mine->room)
		     : dice < 65 ? kin_list_pop_first(list, mine->room, 0)
		     : dice < 75 ? kin_list_pop_last(list, mine->room, 0)
				 : kin_list_remove_many(list, index, count, mine->room);
	acknowledge(result);
}

static int change_item(void *item, void *arg)
{
	(void)arg;
	struct item was = decode(item);
	if (was.slot == ALL_SLOTS)
		return -EILSEQ;
	encode(item, was.slot, was.changes + 1);
	kin_list_chaos();
	return 0;
}

static void change_some(uint32_t dice, size_t index, size_t other)
{
	char item[SIZE_MOST];
	if (dice < 50) {
		make_items(item, 1);
		begin(EXCHANGE, 1);
		acknowledge(kin_list_replace(list, index, item, mine->room));
		return;
	}
	begin(OTHER, 0);
	acknowledge(dice < 80 ? kin_list_update(list, index, change_item, NULL)
			      : kin_list_swap(list, index, other));
}

static int visit_items(const void *items, size_t count, size_t index, void *arg)
{
	(void)index;
	(void)arg;
	for (size_t i = 0; i < count; i++)
		if (decode((const char *)items + i * item_size).slot == ALL_SLOTS)
			return -EILSEQ;
	return 0;
}

static void read_some(uint32_t dice, size_t index)
{
	char item[SIZE_MOST];
	struct kin_snapshot *snapshot = NULL;
	int result = 0;
	begin(OTHER, 0);
	if (dice < 60) {
		result = kin_list_get(list, index, item);
		if (result == 0)
			result = visit_items(item, 1, index, NULL);
	} else if (dice < 80)
		result = kin_list_each(list, visit_items, NULL);
	else if (dice < 97) {
		result = kin_list_snapshot(list, &snapshot);
		if (result == 0 && kin_snapshot_count(snapshot))
			result = visit_items(kin_snapshot_at(snapshot, 0, NULL), 1, 0, NULL);
		kin_snapshot_release(snapshot);
	} else
		result = kin_list_trim(list);
	acknowledge(result);
}

static void call_once(void)
{
	size_t count = kin_list_count(list), index = below(&mine->random, count + 1);
	uint32_t what = below(&mine->random, 100), dice = below(&mine->random, 100);
	uint32_t puts = count > ITEMS_FULL ? 15 : 32;
	if (what < puts)
		put_some(dice, index);
	else if (what < 60)
		take_some(dice, index);
	else if (what < 85)
		change_some(dice, index, below(&mine->random, count + 1));
	else
		read_some(dice, index);
}

/* Every other one has the list from its descriptor. */
static void worker_run(unsigned number)
{
	if (number % 2 && kin_list_attach(&list, kin_list_descriptor(list)) < 0)
		_exit(2);
	mine = &shared->record[number];
	while (!atomic_load(&shared->quit)) {
		uint32_t stop = atomic_load(&shared->stop);
		if (stop % 2) {
			atomic_store(&mine->parked, stop);
			while (atomic_load(&shared->stop) == stop)
				usleep(20);
			continue;
		}
		call_once();
	}
	_exit(0);
}

static pid_t worker_start(unsigned number, uint64_t random)
{
	struct record *record = &shared->record[number];
	atomic_store(&record->kind, NOTHING);
	atomic_store(&record->parked, 0);
	atomic_store(&record->armed, 0);
	record->random = random;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		worker_run(number);
	}
	return pid;
}

#endif
