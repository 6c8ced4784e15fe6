/**
 * atomics.h: operations on words that threads share, over the compiler's builtins - or over what a model checker
 * binds here before it includes deque.h, event.h and their like: then the very same code runs under its memory
 * model.
 *
 * Orders are named bare: relaxed, acquire, release, acq_rel, seq_cst. A compare-and-swap that fails orders nothing.
 */
#ifndef KIN_LIB_FORK_ATOMICS_H
#define KIN_LIB_FORK_ATOMICS_H

#ifndef ATOMIC

#include <stdbool.h>
#include <stdint.h>

enum {
	atomic_order_relaxed = __ATOMIC_RELAXED,
	atomic_order_acquire = __ATOMIC_ACQUIRE,
	atomic_order_release = __ATOMIC_RELEASE,
	atomic_order_acq_rel = __ATOMIC_ACQ_REL,
	atomic_order_seq_cst = __ATOMIC_SEQ_CST,
};

#define ATOMIC_PASTE(order) atomic_order_##order
#define ATOMIC_ORDER(order) ATOMIC_PASTE(order)

#define ATOMIC(type) type
#define ATOMIC_LOAD(object, order) __atomic_load_n(&(object), ATOMIC_ORDER(order))
#define ATOMIC_STORE(object, value, order) __atomic_store_n(&(object), (value), ATOMIC_ORDER(order))
#define ATOMIC_ADD(object, value, order) __atomic_fetch_add(&(object), (value), ATOMIC_ORDER(order))
#define ATOMIC_SUB(object, value, order) __atomic_fetch_sub(&(object), (value), ATOMIC_ORDER(order))
#define ATOMIC_CAS(object, expected, desired, order) \
	__atomic_compare_exchange_n( \
		&(object), &(expected), (desired), false, ATOMIC_ORDER(order), __ATOMIC_RELAXED)

#endif

#endif
