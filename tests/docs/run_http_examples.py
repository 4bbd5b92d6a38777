#!/usr/bin/env python3
"""Runs the ```sh blocks of docs/reference/http.md against the real program: every request must succeed.

Each block finds an empty topic `scores` (unless it makes it) and a file events.ndjson. Commands of programs that Debian does not
have (websocat) are left out. GAMEFLOW_BIN as in run_tour.py.
"""

import pathlib
import re
import sys
import tempfile

from run_tour import ROOT, Workspace

PAGE = ROOT / "docs" / "reference" / "http.md"
SCORES = "localhost:3001/topics"
SETUP = f"""
printf '%s\\n' '{{"player":"ann","score":7}}' '{{"player":"bob","score":3}}' > events.ndjson
curl() {{ command curl -sS --fail-with-body "$@" || [ $? -eq 28 ]; echo; }}  # 28: an endless answer, cut by --max-time
curl -X DELETE {SCORES}/scores >/dev/null 2>&1 || true
"""
CREATE = f"""curl -d '{{"name":"scores"}}' {SCORES} >/dev/null\n"""


def main():
    text = PAGE.read_text()
    blocks = [(text[:match.start()].count("\n") + 2, match[1]) for match in re.finditer(r"^```sh\n(.*?)^```$", text, re.M | re.S)]
    assert len(blocks) >= 5, "the page has lost its examples"
    with tempfile.TemporaryDirectory(prefix="gameflow-http-") as folder:
        workspace = Workspace(pathlib.Path(folder).resolve())
        try:
            code, output = workspace.run("make start\n")
            assert code == 0, output
            for line, commands in blocks:
                commands = "".join(c for c in commands.splitlines(True) if not c.startswith("websocat"))
                makes_it = '"name":"scores"' in commands
                code, output = workspace.run(SETUP + ("" if makes_it else CREATE) + commands)
                print(f"http.md:{line}: {len(commands.splitlines())} commands", flush=True)
                if code != 0:
                    print(f"--- the commands:\n{commands}--- printed:\n{output}")
                    return 1
            code, output = workspace.run("make stop\n")
            assert code == 0, output
        finally:
            workspace.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
