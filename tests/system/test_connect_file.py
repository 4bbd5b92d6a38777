"""`file-source` and `file-sink`: a log that is rotated goes in and comes out again, each line once, over kill -9; and a disk that is full."""

import json
import os
import random
import subprocess
import threading
import time
import unittest

from connectors import Connector, example
from harness import COUNTING, SystemTest, wait_until

ROUNDS = int(os.environ.get("GAMEFLOW_KILL_ROUNDS", "10"))
SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))


class File(SystemTest):
    def setUp(self):
        super().setUp()
        self.gameflow = self.server(COUNTING)

    def topic(self, name):
        reply = self.gameflow.request("POST", "/topics", json.dumps({"name": name}), {"Content-Type": "application/json"})
        self.assertEqual(reply.status, 201, reply.text)

    @staticmethod
    def written(folder):
        """Values of all files of a sink, in order, whole ones first."""
        lines = []
        for path in sorted(folder.glob("purchases-*"), key=lambda path: path.name.removesuffix(".part")):
            lines += [line for line in path.read_text().split("\n") if line]
        return lines

    @staticmethod
    def committed(folder):
        """How many records of its topic, which has one partition, the sink has confirmed."""
        try:
            positions = json.loads((folder / "purchases.position").read_text())["positions"]
        except FileNotFoundError:
            return 0
        return next(iter(positions.values()), 0)

    def test_a_rotated_log_in_and_out_over_kills(self):
        rng = random.Random(SEED)
        self.topic("server-metrics")
        logs, out = self.folder / "logs", self.folder / "out"
        logs.mkdir()
        source = Connector(self, self.gameflow, example("file-source", ("/var/log/game/", f"{logs}/")))
        sink = Connector(self, self.gameflow, example("file-sink", ("/var/lib/game/export/purchases", str(out / "purchases")),
                                                      ("topic: purchases\n", "topic: server-metrics\n"), ("64MiB", "64KiB")))
        finish, lines = threading.Event(), []

        def write():
            log, rotations = logs / "metrics.ndjson", 0
            while not finish.is_set():
                with open(log, "a", encoding="utf-8") as file:
                    for _ in range(rng.randrange(1, 200)):
                        lines.append(json.dumps({"n": len(lines), "parameters": {"server_id": "a"}}))
                        half = rng.randrange(len(lines[-1]))
                        file.write(lines[-1][:half])
                        file.flush()
                        file.write(lines[-1][half:] + "\n")
                time.sleep(0.01)
                if rng.randrange(20) == 0:
                    rotations += 1
                    log.rename(logs / f"metrics.ndjson.{rotations}")

        writer = threading.Thread(target=write)
        writer.start()
        self.addCleanup(writer.join)
        self.addCleanup(finish.set)
        for number in range(ROUNDS):
            before = self.committed(out)
            wait_until(lambda: self.committed(out) > before, f"lines in round {number}")
            time.sleep(rng.random() * 0.2)  # at any moment
            victim = (source, sink)[number % 2]
            victim.kill()
            victim.start()
        finish.set()
        writer.join()
        wait_until(lambda: self.committed(out) >= len(lines), "all lines came out")
        # Files that are rotated are read beside each other: order is that of each file.
        self.assertEqual(sorted(json.loads(line)["n"] for line in self.written(out)), list(range(len(lines))))
        self.assertEqual(self.written(out), [json.dumps(value, separators=(", ", ": ")) for value in self.gameflow.values("server-metrics")])
        self.assertEqual(source.stop(), 0)
        self.assertEqual(sink.stop(), 0)
        self.assertGreater(len(list(out.glob("*.ndjson"))), 1)

    def test_a_full_disk_is_waited_for(self):
        disk = self.folder / "disk"
        disk.mkdir()
        if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True).returncode:
            self.skipTest("a small disk can only be mounted as root")
        self.addCleanup(lambda: subprocess.run(["umount", "-l", disk], check=True))
        self.topic("purchases")
        (disk / "filler").write_bytes(b"x" * (900 << 10))
        sink = Connector(self, self.gameflow, example("file-sink", ("/var/lib/game/export/purchases", str(disk / "purchases"))))
        for begin in range(0, 4000, 1000):
            reply = self.gameflow.produce("purchases", [json.dumps({"n": n, "pad": "x" * 100}) for n in range(begin, begin + 1000)])
            self.assertEqual(reply.status, 200, reply.text)
        sink.says("No space left on device")
        (disk / "filler").unlink()
        wait_until(lambda: self.committed(disk) == 4000, "the disk has room again")
        self.assertEqual([json.loads(line)["n"] for line in self.written(disk)], list(range(4000)))
        self.assertEqual(sink.stop(), 0)


if __name__ == "__main__":
    unittest.main()
