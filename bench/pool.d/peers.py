"""The programs of bench/pool: built with the compilers that are here, started, and asked for timed calls in turns."""
import os
import platform
import re
import shutil
import signal
import subprocess
import tempfile
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
#: where Debian's librust-*-dev packages put sources
CRATES = "/usr/share/cargo/registry"
#: seconds that a burst of calls may take
LIMIT = 120


class NotHere(Exception):
    """A program that cannot be had on this machine; the text says why."""


def run(command, **options):
    """Run a compiler; NotHere with its first complaint if it fails."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=LIMIT, **options)
    except FileNotFoundError:
        raise NotHere("no %s" % command[0]) from None
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line or "undefined" in line]
        raise NotHere("does not build: %s" % (lines or [done.stderr.strip() or "status %d" % done.returncode])[0].replace(ROOT + os.sep, "")[-200:])
    return done.stdout


class Failed(Exception):
    """A program that ended before it was asked to; the text says how."""


class Builder:
    """Builds each program once, when first asked for, unless the one there is newer than its sources."""

    PEER = ["-O3", "-march=native", "-D_GNU_SOURCE", "-w"]

    def __init__(self, build):
        self.build, self.at = build, os.path.join(build, "bench-pool")
        os.makedirs(self.at, exist_ok=True)
        self.library = next((path for path in (os.path.join(build, "lib", "libkin.a"), os.path.join(build, "libkin.a"))
                             if os.path.isfile(path)), None)
        self.kin = ["-O2", "-g", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-I", os.path.join(ROOT, "include")]
        self.known = {}
        self.common = self.compiled("bench.o", ["bench.c"], lambda target: ["gcc", "-O2", "-D_GNU_SOURCE", "-c", self.source("bench.c"), "-o", target])

    @staticmethod
    def source(name):
        return os.path.join(HERE, name)

    def compiled(self, target, sources, command, *more):
        """Path of target, made by command(target) if it is older than its sources."""
        path = os.path.join(self.at, target)
        newest = max(os.path.getmtime(source) for source in [*map(self.source, [*sources, "bench.h", "hot.h", "kin.h"]), *more])
        if not os.path.exists(path) or os.path.getmtime(path) < newest:
            run(command(path))
        return path

    def c_program(self, target, compiler, name, *options):
        return self.compiled(target, [name, "bench.c"], lambda path: [
            compiler, *self.PEER, self.source(name), self.common, "-o", path, *options])

    def kin_program(self, name):
        if not self.library:
            raise NotHere("no libkin.a in %s" % self.build)
        headers = [os.path.join(ROOT, "include", "kin", header) for header in os.listdir(os.path.join(ROOT, "include", "kin"))]
        return self.compiled(name, [name + ".c", "bench.c"], lambda path: [
            "gcc", *self.kin, self.source(name + ".c"), self.common, self.library, "-o", path, "-pthread", "-lm"],
            self.library, *headers)

    def d_program(self):
        return self.compiled("d", ["parallelism.d", "bench.c"], lambda path: [
            "ldc2", "-O3", "-release", "-mcpu=native", self.source("parallelism.d"), self.common, "-od=" + self.at, "-of=" + path])

    def rust_program(self):
        """With cargo, from the crates that Debian packages; nothing is fetched."""
        if not os.path.isdir(CRATES) or not shutil.which("cargo"):
            raise NotHere("no cargo" if os.path.isdir(CRATES) else "no librust-rayon-dev")
        project = os.path.join(self.at, "rust")
        os.makedirs(os.path.join(project, ".cargo"), exist_ok=True)
        shutil.copyfile(self.source("rayon.rs"), os.path.join(project, "main.rs"))
        for name, text in {
                "Cargo.toml": "[package]\nname = \"peer\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nrayon = \"1\"\n"
                              "[[bin]]\nname = \"peer\"\npath = \"main.rs\"\n[profile.release]\nopt-level = 3\n[workspace]\n",
                ".cargo/config.toml": "[source.crates-io]\nreplace-with = \"debian\"\n[source.debian]\ndirectory = \"%s\"\n" % CRATES,
        }.items():
            with open(os.path.join(project, name), "w", encoding="utf-8") as file:
                file.write(text)
        flags = "-C target-cpu=native -C link-arg=%s" % self.common
        return self.compiled("rust/target/release/peer", ["rayon.rs", "bench.c"], lambda path: [
            "env", "-C", project, "RUSTFLAGS=" + flags, "cargo", "build", "--quiet", "--release", "--offline"])

    def program(self, name):
        """Path of a program; NotHere if there is none."""
        if name not in self.known:
            make = {
                "posix": lambda: self.c_program("posix", "gcc", "posix.c", "-pthread"),
                "exact": lambda: self.c_program("exact", "gcc", "exact.c", "-ffp-contract=off", "-pthread", "-lm"),
                "libgomp": lambda: self.c_program("libgomp", "gcc", "omp.c", "-fopenmp"),
                "libomp": lambda: self.c_program("libomp", "clang", "omp.c", "-fopenmp", "-lm"),
                "tbb": lambda: self.c_program("tbb", "g++", "tbb.cpp", "-std=c++17", "-ltbb"),
                "std": lambda: self.c_program("std", "g++", "std.cpp", "-std=c++17", "-fopenmp"),
                "d": self.d_program,
                "rayon": self.rust_program,
            }.get(name, lambda: self.kin_program(name))
            try:
                self.known[name] = make()
            except NotHere as why:
                self.known[name] = why
        if isinstance(self.known[name], NotHere):
            raise self.known[name]
        return self.known[name]


def die_with_parent():
    """In the child: its end is ours, even if we are killed."""
    import ctypes
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Program:
    """A program that waits for its turn, stopped together with all it has forked, so that nothing of it spins meanwhile.
    burst: when its turn comes it runs ahead of everything else on the machine."""

    def __init__(self, path, words, group=None, environment=None, burst=False):
        self.errors, self.stopped, self.done = tempfile.TemporaryFile(), False, 0

        def prepare():
            die_with_parent()
            if group:
                group.enter()
            if burst:
                os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))

        self.process = subprocess.Popen([path, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
                                        env=dict(os.environ, **(environment or {})), preexec_fn=prepare,
                                        start_new_session=True)
        if self.lines() != [b"ready"]:
            self.fail()
        self.stop()

    def fail(self):
        self.errors.seek(0)
        text = self.errors.read().decode(errors="replace").strip()
        self.end()
        raise Failed("ended with status %s: %s" % (self.process.returncode, text.splitlines()[-1] if text else "no word"))

    def lines(self):
        """What the program writes up to an empty line, or its end, which comes if it takes too long."""
        timer = threading.Timer(LIMIT, self.process.kill)
        timer.start()
        found = []
        for line in iter(self.process.stdout.readline, b""):
            if not line.strip():
                break
            found.append(line.strip())
        timer.cancel()
        return found

    def stop(self):
        os.killpg(self.process.pid, signal.SIGSTOP)
        self.stopped = True

    def go_on(self):
        if self.stopped and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGCONT)
        self.stopped = False

    def calls(self, count, warm=2, stop=True):
        """Times in nanoseconds of so many calls, after `warm` that do not count, and (number of call, result) of each."""
        self.go_on()
        self.ask(count, warm)
        lines = [line.split() for line in self.lines()]
        if len(lines) != count:
            self.fail()
        if stop:
            self.stop()
        self.done += warm + count
        first = self.done - count
        return [float(time) for time, _ in lines], [(first + i, int(result, 16)) for i, (_, result) in enumerate(lines)]

    def ask(self, count, warm):
        try:
            self.process.stdin.write(b"%d %d\n" % (count, warm))
            self.process.stdin.flush()
        except BrokenPipeError:
            self.fail()

    def end(self):
        """End it as its users would: no more input. Killed if it does not."""
        self.go_on()
        self.process.stdin.close()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Quota:
    """A cgroup with part of a CPU; programs enter it before they begin. NotHere where that cannot be."""

    PERIOD = 100000

    def __init__(self, share):
        quota = int(share * self.PERIOD)
        self.path = None
        for parent, files in (("/sys/fs/cgroup/cpu", {"cpu.cfs_period_us": self.PERIOD, "cpu.cfs_quota_us": quota}),
                              ("/sys/fs/cgroup", {"cpu.max": "%d %d" % (quota, self.PERIOD)})):
            path = os.path.join(parent, "kin-bench-%d" % os.getpid())
            if not os.path.exists(os.path.join(parent, "cgroup.procs")):
                continue
            try:
                os.mkdir(path)
                self.path = path
                for name, value in files.items():
                    with open(os.path.join(path, name), "w", encoding="ascii") as file:
                        file.write(str(value))
                return
            except OSError as error:
                self.remove()
                raise NotHere("no cgroup with a quota: %s: %s" % (error.filename, error.strerror)) from None
        raise NotHere("no cgroups at /sys/fs/cgroup")

    def enter(self):
        with open(os.path.join(self.path, "cgroup.procs"), "w", encoding="ascii") as file:
            file.write("0")

    def remove(self):
        if self.path:
            os.rmdir(self.path)
            self.path = None


class Burners:
    """Processes that keep the CPUs busy with something else, until the end of the block."""

    def __init__(self, path, count):
        self.path, self.count, self.processes = path, count, []

    def __enter__(self):
        for _ in range(self.count):
            self.processes.append(subprocess.Popen([self.path, "what=burn"], stdin=subprocess.DEVNULL))
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.kill()
        for process in self.processes:
            process.wait()


def children(pid):
    """Processes whose parent is pid, with their states."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name, encoding="utf-8", errors="replace") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except OSError:
                continue
            if int(parent) == pid:
                found[int(name)] = state
    return found


