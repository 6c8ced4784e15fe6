"""kin sum, min, max, mean: what they say of raw files and of text, against Python."""

import math
import os
import random
import re
import struct
from fractions import Fraction

import pytest

from harness import nothing_left, place  # noqa: F401
from numbers_of_kin import FLOATS, TYPES, WHOLE, kin, limits, number, pack, some, told, unpack, write

COUNT = 10007


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """One raw file of each type."""
    directory = tmp_path_factory.mktemp("raw")
    return {name: write(str(directory / name), pack(name, some(name, COUNT))) for name in TYPES}


@pytest.mark.parametrize("name", WHOLE)
def test_sum_of_whole_numbers(raw, name):
    want = sum(some(name, COUNT))
    assert number("sum", "--type", name, raw[name]) == want
    assert number("sum", "--type", name, "--exact", raw[name]) == want


@pytest.mark.parametrize("name", FLOATS)
def test_sum_of_floats(raw, name):
    numbers = some(name, COUNT)
    exact = math.fsum(numbers)
    assert number("sum", "--type", name, "--exact", raw[name]) == exact
    assert abs(number("sum", "--type", name, raw[name]) - exact) <= 1e-12 * math.fsum(map(abs, numbers))


@pytest.mark.parametrize("name", TYPES)
@pytest.mark.parametrize("command, choose", [("min", min), ("max", max)])
def test_least_and_greatest(raw, name, command, choose):
    numbers = some(name, COUNT)
    want = choose(numbers)
    value, index, file = told(command, "--where", "--type", name, raw[name]).decode().split()
    assert (int(index), file) == (numbers.index(want), raw[name])
    assert told(command, "--type", name, raw[name]).decode() == value + "\n"
    if name == "f32":
        assert pack(name, [float(value)]) == pack(name, [want]) and len(value) <= 16
    else:
        assert type(want)(value) == want


@pytest.mark.parametrize("name", TYPES)
def test_mean_and_variance(raw, name):
    numbers = [Fraction(n) for n in some(name, COUNT)]
    mean = sum(numbers) / COUNT
    variance = sum((n - mean) ** 2 for n in numbers) / COUNT
    words = told("mean", "--variance", "--type", name, raw[name]).decode().split()
    assert told("mean", "--type", name, raw[name]).decode() == words[0] + "\n"
    assert float(words[0]) == pytest.approx(float(mean), rel=1e-11)
    assert float(words[1]) == pytest.approx(float(variance), rel=1e-11)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """Enough bytes for many chunks; they are numbers of any type."""
    data = bytearray(random.Random(7).randbytes(2 << 20))
    data[3::4] = bytes(byte & 0xbf for byte in data[3::4])  # no infinity, no NaN, no f64 beyond 1e154
    return write(str(tmp_path_factory.mktemp("large") / "bytes"), bytes(data))


@pytest.mark.parametrize("kind", ["threads", "processes"])
@pytest.mark.parametrize("name", ["i8", "u16", "i32", "f32", "f64"])
def test_many_chunks(large, name, kind):
    with open(large, "rb") as file:
        numbers = unpack(name, file.read())
    options = ["--type", name, "--kind", kind, "--workers=2", large]
    want = math.fsum(numbers) if name in FLOATS else sum(numbers)
    assert number("sum", "--exact", *options) == want
    for command, choose in (("min", min), ("max", max)):
        words = told(command, "--where", *options).split()
        assert int(words[1]) == numbers.index(choose(numbers))
    assert number("mean", *options) == pytest.approx(want / len(numbers), rel=1e-6)


@pytest.mark.parametrize("command", [["sum"], ["mean", "--variance"]])
@pytest.mark.parametrize("name", FLOATS)
def test_same_bits_on_any_workers(large, name, command):
    want = told(*command, "--type", name, "--workers=1", large)
    for kind in ("threads", "processes"):
        for workers in (1, 2, 3, 8):
            assert told(*command, "--type", name, "--kind", kind, "--workers", workers, large) == want


@pytest.mark.parametrize("command", ["sum", "min", "max", "mean"])
def test_processes(raw, command):
    for name in ("i8", "u64", "f32"):
        want = told(command, "--type", name, raw[name])
        assert told(command, "--type", name, "--kind=processes", "--workers=2", raw[name]) == want


