/* Pipelines and reading ahead: order, ends, errors in each stage, memory bounds, threads and processes. */
#include "tap.h"

#include <kin/kin.h>

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

struct item {
	long number;
	char padding[56];
};

/* Lies in shared memory where persistent process workers are to see it. */
struct plan {
	long count, fail_at[3]; // in produce, transform, consume; -1: never
	_Atomic long produced, consumed, transformed, in_flight, most_in_flight, killed;
	long kill_at;
	int order_is_right;
};

static int produce(void *item, void *arg)
{
	struct plan *plan = arg;
	long number = plan->produced;
	if (number == plan->fail_at[0])
		return -EIO;
	if (number == plan->count)
		return 0;
	((struct item *)item)->number = number;
	plan->produced++;
	long now = ++plan->in_flight;
	if (now > plan->most_in_flight)
		plan->most_in_flight = now;
	return 1;
}

static int transform(const void *item, void *result, void *arg)
{
	struct plan *plan = arg;
	const struct item *in = item;
	if (in->number == plan->kill_at && atomic_exchange(&plan->killed, 1) == 0)
		kill(getpid(), SIGKILL);
	if (in->number == plan->fail_at[1])
		return 77;
	*(long *)result = in->number * 3 + 1;
	plan->transformed++;
	return 0;
}

static int consume(const void *result, void *arg)
{
	struct plan *plan = arg;
	long number = plan->consumed;
	if (number == plan->fail_at[2])
		return 88;
	plan->order_is_right &= *(const long *)result == number * 3 + 1;
	plan->consumed++;
	plan->in_flight--;
	return 0;
}

static int run(struct kin_pool *pool, struct plan *plan, long count, long produce_fails, long transform_fails,
	long consume_fails, size_t ahead)
{
	memset(plan, 0, sizeof *plan);
	plan->count = count;
	plan->fail_at[0] = produce_fails;
	plan->fail_at[1] = transform_fails;
	plan->fail_at[2] = consume_fails;
	plan->kill_at = -1;
	plan->order_is_right = 1;
	return kin_pipeline(pool, &(struct kin_pipeline){ .item_size = sizeof(struct item),
					  .result_size = sizeof(long),
					  .produce = produce,
					  .transform = transform,
					  .consume = consume,
					  .arg = plan,
					  .ahead = ahead });
}

static void test_ends(struct kin_pool *pool, struct plan *plan, const char *words)
{
	static const long counts[] = { 0, 1, 2, 3, 63, 64, 65, 1000, 20000 };
	for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
		int result = run(pool, plan, counts[i], -1, -1, -1, 0);
		tap_ok(result == 0 && plan->consumed == counts[i] && plan->order_is_right,
			"%s: %ld items, in order", words, counts[i]);
	}
	for (size_t ahead = 1; ahead < 50; ahead += 7) {
		int result = run(pool, plan, 500, -1, -1, -1, ahead);
		tap_ok(result == 0 && plan->consumed == 500 && plan->order_is_right &&
				plan->most_in_flight <= (long)(ahead > 1 ? ahead : 2),
			"%s: at most %zu ahead, were %ld", words, ahead, plan->most_in_flight);
	}
}

static void test_errors(struct kin_pool *pool, struct plan *plan, const char *words)
{
	static const long places[] = { 0, 1, 5, 100, 999 };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		long at = places[i];
		int result = run(pool, plan, 1000, at, -1, -1, 0);
		tap_ok(result == -EIO && plan->consumed == at && plan->order_is_right,
			"%s: the producer fails at %ld", words, at);
		result = run(pool, plan, 1000, -1, at, -1, 0);
		tap_ok(result == 77 && plan->consumed == at && plan->order_is_right,
			"%s: a transform fails at %ld", words, at);
		result = run(pool, plan, 1000, -1, -1, at, 0);
		tap_ok(result == 88 && plan->consumed == at && plan->order_is_right,
			"%s: the consumer fails at %ld", words, at);
	}
	int result = run(pool, plan, 1000, 300, 200, -1, 0);
	tap_ok(result == 77 && plan->consumed == 200, "%s: the first in the order of items counts", words);
	struct kin_control *control;
	kin_control_create(&control);
	kin_cancel(control);
	struct kin_control *before = kin_control_use(control);
	tap_is_int(run(pool, plan, 1000, -1, -1, -1, 0), -ECANCELED, "cancelled");
	kin_control_use(before);
	kin_control_destroy(control);
}

static int nested(size_t begin, size_t end, void *arg)
{
	struct plan plan;
	for (size_t i = begin; i < end; i++)
		if (run(NULL, &plan, 200, -1, -1, -1, 0) != 0 || plan.consumed != 200 || !plan.order_is_right)
			return -EPROTO;
	return 0;
}

