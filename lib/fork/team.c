/* The thieves' side: stealing, waiting for what was stolen, and the team's memory. deque.h has the protocol. */
#include "fork/fork.h"

#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* How a worker waits for a stolen task: so many looks in a row, so many yields, then sleep. */
#define WAIT_LOOKS 400
#define WAIT_YIELDS 50

#define PAGE 4096

static struct fork_worker *of(struct kin_stack *stack)
{
	return (struct fork_worker *)stack;
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("isb" ::: "memory");
#endif
}

/* Each look first: the lines are the victim's, and writing to them costs it a miss. */
static void ask(struct fork_worker *victim)
{
	if (__atomic_load_n(&victim->pub.ceiling, __ATOMIC_RELAXED))
		__atomic_store_n(&victim->pub.ceiling, NULL, __ATOMIC_RELAXED);
	struct kin_task **call = (struct kin_task **)UINTPTR_MAX;
	if (__atomic_load_n(&victim->pub.floor, __ATOMIC_RELAXED) != call)
		__atomic_store_n(&victim->pub.floor, call, __ATOMIC_RELAXED);
}

static struct kin_task *steal(struct fork_worker *victim)
{
	uint32_t index;
	bool emptied;
	if (!deque_steal(&victim->word, &index, &emptied))
		return NULL;
	struct kin_task *task = __atomic_load_n(&victim->base[index], __ATOMIC_RELAXED);
	/* There may be more thieves, and the victim may be at work for long between two calls. */
	if (emptied)
		ask(victim);
	return task;
}

static void run_stolen(struct fork_worker *worker, struct kin_task **bottom, struct kin_task *task)
{
	__atomic_store_n(&task->thief, &worker->pub, __ATOMIC_RELAXED);
	__atomic_store_n(&worker->running, worker->running + 1, __ATOMIC_RELAXED);
	__atomic_store_n(&worker->steals, worker->steals + 1, __ATOMIC_RELAXED);
	task->fn((struct kin_worker){ &worker->pub, bottom }, task);
	__atomic_store_n(&worker->running, worker->running - 1, __ATOMIC_RELAXED);
	/* The last use of the task: its owner goes on, and it is gone. */
	ATOMIC_STORE(task->state, DEQUE_DONE, DEQUE_FINISH);
	if (event_tell(&worker->event))
		fork_event_wake(&worker->event);
}

/* Help the thief of a task, with tasks of that task alone: 6 in deque.h. */
static bool leapfrog(struct fork_worker *worker, struct kin_task **bottom, struct fork_worker *thief,
	struct kin_task *awaited)
{
	if (!deque_has(&thief->word))
		return false;
	struct kin_task *task = steal(thief);
	if (!task)
		return false;
	if (ATOMIC_LOAD(awaited->state, DEQUE_JOIN) != DEQUE_TAKEN) {
		ATOMIC_STORE(task->state, DEQUE_RETURNED, DEQUE_RETURN);
		return false;
	}
	run_stolen(worker, bottom, task);
	return true;
}

