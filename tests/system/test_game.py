"""The simulated game: its own statistics are those of what it gives out, its events are the same in any number of threads, and what
was interrupted goes on where it stopped."""

import collections
import datetime
import decimal
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

from harness import FLAGSHIP, PROGRAM, SystemTest, iso, run_cli, wait_until

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "evaluate"))
import fraud

FROM = "2024-11-01"
TOPICS = {"player_action": "player-events", "transaction": "purchase-events", "server_metric": "server-metrics"}

# Few players, and all that can go wrong often enough to be seen.
EVERYTHING = """
players: 400
show-ip-addresses: true
faults: { duplicates: 0.01, corrupt: 0.001, lost: 0.002, late: 0.1, wrong-clocks: 0.05, bots: 0.005 }
anomalies:
  hard-level: { level: level_02, map: map_04, at: 2h, for: 12h }
  crashing-level: { level: level_03, map: map_01 }
  burst-account: { at: 4h, every: 6h }
  burst-address: { at: 5h }
  card-testers: { at: 6h, players: 2 }
  refund-abuser: { at: 1h }
  speed-hackers: { at: 10h, every: 6h }
  price-tamperers: { at: 12h }
  currency-hoppers: { at: 7h }
  device-farm: { at: 9h }
  account-takeover: { at: 14h }
  degrading-server: { server: server_3, at: 3h, for: 40m }
  region-outage: { region: us-east, at: 8h, for: 30m }
"""


def game(*arguments, **options):
    done = run_cli("generate", "--profile", "game", "--stdout", *arguments, **options)
    assert done.returncode == 0, done.stderr
    return done.stdout


def count(lines):
    """What a plain look at the output gives, in the form of the truth."""
    seen, events, types, copies = set(), collections.Counter(), collections.Counter(), collections.Counter()
    players, buyers, sessions, numbers, lost = set(), set(), {}, {}, collections.Counter()
    levels = collections.defaultdict(collections.Counter)
    revenue = collections.defaultdict(lambda: collections.Counter(gross=decimal.Decimal(0), refunded=decimal.Decimal(0)))
    corrupt = late = 0
    from_iso = lambda text: round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)
    for line in lines:
        try:
            event = json.loads(line, parse_float=decimal.Decimal)
        except ValueError:
            corrupt += 1
            continue
        name = event.get("event_name")
        if name is None:
            events["player-positions"] += 1
            continue
        if event["parameters"] is None:
            corrupt += 1
            continue
        topic = TOPICS[name]
        if event["event_id"] in seen:
            copies[topic] += 1
            continue
        seen.add(event["event_id"])
        events[topic] += 1
        if name == "server_metric":
            continue
        time, what, user = from_iso(event["event_timestamp"]), event["parameters"], event["user_data"]["user_id"]
        late += from_iso(event["sent_at"]) - time > 60_000
        if name == "player_action":
            types[what["event_type"]] += 1
            players.add(user)
            version = event["user_data"]["platform"], event["user_data"]["client_version"]
            lost[version] += what["sequence"] - numbers.get(what["session_id"], what["sequence"] - 1) - 1
            numbers[what["session_id"]] = what["sequence"]
            first, last = sessions.get(what["session_id"], (time, time))
            assert time >= last, "events of a session come in order"
            sessions[what["session_id"]] = (first, time)
            levels[what["level_id"], what["map_id"]][what["event_type"]] += 1
        else:
            buyers.add(user)
            sale = revenue[what["item_id"], what["currency"]]
            is_refund = what["transaction_type"] == "refund"
            sale["refunds" if is_refund else "purchases"] += 1
            sale["refunded" if is_refund else "gross"] += what["amount"]
    return {"events": events, "duplicates": copies, "corrupt": corrupt, "event_types": types, "sessions": len(sessions),
            "playtime_ms": sum(last - first for first, last in sessions.values()), "players": len(players),
            "buyers": len(buyers), "lost": lost, "late": late, "levels": levels, "revenue": revenue}


