"""Soak: the flagship for hours, as it is used, and nothing may be lost, counted twice, grow or get slow.

The simulated game and a sender of numbered events bring records, dashboards follow their queries, others ask SQL, retention
deletes, and the dataflow is edited and taken over. Meanwhile the events and the results are followed over WebSockets: each
window's result must be what is counted here.

    MINUTES=120 SEED=7 RATE=1000 make soak

What is printed once a minute, of that minute: the server's memory and open files, how long queries took, and how long a
record took from the producer to a follower.
"""

import calendar
import collections
import json
import os
import pathlib
import re
import shutil
import statistics
import struct
import subprocess
import threading
import time
import unittest

from harness import FLAGSHIP, PROGRAM, SystemTest, player_event, wait_until
from test_live_queries import LiveClient
from test_responsive import Sql

MINUTES = float(os.environ.get("MINUTES") or 60)
SEED = int(os.environ.get("SEED") or time.time())
RATE = int(os.environ.get("RATE") or 1000)  # events a second
WINDOW_MS = 5000  # of player-session-analytics
MINE = "numbered"
# Between the first and the last third of what comes after the warm-up.
MEMORY_GROWTH_MAX, MEMORY_SPARE = 1.25, 64 << 20
FILES_SPARE = 40
LATENCY_GROWTH_MAX, LATENCY_SPARE_SECONDS = 3, 0.25
QUERIES = ("select _key, sum(count) as events from events_per_user group by _key order by events desc limit 20",
           "select count(*) from payer", "select name, complete_to from _progress")
EDITS = ("events_per_user().count += 1;", "events_per_user().count += 1U;")


def value_at(values, share):
    return sorted(values)[min(len(values) - 1, int(len(values) * share))] if values else 0


class Follower(LiveClient, threading.Thread):
    """Hands on what comes over a WebSocket, until it is closed."""

    def __init__(self, server, path, take):
        threading.Thread.__init__(self, daemon=True)
        LiveClient.__init__(self, server.port, path)
        self.take_one, self.failure, self.messages, self.ends = take, None, 0, False
        self.start()

    def run(self):
        try:
            while True:
                self.take_one(self.receive())
                self.messages += 1
        except (OSError, ValueError, struct.error) as failure:
            if not self.ends:
                self.failure = failure
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def finish(self):
        self.ends = True
        self.socket.shutdown(2)
        self.join(60)
        self.close()


