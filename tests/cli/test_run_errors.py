"""Bad input: one clear line, the exit status a shell would give, nothing started and nothing left behind."""

import os
import resource

import pytest

import harness
import recording
from harness import KIN, nobody, nothing_left, place  # fixtures


def one_line(done, status, *words):
    text = done.stderr.decode(errors="replace")
    assert done.returncode == status, text
    assert text.count("\n") == 1 and text.endswith("\n"), text
    assert text.startswith("kin"), text
    for word in words:
        assert word in text, text
    assert done.stdout == b""


@pytest.mark.parametrize("options", [[], ["--no-stop"], ["--failed"], ["--faults"], ["-q"]], ids=" ".join)
@pytest.mark.parametrize("program, status", [("no-such-program-anywhere", 127), ("/no/such/program", 127), ("", 127), ("/", 126),
                                             ("/etc/passwd", 126), ("/etc/passwd/program", 126), ("./", 126)])
def test_programs_that_cannot_be_started(program, status, options):
    if program == "/etc/passwd/program":
        done = harness.kin_run(*options, program)
        assert done.returncode in (126, 127) and done.stderr.count(b"\n") == 1
    else:
        one_line(harness.kin_run(*options, program), status, program)


def test_not_executable(place):
    path = os.path.join(place, "file")
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/bin/sh\nexit 1\n")
    one_line(harness.kin_run(path), 126, path)


def test_interpreter_that_is_not_there(place):
    path = os.path.join(place, "script")
    with open(path, "w", encoding="ascii") as file:
        file.write("#!/no/such/interpreter\n")
    os.chmod(path, 0o755)
    done = harness.kin_run(path)
    one_line(done, done.returncode, path)
    assert done.returncode in (126, 127)


def test_file_of_no_known_format(place):
    """A text file without "#!": execvp, and so a shell, has /bin/sh run it."""
    path = os.path.join(place, "text")
    with open(path, "w", encoding="ascii") as file:
        file.write("exit 6\n")
    os.chmod(path, 0o755)
    done = harness.kin_run("-q", path)
    assert done.returncode == 6 or done.returncode == 126 and done.stderr.count(b"\n") == 1
    with open(path, "wb") as file:
        file.write(b"\x7fELFnonsense")
    done = harness.kin_run("-q", path)
    assert done.returncode in (126, 127, 2) and done.stderr


def test_path_is_searched_as_a_shell_does(place):
    for name, mode in (("tool", 0o644), ("other", 0o755)):
        os.mkdir(os.path.join(place, name + "s"))
        path = os.path.join(place, name + "s", "tool")
        with open(path, "w", encoding="ascii") as file:
            file.write("#!/bin/sh\nexit 12\n")
        os.chmod(path, mode)
    path = "%s/missing:%s/tools:%s/others" % (place, place, place)
    assert harness.kin_run("-q", "tool", env=dict(os.environ, PATH=path)).returncode == 12
    one_line(harness.kin_run("tool", env=dict(os.environ, PATH=place + "/tools")), 126, "tool")
    one_line(harness.kin_run("tool", env=dict(os.environ, PATH=place)), 127, "tool")
    # an empty element is the working directory
    assert harness.kin_run("-q", "tool", env=dict(os.environ, PATH=":/bin"), cwd=place + "/others").returncode == 12


@pytest.mark.parametrize("arguments", [[], ["--"], ["-q"], ["--tree", "--"]], ids=str)
def test_no_program(arguments):
    one_line(harness.kin_run(*arguments), 2, "kin help run")


@pytest.mark.parametrize("arguments", [["--no-such-option"], ["-Z"], ["--color=sometimes"], ["--width=-3"], ["--width=wide"],
                                       ["--on-kin-death=maybe"], ["--on-kin-death"], ["--width="]], ids=" ".join)
def test_bad_options(arguments, place):
    marker = os.path.join(place, "started")
    one_line(harness.kin_run(*arguments, "/bin/touch", marker), 2, arguments[0].split("=")[0].lstrip("-")[:5])
    assert not os.path.exists(marker)


def test_option_without_its_value():
    one_line(harness.kin_run("-o"), 2, "-o")
    one_line(harness.kin_run("--save"), 2, "save")


def test_programs_options_are_its_own():
    done = harness.kin_run("-q", "/bin/echo", "-q", "--json", "-o", "--")
    assert done.stdout == b"-q --json -o --\n"
    assert harness.kin_run("-q", "--", "/bin/echo", "--", "x").stdout == b"-- x\n"


