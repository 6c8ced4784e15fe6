/* What clone's flags mean, in words. */
#include "model/names.h"

enum {
	NEWTIME = 0x80,
	VM = 0x100,
	FS = 0x200,
	FILES = 0x400,
	SIGHAND = 0x800,
	VFORK = 0x4000,
	PARENT = 0x8000,
	THREAD = 0x10000,
	NEWNS = 0x20000,
	SYSVSEM = 0x40000,
	SETTLS = 0x80000,
	NEWCGROUP = 0x2000000,
	NEWUTS = 0x4000000,
	NEWIPC = 0x8000000,
	NEWUSER = 0x10000000,
	NEWPID = 0x20000000,
	NEWNET = 0x40000000,
};
#define IO UINT64_C(0x80000000)
#define CLEAR_SIGHAND UINT64_C(0x100000000)
#define INTO_CGROUP UINT64_C(0x200000000)

const char *task_kind(const struct clone_call *by)
{
	if (by->call == CALL_VFORK)
		return "vfork";
	if (!by->flags_known)
		return by->call == CALL_FORK ? "fork" : "process";
	if (by->flags & THREAD)
		return "thread";
	if ((by->flags & (VM | VFORK)) == (VM | VFORK))
		return "spawn";
	if (by->call == CALL_KIN || by->call == CALL_UNKNOWN)
		return "process";
	return by->flags & VM ? "process" : "fork";
}

static void item(struct text *list, const char *words)
{
	if (list->length)
		text_add(list, ", ");
	text_add(list, words);
}

static void memory_in_words(const struct clone_call *by, struct text *shared, struct text *own)
{
	if (!(by->flags & VM)) {
		item(own, "memory (a copy-on-write copy)");
		return;
	}
	const char *memory = by->stack ? "memory" : "memory and stack";
	if (by->flags & VFORK)
		text_printf(shared, "%s (runs in its maker's memory while the maker waits)", memory);
	else
		item(shared, memory);
}

static void tables_in_words(uint64_t flags, struct text *shared, struct text *own)
{
	if (flags & FILES)
		item(shared, "open files");
	else
		item(own, "open files (a copy of the table: offsets stay shared)");
	if (flags & FS)
		item(shared, "cwd, root, umask");
	else
		item(own, "cwd, root, umask");
	if (flags & SIGHAND)
		item(shared, "signal handlers");
	else if (flags & CLEAR_SIGHAND)
		item(own, "signal handlers (all back to default)");
	else
		item(own, "signal handlers (a copy)");
	if (flags & SYSVSEM)
		item(shared, "semaphore undo list");
	if (flags & IO)
		item(shared, "I/O context");
}

static void group_in_words(uint64_t flags, struct text *shared)
{
	if (flags & THREAD)
		item(shared, "PID, parent, signals to the process");
	else if (flags & PARENT)
		item(shared, "parent (getppid() names its maker's parent)");
}

static void namespaces_in_words(uint64_t flags, struct text *own)
{
	static const struct {
		uint64_t flag;
		const char *words;
	} namespaces[] = {
		{ NEWNS, "mounts" },
		{ NEWUTS, "host name" },
		{ NEWIPC, "System V IPC and message queues" },
		{ NEWUSER, "user namespace" },
		{ NEWPID, "PID namespace (it is PID 1 there)" },
		{ NEWNET, "network" },
		{ NEWCGROUP, "cgroup root" },
		{ NEWTIME, "clock offsets" },
		{ INTO_CGROUP, "cgroup (placed by its maker)" },
	};
	for (unsigned i = 0; i < sizeof namespaces / sizeof *namespaces; i++)
		if (flags & namespaces[i].flag)
			item(own, namespaces[i].words);
}

void sharing_in_words(const struct clone_call *by, struct text *shared, struct text *own)
{
	if (!by->flags_known) {
		item(shared, "not known");
		item(own, "not known");
		return;
	}
	memory_in_words(by, shared, own);
	tables_in_words(by->flags, shared, own);
	group_in_words(by->flags, shared);
	if (by->flags & VM && by->stack)
		item(own, "stack");
	if (by->flags & SETTLS)
		item(own, "TLS");
	item(own, by->flags & THREAD ? "TID" : "PID");
	namespaces_in_words(by->flags, own);
	if (!shared->length)
		text_add(shared, "nothing");
}
