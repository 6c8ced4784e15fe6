/**
 * event.h: sleep until something changes, at no cost to those who change it while nobody sleeps (an event count).
 *
 *	waiter:                                  changer:
 *	key = event_prepare(&event);             change it, by a seq_cst operation
 *	if (it has not changed)                  event_tell(&event) says so: event_wake(&event)
 *		event_sleep(&event, key, limit);
 *	event_cancel(&event);
 *
 * Why no wake-up is lost: the waiter adds to sleepers, then looks at what may change; the changer changes it, then
 * looks at sleepers. All four are seq_cst, so in their one total order either the change comes before the waiter's
 * look, or the adding before the changer's. In the second case the changer adds to the bell. If the waiter's key was
 * read before that, the kernel finds the bell different from the key and does not sleep, or finds the sleeper and
 * wakes it. If it was read after, its acquire sees the release of the adding, and so the change before it.
 */
#ifndef KIN_LIB_FORK_EVENT_H
#define KIN_LIB_FORK_EVENT_H

#include "fork/atomics.h"

#ifndef EVENT_ANNOUNCE
#define EVENT_ANNOUNCE seq_cst
#endif
#ifndef EVENT_LOOK
#define EVENT_LOOK seq_cst
#endif
#ifndef EVENT_KEY
#define EVENT_KEY acquire
#endif
#ifndef EVENT_RING
#define EVENT_RING release
#endif

/** Zero bytes are a valid event. */
struct event {
	ATOMIC(uint32_t) sleepers;
	ATOMIC(uint32_t) bell; // a futex
};

/** Announce a sleeper; look again at what is waited for (seq_cst) before sleeping. */
static inline uint32_t event_prepare(struct event *event)
{
	ATOMIC_ADD(event->sleepers, 1u, EVENT_ANNOUNCE);
	return ATOMIC_LOAD(event->bell, EVENT_KEY);
}

/** After event_prepare, slept or not. */
static inline void event_cancel(struct event *event)
{
	ATOMIC_SUB(event->sleepers, 1u, relaxed);
}

/** After a seq_cst change: whether somebody may have to be woken, who then surely will not sleep on an old key. */
static inline bool event_tell(struct event *event)
{
	if (ATOMIC_LOAD(event->sleepers, EVENT_LOOK) == 0)
		return false;
	ATOMIC_ADD(event->bell, 1u, EVENT_RING);
	return true;
}

#endif
