"""kin expect on real programs: what holds, what does not, what cannot be told, and how each is reported."""

import json
import os
import re
import signal
import subprocess
import xml.etree.ElementTree as xml

import pytest

import harness
from harness import KIN, nobody, nothing_left, place  # fixtures

MANUAL = os.path.join(harness.ROOT, "docs", "man", "kin-expect.1.scd")


def expect(*words, **keywords):
    return harness.run([KIN, "expect", *words], **keywords)


def verdict(done):
    """0, 1, 3 and what was said."""
    return done.returncode, done.stderr.decode(errors="replace")


def held(done):
    assert verdict(done) == (0, "")


def not_held(done, *parts):
    status, text = verdict(done)
    assert status == 1 and text.startswith("kin expect: not held: "), text
    for part in parts:
        assert part in text, text


def cannot_tell(done, *parts):
    status, text = verdict(done)
    assert status == 3 and text.startswith("kin expect: cannot tell: "), text
    for part in parts:
        assert part in text, text


def sees_faults(run):
    """Whether the kernel lets this user have perf's page faults."""
    return run("faults.zero > 0", "--", "/bin/true").returncode == 0


class User:
    """Runs kin expect and the loads as root or as an ordinary user."""

    def __init__(self, kin, load, keywords):
        self.kin, self.load, self.keywords = kin, load, keywords

    def expect(self, *words, **keywords):
        return harness.run([self.kin, "expect", *words], **self.keywords, **keywords)


@pytest.fixture(params=["self", "nobody"])
def user(request):
    if request.param == "self":
        return User(KIN, harness.load, {})
    other = request.getfixturevalue("nobody")
    return User(other.kin, other.load, other.keywords)


# What programs do


@pytest.mark.parametrize("count", [0, 1, 2, 50])
def test_threads(user, count):
    held(user.expect("threads == %d && processes == 1 && tasks == %d" % (count, count + 1), "exit == 0 && signal == 0",
                     "count(clone.flags has CLONE_THREAD|CLONE_VM) == threads", "all(clone.call in ('clone', 'clone3'))",
                     "process('threads*').threads == %d" % count, "running == 0 && orphans == 0",
                     "forks + vforks + spawns == 0", "--", *user.load("threads", count)))


@pytest.mark.parametrize("count", [0, 1, 40])
def test_shell_and_its_programs(user, count):
    script = "for i in $(seq %d); do /bin/true $i; done; exit 3" % count
    held(user.expect("exec('true').count == %d" % count, "exit == 3", "exec('/bin/true').count == exec('true').count",
                     "exec('sh').count == 1 || exec('sh').count == 2", "count(exec.name == 'true' && exit == 0) == %d" % count,
                     "count(prog) == 1 && any(prog && exit == 3)", "execs == %d" % (count + 2), "threads == 0",
                     "processes == %d" % (count + 2), "--", "sh", "-c", script))


def test_how_a_library_starts_programs(user):
    script = "import os; os.waitpid(os.posix_spawn('/bin/true', ['true'], {}), 0)"
    held(user.expect("any(clone.flags has CLONE_VM|CLONE_VFORK)", "spawns + vforks == 1 && forks == 0",
                     "exec('true').count == 1", "none(clone.flags has CLONE_THREAD)", "--", "/usr/bin/python3", "-S", "-c", script))
    held(user.expect("forks == 1 && spawns + vforks == 0", "any(kind == 'fork' && exit == 7)", "exit == 0", "--",
                     "/usr/bin/python3", "-S", "-c", "import os; os.fork() or os._exit(7); os.wait()"))


def test_arguments_and_directories(user, place):
    held(user.expect("any(exec.argv has 'a b' && exec.argv has '*')", "none(exec.argv has 'a')", "any(exec.argv =~ 'a?b')",
                     "all(exec.cwd == '%s')" % place, "any(argv has '*' && cwd == '%s')" % place, "--",
                     "sh", "-c", "/bin/true 'a b' '*'; exit", cwd=place))


def test_scripts(user, place):
    path = os.path.join(place, "script")
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 0\n")
    os.chmod(path, 0o755)
    held(user.expect("exec('script').count == 1 && exec('%s').count == 1" % path, "any(exec.script == '%s')" % path,
                     "any(exec.exe =~ '*sh')", "--", path))


