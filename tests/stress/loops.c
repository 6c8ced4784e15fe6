/* Loops, maps and searches; bodies that fail, and workers that die. */
#include "programs.h"

#include <sys/syscall.h>

#define MOST 3000

struct loop {
	struct scene scene;
	uint8_t *hits; // one an index
	_Atomic int *bullets; // workers that may still die; NULL: none may
	size_t columns; // of a rectangle
	size_t bad; // lowest index whose body fails
	size_t period; // of those that fail after it
	_Atomic pid_t *pids; // of workers seen
};

/* How workers die: by a signal, or by ending when nobody asked them to. */
static void shoot(struct loop *loop, size_t index)
{
	if (!loop->bullets || is_home(&loop->scene) || *loop->bullets <= 0 ||
		atomic_fetch_sub(loop->bullets, 1) <= 0)
		return;
	atomic_fetch_add(&report->kills, 1);
	if (index % 3 == 0)
		_exit((int)(index % 2));
	kill(getpid(), SIGKILL);
}

static int hit(size_t begin, size_t end, void *arg)
{
	struct loop *loop = arg;
	for (size_t i = begin; i < end; i++) {
		loop->hits[i] = 1;
		if (i == begin + (end - begin) / 2)
			shoot(loop, i);
	}
	return 0;
}

static struct loop *make_loop(const struct scene *scene, struct dice *dice, size_t count)
{
	struct loop *loop = room_to_read(scene, dice, sizeof *loop);
	loop->scene = *scene;
	loop->hits = room(scene, count + 64);
	if (runs_elsewhere(scene) && scene->depth == 0 && chance(dice, 3)) {
		loop->bullets = (_Atomic int *)(loop->hits + count / 16 * 16 + 32);
		*loop->bullets = 1;
	}
	return loop;
}

static void free_loop(struct loop *loop)
{
	room_free(loop->hits);
	room_free(loop);
}

static bool check_hits(const struct loop *loop, size_t begin, size_t count, const char *what)
{
	for (size_t i = 0; i < count; i++)
		if (loop->hits[i] != (i >= begin))
			return expect(false, "%s: index %zu of %zu to %zu is %s", what, i, begin, count,
				loop->hits[i] ? "hit" : "missed");
	return true;
}

static size_t grain_for(struct dice *dice)
{
	return chance(dice, 3) ? 0 : 1 + roll(dice, 200);
}

int act_loop(const struct scene *scene, struct dice *dice)
{
	size_t begin = chance(dice, 2) ? 0 : roll(dice, 100), end = begin + roll(dice, MOST);
	struct loop *loop = make_loop(scene, dice, end);
	int result =
		settle(scene, kin_for(scene->pool, begin, end, grain_for(dice), hit, loop), 0, "kin_for");
	if (result == 0)
		result = verdict(check_hits(loop, begin, end, "kin_for"));
	free_loop(loop);
	return result;
}

static int hit_tile(const struct kin_tile *tile, void *arg)
{
	struct loop *loop = arg;
	for (size_t row = tile->row_begin; row < tile->row_end; row++)
		for (size_t column = tile->column_begin; column < tile->column_end; column++)
			loop->hits[row * loop->columns + column] = 1;
	shoot(loop, tile->row_begin);
	return 0;
}

int act_tiles(const struct scene *scene, struct dice *dice)
{
	struct kin_tile whole = { 0, roll(dice, 50), 0, roll(dice, 50) };
	struct loop *loop = make_loop(scene, dice, whole.row_end * whole.column_end);
	loop->columns = whole.column_end;
	size_t grain[2] = { roll(dice, 9), roll(dice, 9) };
	int result = kin_for_2d(scene->pool, &whole, chance(dice, 4) ? NULL : grain, hit_tile, loop);
	result = settle(scene, result, 0, "kin_for_2d");
	if (result == 0)
		result = verdict(check_hits(loop, 0, whole.row_end * whole.column_end, "kin_for_2d"));
	free_loop(loop);
	return result;
}

static int make_item(size_t index, void *item, void *arg)
{
	shoot(arg, index);
	*(uint32_t *)item = (uint32_t)index * 3 + 1;
	return 0;
}

