/*
 * The keeper. Workers are forked here and nowhere else, for two reasons: they are to die with the process, and the
 * kernel ties that to the thread that forked them, which must therefore live as long as the pool; and a death has
 * to be noticed when no caller waits.
 *
 * When a worker dies, the steps it had begun are set free or given up, and every open region is made DONE_CAREFUL:
 * the worker may have drawn a ticket and not yet marked the step, or marked a step as done and not yet counted it.
 * Workers then look for free steps behind the ticket, and the waiting caller is woken at each step and looks at the
 * states themselves.
 */
#include "pool/keeper.h"

#include "base/futex.h"
#include "base/ticks.h"
#include "pool/context.h"
#include "pool/process.h"
#include "shm/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* How often to look at jobs that run, should no ring come. */
#define JOBS_MS 20
/* Without pidfds deaths are looked for so often. */
#define BLIND_MS 10
/* Workers that were told to end and do not are killed after this. */
#define END_MS 1000

static int open_pidfd(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* By its pidfd: should the program have reaped it in a wait of its own, its PID may be another's now. */
void keeper_kill(const struct member *member)
{
	if (member->pid <= 0)
		return;
	if (member->pidfd >= 0)
		syscall(SYS_pidfd_send_signal, member->pidfd, SIGKILL, NULL, 0);
	else
		kill(member->pid, SIGKILL);
}

/* What a freshly forked worker does; it does not return. */
static void be_worker(struct kin_pool *pool, unsigned seat)
{
	struct crew *crew = pool->crew;
	struct member *member = &crew->members[seat];
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != crew->parent)
		_exit(1);
	char name[16];
	worker_name(pool, seat + 1, name);
	prctl(PR_SET_NAME, name);
	/* The terminal's signals go to all of its processes; what they mean is the parent's to decide. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	pthread_sigmask(SIG_SETMASK, &crew->signals, NULL);
	/* What the parent had not written yet is the parent's to write. */
	__fpurge(stdout);
	__fpurge(stderr);
	arena_become_follower();
	pool_become_worker(pool);

	struct pool_worker worker = {
		.team = pool->team,
		.seat = &pool->team->seats[seat],
		.who = { .seat = seat, .only = member->tag },
		.may_spin = seat < pool->team->max_spinners,
	};
	if (member->tag) {
		struct context base = { .team = pool->team, .index = (int)seat };
		context_now = &base;
		struct claim claim;
		while (post_claim(pool->team, member->post, &worker.who, &claim)) {
			arena_follow();
			claim_run(pool->team, &claim, worker.seat);
		}
	} else
		worker_loop(&worker);
	fflush(stdout);
	atomic_store(&worker.seat->leaving, 1);
	_exit(0);
}

static int fork_member(
	struct kin_pool *pool, unsigned seat, uint32_t tag, struct post *post, uint64_t generation)
{
	struct member *member = &pool->crew->members[seat];
	pthread_mutex_lock(&pool->crew->lock);
	*member = (struct member){ .pidfd = -1, .tag = tag, .post = post, .generation = generation };
	pthread_mutex_unlock(&pool->crew->lock);
	atomic_store(&pool->team->seats[seat].leaving, 0);
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		be_worker(pool, seat);
	if (pool->pin)
		pins_bind_process(&pool->crew->pins, pid, seat);
	int pidfd = open_pidfd(pid);
	pthread_mutex_lock(&pool->crew->lock);
	member->pid = pid;
	member->pidfd = pidfd;
	pthread_mutex_unlock(&pool->crew->lock);
	atomic_fetch_add(&pool->process_forks, 1);
	return 0;
}

static void fork_first(struct kin_pool *pool)
{
	struct crew *crew = pool->crew;
	unsigned made = 0;
	int error = 0;
	if (pool->pin)
		pins_init(&crew->pins);
	while (made < pool->workers && error == 0) {
		error = fork_member(pool, made, 0, NULL, 0);
		made += error == 0;
	}
	if (made < pool->workers)
		kin_error_set(&pool->warning, -error, "fork", "%u of %u worker processes were to be had",
			made, pool->workers);
	pins_warn(&crew->pins, &pool->warning);
	if (made)
		pool->workers = made;
	crew->start_error = made ? 0 : error;
	atomic_store(&crew->started, 1);
	futex_wake(&crew->started, 1);
}

/* Some seats are kept for persistent workers; the rest is for those forked for one region. */
static int free_seat(struct kin_pool *pool)
{
	for (unsigned seat = pool->workers; seat < pool->crew->members_count; seat++)
		if (pool->crew->members[seat].pid == 0)
			return (int)seat;
	return -1;
}

