/*
 * Four processes at random calls on a shared list; again and again one of them is killed. Each writes down, in
 * memory of its own, what it is about to do, that it is done, and what it got. After each death the list has to be
 * whole and to hold what these records say; only the call that was cut off may have happened or not, and nothing in
 * between.
 *
 * Compiled twice: with the library, where a victim is killed at any moment; and from the list's sources with tiny
 * pages, where it kills itself at one of the points of KIN_LIST_CHAOS.
 */
#include "list_killed_worker.h"

#include "list/check.h"

#include <getopt.h>
#include <sys/mman.h>

enum { WATCHDOG = 100 }; // seconds: somebody waits for ever

/* --- the account --- */

static struct {
	char *items;
	size_t room;
	uint8_t in[ALL_SLOTS];
	unsigned wrong, cut_off, happened;
} account;

#define WRONG(...) \
	do { \
		account.wrong++; \
		tap_note(__VA_ARGS__); \
	} while (0)

static int read_all(void)
{
	size_t count = kin_list_count(list);
	if (count > account.room) {
		free(account.items);
		account.room = 2 * count;
		account.items = malloc(account.room * item_size);
		if (!account.items)
			return -ENOMEM;
	}
	int result = kin_list_export(list, account.items, account.room, &count);
	if (result < 0)
		return result;
	memset(account.in, 0, sizeof account.in);
	for (size_t i = 0; i < count; i++) {
		uint32_t slot = decode(account.items + i * item_size).slot;
		if (slot == ALL_SLOTS)
			WRONG("item %zu is not whole", i);
		else if (account.in[slot]++)
			WRONG("item %" PRIu32 " is there twice", slot);
	}
	return 0;
}

static bool is_to_be_added(const struct record *cut, uint32_t slot)
{
	const enum kind kind = atomic_load(&cut->kind);
	for (uint32_t i = 0; (kind == ADD || kind == EXCHANGE) && i < cut->count; i++)
		if (cut->slot[i] == slot)
			return true;
	return false;
}

static bool was_handed_out(const struct record *cut, uint32_t slot)
{
	for (uint32_t i = 0; i < cut->count; i++)
		if (decode(cut->room + i * item_size).slot == slot)
			return true;
	return false;
}

/* Of a call that did not return: all of it, or nothing. */
static void judge_cut_off(const struct record *cut, uint32_t added, uint32_t taken)
{
	const enum kind kind = atomic_load(&cut->kind);
	uint32_t adds = kind == ADD || kind == EXCHANGE ? cut->count : 0;
	uint32_t takes = kind == TAKE || kind == EXCHANGE ? cut->count : 0;
	bool none = added == 0 && taken == 0, all = added == adds && taken == takes;
	if (!none && !all)
		WRONG("a call that was cut off has half happened: %" PRIu32 " of %" PRIu32 " added, %" PRIu32
		      " of %" PRIu32 " removed",
			added, adds, taken, takes);
	account.happened += !none;
}

/* What the list holds against what the records say. From here on, what it holds is what they say. */
static void settle_accounts(const struct record *cut)
{
	const enum kind kind = atomic_load(&cut->kind);
	const bool returned = atomic_load(&cut->returned);
	uint32_t added = 0, taken = 0;
	for (uint32_t slot = 0; slot < ALL_SLOTS; slot++) {
		int more = account.in[slot] - atomic_load(&shared->balance[slot]);
		if (more == 0)
			continue;
		if (more == 1 && is_to_be_added(cut, slot))
			added++;
		else if (more == -1 && (kind == TAKE || kind == EXCHANGE) &&
			 (!returned || was_handed_out(cut, slot)))
			taken++;
		else
			WRONG("item %" PRIu32 " is %s", slot, more < 0 ? "lost" : "there and should not be");
		atomic_store(&shared->balance[slot], (int8_t)account.in[slot]);
	}
	account.cut_off += kind != NOTHING;
	if (kind != NOTHING && !returned)
		judge_cut_off(cut, added, taken);
}

/* Nobody is in a call; a victim may have left T behind. */
static void check_all(const struct record *cut)
{
	int result = kin_list_reserve(list, 1);
	if (result < 0)
		WRONG("the lock cannot be had: %d", result);
	result = kin_list_check(list);
	if (result != 0)
		WRONG("the list is not whole: %d", result);
	result = read_all();
	if (result < 0)
		WRONG("the list cannot be read: %d", result);
	settle_accounts(cut);
}

