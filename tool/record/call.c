#include "record/call.h"
#include "record/proc.h"

#include <elf.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#if defined(__x86_64__)

/* The i386 layout that NT_PRSTATUS gives for a task in 32-bit mode. */
struct registers_i386 {
	uint32_t ebx, ecx, edx, esi, edi, ebp, eax, ds, es, fs, gs, orig_eax, eip, cs, eflags, esp, ss;
};

int call_read_registers(int tid, struct call_registers *registers)
{
	union {
		struct user_regs_struct wide;
		struct registers_i386 narrow;
	} r;
	struct iovec iov = { &r, sizeof r };
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &iov) < 0)
		return -errno;
	if (iov.iov_len == sizeof r.narrow) {
		*registers = (struct call_registers){ r.narrow.orig_eax,
			{ r.narrow.ebx, r.narrow.ecx, r.narrow.edx, r.narrow.esi, r.narrow.edi,
				r.narrow.ebp },
			r.narrow.esp, true };
		return 0;
	}
	*registers = (struct call_registers){ r.wide.orig_rax,
		{ r.wide.rdi, r.wide.rsi, r.wide.rdx, r.wide.r10, r.wide.r8, r.wide.r9 }, r.wide.rsp, false };
	/*
	 * int 0x80 from 64-bit code is a 32-bit call in 64-bit registers; only its architecture tells. Nobody need
	 * ask where the number is no such call of the other kind.
	 */
	uint64_t number = r.wide.orig_rax;
	if (number == SYS_fork || number == SYS_vfork || number == SYS_clone || number == SYS_execve)
		return 0;
	struct __ptrace_syscall_info info;
	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) > 0 && info.arch == AUDIT_ARCH_I386) {
		*registers = (struct call_registers){ (uint32_t)r.wide.orig_rax,
			{ (uint32_t)r.wide.rbx, (uint32_t)r.wide.rcx, (uint32_t)r.wide.rdx,
				(uint32_t)r.wide.rsi, (uint32_t)r.wide.rdi, (uint32_t)r.wide.rbp },
			r.wide.rsp, true };
	}
	return 0;
}

#elif defined(__aarch64__)

int call_read_registers(int tid, struct call_registers *registers)
{
	union {
		struct user_regs_struct wide;
		uint32_t narrow[18]; // r0-r15, cpsr, orig_r0
	} r;
	struct iovec iov = { &r, sizeof r };
	if (ptrace(PTRACE_GETREGSET, tid, (void *)NT_PRSTATUS, &iov) < 0)
		return -errno;
	if (iov.iov_len == sizeof r.narrow) {
		*registers = (struct call_registers){ r.narrow[7],
			{ r.narrow[17], r.narrow[1], r.narrow[2], r.narrow[3], r.narrow[4], r.narrow[5] },
			r.narrow[13], true };
		return 0;
	}
	*registers = (struct call_registers){ r.wide.regs[8],
		{ r.wide.regs[0], r.wide.regs[1], r.wide.regs[2], r.wide.regs[3], r.wide.regs[4],
			r.wide.regs[5] },
		r.wide.sp, false };
	return 0;
}

#else
#error "kin reads system calls from registers: add this architecture here"
#endif

struct call_number {
	uint64_t number;
	enum call call;
};

/* clang-format off */
static const struct call_number native_calls[] = {
#ifdef SYS_fork
	{ SYS_fork, CALL_FORK }, { SYS_vfork, CALL_VFORK },
#endif
	{ SYS_clone, CALL_CLONE }, { SYS_clone3, CALL_CLONE3 },
	{ SYS_execve, CALL_EXECVE }, { SYS_execveat, CALL_EXECVEAT },
#ifdef __x86_64__ /* x32: the same calls with bit 30, but for the two that take pointers to pointers */
	{ 0x40000000 + SYS_fork, CALL_FORK }, { 0x40000000 + SYS_vfork, CALL_VFORK },
	{ 0x40000000 + SYS_clone, CALL_CLONE }, { 0x40000000 + SYS_clone3, CALL_CLONE3 },
	{ 0x40000000 + 520, CALL_EXECVE }, { 0x40000000 + 545, CALL_EXECVEAT },
#endif
};
/* i386 and 32-bit Arm agree on these but for execveat. */
static const struct call_number compat_calls[] = {
	{ 2, CALL_FORK }, { 190, CALL_VFORK }, { 120, CALL_CLONE }, { 435, CALL_CLONE3 }, { 11, CALL_EXECVE },
#ifdef __x86_64__
	{ 358, CALL_EXECVEAT },
#else
	{ 387, CALL_EXECVEAT },
#endif
};
/* clang-format on */

