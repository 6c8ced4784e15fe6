"""What a recording holds of each task beyond what a witness can tell: names, scripts, directories, environment, usage."""

import os
import subprocess

import pytest

import harness
from harness import nothing_left, place  # fixtures
import programs


def record(argv, place, *options, **keywords):
    return harness.record(argv, os.path.join(place, "r"), options, **keywords)


def test_order_of_a_recording(place):
    """A birth before everything else of its task, an exit after it; times never go back by more than the merge window."""
    seen, _ = record(["/bin/sh", "-c", "for i in 1 2 3 4 5; do (/bin/true; /bin/true & wait) & done; wait"], place)
    born, ended = set(), set()
    for event in seen.events:
        number = event.get("task")
        if not number:
            continue
        assert number not in ended
        assert (number in born) != (event["ev"] == "birth")
        if event["ev"] == "birth":
            assert event["maker"] in born or event["maker"] == 0
            born.add(number)
        elif event["ev"] == "exit":
            ended.add(number)
    assert born == ended == set(range(1, len(born) + 1))
    times = [event["t"] for event in seen.events]
    assert times[0] == 0 or times[0] < 10 ** 9


def test_times(place):
    seen, _ = record(["/bin/sh", "-c", "i=0; while [ $i -lt 30000 ]; do i=$((i+1)); done; /bin/sleep 0.2"], place)
    shell, sleep = seen.root, seen.root.children[0]
    wall = sleep.exit["t"] - sleep.birth["t"]
    assert wall >= 200_000_000
    assert sleep.exit["cpu_ns"] < wall
    assert 0 < shell.exit["cpu_ns"] <= shell.exit["t"] - shell.birth["t"]
    assert abs(shell.exit["user_ns"] + shell.exit["system_ns"] - shell.exit["cpu_ns"]) < 50_000_000
    assert seen.end["wall_ns"] >= wall
    assert 0 < shell.exit["maxrss_kib"] < 100 * 1024


def test_script_and_interpreter(place):
    path = programs.script(place, "script", "#!/bin/sh -e\n/bin/true\n")
    seen, _ = record([path, "one", "", "three"], place)
    program = seen.of("exec")[0]
    assert program["path"] == program["script"] == path
    assert os.path.samefile(program["exe"], "/bin/sh")
    assert program["argv"] == ["/bin/sh", "-e", path, "one", "", "three"]


def test_no_script_of_a_plain_program(place):
    seen, _ = record(["/bin/true"], place)
    assert "script" not in seen.of("exec")[0] and os.path.samefile(seen.of("exec")[0]["exe"], "/bin/true")


def test_arguments_are_never_cut(place):
    seen, _ = record(harness.load("execs", "big-argv"), place)
    argv = seen.of("exec")[1]["argv"]
    assert [len(word) for word in argv] == [4] + [65535] * 16
    assert [word[0] for word in argv[1:]] == list("abcdefghijklmnop")
    seen, _ = record(harness.load("execs", "many-argv", 50000), place)
    assert len(seen.of("exec")[1]["argv"]) == 50001


def test_odd_arguments_come_back_exactly(place):
    """Bytes that are no UTF-8, and a real character of the range that stands for them."""
    words = [b"", b"\n", b"\xff", b"\xf4\x8f\xb8\x80", "\U0010fe41".encode(), b"a\x80b", b"\"\\/\x01", "\u00e9\u4e2d\U0001f600".encode()]
    path = os.path.join(place, "r")
    subprocess.run([os.fsencode(harness.KIN), b"run", b"--json", b"-o", os.fsencode(path), b"--", b"/bin/echo", *words],
                   stdout=subprocess.DEVNULL, timeout=harness.TIMEOUT, check=True)
    seen = harness.recording.load(path)
    assert seen.root.programs[0][2] == (b"/bin/echo", *words)


def test_exec_by_descriptor(place):
    seen, _ = record(harness.load("execs", "by-fd"), place)
    program = seen.of("exec")[1]
    assert program["call"] == "execveat" and os.path.samefile(program["exe"], "/bin/true")


