#include "model/names.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * What kill -l says on glibc, where the two signals below belong to its threads. Fixed, so that a recording reads the
 * same anywhere.
 */
#define RT_FIRST 34
#define RT_LAST 64

static const char *const call_names[CALL_COUNT] = {
	[CALL_UNKNOWN] = "?",
	[CALL_KIN] = "kin",
	[CALL_FORK] = "fork",
	[CALL_VFORK] = "vfork",
	[CALL_CLONE] = "clone",
	[CALL_CLONE3] = "clone3",
	[CALL_EXECVE] = "execve",
	[CALL_EXECVEAT] = "execveat",
};

const char *call_name(enum call call)
{
	return (unsigned)call < CALL_COUNT ? call_names[call] : "?";
}

enum call call_by_name(const char *name)
{
	for (int i = 0; i < CALL_COUNT; i++)
		if (strcmp(call_names[i], name) == 0)
			return (enum call)i;
	return CALL_UNKNOWN;
}

struct flag {
	const char *name;
	uint64_t value;
};

/* Values are ABI and the same on every architecture; spelled out because old headers lack the newer ones. */
static const struct flag clone_flags[] = {
	{ "CLONE_NEWTIME", 0x80 },
	{ "CLONE_VM", 0x100 },
	{ "CLONE_FS", 0x200 },
	{ "CLONE_FILES", 0x400 },
	{ "CLONE_SIGHAND", 0x800 },
	{ "CLONE_PIDFD", 0x1000 },
	{ "CLONE_PTRACE", 0x2000 },
	{ "CLONE_VFORK", 0x4000 },
	{ "CLONE_PARENT", 0x8000 },
	{ "CLONE_THREAD", 0x10000 },
	{ "CLONE_NEWNS", 0x20000 },
	{ "CLONE_SYSVSEM", 0x40000 },
	{ "CLONE_SETTLS", 0x80000 },
	{ "CLONE_PARENT_SETTID", 0x100000 },
	{ "CLONE_CHILD_CLEARTID", 0x200000 },
	{ "CLONE_DETACHED", 0x400000 },
	{ "CLONE_UNTRACED", 0x800000 },
	{ "CLONE_CHILD_SETTID", 0x1000000 },
	{ "CLONE_NEWCGROUP", 0x2000000 },
	{ "CLONE_NEWUTS", 0x4000000 },
	{ "CLONE_NEWIPC", 0x8000000 },
	{ "CLONE_NEWUSER", 0x10000000 },
	{ "CLONE_NEWPID", 0x20000000 },
	{ "CLONE_NEWNET", 0x40000000 },
	{ "CLONE_IO", 0x80000000 },
	{ "CLONE_CLEAR_SIGHAND", 0x100000000 },
	{ "CLONE_INTO_CGROUP", 0x200000000 },
};
#define N_CLONE_FLAGS (sizeof clone_flags / sizeof *clone_flags)

bool clone_flag_at(unsigned index, const char **name, uint64_t *value)
{
	if (index >= N_CLONE_FLAGS)
		return false;
	*name = clone_flags[index].name;
	*value = clone_flags[index].value;
	return true;
}

void clone_flags_format(struct text *text, uint64_t flags)
{
	const char *bar = "";
	for (unsigned i = 0; i < N_CLONE_FLAGS; i++) {
		if (!(flags & clone_flags[i].value))
			continue;
		text_printf(text, "%s%s", bar, clone_flags[i].name);
		flags &= ~clone_flags[i].value;
		bar = "|";
	}
	if (flags)
		text_printf(text, "%s0x%llx", bar, (unsigned long long)flags);
}

uint64_t clone_flag_by_name(const char *name)
{
	const char *bare = strncmp(name, "CLONE_", 6) == 0 ? name + 6 : name;
	for (unsigned i = 0; i < N_CLONE_FLAGS; i++)
		if (strcmp(clone_flags[i].name + 6, bare) == 0)
			return clone_flags[i].value;
	return 0;
}

struct signal_entry {
	const char *name;
	int number;
};

/* The first name of a number is the one that is shown; the others are understood. */
static const struct signal_entry signals[] = {
	{ "SIGHUP", SIGHUP },
	{ "SIGINT", SIGINT },
	{ "SIGQUIT", SIGQUIT },
	{ "SIGILL", SIGILL },
	{ "SIGTRAP", SIGTRAP },
	{ "SIGABRT", SIGABRT },
	{ "SIGBUS", SIGBUS },
	{ "SIGFPE", SIGFPE },
	{ "SIGKILL", SIGKILL },
	{ "SIGUSR1", SIGUSR1 },
	{ "SIGSEGV", SIGSEGV },
	{ "SIGUSR2", SIGUSR2 },
	{ "SIGPIPE", SIGPIPE },
	{ "SIGALRM", SIGALRM },
	{ "SIGTERM", SIGTERM },
#ifdef SIGSTKFLT
	{ "SIGSTKFLT", SIGSTKFLT },
#endif
	{ "SIGCHLD", SIGCHLD },
	{ "SIGCONT", SIGCONT },
	{ "SIGSTOP", SIGSTOP },
	{ "SIGTSTP", SIGTSTP },
	{ "SIGTTIN", SIGTTIN },
	{ "SIGTTOU", SIGTTOU },
	{ "SIGURG", SIGURG },
	{ "SIGXCPU", SIGXCPU },
	{ "SIGXFSZ", SIGXFSZ },
	{ "SIGVTALRM", SIGVTALRM },
	{ "SIGPROF", SIGPROF },
	{ "SIGWINCH", SIGWINCH },
	{ "SIGIO", SIGIO },
	{ "SIGPWR", SIGPWR },
	{ "SIGSYS", SIGSYS },
	{ "SIGIOT", SIGABRT },
	{ "SIGCLD", SIGCHLD },
	{ "SIGPOLL", SIGIO },
};
#define N_SIGNALS (sizeof signals / sizeof *signals)

