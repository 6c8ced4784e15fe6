#include "fake_tree.h"

#include "base/quota.h"

#include <fcntl.h>
#include <sched.h>
#include <time.h>

/* Lines as a machine has them around those that matter. */
static const char other_mounts[] = "22 27 0:21 / /proc rw,relatime - proc proc rw\n"
				   "23 27 0:22 / /sys rw,relatime shared:2 - sysfs sysfs rw\n"
				   "24 23 0:9 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755\n";

static void write_mounts(const char *lines)
{
	tree_write("/proc/self/mountinfo", "%s%s", other_mounts, lines);
}

/* A machine with version 2 alone, and the process in a group of it. */
static void begin_v2(const char *path)
{
	tree_begin();
	write_mounts("30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate\n");
	tree_write("/proc/self/cgroup", "0::%s\n", path);
}

/* A machine with version 1, the cpu controller together with cpuacct. */
static void begin_v1(const char *path)
{
	tree_begin();
	write_mounts("31 24 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
		     "32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:15 - cgroup cgroup rw,cpu,cpuacct\n");
	tree_write("/proc/self/cgroup", "9:cpuset:/set\n4:cpu,cpuacct:%s\n1:name=systemd:/else\n", path);
}

static void write_v1(const char *group, const char *quota, const char *period)
{
	char name[512];
	snprintf(name, sizeof name, "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_quota_us", group);
	tree_write(name, "%s\n", quota);
	snprintf(name, sizeof name, "/sys/fs/cgroup/cpu,cpuacct%s/cpu.cfs_period_us", group);
	tree_write(name, "%s\n", period);
}

static void expect(unsigned want, const char *what)
{
	tap_is_int(quota_read(tree_root), want, what);
}

static void test_v2(void)
{
	begin_v2("/user.slice/app");
	expect(0, "v2: no cpu.max anywhere");
	tree_write("/sys/fs/cgroup/user.slice/app/cpu.max", "max 100000\n");
	expect(0, "v2: max is no quota");
	tree_write("/sys/fs/cgroup/user.slice/app/cpu.max", "150000 100000\n");
	expect(1500, "v2: one CPU and a half");
	tree_write("/sys/fs/cgroup/user.slice/cpu.max", "200000 100000\n");
	expect(1500, "v2: a larger quota above does not count");
	tree_write("/sys/fs/cgroup/user.slice/cpu.max", "50000 100000\n");
	expect(500, "v2: a smaller quota above does");
	tree_write("/sys/fs/cgroup/cpu.max", "40000 100000\n");
	expect(400, "v2: so does one at the mount point, a container's own group");
	tree_write("/sys/fs/cgroup/user.slice/app/cpu.max", "max 100000\n");
	expect(400, "v2: also where the group itself has none");
	tree_write("/sys/fs/cgroup/user.slice/other/cpu.max", "1000 100000\n");
	tree_write("/sys/fs/cpu.max", "2000 100000\n");
	expect(400, "v2: groups beside it, and files above the mount point do not");
}

static void test_v2_top(void)
{
	begin_v2("/");
	expect(0, "v2: the top has no cpu.max");
	tree_write("/sys/fs/cgroup/cpu.max", "250000 100000\n");
	expect(2500, "v2: in a cgroup namespace the top has one");

	begin_v2("/a:b/c (deleted)");
	tree_write("/sys/fs/cgroup/a:b/cpu.max", "70000 100000\n");
	expect(700, "v2: a group that is gone is limited by those above; names have colons");
}

static void test_deep(void)
{
	char group[1024] = "", name[1200];
	for (int level = 0; level < 100; level++)
		strcat(group, "/level");
	begin_v2(group);
	snprintf(name, sizeof name, "/sys/fs/cgroup%s/cpu.max", group);
	tree_write(name, "300000 100000\n");
	tree_write("/sys/fs/cgroup/level/level/level/cpu.max", "100000 100000\n");
	expect(1000, "v2: a hundred groups in each other");

	char path[4300] = "";
	for (int level = 0; level < 700; level++)
		strcat(path, "/level");
	begin_v2(path);
	tree_write("/sys/fs/cgroup/level/cpu.max", "120000 100000\n");
	expect(1200, "v2: a path that is too long to open");
}

