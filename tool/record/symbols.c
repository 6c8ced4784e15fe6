#include "record/symbols.h"

#include "record/elf_places.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* Every open file has its symbol table in memory. */
#define OPEN_MOST 64
#define PLACES_MOST 400000
#define FILES_MOST 20000

struct name {
	struct name *next; // in its bucket
	char string[];
};

struct known_place {
	uint64_t offset;
	struct place place; // name NULL: an empty slot
	enum access access;
};

struct file {
	struct file *next; // in its bucket
	struct known_place *table; // a hash table
	size_t count, capacity;
	struct elf_places *elf; // NULL: not open
	bool unreadable;
	uint32_t major, minor;
	uint64_t inode;
	char path[];
};

#define FILE_BUCKETS 1024
#define NAME_BUCKETS 16384

struct symbols {
	struct file *files[FILE_BUCKETS];
	struct name *names[NAME_BUCKETS];
	size_t n_files, n_places, n_open;
	struct timespec began;
};

int symbols_create(struct symbols **ret_symbols)
{
	struct symbols *symbols = calloc(1, sizeof *symbols);
	if (!symbols)
		return -ENOMEM;
	clock_gettime(CLOCK_REALTIME, &symbols->began);
	*ret_symbols = symbols;
	return 0;
}

static void close_files(struct symbols *symbols)
{
	for (size_t i = 0; i < FILE_BUCKETS; i++) {
		for (struct file *file = symbols->files[i]; file; file = file->next) {
			elf_places_destroy(file->elf);
			file->elf = NULL;
		}
	}
	symbols->n_open = 0;
}

static void forget_all(struct symbols *symbols)
{
	close_files(symbols);
	for (size_t i = 0; i < FILE_BUCKETS; i++) {
		for (struct file *file = symbols->files[i], *next; file; file = next) {
			next = file->next;
			free(file->table);
			free(file);
		}
		symbols->files[i] = NULL;
	}
	for (size_t i = 0; i < NAME_BUCKETS; i++) {
		for (struct name *name = symbols->names[i], *next; name; name = next) {
			next = name->next;
			free(name);
		}
		symbols->names[i] = NULL;
	}
	symbols->n_files = symbols->n_places = 0;
}

void symbols_trim(struct symbols *symbols)
{
	if (symbols->n_places > PLACES_MOST || symbols->n_files > FILES_MOST)
		forget_all(symbols);
}

void symbols_destroy(struct symbols *symbols)
{
	if (!symbols)
		return;
	forget_all(symbols);
	free(symbols);
}

static size_t hash_string(const char *string)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (; *string; string++)
		hash = (hash ^ (unsigned char)*string) * 0x100000001b3u;
	return (size_t)(hash ^ hash >> 31);
}

static const char *intern(struct symbols *symbols, const char *string)
{
	struct name **bucket = &symbols->names[hash_string(string) % NAME_BUCKETS];
	for (struct name *name = *bucket; name; name = name->next)
		if (strcmp(name->string, string) == 0)
			return name->string;
	size_t size = strlen(string) + 1;
	struct name *name = malloc(sizeof *name + size);
	if (!name)
		return NULL;
	memcpy(name->string, string, size);
	name->next = *bucket;
	*bucket = name;
	return name->string;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	return slash ? slash + 1 : path;
}

static struct file *find_file(struct symbols *symbols, const struct symbols_file *wanted)
{
	struct file **bucket = &symbols->files[(hash_string(wanted->path) ^ wanted->inode) % FILE_BUCKETS];
	for (struct file *file = *bucket; file; file = file->next)
		if (file->inode == wanted->inode && file->major == wanted->major &&
			file->minor == wanted->minor && strcmp(file->path, wanted->path) == 0)
			return file;
	size_t size = strlen(wanted->path) + 1;
	struct file *file = calloc(1, sizeof *file + size);
	if (!file)
		return NULL;
	file->major = wanted->major;
	file->minor = wanted->minor;
	file->inode = wanted->inode;
	memcpy(file->path, wanted->path, size);
	file->next = *bucket;
	*bucket = file;
	symbols->n_files++;
	return file;
}

/*
 * The device is not compared: btrfs and overlayfs show different ones to stat and to the kernel. On overlayfs the
 * inode can differ too; a file older than the recording is then taken for the one that was mapped.
 */
