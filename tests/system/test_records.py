"""POST /records over kill -9 of the server and of the client: what a source gives is stored once, in its order.

The source is a list of records. A client that knows nothing when it starts asks for the next sequence number and its position, reads on
from there and sends; now and then it forgets everything, as a process does that was killed, in the middle of a request or not.
"""

import http.client
import json
import os
import random
import threading
import time
import unittest
import urllib.parse

from harness import COUNTING, SystemTest, wait_until

ROUNDS = int(os.environ.get("GAMEFLOW_KILL_ROUNDS", "8"))
SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))
TOPICS = ["left", "right", "third"]


class Source(threading.Thread):
    """Record N goes to one of the topics; every 50th is one for a topic that does not exist."""

    def __init__(self, server, rng):
        super().__init__(daemon=True)
        self.server, self.rng, self.seen, self.starts = server, rng, 0, 0
        self.finish = threading.Event()
        self.failure = None

    @staticmethod
    def topic(number):
        return "nowhere" if number % 50 == 49 else TOPICS[number * 7 % 5 % 3]

    def run(self):
        while not self.finish.is_set():
            try:
                self.life()
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)  # the server was killed
            except Exception as failure:  # pylint: disable=broad-except
                self.failure = failure
                return

    def life(self):
        self.starts += 1
        known = self.server.get("/producers/" + urllib.parse.quote("connector/test", safe="")).json
        number, sequence = int(known["position"] or 0), known["next_sequence"]
        assert number == sequence, f"{known}"
        assert number >= self.seen, f"{known}: {self.seen} were acknowledged"
        while not self.finish.is_set():
            count = self.rng.randrange(0, 200)
            lines = [json.dumps({"topic": self.topic(n), "key": f"k{n % 3}", "value": {"n": n}}) for n in range(number, number + count)]
            query = urllib.parse.urlencode({"producer": "connector/test", "sequence": sequence, "position": number + count})
            reply = self.server.request("POST", "/records?" + query, "\n".join(lines))
            if reply.status in (503, 507):
                continue  # the same again
            answer = reply.json
            assert answer["accepted"] + answer["duplicates"] + answer["rejected"] == count, reply.text
            assert all(error["code"] == "topic_not_found" for error in answer["errors"]), reply.text
            number += count
            sequence += count
            self.seen = number
            if self.rng.randrange(20) == 0:
                return


class Records(SystemTest):
    def test_each_once_over_kills(self):
        server = self.server(COUNTING)
        for topic in TOPICS:
            reply = server.request("POST", "/topics", json.dumps({"name": topic, "partitions": 2}), {"Content-Type": "application/json"})
            self.assertEqual(reply.status, 201, reply.text)
        rng = random.Random(SEED)
        source = Source(server, random.Random(SEED + 1))
        source.start()
        for number in range(ROUNDS):
            before = source.seen
            wait_until(lambda: source.seen > before or source.failure, f"records in round {number}")
            time.sleep(rng.uniform(0, 0.2))
            server.kill()
            server.start()
        source.finish.set()
        source.join()
        self.assertIsNone(source.failure)
        # What was acknowledged, or more: the last answer may be lost.
        known = server.get("/producers/connector%2Ftest").json
        count = known["next_sequence"]
        self.assertEqual(known["position"], str(count))
        self.assertGreaterEqual(count, source.seen)
        print(f"seed {SEED}: {ROUNDS} kills, {count} records, {source.starts} starts of the client")
        for topic in TOPICS:
            wanted = [n for n in range(count) if source.topic(n) == topic]
            by_key = {}
            for record in server.records(topic):
                by_key.setdefault(record["key"], []).append(record["value"]["n"])
            self.assertEqual(by_key, {key: of for key in ("k0", "k1", "k2") if (of := [n for n in wanted if f"k{n % 3}" == key])})
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
