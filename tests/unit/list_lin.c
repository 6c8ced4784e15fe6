/*
 * Histories of a list: a few threads make a few calls each on a small one, delayed at random where order matters, and
 * there has to be an order of the calls that explains all answers and what the list held in the end.
 *
 * The list's sources are compiled with tiny pages for this, so that it has a tree where sixty items are. With
 * KIN_LIST_BUG an error is planted in them, and the test is that it is found.
 */
#include "list_lin_calls.h"

#include "list/check.h"

#include <getopt.h>

/* One list lives for so many histories. */
enum { SESSION = 100 };

static void await(_Atomic uint32_t *word, uint32_t value)
{
	for (unsigned i = 0; atomic_load_explicit(word, memory_order_acquire) != value; i++)
		if (i % 256 == 255)
			sched_yield();
}

#define STOP UINT32_MAX

static void *worker_run(void *data)
{
	struct worker *worker = data;
	for (uint32_t seen = 0;;) {
		for (unsigned i = 0; atomic_load_explicit(&lin.go, memory_order_acquire) == seen; i++)
			if (i % 256 == 255)
				sched_yield();
		seen = atomic_load_explicit(&lin.go, memory_order_acquire);
		if (seen == STOP)
			return NULL;
		if (worker->thread < lin.threads)
			run_calls(worker);
		atomic_fetch_add(&lin.done, 1);
	}
}

/* --- what is asked for: weights of the calls, of the first thread and of the others --- */

enum where { ANYWHERE, ENDS, FIRST };

struct mix {
	const char *name;
	unsigned char where[2];
	unsigned char weight[2][KINDS];
};

#define SINGLE [APPEND] = 6, [INSERT] = 24, [REMOVE] = 26, [REPLACE] = 20, [GET] = 20, [COUNT] = 4

static const struct mix mixes[] = {
	/* No chunk of the body changes but by replacements, and yet what an index means does. */
	{ "indexes shift, others replace and read", { FIRST, ANYWHERE },
		{ { [INSERT] = 45, [REMOVE] = 45, [GET_MANY] = 10 },
			{ [REPLACE] = 45, [GET] = 25, [GET_MANY] = 10, [UPDATE] = 10, [EXPORT] = 10 } } },
	{ "a mover, others replace and read", { ANYWHERE },
		{ { [INSERT] = 50, [REMOVE] = 50 }, { [REPLACE] = 45, [GET] = 50, [UPDATE] = 5 } } },
	{ "ends", { ENDS, ENDS },
		{ { [APPEND] = 20, [INSERT] = 20, [REMOVE] = 40, [GET] = 20 }, { [APPEND] = 20,
										       [INSERT] = 10,
										       [REMOVE] = 20,
										       [GET] = 25,
										       [REPLACE] = 15,
										       [COUNT] = 10 } } },
	{ "all calls on single items", { ANYWHERE }, { { SINGLE, [SWAP] = 6 }, { SINGLE, [UPDATE] = 6 } } },
	{ "shrink", { ANYWHERE },
		{ { [REMOVE] = 80, [GET] = 20 },
			{ [REMOVE] = 35, [REPLACE] = 25, [GET] = 35, [COUNT] = 5 } } },
	{ "a queue", { ANYWHERE },
		{ { [APPEND] = 70, [APPEND_MANY] = 20, [COUNT] = 10 },
			{ [POP_FIRST] = 55, [POP_LAST] = 10, [APPEND] = 15, [GET] = 15, [COUNT] = 5 } } },
	{ "many at once", { ANYWHERE },
		{ { [APPEND_MANY] = 25, [INSERT_MANY] = 30, [REMOVE_MANY] = 45 }, { [GET_MANY] = 40,
											  [REPLACE] = 15,
											  [REMOVE_MANY] = 10,
											  [INSERT_MANY] = 10,
											  [REMOVE] = 10,
											  [GET] = 15 } } },
	{ "snapshots", { ANYWHERE },
		{ { [SNAPSHOT] = 30,
			  [EACH] = 10,
			  [EXPORT] = 10,
			  [REPLACE] = 20,
			  [INSERT] = 15,
			  [REMOVE] = 15 },
			{ [SNAPSHOT] = 5,
				[APPEND] = 15,
				[INSERT] = 15,
				[REMOVE] = 20,
				[REPLACE] = 25,
				[GET] = 15,
				[FIND] = 3,
				[FIND_LAST] = 2 } } },
	{ "exchanges", { ANYWHERE },
		{ { [SWAP] = 40, [UPDATE] = 20, [INSERT] = 20, [REMOVE] = 20 }, { [SWAP] = 15,
											[UPDATE] = 20,
											[REFUSE] = 5,
											[REPLACE] = 20,
											[GET] = 20,
											[GET_MANY] = 10,
											[EXPORT] = 10 } } },
	{ "whole lists", { ANYWHERE },
		{ { [CLEAR] = 10, [ASSIGN] = 10, [REVERSE] = 15, [SORT] = 15, [TRIM] = 15, [INSERT] = 35 },
			{ [REPLACE] = 30,
				[APPEND] = 15,
				[GET] = 20,
				[EXPORT] = 10,
				[REMOVE] = 10,
				[UPDATE] = 10,
				[COUNT] = 5 } } },
};
/* The planted errors are where replacements meet moves. */
enum { MIXES = sizeof mixes / sizeof *mixes, MIXES_USED = KIN_LIST_BUG ? 2 : MIXES };

