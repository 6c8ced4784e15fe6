"""A tree of C sources to build: Lua's, as Debian has it, or kin's own where no package can be had.

Debian's source package is fetched with apt-get and a list of its own, so that nothing of the system changes; once
fetched it stays in the user's cache. Without network, or elsewhere than on Debian, the loads of this repository are
built by a makefile written here.
"""

import glob
import os
import shutil
import subprocess
import tarfile
import tempfile

PACKAGE = "lua5.4"
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
APT = """deb-src http://deb.debian.org/debian bookworm main
deb-src http://deb.debian.org/debian trixie main
"""


def cache():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "kin", "sources")


def fetch(directory, seconds=60):
    """Fetch the package's upstream archive into a directory. Returns its path, or None."""
    if not shutil.which("apt-get"):
        return None
    with tempfile.TemporaryDirectory(prefix="kin-apt-") as at:
        for name in ("lists/partial", "cache/archives/partial", "out"):
            os.makedirs(os.path.join(at, name))
        with open(os.path.join(at, "sources.list"), "w", encoding="ascii") as file:
            file.write(APT)
        options = ["-o", "Dir::Etc::SourceList=%s/sources.list" % at, "-o", "Dir::Etc::SourceParts=/dev/null",
                   "-o", "Dir::State::Lists=%s/lists" % at, "-o", "Dir::Cache=%s/cache" % at,
                   "-o", "APT::Sandbox::User=", "-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=10"]
        try:
            for words in (["update"], ["source", "--download-only", PACKAGE]):
                subprocess.run(["apt-get", "-qq", *options, *words], cwd=os.path.join(at, "out"), check=True,
                               timeout=seconds, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        except (OSError, subprocess.SubprocessError):
            return None
        found = glob.glob(os.path.join(at, "out", "*.orig.tar.*"))
        if not found:
            return None
        os.makedirs(directory, exist_ok=True)
        return shutil.move(found[0], os.path.join(directory, os.path.basename(found[0])))


def archive():
    """The upstream archive, from the cache or fetched now; None where it cannot be had."""
    found = glob.glob(os.path.join(cache(), PACKAGE + "_*.orig.tar.*"))
    return found[0] if found else fetch(cache())


class Tree:
    """name: what is built. argv: the command that builds it with two jobs, in directory. clean() undoes it."""

    def __init__(self, name, directory, argv, products):
        self.name, self.directory, self.argv, self.products = name, directory, argv, products

    def clean(self):
        for pattern in self.products:
            for path in glob.glob(os.path.join(self.directory, pattern)):
                os.unlink(path)


MAKEFILE = """CFLAGS = %s
PROGRAMS = %s
all: $(PROGRAMS)
%%: %%.c
%%: %%.o
\t$(CC) -pthread -o $@ $<
%%.o: %%.c load.h
\t$(CC) -D_GNU_SOURCE -w $(CFLAGS) -c -o $@ $<
"""


def own_tree(directory, cflags):
    names = []
    for path in glob.glob(os.path.join(ROOT, "tests", "load", "*.[ch]")):
        shutil.copy(path, directory)
        if path.endswith(".c"):
            names.append(os.path.basename(path)[:-2])
    with open(os.path.join(directory, "Makefile"), "w", encoding="ascii") as file:
        file.write(MAKEFILE % (cflags, " ".join(sorted(names))))
    return Tree("kin's loads", directory, ["make", "-s", "-j2", "CC=gcc"], ["*.o", *names])


def lua_tree(path, directory, cflags, targets):
    with tarfile.open(path) as file:
        top = file.getnames()[0].split("/")[0]
        file.extractall(directory)
    source = os.path.join(directory, top, "src")
    command = ["make", "-s", "-j2", "CC=gcc", "CFLAGS=%s -w -DLUA_USE_LINUX" % cflags, "MYLIBS=-Wl,-E -ldl", *targets]
    return Tree(top, source, command, ["*.o", "*.a", "lua", "luac"])


def tree(directory, cflags="-O0", targets=("lua",)):
    """Unpack a tree of sources into an empty directory."""
    path = archive()
    return lua_tree(path, directory, cflags, targets) if path else own_tree(directory, cflags)
