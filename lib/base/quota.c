#include "base/quota.h"

#include "base/sysfile.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LONGEST_NAME sizeof "/cpu.cfs_period_us"

/* Two hierarchies may have a say: that of version 1 with the cpu controller, and the one of version 2. */
enum { V1, V2, VERSIONS };

struct group {
	const char *path; // as /proc/self/cgroup has it; NULL: the process is in no group of this hierarchy
	bool seen; // a mount shows the group or one above it
	unsigned quota; // the least in such mounts
	unsigned guess; // the least at the tops of mounts whose place in the tree is not clear
};

struct mount {
	int version;
	const char *top; // the group that shows at the mount point
	const char *point;
};

static unsigned least(unsigned a, unsigned b)
{
	if (!a || !b)
		return a | b;
	return a < b ? a : b;
}

static unsigned thousandths(uint64_t quota, uint64_t period)
{
	uint64_t product;
	if (!period || __builtin_mul_overflow(quota, 1000, &product))
		return 0;
	const uint64_t result = product / period + (product % period != 0);
	return result > UINT_MAX ? UINT_MAX : (unsigned)result;
}

/* The file holds two numbers, "50000 100000", or "max 100000". */
static unsigned read_v2(char *path, size_t length)
{
	char text[64];
	strcpy(path + length, "/cpu.max");
	if (sysfile_read(path, text, sizeof text) < 0)
		return 0;
	const char *cursor = text;
	uint64_t quota, period;
	if (!sysfile_number(&cursor, &quota) || *cursor++ != ' ' || !sysfile_number(&cursor, &period))
		return 0;
	return *cursor == '\0' || *cursor == '\n' || *cursor == ' ' ? thousandths(quota, period) : 0;
}

static bool read_number(const char *path, uint64_t *ret_number)
{
	char text[32];
	if (sysfile_read(path, text, sizeof text) < 0)
		return false;
	const char *cursor = text;
	uint64_t number;
	if (!sysfile_number(&cursor, &number) || (*cursor != '\0' && *cursor != '\n'))
		return false;
	*ret_number = number;
	return true;
}

/* No quota is -1 here, which is no unsigned number. */
static unsigned read_v1(char *path, size_t length)
{
	uint64_t quota, period;
	strcpy(path + length, "/cpu.cfs_quota_us");
	if (!read_number(path, &quota))
		return 0;
	strcpy(path + length, "/cpu.cfs_period_us");
	return read_number(path, &period) ? thousandths(quota, period) : 0;
}

/* The least quota from the group `below` a mount point ("" or "/a/b") up to the mount point itself. */
static unsigned climb(const char *root, const struct mount *mount, const char *below)
{
	const size_t root_length = strlen(root), top = root_length + strlen(mount->point);
	size_t length = top + strlen(below);
	char *path = malloc(length + LONGEST_NAME);
	if (!path)
		return 0;
	memcpy(path, root, root_length);
	memcpy(path + root_length, mount->point, top - root_length);
	memcpy(path + top, below, length - top);

	unsigned quota = 0;
	for (;;) {
		quota = least(quota, mount->version == V2 ? read_v2(path, length) : read_v1(path, length));
		if (length == top)
			break;
		do
			length--;
		while (length > top && path[length] != '/');
	}
	free(path);
	return quota;
}

/* How many "/.." a path begins with: groups above the one that a cgroup namespace calls "/". */
static unsigned count_ups(const char *path)
{
	unsigned count = 0;
	for (; strncmp(path, "/..", 3) == 0 && (path[3] == '/' || path[3] == '\0'); path += 3)
		count++;
	return count;
}

/* The part of a path below top, "" if they are the same; NULL: it is not below top. */
static const char *path_below(const char *path, const char *top)
{
	const size_t length = strcmp(top, "/") == 0 ? 0 : strlen(top);
	if (strncmp(path, top, length) != 0)
		return NULL;
	const char *below = path + length;
	if (strcmp(below, "/") == 0)
		return "";
	if ((*below != '\0' && *below != '/') || count_ups(below) > 0)
		return NULL;
	return below;
}

