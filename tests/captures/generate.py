#!/usr/bin/python3
"""Write the recordings in this folder: machines that do not exist, so that every view can be tested anywhere.

Run it after the recording format or a scene has changed, then rewrite the expected outputs:

    tests/captures/generate.py && KIN=build/kin pytest tests/cli/test_report.py --rewrite
"""
import json
import pathlib
import random

HERE = pathlib.Path(__file__).resolve().parent
MS = 1_000_000

FORK = {"call": "clone", "flags": ["CLONE_CHILD_CLEARTID", "CLONE_CHILD_SETTID"], "exit_signal": "SIGCHLD",
        "child_tid": "0x7f2a4c5e1a10"}
THREAD = {"call": "clone3", "flags": ["CLONE_VM", "CLONE_FS", "CLONE_FILES", "CLONE_SIGHAND", "CLONE_THREAD",
                                      "CLONE_SYSVSEM", "CLONE_SETTLS", "CLONE_PARENT_SETTID", "CLONE_CHILD_CLEARTID"],
          "stack": "0x7f2a4b800000", "stack_size": 8388352, "tls": "0x7f2a4c0006c0"}
SPAWN = {"call": "clone3", "flags": ["CLONE_VM", "CLONE_VFORK"], "exit_signal": "SIGCHLD",
         "stack": "0x7f2a4c5d0000", "stack_size": 36864}
VFORK = {"call": "vfork", "flags": ["CLONE_VM", "CLONE_VFORK"], "exit_signal": "SIGCHLD"}


