"""Who is followed, and for how long: orphans, daemons, --follow."""

import os
import signal
import subprocess

import pytest

import harness
import recording
from harness import KIN, nothing_left, place, wait_until  # fixtures


@pytest.fixture
def fifo(place):
    path = os.path.join(place, "fifo")
    os.mkfifo(path)
    return path


def linger(place, fifo, *options):
    return subprocess.Popen([KIN, "run", "--json", "-o", os.path.join(place, "report"), *options, "--",
                             *harness.load("families", "linger", fifo)], stdin=subprocess.DEVNULL)


def report(place):
    return recording.load(os.path.join(place, "report"))


@pytest.mark.parametrize("options", [[], ["--follow=all"]], ids=["default", "all"])
def test_orphans_are_followed_to_their_end(options, place, fifo):
    kin = linger(place, fifo, *options)
    with open(fifo, "w", encoding="ascii"):  # opens once the child reads from it
        with open("/proc/%d/task/%d/children" % (kin.pid, kin.pid), encoding="ascii") as file:
            program = [int(word) for word in file.read().split()]
        wait_until(lambda: all(harness.state_of(pid) in (None, "Z") for pid in program), "the program's own end")
        assert kin.poll() is None
    assert kin.wait(30) == 0
    seen = report(place)
    child = seen.root.children[0]
    assert seen.root.end == ("exit", 0) and child.end == ("exit", 4)
    adopted = [event for event in seen.of("adopt") if event["task"] == child.number]
    assert len(adopted) == 1 and adopted[0]["ppid"] != seen.root.pid


def test_direct_lets_orphans_go(place, fifo, nothing_left):
    kin = linger(place, fifo, "--follow=direct")
    with open(fifo, "w", encoding="ascii"):
        assert kin.wait(30) == 0
        seen = report(place)
        child = seen.root.children[0]
        assert child.end == ("let go",) and seen.end
        wait_until(lambda: harness.state_of(child.pid) == "S", "the child sleeps on, not stopped")
        with open("/proc/%d/status" % child.pid, encoding="ascii", errors="replace") as file:
            assert "TracerPid:\t0\n" in file.read()
        assert child.pid in harness.marked(nothing_left)


def test_none_follows_the_program_alone(place):
    seen, done = harness.record(["/bin/sh", "-c", "/bin/true; /bin/sh -c '/bin/true; exit 3'; exit 4"], os.path.join(place, "r"),
                                ["--follow=none"])
    assert done.returncode == 4 and seen.root.end == ("exit", 4)
    for task in seen.root.walk():
        assert task is seen.root or task.end == ("let go",)
        assert task is seen.root or not task.programs and not task.children
    assert seen.start["follow"] == "none"


def test_none_follows_threads(place):
    seen, done = harness.record(harness.load("threads", 5), os.path.join(place, "r"), ["--follow=none"])
    assert done.returncode == 0
    assert [task.end for task in seen.root.children] == [("exit", 0)] * 5


def test_direct_follows_what_ends_before_the_program(place):
    seen, done = harness.record(["/bin/sh", "-c", "/bin/true; (exit 6); exit 4"], os.path.join(place, "r"), ["--follow=direct"])
    assert done.returncode == 4
    assert [task.end for task in seen.root.children] == [("exit", 0), ("exit", 6)]


def test_daemon(place):
    seen, done = harness.record(harness.load("families", "daemon"), os.path.join(place, "r"))
    assert done.returncode == 0
    starter = seen.root.children[0]
    daemon = starter.children[0]
    assert (starter.end, daemon.end) == (("exit", 0), ("exit", 6))
    adopted = [event for event in seen.of("adopt") if event["task"] == daemon.number]
    assert len(adopted) == 1
    assert adopted[0]["t"] <= daemon.exit["t"]


def test_subreaper_is_named(place):
    seen, done = harness.record(harness.load("families", "subreaper"), os.path.join(place, "r"))
    assert done.returncode == 0
    grandchild = seen.root.children[0].children[0]
    assert grandchild.end == ("exit", 6)
    adopted = [event for event in seen.of("adopt") if event["task"] == grandchild.number]
    assert len(adopted) == 1 and adopted[0]["ppid"] == seen.root.pid and adopted[0]["parent"] == 1


def test_clone_parent(place):
    seen, done = harness.record(harness.load("clones", "parent"), os.path.join(place, "r"))
    assert done.returncode == 0
    child = seen.root.children[0]
    assert child.children[0].parent_number == 1 and child.parent_number == 1


@pytest.mark.parametrize("value", ["", "some", "ALL", "direct,none"])
def test_unknown_follow(value):
    done = harness.kin_run("--follow=" + value, "/bin/true")
    assert done.returncode == 2 and done.stderr.count(b"\n") == 1 and b"follow" in done.stderr


def test_ignored_hangup_does_not_end_the_following(place, fifo):
    """As nohup arranges it: what asks kin to stop following does not where it was ignored from the start."""
    kin = subprocess.Popen(["/bin/sh", "-c", "trap '' HUP; exec \"$@\"", "sh", KIN, "run", "--json", "-o", os.path.join(place, "report"),
                            "--", *harness.load("families", "linger", fifo)], stdin=subprocess.DEVNULL)
    with open(fifo, "w", encoding="ascii"):
        with open("/proc/%d/task/%d/children" % (kin.pid, kin.pid), encoding="ascii") as file:
            program = [int(word) for word in file.read().split()]
        wait_until(lambda: all(harness.state_of(pid) in (None, "Z") for pid in program), "the program's own end")
        wait_until(lambda: harness.state_of(kin.pid) == "S", "kin waits")
        kin.send_signal(signal.SIGHUP)
        wait_until(lambda: harness.state_of(kin.pid) in "SZ", "kin has seen it")
    assert kin.wait(30) == 0
    assert report(place).root.children[0].end == ("exit", 4)