def of_session(session):
    """Processes of a session, as "ps" would find them: a program's workers, their parent gone or not."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getsid(int(name)) == session:
                found.append(int(name))
        except OSError:
            pass
    return found


def cpu_ms(session):
    """Milliseconds of CPU that the processes of a session have used."""
    total = 0
    for pid in of_session(session):
        try:
            for task in os.listdir("/proc/%d/task" % pid):
                with open("/proc/%d/task/%s/schedstat" % (pid, task), encoding="ascii") as file:
                    total += int(file.read().split()[0])
        except OSError:
            pass
    return total / 1e6


def shared_segments():
    """Names in /dev/shm and System V segments: what a program can leave behind."""
    found = set(os.listdir("/dev/shm")) if os.path.isdir("/dev/shm") else set()
    try:
        with open("/proc/sysvipc/shm", encoding="ascii") as file:
            found |= {"shm " + line.split()[1] for line in file.readlines()[1:]}
    except OSError:
        pass
    return found


def available_memory():
    with open("/proc/meminfo", encoding="ascii") as file:
        return int(re.search(r"^MemAvailable:\s*(\d+)", file.read(), re.M).group(1)) * 1024


def first_line(command):
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.splitlines()[0].strip()
    except (OSError, IndexError, subprocess.TimeoutExpired):
        return "%s: not installed" % command[0]


def machine(burst):
    with open("/proc/cpuinfo", encoding="utf-8") as file:
        model = re.search(r"^(?:model name|CPU part)\s*: (.*)$", file.read(), re.M)
    with open("/proc/meminfo", encoding="ascii") as file:
        memory = int(file.readline().split()[1]) / 2**20
    yield "%s, %d CPUs (%d usable), %.0f GiB, load %.1f" % (model.group(1) if model else platform.machine(), os.cpu_count(),
                                                          len(os.sched_getaffinity(0)), memory, os.getloadavg()[0])
    yield "Linux %s %s, user %d%s" % (platform.release(), platform.machine(), os.geteuid(), ", in bursts" if burst else "")
    yield "; ".join(first_line([name, "--version"]) for name in ("gcc", "clang", "ldc2", "rustc"))
