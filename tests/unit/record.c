/*
 * The ptrace source's parts that need no tracee: the table of tasks, environments, finding a program, reading
 * /proc.
 */
#include "record/image.h"
#include "record/proc.h"
#include "record/signals.h"
#include "record/start.h"
#include "record/tasks.h"
#include "tap.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static void table_keeps_every_task(void)
{
	struct tasks tasks = { 0 };
	enum { MANY = 10000 };
	tap_ok(tasks_find(&tasks, 1) == NULL, "an empty table has no task");
	bool all = true;
	for (int tid = 1; tid <= MANY; tid++) {
		struct live *live = tasks_add(&tasks, tid * 4096);
		all = all && live;
		if (live)
			live->number = (uint32_t)tid;
	}
	for (int tid = 1; tid <= MANY; tid++) {
		const struct live *live = tasks_find(&tasks, tid * 4096);
		all = all && live && live->number == (uint32_t)tid;
	}
	tap_ok(all, "10,000 tasks with awkward TIDs are found again");
	tap_ok(tasks_find(&tasks, 4097) == NULL, "one that was never added is not");
	size_t seen = 0, state = 0;
	struct live *live, *next = NULL;
	while ((live = tasks_each(&tasks, &state, &next))) {
		seen++;
		if (live->number % 2)
			tasks_remove(&tasks, live);
	}
	tap_is_int((int)seen, MANY, "a walk sees each once, also while it removes");
	tap_is_int((int)tasks.count, MANY / 2, "and what it removed is gone");
	live = tasks_find(&tasks, 2 * 4096);
	tasks_rename(&tasks, live, 77);
	tap_ok(tasks_find(&tasks, 77) == live && !tasks_find(&tasks, 2 * 4096),
		"a task can take another TID");
	tasks_remove(&tasks, live);
	tap_is_int((int)tasks_number(&tasks, 77), 2, "the number of one that has just ended is still known");
	tap_is_int((int)tasks_number(&tasks, 78), 0, "that of a stranger is not");
	tasks_finish(&tasks);
}

static void processes_change_parents(void)
{
	struct group *grandparent = group_create(1, NULL), *parent = group_create(2, grandparent);
	struct group *first = group_create(3, parent), *second = group_create(4, parent);
	tap_ok(parent->first_child == second && second->next_child == first, "a process knows its children");
	group_adopt(first, grandparent);
	tap_ok(first->parent == grandparent && parent->first_child == second && !second->next_child,
		"a child can be adopted");
	group_destroy(parent);
	tap_ok(second->parent == NULL && grandparent->first_child == first,
		"orphans of an ended process have no parent");
	group_destroy(second);
	group_destroy(first);
	tap_ok(grandparent->first_child == NULL, "an ended child is forgotten by its parent");
	group_destroy(grandparent);
}

struct change_case {
	const char *before;
	size_t before_length;
	const char *after;
	size_t after_length;
	const char *changes; // joined by spaces
};
#define BLOCK(string) (string), sizeof(string) - 1

static void environments_are_compared(void)
{
	static const struct change_case cases[] = {
		{ BLOCK(""), BLOCK(""), "" },
		{ BLOCK("A=1\0B=2\0"), BLOCK("A=1\0B=2\0"), "" },
		{ BLOCK("A=1\0B=2\0"), BLOCK("B=2\0A=1\0"), "" },
		{ BLOCK(""), BLOCK("A=1\0"), "A=1" },
		{ BLOCK("A=1\0"), BLOCK(""), "A" },
		{ BLOCK("A=1\0"), BLOCK("A=2\0"), "A=2" },
		{ BLOCK("AB=1\0A=1\0"), BLOCK("A=1\0ABC=1\0"), "AB ABC=1" },
		{ BLOCK("A=\0"), BLOCK("A\0"), "A" },
		{ BLOCK("A=1\0A=2\0"), BLOCK("A=1\0"), "" },
		{ BLOCK("Z=1\0Y=2\0X=3\0"), BLOCK("W=0\0X=4\0"), "W=0 X=4 Y Z" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		const struct change_case *c = &cases[i];
		struct text names = { 0 }, joined = { 0 };
		const char **changes = NULL;
		size_t count = 0;
		int error = environment_changes(
			c->before, c->before_length, c->after, c->after_length, &names, &changes, &count);
		for (size_t j = 0; j < count; j++)
			text_printf(&joined, "%s%s", j ? " " : "", changes[j]);
		tap_ok(error == 0, "environments %zu can be compared", i);
		tap_is_string(text_string(&joined), c->changes, "what changed in them");
		free(changes);
		text_finish(&names);
		text_finish(&joined);
	}
}

static void make_file(const char *path, mode_t mode)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	if (fd >= 0) {
		fchmod(fd, mode);
		close(fd);
	}
}

