#!/usr/bin/env python3
"""Runs the five-minute tour of README.md: every ```sh block, in order, against the real program on a free port.

A ```text block behind a ```sh block is what it must print, on stdout and stderr together. `…` stands for any text up to the
character behind it (before a blank: for anything), a line that is only `…` for any lines. What a reader does not see, in an HTML comment before a ```sh block:

  <!-- tour: eventually -->  runs again until it prints that: for commands that only look
  <!-- tour: fails -->       must exit with another code than 0

GAMEFLOW_BIN names the program. `make start` and `make stop` are the real ones, in a folder of their own that has the program
already; nothing of the tree that this file lies in is changed.
"""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("GAMEFLOW_BIN", ROOT / "build" / "gameflow"))
HEADING = "A five-minute tour"
WRITTEN_PORT = "3001"  # the one in the text

# Long enough for a loaded machine. Only one thing may not take long: an event is asked for after it was sent, and its window is
# visible for 7 s at least (grace, and until the next one closes).
PATIENCE_SECONDS = 120


class Block:
    def __init__(self, page, line, commands, wish):
        self.page, self.line, self.commands, self.wish = page, line, commands, wish
        self.expected = None


def read_tour(text):
    """The blocks of the section, in order."""
    lines = text.splitlines()
    begin = lines.index(f"## {HEADING}") + 1
    end = next(i for i in range(begin, len(lines)) if lines[i].startswith("## "))
    return read_blocks("README.md", lines[:end], "tour", begin)


def read_blocks(page, lines, name, begin=0):
    """The blocks of the lines from `begin` on, in order, with wishes as `name` says them. A part that nobody would run is a mistake."""
    blocks, wish, i = [], None, begin
    while i < len(lines):
        if match := re.fullmatch(rf"<!-- {name}: (eventually|fails|stays) -->", lines[i]):
            wish = match[1]
        elif lines[i].startswith("```"):
            language, first = lines[i][3:], i + 1
            i = next(n for n in range(first, len(lines)) if lines[n] == "```")
            content = "\n".join(lines[first:i]) + "\n"
            if language == "sh":
                blocks.append(Block(page, first, content, wish))
                wish = None
            elif language == "text" and blocks and blocks[-1].expected is None:
                blocks[-1].expected = content
            elif language:  # without one it is a picture
                raise SystemExit(f"{page}:{first}: a ```{language} block that the tour has no use for")
        i += 1
    return blocks


def pattern_of(expected):
    """A regular expression for the whole output."""
    parts = []
    for line in expected.splitlines():
        if line == "…":
            parts.append(r"(?:.*\n)*?")
        else:
            first, *rest = line.split("…")
            parts.append(re.escape(first))
            for part in rest:
                stop = re.escape(part[0]) if part and part[0] != " " else ""
                parts.append(rf"[^{stop}\n]*?" + re.escape(part))
            parts.append("\n")
    return re.compile("".join(parts) + r"\s*")


class Workspace:
    """What a clone has after `make build`, as far as the tour needs it."""

    def __init__(self, folder):
        self.folder = folder
        for name in ("tools", "games"):
            shutil.copytree(ROOT / name, folder / name)
        shutil.copy(ROOT / "Makefile", folder)
        (folder / "build").mkdir()
        shutil.copy(PROGRAM, folder / "build" / "gameflow")
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = str(probe.getsockname()[1])
        self.env = {**os.environ, "PORT": self.port, "GAMEFLOW_SERVER": f"http://127.0.0.1:{self.port}",
                    "GAMEFLOW_CACHE": os.environ.get("GAMEFLOW_CACHE", str(folder / "cache")), "NO_COLOR": "1"}
        self.env.pop("MAKEFLAGS", None)

    def run(self, commands):
        # `build` is taken as done: it is what the tests run in.
        script = ("set -euo pipefail\nmake() { command make --no-print-directory -o build \"$@\"; }\n" +
                  commands.replace(f"localhost:{WRITTEN_PORT}", f"localhost:{self.port}"))
        with tempfile.TemporaryFile() as out:  # not a pipe: what `make start` leaves behind may keep it open
            code = subprocess.run(["bash", "-c", script], cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL,
                                  stdout=out, stderr=subprocess.STDOUT, timeout=PATIENCE_SECONDS).returncode
            out.seek(0)
            return code, out.read().decode().replace(f":{self.port}", f":{WRITTEN_PORT}")

    def close(self):
        for name in ("generator", "gameflow"):
            try:
                pid = int((self.folder / ".run" / f"{name}.pid").read_text())
                if os.readlink(f"/proc/{pid}/exe").startswith(str(self.folder)):
                    os.kill(pid, signal.SIGKILL)
            except (OSError, ValueError):
                pass  # it has been stopped


def run_block(workspace, block):
    """What is wrong, or nothing."""
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        code, output = workspace.run(block.commands)
        if (code != 0) != (block.wish == "fails"):
            problem = f"exit code {code}"
        elif block.expected is not None and not pattern_of(block.expected).fullmatch(output):
            problem = f"it should print:\n{block.expected}"
        else:
            return None
        if block.wish != "eventually" or time.monotonic() > end:
            return f"{block.page}:{block.line}: {problem}\n--- the commands:\n{block.commands}--- printed:\n{output}"
        time.sleep(0.1)


def main():
    blocks = read_tour((ROOT / "README.md").read_text())
    assert len(blocks) >= 8, "the tour has lost its commands"
    with tempfile.TemporaryDirectory(prefix="gameflow-tour-") as folder:
        workspace = Workspace(pathlib.Path(folder).resolve())
        try:
            for block in blocks:
                print(f"README.md:{block.line}: {block.commands.splitlines()[0]}", flush=True)
                if problem := run_block(workspace, block):
                    print(problem)
                    for log in sorted(workspace.folder.glob(".run/*.log")):
                        print(f"--- end of {log.name}:\n{log.read_text()[-2000:]}")
                    return 1
        finally:
            workspace.close()
    print(f"tour: {len(blocks)} steps are as README.md says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
