"""Every system call of the recorder failing in turn.

strace watches kin itself (no -f: neither the program nor its family) and makes the n-th call of a kind fail, for n = 1, 2,
... until n is past the number of such calls. Each run must end; its program has run to its end or was never started; kin
has either an unaffected result or a message; and no process is left behind, running or stopped.
"""

import os
import re
import sys

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
    "write": ["EIO", "ENOSPC", "EINTR", "EPIPE"],
    "readlink,readlinkat": ["ENOENT", "EACCES"],
    "stat,newfstatat,statx,fstat": ["EACCES", "ENOENT"],
    "mmap": ["ENOMEM"],
    "brk": ["ENOMEM"],
    "mprotect": ["ENOMEM"],
    "perf_event_open": ["EACCES", "EMFILE", "ENOSYS"],
    "ioctl": ["EINVAL", "ENOTTY", "ENOSPC"],
    "fcntl": ["EMFILE", "EINVAL"],
    "close": ["EIO", "EINTR"],
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
    "futex": ["EAGAIN"],
    "dup,dup2,dup3": ["EMFILE"],
    "unlink,unlinkat": ["EACCES"],
    "setpgid": ["EPERM"],
    "getpgid,tcgetpgrp": ["ESRCH"],
    "memfd_create": ["EMFILE"],
}
#: every n up to this one, then ever further apart: late calls repeat what earlier ones did
EACH = 40
LAST = 400

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


def supported(call, options):
    done = harness.run(["strace", "-qq", "-o", os.devnull, "-e", "trace=?%s" % ",?".join(call.split(",")), "/bin/true"])
    if done.returncode:
        pytest.skip("strace does not know %s" % call)


def made(call, options, place):
    """How many calls of this kind a run makes."""
    log = os.path.join(place, "count")
    _, argv = program(place)
    done = harness.run(["strace", "-qq", "-o", log, "-e", "trace=?%s" % ",?".join(call.split(",")), "-e", "signal=none", "--", KIN, "run", "--json",
                        "-o", os.path.join(place, "r"), *options, "--", *argv])
    assert done.returncode in (5, 126), done.stderr
    with open(log, encoding="utf-8", errors="replace") as file:
        return sum(1 for line in file if re.match(r"\w+\(", line)), done.returncode


def turns(count):
    n, step = 1, 1
    while n <= min(count + 1, LAST):
        yield n
        if n >= EACH:
            step += 7
        n += step


def judge(done, marker, path, what):
    """The rule that every failing run is held to."""
    text = done.stderr.decode(errors="replace")
    ran = os.path.exists(marker)
    assert "Traceback" not in text and "Assertion" not in text and "AddressSanitizer" not in text, (what, text)
    assert done.returncode >= 0 or "strace" in text, (what, done.returncode, text)
    assert done.returncode not in (128 + 6, 128 + 11), (what, text)
    if ran:
        whole = os.path.exists(path) and b'"ev":"end"' in open(path, "rb").read()
        assert done.returncode == 5 or text.strip(), (what, done.returncode, text)
        assert whole or text.strip(), "%s: the recording is not whole and nobody was told" % what
    else:
        assert done.returncode != 0, what
        assert text.strip(), "%s: the program was not run (status %d), without a word" % (what, done.returncode)
    # what is written can be read
    if os.path.exists(path) and os.path.getsize(path):
        report = harness.run([KIN, "report", "--json", path])
        assert report.returncode in (0, 1, 2), (what, report.stderr)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("call", [call for call in CALLS if CALLS[call]])
def test_nth_call_fails(call, mode, place, nothing_left):
    options = MODES[mode]
    supported(call, options)
    count, status = made(call, options, place)
    if status == 126:
        pytest.skip("this mode cannot be used here")
    if count == 0:
        return
    marker, argv = program(place)
    path = os.path.join(place, "r")
    # the dynamic loader's own calls come before main(): they are not the recorder's, and have statuses of their own
    for error in CALLS[call]:
        for n in turns(count):
            for old in (marker, path):
                if os.path.exists(old):
                    os.unlink(old)
            what = "%s of %s number %d in %s" % (error, call, n, mode)
            done = harness.run(["strace", "-qq", "-o", os.devnull, "-e", "trace=?%s" % ",?".join(call.split(",")), "-e", "signal=none",
                                "-e", "inject=%s:error=%s:when=%d" % (",".join("?" + name for name in call.split(",")), error, n),
                                "--", KIN, "run", "--json", "-o", path, *options, "--", *argv], timeout=30)
            judge(done, marker, path, what)
            left = harness.marked(nothing_left)
            if left:
                harness.wait_until(lambda: not harness.marked(nothing_left), "%s: the end of %s" % (
                    what, "; ".join(harness.told(pid) for pid in left)), 10)
