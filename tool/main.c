/* kin: the command. A table of subcommands and nothing else. */
#include "cmd/cmd.h"
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const struct command *const commands[] = { &cmd_run, &cmd_expect, &cmd_report, &cmd_sum, &cmd_min,
	&cmd_max, &cmd_mean, &cmd_sort };
#define N_COMMANDS (sizeof commands / sizeof *commands)

static const struct command *find(const char *name)
{
	for (size_t i = 0; i < N_COMMANDS; i++)
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	return NULL;
}

static void print_command(const struct command *command)
{
	printf("usage: kin %s %s\n\n%s.\n\n%s", command->name, command->arguments, command->purpose,
		command->help);
}

static int help(const char *name)
{
	if (name) {
		const struct command *command = find(name);
		if (!command)
			return cmd_fail(2, "help", "there is no command '%s'; 'kin help' lists them", name);
		print_command(command);
		return cmd_close_stdout("help");
	}
	printf("usage: kin COMMAND [ARGUMENT...]\n\n"
	       "Shows processes, threads and the memory they share.\n\n");
	for (size_t i = 0; i < N_COMMANDS; i++)
		printf("  %-8s %s\n", commands[i]->name, commands[i]->purpose);
	printf("  %-8s %s\n  %-8s %s\n\n'kin help COMMAND' and 'man kin-COMMAND' tell the rest.\n", "help",
		"Show this text, or a command's options", "version", "Show kin's version");
	return cmd_close_stdout("help");
}

/*
 * A standard descriptor that is closed must not be given to a file kin opens, or messages would go there. What stands
 * in for it closes at the program's exec, so that the program finds it closed.
 */
static void reserve_standard_descriptors(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDWR | O_CLOEXEC) < 0)
			return;
}

int main(int argc, char **argv)
{
	reserve_standard_descriptors();
	if (argc < 2) {
		fprintf(stderr, "kin: no command given; 'kin help' lists them\n");
		return 2;
	}
	const char *name = argv[1];
	if (strcmp(name, "help") == 0 || strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0)
		return help(argc > 2 ? argv[2] : NULL);
	if (strcmp(name, "version") == 0 || strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) {
		printf("kin %s\n", KIN_VERSION);
		return cmd_close_stdout("version");
	}
	const struct command *command = find(name);
	if (!command) {
		fprintf(stderr,
			"kin: there is no command '%s'; 'kin help' lists them, 'kin run %s' runs a program\n",
			name, name);
		return 2;
	}
	if (argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0)) {
		print_command(command);
		return cmd_close_stdout(command->name);
	}
	return command->run(argc - 1, argv + 1);
}
