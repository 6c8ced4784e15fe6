"""bash completion: what TAB offers on a line. (scripts/check-style compares the options in all three shells.)"""
import os
import shutil
import subprocess

import pytest

FILE = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "completions", "kin.bash")


def complete(*words, cwd=None):
    """What is offered for the last word. Words are split as readline does: "--color=" is two."""
    if not shutil.which("bash"):
        pytest.skip("no bash")
    script = """
        compopt() { :; }
        source "$1" && shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _kin kin "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        ((${#COMPREPLY[@]} == 0)) || printf '%s\\n' "${COMPREPLY[@]}"
    """
    result = subprocess.run(["bash", "-euc", script, "bash", FILE, *words], capture_output=True, text=True, cwd=cwd)
    assert result.returncode == 0 and result.stderr == "", result.stderr
    return result.stdout.split()


def test_commands():
    assert complete("kin", "") == ["run", "expect", "report", "sum", "min", "max", "mean", "sort", "help", "version"]
    assert complete("kin", "re") == ["report"]
    assert complete("kin", "help", "ex") == ["expect"]
    assert complete("kin", "version", "") == []


def test_options():
    assert complete("kin", "run", "--f") == ["--faults", "--faults=inexact", "--failed", "--follow="]
    assert "--failed" not in complete("kin", "report", "-")


@pytest.mark.parametrize("option, values", [
    ("--color", ["auto", "always", "never"]),
    ("--follow", ["all", "direct", "none"]),
    ("--on-kin-death", ["run", "kill"]),
])
def test_values(option, values):
    assert complete("kin", "run", option, "=") == values
    assert complete("kin", "run", option, "=", values[0][0]) == [v for v in values if v[0] == values[0][0]]


def test_commands_on_numbers(tmp_path):
    (tmp_path / "a.raw").touch()
    assert complete("kin", "sum", "--t") == ["--type=", "--text"]
    assert complete("kin", "sort", "--r") == ["--reverse"] and complete("kin", "min", "--r") == []
    assert complete("kin", "mean", "--kind", "=") == ["threads", "processes"]
    assert complete("kin", "max", "--type", "=", "f") == ["f32", "f64"]
    assert complete("kin", "sum", "a", cwd=tmp_path) == ["a.raw"]


def test_expect_takes_expressions_first(tmp_path):
    (tmp_path / "a.kin").touch()
    assert complete("kin", "expect", "a", cwd=tmp_path) == []
    assert complete("kin", "expect", "--from", "=", "a", cwd=tmp_path) == ["a.kin"]
    assert complete("kin", "expect", "exit == 0", "--ta") == ["--tap"]
    assert "cat" in complete("kin", "expect", "exit == 0", "--", "ca")


def test_files(tmp_path):
    (tmp_path / "a.kin").touch()
    assert complete("kin", "report", "a", cwd=tmp_path) == ["a.kin"]
    assert complete("kin", "run", "--save", "=", cwd=tmp_path) == ["a.kin"]


@pytest.mark.parametrize("before", [[], ["--"], ["--all"], ["-o", "x"], ["--color", "=", "never"], ["--faults", "--"]])
def test_program_and_its_arguments(before, tmp_path):
    (tmp_path / "--live-file").touch()
    assert "cat" in complete("kin", "run", *before, "ca")
    assert complete("kin", "run", *before, "cat", "--li", cwd=tmp_path) == ["--live-file"]