def test_sizes_and_times(user):
    done = user.expect("wall >= 200ms && wall < 1h", "cpu < wall", "maxrss > 100KiB && maxrss < 1GiB", "user + system < 10min",
                       "cpu / wall < 0.9 && wall / 2 > cpu - wall", "all(start < wall)", "--", "sleep", "0.2")
    held(done)
    not_held(user.expect("wall < 1us", "--", "/bin/true"), "  wall = ")
    big = "x = bytearray(80 << 20); x[::4096] = b'x' * len(x[::4096])"
    not_held(user.expect("maxrss < 64MiB", "--", "/usr/bin/python3", "-S", "-c", big), "  maxrss = ", "KiB\n  process ")


@pytest.mark.parametrize("signo", [signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGRTMIN + 3])
def test_a_program_that_is_killed(user, signo):
    name = "SIGRTMIN+3" if signo == signal.SIGRTMIN + 3 else signal.Signals(signo).name
    command = ["/usr/bin/python3", "-S", "-c", "import os; os.kill(os.getpid(), %d)" % signo]
    held(user.expect("signal == %s && exit == 128 + %d" % (name, signo), "!(exit == 0)", "--", *command))
    not_held(user.expect("exit == 0", "--", *command), "  exit = %d\n" % (128 + signo))


def test_the_end_of_the_program_is_no_expectation(user):
    held(user.expect("processes == 1", "--", "sh", "-c", "exit 9"))
    held(user.expect("threads == 0", "--", "sh", "-c", "kill -9 $$"))


def test_signals(user):
    script = "trap : USR1; kill -USR1 $$; exit 0"
    held(user.expect("signals == 1", "any(received.signal == SIGUSR1 && !received.kernel && received.pid > 0)",
                     "none(received.signal == SIGTERM)", "--", "sh", "-c", script))


def test_orphans(user):
    held(user.expect("orphans == 1 && running == 0", "any(orphan && exit == 6)", "processes == 3", "--",
                     *user.load("families", "daemon")))


def test_exec_by_a_thread(user):
    held(user.expect("exit == 0 && processes == 1", "any(exec.argv has 'from-a-thread' && thread)", "execs == 2", "--",
                     *user.load("execs", "from-thread")))


def test_fault_counts(user):
    held(user.expect("faults.minor > 1000 && faults >= faults.minor + faults.major", "count(faults.minor > 1000) == 1",
                     "--", *user.load("faults", "zero", 1000)))


@pytest.mark.parametrize("cause", ["zero", "cow", "file", "shared"])
def test_causes_switch_faults_on(user, cause, place):
    if not sees_faults(user.expect):
        pytest.skip("no perf page faults for this user")
    saved = os.path.join(place, "saved")
    done = user.expect("faults.%s > 0" % cause, "--save", saved, "--", *user.load("faults", cause, 1000))
    assert done.returncode == 0, done.stderr
    with open(saved, encoding="utf-8") as file:
        rows = [event for event in map(json.loads, file) if event["ev"] == "faults"]
    made = sum(row["count"] for row in rows if row["cause"] == cause)
    doubtful = sum(row["count"] for row in rows if row["cause"] == "other")
    assert made > 100
    held(expect("--from", saved, "faults.%s >= %d && faults.%s <= %d" % (cause, made, cause, made + doubtful),
                "faults.other == %d" % doubtful))
    not_held(user.expect("faults.%s == 0" % cause, "--", *user.load("faults", cause, 1000)), "  faults.%s = " % cause, "\n  process ")


