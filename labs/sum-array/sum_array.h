/* sum_array.h: what the four programs have in common, so that each file shows one idea and nothing else. */
#ifndef LAB_SUM_ARRAY_H
#define LAB_SUM_ARRAY_H

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define MAX_WORKERS 1024

struct lab {
	const char *name; /* of the program */
	size_t count; /* of numbers */
	unsigned workers;
	bool parallel; /* takes -w */
	uint64_t seed;
	int32_t *numbers;
};

/* Part number `part` of `parts` parts of [0, count). The first count % parts of them are one element longer. */
struct range {
	size_t begin, end;
};

static inline struct range range_of(size_t count, unsigned part, unsigned parts)
{
	size_t length = count / parts, rest = count % parts;
	size_t begin = part * length + (part < rest ? part : rest);
	return (struct range){ begin, begin + length + (part < rest ? 1 : 0) };
}

static inline int64_t sum_range(const int32_t *numbers, struct range range)
{
	int64_t sum = 0;
	for (size_t i = range.begin; i < range.end; i++)
		sum += numbers[i];
	return sum;
}

/* Number `index` of the sequence that a seed stands for (SplitMix64): the same on every machine. */
static inline int32_t number_at(uint64_t seed, size_t index)
{
	uint64_t x = seed + (index + 1) * UINT64_C(0x9e3779b97f4a7c15);
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	x ^= x >> 31;
	return (int32_t)(uint32_t)(x >> 32);
}

static inline double seconds_now(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

_Noreturn static inline void lab_fail(const struct lab *lab, const char *what, int error)
{
	fprintf(stderr, "%s: %s: %s\n", lab->name, what, strerror(error));
	exit(1);
}

_Noreturn static inline void lab_usage(const struct lab *lab, const char *what, const char *value)
{
	fprintf(stderr, "%s: %s '%s'; usage: %s [-n COUNT] %s[-s SEED]\n", lab->name, what, value, lab->name,
		lab->parallel ? "[-w WORKERS] " : "");
	exit(2);
}

static inline uint64_t lab_number(
	const struct lab *lab, const char *what, const char *value, uint64_t low, uint64_t high)
{
	char *end;
	errno = 0;
	unsigned long long number = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno || number < low || number > high) {
		char line[96];
		snprintf(line, sizeof line, "%s must be a whole number from %llu to %llu, not", what,
			(unsigned long long)low, (unsigned long long)high);
		lab_usage(lab, line, value);
	}
	return number;
}

/* Read the options and make the numbers. A program with several workers says how many it has by default. */
static inline struct lab lab_begin(int argc, char **argv, const char *name, unsigned workers)
{
	struct lab lab = { .name = name, .count = 100000000, .workers = workers, .seed = 1 };
	lab.parallel = workers > 1;
	opterr = 0;
	for (int option; (option = getopt(argc, argv, lab.parallel ? ":n:w:s:" : ":n:s:")) != -1;) {
		if (option == 'n')
			lab.count = lab_number(&lab, "COUNT", optarg, 0, SIZE_MAX / sizeof *lab.numbers);
		else if (option == 'w')
			lab.workers = (unsigned)lab_number(&lab, "WORKERS", optarg, 1, MAX_WORKERS);
		else if (option == 's')
			lab.seed = lab_number(&lab, "SEED", optarg, 0, UINT64_MAX);
		else
			lab_usage(&lab, option == ':' ? "no value after" : "cannot use",
				(char[]){ '-', (char)optopt, '\0' });
	}
	if (optind < argc)
		lab_usage(&lab, "cannot use", argv[optind]);

	lab.numbers = malloc(lab.count ? lab.count * sizeof *lab.numbers : 1);
	if (!lab.numbers)
		lab_fail(&lab, "no memory for that many numbers, give a smaller -n", ENOMEM);
	for (size_t i = 0; i < lab.count; i++)
		lab.numbers[i] = number_at(lab.seed, i);
	return lab;
}

/* Print the result and return main's status. */
static inline int lab_end(struct lab *lab, int64_t sum, double seconds)
{
	free(lab->numbers);
	printf("%-10s  workers %u  numbers %zu  sum %lld  seconds %.4f\n", lab->name, lab->workers,
		lab->count, (long long)sum, seconds);
	if (fflush(stdout) != 0)
		lab_fail(lab, "standard output", errno);
	return 0;
}

#endif