static int fork_private(struct kin_pool *pool, struct post *post, uint32_t tag, uint64_t generation)
{
	int seat = free_seat(pool);
	if (seat < 0)
		return -EAGAIN;
	atomic_fetch_add(&post->private_workers, 1);
	int error = fork_member(pool, (unsigned)seat, tag, post, generation);
	if (error < 0) {
		atomic_fetch_sub(&post->private_workers, 1);
		futex_wake(&post->private_workers, 1);
	}
	return error;
}

static struct order *next_order(struct crew *crew)
{
	pthread_mutex_lock(&crew->lock);
	struct order *order = crew->orders;
	if (order)
		crew->orders = order->next;
	pthread_mutex_unlock(&crew->lock);
	return order;
}

/* Persistent workers that could not be replaced when they died. */
static int fork_missing(struct kin_pool *pool)
{
	unsigned missing = 0;
	int error = 0;
	for (unsigned seat = 0; seat < pool->workers; seat++)
		if (pool->crew->members[seat].pid == 0) {
			int result = fork_member(pool, seat, 0, NULL, 0);
			error = result < 0 ? result : error;
			missing += result < 0;
		}
	atomic_store(&pool->crew->missing, missing);
	return missing == pool->workers ? error : 0;
}

int keeper_staff(struct kin_pool *pool, struct post *post, uint32_t tag)
{
	if (!tag)
		return atomic_load(&pool->crew->missing) ? fork_missing(pool) : 0;
	if (free_seat(pool) < 0)
		return 1;
	return fork_private(pool, post, tag, atomic_load(&post->ticket) >> TICKET_BITS);
}

/* Returns false if the order has to wait until a seat is free. */
static bool fill(struct kin_pool *pool, struct order *order)
{
	uint64_t generation = 0;
	unsigned made = 0;
	int error = 0;
	if (order->tag) {
		if (free_seat(pool) < 0)
			return false;
		generation = atomic_load(&order->post->ticket) >> TICKET_BITS;
		while (made < order->count && error == 0) {
			error = fork_private(pool, order->post, order->tag, generation);
			made += error == 0;
		}
	} else
		error = fork_missing(pool);
	order->result = made ? 0 : error;
	atomic_store(&order->done, 1);
	futex_wake(&order->done, 1);
	return true;
}

static void fill_orders(struct kin_pool *pool)
{
	struct crew *crew = pool->crew;
	struct order *order;
	while ((order = next_order(crew)))
		if (!fill(pool, order)) {
			pthread_mutex_lock(&crew->lock);
			order->next = crew->orders;
			crew->orders = order;
			pthread_mutex_unlock(&crew->lock);
			return;
		}
}

static uint8_t *kills_of(struct kin_pool *pool, unsigned post, uint64_t generation)
{
	struct crew *crew = pool->crew;
	if (!crew->kills)
		crew->kills = calloc(TEAM_POSTS, sizeof *crew->kills);
	if (!crew->kills)
		return NULL;
	struct kills *kills = &crew->kills[post];
	if (kills->generation != generation)
		memset(kills->counts, 0, sizeof kills->counts);
	kills->generation = generation;
	return kills->counts;
}

static void give_up_step(struct kin_pool *pool, struct post *post, uint32_t step, unsigned seat, int status)
{
	size_t chunk = atomic_load(&pool->team->seats[seat].chunk);
	/* It may have died before it said so. */
	if (chunk / post->unit != step)
		chunk = step * post->unit;
	struct kin_crash crash = { .status = status, .workers = PROCESS_KILLS };
	size_t grain = post->grain ? post->grain : 1;
	crash.begin = post->begin + chunk * grain;
	crash.end = post->end && post->end - crash.begin < grain ? post->end : crash.begin + grain;
	pthread_mutex_lock(&pool->lock);
	pool->crashed = true;
	pool->crash = crash;
	pthread_mutex_unlock(&pool->lock);
	post_stop(post, step, chunk, -EOWNERDEAD);
}

/* Free, or give up, what a dead worker had begun in one region. Returns whether it is open. */
static bool take_back(struct kin_pool *pool, unsigned number, unsigned seat, int status)
{
	struct team *team = pool->team;
	struct post *post = &team->posts[number];
	if (!atomic_load(&post->open))
		return false;
	uint64_t generation = atomic_load(&post->ticket) >> TICKET_BITS;
	uint32_t steps = atomic_load(&post->steps);
	for (uint32_t step = 0; step < steps && step < TEAM_STATES; step++) {
		uint64_t state = STATE(generation, STATE_BEGUN, seat);
		if (atomic_load(&team->states[number][step]) != state)
			continue;
		uint8_t *kills = kills_of(pool, number, generation);
		bool give_up = !kills || ++kills[step] >= PROCESS_KILLS;
		if (give_up)
			give_up_step(pool, post, step, seat, status);
		else
			atomic_fetch_add(&pool->retries, 1);
		atomic_store(
			&team->states[number][step], STATE(generation, give_up ? STATE_DONE : STATE_FREE, 0));
	}
	atomic_fetch_or(&post->done, DONE_CAREFUL);
	post_nudge(post);
	return true;
}

