/**
 * kin/control.h: cancel, limit and watch calls.
 *
 * A control belongs to the calls that a thread makes while it uses it, whatever they are - loops, reductions, sorts
 * - and to the calls that their bodies make:
 *
 *	struct kin_control *control;
 *	kin_control_create(&control);
 *	kin_control_set_deadline(control, 50 * 1000 * 1000);            // 50 ms from now
 *	struct kin_control *before = kin_control_use(control);
 *	int result = kin_sum_f64(NULL, numbers, count, &sum);             // -ETIMEDOUT after 50 ms
 *	kin_control_use(before);
 *	kin_control_destroy(control);
 *
 * A call that is stopped returns -ECANCELED or -ETIMEDOUT and leaves its results untouched; output arrays are
 * filled in part. What a body is doing when its call is stopped runs to its end on threads; on processes the
 * workers that still run chunks of a call past its deadline are killed and replaced. A call that only waits, for
 * workers that are busy with other calls, ends within some 10 ms.
 *
 * Stability: libkin 0.x; functions may change between minor versions, which change the library's soname.
 */
#ifndef KIN_CONTROL_H
#define KIN_CONTROL_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A handle to cancel, limit and watch calls; opaque. */
struct kin_control;

/**
 * Make a control: not cancelled, no deadline, no progress.
 *
 * @param ret_control  receives it, owned by the caller: kin_control_destroy ends it; untouched on failure
 * @return             0; -ENOMEM
 *
 * Since 0.1.
 */
int kin_control_create(struct kin_control **ret_control);

/**
 * End a control. No thread may use it any more, nor a call run under it.
 *
 * @param control  NULL is welcome
 *
 * Since 0.1.
 */
void kin_control_destroy(struct kin_control *control);

/**
 * Put the calling thread's further calls under a control, and no longer under the one before.
 *
 * @param control  NULL: under none
 * @return         the one before, to be put back; NULL: there was none
 *
 * Thread-local. Bodies and jobs begin under the control of the call or submission they belong to. Since 0.1.
 */
struct kin_control *kin_control_use(struct kin_control *control);

/**
 * Stop the calls under a control, those that run and those made later, until kin_control_reset.
 *
 * @param control  NULL is welcome, and cancels nothing
 *
 * From anywhere: any thread, a body, a process worker, a signal handler. Since 0.1.
 */
void kin_cancel(struct kin_control *control);

/**
 * Make a control new: not cancelled, no deadline, progress 0. No call may run under it.
 *
 * @param control  the control
 *
 * Since 0.1.
 */
void kin_control_reset(struct kin_control *control);

/**
 * Whether the calls that the caller belongs to should stop: for bodies whose chunks take long.
 *
 * @return  0: go on; -ECANCELED or -ETIMEDOUT: what the call is going to return
 *
 * Since 0.1.
 */
int kin_stopping(void);

/**
 * Stop calls under this control at a time from now.
 *
 * @param control     the control
 * @param timeout_ns  nanoseconds from now, on CLOCK_MONOTONIC; negative: no deadline
 *
 * Since 0.1.
 */
void kin_control_set_deadline(struct kin_control *control, int64_t timeout_ns);

/** What a progress callback is told; see kin_control_set_progress. */
typedef void kin_progress(uint64_t done, uint64_t total, void *arg);

/**
 * Call back while calls run under this control.
 *
 * @param control      the control
 * @param progress     called by the thread that made the call, between two of its chunks or while it waits, and
 *                     once at the end of each call; NULL: no more
 * @param interval_ns  nanoseconds between two calls, at least
 * @param arg          handed to it
 *
 * Since 0.1.
 */
void kin_control_set_progress(
	struct kin_control *control, kin_progress *progress, int64_t interval_ns, void *arg);

/**
 * How far the calls under a control are.
 *
 * @param control  the control
 * @param done     receives the number of items done; can be NULL
 * @param total    receives the items of all calls begun so far; can be NULL
 *
 * Items are what the call counts: indexes, tiles, array items (for a sort: each once per pass). A call that fails
 * before it begins, as for lack of memory, adds nothing. From any thread. Since 0.1.
 */
void kin_control_progress(const struct kin_control *control, uint64_t *done, uint64_t *total);

#ifdef __cplusplus
}
#endif

#endif
