#include "fake_tree.h"

#include "base/cpus.h"
#include "base/topology.h"

static void write_cpu(int cpu, const char *name, const char *text)
{
	char path[256];
	snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", cpu, name);
	tree_write(path, "%s\n", text);
}

static void write_core(int cpu, int package, int id, const char *siblings)
{
	char text[32];
	snprintf(text, sizeof text, "%d", package);
	write_cpu(cpu, "topology/physical_package_id", text);
	snprintf(text, sizeof text, "%d", id);
	write_cpu(cpu, "topology/core_id", text);
	if (siblings)
		write_cpu(cpu, "topology/thread_siblings_list", siblings);
}

static void write_node(int node, const char *cpus)
{
	char path[256];
	snprintf(path, sizeof path, "/sys/devices/system/node/node%d/cpulist", node);
	tree_write(path, "%s\n", cpus);
}

/* Sort the CPUs of a list with blanks, and compare with another. */
static void expect(const char *cpus, const char *want, const char *what)
{
	int list[64];
	size_t count = 0;
	char *end, got[512] = "";
	for (const char *c = cpus; *c; c = end)
		list[count++] = (int)strtol(c, &end, 10);
	topology_sort(tree_root, list, count);
	for (size_t i = 0; i < count; i++)
		snprintf(got + strlen(got), sizeof got - strlen(got), "%s%d", i ? " " : "", list[i]);
	tap_is_string(got, want, what);
}

static void test_interleaved(void)
{
	static const char *const siblings[] = { "0,4", "1,5", "2,6", "3,7" };
	tree_begin();
	for (int cpu = 0; cpu < 8; cpu++)
		write_core(cpu, 0, cpu % 4, siblings[cpu % 4]);
	expect("0 1 2 3 4 5 6 7", "0 1 2 3 4 5 6 7", "siblings far apart: numbers are right already");
	expect("0 1 4 5", "0 1 4 5", "some of them");
	expect("1 3 5", "1 3 5", "an odd number of them");
	expect("4 5 6 7", "4 5 6 7", "second threads alone: each has its core for itself");
	expect("0 4", "0 4", "one core");
	expect("0 4 5", "0 5 4", "the second thread of an idle core before that of a busy one");
}

static void test_adjacent(void)
{
	static const char *const siblings[] = { "0-1", "2-3", "4-5", "6-7" };
	tree_begin();
	for (int cpu = 0; cpu < 8; cpu++)
		write_core(cpu, 0, cpu / 2, siblings[cpu / 2]);
	expect("0 1 2 3 4 5 6 7", "0 2 4 6 1 3 5 7", "siblings side by side: cores first");
	expect("1 2 3 6", "1 2 6 3", "some of them");
	expect("5", "5", "one of them");

	static const char *const crossed[] = { "0,3", "1-2" };
	tree_begin();
	for (int cpu = 0; cpu < 4; cpu++)
		write_core(cpu, 0, cpu % 3 != 0, crossed[cpu % 3 != 0]);
	expect("0 1 2 3", "0 1 3 2", "second threads in the order of their cores");

	tree_begin();
	for (int cpu = 0; cpu < 8; cpu++)
		write_core(cpu, 0, cpu / 2, siblings[cpu / 2]);
	expect("", "", "none of them");
}

static void test_four_threads(void)
{
	tree_begin();
	for (int cpu = 0; cpu < 8; cpu++)
		write_core(cpu, 0, cpu / 4, cpu < 4 ? "0-3" : "4-7");
	expect("0 1 2 3 4 5 6 7", "0 4 1 5 2 6 3 7", "four threads a core");
}

/* Numbers go round the packages, as many machines have it; each is a node. */
static void test_two_packages(void)
{
	static const char *const siblings[] = { "0,4", "1,5", "2,6", "3,7" };
	tree_begin();
	for (int cpu = 0; cpu < 8; cpu++)
		write_core(cpu, cpu % 2, cpu % 4 / 2, siblings[cpu % 4]);
	expect("0 1 2 3 4 5 6 7", "0 2 1 3 4 6 5 7", "two packages: one after the other");
	expect("1 2 3 5", "2 1 3 5", "some of them");
	tree_write("/sys/devices/system/node/online", "0-1\n");
	write_node(0, "1,3,5,7");
	write_node(1, "0,2,4,6");
	expect("0 1 2 3 4 5 6 7", "1 3 0 2 5 7 4 6", "nodes come before packages");
}

/* The same IDs of cores in both packages, and no lists of siblings. */
static void test_core_ids(void)
{
	tree_begin();
	for (int cpu = 0; cpu < 8; cpu++)
		write_core(cpu, cpu / 4, cpu % 4 / 2, NULL);
	expect("0 1 2 3 4 5 6 7", "0 2 4 6 1 3 5 7", "cores by their IDs, which are good in a package only");
	for (int cpu = 0; cpu < 4; cpu++)
		write_core(cpu, cpu / 2, 0, NULL);
	expect("0 1 2 3", "0 2 1 3", "a package of one core beside another such");
	for (int cpu = 0; cpu < 4; cpu++)
		write_core(cpu, 0, 0, NULL);
	expect("0 1 2 3", "0 1 2 3", "one core of four threads");
}