static bool is_unfinished(struct team *team, struct post *post, uint64_t generation)
{
	uint64_t ticket = atomic_load(&post->ticket);
	if (!atomic_load(&post->open) || ticket >> TICKET_BITS != generation)
		return false;
	return (ticket & TICKET_MASK) < atomic_load(&post->steps) || post_has_freed(team, post);
}

/* In the place of one that died. */
static void replace(struct kin_pool *pool, unsigned seat, const struct member *dead)
{
	int error;
	if (dead->tag == 0) {
		error = fork_member(pool, seat, 0, NULL, 0);
		if (error == 0)
			return;
		atomic_fetch_add(&pool->crew->missing, 1);
		/* The others go on; if there are none every open region is over. */
		for (unsigned other = 0; other < pool->workers; other++)
			if (pool->crew->members[other].pid)
				return;
		for (unsigned i = 0; i < TEAM_POSTS; i++)
			if (atomic_load(&pool->team->posts[i].open) &&
				!atomic_load(&pool->team->posts[i].only)) {
				atomic_store(&pool->team->posts[i].failed, error);
				post_nudge(&pool->team->posts[i]);
			}
		return;
	}
	if (!is_unfinished(pool->team, dead->post, dead->generation))
		return;
	error = fork_private(pool, dead->post, dead->tag, dead->generation);
	if (error < 0 && atomic_load(&dead->post->private_workers) == 1) {
		atomic_store(&dead->post->failed, error);
		post_nudge(dead->post);
	}
}

static void bury(struct kin_pool *pool, unsigned seat, int status)
{
	struct team *team = pool->team;
	struct member dead = pool->crew->members[seat];
	pthread_mutex_lock(&pool->crew->lock);
	pool->crew->members[seat].pid = 0;
	pthread_mutex_unlock(&pool->crew->lock);
	/* Nobody kills by it any more, and only now its number may become another's. */
	if (dead.pidfd >= 0)
		close(dead.pidfd);
	bool by_itself = atomic_load(&team->seats[seat].leaving) && status <= 0;
	atomic_store(&team->seats[seat].post, 0);
	if (!by_itself) {
		atomic_fetch_add(&pool->deaths, 1);
		uint32_t used = atomic_load(&team->posts_used);
		for (uint32_t i = 0; i < used; i++)
			take_back(pool, i, seat, status);
	}
	if (atomic_exchange(&team->seats[seat].sleeping, 0))
		atomic_fetch_sub(&team->sleepers, 1);
	/* One forked for a region may have left just before another died whose place could not be filled. */
	if ((!by_itself || dead.tag) && !atomic_load(&pool->crew->ending))
		replace(pool, seat, &dead);
	if (dead.tag) {
		atomic_fetch_sub(&dead.post->private_workers, 1);
		futex_wake(&dead.post->private_workers, 1);
	}
	atomic_fetch_add(&team->bell, 1);
	futex_wake(&team->bell, UINT32_MAX);
}

/* Reap one worker if it has died. */
static bool reap(struct kin_pool *pool, unsigned seat, int flags)
{
	int status = 0;
	pid_t pid;
	do
		pid = waitpid(pool->crew->members[seat].pid, &status, flags);
	while (pid < 0 && errno == EINTR);
	if (pid == 0)
		return false;
	if (pid < 0)
		status = -1; // somebody else took its status, or SIGCHLD is ignored
	bury(pool, seat, status);
	return true;
}

/* Sleep until a worker dies or the keeper is rung, and bury the dead. Returns how many workers are left. */
static unsigned keep(struct kin_pool *pool, struct pollfd *polled, unsigned *seats, int timeout_ms)
{
	struct crew *crew = pool->crew;
	unsigned count = 1, left = 0;
	bool blind = false;
	polled[0] = (struct pollfd){ .fd = crew->ring[0], .events = POLLIN };
	for (unsigned seat = 0; seat < crew->members_count; seat++) {
		struct member *member = &crew->members[seat];
		if (member->pid == 0)
			continue;
		left++;
		blind |= member->pidfd < 0;
		polled[count] = (struct pollfd){ .fd = member->pidfd, .events = POLLIN };
		seats[count++] = seat;
	}
	if (blind && (timeout_ms < 0 || timeout_ms > BLIND_MS))
		timeout_ms = BLIND_MS;
	if (poll(polled, count, timeout_ms) < 0) {
		if (errno != EINVAL)
			return left;
		/* More than RLIMIT_NOFILE lets a process poll at a time. */
		poll(polled, 1, timeout_ms < 0 || timeout_ms > BLIND_MS ? BLIND_MS : timeout_ms);
		for (unsigned i = 1; i < count; i++)
			polled[i].fd = -1;
	}
	char rings[512];
	if ((polled[0].revents & POLLIN) && read(crew->ring[0], rings, sizeof rings) < 0)
		return left;
	for (unsigned i = 1; i < count; i++)
		if (polled[i].fd < 0 || polled[i].revents)
			left -= reap(pool, seats[i], WNOHANG) && crew->members[seats[i]].pid == 0;
	return left;
}

