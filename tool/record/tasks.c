#include "record/tasks.h"

#include <stdlib.h>

static size_t slot_of(const struct tasks *tasks, int tid)
{
	return (size_t)((unsigned)tid * 2654435761u) & (tasks->n_slots - 1);
}

static bool grow(struct tasks *tasks)
{
	size_t n_slots = tasks->n_slots ? tasks->n_slots * 2 : 64;
	struct live **slots = calloc(n_slots, sizeof *slots);
	if (!slots)
		return false;
	struct tasks bigger = { .slots = slots, .n_slots = n_slots };
	for (size_t i = 0; i < tasks->n_slots; i++) {
		struct live *live = tasks->slots[i], *next;
		for (; live; live = next) {
			next = live->next;
			size_t slot = slot_of(&bigger, live->tid);
			live->next = slots[slot];
			slots[slot] = live;
		}
	}
	free(tasks->slots);
	tasks->slots = slots;
	tasks->n_slots = n_slots;
	return true;
}

void tasks_finish(struct tasks *tasks)
{
	size_t state = 0;
	struct live *live, *next = NULL;
	while ((live = tasks_each(tasks, &state, &next))) {
		struct group *group = live->group;
		tasks_remove(tasks, live);
		if (group && --group->alive == 0)
			group_destroy(group);
	}
	free(tasks->slots);
	*tasks = (struct tasks){ 0 };
}

struct live *tasks_find(const struct tasks *tasks, int tid)
{
	if (tasks->n_slots == 0)
		return NULL;
	struct live *live = tasks->slots[slot_of(tasks, tid)];
	while (live && live->tid != tid)
		live = live->next;
	return live;
}

uint32_t tasks_number(const struct tasks *tasks, int tid)
{
	const struct live *live = tasks_find(tasks, tid);
	if (live)
		return live->number;
	for (unsigned i = 1; i <= RECENT_KEPT; i++) {
		const struct recent *recent = &tasks->recent[(tasks->next_recent - i) % RECENT_KEPT];
		if (recent->tid == tid)
			return recent->number;
	}
	return 0;
}

struct live *tasks_add(struct tasks *tasks, int tid)
{
	if (tasks->count >= tasks->n_slots && !grow(tasks) && tasks->n_slots == 0)
		return NULL;
	struct live *live = calloc(1, sizeof *live);
	if (!live)
		return NULL;
	live->tid = tid;
	size_t slot = slot_of(tasks, tid);
	live->next = tasks->slots[slot];
	tasks->slots[slot] = live;
	tasks->count++;
	return live;
}

static void unlink_live(struct tasks *tasks, struct live *live)
{
	struct live **link = &tasks->slots[slot_of(tasks, live->tid)];
	while (*link != live)
		link = &(*link)->next;
	*link = live->next;
}

void tasks_remove(struct tasks *tasks, struct live *live)
{
	unlink_live(tasks, live);
	tasks->recent[tasks->next_recent++ % RECENT_KEPT] = (struct recent){ live->tid, live->number };
	tasks->count--;
	if (live->held)
		tasks->held--;
	free(live->pending);
	free(live);
}

void tasks_rename(struct tasks *tasks, struct live *live, int tid)
{
	unlink_live(tasks, live);
	live->tid = tid;
	size_t slot = slot_of(tasks, tid);
	live->next = tasks->slots[slot];
	tasks->slots[slot] = live;
}

struct live *tasks_each(struct tasks *tasks, size_t *state, struct live **next)
{
	struct live *live = *state ? *next : NULL;
	while (!live && *state < tasks->n_slots)
		live = tasks->slots[(*state)++];
	*next = live ? live->next : NULL;
	return live;
}

struct group *group_create(int tgid, struct group *parent)
{
	struct group *group = calloc(1, sizeof *group);
	if (!group)
		return NULL;
	group->tgid = tgid;
	group_adopt(group, parent);
	return group;
}

void group_adopt(struct group *group, struct group *parent)
{
	if (group->parent) {
		if (group->previous_child)
			group->previous_child->next_child = group->next_child;
		else
			group->parent->first_child = group->next_child;
		if (group->next_child)
			group->next_child->previous_child = group->previous_child;
	}
	group->parent = parent;
	group->previous_child = NULL;
	group->next_child = parent ? parent->first_child : NULL;
	if (group->next_child)
		group->next_child->previous_child = group;
	if (parent)
		parent->first_child = group;
}

void group_destroy(struct group *group)
{
	while (group->first_child)
		group_adopt(group->first_child, NULL);
	group_adopt(group, NULL);
	environment_release(group->environment);
	free(group->exe);
	free(group);
}

void environment_release(struct environment *environment)
{
	if (environment && --environment->users == 0)
		free(environment);
}