/* --- the killer --- */

static pid_t pids[WORKERS];

static bool wait_killed(pid_t pid)
{
	int status;
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* Also those that nobody has killed may end: then something is wrong. */
static bool is_parked(unsigned number, uint32_t stop)
{
	int status;
	if (pids[number] == 0 || atomic_load(&shared->record[number].parked) == stop)
		return true;
	if (waitpid(pids[number], &status, WNOHANG) != pids[number])
		return false;
	WRONG("worker %u ended by itself: %d", number, status);
	pids[number] = 0;
	return true;
}

static void stop_all(void)
{
	uint32_t stop = atomic_fetch_add(&shared->stop, 1) + 1;
	for (unsigned i = 0; i < WORKERS; i++)
		while (!is_parked(i, stop))
			usleep(20);
}

static void kill_one(uint64_t *random)
{
	unsigned victim = below(random, WORKERS);
#ifdef KIN_LIST_CHAOS
	atomic_store(&shared->record[victim].armed, 1 + below(random, 2000));
#else
	usleep(below(random, 2000));
	kill(pids[victim], SIGKILL);
#endif
	if (!wait_killed(pids[victim]))
		WRONG("worker %u ended by itself", victim);
	pids[victim] = 0;
	stop_all();
	check_all(&shared->record[victim]);
	pids[victim] = worker_start(victim, *random);
	atomic_fetch_add(&shared->stop, 1);
}

static void end_workers(void)
{
	uint32_t errors = 0;
	uint64_t calls = 0;
	stop_all();
	atomic_store(&shared->quit, 1);
	atomic_fetch_add(&shared->stop, 1);
	for (unsigned i = 0; i < WORKERS; i++) {
		int status;
		if (pids[i] && (waitpid(pids[i], &status, 0) != pids[i] || status != 0))
			WRONG("worker %u ended with %d", i, status);
		errors += atomic_load(&shared->record[i].errors);
		calls += shared->record[i].calls;
	}
	tap_is_int(errors, 0, "each call returned what it may, and items were whole");
	tap_note("%" PRIu64 " calls; %u were cut off, %u of them had changed the list", calls,
		account.cut_off, account.happened);
}

static void test_kills(uint32_t count, uint64_t seed, size_t size)
{
	tap_note("%" PRIu32 " kills, items of %zu bytes", count, size);
	memset(shared, 0, sizeof *shared);
	memset(&account, 0, sizeof account);
	item_size = size;
	if (!tap_is_int(kin_list_create_shared(&list, size), 0, "a shared list"))
		return;
	uint64_t random = seed;
	for (unsigned i = 0; i < WORKERS; i++)
		pids[i] = worker_start(i, seed * WORKERS + i);
	for (uint32_t i = 0; i < count && account.wrong == 0; i++)
		kill_one(&random);
	end_workers();
	static const struct record none;
	check_all(&none);
	tap_is_int(account.wrong, 0, "whole after every death; nothing lost, nothing twice");
	tap_is_int(kin_list_clear(list), 0, "cleared");
	tap_is_int(kin_list_check(list), 0, "an empty list is whole");
	free(account.items);
	kin_list_destroy(list);
}

/* --- killed while it holds or awaits something --- */

/* A child that says when it is there, and then is killed. */
static pid_t start_victim(void (*run)(int), int *ret_result)
{
	int ends[2], result = -EPIPE;
	if (pipe(ends) < 0)
		return -1;
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		run(ends[1]);
		_exit(3);
	}
	close(ends[1]);
	if (read(ends[0], &result, sizeof result) != sizeof result)
		result = -EPIPE;
	close(ends[0]);
	*ret_result = result;
	return pid;
}

static void say_and_wait(int end, int result)
{
	if (write(end, &result, sizeof result) == sizeof result)
		pause();
	_exit(4);
}

static void hold_snapshot(int end)
{
	struct kin_snapshot *snapshot;
	say_and_wait(end, kin_list_snapshot(list, &snapshot));
}

static int stay_in_update(void *item, void *arg)
{
	encode(item, 1, 1);
	say_and_wait(*(int *)arg, 0);
	return 0;
}

static void hold_item(int end)
{
	kin_list_update(list, 5, stay_in_update, &end);
}

