/**
 * topology.h: in which order to bind workers to CPUs. hwloc knows more, but would have every program that
 * uses libkin load it and the libraries below it.
 */
#ifndef KIN_LIB_BASE_TOPOLOGY_H
#define KIN_LIB_BASE_TOPOLOGY_H

#include <stddef.h>

/**
 * The CPUs of the calling thread's affinity mask, the best one for a worker first: one hardware thread of
 * each core, then the second ones, and so on; among these NUMA node by node, in a node the cores of the
 * highest capacity first, and then package by package. So few workers share a node's memory and caches, and
 * none shares a core as long as there are others. order: room for `room` CPUs. Returns how many there are
 * now, 0 if the mask cannot be read.
 */
size_t topology_order(int *order, size_t room);

/**
 * Put CPUs, given in the order of their numbers, in that order. What sysfs does not tell, or not in a way
 * that makes sense, counts as being the same everywhere, and a CPU's core as its own; in the end numbers
 * decide. root: what to put before all paths, "" for the running system.
 */
void topology_sort(const char *root, int *cpus, size_t count);

#endif
