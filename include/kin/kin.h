/**
 * kin/kin.h: all of libkin.
 *
 * Processes, threads and the memory they share, on Linux. One header per capability; this one includes them all:
 *
 *	kin/error.h   what went wrong, for a program and for a person
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
 * failure. Nothing in libkin prints, reads the environment, or ends the process. Memory the caller owns has an
 * init/finish pair, memory libkin owns a create/destroy pair; finish and destroy accept NULL.
 */
#ifndef KIN_KIN_H
#define KIN_KIN_H

#include <kin/error.h>

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