const char *signal_name(int signo, char buffer[24])
{
	for (unsigned i = 0; i < N_SIGNALS; i++)
		if (signals[i].number == signo)
			return signals[i].name;
	if (signo == RT_FIRST)
		return "SIGRTMIN";
	if (signo > RT_FIRST && signo <= RT_LAST)
		snprintf(buffer, 24, "SIGRTMIN+%d", signo - RT_FIRST);
	else
		snprintf(buffer, 24, "signal %d", signo);
	return buffer;
}

/* "SIGRTMIN+3" from "RTMIN+3": base RT_FIRST; "RTMAX-1": base RT_LAST. */
static int rt_signal(const char *offset, char sign, int base)
{
	if (*offset == '\0')
		return base;
	if (*offset != sign || offset[1] < '0' || offset[1] > '9')
		return 0;
	char *end;
	long distance = strtol(offset + 1, &end, 10);
	if (*end != '\0' || distance > RT_LAST - RT_FIRST)
		return 0;
	return sign == '+' ? base + (int)distance : base - (int)distance;
}

int signal_by_name(const char *name)
{
	const char *bare = strncmp(name, "SIG", 3) == 0 ? name + 3 : name;
	for (unsigned i = 0; i < N_SIGNALS; i++)
		if (strcmp(signals[i].name + 3, bare) == 0)
			return signals[i].number;
	if (strncmp(bare, "RTMIN", 5) == 0)
		return rt_signal(bare + 5, '+', RT_FIRST);
	if (strncmp(bare, "RTMAX", 5) == 0)
		return rt_signal(bare + 5, '-', RT_LAST);
	return 0;
}

#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 32)
static const char *errno_name(int error)
{
	return strerrorname_np(error);
}
#else
/* What the calls kin reports can fail with; the rest is shown as a number. */
static const char *errno_name(int error)
{
	static const struct {
		int number;
		const char *name;
	} errors[] = {
		{ EPERM, "EPERM" },
		{ ENOENT, "ENOENT" },
		{ EINTR, "EINTR" },
		{ EIO, "EIO" },
		{ ENXIO, "ENXIO" },
		{ E2BIG, "E2BIG" },
		{ ENOEXEC, "ENOEXEC" },
		{ EBADF, "EBADF" },
		{ ECHILD, "ECHILD" },
		{ EAGAIN, "EAGAIN" },
		{ ENOMEM, "ENOMEM" },
		{ EACCES, "EACCES" },
		{ EFAULT, "EFAULT" },
		{ EBUSY, "EBUSY" },
		{ EEXIST, "EEXIST" },
		{ ENODEV, "ENODEV" },
		{ ENOTDIR, "ENOTDIR" },
		{ EISDIR, "EISDIR" },
		{ EINVAL, "EINVAL" },
		{ ENFILE, "ENFILE" },
		{ EMFILE, "EMFILE" },
		{ ETXTBSY, "ETXTBSY" },
		{ ENOSPC, "ENOSPC" },
		{ EROFS, "EROFS" },
		{ ENAMETOOLONG, "ENAMETOOLONG" },
		{ ENOSYS, "ENOSYS" },
		{ ELOOP, "ELOOP" },
		{ ELIBBAD, "ELIBBAD" },
		{ EUSERS, "EUSERS" },
		{ EOPNOTSUPP, "EOPNOTSUPP" },
		{ ESTALE, "ESTALE" },
		{ EDQUOT, "EDQUOT" },
	};
	for (unsigned i = 0; i < sizeof errors / sizeof *errors; i++)
		if (errors[i].number == error)
			return errors[i].name;
	return NULL;
}
#endif

const char *error_name(int error, char buffer[24])
{
	const char *name = error > 0 ? errno_name(error) : NULL;
	if (name)
		return name;
	snprintf(buffer, 24, "errno %d", error);
	return buffer;
}

static const char *const cause_names[CAUSE_COUNT] = { "zero-fill", "copy-on-write", "file", "shared",
	"other" };
static const char *const cause_keys[CAUSE_COUNT] = { "zero", "cow", "file", "shared", "other" };
static const char *const mapping_keys[MAPPING_COUNT] = { "?", "heap", "stack", "anon", "file", "shared-file",
	"shared", "kernel" };

const char *cause_name(enum cause cause)
{
	return (unsigned)cause < CAUSE_COUNT ? cause_names[cause] : "other";
}

const char *cause_key(enum cause cause)
{
	return (unsigned)cause < CAUSE_COUNT ? cause_keys[cause] : "other";
}

bool cause_by_key(const char *key, enum cause *cause)
{
	for (int i = 0; i < CAUSE_COUNT; i++) {
		if (strcmp(cause_keys[i], key) == 0) {
			*cause = (enum cause)i;
			return true;
		}
	}
	return false;
}

const char *mapping_key(enum mapping_kind mapping)
{
	return (unsigned)mapping < MAPPING_COUNT ? mapping_keys[mapping] : "?";
}

bool mapping_by_key(const char *key, enum mapping_kind *mapping)
{
	for (int i = 0; i < MAPPING_COUNT; i++) {
		if (strcmp(mapping_keys[i], key) == 0) {
			*mapping = (enum mapping_kind)i;
			return true;
		}
	}
	return false;
}
