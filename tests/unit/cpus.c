#include "fake_tree.h"

#include "base/cpus.h"

#include <kin/pool.h>

#include <sched.h>
#include <sys/syscall.h>

/*
 * The kernel's two calls, replaced: with machine.cpus set, a machine of so many CPUs, of which every step-th is in
 * the mask.
 */
static struct {
	size_t cpus, step;
	int error; // what the calls fail with
	size_t calls;
	int bound; // the CPU of the last mask set; -1: not one alone
} machine;

static bool mask_has(const cpu_set_t *mask, size_t cpu)
{
	const unsigned long *words = (const unsigned long *)mask;
	return words[cpu / (8 * sizeof *words)] >> cpu % (8 * sizeof *words) & 1;
}

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *mask)
{
	machine.calls++;
	if (machine.error) {
		errno = machine.error;
		return -1;
	}
	memset(mask, 0, size);
	if (machine.cpus == 0)
		return syscall(SYS_sched_getaffinity, pid, size, mask) < 0 ? -1 : 0;
	if (size * 8 < machine.cpus) {
		errno = EINVAL;
		return -1;
	}
	unsigned long *words = (unsigned long *)mask;
	for (size_t cpu = 0; cpu < machine.cpus; cpu += machine.step)
		words[cpu / (8 * sizeof *words)] |= 1UL << cpu % (8 * sizeof *words);
	return 0;
}

int sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *mask)
{
	if (machine.cpus == 0)
		return syscall(SYS_sched_setaffinity, pid, size, mask) < 0 ? -1 : 0;
	int count = 0;
	machine.bound = -1;
	for (size_t cpu = 0; cpu < size * 8; cpu++)
		if (mask_has(mask, cpu)) {
			machine.bound = (int)cpu;
			count++;
		}
	if (count == 1 && (size_t)machine.bound < machine.cpus)
		return 0;
	errno = EINVAL;
	return -1;
}

static void pretend(size_t cpus, size_t step)
{
	machine.cpus = cpus;
	machine.step = step;
	machine.error = 0;
	machine.calls = 0;
}

static void limit(const char *quota)
{
	tree_begin();
	if (!quota)
		return;
	tree_write("/proc/self/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	tree_write("/proc/self/cgroup", "0::/a/b\n");
	tree_write("/sys/fs/cgroup/a/cpu.max", "%s 100000\n", quota);
}

static void test_quota(void)
{
	static const struct {
		const char *quota;
		unsigned cpus, count, thousandths;
		enum cpus_limit limit;
	} cases[] = {
		{ NULL, 8, 8, 0, CPUS_BY_AFFINITY },
		{ "max", 8, 8, 0, CPUS_BY_AFFINITY },
		{ "50000", 8, 1, 500, CPUS_BY_QUOTA },
		{ "1", 8, 1, 1, CPUS_BY_QUOTA },
		{ "100000", 8, 1, 1000, CPUS_BY_QUOTA },
		{ "100001", 8, 2, 1001, CPUS_BY_QUOTA },
		{ "150000", 8, 2, 1500, CPUS_BY_QUOTA },
		{ "200000", 8, 2, 2000, CPUS_BY_QUOTA },
		{ "700000", 8, 7, 7000, CPUS_BY_QUOTA },
		{ "750000", 8, 8, 7500, CPUS_BY_AFFINITY },
		{ "800000", 8, 8, 8000, CPUS_BY_AFFINITY },
		{ "1600000", 8, 8, 16000, CPUS_BY_AFFINITY },
		{ "18446744073709551", 8, 8, UINT32_MAX, CPUS_BY_AFFINITY },
		{ "50000", 1, 1, 500, CPUS_BY_AFFINITY },
	};
	unsetenv("KIN_WORKERS");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cpus_usable detail;
		limit(cases[i].quota);
		pretend(cases[i].cpus, 1);
		const unsigned count = cpus_usable_at(tree_root, &detail);
		tap_note("quota %s, %u CPUs", cases[i].quota ? cases[i].quota : "none", cases[i].cpus);
		tap_is_int(count, cases[i].count, "workers");
		tap_is_int(detail.limit, cases[i].limit, "what decided");
		tap_is_int(detail.quota, cases[i].thousandths, "the quota");
		tap_is_int(detail.affinity, cases[i].cpus, "the CPUs of the mask");
		tap_ok(!detail.ignored && !detail.ignored_text[0], "nothing was ignored");
	}
	tap_is_int(cpus_usable_at(tree_root, NULL), 1, "no detail is wanted");
}

