"""Programs that come at a bad moment or mean harm: kin neither breaks, nor lies, nor changes what they do."""

import os
import signal
import struct

import pytest

import harness
from harness import nothing_left, place  # fixtures

MACHINES = {"x86_64": 62, "aarch64": 183}


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
		return write(STDOUT_FILENO, "", 1) == 1;
	/* argv[1] is a copy of this program, made long: it fails, and is cut short while kin looks into it. */
	if (truncate(argv[1], 200 << 20) < 0)
		return 2;
	int runs[2];
	char byte;
	if (pipe(runs) < 0)
		return 3;
	pid_t pid = fork();
	if (pid == 0) {
		dup2(runs[1], STDOUT_FILENO);
		execl(argv[1], argv[1], "and", "fail", NULL);
		_exit(3);
	}
	pid_t cutter = fork();
	if (cutter == 0) {
		if (read(runs[0], &byte, 1) != 1)
			_exit(6);
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


MANY_LONG_ARGUMENTS = r"""
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
int main(void)
{
	enum { MANY = 100000, LONG = 1 << 20 };
	char *string = malloc(LONG + 1), **argv = calloc(MANY + 1, sizeof *argv);
	memset(string, 'a', LONG);
	string[LONG] = '\0';
	for (int i = 0; i < MANY; i++)
		argv[i] = string;
	execv("/bin/true", argv);
	return errno == E2BIG ? 0 : 1;
}
"""


def test_arguments_of_nonsense_have_a_bound(build, place):
    path, limited = os.path.join(place, "r"), ["/bin/sh", "-c", 'ulimit -v 2000000 && exec "$@"', "sh", harness.KIN]
    if harness.run([*limited, "version"]).returncode:
        pytest.skip("this build of kin needs more address space than that (AddressSanitizer)")
    done = harness.run([*limited, "run", "--failed", "--json", "-o", path,
                        "--", build(MANY_LONG_ARGUMENTS)])
    assert done.returncode == 0, done.stderr
    failed = harness.recording.load(path).of("failed")
    assert [event["error"] for event in failed] == ["E2BIG"]
    assert 1 << 20 < os.path.getsize(path) < 64 << 20


FAILED_KILL = r"""
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	int ready[2];
	char byte;
	if (pipe(ready) < 0)
		return 1;
	pid_t pid = fork();
	if (pid == 0) {
		if (setuid(1) < 0 || write(ready[1], "", 1) != 1)
			return 2;
		pause();
	}
	if (read(ready[0], &byte, 1) != 1)
		return 3;
	pid_t stranger = fork();
	if (stranger == 0)
		_exit(setuid(2) < 0 || kill(pid, SIGKILL) == 0 ? 4 : 0);
	int status;
	if (waitpid(stranger, &status, 0) != stranger || status != 0)
		return 5;
	/* A group's kill is not ascribed to its sender: what is left to be believed is the call that failed. */
	setpgid(pid, pid);
	kill(-pid, SIGKILL);
	return waitpid(pid, &status, 0) == pid && WTERMSIG(status) == SIGKILL ? 0 : 6;
}
"""


@harness.needs_root
def test_who_was_not_allowed_to_kill_is_not_the_killer(build, place):
    seen, done = harness.record([build(FAILED_KILL)], os.path.join(place, "r"), ["--failed"])
    assert done.returncode == 0, done.stderr
    victim, stranger = seen.root.children
    assert victim.end == ("signal", "SIGKILL")
    assert victim.exit.get("killer", {}).get("task") != stranger.number


def test_killed_is_not_out_of_memory(place):
    """What the machine did before kin began is not this program's."""
    seen, done = harness.record(["/bin/sh", "-c", "kill -KILL $$"], os.path.join(place, "r"))
    assert done.returncode == 137
    assert "oom" not in seen.root.exit


def broken_program(path):
    """A program whose one segment belongs where only the kernel may be: found out when the old program is gone."""
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\2\1\1" + b"\0" * 9, 2, MACHINES[os.uname().machine], 1, 0x400078, 64, 0, 0,
                         64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 5, 0, 0xFFFF800000000000, 0, 0x1000, 0x1000, 0x1000)
    with open(path, "wb") as file:
        file.write(header + segment + b"\0" * 4096)
    os.chmod(path, 0o755)


