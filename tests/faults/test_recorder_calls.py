"""Every system call of the recorder failing in turn.

strace watches kin itself (no -f: neither the program nor its family) and makes the n-th call of a kind fail, for n = 1, 2,
... until n is past the number of such calls. Each run must end; its program has run to its end or was never started; kin
has either an unaffected result or a message; and no process is left behind, running or stopped.

Left out: close(2), since the kernel closes a descriptor even when it returns an error and strace would leave it open;
brk(2), which never fails with an error number, and futex(2), on whose errors the C library aborts; and what the dynamic loader calls before main().
"""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
import harness
import recording
import witness
from harness import KIN, nobody, nothing_left, place  # fixtures

#: calls of the recorder and how they fail in real life
CALLS = {
    "ptrace": ["ESRCH", "EPERM", "EIO"],
    "wait4": ["ECHILD", "EINTR"],
    "waitid": ["ECHILD", "EINTR"],
    "fork,vfork,clone,clone3": ["EAGAIN", "ENOMEM", "ENOSYS"],
    "pipe2": ["EMFILE", "ENFILE"],
    "process_vm_readv": ["EPERM", "EFAULT", "ESRCH"],
    "open,openat": ["EMFILE", "ENOENT", "EACCES", "ENOMEM"],
    "read": ["EIO", "ESRCH", "EINTR"],
    "pread64": ["EIO", "ESRCH"],
    "write": ["EIO", "ENOSPC", "EINTR"],
    "readlink,readlinkat": ["ENOENT", "EACCES"],
    "stat,newfstatat,statx,fstat": ["EACCES", "ENOENT"],
    "mmap": ["ENOMEM"],
    "mprotect": ["ENOMEM"],
    "perf_event_open": ["EACCES", "EMFILE", "ENOSYS"],
    "ioctl": ["EINVAL", "ENOTTY", "ENOSPC"],
    "fcntl": ["EMFILE", "EINVAL"],
    "rt_sigaction": ["EINVAL"],
    "rt_sigprocmask": ["EINVAL"],
    "rt_sigtimedwait": ["EAGAIN", "EINTR"],
    "signalfd,signalfd4": ["EMFILE"],
    "poll,ppoll": ["EINTR", "ENOMEM"],
    "epoll_create1,epoll_ctl,epoll_wait,epoll_pwait": ["EMFILE", "ENOMEM"],
    "eventfd2": ["EMFILE"],
    "timerfd_create,timerfd_settime": ["EMFILE"],
    "pidfd_open": ["EMFILE", "ENOSYS"],
    "pidfd_send_signal": ["ESRCH"],
    "kcmp": ["EPERM", "ENOSYS"],
    "kill,tgkill,tkill": ["ESRCH", "EPERM"],
    "prctl": ["EINVAL"],
    "getdents64": ["ENOENT"],
    "lseek": ["EINVAL"],
    "getrusage": ["EFAULT"],
    "prlimit64": ["EPERM"],
    "getcwd": ["ENOENT"],
    "uname": ["EFAULT"],
    "sched_getaffinity,sched_setaffinity": ["EINVAL"],
    "socket,bind,sendto,sendmsg,recvfrom,recvmsg": ["EPERM", "ENOBUFS"],
    "seccomp": ["EINVAL", "EACCES"],
    "access,faccessat,faccessat2": ["EACCES"],
    "munmap": ["EINVAL"],
    "dup,dup2,dup3": ["EMFILE"],
    "unlink,unlinkat": ["EACCES"],
    "setpgid": ["EPERM"],
    "getpgid,tcgetpgrp": ["ESRCH"],
    "memfd_create": ["EMFILE"],
}
#: every n up to this one (in the default mode, and in the others), then ever further apart: late calls repeat earlier ones
EACH = 40, 12
LAST = 400
HANG = 10
#: wrong results of one call after which no more are looked for
ENOUGH = 8

MODES = {"default": [], "faults": ["--faults"], "failed": ["--failed"], "no-stop": ["--no-stop"]}


@pytest.fixture(scope="module", autouse=True)
def strace_works():
    why = witness.works()
    if why:
        pytest.skip(why)


