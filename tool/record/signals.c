#include "record/signals.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <sys/time.h>
#include <unistd.h>

/* The last four are not passed on. SIGCHLD: were it ignored, the kernel would reap before kin has looked. */
static const int taken[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP, SIGPIPE,
	SIGCHLD, SIGXFSZ };
#define N_TAKEN (sizeof taken / sizeof *taken)
static_assert(N_TAKEN == sizeof((struct inherited *)0)->actions / sizeof(struct sigaction),
	"struct inherited keeps each signal taken over");

/* Signal handlers have no argument: one recorder at a time in a process. */
static volatile sig_atomic_t program;
static volatile sig_atomic_t stop_asked;
static sigset_t ignored; // by whoever started kin, as nohup does

static void handle(int signo, siginfo_t *info, void *context)
{
	int saved = errno;
	(void)context;
	if (program > 0) {
		/*
		 * From the terminal (SI_KERNEL) the program got its own; a terminal that goes away tells only
		 * its leader, and an alarm set before kin was exec'd would have been the program's.
		 */
		if (info->si_code <= 0 || (signo == SIGHUP && getsid(0) == getpid()) || signo == SIGALRM)
			kill(program, signo);
	} else if (signo == SIGALRM || signo == SIGUSR1 || signo == SIGUSR2) {
		; // kin's own reminder below, and what only the program could have made sense of
	} else if (!sigismember(&ignored, signo)) {
		stop_asked = 1;
		/* Should the signal have come just before a blocking wait: interrupt that too. */
		struct itimerval again = { { 0, 20000 }, { 0, 20000 } };
		setitimer(ITIMER_REAL, &again, NULL);
	}
	errno = saved;
}

static void interrupt(int signo)
{
	(void)signo;
}

int signals_take_over(struct inherited *inherited)
{
	program = stop_asked = 0;
	/* All is read before anything is changed, so that giving back is right from here on. */
	if (sigprocmask(SIG_SETMASK, NULL, &inherited->mask) < 0)
		return -errno;
	for (size_t i = 0; i < N_TAKEN; i++)
		if (sigaction(taken[i], NULL, &inherited->actions[i]) < 0)
			return -errno;
	sigset_t open;
	sigemptyset(&open);
	sigemptyset(&ignored);
	for (size_t i = 0; i < N_TAKEN; i++)
		if (inherited->actions[i].sa_handler == SIG_IGN)
			sigaddset(&ignored, taken[i]);
	for (size_t i = 0; i < N_TAKEN; i++) {
		struct sigaction action = { .sa_flags = SA_SIGINFO, .sa_sigaction = handle };
		sigemptyset(&action.sa_mask);
		if (taken[i] == SIGPIPE || taken[i] == SIGXFSZ)
			action = (struct sigaction){ .sa_handler = SIG_IGN };
		else if (taken[i] == SIGCHLD)
			action = (struct sigaction){ .sa_handler = SIG_DFL };
		else if (taken[i] == SIGTSTP)
			action = (struct sigaction){ .sa_handler = interrupt };
		if (sigaction(taken[i], &action, NULL) < 0)
			goto fail;
		sigaddset(&open, taken[i]);
	}
	if (sigprocmask(SIG_UNBLOCK, &open, NULL) == 0)
		return 0;
	int error;
fail:
	error = -errno;
	signals_give_back(inherited);
	return error;
}

void signals_give_back(const struct inherited *inherited)
{
	struct itimerval none = { 0 };
	setitimer(ITIMER_REAL, &none, NULL);
	for (size_t i = 0; i < N_TAKEN; i++)
		sigaction(taken[i], &inherited->actions[i], NULL);
	sigprocmask(SIG_SETMASK, &inherited->mask, NULL);
}

void signals_release(const struct inherited *inherited)
{
	signals_give_back(inherited);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
}

void signals_pass_on_to(pid_t pid)
{
	program = pid;
}

bool signals_stop_asked(void)
{
	if (!stop_asked)
		return false;
	struct itimerval none = { 0 };
	setitimer(ITIMER_REAL, &none, NULL);
	return true;
}

void signals_stop_self(void)
{
	kill(getpid(), SIGSTOP);
}
