"""kill -9 at random moments, under load: nothing acknowledged is lost, nothing is counted twice.

A producer with an id and sequence numbers sends batches and repeats each until it is acknowledged. Meanwhile the server is
killed and started again, round after round. In the end the topics hold each event once, and the outputs are those of a run
that nobody interrupted.
"""

import collections
import http.client
import json
import os
import random
import threading
import time
import unittest

from harness import (SystemTest, expected_purchases, expected_sessions, player_event, purchase_event, wait_until)

ROUNDS = int(os.environ.get("GAMEFLOW_KILL_ROUNDS", "25"))
SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))
BATCH = 200
BASE = (int(time.time()) - 1800) // 60 * 60 * 1000


class Producer(threading.Thread):
    """Sends batch after batch until told to finish; `sent` are those that were acknowledged."""

    def __init__(self, server, topic, key_field, make_batch):
        super().__init__(daemon=True)
        self.server, self.topic, self.key_field, self.make_batch = server, topic, key_field, make_batch
        self.sent, self.retries, self.duplicates = [], 0, 0
        self.finish = threading.Event()
        self.failure = None

    def run(self):
        try:
            sequence = 0
            while not self.finish.is_set():
                batch, lines = self.make_batch()
                self.send(lines, sequence)
                sequence += len(lines)
                self.sent += batch
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def send(self, lines, sequence):
        while True:
            try:
                reply = self.server.produce(self.topic, lines, key_field=self.key_field, producer="kill-test",
                                            sequence=sequence)
            except (OSError, http.client.HTTPException):
                self.retries += 1  # killed before the answer: it may be stored or not
                time.sleep(0.01)
                continue
            if reply.status in (503, 507):
                self.retries += 1
                time.sleep(0.01)
                continue
            answer = reply.json
            if reply.status != 200 or answer["accepted"] + answer["duplicates"] != len(lines):
                raise AssertionError(f"{reply.status}: {reply.text}")
            self.duplicates += answer["duplicates"]
            return


class Kill(SystemTest):
    def test_outputs_are_those_of_an_uninterrupted_run(self):
        rng = random.Random(SEED)
        server = self.server(self.patient_flagship())
        clock = {"players": BASE, "purchases": BASE}

        def jitter():
            return rng.randrange(-900, 900)  # out of order, within the grace period

        def players():
            batch = []
            for _ in range(BATCH):
                clock["players"] += 3
                batch.append((f"player_{rng.randrange(60)}", clock["players"] + 1000 + jitter()))
            return batch, [player_event(user, at) for user, at in batch]

        numbers = iter(range(10**9))

        def purchases():
            batch = []
            for _ in range(BATCH // 4):
                clock["purchases"] += 12
                batch.append((f"item_{rng.randrange(6)}", rng.randrange(1, 9999), clock["purchases"] + 1000 + jitter()))
            return batch, [purchase_event(f"t{next(numbers)}", item, cents, at) for item, cents, at in batch]

        producers = [Producer(server, "player-events", "user_data.user_id", players),
                     Producer(server, "purchase-events", "parameters.transaction_id", purchases)]
        for producer in producers:
            producer.start()
        for number in range(ROUNDS):
            before = len(producers[0].sent)
            wait_until(lambda: len(producers[0].sent) > before or producers[0].failure, f"load in round {number}")
            time.sleep(rng.uniform(0, 0.25))
            server.kill()
            server.start()
        for producer in producers:
            producer.finish.set()
            producer.join()
            self.assertIsNone(producer.failure)

        sent_players, sent_purchases = producers[0].sent, producers[1].sent
        print(f"seed {SEED}: {ROUNDS} rounds, {len(sent_players)} + {len(sent_purchases)} events, "
              f"{sum(p.retries for p in producers)} retries, {sum(p.duplicates for p in producers)} duplicates refused")

        # Every acknowledged event is in the topic once.
        stored = collections.Counter(
            (v["user_data"]["user_id"], v["event_timestamp"]) for v in server.values("player-events"))
        wanted = collections.Counter(
            (v["user_data"]["user_id"], v["event_timestamp"])
            for v in map(json.loads, (player_event(u, a) for u, a in sent_players)))
        self.assertEqual(stored, wanted)
        self.assertEqual(len(server.values("purchase-events")), len(sent_purchases))

        # Close every window with records far behind, and compare all that came out.
        end = max(clock.values()) + 60_000
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


if __name__ == "__main__":
    unittest.main()
