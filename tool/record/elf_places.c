#include "record/elf_places.h"

#include "config.h"

#if HAVE_LIBDW

#include <elfutils/libdwfl.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEBUG_ROOT "/usr/lib/debug"

/*
 * libdw unpacks all compressed sections before it answers anything: 100 ms for the C library's debug file, more than
 * many a program runs. Such a debug file is used for its symbols, which are not compressed, and not for its lines.
 */
#define UNPACK_MOST (256u << 10)

struct elf_places {
	bool has_symbols; // not only the dynamic ones
	bool no_lines;
	Dwfl *dwfl;
	Dwfl_Module *module;
	Elf *elf; // the module's
	GElf_Addr bias; // of the module's addresses against the file's
};

static int open_file(const char *path, char **ret_path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	*ret_path = strdup(path);
	if (*ret_path)
		return fd;
	close(fd);
	return -1;
}

static bool has_section(Elf *elf, GElf_Word type)
{
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	while ((section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_type == type)
			return true;
	return false;
}

static bool slow_to_unpack(int fd)
{
	uint64_t packed = 0;
	Elf_Scn *section = NULL;
	GElf_Shdr header;
	Elf *elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	while (elf && (section = elf_nextscn(elf, section)))
		if (gelf_getshdr(section, &header) && header.sh_flags & SHF_COMPRESSED)
			packed += header.sh_size;
	elf_end(elf);
	return packed > UNPACK_MOST;
}

static int open_by_build_id(Dwfl_Module *module, char **ret_path)
{
	const unsigned char *id;
	GElf_Addr address;
	int length = dwfl_module_build_id(module, &id, &address);
	char hex[2 * 64 + 1], path[sizeof DEBUG_ROOT + sizeof hex + 32];
	if (length < 2 || length > 64)
		return -1;
	for (int i = 0; i < length; i++)
		snprintf(hex + 2 * i, 3, "%02x", id[i]);
	snprintf(path, sizeof path, DEBUG_ROOT "/.build-id/%.2s/%s.debug", hex, hex + 2);
	return open_file(path, ret_path);
}

/* The checksum that .gnu_debuglink holds: CRC-32 as in zip files. */
static bool has_checksum(int fd, uint32_t wanted)
{
	unsigned char buffer[65536];
	uint32_t table[256], crc = ~0u;
	for (uint32_t i = 0; i < 256; i++) {
		uint32_t value = i;
		for (int bit = 0; bit < 8; bit++)
			value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
		table[i] = value;
	}
	ssize_t count;
	while ((count = read(fd, buffer, sizeof buffer)) > 0)
		for (ssize_t i = 0; i < count; i++)
			crc = crc >> 8 ^ table[(crc ^ buffer[i]) & 255];
	return count == 0 && ~crc == wanted && lseek(fd, 0, SEEK_SET) == 0;
}

static int open_by_link(const char *file, const char *link, uint32_t checksum, char **ret_path)
{
	static const struct {
		const char *before, *between;
	} places[] = { { "", "/" }, { "", "/.debug/" }, { DEBUG_ROOT, "/" } };
	const char *slash = strrchr(file, '/');
	char path[4096];
	if (!slash)
		return -1;
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		int length = snprintf(path, sizeof path, "%s%.*s%s%s", places[i].before, (int)(slash - file),
			file, places[i].between, link);
		int fd = (size_t)length < sizeof path ? open_file(path, ret_path) : -1;
		if (fd >= 0 && has_checksum(fd, checksum))
			return fd;
		if (fd >= 0) {
			close(fd);
			free(*ret_path);
		}
	}
	return -1;
}

/* In place of dwfl_standard_find_debuginfo(), which would ask a server where DEBUGINFOD_URLS is set. */
static int find_debug_file(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
	const char *file, const char *link, GElf_Word checksum, char **ret_path)
{
	int fd = open_by_build_id(module, ret_path);
	if (fd < 0 && file && link)
		fd = open_by_link(file, link, checksum, ret_path);
	if (fd < 0 || !slow_to_unpack(fd))
		return fd;
	struct elf_places *places = *user;
	places->no_lines = true;
	if (!places->has_symbols)
		return fd;
	close(fd);
	free(*ret_path);
	*ret_path = NULL;
	return -1;
}

