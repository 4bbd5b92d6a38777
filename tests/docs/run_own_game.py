#!/usr/bin/env python3
"""Runs every ```sh block of docs/your-own-game.md and of games/arena-shooter/README.md, in order, against the real program on a free port.

Blocks and what they print are written as in run_tour.py, with `commands:` in place of `tour:`. One wish more:

  <!-- commands: stays -->  a command of another terminal: it goes on until the page ends, which begins when it listens
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

from run_tour import PATIENCE_SECONDS, ROOT, Workspace, read_blocks, run_block

PAGES = {"docs/your-own-game.md": 8, "games/arena-shooter/README.md": 3}  # and how many blocks each has at least


class Terminal:
    """A command that goes on."""

    def __init__(self, workspace, commands):
        self.log = workspace.folder / "terminal.log"
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(["bash", "-c", f"exec {commands}"], cwd=workspace.folder, env=workspace.env,
                                            stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT)

    def listens(self):
        end = time.monotonic() + PATIENCE_SECONDS
        while "listening on http" not in self.log.read_text():
            if self.process.poll() is not None or time.monotonic() > end:
                return False
            time.sleep(0.05)
        return True

    def close(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def run_page(page, blocks, workspace):
    """Whether the page is right."""
    terminal = None
    try:
        for block in blocks:
            print(f"{page}:{block.line}: {block.commands.splitlines()[0]}", flush=True)
            if block.wish == "stays":
                terminal = Terminal(workspace, block.commands)
                problem = None if terminal.listens() else f"{page}:{block.line}: it does not listen"
            else:
                problem = run_block(workspace, block)
            if problem:
                print(problem)
                if terminal:
                    print(f"--- end of its log:\n{terminal.log.read_text()[-3000:]}")
                return False
    finally:
        code = terminal.close() if terminal else 0
    if code != 0:
        print(f"{page}: the command that stays ended with {code}\n{terminal.log.read_text()[-3000:]}")
    return code == 0


def main():
    for page, least in PAGES.items():
        blocks = read_blocks(page, (ROOT / page).read_text().splitlines(), "commands")
        assert len(blocks) >= least, f"{page} has lost its commands"
        with tempfile.TemporaryDirectory(prefix="gameflow-own-game-") as folder:
            workspace = Workspace(pathlib.Path(folder).resolve())
            workspace.env["PATH"] = f"{workspace.folder / 'build'}{os.pathsep}{workspace.env['PATH']}"
            workspace.env["GAMEFLOW_LISTEN"] = f"127.0.0.1:{workspace.port}"
            if not run_page(page, blocks, workspace):
                return 1
        print(f"{page}: {len(blocks)} steps are as it says")
    return 0


if __name__ == "__main__":
    sys.exit(main())
