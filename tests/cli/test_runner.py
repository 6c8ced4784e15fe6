"""scripts/test: a test program that crashes, hangs, or ends before its plan is a failure, whatever it printed before."""
import os
import shutil
import subprocess

import pytest

SCRIPT = os.path.join(os.path.dirname(__file__), "..", "..", "scripts", "test")
PROGRAMS = {
    "good": "echo ok 1 - a; echo ok 2 - b; echo 1..2",
    "not-ok": "echo ok 1 - a; echo not ok 2 - b; echo 1..2; exit 1",
    "crash": "echo ok 1 - a; kill -KILL $$",
    "hang": "echo ok 1 - a; exec sleep 60",
    "status": "echo ok 1 - a; echo 1..1; exit 1",
    "no-plan": "echo ok 1 - a",
    "nothing": "",
    "skip-one": "echo 'ok 1 - a # SKIP why'; echo ok 2 - b; echo 1..2",
    "skip-all": "echo '1..0 # SKIP why'",
}


def run(directory, *programs):
    """The last line and the status of scripts/test in a project that has these programs as its tests."""
    if not shutil.which("meson"):
        pytest.skip("no meson")
    (directory / "scripts").mkdir()
    shutil.copy(SCRIPT, directory / "scripts" / "test")
    lines = ["project('x')"]
    for name in programs:
        (directory / name).write_text(f"#!/bin/sh\n{PROGRAMS[name]}\n")
        (directory / name).chmod(0o755)
        lines.append(f"test('{name}', find_program('./{name}'), protocol: 'tap', timeout: 1)")
    (directory / "meson.build").write_text("\n".join(lines) + "\n")
    subprocess.run(["meson", "setup", "build"], cwd=directory, check=True, stdout=subprocess.DEVNULL)
    result = subprocess.run(["scripts/test", "build", "unit"], cwd=directory, capture_output=True, text=True)
    return result.stdout.rstrip("\n").split("\n")[-1], result.returncode


@pytest.mark.parametrize("program, line, status", [
    ("not-ok", "kin: 3 passed, 1 failed", 1),
    ("crash", "kin: 3 passed, 1 failed", 1),
    ("hang", "kin: 3 passed, 1 failed", 1),
    ("status", "kin: 3 passed, 1 failed", 1),
    ("no-plan", "kin: 3 passed, 1 failed", 1),
    ("nothing", "kin: 2 passed, 1 failed", 1),
    ("skip-one", "kin: 3 passed, 0 failed, 1 skipped", 0),
    ("skip-all", "kin: 2 passed, 0 failed, 1 skipped", 0),
])
def test_closing_line(program, line, status, tmp_path):
    assert run(tmp_path, "good", program) == (line, status)


def test_nothing_passed_is_no_success(tmp_path):
    assert run(tmp_path, "skip-all") == ("kin: 0 passed, 0 failed, 1 skipped", 1)


def test_no_build_directory_is_told(tmp_path):
    result = subprocess.run([SCRIPT, str(tmp_path)], capture_output=True, text=True)
    assert result.returncode == 1 and "scripts/test build" in result.stderr
