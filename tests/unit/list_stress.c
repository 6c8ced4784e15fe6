/*
 * Threads at random calls on one list, each item with a mark of who made it: in the end every item is in the list once,
 * or was handed out once. Then producers and consumers who wait.
 *
 * Compiled twice: for the library, and with the list's sources and tiny pages.
 */
#include <kin/list.h>

#include "list/check.h"
#include "tap.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
#define SLOWLY 4 /* times fewer calls */
#else
#define SLOWLY 1
#endif

enum {
	THREADS = 4,
	CALLS = 40000 / SLOWLY, // of a thread
	SERIALS = 2 * CALLS, // of a thread; no more are made
	MANY = 20,
	ROOM = 4096,
	WATCHDOG = 100, // seconds; nothing takes so long but a sleeper that nobody wakes
};

struct item {
	uint32_t owner, serial;
	uint32_t changes; // by update
	uint32_t check;
};

struct worker {
	pthread_t handle;
	uint64_t random;
	uint32_t owner, serials;
	uint32_t errors;
	struct item room[ROOM];
};

static struct {
	struct kin_list *list;
	struct kin_pool *pool;
	struct worker worker[THREADS];
	_Atomic uint8_t out[THREADS][SERIALS]; // how often it was handed out
	uint8_t in[THREADS][SERIALS]; // how often it is in the list
	uint32_t calls;
} stress;

/* --- items --- */

static uint32_t item_check(const struct item *item)
{
	return (item->owner * 0x9e3779b1u ^ item->serial) * 0x85ebca6bu + item->changes * 0xc2b2ae35u;
}

static bool item_is_whole(const struct item *item)
{
	return item->owner < THREADS && item->serial < SERIALS && item->check == item_check(item);
}

static struct item item_make(struct worker *worker)
{
	struct item item = { .owner = worker->owner, .serial = worker->serials++ };
	item.check = item_check(&item);
	return item;
}

static uint32_t below(struct worker *worker, size_t limit)
{
	worker->random = worker->random * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)((worker->random >> 33) * limit >> 31);
}

static void expect(struct worker *worker, bool holds)
{
	worker->errors += !holds;
}

static void look_at(struct worker *worker, const struct item *items, size_t count)
{
	for (size_t i = 0; i < count; i++)
		expect(worker, item_is_whole(&items[i]));
}

static void take_out(struct worker *worker, const struct item *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		expect(worker, item_is_whole(&items[i]));
		if (item_is_whole(&items[i]))
			atomic_fetch_add(&stress.out[items[i].owner][items[i].serial], 1);
	}
}

/* --- calls --- */

static void put_some(struct worker *worker, uint32_t dice, size_t index)
{
	struct item items[MANY];
	uint32_t count = dice < 70 ? 1 : 1 + below(worker, MANY);
	if (worker->serials + count > SERIALS)
		return;
	const uint32_t before = worker->serials;
	for (uint32_t i = 0; i < count; i++)
		items[i] = item_make(worker);
	int result;
	if (dice < 35)
		result = kin_list_append(stress.list, items, NULL);
	else if (dice < 70)
		result = kin_list_insert(stress.list, index, items);
	else if (dice < 85)
		result = kin_list_append_many(stress.list, items, count, NULL);
	else
		result = kin_list_insert_many(stress.list, index, items, count);
	expect(worker, result == 0 || result == -ERANGE);
	if (result < 0)
		worker->serials = before; // they have never been there
}

static void take_some(struct worker *worker, uint32_t dice, size_t index)
{
	uint32_t count = dice < 80 ? 1 : 1 + below(worker, 2 * MANY);
	int result;
	if (dice < 40)
		result = kin_list_remove(stress.list, index, worker->room);
	else if (dice < 50)
		result = kin_list_remove(stress.list, KIN_LIST_LAST, worker->room);
	else if (dice < 65)
		result = kin_list_pop_first(stress.list, worker->room, 0);
	else if (dice < 80)
		result = kin_list_pop_last(stress.list, worker->room, 0);
	else
		result = kin_list_remove_many(stress.list, index, count, worker->room);
	expect(worker, result == 0 || result == -ERANGE || result == -ETIMEDOUT);
	if (result == 0)
		take_out(worker, worker->room, count);
}

