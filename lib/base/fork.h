/**
 * fork.h: notices that this process is a forked child of the one that made a thing.
 */
#ifndef KIN_LIB_BASE_FORK_H
#define KIN_LIB_BASE_FORK_H

#include <stdint.h>

/**
 * A number that is another one in each process of a line of forks: at least 1, one more in a child than in its
 * parent. Sees every fork, also those that go round the C library, where the kernel can wipe a page in the child
 * (Linux 4.14). Costs two loads.
 */
uint32_t fork_generation(void);

#endif
