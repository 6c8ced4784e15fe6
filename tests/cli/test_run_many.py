"""Numbers: thousands of processes and threads, none lost; memory that stays small; limits that are low."""

import collections
import os
import re
import resource

import pytest

import harness
import recording
from harness import KIN, nobody, nothing_left, place  # fixtures


def counts(path):
    """Events by kind, of a recording too large to keep; and that every task has one birth, one exit, in that order."""
    kinds, alive, ended = collections.Counter(), set(), 0
    with open(path, "rb") as file:
        for line in file:
            kind = line[7:line.index(b'"', 7)].decode()
            kinds[kind] += 1
            if kind in ("birth", "exit"):
                number = int(re.search(rb'"task":(\d+)', line).group(1))
                if kind == "birth":
                    assert number not in alive and number == ended + len(alive) + 1
                    alive.add(number)
                else:
                    alive.remove(number)
                    ended += 1
    assert not alive
    return kinds


def record(place, *command, options=()):
    path = os.path.join(place, "r")
    done = harness.kin_run("--json", "-o", path, *options, "--", *command)
    assert done.returncode == 0, done.stderr
    return counts(path), recording_end(path)


def recording_end(path):
    with open(path, "rb") as file:
        file.seek(max(0, os.path.getsize(path) - 4096))
        return recording.json.loads(file.read().splitlines()[-1])


def available(options):
    if "--no-stop" in options and harness.kin_run("--no-stop", "-q", "/bin/true").returncode:
        pytest.skip("--no-stop cannot be used here")


@pytest.mark.parametrize("options", [[], ["--failed"], ["--faults"], ["--no-stop"]], ids=" ".join)
@pytest.mark.parametrize("how, execs", [("fork", 0), ("vfork", 0)])
def test_short_processes(how, execs, options, place):
    available(options)
    seen, end = record(place, *harness.load("forks", 3000, how), options=options)
    assert seen["birth"] == seen["exit"] == 3001
    assert seen["exec"] == 1 + execs
    assert end["lost"] == 0


def test_ten_thousand_processes(place):
    seen, end = record(place, *harness.load("forks", 10000, "fork"))
    assert seen["birth"] == seen["exit"] == 10001 and end["lost"] == 0


def test_programs_one_after_the_other(place):
    seen, end = record(place, *harness.load("forks", 1000, "spawn"))
    assert (seen["birth"], seen["exec"], seen["exit"]) == (1001, 1001, 1001)


def test_twenty_thousand_threads(place):
    seen, end = record(place, *harness.load("threads", 20000))
    assert seen["birth"] == seen["exit"] == 20001 and end["lost"] == 0


def test_many_threads_at_once(place):
    seen, end = record(place, *harness.load("threads", 4000, 4000))
    assert seen["birth"] == seen["exit"] == 4001 and end["lost"] == 0


def test_many_processes_at_once(place):
    seen, end = record(place, *harness.load("families", "crowd", 1000))
    assert seen["birth"] == seen["exit"] == 1001 and end["lost"] == 0


def test_crowd_that_ends_together(place):
    """exit_group and SIGKILL over hundreds of threads: every end is seen."""
    seen, end = record(place, *harness.load("threads", 500, 500))
    path = os.path.join(place, "r")
    done = harness.kin_run("--json", "-o", path, "--", *harness.load("families", "exit-over-threads", 500))
    assert done.returncode == 12
    assert counts(path)["exit"] == 501


def test_wide_and_deep(place):
    seen, end = record(place, *harness.load("families", "tree", 6, 3))
    births = sum(3 ** level for level in range(7))
    assert seen["birth"] == seen["exit"] == births
    family, _ = harness.record(harness.load("families", "vfork-chain", 200), os.path.join(place, "chain"))
    depth, task = 0, family.root
    while task.children:
        depth, task = depth + 1, task.children[0]
    assert depth == 200


def peak_kib(place, options, *command):
    """Peak resident memory of kin itself. The load's counts too, as the larger of the two, so it must be a small one."""
    path = os.path.join(place, "peak")
    done = harness.run([*harness.load("peak", path), KIN, "run", *options, "-o", os.path.join(place, "r"), "--", *command])
    assert done.returncode == 0, done.stderr
    with open(path, encoding="ascii") as file:
        return int(file.read())


