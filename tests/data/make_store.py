#!/usr/bin/env python3
"""Makes store-0.1.0.tar.xz: a data folder with open windows, as the version of then leaves it behind.

    GAMEFLOW_BIN=/path/to/gameflow tests/data/make_store.py

Each step is read before the next is sent, so that the folder holds many epochs; the last ones are only in the
write-ahead log, since the program is killed. tests/system/test_upgrade.py says what must come of it.
"""

import json
import pathlib
import sys
import tarfile
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from harness import PROGRAM, Server, cache_folder, run_cli, wait_until  # noqa: E402  pylint: disable=wrong-import-position

DATAFLOW = HERE / "store-0.1.0.yaml"

# (player, team, second of 10:00 on 2024-11-12, points, place). ann, bob, ida and cid have a partition each.
STEPS = [
    # The first window of `players`, and what closes it.
    [("ann", -3, 1, 3, "north"), ("bob", 7, 2, 5, None), ("ida", 100, 9, 4, "east"), ("cid", -3, 3, 0, None)],
    [("ann", -3, 13, 2, "south"), ("bob", 7, 13, 1, None), ("ida", 100, 13, 6, None), ("cid", 12, 13, 8, "west")],
    # Late for `players`, in time for `teams`.
    [("ann", -3, 4, 50, None), ("bob", 7, 9.999, 50, None)],
    # Dead: no player; no time (for both services); points below zero, after a good goal of the same player.
    [("", 9, 14, 1, None), ("ann", -3, "yesterday", 1, None), ("gus", 12, 14, 2, "roof"), ("gus", 12, 15, -9, "cellar")],
    # Windows that stay open: the partitions of ida and cid are at 10:00:14 and 10:00:13.
    [("ann", -3, 19.999, 7, "north"), ("ann", -3, 21, 1, None), ("bob", 7, 33, 3, "far")],
    [("bob", 7, 20, 2, None), ("j\u00fcrgen \"jk\" \U0001f3ae", 7, 22, 4, "s\u00fcd")],
]
# After a stop and a start: rows that are replaced, a foul, and new keys. Then the program is killed.
LAST_STEPS = [
    [("ann", -3, 16, 10, "again"), ("dee", 100, 17, 0, None)],
    [("ann", -3, 22, 5, None), ("hal", -32768, 34, 9, None)],
]


def goal(player, team, second, points, place):
    at = second if isinstance(second, str) else f"2024-11-12T10:00:{second:06.3f}Z"
    line = {"player": player, "team": team, "at": at, "points": points}
    if place is not None:
        line["place"] = place
    return json.dumps(line, ensure_ascii=False)


def send(server, steps):
    for step in steps:
        before = server.service("teams")["records_in"]
        reply = server.produce("goals", [goal(*of_step) for of_step in step], key_field="player")
        assert reply.json["accepted"] == len(step), reply.text
        for service in ("players", "teams"):
            wait_until(lambda of=service: server.service(of)["records_in"] == before + len(step), f"{service} has read all")


def main():
    with tempfile.TemporaryDirectory() as folder:
        server = Server(folder, DATAFLOW)
        assert run_cli("build", DATAFLOW, "--cache", cache_folder()).returncode == 0
        server.start()
        send(server, STEPS)
        for _ in range(2):  # the second time, what the log held is in tables
            server.stop()
            server.start()
        send(server, LAST_STEPS)
        server.kill()
        target = HERE / "store-0.1.0.tar.xz"
        with tarfile.open(target, "w:xz") as archive:
            for path in sorted((server.folder / "data").iterdir()):
                if not path.name.startswith("LOG"):  # RocksDB's log of what it did
                    archive.add(path, f"data/{path.name}")
        print(f"{target}: {target.stat().st_size} bytes, by {PROGRAM}")


if __name__ == "__main__":
    main()