static void end_members(struct kin_pool *pool, struct pollfd *polled, unsigned *seats)
{
	struct team *team = pool->team;
	atomic_store(&team->stopping, 1);
	atomic_fetch_add(&team->bell, 1);
	futex_wake(&team->bell, UINT32_MAX);
	int64_t until = clock_ns() + (int64_t)END_MS * 1000000, left_ns;
	while ((left_ns = until - clock_ns()) > 0)
		if (keep(pool, polled, seats, (int)(left_ns / 1000000) + 1) == 0)
			return;
	for (unsigned seat = 0; seat < pool->crew->members_count; seat++)
		if (pool->crew->members[seat].pid) {
			keeper_kill(&pool->crew->members[seat]);
			reap(pool, seat, 0);
		}
}

void *keeper_run(void *arg)
{
	struct kin_pool *pool = arg;
	struct crew *crew = pool->crew;
	struct pollfd *polled = crew->polled;
	unsigned *seats = crew->polled_seats;
	char name[16];
	worker_name(pool, 0, name);
	prctl(PR_SET_NAME, name);
	fork_first(pool);
	while (crew->start_error == 0 && !atomic_load(&crew->ending)) {
		fill_orders(pool);
		bool jobs = jobs_keep(pool);
		/* A worker whose descriptors were closed by its job cannot ring. */
		keep(pool, polled, seats, jobs ? JOBS_MS : -1);
	}
	end_members(pool, polled, seats);
	return NULL;
}

static void close_ring(struct crew *crew)
{
	close(crew->ring[0]);
	close(crew->ring[1]);
}

static int make_ring(struct crew *crew, struct team *team)
{
	struct stat stat;
	if (pipe2(crew->ring, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	if (fstat(crew->ring[1], &stat) < 0) {
		int error = -errno;
		close_ring(crew);
		return error;
	}
	team->ring = crew->ring[1];
	team->ring_device = stat.st_dev;
	team->ring_file = stat.st_ino;
	return 0;
}

int process_start(struct kin_pool *pool)
{
	struct crew *crew = calloc(1, sizeof *crew);
	if (!crew)
		return -ENOMEM;
	int error = -ENOMEM;
	crew->members_count = pool->team->seats_count;
	crew->members = calloc(crew->members_count, sizeof *crew->members);
	crew->polled = calloc(crew->members_count + 1, sizeof *crew->polled);
	crew->polled_seats = calloc(crew->members_count + 1, sizeof *crew->polled_seats);
	if (!crew->members || !crew->polled || !crew->polled_seats)
		goto out_members;
	crew->parent = getpid();
	pthread_mutex_init(&crew->lock, NULL);
	error = make_ring(crew, pool->team);
	if (error < 0)
		goto out_members;
	block_signals(&crew->signals);
	pool->crew = crew;
	error = -pthread_create(&crew->keeper, NULL, keeper_run, pool);
	pthread_sigmask(SIG_SETMASK, &crew->signals, NULL);
	if (error < 0)
		goto out_ring;
	while (!atomic_load(&crew->started))
		futex_wait(&crew->started, 0, -1);
	if (crew->start_error < 0) {
		error = crew->start_error;
		process_end(pool, false);
	}
	return error;
out_ring:
	close_ring(crew);
out_members:
	free(crew->members);
	free(crew->polled);
	free(crew->polled_seats);
	pool->crew = NULL;
	free(crew);
	return error;
}

void process_end(struct kin_pool *pool, bool of_parent)
{
	struct crew *crew = pool->crew;
	if (!crew)
		return;
	if (!of_parent) {
		atomic_store(&crew->ending, 1);
		process_ring_keeper(pool);
		pthread_join(crew->keeper, NULL);
	} else
		for (unsigned seat = 0; seat < crew->members_count; seat++)
			if (crew->members[seat].pid && crew->members[seat].pidfd >= 0)
				close(crew->members[seat].pidfd);
	close_ring(crew);
	free(crew->kills);
	free(crew->members);
	free(crew->polled);
	free(crew->polled_seats);
	free(crew);
	pool->crew = NULL;
}
