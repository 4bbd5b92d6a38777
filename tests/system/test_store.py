"""The data folder when things go wrong: no space, damage, retention, changed state types; and the memory it takes."""

import base64
import http.client
import itertools
import json
import os
import pathlib
import random
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest

from disturb import BadDisk
from harness import COUNTING, PROGRAM, SystemTest, expected_sessions, player_event, run_cli, wait_until

BASE = (int(time.time()) - 1800) // 60 * 60 * 1000
MIB = 1 << 20
PAGES = ["/", "/dash/players", "/stat/page-echarts.html", "/stat/style.css", "/topics", "/states",
         "/dataflow", "/metrics", "/healthz", "/topics/player-positions/records?limit=10"]


def is_sanitized():
    return b"__asan_init" in pathlib.Path(PROGRAM).read_bytes()


class FullDisk(SystemTest):
    """On a file system of its own, small enough to fill."""

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=500m", "gameflow-test", str(self.disk)],
                                 capture_output=True, text=True, check=False) if shutil.which("mount") else None
        if mounted is None or mounted.returncode != 0:
            self.skipTest("a small file system cannot be mounted here (it takes root): "
                          + (mounted.stderr.strip() if mounted else "there is no mount"))
        self.addCleanup(lambda: subprocess.run(["umount", "--lazy", str(self.disk)], check=True))
        self.rng = random.Random(5)
        self.sent = []  # acknowledged

    def fill_file(self, name, size=None):
        """Takes `size` bytes of the disk, or all there is."""
        path = self.disk / name
        with open(path, "wb", buffering=0) as file:
            try:
                while size is None or file.tell() < size:
                    file.write(b"x" * (64 << 10))
            except OSError:
                pass
        return path

    def send(self, server):
        """One batch of 1 MiB that does not compress; the status of the answer."""
        numbers = range(len(self.sent), len(self.sent) + 16)
        lines = [json.dumps({"n": n, "x": n, "data": base64.b64encode(self.rng.randbytes(48 << 10)).decode()}) for n in numbers]
        reply = server.produce("player-positions", lines)
        if reply.status == 200:
            self.assertEqual(reply.json["accepted"], len(lines))
            self.sent += lines
        else:
            self.assertEqual((reply.status, reply.json["error"]["code"]), (507, "disk_full"), reply.text)
            self.assertIn("MiB free", reply.json["error"]["message"])
            self.assertIn("Retry-After", reply.headers)
        return reply.status

    def send_players(self, server, events):
        reply = server.produce("player-events", [player_event(*event) for event in events], key_field="user_data.user_id")
        return reply.status

    def assert_all_is_there(self, server):
        stored = server.raw_values("player-positions")
        self.assertEqual(len(stored), len(self.sent))
        self.assertEqual(sorted(stored), sorted(line.encode() for line in self.sent))

    def assert_serves(self, server):
        for path in PAGES:
            self.assertEqual(server.get(path).status, 200, path)
        self.assertTrue(server.is_alive())

    def test_a_start_without_room_says_so(self):
        server = self.server(COUNTING, folder=self.disk)
        self.assertEqual(server.stop(), 0)
        filler = self.fill_file("somebody-elses")
        data = self.disk / "data"
        self.assertIn(f"no space left to open the data folder {data}: ", self.refused_run(COUNTING, "--data", data).stderr)
        filler.unlink()
        server.start()
        self.assertEqual(server.get("/livez").status, 200)

    def test_full_and_free_again(self):
        # The floor is more than a compaction takes, as the default one is.
        server = self.server(self.patient_flagship(), ["--disk-free-min", "160MiB"], folder=self.disk, start=False)
        server.log_path = self.folder / "server.log"
        filler = self.fill_file("somebody-elses", 180 * MIB)
        server.start()
        players = [(f"player_{n % 7}", BASE + 10 * n) for n in range(400)]
        self.assertEqual(self.send_players(server, players), 200)
        self.assertEqual(server.get("/readyz").status, 200)

        while self.send(server) == 200:
            self.assertLess(len(self.sent), 16 * 200, "the disk is never full")
        self.assertGreater(len(self.sent), 16 * 10)

        # Full: nothing is taken, everything is answered, nothing is lost. (A compaction that ends gives space back, so it may
        # take a few more records until it stays full.)
        numbers = itertools.count()

        def refuses_everything():
            statuses = (self.send(server), self.send_players(server, [("player_1", BASE)]),
                        server.request("POST", "/topics", json.dumps({"name": f"another-{next(numbers)}"})).status,
                        server.get("/readyz").status)
            if statuses[1] == 200:
                players.append(("player_1", BASE))
            return statuses == (507, 507, 507, 503)

        wait_until(refuses_everything, "everything is refused")
        self.assert_serves(server)
        self.assert_all_is_there(server)
        rows = server.request("POST", "/sql", "select sum(count) from events_per_user").json["rows"]
        self.assertIn(rows[0][0], range(400, len(players) + 1))  # the last ones may wait for space

        # Killed and started again in that state, it is the same.
        server.kill()
        server.start()
        self.assert_serves(server)
        self.assert_all_is_there(server)
        wait_until(lambda: self.send(server) == 507, "still full")

        # Space, and it goes on by itself: producers, then the dataflow, with nothing lost and nothing twice.
        filler.unlink()
        wait_until(lambda: self.send(server) == 200, "records are accepted again")
        wait_until(lambda: server.get("/readyz").status == 200, "ready again")
        more = [(f"player_{n % 7}", BASE + 4000 + 10 * n) for n in range(600)]
        # (The store may tidy up meanwhile, which takes space for a moment.)
        wait_until(lambda: self.send_players(server, more) == 200, "more players")
        closers = [(f"closer{n}", BASE + 60_000) for n in range(40)]
        wait_until(lambda: self.send_players(server, closers) == 200, "the windows' end")
        wanted = expected_sessions(players + more)
        wait_until(lambda: server.topic("player-session-summaries")["records"] >= len(wanted), "windows closed")
        self.assertEqual(server.values("player-session-summaries"), wanted)
        self.assert_all_is_there(server)
        self.assertEqual(server.stop(), 0)

    def test_the_disk_fills_while_the_engine_works(self):
        """Somebody else takes the last byte: engine and producers are refused, and go on once there is space."""
        server = self.server(self.patient_flagship(), ["--disk-free-min", "64MiB"], folder=self.disk, start=False)
        server.log_path = self.folder / "server.log"
        server.start()
        players, rest = [], None
        for round_ in range(6):
            if round_ % 2 == 1:
                rest = self.fill_file("the-rest")
                wait_until(lambda: server.get("/readyz").status == 503, "it is noticed")
            batch = [(f"player_{n % 11}", BASE + 1000 * len(players) // 200 + n) for n in range(200)]
            status = self.send_players(server, batch)
            self.assertEqual(status, 507 if rest else 200)
            self.assert_serves(server)
            if status == 200:
                players += batch
            if rest:
                rest.unlink()
                rest = None
                wait_until(lambda: server.get("/readyz").status == 200, "ready again")
        self.assertEqual(self.send_players(server, [(f"closer{n}", BASE + 60_000) for n in range(40)]), 200)
        wanted = expected_sessions(players)
        wait_until(lambda: server.topic("player-session-summaries")["records"] >= len(wanted), "windows closed")
        self.assertEqual(server.values("player-session-summaries"), wanted)
        self.assertEqual(server.stop(), 0)


class Damage(SystemTest):
    """A changed byte is told, or harmless; never is something missing without a word."""

    def setUp(self):
        super().setUp()
        self.cases = 0

    def write_some(self, server, batches):
        rng = random.Random(9)
        lines = [json.dumps({"x": n, "data": base64.b64encode(rng.randbytes(600)).decode()}) for n in range(batches * 100)]
        for start in range(0, len(lines), 100):
            self.assertEqual(server.produce("player-positions", lines[start:start + 100]).status, 200)
        self.assertEqual(server.produce("player-events", [player_event(f"p{n}", BASE + n) for n in range(500)]).status, 200)
        wait_until(lambda: server.service("player-session-analytics")["records_in"] == 500, "all were read")
        return sorted(line.encode() for line in lines)

    def start_on_copy(self, original, change):
        """Starts a server on a changed copy of the data: the server, or None and what it said."""
        self.cases += 1
        folder = self.folder / f"copy{self.cases}"
        shutil.copytree(original, folder / "data")
        change(folder / "data")
        server = self.server(folder=folder, start=False)
        try:
            return server.start(), ""
        except AssertionError:
            return None, server.log_path.read_text()

    def assert_told_or_harmless(self, original, change, sent, what):
        """True if the server refused to start."""
        server, said = self.start_on_copy(original, change)
        if server is None:
            self.assertRegex(said, "is damaged: |is missing|are missing: ", what)
            self.assertRegex(said, "[Rr]estore the folder from a backup", what)
            return True
        missing = False
        for path in ("/topics/player-positions/records?limit=10000&partition=0",
                     "/topics/player-positions/records?limit=10000&partition=1"):
            reply = server.get(path)
            if reply.status != 200:
                self.assertEqual((reply.status, reply.json["error"]["code"]), (500, "data_corrupt"), (what, reply.text))
                self.assertIn("player-positions", reply.json["error"]["message"])
                missing = True
        if not missing:
            self.assertEqual(sorted(server.raw_values("player-positions")), sent, what)
            rows = server.request("POST", "/sql", "select sum(count) from events_per_user").json["rows"]
            self.assertEqual(rows, [[500]], what)
        self.assertTrue(server.is_alive(), what)
        server.kill()
        return False

    @staticmethod
    def flip(pattern, where):
        """Changes one byte at `where`, 0 to 1, of the largest file of that name."""
        def change(folder):
            path = max(folder.glob(pattern), key=lambda path: path.stat().st_size)
            content = bytearray(path.read_bytes())
            content[int((len(content) - 1) * where)] ^= 0x5a
            path.write_bytes(content)
        return change

    def test_write_ahead_log(self):
        server = self.server()
        sent = self.write_some(server, 40)
        server.kill()
        data = self.folder / "data"
        self.assertFalse(self.assert_told_or_harmless(data, lambda _: None, sent, "no damage"))
        refused = [self.assert_told_or_harmless(data, self.flip("*.log", where), sent, f"log at {where}")
                   for where in (0.05, 0.3, 0.5, 0.7)]
        self.assertEqual(refused, [True] * 4)
        copy = self.folder / f"copy{self.cases}" / "data"
        verified = run_cli("verify", "--data", copy, "--json")
        found = json.loads(verified.stdout)
        self.assertEqual((verified.returncode, found["folder"], found["records"]), (1, str(copy), None))
        self.assertRegex(found["damages"][0], r"the record at byte \d+ of \d+\.log is not what its checksum says")
        self.assertIn("to go on with what is left, start once with --accept-loss", found["error"]["message"])

        # The size of a record, past the end of the file: RocksDB would take it for a torn end.
        def stretch(folder):
            path = next(folder.glob("*.log"))
            content = bytearray(path.read_bytes())
            block = len(content) // 32768 * 32768
            content[block + 5] ^= 0x80
            path.write_bytes(content)

        self.assertTrue(self.assert_told_or_harmless(data, stretch, sent, "a record's size"))

        # Gone, or shorter than when its records were acknowledged, wherever: RocksDB would take it for one that never was longer.
        def cut(where):
            def change(folder):
                path = next(folder.glob("*.log"))
                os.truncate(path, int(path.stat().st_size * where))
            return change

        def renamed(folder):
            path = next(folder.glob("*.log"))
            path.rename(path.with_suffix(".bak"))

        for where in (0, 0.3, 0.6):
            self.assertTrue(self.assert_told_or_harmless(data, cut(where), sent, f"cut at {where}"))
        # What comes last may be rows that are counted again: nothing is missing then.
        self.assert_told_or_harmless(data, cut(0.999), sent, "cut at 0.999")
        self.assertTrue(self.assert_told_or_harmless(data, renamed, sent, "renamed"))

        # Knowingly it goes on with what is left, and that is what counts from then on.
        _, said = self.start_on_copy(data, cut(0.6))
        self.assertIn("to go on without these records, start once with --accept-loss", said)
        server = self.server(folder=self.folder / f"copy{self.cases}", start=False)
        server.arguments.append("--accept-loss")
        # But not where that could not be kept.
        aside = server.folder / "data" / "lost"
        aside.write_text("")
        with self.assertRaises(AssertionError):
            server.start()
        said = server.log_path.read_text()
        self.assertIn(f"cannot be kept in {aside}/1: Not a directory. Nothing was changed", said)
        self.assertNotIn("going on", said)
        aside.unlink()
        server.start()
        left = server.topic("player-positions")["records"]
        self.assertTrue(0 < left < len(sent), left)
        self.assertIn("as --accept-loss says", server.log_path.read_text())
        kept = server.folder / "data" / "lost" / "1"
        self.assertIn(f"are kept in {kept}; once nobody needs them: rm -r {kept}", server.log_path.read_text())
        self.assertTrue(list(kept.glob("*.log")))
        server.kill()
        server.arguments.remove("--accept-loss")
        server.start()
        self.assertEqual(server.topic("player-positions")["records"], left)
        self.assertEqual(server.stop(), 0)

    def test_tables_and_their_list(self):
        server = self.server()
        sent = self.write_some(server, 150)
        self.assertEqual(server.stop(), 0)
        server.start()  # what the log held is now in tables
        self.assertEqual(server.stop(), 0)
        data = self.folder / "data"
        self.assertTrue(list(data.glob("*.sst")), "there are tables")
        for where in (0.02, 0.5, 0.98):
            self.assert_told_or_harmless(data, self.flip("*.sst", where), sent, f"table at {where}")
        self.assert_told_or_harmless(data, self.flip("MANIFEST-*", 0.5), sent, "manifest")

        def without(pattern):
            def change(folder):
                for path in folder.glob(pattern):
                    path.unlink()
            return change

        for pattern in ("CURRENT", "MANIFEST-*", "*.sst"):
            self.assertTrue(self.assert_told_or_harmless(data, without(pattern), sent, f"without {pattern}"))
        # Somebody's folder with other things in it is not a store, and nothing there is touched.
        folder = self.folder / "pictures"
        folder.mkdir()
        (folder / "picture.png").write_bytes(b"png")
        other = self.server(folder=self.folder / "other", start=False)
        other.folder.mkdir()
        shutil.copytree(folder, other.folder / "data")
        other.start()
        self.assertEqual((other.folder / "data" / "picture.png").read_bytes(), b"png")


class Backup(SystemTest):
    def test_a_backup_under_load_is_restored(self):
        """Every record that was acknowledged before it is there, and each is counted once."""
        server = self.server(COUNTING)
        sent = itertools.count()
        acknowledged = 0
        stop = threading.Event()

        def load():
            nonlocal acknowledged
            while not stop.is_set():
                lines = [json.dumps({"user": f"u{next(sent) % 7}", "at": "2024-11-12T10:00:01Z", "points": 1}) for _ in range(50)]
                self.assertEqual(server.produce("events", lines, key_field="user").json["accepted"], 50)
                acknowledged += 50

        def counted(running):
            return running.request("POST", "/sql", "select sum(count) from per_user").json["rows"][0][0] or 0

        thread = threading.Thread(target=load)
        thread.start()
        try:
            wait_until(lambda: counted(server) > 500, "some are counted")
            before = acknowledged
            copy = self.folder / "restored" / "data"
            copy.parent.mkdir()
            made = run_cli("backup", copy, "--server", server.url)
            self.assertEqual(made.returncode, 0, made.stderr)
            self.assertIn(f"{copy}: ", made.stdout)
            again = run_cli("backup", copy, "--server", server.url)
            self.assertEqual(again.returncode, 1)
            self.assertIn("it is there already", again.stderr)
        finally:
            stop.set()
            thread.join()
        self.assertEqual(copy.stat().st_mode & 0o777, 0o700)

        verified = run_cli("verify", "--data", copy)
        self.assertEqual(verified.returncode, 0, verified.stderr)
        self.assertIn("no damage", verified.stdout)
        locked = run_cli("verify", "--data", server.folder / "data")
        self.assertEqual(locked.returncode, 1)
        self.assertIn("in use by another process", locked.stderr)
        locked = json.loads(run_cli("verify", "--data", server.folder / "data", "--json").stdout)
        self.assertEqual((locked["damages"], locked["error"]["code"]), ([], "data_locked"))
        self.assertIn("in use by another process", locked["error"]["message"])

        restored = self.server(COUNTING, folder=copy.parent)
        there = restored.topic("events")["records"]
        self.assertTrue(before <= there <= acknowledged, (before, there, acknowledged))
        wait_until(lambda: restored.service("counting")["records_in"] == there, "all are read")
        self.assertEqual(counted(restored), there)
        self.assertEqual(restored.stop(), 0)
        wait_until(lambda: counted(server) == acknowledged, "the server went on")
        self.assertEqual(server.stop(), 0)

        # Damage is told, with the file and a failure.
        self.assertEqual(run_cli("verify", "--data", copy).returncode, 0)
        table = max(copy.glob("*.sst"), key=lambda path: path.stat().st_size)
        content = bytearray(table.read_bytes())
        content[len(content) // 4] ^= 0x5a
        table.unlink()  # it may be the server's, too
        table.write_bytes(content)
        damaged = run_cli("verify", "--data", copy)
        self.assertEqual(damaged.returncode, 1)
        self.assertIn(table.name, damaged.stdout + damaged.stderr)
        self.assertIn("from a backup", damaged.stderr)


class Gone(SystemTest):
    def test_the_folder_is_moved_away_and_back(self):
        """Writing would go on for a while, into files that no longer have a name; what was answered with 200 would be lost."""
        server = self.server(COUNTING)
        line = json.dumps({"user": "ann", "at": "2024-11-12T10:00:01Z", "points": 3})
        self.assertEqual(server.produce("events", [line], key="k").status, 200)
        (self.folder / "data").rename(self.folder / "aside")
        refused = server.produce("events", [line], key="k")
        self.assertEqual((refused.status, refused.json["error"]["code"]), (503, "data_unwritable"))
        self.assertIn(str(self.folder / "data"), refused.json["error"]["message"])
        self.assertEqual(server.get("/readyz").status, 503)
        self.assertEqual(server.topic("events")["records"], 1)
        (self.folder / "aside").rename(self.folder / "data")
        # At once, unless the engine met the gap: then at its next try.
        wait_until(lambda: server.get("/readyz").status == 200, "ready")
        self.assertEqual(server.produce("events", [line], key="k").status, 200)
        wait_until(lambda: server.service("counting")["records_in"] == 2, "counted")
        server.kill()
        server.start()
        self.assertEqual(server.topic("events")["records"], 2)
        self.assertEqual(server.stop(), 0)


class ChangedState(SystemTest):
    def send(self, server, user, second):
        line = json.dumps({"user": user, "at": f"2024-11-12T10:00:{second:02}Z", "points": 3})
        self.assertEqual(server.produce("events", [line], key="k").json["accepted"], 1)

    def test_a_changed_type_is_refused_with_the_way_out(self):
        wider = COUNTING.with_name("counting_wider.yaml")
        server = self.server(COUNTING)

        def rows():
            return server.request("POST", "/sql", "select _key, count, points from per_user order by _key").json["rows"]

        for user in ("ann", "ann", "bob"):
            self.send(server, user, 1)
        wait_until(lambda: rows() == [["ann", 2, 6], ["bob", 1, 3]], "counted")
        self.assertEqual(server.stop(), 0)

        refused = self.refused_run(wider)
        self.assertEqual(refused.returncode, 1)
        for part in ("per-user", "counting", "u32", "u64", "--clear-state"):
            self.assertIn(part, refused.stderr)
        # Nothing was changed by the refusal.
        server.start()
        self.assertEqual(rows(), [["ann", 2, 6], ["bob", 1, 3]])
        self.assertEqual(server.stop(), 0)

        server.dataflow, server.arguments = wider, ["--clear-state", "counting", "--from", "beginning"]
        server.start()
        wait_until(lambda: rows() == [["ann", 2, 6], ["bob", 1, 3]], "counted anew from the topics")
        self.assertIn("service 'counting' starts afresh: what it has counted", server.log_path.read_text())
        self.assertIn("It reads its topics again from the beginning, 3 records, and publishes their results once more",
                      server.log_path.read_text())
        server.arguments = []
        self.assertEqual(server.stop(), 0)
        server.start()
        self.send(server, "bob", 2)
        wait_until(lambda: rows() == [["ann", 2, 6], ["bob", 2, 6]], "goes on")
        self.assertEqual(server.stop(), 0)

    def test_cleared_state_publishes_nothing_twice(self):
        """By default a service goes on where it has read to: what it has published stays, once."""
        server = self.server(COUNTING)

        def rows():
            return server.request("POST", "/sql", "select _key, count from per_user order by _key").json["rows"]

        def published():
            return server.values("counts")

        self.send(server, "ann", 1)
        self.send(server, "bob", 31)
        wait_until(lambda: len(published()) == 1 and server.service("counting")["records_in"] == 2, "a window has closed, another is open")
        before = published()
        self.assertEqual(server.stop(), 0)

        unknown = self.refused_run(COUNTING, "--clear-state", "countin")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("the dataflow has no service 'countin'. Did you mean 'counting'?", unknown.stderr)
        for usage in (["--clear-state"], ["--from", "end"], ["--clear-state", "counting", "--from", "yesterday"]):
            self.assertEqual(self.refused_run(COUNTING, *usage).returncode, 2, usage)

        server.arguments = ["--clear-state", "counting"]
        server.start()
        self.assertIn("It goes on where it has read to, with 0 records that wait", server.log_path.read_text())
        self.assertEqual(rows(), [])
        server.arguments = []
        self.send(server, "bob", 32)
        wait_until(lambda: rows() == [["bob", 1]], "what comes now is counted")
        self.assertEqual(server.stop(), 0)
        server.start()
        self.send(server, "ann", 2)  # of the window that has closed: late, as before
        self.send(server, "bob", 33)
        wait_until(lambda: rows() == [["bob", 2]], "it goes on")
        self.assertEqual(published(), before)
        self.assertEqual(server.service("counting")["records_late"], 1)
        self.assertEqual(server.stop(), 0)

        server.arguments = ["--clear-state", "counting", "--from", "2024-11-01"]
        server.start()
        wait_until(lambda: len(published()) == 2, "published once more, as was said")
        self.assertIn("from what was appended at 2024-11-01T00:00:00", server.log_path.read_text())
        self.assertEqual(server.stop(), 0)

    def test_a_service_that_left_is_told_and_can_be_forgotten(self):
        renamed = COUNTING.read_text().replace("  counting:", "  tallying:")
        server = self.server(COUNTING)
        server.produce("events", [json.dumps({"user": "ann", "at": "2024-11-12T10:00:01Z", "points": 3})] * 2, key="k")
        wait_until(lambda: server.service("counting")["records_in"] == 2, "counted")
        data = ["--data", server.folder / "data"]
        locked = run_cli("service", "forget", "counting", *data)
        self.assertEqual(locked.returncode, 1)
        self.assertIn("is in use by another process", locked.stderr)
        self.assertEqual(server.stop(), 0)

        server.dataflow = self.copy(renamed)
        server.start()
        told = [line for line in server.log_path.read_text().splitlines() if "gameflow service forget counting" in line]
        self.assertEqual(len(told), 1)
        self.assertIn(str(server.folder / "data"), told[0])
        wait_until(lambda: server.service("tallying")["records_in"] == 2, "the new one reads from the beginning")
        self.assertEqual(server.stop(), 0)

        listed = run_cli("service", "list", *data)
        self.assertEqual((listed.returncode, listed.stderr), (0, ""))
        self.assertEqual([line.split()[::2] for line in listed.stdout.splitlines()[1:]],
                         [["counting", "2", "0"], ["tallying", "2", "0"]])
        typo = run_cli("service", "forget", "countin", *data)
        self.assertEqual((typo.returncode, typo.stdout), (1, ""))
        self.assertIn("Did you mean 'counting'?", typo.stderr)
        self.assertEqual(run_cli("service", "forget", "counting", *data).returncode, 0)
        self.assertEqual([line.split()[0] for line in run_cli("service", "list", *data).stdout.splitlines()[1:]], ["tallying"])

        # The other one goes on, and the forgotten one would start afresh.
        server.log_path.unlink()
        server.start()
        self.assertNotIn("service forget", server.log_path.read_text())
        self.assertEqual(server.service("tallying")["records_in"], 2)
        self.assertEqual(server.stop(), 0)

    def test_a_folder_that_is_not_there_is_not_made(self):
        nowhere = self.folder / "nowhere"
        done = run_cli("service", "list", "--data", nowhere)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(str(nowhere), done.stderr)
        self.assertFalse(nowhere.exists())

    def test_changed_code_keeps_the_state(self):
        server = self.server(self.copy(COUNTING.read_text()))
        line = json.dumps({"user": "ann", "at": "2024-11-12T10:00:01Z", "points": 3})
        server.produce("events", [line] * 2, key="k")
        wait_until(lambda: server.service("counting")["records_in"] == 2, "counted")
        self.assertEqual(server.stop(), 0)
        text = COUNTING.read_text()
        self.assertEqual(text.count("per_user().count += 1;"), 1)
        self.copy(text.replace("per_user().count += 1;", "per_user().count += 10;"))
        server.start()
        server.produce("events", [line], key="k")
        wait_until(lambda: server.service("counting")["records_in"] == 3, "counted")
        rows = server.request("POST", "/sql", "select _key, count from per_user").json["rows"]
        self.assertEqual(rows, [["ann", 12]])

    def copy(self, text):
        path = self.folder / "dataflow.yaml"
        path.write_text(text)
        return path


class Retention(SystemTest):
    def test_by_bytes_and_by_age(self):
        server = self.server(COUNTING)
        for config in ({"name": "small", "partitions": 2, "retention_bytes": 200_000}, {"name": "young", "retention_age": "1s"},
                       {"name": "kept"}):
            self.assertEqual(server.request("POST", "/topics", json.dumps(config)).status, 201)
        rng = random.Random(3)
        lines = [json.dumps({"n": n, "text": base64.b64encode(rng.randbytes(300)).decode()}) for n in range(4000)]
        for topic in ("small", "young", "kept"):
            for start in range(0, len(lines), 100):
                self.assertEqual(server.produce(topic, lines[start:start + 100]).status, 200)

        # It looks about once a minute.
        wait_until(lambda: all(p["begin"] > 0 and p["bytes"] <= 200_000 for p in server.topic("small")["partitions"])
                   and server.topic("young")["records"] == 0, "retention", seconds=200)
        small = server.topic("small")
        self.assertLess(0, small["records"])
        self.assertLess(small["records"], len(lines))
        self.assertEqual(sum(p["end"] for p in small["partitions"]), len(lines))
        self.assertEqual(server.topic("kept")["records"], len(lines))
        for partition in small["partitions"]:
            number, begin = partition["partition"], partition["begin"]
            gone = server.get(f"/topics/small/records?partition={number}&offset={begin - 1}")
            self.assertEqual((gone.status, gone.json["error"]["code"]), (416, "offset_out_of_range"))
            self.assertIn(f"from {begin} up to {partition['end']}", gone.json["error"]["message"])
            first = server.get(f"/topics/small/records?partition={number}&limit=1").json
            self.assertEqual(first["offset"], begin)
        self.assertEqual(len(set(server.raw_values("small"))), small["records"], "what is left can be read")
        # What is left of each partition is its end, in order.
        self.assertEqual(run_cli("consume", "small", "-B", "-d", "--server", server.url).stdout.count("\n"), small["records"])

        server.kill()
        server.start()
        self.assertEqual(server.topic("small")["partitions"], small["partitions"])
        self.assertEqual(server.topic("young")["records"], 0)
        self.assertEqual(server.produce("young", ["1"]).status, 200)
        self.assertEqual(server.topic("young")["partitions"][0]["end"], len(lines) + 1)


@unittest.skipIf(is_sanitized(), "a sanitizer has to be loaded first")
class Broken(SystemTest):
    def test_only_a_restart_helps_behind_a_sync_that_failed(self):
        server, disk = self.server(COUNTING, start=False), BadDisk(self.folder)
        disk.use_in(server)
        server.start()
        line = json.dumps({"user": "ann", "at": "2024-11-12T10:00:01Z", "points": 3})
        self.assertEqual(server.produce("events", [line], key="k").status, 200)
        self.assertEqual(server.get("/livez").status, 200)
        disk.fail()
        refused = server.produce("events", [line], key="k")
        self.assertEqual((refused.status, refused.json["error"]["code"]), (503, "outcome_unknown"))
        disk.stall(0)  # and another sync would say that all is well
        for path in ("/livez", "/readyz"):
            self.assertEqual(server.get(path).status, 503, path)
            self.assertIn("until gameflow is restarted", server.get(path).json["error"]["message"])
        self.assertEqual(server.produce("events", [line], key="k").status, 503)
        server.kill()
        server.start()
        self.assertEqual(server.get("/livez").status, 200)
        self.assertIn(server.topic("events")["records"], (1, 2))
        self.assertEqual(server.produce("events", [line], key="k").status, 200)
        self.assertEqual(server.stop(), 0)


class Privacy(SystemTest):
    def test_data_is_for_one_user_whatever_the_umask(self):
        server = self.server(start=False)
        data = server.folder / "data"
        data.mkdir(exist_ok=True)
        data.chmod(0o777)
        server.prefix = ["sh", "-c", 'umask 0; exec "$0" "$@"']
        server.start()
        self.assertEqual(server.produce("player-positions", ['{"x":1,"y":2}']).status, 200)
        self.assertEqual(server.stop(), 0)
        modes = {path.name: path.stat().st_mode & 0o777 for path in data.iterdir()}
        self.assertEqual(data.stat().st_mode & 0o777, 0o700)
        self.assertEqual({name: oct(mode) for name, mode in modes.items() if mode & 0o077}, {})
        self.assertIn("CURRENT", modes)


@unittest.skipIf(is_sanitized(), "sanitizers take memory of their own")
class OpenFiles(SystemTest):
    def test_connections_leave_the_store_its_files(self):
        """Whoever opens connections without end gets no more, and everything else goes on."""
        server = self.server(start=False)
        server.prefix = ["sh", "-c", 'ulimit -n 256; exec "$0" "$@"']
        server.start()
        self.assertIn("at most 128 connections, not 20000", server.log_path.read_text())
        producer = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        producer.request("GET", "/healthz")
        self.assertEqual(producer.getresponse().read(), b'{"status":"ok"}\n')
        idle = []
        self.addCleanup(lambda: [connection.close() for connection in idle])
        for _ in range(300):
            idle.append(socket.create_connection(("127.0.0.1", server.port), timeout=60))
        # Enough that the store needs new files, again and again.
        for _ in range(12):
            producer.request("POST", "/topics/player-positions/records", b'{"data":"' + base64.b64encode(os.urandom(5 << 20)) + b'"}')
            reply = producer.getresponse()
            self.assertEqual((reply.status, json.loads(reply.read())["accepted"]), (200, 1))
        producer.close()
        self.assertEqual(server.stop(), 0)
        self.assertNotIn("Too many open files", server.log_path.read_text())


class Memory(SystemTest):
    def tail(self, server, topic):
        """A WebSocket that is open and has not been read from yet."""
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=120)
        self.addCleanup(connection.close)
        connection.sendall(f"GET /ws/{topic} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        self.assertTrue(connection.recv(12).startswith(b"HTTP/1.1 101"))
        return connection

    def test_the_demo_stays_small(self):
        """10,000 events a second of each kind, a WebSocket that is read and one that never is, queries: under 400 MB, with all services of the flagship."""
        server = self.server()
        read, _unread = self.tail(server, "player-events"), self.tail(server, "player-events")

        def read_all():
            while read.recv(1 << 16):
                pass

        reader = threading.Thread(target=read_all, daemon=True)
        reader.start()
        generator = subprocess.Popen([PROGRAM, "generate", "--to", server.url, "--rate", "10000", "--events", "60000",
                                      "--seed", "1"], stderr=subprocess.PIPE)
        self.addCleanup(lambda: (generator.kill(), generator.wait(), generator.stderr.close()))
        seen = []

        def done():
            text = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
            seen.append(int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]))
            server.request("POST", "/sql", "select * from events_per_user order by count desc limit 20")
            return generator.poll() is not None

        wait_until(done, "all events sent")
        self.assertEqual(generator.returncode, 0, generator.stderr.read().decode())
        self.assertEqual(server.topic("player-events")["records"], 60_000)
        wait_until(lambda: server.service("player-session-analytics")["records_in"] == 60_000, "all were read")
        done()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", pathlib.Path(f"/proc/{server.process.pid}/status").read_text())[1])
        print(f"resident: {max(seen) // 1000} MB seen, {peak // 1000} MB at most")
        self.assertLess(peak, 400_000)
        self.assertEqual(server.stop(), 0)
        reader.join(60)
        self.assertFalse(reader.is_alive(), "a stop ends what is being read")


if __name__ == "__main__":
    unittest.main()
