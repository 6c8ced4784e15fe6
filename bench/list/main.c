/*
 * main.c: one row of bench/list, in a process of its own; what was measured goes to stdout, one JSON object a line.
 * bench/list/run starts it, and makes tables of it.
 */
#include "bench.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef NO_KIN
const struct contestant list_kin = { "kin", .create = NULL },
			list_kin_shared = { "kin shared", .create = NULL };
#endif
#ifdef NO_TBB
const struct contestant list_tbb = { "TBB", .create = NULL },
			list_tbb_called = { "TBB, called", .create = NULL };
#endif

static int usage(void)
{
	fputs("usage: list-bench [--quick] [--burst] [--rounds N] [--count N] ROW; list-bench --list\n",
		stderr);
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option known[] = { { "quick", no_argument, NULL, 'q' },
		{ "rounds", required_argument, NULL, 'r' }, { "count", required_argument, NULL, 'c' },
		{ "burst", no_argument, NULL, 'b' }, { "list", no_argument, NULL, 'l' }, { 0 } };
	struct options options = { .rounds = 15, .count = 100000000 };
	for (int option; (option = getopt_long(argc, argv, "", known, NULL)) != -1;)
		switch (option) {
		case 'q':
			options.quick = true;
			break;
		case 'b':
			burst_ahead = true;
			break;
		case 'r':
			options.rounds = atoi(optarg);
			break;
		case 'c':
			options.count = strtoull(optarg, NULL, 10);
			break;
		case 'l':
			rows_names();
			puts("course\nmemory");
			return 0;
		default:
			return usage();
		}
	if (optind != argc - 1 || options.rounds < 1 || options.count < 2 || options.count > INT32_MAX - 2)
		return usage();
	const char *name = argv[optind];
	/* Of the course's workloads one takes a second: so long nobody should go ahead of all others. */
	burst_ahead = burst_ahead && strcmp(name, "course") != 0;
	int result = strcmp(name, "course") == 0   ? course_run(&options)
		     : strcmp(name, "memory") == 0 ? memory_run(&options)
						   : rows_run(name, &options);
	if (result == -2)
		return usage();
	return result ? 1 : 0;
}