class Truth(unittest.TestCase):
    def test_statistics_are_those_of_the_output(self):
        with tempfile.TemporaryDirectory(prefix="gameflow-test-") as folder:
            settings, truth_file = os.path.join(folder, "game.yaml"), os.path.join(folder, "truth.json")
            with open(settings, "w") as file:
                file.write(EVERYTHING)
            output = game("--from", FROM, "--days", 1, "--positions", "--game", settings, "--truth", truth_file)
            with open(truth_file) as file:
                truth = json.load(file)
        lines = output.splitlines()
        counted = count(lines)
        self.assertEqual((truth["from"], truth["until"], truth["complete"]), ("2024-11-01T00:00:00Z", "2024-11-02T00:00:00Z", True))
        nothing = lambda counter: {key: value for key, value in counter.items() if value}
        self.assertEqual(truth["events"], dict(counted["events"]))
        self.assertEqual(nothing(truth["duplicates"]), dict(counted["duplicates"]))
        self.assertEqual(sum(truth["corrupt"].values()), counted["corrupt"])
        for one in ("sessions", "playtime_ms", "players", "buyers", "late"):
            self.assertEqual(truth[one], counted[one], one)
        self.assertEqual(nothing(truth["event_types"]), dict(counted["event_types"]))
        self.assertGreater(len(counted["event_types"]), 9)
        lost = {(of["platform"], of["client_version"]): of["events"] for of in truth["lost"]}
        self.assertEqual(nothing(lost), nothing(counted["lost"]))
        moves = sum(counted["event_types"][small] for small in ("move", "interaction", "heartbeat"))
        self.assertAlmostEqual(sum(lost.values()) / moves, 0.002 * (0.92 + 10 * 0.08), delta=0.0015)
        for level in truth["levels"]:
            of = counted["levels"][level["level_id"], level["map_id"]]
            self.assertEqual([level[key] for key in ("started", "completed", "failed", "quit")],
                             [of["level_start"], of["level_complete"], of["level_fail"], of["level_quit"]], level)
        self.assertEqual(len(truth["levels"]), 60)
        for sale in truth["revenue"]:
            of = counted["revenue"].pop((sale["item_id"], sale["currency"]))
            self.assertEqual((sale["purchases"], sale["refunds"]), (of["purchases"], of["refunds"]), sale)
            for key in ("gross", "refunded"):
                self.assertEqual(decimal.Decimal(sale[key]), of[key], sale)
        self.assertEqual(counted["revenue"], {})
        self.assertLessEqual({"USD", "EUR", "JPY"}, {sale["currency"] for sale in truth["revenue"]})
        # Enough of everything that a difference would show.
        for wrong in (truth["late"], counted["corrupt"], sum(truth["duplicates"].values()), truth["wrong_clock"]):
            self.assertGreater(wrong, 100)
        self.find_anomalies(truth, lines)

    def find_anomalies(self, truth, lines):
        """Each is in the output, where the truth says that it is."""
        of = collections.defaultdict(list)
        for anomaly in truth["anomalies"]:
            of[anomaly["kind"]].append(anomaly)
        self.assertEqual({kind: len(found) for kind, found in of.items()},
                         {"hard-level": 1, "crashing-level": 1, "burst-account": 4, "burst-address": 1, "card-testers": 1,
                          "refund-abuser": 1, "speed-hackers": 3, "price-tamperers": 1, "currency-hoppers": 1, "device-farm": 1,
                          "account-takeover": 1, "degrading-server": 1, "region-outage": 1})
        events, seen = [], set()
        for line in lines:
            if line.startswith('{"event_name":"transaction') or line.startswith('{"event_name":"server'):
                try:
                    event = json.loads(line)
                except ValueError:
                    continue
                if event["parameters"] is not None and event["event_id"] not in seen:
                    seen.add(event["event_id"])
                    events.append(event)
        fine = lambda time: time.replace("Z", ".000Z")
        within = lambda anomaly: [e for e in events if fine(anomaly["from"]) <= e["event_timestamp"] < fine(anomaly["until"])]
        sales = lambda anomaly: [e for e in within(anomaly) if e["event_name"] == "transaction"]
        clocks = set(truth["wrong_clock_players"])
        for burst in of["burst-account"]:
            if not clocks.intersection(burst["players"]):
                self.assertGreaterEqual(sum(e["user_data"]["user_id"] == burst["players"][0] for e in sales(burst)), 12)
        burst, = of["burst-address"]
        self.assertRegex(burst["ip_address"], r"^10\.\d+\.\d+\.\d+$")
        if not clocks.intersection(burst["players"]):
            self.assertGreaterEqual(sum(e["user_data"]["ip_address"] == burst["ip_address"] for e in sales(burst)), 14)
        abuser, = of["refund-abuser"]
        kinds = collections.Counter(e["parameters"]["transaction_type"] for e in events
                                    if e["event_name"] == "transaction" and e["user_data"]["user_id"] == abuser["players"][0])
        self.assertGreater(kinds["refund"], kinds["purchase"] / 2)
        farm, = of["device-farm"]
        self.assertEqual(sum(e["user_data"]["device_id"] == farm["device_id"] and e["user_data"]["user_id"] in farm["players"] for e in events
                             if e["event_name"] == "transaction" and e["parameters"]["transaction_type"] == "purchase"
                             and fine(farm["from"]) <= e["event_timestamp"] < fine(farm["until"])) >= farm["purchases"], not clocks.intersection(farm["players"]))
        outage, = of["region-outage"]
        metrics = [e for e in within(outage) if e["event_name"] == "server_metric"]
        self.assertGreater(len(metrics), 100)
        self.assertNotIn("us-east", {e["server_data"]["region"] for e in metrics})
        slow, = of["degrading-server"]
        latency = lambda server: [e["parameters"]["latency"] for e in within(slow) if e["event_name"] == "server_metric"
                                  and e["parameters"]["server_id"] == server]
        self.assertGreater(max(latency(slow["server_id"])), 200)
        hard, all_of = truth["hard_level"], next(level for level in truth["levels"] if level["level_id"] == "level_02"
                                                 and level["map_id"] == "map_03")
        self.assertLess(hard["completed"] / hard["started"], 0.25)
        self.assertGreater(all_of["completed"] / all_of["started"], 0.6)
        self.assertGreater(truth["crashed_sessions"], 5)

    def test_a_stop_writes_the_truth_of_what_was_given_out(self):
        with tempfile.TemporaryDirectory(prefix="gameflow-test-") as folder:
            truth_file = os.path.join(folder, "truth.json")
            process = subprocess.Popen([PROGRAM, "generate", "--profile", "game", "--stdout", "--positions", "--players", "2000",
                                        "--truth", truth_file], stdout=subprocess.PIPE, text=True)
            lines = [process.stdout.readline() for _ in range(200)]
            process.send_signal(signal.SIGTERM)
            lines += process.stdout.readlines()
            process.stdout.close()
            self.assertEqual(process.wait(), 0)
            with open(truth_file) as file:
                truth = json.load(file)
        counted = count(lines)
        self.assertFalse(truth["complete"])
        self.assertEqual({k: v for k, v in truth["events"].items() if v}, dict(counted["events"]))
        self.assertEqual((truth["sessions"], truth["playtime_ms"]), (counted["sessions"], counted["playtime_ms"]))
        # Players were in the middle of the game when it began.
        self.assertGreater(counted["event_types"]["move"], 10 * counted["event_types"]["session_start"])