static int change_item(void *data, void *arg)
{
	struct item *item = data;
	look_at(arg, item, 1);
	item->changes++;
	item->check = item_check(item);
	return 0;
}

static void change_some(struct worker *worker, uint32_t dice, size_t index, size_t other)
{
	int result;
	if (dice < 50) {
		if (worker->serials == SERIALS)
			return;
		struct item item = item_make(worker);
		result = kin_list_replace(stress.list, index, &item, worker->room);
		if (result == 0)
			take_out(worker, worker->room, 1);
		else
			worker->serials--;
	} else if (dice < 80)
		result = kin_list_update(stress.list, index, change_item, worker);
	else
		result = kin_list_swap(stress.list, index, other);
	expect(worker, result == 0 || result == -ERANGE);
}

static int visit_items(const void *items, size_t count, size_t index, void *arg)
{
	(void)index;
	look_at(arg, items, count);
	return 0;
}

static void read_snapshot(struct worker *worker)
{
	struct kin_snapshot *snapshot;
	int result = kin_list_snapshot(stress.list, &snapshot);
	expect(worker, result == 0);
	if (result < 0)
		return;
	size_t count = kin_snapshot_count(snapshot), sum = 0;
	for (size_t i = 0, run; i < count; i += run) {
		const struct item *item = kin_snapshot_at(snapshot, i, &run);
		expect(worker, item && run);
		if (!item || !run)
			break;
		look_at(worker, item, run);
		sum += run;
		sched_yield(); // others change the list meanwhile
	}
	expect(worker, sum == count);
	kin_snapshot_release(snapshot);
}

static void read_some(struct worker *worker, uint32_t dice, size_t index)
{
	size_t count = 0;
	int result = 0;
	if (dice < 70) {
		result = kin_list_get(stress.list, dice < 10 ? KIN_LIST_LAST : index, worker->room);
		count = 1;
	} else if (dice < 90) {
		count = 1 + below(worker, 100);
		result = kin_list_get_many(stress.list, index, count, worker->room);
	} else if (dice < 94) {
		result = kin_list_export(stress.list, worker->room, ROOM, &count);
		count = count < ROOM ? count : ROOM;
	} else if (dice < 97)
		result = kin_list_each(stress.list, visit_items, worker);
	else
		read_snapshot(worker);
	expect(worker, result == 0 || result == -ERANGE);
	if (result == 0)
		look_at(worker, worker->room, count);
}

static int compare_items(const void *a, const void *b, void *arg)
{
	(void)arg;
	const struct item *x = a, *y = b;
	return x->serial != y->serial ? (x->serial > y->serial) - (x->serial < y->serial)
				      : (x->owner > y->owner) - (x->owner < y->owner);
}

static void rework(struct worker *worker, uint32_t dice)
{
	int result;
	if (dice < 30)
		result = kin_list_trim(stress.list);
	else if (dice < 60)
		result = kin_list_reverse(stress.list, stress.pool);
	else if (dice < 90)
		result = kin_list_sort(stress.list, stress.pool, compare_items, NULL);
	else
		result = kin_list_reserve(stress.list, 1000);
	expect(worker, result == 0);
}

static void *worker_run(void *data)
{
	struct worker *worker = data;
	/* Grows, then shrinks, to nothing at times. */
	for (uint32_t i = 0; i < stress.calls; i++) {
		size_t count = kin_list_count(stress.list);
		size_t index = below(worker, count + 1), other = below(worker, count + 1);
		uint32_t what = below(worker, 1000), dice = below(worker, 100);
		uint32_t puts = count > 3000 ? 100 : i / (stress.calls / 8) % 2 ? 220 : 330;
		if (what < puts)
			put_some(worker, dice, index);
		else if (what < 500)
			take_some(worker, dice, index);
		else if (what < 700)
			change_some(worker, dice, index, other);
		else if (what < 998)
			read_some(worker, dice, index);
		else
			rework(worker, dice);
	}
	return NULL;
}

/* --- the account --- */