static void programs_are_found(void)
{
	char folder[] = "/tmp/kin-test-XXXXXX";
	struct text path = { 0 };
	if (!mkdtemp(folder) || chdir(folder) < 0) {
		tap_ok(false, "a folder to test in");
		return;
	}
	mkdir("one", 0755);
	mkdir("two", 0755);
	mkdir("one/shadow", 0755);
	make_file("one/refused", 0644);
	make_file("two/refused", 0755);
	make_file("one/only-refused", 0644);
	make_file("two/shadow", 0755);
	setenv("PATH", "one:two", 1);
	tap_is_int(start_find("shadow", &path), 0, "a directory of that name is passed over");
	tap_is_string(text_string(&path), "two/shadow", "and the file behind it found");
	tap_is_int(start_find("refused", &path), 0, "so is a file that may not be run");
	tap_is_string(text_string(&path), "two/refused", "when another may");
	tap_is_int(start_find("only-refused", &path), -EACCES, "alone, it is the reason");
	tap_is_int(start_find("nowhere", &path), -ENOENT, "a name that is nowhere");
	tap_is_int(start_find("", &path), -ENOENT, "the empty name");
	tap_is_int(start_find("./one", &path), -EISDIR, "a directory by its path");
	tap_is_int(start_find("./nowhere", &path), -ENOENT, "a path that is nowhere");
	tap_is_int(start_find("one/refused/x", &path), -ENOTDIR, "a path through a file");
	setenv("PATH", ":one", 1);
	make_file("here", 0755);
	tap_is_int(start_find("here", &path), 0, "an empty part of PATH is the working directory");
	tap_is_string(text_string(&path), "here", "whose files need no prefix");
	text_finish(&path);
	unlink("here");
	unlink("one/refused");
	unlink("two/refused");
	unlink("one/only-refused");
	unlink("two/shadow");
	rmdir("one/shadow");
	rmdir("one");
	rmdir("two");
	if (chdir("/") == 0)
		rmdir(folder);
}

static void early_signals_reach_the_program(void)
{
	char name[] = "true", *const argv[] = { name, NULL };
	struct inherited inherited;
	struct started started;
	int status = 0;
	if (signals_take_over(&inherited) < 0) {
		tap_ok(false, "signals can be taken over");
		return;
	}
	struct start_options options = { .argv = argv, .path = "/bin/true", .inherited = &inherited };
	tap_is_int(start_fork(&options, &started), 0, "a child waits to be the program");
	kill(started.pid, SIGTERM);
	tap_is_int(start_go(&started), 0, "it is let go after a signal has come");
	waitpid(started.pid, &status, 0);
	tap_ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM,
		"which ends it, as it would end the program");
	start_finish(&started, false);
	signals_release(&inherited);
}

static void own_state_is_read(void)
{
	struct proc_stat stat;
	int pid = getpid();
	tap_is_int(proc_read_stat(pid, pid, &stat), 0, "a task's own stat");
	tap_is_int(stat.ppid, getppid(), "its parent");
	tap_ok(stat.minor > 0 && stat.state == 'R', "its faults and state");
	uint64_t value = 0, other;
	tap_is_int(proc_read_switches(pid, pid, &value, &other), 0, "its context switches");
	tap_is_int(proc_read_peak(pid, pid, &value), 0, "its peak memory");
	tap_ok(value > 100, "in KiB");
	tap_is_int(proc_read_stat(pid, 1 << 30, &stat), -ESRCH, "a task that is not there");
	char secret[] = "a string in memory", copy[sizeof secret];
	tap_is_int(proc_read_memory(pid, (uintptr_t)secret, copy, sizeof copy), 0, "memory is read");
	tap_is_string(copy, secret, "byte for byte");
	tap_is_int(proc_read_memory(pid, 8, copy, sizeof copy), -EFAULT, "but not where there is none");
}

int main(void)
{
	table_keeps_every_task();
	processes_change_parents();
	environments_are_compared();
	programs_are_found();
	early_signals_reach_the_program();
	own_state_is_read();
	return tap_done();
}
