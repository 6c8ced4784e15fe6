#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define MAX_CALLS 100000

static void option(struct bench *bench, char *word)
{
	struct {
		const char *name, **text;
		size_t *number;
	} options[] = {
		{ "what", &bench->what, NULL },
		{ "type", &bench->type, NULL },
		{ "how", &bench->how, NULL },
		{ "count", NULL, &bench->count },
		{ "window", NULL, &bench->window },
		{ "workers", NULL, &bench->workers },
		{ "batch", NULL, &bench->batch },
		{ "gap", NULL, &bench->gap_us },
		{ "work", NULL, &bench->work },
		{ "repeat", NULL, &bench->repeat },
	};
	char *value = strchr(word, '=');
	for (size_t i = 0; value && i < sizeof options / sizeof *options; i++) {
		if (strlen(options[i].name) != (size_t)(value - word) ||
			strncmp(word, options[i].name, (size_t)(value - word)) != 0)
			continue;
		if (options[i].text)
			*options[i].text = value + 1;
		else
			*options[i].number = strtoull(value + 1, NULL, 10);
		return;
	}
	fprintf(stderr, "unknown option %s\n", word);
	exit(2);
}

void bench_init(struct bench *bench, int argc, char **argv)
{
	*bench = (struct bench){ .what = "",
		.type = "",
		.how = "",
		.workers = 2,
		.batch = 1,
		.repeat = 2,
		.count = 1,
		.window = 0 };
	for (int i = 1; i < argc; i++)
		option(bench, argv[i]);
	if (bench->workers > 64) {
		fprintf(stderr, "too many workers\n");
		exit(2);
	}
	if (!bench->window || bench->window > bench->count)
		bench->window = bench->count;
}

void bench_unknown(const struct bench *bench)
{
	fprintf(stderr, "what=%s type=%s how=%s is unknown here\n", bench->what, bench->type, bench->how);
	exit(2);
}

size_t bench_item_size(const struct bench *bench)
{
	if (strcmp(bench->type, "i32") == 0)
		return 4;
	return strcmp(bench->type, "record") == 0 ? sizeof(struct bench_record) : 8;
}

void *bench_alloc(size_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	madvise(memory, bytes, MADV_HUGEPAGE);
	return memory;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

static double random_f64(uint64_t random)
{
	uint64_t exponent = 1023 - 20 + (random >> 58) % 40;
	uint64_t bits = (random & 0x800fffffffffffff) | exponent << 52;
	double number;
	memcpy(&number, &bits, sizeof number);
	return number;
}

void bench_fill(const struct bench *bench, void *items)
{
	uint64_t state = 0x9e3779b97f4a7c15;
	size_t size = bench_item_size(bench);
	for (size_t i = 0; i < bench->count; i++) {
		uint64_t random = next_random(&state);
		if (size == 4)
			((int32_t *)items)[i] = (int32_t)(random >> 16);
		else if (strcmp(bench->type, "f64") == 0)
			((double *)items)[i] = random_f64(random);
		else if (size == 8)
			((uint64_t *)items)[i] = random;
		else /* keys that come a few times each, so that stable means something */
			((struct bench_record *)items)[i] =
				(struct bench_record){ random % (bench->count / 4 + 1) * 0x9e3779b97f4a7c15,
					i };
	}
}

void bench_data(struct bench *bench)
{
	bench->items = bench_alloc(bench->count * bench_item_size(bench));
	bench_fill(bench, bench->items);
}

__attribute__((noinline)) uint64_t bench_work(size_t iterations)
{
	uint64_t number = iterations;
	for (size_t i = 0; i < iterations; i++) {
		number = number * 6364136223846793005 + 1442695040888963407;
		__asm__ volatile("" : "+r"(number));
	}
	return number;
}

uint64_t bench_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void one_call(struct bench *bench, size_t number, bench_call *const calls[3], double *ns)
{
	bench->begin = number % (bench->count / bench->window) * bench->window;
	if (calls[0])
		calls[0](bench);
	if (bench->gap_us)
		nanosleep(&(struct timespec){ .tv_sec = (time_t)(bench->gap_us / 1000000),
				  .tv_nsec = (long)(bench->gap_us % 1000000 * 1000) },
			NULL);
	uint64_t start = bench_now();
	for (size_t i = 0; i < bench->batch; i++)
		calls[1](bench);
	*ns = (double)(bench_now() - start) / (double)bench->batch;
	if (calls[2])
		calls[2](bench);
}

void bench_serve(struct bench *bench, bench_call *before, bench_call *call, bench_call *after)
{
	static double ns[MAX_CALLS];
	static uint64_t results[MAX_CALLS];
	bench_call *const calls[3] = { before, call, after };
	size_t number = 0;
	char line[80];
	printf("ready\n\n");
	fflush(stdout);
	while (fgets(line, sizeof line, stdin)) {
		size_t wanted = 0, warm = 0;
		if (sscanf(line, "%zu %zu", &wanted, &warm) != 2 || wanted > MAX_CALLS)
			exit(2);
		for (size_t i = 0; i < warm; i++)
			one_call(bench, number++, calls, &ns[0]);
		for (size_t i = 0; i < wanted; i++) {
			one_call(bench, number++, calls, &ns[i]);
			results[i] = bench->result;
		}
		for (size_t i = 0; i < wanted; i++)
			printf("%.1f %016llx\n", ns[i], (unsigned long long)results[i]);
		printf("\n");
		fflush(stdout);
	}
}

void bench_sort_before(struct bench *bench)
{
	size_t bytes = bench->count * bench_item_size(bench);
	if (!bench->output)
		bench->output = bench_alloc(bytes);
	memcpy(bench->output, bench->items, bytes);
}

static int in_order(const struct bench *bench, size_t i)
{
	if (strcmp(bench->type, "i32") == 0)
		return ((int32_t *)bench->output)[i - 1] <= ((int32_t *)bench->output)[i];
	if (strcmp(bench->type, "f64") == 0)
		return ((double *)bench->output)[i - 1] <= ((double *)bench->output)[i];
	if (strcmp(bench->type, "u64") == 0)
		return ((uint64_t *)bench->output)[i - 1] <= ((uint64_t *)bench->output)[i];
	const struct bench_record *record = bench->output;
	return record[i - 1].key < record[i].key ||
	       (record[i - 1].key == record[i].key && record[i - 1].value < record[i].value);
}

void bench_sort_after(struct bench *bench)
{
	bench->result = 1;
	for (size_t i = 1; i < bench->count; i++)
		if (!in_order(bench, i))
			bench->result = 0;
}

void bench_scan_after(struct bench *bench)
{
	memcpy(&bench->result, (double *)bench->output + bench->begin + bench->window - 1,
		sizeof bench->result);
}