/* Whether top is "/.." or "/../.." and so on, and above the path: then the names between the two are not known. */
static bool is_nameless_above(const char *top, const char *path)
{
	const unsigned ups = count_ups(top);
	return ups > count_ups(path) && strlen(top) == ups * strlen("/..");
}

/*
 * Both the group's path and the mount's top are told from where this process's cgroup namespace begins. A
 * top that has nothing to do with the path is, in a container without a namespace of its own, most likely
 * its own group under another name; so that counts if no other mount shows more. A path that leads out of
 * the namespace ("/..") is of a group that is not under the top, and nothing there limits it.
 */
static void look_at_mount(const char *root, const struct mount *mount, struct group *group)
{
	if (!group->path)
		return;
	const char *below = path_below(group->path, mount->top);
	if (!below && is_nameless_above(mount->top, group->path))
		below = "";
	if (below) {
		group->seen = true;
		group->quota = least(group->quota, climb(root, mount, below));
	} else if (count_ups(group->path) == 0) {
		group->guess = least(group->guess, climb(root, mount, ""));
	}
}

/* Whether a list with commas has the word "cpu". */
static bool has_cpu(const char *list)
{
	for (; list; list = strchr(list, ',')) {
		list += *list == ',';
		if (strncmp(list, "cpu", 3) == 0 && (list[3] == ',' || list[3] == '\0'))
			return true;
	}
	return false;
}

static bool is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* Put back the bytes that mountinfo writes as \040 and the like. */
static void unescape(char *text)
{
	char *to = text;
	for (const char *from = text; *from; to++) {
		if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && is_octal(from[2]) &&
			is_octal(from[3])) {
			*to = (char)((from[1] - '0') * 64 + (from[2] - '0') * 8 + (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

/*
 * Whether a line of mountinfo is of a mount that shows CPU quotas; the strings lie in the line.
 * ID PARENT DEVICE TOP POINT OPTIONS [TAG...] - TYPE SOURCE OPTIONS-OF-THE-FILE-SYSTEM
 */
static bool parse_mount(char *line, struct mount *mount)
{
	char *rest = strstr(line, " - ");
	if (!rest)
		return false;
	*rest = '\0';
	rest += 3;
	const char *type = strsep(&rest, " ");
	if (strcmp(type, "cgroup2") == 0) {
		mount->version = V2;
	} else if (strcmp(type, "cgroup") == 0) {
		strsep(&rest, " ");
		if (!has_cpu(rest))
			return false;
		mount->version = V1;
	} else {
		return false;
	}

	for (int field = 0; field < 3; field++)
		strsep(&line, " ");
	char *top = strsep(&line, " "), *point = strsep(&line, " ");
	if (!point || top[0] != '/' || point[0] != '/')
		return false;
	unescape(top);
	unescape(point);
	mount->top = top;
	mount->point = point;
	return true;
}

/* ID:CONTROLLERS:PATH, where the path may have colons; version 2 has the ID 0 and no controllers. */
static void find_groups(char *text, struct group groups[VERSIONS])
{
	char *line;
	while ((line = strsep(&text, "\n"))) {
		strsep(&line, ":");
		const char *controllers = strsep(&line, ":");
		if (!line || line[0] != '/')
			continue;
		if (controllers[0] == '\0')
			groups[V2].path = line;
		else if (has_cpu(controllers))
			groups[V1].path = line;
	}
}

static void look_at_mounts(const char *root, char *text, struct group groups[VERSIONS])
{
	char *line;
	while ((line = strsep(&text, "\n"))) {
		struct mount mount;
		if (parse_mount(line, &mount))
			look_at_mount(root, &mount, &groups[mount.version]);
	}
}

unsigned quota_read(const char *root)
{
	struct group groups[VERSIONS] = { 0 };
	char *paths = sysfile_read_all(root, "/proc/self/cgroup");
	char *mounts = sysfile_read_all(root, "/proc/self/mountinfo");
	if (paths && mounts) {
		find_groups(paths, groups);
		look_at_mounts(root, mounts, groups);
	}
	unsigned quota = 0;
	for (int version = 0; version < VERSIONS; version++)
		quota = least(quota, groups[version].seen ? groups[version].quota : groups[version].guess);
	free(paths);
	free(mounts);
	return quota;
}
