"""kin sum, min, max, mean, sort: bad input gives one line that says what is wrong, a status, and never a result."""

import os
import re
import resource
import signal
import subprocess

import pytest

from harness import KIN, NOBODY, needs_root, nobody, nothing_left, place, wait_until  # noqa: F401
from numbers_of_kin import WHOLE, kin, limits, pack, refused, told, write

COMMANDS = ["sum", "min", "max", "mean", "sort"]


@pytest.mark.parametrize("arguments, words", [
    (["--type=i33"], "--type takes one of i8 i16 i32 i64 u8 u16 u32 u64 f32 f64, not 'i33'"),
    (["--type="], "not ''"),
    (["--type"], "--type needs an argument"),
    (["--kind=fibres"], "--kind takes threads or processes, not 'fibres'"),
    (["--workers=0"], "--workers takes a number from 1 to 256, not '0'"),
    (["--workers=257"], "not '257'"),
    (["--workers=99999999999999999999"], "not '99999999999999999999'"),
    (["--workers=-1"], "not '-1'"),
    (["--workers= 1"], "not ' 1'"),
    (["--workers=2x"], "not '2x'"),
    (["--workers="], "not ''"),
    (["--frobnicate"], "unknown option '--frobnicate'"),
    (["-z"], "unknown option '-z'"),
    (["-", "-"], "'-' can be read only once"),
    ([""], "a file has no name"),
])
@pytest.mark.parametrize("command", COMMANDS)
def test_usage(command, arguments, words):
    line = refused(2, command, *arguments)
    assert words in line and line.endswith("; see 'kin help %s'\n" % command)


@pytest.mark.parametrize("option, of", [("--exact", "sum"), ("--where", "min max"), ("--variance", "mean"),
                                        ("--reverse", "sort"), ("-ox", "sort")])
def test_each_command_has_its_own_options(option, of):
    for command in COMMANDS:
        if command not in of:
            assert "unknown option" in refused(2, command, option, "/dev/null")


@pytest.mark.parametrize("command", COMMANDS)
def test_files_that_cannot_be_read(command, place):
    good = write(os.path.join(place, "good"), pack("i32", [1, 2]))
    assert "cannot read %s/none: No such file or directory" % place in refused(1, command, place + "/none")
    assert "cannot read %s/none: No such" % place in refused(1, command, good, place + "/none")
    assert "%s is a directory; give files of numbers" % place in refused(1, command, place)
    assert "cannot read %s/x: Not a directory" % good in refused(1, command, good + "/x")
    with open(good, "ab") as write_only:
        assert "cannot read standard input: Bad file descriptor" in refused(1, command, stdin=write_only)


def test_a_directory_as_standard_input(place):
    fd = os.open(place, os.O_RDONLY)
    try:
        assert "standard input is a directory" in refused(1, "sum", stdin=fd)
    finally:
        os.close(fd)


def test_files_that_others_may_not_read(nobody, place):
    secret = write(os.path.join(place, "secret"), pack("i32", [1]))
    os.chmod(secret, 0o600)
    done = subprocess.run([nobody.kin, "sum", secret], capture_output=True, **nobody.keywords)
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode() == "kin sum: cannot read %s: Permission denied\n" % secret


@pytest.mark.parametrize("name", ["i16", "i32", "i64", "u16", "u32", "u64", "f32", "f64"])
def test_no_whole_number_of_items(name, place):
    cut = write(os.path.join(place, "cut"), pack(name, [1, 2])[:-1])
    size, item = os.path.getsize(cut), len(pack(name, [1]))
    line = refused(1, "sum", "--type", name, cut)
    assert "%s: %d bytes are no whole number of %s, which have %d each" % (cut, size, name, item) in line
    with open(cut, "rb") as file:
        assert "standard input: %d bytes are no" % size in refused(1, "sum", "--type", name, stdin=file)
    assert "standard input: 1 bytes are no" in refused(1, "sort", "--type", name, input=b"x")
    # What is missing in one file is not made up for by the next.
    assert "no whole number" in refused(1, "sum", "--type", name, cut, write(os.path.join(place, "one"), b"x"))