class Analytics(SystemTest):
    """The flagship finds what the truth says."""

    def test_the_flagship_against_the_truth(self):
        server = self.server()
        settings, truth_file = server.folder / "game.yaml", server.folder / "truth.json"
        # Of history, clocks that are fast would close everybody's windows: the server's clock does not hold them back.
        settings.write_text(EVERYTHING.replace("wrong-clocks: 0.05", "wrong-clocks: 0").replace("bots: 0.005", "bots: 0"))
        done = run_cli("generate", "--profile", "game", "--to", server.url, "--from", FROM, "--days", 1, "--game", settings,
                       "--truth", truth_file, timeout=600)
        # What was damaged is refused, and only that.
        self.assertEqual(done.returncode, 0, done.stderr)
        truth = json.loads(truth_file.read_text())
        damaged = sum(truth["corrupt"].values())
        self.assertIn(f"{damaged:,} rejected", done.stderr)
        for topic, events in truth["events"].items():
            if topic != "player-positions":
                # Duplicates have the same `event_id`: the topic takes them once.
                self.assertEqual(server.topic(topic)["records"], events, topic)

        completed = {(level["level_id"], level["map_id"]): level["completed"] for level in truth["levels"]}
        found = lambda: {(row["level_id"], row["map_id"]): row for row in
                         map(json.loads, run_cli("sql", "--server", server.url, "--format", "json",
                                                 'select level_id, map_id, sum(attempts) as attempts, sum(completed) as completed from "level-day" group by 1, 2').stdout.splitlines())}
        wait_until(lambda: sum(row["completed"] for row in found().values()) >= sum(completed.values()), "all attempts are seen", 600)
        rows = found()
        self.assertEqual({place: row["completed"] for place, row in rows.items()}, completed)
        # Not twice, where clients have sent it twice. A little more: some began before the first event.
        attempts, started = sum(row["attempts"] for row in rows.values()), sum(level["started"] for level in truth["levels"])
        self.assertAlmostEqual(attempts / started, 1, delta=0.02)

        # Players and sessions, by the server's own rule. The last sessions have not ended yet, or only the clients know it.
        days = lambda: json.loads(run_cli("sql", "--server", server.url, "--format", "json",
                                          "select sum(new_players) as players, sum(sessions_started) as sessions, sum(length_ms) as playtime_ms, "
                                          "sum(sessions_capped) as capped from day").stdout)
        wait_until(lambda: (days()["sessions"] or 0) >= 0.99 * truth["sessions"] and days()["players"] >= truth["players"], "all sessions are seen", 600)
        seen = days()
        self.assertEqual((seen["players"], seen["capped"]), (truth["players"], 0))
        self.assertAlmostEqual(seen["sessions"] / truth["sessions"], 1, delta=0.01)
        self.assertAlmostEqual(seen["playtime_ms"] / truth["playtime_ms"], 1, delta=0.05)

        revenue = collections.Counter()
        expected = {}
        for sale in truth["revenue"]:
            of = sale["item_id"], sale["currency"]
            expected |= {(*of, False): decimal.Decimal(sale["gross"]), (*of, True): decimal.Decimal(sale["refunded"])}
        expected = {of: amount for of, amount in expected.items() if amount}
        wait_until(lambda: server.topic("purchases")["records"] >= truth["events"]["purchase-events"], "all purchases are seen", 600)
        for value in server.raw_values("purchases"):
            sale = json.loads(value, parse_float=decimal.Decimal)
            revenue[sale["item_id"], sale["currency"], sale["is_refund"]] += sale["amount"]
        self.assertEqual(dict(revenue), expected)

        # Of fraud all is found, and nearly nothing else; tests/evaluate/fraud.py measures it over days and seeds.
        found = fraud.judge(truth, fraud.flags_of(server))
        self.assertEqual(set(found["found"]), set(fraud.RULES))
        for kind, counts in found["found"].items():
            self.assertEqual(counts["found"], counts["there"], (kind, found))
        for rule in set().union(*fraud.RULES.values()) - {"shared-address"}:
            self.assertGreaterEqual(found["flags"][rule]["right"], 0.9 * found["flags"][rule]["flags"], (rule, found))
        wait_until(lambda: sum(alert["state"] == "recovered" for alert in server.values("server-alerts") if alert["target"] in ("server server_3", "region us-east")) >= 2,
                   "the ends of the alerts", 600)
        told = collections.Counter((alert["state"], alert["target"], alert["metric"]) for alert in server.values("server-alerts"))
        # The server that got slow; the outage of a region is one alert, not one of each server.
        self.assertEqual((told["firing", "server server_3", "latency_p95"], told["recovered", "server server_3", "latency_p95"]), (1, 1))
        self.assertEqual((told["firing", "region us-east", "bad_servers"], told["recovered", "region us-east", "bad_servers"]), (1, 1))
        self.assertEqual({target for _, target, metric in told if not metric.startswith("slo")} - {"server server_3", "region us-east"}, set(), told)

        # What the dashboard `trust` says: what came twice or damaged, and what never came, by the platforms and versions that have lost it.
        def rows(query):
            answer = run_cli("sql", "--server", server.url, "--format", "json", query)
            self.assertEqual(answer.returncode, 0, answer.stderr)
            return [json.loads(row) for row in answer.stdout.splitlines()]
        outcomes = {row["outcome"]: row["value"] for row in rows(
            "select labels ->> 'outcome' as outcome, value from _metrics where name = 'gameflow_produce_records_total'")}
        self.assertEqual((outcomes["duplicate"], outcomes["rejected"]), (sum(truth["duplicates"].values()), damaged))
        wait_until(lambda: server.service("event-gaps")["records_in"] >= truth["events"]["player-events"], "all gaps are seen", 600)
        self.assertEqual({(row["platform"], row["client_version"]): row["lost"] for row in rows(
                             "select platform, client_version, sum(lost) as lost from event_gaps group by 1, 2")},
                         {(of["platform"], of["client_version"]): of["events"] for of in truth["lost"] if of["events"]})
        self.assertEqual(server.stop(), 0)


