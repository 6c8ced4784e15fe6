/**
 * connector.h: the kernel's process connector: how each task of the system ended, told at once, stopping nobody.
 *
 * For root, and since Linux 6.6 for everybody, in the first PID and user namespaces.
 */
#ifndef KIN_TOOL_RECORD_CONNECTOR_H
#define KIN_TOOL_RECORD_CONNECTOR_H

#include <stdbool.h>
#include <stdint.h>

struct connector_exit {
	uint64_t time; // CLOCK_MONOTONIC, ns
	int pid, tid;
	int status; // as from wait()
	int parent; // PID of the parent
};

/** Returns a descriptor to poll for reading, or a negative errno value: -EPERM, -EACCES, -EPROTONOSUPPORT. */
int connector_open(void);

/** Stop listening. A negative descriptor is welcome. */
void connector_close(int fd);

typedef void connector_take(void *data, const struct connector_exit *exit);

/** Hand out the ends told since the last call. *ret_lost is set when the kernel had to drop some. */
void connector_read(int fd, connector_take *take, void *data, bool *ret_lost);

#endif
