/* memory.c: what an int takes, as the kernel counts it: in a process of its own for each list, before and after. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Bytes of this process that are in memory and come from no file: the program's own pages, of which each phase touches
 * some for the first time, would be as much as what is left of a list at the end.
 */
static double resident(void)
{
	unsigned long kilobytes, all = 0;
	char line[128];
	FILE *file = fopen("/proc/self/status", "r");
	while (file && fgets(line, sizeof line, file))
		if (sscanf(line, "RssAnon: %lu", &kilobytes) == 1 ||
			sscanf(line, "RssShmem: %lu", &kilobytes) == 1)
			all += kilobytes;
	if (file)
		fclose(file);
	return (double)all * 1024;
}

struct test {
	const struct contestant *list;
	void *items;
	double before;
	uint64_t seed, count; /* count: as many as there are */
	bool failed;
};

static double per_item(const struct test *test)
{
	return (resident() - test->before) / (double)test->count;
}

static void print(const struct test *test, const char *when, double resident_each)
{
	printf("{\"row\": \"memory\", \"who\": \"%s\", \"when\": \"%s\", \"items\": %llu, \"resident\": %.3f",
		test->list->name, when, (unsigned long long)test->count, resident_each);
	if (test->list->memory)
		printf(", \"own\": %.3f", (double)test->list->memory(test->items) / (double)test->count);
	printf("}\n");
	fflush(stdout);
}

/* One operation at a random place. */
static void edit(struct test *test, bool insert)
{
	uint64_t at = random_below(&test->seed, test->count);
	if (insert)
		test->failed |= test->list->insert(test->items, at, 0) != 0;
	else
		test->failed |= test->list->remove(test->items, at) != 0;
	test->count += insert ? 1 : UINT64_MAX;
}

/* The most bytes an int while insertions at random split all chunks, which were full, and fill them again. */
static void grow(struct test *test)
{
	double worst = 0;
	for (uint64_t last = test->count / 5 * 9, step = test->count / 200; test->count < last;) {
		for (uint64_t i = 0; i < step; i++)
			edit(test, true);
		double now = per_item(test);
		worst = now > worst ? now : worst;
	}
	print(test, "inserts, worst", worst);
	print(test, "inserts, after", per_item(test));
}

static void shrink(struct test *test)
{
	uint64_t left = test->count / 100;
	while (test->count > left)
		edit(test, false);
	print(test, "1 % left", per_item(test));
	if (!test->list->trim)
		return;
	test->list->trim(test->items);
	print(test, "1 % left, trimmed", per_item(test));
}

static int measure(const struct contestant *list, uint64_t count)
{
	struct test test = {
		.list = list, .items = list->create(), .seed = 88172645463325252u, .count = count
	};
	if (!test.items)
		return 1;
	test.before = resident();
	struct task task = { .list = test.items, .count = count, .block = count, .value_step = 1 };
	list->works[WORK_APPEND](&task);
	test.failed = task.failed;
	print(&test, "appends", per_item(&test));
	if (list->insert && !list->shifts) {
		grow(&test);
		shrink(&test);
		test.failed |= list->count(test.items) != test.count;
	}
	list->destroy(test.items);
	if (test.failed)
		printf("{\"row\": \"memory\", \"who\": \"%s\", \"wrong\": 1}\n", list->name);
	return test.failed;
}

int memory_run(const struct options *options)
{
	static const struct contestant *const lists[] = { &list_kin, &list_tbb, &list_mutex,
		&list_kin_shared };
	int result = 0;
	fflush(stdout);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		if (!lists[i]->create)
			continue;
		pid_t pid = fork();
		if (pid < 0)
			return -1;
		if (pid == 0) {
			int status = measure(lists[i], options->quick ? 1000000 : 10000000);
			fflush(stdout);
			_exit(status);
		}
		int status = 0;
		waitpid(pid, &status, 0);
		if (status)
			result = -1;
	}
	return result;
}