static enum kind draw_kind(struct worker *worker, const unsigned char *weight)
{
	uint32_t all = 0, kind = 0;
	for (unsigned i = 0; i < KINDS; i++)
		all += weight[i];
	for (uint32_t dice = below(worker, all); dice >= weight[kind]; kind++)
		dice -= weight[kind];
	return kind;
}

/* The ends, one place that all want, or any; some behind the end. */
static uint32_t draw_index(struct worker *worker, enum where where, uint32_t count, uint32_t hot)
{
	if (where == FIRST)
		return 0;
	switch (below(worker, where == ENDS ? 4 : 8)) {
	case 0:
		return 0;
	case 1:
		return count ? count - 1 : 0;
	case 2:
		return LAST;
	case 3:
		return where == ENDS ? count : hot;
	case 4:
		return hot;
	case 5:
		return hot + below(worker, 3);
	default:
		return below(worker, count + 2);
	}
}

static void draw_op(struct worker *dice, struct op *op, const struct mix *mix, uint32_t count, uint32_t hot)
{
	const enum where where = mix->where[op->thread > 0];
	op->kind = draw_kind(dice, mix->weight[op->thread > 0]);
	op->index = draw_index(dice, where, count, hot);
	op->other = op->kind == SWAP ? draw_index(dice, where, count, hot) : 1 + below(dice, MANY);
	if (op->index == LAST && (op->kind == GET_MANY || op->kind == REMOVE_MANY))
		op->index = hot;
	for (unsigned i = 0; i < MANY; i++)
		op->value[i] = lin.next_value++;
	if ((op->kind == FIND || op->kind == FIND_LAST) && count)
		op->value[0] = lin.history.first.item[op->index < count ? op->index : 0];
	op->result = 0;
	op->out_count = 0;
	memset(op->out, 0, MANY * sizeof *op->out);
}

static void draw_history(struct worker *dice, const struct mix *mix)
{
	struct history *history = &lin.history;
	uint32_t hot = below(dice, history->first.count + 1);
	history->count = lin.threads * lin.calls;
	for (unsigned i = 0; i < history->count; i++) {
		history->op[i].thread = i / lin.calls;
		draw_op(dice, &history->op[i], mix, history->first.count, hot);
	}
}

/* --- one history --- */

static int read_array(struct array *array)
{
	static uint32_t room[ITEMS_MOST * WORDS_MOST];
	size_t count;
	int result = kin_list_export(lin.list, room, ITEMS_MOST, &count);
	if (result < 0 || count > ITEMS_MOST)
		return result < 0 ? result : -EOVERFLOW;
	array->count = (uint32_t)count;
	decode(array->item, room, count);
	return 0;
}

/* Between 0 and sixty items; now and then few. */
static int settle(struct worker *dice, bool few)
{
	char item[ITEM_BYTES];
	uint32_t least = few ? 0 : 8, most = few ? 12 : 60;
	int result = 0;
	while (result == 0 && kin_list_count(lin.list) > most)
		result = kin_list_remove(lin.list, below(dice, (uint32_t)kin_list_count(lin.list)), NULL);
	for (uint32_t count = (uint32_t)kin_list_count(lin.list); result == 0 && count < least; count++) {
		encode(item, &(uint32_t){ lin.next_value++ }, 1);
		result = kin_list_insert(lin.list, below(dice, count + 1), item);
	}
	return result;
}

static void count_overlaps(const struct history *history)
{
	for (unsigned i = 0; i < history->count; i++)
		for (unsigned j = 0; j < history->count; j++) {
			const struct op *a = &history->op[i], *b = &history->op[j];
			if (a->thread != b->thread && a->begin < b->end && b->begin < a->end) {
				lin.overlaps++;
				break;
			}
		}
}

static void run_all(void)
{
	atomic_store(&lin.done, 0);
	atomic_fetch_add(&lin.go, 1);
	run_calls(&lin.worker[0]);
	await(&lin.done, THREADS_MOST - 1);
}

static bool holds_first(struct kin_snapshot *held)
{
	static struct op op;
	if (!held)
		return true;
	op.result = 0;
	read_snapshot(&op, held);
	return array_is(&lin.history.first, &op);
}

/* No error that was planted. */
static const char unprepared[] = "the list cannot be prepared";

/* Returns NULL, or what is wrong. */
static const char *history_run(struct worker *dice, const struct mix *mix)
{
	struct history *history = &lin.history;
	struct kin_snapshot *held = NULL;
	if (settle(dice, below(dice, 4) == 0) < 0 || read_array(&history->first) < 0)
		return unprepared;
	draw_history(dice, mix);
	if (below(dice, 8) == 0 && kin_list_snapshot(lin.list, &held) < 0)
		return unprepared;
	run_all();
	if (!holds_first(held))
		return "a snapshot has changed";
	if (kin_list_check(lin.list) != 0)
		return "the list is not whole";
	if (read_array(&history->last) < 0)
		return "the list cannot be read";
	count_overlaps(history);
	return history_is_linearizable(history) ? NULL : "no order of the calls explains this";
}