class Recording:
    """Lines in the order they are added; numbers, TIDs and times follow from it."""

    def __init__(self, argv, sources=("ptrace", "perf"), unseen=("failed calls (--failed)",), **start):
        self.lines, self.now, self.tasks, self.pids, self.births = [], 0, 0, {}, {}
        self.tid = 4000
        self.add("start", 0, version=1, kin="0.1.0", command="run", argv=list(argv), cwd="/srv/src",
                 kernel="Linux 6.18.0", machine="x86_64", realtime_ns=1790000000000000000, uid=1000, cpus=8,
                 page_size=4096, follow="all", sources=list(sources), unseen=list(unseen), **start)

    def add(self, ev, task=0, **fields):
        line = {"ev": ev, "t": self.now}
        if task:
            line["task"] = task
        line.update({key: value for key, value in fields.items() if value is not None})
        self.lines.append(line)

    def after(self, ms):
        self.now += int(ms * MS)
        return self

    def birth(self, maker=0, by=None, parent=None, thread=None, **fields):
        self.tasks += 1
        self.tid += 1
        by = by or {"call": "kin", "flags": [], "exit_signal": "SIGCHLD"}
        is_thread = "CLONE_THREAD" in by.get("flags", ()) if thread is None else thread
        pid = self.pids[maker] if is_thread else self.tid
        self.pids[self.tasks] = pid
        self.births[self.tasks] = self.now
        self.add("birth", self.tasks, tid=self.tid, pid=pid, maker=maker, parent=maker if parent is None else parent,
                 **by, **fields)
        return self.tasks

    def exec(self, task, *argv, path=None, exe=None, **fields):
        path = path or "/usr/bin/" + argv[0]
        fields = {"call": "execve", "path": path, "exe": exe or path, "argv": list(argv), "cwd": "/srv/src",
                  "former_tid": self.pids[task], **fields}
        self.add("exec", task, **fields)

    def exit(self, task, status=0, signal=None, cpu=1.0, rss=3400, minor=120, major=0, thread=False, **fields):
        end = {"signal": signal} if signal else {"status": status}
        usage = {"user_ns": int(cpu * 0.7 * MS), "system_ns": int(cpu * 0.3 * MS), "cpu_ns": int(cpu * MS),
                 "minor": minor, "major": major, "voluntary": 3 + minor // 50, "involuntary": minor // 90}
        if not thread:
            usage["maxrss_kib"] = rss
        self.add("exit", task, **end, **fields, **usage)

    def end(self, **fields):
        values = {"wall_ns": self.now, "stops": 4 * self.tasks, "lost": 0, "self_user_ns": 31 * self.tasks * 1000,
                  "self_system_ns": 66 * self.tasks * 1000, "fault_samples": 0, "perf_records": 9 * self.tasks,
                  "kernel_faults": 0}
        self.add("end", **{**values, **fields})

    def write(self, name):
        text = "".join(json.dumps(line, separators=(",", ":")) + "\n" for line in self.lines)
        (HERE / name).write_text(text)


def make():
    """A build: sh under make, compilers with their passes, one that fails."""
    r = Recording(["make", "-j2", "all"])
    top = r.birth()
    r.after(0.4).exec(top, "make", "-j2", "all")
    for i, name in enumerate(["lexer", "parser", "types", "emit", "main"]):
        sh = r.after(3).birth(top, SPAWN)
        r.after(0.5).exec(sh, "sh", "-c", f"echo CC {name}.c; gcc -O2 -Iinclude -c src/{name}.c -o build/{name}.o",
                          path="/bin/sh", exe="/usr/bin/dash")
        gcc = r.after(1).birth(sh, VFORK)
        r.after(0.4).exec(gcc, "gcc", "-O2", "-Iinclude", "-c", f"src/{name}.c", "-o", f"build/{name}.o",
                          exe="/usr/bin/x86_64-linux-gnu-gcc-12")
        cc1 = r.after(2).birth(gcc, VFORK)
        r.after(0.3).exec(cc1, "cc1", "-quiet", "-Iinclude", f"src/{name}.c", "-O2", "-o", "/tmp/ccQz81aF.s",
                          path="/usr/lib/gcc/x86_64-linux-gnu/12/cc1")
        broken = name == "emit"
        r.after(60 + 35 * i).exit(cc1, 1 if broken else 0, cpu=58 + 33 * i, rss=31800 + 2100 * i, minor=7400 + 610 * i)
        if not broken:
            as_ = r.after(0.6).birth(gcc, VFORK)
            r.after(0.3).exec(as_, "as", "-Iinclude", "--64", "-o", f"build/{name}.o", "/tmp/ccQz81aF.s")
            r.after(6 + i).exit(as_, cpu=5 + i, rss=9600, minor=1250 + 40 * i)
        r.after(0.7).exit(gcc, 1 if broken else 0, cpu=3.1, rss=4900, minor=610)
        r.after(0.2).exit(sh, 1 if broken else 0, cpu=1.1, rss=1720, minor=150)
    r.after(0.5).exit(top, 2, cpu=9.5, rss=3650, minor=580, major=2)
    r.end()
    r.write("make.jsonl")


def server():
    """A daemon with named threads, workers, an orphan, a worker that is killed, one that runs on."""
    r = Recording(["./serve", "--workers", "3"])
    top = r.birth()
    r.after(0.3).exec(top, "./serve", "--workers", "3", path="./serve", exe="/srv/src/serve")
    daemon = r.after(2).birth(top, FORK)
    r.after(0.1).exit(top, cpu=1.2, rss=2200, minor=190)
    r.add("adopt", daemon, ppid=1)
    workers = [r.after(1).birth(daemon, FORK) for _ in range(3)]
    threads = {}
    for worker in workers:
        threads[worker] = []
        for i in range(4):
            thread = r.after(0.2).birth(worker, THREAD)
            r.add("name", thread, name=f"io-{i}" if i < 3 else "flusher")
            threads[worker].append(thread)
    r.after(4000).add("signal", daemon, signal="SIGHUP", code=0,
                      sender={"kernel": False, "pid": 912, "uid": 0})
    killed = workers[1]
    r.after(10).add("signal", killed, signal="SIGKILL", code=0,
                    sender={"kernel": False, "pid": r.pids[daemon], "uid": 1000, "task": daemon})
    sender = {"kernel": False, "pid": r.pids[daemon], "uid": 1000, "task": daemon}
    for thread in threads[killed]:
        r.exit(thread, signal="SIGKILL", cpu=210, minor=900, thread=True, killer=sender)
    r.after(0.1).exit(killed, signal="SIGKILL", cpu=12, rss=18400, minor=400, killer=sender)
    for thread in threads[workers[2]]:
        r.after(1).exit(thread, cpu=180, minor=800, thread=True)
    r.after(5).exit(workers[2], signal="SIGSEGV", core=True, cpu=14, rss=19100, minor=420,
                    killer={"kernel": True})
    r.after(2000).add("lost", daemon, why="kin was told to stop")
    r.add("note", 0, text="4 tasks were still running when kin was told to stop; they run on, unwatched")
    r.end(lost=3)
    r.write("server.jsonl")


def failures():
    """What goes wrong: a path searched, the process limit, OOM, job control, set-user-ID, odd names."""
    r = Recording(["bash", "./build all.sh"], sources=("ptrace", "seccomp"), unseen=())
    top = r.birth()
    r.after(0.3).exec(top, "/bin/bash", "./build all.sh", "--fast", "it's", path="./build all.sh",
                      exe="/usr/bin/bash", script="./build all.sh")
    env = r.after(1).birth(top, FORK)
    r.after(0.2).exec(env, "env", "LANG=C", "nice", "gawk", "-f", "x.awk")
    for directory in ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/srv/bin"):
        r.add("failed", env, call="execve", error="ENOENT", errno=2, path=f"{directory}/nice",
              argv=["nice", "gawk", "-f", "x.awk"])
    r.after(0.2).exec(env, "nice", "gawk", "-f", "x.awk")
    r.after(0.2).exec(env, "gawk", "-f", "x.awk")
    r.after(30).exit(env, 0, cpu=28)
    bomb = r.after(1).birth(top, FORK)
    r.after(0.2).exec(bomb, "forkbomb", path="/opt/tést/forkbomb")
    for _ in range(3):
        child = r.after(0.1).birth(bomb, FORK)
        r.after(0.1).exit(child, 7, cpu=0.2)
    for _ in range(1200):
        r.add("failed", bomb, call="clone", flags=[], exit_signal="SIGCHLD", error="EAGAIN", errno=11,
              limit="RLIMIT_NPROC 100")
    r.after(3).exit(bomb, 255, cpu=2.9)
    hog = r.after(1).birth(top, FORK)
    r.after(0.2).exec(hog, "hog", "--all-of-it", "\U0010fee9t\U0010fee9.txt", "", "a\nb", "\u202ertl",
                      path="/opt/hog", setid=True)
    r.after(900).exit(hog, signal="SIGKILL", oom="yes", cpu=700, rss=3_900_000, minor=975_000, major=1203,
                      killer={"kernel": True})
    editor = r.after(1).birth(top, FORK)
    r.after(0.2).exec(editor, "vi", "notes")
    r.after(900).add("stop", editor, signal="SIGTSTP")
    r.after(900).add("cont", editor)
    for _ in range(3):
        r.after(1).add("signal", editor, signal="SIGUSR1", code=0,
                       sender={"kernel": False, "pid": r.pids[top], "uid": 1000, "task": top})
    r.after(1).add("signal", editor, signal="SIGRTMIN+3", code=-1, sender={"kernel": True})
    r.after(90).exit(editor, cpu=3)
    java = r.after(1).birth(top, VFORK)
    r.after(1).exec(java, "java", "-jar", "x.jar")
    thread = r.after(1).birth(java, THREAD)
    other = r.after(1).birth(java, THREAD)
    for task in (java, other):
        r.add("exit", task, status=0, exec_by_thread=True)
    r.add("exec", thread, call="execve", path="/bin/true", exe="/bin/true", argv=["true"], cwd="/",
          former_tid=4000 + thread)
    r.after(2).exit(thread, thread=True)
    brother = r.after(1).birth(top, {"call": "clone3", "flags": ["CLONE_PARENT", "CLONE_NEWUSER", "CLONE_NEWPID"],
                                     "exit_signal": "SIGCHLD"}, parent=0)
    r.after(1).exit(brother, 0, cpu=0.1)
    odd = r.after(1).birth(top, {**FORK, "exit_signal": "SIGUSR2"})
    r.after(1).exit(odd, 0, cpu=0.1)
    hidden = r.after(1).birth(top, {"call": "clone", "exit_signal": "SIGCHLD"}, untraced=True, name="hidden")
    r.after(1).add("exit", hidden)
    r.after(5).exit(top, 1, cpu=4, major=1)
    r.end()
    r.write("failures.jsonl")


def faults():
    """Page faults located: causes, mappings, places."""
    r = Recording(["./sum", "--processes", "2"], sources=("ptrace", "perf", "perf faults"), unseen=())
    top = r.birth()
    r.after(0.2).exec(top, "./sum", "--processes", "2", path="./sum", exe="/srv/src/sum")
    children = [r.after(1).birth(top, FORK) for _ in range(2)]
    for i, child in enumerate(children):
        r.after(100)
        r.add("faults", child, cause="cow", count=25_000 + i, mapping="heap", object="[heap]", place="sum_chunk",
              source="sum.c:41")
        r.add("faults", child, cause="zero", count=12, mapping="stack", object="[stack]", place="sum_chunk+0x12",
              source="sum.c:38")
        r.add("faults", child, cause="shared", count=1, mapping="shared", place="publish", source="sum.c:52")
        r.exit(child, cpu=90, rss=101_000, minor=25_020 + i)
    r.add("faults", top, cause="zero", count=48_829, mapping="heap", object="[heap]", place="fill", source="sum.c:20")
    r.add("faults", top, cause="file", count=61, mapping="file", object="/usr/lib/x86_64-linux-gnu/libc.so.6",
          place="libc.so.6+0x26080")
    r.add("faults", top, cause="file", major=True, count=4, mapping="file", object="/srv/src/sum")
    r.add("faults", top, cause="other", count=2, mapping="?")
    for i in range(25):
        r.add("faults", top, cause="file", count=1, mapping="file", object=f"/usr/lib/locale/part-{i:02}",
              place=f"load_{i:02}", source=f"locale.c:{i + 1}")
    r.after(2).exit(top, cpu=210, rss=200_000, minor=49_000, major=4)
    r.end(fault_samples=99_000, kernel_faults=123)
    r.write("faults.jsonl")


def wide():
    """Many children of few kinds: a shell that starts the same programs again and again, one with many threads."""
    rng = random.Random(7)
    r = Recording(["sh", "loop.sh"])
    top = r.birth()
    r.after(0.3).exec(top, "/bin/sh", "loop.sh", path="loop.sh", exe="/usr/bin/dash", script="loop.sh")
    for i in range(150):
        child = r.after(0.1).birth(top, FORK)
        r.after(0.2).exec(child, "true")
        r.after(0.3 + rng.random()).exit(child, 1 if i in (40, 90) else 0, cpu=0.4 + rng.random() / 4, rss=1600 + i)
    pool = r.after(1).birth(top, FORK)
    r.after(0.2).exec(pool, "pool", "-n", "100")
    threads = []
    for i in range(100):
        threads.append(r.after(0.05).birth(pool, THREAD))
        r.add("name", threads[-1], name=f"worker-{i}")
    for thread in threads:
        r.after(0.1).exit(thread, cpu=2, minor=14, thread=True)
    r.after(1).exit(pool, cpu=3, rss=22_000, minor=800)
    r.after(0.2).exit(top, cpu=60, rss=1700, minor=900)
    r.end()
    r.write("wide.jsonl")


def deep():
    """A chain of forks, each made by the one before, and a tree of halves."""
    r = Recording(["./deep"])
    top = r.birth()
    r.after(0.3).exec(top, "./deep", path="./deep", exe="/srv/src/deep")
    chain = [top]
    for _ in range(120):
        chain.append(r.after(0.2).birth(chain[-1], FORK))
    halves, row = [], [top]
    for _ in range(6):
        row = [r.after(0.1).birth(maker, FORK) for maker in row for _ in range(2)]
        halves += row
    for task in reversed(halves):
        r.after(0.1).exit(task, cpu=0.2)
    for task in reversed(chain):
        r.after(0.1).exit(task, 3 if task == chain[-1] else 0, cpu=0.3)
    r.end()
    r.write("deep.jsonl")


def mixed():
    """A shell session of many different programs: too long, and nothing alike."""
    r = Recording(["bash", "session.sh"])
    top = r.birth()
    r.after(0.3).exec(top, "bash", "session.sh", path="/usr/bin/bash")
    for i in range(70):
        sub = r.after(0.5).birth(top, FORK)
        for j in range(i % 3):
            child = r.after(0.2).birth(sub, FORK)
            r.after(0.2).exec(child, f"{'abcdefghij'[(i + j) % 10]}tool", "--number", str(i))
            r.after(1).exit(child, i % 2)
        r.after(0.3).exec(sub, f"{'klmnopqrst'[i % 10]}{'xyz'[i % 3]}", str(i))
        r.after(2).exit(sub, 0)
    r.after(1).exit(top, cpu=50)
    r.end()
    r.write("mixed.jsonl")


def cut():
    """The first two thirds of the build, to the byte: kin was killed."""
    whole = (HERE / "make.jsonl").read_bytes()
    (HERE / "cut.jsonl").write_bytes(whole[: len(whole) * 2 // 3])


def newer():
    """A recording of a version that does not exist yet."""
    r = Recording(["true"])
    r.lines[0].update(version=2, kin="9.0.0")
    r.add("hologram", 1, depth=3)
    r.write("newer.jsonl")


def unknown():
    """Version 1 with members and events of a later kin: they are passed over."""
    r = Recording(["true"], colour_of_the_sky="blue")
    top = r.birth(mood={"good": True})
    r.add("weather", top, rain=[1, 2, {"drops": None}])
    r.after(1).exec(top, "true", extra=None)
    r.after(1).exit(top)
    r.end(cat=9)
    r.write("unknown.jsonl")


if __name__ == "__main__":
    for scene in (make, server, failures, faults, wide, deep, mixed, cut, newer, unknown):
        scene()