static void test_values(void)
{
	static const struct {
		const char *text;
		unsigned want;
	} values[] = {
		{ "50000 100000\n", 500 },
		{ "50000 100000", 500 },
		{ "50000 100000 more of a later kernel\n", 500 },
		{ "100000 300000\n", 334 }, // rounded up
		{ "1 1000000\n", 1 },
		{ "1000 1000000\n", 1 },
		{ "12800000 100000\n", 128000 },
		{ "18446744073709551615 1000000\n", 0 }, // larger than can be counted
		{ "18446744073709551616 100000\n", 0 },
		{ "18446744073709551 1\n", UINT32_MAX },
		{ "99999999999999999999999999 100000\n", 0 },
		{ "50000 99999999999999999999999999\n", 0 },
		{ "50000 0\n", 0 },
		{ "0 100000\n", 0 },
		{ "-1 100000\n", 0 },
		{ "+5 100000\n", 0 },
		{ "50000\n", 0 },
		{ "50000 \n", 0 },
		{ "50000 max\n", 0 },
		{ "50000x100000\n", 0 },
		{ "50000  100000\n", 0 },
		{ "50000 100000x\n", 0 },
		{ "0x100 100000\n", 0 },
		{ " 50000 100000\n", 0 },
		{ "", 0 },
		{ "\n", 0 },
		{ "MAX 100000\n", 0 },
		{ "\377\376\200\n", 0 },
	};
	begin_v2("/a");
	for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
		char what[80];
		snprintf(what, sizeof what, "cpu.max of %zu bytes, number %zu", strlen(values[i].text), i);
		tree_write("/sys/fs/cgroup/a/cpu.max", "%s", values[i].text);
		expect(values[i].want, what);
	}
}

static void test_v1(void)
{
	begin_v1("/docker/abc");
	expect(0, "v1: no files");
	write_v1("/docker/abc", "-1", "100000");
	expect(0, "v1: -1 is no quota");
	write_v1("/docker/abc", "250000", "100000");
	expect(2500, "v1: two CPUs and a half");
	write_v1("/docker", "50000", "25000");
	expect(2000, "v1: less in the group above, with a period of its own");
	write_v1("", "33333", "100000");
	expect(334, "v1: and at the mount point");
	write_v1("", "33333", "garbage");
	expect(2000, "v1: no quota without a period");
	write_v1("", "33333", "0");
	expect(2000, "v1: nor with one of nothing");
	write_v1("", "33333x", "100000");
	expect(2000, "v1: nor with more than a number");
	write_v1("/set", "1000", "100000");
	tree_write("/sys/fs/cgroup/cpuset/set/cpu.cfs_quota_us", "1000\n");
	tree_write("/sys/fs/cgroup/cpuset/set/cpu.cfs_period_us", "100000\n");
	expect(2000, "v1: the groups of other controllers do not matter");
}

static void test_v1_alone(void)
{
	tree_begin();
	write_mounts("31 24 0:29 / /sys/fs/cgroup/cpuacct rw - cgroup cgroup rw,cpuacct\n"
		     "32 24 0:30 / /cpu rw - cgroup cgroup rw,cpu\n");
	tree_write("/proc/self/cgroup", "2:cpuacct:/b\n1:cpu:/a\n0::/\n");
	tree_write("/cpu/a/cpu.cfs_quota_us", "90000\n");
	tree_write("/cpu/a/cpu.cfs_period_us", "100000\n");
	tree_write("/sys/fs/cgroup/cpuacct/a/cpu.cfs_quota_us", "1000\n");
	tree_write("/sys/fs/cgroup/cpuacct/a/cpu.cfs_period_us", "100000\n");
	expect(900, "v1: cpu without cpuacct, mounted somewhere else");
	tree_write("/proc/self/cgroup", "2:cpuacct:/a\n0::/a\n");
	expect(0, "v1: in no group of the cpu controller");
}

