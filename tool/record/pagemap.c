#include "record/pagemap.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* <linux/fs.h> has these since 6.7. */
struct scan_region {
	uint64_t start, end, categories;
};
struct scan_arguments {
	uint64_t size, flags, start, end, walk_end, vec, vec_len, max_pages;
	uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define SCAN_REQUEST _IOWR('f', 16, struct scan_arguments)
#define SCAN_FILE (1u << 2)
#define SCAN_PRESENT (1u << 3)
#define SCAN_ZERO (1u << 5)
#define SCAN_REGIONS 512

#define ENTRY_PRESENT ((uint64_t)1 << 63)
#define ENTRY_SWAPPED ((uint64_t)1 << 62)
#define ENTRY_FILE ((uint64_t)1 << 61)
#define ENTRIES 4096
/* Reading costs about a nanosecond a page, there or not: a sanitizer's shadow of terabytes is left out. */
#define PAGES_READ_MOST ((uint64_t)1 << 22)

static enum pagemap_kind kind_of_region(uint64_t categories)
{
	if (categories & SCAN_FILE)
		return PAGEMAP_FILE;
	return categories & SCAN_ZERO ? PAGEMAP_ZERO : PAGEMAP_ANON;
}

static int scan_up_to(int fd, uint64_t end, uint64_t page_size, pagemap_run *each, void *data)
{
	struct scan_region regions[SCAN_REGIONS];
	struct scan_arguments scan = {
		.size = sizeof scan,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = SCAN_REGIONS,
		.category_mask = SCAN_PRESENT,
		.return_mask = SCAN_FILE | SCAN_PRESENT | SCAN_ZERO,
	};
	do {
		int count = ioctl(fd, SCAN_REQUEST, &scan);
		if (count < 0)
			return -errno;
		for (int i = 0; i < count; i++) {
			int result = each(data, regions[i].start / page_size, regions[i].end / page_size,
				kind_of_region(regions[i].categories));
			if (result < 0)
				return result;
		}
		scan.start = scan.walk_end;
	} while (scan.start && scan.start < end);
	return 0;
}

/* The end of user space differs by architecture and kernel configuration; beyond it the answer is EFAULT. */
static int scan(int fd, uint64_t page_size, pagemap_run *each, void *data)
{
	static const int bits[] = { 48, 47, 42, 39, 32, 31 };
	int result = -EFAULT;
	for (size_t i = 0; i < sizeof bits / sizeof *bits && result == -EFAULT; i++)
		result = scan_up_to(fd, ((uint64_t)1 << bits[i]) - page_size, page_size, each, data);
	return result;
}

static enum pagemap_kind kind_of_entry(uint64_t value)
{
	return value & ENTRY_FILE ? PAGEMAP_FILE : PAGEMAP_ANON;
}

static int tell_entries(const uint64_t *entries, size_t count, uint64_t page, pagemap_run *each, void *data)
{
	for (size_t first = 0; first < count;) {
		size_t end = first + 1;
		if (!(entries[first] & ENTRY_PRESENT) || entries[first] & ENTRY_SWAPPED) {
			first = end;
			continue;
		}
		uint64_t same = entries[first] & (ENTRY_PRESENT | ENTRY_SWAPPED | ENTRY_FILE);
		while (end < count && (entries[end] & (ENTRY_PRESENT | ENTRY_SWAPPED | ENTRY_FILE)) == same)
			end++;
		int result = each(data, page + first, page + end, kind_of_entry(same));
		if (result < 0)
			return result;
		first = end;
	}
	return 0;
}

static int read_mapping(int fd, uint64_t first, uint64_t end, pagemap_run *each, void *data)
{
	uint64_t entries[ENTRIES];
	while (first < end) {
		size_t wanted = end - first < ENTRIES ? (size_t)(end - first) : ENTRIES;
		ssize_t length =
			pread(fd, entries, wanted * sizeof *entries, (off_t)(first * sizeof *entries));
		if (length < 0)
			return -errno;
		size_t count = (size_t)length / sizeof *entries;
		if (count == 0)
			return 0;
		int result = tell_entries(entries, count, first, each, data);
		if (result < 0)
			return result;
		first += count;
	}
	return 0;
}

static int read_mappings(int fd, const struct mappings *mappings, uint64_t page_size, pagemap_run *each,
	void *data, bool *ret_whole)
{
	uint64_t left = PAGES_READ_MOST;
	const struct mapping *mapping;
	for (uint64_t at = 0; (mapping = mappings_next(mappings, at)) != NULL; at = mapping->end) {
		uint64_t count = (mapping->end - mapping->start) / page_size;
		if (mapping->shared || mapping->prot == PROT_NONE || mapping->kind == MAPPING_KERNEL)
			continue;
		if (count > left) {
			*ret_whole = false;
			continue;
		}
		left -= count;
		int result =
			read_mapping(fd, mapping->start / page_size, mapping->end / page_size, each, data);
		if (result < 0)
			return result;
	}
	return 0;
}

int pagemap_walk(int pid, const struct mappings *mappings, pagemap_run *each, void *data, bool *ret_whole)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/pagemap", pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
	*ret_whole = true;
	int result = scan(fd, page_size, each, data);
	if (result == -ENOTTY || result == -EINVAL)
		result = read_mappings(fd, mappings, page_size, each, data, ret_whole);
	close(fd);
	return result;
}
