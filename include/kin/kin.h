/**
 * kin/kin.h: all of libkin.
 *
 * Processes, threads and the memory they share, on Linux. One header per capability; this one includes them all:
 *
 *	kin/error.h     what went wrong, for a program and for a person
 *	kin/pool.h      pools of threads or processes; loops, maps, searches
 *	kin/reduce.h    one result from many items: any reduction, and sums, extremes, moments of numbers
 *	kin/scan.h      all prefixes of a sum, or of any associative operation
 *	kin/sort.h      stable sorts, by comparison and by key
 *	kin/pipeline.h  produce, transform in parallel, consume in order; read ahead
 *	kin/job.h       work that runs while the caller goes on, and has a result
 *	kin/fork.h      recursion: tasks of nanoseconds, forked and joined
 *	kin/control.h   cancelling, deadlines and progress for all of these
 *	kin/shm.h       memory that a program shares with its process workers
 *
 * Compile and link with $(pkg-config --cflags --libs kin):
 *
 *	#include <kin/kin.h>
 *	#include <stdio.h>
 *
 *	int main(void)
 *	{
 *		printf("libkin %s\n", kin_version());
 *	}
 *
 * Functions return 0 or a negative errno value, and results through their last pointers, which stay untouched on
 * failure. Nothing in libkin prints or ends the process, and it reads one variable of the environment, KIN_WORKERS
 * (kin/pool.h). Memory the caller owns has an
 * init/finish pair, memory libkin owns a create/destroy pair; finish and destroy accept NULL.
 */
#ifndef KIN_KIN_H
#define KIN_KIN_H

#include <kin/control.h>
#include <kin/error.h>
#include <kin/fork.h>
#include <kin/job.h>
#include <kin/list.h>
#include <kin/pipeline.h>
#include <kin/pool.h>
#include <kin/reduce.h>
#include <kin/scan.h>
#include <kin/shm.h>
#include <kin/sort.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The version of the library the program runs with, "MAJOR.MINOR.PATCH". It can be newer than the headers it was
 * compiled with; not older.
 *
 * @return  a constant string, valid for as long as the library is loaded; never NULL
 *
 * Callable from any thread and from signal handlers. Since 0.1.
 */
const char *kin_version(void);

#ifdef __cplusplus
}
#endif

#endif
