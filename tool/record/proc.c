#include "record/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

bool proc_usable(void)
{
	static pid_t asked_by, own;
	if (asked_by != getpid()) {
		char link[16] = "";
		ssize_t length = readlink("/proc/self", link, sizeof link - 1);
		own = length > 0 ? atoi(link) : 0;
		asked_by = getpid();
	}
	return own == asked_by;
}

/* Reads a whole small /proc file; the kernel makes it in one go, so one read is one consistent state. */
static int slurp(const char *path, char *bytes, size_t size)
{
	if (!proc_usable())
		return -ENOENT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ssize_t got = read(fd, bytes, size - 1);
	int error = got < 0 ? -errno : got == 0 ? -ESRCH : 0;
	close(fd);
	bytes[got > 0 ? got : 0] = '\0';
	return error;
}

int proc_read_stat(int tgid, int tid, struct proc_stat *stat)
{
	char path[64], bytes[1024];
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", tgid, tid);
	int error = slurp(path, bytes, sizeof bytes);
	if (error)
		return error == -ENOENT ? -ESRCH : error;
	/* The name may hold spaces and parentheses: it ends at the last one. */
	char *open_paren = strchr(bytes, '('), *close_paren = strrchr(bytes, ')');
	if (!open_paren || !close_paren || close_paren < open_paren)
		return -EPROTO;
	size_t length = (size_t)(close_paren - open_paren - 1);
	if (length >= sizeof stat->name)
		length = sizeof stat->name - 1;
	memcpy(stat->name, open_paren + 1, length);
	stat->name[length] = '\0';
	unsigned long long minor, children, major, user, system_time;
	if (sscanf(close_paren + 1, " %c %d %*d %*d %*d %*d %*u %llu %llu %llu %*u %llu %llu", &stat->state,
		    &stat->ppid, &minor, &children, &major, &user, &system_time) != 7)
		return -EPROTO;
	stat->minor = minor;
	stat->children_minor = children;
	stat->major = major;
	stat->user_ticks = user;
	stat->system_ticks = system_time;
	return 0;
}

int proc_read_cpu_ns(int tgid, int tid, uint64_t *ns)
{
	char path[64], bytes[128];
	snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", tgid, tid);
	int error = slurp(path, bytes, sizeof bytes);
	if (error)
		return error;
	*ns = strtoull(bytes, NULL, 10);
	return 0;
}

/* The number behind a name at the start of a line. */
static int number_of_line(const char *bytes, const char *name, uint64_t *value)
{
	size_t length = strlen(name);
	for (const char *line = bytes; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, name, length) == 0) {
			*value = strtoull(line + length, NULL, 10);
			return 0;
		}
	}
	return -ENOENT;
}

static int slurp_status(int tgid, int tid, char *bytes, size_t size)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/task/%d/status", tgid, tid);
	return slurp(path, bytes, size);
}

int proc_read_switches(int tgid, int tid, uint64_t *voluntary, uint64_t *involuntary)
{
	char bytes[8192];
	int error = slurp_status(tgid, tid, bytes, sizeof bytes);
	if (!error)
		error = number_of_line(bytes, "voluntary_ctxt_switches:", voluntary);
	return error ? error : number_of_line(bytes, "nonvoluntary_ctxt_switches:", involuntary);
}

int proc_read_peak(int tgid, int tid, uint64_t *kib)
{
	char bytes[8192];
	int error = slurp_status(tgid, tid, bytes, sizeof bytes);
	return error ? error : number_of_line(bytes, "VmHWM:", kib);
}

bool proc_shares_pids(int tgid, int tid, int *ret_own)
{
	char path[64], bytes[8192];
	struct stat own, its;
	*ret_own = 0;
	snprintf(path, sizeof path, "/proc/%d/ns/pid", tid);
	if (!proc_usable() || stat("/proc/self/ns/pid", &own) < 0 || stat(path, &its) < 0 ||
		(own.st_ino == its.st_ino && own.st_dev == its.st_dev))
		return true;
	/* "NStgid:" and its number in each namespace, from kin's to its own. */
	const char *line =
		slurp_status(tgid, tid, bytes, sizeof bytes) == 0 ? strstr(bytes, "\nNStgid:") : NULL;
	const char *end = line ? strchr(line + 1, '\n') : NULL;
	while (end && end > line && end[-1] >= '0' && end[-1] <= '9')
		end--;
	*ret_own = end ? atoi(end) : 0;
	return false;
}

