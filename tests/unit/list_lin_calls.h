/**
 * list_lin_calls.h: the list that histories are recorded of, and making the calls of one, with delays where order
 * matters.
 */
#ifndef KIN_TESTS_LIST_LIN_CALLS_H
#define KIN_TESTS_LIST_LIN_CALLS_H

#include <kin/list.h>

#include "list/list.h"
#include "list_histories.h"

#include <pthread.h>
#include <sched.h>

enum { WORDS_MOST = 9, ITEM_BYTES = WORDS_MOST * 4, TORN = 0xffffffff };

struct worker {
	_Alignas(64) uint64_t random;
	_Atomic uint32_t passed; // points of chaos
	unsigned thread;
	pthread_t handle;
	struct kin_snapshot *held[CALLS_MOST];
	uint32_t room[ITEMS_MOST * WORDS_MOST];
};

static struct {
	struct kin_list *list;
	struct kin_pool *pool;
	struct worker worker[THREADS_MOST];
	unsigned threads, calls;
	unsigned words; // of an item
	bool shared;
	_Atomic uint32_t go, done; // histories begun, threads that have done their part
	_Alignas(64) _Atomic uint64_t clock;
	struct history history;
	uint32_t next_value;
	uint64_t overlaps;
} lin;

static _Thread_local struct worker *me; // only while calls are recorded

/* --- chance --- */

static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint32_t below(struct worker *worker, uint32_t limit)
{
	return (uint32_t)((random_next(&worker->random) >> 32) * limit >> 32);
}

static uint32_t passed_by_others(const struct worker *worker)
{
	uint32_t sum = 0;
	for (unsigned i = 0; i < lin.threads; i++)
		if (&lin.worker[i] != worker)
			sum += atomic_load_explicit(&lin.worker[i].passed, memory_order_relaxed);
	return sum;
}

/* Until others have got on by so many points, or cannot. */
static void hold_back(struct worker *worker, uint32_t points, unsigned patience)
{
	const uint32_t from = passed_by_others(worker);
	for (unsigned i = 0; i < patience && passed_by_others(worker) - from < points; i++) {
		if (i % 8 == 7)
			sched_yield();
	}
}

void kin_list_chaos(void)
{
	struct worker *worker = me;
	if (!worker)
		return;
	uint32_t passed = atomic_load_explicit(&worker->passed, memory_order_relaxed);
	atomic_store_explicit(&worker->passed, passed + 1, memory_order_relaxed);
	uint32_t dice = below(worker, 64);
	if (dice < 2)
		hold_back(worker, 1 + below(worker, 8), 16);
	else if (dice < 4)
		hold_back(worker, 1 + below(worker, 60), 200);
}

/* --- items: a number, and words that have to go with it --- */

static void encode(void *to, const uint32_t *value, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		for (uint32_t word = 0; word < lin.words; word++) {
			uint32_t coded = value[i] * (2 * word + 1) ^ word;
			memcpy((char *)to + (i * lin.words + word) * 4, &coded, 4);
		}
}

static uint32_t decode_one(const void *from)
{
	uint32_t value, coded;
	memcpy(&value, from, 4);
	for (uint32_t word = 1; word < lin.words; word++) {
		memcpy(&coded, (const char *)from + word * 4, 4);
		if (coded != (value * (2 * word + 1) ^ word))
			return TORN;
	}
	return value;
}

static void decode(uint32_t *value, const void *from, size_t count)
{
	for (size_t i = 0; i < count && i < ITEMS_MOST; i++)
		value[i] = decode_one((const char *)from + i * lin.words * 4);
}

/* --- the calls --- */

struct change {
	struct op *op;
	bool refuse;
};

static int change_item(void *item, void *arg)
{
	struct change *change = arg;
	decode(change->op->out, item, 1);
	encode(item, change->op->value, 1);
	kin_list_chaos();
	return change->refuse ? REFUSED : 0;
}

static int visit_items(const void *items, size_t count, size_t index, void *arg)
{
	struct op *op = arg;
	if (index != op->out_count || index + count > ITEMS_MOST)
		return -EILSEQ;
	decode(op->out + index, items, count);
	op->out_count += (uint32_t)count;
	kin_list_chaos();
	return 0;
}

static int compare_items(const void *a, const void *b, void *arg)
{
	(void)arg;
	uint32_t x, y;
	memcpy(&x, a, 4);
	memcpy(&y, b, 4);
	return (x > y) - (x < y);
}

static int export_items(struct op *op, void *room)
{
	size_t count;
	int result = kin_list_export(lin.list, room, ITEMS_MOST, &count);
	if (result < 0)
		return result;
	op->out_count = (uint32_t)count;
	decode(op->out, room, count);
	return 0;
}

static int find_item(struct op *op, void *room)
{
	char item[ITEM_BYTES];
	size_t found = 0;
	encode(item, op->value, 1);
	struct kin_list_search what = { .bytes = item };
	int result = (op->kind == FIND ? kin_list_find : kin_list_find_last)(lin.list, &what, &found, room);
	op->out_count = (uint32_t)found;
	return result == 0 && memcmp(room, item, lin.words * 4) != 0 ? -EILSEQ : result;
}

