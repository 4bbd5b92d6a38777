"""Disturbances for a server under test: a system clock that steps, and a disk that stalls.

Both work by LD_PRELOAD and a small file that says what is so now; it is replaced as a whole, so that it is never read half
written.
"""

import glob
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


class Dial:
    """A file with a number in it."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def set(self, text):
        aside = self.path.with_suffix(".next")
        aside.write_text(f"{text}\n")
        os.replace(aside, self.path)


class FakeClock(Dial):
    """The system clock of a server, so many seconds from the real one. Steady clocks are left alone."""

    def __init__(self, folder):
        super().__init__(pathlib.Path(folder) / "clock")
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        assert libraries, "libfaketime is not installed: tools/setup.sh test"
        self.preload = libraries[0]
        self.pids = self.path.with_suffix(".pids")
        self.step(0)

    def step(self, seconds):
        self.set(f"{seconds:+}")

    def use_in(self, server):
        variables = {"LD_PRELOAD": self.preload, "FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": 1,
                     "DONT_FAKE_MONOTONIC": 1, "NO_FAKE_STAT": 1}
        server.prefix = ["sh", "-c", f'echo $$ >>"{self.pids}"; exec env "$0" "$@"',
                         *(f"{name}={value}" for name, value in variables.items())]

    def clean_up(self):
        """Removes what the library leaves in /dev/shm; the servers have ended."""
        for pid in self.pids.read_text().split() if self.pids.exists() else []:
            for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                pathlib.Path("/dev/shm", name).unlink(missing_ok=True)


class SlowDisk(Dial):
    """The disk of a server: each fsync and fdatasync takes so many seconds longer."""

    def __init__(self, folder):
        super().__init__(pathlib.Path(folder) / "disk-ms")
        self.preload = pathlib.Path(folder) / "slow_sync.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.preload, HERE / "slow_sync.c"], check=True)
        self.stall(0)

    def stall(self, seconds):
        self.set(int(seconds * 1000))

    def fail(self):
        """From now on each of them fails."""
        self.set(-1)

    def use_in(self, server):
        server.prefix = ["env", f"LD_PRELOAD={self.preload}", f"SLOW_SYNC_FILE={self.path}"]
