"""kin sort: the numbers in order, and files that are there whole or as they were. The bar of all commands on numbers."""

import os
import re
import signal
import stat
import subprocess

import pytest

from harness import KIN, nobody, nothing_left, place, wait_until  # noqa: F401
from numbers_of_kin import TYPES, WHOLE, kin, pack, refused, some, told, unpack, write
from terminal import Terminal

COUNT = 20011


@pytest.mark.parametrize("kind", ["threads", "processes"])
@pytest.mark.parametrize("name", TYPES)
def test_raw(name, kind, place):
    numbers = some(name, COUNT)
    path = write(os.path.join(place, "n"), pack(name, numbers))
    assert told("sort", "--type", name, "--kind", kind, path) == pack(name, sorted(numbers))
    assert told("sort", "-r", "--type", name, "--kind", kind, path) == pack(name, sorted(numbers, reverse=True))
    with open(path, "rb") as file:
        assert file.read() == pack(name, numbers)


@pytest.mark.parametrize("workers", [1, 2, 3, 8])
def test_workers(workers, place):
    numbers = some("u64", COUNT)
    path = write(os.path.join(place, "n"), pack("u64", numbers))
    for kind in ("threads", "processes"):
        assert told("sort", "--type=u64", "--kind", kind, "--workers", workers, path) == pack("u64", sorted(numbers))


@pytest.mark.parametrize("name", TYPES)
def test_text(name):
    numbers = some(name, 5003)
    lines = told("sort", "--text", "--type", name, input="\n".join(map(repr, numbers))).decode().split("\n")
    assert lines.pop() == ""
    read = int if name in WHOLE else float
    assert pack(name, list(map(read, lines))) == pack(name, sorted(numbers))


def test_several_files_and_none(place):
    files = [write(os.path.join(place, str(i)), pack("i32", numbers)) for i, numbers in enumerate(([3, 1], [], [2]))]
    assert unpack("i32", told("sort", *files)) == [1, 2, 3]
    assert unpack("i32", told("sort", files[0], "-", input=pack("i32", [0]))) == [0, 1, 3]
    assert told("sort", files[1]) == told("sort") == told("sort", "--text") == b""
    assert unpack("i32", told("sort", files[2])) == [2]


def test_zeros_and_what_is_no_number():
    """-0 is below 0, a NaN above all; in reverse the whole order is turned round."""
    text = "nan 1 0 -inf -0.0 inf -1"
    assert told("sort", "--text", input=text).split() == [b"-inf", b"-1", b"-0", b"0", b"1", b"inf", b"nan"]
    assert told("sort", "--text", "-r", input=text).split() == [b"nan", b"inf", b"1", b"0", b"-0", b"-1", b"-inf"]


def test_in_its_place(place):
    numbers = some("f64", COUNT)
    path = write(os.path.join(place, "n"), pack("f64", numbers))
    os.chmod(path, 0o640)
    assert told("sort", "--type=f64", "-o", path, path) == b""
    with open(path, "rb") as file:
        assert unpack("f64", file.read()) == sorted(numbers)
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o640
    assert os.listdir(place) == ["n"]


def test_a_new_file(place):
    mask = os.umask(0o027)
    try:
        told("sort", "--text", "--output", place + "/new", input="3 1 2", cwd=place)
        told("sort", "--text", "-oother", input="2 1", cwd=place)
    finally:
        os.umask(mask)
    with open(place + "/new", "rb") as file:
        assert file.read() == b"1\n2\n3\n"
    assert stat.S_IMODE(os.stat(place + "/new").st_mode) == 0o640
    assert sorted(os.listdir(place)) == ["new", "other"]


def test_through_a_link(place):
    write(os.path.join(place, "n"), "2 1")
    os.mkdir(place + "/there")
    os.symlink("../n", place + "/there/link")
    told("sort", "--text", "-o", place + "/there/link", place + "/n")
    assert os.readlink(place + "/there/link") == "../n"
    with open(place + "/n", "rb") as file:
        assert file.read() == b"1\n2\n"


def test_to_what_is_no_file(place):
    told("sort", "--text", "-o", "/dev/null", input="2 1")
    assert told("sort", "--text", "-o", "/dev/stdout", input="2 1") == b"1\n2\n"
    assert refused(1, "sort", "--text", "-o", "/dev/full", input="2 1") == \
        "kin sort: cannot write /dev/full: No space left on device\n"
    assert "cannot write %s: Is a directory" % place in refused(1, "sort", "--text", "-o", place, input="1")
    assert "cannot write %s/no/n: No such file" % place in refused(1, "sort", "--text", "-o", place + "/no/n", input="1")
    assert "cannot write : No such file" in refused(1, "sort", "--text", "-o", "", input="1")


def test_what_fails_leaves_the_file_alone(place):
    path = write(os.path.join(place, "n"), "2 1 x")
    assert "'x' is not a number" in refused(1, "sort", "--text", "-o", path, path)
    assert "are no whole number" in refused(1, "sort", "-o", path, path)
    with open(path, "rb") as file:
        assert file.read() == b"2 1 x"
    assert os.listdir(place) == ["n"]


def test_files_that_may_not_be_written(nobody, place):
    path = write(os.path.join(place, "n"), "2 1")
    os.chmod(path, 0o444)
    done = subprocess.run([nobody.kin, "sort", "--text", "-o", path, path], capture_output=True, **nobody.keywords)
    assert (done.returncode, done.stderr.decode()) == (1, "kin sort: cannot write %s: Permission denied\n" % path)
    os.chmod(path, 0o666)
    os.chmod(place, 0o755)
    done = subprocess.run([nobody.kin, "sort", "--text", "-o", path, path], capture_output=True, **nobody.keywords)
    assert (done.returncode, done.stderr.decode()) == (1, "kin sort: cannot write %s: Permission denied\n" % path)
    with open(path, "rb") as file:
        assert file.read() == b"2 1"


