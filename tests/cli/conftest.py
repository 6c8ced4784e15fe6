"""What the command-line tests have in common.

KIN_BUILD names the build directory (default: build, beside tests/), KIN the tool (default: KIN_BUILD/kin). A test that
hangs fails after KIN_TEST_TIMEOUT seconds, 120 unless told otherwise.
"""
import os
import signal

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.abspath(os.environ.setdefault("KIN_BUILD", os.path.join(ROOT, "build")))
KIN = os.path.abspath(os.environ.setdefault("KIN", os.path.join(BUILD, "kin")))
TIMEOUT = int(os.environ.get("KIN_TEST_TIMEOUT", "120"))


@pytest.fixture(scope="session")
def kin():
    """The path of the tool."""
    return KIN


@pytest.fixture(scope="session")
def load():
    """load("threads") is the path of the program tests/load/threads.c; "threads-32" and "-static" may not be built."""
    def find(name):
        path = os.path.join(BUILD, "tests", "load", name)
        if not os.path.exists(path):
            pytest.skip(f"{name} cannot be built on this system")
        return path
    return find


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    def hang(_signal, _frame):
        pytest.fail(f"still running after {TIMEOUT} s", pytrace=True)

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(TIMEOUT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