def test_i32_is_the_default(raw):
    assert number("sum", raw["i32"]) == sum(some("i32", COUNT))


def test_standard_input(raw):
    want = told("sum", raw["i32"])
    with open(raw["i32"], "rb") as file:
        data = file.read()
        file.seek(0)
        assert told("sum", stdin=file) == want
        file.seek(8)
        assert number("sum", stdin=file) == sum(some("i32", COUNT)[2:])
    assert told("sum", input=data) == want
    assert told("sum", "-", input=data) == want


def test_several_files_are_one_sequence(raw, place):
    numbers = some("f64", COUNT)
    cut = [0, 1, 512, 1024, 5000, 5000, COUNT]  # whole pages, none, and others
    files = [write(os.path.join(place, str(i)), pack("f64", numbers[a:b])) for i, (a, b) in enumerate(zip(cut, cut[1:]))]
    for arguments in (["sum"], ["sum", "--exact"], ["mean", "--variance"], ["min"], ["max"]):
        command = [*arguments, "--type=f64"]
        assert told(*command, *files) == told(*command, raw["f64"])
    files[3:4] = ["-"]
    with open(os.path.join(place, "3"), "rb") as third:
        assert told("sum", "--type=f64", *files, stdin=third) == told("sum", "--type=f64", raw["f64"])


def test_where_is_counted_in_each_file(place):
    files = [write(os.path.join(place, name), pack("i32", numbers))
             for name, numbers in (("a", [5, 6]), ("b", []), ("c", [9, 1, 9]))]
    assert told("max", "--where", *files) == b"9 0 %s\n" % files[2].encode()
    assert told("min", "--where", *files) == b"1 1 %s\n" % files[2].encode()
    assert told("min", "--where", *files[:2]) == b"5 0 %s\n" % files[0].encode()
    assert told("min", "--where", files[0], "-", input=pack("i32", [1, 0])) == b"0 1 -\n"


def test_nothing_adds_up_to_nothing(place):
    empty = write(os.path.join(place, "empty"), b"")
    for arguments in ([empty], [empty, empty], ["--text", empty], ["-"], ["/dev/null"], ["--text", "--exact"],
                      ["--type=f64"], ["--type=u8", "--kind=processes"]):
        assert told("sum", *arguments) == b"0\n"
    assert told("sum", "--text", input=" \n\t\n") == b"0\n"


def test_what_tells_no_size_is_read(place):
    """Files of /proc say that they are empty, those of /sys that they have a page."""
    with open("/proc/self/limits", "rb") as file:
        assert number("sum", "--type=u8", "/proc/self/limits") > 0 and file.read(1)
    path = "/sys/kernel/mm/transparent_hugepage/enabled"
    if os.path.exists(path):
        with open(path, "rb") as file:
            assert number("sum", "--type=u8", path) == sum(file.read())


# --- text ---

@pytest.mark.parametrize("name", TYPES)
def test_text_of_each_type(raw, name):
    text = " ".join(map(repr, some(name, COUNT)))
    for arguments in (["sum"], ["mean", "--variance"], ["min"], ["max"]):
        want = told(*arguments, "--type", name, raw[name])
        assert told(*arguments, "--type", name, "--text", input=text) == want


@pytest.mark.parametrize("name", WHOLE)
def test_text_at_the_limits(name):
    low, high = limits(name)
    text = "%d\n%d +0 -0 000000000000000000000000000000007" % (high, low)
    assert number("max", "--type", name, "--text", input=text) == high
    assert number("min", "--type", name, "--text", input=text) == low


def test_text_default_is_f64():
    assert told("sum", "--text", input="1 2.5") == b"3.5\n"


def test_white_space_and_ends():
    assert number("sum", "--text", "--type=i32", input="\r\n 1\t2\v3\f4\r\n5") == 15
    assert number("sum", "--text", "--type=i32", input="\n1\n\n") == 1


def test_a_file_ends_its_last_number(place):
    files = [write(os.path.join(place, name), "1 2") for name in "ab"]
    assert number("sum", "--text", *files) == 6