static void test_hybrid(void)
{
	tree_begin();
	write_mounts("32 24 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
		     "33 24 0:26 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	tree_write("/proc/self/cgroup", "4:cpu,cpuacct:/one\n0::/two\n");
	expect(0, "hybrid: nothing");
	write_v1("/one", "300000", "100000");
	expect(3000, "hybrid: a quota of version 1");
	tree_write("/sys/fs/cgroup/unified/two/cpu.max", "200000 100000\n");
	expect(2000, "hybrid: the least counts, version 2's");
	write_v1("/one", "100000", "100000");
	expect(1000, "hybrid: the least counts, version 1's");
	write_v1("/two", "1000", "100000");
	tree_write("/sys/fs/cgroup/unified/one/cpu.max", "1000 100000\n");
	expect(1000, "hybrid: each hierarchy has its own path");
}

/* A mount that shows `top`, and a process that /proc/self/cgroup says is in `path`; the quota is put at `group`. */
static void look(unsigned want, const char *top, const char *path, const char *group, const char *what)
{
	char name[256];
	tree_begin();
	snprintf(name, sizeof name, "30 23 0:26 %s /sys/fs/cgroup ro - cgroup2 cgroup rw\n", top);
	write_mounts(name);
	tree_write("/proc/self/cgroup", "0::%s\n", path);
	snprintf(name, sizeof name, "/sys/fs/cgroup%s/cpu.max", group);
	tree_write(name, "60000 100000\n");
	expect(want, what);
}

static void test_containers(void)
{
	look(600, "/docker/abc", "/docker/abc", "", "a container that sees the host's path of its own group");
	look(600, "/docker/abc", "/docker/abc/", "", "with a slash at the end");
	look(600, "/docker/abc", "/docker/abc/sub", "/sub", "a group inside of it");
	look(600, "/docker/abc", "/docker/abc/sub", "", "the container's quota for a group inside of it");
	look(0, "/docker/abc", "/docker/abc/sub", "/docker/abc", "the host's path does not exist inside");
	look(600, "/docker/abc", "/docker/abcdef", "", "another group whose name begins the same: a guess");
	look(0, "/docker/abc", "/docker/abcdef", "def", "but not the rest of its name");
	look(600, "/kubepods/pod1/good", "/kubepods/pod1/bad/x", "",
		"a top that is not above the path: a guess");
	look(0, "/kubepods/pod1/good", "/kubepods/pod1/bad/x", "/x", "and nothing below it");
	look(600, "/docker/abc", "/", "", "a path of a namespace, and a top of none: a guess");

	look(600, "/..", "/", "", "a namespace begun below the mount's top: the top is above");
	look(600, "/../..", "/../x", "", "two levels up, one of them named");
	look(600, "/../..", "/a", "", "two levels up");
	look(600, "/..", "/../x", "/x", "a path through the same way up");
	look(600, "/..", "/..", "", "the top itself");
	look(600, "/../x", "/../x/y", "/y", "a way up and down again");
	look(0, "/", "/..", "", "outside of the namespace, the container's quota does not count");
	look(0, "/", "/../..", "/..", "nor what lies beside the mount point");
	look(0, "/", "/../x", "", "nor for a neighbour");
	look(0, "/../x", "/../y", "", "two neighbours");
	look(0, "/..", "/../..", "", "further outside than the top");
	look(600, "/", "/..x/y", "/..x", "names may begin with two points");
	look(600, "/", "/...", "/...", "or be three");
}

static void test_many_mounts(void)
{
	tree_begin();
	write_mounts("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
		     "35 23 0:26 /other /mnt/other rw - cgroup2 cgroup rw\n"
		     "36 23 0:26 /app /mnt/app rw - cgroup2 cgroup rw\n");
	tree_write("/proc/self/cgroup", "0::/app/x\n");
	tree_write("/mnt/other/cpu.max", "1000 100000\n");
	expect(0, "a bind mount of another group is no guess where a mount shows the group");
	tree_write("/mnt/app/x/cpu.max", "80000 100000\n");
	expect(800, "a bind mount of the group counts");
	tree_write("/sys/fs/cgroup/cpu.max", "70000 100000\n");
	expect(700, "and all mounts together");

	tree_begin();
	write_mounts("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw\n"
		     "35 23 0:26 /../other /mnt/other rw - cgroup2 cgroup rw\n");
	tree_write("/proc/self/cgroup", "0::/\n");
	tree_write("/mnt/other/cpu.max", "1000 100000\n");
	expect(0, "a neighbour of the namespace is not above it");
}

static void test_escapes(void)
{
	tree_begin();
	write_mounts("30 23 0:26 /my\\040own\\134group /mnt/c\\011g\\0402 rw - cgroup2 none rw\n");
	tree_write("/proc/self/cgroup", "0::/my own\\group/it \\040\n");
	tree_write("/mnt/c\tg 2/it \\040/cpu.max", "90000 100000\n");
	expect(900, "octal escapes in mountinfo, none in /proc/self/cgroup");

	tree_begin();
	write_mounts("30 23 0:26 / /a\\9\\04\\777\\ rw - cgroup2 none rw\n");
	tree_write("/proc/self/cgroup", "0::/\n");
	tree_write("/a\\9\\04\\777\\/cpu.max", "90000 100000\n");
	expect(900, "backslashes that are no escapes stay");
}

static void test_optional_fields(void)
{
	tree_begin();
	write_mounts("30 23 0:26 / /a rw shared:1 master:2 propagate_from:3 unbindable - cgroup2  rw\n"
		     "31 24 0:28 / /b rw master:1 - cgroup  cpu,rw\n");
	tree_write("/proc/self/cgroup", "0::/\n1:cpuacct,cpu:/\n");
	tree_write("/a/cpu.max", "90000 100000\n");
	expect(900, "any number of tags before the type; a source without a name");
	tree_write("/b/cpu.cfs_quota_us", "10000");
	tree_write("/b/cpu.cfs_period_us", "100000");
	expect(100, "the cpu controller first or last in its lists");
}

static void test_garbage(void)
{
	static const char *const lines[] = {
		"",
		" - cgroup2\n",
		" - cgroup2 x y\n",
		"- - cgroup2 x y",
		"30 23 0:26 - cgroup2 x rw\n",
		"30 23 0:26 / - cgroup2 x rw\n",
		"30 23 0:26 relative /sys/fs/cgroup rw - cgroup2 x rw\n",
		"30 23 0:26 / relative rw - cgroup2 x rw\n",
		"30 23 0:26 / /sys/fs/cgroup rw - cgroup\n",
		"30 23 0:26 / /sys/fs/cgroup rw - cgroup2x x rw\n",
		"30 23 0:26 / /sys/fs/cgroup rw - cgroup x cpux,xcpu,cpu=,\n",
		"30 23 0:26 / /sys/fs/cgroup rw cgroup2 x rw\n",
		"\\\\\\\\ \\ \\ \\1 \\12 \\ - cgroup2\n",
		"\n\n\n",
	};
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		tree_begin();
		tree_write("/sys/fs/cgroup/cpu.max", "90000 100000\n");
		tree_write("/sys/fs/cgroup/cpu.cfs_quota_us", "90000\n");
		tree_write("/sys/fs/cgroup/cpu.cfs_period_us", "90000\n");
		tree_write("/proc/self/cgroup", "0::/\n1:cpu:/\n");
		tree_write("/proc/self/mountinfo", "%s", lines[i]);
		expect(0, "garbage in mountinfo");
	}
	static const char *const groups[] = { "", ":", "::", "0::", "0::x\n", "0\n", "0:/\n", ":::/",
		"1:cpux:/\n", "\n\n", "1:name=cpu:/\n" };
	for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
		begin_v2("/");
		tree_write("/sys/fs/cgroup/cpu.max", "90000 100000\n");
		tree_write("/proc/self/cgroup", "%s", groups[i]);
		expect(0, "garbage in /proc/self/cgroup");
	}
}

