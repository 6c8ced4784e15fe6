/**
 * instruction.h: whether an instruction that touches memory reads or writes it.
 *
 * Only as far as the fault classifier needs: for the one memory operand that is no push, pop or call. Pure functions.
 */
#ifndef KIN_TOOL_RECORD_INSTRUCTION_H
#define KIN_TOOL_RECORD_INSTRUCTION_H

#include <stddef.h>
#include <stdint.h>

enum access {
	ACCESS_UNKNOWN,
	ACCESS_READ,
	ACCESS_WRITE, // also what reads first and then writes
};

/** The longest instruction, in bytes. */
#define INSTRUCTION_MOST 15

/** What the instruction at the start of these bytes does; ACCESS_UNKNOWN also when it is cut off. */
enum access instruction_access_x86(const uint8_t *bytes, size_t count);
enum access instruction_access_arm64(const uint8_t *bytes, size_t count);

/** The same for the machine kin runs on; ACCESS_UNKNOWN on others than x86-64 and arm64. */
enum access instruction_access(const uint8_t *bytes, size_t count);

#endif