@pytest.mark.parametrize("signo", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_file_alone(signo, place):
    path = write(os.path.join(place, "n"), "2 1")
    process = subprocess.Popen([KIN, "sort", "--text", "-o", path, path, "-"], stdin=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signo, signal.SIG_DFL))
    wait_until(lambda: len(os.listdir(place)) == 2, "the new file is there")
    process.send_signal(signo)
    assert process.wait(timeout=30) == -signo
    process.stdin.close()
    with open(path, "rb") as file:
        assert file.read() == b"2 1"
    assert os.listdir(place) == ["n"]


def test_a_signal_that_is_ignored_stays_so(place):
    path = os.path.join(place, "n")
    process = subprocess.Popen([KIN, "sort", "--text", "-o", path], stdin=subprocess.PIPE,
                               preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    wait_until(lambda: len(os.listdir(place)) == 1, "the new file is there")
    process.send_signal(signal.SIGHUP)
    process.communicate(b"2 1", timeout=30)
    assert process.returncode == 0 and os.listdir(place) == ["n"]


def test_a_reader_that_goes(place):
    path = write(os.path.join(place, "n"), pack("u64", some("u64", 200000)))
    with subprocess.Popen([KIN, "sort", "--type=u64", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_DFL)) as process:
        process.stdout.close()
        assert process.stderr.read() == b"" and process.wait(timeout=30) == -signal.SIGPIPE


def test_no_raw_numbers_to_a_terminal(place):
    path = write(os.path.join(place, "n"), pack("i32", [1]))
    with Terminal([KIN, "sort", path]) as terminal:
        terminal.expect(b"raw numbers are not for a terminal: give -o FILE, or --text; see 'kin help sort'")
        assert terminal.process.wait(timeout=30) == 2
    for command in ("sum", "mean"):
        with Terminal([KIN, command]) as terminal:
            terminal.expect(b"raw numbers are not typed at a terminal: give files, or --text; see 'kin help %s'"
                            % command.encode())
            assert terminal.process.wait(timeout=30) == 2


def test_text_from_a_terminal():
    with Terminal([KIN, "sum", "--text"]) as terminal:
        terminal.type(b"1 2\n3\n\x04")
        terminal.expect(b"6\r\n")
        assert terminal.process.wait(timeout=30) == 0


# --- the bar ---

def on_a_terminal(*arguments, term="xterm"):
    with Terminal([KIN, *arguments], env=dict(os.environ, TERM=term)) as terminal:
        seen = terminal.rest()
        assert terminal.process.wait(timeout=30) == 0
        return seen


@pytest.mark.parametrize("command", ["sum", "min", "max", "mean"])
def test_a_bar_on_a_terminal(command, place):
    """It is drawn at the end at the latest, and wiped away before the result."""
    path = write(os.path.join(place, "n"), pack("i32", [7] * 100000))
    seen = on_a_terminal(command, "--progress", path)
    assert b"\r\x1b[Kkin %s: [%s] 100 %%" % (command.encode(), b"#" * 30) in seen
    result = b"700000" if command == "sum" else b"7"
    assert seen.endswith(b"\r\x1b[K" + result + b"\r\n")


def fed_on_a_terminal(place, term, enough):
    """kin reading a pipe, into which numbers are put until it is enough. Returns what was seen, and their count."""
    pipe = os.path.join(place, "pipe")
    os.mkfifo(pipe)
    with Terminal([KIN, "sum", "--text", pipe], env=dict(os.environ, TERM=term)) as terminal:
        with open(pipe, "wb", buffering=0) as file:
            count = 0
            while not enough(terminal.seen, count):
                file.write(b"1 ")
                count += 1
                terminal.read(0.02)
        seen = terminal.rest()
        assert terminal.process.wait(timeout=30) == 0
        return seen, count


def test_a_bar_comes_by_itself(place):
    seen, count = fed_on_a_terminal(place, "xterm", lambda seen, count: b"MB read" in seen or count > 1000)
    assert b"\r\x1b[Kkin sum: 0 MB read" in seen and seen.endswith(b"\r\x1b[K%d\r\n" % count)


def test_a_dumb_terminal_has_no_bar(place):
    seen, count = fed_on_a_terminal(place, "dumb", lambda seen, count: count == 40)
    assert seen == b"%d\r\n" % count


def test_no_bar(place):
    path = write(os.path.join(place, "n"), pack("i32", [7] * 100000))
    assert on_a_terminal("sum", "--no-progress", path) == b"700000\r\n"
    assert on_a_terminal("sum", path, term="dumb") == b"700000\r\n"


def test_a_bar_that_is_asked_for_goes_to_a_file_too(place):
    path = write(os.path.join(place, "n"), pack("i32", [7] * 100000))
    done = kin("sum", "--progress", path)
    assert done.returncode == 0 and done.stdout == b"700000\n"
    assert done.stderr.endswith(b"[%s] 100 %%\n" % (b"#" * 30)) and b"\x1b" not in done.stderr


def test_bytes_that_are_read_from_a_pipe():
    done = kin("sum", "--progress", "--text", input="1 " * 3000000)
    assert done.returncode == 0 and done.stdout == b"3000000\n"
    assert re.search(rb"\rkin sum: \d+ MB read", done.stderr)
