"""The program of bench/list: built with what is here; oneTBB, and libkin without its list, can be left out."""
import os
import shutil
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wvla", "-Wundef", "-Werror"]
#: ours, and the peers: as well as the compiler can
FLAGS = ["-O3", "-march=native", "-D_GNU_SOURCE", "-g"]
HEADERS = ["bench.h", "loops.h", "array.h"]


class NotHere(Exception):
    """Something that cannot be had on this machine; the text says why."""


def run(command):
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    except FileNotFoundError:
        raise NotHere("no %s" % command[0]) from None
    if done.returncode:
        lines = [line for line in (done.stderr + done.stdout).splitlines() if "error" in line or "undefined" in line]
        raise NotHere((lines or [done.stderr.strip() or "status %d" % done.returncode])[0].replace(ROOT + os.sep, "")[-200:])
    return done.stdout


class Builder:
    def __init__(self, build):
        self.at = os.path.join(build, "bench-list")
        os.makedirs(self.at, exist_ok=True)
        self.library = next((path for path in (os.path.join(build, "lib", "libkin.a"), os.path.join(build, "libkin.a"))
                             if os.path.isfile(path)), None)

    def newer(self, target, sources):
        return not os.path.exists(target) or os.path.getmtime(target) < max(map(os.path.getmtime, sources))

    def object(self, source, *options, compiler="gcc", name=None, flags=FLAGS):
        target = os.path.join(self.at, (name or source) + ".o")
        sources = [os.path.join(HERE, name) for name in [source, *HEADERS]]
        sources.append(os.path.join(ROOT, "include", "kin", "list.h"))
        if self.newer(target, sources):
            run([compiler, *flags, *WARNINGS, *options, "-c", sources[0], "-o", target])
        return target

    def kin(self):
        if not self.library:
            raise NotHere("there is no libkin.a, build it first")
        names = run(["nm", "-g", "--defined-only", self.library])
        if " kin_list_create_shared\n" not in names:
            raise NotHere("this libkin.a has no list")
        return [self.object("kin.c", "-I", os.path.join(ROOT, "include"), flags=["-O2", "-g", "-D_GNU_SOURCE"])]

    def tbb(self):
        if not shutil.which("g++"):
            raise NotHere("no g++")
        return [self.object("tbb.cpp", "-std=c++17", compiler="g++"),
                self.object("tbb.cpp", "-std=c++17", "-DCALLED", compiler="g++", name="tbb-called")]

    def link(self):
        missing, without, objects, libraries, linker = [], [], [], [], "gcc"
        for what, make, more in (("kin", self.kin, lambda: [self.library, "-lm"]), ("TBB", self.tbb, lambda: ["-ltbb"])):
            try:
                objects += make()
                libraries += more()
                linker = "g++" if what == "TBB" else linker
            except NotHere as why:
                missing.append("%s: %s" % (what, why))
                without.append("-DNO_" + what.upper())
        objects += [self.object(source) for source in ("burst.c", "rows.c", "course.c", "memory.c", "mutex.c", "rwlock.c")]
        objects.append(self.object("mutex.c", "-DSHARED=1", name="mutex-shared"))
        objects.append(self.object("main.c", *without, name="main" + "".join(without)))
        target = os.path.join(self.at, "list-bench" + "".join(without))
        if self.newer(target, objects + [path for path in libraries if os.path.isfile(path)]):
            run([linker, *objects, "-o", target, *libraries, "-pthread"])
        return target, missing


def program(build):
    """Path of the program, and what is not in it."""
    return Builder(build).link()
