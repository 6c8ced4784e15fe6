"""A pseudo-terminal for tests: what is typed, what appears."""

import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time


class Terminal:
    """Runs a command as the leader of a session on a terminal of its own."""

    def __init__(self, command, columns=80, **keywords):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, columns, 0, 0))
        self.seen = b""

        def prepare():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)
        self.process = subprocess.Popen([str(word) for word in command], stdin=slave, stdout=slave, stderr=slave,
                                        preexec_fn=prepare, **keywords)
        os.close(slave)

    def type(self, data):
        os.write(self.master, data)

    def read(self, seconds):
        if not select.select([self.master], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.master, 65536)
        except OSError:  # the last process of the session has gone
            data = b""
        self.seen += data
        return bool(data)

    def expect(self, pattern, seconds=30):
        """Wait until the pattern appears in what has not been matched yet; everything up to its end is then used up."""
        deadline = time.monotonic() + seconds
        while not (match := re.search(pattern, self.seen)):
            left = deadline - time.monotonic()
            assert left > 0 and self.read(left), "%r did not appear in %r" % (pattern, self.seen)
        before, self.seen = self.seen[:match.end()], self.seen[match.end():]
        return before

    def rest(self, seconds=30):
        deadline = time.monotonic() + seconds
        while self.read(max(0, deadline - time.monotonic())):
            pass
        return self.seen

    def foreground(self):
        """The process group that the terminal's keys reach."""
        return os.tcgetpgrp(self.master)

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self.master)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