static void test_missing(void)
{
	char name[128];
	tree_begin();
	expect(0, "no proc at all");
	begin_v2("/");
	tree_write("/sys/fs/cgroup/cpu.max/is-a-directory", "x");
	expect(0, "a directory where the file should be");
	snprintf(name, sizeof name, "%s/proc/self/cgroup", tree_root);
	tap_ok(unlink(name) == 0 && mkdir(name, 0777) == 0, "/proc/self/cgroup is a directory");
	expect(0, "then there is no quota");
	tap_is_int(quota_read("/nonexistent/kin"), 0, "nor under a root that is not there");
}

/* mountinfo longer than any first buffer, its last line without a newline; and a NUL in the middle of one. */
static void test_large(void)
{
	begin_v2("/");
	tree_write("/sys/fs/cgroup/cpu.max", "90000 100000\n");
	char name[128];
	snprintf(name, sizeof name, "%s/proc/self/mountinfo", tree_root);
	for (int lines = 0; lines < 4000; lines += 397) {
		FILE *file = fopen(name, "we");
		for (int i = 0; i < lines; i++)
			fprintf(file, "%d 23 0:%d / /mnt/number-%d rw,relatime - ext4 /dev/disk-%d rw\n", i,
				i, i, i);
		fputs("30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw", file);
		fclose(file);
		expect(900, "mountinfo of any length");
	}
	FILE *file = fopen(name, "we");
	fwrite("1 2\0 3\n", 1, 7, file);
	fclose(file);
	expect(0, "a NUL in mountinfo");
}

