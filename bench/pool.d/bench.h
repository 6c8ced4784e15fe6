/*
 * What all programs of bench/pool have in common, whatever their language: options, data, clock, and the loop that does
 * timed calls on demand. bench/pool starts each program once and lets them take turns, so that what else happens on the
 * machine falls on all of them alike.
 *
 * On stdin come lines "CALLS WARM": so many calls, after so many that do not count. For each call comes a line
 * "NANOSECONDS RESULT" on stdout, and an empty line at the end.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct bench;
typedef void bench_call(struct bench *bench);

/** D and Rust have copies of this: keep them in step. */
struct bench {
	const char *what; /* sum, empty, region, fib, sort, scan ... */
	const char *type; /* of the items: i32, u64, f64, record */
	const char *how; /* which way, where a program knows several */
	size_t count, window; /* items of the whole array, and of each call */
	size_t workers;
	size_t batch; /* calls timed together */
	size_t gap_us; /* pause before each call */
	size_t work; /* iterations of bench_work in a chunk */
	size_t repeat; /* chunks of work in a region */
	void *items, *output;
	size_t begin; /* where the window of this call begins */
	uint64_t result; /* of the last call; the bits of it, for f64 */
};

/** A record to sort: by key, stable. */
struct bench_record {
	uint64_t key, value;
};

/** Options are words NAME=VALUE; whoever does not know its options ends with status 2. */
void bench_init(struct bench *bench, int argc, char **argv);

size_t bench_item_size(const struct bench *bench);

/** Private memory, in huge pages where the system gives them. Ends the program if there is none. */
void *bench_alloc(size_t bytes);

/** The same numbers in every program. f64: both signs, exponents over 40 binades. */
void bench_fill(const struct bench *bench, void *items);

/** bench_alloc and bench_fill, in bench->items. */
void bench_data(struct bench *bench);

/** Work that takes time and no memory. */
uint64_t bench_work(size_t iterations);

uint64_t bench_now(void);

/** Do calls as stdin asks. before and after are not timed and may be NULL. */
void bench_serve(struct bench *bench, bench_call *before, bench_call *call, bench_call *after);

/** before and after of a sort: fresh items in bench->output; result 1 if they are sorted, stable records too. */
void bench_sort_before(struct bench *bench);
void bench_sort_after(struct bench *bench);

/** after of a scan: result is the bits of the last item. */
void bench_scan_after(struct bench *bench);

/** The call is unknown to this program: ends it with status 2. */
void bench_unknown(const struct bench *bench);

#ifdef __cplusplus
}
#endif

#endif
