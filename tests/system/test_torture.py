"""Torture: nothing acknowledged is lost, nothing is counted twice, whatever happens to the server.

Producers with an id and sequence numbers send batches under load and repeat each until it is acknowledged. Meanwhile, at
random from SEED, the server is killed, also as it starts; stands still; gets a clock that steps, connections that break, a
disk that stalls, fails or is full, and a damaged log. In the end the topics hold each event once, and the results are those
of a run that nothing has happened to.

    MINUTES=30 SEED=7 make torture

Without MINUTES each of them comes once, beside 12 kills.
"""

import collections
import http.client
import json
import os
import random
import shutil
import signal
import socket
import threading
import time
import unittest

from disturb import BadDisk, FakeClock
from harness import (SystemTest, expected_purchases, expected_sessions, player_event, purchase_event, run_cli, wait_until)

MINUTES = float(os.environ.get("MINUTES") or 0)
SEED = int(os.environ.get("SEED") or time.time())
KILLS = 12
BATCH = 200
EVENTS_MAX = 1_500_000  # of players: all are read again in the end
BASE = (int(time.time()) - 1800) // 60 * 60 * 1000
# Events are half an hour old to a few minutes, however long it takes.
EVENT_MS_MAX = 1_200_000


class Producer(threading.Thread):
    """Sends batch after batch until told to finish; `sent` are those that were acknowledged."""

    def __init__(self, server, topic, key_field, make_batch, rng, pause):
        super().__init__(daemon=True)
        self.server, self.topic, self.key_field, self.make_batch = server, topic, key_field, make_batch
        self.rng, self.pause = rng, pause
        self.sent, self.retries, self.duplicates, self.refused = [], 0, 0, 0
        self.finish, self.cuts = threading.Event(), threading.Event()
        self.failure = None

    def run(self):
        try:
            sequence = 0
            while not self.finish.wait(self.pause):
                batch, lines = self.make_batch()
                self.send(lines, sequence)
                sequence += len(lines)
                self.sent += batch
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def send(self, lines, sequence):
        while True:
            try:
                if self.cuts.is_set():
                    self.send_a_part(lines, sequence)
                reply = self.server.produce(self.topic, lines, key_field=self.key_field, producer="torture",
                                            sequence=sequence)
            except (OSError, http.client.HTTPException):
                self.retries += 1  # killed before the answer: it may be stored or not
                time.sleep(0.01)
                continue
            if reply.status in (503, 507):
                self.refused += 1
                time.sleep(0.01)
                continue
            answer = reply.json
            if reply.status != 200 or answer["accepted"] + answer["duplicates"] != len(lines):
                raise AssertionError(f"{reply.status}: {reply.text}")
            self.duplicates += answer["duplicates"]
            return

    def send_a_part(self, lines, sequence):
        """The connection breaks somewhere: within the request, or before its answer."""
        body = "".join(line + "\n" for line in lines).encode()
        request = (f"POST /topics/{self.topic}/records?key-field={self.key_field}&producer=torture&sequence={sequence} HTTP/1.1\r\n"
                   f"Host: localhost\r\nContent-Type: application/x-ndjson\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body
        with socket.create_connection(("127.0.0.1", self.server.port), timeout=10) as connection:
            connection.sendall(request[:self.rng.choice((len(request), self.rng.randrange(len(request))))])
            if self.rng.random() < 0.5:  # a reset instead of an end
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


class Torture(SystemTest):
    def setUp(self):
        super().setUp()
        self.rng = random.Random(SEED)
        self.clock, self.disk = FakeClock(self.folder), BadDisk(self.folder)
        self.addCleanup(self.clock.clean_up)
        self.instance = self.server(self.patient_flagship(), start=False)
        self.clock.use_in(self.instance, self.disk)
        self.instance.start()
        self.began = time.monotonic()
        self.seconds = MINUTES * 60 or 20

    # What happens. Each begins with a server that serves, and leaves one that does again.

    def kill(self):
        self.instance.kill()
        self.instance.start()

    def kill_as_it_starts(self):
        self.instance.kill()
        self.instance.launch()
        time.sleep(self.rng.uniform(0, 0.3))
        self.kill()

    def stand_still(self):
        self.instance.process.send_signal(signal.SIGSTOP)
        time.sleep(self.rng.uniform(0.1, 2))
        self.instance.process.send_signal(signal.SIGCONT)

    def step_the_clock(self):
        self.clock.step(self.rng.choice((-3600, -60, 60, 3600, 86400)))
        time.sleep(self.rng.uniform(0.1, 2))
        self.clock.step(0)

    def start_with_a_wrong_clock(self):
        self.clock.step(self.rng.choice((-120, 3600)))
        self.kill()
        self.wait_for_load()
        self.clock.step(0)

    def stall_the_disk(self):
        self.disk.stall(self.rng.uniform(0.05, 0.5))
        time.sleep(self.rng.uniform(0.1, 1.5))
        self.disk.stall(0)

    def fail_the_disk(self):
        """What is written then, nobody knows: nothing is taken until a restart."""
        before = self.refusals()
        self.disk.fail()
        self.wait(lambda: self.refusals() > before, "records are refused")
        self.disk.stall(0)
        self.wait(lambda: self.instance.get("/livez").status == 503, "it asks for a restart")
        self.kill()

    def fill_the_disk(self):
        before = self.refusals()
        self.disk.fill()
        self.wait(lambda: self.refusals() > before, "records are refused")
        if self.rng.random() < 0.5:
            self.instance.kill()
            self.disk.stall(0)  # a start takes some space
            self.instance.start()
        self.disk.stall(0)
        self.wait(lambda: self.instance.get("/readyz").status == 200 or self.instance.get("/livez").status == 503, "there is room again")
        if self.instance.get("/livez").status == 503:
            self.kill()

    def damage_the_log(self):
        """It is told and nothing changed, or harmless: then it is as if nothing was."""
        self.instance.kill()
        log = max((self.instance.folder / "data").glob("*.log"), key=lambda path: path.stat().st_mtime_ns)
        aside = self.folder / "log.aside"
        shutil.copy2(log, aside)
        content = bytearray(log.read_bytes())
        where = self.rng.randrange(len(content)) if content else 0
        how = self.rng.choice(("flip", "cut", "more"))
        if how == "flip" and content:
            content[where] ^= 1 << self.rng.randrange(8)
        elif how == "cut":
            del content[where:]
        else:
            content += self.rng.randbytes(self.rng.randrange(1, 5000))
        log.write_bytes(content)
        try:
            self.instance.start()
        except AssertionError as refused:
            self.instance.process.stdout.close()
            self.instance.process = None
            self.assertRegex(str(refused), "is damaged: |is missing|are missing: ", how)
            shutil.copy2(aside, log)
            self.instance.start()

    def cut_connections(self):
        for producer in self.producers:
            producer.cuts.set()
        self.wait_for_load()
        time.sleep(self.rng.uniform(0.1, 1))
        for producer in self.producers:
            producer.cuts.clear()

    def refusals(self):
        return min(producer.refused for producer in self.producers)

    def wait(self, condition, what):
        try:
            wait_until(lambda: condition() or any(p.failure for p in self.producers), f"{what} (SEED={SEED})")
        except AssertionError as failure:
            counts = [(p.topic, len(p.sent), p.retries, p.refused) for p in self.producers]
            raise AssertionError(f"{failure}; sent, retried, refused: {counts}\n{self.instance.log_path.read_text()[-4000:]}") from failure

    def wait_for_load(self):
        before = [len(producer.sent) for producer in self.producers]
        self.wait(lambda: all(len(p.sent) > count for p, count in zip(self.producers, before)), "load")

    def rounds(self):
        """Each of what may happen, in random order; once, or again and again until the time is over."""
        deck = [self.kill] * KILLS + [
            self.kill_as_it_starts, self.stand_still, self.step_the_clock, self.start_with_a_wrong_clock, self.stall_the_disk,
            self.fail_the_disk, self.fill_the_disk, self.damage_the_log, self.cut_connections]
        while True:
            self.rng.shuffle(deck)
            for disturb in deck:
                yield disturb
                if MINUTES and time.monotonic() - self.began > self.seconds:
                    return
            if not MINUTES:
                return

    def make_producers(self):
        rng = random.Random(SEED + 1)
        clock = {"players": BASE, "purchases": BASE}

        def event_times(topic, count):
            """Out of order, within the grace period."""
            passed = min(1, (time.monotonic() - self.began) / max(self.seconds, 60))
            begin, clock[topic] = clock[topic], max(clock[topic], BASE + int(passed * EVENT_MS_MAX))
            return [begin + (clock[topic] - begin) * n // count + 1000 + rng.randrange(-900, 900) for n in range(count)]

        def players():
            batch = [(f"player_{rng.randrange(60)}", at) for at in event_times("players", BATCH)]
            return batch, [player_event(user, at) for user, at in batch]

        numbers = iter(range(10**9))

        def purchases():
            batch = [(f"item_{rng.randrange(6)}", rng.randrange(1, 9999), at) for at in event_times("purchases", BATCH // 4)]
            return batch, [purchase_event(f"t{next(numbers)}", item, cents, at) for item, cents, at in batch]

        pause = BATCH * self.seconds / EVENTS_MAX
        return [Producer(self.instance, topic, key, make, random.Random(SEED + 2), pause)
                for topic, key, make in (("player-events", "user_data.user_id", players),
                                         ("purchase-events", "parameters.transaction_id", purchases))]

    def test_results_are_those_of_an_undisturbed_run(self):
        print(f"SEED={SEED}", flush=True)
        self.producers = self.make_producers()
        for producer in self.producers:
            producer.start()
        done = collections.Counter()
        for disturb in self.rounds():
            self.wait_for_load()
            time.sleep(self.rng.uniform(0, 0.25))
            if MINUTES:
                print(f"{time.monotonic() - self.began:7.1f} s {disturb.__name__}", flush=True)
            disturb()
            done[disturb.__name__] += 1
            self.assertEqual([p.failure for p in self.producers if p.failure], [])
        self.wait_for_load()
        for producer in self.producers:
            producer.finish.set()
            producer.join()
            self.assertIsNone(producer.failure)
        sent_players, sent_purchases = (producer.sent for producer in self.producers)
        print(f"{dict(done)}: {len(sent_players)} + {len(sent_purchases)} events, {sum(p.retries for p in self.producers)} "
              f"connections lost, {sum(p.refused for p in self.producers)} requests refused, "
              f"{sum(p.duplicates for p in self.producers)} duplicates found", flush=True)
        self.check(self.instance, sent_players, sent_purchases)

    def check(self, server, sent_players, sent_purchases):
        # Every acknowledged event is in the topic once.
        stored = collections.Counter(
            (v["user_data"]["user_id"], v["event_timestamp"]) for v in server.values("player-events"))
        wanted = collections.Counter(
            (v["user_data"]["user_id"], v["event_timestamp"])
            for v in map(json.loads, (player_event(u, a) for u, a in sent_players)))
        self.assertEqual(stored, wanted)
        transactions = collections.Counter(v["parameters"]["transaction_id"] for v in server.values("purchase-events"))
        self.assertEqual(transactions, collections.Counter(f"t{n}" for n in range(len(sent_purchases))))

        # Close every window with records far behind, and compare all that came out.
        end = BASE + EVENT_MS_MAX + 60_000
        server.produce("player-events", [player_event(f"closer{n}", end) for n in range(40)],
                       key_field="user_data.user_id")
        server.produce("purchase-events", [purchase_event(f"closer{n}", "closer", 1, end) for n in range(40)],
                       key_field="parameters.transaction_id")
        sessions, totals = expected_sessions(sent_players), expected_purchases(sent_purchases)
        wait_until(lambda: server.topic("player-session-summaries")["records"] >= len(sessions) and
                   server.topic("purchase-summaries")["records"] >= len(totals), "all windows closed")
        self.assertEqual(server.values("player-session-summaries"), sessions)
        self.assertEqual(server.values("purchase-summaries"), totals)
        self.assertEqual(server.service("player-session-analytics")["records_late"], 0)
        self.assertEqual(server.values("dead-letters"), [])
        self.assertEqual(server.stop(), 0)
        verified = run_cli("verify", "--data", server.folder / "data")
        self.assertEqual(verified.returncode, 0, verified.stderr)


if __name__ == "__main__":
    unittest.main()