/* Exactly as many bytes as the buffers have that it grows through, and one less and one more. */
static void test_sizes(void)
{
	static const char last[] = "\n30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup rw";
	begin_v2("/");
	tree_write("/sys/fs/cgroup/cpu.max", "90000 100000\n");
	for (size_t size = 16 << 10; size <= 64 << 10; size *= 2)
		for (int more = -2; more <= 2; more++) {
			const int filler = (int)(size - strlen(last)) + more;
			tree_write("/proc/self/mountinfo", "%0*d%s", filler, 0, last);
			expect(900, "mountinfo as long as a buffer, nearly");
		}
}

/* --- a group made for the test, where this machine lets us --- */

struct real_group {
	char path[256];
	int version;
};

static int write_file(const char *directory, const char *name, const char *text)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	const int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	const int result = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return result;
}

static bool has_file(const char *directory, const char *name)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", directory, name);
	return access(path, W_OK) == 0;
}

/* Make a group below the top of a hierarchy with the cpu controller in it. */
static bool make_group(struct real_group *group)
{
	static const char *const tops[] = { "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/cpu,cpuacct",
		"/sys/fs/cgroup", "/sys/fs/cgroup/unified" };
	for (size_t i = 0; i < sizeof tops / sizeof tops[0]; i++) {
		snprintf(group->path, sizeof group->path, "%s/kin-test-%d", tops[i], (int)getpid());
		if (mkdir(group->path, 0755) < 0)
			continue;
		group->version = has_file(group->path, "cpu.max") ? 2 : 1;
		if (group->version == 2 || has_file(group->path, "cpu.cfs_quota_us"))
			return true;
		rmdir(group->path);
	}
	return false;
}

