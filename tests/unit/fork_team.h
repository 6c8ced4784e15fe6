/**
 * fork_team.h: a team of threads for tests of kin/fork.h, with no pool behind it. Threads are thieves in the slots
 * from 1 up until they are told to stop; slot 0 is for the test. A thief that finds nothing yields, and may sleep
 * until the bell.
 */
#ifndef KIN_TESTS_FORK_TEAM_H
#define KIN_TESTS_FORK_TEAM_H

#include "fork/fork.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <unistd.h>

#define TEAM_MAX_THIEVES 16

struct team_thief {
	struct test_team *of;
	unsigned index;
	pthread_t thread;
};

struct test_team {
	struct fork_team *team;
	unsigned thieves;
	bool may_sleep;
	bool stop;
	uint32_t bells;
	pthread_mutex_t lock;
	pthread_cond_t bell;
	unsigned sleepers; // under lock
	unsigned asleep; // the same, read without it
	struct team_thief thief[TEAM_MAX_THIEVES];
};

static void team_ring(void *data)
{
	struct test_team *team = data;
	__atomic_fetch_add(&team->bells, 1, __ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&team->asleep, __ATOMIC_SEQ_CST))
		return;
	pthread_mutex_lock(&team->lock);
	pthread_cond_broadcast(&team->bell);
	pthread_mutex_unlock(&team->lock);
}

static void team_sleep(struct test_team *team, unsigned index)
{
	pthread_mutex_lock(&team->lock);
	__atomic_fetch_add(&team->asleep, 1, __ATOMIC_SEQ_CST);
	uint32_t bells = __atomic_load_n(&team->bells, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&team->lock);
	if (!fork_help(team->team, index)) {
		pthread_mutex_lock(&team->lock);
		while (!team->stop && __atomic_load_n(&team->bells, __ATOMIC_SEQ_CST) == bells)
			pthread_cond_wait(&team->bell, &team->lock);
		pthread_mutex_unlock(&team->lock);
	}
	__atomic_fetch_sub(&team->asleep, 1, __ATOMIC_SEQ_CST);
}

static void *team_thief(void *arg)
{
	struct team_thief *thief = arg;
	struct test_team *team = thief->of;
	unsigned idle = 0;
	while (!__atomic_load_n(&team->stop, __ATOMIC_RELAXED)) {
		if (fork_help(team->team, thief->index)) {
			idle = 0;
		} else if (++idle > 200 && team->may_sleep) {
			team_sleep(team, thief->index);
			idle = 0;
		} else if (idle > 20) {
			sched_yield();
		}
	}
	return NULL;
}

/**
 * So many threads to steal, and a fork_team with that many slots and `callers` more. False: no memory, no threads.
 */
__attribute__((unused)) static bool team_begin(
	struct test_team *team, unsigned thieves, unsigned callers, bool may_sleep)
{
	*team = (struct test_team){ .may_sleep = may_sleep };
	pthread_mutex_init(&team->lock, NULL);
	pthread_cond_init(&team->bell, NULL);
	if (fork_team_create(&team->team, thieves + callers, team_ring, team) < 0)
		return false;
	for (unsigned i = 0; i < thieves; i++) {
		struct team_thief *thief = &team->thief[i];
		*thief = (struct team_thief){ .of = team, .index = i + 1 };
		if (pthread_create(&thief->thread, NULL, team_thief, thief) != 0)
			return false;
		team->thieves++;
	}
	return true;
}

__attribute__((unused)) static void team_end(struct test_team *team)
{
	pthread_mutex_lock(&team->lock);
	__atomic_store_n(&team->stop, true, __ATOMIC_RELAXED);
	pthread_cond_broadcast(&team->bell);
	pthread_mutex_unlock(&team->lock);
	for (unsigned i = 0; i < team->thieves; i++)
		pthread_join(team->thief[i].thread, NULL);
	fork_team_destroy(team->team);
	pthread_cond_destroy(&team->bell);
	pthread_mutex_destroy(&team->lock);
}

#endif
