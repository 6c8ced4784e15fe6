"""kin run on a terminal: keys reach the program, job control works, and the terminal is left as it was."""

import os
import signal
import termios

import pytest

import harness
import recording
from harness import KIN, nothing_left, place, wait_until  # fixtures
from terminal import Terminal


def kin_and_catcher(place, *options):
    return [KIN, "run", "--json", "-o", os.path.join(place, "report"), *options, "--", *harness.load("signals", "catcher")]


def report(place):
    return recording.load(os.path.join(place, "report"))


def child_of(pid):
    """The one child of a process, once it is there."""
    def children():
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
            return file.read().split()
    wait_until(children, "a child")
    return int(children()[0])


def test_keys_reach_the_program_and_kin_reports(place):
    with Terminal(kin_and_catcher(place)) as terminal:
        terminal.expect(b"ready")
        terminal.type(b"\x03")
        terminal.expect(b"signal 2\r\n")
        terminal.type(b"\x1c")
        terminal.expect(b"signal 3\r\n")
        terminal.type(b"\x03")
        terminal.expect(b"signal 2\r\n")
        os.kill(child_of(terminal.process.pid), signal.SIGTERM)
        assert terminal.process.wait(30) == 33
    seen = report(place)
    assert seen.root.end == ("exit", 33) and seen.end
    # each key once: kin, which is in the same group, must not pass on what the terminal sends to all
    signals = [event["signal"] for event in seen.of("signal")]
    assert signals.count("SIGINT") == 2 and signals.count("SIGQUIT") == 1


def test_interrupt_ends_the_program(place):
    with Terminal([KIN, "run", "--json", "-o", os.path.join(place, "report"), "--", "/bin/cat"]) as terminal:
        terminal.type(b"hello\n")
        terminal.expect(b"hello\r\nhello\r\n")
        terminal.type(b"\x03")
        assert terminal.process.wait(30) == 130
    assert report(place).root.end == ("signal", "SIGINT")
    assert report(place).root.exit["killer"]["kernel"]


def test_report_on_the_terminal_itself(place):
    """The default: the tree on the terminal, no wider than it."""
    with Terminal([KIN, "run", "--color=never", "--", "/bin/sh", "-c", "/bin/echo %s" % ("x" * 200)], columns=60,
                  env=dict(os.environ, LC_ALL="C.UTF-8", TERM="xterm")) as terminal:
        text = terminal.rest().decode()
        assert terminal.process.wait(30) == 0
    lines = [line.rstrip("\r") for line in text.split("\n")]
    assert "x" * 200 in lines
    lines.remove("x" * 200)
    assert any("echo" in line for line in lines)
    assert max(len(line) for line in lines) <= 60


@pytest.mark.parametrize("options", [[], ["--no-stop"]], ids=["ptrace", "no-stop"])
def test_suspend_and_continue_under_a_shell(options, place):
    """Ctrl-Z stops kin's whole job, the shell gets its prompt back, fg lets it go on; the same again with bg."""
    if options and harness.kin_run("--no-stop", "-q", "/bin/true").returncode:
        pytest.skip("--no-stop cannot be used here")
    environment = dict(os.environ, PS1="prompt> ", LC_ALL="C", HISTFILE="/dev/null")
    with Terminal([harness.need("bash"), "--norc", "--noprofile", "-i"], env=environment) as terminal:
        terminal.expect(b"prompt> ")
        terminal.type(" ".join(kin_and_catcher(place, *options)).encode() + b"\n")
        terminal.expect(b"ready\r\n")
        kin = child_of(terminal.process.pid)
        program = child_of(kin)
        for _ in range(2):
            terminal.type(b"\x1a")
            terminal.expect(b"Stopped")
            terminal.expect(b"prompt> ")
            assert harness.state_of(kin) == "T"
            assert harness.state_of(program) in "Tt"
            terminal.type(b"fg\n")
            terminal.expect(b"signal 18\r\n")
            terminal.type(b"\x03")
            terminal.expect(b"signal 2\r\n")
        terminal.type(b"\x1a")
        terminal.expect(b"Stopped")
        terminal.type(b"bg\n")
        terminal.expect(b"signal 18\r\n")
        wait_until(lambda: harness.state_of(program) == "S", "the program sleeps again")
        os.kill(program, signal.SIGTERM)
        terminal.expect(b"signal 15\r\n")
        wait_until(lambda: harness.state_of(kin) in (None, "Z"), "kin's end")
        terminal.type(b"\n")
        terminal.expect(b"Exit 33")
        terminal.type(b"exit\n")
        terminal.process.wait(30)
    seen = report(place)
    assert seen.root.end == ("exit", 33) and seen.end
    if not options:
        assert len(seen.of("stop")) == 3 and len(seen.of("cont")) == 3


def test_program_that_owns_the_terminal(place):
    """A shell with job control inside kin: it may take the foreground and give it back."""
    environment = dict(os.environ, PS1="outer> ", LC_ALL="C", HISTFILE="/dev/null")
    command = [KIN, "run", "--json", "-o", os.path.join(place, "report"), "--", harness.need("bash"), "--norc", "--noprofile", "-i"]
    with Terminal(command, env=environment) as terminal:
        terminal.expect(b"outer> ")
        terminal.type(" ".join(harness.load("signals", "catcher")).encode() + b"\n")
        terminal.expect(b"ready\r\n")
        terminal.type(b"\x1a")
        terminal.expect(b"Stopped")
        terminal.type(b"fg\n")
        terminal.expect(b"signal 18\r\n")
        terminal.type(b"\x03")
        terminal.expect(b"signal 2\r\n")
        terminal.type(b"\x1c")
        terminal.expect(b"signal 3\r\n")
        terminal.type(b"\x1a")
        terminal.expect(b"Stopped")
        terminal.type(b"kill -TERM %1; fg\n")
        terminal.expect(b"signal 15\r\n")
        terminal.type(b"exit 9\n")
        assert terminal.process.wait(30) == 9
    seen = report(place)
    assert seen.root.end == ("exit", 9)
    assert [task.end for task in seen.root.children if task.programs] == [("exit", 33)]


def test_terminal_modes_are_left_alone(place):
    with Terminal([KIN, "run", "-q", "--", "/bin/cat"]) as terminal:
        terminal.type(b"a\n")
        terminal.expect(b"a\r\na\r\n")
        during = termios.tcgetattr(terminal.master)
        terminal.type(b"\x04")
        terminal.process.wait(30)
    with Terminal(["/bin/cat"]) as terminal:
        terminal.type(b"a\n")
        terminal.expect(b"a\r\na\r\n")
        assert termios.tcgetattr(terminal.master) == during
        terminal.type(b"\x04")
        terminal.process.wait(30)


def test_terminal_that_goes_away(place):
    """The window is closed: SIGHUP reaches the program, and kin reports to its file and ends."""
    terminal = Terminal(kin_and_catcher(place))
    terminal.expect(b"ready")
    program = child_of(terminal.process.pid)
    os.close(terminal.master)
    # it wants to say that it has heard, cannot, and ends
    wait_until(lambda: harness.state_of(program) in (None, "Z"), "the program hears of it")
    terminal.process.wait(30)
    seen = report(place)
    assert "SIGHUP" in [event["signal"] for event in seen.of("signal")]
    assert seen.end and seen.root.end == ("exit", 1)
