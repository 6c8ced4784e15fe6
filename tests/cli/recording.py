"""kin's recordings (kin-recording(5)), read as a family: see family.py."""

import json

from family import BY_EXEC, Task, attach


def to_bytes(string):
    """A string of a recording as the bytes it stands for: those that are not UTF-8 are U+10FE00 + byte (80 to FF)."""
    out = bytearray()
    for character in string:
        code = ord(character)
        if 0x10FE80 <= code <= 0x10FEFF:
            out.append(code - 0x10FE00)
        else:
            out += character.encode("utf-8", "surrogatepass")
    return bytes(out)


class Recording:
    """events: every line as it stands. tasks: by number, each with .events of its own. root: the program."""

    def __init__(self, file):
        self.events = [json.loads(line) for line in file]
        self.tasks = {}
        for event in self.events:
            getattr(self, "_" + event["ev"], self._other)(event)
            if event.get("task"):
                self.tasks[event["task"]].events.append(event)
        self.root = self.tasks.get(1)
        self.start = self.events[0] if self.events else None
        self.end = self.events[-1] if self.events and self.events[-1]["ev"] == "end" else None

    def of(self, kind):
        return [event for event in self.events if event["ev"] == kind]

    @property
    def notes(self):
        return [event["text"] for event in self.of("note")]

    def _other(self, event):
        pass

    def _birth(self, event):
        task = self.tasks[event["task"]] = Task(event["tid"])
        task.number, task.tgid, task.birth, task.exit, task.events = event["task"], event["pid"], event, None, []
        task.parent_number = event["parent"]
        task.call = event["call"]
        if event["maker"]:
            attach(task, self.tasks[event["maker"]], event["call"], event.get("flags", ["?"]), event.get("exit_signal", 0))

    def _exec(self, event):
        argv = tuple(to_bytes(word) for word in event.get("argv", ["?"]))
        self.tasks[event["task"]].programs.append((event["call"], to_bytes(event.get("path", "?")), argv))

    def _failed(self, event):
        failure = (event["call"], event["error"])
        if event["call"].startswith("execve"):
            failure += (to_bytes(event.get("path", "?")),) + tuple(to_bytes(word) for word in event.get("argv", ()))
        self.tasks[event["task"]].failures.append(failure)

    def _exit(self, event):
        task = self.tasks[event["task"]]
        task.exit = event
        if event.get("exec_by_thread"):
            task.end = BY_EXEC
        elif "signal" in event:
            task.end, task.core = ("signal", event["signal"]), event.get("core", False)
        elif "status" in event:
            task.end = ("exit", event["status"])

    def _lost(self, event):
        self.tasks[event["task"]].end = ("let go",)


def load(path):
    with open(path, encoding="utf-8") as file:
        return Recording(file)