class Count:
    """The windows of players' events, counted here, beside those that the dataflow makes."""

    def __init__(self):
        self.lock = threading.Lock()
        self.windows = collections.defaultdict(collections.Counter)  # minus what has been published
        self.published, self.offsets, self.numbers, self.events = set(), {}, 0, 0

    def take_event(self, record):
        partition, offset, event = record["partition"], record["offset"], record["value"]
        assert self.offsets.get(partition, offset) == offset, f"{partition}/{offset} follows on {self.offsets[partition] - 1}"
        self.offsets[partition] = offset + 1
        user = event["user_data"]["user_id"]
        if user == MINE:
            assert event["parameters"]["sequence"] == self.numbers + 1, f"{event} follows on {self.numbers}"
            self.numbers += 1
        with self.lock:
            self.events += 1
            self.add(milliseconds(event["event_timestamp"]) // WINDOW_MS, user, 1)

    def take_result(self, record):
        """A window's result has the time of the window's end."""
        window = record["timestamp"] // WINDOW_MS - 1
        with self.lock:
            assert window not in self.published, f"window {window} twice"
            self.published.add(window)
            for row in record["value"]:
                self.add(window, row["player_id"], -row["event_count"])

    def add(self, window, user, count):
        users = self.windows[window]
        users[user] += count
        if users[user] == 0:
            del users[user]
            if not users:
                del self.windows[window]

    def left(self, end):
        """Of windows before `end`, what was counted here and is in no result: {window: {user: events}}."""
        with self.lock:
            return {window: dict(users) for window, users in self.windows.items() if window < end}


def milliseconds(text):
    seconds, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * 1000 + int((fraction + "000")[:3])


class Numbered(threading.Thread):
    """A sender of events with numbers."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.sent, self.ends, self.failure = server, 0, threading.Event(), None

    def run(self):
        try:
            while not self.ends.wait(0.1):
                events = []
                for number in range(self.sent + 1, self.sent + 11):
                    event = json.loads(player_event(MINE, int(time.time() * 1000)))
                    event["parameters"]["sequence"] = number
                    events.append(json.dumps(event))
                reply = self.server.produce("player-events", events, key_field="user_data.user_id")
                assert reply.status == 200, reply.text
                self.sent += len(events)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure


class Ask(Sql):
    """A query, again and again. That it took too long is an answer, which is counted."""

    def __init__(self, server, query):
        super().__init__(server, query, 0.5)
        self.too_long = 0

    def poll(self, connection):
        connection.request("POST", "/sql", self.times.what, {"Content-Type": "text/plain"})
        reply = connection.getresponse()
        took_too_long = b'"sql_limit"' in reply.read()
        self.too_long += took_too_long
        return 200 if took_too_long else reply.status


class Soak(SystemTest):
    def setUp(self):
        super().setUp()
        shutil.copytree(FLAGSHIP.parent, self.folder / "game")
        self.path = self.folder / "game" / "dataflow.yaml"
        text = self.path.read_text()
        # Retention has something to do, and what is late depends on the records alone.
        text, count = re.subn(r"(age: 3d, bytes:) [24]GiB", r"\1 16MiB", text)
        self.assertGreater(count, 2)
        self.text = text.replace("idleness: 5s", "idleness: 1h")
        self.assertIn(EDITS[0], self.text)
        self.path.write_text(self.text)
        self.instance = self.server(self.path, ["--watch"])
        self.count, self.reloads = Count(), 0
        self.probes, self.arrived = {}, []

    def edit(self):
        self.text = self.text.replace(EDITS[self.reloads % 2], EDITS[(self.reloads + 1) % 2])
        new = self.folder / "new.yaml"
        new.write_text(self.text)
        new.rename(self.path)
        self.reloads += 1
        wait_until(lambda: self.instance.log_path.read_text().count("took over the changed") == self.reloads, "the edit is taken over", 300)

    def follow_dashboards(self):
        """Every query of every dashboard, as far as it can be asked without a choice; one connection each."""
        followers = []
        for dashboard in self.instance.get("/dashboards").json["dashboards"]:
            panels = [panel for row in self.instance.get(f"/dashboards/{dashboard['name']}").json["rows"] for panel in row["panels"]]
            follower = Follower(self.instance, "/ws/sql", lambda message: self.answers.update(["errors" if "error" in message else "answers"]))
            for number, panel in enumerate(panel for panel in panels if panel.get("query")):
                now = int(time.time() * 1000)
                known = {"from": now - 3_600_000, "to": now + 86_400_000}
                names = set(re.findall(r":([a-z_]+)", panel["query"]))
                follower.send(json.dumps({"subscribe": f"{number}", "sql": panel["query"], "every": "2s",
                                          "params": {name: known.get(name) for name in panel["parameters"] if name in names}}))
            followers.append(follower)
        return followers

    def probe(self):
        """How long a record takes from its producer to a follower."""
        number = str(len(self.probes))
        self.probes[number] = time.monotonic()
        self.assertEqual(self.instance.produce("probes", [number]).status, 200)

    def resources(self):
        """Memory, and open files besides tables, of which the store keeps 512 at most."""
        process = pathlib.Path(f"/proc/{self.instance.process.pid}")
        resident = int(re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text())[1]) << 10
        return resident, sum(not os.readlink(file).endswith(".sst") for file in (process / "fd").iterdir())

    def test_nothing_grows(self):
        print(f"SEED={SEED} RATE={RATE} MINUTES={MINUTES:g}", flush=True)
        server = self.instance
        self.answers = collections.Counter()
        self.assertEqual(server.request("POST", "/topics", json.dumps({"name": "probes", "partitions": 1})).status, 201)
        followers = [Follower(server, "/ws/player-events?format=record", self.count.take_event),
                     Follower(server, "/ws/player-session-summaries?format=record", self.count.take_result),
                     Follower(server, "/ws/probes", lambda number: self.arrived.append(time.monotonic() - self.probes[str(number)])),
                     *self.follow_dashboards()]
        numbered = Numbered(server)
        numbered.start()
        queries = [Ask(server, query) for query in QUERIES]
        for query in queries:
            query.start()
        generator = subprocess.Popen([PROGRAM, "generate", "--to", server.url, "--profile", "game", "--rate", str(RATE), "--seed",
                                      str(SEED)], stderr=subprocess.PIPE, text=True)
        self.addCleanup(lambda: (generator.kill(), generator.wait(), generator.stderr.close()))
        minutes = self.watch(followers + [numbered] + queries, queries, generator)

        generator.terminate()
        generator.wait(120)
        numbered.ends.set()
        numbered.join()
        for query in queries:
            query.finish()
            print(f"    {query.too_long} of these took too long", flush=True)
        self.check_counts(numbered)
        for follower in followers:
            follower.finish()
            self.assertIsNone(follower.failure)
        self.assertGreater(self.answers["answers"], 0)
        print(f"{self.count.events} events, {len(self.count.published)} windows, {self.reloads} reloads, answers to dashboards: "
              f"{dict(self.answers)}", flush=True)
        self.assertGreater(sum(partition["begin"] for partition in server.topic("player-events")["partitions"]) + (MINUTES < 5), 0,
                           "retention has deleted something")
        self.assertEqual(server.stop(), 0)
        errors = [line for line in server.log_path.read_text().splitlines() if re.search(r"Z (error|critical) ", line)]
        self.assertEqual(errors, [])
        self.check_growth(minutes)

    def watch(self, threads, queries, generator):
        """Until the time is over: [(resident bytes, files, p99 of queries, p99 of records)], a few a minute."""
        measured, step = [], min(60, MINUTES * 60 / 12)
        end = time.monotonic() + MINUTES * 60
        while time.monotonic() < end:
            seen = [len(query.times.seconds) for query in queries]
            arrived = len(self.arrived)
            until = time.monotonic() + step
            while time.monotonic() < until:
                self.probe()
                time.sleep(0.25)
            self.assertEqual([thread.failure for thread in threads if thread.failure], [])
            self.assertIsNone(generator.poll(), "the generator goes on")
            asked = [second for query, begin in zip(queries, seen) for second in query.times.seconds[begin:]]
            measured.append((*self.resources(), value_at(asked, 0.99), value_at(self.arrived[arrived:], 0.99)))
            resident, files, sql, way = measured[-1]
            print(f"{len(measured) * step / 60:6.1f} min: {resident >> 20} MiB, {files} files, {self.count.events} events, "
                  f"SQL p99 {sql * 1000:.0f} ms, record to follower p99 {way * 1000:.0f} ms", flush=True)
            self.edit()
        return measured

    def check_counts(self, numbered):
        server = self.instance
        end = int(time.time() * 1000) // WINDOW_MS * WINDOW_MS + 60_000
        records = sum(partition["end"] for partition in server.topic("player-events")["partitions"])
        wait_until(lambda: self.count.events == records, "every record has come")
        self.assertEqual(self.count.numbers, numbered.sent)

        def not_counted():
            counters = server.service("player-session-analytics")
            return counters["records_late"] + counters["records_dead"]

        def left():
            return sum(sum(users.values()) for users in self.count.left(end // WINDOW_MS).values())

        def is_settled():
            # Time goes on with what comes in, and no further than the clock: some clients' are up to a minute ahead. A window
            # ends for those only who are as late as the grace period: so behind that of the last one that counts. None of
            # these may be late itself, however long it takes.
            behind = max(end + WINDOW_MS, int(time.time() * 1000))
            closers = [player_event(f"closer{number}", behind) for number in range(60)]
            self.assertEqual(server.produce("player-events", closers, key_field="user_data.user_id").status, 200)
            time.sleep(1)
            return left() == not_counted()

        # Clients' clocks may be wrong: such an event is late, or a dead letter.
        try:
            wait_until(is_settled, "what was counted here is published, late or dead", 300)
        except AssertionError as failure:
            windows = self.count.left(end // WINDOW_MS)
            more = {window: users for window, users in windows.items() if min(users.values()) < 0}
            raise AssertionError(f"{failure}: {left()} events are in no result, {not_counted()} were late or dead; of {len(windows)} windows "
                                 f"{len(more)} have more than there was: {list(more.items())[:10]}; others: {list(windows.items())[-10:]}") from failure
        for window, users in self.count.left(end // WINDOW_MS).items():
            self.assertGreater(min(users.values()), 0, f"window {window} has more than there was: {users}")
        print(f"{not_counted()} events late or dead", flush=True)

    def check_growth(self, measured):
        """The first quarter warms up."""
        rest = measured[len(measured) // 4:]
        third = max(1, len(rest) // 3)
        first, last = ([statistics.median(column) for column in zip(*part)] for part in (rest[:third], rest[-third:]))
        self.assertLess(last[0], first[0] * MEMORY_GROWTH_MAX + MEMORY_SPARE, "memory")
        self.assertLess(last[1], first[1] + FILES_SPARE, "open files")
        for index, what in ((2, "queries"), (3, "records to their followers")):
            self.assertLess(last[index], first[index] * LATENCY_GROWTH_MAX + LATENCY_SPARE_SECONDS, what)


if __name__ == "__main__":
    unittest.main()
