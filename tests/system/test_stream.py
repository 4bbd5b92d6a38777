"""A known stream through the real program: every output record against a computation of the test's own."""

import random
import time
import unittest

from harness import (SystemTest, expected_purchases, expected_sessions, player_event, purchase_event, wait_until)

# Half an hour ago, on a window's edge: in the past, so that the clock limit on watermarks plays no part.
BASE = (int(time.time()) - 1800) // 60 * 60 * 1000
GRACE = 2000


def shuffled(events, rng):
    """Out of order, but each within the grace period of what came before it."""
    return sorted(events, key=lambda event: event[-1] + rng.uniform(0, GRACE - 100))


class Stream(SystemTest):
    def setUp(self):
        super().setUp()
        self.rng = random.Random(42)
        self.instance = self.server(self.patient_flagship())

    def send_players(self, events):
        reply = self.instance.produce("player-events", [player_event(user, at) for user, at in events],
                                      key_field="user_data.user_id")
        self.assertEqual(reply.status, 200, reply.text)
        self.assertEqual(reply.json["accepted"], len(events))

    def send_purchases(self, events):
        lines = [purchase_event(f"t{self.rng.random()}", item, abs(cents), at, "refund" if cents < 0 else "purchase")
                 for item, cents, at in events]
        reply = self.instance.produce("purchase-events", lines, key_field="parameters.transaction_id")
        self.assertEqual(reply.json["accepted"], len(events), reply.text)

    def close_windows(self, at):
        """Moves the watermark to `at` with records that reach every partition."""
        before = self.ends("player-events")
        self.send_players([(f"closer{n}", at) for n in range(40)])
        self.send_purchases([("closer", 1, at)] * 40)
        self.assertTrue(all(b < a for b, a in zip(before, self.ends("player-events"))), "40 keys reach every partition")

    def ends(self, topic):
        return [partition["end"] for partition in self.instance.topic(topic)["partitions"]]

    def wait_for_summaries(self, topic, count):
        return wait_until(lambda: len(self.instance.values(topic)) >= count and self.instance.values(topic),
                          f"{count} records in {topic}")

    def test_shuffled_late_broken_and_future(self):
        players = [(f"player_{self.rng.randrange(80)}", BASE + self.rng.randrange(60_000)) for _ in range(20_000)]
        purchases = [(f"item_{self.rng.randrange(7)}", self.rng.choice([1, -1, 1, 1]) * self.rng.randrange(1, 5000),
                      BASE + self.rng.randrange(60_000)) for _ in range(4_000)]
        players, purchases = shuffled(players, self.rng), shuffled(purchases, self.rng)
        for start in range(0, len(players), 500):
            self.send_players(players[start:start + 500])
            self.send_purchases(purchases[start // 5:start // 5 + 100])

        # Broken records are told by index with field and reason; the good ones between them are stored.
        good = ("player_0", BASE + 59_999)
        reply = self.instance.produce("player-events", [
            player_event(*good),
            "{\"event_name\":",
            player_event("player_1", BASE).replace('"level_02"', "7"),
            player_event("player_1", BASE).replace('"platform"', '"platfrom"'),
        ], key_field="user_data.user_id")
        self.assertEqual(reply.status, 200)
        answer = reply.json
        self.assertEqual((answer["accepted"], answer["rejected"]), (1, 3), answer)
        self.assertEqual([(e["index"], e["field"], e["code"]) for e in answer["errors"]],
                         [(1, "", "invalid_json"), (2, "parameters.level_id", "wrong_type"),
                          (3, "user_data.platform", "missing_field")])
        players.append(good)

        # A clock that is years ahead: kept and counted, and nobody else becomes late.
        self.send_players([("time_traveller", BASE + 6 * 365 * 86_400_000)])
        self.close_windows(BASE + 120_000)

        sessions = self.wait_for_summaries("player-session-summaries", 12)
        self.assertEqual(sessions, expected_sessions(players))
        totals = self.wait_for_summaries("purchase-summaries", 6)
        self.assertEqual(totals, expected_purchases(purchases))

        # Late: their windows are closed. Counted, and no window is opened again.
        self.send_players([("player_1", BASE + 1000), ("player_2", BASE + 30_000), ("player_3", BASE + 120_001)])
        service = wait_until(
            lambda: (s := self.instance.service("player-session-analytics"))["records_late"] == 2 and s, "2 late records")
        self.assertEqual(service["records_future"], 1)
        self.assertEqual(service["records_dead"], 0)
        self.assertEqual(self.instance.values("player-session-summaries"), expected_sessions(players))
        self.assertEqual(self.instance.values("dead-letters"), [])

    def test_a_stop_closes_no_window_and_loses_none(self):
        players = [(f"player_{n % 9}", BASE + n * 10) for n in range(400)]
        self.send_players(players)
        wait_until(lambda: self.instance.service("player-session-analytics")["records_in"] == 400, "all were read")
        self.assertEqual(self.instance.stop(), 0)
        self.instance.start()
        self.assertEqual(self.instance.values("player-session-summaries"), [])
        rows = self.instance.request("POST", "/sql", "select sum(count) from events_per_user").json["rows"]
        self.assertEqual(rows, [[400]])
        self.close_windows(BASE + 60_000)
        self.assertEqual(self.wait_for_summaries("player-session-summaries", 1), expected_sessions(players))


if __name__ == "__main__":
    unittest.main()
