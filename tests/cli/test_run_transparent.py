"""kin run leaves the program as it is: its output, input, status, signals, and everything it inherits."""

import os
import resource
import signal
import subprocess

import pytest

import harness
from harness import KIN, nobody, nothing_left, place  # fixtures

VIEWS = [[], ["--tree"], ["--live"], ["--summary"], ["--json"], ["--all"], ["-v"], ["-q"], ["--env"], ["--failed"], ["--faults"],
         ["--no-stop"]]


def able(options):
    """What a mechanism needs and the kernel may refuse."""
    if options == ["--no-stop"]:
        done = harness.kin_run("--no-stop", "-q", "/bin/true")
        if done.returncode:
            pytest.skip(done.stderr.decode().strip())


@pytest.mark.parametrize("options", VIEWS, ids=" ".join)
def test_output_and_status_are_the_programs(options, place):
    able(options)
    output = os.path.join(place, "report")
    script = "cat; echo to stdout; echo to stderr >&2; exit 41"
    done = harness.kin_run(*options, "-o", output, "--", "/bin/sh", "-c", script, input=b"from stdin\n")
    assert done.stdout == b"from stdin\nto stdout\n"
    assert done.stderr == b"to stderr\n"
    assert done.returncode == 41
    assert ("-q" in options) == (os.path.getsize(output) == 0) if os.path.exists(output) else "-q" in options


def test_report_goes_to_stderr():
    done = harness.kin_run("/bin/sh", "-c", "echo out")
    assert done.stdout == b"out\n"
    assert b"/bin/sh" in done.stderr or b"sh" in done.stderr


@pytest.mark.parametrize("status", [0, 1, 2, 125, 126, 127, 128, 255])
def test_exit_status(status):
    assert harness.kin_run("-q", "/bin/sh", "-c", "exit %d" % status).returncode == status


@pytest.mark.parametrize("signo", [1, 2, 3, 6, 9, 11, 13, 14, 15, 34, 64])
def test_death_by_signal_is_told_as_a_shell_does(signo, place):
    seen, done = harness.record(harness.load("signals", "kill-self", signo) if signo not in (9,) else
                                ["/bin/sh", "-c", "kill -9 $$"], os.path.join(place, "r"))
    assert done.returncode == 128 + signo
    assert seen.root.end[0] == "signal"
    if signo != signal.SIGKILL:  # which never stops at a tracer
        killer = seen.root.exit["killer"]
        assert killer["kernel"] is False and killer["task"] == 1


def state(command, place, options=None, **keywords):
    """What the load `state` prints, its files named alike in every run."""
    out = os.path.join(place, "out")
    with open(out, "wb") as file, open(os.path.join(place, "err"), "wb") as errors, open(os.devnull, "rb") as null:
        prefix = [] if options is None else [KIN, "run", "-o", os.path.join(place, "report"), *options, "--"]
        keywords.setdefault("cwd", place)
        subprocess.run([*prefix, *command], stdin=null, stdout=file, stderr=errors, timeout=harness.TIMEOUT, check=True, **keywords)
    with open(out, encoding="utf-8", errors="surrogateescape") as file:
        return file.read().splitlines()


def nothing():
    pass


def signals_set():
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM, signal.SIGTSTP})
    for signo in (signal.SIGPIPE, signal.SIGCHLD, signal.SIGHUP, signal.SIGTSTP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM):
        signal.signal(signo, signal.SIG_IGN)


def real_time_signals_blocked():
    signal.pthread_sigmask(signal.SIG_BLOCK, set(range(signal.SIGRTMIN, signal.SIGRTMAX + 1)))


def limits():
    os.umask(0o077)
    os.nice(5)
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 100))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 4096))
    resource.setrlimit(resource.RLIMIT_STACK, (1 << 22, 1 << 23))


def descriptors():
    os.dup2(os.open("/", os.O_RDONLY), 9)
    os.dup2(os.open("/dev/zero", os.O_RDWR | os.O_APPEND), 41)


def no_stdin():
    os.close(0)


def no_stderr():
    os.close(2)


def nothing_open():
    os.close(0)
    os.close(2)


