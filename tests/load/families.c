/* families KIND: who outlives whom: daemons, orphans, leaders that end before their threads, tracers. */
#include "load.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

/* fork, setsid, fork again: the classic daemon. It ends, with status 6, after the program that started it */
static int daemonize(int argc, char **argv)
{
	int starter[2];
	if (pipe(starter) < 0)
		load_die("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		setsid();
		if (fork() != 0)
			_exit(0);
		close(starter[1]);
		load_wait_closed(starter[0]);
		_exit(6);
	}
	return load_reap(pid) == 0 ? 0 : 1;
}

/* leaves a child behind that reads from FIFO until its last writer closes it, then ends with status 4 */
static int linger(int argc, char **argv)
{
	if (argc < 1)
		return 2;
	int opened[2];
	if (pipe(opened) < 0)
		load_die("pipe");
	if (fork() == 0) {
		close(opened[0]);
		int fd = open(argv[0], O_RDONLY);
		close(opened[1]);
		load_wait_closed(fd);
		_exit(4);
	}
	close(opened[1]);
	load_wait_closed(opened[0]);
	return 0;
}

/* the grandchild is adopted by the program itself */
static int subreaper(int argc, char **argv)
{
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return LOAD_CANNOT;
	pid_t self = getpid(), pid = fork();
	if (pid == 0) {
		if (fork() == 0) {
			while (getppid() != self)
				usleep(500);
			_exit(6);
		}
		_exit(3);
	}
	int sum = 0;
	for (int status; wait(&status) > 0;)
		sum += WEXITSTATUS(status);
	return sum == 9 ? 0 : 1;
}

static bool is_zombie(pid_t tgid, pid_t tid)
{
	char path[64], state = 0;
	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", tgid, tid);
	FILE *file = fopen(path, "r");
	if (!file)
		return false;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state == 'Z' || state == 'X';
}

static void *after_the_leader(void *group)
{
	while (!is_zombie(getpid(), getpid()))
		usleep(500);
	if (group)
		_exit(8);
	syscall(SYS_exit, 4);
	return NULL;
}

static void *idle(void *argument)
{
	for (;;)
		pause();
	return argument;
}

/* the leader ends with status 3, its thread later with 4: whose is the process's, the kernel decides */
static int leader_first(int argc, char **argv)
{
	pthread_t thread;
	pthread_create(&thread, NULL, after_the_leader, NULL);
	syscall(SYS_exit, 3);
	return 1;
}

/* the leader ends, then a thread ends the whole process with status 8 while another sleeps */
static int leader_first_group(int argc, char **argv)
{
	pthread_t threads[2];
	pthread_create(&threads[0], NULL, idle, NULL);
	pthread_create(&threads[1], NULL, after_the_leader, threads);
	syscall(SYS_exit, 3);
	return 1;
}

static volatile pid_t thread_tid;

static void *exit_alone(void *argument)
{
	thread_tid = gettid();
	syscall(SYS_exit, 9);
	return argument;
}

/* a thread ends by itself, with a status of its own, while the leader lives on */
static int thread_exit(int argc, char **argv)
{
	pthread_t thread;
	char path[64];
	pthread_create(&thread, NULL, exit_alone, NULL);
	while (thread_tid == 0)
		usleep(100);
	snprintf(path, sizeof path, "/proc/self/task/%d", thread_tid);
	while (access(path, F_OK) == 0)
		usleep(100);
	return 0;
}

/* _exit by the leader while threads live */
static int exit_over_threads(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 3;
	for (int i = 0; i < n; i++) {
		pthread_t thread;
		pthread_create(&thread, NULL, idle, NULL);
	}
	_exit(12);
}

/* asks to be traced by its parent: refused where somebody traces it already */
static int traceme(int argc, char **argv)
{
	pid_t pid = fork();
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
			_exit(errno == EPERM ? 1 : 2);
		_exit(0);
	}
	int status = load_reap(pid);
	printf("PTRACE_TRACEME %s\n", status == 0 ? "works" : "refused");
	return 0;
}

/* a vfork child that calls vfork, N deep; each but the program itself ends with status 7 */
static int vfork_chain(int argc, char **argv)
{
	/* one frame for all of them: a child changes nothing that its suspended makers need, but the count */
	static volatile int left;
	left = argc > 0 ? atoi(argv[0]) : 5;
	pid_t pid = vfork();
	if (pid == 0) {
		while (--left > 0)
			if (vfork() != 0)
				_exit(7);
		_exit(7);
	}
	return WEXITSTATUS(load_reap(pid)) == 7 ? 0 : 1;
}

static int grow(int depth, int width)
{
	for (int i = 0; depth > 0 && i < width; i++) {
		pid_t pid = fork();
		if (pid < 0)
			load_die("fork");
		if (pid == 0)
			_exit(grow(depth - 1, width));
	}
	int failed = 0;
	for (int status; wait(&status) > 0;)
		failed |= status != 0 && WEXITSTATUS(status) != depth - 1;
	return failed ? 99 : depth;
}

/* DEPTH generations of WIDTH children each; the status of each is the generations below it */
static int tree(int argc, char **argv)
{
	int depth = argc > 0 ? atoi(argv[0]) : 3, width = argc > 1 ? atoi(argv[1]) : 3;
	return grow(depth, width) == depth ? 0 : 1;
}

/* N children alive at the same time */
static int crowd(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 10, gate[2];
	if (pipe(gate) < 0)
		load_die("pipe");
	for (int i = 0; i < n; i++) {
		pid_t pid = fork();
		if (pid < 0)
			load_die("fork");
		if (pid == 0) {
			close(gate[1]);
			load_wait_closed(gate[0]);
			_exit(i % 200);
		}
	}
	close(gate[1]);
	int ended = 0;
	while (wait(NULL) > 0)
		ended++;
	return ended == n ? 0 : 1;
}

static void *named_thread(void *barrier)
{
	prctl(PR_SET_NAME, "worker-one");
	prctl(PR_SET_NAME, "worker-two");
	return barrier;
}

/* names set by the tasks themselves, one with bytes that need quoting */
static int names(int argc, char **argv)
{
	pthread_t thread;
	pthread_create(&thread, NULL, named_thread, NULL);
	pthread_join(thread, NULL);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_NAME, "a\"b\n\\c\xff");
		_exit(0);
	}
	load_reap(pid);
	prctl(PR_SET_NAME, "renamed (main)");
	return 0;
}

static void *fork_from_thread(void *argument)
{
	pid_t pid = fork();
	if (pid == 0)
		_exit(5);
	return WEXITSTATUS(load_reap(pid)) == 5 ? argument : NULL;
}

/* a thread forks: the maker is the thread, the parent the process */
static int from_thread(int argc, char **argv)
{
	pthread_t thread;
	void *result = NULL;
	pthread_create(&thread, NULL, fork_from_thread, &result);
	pthread_join(thread, &result);
	return result ? 0 : 1;
}

static const struct kind kinds[] = {
	{ "daemon", daemonize },
	{ "linger", linger },
	{ "subreaper", subreaper },
	{ "leader-first", leader_first },
	{ "leader-first-group", leader_first_group },
	{ "thread-exit", thread_exit },
	{ "exit-over-threads", exit_over_threads },
	{ "traceme", traceme },
	{ "vfork-chain", vfork_chain },
	{ "tree", tree },
	{ "crowd", crowd },
	{ "names", names },
	{ "from-thread", from_thread },
};

int main(int argc, char **argv)
{
	return load_main(kinds, sizeof kinds / sizeof *kinds, argc, argv);
}
