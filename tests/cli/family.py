"""A family of tasks, in a form that two runs of one program can be compared in.

Numbers that differ from run to run (PIDs, addresses, times) are left out; a task's children are sorted by what they are,
since tasks that run at the same time may be made in any order. What is left is what the program did: who made whom, with
which call, flags and exit signal, what each task ran, with every argument, and how it ended.
"""

import difflib
import re


#: the end of a leader whose process went on with a new program, by an exec of another thread
BY_EXEC = ("exec by another thread",)


class Task:
    def __init__(self, pid):
        self.pid = pid
        self.maker = None
        self.call = None
        self.flags = frozenset()
        self.exit_signal = 0
        self.programs = []      # (call, path, argv), bytes
        self.failures = []      # (call, errno name, flags or path, argv)
        self.signals = []       # (name, si_code name or None)
        self.end = None         # ("exit", 3), ("signal", "SIGSEGV"), BY_EXEC
        self.core = False
        self.children = []

    @property
    def is_thread(self):
        return "CLONE_THREAD" in self.flags

    def walk(self):
        pending = [self]
        while pending:
            task = pending.pop()
            yield task
            pending += reversed(task.children)


def attach(task, maker, call, flags, exit_signal):
    task.maker, task.call, task.flags, task.exit_signal = maker, call, frozenset(flags), exit_signal
    maker.children.append(task)


class Rules:
    """How to write a family down. Each switch is there for a kind of program that needs it, and says so."""

    def __init__(self, replace=(), failures=False, signals=False, ordered=False, skip_program=None):
        self.replace = [(re.compile(pattern), text) for pattern, text in replace]
        self.failures, self.signals, self.ordered, self.skip_program = failures, signals, ordered, skip_program

    def text(self, data):
        for pattern, text in self.replace:
            data = pattern.sub(text, data)
        return ascii(data)[1:]


#: gcc's and git's temporary files, named at random
TEMPORARY = [(rb"/tmp/cc[A-Za-z0-9]{6}", b"/tmp/ccXXXXXX")]


def describe(task, rules):
    """One task in one line, without its children."""
    parts = []
    if task.maker:
        parts.append("%s(%s) signal %s:" % (task.call, "|".join(sorted(task.flags)), task.exit_signal))
    for call, path, argv in task.programs:
        parts.append("%s %s [%s]" % (call, rules.text(path), ", ".join(rules.text(word) for word in argv)))
    if rules.failures:
        for failure in task.failures:
            parts.append("failed %s" % " ".join(rules.text(x) if isinstance(x, bytes) else str(x) for x in failure))
    if rules.signals:
        parts.append("signals %s" % task.signals)
    parts.append("-> %s" % " ".join(str(x) for x in task.end or ["?"]))
    return " ".join(parts)


def lines(root, rules):
    """The whole family, a line a task, each indented under its maker."""
    order = list(root.walk())
    text = {}
    for task in reversed(order):
        below = [text[id(child)] for child in task.children]
        if not rules.ordered:
            below.sort()
        text[id(task)] = [describe(task, rules)] + ["  " + line for block in below for line in block]
    return text[id(root)]


def differences(expected, actual, rules, names=("strace", "kin")):
    """The differing lines of two families; empty when they are equal."""
    a, b = lines(expected, rules), lines(actual, rules)
    return "\n".join(difflib.unified_diff(a, b, *names, n=1, lineterm=""))
