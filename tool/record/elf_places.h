/**
 * elf_places.h: symbols and source lines of one ELF file, by elfutils. Built only where kin has libdw.
 */
#ifndef KIN_TOOL_RECORD_ELF_PLACES_H
#define KIN_TOOL_RECORD_ELF_PLACES_H

#include <stddef.h>
#include <stdint.h>

struct elf_places;

/** What lies at an offset. Strings are valid until elf_places_destroy(); NULL: not known. */
struct elf_place {
	const char *function;
	const char *file; // of the source
	int line;
	/* As the file itself, objdump and addr2line count; the offset where no segment has it. */
	uint64_t address;
	const uint8_t *bytes; // what the file has there
	size_t n_bytes;
};

/**
 * Open a file; path tells where to look for a debug file beside it. The descriptor is taken over, also on failure.
 * Returns 0, -ENOMEM, or -ENOEXEC for what is no ELF file.
 */
int elf_places_create(struct elf_places **ret_places, const char *path, int fd);

/** NULL is welcome. */
void elf_places_destroy(struct elf_places *places);

void elf_places_find(struct elf_places *places, uint64_t offset, struct elf_place *ret_place);

#endif