class Fraud(SystemTest):
    def test_a_day_on_which_nothing_is_wrong_is_quiet(self):
        """Copies, late events, wrong clocks and bots are nobody's fraud: of 2,000 players a flag or two, at most."""
        truth, flags = fraud.run(1001, "")
        self.assertGreater(truth["events"]["purchase-events"], 500)
        self.assertGreater(min(truth["duplicates"]["purchase-events"], truth["late"], len(truth["wrong_clock_players"])), 5)
        bots = {"account " + bot for bot in truth["bots"]}
        told = [flag for flag in flags if flag["mode"] == "active" and flag["subject"] not in bots]
        self.assertLessEqual(len(told), 2, told)

    def test_rules_are_data(self):
        """A rule that is off flags nothing; turned on while the server runs it does, and a new line is a new rule."""
        folder = self.folder / "mine"
        shutil.copytree(FLAGSHIP.parent, folder)
        rules = folder / "tables" / "fraud_rules.csv"
        before = rules.read_text()
        self.assertIn("burst-account,active,", before)
        rules.write_text(before.replace("burst-account,active,", "burst-account,off,"))
        server = self.server(folder / "dataflow.yaml")
        sent = 0

        def buy():
            nonlocal sent
            at = round(time.time() * 1000) - 60_000
            server.produce("purchase-events", [json.dumps({
                "event_name": "transaction", "event_timestamp": iso(at + n), "user_data": {"user_id": "ann", "platform": "PC"},
                "parameters": {"transaction_id": f"t{sent + n}", "transaction_type": "purchase", "currency": "USD", "amount": 4.99,
                               "item_id": "skin_dragon", "item_type": "skin"}}) for n in range(6)])
            sent += 6
            wait_until(lambda: server.service("fraud")["records_in"] >= sent, "all is looked at")
            time.sleep(0.1)
            return server.values("fraud-alerts")

        self.assertEqual(buy(), [])
        rules.write_text(before + "12,no-more-skins,active,count,item,purchase,,4,5,1,3,,5,1,these are scarce\n")
        wait_until(lambda: {"burst-account", "no-more-skins"} <= {flag["rule"] for flag in buy()}, "the rules are read again")
        flag = next(flag for flag in server.values("fraud-alerts") if flag["rule"] == "no-more-skins")
        self.assertEqual((flag["subject"], flag["score"], flag["reason"]),
                         ("item skin_dragon", 5, "3 purchases of item skin_dragon within 1 minute: these are scarce"))
        self.assertEqual(server.stop(), 0)


