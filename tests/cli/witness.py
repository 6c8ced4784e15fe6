"""An independent witness: what strace -f reports of a program, as a family of tasks.

strace stops every task at every system call and is asked for nothing but births, execs and ends; all strings are printed
in hexadecimal and whole, so that nothing a program passes can be taken for strace's own punctuation.
"""

import os
import re
import subprocess

from family import BY_EXEC, Task, attach

CALLS = "?fork,?vfork,clone,?clone3,execve,?execveat"
LINE = re.compile(r"^(\d+) +(.*)$")
RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
UNFINISHED = re.compile(r"^(.*?) ?<(unfinished \.\.\.|pid changed to (\d+) \.\.\.)>$")
CALL = re.compile(r"^(\w+)\((.*)\) += (-?\d+|\?)(?: (E[A-Z0-9]+) \(.*\))?(?: /\* (\d+) in strace's PID NS \*/)?.*$")
EXITED = re.compile(r"^\+\+\+ exited with (\d+) \+\+\+$")
KILLED = re.compile(r"^\+\+\+ killed by (\S+)( \(core dumped\))? \+\+\+$")
SUPERSEDED = re.compile(r"^\+\+\+ superseded by execve in pid (\d+) \+\+\+$")
SIGNAL = re.compile(r"^--- (SIG\S+) \{.*?si_code=(\w+)")
STRING = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')
FIELD = re.compile(r"\b(flags|exit_signal)=([^,}) ]+)")


class Unreadable(Exception):
    """A line of strace's that this parser does not know. Never skipped: a witness must be understood."""


def unhex(text):
    return bytes.fromhex(text.replace("\\x", ""))


def argv_of(call, arguments):
    """
    The path and the argument list of an execve's or execveat's printed arguments. The path is what the kernel makes of
    it: for execveat relative to a descriptor, /dev/fd/N with the path after it, if there is one.
    """
    match = STRING.search(arguments)
    if not match:
        return b"", ()
    path = unhex(match.group(1))
    if call == "execveat" and not path.startswith(b"/") and not arguments.startswith("AT_FDCWD"):
        path = b"/dev/fd/" + re.match(r"\d+", arguments).group().encode() + (b"/" + path if path else b"")
    start = arguments.find("[", match.end())
    if start < 0:
        return path, ()
    end = arguments.index("]", start)
    return path, tuple(unhex(word) for word in STRING.findall(arguments[start:end]))


def as_seen(path, argv):
    """
    The argument list that the new program finds: of a script ("#!"), the kernel replaces the first argument by the
    interpreter, its one optional argument, and the path as it was given to exec. An empty list has become one of an
    empty string since Linux 5.18.
    """
    argv = argv or (b"",)
    try:
        with open(path, "rb") as file:
            first = file.readline(256)
    except OSError:
        return argv
    if not first.startswith(b"#!"):
        return argv
    words = first[2:].strip().split(None, 1)
    return as_seen(words[0], tuple(words) + (path,) + argv[1:]) if words else argv


def flags_of(call, arguments):
    """CLONE_* names and the exit signal's name of a call that makes a task."""
    if call == "fork":
        return frozenset(), "SIGCHLD"
    if call == "vfork":
        return frozenset(["CLONE_VM", "CLONE_VFORK"]), "SIGCHLD"
    flags, signal = set(), 0
    for field, value in FIELD.findall(arguments.split("=>")[0]):
        for word in value.split("|"):
            if word.startswith("SIG"):
                signal = word
            elif word.startswith("CLONE_"):
                flags.add(word)
            elif field == "exit_signal":
                signal = int(word, 0)
            elif int(word, 0):
                flags.add(word)
    return frozenset(flags), signal


class Parser:
    def __init__(self):
        self.root = None
        self.tasks = {}       # PID -> the task that has it, or had it last
        self.unfinished = {}  # PID -> text of the call's beginning

    def task(self, pid):
        """The living task of that PID; one not announced yet is made here and finds its maker later."""
        task = self.tasks.get(pid)
        if task is None or (task.end and task.maker):
            task = self.tasks[pid] = Task(pid)
            if self.root is None:
                self.root = task
                task.call = "first"
        return task

    def born(self, maker, pid, call, arguments):
        task = self.tasks.get(pid)
        if task is None or task.maker or task is self.root:
            task = self.tasks[pid] = Task(pid)
        attach(task, maker, call, *flags_of(call, arguments))

    def call(self, pid, text):
        match = CALL.match(text)
        if not match:
            raise Unreadable(text)
        call, arguments, result, error, translated = match.groups()
        task = self.task(pid)
        if result == "?":
            return
        if call in ("execve", "execveat"):
            path, argv = argv_of(call, arguments)
            if error:
                task.failures.append((call, error, path) + argv)
            else:
                task.programs.append((call, path, as_seen(path, argv)))
        elif error:
            if not error.startswith("ERESTART"):
                task.failures.append((call, error))
        else:
            self.born(task, int(translated or result), call, arguments)

    def superseded(self, pid, by):
        """A thread called exec: it goes on under the leader's PID, and the leader is gone. Other threads exit with 0."""
        leader, thread = self.tasks[pid], self.tasks.pop(by)
        leader.end = BY_EXEC
        self.tasks[pid] = thread
        self.unfinished[pid] = self.unfinished.pop(by)

    def line(self, line):
        match = LINE.match(line)
        if not match:
            raise Unreadable(line)
        pid, text = int(match.group(1)), match.group(2)
        if (match := UNFINISHED.match(text)):
            self.task(pid)
            self.unfinished[pid] = match.group(1)
        elif (match := RESUMED.match(text)):
            begin = self.unfinished.pop(pid)
            self.call(pid, begin + match.group(2))
        elif (match := EXITED.match(text)):
            self.task(pid).end = ("exit", int(match.group(1)))
        elif (match := KILLED.match(text)):
            task = self.task(pid)
            task.end, task.core = ("signal", match.group(1)), bool(match.group(2))
        elif (match := SUPERSEDED.match(text)):
            self.superseded(pid, int(match.group(1)))
        elif (match := SIGNAL.match(text)):
            self.task(pid).signals.append(match.groups())
        elif not text.startswith("--- stopped by"):
            self.call(pid, text)


def parse(file):
    parser = Parser()
    for line in file:
        parser.line(line.rstrip("\n"))
    if parser.root is None:
        raise Unreadable("strace saw no task")
    return parser.root


def command(output, argv, options=()):
    return ["strace", "-f", "-q", "-e", "trace=" + CALLS, "-xx", "-v", "-s", "99999999",
            *options, "-o", str(output), "--", *argv]


def observe(argv, output, options=(), **keywords):
    """Run a program under strace. Returns its family and the finished process."""
    keywords.setdefault("timeout", 120)
    done = subprocess.run(command(output, argv, options), **keywords)
    with open(output, encoding="ascii") as file:
        return parse(file), done


def works():
    """Why strace cannot be the witness here, or None."""
    try:
        done = subprocess.run(["strace", "-qq", "-e", "trace=none", "-o", os.devnull, "true"], capture_output=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "strace does not run: %s" % error
    return None if done.returncode == 0 else "strace does not work here: %s" % done.stderr.decode(errors="replace").strip()