/* A group is busy for a moment after its last process was reaped. */
static int remove_group(const char *path)
{
	for (int tries = 0; tries < 1000; tries++) {
		if (rmdir(path) == 0 || errno == ENOENT)
			return 0;
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	}
	return -errno;
}

static int limit_group(const struct real_group *group, const char *quota)
{
	char text[64];
	if (group->version == 1)
		return write_file(group->path, "cpu.cfs_quota_us", quota);
	snprintf(text, sizeof text, "%s 100000", quota);
	return write_file(group->path, "cpu.max", text);
}

/* What a process in the group reads: its quota, or -1 if it could not go there. */
static int read_inside(const char *path)
{
	int ends[2];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	const pid_t child = fork();
	if (child == 0) {
		int got = write_file(path, "cgroup.procs", "0") < 0 ? -1 : (int)quota_read("");
		_exit(write(ends[1], &got, sizeof got) == sizeof got ? 0 : 1);
	}
	close(ends[1]);
	int got = -1;
	if (read(ends[0], &got, sizeof got) != sizeof got)
		got = -1;
	close(ends[0]);
	waitpid(child, NULL, 0);
	return got;
}

static void test_real(void)
{
	static const char what[] = "a group with a quota on this machine";
	struct real_group group;
	const unsigned own = quota_read("");
	tap_note("the quota of this test: %u thousandths of a CPU, 0 is none", own);
	if (own > 0 && own <= 900) {
		tap_skip(what, "this test has a smaller one itself");
		return;
	}
	if (!make_group(&group)) {
		tap_skip(what, "none can be made here");
		return;
	}
	char below[300];
	snprintf(below, sizeof below, "%s/below", group.path);
	const int limited = limit_group(&group, "90000"), made = mkdir(below, 0755),
		  inside = read_inside(group.path);
	if (limited < 0 || made < 0 || inside < 0) {
		tap_skip(what, "it can be made, but not be limited or entered");
	} else {
		tap_note("%s, version %d", group.path, group.version);
		tap_is_int(inside, 900, what);
		tap_is_int(read_inside(below), 900, "the quota of the group above");
		limit_group(&group, group.version == 1 ? "-1" : "max");
		tap_is_int(read_inside(below), own, "the quota is taken away");
	}
	tap_is_int(remove_group(below), 0, "the group below is removed");
	tap_is_int(remove_group(group.path), 0, "the group is removed");
}

/* unshare(CLONE_NEWCGROUP) in a group: its path becomes "/", and the mount's top "/..". */
static void test_real_namespace(void)
{
	static const char what[] = "a cgroup namespace begun below the mount";
	struct real_group group;
	const unsigned own = quota_read("");
	if ((own > 0 && own <= 900) || !make_group(&group)) {
		tap_skip(what, "no group can be made here");
		return;
	}
	const bool limited = limit_group(&group, "90000") == 0;
	const pid_t child = fork();
	if (child == 0) {
		if (write_file(group.path, "cgroup.procs", "0") < 0 || unshare(CLONE_NEWCGROUP) < 0)
			_exit(2);
		/* The group's name is hidden now; its own limit cannot be found, those above it can. */
		_exit(quota_read("") == own ? 0 : 1);
	}
	int status;
	waitpid(child, &status, 0);
	if (!limited || (WIFEXITED(status) && WEXITSTATUS(status) == 2))
		tap_skip(what, "not allowed here");
	else
		tap_is_int(status, 0, what);
	tap_is_int(remove_group(group.path), 0, "its group is removed");
}

int main(void)
{
	test_v2();
	test_v2_top();
	test_deep();
	test_values();
	test_v1();
	test_v1_alone();
	test_hybrid();
	test_containers();
	test_many_mounts();
	test_escapes();
	test_optional_fields();
	test_garbage();
	test_missing();
	test_large();
	test_sizes();
	tree_end();
	test_real();
	test_real_namespace();
	return tap_done();
}