static void test_nodes(void)
{
	tree_begin();
	for (int cpu = 0; cpu < 6; cpu++)
		write_core(cpu, 0, cpu, NULL);
	tree_write("/sys/devices/system/node/online", "0,2-3\n");
	write_node(0, "");
	write_node(2, "3-5");
	write_node(3, "0-2");
	expect("0 1 2 3 4 5", "3 4 5 0 1 2",
		"nodes within a package, holes among them, and one of memory alone");
	expect("0 5", "5 0", "some of them");
	write_node(2, "2-18446744073709551615");
	write_node(3, "1-0,garbage");
	expect("0 1 2 3", "0 1 2 3", "absurd lists");
	tree_write("/sys/devices/system/node/online", "0-18446744073709551615\n");
	write_node(2, "4-5");
	write_node(3, "0-3");
	expect("0 3 4 5", "4 5 0 3", "absurdly many nodes");
	tree_write("/sys/devices/system/node/online", "garbage\n");
	expect("0 3 4 5", "0 3 4 5", "no list of nodes");
}

/* CPUs that are off have no topology, and are in no list of siblings. */
static void test_holes(void)
{
	tree_begin();
	write_core(0, 0, 0, "0");
	write_cpu(1, "online", "0");
	write_core(2, 0, 1, "2-3");
	write_core(3, 0, 1, "2-3");
	write_core(6, 0, 3, "6-7");
	write_core(7, 0, 3, "6-7");
	expect("0 2 3 6 7", "0 2 6 3 7", "a sibling is off, and a whole core");
	expect("0 3 7", "0 3 7", "the first threads are out of the mask");
}

static void test_large(void)
{
	int list[200], want[200];
	char siblings[32];
	tree_begin();
	for (int cpu = 0; cpu < 200; cpu++) {
		snprintf(siblings, sizeof siblings, "%d-%d", cpu & ~1, cpu | 1);
		write_core(cpu, cpu / 100, cpu % 100 / 2, siblings);
		list[cpu] = cpu;
		want[cpu] = cpu < 100 ? 2 * cpu : 2 * (cpu - 100) + 1;
	}
	topology_sort(tree_root, list, 200);
	tap_ok(memcmp(list, want, sizeof list) == 0, "200 CPUs in two packages");
	expect("64 65 66 67 127 128 129", "64 66 127 128 65 67 129", "numbers above 64");
	expect("1000 4000 8191", "1000 4000 8191", "numbers that sysfs does not know");
}

static void test_capacity(void)
{
	tree_begin();
	for (int cpu = 0; cpu < 6; cpu++) {
		write_core(cpu, 0, cpu, NULL);
		write_cpu(cpu, "cpu_capacity", cpu < 3 ? "446" : cpu < 5 ? "871" : "1024");
	}
	expect("0 1 2 3 4 5", "5 3 4 0 1 2", "big cores before little ones");
}

static void test_garbage(void)
{
	tree_begin();
	expect("0 1 2 3", "0 1 2 3", "no sysfs: in the order of numbers");
	write_core(0, 0, 0, "0-1");
	write_core(1, 0, 0, "0-1");
	expect("0 1 2 3", "0 2 3 1", "sysfs knows one core only");
	write_cpu(2, "topology/thread_siblings_list", "3-9");
	write_cpu(3, "topology/thread_siblings_list", "nonsense");
	write_cpu(2, "topology/physical_package_id", "-1");
	write_cpu(2, "topology/core_id", "-1");
	write_cpu(3, "topology/physical_package_id", "99999999999999999999");
	write_cpu(3, "topology/core_id", "");
	expect("0 1 2 3", "0 2 3 1", "what makes no sense counts as not being there");
	write_cpu(2, "topology/core_id", "2147483647");
	write_cpu(3, "topology/core_id", "2147483646");
	expect("0 1 2 3", "0 2 3 1", "the largest IDs");
	write_cpu(2, "topology/core_id", "0");
	expect("0 1 2 3", "0 2 3 1", "an ID is no hardware thread's number");
	int list[] = { 0, 1 };
	char root[5000];
	memset(root, 'x', sizeof root - 1);
	root[sizeof root - 1] = '\0';
	topology_sort(root, list, 2);
	tap_ok(list[0] == 0 && list[1] == 1, "a root too long to open");
}

/* Whatever this machine is: each CPU of the mask once. */
static void test_this_machine(void)
{
	int order[1024], *cpus;
	size_t count;
	const size_t found = topology_order(order, 1024);
	if (!tap_is_int(cpus_allowed(&cpus, &count), 0, "the CPUs of this machine"))
		return;
	tap_ok(found == count || (found == 1024 && count > 1024), "all are in the order");
	size_t right = 0;
	for (size_t i = 0; i < found; i++)
		for (size_t n = 0; n < found; n++)
			right += order[n] == cpus[i];
	tap_is_int(right, found, "each of them once");
	free(cpus);
	const int best = order[0];
	order[0] = order[1] = -7;
	tap_is_int(topology_order(order, 1), 1, "room for one only");
	tap_ok(order[0] == best && order[1] == -7, "gets the first");
	tap_is_int(topology_order(order, 0), 0, "no room");
	tap_is_int(cpus_bind(best), 0, "a thread can be bound to it");
	tap_is_int(topology_order(order, 1024), 1, "then that one is all there is");
}

int main(void)
{
	test_interleaved();
	test_adjacent();
	test_four_threads();
	test_two_packages();
	test_core_ids();
	test_nodes();
	test_holes();
	test_large();
	test_capacity();
	test_garbage();
	tree_end();
	test_this_machine();
	return tap_done();
}
