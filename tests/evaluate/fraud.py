"""What the rules for fraud find of what the simulated game did: `measure(seed)`, a day of it with copies, late events, wrong clocks and bots."""

import collections
import json
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from harness import PROGRAM, Server, wait_until  # pylint: disable=wrong-import-position

FROM = "2024-11-01"
FAULTS = "{ duplicates: 0.01, corrupt: 0.0005, late: 0.1, late-max: 30m, wrong-clocks: 0.005, bots: 0.005 }"
ANOMALIES = """
  burst-account: { at: 20m, every: 100m }
  burst-address: { at: 50m, every: 130m }
  card-testers: { at: 80m, every: 3h }
  refund-abuser: { at: 10m, every: 8h, for: 7h }
  speed-hackers: { at: 70m, every: 3h }
  price-tamperers: { at: 100m, every: 4h }
  currency-hoppers: { at: 45m, every: 5h }
  device-farm: { at: 130m, every: 4h }
  account-takeover: { at: 90m, every: 3h }
"""

# Which rules are to find what.
RULES = {"burst-account": {"burst-account"}, "burst-address": {"burst-address", "shared-address"}, "card-testers": {"card-testing"},
         "refund-abuser": {"refunds"}, "speed-hackers": {"too-fast"}, "price-tamperers": {"odd-amount"}, "currency-hoppers": {"many-currencies"},
         "device-farm": {"shared-device"}, "account-takeover": {"spending"}}
# Of these each player is one to be found; of the others all together are.
EACH = {"card-testers", "speed-hackers", "price-tamperers", "currency-hoppers"}


def play(server, seed, anomalies=ANOMALIES, players=2000):
    """A day of the game; what really happened."""
    settings, truth = server.folder / f"game-{seed}.yaml", server.folder / f"truth-{seed}.json"
    settings.write_text(f"players: {players}\nmetrics-every: 10m\nshow-ip-addresses: true\nfaults: {FAULTS}\nanomalies: {anomalies.strip() and anomalies or '{}'}\n")
    done = subprocess.run([PROGRAM, "generate", "--profile", "game", "--to", server.url, "--from", FROM, "--days", "1", 
                           "--seed", str(seed), "--game", settings, "--truth", truth], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    return json.loads(truth.read_text())


def flags_of(server):
    """All flags, of active and of shadow rules, when all is done."""
    wait_until(lambda: server.service("fraud")["records_in"] >= server.topic("purchases")["records"] + server.topic("level-attempts")["records"]
               and server.service("purchases")["records_in"] >= server.topic("purchase-events")["records"]
               and server.service("level-attempts")["records_in"] >= server.topic("player-events")["records"], "all is looked at", 600)
    buyers = {purchase["transaction_id"]: "account " + purchase["player_id"] for purchase in server.values("purchases")}
    flags = server.values("fraud-alerts") + server.values("fraud-shadow")
    for flag in flags:
        flag["accounts"] = [buyers.get(transaction, flag["subject"]) for transaction in flag["transactions"]]
    return flags


def subjects(anomaly):
    places = {"address " + anomaly["ip_address"]} if anomaly.get("ip_address") else set()
    if anomaly.get("device_id"):
        places.add("device " + anomaly["device_id"])
    return {"account " + player for player in anomaly.get("players", [])} | places


def judge(truth, flags):
    """Of each kind how many there were and were found; of each rule how many flags it gave and were right: of accounts, an address or a device of the truth, or with
    evidence that is mostly theirs."""
    guilty = set().union(*map(subjects, truth["anomalies"]), {"account " + bot for bot in truth["bots"]})
    found = collections.defaultdict(lambda: collections.Counter(there=0, found=0))
    for anomaly in truth["anomalies"]:
        if anomaly["kind"] not in RULES:
            continue
        mine = subjects(anomaly)
        who = [{one} for one in mine] if anomaly["kind"] in EACH else [mine]
        for one in who:
            found[anomaly["kind"]]["there"] += 1
            found[anomaly["kind"]]["found"] += any(flag["subject"] in one and flag["rule"] in RULES[anomaly["kind"]]
                                                   and anomaly["from"] <= flag["until"] for flag in flags)
    given = collections.defaultdict(lambda: collections.Counter(flags=0, right=0))
    for flag in flags:
        given[flag["rule"]]["flags"] += 1
        given[flag["rule"]]["right"] += flag["subject"] in guilty or sum(one in guilty for one in flag["accounts"]) * 2 > len(flag["accounts"])
    return {"found": {kind: dict(counts) for kind, counts in found.items()}, "flags": {rule: dict(counts) for rule, counts in given.items()}}


def run(seed, anomalies):
    with tempfile.TemporaryDirectory(prefix="gameflow-test-") as folder:
        server = Server(pathlib.Path(folder))
        server.start()
        try:
            truth = play(server, seed, anomalies)
            flags = flags_of(server)
            assert server.stop() == 0
        finally:
            if server.process:
                server.kill()
    return truth, flags


def measure(seed):
    """{"found": {kind: {"there", "found"}}, "flags": {rule: {"flags", "right"}}, "quiet": {rule: flags of a day in which nothing was wrong}}"""
    truth, flags = run(seed, ANOMALIES)
    result = judge(truth, flags)
    truth, flags = run(seed + 1000, "")
    bots = {"account " + bot for bot in truth["bots"]}
    result["quiet"] = dict(collections.Counter(flag["rule"] for flag in flags if flag["subject"] not in bots))
    return result


def faults(figures):
    """Recall of each kind of fraud, and precision of each rule that gave ten flags or more, over all seeds: at least 0.9."""
    wrong = []
    for part, least, whole, good in (("found", 1, "there", "found"), ("flags", 10, "flags", "right")):
        for name in sorted({name for of in figures for name in of[part]}):
            of_all = [of[part].get(name, {whole: 0, good: 0}) for of in figures]
            total, fine = sum(counts[whole] for counts in of_all), sum(counts[good] for counts in of_all)
            if total >= least and fine < 0.9 * total:
                wrong.append(f"{name}: {fine} of {total} {good}, less than 0.9")
    return wrong


if __name__ == "__main__":
    total = collections.defaultdict(collections.Counter)
    for number in map(int, sys.argv[1:] or range(1, 11)):
        one = measure(number)
        print(number, json.dumps(one), flush=True)
        for part in ("found", "flags"):
            for name, counts in one[part].items():
                total[f"{part}: {name}"].update(counts)
        total["quiet"].update(one["quiet"])
    print("\n".join(f"{kind} {dict(counts)}" for kind, counts in total.items()))
