"""A simulated day, played to the flagship as fast as it goes: the real program, its topics filled over HTTP in the order in which
events arrive: late, twice, damaged, by players that are programs.

A day of history is over when it is played, so the server cannot tell by its clock which clients' clocks are wrong, as `POST /events`
does: `clocks` does that here, by the same rule, and test_events.py tests the rule.

Measurements share it: `with play.day(seed) as day: day.sql("select …"), day.last("level-summaries"), day.truth`.
"""

import contextlib
import datetime
import decimal
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "system"))

from harness import FLAGSHIP, PROGRAM, Server, wait_until  # noqa: E402

FROM = "2024-11-01"

# What goes wrong with real clients, more often than usual.
FAULTS = "faults: { duplicates: 0.01, corrupt: 0.001, lost: 0, late: 0.05, late-max: 30m, wrong-clocks: 0.01, bots: 0.003 }\n"

# What is to be found, some times a day; speed hackers, whom none of it is about, are in fraud.py.
ANOMALIES = """anomalies:
  hard-level: { level: level_07, map: map_03 }
  crashing-level: { level: level_04, map: map_02 }
  burst-account: { at: 4h, every: 6h }
  burst-address: { at: 5h, every: 8h }
  card-testers: { at: 6h, every: 8h }
  refund-abuser: { at: 1h }
  degrading-server: { server: server_3, at: 7h, for: 40m, every: 8h }
  region-outage: { region: sa-east, at: 12h, for: 10m }
"""
NO_ANOMALIES = "anomalies: {}\n"

TOPICS = {b"player_action": ("player-events", "user_data.user_id"),
          b"transaction": ("purchase-events", "parameters.transaction_id"),
          b"server_metric": ("server-metrics", "parameters.server_id")}
_NAME, _AT, _SENT = b'{"event_name":"', b'"event_timestamp":"', b'"sent_at":"'
DRIFT_MAX = datetime.timedelta(seconds=60)
PART_EVENTS = 10_000


class Day:
    """What was played, and the server that has seen it."""

    def __init__(self, server, truth, events):
        self.server, self.truth, self.events = server, truth, events

    def sql(self, query):
        """The rows, as a list of maps."""
        reply = self.server.request("POST", "/sql", json.dumps({"sql": query}), {"Content-Type": "application/json"})
        assert reply.status == 200, reply.text
        answer = json.loads(reply.text, parse_float=decimal.Decimal)
        return [dict(zip(answer["columns"], row)) for row in answer["rows"]]

    def last(self, topic):
        """The value of the topic's last record, of one partition."""
        end = self.server.topic(topic)["partitions"][0]["end"]
        return json.loads(self.server.get(f"/topics/{topic}/records?offset={end - 1}").text)["value"]


def _time(line, before):
    """The time behind a name, its place in the line; nothing where the line is damaged."""
    at = line.find(before) + len(before)
    try:
        return datetime.datetime.fromisoformat(line[at:line.index(b'"', at)].decode().replace("Z", "+00:00")), at
    except ValueError:
        return None, at


def clocks(lines):
    """The events of lines that `gameflow generate` gives, in order of arrival; those by clocks that are off by more than a minute with
    the time that they have by the server's."""
    now = datetime.datetime.fromisoformat(FROM).replace(tzinfo=datetime.timezone.utc)
    minute = now.strftime("%Y-%m-%dT%H:%M").encode()
    for line in lines:
        if line.startswith(b'{"event_name":"server_metric"'):
            # Of the servers, whose clocks are right: they tell the time.
            now = _time(line, _AT)[0] or now
            minute = now.strftime("%Y-%m-%dT%H:%M").encode()
        elif (sent := line.find(_SENT)) > 0 and not line.startswith(minute, sent + len(_SENT)):
            when, _ = _time(line, _SENT)
            happened, at = _time(line, _AT)
            if when and happened and abs(now - when) > DRIFT_MAX:
                right = (happened + (now - when)).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3].encode() + b"Z"
                line = line[:at] + right + line[line.index(b'"', at):]
        yield line


def send(server, lines):
    """Sends what arrived together, each to its topic; returns how many there were."""
    parts = {name: [] for name in TOPICS}
    for line in lines:
        # What is damaged still shows its name.
        name = line[len(_NAME):line.find(b'"', len(_NAME))]
        if name in parts:
            parts[name].append(line)
    for name, events in parts.items():
        if events:
            topic, key = TOPICS[name]
            reply = server.produce(topic, b"".join(events), key_field=key)
            assert reply.status in (200, 400), reply.text[:1000]
    return len(lines)


def tick(server, at="2024-11-02T00:10:00Z"):
    """One more event in each partition, later than all others, closes their windows. What services read of each other is then up to date:
    in history an epoch holds hours. Returns these events."""
    lines = []
    for number in range(2):  # without a key, one partition after the other
        who = f"tick_{number}"
        lines.append(json.dumps({
            "event_name": "player_action", "event_timestamp": at, "event_id": who, "user_data": {"user_id": who, "platform": "PC"},
            "parameters": {"player_id": who, "session_id": who, "event_type": "heartbeat", "level_id": "level_01", "map_id": "map_01"}}))
        reply = server.produce("player-events", lines[-1:])
        assert reply.status == 200, reply.text
    settle(server)
    return lines


def settle(server, seconds=900):
    """Waits until the services have read all that there is."""
    def is_done():
        time.sleep(0.1)  # the answer is long
        return all(partition["lag"] == 0 for service in server.get("/dataflow").json["services"]
                   for source in service["sources"] for partition in source["partitions"])
    for _ in range(4):  # what one service has written, another one reads
        wait_until(is_done, "all events are counted", seconds)


@contextlib.contextmanager
def generated(folder, seed, players, anomalies, faults, days):
    """The lines of so many days of `players` accounts, some 700 player events of each a day, and what gives the truth when they are
    over."""
    settings, truth_file = folder / "game.yaml", folder / "truth.json"
    settings.write_text(f"players: {players}\nshow-ip-addresses: true\n{faults}{anomalies}")
    process = subprocess.Popen([PROGRAM, "generate", "--profile", "game", "--stdout", "--from", FROM, "--days", str(days), "--seed", str(seed),
                                "--game", str(settings), "--truth", str(truth_file)], stdout=subprocess.PIPE)
    try:
        yield clocks(process.stdout), lambda: json.loads(truth_file.read_text()) if process.wait() == 0 else None
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


@contextlib.contextmanager
def day(seed, players=300, anomalies=ANOMALIES, faults=FAULTS, days=1, see=None):
    """A day, or some, played. `see(server, lines)` is called when a part of the events has been sent."""
    with tempfile.TemporaryDirectory(prefix="gameflow-evaluate-") as folder:
        folder = pathlib.Path(folder)
        server = Server(folder, FLAGSHIP, ["--durability", "none"]).start()
        try:
            with generated(folder, seed, players, anomalies, faults, days) as (lines, truth):
                events = 0
                while part := list(itertools.islice(lines, PART_EVENTS)):
                    events += send(server, part)
                    if see:
                        see(server, part)
                settle(server)
                yield Day(server, truth(), events)
        finally:
            if server.process:
                server.kill()