static bool is_the_one(const struct symbols *symbols, const struct file *file, int fd)
{
	struct stat status;
	if (fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return false;
	if (!file->inode || status.st_ino == file->inode)
		return true;
	return status.st_ctim.tv_sec < symbols->began.tv_sec;
}

static int open_as(const struct symbols *symbols, const struct file *file, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd >= 0 && !is_the_one(symbols, file, fd)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* In the task's own root, at the same path here, or as the program that it runs, which can be deleted. */
static int open_mapped(const struct symbols *symbols, const struct file *file, int pid)
{
	char path[64 + 4096];
	int fd = -1;
	if (pid && (size_t)snprintf(path, sizeof path, "/proc/%d/root%s", pid, file->path) < sizeof path)
		fd = open_as(symbols, file, path);
	if (fd < 0)
		fd = open_as(symbols, file, file->path);
	struct stat status;
	snprintf(path, sizeof path, "/proc/%d/exe", pid);
	if (fd < 0 && pid && stat(path, &status) == 0 && status.st_ino == file->inode)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd;
}

static int open_elf(struct symbols *symbols, struct file *file, int pid)
{
	if (file->elf || file->unreadable)
		return 0;
	int fd = *file->path == '/' ? open_mapped(symbols, file, pid) : -1;
	int result = fd < 0 ? -ENOENT : elf_places_create(&file->elf, file->path, fd);
	if (result == -ENOMEM)
		return result;
	file->unreadable = result < 0;
	if (file->elf)
		symbols->n_open++;
	return 0;
}

static int describe(
	struct symbols *symbols, const struct file *file, const struct elf_place *found, struct place *place)
{
	char text[4096];
	if (found->function) {
		/* Without the version of a dynamic symbol. */
		snprintf(text, sizeof text, "%.*s", (int)strcspn(found->function, "@"), found->function);
		place->name = intern(symbols, text);
	} else {
		const char *name = base_name(file->path);
		static const char deleted[] = " (deleted)";
		size_t length = strlen(name), suffix = sizeof deleted - 1;
		if (length > suffix && strcmp(name + length - suffix, deleted) == 0)
			length -= suffix;
		snprintf(text, sizeof text, "%.*s+0x%" PRIx64, (int)length, name, found->address);
		place->name = intern(symbols, text);
	}
	place->source = NULL;
	if (!found->file)
		return place->name ? 0 : -ENOMEM;
	snprintf(text, sizeof text, "%s:%d", base_name(found->file), found->line);
	place->source = intern(symbols, text);
	return place->name && place->source ? 0 : -ENOMEM;
}

static struct known_place *slot_of(const struct file *file, uint64_t offset)
{
	size_t slot = (size_t)((offset * 0x9E3779B97F4A7C15u) >> 32) & (file->capacity - 1);
	while (file->table[slot].place.name && file->table[slot].offset != offset)
		slot = (slot + 1) & (file->capacity - 1);
	return &file->table[slot];
}

static int make_room(struct file *file)
{
	if (file->count * 2 < file->capacity)
		return 0;
	struct known_place *before = file->table;
	size_t n_before = file->capacity;
	struct known_place *larger = calloc(n_before ? n_before * 2 : 16, sizeof *larger);
	if (!larger)
		return -ENOMEM;
	file->table = larger;
	file->capacity = n_before ? n_before * 2 : 16;
	for (size_t i = 0; i < n_before; i++)
		if (before[i].place.name)
			*slot_of(file, before[i].offset) = before[i];
	free(before);
	return 0;
}

static int look(struct symbols *symbols, struct file *file, int pid, struct known_place *known)
{
	struct elf_place found = { .address = known->offset };
	if (symbols->n_open >= OPEN_MOST)
		close_files(symbols);
	int result = open_elf(symbols, file, pid);
	if (result == 0 && file->elf)
		elf_places_find(file->elf, known->offset, &found);
	if (result == 0)
		result = describe(symbols, file, &found, &known->place);
	known->access = instruction_access(found.bytes, found.n_bytes);
	return result;
}

/* The place is valid until the next is looked for. */
static int find(struct symbols *symbols, const struct symbols_file *wanted, uint64_t offset,
	const struct known_place **ret_known)
{
	struct file *file = find_file(symbols, wanted);
	if (!file || make_room(file) < 0)
		return -ENOMEM;
	struct known_place *known = slot_of(file, offset);
	if (!known->place.name) {
		struct known_place found = { .offset = offset };
		int result = look(symbols, file, wanted->pid, &found);
		if (result < 0)
			return result;
		*known = found;
		file->count++;
		symbols->n_places++;
	}
	*ret_known = known;
	return 0;
}

int symbols_find(
	struct symbols *symbols, const struct symbols_file *file, uint64_t offset, struct place *ret_place)
{
	const struct known_place *known;
	int result = find(symbols, file, offset, &known);
	if (result == 0)
		*ret_place = known->place;
	return result;
}

int symbols_access(
	struct symbols *symbols, const struct symbols_file *file, uint64_t offset, enum access *ret_access)
{
	const struct known_place *known;
	int result = find(symbols, file, offset, &known);
	if (result == 0)
		*ret_access = known->access;
	return result;
}
