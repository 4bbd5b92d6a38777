"""Disturbances for a server under test: a system clock that steps, and a disk that stalls, fails or is full.

They work by LD_PRELOAD and a small file that says what is so now; it is replaced as a whole, so that it is never read half
written.
"""

import glob
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent


class Dial:
    """A file with a number in it, and the library that reads it."""

    def __init__(self, path, preload):
        self.path, self.preload = pathlib.Path(path), preload
        self.variables = {}
        self.before = ":"  # a shell command, run in the process that becomes the server

    def set(self, text):
        aside = self.path.with_suffix(".next")
        aside.write_text(f"{text}\n")
        os.replace(aside, self.path)

    def use_in(self, server, *others):
        dials = (self, *others)
        variables = {"LD_PRELOAD": ":".join(str(dial.preload) for dial in dials)}
        for dial in dials:
            variables |= dial.variables
        before = "; ".join(dial.before for dial in dials)
        server.prefix = ["sh", "-c", before + '; exec env "$0" "$@"',
                         *(f"{name}={value}" for name, value in variables.items())]


class FakeClock(Dial):
    """The system clock of a server, so many seconds from the real one. Steady clocks are left alone."""

    def __init__(self, folder):
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        assert libraries, "libfaketime is not installed: tools/setup.sh test"
        super().__init__(pathlib.Path(folder) / "clock", libraries[0])
        self.variables = {"FAKETIME_TIMESTAMP_FILE": self.path, "FAKETIME_NO_CACHE": 1, "DONT_FAKE_MONOTONIC": 1, "NO_FAKE_STAT": 1}
        self.pids = self.path.with_suffix(".pids")
        self.before = f'echo $$ >>"{self.pids}"'
        self.step(0)

    def step(self, seconds):
        self.set(f"{seconds:+}")

    def clean_up(self):
        """Removes what the library leaves in /dev/shm; the servers have ended."""
        for pid in self.pids.read_text().split() if self.pids.exists() else []:
            for name in (f"faketime_shm_{pid}", f"sem.faketime_sem_{pid}"):
                pathlib.Path("/dev/shm", name).unlink(missing_ok=True)


class BadDisk(Dial):
    """The disk of a server. How it is now lasts until it is told otherwise."""

    def __init__(self, folder):
        super().__init__(pathlib.Path(folder) / "disk-ms", pathlib.Path(folder) / "bad_disk.so")
        self.variables = {"BAD_DISK_FILE": self.path}
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.preload, HERE / "bad_disk.c"], check=True)
        self.stall(0)

    def stall(self, seconds):
        """Each fsync and fdatasync takes so much longer; 0: it is as it should be."""
        self.set(int(seconds * 1000))

    def fail(self):
        """Each of them fails."""
        self.set(-1)

    def fill(self):
        """Nothing can be written, and the file system says so."""
        self.set(-2)
