"""`gameflow player forget`: afterwards the player is nowhere in what can be read and in no file, totals are as before, and the
engine goes on, also where it was killed in the middle."""

import json
import subprocess
import time
import unittest

from harness import COUNTING, ROOT, SystemTest, iso, player_event, purchase_event, run_cli, wait_until

ARENA = ROOT / "tests" / "system" / "forget.yaml"
PLAYER = "player-4711"
OTHERS = ["player-1", "player-471", "player-4712"]
HOUR_MS = 3_600_000
TOO_MUCH = 9999  # of coins: a dead letter


def hit(player, number, at_ms):
    return json.dumps({"user": {"user_id": player}, "item": f"item-{number % 3}", "coins": number, "at": iso(at_ms)})


class Forget(SystemTest):
    def cli(self, *arguments):
        return run_cli(*arguments, "--server", self.instance.url)

    def sql(self, query):
        reply = self.instance.request("POST", "/sql", json.dumps({"sql": query}), {"Content-Type": "application/json"})
        self.assertEqual(reply.status, 200, reply.text)
        return reply.json["rows"]

    def records(self, topic):
        """[offset, value]: past gaps, which end a page too."""
        found = []
        for partition in self.instance.topic(topic)["partitions"]:
            offset = partition["begin"]
            while offset < partition["end"]:
                reply = self.instance.get(f"/topics/{topic}/records?partition={partition['partition']}&offset={offset}&limit=1000")
                found += [(record["offset"], record["value"]) for record in map(json.loads, reply.text.splitlines())]
                self.assertGreater(int(reply.headers["Gameflow-Next-Offset"]), offset)
                offset = int(reply.headers["Gameflow-Next-Offset"])
        return found

    def settle(self):
        def lag():
            services = self.instance.get("/dataflow").json["services"]
            return sum(p["lag"] for service in services for source in service["sources"] for p in source["partitions"])
        wait_until(lambda: lag() == 0, "services that have read everything")

    def files_with(self, text):
        return subprocess.run(["grep", "-rlaF", text, str(self.folder / "data")], capture_output=True, text=True).stdout.split()

    def send(self, players, numbers):
        at = int(time.time() * 1000) // HOUR_MS * HOUR_MS - 600_000
        for topic in ("hits", "offers"):
            lines = [hit(player, n, at + n) for n in numbers for player in players]
            if topic == "offers":
                lines = lines[:len(players) * 2]
            reply = self.instance.produce(topic, lines, key_field="user.user_id")
            self.assertEqual(reply.status, 200, reply.text[:500])
        self.settle()

    def totals(self):
        return self.sql("select _key, count, coins, players from items order by _key")

    def test_everywhere(self):
        self.instance = self.server(ARENA)
        self.send([PLAYER, *OTHERS], range(30))
        # Of each kind that is no JSON of the topic's type.
        self.instance.produce("notes", [f"{PLAYER} was here", "player-471 was not"], content_type="text/plain")
        escaped = PLAYER.replace("p", "\\u0070")
        self.instance.produce("top", [json.dumps({"total": 9, "best": [{"player": p, "hits": 3} for p in (OTHERS[0], PLAYER, OTHERS[1])]}),
                                      json.dumps({"total": 1, "best": [{"player": PLAYER, "hits": 1}]}).replace(PLAYER, escaped)])
        self.send([PLAYER], [TOO_MUCH])
        totals, ends = self.totals(), [p["end"] for p in self.instance.topic("hits")["partitions"]]
        others = self.sql(f"select _key, hits from players where _key != '{PLAYER}' order by _key")
        self.assertEqual(len(others), 3)
        self.assertTrue(self.files_with(PLAYER))

        done = self.cli("player", "forget", PLAYER, "--dry-run")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("topic hits", done.stdout)
        self.assertEqual(self.instance.get("/players/receipts").json, {"receipts": []})
        self.assertEqual(len(self.sql(f"select 1 from players where _key = '{PLAYER}'")), 1)

        done = self.cli("player", "forget", PLAYER, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        receipt = json.loads(done.stdout)
        self.assertEqual((receipt["step"], receipt["left"]), ("done", 0))
        topics = {name: (counts["erased"], counts["changed"]) for name, counts in receipt["topics"].items()}
        self.assertEqual(topics["hits"], (31, 0))
        self.assertEqual(topics["offers"], (3, 0))
        self.assertEqual(topics["seen"], (31, 0))
        self.assertEqual(topics["top"], (0, 2))
        self.assertEqual(topics["dead-letters"], (1, 0))
        states = receipt["states"]
        self.assertEqual((states["by-player"]["rows"], states["hourly"]["rows"], states["sittings"]["rows"]), (1, 1, 3))
        self.assertEqual(states["by-item"], {"rows": 0, "emptied": 3, "events": 0})
        self.assertEqual(states["meeting"]["events"], 34)
        self.check_gone(totals, others, ends)

        # Nothing is left to do; whoever comes back is somebody new.
        again = json.loads(self.cli("player", "forget", PLAYER, "--json").stdout)
        self.assertEqual(sum(c["erased"] + c["changed"] for c in again["topics"].values()), 0)
        self.assertEqual(again["states"], {})
        self.assertEqual(self.cli("player", "receipts").stdout.count(" done "), 2)
        self.send([PLAYER], [5])
        self.assertEqual(self.sql(f"select hits from players where _key = '{PLAYER}'"), [[1]])
        self.assertEqual(self.instance.stop(), 0)
        self.instance.start()
        self.assertEqual(self.sql(f"select hits from players where _key = '{PLAYER}'"), [[1]])
        verified = self.instance.stop() or run_cli("verify", "--data", self.folder / "data")
        self.assertIn("no damage", verified.stdout)

    def test_killed_in_the_middle(self):
        self.instance = self.server(ARENA)
        self.send([PLAYER, *OTHERS], range(30))
        self.send([PLAYER], [TOO_MUCH])
        totals, ends = self.totals(), [p["end"] for p in self.instance.topic("hits")["partitions"]]
        others = self.sql(f"select _key, hits from players where _key != '{PLAYER}' order by _key")
        reply = self.instance.request("POST", "/players/forget", json.dumps({"player": PLAYER}))
        self.assertEqual((reply.status, reply.headers["Location"]), (202, "/players/receipts/1"))
        # As soon as it is promised, and wherever it is then.
        for _ in range(3):
            self.instance.kill()
            self.instance.start()
        receipt = wait_until(lambda: (r := self.instance.get("/players/receipts/1").json)["step"] == "done" and r, "the receipt")
        # Each record and row is counted once, whatever was done before a kill.
        self.assertEqual({name: receipt["topics"][name]["erased"] for name in ("hits", "offers", "seen", "dead-letters")},
                         {"hits": 31, "offers": 3, "seen": 31, "dead-letters": 1})
        self.assertEqual((receipt["states"]["sittings"]["rows"], receipt["states"]["meeting"]["events"]), (3, 34))
        self.instance.produce("top", [json.dumps({"total": 9, "best": []}), json.dumps({"total": 1, "best": []})])
        self.check_gone(totals, others, ends)

    def test_flagship(self):
        self.instance = self.server()
        at = int(time.time() * 1000)
        for n in range(40):
            player = [PLAYER, *OTHERS][n % 4]
            events = [player_event(player, at - 400 + n), player_event(player, at - 400 + n, "level_start")]
            self.assertEqual(self.instance.produce("player-events", events, key_field="user_data.user_id").status, 200)
            # Two and two pay on one device: so the fraud rules have the player in a row of somebody else.
            bought = (purchase_event(f"t-{n}", f"item_{n % 3}", 100 + n, at - 400 + n).replace("player_1", player)
                      .replace('"platform"', f'"device_id": "device_{n % 2}", "platform"'))
            self.assertEqual(self.instance.produce("purchase-events", [bought]).status, 200)
        wait_until(lambda: len(self.records("purchases")) == 40, "purchases")
        self.settle()
        sales = self.sql('select * from "day-sales" order by _key')
        self.assertTrue(sales)
        self.assertEqual(self.sql("select count(*) from payer"), [[4]])
        accounts = "select json_array_length(texts) from recent_day where _key like 'shared-device%' order by _key"
        self.assertEqual(self.sql(accounts), [[2], [2]])
        done = self.cli("player", "forget", PLAYER, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["left"], 0)
        self.assertEqual(self.sql('select * from "day-sales" order by _key'), sales)
        self.assertEqual(self.sql("select count(*) from payer"), [[3]])
        self.assertEqual(self.sql(accounts), [[2], [2]], "two accounts were there")
        self.assertEqual(len(self.records("purchases")), 30)
        for topic in self.instance.get("/topics").json["topics"]:
            for offset, value in self.records(topic["name"]):
                self.assertNotIn(PLAYER, json.dumps(value), (topic["name"], offset))
        for state in self.instance.get("/states").json["states"]:
            rows = self.instance.get(f"/states/{state['service']}/{state['state']}?limit=10000").text
            self.assertNotIn(PLAYER, rows, state["state"])
        self.assertEqual(self.files_with(PLAYER), [])

    def test_needs_to_know_who_players_are(self):
        self.instance = self.server(COUNTING)
        done = self.cli("player", "forget", PLAYER)
        self.assertEqual(done.returncode, 1)
        self.assertIn("counting.yaml does not say which fields name a player: add 'players:", done.stderr)
        self.assertEqual(self.instance.request("POST", "/players/forget", json.dumps({"player": ""})).status, 400)
        self.assertEqual(self.instance.get("/players/receipts/7").status, 404)

    def check_gone(self, totals, others, ends):
        for name in ("hits", "offers", "seen", "top", "met", "notes", "dead-letters"):
            for offset, value in self.records(name):
                self.assertNotIn(PLAYER, json.dumps(value), (name, offset))
        self.assertEqual([value["total"] for _, value in self.records("top")], [9, 1])
        self.assertEqual([p["end"] for p in self.instance.topic("hits")["partitions"]], ends)
        self.assertEqual(self.totals(), totals)
        for table, key in (("players", "_key"), ("hour", "_key"), ("sitting", "_key"), ("known", "player")):
            found = {row[0] for row in self.sql(f"select {key} from {table}")}
            self.assertTrue(found, table)
            self.assertFalse([key for key in found if PLAYER in key], table)
        self.assertEqual(self.sql(f"select _key, hits from players where _key != '{PLAYER}' order by _key"), others)
        for last, recent in self.sql("select last_player, recent_players from items"):
            self.assertNotIn(PLAYER, json.dumps([last, recent]))
        self.assertEqual(self.sql("select count(*), max(_offset) from hits where item <> ''")[0][0], 90)
        consumed = self.cli("consume", "hits", "-B", "-d")
        self.assertEqual(consumed.returncode, 0, consumed.stderr)
        self.assertEqual(len(consumed.stdout.splitlines()), 90)
        self.assertEqual(self.files_with(PLAYER), [])


if __name__ == "__main__":
    unittest.main()