void fork_event_wake(struct event *event)
{
	syscall(SYS_futex, &event->bell, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

/* Until the thief publishes something or finishes something. */
static void sleep_on(struct fork_worker *thief, struct kin_task *awaited)
{
	ask(thief);
	uint32_t key = event_prepare(&thief->event);
	uint64_t word = ATOMIC_LOAD(thief->word, EVENT_LOOK);
	if (ATOMIC_LOAD(awaited->state, EVENT_LOOK) == DEQUE_TAKEN && deque_top(word) >= deque_split(word))
		syscall(SYS_futex, &thief->event.bell, FUTEX_WAIT_PRIVATE, key, NULL, NULL, 0);
	event_cancel(&thief->event);
}

bool fork_wait_stolen(struct fork_worker *worker, struct kin_task **bottom, struct kin_task *task)
{
	for (unsigned round = 0;; round++) {
		uint32_t state = ATOMIC_LOAD(task->state, DEQUE_JOIN);
		if (state != DEQUE_TAKEN)
			return state == DEQUE_RETURNED;
		struct kin_stack *thief = __atomic_load_n(&task->thief, __ATOMIC_RELAXED);
		if (thief && leapfrog(worker, bottom, of(thief), task))
			round = 0;
		else if (round < WAIT_LOOKS)
			relax();
		else if (round < WAIT_LOOKS + WAIT_YIELDS)
			sched_yield();
		else if (thief)
			sleep_on(of(thief), task);
		else // between its CAS and saying who it is, and not running
			nanosleep(&(struct timespec){ .tv_nsec = 50000 }, NULL);
		if (thief && round == WAIT_LOOKS / 4)
			ask(of(thief));
	}
}

static struct kin_task *try_steal(struct fork_worker *victim)
{
	if (deque_has(&victim->word))
		return steal(victim);
	if (__atomic_load_n(&victim->running, __ATOMIC_RELAXED))
		ask(victim);
	return NULL;
}

void fork_use(struct fork_team *team, unsigned index)
{
	uint32_t used = __atomic_load_n(&team->used, __ATOMIC_RELAXED);
	while (index >= used && !ATOMIC_CAS(team->used, used, index + 1, relaxed))
		;
}

bool fork_help(struct fork_team *team, unsigned index)
{
	if (!fork_team_active(team))
		return false;
	struct fork_worker *worker = &team->workers[index];
	uint32_t used = __atomic_load_n(&team->used, __ATOMIC_RELAXED);
	for (uint32_t i = 0, at = worker->victim; i < used; i++, at++) {
		if (at >= used)
			at = 0;
		if (at == index)
			continue;
		struct kin_task *task = try_steal(&team->workers[at]);
		if (task) {
			worker->victim = at;
			fork_use(team, index);
			run_stolen(worker, worker->base, task);
			return true;
		}
	}
	return false;
}

uint64_t fork_team_steals(const struct fork_team *team)
{
	uint64_t steals = 0;
	for (unsigned i = 0; i < team->slots; i++)
		steals += __atomic_load_n(&team->workers[i].steals, __ATOMIC_RELAXED);
	return steals;
}

static size_t round_up(size_t size)
{
	return (size + PAGE - 1) & ~(size_t)(PAGE - 1);
}

/* Address space only: pages come when slots are used. Where even that is scarce, with fewer slots each. */
static char *map(size_t head, unsigned slots, uint32_t *ret_capacity, size_t *ret_size)
{
	for (uint32_t capacity = FORK_CAPACITY; capacity >= 256; capacity /= 4) {
		size_t size = head + slots * round_up(capacity * sizeof(struct kin_task *));
		void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		if (memory == MAP_FAILED)
			continue;
		madvise(memory, size, MADV_NOHUGEPAGE);
		*ret_capacity = capacity;
		*ret_size = size;
		return memory;
	}
	return NULL;
}

static void worker_init(
	struct fork_worker *worker, struct fork_team *team, unsigned index, char *slots, uint32_t capacity)
{
	worker->base = (struct kin_task **)slots;
	worker->end = worker->base + capacity;
	worker->team = team->slots > 1 ? team : NULL;
	worker->victim = index ? 0 : 1;
	worker->pub.ceiling = worker->team ? NULL : worker->end;
	worker->pub.floor = worker->base;
}

int fork_team_create(struct fork_team **ret_team, unsigned slots, fork_bell *bell, void *data)
{
	const size_t workers = round_up(sizeof(struct fork_team));
	const size_t head = workers + round_up(slots * sizeof(struct fork_worker));
	uint32_t capacity;
	size_t size;
	char *memory = map(head, slots, &capacity, &size);
	if (!memory)
		return -ENOMEM;
	struct fork_team *team = (struct fork_team *)memory;
	*team = (struct fork_team){ .slots = slots, .bell = bell, .data = data, .size = size };
	team->workers = (struct fork_worker *)(memory + workers);
	for (unsigned i = 0; i < slots; i++)
		worker_init(&team->workers[i], team, i,
			memory + head + i * round_up(capacity * sizeof(struct kin_task *)), capacity);
	*ret_team = team;
	return 0;
}

void fork_team_destroy(struct fork_team *team)
{
	if (team)
		munmap(team, team->size);
}
