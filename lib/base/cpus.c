#include "base/cpus.h"

#include "base/quota.h"
#include "base/sysfile.h"

#include <kin/pool.h>

#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Far more than any kernel is built for: x86 ends at 8192. */
#define MOST_CPUS ((size_t)1 << 16)

/* The kernel refuses a mask that has no room for all CPUs it was started for, and tells no number. */
static int read_mask(cpu_set_t **ret_mask, size_t *ret_size)
{
	for (size_t size = sizeof(cpu_set_t); size <= MOST_CPUS / 8; size *= 2) {
		cpu_set_t *mask = calloc(1, size);
		if (!mask)
			return -ENOMEM;
		if (sched_getaffinity(0, size, mask) == 0) {
			*ret_mask = mask;
			*ret_size = size;
			return 0;
		}
		const int code = errno;
		free(mask);
		if (code != EINVAL)
			return -code;
	}
	return -EINVAL;
}

int cpus_allowed(int **ret_cpus, size_t *ret_count)
{
	cpu_set_t *mask = NULL;
	size_t size;
	int result = read_mask(&mask, &size);
	if (result < 0)
		return result;
	const size_t count = (size_t)CPU_COUNT_S(size, mask);
	int *cpus = malloc((count + 1) * sizeof *cpus);
	if (!cpus) {
		result = -ENOMEM;
		goto out_mask;
	}
	size_t found = 0;
	for (size_t cpu = 0; found < count; cpu++)
		if (CPU_ISSET_S(cpu, size, mask))
			cpus[found++] = (int)cpu;
	*ret_cpus = cpus;
	*ret_count = count;
out_mask:
	free(mask);
	return result;
}

/* Where a seccomp filter hides the mask, the CPUs that are switched on have to do. */
static unsigned count_affinity(void)
{
	cpu_set_t *mask = NULL;
	size_t size;
	long count;
	if (read_mask(&mask, &size) == 0) {
		count = CPU_COUNT_S(size, mask);
		free(mask);
	} else {
		count = sysconf(_SC_NPROCESSORS_ONLN);
	}
	return count > 0 ? (unsigned)count : 1;
}

/* What KIN_WORKERS asks for; 0: nothing, or nothing that makes sense. */
static unsigned read_environment(struct cpus_usable *detail)
{
	const char *text = getenv("KIN_WORKERS");
	if (!text)
		return 0;
	const char *cursor = text;
	uint64_t number;
	if (sysfile_number(&cursor, &number) && *cursor == '\0' && number >= 1 && number <= KIN_MAX_WORKERS)
		return (unsigned)number;
	detail->ignored = true;
	strncat(detail->ignored_text, text, sizeof detail->ignored_text - 1);
	return 0;
}

unsigned cpus_usable_at(const char *root, struct cpus_usable *detail)
{
	struct cpus_usable found = { .affinity = count_affinity(), .quota = quota_read(root) };
	unsigned count = found.affinity;
	const unsigned rounded = found.quota / 1000 + (found.quota % 1000 != 0);
	if (rounded > 0 && rounded < count) {
		count = rounded;
		found.limit = CPUS_BY_QUOTA;
	}
	const unsigned wanted = read_environment(&found);
	if (wanted > 0) {
		count = wanted;
		found.limit = CPUS_BY_ENVIRONMENT;
	}
	if (detail)
		*detail = found;
	return count;
}

unsigned cpus_usable(struct cpus_usable *detail)
{
	return cpus_usable_at("", detail);
}

bool cpus_quota_binds(const struct cpus_usable *detail, unsigned workers)
{
	const uint64_t most = workers < detail->affinity ? workers : detail->affinity;
	return detail->quota > 0 && detail->quota < most * 1000;
}

int cpus_bind(int cpu)
{
	unsigned long mask[MOST_CPUS / (8 * sizeof(unsigned long))] = { 0 };
	const size_t bits = 8 * sizeof mask[0];
	if (cpu < 0 || (size_t)cpu >= MOST_CPUS)
		return -EINVAL;
	mask[(size_t)cpu / bits] = 1UL << ((size_t)cpu % bits);
	return sched_setaffinity(0, sizeof mask, (const cpu_set_t *)mask) < 0 ? -errno : 0;
}
