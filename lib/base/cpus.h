/**
 * cpus.h: how many CPUs this process may use, which, and binding a thread to one of them.
 */
#ifndef KIN_LIB_BASE_CPUS_H
#define KIN_LIB_BASE_CPUS_H

#include <stdbool.h>
#include <stddef.h>

/** What decided how many CPUs may be used. */
enum cpus_limit {
	CPUS_BY_AFFINITY, // the mask of the calling thread, which what it starts inherits; cpusets have cut it already
	CPUS_BY_QUOTA, // a CPU quota that, rounded up, is less than the mask
	CPUS_BY_ENVIRONMENT, // KIN_WORKERS
};

struct cpus_usable {
	enum cpus_limit limit;
	unsigned affinity; // CPUs in the mask, at least 1
	unsigned quota; // the quota in thousandths of a CPU; 0: none
	bool ignored; // KIN_WORKERS is set, but to no number from 1 to KIN_MAX_WORKERS
	char ignored_text[32]; // what it was, cut; "" if it was not ignored
};

/**
 * How many CPUs this process may use, at least 1: the least of its affinity mask and its cgroups' quotas,
 * or KIN_WORKERS, which decides alone. It can be more than KIN_MAX_WORKERS. detail: filled; may be NULL.
 * Never fails: a limit that cannot be read is none. Takes 50 to 200 microseconds; needs memory and a
 * descriptor for so long. Any thread, also in a forked child; KIN_WORKERS must not be set meanwhile.
 */
unsigned cpus_usable(struct cpus_usable *detail);

/**
 * Whether so many workers, each with a CPU of the mask, could use up the quota: spinning takes its time
 * from the work then.
 */
bool cpus_quota_binds(const struct cpus_usable *detail, unsigned workers);

/** The same as cpus_usable with another system's files: what to put before the paths in proc and sysfs. */
unsigned cpus_usable_at(const char *root, struct cpus_usable *detail);

/**
 * The CPUs in the mask of the calling thread, in the order of their numbers; the caller frees the array.
 * Returns 0; -ENOMEM, or what sched_getaffinity gives.
 */
int cpus_allowed(int **ret_cpus, size_t *ret_count);

/**
 * Bind the calling thread to one CPU. Returns 0; -EINVAL: there is no such CPU, or a cpuset leaves it out;
 * else what sched_setaffinity gives.
 */
int cpus_bind(int cpu);

#endif