/* Each item ever put in is in the list, or was handed out, once. Returns how many were made. */
static uint64_t settle_accounts(const struct item *items, size_t count)
{
	uint64_t made = 0, wrong = 0;
	memset(stress.in, 0, sizeof stress.in);
	for (size_t i = 0; i < count; i++) {
		if (item_is_whole(&items[i]))
			stress.in[items[i].owner][items[i].serial]++;
		else
			wrong++;
	}
	tap_is_int(wrong, 0, "all items are whole");
	wrong = 0;
	for (unsigned owner = 0; owner < THREADS; owner++) {
		made += stress.worker[owner].serials;
		for (uint32_t serial = 0; serial < SERIALS; serial++) {
			unsigned seen = stress.in[owner][serial] + atomic_load(&stress.out[owner][serial]);
			wrong += seen != (serial < stress.worker[owner].serials);
		}
	}
	tap_is_int(wrong, 0, "each item is in the list or was handed out, once");
	return made;
}

static void run_workers(void)
{
	unsigned started = 0;
	uint32_t errors = 0;
	for (; started < THREADS; started++) {
		struct worker *worker = &stress.worker[started];
		worker->owner = started;
		worker->serials = worker->errors = 0;
		worker->random = 1000 + started;
		if (pthread_create(&worker->handle, NULL, worker_run, worker) != 0)
			break;
	}
	for (unsigned i = 0; i < started; i++) {
		pthread_join(stress.worker[i].handle, NULL);
		errors += stress.worker[i].errors;
	}
	tap_is_int(started, THREADS, "threads");
	tap_is_int(errors, 0, "each call returned what it may, and items were whole");
}

static void check_memory(size_t before)
{
	size_t count = kin_list_count(stress.list);
	tap_is_int(kin_list_remove_many(stress.list, 0, count, NULL), 0, "all that is left is removed");
	tap_is_int(kin_list_trim(stress.list), 0, "trimmed");
	tap_is_int(kin_list_check(stress.list), 0, "an empty list is whole");
#ifndef KIN_LIST_PAGE /* pieces of the system's pages cannot be */
	tap_ok(kin_list_memory(stress.list) <= before + 65536, "memory is given back: %zu bytes are left",
		kin_list_memory(stress.list));
#else
	(void)before;
#endif
}

static void test_calls(bool shared, uint32_t calls)
{
	tap_note("%s list, %d threads, %u calls each", shared ? "shared" : "private", THREADS, calls);
	memset(stress.out, 0, sizeof stress.out);
	stress.calls = calls;
	int result = (shared ? kin_list_create_shared : kin_list_create)(&stress.list, sizeof(struct item));
	if (!tap_is_int(result, 0, "a list"))
		return;
	size_t before = kin_list_memory(stress.list), count = 0;
	run_workers();
	size_t room = kin_list_count(stress.list);
	struct item *items = malloc((room + 1) * sizeof *items);
	if (tap_ok(items != NULL, "memory")) {
		tap_is_int(kin_list_export(stress.list, items, room, &count), 0, "exported");
		tap_is_int(count, room, "as many as were counted");
		uint64_t made = settle_accounts(items, count);
		tap_note("%" PRIu64 " items made, %zu left", made, count);
	}
	free(items);
	tap_is_int(kin_list_check(stress.list), 0, "the list is whole");
	check_memory(before);
	kin_list_destroy(stress.list);
}

/* --- queues: who waits gets an item, and sleeps no longer --- */

enum { PRODUCERS = 4, CONSUMERS = 4, PRODUCED = 8000 / SLOWLY };
#define POISON UINT32_MAX

struct trader {
	pthread_t handle;
	uint32_t number, errors, got, waits;
};

static struct {
	struct kin_list *list;
	struct trader trader[PRODUCERS + CONSUMERS];
	_Atomic uint8_t got[PRODUCERS * PRODUCED];
} market;