@pytest.mark.skipif(os.uname().machine not in MACHINES, reason="no broken program for this machine")
def test_program_that_ends_before_it_runs(place):
    path = os.path.join(place, "broken")
    broken_program(path)
    plain = harness.run([path])
    assert plain.returncode < 0
    done = harness.kin_run(path)
    assert done.returncode == 128 - plain.returncode
    assert done.stderr.decode() == "kin run: %s: ended by %s before it could run\n" % (path, signal.Signals(-plain.returncode).name)


@harness.needs_root
def test_numbers_without_proc(place):
    """Without /proc a task's own numbers cannot be told from its children's: then none are given."""
    unshare = harness.need("unshare")
    path = os.path.join(place, "r")
    done = harness.run([unshare, "-m", "/bin/sh", "-c", 'umount -l /proc && exec "$@"', "sh", harness.KIN, "run", "--json", "-o", path,
                        "--", "/bin/sh", "-c", "/bin/true; exit 3"])
    if not os.path.exists(path):
        pytest.skip(done.stderr.decode())
    seen = harness.recording.load(path)
    assert seen.root.end == ("exit", 3)
    assert "minor" not in seen.root.exit and "minor" in seen.root.children[0].exit


STOPS_WITHOUT_END = r"""
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
int main(void)
{
	enum { LOUD = 40 };
	pid_t loud[LOUD];
	/* The first born is the last that the kernel tells of. */
	pid_t quiet = fork();
	if (quiet == 0) {
		for (int i = 0; i < 200; i++) {
			pid_t pid = fork();
			if (pid == 0)
				_exit(0);
			waitpid(pid, NULL, 0);
		}
		_exit(0);
	}
	for (int i = 0; i < LOUD; i++) {
		loud[i] = fork();
		if (loud[i] == 0) {
			signal(SIGUSR1, SIG_IGN);
			for (;;)
				raise(SIGUSR1);
		}
	}
	waitpid(quiet, NULL, 0);
	for (int i = 0; i < LOUD; i++)
		kill(loud[i], SIGKILL);
	for (int i = 0; i < LOUD; i++)
		waitpid(loud[i], NULL, 0);
	return 0;
}
"""


def test_tasks_that_stop_without_end_leave_others_their_turn(build):
    """Those that the kernel tells of first must not be the only ones: it takes a moment, or for ever."""
    assert harness.kin_run("-q", "--", build(STOPS_WITHOUT_END)).returncode == 0


@pytest.fixture
def unshare():
    """A command that runs another in a PID namespace of its own, /proc left as it is."""
    command = [harness.need("unshare"), "--fork", "--pid"]
    if harness.run([*command, "/bin/true"]).returncode:
        pytest.skip("no PID namespaces here")
    return command


def test_proc_of_another_pid_namespace(unshare, place):
    """Where /proc shows other processes under the same PIDs nothing is taken from it, and kin says so."""
    path = os.path.join(place, "r")
    done = harness.run([*unshare, harness.KIN, "run", "--json", "-o", path, "--", "/bin/sh", "-c", "/bin/true; exit 3"])
    seen = harness.recording.load(path)
    assert done.returncode == 3 and seen.root.end == ("exit", 3)
    assert any("/proc" in text for text in seen.start["unseen"])
    assert not seen.of("name") and not any("cwd" in event or "exe" in event for event in seen.of("exec"))
    assert "minor" not in seen.root.exit and "minor" in seen.root.children[0].exit


def test_senders_in_another_pid_namespace(unshare, place):
    """A sender's PID there is not kin's PID of it: kin names the sender only where it is the task itself."""
    seen, done = harness.record([*unshare, "/bin/sh", "-c", "kill -USR1 $$ & wait; trap '' USR1; kill -USR1 $$; (kill -TERM $$); exit 3"],
                                os.path.join(place, "r"))
    signals = [event for event in seen.of("signal") if event["signal"] in ("SIGUSR1", "SIGTERM")]
    assert len(signals) >= 2
    for event in signals:
        assert "sender" not in event or event["sender"]["task"] == event["task"]
    assert any("sender" in event for event in signals)
