/**
 * deque.h: the protocol between the owner of a stack of forked tasks and those who steal from its bottom end.
 *
 * The slots of the stack hold pointers to tasks. [0, top) are stolen, [top, split) are public, [split, bottom) belong
 * to the owner alone. top and split share one word, so that the two sides agree by one compare-and-swap; split has a
 * private copy with the owner, who alone changes it, and bottom is known to nobody else. Splitting a deque so that
 * the owner works without atomic operations: Dinan et al., "Scalable Work Stealing", SC 2009; van Dijk and van de
 * Pol, "Lace: Non-blocking Split Deque for Work-Stealing", MuCoCoS 2014. Taking top and split back with one CAS,
 * the slot read after it, and handing a task back (below) are different here.
 *
 * Why it is right:
 *
 * 1. Each task is had by one side. The word alone decides. A thief moves top from t to t + 1 with a CAS that wants
 * t <
 *    split; the owner moves split down with a CAS that wants top <= the new split. In the one order of changes of the
 *    word each index leaves the public part once per time it entered: by one CAS.
 *
 * 2. A thief sees the whole task. The owner writes the task and its slot, then adds to split with release (PUBLISH);
 *    every later change of the word while the part is not empty is a read-modify-write, so that it carries on that
 *    release; the thief's CAS is an acquire (STEAL). So slot and task are as they were when published. The load
 *    before the CAS needs no order: it is a guess that the CAS confirms.
 *
 * 3. The slot is read after the CAS, and is still the right one. Once top is past it, its owner cannot use the slot
 *    again before it has joined the task, and that needs the thief's DONE or RETURNED, which it stores with release
 *    after reading the slot, and the owner loads with acquire (FINISH, JOIN). The same pair hands over the result.
 *
 * 4. ABA is harmless. Between the thief's load and its CAS the word can go away and come back, with other tasks in
 * the
 *    slots. As the thief read no slot before, it takes what lies there now, and of the state now it sees all: its CAS
 *    reads from the last PUBLISH, not from an old one.
 *
 * 5. The owner stores the word plainly (deque_empty) only when top == split: no CAS of a thief can succeed on that,
 * and
 *    a thief's old guess with top < split fails by its value or is case 4.
 *
 * 6. Strictly one's own: who waits for task s, stolen by thief T, steals from T alone, and keeps what it got only
 * if s
 *    is not done when looked at *after* the CAS. If s was done before what it got was published, then T stored DONE
 *    before that PUBLISH, and the look, which follows the acquire, has to see it. So what is kept was published while
 *    T ran s, and all that is public in T's deque in that time was forked by s or by what s waits for: when T took s,
 *    it was idle, or waited for a stolen task, and below a stolen task all are stolen. Otherwise it is handed back:
 *    RETURNED makes the owner run it itself.
 *
 * 7. No task and no wish is forgotten. The owner stores its limits (fork.h: ceiling, floor) before the release on the
 *    word that makes them true, so that what a thief then stores over them, after its acquire, stands. PUBLISH and
 *    FINISH are seq_cst, as is all that event.h does: who goes to sleep after them is told.
 *
 * tests/model runs these functions under a model of C11's memory, as they are and with the orders below made weaker.
 */
#ifndef KIN_LIB_FORK_DEQUE_H
#define KIN_LIB_FORK_DEQUE_H

#include "fork/atomics.h"

#ifndef DEQUE_PUBLISH
#define DEQUE_PUBLISH seq_cst // release for 2, seq_cst for 7
#endif
#ifndef DEQUE_STEAL
#define DEQUE_STEAL acquire
#endif
#ifndef DEQUE_TAKE_BACK
#define DEQUE_TAKE_BACK release // for 7 alone
#endif
#ifndef DEQUE_FINISH
#define DEQUE_FINISH seq_cst // release for 3, seq_cst for 7
#endif
#ifndef DEQUE_RETURN
#define DEQUE_RETURN release
#endif
#ifndef DEQUE_JOIN
#define DEQUE_JOIN acquire
#endif

/** What a published task is; valid from its publication on. */
enum deque_state {
	DEQUE_TAKEN, // public, or run by a thief
	DEQUE_DONE, // by a thief
	DEQUE_RETURNED, // by a thief that did not want it: the owner runs it
};

static inline uint32_t deque_top(uint64_t word)
{
	return (uint32_t)(word >> 32);
}

static inline uint32_t deque_split(uint64_t word)
{
	return (uint32_t)word;
}

static inline uint64_t deque_word(uint32_t top, uint32_t split)
{
	return (uint64_t)top << 32 | split;
}

/** Owner: make the oldest count private tasks public. Their slots and states are written. */
static inline void deque_publish(ATOMIC(uint64_t) * word, uint32_t count)
{
	ATOMIC_ADD(*word, (uint64_t)count, DEQUE_PUBLISH);
}

/** Thief: whether there is something to steal; a guess. */
static inline bool deque_has(ATOMIC(uint64_t) * word)
{
	uint64_t seen = ATOMIC_LOAD(*word, relaxed);
	return deque_top(seen) < deque_split(seen);
}

/**
 * Thief: take the oldest public task. Its slot's index in *ret_index; *ret_emptied: it was the last public one. A
 * lost race counts as nothing to be had.
 */
static inline bool deque_steal(ATOMIC(uint64_t) * word, uint32_t *ret_index, bool *ret_emptied)
{
	uint64_t seen = ATOMIC_LOAD(*word, relaxed);
	uint32_t top = deque_top(seen), split = deque_split(seen);
	if (top >= split)
		return false;
	if (!ATOMIC_CAS(*word, seen, deque_word(top + 1, split), DEQUE_STEAL))
		return false;
	*ret_index = top;
	*ret_emptied = top + 1 == split;
	return true;
}

/** Owner: what deque_take_back would make of split, split itself if all below it are stolen. */
static inline uint32_t deque_plan_back(uint64_t seen)
{
	uint32_t top = deque_top(seen), split = deque_split(seen);
	return split - (split - top + 1) / 2;
}

/** Owner: take the newest half of the public tasks back, as planned from *seen; false: *seen was old, is new now. */
static inline bool deque_take_back(ATOMIC(uint64_t) * word, uint64_t *seen)
{
	uint64_t want = deque_word(deque_top(*seen), deque_plan_back(*seen));
	return ATOMIC_CAS(*word, *seen, want, DEQUE_TAKE_BACK);
}

/** Owner: the task at index, the last one stolen, has been joined. */
static inline void deque_empty(ATOMIC(uint64_t) * word, uint32_t index)
{
	ATOMIC_STORE(*word, deque_word(index, index), relaxed);
}

#endif
