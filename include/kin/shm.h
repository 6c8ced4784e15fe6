/**
 * kin/shm.h: memory that a program shares with its process workers.
 *
 *	double *numbers;
 *	kin_shared_alloc((void **)&numbers, count * sizeof *numbers);
 *	kin_for(processes, 0, count, 0, square, numbers);        // persistent workers see it
 *	kin_shared_free(numbers);
 *
 * The memory lies in one region of addresses that is set aside before the first process worker is forked; so every
 * worker, of every pool, older or younger than the memory, sees it at the same address. It is anonymous: nothing
 * appears in /dev/shm, and it is gone when the last process that has it is.
 *
 * A child made by fork() shares it with its parent, as shared memory is: what one writes the other sees.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_SHM_H
#define KIN_SHM_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * Allocate shared memory, zeroed, aligned to a page, in huge pages where the system gives them. Its pages are there
 * on return: lack of memory is an error here, and not a SIGBUS later.
 *
 * @param ret_memory  receives the address, owned by the caller: kin_shared_free gives it back; untouched on failure
 * @param bytes       at least so many; 0 is taken as 1
 * @return            0; -ENOMEM: no memory, or no addresses left; other errors of mmap
 *
 * Thread-safe. Meant for arrays: each takes whole pages, and touches all of them (before Linux 5.14 the pages come
 * only when they are touched). Since 0.1.
 */
int kin_shared_alloc(void **ret_memory, size_t bytes);

/**
 * Give shared memory back to the system, for all processes at once.
 *
 * @param memory  from kin_shared_alloc, and not freed yet; NULL is welcome
 *
 * Thread-safe. In a forked child it does nothing: the memory is the parent's too. Since 0.1.
 */
void kin_shared_free(void *memory);

/**
 * Whether all of a range lies in memory from kin_shared_alloc.
 *
 * @param memory  first byte
 * @param bytes   number of bytes; 0: the address alone
 * @return        true if it does
 *
 * Thread-safe, a comparison of addresses. Since 0.1.
 */
bool kin_is_shared(const void *memory, size_t bytes);

#ifdef __cplusplus
}
#endif

#endif