static int find_no_elf(
	Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base, char **ret_path, Elf **elf)
{
	return -1; /* the file is given */
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_no_elf,
	.find_debuginfo = find_debug_file,
	.section_address = dwfl_offline_section_address,
};

int elf_places_create(struct elf_places **ret_places, const char *path, int fd)
{
	int result = -ENOMEM;
	struct elf_places *places = calloc(1, sizeof *places);
	if (places)
		places->dwfl = dwfl_begin(&callbacks);
	if (!places || !places->dwfl)
		goto out;
	result = -ENOEXEC;
	places->module = dwfl_report_offline(places->dwfl, path, path, fd);
	if (!places->module)
		goto out;
	fd = -1;
	dwfl_report_end(places->dwfl, NULL, NULL);
	places->elf = dwfl_module_getelf(places->module, &places->bias);
	if (!places->elf)
		goto out;
	places->has_symbols = has_section(places->elf, SHT_SYMTAB);
	void **user;
	dwfl_module_info(places->module, &user, NULL, NULL, NULL, NULL, NULL, NULL);
	*user = places;
	*ret_places = places;
	return 0;
out:
	if (fd >= 0)
		close(fd);
	elf_places_destroy(places);
	return result;
}

void elf_places_destroy(struct elf_places *places)
{
	if (!places)
		return;
	if (places->dwfl)
		dwfl_end(places->dwfl);
	free(places);
}

static bool address_of(const struct elf_places *places, uint64_t offset, uint64_t *ret_address)
{
	size_t count;
	bool found = false;
	if (elf_getphdrnum(places->elf, &count) < 0)
		return false;
	for (size_t i = 0; i < count; i++) {
		GElf_Phdr header;
		if (!gelf_getphdr(places->elf, (int)i, &header) || header.p_type != PT_LOAD)
			continue;
		if (offset < header.p_offset || offset - header.p_offset >= header.p_filesz)
			continue;
		*ret_address = offset - header.p_offset + header.p_vaddr;
		found = true;
		if (header.p_flags & PF_X)
			break;
	}
	return found;
}

/* libdw knows an address's compilation unit by .debug_aranges, which clang does not write: then the units are asked. */
static void find_line(Dwfl_Module *module, GElf_Addr address, struct elf_place *ret_place)
{
	Dwfl_Line *line = dwfl_module_getsrc(module, address);
	if (line) {
		ret_place->file = dwfl_lineinfo(line, NULL, &ret_place->line, NULL, NULL, NULL);
		return;
	}
	Dwarf_Addr bias;
	Dwarf_Die *unit = NULL;
	while ((unit = dwfl_module_nextcu(module, unit, &bias))) {
		Dwarf_Line *own =
			dwarf_haspc(unit, address - bias) > 0 ? dwarf_getsrc_die(unit, address - bias) : NULL;
		if (own && dwarf_lineno(own, &ret_place->line) == 0) {
			ret_place->file = dwarf_linesrc(own, NULL, NULL);
			return;
		}
	}
}

void elf_places_find(struct elf_places *places, uint64_t offset, struct elf_place *ret_place)
{
	uint64_t address;
	*ret_place = (struct elf_place){ .address = offset };
	size_t size = 0;
	const char *file = elf_rawfile(places->elf, &size);
	if (file && offset < size) {
		ret_place->bytes = (const uint8_t *)file + offset;
		ret_place->n_bytes = size - offset;
	}
	if (!address_of(places, offset, &address))
		return;
	ret_place->address = address;
	GElf_Off within;
	GElf_Sym symbol;
	ret_place->function = dwfl_module_addrinfo(
		places->module, address + places->bias, &within, &symbol, NULL, NULL, NULL);
	if (!places->no_lines)
		find_line(places->module, address + places->bias, ret_place);
}

#else

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

int elf_places_create(struct elf_places **ret_places, const char *path, int fd)
{
	close(fd);
	return -ENOEXEC;
}

void elf_places_destroy(struct elf_places *places)
{
}

void elf_places_find(struct elf_places *places, uint64_t offset, struct elf_place *ret_place)
{
	*ret_place = (struct elf_place){ .address = offset };
}

#endif
