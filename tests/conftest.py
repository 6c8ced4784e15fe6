"""What the tests in Python have in common.

KIN_BUILD names the build directory (default: build, beside tests/), KIN the tool (default: KIN_BUILD/kin), KIN_LOADS
the programs to observe (default: KIN_BUILD/tests/load). A test that hangs fails after KIN_TEST_TIMEOUT seconds, 300
unless told otherwise.
"""
import os
import signal

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.abspath(os.environ.setdefault("KIN_BUILD", os.path.join(ROOT, "build")))
os.environ.setdefault("KIN", os.path.join(BUILD, "kin"))
os.environ.setdefault("KIN_LOADS", os.path.join(BUILD, "tests", "load"))
TIMEOUT = int(os.environ.get("KIN_TEST_TIMEOUT", "300"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_call(item):
    def hang(_signal, _frame):
        pytest.fail(f"still running after {TIMEOUT} s", pytrace=True)

    before = signal.signal(signal.SIGALRM, hang)
    signal.alarm(TIMEOUT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
