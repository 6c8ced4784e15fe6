/**
 * fake_tree.h: directories with the files that proc and sysfs would have on another machine.
 */
#ifndef KIN_TESTS_FAKE_TREE_H
#define KIN_TESTS_FAKE_TREE_H

#include "tap.h"

#include <ftw.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

/** Where the tree is; "" before tree_begin. Short, so that paths made with it fit 4096 bytes. */
static char tree_root[64];

static int tree_remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
	return remove(path);
}

/** Remove the tree. */
TAP_MAY_BE_UNUSED static void tree_end(void)
{
	if (tree_root[0])
		nftw(tree_root, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
	tree_root[0] = '\0';
}

/** Begin with an empty tree. */
TAP_MAY_BE_UNUSED static void tree_begin(void)
{
	tree_end();
	strcpy(tree_root, "/tmp/kin-tree-XXXXXX");
	if (!mkdtemp(tree_root))
		abort();
}

static void tree_make_parents(char *path)
{
	for (char *slash = path + strlen(tree_root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		mkdir(path, 0777);
		*slash = '/';
	}
}

/** Write a file, and the directories it lies in. */
__attribute__((format(printf, 2, 3))) TAP_MAY_BE_UNUSED static void tree_write(
	const char *name, const char *format, ...)
{
	char path[8192];
	snprintf(path, sizeof path, "%s%s", tree_root, name);
	tree_make_parents(path);
	FILE *file = fopen(path, "we");
	if (!file)
		abort();
	va_list arguments;
	va_start(arguments, format);
	vfprintf(file, format, arguments);
	va_end(arguments);
	fclose(file);
}

#endif