def test_working_directory_of_each_program(place):
    seen, _ = record(["/bin/sh", "-c", "/bin/true; cd /usr; /bin/true; cd /; exec /bin/true"], place, cwd=place)
    assert [event["cwd"] for event in seen.of("exec")] == [place, place, "/usr", "/"]


def test_environment_changes(place):
    environment = dict(os.environ, KIN_LOAD_CHANGED="before", KIN_LOAD_GONE="x", KIN_LOAD_KEPT="same")
    seen, _ = record(harness.load("execs", "environment"), place, "--env", env=environment)
    assert sorted(seen.of("exec")[1]["env"]) == ["KIN_LOAD_CHANGED=after", "KIN_LOAD_GONE", "KIN_LOAD_SET=new value"]
    seen, _ = record(harness.load("execs", "environment"), place, env=environment)
    assert not any("env" in event for event in seen.of("exec"))


def test_names(place):
    seen, _ = record(harness.load("families", "names"), place)
    names = [(event["task"], event["name"]) for event in seen.of("name")]
    last = {}
    for number, name in names:
        last[number] = harness.recording.to_bytes(name)
    thread = [task for task in seen.root.children if task.is_thread][0]
    child = [task for task in seen.root.children if not task.is_thread][0]
    assert last == {1: b"renamed (main)", thread.number: b"worker-two", child.number: b"a\"b\n\\c\xff"}


def test_failures_on_the_way_through_path(place):
    seen, _ = record(harness.load("execs", "path-search"), place, "--failed")
    assert [(event["path"], event["error"]) for event in seen.of("failed")] == \
        [("/nonexistent/true", "ENOENT"), ("/proc/self/true", "ENOENT")]


def test_signals_have_their_senders(place):
    seen, done = record(["/bin/sh", "-c", "trap 'exit 3' USR1; /bin/sh -c 'kill -USR1 $PPID'; exit 4"], place)
    assert done.returncode == 3
    event = [event for event in seen.of("signal") if event["signal"] == "SIGUSR1"][0]
    inner = seen.root.children[0]
    assert event["task"] == 1 and event["sender"]["task"] == inner.number and event["sender"]["pid"] == inner.pid


def test_start_and_end_tell_how_it_was_watched(place):
    seen, _ = record(["/bin/sh", "-c", "/bin/true"], place, cwd=place)
    assert seen.start["argv"] == ["/bin/sh", "-c", "/bin/true"] and seen.start["cwd"] == place
    assert seen.start["version"] == 1 and seen.start["command"] == "run" and seen.start["uid"] == os.getuid()
    assert "ptrace" in seen.start["sources"]
    assert seen.end["stops"] > 0 and seen.end["lost"] == 0
    assert seen.end["self_user_ns"] + seen.end["self_system_ns"] > 0


@pytest.mark.parametrize("load, thread", [(["threads", 3], True), (["families", "tree", 2, 2], False)], ids=str)
def test_switches_and_memory(load, thread, place):
    seen, _ = record(harness.load(*load), place)
    for task in seen.root.walk():
        assert {"user_ns", "system_ns", "cpu_ns", "minor", "major", "voluntary", "involuntary"} <= set(task.exit)
        assert task.is_thread or task.exit["maxrss_kib"] > 0


@pytest.mark.parametrize("view", ["--tree", "--summary", "--live", "--json"])
def test_saved_recording_gives_the_same_views(view, place):
    saved, shown = os.path.join(place, "saved"), os.path.join(place, "shown")
    options = [view, "--all"] if view != "--json" else [view]
    if view not in ("--live", "--json"):
        options.append("--width=100")
    done = harness.kin_run(*options, "-o", shown, "--save", saved, "--", "/bin/sh", "-c", "/bin/true; (exit 3); exit 2")
    assert done.returncode == 2
    again = harness.run([harness.KIN, "report", *options, saved])
    assert again.returncode == 0, again.stderr
    with open(shown, "rb") as file:
        assert again.stdout == file.read()
