/**
 * waker.h: a thread that turns "a ring fills" into a signal for one other thread.
 *
 * The kernel could send the signal itself (O_ASYNC), but it then sends one for every sample.
 */
#ifndef KIN_TOOL_RECORD_WAKER_H
#define KIN_TOOL_RECORD_WAKER_H

#include <stdbool.h>
#include <stddef.h>

struct waker;

/** Is there anything for the listener? Called from the waker's thread. */
typedef bool waker_look(void *data);

/**
 * Start it: signo goes to the calling thread when a descriptor is readable, and again every few milliseconds until
 * waker_heard(). The descriptors are borrowed. With every_ms the same is done each time that look() says so after that
 * many milliseconds without; 0: never. Returns 0 or a negative errno value.
 */
int waker_create(struct waker **ret_waker, const int *fds, size_t count, int signo, int every_ms,
	waker_look *look, void *data);

/** Stop it. NULL is welcome. */
void waker_destroy(struct waker *waker);

/** The signal has had its effect. NULL is welcome. */
void waker_heard(struct waker *waker);

#endif
