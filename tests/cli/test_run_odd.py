"""Programs that ptrace, set-user-ID, namespaces and odd binaries make hard; kin inside kin."""

import os
import shutil
import stat

import pytest

import harness
from harness import KIN, needs_root, nobody, nothing_left, place  # fixtures


@pytest.mark.parametrize("suffix", ["", "-32", "-static"])
@pytest.mark.parametrize("options", [[], ["--failed"], ["--faults"], ["--no-stop"]], ids=" ".join)
def test_kinds_of_binaries(suffix, options, place):
    if options == ["--no-stop"] and harness.kin_run("--no-stop", "-q", "/bin/true").returncode:
        pytest.skip("--no-stop cannot be used here")
    for load in (["forks", 5, "exec"], ["threads", 5, 5], ["families", "tree", 2, 2], ["execs", "from-thread"]):
        argv = harness.load(load[0] + suffix, *load[1:])
        seen, done = harness.record(argv, os.path.join(place, "r"), options)
        assert done.returncode == 0, done.stderr
        assert seen.end and seen.end["lost"] == 0
        compat = [event.get("compat", False) for event in seen.of("birth") if event["call"] not in ("kin", "?")]
        assert "--no-stop" in options or set(compat) <= {suffix == "-32"}


@pytest.fixture
def setuid_id(place, nobody):
    """`id -u`, set-user-ID root."""
    path = os.path.join(place, "setuid-id")
    shutil.copy(os.path.join(nobody.loads, "state"), path)
    os.chown(path, 0, 0)
    os.chmod(path, 0o4755)
    plain = harness.run([path], **nobody.keywords).stdout
    if b"ids: 65534 0 65534 65534\n" not in plain:
        pytest.skip("set-user-ID programs are not honoured in %s" % place)
    return path


@needs_root
def test_setuid_is_told_when_it_cannot_be_honoured(setuid_id, place, nobody):
    """The kernel gives no privileges to a program that an ordinary user traces: kin says so and names --no-stop."""
    seen, done = nobody.record(["/bin/sh", "-c", "%s; true" % setuid_id], os.path.join(place, "r"))
    assert done.returncode == 0
    ran = [event for event in seen.of("exec") if event["path"] == setuid_id]
    if b"ids: 65534 0" in done.stdout:
        assert not ran or "setid" not in ran[0]
    else:
        assert ran[0]["setid"] is True
        assert any("set-user-ID" in text and "--no-stop" in text for text in seen.notes), seen.notes


@needs_root
def test_setuid_works_without_stops(setuid_id, place, nobody):
    done = nobody.kin_run("--no-stop", "-q", "--", setuid_id)
    if b"--no-stop" in done.stderr and done.returncode in (1, 2, 126):
        pytest.skip(done.stderr.decode())
    assert b"ids: 65534 0" in done.stdout


@needs_root
def test_setuid_works_for_root(setuid_id, place):
    """A tracer that may trace anybody takes no privileges away."""
    seen, done = harness.record(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", setuid_id],
                                os.path.join(place, "r"))
    assert b"ids: 65534 0" in done.stdout
    assert not any("setid" in event for event in seen.of("exec"))


def test_program_that_asks_to_be_traced(place):
    """PTRACE_TRACEME inside: refused, as it is under every tracer, and kin tells why in one line."""
    assert harness.run(harness.load("families", "traceme")).stdout == b"PTRACE_TRACEME works\n"
    seen, done = harness.record(harness.load("families", "traceme"), os.path.join(place, "r"))
    assert done.returncode == 0
    assert done.stdout == b"PTRACE_TRACEME refused\n"


def test_strace_inside(place):
    """A tracer inside kin cannot trace: it fails by itself, and kin names the way out."""
    strace = harness.need("strace")
    done = harness.kin_run("--", strace, "-f", "/bin/true")
    text = done.stderr.decode()
    assert done.returncode != 0
    assert "--no-stop" in text, text


def test_strace_inside_without_stops(place):
    strace = harness.need("strace")
    if harness.kin_run("--no-stop", "-q", "/bin/true").returncode:
        pytest.skip("--no-stop cannot be used here")
    seen, done = harness.record([strace, "-f", "-o", os.path.join(place, "trace"), "/bin/sh", "-c", "/bin/true; exit 8"],
                                os.path.join(place, "r"), ["--no-stop"])
    assert done.returncode == 8
    with open(os.path.join(place, "trace"), encoding="utf-8") as file:
        assert "exited with 8" in file.read()
    assert any(task.end == ("exit", 8) for task in seen.root.walk())


def test_kin_inside_kin(place):
    """The inner kin cannot trace what the outer one does: one line, and the program is not run half-seen."""
    inner = os.path.join(place, "inner")
    done = harness.kin_run("-q", "--", KIN, "run", "--json", "-o", inner, "--", "/bin/sh", "-c", "exit 6")
    text = done.stderr.decode()
    assert done.returncode in (6, 126), text
    assert text.count("\n") <= 1 and (done.returncode == 6 or "trace" in text), text


