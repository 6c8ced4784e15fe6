"""kin report on recordings of machines that do not exist (tests/captures): every view, byte for byte, and bad input.

KIN_REWRITE=1 writes the expected outputs instead of comparing them: look at the difference before you keep it.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import unicodedata

import pytest

import harness
import recording

CAPTURES = pathlib.Path(__file__).resolve().parent.parent / "captures"
sys.path.insert(0, str(CAPTURES))
import generate  # noqa: E402

WHOLE = ["make", "server", "failures", "faults", "wide", "deep", "mixed", "unknown"]
UTF8 = {"LC_ALL": "C.UTF-8", "TERM": "xterm"}

# Ending of the expected output: the options that give it.
VIEWS = {
    "tree": ["--width", "120"],
    "tree60": ["--width", "60"],
    "tree80": ["--width", "80"],
    "tree200": ["--width", "200"],
    "summary": ["--summary", "--width", "120"],
    "lines": ["--live", "--width", "120"],
}
GOLDEN = [(name, view, options) for name in WHOLE + ["cut"] for view, options in VIEWS.items()] + [
    ("make", "all", ["--all", "--width", "0"]),
    ("deep", "all", ["--all", "--width", "100"]),
    ("failures", "verbose", ["-v", "--width", "100"]),
    ("server", "verbose", ["-v", "--all", "--width", "0"]),
    ("server", "colour", ["--color=always", "--width", "100"]),
    ("failures", "colour", ["--color=always", "--width", "100"]),
    ("faults", "faults", ["--faults", "--width", "120"]),
    ("faults", "faults60", ["--faults", "--width", "60"]),
    ("faults", "faults-all", ["--faults", "--all", "--width", "120"]),
    ("make", "faults", ["--faults", "--width", "120"]),
    ("mixed", "summary60", ["--summary", "--width", "60"]),
]


def report(*arguments, **keywords):
    environment = {**os.environ, **UTF8, **keywords.pop("env", {})}
    environment.pop("NO_COLOR", None)
    return harness.run([harness.KIN, "report", *arguments], env=environment, **keywords)


def shown(*arguments, **keywords):
    done = report(*arguments, **keywords)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def compare(text, path):
    if os.environ.get("KIN_REWRITE"):
        path.write_text(text, encoding="utf-8")
    assert path.exists(), "no %s: look at what KIN_REWRITE=1 writes" % path.name
    assert text == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name,view,options", GOLDEN, ids=["%s.%s" % case[:2] for case in GOLDEN])
def test_view(name, view, options):
    compare(shown(*options, CAPTURES / (name + ".jsonl")), CAPTURES / ("%s.%s" % (name, view)))


def test_view_outside_utf8():
    text = shown("--width", "100", CAPTURES / "failures.jsonl", env={"LC_ALL": "C"})
    compare(text, CAPTURES / "failures.ascii")
    assert text.isascii()


def test_captures_are_what_their_script_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "HERE", tmp_path)
    for scene in (generate.make, generate.server, generate.failures, generate.faults, generate.wide, generate.deep,
                  generate.mixed, generate.cut, generate.newer, generate.unknown):
        scene()
    written = sorted(path.name for path in tmp_path.iterdir())
    assert written == sorted(path.name for path in CAPTURES.glob("*.jsonl"))
    for name in written:
        assert (tmp_path / name).read_bytes() == (CAPTURES / name).read_bytes(), name


@pytest.mark.parametrize("name", WHOLE)
def test_json_is_the_recording(name):
    path = CAPTURES / (name + ".jsonl")
    once = shown("--json", path)
    again = shown("--json", "-", input=once.encode())
    assert again == once
    if name != "unknown":
        assert [json.loads(line) for line in once.splitlines()] == [json.loads(line) for line in path.open()]


@pytest.mark.parametrize("name", WHOLE)
def test_views_of_the_json_are_the_same(name):
    path = CAPTURES / (name + ".jsonl")
    once = shown("--json", path).encode()
    for options in (["--tree"], ["--summary"], ["--faults"], ["-v", "--all"]):
        assert shown(*options, "-", input=once) == shown(*options, path)


def columns(line):
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in line)
    return len(line) + wide - sum(unicodedata.combining(character) > 0 for character in line)


@pytest.mark.parametrize("width", [40, 61, 80, 99, 120, 333])
@pytest.mark.parametrize("options", [["--tree"], ["--summary"], ["--faults"], ["-v"]], ids=" ".join)
def test_no_line_is_too_long(options, width):
    for name in WHOLE:
        for line in shown(*options, "--width", width, CAPTURES / (name + ".jsonl")).splitlines():
            assert columns(line) <= max(width, 60), (name, line)
            assert line == line.rstrip(), "spaces at the end: %r" % line
            assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", line), "control characters: %r" % line


def test_colour_changes_nothing_but_colour():
    for name in WHOLE:
        for options in (["--tree"], ["--summary"], ["--faults"], ["--live"], ["-v"]):
            plain = shown(*options, "--width", "100", CAPTURES / (name + ".jsonl"))
            coloured = shown(*options, "--width", "100", "--color=always", CAPTURES / (name + ".jsonl"))
            assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == plain
            assert "\x1b" not in plain
            assert "\x1b" in coloured or "No fault was located" in plain


@pytest.mark.parametrize("name", WHOLE)
def test_all_shows_every_task(name):
    path = CAPTURES / (name + ".jsonl")
    tree = shown("--all", "--width", "0", path)
    births = [event for event in map(json.loads, path.open()) if event["ev"] == "birth"]
    rows = [line for line in tree.split("\n\n")[0].splitlines()[1:] if "· " not in line]
    assert len(rows) == len(births)


def counted(tree):
    """Tasks that the rows of a tree stand for."""
    total = 0
    for line in tree.split("\n\n")[0].splitlines()[1:]:
        if "· " in line:
            continue
        fold = re.match(r"[│├└─ ⋯0-9]*?([0-9,]+) × ", line)
        total += int(fold[1].replace(",", "")) if fold else 1
    return total


@pytest.mark.parametrize("name", WHOLE)
def test_folding_loses_no_task(name):
    path = CAPTURES / (name + ".jsonl")
    births = sum(json.loads(line)["ev"] == "birth" for line in path.open())
    for width in (50, 100, 200):
        assert counted(shown("--width", width, path)) == births


def scene(tmp_path, monkeypatch, build):
    """A recording made on the spot, too large to keep."""
    monkeypatch.setattr(generate, "HERE", tmp_path)
    made = generate.Recording(["big"])
    top = made.birth()
    made.exec(top, "big")
    build(made, top)
    made.end()
    made.write("big.jsonl")
    return tmp_path / "big.jsonl"


def test_a_hundred_thousand_processes(tmp_path, monkeypatch):
    def build(made, top):
        for i in range(100_000):
            child = made.after(0.1).birth(top, generate.FORK)
            made.exec(child, "prog%d" % (i % 977), str(i))
            made.exit(child, i % 3)

    path = scene(tmp_path, monkeypatch, build)
    tree = shown("--width", "100", path)
    assert len(tree.splitlines()) < 60
    assert counted(tree) == 100_001
    assert len(shown("--all", "--width", "100", path).splitlines()) > 100_001
    assert "100,001 processes" in shown("--summary", path)


def test_twenty_thousand_threads_with_names(tmp_path, monkeypatch):
    def build(made, top):
        for i in range(20_000):
            thread = made.birth(top, generate.THREAD)
            made.add("name", thread, name="pool-%d-%d" % (i % 7, i))
            made.exit(thread, thread=True)

    tree = shown("--width", "100", scene(tmp_path, monkeypatch, build))
    assert "20,000 × pool-*-*" in tree
    assert len(tree.splitlines()) < 30


@pytest.mark.parametrize("different", [False, True], ids=["alike", "different"])
def test_a_chain_a_hundred_thousand_deep(tmp_path, monkeypatch, different):
    def build(made, top):
        task = top
        for i in range(100_000):
            task = made.birth(task, generate.FORK)
            if different and i % 2:
                made.exec(task, "p%d%s" % (i, "xyz"[i % 3] * (i % 5)))

    path = scene(tmp_path, monkeypatch, build)
    assert len(shown("--width", "80", path).splitlines()) < 400
    lines = shown("--all", "--width", "80", path).splitlines()
    assert any(line.startswith("100,000 ⋯ └─ ") for line in lines)
    assert all(columns(line) <= 80 for line in lines)


def test_everything_different_ends_somewhere(tmp_path, monkeypatch):
    """Nothing alike on any level: the tree is cut, and says what it left out."""
    def build(made, top):
        tasks = [top]
        for i in range(3000):
            call = {"call": "clone", "flags": ["0x%x" % (1 << 40 << i % 20)], "exit_signal": "SIGCHLD"}
            tasks.append(made.birth(tasks[i // 2], call))
            made.exec(tasks[-1], "unlike-%s" % "".join("abcdefghij"[int(digit)] for digit in str(i)))
        for i, task in enumerate(reversed(tasks)):
            made.exit(task, i % 2)

    tree = shown("--width", "100", scene(tmp_path, monkeypatch, build))
    hidden = sum(int(count.replace(",", "")) for count in re.findall(r"… ([0-9,]+) tasks? more below", tree))
    assert hidden > 0
    assert counted(tree) + hidden == 3001
    assert len(tree.split("\n\n")[0].splitlines()) < 800


def test_each_line_is_one_write():
    """A pipe in packet mode keeps each write apart."""
    reader, writer = os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    done = subprocess.Popen([harness.KIN, "report", "--live", "--width", "100", str(CAPTURES / "make.jsonl")],
                            stdout=writer, env={**os.environ, **UTF8})
    os.close(writer)
    packets = []
    while packet := os.read(reader, 65536):
        packets.append(packet)
    os.close(reader)
    assert done.wait() == 0
    assert len(packets) == sum(1 for _ in (CAPTURES / "make.jsonl").open())
    assert all(packet.endswith(b"\n") and packet.count(b"\n") == 1 for packet in packets)


def test_output_to_a_file(tmp_path):
    for option in ("--tree", "--summary", "--faults", "--json", "--live"):
        path = tmp_path / "out"
        assert shown(option, "-o", path, CAPTURES / "make.jsonl") == ""
        assert path.read_text() == shown(option, CAPTURES / "make.jsonl")


def test_arguments_are_whole_in_the_data():
    once = shown("--json", CAPTURES / "failures.jsonl")
    argv = [json.loads(line)["argv"] for line in once.splitlines() if "--all-of-it" in line][0]
    assert recording.to_bytes(argv[2]) == b"\xe9t\xe9.txt"
    assert argv[3:] == ["", "a\nb", "\u202ertl"]


# What goes wrong. Every message is one line that begins with "kin report: ".

def refused(arguments, status, *words, **keywords):
    done = report(*arguments, **keywords)
    message = done.stderr.decode()
    assert done.returncode == status, message
    assert message.startswith("kin report: ") and message.count("\n") == 1, message
    for word in words:
        assert word in message, message
    return done.stdout.decode()


def test_no_such_file():
    assert refused(["/nonexistent/x"], 1, "/nonexistent/x", "No such file") == ""


def test_directory():
    assert refused(["/"], 1, "/", "directory") == ""


def test_forbidden_file(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    path = tmp_path / "secret"
    path.touch(mode=0o000)
    refused([path], 1, "secret", "Permission denied")


@pytest.mark.parametrize("option", ["--tree", "--json", "--live", "--summary", "--faults"])
@pytest.mark.parametrize("content", [b"", b"\n", b"hello\n", b"{}\n", b"\0" * 5000, b"\xff\xfe", b"[" * 100_000],
                         ids=["empty", "newline", "prose", "object", "zeroes", "binary", "brackets"])
def test_not_a_recording(tmp_path, content, option):
    path = tmp_path / "file"
    path.write_bytes(content)
    assert refused([option, path], 1, "file: ", "not a recording") == ""


def test_newer_version():
    assert refused([CAPTURES / "newer.jsonl"], 1, "version 2", "kin 9.0.0", "newer kin") == ""


def test_cut_recording():
    done = report("--width", "120", CAPTURES / "cut.jsonl")
    assert done.returncode == 0
    assert done.stderr.decode().count("\n") == 1 and b"cut short" in done.stderr
    assert b"cut short" in done.stdout and b"running" in done.stdout


@pytest.mark.parametrize("option", ["--tree", "--json", "--live"])
def test_cut_anywhere(tmp_path, option):
    whole = (CAPTURES / "make.jsonl").read_bytes()
    first = whole.index(b"\n")
    path = tmp_path / "cut"
    for size in list(range(first, first + 300, 13)) + list(range(first + 300, len(whole) - 1, 997)):
        path.write_bytes(whole[:size])
        done = report(option, path)
        assert done.returncode == 0 and done.stderr.count(b"\n") == 1 and b"cut short" in done.stderr, size
        assert done.stdout


def test_broken_line_shows_what_came_before(tmp_path):
    lines = (CAPTURES / "make.jsonl").read_text().splitlines()
    path = tmp_path / "broken"
    path.write_text("\n".join(lines[:9] + ["{oops"] + lines[9:]) + "\n")
    text = refused([path], 1, "broken: line 10 is no event")
    assert "make -j2 all" in text
    path.write_text("\n".join(lines[:1] + lines[3:]) + "\n")
    refused([path], 1, "broken: line 2 makes no sense here")


@pytest.mark.parametrize("option", ["--tree", "--json", "--live", "--summary", "--faults"])
def test_full_disk(option):
    if not os.path.exists("/dev/full"):
        pytest.skip("no /dev/full")
    with open("/dev/full", "wb") as full:
        refused_to = subprocess.run([harness.KIN, "report", option, str(CAPTURES / "make.jsonl")], stdout=full,
                                    stderr=subprocess.PIPE)
    assert refused_to.returncode == 1
    assert refused_to.stderr == b"kin report: cannot write standard output: No space left on device\n"
    refused([option, "-o", "/dev/full", CAPTURES / "make.jsonl"], 1, "/dev/full", "No space left")


@pytest.mark.parametrize("option", ["--tree", "--json", "--live"])
def test_closed_pipe(option):
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([harness.KIN, "report", option, str(CAPTURES / "make.jsonl")], stdout=writer,
                          stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == 1
    assert done.stderr == b"kin report: cannot write standard output: Broken pipe\n"


def test_closed_output_leaves_the_recording_alone(tmp_path):
    path = tmp_path / "recording"
    path.write_bytes((CAPTURES / "make.jsonl").read_bytes())
    subprocess.run(["sh", "-c", 'exec "$0" report "$1" >&- 2>&-', harness.KIN, str(path)])
    assert path.read_bytes() == (CAPTURES / "make.jsonl").read_bytes()


def test_output_that_cannot_be_made():
    refused(["-o", "/nonexistent/x", CAPTURES / "make.jsonl"], 1, "/nonexistent/x", "No such file")


@pytest.mark.parametrize("arguments,words", [
    ([], ["no recording given"]),
    (["a", "b"], ["one recording at a time", "'b'"]),
    (["--sideways", "a"], ["--sideways"]),
    (["--width", "wide", "a"], ["--width", "'wide'"]),
    (["--width", "-5", "a"], ["--width", "'-5'"]),
    (["--color=sometimes", "a"], ["--color", "'sometimes'"]),
    (["-o"], ["-o", "needs"]),
], ids=lambda value: " ".join(value) or "nothing")
def test_usage(arguments, words):
    refused(arguments, 2, "see 'kin help report'", *words)


def test_help_lists_every_option():
    text = subprocess.run([harness.KIN, "help", "report"], stdout=subprocess.PIPE, check=True).stdout.decode()
    for option in ("--tree", "--summary", "--faults", "--live", "--json", "--all", "--verbose", "--output", "--color",
                   "--width"):
        assert option in text