def own_session():
    os.setsid()


def real_time():
    os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


@pytest.mark.parametrize("options", [["-q"], ["--live"], ["--json"], ["--faults"], ["--no-stop"]], ids=" ".join)
@pytest.mark.parametrize("prepare", [nothing, signals_set, real_time_signals_blocked, limits, descriptors, no_stdin,
                                     no_stderr, nothing_open, own_session, real_time])
def test_inherits_what_it_would_without_kin(prepare, options, place):
    able(options)
    command = harness.load("state", "an argument", "")
    keywords = {"preexec_fn": prepare, "close_fds": prepare not in (descriptors,)}
    expected = state(command, place, **keywords)
    actual = state(command, place, options, **keywords)
    if prepare is own_session:
        # the one that has a session of its own is kin, and its group's leader too
        changes = ("group leader", "group:", "/proc/self/autogroup")
        expected, actual = ([line for line in lines if not line.startswith(changes)] for lines in (expected, actual))
    assert actual == expected
    assert len(expected) > 60


def test_failed_calls_need_no_new_privs_and_nothing_else(place):
    """--failed installs a filter: the one difference it makes to the program's state."""
    command = harness.load("state")
    expected, actual = state(command, place), state(command, place, ["--failed", "-q"])
    different = {line.split(":")[0] for line in set(expected) ^ set(actual)}
    assert different <= {"NoNewPrivs", "Seccomp", "Seccomp_filters", "Speculation_Store_Bypass", "SpeculationIndirectBranch"}


@pytest.mark.parametrize("close", [[0], [1], [2], [0, 1], [1, 2], [0, 1, 2]])
def test_closed_standard_files(close, place):
    """A closed descriptor stays closed for the program, and no file of kin's takes its place."""
    report = os.path.join(place, "report")
    script = "".join("if [ -e /proc/self/fd/%d ]; then exit %d; fi; " % (fd, 100 + fd) for fd in close) + "exit 7"

    def prepare():
        for fd in close:
            os.close(fd)
    done = harness.kin_run("--json", "-o", report, "--", "/bin/bash", "-c", script, preexec_fn=prepare)
    assert done.returncode == 7
    with open(report, encoding="utf-8") as file:
        assert '"ev":"end"' in file.read()


@pytest.mark.parametrize("options", [[], ["-q"], ["--live"]], ids=" ".join)
def test_stderr_that_nobody_reads(options, place):
    """The program is not disturbed when kin's own report has no reader, as in `kin run ... 2>&1 | head -1`."""
    marker = os.path.join(place, "done")
    read, write = os.pipe()
    os.close(read)
    done = harness.kin_run(*options, "--", "/bin/sh", "-c", "/bin/true; echo well > %s; exit 5" % marker, stderr=write)
    os.close(write)
    assert open(marker, encoding="ascii").read() == "well\n"
    assert done.returncode == 5


def test_binary_input_and_output():
    data = bytes(range(256)) * 5000
    assert harness.kin_run("-q", "/bin/cat", input=data).stdout == data


def test_as_ordinary_user(nobody, place):
    done = nobody.kin_run("-o", os.path.join(place, "report"), "--", "/bin/sh", "-c", "id -u; exit 3")
    assert (done.stdout, done.stderr, done.returncode) == (b"65534\n", b"", 3)
    assert os.path.getsize(os.path.join(place, "report")) > 0


def test_environment_and_directory(place):
    variables = {"ONE": "1", "TWO": "a\nb", "PATH": "/bin:/usr/bin"}
    command = ["/usr/bin/env", "-0"]
    expected = harness.run(command, cwd=place, env=variables).stdout
    assert harness.kin_run("-q", *command, cwd=place, env=variables).stdout == expected
    assert harness.kin_run("-q", "/bin/sh", "-c", "pwd -P", cwd=place).stdout == os.fsencode(place) + b"\n"


def test_no_tracer_without_stops():
    able(["--no-stop"])
    done = harness.kin_run("--no-stop", "-q", "/bin/grep", "TracerPid", "/proc/self/status")
    assert done.stdout == b"TracerPid:\t0\n"
