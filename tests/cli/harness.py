"""What the end-to-end tests of `kin run` share: where kin and the loads are, how to run them, what must not be left."""

import os
import shutil
import subprocess
import tempfile
import time
import uuid

import pytest

import recording

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
KIN = os.path.abspath(os.environ.get("KIN", os.path.join(ROOT, "build", "kin")))
LOADS = os.path.abspath(os.environ.get("KIN_LOADS", os.path.join(ROOT, "build", "tests", "load")))
NOBODY = 65534
TIMEOUT = 100
MARK = "KIN_TEST_MARK"

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")


def load(name, *arguments):
    """The command of a load; skips where it was not built (32-bit and static ones)."""
    path = os.path.join(LOADS, name)
    if not os.path.exists(path):
        pytest.skip("the load %s was not built" % name)
    return [path, *(str(argument) for argument in arguments)]


def need(program):
    """The path of a program that the system may lack."""
    path = shutil.which(program, path="/usr/local/sbin:/usr/sbin:/sbin:" + os.environ.get("PATH", os.defpath))
    if not path:
        pytest.skip("%s is not installed" % program)
    return path


def run(command, **keywords):
    keywords.setdefault("timeout", TIMEOUT)
    keywords.setdefault("stdout", subprocess.PIPE)
    keywords.setdefault("stderr", subprocess.PIPE)
    if "input" not in keywords:
        keywords.setdefault("stdin", subprocess.DEVNULL)
    return subprocess.run([str(word) for word in command], **keywords)


def kin_run(*arguments, **keywords):
    return run([KIN, "run", *arguments], **keywords)


def record(argv, output, options=(), **keywords):
    """Run a program under kin. Returns its recording and the finished process of kin."""
    done = kin_run("--json", "-o", output, *options, "--", *argv, **keywords)
    assert os.path.exists(output), done.stderr.decode(errors="replace")
    return recording.load(output), done


def wait_until(condition, what, seconds=30):
    """Poll for something that must come about; how long it takes never decides a test, that it never does will."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited %d s in vain: %s" % (seconds, what)
        time.sleep(0.005)


def state_of(pid):
    """The state letter of a process, None when it is gone."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as file:
            return file.read().rsplit(b") ", 1)[1][:1].decode()
    except (FileNotFoundError, ProcessLookupError):
        return None


def marked(mark):
    """PIDs of the living processes that were started with that mark in their environment."""
    wanted, pids = ("%s=%s" % (MARK, mark)).encode(), []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open("/proc/%s/environ" % name, "rb") as file:
                    if wanted in file.read().split(b"\0"):
                        pids.append(int(name))
            except OSError:
                pass
    return pids


def told(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as file:
            command = file.read().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        command = ""
    return "%d (%s) %s" % (pid, state_of(pid), command[:200])


@pytest.fixture(autouse=True)
def nothing_left(monkeypatch):
    """Every test: no process that it started is left, neither running nor stopped; and no descriptor of ours is."""
    mark, before = str(uuid.uuid4()), len(os.listdir("/proc/self/fd"))
    monkeypatch.setenv(MARK, mark)
    yield mark
    left = marked(mark)
    for _ in range(1000):
        if not left:
            break
        time.sleep(0.005)
        left = marked(mark)
    texts = [told(pid) for pid in left]
    for pid in left:
        try:
            os.kill(pid, 9)
        except ProcessLookupError:
            pass
    assert not texts, "left behind: " + "; ".join(texts)
    assert len(os.listdir("/proc/self/fd")) == before


@pytest.fixture
def place():
    """A directory that every user may write to, unlike pytest's own, with a path of constant length."""
    path = tempfile.mkdtemp(prefix="kin-test-")
    os.chmod(path, 0o777)
    yield path
    shutil.rmtree(path, ignore_errors=True)


class Nobody:
    """kin and the loads where an ordinary user can reach them, and how to run as one."""

    def __init__(self, directory):
        self.kin = os.path.join(directory, "kin")
        self.loads = os.path.join(directory, "loads")
        shutil.copy(KIN, self.kin)
        shutil.copytree(LOADS, self.loads, ignore=lambda at, names: [n for n in names if not is_program(at, n)])
        for at, _, names in os.walk(directory):
            os.chmod(at, 0o755)
            for name in names:
                os.chmod(os.path.join(at, name), 0o755)

    keywords = {"user": NOBODY, "group": NOBODY, "extra_groups": []}

    def load(self, name, *arguments):
        return [os.path.join(self.loads, os.path.basename(load(name)[0])), *(str(argument) for argument in arguments)]

    def kin_run(self, *arguments, **keywords):
        return run([self.kin, "run", *arguments], **self.keywords, **keywords)

    def kin_run_as_given(self, *arguments, **keywords):
        """For callers that already say which user."""
        return run([self.kin, "run", *arguments], **keywords)

    def record(self, argv, output, options=(), **keywords):
        done = self.kin_run("--json", "-o", output, *options, "--", *argv, **keywords)
        assert os.path.exists(output), done.stderr.decode(errors="replace")
        return recording.load(output), done


def is_program(directory, name):
    path = os.path.join(directory, name)
    return os.path.isfile(path) and os.access(path, os.X_OK)


@pytest.fixture(scope="session")
def nobody():
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    directory = tempfile.mkdtemp(prefix="kin-nobody-")
    yield Nobody(directory)
    shutil.rmtree(directory, ignore_errors=True)
