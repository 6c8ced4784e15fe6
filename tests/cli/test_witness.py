"""kin run against an independent witness: the family that strace -f reports of the same program.

Equal must be: who made whom, by which call, with which flags and exit signal; every program run, with the path as given
and every argument; how every task ended. The two watch two runs, so PIDs and addresses are left out, and a task's
children are compared as a set unless the program does one thing at a time. Of scripts, kin records the arguments that the
interpreter finds, strace those that were given to exec: witness.as_seen applies the kernel's rule to strace's.
"""

import io
import os
import subprocess

import pytest

import family
import harness
import programs
import recording
import witness
from harness import nobody, nothing_left, place  # fixtures

ENVIRONMENT = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C.UTF-8", "HOME": "/nonexistent"}


@pytest.fixture(scope="module", autouse=True)
def strace_works():
    why = witness.works()
    if why:
        pytest.skip(why)


def environment():
    return dict(ENVIRONMENT, **{harness.MARK: os.environ[harness.MARK]})


def compare(maker, place, options=(), kin_run=None, **keywords):
    """Run a program under strace, then under kin, and compare all that both can see."""
    directory = os.path.join(place, "here")
    os.mkdir(directory)
    os.chmod(directory, 0o777)
    program = maker(directory)
    if "user" in keywords:
        for at, _, _ in os.walk(directory):
            os.chown(at, keywords["user"], keywords["group"])
    keywords.update(cwd=program.cwd or directory, env=environment())
    program.again()
    expected, done = witness.observe(program.argv, os.path.join(place, "strace.out"), stdin=subprocess.DEVNULL,
                                     capture_output=True, **keywords)
    assert done.returncode == program.status, done.stderr
    program.again()
    output = os.path.join(place, "kin.out")
    done = (kin_run or harness.kin_run)("--json", "-o", output, *options, "--", *program.argv, **keywords)
    assert done.returncode == (program.status if program.status >= 0 else 128 - program.status), done.stderr
    seen = recording.load(output)
    difference = family.differences(expected, seen.root, program.rules)
    assert not difference, "\n" + difference
    assert seen.end is not None and seen.end["lost"] == 0
    return expected, seen


@pytest.mark.parametrize("name", programs.REAL)
def test_real_program(name, place):
    compare(programs.REAL[name], place)


@pytest.mark.parametrize("name", programs.LOADS)
def test_load(name, place):
    compare(programs.LOADS[name], place)


@pytest.mark.parametrize("name", ["make own sources", "dash", "bash", "multiprocessing", "nginx", "git", "tar xz", "perl"])
def test_real_program_as_ordinary_user(name, place, nobody):
    compare(programs.REAL[name], place, kin_run=nobody.kin_run_as_given, **nobody.keywords)


@pytest.mark.parametrize("name", ["forks fork", "forks spawn", "threads", "clones parent", "execs from-thread", "execs by-fd",
                                  "families daemon", "families vfork-chain", "signals segv", "forks-32 vfork",
                                  "execs-static chain"])
def test_load_as_ordinary_user(name, place, nobody):
    def maker(directory):
        program = programs.LOADS[name](directory)
        program.argv = nobody.load(os.path.basename(program.argv[0]), *program.argv[1:])
        return program
    compare(maker, place, kin_run=nobody.kin_run_as_given, **nobody.keywords)


@pytest.mark.parametrize("name", ["forks spawn", "execs failed", "execs path-search", "families daemon", "execs from-thread"])
def test_failed_calls(name, place):
    """With --failed, the calls that failed are equal too."""
    def maker(directory):
        program = programs.LOADS[name](directory)
        program.rules.failures = True
        return program
    compare(maker, place, options=["--failed"])


@pytest.mark.parametrize("kind", ["refused", "nproc"])
def test_failed_clones(kind, place):
    def maker(directory):
        return programs.Program(harness.load("clones", kind), family.Rules(failures=True))
    expected, seen = compare(maker, place, options=["--failed"])
    assert any(task.failures for task in expected.walk())
    if kind == "nproc":
        assert "RLIMIT_NPROC" in seen.of("failed")[0]["limit"]


def test_untraced_child(place):
    """A child made with CLONE_UNTRACED is out of everybody's reach: the witness knows its birth alone."""
    argv = harness.load("clones", "untraced")
    expected, done = witness.observe(argv, os.path.join(place, "strace.out"))
    assert done.returncode == 0 and len(expected.children) == 1
    for options in [], ["--failed"]:
        seen, done = harness.record(argv, os.path.join(place, "kin.out"), options)
        assert done.returncode == 0
        if seen.root.children:
            child = seen.root.children[0]
            assert child.birth["untraced"] and child.end in (None, ("let go",), ("exit", 5))
        else:
            assert any("untraced" in text.lower() for text in seen.start["unseen"] + seen.notes)
    assert seen.root.children, "a failed-calls filter sees the call and its result"


