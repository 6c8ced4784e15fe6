/* model/names.h: numbers and names, there and back; what clone's flags share. */
#include "model/names.h"
#include "tap.h"

#include <errno.h>
#include <linux/sched.h>
#include <signal.h>

static void calls(void)
{
	bool back = true;
	for (int i = 0; i < CALL_COUNT; i++)
		back = back && call_by_name(call_name((enum call)i)) == (enum call)i;
	tap_ok(back, "every call's name leads back to it");
	tap_is_int(call_by_name("open"), CALL_UNKNOWN, "a call that makes nothing");
	tap_is_string(call_name((enum call)99), "?", "no call");
}

static void flags(void)
{
	struct text text = { 0 };
	clone_flags_format(&text, 0);
	tap_is_string(text_string(&text), "", "no flags");
	clone_flags_format(&text, CLONE_VM | CLONE_VFORK);
	tap_is_string(text_string(&text), "CLONE_VM|CLONE_VFORK", "two flags");
	text_clear(&text);
	clone_flags_format(&text, CLONE_INTO_CGROUP | CLONE_IO | UINT64_C(0x8000000000000000));
	tap_is_string(text_string(&text), "CLONE_IO|CLONE_INTO_CGROUP|0x8000000000000000",
		"flags above 32 bits, and a bit without a name");
	text_finish(&text);
	const char *name;
	uint64_t value, all = 0;
	unsigned count = 0;
	bool back = true;
	for (unsigned i = 0; clone_flag_at(i, &name, &value); i++, count++) {
		back = back && clone_flag_by_name(name) == value && clone_flag_by_name(name + 6) == value;
		back = back && !(all & value) && !(value & (value - 1));
		all |= value;
	}
	tap_ok(back, "every flag is one bit, no two the same, and found by its name with and without CLONE_");
	tap_is_int(count, 27, "flags known");
	tap_is_int(clone_flag_by_name("CLONE_NEWTIME"), 0x80, "CLONE_NEWTIME");
	tap_is_int(clone_flag_by_name("CLEAR_SIGHAND"), 0x100000000, "CLEAR_SIGHAND");
	tap_is_int(clone_flag_by_name("CLONE_"), 0, "no flag of that name");
	tap_is_int(clone_flag_by_name("vm"), 0, "names are in capitals");
}

static void signals(void)
{
	char buffer[24];
	bool back = true;
	for (int i = 1; i <= 64; i++) {
		const char *name = signal_name(i, buffer);
		if (i != 32 && i != 33)
			back = back && signal_by_name(name) == i && signal_by_name(name + 3) == i;
	}
	tap_ok(back, "every signal's name leads back to it, with and without SIG");
	tap_is_string(signal_name(SIGCHLD, buffer), "SIGCHLD", "not SIGCLD");
	tap_is_string(signal_name(34, buffer), "SIGRTMIN", "the first real-time signal");
	tap_is_string(signal_name(64, buffer), "SIGRTMIN+30", "the last");
	tap_is_string(signal_name(77, buffer), "signal 77", "no signal");
	tap_is_string(signal_name(-1, buffer), "signal -1", "less than none");
	tap_is_int(signal_by_name("SIGRTMAX-1"), 63, "from the other end");
	tap_is_int(signal_by_name("RTMIN+31"), 0, "past the end");
	tap_is_int(signal_by_name("RTMIN+"), 0, "nothing after the plus");
	tap_is_int(signal_by_name("RTMIN3"), 0, "no plus");
	tap_is_int(signal_by_name("SIG"), 0, "no name");
	tap_is_int(signal_by_name("POLL"), SIGIO, "another name of SIGIO");
}

static void others(void)
{
	char buffer[24];
	tap_is_string(error_name(EAGAIN, buffer), "EAGAIN", "an error");
	tap_is_string(error_name(999, buffer), "errno 999", "no error known");
	tap_is_string(error_name(0, buffer), "errno 0", "no error");
	bool back = true;
	for (int i = 0; i < CAUSE_COUNT; i++) {
		enum cause cause;
		back = back && cause_by_key(cause_key((enum cause)i), &cause) && cause == (enum cause)i;
	}
	for (int i = 0; i < MAPPING_COUNT; i++) {
		enum mapping_kind mapping;
		back = back && mapping_by_key(mapping_key((enum mapping_kind)i), &mapping) &&
		       mapping == (enum mapping_kind)i;
	}
	tap_ok(back, "causes and mappings lead back from their keys");
	tap_is_string(cause_name(CAUSE_COW), "copy-on-write", "a cause in words");
	enum cause cause = CAUSE_FILE;
	tap_ok(!cause_by_key("hunger", &cause) && cause == CAUSE_FILE, "no cause: nothing is written");
}