static void test_binding_quota(void)
{
	struct cpus_usable detail = { .affinity = 4, .quota = 1500 };
	tap_ok(!cpus_quota_binds(&detail, 1), "one worker cannot use up one CPU and a half");
	tap_ok(cpus_quota_binds(&detail, 2), "two can");
	tap_ok(cpus_quota_binds(&detail, 200), "200 can");
	detail.quota = 2000;
	tap_ok(!cpus_quota_binds(&detail, 2), "two cannot use more than two CPUs");
	detail.quota = 4000;
	tap_ok(!cpus_quota_binds(&detail, 200), "nor can 200 on four CPUs use more than four");
	detail.quota = 1;
	tap_ok(cpus_quota_binds(&detail, 1), "a thousandth of a CPU is used up by one");
	detail.quota = 0;
	tap_ok(!cpus_quota_binds(&detail, 200), "no quota, none that binds");
	detail = (struct cpus_usable){ .affinity = UINT32_MAX, .quota = UINT32_MAX };
	tap_ok(cpus_quota_binds(&detail, UINT32_MAX), "no overflow");
}

static void test_environment(void)
{
	static const struct {
		const char *text;
		unsigned count; // 0: ignored
	} cases[] = {
		{ "1", 1 },
		{ "3", 3 },
		{ "256", 256 },
		{ "007", 7 },
		{ "0", 0 },
		{ "257", 0 },
		{ "", 0 },
		{ "-1", 0 },
		{ "+1", 0 },
		{ " 1", 0 },
		{ "1 ", 0 },
		{ "1.0", 0 },
		{ "1e1", 0 },
		{ "0x2", 0 },
		{ "two", 0 },
		{ "4294967297", 0 },
		{ "18446744073709551617", 0 },
		{ "99999999999999999999999999999999999999999999", 0 },
	};
	limit("250000");
	pretend(8, 1);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct cpus_usable detail;
		const bool taken = cases[i].count > 0;
		setenv("KIN_WORKERS", cases[i].text, 1);
		const unsigned count = cpus_usable_at(tree_root, &detail);
		tap_note("KIN_WORKERS=%s", cases[i].text);
		tap_is_int(count, taken ? cases[i].count : 3, "workers");
		tap_is_int(detail.limit, taken ? CPUS_BY_ENVIRONMENT : CPUS_BY_QUOTA, "what decided");
		tap_is_int(detail.ignored, !taken, "whether it was ignored");
		char text[32] = "";
		if (!taken)
			snprintf(text, sizeof text, "%.31s", cases[i].text);
		tap_is_string(detail.ignored_text, text, "what was ignored, cut");
		tap_is_int(detail.quota, 2500, "the quota is told all the same");
		tap_is_int(detail.affinity, 8, "and so is the mask");
	}
	unsetenv("KIN_WORKERS");
}

static void test_large_masks(void)
{
	static const size_t cpus[] = { 1, 63, 64, 65, 1023, 1024, 1025, 4096, 8192, 8193, 65536 };
	limit(NULL);
	for (size_t i = 0; i < sizeof cpus / sizeof cpus[0]; i++) {
		int *list;
		size_t count;
		pretend(cpus[i], 1);
		tap_note("a machine of %zu CPUs", cpus[i]);
		tap_is_int(cpus_usable_at(tree_root, NULL), cpus[i], "all are counted");
		if (!tap_is_int(cpus_allowed(&list, &count), 0, "they can be listed"))
			continue;
		bool right = count == cpus[i];
		for (size_t n = 0; right && n < count; n++)
			right = list[n] == (int)n;
		tap_ok(right, "all are in the list");
		free(list);
	}
	int *list;
	size_t count;
	pretend(5000, 7);
	if (tap_is_int(cpus_allowed(&list, &count), 0, "every seventh of 5000")) {
		bool right = count == 715;
		for (size_t n = 0; right && n < count; n++)
			right = list[n] == (int)(7 * n);
		tap_ok(right, "those are in the list");
		free(list);
	}
}

static void test_no_mask(void)
{
	static int nothing;
	int *list = &nothing;
	size_t count = 77;
	limit(NULL);
	pretend(100000, 1);
	tap_is_int(cpus_allowed(&list, &count), -EINVAL,
		"more CPUs than a machine can have: an end to the tries");
	tap_ok(machine.calls < 20, "after a few");
	tap_ok(list == &nothing && count == 77, "results are untouched on failure");

	pretend(8, 1);
	machine.error = EPERM;
	tap_is_int(cpus_allowed(&list, &count), -EPERM, "a filter that refuses the call");
	tap_is_int(machine.calls, 1, "is asked once");
	struct cpus_usable detail;
	tap_ok(cpus_usable_at(tree_root, &detail) >= 1, "then there is at least one CPU");
	tap_ok(detail.affinity >= 1 && detail.limit == CPUS_BY_AFFINITY, "and it is called the mask");
}

