/* signals KIND: tasks that end by a signal, stop by one, or answer to them. */
#include "load.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static int ended_by(pid_t pid, int signo)
{
	int status = load_reap(pid);
	return WIFSIGNALED(status) && WTERMSIG(status) == signo ? 0 : 1;
}

static void fault(void)
{
	volatile int *nowhere = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	*nowhere = 1;
}

static int segv(int argc, char **argv)
{
	pid_t pid = fork();
	if (pid == 0)
		fault();
	return ended_by(pid, SIGSEGV);
}

static int segv_self(int argc, char **argv)
{
	fault();
	return 1;
}

static int abort_child(int argc, char **argv)
{
	struct rlimit limit;
	getrlimit(RLIMIT_CORE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_CORE, &limit);
	pid_t pid = fork();
	if (pid == 0)
		abort();
	return ended_by(pid, SIGABRT);
}

static int kill_self(int argc, char **argv)
{
	int signo = argc > 0 ? atoi(argv[0]) : SIGTERM;
	signal(signo, SIG_DFL);
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, signo);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), signo);
	return 1;
}

static int by_sibling(int argc, char **argv)
{
	pid_t victim = fork();
	if (victim == 0)
		for (;;)
			pause();
	pid_t killer = fork();
	if (killer == 0)
		_exit(kill(victim, SIGKILL) == 0 ? 0 : 1);
	return ended_by(victim, SIGKILL) || load_reap(killer) != 0;
}

static int by_timer(int argc, char **argv)
{
	pid_t pid = fork();
	if (pid == 0) {
		signal(SIGALRM, SIG_DFL);
		ualarm(1000, 0);
		for (;;)
			pause();
	}
	return ended_by(pid, SIGALRM);
}

/* a group of threads ended by a signal that one of them sends to the process */
static void *send_term(void *argument)
{
	kill(getpid(), SIGTERM);
	for (;;)
		pause();
	return argument;
}

static int threads(int argc, char **argv)
{
	pid_t pid = fork();
	if (pid == 0) {
		pthread_t thread;
		signal(SIGTERM, SIG_DFL);
		pthread_create(&thread, NULL, send_term, NULL);
		for (;;)
			pause();
	}
	return ended_by(pid, SIGTERM);
}

/* stops itself; its child waits until it is seen stopped, then sends SIGCONT */
static int stop_self(int argc, char **argv)
{
	pid_t pid = fork();
	if (pid == 0) {
		char path[64], state = 0;
		snprintf(path, sizeof path, "/proc/%d/stat", getppid());
		while (state != 'T' && state != 't') {
			FILE *file = fopen(path, "r");
			if (!file || fscanf(file, "%*d %*s %c", &state) != 1)
				_exit(1);
			fclose(file);
			usleep(500);
		}
		_exit(kill(getppid(), SIGCONT) == 0 ? 0 : 1);
	}
	raise(SIGSTOP);
	return load_reap(pid) == 0 ? 0 : 1;
}

/* stops a child, sees it stopped by waitpid, lets it go on, sees that, and sees it end */
static int stop_child(int argc, char **argv)
{
	int status, gate[2];
	if (pipe(gate) < 0)
		load_die("pipe");
	pid_t pid = fork();
	if (pid == 0) {
		close(gate[1]);
		raise(SIGSTOP);
		load_wait_closed(gate[0]);
		_exit(4);
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGSTOP)
		return 1;
	kill(pid, SIGCONT);
	if (waitpid(pid, &status, WCONTINUED) != pid || !WIFCONTINUED(status))
		return 1;
	close(gate[1]);
	return WEXITSTATUS(load_reap(pid)) == 4 ? 0 : 1;
}

static volatile sig_atomic_t seen;

static void count(int signo, siginfo_t *info, void *context)
{
	if (info->si_pid == getpid() && info->si_value.sival_int == seen)
		seen++;
}

/* N queued signals with values: none is lost, none comes twice, the order stays */
static int queued(int argc, char **argv)
{
	int n = argc > 0 ? atoi(argv[0]) : 100;
	struct sigaction action = { .sa_sigaction = count, .sa_flags = SA_SIGINFO };
	sigaction(SIGRTMIN + 1, &action, NULL);
	for (int i = 0; i < n; i++)
		if (sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = i }) < 0)
			load_die("sigqueue");
	return seen == n ? 0 : 1;
}

static void say(int signo)
{
	char line[32];
	int length = snprintf(line, sizeof line, "signal %d\n", signo);
	if (write(STDOUT_FILENO, line, length) < 0)
		_exit(1);
	if (signo == SIGTERM)
		_exit(33);
}

/* says "ready", then names every signal that comes; SIGTERM ends it with status 33 */
static int catcher(int argc, char **argv)
{
	static const int caught[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGCONT, SIGWINCH };
	struct sigaction action = { .sa_handler = say };
	sigfillset(&action.sa_mask);
	for (size_t i = 0; i < sizeof caught / sizeof *caught; i++)
		sigaction(caught[i], &action, NULL);
	if (write(STDOUT_FILENO, "ready\n", 6) < 0)
		return 1;
	for (;;)
		pause();
}

static const struct kind kinds[] = {
	{ "segv", segv },
	{ "segv-self", segv_self },
	{ "abort", abort_child },
	{ "kill-self", kill_self },
	{ "by-sibling", by_sibling },
	{ "by-timer", by_timer },
	{ "threads", threads },
	{ "stop-self", stop_self },
	{ "stop-child", stop_child },
	{ "queued", queued },
	{ "catcher", catcher },
};

int main(int argc, char **argv)
{
	return load_main(kinds, sizeof kinds / sizeof *kinds, argc, argv);
}