@pytest.mark.parametrize("command, what", [("min", "least one"), ("max", "greatest one"), ("mean", "mean")])
def test_nothing_has_no_least_greatest_or_mean(command, what, place):
    empty = write(os.path.join(place, "empty"), b"")
    for arguments in ([empty], ["--text", empty], [], ["--kind=processes", empty, "-"]):
        assert "there are no numbers, so there is no " + what in refused(1, command, *arguments)


@pytest.mark.parametrize("name, wide", [("i64", "i64"), ("u64", "u64")])
@pytest.mark.parametrize("kind", ["threads", "processes"])
def test_sums_that_64_bits_do_not_hold(name, wide, kind, place):
    low, high = limits(name)
    sums = [[high, 1], [high] * 1000] + ([[low, -1], [low] * 1000] if low else [])
    for numbers in sums:
        line = refused(1, "sum", "--type", name, "--kind", kind, write(place + "/n", pack(name, numbers)))
        assert "the sum of these %s goes beyond %s" % (name, wide) in line
        assert told("mean", "--type", name, place + "/n")
    if low:  # there and back is no overflow
        numbers = [high, high, low, low, 5]
        assert told("sum", "--type", name, write(place + "/n", pack(name, numbers))) == b"%d\n" % sum(numbers)


# --- text ---

BAD = [("12x", "is not a whole number (%s)"), ("x", "is not a whole number (%s)"), ("-", "is not a whole number (%s)"),
       ("+-1", "is not a whole number (%s)"), ("1-", "is not a whole number (%s)"), ("0x10", "is not a whole number (%s)"),
       ("1.5", "is not a whole number (%s); --type=f64 takes it"), ("1e3", "(%s); --type=f64 takes it"),
       ("1,2", "is not a whole number (%s); separate numbers by white space"), ("\0", "; leave out --text if the file is raw"),
       ("1\0", "; leave out --text"), ("\u0663", "is not a whole number"), ("\u00a01", "is not a whole number")]


@pytest.mark.parametrize("word, words", BAD)
@pytest.mark.parametrize("name", ["i8", "u64"])
def test_what_is_no_whole_number(name, word, words, place):
    for after in ("", " 3", "\n"):
        path = write(os.path.join(place, "text"), "1 2\n\n3 %s%s" % (word, after))
        line = refused(1, "sum", "--text", "--type", name, path)
        quoted = word.replace("\0", "?")
        assert line.startswith("kin sum: %s:3: '%s' " % (path, quoted)), line
        assert (words % name if "%" in words else words) in line


@pytest.mark.parametrize("word", ["x", "1x", ".", "-", "e5", "1e", "--1", "1,5", "1.2.3", "1\0", "0x", "1_000", "1'000"])
@pytest.mark.parametrize("name", ["f32", "f64"])
def test_what_is_no_float(name, word):
    line = refused(1, "sum", "--text", "--type", name, input="1\n2 %s 3" % word)
    assert line.startswith("kin sum: standard input:2: '%s' is not a number (%s)" % (word.replace("\0", "?"), name))


@pytest.mark.parametrize("name", WHOLE)
def test_what_the_type_does_not_hold(name):
    low, high = limits(name)
    for word in (high + 1, low - 1, 10 ** 30, -10 ** 30, 1 << 64, 10 ** 19):
        if not low <= word <= high:
            line = refused(1, "sum", "--text", "--type", name, input="%d" % word)
            assert "1: '%d' is not in the range of %s, %d to %d" % (word, name, low, high) in line


@pytest.mark.parametrize("name, word", [("f64", "1e309"), ("f64", "-1e999999999"), ("f32", "3.5e38"), ("f32", "-1e39")])
def test_floats_that_are_too_large(name, word):
    assert "1: '%s' is too large for %s" % (word, name) in refused(1, "sum", "--text", "--type", name, input=word)


def test_what_cannot_be_shown_is_not():
    line = refused(1, "sum", "--text", input="\x1b[31m\x07" + "y" * 100)
    assert "'?[31m?%s...' is not a number" % ("y" * 31) in line and "\x1b" not in line


