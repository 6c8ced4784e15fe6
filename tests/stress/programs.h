/**
 * programs.h: random programs for libkin. A program is a few acts on a pool; an act makes some calls and compares
 * what they give with what a serial computation gives. Acts can be made inside bodies, jobs and tasks of other acts.
 *
 * All an act does follows from its dice, so that a body which is run again, by whatever process, does the same.
 */
#ifndef KIN_TESTS_STRESS_PROGRAMS_H
#define KIN_TESTS_STRESS_PROGRAMS_H

#include <kin/kin.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/** What all processes of a run see; in shared memory. */
struct report {
	_Atomic uint64_t program; // seed of the one that runs
	_Atomic uint64_t acts; // made so far: a run in which it stands still hangs
	_Atomic uint64_t programs, wrongs; // that ran; that gave a wrong answer
	_Atomic bool is_wrong; // this program has
	char wrong[240]; // the first wrong answer
	_Atomic uint64_t kinds[32]; // how often each act was made
	_Atomic uint64_t kills, forks; // workers that acts killed, children forked
	_Atomic uint64_t strays; // children that came back into what they were forked in
	_Atomic uint64_t stopped; // calls
	int children, descriptors, mappings, shared_kb; // left at the end, and more than in the middle
};

extern struct report *report;

/** This process is a child that came back from the body which forked it: what it finds out is nobody's concern. */
extern bool is_stray;

/** End a forked child, with what it found out. */
_Noreturn void end_child(void);

struct dice {
	uint64_t state;
};

/** A number below `below`, which is not 0. */
uint32_t roll(struct dice *dice, uint32_t below);

/** True once in so many times. */
static inline bool chance(struct dice *dice, uint32_t in)
{
	return roll(dice, in) == 0;
}

/** The dice of part `number` of something. */
struct dice dice_for(uint64_t seed, uint64_t number);

/** Where an act is made. */
struct scene {
	struct kin_pool *pool; // NULL: the default pool
	enum kin_kind kind;
	pid_t home; // the process whose pool it is; in another one, a process worker, calls run alone
	int depth; // of acts inside acts
	bool limited; // a control may stop its calls
	bool alone; // nobody else calls on the pool
	bool may_fork;
};

/** What an act returns that gave a wrong answer. */
#define WRONG (-EBADMSG)

/** Acts inside acts at most. */
#define DEEPEST 3

/** 0: its answers were right; -ECANCELED, -ETIMEDOUT: a control stopped it; WRONG, and then it is in the report. */
typedef int act_fn(const struct scene *scene, struct dice *dice);

/** Check an answer. Returns whether it holds. */
__attribute__((format(printf, 2, 3))) bool expect(bool holds, const char *format, ...);

/**
 * Check what a call returned. Returns 0: it returned what it should, and if that is 0 its results are there to be
 * checked; -ECANCELED, -ETIMEDOUT: it was stopped, which may be; WRONG.
 */
int settle(const struct scene *scene, int result, int want, const char *what);

/** 0 or WRONG. */
static inline int verdict(bool right)
{
	return right ? 0 : WRONG;
}

static inline bool is_home(const struct scene *scene)
{
	return getpid() == scene->home;
}

/** Whether threads can be made: those that check for races know none in forked processes. */
bool may_start_threads(const struct scene *scene);

/** Whether bodies run in process workers. */
static inline bool runs_elsewhere(const struct scene *scene)
{
	return scene->kind == KIN_PROCESSES && is_home(scene);
}

/** Zeroed memory that bodies may write to, shared where they run elsewhere. Ends the run if there is none. */
void *room(const struct scene *scene, size_t bytes);
/** Zeroed memory for what bodies read: shared or private, so that either kind of worker runs them. */
void *room_to_read(const struct scene *scene, struct dice *dice, size_t bytes);
void room_free(void *memory);

/** A random act that may be made here. */
int act_any(const struct scene *scene, struct dice *dice);

/* loops.c */
act_fn act_loop, act_tiles, act_map, act_find, act_error, act_local, act_poison, act_snipe;
/* numbers.c */
act_fn act_reduce, act_sum, act_typed, act_sort, act_sort_keys, act_scan;
/* nested.c */
act_fn act_nested, act_fork_join, act_stop, act_control;
/* work.c */
act_fn act_jobs, act_job_tree, act_forget_jobs;
/* forks.c */
act_fn act_fork, act_fork_inside;

#endif
