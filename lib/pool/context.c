#include "pool/context.h"

#include "base/api.h"

#include <sched.h>

CONTEXT_TLS struct context *context_now;
CONTEXT_TLS struct kin_control *context_control;
bool context_in_process_worker;
struct kin_pool *context_own_pool;

KIN_HOT int context_index_in(const struct team *team)
{
	for (struct context *context = context_now; context; context = context->outer)
		if (context->team == team)
			return context->index;
	return -1;
}

static unsigned take_guest(struct team *team)
{
	for (;;) {
		uint64_t taken = atomic_load(&team->guests);
		while (~taken) {
			unsigned guest = (unsigned)__builtin_ctzll(~taken);
			if (atomic_compare_exchange_weak(&team->guests, &taken, taken | (uint64_t)1 << guest))
				return guest;
		}
		sched_yield();
	}
}

int context_take_index(struct team *team)
{
	struct context *outermost = NULL;
	for (struct context *context = context_now; context; context = context->outer) {
		if (context->team != team)
			continue;
		if (context->index >= 0)
			return context->index;
		outermost = context;
	}
	if (!outermost)
		return -1;
	unsigned guest = take_guest(team);
	outermost->index = (int)(guest == 0 ? 0 : team->seats_count + guest - 1);
	outermost->index_owned = true;
	return outermost->index;
}

void context_give_index(struct context *context)
{
	unsigned index = (unsigned)context->index;
	unsigned guest = index == 0 ? 0 : index - context->team->seats_count + 1;
	atomic_fetch_and(&context->team->guests, ~((uint64_t)1 << guest));
	context->index_owned = false;
}

KIN_HOT struct kin_control *context_control_now(void)
{
	return context_now ? context_now->control : context_control;
}