static void await_item(int end)
{
	char item[SIZE_MOST];
	int result = 0;
	if (write(end, &result, sizeof result) == sizeof result)
		result = kin_list_pop_first(list, item, -1);
	_exit(result == 0 && decode(item).slot == 7 ? 0 : 5);
}

static int fill(uint32_t count)
{
	int result = 0;
	char item[SIZE_MOST];
	for (uint32_t i = 0; i < count && result == 0; i++) {
		encode(item, i, 0);
		result = kin_list_append(list, item, NULL);
	}
	return result;
}

/* More of them than there are places. */
static void test_snapshots(void)
{
	const uint32_t count = 2000;
	int failed = 0;
	tap_is_int(fill(count), 0, "filled");
	for (uint32_t i = 0; i < 100; i++) {
		int result = -1;
		char item[SIZE_MOST];
		pid_t pid = start_victim(hold_snapshot, &result);
		failed += result != 0;
		kill(pid, SIGKILL);
		failed += !wait_killed(pid);
		encode(item, i, 1);
		failed += kin_list_replace(list, count / 2 + i, item, NULL) != 0;
	}
	tap_is_int(failed, 0, "places of snapshots whose processes were killed are free again");
	tap_is_int(kin_list_check(list), 0, "the list is whole");
	tap_is_int(kin_list_count(list), count, "and as long as it was");
}

static void test_update(void)
{
	char item[SIZE_MOST];
	int result;
	pid_t pid = start_victim(hold_item, &result);
	tap_is_int(result, 0, "a process is in the function of an update");
	kill(pid, SIGKILL);
	tap_ok(wait_killed(pid), "it is killed");
	tap_is_int(kin_list_get(list, 5, item), 0, "the item can be read");
	struct item found = decode(item);
	tap_ok(found.slot == 5 && found.changes == 0, "and is as it was");
	tap_is_int(kin_list_update(list, 5, change_item, NULL), 0, "another process updates it");
	tap_is_int(kin_list_check(list), 0, "the list is whole");
}

/* Of two who wait, one is killed; the item that comes is the other's. */
static void test_waiters(void)
{
	char item[SIZE_MOST];
	int result, status;
	tap_is_int(kin_list_clear(list), 0, "cleared");
	pid_t dead = start_victim(await_item, &result);
	while (__atomic_load_n(&list->top->waiters, __ATOMIC_RELAXED) < 1)
		usleep(100);
	pid_t other = start_victim(await_item, &result);
	while (__atomic_load_n(&list->top->waiters, __ATOMIC_RELAXED) < 2)
		usleep(100);
	kill(dead, SIGKILL);
	tap_ok(wait_killed(dead), "one of two who wait is killed");
	encode(item, 7, 0);
	tap_is_int(kin_list_append(list, item, NULL), 0, "an item comes");
	tap_ok(waitpid(other, &status, 0) == other && status == 0, "the other one gets it");
	tap_is_int(kin_list_append(list, item, NULL), 0, "and another");
	tap_is_int(kin_list_pop_first(list, item, 0), 0, "which nobody else takes");
	tap_is_int(kin_list_check(list), 0, "the list is whole");
}

static void test_held(void)
{
	item_size = SIZE_MOST;
	if (!tap_is_int(kin_list_create_shared(&list, item_size), 0, "a shared list"))
		return;
	test_snapshots();
	test_update();
	test_waiters();
	kin_list_destroy(list);
}

int main(int argc, char **argv)
{
	static const struct option known[] = { { "count", required_argument, NULL, 'c' },
		{ "seed", required_argument, NULL, 's' }, { 0 } };
	uint32_t count = 200;
	uint64_t seed = 1;
#ifdef LIST_TSAN
	return tap_skip_all("the thread sanitizer does not know of locks that other processes take");
#endif
	for (int option; (option = getopt_long(argc, argv, "c:s:", known, NULL)) != -1;) {
		if (option == '?')
			return 2;
		uint64_t number = strtoull(optarg, NULL, 10);
		if (option == 'c')
			count = (uint32_t)number;
		else
			seed = number;
	}
	alarm(WATCHDOG + count / 10);
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (!tap_ok(shared != MAP_FAILED, "memory for the records"))
		return tap_done();
	test_kills(count / 2, seed, 8);
	test_kills(count - count / 2, seed + 1, 24);
	test_held();
	munmap(shared, sizeof *shared);
	return tap_done();
}