static enum call look_up(const struct call_number *calls, size_t count, uint64_t number)
{
	for (size_t i = 0; i < count; i++)
		if (calls[i].number == number)
			return calls[i].call;
	return CALL_UNKNOWN;
}

enum call call_identify(const struct call_registers *registers)
{
	if (registers->compat)
		return look_up(compat_calls, sizeof compat_calls / sizeof *compat_calls, registers->number);
	return look_up(native_calls, sizeof native_calls / sizeof *native_calls, registers->number);
}

static void decode_clone3(int tid, const struct call_registers *registers, struct clone_call *call)
{
	struct clone_args arguments = { 0 };
	size_t size = registers->argument[1];
	if (size > sizeof arguments)
		size = sizeof arguments;
	if (proc_read_memory(tid, registers->argument[0], &arguments, size) < 0) {
		call->flags_known = false;
		return;
	}
	call->flags = arguments.flags;
	call->exit_signal = (int)arguments.exit_signal;
	call->stack = arguments.stack;
	call->stack_size = arguments.stack_size;
	call->parent_tid = arguments.parent_tid;
	call->child_tid = arguments.child_tid;
	call->pidfd = arguments.pidfd;
	call->tls = arguments.tls;
	call->set_tid_size = arguments.set_tid_size;
	call->cgroup = arguments.flags & CLONE_INTO_CGROUP ? arguments.cgroup : 0;
}

static void decode_clone(const struct call_registers *registers, struct clone_call *call)
{
	/* x86-64 alone has child_tid before tls; i386 and both Arms have it after (CONFIG_CLONE_BACKWARDS). */
#ifdef __x86_64__
	bool backwards = registers->compat;
#else
	bool backwards = true;
#endif
	call->flags = registers->argument[0] & 0xffffff00u; // clone() takes 32 bits of flags
	call->exit_signal = (int)(registers->argument[0] & 0xff);
	call->stack = registers->argument[1];
	if (call->flags & CLONE_PIDFD)
		call->pidfd = registers->argument[2];
	else if (call->flags & CLONE_PARENT_SETTID)
		call->parent_tid = registers->argument[2];
	if (call->flags & (CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID))
		call->child_tid = registers->argument[backwards ? 4 : 3];
	if (call->flags & CLONE_SETTLS)
		call->tls = registers->argument[backwards ? 3 : 4];
}

void call_decode_clone(int tid, const struct call_registers *registers, struct clone_call *call)
{
	*call = (struct clone_call){ .call = call_identify(registers),
		.flags_known = true,
		.exit_signal = SIGCHLD,
		.compat = registers->compat };
	switch (call->call) {
	case CALL_FORK:
		break;
	case CALL_VFORK:
		call->flags = CLONE_VFORK | CLONE_VM;
		break;
	case CALL_CLONE:
		decode_clone(registers, call);
		break;
	case CALL_CLONE3:
		decode_clone3(tid, registers, call);
		break;
	default:
		call->call = CALL_UNKNOWN;
		call->flags_known = false;
		call->exit_signal = 0;
	}
}

bool call_decode_kill(const struct call_registers *registers, int *target, int *signo)
{
	if (registers->compat)
		return false;
	switch (registers->number) {
	case SYS_kill:
	case SYS_tkill:
		*target = (int)registers->argument[0];
		*signo = (int)registers->argument[1];
		return true;
	case SYS_tgkill:
		*target = (int)registers->argument[0];
		*signo = (int)registers->argument[2];
		return true;
	default:
		return false;
	}
}