static int session_begin(struct worker *dice)
{
	static const unsigned char words[] = { 1, 3, 1, 3, 2, 9 };
	/* Few items in a chunk, where errors are planted: they need several chunks. */
	lin.words = KIN_LIST_BUG ? WORDS_MOST : words[below(dice, sizeof words)];
	lin.threads = 3 + below(dice, THREADS_MOST - 2);
	lin.calls = lin.threads > 3 ? CALLS_MOST - 1 : CALLS_MOST;
	lin.shared = !KIN_LIST_BUG && below(dice, 3) == 0;
	return (lin.shared ? kin_list_create_shared : kin_list_create)(&lin.list, lin.words * 4);
}

/* Returns how many histories were run; *ret_wrong is NULL if all were right. */
static uint64_t histories_run(uint64_t count, uint64_t seed, int only, const char **ret_wrong)
{
	static struct worker dice;
	uint64_t number = 0;
	const char *wrong = NULL;
	dice.random = seed;
	while (number < count && !wrong) {
		unsigned mix = only >= 0 ? (unsigned)only : (unsigned)(number / SESSION % MIXES_USED);
		if (session_begin(&dice) < 0) {
			wrong = unprepared;
			break;
		}
		for (unsigned i = 0; i < SESSION && number < count && !wrong; i++, number++)
			wrong = history_run(&dice, &mixes[mix]);
		kin_list_destroy(lin.list);
		if (wrong) {
			tap_note("history %" PRIu64 " (%s; %u bytes, %s): %s", number, mixes[mix].name,
				lin.words * 4, lin.shared ? "shared" : "private", wrong);
			history_tell(&lin.history);
		}
	}
	*ret_wrong = wrong;
	return number;
}

/* --- the checker itself: two short histories --- */

static void check_checker(void)
{
	static struct history history;
	history.count = 2;
	history.first = (struct array){ 1, { 5 } };
	history.last = (struct array){ 1, { 6 } };
	history.op[0] = (struct op){ .kind = REPLACE, .value = { 6 }, .out = { 5 }, .begin = 0, .end = 2 };
	history.op[1] = (struct op){ .kind = GET, .out = { 5 }, .begin = 1, .end = 3 };
	tap_ok(history_is_linearizable(&history),
		"a read beside a replacement may see what was there before");
	history.op[1].begin = 3;
	history.op[1].end = 4;
	tap_ok(!history_is_linearizable(&history), "a read after a replacement may not");
}

struct options {
	uint64_t count, seed;
	int mix;
};

static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option known[] = {
		{ "count", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' },
		{ "mix", required_argument, NULL, 'm' },
		{ 0 },
	};
	for (int option; (option = getopt_long(argc, argv, "c:s:m:", known, NULL)) != -1;) {
		if (option == '?')
			return -EINVAL;
		uint64_t number = strtoull(optarg, NULL, 10);
		if (option == 'c')
			options->count = number;
		else if (option == 's')
			options->seed = number;
		else
			options->mix = (int)(number % MIXES);
	}
	return 0;
}

static unsigned start_workers(uint64_t seed)
{
	for (unsigned i = 0; i < THREADS_MOST; i++) {
		struct worker *worker = &lin.worker[i];
		worker->thread = i;
		worker->random = seed * THREADS_MOST + i;
		if (i > 0 && pthread_create(&worker->handle, NULL, worker_run, worker) != 0)
			return i;
	}
	return THREADS_MOST;
}

static void stop_workers(unsigned started)
{
	atomic_store(&lin.go, STOP);
	for (unsigned i = 1; i < started; i++)
		pthread_join(lin.worker[i].handle, NULL);
}

int main(int argc, char **argv)
{
	struct options options = { .count = KIN_LIST_BUG ? 400000 : 8000, .seed = 1, .mix = -1 };
	if (read_options(argc, argv, &options) < 0)
		return 2;
	lin.next_value = 1000;
	check_checker();
	if (!tap_ok(kin_pool_create(&lin.pool, &(struct kin_pool_options){ .workers = 1 }) == 0, "a pool"))
		return tap_done();
	unsigned started = start_workers(options.seed);
	if (tap_ok(started == THREADS_MOST, "threads")) {
		const char *wrong;
		uint64_t run = histories_run(options.count, options.seed, options.mix, &wrong);
		if (KIN_LIST_BUG)
			tap_ok(wrong && wrong != unprepared,
				"planted error %d: found after %" PRIu64 " histories", KIN_LIST_BUG, run);
		else
			tap_ok(!wrong,
				"%" PRIu64 " histories have an order each; %" PRIu64 " calls beside others",
				run, lin.overlaps);
	}
	stop_workers(started);
	kin_pool_destroy(lin.pool);
	return tap_done();
}
