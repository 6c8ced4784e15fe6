/**
 * context.h: what the calling thread is running, from the innermost step outwards.
 */
#ifndef KIN_LIB_POOL_CONTEXT_H
#define KIN_LIB_POOL_CONTEXT_H

#include "pool/team.h"

struct context {
	struct context *outer;
	struct team *team; // whose work it is
	struct post *post; // whose step runs; NULL: a worker between steps, or a region that is run alone
	struct kin_control *control; // for calls made here
	uint64_t job; // number of the job that runs; 0: none
	int index; // in the team; -1: a caller that did not need one so far
	bool index_owned; // has to be given back when this context ends
};

/* In the block of static TLS, so that a look at it is a load and not a call. */
#define CONTEXT_TLS _Thread_local __attribute__((tls_model("initial-exec")))

extern CONTEXT_TLS struct context *context_now; // NULL: outside
extern CONTEXT_TLS struct kin_control *context_control; // given to kin_control_use outside of any context

/** A process worker: calls run alone in it. */
extern bool context_in_process_worker;

/** There: the pool that it works for. */
extern struct kin_pool *context_own_pool;

/** The index that an outer context has in this team, -1 if none has one. */
int context_index_in(const struct team *team);

/**
 * The calling thread's index in a team, taken now if it is a caller that had none; -1 if it runs nothing of the team.
 * The first caller gets 0, those beside it seats_count and up.
 */
int context_take_index(struct team *team);
void context_give_index(struct context *context);

/** Callers that have an index at a time; more wait until one is free. */
#define CONTEXT_GUESTS 64

/** The control that calls made by this thread now are under; NULL: none. */
struct kin_control *context_control_now(void);

#endif
