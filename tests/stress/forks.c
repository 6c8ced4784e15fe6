/*
 * fork(): beside calls, and inside of bodies. The child works with the pools it has from its parent, and with its
 * own.
 */
#include "programs.h"

static int reap_child(pid_t child, const char *what)
{
	int status = 0;
	pid_t reaped;
	do
		reaped = waitpid(child, &status, 0);
	while (reaped < 0 && errno == EINTR);
	return verdict(expect(reaped == child && status == 0, "%s: status %#x", what, status));
}

static void make_acts(const struct scene *scene, struct dice *dice, unsigned count)
{
	int result = 0;
	while (count-- && result == 0)
		result = act_any(scene, dice);
}

static void use_new_pool(struct scene scene, struct dice *dice)
{
	scene.kind = chance(dice, 2) ? KIN_THREADS : KIN_PROCESSES;
	scene.alone = true;
	struct kin_pool_options options = { .kind = scene.kind, .workers = 1 + roll(dice, 3) };
	if (settle(&scene, kin_pool_create(&scene.pool, &options), 0, "kin_pool_create in a forked child"))
		return;
	make_acts(&scene, dice, 2);
	kin_pool_destroy(scene.pool);
}

static void be_child(struct scene scene, struct dice *dice)
{
	kin_control_use(NULL);
	scene.home = getpid();
	scene.may_fork = false;
	scene.alone = scene.pool != NULL;
	unsigned order = roll(dice, 5);
	if (order == 0)
		use_new_pool(scene, dice);
	if (order < 3)
		make_acts(&scene, dice, 1 + roll(dice, 2));
	if (order == 2)
		use_new_pool(scene, dice);
	if (order == 1 || order == 3)
		kin_pool_destroy(scene.pool);
	if (order == 3)
		use_new_pool(scene, dice);
	end_child();
}

int act_fork(const struct scene *scene, struct dice *dice)
{
	struct dice of_child = dice_for(dice->state, 1);
	atomic_fetch_add(&report->forks, 1);
	pid_t child = fork();
	if (child == 0)
		be_child(*scene, &of_child);
	int result = settle(scene, child < 0 ? -errno : 0, 0, "fork");
	if (result == 0)
		result = act_any(scene, dice);
	int ended = child > 0 ? reap_child(child, "a forked child") : 0;
	return ended ? ended : result;
}

struct forking {
	struct scene scene;
	uint64_t seed;
	size_t at; // index of the body that forks
	bool returns; // the child comes back from it
};

static int fork_in_body(size_t begin, size_t end, void *arg)
{
	const struct forking *forking = arg;
	if (begin > forking->at || forking->at >= end)
		return 0;
	atomic_fetch_add(&report->forks, 1);
	pid_t child = fork();
	if (child < 0)
		return -errno;
	if (child > 0)
		return reap_child(child, "a child forked in a body");
	kin_control_use(NULL);
	struct dice dice = dice_for(forking->seed, 0);
	struct scene scene = forking->scene;
	scene.kind = is_home(&scene) || getppid() == scene.home ? scene.kind : KIN_THREADS;
	scene.home = getpid();
	scene.depth++;
	scene.may_fork = scene.alone = false;
	make_acts(&scene, &dice, 1 + roll(&dice, 2));
	if (!forking->returns || atomic_load(&report->is_wrong))
		end_child();
	is_stray = true;
	return 0;
}

int act_fork_inside(const struct scene *scene, struct dice *dice)
{
	struct forking *forking = room_to_read(scene, dice, sizeof *forking);
	size_t count = 1 + roll(dice, 40);
	*forking = (struct forking){ *scene, roll(dice, UINT32_MAX), roll(dice, (uint32_t)count),
		chance(dice, 2) };
	pid_t self = getpid();
	int result = kin_for(scene->pool, 0, count, 1 + roll(dice, 4), fork_in_body, forking);
	if (getpid() != self) {
		atomic_fetch_add(&report->strays, 1);
		expect(result == -ECHILD, "a loop in a forked child returns %d", result);
		end_child();
	}
	room_free(forking);
	return settle(scene, result, 0, "kin_for whose body forks");
}
