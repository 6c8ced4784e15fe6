#include "base/topology.h"

#include "base/cpus.h"
#include "base/sysfile.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_NODES 1024 // the kernel's own limit

struct place {
	int cpu;
	int node, package;
	int core; // the same for all CPUs of a core, and for no others of the package
	int rank; // among the CPUs of its core
	int first; // of its core's CPUs the lowest
	int capacity; // of big and little cores; 0: not told
};

/* A number from a file of a CPU; otherwise what stands for not knowing. */
static int read_attribute(const char *root, int cpu, const char *name, int otherwise)
{
	char path[PATH_MAX], text[32];
	if (snprintf(path, sizeof path, "%s/sys/devices/system/cpu/cpu%d/%s", root, cpu, name) >=
		(int)sizeof path)
		return otherwise;
	const char *cursor = text;
	uint64_t number;
	if (sysfile_read(path, text, sizeof text) < 0 || !sysfile_number(&cursor, &number) ||
		number > INT_MAX)
		return otherwise;
	return (int)number;
}

/*
 * The lowest hardware thread of a core names it. An ID of the core is another name, good in its package
 * alone; both kinds on one machine are kept apart by the sign.
 */
static int read_core(const char *root, int cpu)
{
	const int sibling = read_attribute(root, cpu, "topology/thread_siblings_list", INT_MAX);
	if (sibling <= cpu)
		return sibling;
	const int id = read_attribute(root, cpu, "topology/core_id", INT_MAX);
	return id < INT_MAX ? -1 - id : cpu;
}

static void read_place(const char *root, int cpu, struct place *place)
{
	*place = (struct place){
		.cpu = cpu,
		.package = read_attribute(root, cpu, "topology/physical_package_id", 0),
		.core = read_core(root, cpu),
		.capacity = read_attribute(root, cpu, "cpu_capacity", 0),
	};
}

/* Both with the places in the order of their numbers. */
static void set_node(struct place *places, size_t count, int node, const char *list)
{
	uint64_t first, last;
	size_t i = 0;
	while (sysfile_range(&list, &first, &last)) {
		while (i < count && (uint64_t)places[i].cpu < first)
			i++;
		for (; i < count && (uint64_t)places[i].cpu <= last; i++)
			places[i].node = node;
	}
}

static void read_nodes(const char *root, struct place *places, size_t count)
{
	char *nodes = sysfile_read_all(root, "/sys/devices/system/node/online");
	const char *cursor = nodes;
	uint64_t first, last;
	while (nodes && sysfile_range(&cursor, &first, &last)) {
		for (uint64_t node = first; node <= last && node < MOST_NODES; node++) {
			char path[64];
			snprintf(path, sizeof path, "/sys/devices/system/node/node%d/cpulist", (int)node);
			char *list = sysfile_read_all(root, path);
			if (list)
				set_node(places, count, (int)node, list);
			free(list);
		}
	}
	free(nodes);
}

static int compare(int a, int b)
{
	return (a > b) - (a < b);
}

static int by_core(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	const int package = compare(a->package, b->package), core = compare(a->core, b->core);
	return package ? package : core ? core : compare(a->cpu, b->cpu);
}

static int by_preference(const void *left, const void *right)
{
	const struct place *a = left, *b = right;
	const int differences[] = {
		compare(a->rank, b->rank),
		compare(a->node, b->node),
		compare(b->capacity, a->capacity),
		compare(a->package, b->package),
		compare(a->first, b->first),
		compare(a->cpu, b->cpu),
	};
	for (size_t i = 0; i < sizeof differences / sizeof differences[0]; i++)
		if (differences[i])
			return differences[i];
	return 0;
}

static void rank_siblings(struct place *places, size_t count)
{
	qsort(places, count, sizeof *places, by_core);
	for (size_t i = 0; i < count; i++) {
		struct place *place = &places[i];
		const bool same =
			i > 0 && place[-1].package == place->package && place[-1].core == place->core;
		place->rank = same ? place[-1].rank + 1 : 0;
		place->first = same ? place[-1].first : place->cpu;
	}
}

void topology_sort(const char *root, int *cpus, size_t count)
{
	struct place *places = calloc(count + 1, sizeof *places);
	if (!places)
		return;
	for (size_t i = 0; i < count; i++)
		read_place(root, cpus[i], &places[i]);
	read_nodes(root, places, count);
	rank_siblings(places, count);
	qsort(places, count, sizeof *places, by_preference);
	for (size_t i = 0; i < count; i++)
		cpus[i] = places[i].cpu;
	free(places);
}

size_t topology_order(int *order, size_t room)
{
	int *cpus;
	size_t count;
	if (cpus_allowed(&cpus, &count) < 0)
		return 0;
	topology_sort("", cpus, count);
	if (count > room)
		count = room;
	memcpy(order, cpus, count * sizeof *cpus);
	free(cpus);
	return count;
}
