"""Programs of different kinds for kin to be compared on. Each maker gets an empty directory that is also the working
directory, and returns a Program; what it needs and the system lacks makes the test skip, with the reason."""

import os
import shutil
import sys
import textwrap

from family import TEMPORARY, Rules
from harness import load, need
import sources

PYTHON = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


class Program:
    """rules: how its families are compared. status: the exit status it must have, under every observer."""

    def __init__(self, argv, rules=None, status=0, cwd=None, again=None):
        self.argv, self.rules, self.status, self.cwd = argv, rules or Rules(), status, cwd
        self.again = again or (lambda: None)  # makes everything as it was before the first run


def script(directory, name, text, mode=0o755):
    path = os.path.join(directory, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(textwrap.dedent(text).lstrip("\n"))
    os.chmod(path, mode)
    return path


def make(directory):
    need("make"), need("gcc")
    tree = sources.tree(directory)
    return Program(tree.argv, Rules(replace=TEMPORARY), cwd=tree.directory, again=tree.clean)


def make_own_sources(directory):
    need("make"), need("gcc")
    tree = sources.own_tree(directory, "-O0")
    return Program(tree.argv, Rules(replace=TEMPORARY), again=tree.clean)


def dash(directory):
    need("dash")
    path = script(directory, "all.sh", """
        #!/bin/dash
        (exit 3); /bin/true | /bin/cat | /bin/cat >/dev/null
        x=$(echo a | tr a b); [ "$x" = b ] || exit 1
        /bin/false || :
        sh -c 'exec sh -c "exit 5"' || :
        /bin/cat <<END >/dev/null
        here
        END
        /bin/true & wait $!
        for i in 1 2 3; do ( /bin/true; /bin/true ); done
        trap '' USR1; env -i /bin/sh -c 'kill -TERM $$' || :
        exit 9
        """)
    return Program([path, "an argument", "*"], status=9)


def bash(directory):
    need("bash")
    path = script(directory, "all.bash", """
        #!/usr/bin/env bash
        set -u
        mapfile -t lines < <(printf '%s\\n' one two | sort -r)
        [[ ${lines[0]} == two ]] || exit 1
        coproc cat; exec 5>&"${COPROC[1]}"; exec {COPROC[1]}>&-; exec 5>&-; wait
        diff <(/bin/echo a) <(/bin/echo a) >/dev/null || exit 2
        { /bin/true; /bin/false; } | wc -c >/dev/null
        for f in a b; do ( exec -a "other $f" /bin/true ); done
        kill -KILL $BASHPID
        """)
    return Program([path], status=-9)


def scripts_of_scripts(directory):
    """An interpreter that is a script itself, with and without an argument."""
    inner = script(directory, "inner", "#!/bin/sh -e\nexec /bin/echo inner \"$@\" >/dev/null\n")
    outer = script(directory, "outer", "#!%s --flag with blanks \nnever read\n" % inner)
    top = script(directory, "top", "#!/bin/sh\n%s 1 '' ' 3 '; exec %s last\n" % (outer, outer))
    return Program([top])


def multiprocessing(directory):
    path = script(directory, "pool.py", """
        import multiprocessing, sys

        def square(x):
            return x * x

        if __name__ == "__main__":
            context = multiprocessing.get_context(sys.argv[1])
            pool = context.Pool(3)
            assert sum(pool.map(square, range(100))) == 328350
            pool.close()
            pool.join()
        """)
    return Program([PYTHON, "-I", path, "fork"])


def multiprocessing_spawn(directory):
    program = multiprocessing(directory)
    program.argv[-1] = "spawn"
    return program


def python_threads(directory):
    path = script(directory, "threads.py", """
        import subprocess, threading
        def work():
            for i in range(3):
                subprocess.run(["/bin/echo", "caf\\u00e9", str(i)], stdout=subprocess.DEVNULL, check=True)
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
        """)
    return Program([PYTHON, "-I", path])


NGINX = """
pid %(at)s/pid; error_log %(at)s/error.log; worker_processes 2; worker_shutdown_timeout 5s;
%(user)s
events { worker_connections 32; }
http {
    access_log off; client_body_temp_path %(at)s/b; proxy_temp_path %(at)s/p; fastcgi_temp_path %(at)s/f;
    uwsgi_temp_path %(at)s/u; scgi_temp_path %(at)s/s;
    server { listen unix:%(at)s/socket; location / { return 200 "well\\n"; } }
}
"""

NGINX_DRIVER = """
import os, socket, subprocess, sys, time
nginx, at = sys.argv[1:]
command = [nginx, "-q", "-p", at, "-c", at + "/conf", "-e", at + "/error.log"]
subprocess.run(command, check=True)
for _ in range(20):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(at + "/socket")
        client.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n")
        answer = b""
        while part := client.recv(4096):
            answer += part
        assert answer.endswith(b"well\\n"), answer
subprocess.run(command + ["-s", "reload"], check=True)
subprocess.run(command + ["-s", "quit"], check=True)
while os.path.exists(at + "/pid"):
    time.sleep(0.01)
"""


def nginx(directory):
    """A daemon: master and workers outlive the program that started them, serve, and are told to quit."""
    nginx = need("nginx")

    def again():
        for name in ("pid", "socket", "error.log"):
            if os.path.exists(os.path.join(directory, name)):
                os.unlink(os.path.join(directory, name))
    user = "user root;" if os.geteuid() == 0 else ""
    script(directory, "conf", NGINX % {"at": directory, "user": user})
    driver = script(directory, "driver.py", NGINX_DRIVER.replace(
        'subprocess.run(command + ["-s", "reload"], check=True)\n', ""))
    return Program([PYTHON, "-I", driver, nginx, directory], again=again)


GIT = """
set -e
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_DATE='1700000000 +0000' GIT_COMMITTER_DATE='1700000000 +0000'
git -c init.defaultBranch=main init -q one
cd one
git config user.name kin; git config user.email kin@example.org; git config gc.auto 0; git config pack.threads 1
for i in 1 2 3; do echo $i > file$i; git add file$i; git commit -q -m "number $i"; done
git --no-pager log --oneline > /dev/null
git branch side HEAD~1; git merge -q side
git gc -q --prune=now
cd ..
git clone -q "file://$PWD/one" two
git -C two fsck --no-progress
git -C two format-patch -q -1 --stdout > /dev/null
"""


def git(directory):
    need("git")
    path = script(directory, "git.sh", GIT)

    def again():
        for name in ("one", "two"):
            shutil.rmtree(os.path.join(directory, name), ignore_errors=True)
    names = [(rb"\.tmp-\d+-", b".tmp-PID-"), (rb"tmp_\w{6}\b", b"tmp_XXXXXX"), (rb"--keep=fetch-pack \d+ on .*", b"--keep"),
             (rb"\bpack-[0-9a-f]{40}", b"pack-HASH")]
    return Program(["/bin/sh", path], Rules(replace=names), again=again)


def tar_xz(directory):
    """xz makes another thread when none is idle: with one block of data there is always one, whatever the speed."""
    need("tar"), need("xz")
    os.mkdir(os.path.join(directory, "data"))
    for name in "abc":
        with open(os.path.join(directory, "data", name), "wb") as file:
            file.write(name.encode() * 700000)
    return Program(["/bin/sh", "-c", "tar cf - data | xz -0 -T2 --block-size=64MiB | xz -dc -T1 | tar xOf - | cksum >/dev/null"
                    " && tar cJf all.tar.xz data && tar tJf all.tar.xz >/dev/null"])


def find_xargs(directory):
    need("find"), need("xargs")
    for name in ("plain", "with blank", "new\nline", "caf\u00e9"):
        script(directory, name, "x\n")
    return Program(["/bin/sh", "-c", "find . -type f -print0 | sort -z | xargs -0 -n1 -P2 /bin/echo >/dev/null;"
                    " find . -name p* -exec /bin/echo {} + -exec /bin/true \\; >/dev/null"])


def perl(directory):
    need("perl")
    return Program(["perl", "-e", """
        my $pid = fork; if (!$pid) { exec {"/bin/sh"} "a name", "-c", "exit 3" } waitpid $pid, 0; die if $? >> 8 != 3;
        system("/bin/true"); system("exit 4"); `/bin/echo x`; open(my $p, "|-", "/bin/cat >/dev/null"); print $p "y"; close $p;
        $pid = fork; if (!$pid) { sleep 100 } kill 'TERM', $pid; waitpid $pid, 0; exit 2 if $? != 15;
        """])


def java(directory):
    need("java")
    return Program(["java", "-Xint", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:-UseSignalChaining", "-Xshare:auto", "-Xmx64m",
                    "-version"])


def node(directory):
    need("node")
    return Program(["node", "-e", """
        const { execFileSync, spawnSync } = require("child_process");
        execFileSync("/bin/echo", ["from node", ""]);
        if (spawnSync("/bin/sh", ["-c", "exit 7"]).status !== 7) process.exit(1);
        """])


def of_load(name, *arguments, rules=None, status=0):
    def maker(directory):
        return Program(load(name, *arguments), rules, status)
    return maker


IN_ORDER = dict(ordered=True)

#: name -> maker. Those marked ordered run one thing at a time: the order of births must be equal too.
REAL = {
    "make": make, "make own sources": make_own_sources, "dash": dash, "bash": bash, "scripts of scripts": scripts_of_scripts,
    "multiprocessing": multiprocessing, "multiprocessing spawn": multiprocessing_spawn, "python threads": python_threads,
    "nginx": nginx, "git": git, "tar xz": tar_xz, "find xargs": find_xargs, "perl": perl, "java": java, "node": node,
}

LOADS = {}
for _suffix in ("", "-32", "-static"):
    for _how in ("fork", "vfork", "spawn", "exec"):
        LOADS["forks%s %s" % (_suffix, _how)] = of_load("forks" + _suffix, 7, _how, rules=Rules(**IN_ORDER))
    LOADS["threads%s" % _suffix] = of_load("threads" + _suffix, 20, 5)
    for _kind in ("files", "no-signal", "odd-signal", "parent", "shared-memory", "clone"):
        LOADS["clones%s %s" % (_suffix, _kind)] = of_load("clones" + _suffix, _kind)
    for _kind, _status in (("from-thread", 0), ("failed", 0), ("by-fd", 0), ("by-directory", 0), ("odd-argv", 0),
                           ("empty-argv", 0), ("in-directory", 0), ("chain", 3), ("path-search", 0)):
        LOADS["execs%s %s" % (_suffix, _kind)] = of_load("execs" + _suffix, _kind, status=_status)
    for _kind, _status in (("segv", 0), ("segv-self", -11), ("abort", 0), ("kill-self", -15), ("by-sibling", 0),
                           ("by-timer", 0), ("threads", 0), ("stop-child", 0), ("queued", 0)):
        LOADS["signals%s %s" % (_suffix, _kind)] = of_load("signals" + _suffix, _kind, status=_status)
    for _kind, _status in (("daemon", 0), ("subreaper", 0), ("leader-first-group", 8), ("thread-exit", 0),
                           ("exit-over-threads", 12), ("vfork-chain", 0), ("tree", 0), ("crowd", 0), ("names", 0),
                           ("from-thread", 0)):
        LOADS["families%s %s" % (_suffix, _kind)] = of_load("families" + _suffix, _kind, status=_status)
LOADS["execs big-argv"] = of_load("execs", "big-argv")
LOADS["execs many-argv"] = of_load("execs", "many-argv")