def test_pid_namespace(place):
    """TIDs are those of kin's own namespace, and so is the witness's translation of them."""
    argv = harness.load("clones", "pid-namespace")
    expected, done = witness.observe(argv, os.path.join(place, "strace.out"), ["--pidns-translation"])
    if done.returncode == 77:
        pytest.skip("PID namespaces cannot be made here")
    seen, done = harness.record(argv, os.path.join(place, "kin.out"))
    assert done.returncode == 0
    assert not family.differences(expected, seen.root, family.Rules())
    assert len({task.pid for task in seen.root.walk()}) == 3


def test_same_run_without_stops(place):
    """--no-stop stops nobody, so strace can watch the same run: the two agree task by task, PIDs and all."""
    output = os.path.join(place, "strace.out")
    argv = harness.load("forks", 20, "exec")
    done = harness.kin_run("--no-stop", "--json", "-o", os.path.join(place, "kin.out"), "--", *witness.command(output, argv))
    if done.returncode in (126, 127) or b"no-stop" in done.stderr and done.returncode:
        pytest.skip(done.stderr.decode())
    assert done.returncode == 0, done.stderr
    with open(output, encoding="ascii") as file:
        expected = witness.parse(file)
    seen = recording.load(os.path.join(place, "kin.out"))
    by_pid = {task.pid: task for task in seen.root.walk()}
    for task in expected.walk():
        mine = by_pid[task.pid]
        assert task.maker is None or mine.maker.pid == task.maker.pid
        assert len(mine.programs) >= len(task.programs)
        assert mine.end in (task.end, None)


# The witness itself must be trustworthy: each kind of line that strace writes, and that nothing is skipped.

LINES = [
    ("1 execve(\"\\x61\", [\"\\x61\", \"\\x22\\x2c\"], [\"\\x50\\x3d\"]) = 0\n1 +++ exited with 3 +++",
     ["execve 'a' ['a', '\",'] -> exit 3"]),
    ("1 execve(\"\\x61\", [\"\\x61\"], []) = 0\n1 vfork( <unfinished ...>\n2 execve(\"\\x62\", [], []) = -1 ENOENT (No such file)\n"
     "2 +++ exited with 127 +++\n1 <... vfork resumed>) = 2\n1 +++ killed by SIGSEGV (core dumped) +++",
     ["execve 'a' ['a'] failed -> signal SIGSEGV",
      "  vfork(CLONE_VFORK|CLONE_VM) signal SIGCHLD: failed execve ENOENT 'b' -> exit 127"]),
    ("1 execve(\"\\x61\", [\"\\x61\"], []) = 0\n"
     "1 clone3({flags=CLONE_VM|CLONE_THREAD, exit_signal=0, stack=0x7f, stack_size=0x1} => {parent_tid=[2]}, 88) = 2\n"
     "1 clone(child_stack=NULL, flags=CLONE_FILES|SIGUSR1) = 3\n2 execve(\"\\x62\", [\"\\x62\"], [] <unfinished ...>\n"
     "3 +++ exited with 0 +++\n1 +++ superseded by execve in pid 2 +++\n1 <... execve resumed>) = 0\n1 +++ exited with 0 +++",
     ["execve 'a' ['a'] failed -> exec by another thread",
      "  clone(CLONE_FILES) signal SIGUSR1: failed -> exit 0",
      "  clone3(CLONE_THREAD|CLONE_VM) signal 0: execve 'b' ['b'] failed -> exit 0"]),
]


@pytest.mark.parametrize("text, expected", LINES)
def test_witness_reads(text, expected):
    root = witness.parse(io.StringIO(text))
    got = family.lines(root, family.Rules(failures=True))
    assert got == [line.replace(" failed ->", " ->") for line in expected]


@pytest.mark.parametrize("text", ["", "1 something else", "no number", "1 execve(garbage"])
def test_witness_refuses_what_it_does_not_know(text):
    with pytest.raises(witness.Unreadable):
        witness.parse(io.StringIO(text))


def test_families_differ_where_they_differ():
    """The comparison itself: one flag, one argument, one status, one place in the tree."""
    base = LINES[2][0]
    changes = [("CLONE_FILES", "CLONE_FS"), ("SIGUSR1", "SIGUSR2"), ("3 +++ exited with 0", "3 +++ exited with 1"),
               ("\\x62\"], [] <", "\\x62\", \"\"], [] <"), ("clone3", "clone")]
    root = witness.parse(io.StringIO(base))
    assert not family.differences(root, witness.parse(io.StringIO(base)), family.Rules())
    for old, new in changes:
        changed = base.replace(old, new)
        assert changed != base
        assert family.differences(root, witness.parse(io.StringIO(changed)), family.Rules()), (old, new)
