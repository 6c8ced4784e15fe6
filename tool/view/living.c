#include "view/living.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int living_init(struct living *living)
{
	*living = (struct living){ .n_buckets = 64 };
	living->buckets = calloc(living->n_buckets, sizeof *living->buckets);
	return living->buckets ? 0 : -ENOMEM;
}

void living_finish(struct living *living)
{
	for (size_t i = 0; i < living->n_buckets; i++) {
		while (living->buckets[i]) {
			struct living_task *task = living->buckets[i];
			living->buckets[i] = task->next;
			free(task->title);
			free(task);
		}
	}
	free(living->buckets);
	*living = (struct living){ 0 };
}

/* Numbers follow one another: their low bits spread them evenly. */
static struct living_task **bucket_of(const struct living *living, uint32_t number)
{
	return &living->buckets[number & (living->n_buckets - 1)];
}

struct living_task *living_find(const struct living *living, uint32_t number)
{
	for (struct living_task *task = *bucket_of(living, number); task; task = task->next)
		if (task->number == number)
			return task;
	return NULL;
}

/* Without memory the chains grow longer, and nothing else happens. */
static void grow(struct living *living)
{
	struct living bigger = { .n_buckets = living->n_buckets * 2, .count = living->count };
	bigger.buckets = calloc(bigger.n_buckets, sizeof *bigger.buckets);
	if (!bigger.buckets)
		return;
	for (size_t i = 0; i < living->n_buckets; i++) {
		while (living->buckets[i]) {
			struct living_task *task = living->buckets[i];
			living->buckets[i] = task->next;
			struct living_task **bucket = bucket_of(&bigger, task->number);
			task->next = *bucket;
			*bucket = task;
		}
	}
	free(living->buckets);
	*living = bigger;
}

struct living_task *living_add(struct living *living, uint32_t number, const char *title)
{
	if (living->count > living->n_buckets)
		grow(living);
	struct living_task *task = calloc(1, sizeof *task);
	char *copy = strdup(title);
	if (!task || !copy) {
		free(task);
		free(copy);
		return NULL;
	}
	struct living_task **bucket = bucket_of(living, number);
	*task = (struct living_task){ .next = *bucket, .number = number, .title = copy };
	*bucket = task;
	living->count++;
	return task;
}

int living_rename(struct living_task *task, const char *title)
{
	char *copy = strdup(title);
	if (!copy)
		return -ENOMEM;
	free(task->title);
	task->title = copy;
	return 0;
}

void living_remove(struct living *living, uint32_t number)
{
	for (struct living_task **link = bucket_of(living, number); *link; link = &(*link)->next) {
		if ((*link)->number != number)
			continue;
		struct living_task *task = *link;
		*link = task->next;
		free(task->title);
		free(task);
		living->count--;
		return;
	}
}