DECIMALS = """0 -0.0 .5 5. 1e0 1e-3 1E3 +1.5 -2.5e+2 0.1 0.2 0.3 1e22 1e23 8.5e22 9007199254740993 9007199254740992.5
    1.7976931348623157e308 2.2250738585072011e-308 2.2250738585072014e-308 5e-324 2.4703282292062328e-324 1e-400
    123456789012345678901234567890 0.000000000000000000000000000000000000000000000001234567890123456789
    1.00000000000000011102230246251565404236316680908203124 1.00000000000000011102230246251565404236316680908203126
    123456789012345 12345678901234.5 1234567890123456.7 0x1p-3 0x1.8p1 inf -inf Infinity 0.123456789012345 999999999999999
    3.14159265358979323846264338327950288419716939937510 00000000000000000000001 0.00000000000000000000001""".split()


@pytest.mark.parametrize("word", DECIMALS)
def test_floats_are_rounded_correctly(word):
    want = float.fromhex(word) if word.startswith("0x") else float(word)
    assert struct.pack("d", number("max", "--text", input=word)) == struct.pack("d", want)


def test_many_decimals():
    chance = random.Random(5)
    words = ["%d" % chance.randrange(10 ** chance.randrange(1, 20)) for _ in range(3000)]
    words += ["%s%d.%0*d" % (chance.choice(["", "-", "+"]), chance.randrange(10 ** chance.randrange(1, 12)), digits,
              chance.randrange(10 ** digits)) for digits in [chance.randrange(1, 12) for _ in range(3000)]]
    words += [repr(struct.unpack("d", struct.pack("Q", chance.getrandbits(62)))[0]) for _ in range(3000)]
    sorted_by_kin = told("sort", "--text", input="\n".join(words)).decode().split()
    assert [float(word) for word in sorted_by_kin] == sorted(map(float, words))


def test_f32_is_rounded_once():
    """Just above the middle of two floats; a double in between makes it the very middle, which rounds down."""
    assert number("max", "--text", "--type=f32", input="1.00000005960464477539062500001") == 1.0000001
    assert number("max", "--text", "--type=f32", input="1.00000005960464477539062499999") == 1


def test_the_locale_changes_nothing():
    for locale in ("de_DE.UTF-8", "C"):
        environment = dict(os.environ, LC_ALL=locale)
        assert told("sum", "--text", input="1.5 2.25", env=environment) == b"3.75\n"


@pytest.mark.parametrize("value, text", [(0.1, "0.1"), (1 / 3, "0.3333333333333333"), (1e15, "1e+15"), (-1.0, "-1"),
                                         (999999999999999.0, "999999999999999"), (1e300, "1e+300"), (-0.0, "-0"),
                                         (math.inf, "inf"), (-math.inf, "-inf"), (math.nan, "nan"), (5e-324, None)])
def test_floats_are_printed_to_be_read_back(value, text):
    word = told("sort", "--text", input=repr(value)).decode().strip()
    assert word == text if text else float(word) == value


def test_blocks_of_text_have_no_seams():
    """A megabyte is read at once: numbers and lines across its end."""
    chance = random.Random(3)
    numbers = [chance.randrange(-10 ** 12, 10 ** 12) for _ in range(200000)]
    assert number("sum", "--text", "--type=i64", input="\n".join(map(str, numbers))) == sum(numbers)
    done = kin("sum", "--text", "--type=i64", input="\n".join(map(str, numbers)) + "\nx")
    assert b"standard input:200001: 'x'" in done.stderr


# --- beside the result ---

def speed(*arguments, **keywords):
    done = kin(*arguments, "--speed", **keywords)
    assert done.returncode == 0, done
    return done.stderr.decode()


def test_speed(raw):
    line = speed("sum", "--workers=2", raw["i32"])
    assert re.fullmatch(r"kin sum: %d i32, %d bytes: read in [\d.]+ s, computed in [\d.]+ s, [\d.]+ GB/s; 2 threads\n"
                        % (COUNT, 4 * COUNT), line)
    assert speed("sum", "--kind=processes", "--workers=1", raw["i32"]).endswith("; 1 process\n")
    assert "0 f64, 0 bytes" in speed("sum", "--text")


def test_workers_by_the_environment(raw):
    environment = dict(os.environ, KIN_WORKERS="3")
    assert speed("sum", raw["i32"], env=environment).endswith("; 3 threads\n")
    assert speed("sum", "--workers=2", raw["i32"], env=environment).endswith("; 2 threads\n")


def test_unpack_is_the_way_back():
    assert unpack("i16", pack("i16", [-1, 2])) == [-1, 2]
