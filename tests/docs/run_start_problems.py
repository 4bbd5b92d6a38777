#!/usr/bin/env python3
"""What `make start` says when it cannot do what it should. GAMEFLOW_BIN as in run_tour.py."""

import pathlib
import sys
import tempfile

from run_tour import ROOT, Workspace

FLAGSHIP = "games/gaming-analytics/dataflow.yaml"
LISTS = [f"{number}:{len(line) - len('list') + 1}" for number, line in enumerate((ROOT / FLAGSHIP).read_text().splitlines(), 1)
         if line.endswith("  type: list")]

# (name, commands, exit code, what must be printed)
CASES = [
    ("another gameflow on that port is not taken for this one",
     "mkdir other && cp -r Makefile tools games build other/ && (cd other && make start) && make start",
     2, ["is in use by another program", "PORT=8000 make start"]),
    ("no generator was started for the other one",
     "(cd other && make stop) && make stop && ! test -e .run/generator.log",
     0, ["gameflow: stopped", "gameflow: not running"]),
    ("every mistake in the dataflow is shown",
     f"sed -e 's/  type: list$/  type: lst/' {FLAGSHIP} > games/gaming-analytics/mistakes.yaml; DATAFLOW=games/gaming-analytics/mistakes.yaml make start",
     2, [f"mistakes.yaml:{place}: error: unknown type" for place in LISTS] + [f"has {len(LISTS)} mistakes"]),
    ("what is wrong with the rate",
     "RATE=many make start",
     2, ["gameflow: started", "generator did not start", "'many' is neither"]),
    ("started twice",
     "make start && make start && make stop",
     0, ["gameflow: already running at http://127.0.0.1:", "generator: already running", "generator: stopped", "gameflow: stopped"]),
    ("a full disk is named, and waited for",
     """
     GAMEFLOW_DISK_FREE_MIN=1000000TiB make start > said 2>&1 &
     until grep -q 'not ready yet' said; do sleep 0.1; done
     make stop; wait; cat said
     """,
     0, ["disk_full", "gameflow: stopped"]),
]


def main():
    failed = 0
    with tempfile.TemporaryDirectory(prefix="gameflow-start-") as folder:
        workspace = Workspace(pathlib.Path(folder).resolve())
        try:
            for name, commands, wanted, expected in CASES:
                code, output = workspace.run("set +e\n" + commands)
                wrong = [f"lacks {text!r}" for text in expected if text not in output]
                if code != wanted:
                    wrong.append(f"exit code {code}, not {wanted}")
                print(f"{name}: {', '.join(wrong) or 'ok'}", flush=True)
                if wrong:
                    failed += 1
                    print(output)
        finally:
            workspace.run("(cd other && make stop); make stop")
            workspace.close()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
