"""labs/sum-array: four programs, one sum, whatever the length and the number of workers."""
import os
import resource
import subprocess

import pytest

LABS = os.path.join(os.environ["KIN_BUILD"], "labs", "sum-array")
PARALLEL = ["threads", "processes", "openmp"]
MASK = (1 << 64) - 1


def program(name):
    path = os.path.join(LABS, name)
    if not os.path.exists(path):
        pytest.skip(f"{name} was not built: the compiler has no OpenMP")
    return path


def sanitizer(option):
    """The environment with one more option for a build with AddressSanitizer; without one nobody reads it."""
    return dict(os.environ, ASAN_OPTIONS=f"{os.environ.get('ASAN_OPTIONS', '')}:{option}")


def run(name, *arguments):
    return subprocess.run([program(name), *map(str, arguments)], capture_output=True, text=True,
                          env=sanitizer("allocator_may_return_null=1"))


def sum_of(name, *arguments):
    result = run(name, *arguments)
    assert result.returncode == 0, result.stderr
    assert result.stderr == ""
    words = result.stdout.split()
    assert words[0] == name
    return int(words[words.index("sum") + 1])


def number_at(seed, index):
    """The generator once more, in another language."""
    x = (seed + (index + 1) * 0x9E3779B97F4A7C15) & MASK
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & MASK
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & MASK
    x = (x ^ x >> 31) >> 32
    return x - (1 << 32) if x >> 31 else x


@pytest.mark.parametrize("seed", [0, 1, MASK])
@pytest.mark.parametrize("count", [0, 1, 7, 1000])
def test_sequential_is_right(count, seed):
    assert sum_of("sequential", "-n", count, "-s", seed) == sum(number_at(seed, i) for i in range(count))


@pytest.mark.parametrize("workers", range(1, 9))
@pytest.mark.parametrize("count", [0, 1, 7, 1000003])
@pytest.mark.parametrize("name", PARALLEL)
def test_same_sum(name, count, workers):
    assert sum_of(name, "-n", count, "-w", workers) == sum_of("sequential", "-n", count)


@pytest.mark.parametrize("name", PARALLEL)
def test_many_workers(name):
    assert sum_of(name, "-n", 1000003, "-w", 200) == sum_of("sequential", "-n", 1000003)


def test_sum_needs_64_bits():
    """A sum that 32 bits do not hold: that the type is wide enough is part of the lesson."""
    assert abs(sum_of("sequential", "-n", 1000003)) > 1 << 31


@pytest.mark.parametrize("arguments, words", [
    (["-n"], "no value after '-n'"),
    (["-n", "x"], "COUNT must be a whole number"),
    (["-n", "-1"], "not '-1'"),
    (["-n", "7x"], "not '7x'"),
    (["-n", ""], "not ''"),
    (["-n", str(1 << 70)], "COUNT must be a whole number"),
    (["-w", "0"], "WORKERS must be a whole number from 1 to 1024"),
    (["-w", "1025"], "WORKERS must be a whole number from 1 to 1024"),
    (["-s", "1.5"], "SEED must be a whole number"),
    (["-q"], "cannot use '-q'"),
    (["7"], "cannot use '7'"),
])
@pytest.mark.parametrize("name", PARALLEL)
def test_bad_arguments(name, arguments, words):
    result = run(name, *arguments)
    assert result.returncode == 2
    assert result.stdout == ""
    assert words in result.stderr and "usage: " in result.stderr and result.stderr.count("\n") == 1


def test_sequential_has_one_worker():
    result = run("sequential", "-w", "2")
    assert result.returncode == 2 and "cannot use '-w'" in result.stderr and "WORKERS" not in result.stderr


@pytest.mark.parametrize("name", ["sequential", *PARALLEL])
def test_too_many_numbers_for_the_memory(name):
    result = run(name, "-n", (1 << 62) - 1)
    assert result.returncode == 1 and "smaller -n" in result.stderr and result.stdout == ""


def test_full_disk_is_told():
    with open("/dev/full", "wb") as full:
        result = subprocess.run([program("threads"), "-n", "7"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 1 and "standard output" in result.stderr


def test_failing_fork_is_told():
    """At the limit of processes no sum is printed. Root knows no such limit, so root becomes nobody first."""
    arguments = ["processes", "-n", "7", "-w", "8"]
    file = os.open(program("processes"), os.O_RDONLY)

    def become_limited():
        resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
        if os.geteuid() == 0:
            os.setgroups([])
            os.setresgid(65534, 65534, 65534)
            os.setresuid(65534, 65534, 65534)
            os.execve(file, arguments, os.environ)  # by descriptor: nobody may not have access to the path

    try:
        result = subprocess.run([program("processes"), *arguments[1:]], preexec_fn=become_limited,
                                capture_output=True, text=True)
    except subprocess.SubprocessError:
        pytest.skip("this root may not become another user")
    finally:
        os.close(file)
    assert result.returncode == 1 and "fork: Resource temporarily unavailable" in result.stderr
    assert result.stdout == ""


def test_show_puts_them_side_by_side():
    show = os.path.join(os.path.dirname(__file__), "..", "..", "labs", "sum-array", "show")
    # LeakSanitizer does not work in a program that is traced.
    result = subprocess.run([show, os.environ["KIN_BUILD"], "100003"], capture_output=True, text=True,
                            env=sanitizer("detect_leaks=0"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"All sums are equal: {sum_of('sequential', '-n', 100003)}" in result.stdout
    assert "threads" in result.stderr
