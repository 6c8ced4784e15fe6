/**
 * sysfile.h: reading the small files in which the kernel tells about itself, proc, sysfs and cgroupfs. No
 * stdio, no locale; descriptors are closed on exec.
 */
#ifndef KIN_LIB_BASE_SYSFILE_H
#define KIN_LIB_BASE_SYSFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Read the beginning of a file as a string, at most size - 1 bytes. Returns 0 or -errno (buffer is "" then). */
int sysfile_read(const char *path, char *buffer, size_t size);

/** Read a whole file as a string, which the caller frees. NULL: it cannot be read, or is absurdly large. */
char *sysfile_read_all(const char *root, const char *path);

/** Read an unsigned decimal number, and move the cursor behind it. False, nothing moved: no digit, or too large. */
bool sysfile_number(const char **cursor, uint64_t *ret_number);

/**
 * Read the next range of a list as the kernel writes them, "0-3,7", and move the cursor behind it and its
 * comma. False: the end, or something that is no list.
 */
bool sysfile_range(const char **cursor, uint64_t *ret_first, uint64_t *ret_last);

#endif
