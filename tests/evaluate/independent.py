"""The flagship's figures, computed once more: plain Python over the raw events, by what the flagship's README says in words, held against
its states and topics, over five `kill -9`.

Counts and sums have to be equal to the last digit. Sketches may be off as they say: a quantile by 1 %, a number of different players by one
up to 1,000, above by five times 1.6 %. Clients send their attempts' ids here, and what is late is so by 10 minutes at most: of what is late by more
than 30 minutes the flagship promises no exact figures. How many play at once is left out: what comes 5 s late is not in it.
"""

import collections
import csv
import datetime
import decimal
import json
import math
import os
import zoneinfo

import play

SEEDS_MAX = 5
KILLS = 5
PLAYERS = int(os.environ.get("PLAYERS", 1500))  # a day of a million events
FAULTS = "faults: { duplicates: 0.01, corrupt: 0.001, lost: 0.002, late: 0.1, late-max: 10m, wrong-clocks: 0.01, bots: 0.002 }\n"
DAY = 86_400_000
BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
ENDS = {"level_complete": "completed", "level_fail": "failed", "level_quit": "quit", "session_end": "quit", "disconnect": "lost"}


def ms(text):
    return round(datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


def date(time):
    return datetime.datetime.fromtimestamp(time / 1000, datetime.timezone.utc).strftime("%Y-%m-%d")


class Computed:
    """All of it, event by event in order of arrival."""

    def __init__(self):
        self.ids, self.sales_seen = set(), set()
        self.events = self.player_events = 0
        self.sessions = {}  # (player, session) -> [first, last, events, ended]
        self.begun = []  # sessions: first
        self.over = []  # sessions that are: (first, last, events, how)
        self.first_day = {}  # player -> day of the first event that came
        self.days = collections.defaultdict(set)  # player -> days
        self.furthest = collections.defaultdict(int)  # player -> step
        self.local = collections.defaultdict(set)  # Berlin's day -> players
        self.attempts = {}  # id -> [first, last, player, place, has its start, outcome]
        self.sales = collections.defaultdict(lambda: [0, 0, decimal.Decimal(0), decimal.Decimal(0)])
        self.payers = collections.defaultdict(set)  # day -> players
        self.first_paid = {}  # player -> day of the first purchase that came
        self.numbers = collections.defaultdict(set)  # (platform, version, player, session) -> numbers of events
        tables = play.FLAGSHIP.parent / "tables"
        with open(tables / "levels.csv") as file:
            self.steps = {row["level_id"]: int(row["step"]) for row in csv.DictReader(file) if row["step"]}
        with open(tables / "items.csv") as file:
            self.categories = {row["item_id"]: row["category"] for row in csv.DictReader(file)}

    def add(self, line):
        try:
            event = json.loads(line, parse_float=decimal.Decimal)
        except ValueError:
            return
        # A client sends an event again with its id.
        if event["parameters"] is None or event["event_id"] in self.ids:
            return
        self.ids.add(event["event_id"])
        self.events += 1
        if event["event_name"] == "player_action":
            self.player_events += 1
            user, what = event["user_data"], event["parameters"]
            self.play(user["user_id"], what, ms(event["event_timestamp"]))
            if "sequence" in what:
                self.numbers[user["platform"], user["client_version"], user["user_id"], what["session_id"]].add(what["sequence"])
        elif event["event_name"] == "transaction":
            self.sell(event["user_data"], event["parameters"], ms(event["event_timestamp"]))

    def play(self, player, what, time):
        kind = what["event_type"]
        ends_session = kind in ("session_end", "disconnect")
        key = player, what["session_id"]
        session = self.sessions.get(key)
        if session and time - session[1] > 30 * 60_000 and not session[3]:
            self.over.append((*session[:3], "silent"))
            session = None
        if session and session[3]:
            if ends_session or time <= session[1]:
                return
            session = None
        if session is None:
            if ends_session:
                return
            session = self.sessions[key] = [time, time, 0, False]
            self.begun.append(time)
        session[0], session[1] = min(session[0], time), max(session[1], time)  # clocks that were put right are not in order
        session[2] += 1
        if ends_session:
            session[3] = True
            self.over.append((*session[:3], "ended"))

        day = time // DAY
        first = self.first_day.setdefault(player, day)
        if day >= first:
            self.days[player].add(day)
        self.local[datetime.datetime.fromtimestamp(time / 1000, BERLIN).date()].add(player)
        if kind == "level_complete":
            self.furthest[player] = max(self.furthest[player], self.steps.get(what["level_id"], 0))

        attempt_id = what.get("attempt_id")
        # The rest goes on with an attempt, and begins none.
        if attempt_id in self.attempts or (attempt_id and kind not in ("session_start", "heartbeat", "session_end", "disconnect")):
            place = what["level_id"], what["map_id"]
            attempt = self.attempts.setdefault(attempt_id, [time, time, player, place, kind == "level_start", None])
            if attempt[5] is None:
                attempt[1] = max(attempt[1], time)
                attempt[5] = ENDS.get(kind)

    def sell(self, user, what, time):
        if (what["transaction_type"], what["transaction_id"]) in self.sales_seen:
            return
        self.sales_seen.add((what["transaction_type"], what["transaction_id"]))
        is_refund = what["transaction_type"] == "refund"
        item, player = what["item_id"], user["user_id"]
        for period, length in (("hour", DAY // 24), ("day", DAY)):
            for scope, name in (("all", ""), ("item", item), ("category", self.categories.get(item, what["item_type"])), ("platform", user["platform"])):
                sale = self.sales[period, time // length * length, scope, name, what["currency"]]
                sale[is_refund] += 1
                sale[2 + is_refund] += what["amount"]
        if not is_refund:
            self.payers[date(time)].add(player)
            self.first_paid.setdefault(player, date(time))

    def finish(self):
        """When nothing more comes, sessions have fallen silent, but for those of the last half hour."""
        last = max(session[1] for session in self.sessions.values())
        self.over += [(*session[:3], "silent") for session in self.sessions.values() if not session[3] and last - session[1] > 30 * 60_000]


class Comparison:
    def __init__(self):
        self.compared, self.differences, self.off_most = 0, [], 0.0

    def same(self, what, expected, found):
        self.compared += 1
        if expected != found:
            self.differences.append(f"{what}: {expected} expected, {found} found")

    def near(self, what, expected, found, most):
        """An estimate, off by at most a part `most`."""
        self.compared += 1
        off = abs(float(found or 0) - float(expected)) / max(float(expected), 1e-9) if expected else float(found or 0)
        self.off_most = max(self.off_most, off)
        if off > most + 1e-9:
            self.differences.append(f"{what}: about {expected} expected, {found} found")

    def players(self, what, expected, found):
        if expected <= 1000:
            self.near(what, expected, found, 1 / max(expected, 1))
        else:
            self.near(what, expected, found, 5 * 0.016)

    def quantiles(self, what, values, found):
        values = sorted(values)
        for q, value in found.items():
            self.near(f"{what}, {q}", values[math.floor(q * (len(values) - 1))] if values else 0, value, 0.01)


def compare(day, computed):
    result = Comparison()
    compare_days(day, computed, result)
    compare_levels(day, computed, result)
    # Retention, and the funnel, by cohort.
    cohorts, steps = collections.Counter(), collections.Counter()
    for player, first in computed.first_day.items():
        cohorts.update((first * DAY, of - first) for of in computed.days[player])
        steps.update((first * DAY, step) for step in range(computed.furthest[player] + 1))
    last = max(max(days) for days in computed.days.values())  # it has not passed
    passed = {of: players for of, players in cohorts.items() if of[0] // DAY + of[1] < last}
    result.same("retention", passed, {(row["cohort"], row["age"]): row["players"] for row in day.sql("select cohort, age, players from retained")})
    result.same("the funnel", dict(steps), {(row["cohort"], row["step"]): row["players"] for row in
                                            day.sql("select cohort, step, players from funnel_step")})
    # Money, by hour and day, of all, by item, category and platform, in each currency.
    found = {(period, row["at"], row["scope"], row["name"], row["currency"]): [row["purchases"], row["refunds"], row["gross"], row["refunded"]]
             for period in ("hour", "day") for row in
             day.sql(f"select at, scope, name, currency, purchases, refunds, gross, refunded from {period}_sales")}
    for key in computed.sales.keys() | found.keys():
        result.same(f"sales {key}", computed.sales.get(key), found.get(key))
    # What never came, between the first and the last event of each session.
    lost = collections.Counter()
    for (platform, version, _, _), numbers in computed.numbers.items():
        lost[platform, version] += max(numbers) - min(numbers) + 1 - len(numbers)
    result.same("lost events", {of: events for of, events in lost.items() if events}, {
        (row["platform"], row["client_version"]): row["lost"] for row in
        day.sql("select platform, client_version, sum(lost) as lost from event_gaps group by 1, 2 having sum(lost) <> 0")})
    return result


def compare_days(day, computed, result):
    expected = collections.defaultdict(collections.Counter)
    lengths = collections.defaultdict(list)
    for player, days in computed.days.items():
        for of in days:
            expected[date(of * DAY)]["new_players" if of == computed.first_day[player] else "returning_players"] += 1
    for first in computed.begun:
        expected[date(first)]["sessions_started"] += 1
    for first, last, _, how in computed.over:
        of = expected[date(last)]
        of["sessions_ended"] += 1
        of["sessions_silent"] += how == "silent"
        if last == first:
            of["sessions_single"] += 1
        else:
            of["length_ms"] += last - first
            lengths[date(last)].append((last - first) / 1000)
    first_paid = collections.Counter(computed.first_paid.values())
    for of, players in computed.payers.items():
        expected[of].update({"payers": len(players), "first_purchases": first_paid[of]})
    names = ("new_players", "returning_players", "sessions_started", "sessions_ended", "sessions_silent", "sessions_capped", "sessions_single",
             "length_ms", "payers", "first_purchases")
    rows = {row["_key"]: row for row in day.sql(f"select _key, {', '.join(names)}, quantile(seconds, 0.5) as p50, quantile(seconds, 0.9) as p90 from day")}
    result.same("days", set(expected), set(rows))
    for of in expected.keys() & rows.keys():
        for name in names:
            result.same(f"{of} {name}", expected[of][name], rows[of][name])
        result.quantiles(f"{of} length of a session", lengths[of], {0.5: rows[of]["p50"], 0.9: rows[of]["p90"]})
    told = {}
    for record in day.server.values("local-days"):
        told[datetime.datetime.fromtimestamp(ms(record["from"]) / 1000, BERLIN).date()] = record
    for of, players in computed.local.items():
        if of in told and told[of]["has_passed"]:
            result.players(f"players of {of} in Berlin", len(players), told[of]["players"])


def compare_levels(day, computed, result):
    expected = collections.defaultdict(collections.Counter)
    players, passed, seconds = (collections.defaultdict(set), collections.defaultdict(set), collections.defaultdict(list))
    for first, last, player, place, has_start, outcome in computed.attempts.values():
        if outcome is None and not has_start:
            continue  # its start was before the first event, and it ended in silence
        key = (*place, first // DAY * DAY)
        expected[key].update(["attempts", outcome or "lost"])
        players[key].add(player)
        if outcome == "completed":
            passed[key].add(player)
            if has_start:
                seconds[key].append((last - first) / 1000)
    names = ("attempts", "completed", "failed", "left", "quit", "lost")
    found = {(row["level_id"], row["map_id"], row["day"]): row for row in day.sql(
        f"select level_id, map_id, day, {', '.join(names)}, estimate(players) as tried, estimate(passed) as got_through, "
        "quantile(seconds, 0.5) as p50, quantile(seconds, 0.9) as p90 from level_day")}
    result.same("levels, maps and days", set(expected), set(found))
    for key in expected.keys() & found.keys():
        for name in names:
            result.same(f"{key} {name}", expected[key][name], found[key][name])
        result.players(f"{key} players", len(players[key]), found[key]["tried"])
        result.players(f"{key} passed", len(passed[key]), found[key]["got_through"])
        result.quantiles(f"{key} time", seconds[key], {0.5: found[key]["p50"], 0.9: found[key]["p90"]})


def measure(seed, players=PLAYERS, days=1, kills=KILLS):
    computed = Computed()
    # Events of the game's faults and metrics, too.
    parts, parts_sent, killed = max(1, days * (players * 700 + 20_000) // play.PART_EVENTS), 0, 0

    def see(server, lines):
        nonlocal killed, parts_sent
        parts_sent += 1
        for line in lines:
            computed.add(line)
        # Behind a part, the services are in the middle of it.
        if killed < kills and parts_sent * (kills + 1) >= (killed + 1) * parts:
            server.kill()
            server.start()
            killed += 1

    with play.day(seed, players, "metrics-every: 1m\n" + play.ANOMALIES, FAULTS, days, see) as day:
        for line in play.tick(day.server, f"2024-11-{days + 1:02}T02:00:00Z"):
            computed.add(line)
        computed.finish()
        result = compare(day, computed)
    return {"events": computed.events, "player events": computed.player_events, "kill -9": killed, "figures": result.compared,
            "figures that differ": len(result.differences), "differences": result.differences[:20],
            "most that a sketch is off, in %": 100 * result.off_most}


def faults(figures):
    return [difference for of in figures for difference in of["differences"]]