static int append_items(struct op *op)
{
	char items[MANY * ITEM_BYTES];
	size_t index = 0;
	encode(items, op->value, op->kind == APPEND ? 1 : op->other);
	int result = op->kind == APPEND ? kin_list_append(lin.list, items, &index)
					: kin_list_append_many(lin.list, items, op->other, &index);
	op->out_count = (uint32_t)index;
	return result;
}

static size_t index_of(uint32_t index)
{
	return index == LAST ? KIN_LIST_LAST : index;
}

static int put_items(struct op *op, void *room)
{
	char items[MANY * ITEM_BYTES];
	encode(items, op->value, op->kind == INSERT || op->kind == REPLACE ? 1 : op->other);
	switch (op->kind) {
	case INSERT:
		return kin_list_insert(lin.list, index_of(op->index), items);
	case INSERT_MANY:
		return kin_list_insert_many(lin.list, index_of(op->index), items, op->other);
	case ASSIGN:
		return kin_list_assign(lin.list, items, op->other);
	default:
		return kin_list_replace(lin.list, index_of(op->index), items, room);
	}
}

static int take_items(struct op *op, void *room)
{
	switch (op->kind) {
	case REMOVE:
		return kin_list_remove(lin.list, index_of(op->index), room);
	case GET:
		return kin_list_get(lin.list, index_of(op->index), room);
	case POP_FIRST:
		return kin_list_pop_first(lin.list, room, 0);
	case POP_LAST:
		return kin_list_pop_last(lin.list, room, 0);
	case REMOVE_MANY:
		return kin_list_remove_many(lin.list, op->index, op->other, room);
	default:
		return kin_list_get_many(lin.list, op->index, op->other, room);
	}
}

static int call_on_all(struct op *op, void *room)
{
	switch (op->kind) {
	case EXPORT:
		return export_items(op, room);
	case EACH:
		return kin_list_each(lin.list, visit_items, op);
	case FIND:
	case FIND_LAST:
		return find_item(op, room);
	case CLEAR:
		return kin_list_clear(lin.list);
	case REVERSE:
		return kin_list_reverse(lin.list, lin.pool);
	case SORT:
		return kin_list_sort(lin.list, lin.pool, compare_items, NULL);
	default:
		return kin_list_trim(lin.list);
	}
}

static void call(struct op *op, struct worker *worker, unsigned number)
{
	void *room = worker->room;
	struct change change = { op, op->kind == REFUSE };
	bool takes = false;
	op->begin = atomic_fetch_add(&lin.clock, 1);
	switch (op->kind) {
	case APPEND:
	case APPEND_MANY:
		op->result = append_items(op);
		break;
	case INSERT:
	case INSERT_MANY:
	case ASSIGN:
	case REPLACE:
		op->result = put_items(op, room);
		takes = op->kind == REPLACE;
		break;
	case REMOVE:
	case GET:
	case POP_FIRST:
	case POP_LAST:
	case REMOVE_MANY:
	case GET_MANY:
		op->result = take_items(op, room);
		takes = true;
		break;
	case COUNT:
		op->out_count = (uint32_t)kin_list_count(lin.list);
		break;
	case SWAP:
		op->result = kin_list_swap(lin.list, index_of(op->index), index_of(op->other));
		break;
	case UPDATE:
	case REFUSE:
		op->result = kin_list_update(lin.list, index_of(op->index), change_item, &change);
		break;
	case SNAPSHOT:
		op->result = kin_list_snapshot(lin.list, &worker->held[number]);
		break;
	default:
		op->result = call_on_all(op, room);
	}
	op->end = atomic_fetch_add(&lin.clock, 1);
	if (takes && op->result == 0)
		decode(op->out, room, op->kind == GET_MANY || op->kind == REMOVE_MANY ? op->other : 1);
}

/* What a snapshot holds must not depend on when one looks. */
static void read_snapshot(struct op *op, struct kin_snapshot *snapshot)
{
	const size_t count = kin_snapshot_count(snapshot);
	op->out_count = (uint32_t)count;
	for (size_t i = 0, run = 0; i < count && i < ITEMS_MOST; i++, run--) {
		const void *item = kin_snapshot_at(snapshot, i, run ? NULL : &run);
		op->out[i] = item && run ? decode_one(item) : TORN;
	}
	kin_snapshot_release(snapshot);
}

static void run_calls(struct worker *worker)
{
	struct op *op = &lin.history.op[worker->thread * lin.calls];
	me = worker;
	for (unsigned i = 0; i < lin.calls; i++) {
		kin_list_chaos();
		call(&op[i], worker, i);
	}
	for (unsigned i = 0; i < lin.calls; i++)
		if (op[i].kind == SNAPSHOT && op[i].result == 0)
			read_snapshot(&op[i], worker->held[i]);
	me = NULL;
}

#endif
