/*
 * Sorts and scans whose process workers are killed: by their own callbacks at chosen calls, and by a bystander at
 * any time.
 */
#include "sorting.h"

#include <kin/scan.h>

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

static struct kin_pool *pool;

/* --- by their own callbacks --- */

struct fuse {
	_Atomic long left; // calls until the caller dies
	_Atomic int deaths;
};

static void burn(struct fuse *fuse)
{
	if (atomic_fetch_sub(&fuse->left, 1) == 1) {
		fuse->deaths++;
		kill(getpid(), SIGKILL);
	}
}

static int by_number(const void *a, const void *b, void *arg)
{
	uint32_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	burn(arg);
	return (x > y) - (x < y);
}

static int compare_only(const void *a, const void *b, void *arg)
{
	uint32_t x, y;
	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

/* Items that begin with a key that occurs several times; what follows tells them apart. */
static void make_items(char *items, size_t size, size_t count)
{
	uint64_t state = 7;
	for (size_t i = 0; i < count; i++) {
		uint32_t key = (uint32_t)(sorting_random(&state) % (count / 4));
		memset(items + i * size, (int)(i & 127), size);
		memcpy(items + i * size, &key, sizeof key);
		if (size >= 8) {
			uint32_t number = (uint32_t)i;
			memcpy(items + i * size + 4, &number, sizeof number);
		}
	}
}

static void test_compare(struct fuse *fuse, size_t size)
{
	const size_t count = 6000;
	void *memory;
	bool right = true;
	if (kin_shared_alloc(&memory, count * size) < 0)
		return;
	make_items(memory, size, count);
	size_t *order = sorting_order(memory, size, count, compare_only, NULL);
	char *wanted = sorting_arrange(memory, size, count, order);
	fuse->deaths = 0;
	for (long calls = 1; calls < 75000; calls += 7919) {
		make_items(memory, size, count);
		fuse->left = calls;
		right &= kin_sort(pool, memory, count, size, by_number, fuse) == 0;
		right &= memcmp(memory, wanted, count * size) == 0;
	}
	tap_ok(fuse->deaths >= 8, "%d workers died while they compared items of %zu bytes", fuse->deaths,
		size);
	tap_ok(right, "... and the items were sorted all the same");
	fuse->left = -1;
	kin_shared_free(memory);
	free(order);
	free(wanted);
}

static int add(void *into, const void *from, void *arg)
{
	*(uint64_t *)into = *(uint64_t *)into * 3 + *(const uint64_t *)from;
	return 0;
}

/*
 * Not associative, but for chunks that hold all items; there it shows whether items were read after they were
 * written.
 */
static int burn_and_add(void *into, const void *from, void *arg)
{
	burn(arg);
	return add(into, from, NULL);
}

static void test_scan(struct fuse *fuse, bool exclusive)
{
	const size_t count = 5000;
	void *memory;
	bool right = true;
	struct kin_scan scan = {
		.item_size = 8, .combine = burn_and_add, .exclusive = exclusive, .grain = count
	};
	if (kin_shared_alloc(&memory, count * 8) < 0)
		return;
	uint64_t *items = memory;
	fuse->deaths = 0;
	scan.arg = fuse;
	for (long calls = 100; calls < (long)count; calls += 1000) {
		uint64_t sum = 0;
		for (size_t i = 0; i < count; i++)
			items[i] = i + 1;
		fuse->left = calls;
		right &= kin_scan(pool, items, count, items, &scan) == 0;
		for (size_t i = 0; i < count; i++) {
			uint64_t before = sum;
			sum = sum * 3 + i + 1;
			right &= items[i] == (exclusive ? before : sum);
		}
	}
	tap_is_int(fuse->deaths, 5, "workers died while they scanned");
	tap_ok(right, "... over the items, and the results were right");
	fuse->left = -1;
	kin_shared_free(memory);
}

/* --- by a bystander --- */

static _Atomic bool stop;

/* One of this process's children that is a worker; 0: none found. */
static pid_t find_worker(unsigned number)
{
	pid_t found[64];
	size_t count = 0;
	DIR *tasks = opendir("/proc/self/task");
	for (struct dirent *task; tasks && (task = readdir(tasks));) {
		char path[300];
		long pid;
		snprintf(path, sizeof path, "/proc/self/task/%s/children", task->d_name);
		FILE *file = fopen(path, "r");
		while (file && count < 64 && fscanf(file, "%ld", &pid) == 1)
			found[count++] = (pid_t)pid;
		if (file)
			fclose(file);
	}
	if (tasks)
		closedir(tasks);
	return count ? found[number % count] : 0;
}

static void *kill_workers(void *arg)
{
	uint64_t state = 3;
	while (!stop) {
		pid_t worker = find_worker((unsigned)sorting_random(&state));
		if (worker > 0)
			kill(worker, SIGKILL);
		usleep(1000 + (useconds_t)(sorting_random(&state) % 4000));
	}
	return arg;
}

/* Three deaths in a row in one chunk are an error, and no fault: given up. */
static bool keys_are_right(uint64_t *numbers, size_t count, int *given_up)
{
	uint64_t state = 9, sum = 0, sum_after = 0;
	for (size_t i = 0; i < count; i++)
		sum += numbers[i] = sorting_random(&state) >> (i % 3 * 20);
	int result = kin_sort_u64(pool, numbers, count);
	if (result == -EOWNERDEAD)
		return ++*given_up;
	bool right = result == 0;
	for (size_t i = 0; i < count; i++) {
		sum_after += numbers[i];
		right &= !i || numbers[i - 1] <= numbers[i];
	}
	return right && sum == sum_after;
}

static bool sums_are_right(uint64_t *numbers, size_t count, int *given_up)
{
	bool right = true;
	for (size_t i = 0; i < count; i++)
		numbers[i] = i;
	int result = kin_scan_sum_u64(pool, numbers, count, numbers);
	if (result == -EOWNERDEAD)
		return ++*given_up;
	for (size_t i = 0; i < count; i++)
		right &= numbers[i] == (uint64_t)i * (i + 1) / 2;
	return right && result == 0;
}

static void test_bystander(void)
{
	const size_t count = 600000;
	struct kin_pool_stats before, after;
	void *memory;
	pthread_t bystander;
	bool right = true;
	int given_up = 0;
	if (kin_shared_alloc(&memory, count * 8) < 0)
		return;
	kin_pool_stats(pool, &before, sizeof before);
	if (pthread_create(&bystander, NULL, kill_workers, NULL) == 0) {
		for (int i = 0; i < 15; i++) {
			right &= keys_are_right(memory, count, &given_up);
			right &= sums_are_right(memory, count, &given_up);
		}
		stop = true;
		pthread_join(bystander, NULL);
	}
	kin_pool_stats(pool, &after, sizeof after);
	tap_note("%d of 30 calls were given up", given_up);
	if (after.deaths == before.deaths)
		tap_skip("workers killed by a bystander", "this system does not tell a process's children");
	else
		tap_ok(true, "%lu workers were killed while they sorted and summed",
			(unsigned long)(after.deaths - before.deaths));
	tap_ok(right, "... and what was not given up is right");
	kin_shared_free(memory);
}

int main(void)
{
	void *fuse;
	struct kin_pool_options options = { .workers = 2, .kind = KIN_PROCESSES };
	tap_ok(kin_shared_alloc(&fuse, sizeof(struct fuse)) == 0, "there is shared memory");
	tap.descriptors = tap_count_descriptors();
	if (kin_pool_create(&pool, &options) < 0)
		return tap_done();
	test_compare(fuse, 4);
	test_compare(fuse, 80);
	test_scan(fuse, false);
	test_scan(fuse, true);
	test_bystander();
	kin_pool_destroy(pool);
	kin_shared_free(fuse);
	return tap_done();
}
