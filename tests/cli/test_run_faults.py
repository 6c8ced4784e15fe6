"""Page faults: kin's counts are the kernel's own, and the causes are right for programs that make a known number of each."""

import os
import re

import pytest

import harness
from harness import nobody, nothing_left, place  # fixtures

#: what each load's faults are: cause, major, kinds of mapping; dontneed is what an ordinary user's kin cannot know
CAUSES = {
    "zero": ("zero", False, {"anon"}), "read-zero": ("zero", False, {"anon"}), "zero-write": ("zero", False, {"anon"}),
    "cow": ("cow", False, {"anon"}), "cow-sole": ("cow", False, {"anon"}), "file": ("file", False, {"file"}),
    "file-cow": ("file", False, {"file"}), "shared-file": ("file", False, {"shared-file"}), "shared": ("shared", False, {"shared"}),
    "major": ("file", True, {"file"}), "dontneed": ("zero", False, {"anon"}), "heap": ("zero", False, {"heap"}), "stack": ("zero", False, {"stack"}),
}
COUNT = 1000
#: faults between the program's own last look at its counters and its end: leaving main, exit handlers
AFTER = 12


def told(done):
    """What the load read of its own counters: of the measured loop, and in all."""
    numbers = [int(word) for word in re.findall(rb"\d+", done.stdout)]
    return dict(zip(("asked", "minor", "major", "total minor", "total major"), numbers))


def touching(seen, kind):
    """The task that made the faults: the child in `cow`, else the program."""
    return seen.root.children[0] if kind == "cow" else seen.root


def faults_allowed(run=harness.kin_run):
    done = run("--faults", "-q", "/bin/true")
    if done.returncode:
        pytest.skip(done.stderr.decode().strip())


@pytest.mark.parametrize("kind", [*CAUSES, "in-kernel"])
@pytest.mark.parametrize("options", [[], ["--faults"], ["--failed"]], ids=" ".join)
def test_counts_are_the_kernels(kind, options, place):
    seen, done = harness.record(harness.load("faults", kind, COUNT), os.path.join(place, "r"), options)
    assert done.returncode == 0
    own, task = told(done), touching(seen, kind)
    assert own["total minor"] <= task.exit["minor"] <= own["total minor"] + AFTER
    assert own["total major"] <= task.exit["major"] <= own["total major"] + AFTER


@pytest.mark.parametrize("suffix", ["", "-32", "-static"])
@pytest.mark.parametrize("options", [[], ["--failed"]], ids=" ".join)
def test_counts_of_threads_are_their_own(suffix, options, place):
    """What the program reads in /proc/self/task/TID/stat of each thread, before it ends."""
    seen, done = harness.record(harness.load("usage" + suffix, 6), os.path.join(place, "r"), options)
    assert done.returncode == 0
    by_tid = {task.pid: task for task in seen.root.walk()}
    lines = [[int(word) for word in line.split()] for line in done.stdout.splitlines()]
    assert len(lines) == 6
    for tid, minor, major, voluntary in lines:
        exit_event = by_tid[tid].exit
        assert minor <= exit_event["minor"] <= minor + AFTER
        assert major <= exit_event["major"] <= major + AFTER
        # it was asleep: one switch more wakes it, and each stop on the way out may add one
        assert voluntary <= exit_event["voluntary"] <= voluntary + 4


def rows(task, cause=None):
    return [event for event in task.events if event["ev"] == "faults" and (cause is None or event["cause"] == cause)]


def causes(kind, place, record, argv):
    seen, done = record(argv, os.path.join(place, "r"), ["--faults"])
    assert done.returncode == 0, done.stderr
    cause, major, mappings = CAUSES[kind]
    own, task = told(done), touching(seen, kind)
    if major and own["major"] == 0:
        pytest.skip("this file system keeps its pages in memory (tmpfs): no major faults; TMPDIR names another")
    assert own["minor"] + own["major"] == COUNT
    # the measured loop alone, where places have names: zero-write and cow-sole touch all pages once before
    places = ("touch_read",) if "read" in kind or kind in ("file", "major") else ("touch_write", "stack")
    right = [row for row in rows(task) if row.get("place", "").startswith(places)] or rows(task)
    good = sum(row["count"] for row in right if row["cause"] == cause and row.get("major", False) == major and row["mapping"] in mappings)
    # at least 99.5 %, and no more than there were
    assert 0.995 * COUNT <= good <= (2 if kind == "dontneed" else 1) * COUNT + 80, rows(task)
    assert seen.end["lost"] == 0
    located = sum(row["count"] for row in rows(task))
    assert located <= task.exit["minor"] + task.exit["major"]
    return seen, task


@pytest.mark.parametrize("kind", CAUSES)
def test_causes(kind, place):
    faults_allowed()
    causes(kind, place, harness.record, harness.load("faults", kind, COUNT))


@pytest.mark.parametrize("kind", CAUSES)
def test_causes_as_ordinary_user(kind, place, nobody):
    faults_allowed(nobody.kin_run)
    causes(kind, place, nobody.record, nobody.load("faults", kind, COUNT))


def test_places_in_the_code(place):
    """Function and line of the faults, where the load has debug information; its own file is named as the object."""
    faults_allowed()
    seen, task = causes("zero", place, harness.record, harness.load("faults", "zero", COUNT))
    row = max(rows(task, "zero"), key=lambda row: row["count"])
    if "source" not in row and not row.get("place", "").startswith("touch_write"):
        pytest.skip("kin was built without the library that reads symbols")
    assert row["place"].startswith("touch_write")
    if "source" in row:
        assert re.fullmatch(r"(.*/)?faults\.c:\d+", row["source"])


def test_file_mappings_are_named(place):
    faults_allowed()
    seen, task = causes("file", place, lambda *words: harness.record(*words, env=dict(os.environ, TMPDIR=place)),
                        harness.load("faults", "file", COUNT))
    row = max(rows(task, "file"), key=lambda row: row["count"])
    assert row["object"].startswith(place + "/kin-load-")


def test_faults_inside_the_kernel_are_counted(place):
    """read(2) into fresh memory: no source locates these, so they are counted and said to be inside system calls."""
    faults_allowed()
    seen, done = harness.record(harness.load("faults", "in-kernel", COUNT), os.path.join(place, "r"), ["--faults"])
    assert done.returncode == 0
    located = sum(row["count"] for row in rows(seen.root))
    counted = seen.root.exit["minor"] + seen.root.exit["major"]
    assert counted >= COUNT
    # those of the time between fork and exec are not the program's
    assert 0.95 * COUNT <= seen.end["kernel_faults"] <= counted - located


def test_none_lost_of_three_hundred_thousand(place):
    faults_allowed()
    seen, done = harness.record(harness.load("faults", "zero", 300000), os.path.join(place, "r"), ["--faults"])
    assert done.returncode == 0 and seen.end["lost"] == 0
    assert sum(row["count"] for row in rows(seen.root, "zero")) >= 300000
    # summed as it goes: the recording does not grow with the faults
    assert len(seen.events) < 1000


def test_family_of_faults(place):
    """A pair and their grandchildren on one memory: each task's faults are its own."""
    faults_allowed()
    seen, done = harness.record(["/bin/sh", "-c", '"$@"; "$@"', "sh", *harness.load("faults", "cow", 500)], os.path.join(place, "r"),
                                ["--faults"])
    assert done.returncode == 0
    for program in seen.root.children:
        child = program.children[0]
        assert 498 <= sum(row["count"] for row in rows(child, "cow") if row["mapping"] == "anon") <= 580
        assert sum(row["count"] for row in rows(program, "zero")) >= 500