@pytest.mark.parametrize("option", ["-o", "--save"])
@pytest.mark.parametrize("path", ["/no/such/directory/file", "/", ""])
def test_output_that_cannot_be_written(option, path, place):
    marker = os.path.join(place, "started")
    done = harness.kin_run(option, path, "/bin/touch", marker)
    assert done.returncode not in (0, 126, 127)
    one_line(done, done.returncode, path)
    assert not os.path.exists(marker), "the program was started though its recording cannot be kept"


@pytest.mark.parametrize("arguments", [["-o", "/dev/full"], ["--save", "/dev/full", "-q"], ["--tree", "-o", "/dev/full"],
                                       ["--live", "-o", "/dev/full"]], ids=" ".join)
def test_full_disk(arguments, place):
    """The program runs to its end all the same, its status is kin's, and kin says that its report is not whole."""
    marker = os.path.join(place, "done")
    done = harness.kin_run(*arguments, "--", "/bin/sh", "-c", "/bin/true; /bin/true; echo out; echo x > %s" % marker)
    assert os.path.exists(marker) and done.stdout == b"out\n"
    text = done.stderr.decode()
    assert done.returncode == 0
    assert "/dev/full" in text and "No space left" in text, text


def test_full_disk_does_not_hide_the_programs_own_failure():
    assert harness.kin_run("-o", "/dev/full", "--", "/bin/sh", "-c", "exit 9").returncode == 9


def test_file_size_limit(place):
    """A recording that meets RLIMIT_FSIZE: no SIGXFSZ death in the middle of somebody's program."""
    marker = os.path.join(place, "done")

    def prepare():
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
    done = harness.kin_run("--json", "-o", os.path.join(place, "r"), "--", "/bin/sh", "-c",
                           "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done; echo x > %s" % marker, preexec_fn=prepare)
    assert os.path.exists(marker)
    assert done.returncode == 0 and b"File too large" in done.stderr


def test_not_permitted_to_trace(place):
    """Where ptrace is refused (here: by a filter, as container runtimes do) kin says so, or uses what it may."""
    program = os.path.join(place, "refuse.py")
    with open(program, "w", encoding="ascii") as file:
        file.write(REFUSE)
    marker = os.path.join(place, "marker")
    done = harness.run(["/usr/bin/python3", "-I", program, KIN, "run", "-o", os.path.join(place, "r"), "--", "/bin/sh", "-c",
                        "echo x > %s; exit 3" % marker])
    if done.returncode == 77:
        pytest.skip("no seccomp filter can be installed here")
    text = done.stderr.decode()
    assert "ptrace" in text and "Traceback" not in text, text
    assert (done.returncode == 3) == os.path.exists(marker)
    assert done.returncode in (3, 126), text
    if done.returncode == 126:
        assert text.count("\n") == 1


#: a seccomp filter that answers ptrace(2) with EPERM, in the kernel's own byte code
REFUSE = """
import ctypes, os, platform, struct, sys
number = {"x86_64": 101, "aarch64": 117}.get(platform.machine())
if number is None:
    sys.exit(77)
code = b"".join(struct.pack("HBBI", *i) for i in [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)])
libc = ctypes.CDLL(None, use_errno=True)
memory = ctypes.create_string_buffer(code)
program = ctypes.create_string_buffer(struct.pack("H6xQ", 4, ctypes.addressof(memory)))
if libc.prctl(38, 1, 0, 0, 0) or libc.prctl(22, 2, program, 0, 0):
    sys.exit(77)
os.execv(sys.argv[1], sys.argv[1:])
"""


def test_recording_is_whole_lines(place):
    seen, done = harness.record(["/bin/sh", "-c", "/bin/true; exit 2"], os.path.join(place, "r"))
    assert done.returncode == 2
    assert seen.events[0]["ev"] == "start" and seen.events[-1]["ev"] == "end"
    assert [event["ev"] for event in seen.events].count("end") == 1


def test_output_file_is_not_inherited(place):
    done = harness.kin_run("--json", "-o", os.path.join(place, "r"), "--save", os.path.join(place, "s"), "/bin/ls", "/proc/self/fd")
    plain = harness.run(["/bin/ls", "/proc/self/fd"])
    assert done.stdout == plain.stdout
    assert recording.load(os.path.join(place, "s")).end


def test_existing_output_is_replaced(place):
    path = os.path.join(place, "r")
    with open(path, "w", encoding="ascii") as file:
        file.write("x" * 1000000)
    seen, _ = harness.record(["/bin/true"], path)
    assert seen.end
