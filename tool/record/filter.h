/**
 * filter.h: the seccomp filter of --failed. It stops a task at the calls that make tasks, run programs or send
 * signals, and lets all others pass. It stays on the program and all it makes, for ever, also after kin has gone.
 */
#ifndef KIN_TOOL_RECORD_FILTER_H
#define KIN_TOOL_RECORD_FILTER_H

/**
 * Build it ahead, in kin, as building allocates. Returns 0 or a negative errno value; -ENOTSUP: built without
 * libseccomp.
 */
int filter_build(void **filter);

/** Install it in the calling process (the child before its exec). Returns 0 or a negative errno value. */
int filter_install(void *filter);

void filter_destroy(void *filter);

#endif
