/* execs KIND: programs started in every way, and attempts that fail. */
#include "load.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>

static char *plain_argv[] = { "true", "plain", NULL };

static int all_made[2];

static void *exec_now(void *argument)
{
	load_wait_closed(all_made[0]);
	execl("/bin/true", "true", "from-a-thread", NULL);
	return argument;
}

static void *sleep_on(void *argument)
{
	for (;;)
		pause();
	return argument;
}

/* a thread that is not the leader calls exec while others, and the leader, are asleep */
static int from_thread(int argc, char **argv)
{
	pthread_t threads[4];
	if (pipe(all_made) < 0)
		load_die("pipe");
	for (int i = 0; i < 4; i++)
		if ((errno = pthread_create(&threads[i], NULL, i == 2 ? exec_now : sleep_on, NULL)))
			load_die("pthread_create");
	close(all_made[1]);
	sleep_on(NULL);
	return 1;
}

static int failed(int argc, char **argv)
{
	execl("/nonexistent/program", "program", "one", NULL);
	if (errno != ENOENT)
		return 1;
	execl("/etc/passwd", "passwd", NULL);
	if (errno != EACCES)
		return 1;
	execl("/", "root", NULL);
	if (errno != EACCES)
		return 1;
	execv("/bin/true", plain_argv);
	return 1;
}

static int only_failed(int argc, char **argv)
{
	execl("/nonexistent/program", "program", "one", "two", NULL);
	return errno == ENOENT ? 0 : 1;
}

static int by_fd(int argc, char **argv)
{
	int fd = open("/bin/true", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		load_die("/bin/true");
	syscall(SYS_execveat, fd, "", plain_argv, environ, AT_EMPTY_PATH);
	return LOAD_CANNOT;
}

static int by_directory(int argc, char **argv)
{
	int fd = open("/bin", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		load_die("/bin");
	syscall(SYS_execveat, fd, "true", plain_argv, environ, 0);
	return LOAD_CANNOT;
}

/* 1 MiB: sixteen arguments of 64 KiB, each of its own letter */
static int big_argv(int argc, char **argv)
{
	static char arguments[16][65536];
	char *list[18] = { "true" };
	for (int i = 0; i < 16; i++) {
		memset(arguments[i], 'a' + i, sizeof arguments[i] - 1);
		list[i + 1] = arguments[i];
	}
	execv("/bin/true", list);
	load_die("execv");
}

static int many_argv(int argc, char **argv)
{
	int count = argc > 0 ? atoi(argv[0]) : 20000;
	char **list = calloc(count + 2, sizeof *list);
	if (!list)
		load_die("calloc");
	list[0] = "true";
	for (int i = 1; i <= count; i++)
		list[i] = "x";
	execv("/bin/true", list);
	load_die("execv");
}

static int odd_argv(int argc, char **argv)
{
	char *list[] = { "true", "", "new\nline", "tab\there", "quote\"s'", "back\\slash",
		"not UTF-8: \xff\xfe\x80", "caf\xc3\xa9", "\x1b[31mred\x07", "\x01\x7f", "{\"json\":[1,2]}",
		"", NULL };
	execv("/bin/true", list);
	return 1;
}

static int empty_argv(int argc, char **argv)
{
	char *none[] = { NULL };
	execve("/bin/true", none, environ);
	return LOAD_CANNOT;
}

static int in_directory(int argc, char **argv)
{
	if (chdir("/bin") < 0)
		load_die("/bin");
	execl("./true", "true", "relative", NULL);
	return 1;
}

/* N programs in one process: itself, again and again; the last ends with status 3 */
static int chain(int argc, char **argv)
{
	int left = argc > 0 ? atoi(argv[0]) : 3;
	if (left == 0)
		return 3;
	char text[16];
	snprintf(text, sizeof text, "%d", left - 1);
	execl("/proc/self/exe", "execs", "chain", text, NULL);
	return 1;
}

static int environment(int argc, char **argv)
{
	pid_t pid = fork();
	if (pid == 0) {
		setenv("KIN_LOAD_SET", "new value", 1);
		setenv("KIN_LOAD_CHANGED", "after", 1);
		unsetenv("KIN_LOAD_GONE");
		execv("/bin/true", plain_argv);
		_exit(127);
	}
	return load_reap(pid) == 0 ? 0 : 1;
}

static int path_search(int argc, char **argv)
{
	setenv("PATH", "/nonexistent:/proc/self:/bin", 1);
	execvp("true", plain_argv);
	return 1;
}

/* run what is given, as it is given: scripts, set-user-ID programs */
static int run(int argc, char **argv)
{
	execv(argv[0], argv);
	load_die(argv[0]);
}

static const struct kind kinds[] = {
	{ "from-thread", from_thread },
	{ "failed", failed },
	{ "only-failed", only_failed },
	{ "by-fd", by_fd },
	{ "by-directory", by_directory },
	{ "big-argv", big_argv },
	{ "many-argv", many_argv },
	{ "odd-argv", odd_argv },
	{ "empty-argv", empty_argv },
	{ "in-directory", in_directory },
	{ "chain", chain },
	{ "environment", environment },
	{ "path-search", path_search },
	{ "run", run },
};

int main(int argc, char **argv)
{
	return load_main(kinds, sizeof kinds / sizeof *kinds, argc, argv);
}
