/* state: what a program inherits from the one that starts it, one "key: value" a line, to be compared. */
#include "load.h"

#include <dirent.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/time.h>

static void print_status(void)
{
	static const char *const wanted[] = { "Umask", "Uid", "Gid", "Groups", "SigQ", "SigPnd", "ShdPnd",
		"SigBlk", "SigIgn", "SigCgt", "Cap", "NoNewPrivs", "Seccomp", "Cpus_allowed_list",
		"Mems_allowed_list", "NStgid", "CoreDumping", "THP_enabled", "Speculation" };
	char line[4096];
	FILE *file = fopen("/proc/self/status", "re");
	while (file && fgets(line, sizeof line, file))
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
			if (strncmp(line, wanted[i], strlen(wanted[i])) == 0 &&
				strncmp(line, "SigQ", 4) != 0 && strncmp(line, "NStgid", 6) != 0)
				fputs(line, stdout);
	if (file)
		fclose(file);
}

static void print_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int own = dirfd(directory);
	for (struct dirent *entry; (entry = readdir(directory));) {
		char target[4096];
		int fd = atoi(entry->d_name);
		ssize_t length = readlinkat(own, entry->d_name, target, sizeof target - 1);
		if (entry->d_name[0] == '.' || fd == own || length < 0)
			continue;
		target[length] = 0;
		printf("fd %d: %s, flags %#o, descriptor flags %d\n", fd, target, fcntl(fd, F_GETFL),
			fcntl(fd, F_GETFD));
	}
	closedir(directory);
}

static void print_limits(void)
{
	char line[256];
	FILE *file = fopen("/proc/self/limits", "re");
	while (file && fgets(line, sizeof line, file))
		printf("limit: %s", line);
	if (file)
		fclose(file);
}

static void print_one_line(const char *path)
{
	char line[1024] = "";
	FILE *file = fopen(path, "re");
	if (file && fgets(line, sizeof line, file))
		printf("%s: %s%s", path, line, strchr(line, '\n') ? "" : "\n");
	if (file)
		fclose(file);
}

static void print_process(int argc, char **argv)
{
	char cwd[4096];
	struct sched_param parameter = { 0 };
	int death_signal = 0, subreaper = 0;
	struct itimerval timer = { 0 };
	prctl(PR_GET_PDEATHSIG, &death_signal);
	prctl(PR_GET_CHILD_SUBREAPER, &subreaper);
	sched_getparam(0, &parameter);
	getitimer(ITIMER_REAL, &timer);
	printf("cwd: %s\n", getcwd(cwd, sizeof cwd) ? cwd : "?");
	printf("personality: %#x\n", personality(0xffffffff));
	printf("group leader: %d, session leader: %d, own session: %d\n", getpgrp() == getpid(),
		getsid(0) == getpid(), getsid(0) != getsid(getppid()));
	printf("group: %d, session: %d\n", getpgrp(), getsid(0));
	printf("terminal: %d %d %d, foreground: %d\n", isatty(0), isatty(1), isatty(2),
		isatty(0) ? tcgetpgrp(0) == getpgrp() : -1);
	printf("nice: %d, policy: %d, priority: %d\n", getpriority(PRIO_PROCESS, 0), sched_getscheduler(0),
		parameter.sched_priority);
	printf("death signal: %d, subreaper: %d, dumpable: %d, keep caps: %d, timer slack: %d, timer: %ld\n",
		death_signal, subreaper, prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS),
		prctl(PR_GET_TIMERSLACK), timer.it_value.tv_sec + timer.it_value.tv_usec);
	printf("securebits: %#x, ids: %d %d %d %d\n", prctl(PR_GET_SECUREBITS), getuid(), geteuid(), getgid(),
		getegid());
	for (int i = 0; i < argc; i++)
		printf("argument %d: %s\n", i, argv[i]);
	for (char **variable = environ; *variable; variable++)
		printf("environment: %s\n", *variable);
}

int main(int argc, char **argv)
{
	print_process(argc, argv);
	print_status();
	print_files();
	print_limits();
	print_one_line("/proc/self/oom_score_adj");
	print_one_line("/proc/self/coredump_filter");
	print_one_line("/proc/self/cgroup");
	print_one_line("/proc/self/autogroup");
	print_one_line("/proc/self/comm");
	for (int signo = 1; signo <= SIGRTMAX; signo++) {
		struct sigaction action;
		if (sigaction(signo, NULL, &action) == 0 && action.sa_handler != SIG_DFL)
			printf("disposition: signal %d is %s\n", signo,
				action.sa_handler == SIG_IGN ? "ignored" : "caught");
	}
	return 0;
}