class Output(unittest.TestCase):
    def test_the_same_in_any_number_of_threads(self):
        arguments = ["--from", FROM, "--players", 150_000, "--events", 60_000, "--positions"]
        one, two, four = (game(*arguments, "--threads", threads) for threads in (1, 2, 4))
        self.assertGreater(len(one), 10_000_000)
        self.assertTrue(one == two == four)
        self.assertNotEqual(one, game(*arguments, "--seed", 2))

    def test_addresses_are_hashed_unless_asked_for(self):
        event = json.loads(game("--from", FROM, "--events", 1, "--only", "player", "--players", 500).splitlines()[0])
        self.assertRegex(event["user_data"]["ip_address"], r"^ip_[0-9a-f]{12}$")

    def test_mistakes(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write("playres: 5\nanomalies:\n  region-outage: { region: eu-wset }\n")
            file.flush()
            done = run_cli("generate", "--profile", "game", "--stdout", "--game", file.name)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            for part in (f"{file.name}:1:1: error: unknown key 'playres'", "did you mean 'players'?",
                         f"{file.name}:3:28: error: there is no region 'eu-wset'", "did you mean 'eu-west'?", "has 2 mistakes"):
                self.assertIn(part, done.stderr)
        for arguments, part in ((["--game", "/nowhere"], "cannot read '/nowhere'"), (["--truth", "/nowhere/t"], "cannot write"),
                                (["--start-time", "2024-11-01T00:00:00Z"], "begins at --from"),
                                (["--truth", "t", "--events", "5"], "say --days")):
            done = run_cli("generate", "--profile", "game", "--stdout", *arguments)
            self.assertIn(part, done.stderr)
            self.assertNotEqual(done.returncode, 0)
        done = run_cli("generate", "--stdout", "--speed", "60")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--profile game", done.stderr)


class Restarts(SystemTest):
    def test_each_event_once_over_kills_of_either_side(self):
        server = self.server()
        arguments = ["--profile", "game", "--from", FROM, "--days", "1", "--players", "300", "--positions"]
        # What is sent again under its event_id is stored once.
        whole, ids = collections.Counter(), set()
        for line in run_cli("generate", "--stdout", *arguments).stdout.splitlines():
            event_id = re.search(r'"event_id":"([^"]+)"', line)
            is_damaged = line.count("{") != line.count("}") or '"parameters":null' in line
            if not is_damaged and (event_id is None or event_id[1] not in ids):
                whole[line] += 1
                ids.add(event_id and event_id[1])
        topics = ["player-events", "purchase-events", "server-metrics", "player-positions"]
        stored = lambda: sum(server.topic(topic)["records"] for topic in topics)

        def generator():
            return subprocess.Popen([PROGRAM, "generate", "--to", server.url, "--producer-id", "day", *arguments],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

        for part in (0.1, 0.3, 0.5):
            process = generator()
            wait_until(lambda: stored() > part * whole.total() or process.poll() is not None, f"{part} of the events")
            if part == 0.3:
                server.kill()
                server.start()
            process.kill()
            process.wait()
            process.stderr.close()
        process = generator()
        self.assertEqual(process.wait(600), 0, process.stderr.read())
        process.stderr.close()
        records = collections.Counter(value.decode() for topic in topics for value in server.raw_values(topic))
        self.assertEqual(records.total(), whole.total())
        self.assertEqual(records, whole)
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
