"""Programs that come at a bad moment or mean harm: kin neither breaks, nor lies, nor changes what they do."""

import os

import pytest

import harness
from harness import nobody, nothing_left, place  # fixtures


@pytest.fixture
def build(place):
    """Build a program of a test's own."""
    compiler = harness.need("gcc")

    def built(source, name="program"):
        path = os.path.join(place, name)
        done = harness.run([compiler, "-D_GNU_SOURCE", "-O1", "-pthread", "-x", "c", "-", "-o", path], input=source.encode())
        assert done.returncode == 0, done.stderr.decode()
        return path

    return built


STOPPED_WHILE_MAKING_THREADS = r"""
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static volatile struct { int made; unsigned long turns; } *seen;
static void *turn(void *argument)
{
	for (;; usleep(500))
		__atomic_add_fetch(&seen->turns, 1, __ATOMIC_RELAXED);
	return argument;
}
static void make_threads(void)
{
	pthread_t thread;
	for (seen->made = 0; seen->made < 60; seen->made++)
		pthread_create(&thread, NULL, turn, NULL);
	for (;;)
		pause();
}
static int stands_still(void)
{
	for (int tries = 0; tries < 100; tries++) {
		unsigned long turns = seen->turns;
		usleep(20000);
		if (turns == seen->turns)
			return 1;
	}
	return 0;
}
int main(void)
{
	int bad = 0;
	seen = mmap(NULL, sizeof *seen, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int i = 0; i < 40 && !bad; i++) {
		seen->made = 0;
		pid_t pid = fork();
		if (pid == 0)
			make_threads();
		while (seen->made < i)
			;
		kill(pid, SIGSTOP);
		waitpid(pid, NULL, WUNTRACED);
		bad = !stands_still();
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	if (bad)
		puts("a thread runs in a stopped process");
	return bad;
}
"""


def test_thread_born_into_a_stop_stops_too(build):
    done = harness.kin_run("-q", "--", build(STOPPED_WHILE_MAKING_THREADS))
    assert (done.returncode, done.stdout) == (0, b"")


CUT_SHORT = r"""
#include <sys/wait.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	if (argc > 2)
		return 1;
	/* argv[1] is a copy of this program, made long: it fails, and is cut short while kin looks into it. */
	if (truncate(argv[1], 200 << 20) < 0)
		return 2;
	pid_t pid = fork();
	if (pid == 0) {
		execl(argv[1], argv[1], "and", "fail", NULL);
		_exit(3);
	}
	pid_t cutter = fork();
	if (cutter == 0) {
		while (truncate(argv[1], 199 << 20) < 0)
			; /* as long as it runs */
		for (long size = 198 << 20; size > 0; size -= 1 << 20, usleep(200))
			if (truncate(argv[1], size) < 0)
				_exit(4);
		_exit(0);
	}
	int status, cut;
	waitpid(pid, &status, 0);
	waitpid(cutter, &cut, 0);
	return WEXITSTATUS(status) == 1 ? WEXITSTATUS(cut) : 5;
}
"""


def test_program_cut_short_while_kin_reads_it(build, place):
    build(CUT_SHORT, "victim")
    done = harness.kin_run("-q", "--", build(CUT_SHORT), os.path.join(place, "victim"))
    assert done.returncode == 0, done.stderr