/* One at a time, at both ends, and several at once; with pauses, so that the consumers sleep. */
static void *produce(void *data)
{
	struct trader *trader = data;
	uint64_t random = trader->number;
	for (uint32_t i = 0; i < PRODUCED;) {
		uint32_t items[4], first = trader->number * PRODUCED + i, count = 1;
		random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
		uint32_t dice = (uint32_t)(random >> 40) % 64;
		if (dice < 8)
			count = PRODUCED - i < 4 ? PRODUCED - i : 4;
		for (uint32_t k = 0; k < count; k++)
			items[k] = first + k;
		int result = dice < 8    ? kin_list_append_many(market.list, items, count, NULL)
			     : dice < 24 ? kin_list_insert(market.list, 0, items)
					 : kin_list_append(market.list, items, NULL);
		trader->errors += result != 0;
		i += count;
		if (dice == 63)
			usleep(50);
	}
	return NULL;
}

/* Some give up waiting for a while: their places must not stay taken. */
static void *consume(void *data)
{
	static const int64_t patience[] = { -1, -1, 20000, INT64_C(1000000000) };
	struct trader *trader = data;
	int64_t timeout = patience[trader->number % 4];
	for (;;) {
		uint32_t item = 0;
		int result = trader->number % 2 ? kin_list_pop_last(market.list, &item, timeout)
						: kin_list_pop_first(market.list, &item, timeout);
		if (result == -ETIMEDOUT && timeout > 0) {
			trader->waits++;
			continue;
		}
		if (result == 0 && item == POISON)
			return NULL;
		trader->errors += result != 0 || item >= PRODUCERS * PRODUCED;
		if (result != 0)
			return NULL;
		if (item < PRODUCERS * PRODUCED)
			atomic_fetch_add(&market.got[item], 1);
		trader->got++;
	}
}

static unsigned start_traders(void)
{
	unsigned started = 0;
	for (; started < PRODUCERS + CONSUMERS; started++) {
		struct trader *trader = &market.trader[started];
		*trader = (struct trader){ .number = started < PRODUCERS ? started : started - PRODUCERS };
		if (pthread_create(&trader->handle, NULL, started < PRODUCERS ? produce : consume, trader) !=
			0)
			break;
	}
	return started;
}

static void test_market(bool shared)
{
	tap_note("%d producers and %d consumers, %s list", PRODUCERS, CONSUMERS,
		shared ? "shared" : "private");
	memset(market.got, 0, sizeof market.got);
	int result = (shared ? kin_list_create_shared : kin_list_create)(&market.list, sizeof(uint32_t));
	if (!tap_is_int(result, 0, "a list"))
		return;
	unsigned started = start_traders();
	uint32_t errors = 0, got = 0, wrong = 0;
	for (unsigned i = 0; i < started && i < PRODUCERS; i++)
		pthread_join(market.trader[i].handle, NULL);
	/* In the middle of waiting consumers: each takes one. They are last, or first to whom pops at that end. */
	while (kin_list_count(market.list))
		sched_yield();
	for (unsigned i = PRODUCERS; i < started; i++)
		result |= kin_list_append(market.list, &(uint32_t){ POISON }, NULL);
	for (unsigned i = PRODUCERS; i < started; i++)
		pthread_join(market.trader[i].handle, NULL);
	for (unsigned i = 0; i < started; i++) {
		errors += market.trader[i].errors;
		got += market.trader[i].got;
	}
	for (unsigned i = 0; i < PRODUCERS * PRODUCED; i++)
		wrong += atomic_load(&market.got[i]) != 1;
	tap_is_int(started, PRODUCERS + CONSUMERS, "threads");
	tap_is_int(result, 0, "all consumers are sent home");
	tap_is_int(errors, 0, "each call returned what it may");
	tap_is_int(got, PRODUCERS * PRODUCED, "all items were consumed");
	tap_is_int(wrong, 0, "each once");
	tap_is_int(kin_list_count(market.list), 0, "nothing is left");
	tap_is_int(kin_list_check(market.list), 0, "the list is whole");
	kin_list_destroy(market.list);
}

int main(int argc, char **argv)
{
	uint32_t calls = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : CALLS;
	alarm(WATCHDOG);
	if (!tap_ok(kin_pool_create(&stress.pool, &(struct kin_pool_options){ .workers = 1 }) == 0, "a pool"))
		return tap_done();
	test_calls(false, calls < CALLS ? calls : CALLS);
	test_calls(true, calls < CALLS / 4 ? calls : CALLS / 4);
	test_market(false);
	test_market(true);
	kin_pool_destroy(stress.pool);
	return tap_done();
}