def test_kin_inside_kin_without_stops(place):
    if harness.kin_run("--no-stop", "-q", "/bin/true").returncode:
        pytest.skip("--no-stop cannot be used here")
    paths = [os.path.join(place, name) for name in ("outer", "inner")]
    done = harness.kin_run("--no-stop", "--json", "-o", paths[0], "--", KIN, "run", "--json", "-o", paths[1], "--", "/bin/sh", "-c",
                           "/bin/true; exit 6")
    assert done.returncode == 6, done.stderr
    outer, inner = (harness.recording.load(path) for path in paths)
    assert [event["path"] for event in inner.of("exec")] == ["/bin/sh", "/bin/true"]
    assert any(task.end == ("exit", 6) for task in outer.root.children)


@pytest.mark.parametrize("options", [[], ["--failed"]], ids=" ".join)
def test_exec_by_a_thread(options, place):
    seen, done = harness.record(harness.load("execs", "from-thread"), os.path.join(place, "r"), options)
    assert done.returncode == 0
    leader = seen.root
    caller = [task for task in leader.children if task.programs]
    assert leader.exit["exec_by_thread"] and len(caller) == 1
    event = [event for event in seen.of("exec") if event["argv"][-1] == "from-a-thread"][0]
    assert event["former_tid"] == caller[0].pid != leader.pid
    assert caller[0].end == ("exit", 0)
    # the other threads are swept away, and the kernel says that they exited with 0
    assert [task.end for task in leader.walk()] == [("exec by another thread",)] + [("exit", 0)] * 4


def test_lsan_is_named(place):
    """A program with AddressSanitizer looks for leaks with ptrace: kin says that it cannot, here."""
    compiler = harness.need("gcc")
    source, program = os.path.join(place, "leak.c"), os.path.join(place, "leak")
    with open(source, "w", encoding="ascii") as file:
        file.write("#include <stdlib.h>\nint main(void) { volatile void *p = malloc(77); p = NULL; return 0; }\n")
    if harness.run([compiler, "-fsanitize=address", "-o", program, source]).returncode:
        pytest.skip("the compiler has no AddressSanitizer")
    environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1")
    plain = harness.run([program], env=environment)
    if b"77 byte(s) leaked" not in plain.stderr:
        pytest.skip("LeakSanitizer does not work here at all")
    stopped = harness.kin_run("--", program, env=environment)
    assert b"--no-stop" in stopped.stderr
    free = harness.kin_run("--no-stop", "-q", "--", program, env=environment)
    if free.returncode != 126:
        assert b"77 byte(s) leaked" in free.stderr and free.returncode == plain.returncode


def test_unreadable_program(place, nobody):
    """A program that may be run but not read, so its memory may not be looked at either: it runs, and kin sees its family."""
    path = os.path.join(place, "unreadable")
    shutil.copy(os.path.join(nobody.loads, "forks"), path)
    os.chmod(path, stat.S_IXOTH | stat.S_IXUSR | stat.S_IXGRP)
    seen, done = nobody.record([path, "3", "fork"], os.path.join(place, "r"))
    assert done.returncode == 0, done.stderr
    assert [task.end for task in seen.root.children] == [("exit", 0)] * 3


def test_signals_to_a_program_keep_their_senders(place):
    """Queued real-time signals with values: the program checks them itself; none is lost by passing through kin."""
    for options in [], ["--failed"], ["--live"]:
        done = harness.kin_run("-q" if not options else options[0], "-o", os.path.join(place, "r"), "--",
                               *harness.load("signals", "queued", 500))
        assert done.returncode == 0


@pytest.mark.parametrize("kind, status", [("stop-self", 0), ("stop-child", 0), ("by-timer", 0), ("threads", 0), ("segv", 0)])
def test_signal_loads(kind, status, place):
    seen, done = harness.record(harness.load("signals", kind), os.path.join(place, "r"))
    assert done.returncode == status
    if kind == "stop-self":
        assert [(event["ev"], event["task"]) for event in seen.events if event["ev"] in ("stop", "cont")] == [("stop", 1), ("cont", 1)]
    if kind == "by-timer":
        assert seen.root.children[0].exit["killer"]["kernel"]


def test_core_dump_is_told(place):
    plain = harness.run(["/bin/sh", "-c", "ulimit -c unlimited && kill -ABRT $$"], cwd=place)
    core = any(name.startswith("core") for name in os.listdir(place)) or plain.returncode == -6 and dumps(place)
    seen, done = harness.record(["/bin/sh", "-c", "ulimit -c unlimited && kill -ABRT $$"], os.path.join(place, "r"), cwd=place)
    assert done.returncode == 134
    assert seen.root.core == bool(core)


def dumps(place):
    pid = os.fork()
    if pid == 0:
        import resource
        resource.setrlimit(resource.RLIMIT_CORE, (resource.getrlimit(resource.RLIMIT_CORE)[1],) * 2)
        os.chdir(place)
        os.abort()
    return os.WCOREDUMP(os.waitpid(pid, 0)[1])


def test_killer_is_named(place):
    seen, done = harness.record(harness.load("signals", "by-sibling"), os.path.join(place, "r"))
    assert done.returncode == 0
    victim, killer = seen.root.children
    assert victim.end == ("signal", "SIGKILL")
    known = victim.exit.get("killer")
    if known:  # SIGKILL never stops at the tracer: only a source beside ptrace can know
        assert known["pid"] == killer.pid and known["task"] == killer.number
