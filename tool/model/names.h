/**
 * names.h: the kernel's numbers as the names people know, and back.
 *
 * Pure functions over constant tables; callable from any thread. Those that return a string never return NULL
 * unless they say so.
 */
#ifndef KIN_TOOL_MODEL_NAMES_H
#define KIN_TOOL_MODEL_NAMES_H

#include "base/text.h"
#include "model/event.h"

/** "fork", "vfork", "clone", "clone3", "execve", "execveat", "kin", "?" */
const char *call_name(enum call call);

/** The call of that name; CALL_UNKNOWN if there is none. */
enum call call_by_name(const char *name);

/** Append "CLONE_VM|CLONE_FS|..."; bits without a name in hexadecimal; nothing at all for 0. */
void clone_flags_format(struct text *text, uint64_t flags);

/** Bit i of the known flags in the kernel's order: name and value. Returns false past the last. */
bool clone_flag_at(unsigned index, const char **name, uint64_t *value);

/** The bit of "CLONE_VM" or "VM"; 0 if there is none of that name. */
uint64_t clone_flag_by_name(const char *name);

/** "SIGCHLD", "SIGRTMIN+3", or "signal 77": the result is a static or the caller's buffer of 24 bytes. */
const char *signal_name(int signo, char buffer[24]);

/** The number of "SIGCHLD" or "CHLD"; 0 if there is none. */
int signal_by_name(const char *name);

/** "ENOENT"; "errno 999" goes to the caller's buffer of 24 bytes. */
const char *error_name(int error, char buffer[24]);

const char *cause_name(enum cause cause); // "zero-fill", "copy-on-write", "file", "shared", "other"
const char *cause_key(enum cause cause); // "zero", "cow", "file", "shared", "other": in JSON and expressions
bool cause_by_key(const char *key, enum cause *cause);
const char *mapping_key(
	enum mapping_kind mapping); // "heap", "stack", "anon", "file", "shared-file", "shared", "kernel", "?"
bool mapping_by_key(const char *key, enum mapping_kind *mapping);

/** In one word what the call made: "thread", "vfork", "spawn", "fork", "process". See docs/GLOSSARY.md. */
const char *task_kind(const struct clone_call *by);

/**
 * In words what a task made by this call shares with its maker, and what it has to itself, e.g.
 * shared: "memory, open files, cwd and umask, signal handlers"; own: "stack, TLS, TID".
 */
void sharing_in_words(const struct clone_call *by, struct text *shared, struct text *own);

#endif