int act_map(const struct scene *scene, struct dice *dice)
{
	size_t count = roll(dice, MOST);
	struct loop *loop = make_loop(scene, dice, 0);
	uint32_t *items = room_to_read(scene, dice, count * sizeof *items);
	int result = kin_map(scene->pool, count, items, sizeof *items, make_item, loop);
	result = settle(scene, result, 0, "kin_map");
	for (size_t i = 0; i < count && result == 0; i++)
		result = verdict(expect(items[i] == (uint32_t)i * 3 + 1, "kin_map: item %zu of %zu is %u", i,
			count, items[i]));
	room_free(items);
	free_loop(loop);
	return result;
}

static int is_bad(size_t index, void *arg)
{
	const struct loop *loop = arg;
	shoot(arg, index);
	return index >= loop->bad && (index - loop->bad) % loop->period == 0;
}

int act_find(const struct scene *scene, struct dice *dice)
{
	size_t count = 1 + roll(dice, MOST), found = SIZE_MAX;
	struct loop *loop = make_loop(scene, dice, 0);
	loop->bad = roll(dice, (uint32_t)(count + count / 4 + 1));
	loop->period = 1 + roll(dice, 300);
	bool there = loop->bad < count;
	int result = kin_find(scene->pool, 0, count, is_bad, loop, &found);
	result = settle(scene, result, there ? 0 : -ENOENT, "kin_find");
	if (result == 0)
		result = verdict(expect(
			found == (there ? loop->bad : SIZE_MAX), "kin_find: %zu, not %zu", found, loop->bad));
	free_loop(loop);
	return result;
}

static int fail(size_t begin, size_t end, void *arg)
{
	struct loop *loop = arg;
	for (size_t i = begin; i < end; i++) {
		shoot(loop, i);
		if (is_bad(i, loop))
			return (int)i + 1;
		loop->hits[i] = 1;
	}
	return 0;
}

/* The lowest error wins, and all before it is run. */
int act_error(const struct scene *scene, struct dice *dice)
{
	size_t count = 1 + roll(dice, MOST);
	struct loop *loop = make_loop(scene, dice, count);
	loop->bad = roll(dice, (uint32_t)count);
	loop->period = 1 + roll(dice, 300);
	int result = kin_for(scene->pool, 0, count, grain_for(dice), fail, loop);
	/* A control may stop the loop before chunks that are lower than one that has failed. */
	size_t at = result > 0 ? (size_t)result - 1 : 0;
	if (scene->limited && result > 0 && at < count && at >= loop->bad &&
		(at - loop->bad) % loop->period == 0) {
		free_loop(loop);
		return 0;
	}
	result = settle(scene, result, (int)loop->bad + 1, "the lowest error");
	for (size_t i = 0; i < loop->bad && result == 0; i++)
		result = verdict(expect(loop->hits[i],
			"error at %zu of %zu: index %zu before it was not run (%s, %s arg, %s)", loop->bad,
			count, i, scene->kind == KIN_THREADS ? "threads" : "processes",
			kin_is_shared(loop, 0) ? "shared" : "private",
			loop->bullets ? "a death" : "no death"));
	free_loop(loop);
	return result;
}

struct counting {
	struct kin_pool *pool;
	struct kin_local *local;
	unsigned slots;
};

static int count_some(size_t begin, size_t end, void *arg)
{
	struct counting *counting = arg;
	size_t *value = kin_local_get(counting->local);
	int index = kin_worker_index(counting->pool);
	if (!value || index < 0 || (unsigned)index >= counting->slots)
		return 1;
	*value += end - begin;
	return 0;
}

static int add_up(void *value, void *arg)
{
	*(size_t *)arg += *(const size_t *)value;
	return 0;
}

/* Nobody may die here: what was added would be added again. */
int act_local(const struct scene *scene, struct dice *dice)
{
	size_t count = roll(dice, MOST), total = 0;
	struct counting *counting = room(scene, sizeof *counting);
	*counting = (struct counting){ scene->pool, NULL, kin_pool_slots(scene->pool) };
	int result = kin_local_create(&counting->local, scene->pool, sizeof(size_t), NULL);
	result = settle(scene, result, 0, "kin_local_create");
	if (result == 0)
		result = settle(scene,
			kin_for(scene->pool, 0, count, 1 + roll(dice, 50), count_some, counting), 0,
			"kin_for with values of workers");
	if (result == 0 && kin_local_each(counting->local, add_up, &total) == 0)
		result = verdict(
			expect(total == count, "the workers' values add up to %zu, not %zu", total, count));
	kin_local_destroy(counting->local);
	room_free(counting);
	return result;
}

