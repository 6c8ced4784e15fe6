"""What happens to the program when kin is told to end, or is killed."""

import os
import signal
import subprocess

import pytest

import harness
import recording
from harness import KIN, nothing_left, place, wait_until  # fixtures
from test_run_terminal import child_of


def start(arguments, **keywords):
    return subprocess.Popen([KIN, "run", *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            **keywords)


def start_catcher(*options):
    kin = start([*options, "--", *harness.load("signals", "catcher")])
    assert kin.stdout.readline() == b"ready\n"
    return kin, child_of(kin.pid)


def finish(kin):
    kin.wait(30)
    kin.stdout.close()
    kin.stderr.close()


@pytest.mark.parametrize("signo", [signal.SIGTERM, signal.SIGHUP])
def test_signals_to_kin_are_passed_on(signo, place):
    report = os.path.join(place, "report")
    kin, program = start_catcher("--json", "-o", report)
    kin.send_signal(signo)
    assert kin.stdout.readline() == b"signal %d\n" % signo
    if signo != signal.SIGTERM:
        kin.send_signal(signal.SIGTERM)
        assert kin.stdout.readline() == b"signal 15\n"
    finish(kin)
    assert kin.returncode == 33
    seen = recording.load(report)
    assert seen.root.end == ("exit", 33) and seen.end
    assert harness.state_of(program) is None


@pytest.mark.parametrize("options", [[], ["--no-stop"]], ids=["ptrace", "no-stop"])
def test_program_runs_on_after_kin_is_killed(options):
    if options and harness.kin_run("--no-stop", "-q", "/bin/true").returncode:
        pytest.skip("--no-stop cannot be used here")
    kin, program = start_catcher("--on-kin-death=run", "-q", *options)
    kin.kill()
    kin.wait(30)
    os.kill(program, signal.SIGUSR1)
    assert kin.stdout.readline() == b"signal 10\n"
    wait_until(lambda: harness.state_of(program) == "S", "the program sleeps, untraced")
    os.kill(program, signal.SIGTERM)
    assert kin.stdout.readline() == b"signal 15\n"
    assert kin.stdout.read() == b""
    finish(kin)


def test_running_on_is_the_default():
    kin, program = start_catcher("-q")
    kin.kill()
    kin.wait(30)
    os.kill(program, signal.SIGUSR1)
    assert kin.stdout.readline() == b"signal 10\n"
    os.kill(program, signal.SIGTERM)
    assert kin.stdout.readline() == b"signal 15\n"
    finish(kin)


@pytest.mark.parametrize("options", [[], ["--no-stop"]], ids=["ptrace", "no-stop"])
def test_program_dies_with_kin_where_asked(options):
    if options and harness.kin_run("--no-stop", "-q", "/bin/true").returncode:
        pytest.skip("--no-stop cannot be used here")
    kin, program = start_catcher("--on-kin-death=kill", "-q", *options)
    kin.kill()
    assert kin.stdout.read() == b""
    finish(kin)
    wait_until(lambda: harness.state_of(program) in (None, "Z"), "the program's death")


@pytest.mark.parametrize("load", [["forks", 1000000, "fork"], ["forks", 1000000, "spawn"], ["threads", 10000000], ["threads", 1000000, 50]],
                         ids=lambda load: " ".join(map(str, load)))
@pytest.mark.parametrize("death, options", [("run", []), ("kill", []), ("kill", ["--failed"])], ids=["run", "kill", "failed"])
def test_nobody_is_left_stopped(load, death, options, nothing_left):
    """kin killed at any moment of a busy program: every task runs on, or is dead, and none is stopped for ever."""
    for moment in 0, 10, 100, 1000:
        kin = start(["-q", "--on-kin-death=" + death, *options, "--", *harness.load(*load)])
        program = child_of(kin.pid)
        # killed before that, kin leaves a program that was never started
        wait_until(lambda: has_started(program), "the program's start")
        wait_until(lambda: switches(program) >= moment or harness.state_of(program) is None, "the program is at work")
        kin.kill()
        kin.wait(30)
        if death == "kill":
            wait_until(lambda: harness.state_of(program) in (None, "Z"), "the program's death")
        else:
            for _ in range(3):  # it goes on and on, which a stopped one does not
                now = switches(program)
                wait_until(lambda: switches(program) > now + 2, "the program goes on; it is %s" % harness.told(program))
            os.kill(program, signal.SIGKILL)
        wait_until(lambda: not harness.marked(nothing_left), "the end of all")
        kin.stdout.close()
        kin.stderr.close()


def test_filter_needs_kin():
    """Under the filter of --failed, calls fail when kin is gone: a program cannot run on, so it dies, and run is refused."""
    done = harness.kin_run("--failed", "--on-kin-death=run", "/bin/true")
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1
    kin, program = start_catcher("--failed", "-q")
    kin.kill()
    assert kin.stdout.read() == b""
    finish(kin)
    wait_until(lambda: harness.state_of(program) in (None, "Z"), "the program's death")


def has_started(pid):
    """Whether a child of kin's has become the load."""
    try:
        return not os.path.samefile("/proc/%d/exe" % pid, KIN)
    except (FileNotFoundError, ProcessLookupError):
        return True


def switches(pid):
    """Context switches of a process's leader."""
    try:
        with open("/proc/%d/status" % pid, encoding="ascii", errors="replace") as file:
            return sum(int(line.split()[1]) for line in file if "ctxt_switches" in line)
    except (FileNotFoundError, ProcessLookupError):
        return 0


def test_program_that_does_not_listen(place):
    """SIGTERM to kin, for a program that ignores it: the program goes on, and so does the recording."""
    fifo, report = os.path.join(place, "fifo"), os.path.join(place, "report")
    os.mkfifo(fifo)
    kin = start(["--json", "-o", report, "--", "/bin/sh", "-c", "trap '' TERM; echo ready; read line < %s; exit 4" % fifo])
    assert kin.stdout.readline() == b"ready\n"
    for _ in range(3):
        kin.send_signal(signal.SIGTERM)
    with open(fifo, "w", encoding="ascii") as file:
        file.write("end\n")
    finish(kin)
    assert kin.returncode == 4
    assert recording.load(report).end
