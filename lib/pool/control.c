/*
 * A control lies in shared memory where the system gives some, so that process workers see that it is cancelled.
 */
#include "pool/control.h"

#include "base/api.h"
#include "base/ticks.h"
#include "pool/context.h"

#include <kin/shm.h>

#include <errno.h>
#include <stdlib.h>

KIN_API int kin_control_create(struct kin_control **ret_control)
{
	struct kin_control *control = NULL;
	bool shared = kin_shared_alloc((void **)&control, sizeof *control) == 0;
	if (!shared) {
		control = calloc(1, sizeof *control);
		if (!control)
			return -ENOMEM;
	}
	control->shared = shared;
	control->deadline = INT64_MAX;
	*ret_control = control;
	return 0;
}

KIN_API void kin_control_destroy(struct kin_control *control)
{
	if (control && control->shared)
		kin_shared_free(control);
	else
		free(control);
}

KIN_API struct kin_control *kin_control_use(struct kin_control *control)
{
	struct kin_control **place = context_now ? &context_now->control : &context_control;
	struct kin_control *before = *place;
	*place = control;
	return before;
}

KIN_API void kin_cancel(struct kin_control *control)
{
	if (control)
		atomic_store(&control->cancelled, 1);
}

KIN_API void kin_control_reset(struct kin_control *control)
{
	atomic_store(&control->cancelled, 0);
	atomic_store(&control->deadline, INT64_MAX);
	atomic_store(&control->done, 0);
	atomic_store(&control->total, 0);
}

KIN_API int kin_stopping(void)
{
	struct kin_control *control = context_control_now();
	return control ? control_state(control) : 0;
}

KIN_API void kin_control_set_deadline(struct kin_control *control, int64_t timeout_ns)
{
	int64_t now = clock_ns();
	atomic_store(&control->deadline,
		timeout_ns < 0 || timeout_ns > INT64_MAX - now ? INT64_MAX : now + timeout_ns);
}

/* A time in the future, or the end of all time. */
static int64_t after(int64_t now, int64_t ns)
{
	return ns > INT64_MAX - now ? INT64_MAX : now + ns;
}

KIN_API void kin_control_set_progress(
	struct kin_control *control, kin_progress *progress, int64_t interval_ns, void *arg)
{
	control->progress = progress;
	control->progress_arg = arg;
	control->interval_ns = interval_ns > 0 ? interval_ns : 0;
	atomic_store(&control->next_ns, after(clock_ns(), control->interval_ns));
}

KIN_API void kin_control_progress(const struct kin_control *control, uint64_t *done, uint64_t *total)
{
	/* done first: so it is never more than the total */
	uint64_t done_now = atomic_load(&control->done);
	if (done)
		*done = done_now;
	if (total)
		*total = atomic_load(&control->total);
}

int control_state(struct kin_control *control)
{
	if (atomic_load_explicit(&control->cancelled, memory_order_relaxed))
		return -ECANCELED;
	int64_t deadline = atomic_load_explicit(&control->deadline, memory_order_relaxed);
	return deadline != INT64_MAX && clock_ns() >= deadline ? -ETIMEDOUT : 0;
}

bool control_is_late(struct kin_control *control)
{
	int64_t deadline = control ? atomic_load(&control->deadline) : INT64_MAX;
	return deadline != INT64_MAX && clock_ns() >= deadline;
}

void control_add_total(struct kin_control *control, uint64_t items)
{
	atomic_fetch_add(&control->total, items);
}

void control_add_done(struct kin_control *control, uint64_t items)
{
	atomic_fetch_add(&control->done, items);
}

void control_tell(struct kin_control *control, bool always)
{
	if (!control || !control->progress || context_in_process_worker)
		return;
	int64_t now = clock_ns(), due = atomic_load(&control->next_ns);
	if (!always && now < due)
		return;
	/* Several calls under one control: one of them tells. */
	if (!atomic_compare_exchange_strong(&control->next_ns, &due, after(now, control->interval_ns)) &&
		!always)
		return;
	uint64_t done, total;
	kin_control_progress(control, &done, &total);
	control->progress(done, total, control->progress_arg);
}

int64_t control_patience(struct kin_control *control)
{
	if (!control)
		return -1;
	int64_t until = atomic_load(&control->deadline), now = clock_ns();
	if (control->progress && atomic_load(&control->next_ns) < until)
		until = atomic_load(&control->next_ns);
	if (until == INT64_MAX)
		return -1;
	/* Past its deadline a call waits for what runs, and looks now and then. */
	return until - now > 1000000 ? until - now : 1000000;
}

int64_t control_look(struct kin_control *control)
{
	int64_t patience = control_patience(control);
	return control && (patience < 0 || patience > CONTROL_LOOK_NS) ? CONTROL_LOOK_NS : patience;
}