static void kinds(void)
{
	static const struct {
		struct clone_call by;
		const char *kind;
	} cases[] = {
		{ { .call = CALL_FORK, .flags_known = true }, "fork" },
		{ { .call = CALL_VFORK, .flags = CLONE_VM | CLONE_VFORK, .flags_known = true }, "vfork" },
		{ { .call = CALL_CLONE, .flags = CLONE_CHILD_SETTID, .flags_known = true }, "fork" },
		{ { .call = CALL_CLONE, .flags = CLONE_NEWPID, .flags_known = true }, "fork" },
		{ { .call = CALL_CLONE3, .flags = CLONE_VM | CLONE_VFORK, .flags_known = true }, "spawn" },
		{ { .call = CALL_CLONE, .flags = CLONE_VM | CLONE_VFORK, .flags_known = true }, "spawn" },
		{ { .call = CALL_CLONE3,
			  .flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD,
			  .flags_known = true },
			"thread" },
		{ { .call = CALL_CLONE, .flags = CLONE_VM, .flags_known = true }, "process" },
		{ { .call = CALL_CLONE, .flags = CLONE_VFORK, .flags_known = true }, "fork" },
		{ { .call = CALL_KIN, .flags_known = true }, "process" },
		{ { .call = CALL_UNKNOWN }, "process" },
		{ { .call = CALL_CLONE }, "process" },
		{ { .call = CALL_FORK }, "fork" },
		{ { .call = CALL_VFORK }, "vfork" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		tap_is_string(task_kind(&cases[i].by), cases[i].kind, cases[i].kind);
}

static void sharing_is(const struct clone_call *by, const char *shared, const char *own, const char *what)
{
	struct text shares = { 0 }, owns = { 0 };
	sharing_in_words(by, &shares, &owns);
	tap_is_string(text_string(&shares), shared, what);
	tap_is_string(text_string(&owns), own, what);
	text_finish(&shares);
	text_finish(&owns);
}

static void sharing(void)
{
	sharing_is(&(struct clone_call){ .call = CALL_FORK, .flags_known = true }, "nothing",
		"memory (a copy-on-write copy), open files (a copy of the table: offsets stay shared), "
		"cwd, root, umask, signal handlers (a copy), PID",
		"fork");
	sharing_is(
		&(struct clone_call){
			.call = CALL_CLONE3,
			.flags = 0x3d0f00,
			.flags_known = true,
			.stack = 0x7000,
		},
		"memory, open files, cwd, root, umask, signal handlers, semaphore undo list, PID, parent, "
		"signals to the process",
		"stack, TLS, TID", "pthread_create");
	sharing_is(
		&(struct clone_call){
			.call = CALL_VFORK, .flags = CLONE_VM | CLONE_VFORK, .flags_known = true },
		"memory and stack (runs in its maker's memory while the maker waits)",
		"open files (a copy of the table: offsets stay shared), cwd, root, umask, signal handlers (a "
		"copy), PID",
		"vfork");
	sharing_is(
		&(struct clone_call){
			.call = CALL_CLONE3,
			.flags = CLONE_VM | CLONE_VFORK | CLONE_CLEAR_SIGHAND,
			.flags_known = true,
			.stack = 1,
		},
		"memory (runs in its maker's memory while the maker waits)",
		"open files (a copy of the table: offsets stay shared), cwd, root, umask, "
		"signal handlers (all back to default), stack, PID",
		"posix_spawn of glibc 2.38");
	sharing_is(
		&(struct clone_call){
			.call = CALL_CLONE,
			.flags = CLONE_PARENT | CLONE_IO | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUSER |
				 CLONE_FILES,
			.flags_known = true,
		},
		"open files, I/O context, parent (getppid() names its maker's parent)",
		"memory (a copy-on-write copy), cwd, root, umask, signal handlers (a copy), PID, mounts, "
		"user namespace, PID namespace (it is PID 1 there)",
		"a container's first process");
	sharing_is(&(struct clone_call){ .call = CALL_CLONE }, "not known", "not known", "flags not seen");
}

int main(void)
{
	calls();
	flags();
	signals();
	others();
	kinds();
	sharing();
	return tap_done();
}