static void test_kinds(void)
{
	for (unsigned workers = 1; workers <= 4; workers++) {
		struct kin_pool *pool;
		struct plan plan;
		char words[32];
		snprintf(words, sizeof words, "%u threads", workers);
		kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers });
		test_ends(pool, &plan, words);
		test_errors(pool, &plan, words);
		tap_is_int(kin_for(pool, 0, 8, 1, nested, NULL), 0, "inside bodies");
		kin_pool_destroy(pool);
	}
	struct kin_pool *pool;
	struct plan *plan;
	if (kin_pool_create(&pool, &(struct kin_pool_options){ .kind = KIN_PROCESSES, .workers = 2 }) < 0) {
		tap_skip("processes", "none can be had");
		return;
	}
	tap_is_int(kin_shared_alloc((void **)&plan, sizeof *plan), 0, "shared memory");
	test_ends(pool, plan, "processes");
	test_errors(pool, plan, "processes");
	memset(plan, 0, sizeof *plan);
	*plan = (struct plan){
		.count = 1000, .fail_at = { -1, -1, -1 }, .kill_at = 321, .order_is_right = 1
	};
	int result = kin_pipeline(pool, &(struct kin_pipeline){ .item_size = sizeof(struct item),
						.result_size = sizeof(long),
						.produce = produce,
						.transform = transform,
						.consume = consume,
						.arg = plan });
	tap_ok(result == 0 && plan->consumed == 1000 && plan->order_is_right && plan->killed,
		"a worker dies in a transform, and nothing is missing");
	struct plan own;
	result = run(pool, &own, 100, -1, -1, -1, 0);
	tap_ok(result == 0 && own.consumed == 100 && own.order_is_right,
		"workers forked for it, as arg is private");
	kin_shared_free(plan);
	kin_pool_destroy(pool);
}

static int count_items(const void *result, void *arg)
{
	struct plan *plan = arg;
	plan->order_is_right &= ((const struct item *)result)->number == plan->consumed;
	plan->consumed++;
	return 0;
}

static void test_options(void)
{
	struct plan plan = { .count = 100, .fail_at = { -1, -1, -1 }, .order_is_right = 1 };
	struct kin_pipeline line = {
		.item_size = sizeof(struct item), .produce = produce, .consume = count_items, .arg = &plan
	};
	tap_ok(kin_pipeline(NULL, &line) == 0 && plan.consumed == 100 && plan.order_is_right, "no transform");
	line.item_size = 0;
	tap_is_int(kin_pipeline(NULL, &line), -EINVAL, "items of no size");
	line.item_size = 8;
	line.transform = transform;
	tap_is_int(kin_pipeline(NULL, &line), -EINVAL, "results of no size");
	line.produce = NULL;
	tap_is_int(kin_pipeline(NULL, &line), -EINVAL, "no producer");
	tap_is_int(kin_pipeline(NULL, NULL), -EINVAL, "no pipeline");
}

static int count_up(void *item, void *arg)
{
	struct plan *plan = arg;
	long number = plan->produced;
	if (number == plan->fail_at[0])
		return -EIO;
	if (number == plan->count)
		return 0;
	*(long *)item = number;
	plan->produced++;
	return 1;
}

static void test_ahead(struct kin_pool *pool, size_t room, int64_t timeout_ns)
{
	struct plan plan = { .count = 3000, .fail_at = { -1 } };
	struct kin_ahead *ahead;
	if (!tap_ok(kin_ahead_create(&ahead, pool, sizeof(long), room, count_up, &plan) == 0,
		    "read %zu ahead", room))
		return;
	long number, expected = 0;
	int result;
	bool right = true, bounded = true;
	while ((result = kin_ahead_next(ahead, &number, timeout_ns)) == 1) {
		right &= number == expected++;
		bounded &= plan.produced - expected <= (long)room + 1;
	}
	tap_ok(result == 0 && expected == 3000 && right, "every item, in order");
	tap_ok(bounded, "and never further");
	tap_is_int(kin_ahead_next(ahead, &number, timeout_ns), 0, "the end remains");
	kin_ahead_destroy(ahead);

	plan = (struct plan){ .count = 3000, .fail_at = { 10 } };
	kin_ahead_create(&ahead, pool, sizeof(long), room, count_up, &plan);
	for (expected = 0; (result = kin_ahead_next(ahead, &number, timeout_ns)) == 1; expected++)
		continue;
	tap_ok(result == -EIO && expected == 10, "a producer that fails after 10");
	kin_ahead_destroy(ahead);

	plan = (struct plan){ .count = 1000000000, .fail_at = { -1 } };
	kin_ahead_create(&ahead, pool, sizeof(long), room, count_up, &plan);
	kin_ahead_next(ahead, &number, timeout_ns);
	kin_ahead_destroy(ahead);
	long produced = plan.produced;
	tap_ok(produced <= (long)room + 2, "destroyed early");
}

int main(void)
{
	alarm(300);
	test_options();
	test_kinds();
	for (unsigned workers = 1; workers <= 3; workers++)
		for (size_t room = 1; room < 100; room = room * 4 + 1) {
			struct kin_pool *pool;
			kin_pool_create(&pool, &(struct kin_pool_options){ .workers = workers });
			test_ahead(pool, room, -1);
			test_ahead(pool, room, INT64_C(100000000000));
			kin_pool_destroy(pool);
		}
	struct kin_ahead *ahead = NULL;
	tap_is_int(kin_ahead_create(&ahead, NULL, 0, 1, count_up, NULL), -EINVAL, "items of no size");
	tap_is_int(kin_ahead_create(&ahead, NULL, 1, 0, count_up, NULL), -EINVAL, "no room");
	tap_is_int(kin_ahead_create(&ahead, NULL, 1, 1, NULL, NULL), -EINVAL, "no producer");
	kin_ahead_destroy(NULL);
	return tap_done();
}