def program(place):
    """A small family of every kind: a shell, a fork, an exec, threads, a signal. It says at its very end that it has run."""
    marker = os.path.join(place, "marker")
    text = '(exit 3); "$1" 2 2; "$2" kill-self 2>/dev/null; /bin/true & wait; echo ran > %s; exit 5' % marker
    return marker, ["/bin/sh", "-c", text, "sh", harness.load("threads")[0], harness.load("signals")[0]]


def made(options, place):
    """The names of the calls that a run of kin makes after its start, and of those that the loader made; and kin's status."""
    log = os.path.join(place, "count")
    _, argv = program(place)
    done = harness.run(["strace", "-qq", "-o", log, "-e", "signal=none", "--", KIN, "run", "--json", "-o", os.path.join(place, "r"),
                        *options, "--", *argv])
    assert done.returncode in (5, 126), done.stderr
    with open(log, encoding="utf-8", errors="replace") as file:
        names = [match.group(1) for line in file if (match := re.match(r"(\w+)\(", line))]
    # the loader's last act is to unmap its cache; a static program has no loader
    main = names.index("munmap") + 1 if "munmap" in names else 0
    return names[:main], names[main:], done.returncode


def turns(count, each):
    """1, 2, ... to each, then ever further apart, and one past the last."""
    n, step = 1, 1
    while n <= min(count, LAST):
        yield n
        if n >= each:
            step += 7
        n += step
    yield count + 1


def judge(done, marker, path):
    """The rule that every failing run is held to."""
    text = done.stderr.decode(errors="replace")
    ran = os.path.exists(marker)
    assert "Assertion" not in text and "Sanitizer" not in text, text
    assert done.returncode >= 0, "kin died of signal %d: %s" % (-done.returncode, text)
    if ran:
        whole = os.path.exists(path) and b'"ev":"end"' in open(path, "rb").read()
        assert done.returncode == 5, "the program ran, its status was 5, kin's is %d: %s" % (done.returncode, text)
        assert whole or text.strip(), "the recording is not whole and nobody was told"
    else:
        assert done.returncode != 0, "the program was not run, and kin's status is 0"
        assert text.strip(), "the program was not run (status %d), without a word" % done.returncode
    # what is written can be read
    if os.path.exists(path) and os.path.getsize(path):
        report = harness.run([KIN, "report", "--json", path])
        assert report.returncode in (0, 1, 2), report.stderr


def inject(calls, error, n, options, argv, path):
    names = ",".join("?" + name for name in calls)
    return harness.run(["strace", "-qq", "-o", os.devnull, "-e", "trace=" + names, "-e", "signal=none",
                        "-e", "inject=%s:error=%s:when=%d" % (names, error, n),
                        "--", KIN, "run", "--json", "-o", path, *options, "--", *argv], timeout=HANG)


def one(calls, error, n, options, place, mark):
    """One run with one failing call. Raises AssertionError where the rule is broken."""
    marker, argv = program(place)
    path = os.path.join(place, "r")
    for old in (marker, path):
        if os.path.exists(old):
            os.unlink(old)
    try:
        judge(inject(calls, error, n, options, argv, path), marker, path)
    except subprocess.TimeoutExpired:
        left = [harness.told(pid) for pid in harness.marked(mark)]
        raise AssertionError("hangs: %s" % "; ".join(left)) from None
    finally:
        left = leftovers(mark)
    assert not left, "left behind: %s" % left


def leftovers(mark):
    """What does not end by itself is told, and ended, so that the next run begins with nothing."""
    for _ in range(400):
        pids = harness.marked(mark)
        if not pids:
            return None
        time.sleep(0.005)
    text = "; ".join(harness.told(pid) for pid in pids)
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    return text


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("call", CALLS)
def test_nth_call_fails(call, mode, place, nothing_left):
    calls = call.split(",")
    before, after, status = made(MODES[mode], place)
    if status == 126:
        pytest.skip("this mode cannot be used here")
    skipped, count = (sum(name in calls for name in names) for names in (before, after))
    wrong = []
    for error in CALLS[call] if mode == "default" else CALLS[call][:1]:
        for n in turns(count, EACH[mode != "default"]) if count else ():
            try:
                one(calls, error, skipped + n, MODES[mode], place, nothing_left)
            except AssertionError as problem:
                wrong.append("%s number %d of %d after %d of the loader: %s: %s" % (call, n, count, skipped, error, problem))
                if len(wrong) >= ENOUGH:
                    break
    assert not wrong, "\n" + "\n".join(wrong)