def test_text_without_end():
    assert "standard input:1: a megabyte without white space" in refused(1, "sum", "--text", input=b"1" * (3 << 20))
    assert "/dev/zero:1: a megabyte" in refused(1, "sum", "--text", "/dev/zero")


# --- where the result goes ---

@pytest.mark.parametrize("command", COMMANDS)
def test_a_full_disk_is_told(command, place):
    path = write(os.path.join(place, "n"), pack("i32", [1, 2]))
    with open("/dev/full", "wb") as full:
        done = kin(command, path, stdout=full)
    assert done.returncode == 1
    assert done.stderr.decode() == "kin %s: cannot write %sstandard output: No space left on device\n" % (
        command, "" if command == "sort" else "to ")


# --- files that change ---

def stopped_while_it_computes(path, *arguments):
    """kin at work on a mapped file, stopped before it is through; None if it was faster than we."""
    process = subprocess.Popen([KIN, *arguments, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    maps = "/proc/%d/maps" % process.pid

    def mapped():
        try:
            with open(maps, encoding="utf-8") as file:
                return path in file.read() or process.poll() is not None
        except OSError:
            return True
    wait_until(mapped, "the file is mapped")
    process.send_signal(signal.SIGSTOP)
    wait_until(lambda: process.poll() is not None or " (stopped" in status_of(process.pid), "it is stopped")
    if process.poll() is None:
        return process
    process.communicate()
    return None


def status_of(pid):
    with open("/proc/%d/status" % pid, encoding="utf-8") as file:
        return file.read()


def change(path, how):
    size = os.path.getsize(path)
    if how == "cut short":
        os.truncate(path, 4096)
    elif how == "growing":
        os.truncate(path, size + 4096)
    else:
        os.utime(path, ns=(1, 1))


@pytest.mark.parametrize("kind", ["threads", "processes"])
@pytest.mark.parametrize("how", ["cut short", "growing", "changed"])
def test_a_file_that_changes_while_it_is_read(how, kind, place):
    path = os.path.join(place, "n")
    for size in (64 << 20, 256 << 20, 1 << 30):
        with open(path, "wb") as file:
            file.truncate(size)
        process = stopped_while_it_computes(path, "sum", "--kind", kind, "--workers=2")
        if process:
            break
    else:
        pytest.skip("kin is too fast to be met at work")
    change(path, how)
    process.send_signal(signal.SIGCONT)
    out, error = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, b""), error
    assert re.fullmatch(r"kin sum: \S+ was %s while it was read; try again when nobody writes to it\n" % how,
                        error.decode())


def test_more_memory_than_there_is(place):
    with open("/proc/sys/vm/overcommit_memory", "rb") as file:
        if file.read().strip() == b"1":
            pytest.skip("this system promises memory that it has not")
    path = os.path.join(place, "huge")
    try:
        with open(path, "wb") as file:
            file.truncate(1 << 42)
    except OSError:
        pytest.skip("no file of 4 TB here")
    sanitizers = {name: os.environ.get(name, "") + ":allocator_may_return_null=1" for name in ("ASAN_OPTIONS", "TSAN_OPTIONS")}
    done = kin("sort", path, env=dict(os.environ, **sanitizers))
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.decode().endswith("kin sort: not enough memory for the numbers of %s\n" % path)


@needs_root
def test_fewer_processes_than_asked_for(nobody, place):
    """The pool is smaller, which kin says, and the sum is right."""
    path = write(os.path.join(place, "n"), pack("i32", [1, 2, 3]))
    os.chmod(path, 0o644)

    def limit():
        resource.setrlimit(resource.RLIMIT_NPROC, (3, 3))
        os.setgroups([])
        os.setresgid(NOBODY, NOBODY, NOBODY)
        os.setresuid(NOBODY, NOBODY, NOBODY)
    done = subprocess.run([nobody.kin, "sum", "--workers=8", path], capture_output=True, preexec_fn=limit)
    assert (done.returncode, done.stdout) == (0, b"6\n"), done
    assert re.match(rb"kin sum: [1-7] threads?: ", done.stderr), done
