"""`POST /events`: events go where their names say, each once whatever happens in between, by clocks that are put right."""

import collections
import gzip
import http.client
import json
import os
import random
import re
import threading
import time
import unittest

from harness import COUNTING, SystemTest, iso, player_event, purchase_event, run_cli, wait_until

ROUNDS = int(os.environ.get("GAMEFLOW_KILL_ROUNDS", "10"))
SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))
NOW = int(time.time() * 1000)


def event(text, **more):
    return {**json.loads(text), **more}


def player(user, event_id=None, at=NOW):
    return event(player_event(user, at), **({"event_id": event_id} if event_id else {}))


def metric(server):
    return {"event_name": "server_metric", "parameters": {"server_id": server, "cpu_load": 1, "memory_usage": 2, "latency": 3},
            "event_timestamp": iso(NOW), "server_data": {"region": "eu", "server_type": "match"}}


class Events(SystemTest):
    def setUp(self):
        super().setUp()
        self.instance = self.server()

    def send(self, body, content_type="application/json", query="", headers=None):
        body = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self.instance.request("POST", "/events" + query, body, {"Content-Type": content_type, **(headers or {})})

    def outcome(self, *arguments, **named):
        reply = self.send(*arguments, **named)
        answer = reply.json
        if "error" in answer:
            return reply.status, answer["error"]["code"]
        return reply.status, answer["accepted"], answer["duplicates"], answer["rejected"]

    def test_events_go_where_their_names_say(self):
        batch = [player("ann"), event(purchase_event("t1", "sword", 499, NOW)), metric("server_1"),
                 {"event_name": "transacton"}, {"event_name": "player_action"}, 7]
        reply = self.send({"events": batch})
        self.assertEqual(reply.status, 200, reply.text)
        self.assertEqual([(e["index"], e["field"], e["code"]) for e in reply.json["errors"]],
                         [(3, "event_name", "unknown_event"), (4, "parameters", "missing_field"), (5, "event_name", "missing_field")])
        self.assertIn("did you mean 'transaction'?", reply.json["errors"][0]["message"])
        for topic, key in (("player-events", "ann"), ("purchase-events", "t1"), ("server-metrics", "server_1")):
            self.assertEqual([record["key"] for record in self.instance.records(topic)], [key])
        self.assertEqual(reply.headers["Gameflow-Limits"],
                         "body-bytes=8388608, unpacked-bytes=33554432, events=10000, event-bytes=65536")
        self.assertRegex(reply.headers["Gameflow-Usage"], r"^body-bytes=\d+, unpacked-bytes=\d+, events=6$")

    def test_bodies(self):
        line = json.dumps(player("bob"))
        for what, body, content_type, headers, wanted in (
                ("one", line, "application/json", {}, (200, 1, 0, 0)),
                ("an array", f"[{line},{line}]", "application/json", {}, (200, 2, 0, 0)),
                ("lines", f"{line}\n{line}\n", "application/x-ndjson", {}, (200, 2, 0, 0)),
                ("a beacon", json.dumps({"events": [json.loads(line)], "sent_at": NOW}, indent=1), "text/plain;charset=UTF-8", {},
                 (200, 1, 0, 0)),
                ("gzip", gzip.compress(f"{line}\n".encode() * 100), "application/x-ndjson", {"Content-Encoding": "gzip"}, (200, 100, 0, 0)),
                ("all bad", '[{"event_name":"x"}]', "application/json", {}, (400, 0, 0, 1)),
                ("no JSON", "[", "application/json", {}, (400, "invalid_json")),
                ("too many", "[" + ",".join(["1"] * 10001) + "]", "application/json", {}, (413, "payload_too_large"))):
            self.assertEqual(self.outcome(body, content_type, headers=headers), wanted, what)
        self.assertIn("Gameflow-Limits", self.send("[").headers)
        self.assertEqual(self.outcome(line, query="?producer=p&sequence=0"), (200, 1, 0, 0))
        self.assertEqual(self.outcome(line, query="?producer=p&sequence=0"), (200, 0, 1, 0))
        self.assertEqual(self.outcome(line, query="?key=a"), (400, "invalid_argument"))

    def test_ids(self):
        first = player("ann", "a")
        self.assertEqual(self.outcome([first, first]), (200, 1, 1, 0))
        self.assertEqual(self.outcome(first), (200, 0, 1, 0))
        self.assertEqual(self.instance.produce("player-events", [json.dumps(first)]).json["duplicates"], 1)
        self.assertEqual(self.outcome([event(json.dumps(metric("server_1")), event_id="a")]), (200, 1, 0, 0))
        other = self.send(player("eve", "a"))
        self.assertEqual((other.status, other.json["errors"][0]["code"]), (400, "id_clash"))
        # A transaction that is sent again with another amount, and one with a new event id.
        self.assertEqual(self.outcome([event(purchase_event("t1", "sword", cents, NOW)) for cents in (499, 499, 1)]), (200, 1, 1, 1))
        self.assertEqual(self.outcome(event(purchase_event("t1", "sword", 499, NOW), event_id="new")), (400, 0, 0, 1))
        letters = self.instance.values("dead-letters")
        self.assertEqual([(letter["operator"], letter["code"], letter["field"]) for letter in letters],
                         [("deduplicate", "id_clash", "event_id")] + [("deduplicate", "id_clash", "parameters.transaction_id")] * 2)
        self.assertEqual(json.loads(letters[0]["value"])["user_data"]["user_id"], "eve")
        # Somebody looks at it, and takes it all the same.
        listed = run_cli("dead-letters", "list", "--server", self.instance.url)
        self.assertRegex(listed.stdout, r"(?m)deduplicate +id_clash +player-events ")
        replayed = run_cli("dead-letters", "replay", "0:0", "--server", self.instance.url)
        self.assertEqual(replayed.returncode, 0, replayed.stderr)
        self.assertEqual(self.instance.topic("player-events")["records"], 2)

    def test_clocks(self):
        hour = 3_600_000
        early = player("ann", at=NOW - hour)
        early["user_data"]["platform"] = "ios"
        reply = self.send({"events": [early], "sent_at": iso(int(time.time() * 1000) - hour)})
        self.assertEqual((reply.json["accepted"], reply.json["corrected"]), (1, 1), reply.text)
        stored = self.instance.values("player-events")[0]
        self.assertEqual(stored["event_timestamp_raw"], early["event_timestamp"])
        self.assertRegex(stored["event_timestamp"], re.escape(iso(NOW)[:11]) if iso(NOW)[:11] == iso(NOW + 60_000)[:11] else "")
        self.assertEqual(self.send({"events": [early], "sent_at": int(time.time() * 1000)}).json["corrected"], 0)
        self.assertEqual(self.send({"events": [early], "sent_at": 0}, query=f"?sent_at={int(time.time() * 1000)}").json["corrected"], 0)
        told = self.send({"events": [early], "sent_at": "soon"}).json
        self.assertEqual((told["accepted"], told["warnings"][0]["field"]), (1, "sent_at"))
        metrics = self.instance.get("/metrics").text
        self.assertIn('gameflow_events_dated_total{platform="ios"} 4', metrics)
        self.assertIn('gameflow_events_corrected_total{platform="ios"} 1', metrics)
        self.assertEqual(self.instance.get("/dataflow").json["clocks"][0]["platform"], "ios")

    def test_each_once_over_kills(self):
        """Clients that only have ids send batches again until they are answered; some of what they send again is changed."""
        rng = random.Random(SEED)
        finish = threading.Event()
        sent, clashes, failures = [collections.Counter() for _ in range(3)], [0] * 3, []

        def client(number):
            own = random.Random(SEED + number)
            count = 0
            while not finish.is_set():
                batch = []
                for _ in range(50):
                    kind = own.randrange(2)
                    name = f"c{number}-{count}"
                    count += 1
                    batch.append(player(name, name) if kind else event(purchase_event(name, "sword", 100, NOW), event_id=name))
                    sent[number][name] += 1
                    if own.randrange(20) == 0:  # the same id, another event
                        batch.append({**batch[-1], "user_data": {"user_id": name, "platform": "other"}})
                        clashes[number] += 1
                while True:
                    try:
                        reply = self.send({"events": batch})
                        if reply.status == 200:
                            break
                        if reply.status not in (503, 507):
                            failures.append(reply.text)
                            return
                    except (OSError, http.client.HTTPException):
                        pass
                    time.sleep(0.01)

        clients = [threading.Thread(target=client, args=(number,), daemon=True) for number in range(3)]
        for thread in clients:
            thread.start()
        for number in range(ROUNDS):
            before = sum(len(of) for of in sent)
            wait_until(lambda: sum(len(of) for of in sent) > before + 100 or failures, f"load in round {number}")
            time.sleep(rng.uniform(0, 0.2))
            self.instance.kill()
            self.instance.start()
        finish.set()
        for thread in clients:
            thread.join()
        self.assertEqual(failures, [])
        stored = collections.Counter(value["event_id"] for topic in ("player-events", "purchase-events")
                                     for value in self.instance.values(topic))
        self.assertEqual(stored, sum(sent, collections.Counter()))
        letters = self.instance.values("dead-letters")
        self.assertEqual(len(letters), sum(clashes), f"seed {SEED}")
        self.assertEqual({letter["code"] for letter in letters} | {"id_clash"}, {"id_clash"})
        print(f"seed {SEED}: {ROUNDS} rounds, {len(stored)} events, {len(letters)} clashes")
        self.assertEqual(self.instance.stop(), 0)


class NoEvents(SystemTest):
    def test_a_dataflow_without_routes_takes_none(self):
        reply = self.server(COUNTING).request("POST", "/events", "{}")
        self.assertEqual((reply.status, reply.json["error"]["code"]), (404, "not_found"))


if __name__ == "__main__":
    unittest.main()