static void test_bind(void)
{
	pretend(70000, 1);
	static const int cpus[] = { 0, 1, 31, 32, 63, 64, 1023, 1024, 8191, 65535 };
	for (size_t i = 0; i < sizeof cpus / sizeof cpus[0]; i++) {
		tap_is_int(cpus_bind(cpus[i]), 0, "bind to a CPU");
		tap_is_int(machine.bound, cpus[i], "that is the one");
	}
	tap_is_int(cpus_bind(-1), -EINVAL, "no CPU has a negative number");
	tap_is_int(cpus_bind(INT32_MIN), -EINVAL, "nor the most negative one");
	tap_is_int(cpus_bind(65536), -EINVAL, "no machine has more CPUs");
	tap_is_int(cpus_bind(INT32_MAX), -EINVAL, "by far");
	pretend(64, 1);
	tap_is_int(cpus_bind(64), -EINVAL, "this machine has no such CPU");
}

/* In a child: bind to one CPU of the real machine, and count. */
static int count_bound(int cpu)
{
	const pid_t child = fork();
	if (child == 0) {
		struct cpus_usable detail;
		int *list;
		size_t count;
		if (cpus_bind(cpu) < 0 || cpus_usable(&detail) != 1 || detail.affinity != 1)
			_exit(1);
		if (cpus_allowed(&list, &count) < 0 || count != 1 || list[0] != cpu || sched_getcpu() != cpu)
			_exit(2);
		free(list);
		_exit(0);
	}
	int status = -1;
	waitpid(child, &status, 0);
	return status;
}

static void test_this_machine(void)
{
	struct cpus_usable detail;
	int *list;
	size_t count;
	pretend(0, 1);
	unsetenv("KIN_WORKERS");
	unsigned got = cpus_usable(&detail);
	tap_note(
		"this machine: %u usable, %u in the mask, quota %u/1000", got, detail.affinity, detail.quota);
	if (!tap_is_int(cpus_allowed(&list, &count), 0, "the CPUs of this machine"))
		return;
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) == 0)
		tap_is_int(count, CPU_COUNT(&set), "as many as the kernel says");
	tap_is_int(detail.affinity, count, "as many as are counted");
	tap_ok(got >= 1 && got <= count, "not more are usable");
	tap_ok(detail.quota > 0 || got == count, "all of them without a quota");
	for (size_t i = 0; i < count && i < 8; i++)
		tap_is_int(count_bound(list[i]), 0, "a child bound to a CPU may use that one");
	free(list);
	tap_is_int(cpus_bind(65535), -EINVAL, "this machine has not so many CPUs");
	setenv("KIN_WORKERS", "5", 1);
	tap_is_int(cpus_usable(NULL), 5, "the environment decides alone");
	unsetenv("KIN_WORKERS");
}

/* What taskset does. */
static void test_few(void)
{
	int *list;
	size_t count;
	pretend(0, 1);
	if (cpus_allowed(&list, &count) < 0 || count < 2) {
		tap_skip("a mask of two CPUs", "this test may use one only");
		return;
	}
	const pid_t child = fork();
	if (child == 0) {
		cpu_set_t set;
		struct cpus_usable detail;
		CPU_ZERO(&set);
		CPU_SET((size_t)list[0], &set);
		CPU_SET((size_t)list[count - 1], &set);
		if (sched_setaffinity(0, sizeof set, &set) < 0)
			_exit(1);
		const unsigned got = cpus_usable(&detail);
		_exit(detail.affinity == 2 && (got == 2 || detail.limit == CPUS_BY_QUOTA) ? 0 : 2);
	}
	free(list);
	int status = -1;
	waitpid(child, &status, 0);
	tap_is_int(status, 0, "a mask of two CPUs");
}

int main(void)
{
	tap_is_int(KIN_MAX_WORKERS, 256, "as many as this test expects");
	test_quota();
	test_binding_quota();
	test_environment();
	test_large_masks();
	test_no_mask();
	test_bind();
	tree_end();
	test_this_machine();
	test_few();
	return tap_done();
}
