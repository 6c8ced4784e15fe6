"""What the tests of the commands on numbers share: files of numbers, and how to run kin on them."""

import random
import struct

from harness import KIN, run

CODES = {"i8": "b", "i16": "h", "i32": "i", "i64": "q", "u8": "B", "u16": "H", "u32": "I", "u64": "Q", "f32": "f",
         "f64": "d"}
TYPES = list(CODES)
WHOLE = [name for name in TYPES if name[0] != "f"]
FLOATS = ["f32", "f64"]


def limits(name):
    bits = int(name[1:])
    return (-(1 << bits - 1), (1 << bits - 1) - 1) if name[0] == "i" else (0, (1 << bits) - 1)


def pack(name, numbers):
    return struct.pack("=%d%s" % (len(numbers), CODES[name]), *numbers)


def unpack(name, data):
    return list(struct.unpack("=%d%s" % (len(data) // struct.calcsize(CODES[name]), CODES[name]), data))


def some(name, count, seed=1):
    """Numbers of a type: large and small ones, the extremes among them, as the type holds them."""
    chance = random.Random("%s %d %d" % (name, count, seed))
    if name in FLOATS:
        return unpack(name, pack(name, [chance.uniform(-1, 1) * 10 ** chance.randrange(-9, 10) for _ in range(count)]))
    low, high = limits(name)
    if name in ("i64", "u64"):  # whose sum has to fit
        low, high = low // count // 2, high // count // 2
    return [low, high, 0, 1][:count] + [chance.randint(low, high) for _ in range(count - 4)]


def write(path, data):
    with open(path, "wb") as file:
        file.write(data if isinstance(data, bytes) else data.encode())
    return path


def kin(*arguments, **keywords):
    """Run kin. A str as input is text."""
    if isinstance(keywords.get("input"), str):
        keywords["input"] = keywords["input"].encode()
    return run([KIN, *arguments], **keywords)


def told(*arguments, **keywords):
    """The standard output, as bytes, of a run in which nothing is wrong."""
    done = kin(*arguments, **keywords)
    assert (done.returncode, done.stderr) == (0, b""), done
    return done.stdout


def number(*arguments, **keywords):
    """The one number that a run prints, as Python has it."""
    line = told(*arguments, **keywords).decode()
    assert line.endswith("\n") and line.count("\n") == 1
    word = line.strip()
    return int(word) if word.lstrip("-").isdigit() and word != "-0" else float(word)


def refused(status, *arguments, **keywords):
    """The one line on standard error of a run that must fail and write nothing."""
    done = kin(*arguments, **keywords)
    assert done.returncode == status and done.stdout == b"", done
    line = done.stderr.decode()
    assert line.startswith("kin %s: " % arguments[0]) and line.count("\n") == 1 and line.endswith("\n"), line
    return line