static int die_at_bad(size_t begin, size_t end, void *arg)
{
	struct loop *loop = arg;
	if (begin <= loop->bad && loop->bad < end && !is_home(&loop->scene)) {
		atomic_fetch_add(&report->kills, 1);
		kill(getpid(), SIGKILL);
	}
	return hit(begin, end, arg);
}

/* A chunk that kills all who try: an error that names it, and a pool that lives on. */
int act_poison(const struct scene *scene, struct dice *dice)
{
	size_t count = 1 + roll(dice, 200), grain = 1 + roll(dice, 20);
	struct loop *loop = make_loop(scene, dice, count);
	struct kin_crash crash = { 0 };
	loop->bullets = NULL;
	loop->bad = roll(dice, (uint32_t)count);
	int result = kin_for(scene->pool, 0, count, grain, die_at_bad, loop);
	result = settle(scene, result, -EOWNERDEAD, "a chunk that kills all");
	if (result == 0 && scene->alone) {
		size_t begin = loop->bad / grain * grain, end = begin + grain < count ? begin + grain : count;
		int known = kin_pool_last_crash(scene->pool, &crash);
		result = verdict(
			expect(known == 0 && crash.begin == begin && crash.end == end && crash.workers == 3,
				"the crash is %zu to %zu by %u, not %zu to %zu", crash.begin, crash.end,
				crash.workers, begin, end));
	}
	free_loop(loop);
	return result ? result : act_loop(scene, dice);
}

static int show_pid(size_t begin, size_t end, void *arg)
{
	struct loop *loop = arg;
	loop->pids[begin % 8] = getpid();
	usleep(300);
	return hit(begin, end, arg);
}

/* By a descriptor, so that a number that is another's by now is never hit. */
static void snipe(_Atomic pid_t *pids, pid_t home, unsigned which)
{
	pid_t pid = pids[which % 8];
	int pidfd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (pidfd < 0)
		return;
	char name[64], words[512] = "";
	snprintf(name, sizeof name, "/proc/%d/stat", (int)pid);
	FILE *file = fopen(name, "re");
	const char *after = file && fgets(words, sizeof words, file) ? strrchr(words, ')') : NULL;
	int parent = 0;
	if (after && sscanf(after, ") %*c %d", &parent) == 1 && parent == home &&
		syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0)
		atomic_fetch_add(&report->kills, 1);
	if (file)
		fclose(file);
	close(pidfd);
}

struct sniper {
	struct loop *loop;
	struct dice dice;
};

static void *snipe_twice(void *arg)
{
	struct sniper *sniper = arg;
	for (int i = 0; i < 2; i++) {
		usleep(roll(&sniper->dice, 3000));
		snipe(sniper->loop->pids, sniper->loop->scene.home, roll(&sniper->dice, 8));
	}
	return NULL;
}

/* Workers die at any moment, in a chunk, between two, asleep; at most two, as three may be the end of a chunk. */
int act_snipe(const struct scene *scene, struct dice *dice)
{
	size_t count = 1 + roll(dice, 60);
	struct loop *loop = make_loop(scene, dice, count);
	loop->bullets = NULL;
	loop->pids = room(scene, 8 * sizeof *loop->pids);
	struct sniper sniper = { loop, dice_for(dice->state, 1) };
	pthread_t thread;
	int result = -pthread_create(&thread, NULL, snipe_twice, &sniper);
	if (settle(scene, result, 0, "pthread_create"))
		return WRONG;
	result = settle(
		scene, kin_for(scene->pool, 0, count, 1, show_pid, loop), 0, "kin_for whose workers die");
	pthread_join(thread, NULL);
	if (result == 0)
		result = verdict(check_hits(loop, 0, count, "kin_for whose workers die"));
	room_free((void *)loop->pids);
	free_loop(loop);
	return result;
}
