/**
 * call.h: which system call a stopped task is in, and its arguments, from its registers and memory.
 *
 * At a PTRACE_EVENT_{FORK,VFORK,CLONE} stop, and at a seccomp stop, the registers still hold the call's number and
 * arguments; at a PTRACE_EVENT_EXEC stop the number alone, with the stack pointer of the new program.
 */
#ifndef KIN_TOOL_RECORD_CALL_H
#define KIN_TOOL_RECORD_CALL_H

#include "model/event.h"

struct call_registers {
	uint64_t number;
	uint64_t argument[6];
	uint64_t stack_pointer;
	bool compat; // a 32-bit call
};

/** Read them. Returns 0, or a negative errno value: -ESRCH when the task was killed meanwhile. */
int call_read_registers(int tid, struct call_registers *registers);

/** Which of the calls kin knows this is; CALL_UNKNOWN for all others. */
enum call call_identify(const struct call_registers *registers);

/**
 * The arguments of a fork, vfork, clone or clone3. What cannot be read from memory leaves flags_known false.
 * Never fails: an unknown call gives CALL_UNKNOWN.
 */
void call_decode_clone(int tid, const struct call_registers *registers, struct clone_call *call);

/** Whether it is a call that sends a signal, with what and to whom (--failed). */
bool call_decode_kill(const struct call_registers *registers, int *target, int *signo);

#endif
