/* What callers ask of the keeper of process workers; the keeper itself is keeper.c. */
#include "pool/process.h"

#include "base/futex.h"
#include "pool/control.h"
#include "pool/keeper.h"

#include <kin/shm.h>

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/* Larger ones are given back at once. */
#define SPARE_MOST ((size_t)1 << 20)

uint32_t process_new_tag(struct kin_pool *pool)
{
	uint32_t tag;
	do
		tag = atomic_fetch_add(&pool->crew->tags, 1) + 1;
	while (tag == 0);
	return tag;
}

void process_ring_keeper(struct kin_pool *pool)
{
	team_ring_keeper(pool->team);
}

/* Returns whether the order still waited: then nobody looks at it any more. */
static bool withdraw(struct crew *crew, const struct order *order)
{
	pthread_mutex_lock(&crew->lock);
	struct order **link = &crew->orders;
	while (*link && *link != order)
		link = &(*link)->next;
	bool waited = *link != NULL;
	if (waited)
		*link = order->next;
	pthread_mutex_unlock(&crew->lock);
	return waited;
}

/* Orders wait for seats, maybe for long; a call that is to stop does not wait with them. */
static int carry_out(struct kin_pool *pool, struct kin_control *control, struct order order)
{
	pthread_mutex_lock(&pool->crew->lock);
	struct order **last = &pool->crew->orders;
	while (*last)
		last = &(*last)->next;
	*last = &order;
	pthread_mutex_unlock(&pool->crew->lock);
	process_ring_keeper(pool);
	while (atomic_load(&order.done) == 0) {
		int why = control ? control_state(control) : 0;
		if (why && withdraw(pool->crew, &order)) {
			process_ring_keeper(pool); // the one behind it may be for seats that are free
			return why;
		}
		futex_wait(&order.done, 0, control_look(control));
	}
	return order.result;
}

int process_fork_for(
	struct kin_pool *pool, struct kin_control *control, struct post *post, uint32_t tag, uint32_t steps)
{
	unsigned count = steps < pool->workers ? steps : pool->workers;
	return carry_out(pool, control, (struct order){ .post = post, .tag = tag, .count = count });
}

int process_ensure(struct kin_pool *pool, struct kin_control *control)
{
	if (!atomic_load_explicit(&pool->crew->missing, memory_order_relaxed))
		return 0;
	return carry_out(pool, control, (struct order){ .count = pool->workers });
}

void process_give_up(struct kin_pool *pool, struct post *post, uint32_t steps, int why)
{
	atomic_fetch_or(&post->done, DONE_CAREFUL);
	uint64_t ticket = atomic_load(&post->ticket);
	while ((ticket & TICKET_MASK) < steps &&
		!atomic_compare_exchange_weak(&post->ticket, &ticket, (ticket & ~TICKET_MASK) | steps))
		continue;
	_Atomic uint64_t *states = pool->team->states[post - pool->team->posts];
	for (uint32_t step = 0; step < steps; step++) {
		uint64_t free_now = STATE(ticket >> TICKET_BITS, STATE_FREE, 0);
		if (atomic_compare_exchange_strong(
			    &states[step], &free_now, STATE(ticket >> TICKET_BITS, STATE_DONE, 0)))
			post_stop(post, STOP_BY_CONTROL, SIZE_MAX, why);
	}
}

void process_wait_private(struct kin_pool *pool, struct post *post)
{
	uint32_t left;
	while ((left = atomic_load(&post->private_workers)) != 0)
		futex_wait(&post->private_workers, left, -1);
}

void process_kill_runners(struct kin_pool *pool, struct post *post)
{
	struct team *team = pool->team;
	uint64_t generation = atomic_load(&post->ticket) >> TICKET_BITS;
	uint32_t steps = atomic_load(&post->steps);
	pthread_mutex_lock(&pool->crew->lock);
	for (uint32_t step = 0; step < steps && step < TEAM_STATES; step++) {
		uint64_t state = atomic_load(&team->states[post - team->posts][step]);
		if (state >> STATE_BITS != generation || STATE_STATUS(state) != STATE_BEGUN)
			continue;
		keeper_kill(&pool->crew->members[STATE_WORKER(state)]);
	}
	pthread_mutex_unlock(&pool->crew->lock);
}

int process_take_spare(struct kin_pool *pool, void **ret_memory, size_t bytes)
{
	pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; i < sizeof pool->spare / sizeof *pool->spare; i++)
		if (pool->spare[i].bytes >= bytes && bytes) {
			*ret_memory = pool->spare[i].memory;
			pool->spare[i].bytes = 0;
			pool->spare[i].memory = NULL;
			pthread_mutex_unlock(&pool->lock);
			return 0;
		}
	pthread_mutex_unlock(&pool->lock);
	return kin_shared_alloc(ret_memory, bytes);
}

void process_give_spare(struct kin_pool *pool, void *memory, size_t bytes)
{
	pthread_mutex_lock(&pool->lock);
	for (size_t i = 0; memory && bytes <= SPARE_MOST && i < sizeof pool->spare / sizeof *pool->spare; i++)
		if (!pool->spare[i].memory) {
			pool->spare[i].memory = memory;
			pool->spare[i].bytes = bytes;
			memory = NULL;
		}
	pthread_mutex_unlock(&pool->lock);
	kin_shared_free(memory);
}

void process_free_spares(struct kin_pool *pool)
{
	for (size_t i = 0; i < sizeof pool->spare / sizeof *pool->spare; i++) {
		kin_shared_free(pool->spare[i].memory);
		pool->spare[i].memory = NULL;
		pool->spare[i].bytes = 0;
	}
}