int proc_read_uid(int tid)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%d", tid);
	return proc_usable() && stat(path, &st) == 0 ? (int)st.st_uid : -1;
}

int proc_read_link(int pid, const char *name, struct text *target)
{
	char path[64], bytes[PATH_MAX];
	if (!proc_usable())
		return -ENOENT;
	snprintf(path, sizeof path, "/proc/%d/%s", pid, name);
	ssize_t length = readlink(path, bytes, sizeof bytes);
	if (length < 0)
		return -errno;
	text_clear(target);
	text_add_bytes(target, bytes, (size_t)length);
	return text_failed(target) ? -ENOMEM : 0;
}

int proc_read_limit(int pid, const char *name, uint64_t *limit)
{
	char path[64], bytes[4096];
	snprintf(path, sizeof path, "/proc/%d/limits", pid);
	int error = slurp(path, bytes, sizeof bytes);
	if (error)
		return error;
	const char *line = strstr(bytes, name);
	if (!line)
		return -ENOENT;
	line += strlen(name);
	line += strspn(line, " ");
	*limit = strncmp(line, "unlimited", 9) == 0 ? UINT64_MAX : strtoull(line, NULL, 10);
	return 0;
}

/*
 * Where a process's cgroup for a controller is in the file system: the unified hierarchy's line is "0::/path", a
 * version 1 line "N:controller,...:/path". Inside a cgroup namespace the path is relative to the mount: good.
 */
static int cgroup_folder(int pid, const char *controller, char *folder, size_t size)
{
	char path[64], bytes[4096];
	snprintf(path, sizeof path, "/proc/%d/cgroup", pid);
	int error = slurp(path, bytes, sizeof bytes);
	if (error)
		return error;
	int found = -ENOENT;
	char *rest = bytes, *line;
	while ((line = strsep(&rest, "\n"))) {
		char *id = strsep(&line, ":"), *controllers = strsep(&line, ":");
		if (!id || !controllers || !line)
			continue;
		if (strcmp(id, "0") == 0 && *controllers == '\0') {
			if (found != 0 && (size_t)snprintf(folder, size, "/sys/fs/cgroup%s", line) < size)
				found = 0;
		} else if (strstr(controllers, controller)) {
			if ((size_t)snprintf(folder, size, "/sys/fs/cgroup/%s%s", controller, line) < size)
				return 0;
		}
	}
	return found;
}

int proc_read_cgroup_number(
	int pid, const char *controller, const char *file, const char *key, uint64_t *value)
{
	char folder[PATH_MAX], path[PATH_MAX + 64], bytes[1024];
	int error = cgroup_folder(pid, controller, folder, sizeof folder);
	if (error)
		return error;
	snprintf(path, sizeof path, "%s/%s", folder, file);
	error = slurp(path, bytes, sizeof bytes);
	if (error)
		return error;
	const char *number = bytes;
	if (key) {
		number = strstr(bytes, key);
		if (!number)
			return -ENOENT;
		number += strlen(key);
		number += strspn(number, " ");
	}
	*value = strncmp(number, "max", 3) == 0 ? UINT64_MAX : strtoull(number, NULL, 10);
	return 0;
}

size_t proc_read_memory_some(int tid, uint64_t address, void *bytes, size_t count)
{
	struct iovec local = { bytes, count }, remote = { (void *)(uintptr_t)address, count };
	ssize_t got = process_vm_readv(tid, &local, 1, &remote, 1, 0);
	return got < 0 ? 0 : (size_t)got;
}

int proc_read_memory(int tid, uint64_t address, void *bytes, size_t count)
{
	return proc_read_memory_some(tid, address, bytes, count) == count ? 0 : -EFAULT;
}

int proc_read_string(int tid, uint64_t address, size_t limit, struct text *string)
{
	while (limit > 0) {
		char bytes[4096];
		/* Up to the end of the page: the next one may not be mapped. */
		size_t count = 4096 - (address & 4095);
		if (count > limit)
			count = limit;
		size_t got = proc_read_memory_some(tid, address, bytes, count);
		if (got == 0)
			return -EFAULT;
		size_t length = strnlen(bytes, got);
		text_add_bytes(string, bytes, length);
		if (length < got)
			break;
		address += got;
		limit -= got;
	}
	return text_failed(string) ? -ENOMEM : 0;
}