def sanitized():
    """Whether kin itself is; the name of the sanitizer's start is in every kin, to know such programs by."""
    with open(KIN, "rb") as file:
        data = file.read()
    return b"__asan_report_load" in data or b"__tsan_func_entry" in data


@pytest.mark.skipif(sanitized(), reason="a sanitizer's memory is not kin's")
@pytest.mark.parametrize("view", ["--json", "--tree"])
def test_memory_per_task(view, place):
    few, many = (peak_kib(place, [view], *harness.load("forks-static" if os.path.exists(os.path.join(
        harness.LOADS, "forks-static")) else "forks", count, "fork")) for count in (100, 20100))
    assert few < 32 * 1024  # kin, its libraries, and nothing else
    assert (many - few) * 1024 / 20000 <= 1024, (few, many)


@pytest.mark.skipif(sanitized(), reason="a sanitizer's memory is not kin's")
def test_memory_does_not_grow_with_faults(place):
    load = [harness.load("faults", "cow-sole", count) for count in (1000, 50000)]
    if harness.kin_run("--faults", "-q", *load[0]).returncode:
        pytest.skip("--faults cannot be used here")
    few, many = (report_memory(place, command) for command in load)
    # samples in flight wait in buffers of fixed size
    assert many - few < 8192, (few, many)


def report_memory(place, command):
    """VmHWM of kin while its program still runs, asked by the program's own shell: the program itself may be large."""
    path = os.path.join(place, "hwm")
    script = '"$@" >/dev/null; grep VmHWM /proc/$PPID/status > %s' % path
    done = harness.kin_run("--faults", "-q", "--", "/bin/sh", "-c", script, "sh", *command)
    assert done.returncode == 0
    with open(path, encoding="ascii") as file:
        return int(file.read().split()[1])


@pytest.mark.skipif(sanitized(), reason="too slow under a sanitizer")
def test_hundred_thousand_processes(place):
    """Recorded in one run, in bounded memory."""
    path, count = os.path.join(place, "r"), 100000
    peak = peak_kib(place, ["--json"], *harness.load("forks", count, "vfork"))
    seen = counts(path)
    assert seen["birth"] == seen["exit"] == count + 1
    assert peak < 64 * 1024


def test_few_descriptors(place):
    """RLIMIT_NOFILE as low as a program can live with."""
    path = os.path.join(place, "r")

    def prepare():
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
    done = harness.kin_run("--json", "-o", path, "--", "/bin/sh", "-c", "ulimit -n; /bin/true; /bin/true", preexec_fn=prepare)
    assert done.stdout == b"24\n" and done.returncode == 0
    assert counts(path)["birth"] == 3


def test_no_descriptor_left_for_kin(place):
    """Fewer than kin needs: a line that says so and a program that was not started, or one that runs all the same."""
    for limit in range(3, 12):
        def prepare():
            resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        done = harness.kin_run("--json", "-o", os.path.join(place, "r"), "--", "/bin/true", preexec_fn=prepare)
        assert done.returncode == 0 or done.stderr.count(b"\n") >= 1, (limit, done)


def test_process_limit_of_an_ordinary_user(place, nobody):
    """RLIMIT_NPROC meets kin's own fork: a line, and status 126; nothing is started."""
    def prepare():
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    done = nobody.kin_run("-o", os.path.join(place, "r"), "/bin/true", preexec_fn=prepare)
    # the limit counts once the user has changed, which preexec_fn comes before: fork may still be allowed to kin
    assert done.returncode in (0, 126)
    assert (done.returncode == 126) == (done.stderr.count(b"\n") == 1)


def test_failed_forks_have_their_limit(place):
    seen, done = harness.record(harness.load("clones", "nproc"), os.path.join(place, "r"), ["--failed"])
    if done.returncode == 77:
        pytest.skip("the limit of processes does not hold here")
    failed = seen.of("failed")
    assert [(event["error"], "RLIMIT_NPROC" in event["limit"]) for event in failed] == [("EAGAIN", True)]