#: a seccomp filter, in the kernel's own byte code, that answers perf_event_open(2) with EACCES
REFUSE_PERF = """
import ctypes, os, platform, struct, sys
number = {"x86_64": 298, "aarch64": 241}.get(platform.machine())
if number is None:
    sys.exit(77)
code = b"".join(struct.pack("HBBI", *i) for i in [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x5000d), (6, 0, 0, 0x7fff0000)])
libc = ctypes.CDLL(None, use_errno=True)
memory = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack("H6xQ", 4, ctypes.addressof(memory)))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""


@pytest.mark.parametrize("expression", ["faults.cow == 0", "!(faults.cow > 0)", "faults.cow != 0", "all(faults.zero < 9)"])
def test_causes_that_the_kernel_refuses_cannot_be_told(user, expression):
    done = harness.run(["/usr/bin/python3", "-I", "-c", REFUSE_PERF, user.kin, "expect", expression, "exit == 0",
                        "faults.minor > 0 && threads == 0", "--", "/bin/true"], **user.keywords)
    if done.returncode == 77:
        pytest.skip("no seccomp filter can be installed here")
    cannot_tell(done, "causes of page faults", "not seen here: where page faults happened")
    assert done.stderr.count(b"kin expect: ") == 1


def test_failed_calls_switch_the_filter_on(user):
    held(user.expect("any(failed.error == ENOENT && failed.path == '/no/such/program')", "failed == 1", "--",
                     "sh", "-c", "/no/such/program 2>/dev/null; exit 0"))
    held(user.expect("failed == 0", "none(failed.error == EAGAIN)", "--", "/bin/true"))
    not_held(user.expect("failed == 0", "--", "sh", "-c", "/no/such/program 2>/dev/null; exit 0"),
             "  failed = 1\n", "execve of /no/such/program failed with ENOENT")


def test_without_stops(user):
    done = user.expect("--no-stop", "processes == 2", "exec('true').count == 1", "--", "sh", "-c", "/bin/true; exit 0")
    if done.returncode == 126:
        pytest.skip(done.stderr.decode().strip())
    held(done)
    cannot_tell(user.expect("--no-stop", "signals == 0", "--", "/bin/true"), "ptrace")


def test_follow(user):
    held(user.expect("--follow=none", "processes == 2", "running == 1", "exec('true').count == 0", "--",
                     "sh", "-c", "/bin/true; exit 0"))
    cannot_tell(user.expect("--follow=none", "all(exit == 0)", "--", "sh", "-c", "/bin/true; exit 0"), "its end was not seen")
    not_held(user.expect("--follow=none", "all(exit == 0)", "--", "sh", "-c", "/bin/true; exit 1"))


@pytest.mark.parametrize("how", ["fork", "spawn", "exec"])
def test_many_processes(how):
    made = "spawns" if how == "spawn" else "forks"
    held(expect("processes == 301 && %s == 300" % made, "all(exit == 0)", "count(children == 0) == 300", "any(children == 300)",
                "execs == %d" % (1 if how == "fork" else 301), "clones + forks >= 300", "--", *harness.load("forks", 300, how)))


# What is told


def test_a_broken_expectation_is_told_with_values_and_tasks(user):
    status, text = verdict(user.expect("threads == 2 && exit == 0", "exit == 0", "--", *user.load("threads", 3)))
    lines = text.splitlines()
    assert status == 1
    assert lines[:2] == ["kin expect: not held: threads == 2 && exit == 0", "  threads = 3, exit = 0"]
    assert len(lines) == 5
    for line in lines[2:]:
        assert re.fullmatch(r"  thread \d+ \S+, made by clone3? in task \d+", line)


def test_at_most_ten_tasks_are_told():
    text = verdict(expect("threads == 2", "--", *harness.load("threads", 25)))[1]
    assert text.count("\n  thread ") == 10 and text.endswith("  and 15 more\n")


def test_what_is_not_known_never_passes(place):
    saved = os.path.join(place, "saved")
    held(expect("exit == 0", "--save", saved, "--", "/bin/true"))
    for expression in ("faults.cow == 0", "faults.cow > 0", "!(faults.cow == 0)", "!!(faults.cow != 0)", "failed == 0",
                       "none(failed.error == EPERM)", "faults.cow == 0 || exit == 1", "faults.cow == 0 && exit == 0"):
        cannot_tell(expect("--from", saved, expression), "  because ")
    held(expect("--from", saved, "faults.cow == 0 || exit == 0"))
    not_held(expect("--from", saved, "faults.cow == 0 && exit == 1"))
    assert expect("--from", saved, "faults.cow == 0", "exit == 1").returncode == 1


@pytest.mark.parametrize("bad, good", [("1 / 0 == 1", "1 / 0 == 1 || true"), ("9223372036854775807 + exit > 0", "exit < 1"),
                                       ("exit % 0 == 0", "exit % 1 == 0"), ("9223372036854775807 * 3 > 0", "exit == 0")])
def test_calculations_that_go_wrong(bad, good):
    held(expect(good, "--", "/bin/true"))
    if "+" not in bad:
        cannot_tell(expect(bad, "--", "/bin/true"))
        cannot_tell(expect("!(%s)" % bad, "--", "/bin/true"))


def test_the_program_keeps_its_input_and_output(user):
    script = "import sys; d = sys.stdin.buffer.read(); sys.stdout.buffer.write(d[::-1]); sys.stderr.buffer.write(b'E' + d)"
    data = bytes(range(256)) * 100
    done = user.expect("exit == 0", "--", "/usr/bin/python3", "-S", "-c", script, input=data)
    assert (done.returncode, done.stdout, done.stderr) == (0, data[::-1], b"E" + data)


def test_quiet():
    done = expect("-q", "exit == 1", "--", "sh", "-c", "echo out; echo err >&2")
    assert (done.returncode, done.stdout, done.stderr) == (1, b"out\n", b"err\n")


def test_to_a_file(place):
    path = os.path.join(place, "report")
    done = expect("-o", path, "exit == 1", "--", "/bin/true")
    assert verdict(done) == (1, "")
    with open(path, encoding="utf-8") as file:
        assert file.readline() == "kin expect: not held: exit == 1\n"
    held(expect("--output=" + path, "exit == 0", "--", "/bin/true"))
    assert os.path.getsize(path) == 0


def test_tree():
    text = verdict(expect("--tree", "processes == 5", "--", "sh", "-c", "/bin/true; exit 4"))[1]
    assert "kin expect: not held" in text and "exit 4" in text and "true" in text.split("\n", 3)[3]
    held(expect("--tree", "processes == 2", "--", "sh", "-c", "/bin/true; exit 4"))


def test_tap(place):
    path = os.path.join(place, "tap")
    done = expect("--tap", "-o", path, "exit == 0", "any(name == 'a # b\\c')", "threads == 0", "--", "/bin/true")
    assert verdict(done) == (1, "")
    with open(path, encoding="utf-8") as file:
        lines = file.read().splitlines()
    assert lines[:4] == ["TAP version 14", "1..3", "ok 1 - exit == 0", "not ok 2 - any(name == 'a \\# b\\\\c')"]
    assert lines[4] == "  ---" and lines[-2] == "  ..." and lines[-1] == "ok 3 - threads == 0"
    assert '  message: "not held"' in lines
    assert all(line.startswith("  ") for line in lines[4:-1])
    done = expect("--tap", "exit == 0", "--", "/no/such/program")
    assert done.returncode == 127 and b"\nBail out! /no/such/program" in done.stderr


def test_junit(place):
    path = os.path.join(place, "junit.xml")
    odd = "any(exec.argv has '<&>\"\x01\udcff\u00e4')"
    done = expect("--junit", path, "exit == 0", odd, "!(1 / 0 == 1)", "--", "/bin/true", "<]]>", "\x02\udcfe")
    assert done.returncode == 1
    root = xml.parse(path).getroot()
    suite = root.find("testsuite")
    assert suite.attrib["tests"] == "3" and suite.attrib["failures"] == "1" and suite.attrib["errors"] == "1"
    assert "<]]>" in suite.attrib["name"]
    cases = suite.findall("testcase")
    assert [case.attrib["name"] for case in cases] == ["exit == 0", "any(exec.argv has '<&>\"??\u00e4')", "!(1 / 0 == 1)"]
    assert [[child.tag for child in case] for case in cases] == [[], ["failure"], ["error"]]
    assert "/bin/true <]]>" in cases[1].find("failure").text
    assert cases[2].find("error").attrib["message"] == "division by zero"


def test_junit_of_a_program_that_does_not_start(place):
    path = os.path.join(place, "junit.xml")
    assert expect("--junit", path, "exit == 0", "exit == 1", "--", "/no/such/program").returncode == 127
    suite = xml.parse(path).getroot().find("testsuite")
    assert suite.attrib["errors"] == "2" and "/no/such/program" in suite.find("testcase/error").attrib["message"]


# Saved recordings


def test_a_saved_recording_gives_the_same(place):
    saved = os.path.join(place, "saved")
    expressions = ["processes == 4", "exec('true').count == 2", "all(exit == 0)", "signals == 0", "any(exec.argv has 'two')"]
    live = expect("--save", saved, *expressions, "--", "sh", "-c", "/bin/true one; /bin/true two; exit 5")
    again = expect("--from", saved, *expressions)
    assert verdict(live) == verdict(again) and live.returncode == 1
    with open(saved, "rb") as file:
        piped = expect("--from=-", *expressions, stdin=file)
    assert verdict(piped) == verdict(again)
    assert harness.run([KIN, "report", saved]).returncode == 0


def test_a_recording_cut_short(place):
    saved, cut = os.path.join(place, "saved"), os.path.join(place, "cut")
    held(expect("--save", saved, "processes == 3", "--", "sh", "-c", "/bin/true; /bin/true; exit 0"))
    with open(saved, "rb") as file:
        lines = file.readlines()
    with open(cut, "wb") as file:
        file.writelines(lines[:-1])
    for expression in ("processes == 3", "processes < 4", "!(processes == 3)"):
        status, text = verdict(expect("--from", cut, expression))
        assert status == 3 and "cut" in text, text
    assert expect("--from", cut, "processes >= 3").returncode == 0
    assert expect("--from", cut, "processes > 3 || processes == 2 || true").returncode == 0
    assert expect("--from", cut, "processes < 3").returncode == 1


def test_what_is_no_recording(place):
    for path in ("/etc/passwd", os.path.join(place, "missing"), place):
        done = expect("--from", path, "exit == 0")
        assert done.returncode == 2 and done.stderr.count(b"\n") == 1 and path.encode() in done.stderr
    assert expect("--from", "/dev/null", "exit == 0").returncode == 2


# Mistakes


@pytest.mark.parametrize("expression, column, message", [
    ("", 0, "empty"),
    ("threads ==", 10, "found the end"),
    ("wall < 64MiB", 7, "a duration is not a size"),
    ("wall < 2", 7, "needs a unit"),
    ("thread == 2", 0, "did you mean 'threads'"),
    ("proceses == 2", 0, "did you mean 'processes'?"),
    ("exec(\"sh).count == 0", 5, "never closed"),
    ("any(clone.flags has CLONE_VFROK)", 20, "did you mean CLONE_VFORK"),
    ("(" * 600 + "true" + ")" * 600, None, "nested deeper"),
    ("x" * 70000, None, "bytes long"),
    ("99999999999999999999 > 1", 0, "too large"),
    ("threads", 0, "is a number"),
    ("a\nb\x1b == 1", 0, "no name 'a'"),
])
def test_a_wrong_expression(expression, column, message):
    done = expect(expression, "--", "touch", "/no/such/file")
    status, text = verdict(done)
    lines = text.splitlines()
    assert status == 2 and len(lines) == 3, text
    assert lines[0].startswith("kin expect: ") and message in lines[0]
    assert len(lines[1]) < 120 and lines[2].strip() == "^"
    if column is not None:
        assert lines[2].index("^") == column + 2


def test_every_wrong_expression_is_told_and_nothing_runs(place):
    path = os.path.join(place, "ran")
    status, text = verdict(expect("exit = 0", "exit == 0", "wall <", "--", "touch", path))
    assert status == 2 and text.count("^") == 2 and text.count("kin expect: ") == 2
    assert not os.path.exists(path)


@pytest.mark.parametrize("words, message", [
    ([], "no '--' before the program"),
    (["exit == 0"], "no '--' before the program"),
    (["exit == 0", "/bin/true"], "no '--' before the program"),
    (["--", "/bin/true"], "no expression given"),
    (["exit == 0", "--"], "no program given"),
    (["-x", "exit == 0", "--", "true"], "unknown option '-x'"),
    (["-5 < exit", "--", "true"], "parentheses"),
    (["--nonsense", "exit == 0", "--", "true"], "unknown option '--nonsense'"),
    (["exit == 0", "-o", "--", "true"], "needs an argument"),
    (["--follow=some", "exit == 0", "--", "true"], "all, direct or none, not 'some'"),
    (["--faults=x", "exit == 0", "--", "true"], "not 'x'"),
    (["--on-kin-death=x", "exit == 0", "--", "true"], "run or kill, not 'x'"),
    (["--from=x", "exit == 0", "--", "true"], "give no program"),
    (["--from=x", "--no-stop", "exit == 0"], "no sense"),
    (["--from=x", "--save=y", "exit == 0"], "nothing to record"),
    (["--from=x"], "no expression given"),
    (["--tap", "--tree", "exit == 0", "--", "true"], "leave out one"),
    (["--no-stop", "failed == 0", "--", "true"], "leave out --no-stop"),
    (["--follow=none", "failed == 0", "--", "true"], "--follow=all"),
    (["-o", "/no/such/file", "exit == 0", "--", "true"], "cannot write /no/such/file"),
    (["--junit=/no/such/file", "exit == 0", "--", "true"], "cannot write /no/such/file"),
    (["--save=/no/such/file", "exit == 0", "--", "true"], "cannot write /no/such/file"),
])
def test_bad_usage(words, message):
    status, text = verdict(expect(*words))
    assert status == 2 and text.count("\n") == 1 and text.startswith("kin expect: ") and message in text, text


@pytest.mark.parametrize("program, status", [("no-such-program-anywhere", 127), ("/no/such/program", 127), ("/etc/passwd", 126), ("/", 126)])
def test_a_program_that_cannot_be_started(user, program, status):
    done = user.expect("exit == 0", "exit == 1", "--", program)
    assert done.returncode == status and done.stdout == b""
    assert done.stderr.count(b"\n") == 1 and program.encode() in done.stderr


def test_a_report_that_cannot_be_written():
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    for words in (["--junit=/dev/full"], ["--save=/dev/full"], ["--tap", "-o", "/dev/full"]):
        status, text = verdict(expect(*words, "exit == 0", "--", "/bin/true"))
        assert status == 2 and "cannot write /dev/full" in text, text
    assert expect("--junit=/dev/full", "exit == 1", "--", "/bin/true").returncode == 1


def test_nobody_reads_the_report():
    for words, status in ((["exit == 0"], 0), (["exit == 1"], 1), (["1 / 0 == 1"], 3)):
        reader, writer = os.pipe()
        os.close(reader)
        try:
            done = expect("--tap", *words, "--", "/bin/true", stderr=writer)
        finally:
            os.close(writer)
        assert done.returncode == status


@pytest.mark.parametrize("name, number", [("SIGTERM", signal.SIGTERM), ("SIGHUP", signal.SIGHUP)])
def test_a_signal_to_kin_reaches_the_program_and_is_reported(name, number, place):
    ready, path = os.path.join(place, "ready"), os.path.join(place, "report")
    os.mkfifo(ready)
    kin = subprocess.Popen([KIN, "expect", "-o", path, "signal == %s" % name, "exit == 0", "--",
                            "sh", "-c", "echo x > %s; exec sleep 60" % ready], stdin=subprocess.DEVNULL)
    with open(ready, encoding="ascii") as file:
        file.read()
    kin.send_signal(number)
    assert kin.wait(30) == 1
    with open(path, encoding="utf-8") as file:
        assert file.read().startswith("kin expect: not held: exit == 0\n  exit = %d\n" % (128 + number))


def test_a_negative_number_in_parentheses():
    held(expect("(-1 < exit)", "--", "/bin/true"))


# The manual


def listed_names():
    done = expect("--list-names")
    assert done.returncode == 0 and done.stderr == b""
    return {line.split()[0] for line in done.stdout.decode().splitlines() if line.startswith("  ")}


def test_the_manual_has_every_name():
    with open(MANUAL, encoding="utf-8") as file:
        manual = file.read()
    names = listed_names()
    assert len(names) > 60
    assert not [name for name in names if "*%s*" % name not in manual]


def test_the_examples_of_the_manual_are_right(place):
    saved = os.path.join(place, "saved")
    held(expect("--save", saved, "exit == 0", "--", "/bin/true"))
    with open(MANUAL, encoding="utf-8") as file:
        blocks = re.findall(r"```\n(.*?)```", file.read(), re.S)
    examples = [line for block in blocks for line in block.splitlines()
                if re.match(r"(task|process|exec|any|none|all)\(", line)]
    assert len(examples) >= 8
    for example in examples:
        assert expect("--from", saved, example).returncode in (0, 1, 3), example


def test_every_name_can_be_used(place):
    """Each listed name parses where it is listed, and gives a value for a real program."""
    saved = os.path.join(place, "saved")
    held(expect("--save", saved, "exit == 0", "--", "sh", "-c", "/bin/true; exit 0"))
    kinds = {"number": "== 1", "duration": "> 0", "size": "> 0", "string": "== 'x'", "strings": "has 'x'", "flags": "has CLONE_VM",
             "signal": "== SIGTERM", "error": "== ENOENT", "yes/no": "== true"}
    where, used = None, 0
    for line in expect("--list-names").stdout.decode().splitlines():
        if not line.startswith("  "):
            where = line
            continue
        name, kind = line.split()[:2]
        expression = "%s %s" % (name, kinds[kind])
        if "inside" in where:
            expression = "any(%s)" % expression
        elif line and where.startswith("after"):
            expression = "task('sh').%s" % expression
        done = expect("--from", saved, expression)
        assert done.returncode in (0, 1, 3), done.stderr.decode()
        used += 1
    assert used > 100


def test_help():
    done = harness.run([KIN, "help", "expect"])
    options = set(re.findall(r"--[a-z][a-z-]+", done.stdout.decode()))
    with open(MANUAL, encoding="utf-8") as file:
        manual = file.read()
    assert options and not [option for option in options if "*%s*" % option not in manual]
