"""What the system tests share: the real program as a child process, its HTTP API, and waiting on conditions.

GAMEFLOW_BIN names the program. Servers listen on loopback, on free ports, and are stopped by the process that was started.
Only Python's standard library is used.
"""

import http.client
import json
import os
import re
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = os.environ.get("GAMEFLOW_BIN", str(ROOT / "build" / "gameflow"))
FLAGSHIP = ROOT / "games" / "gaming-analytics" / "dataflow.yaml"
COUNTING = ROOT / "tests" / "dataflow" / "counting.yaml"

# Long enough for a loaded machine; no test's outcome depends on how long something takes.
PATIENCE_SECONDS = 120


def wait_until(condition, what, seconds=PATIENCE_SECONDS):
    """Returns the first true value of condition(); fails the test if none comes."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s still not: {what}")
        time.sleep(0.02)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def run_cli(*arguments, stdin=None, timeout=PATIENCE_SECONDS, env=None, cwd=None):
    """The finished process of `gameflow ARGUMENTS`, its output as text."""
    return subprocess.run([PROGRAM, *map(str, arguments)], input=stdin, capture_output=True, text=True, errors="replace",
                          cwd=cwd, timeout=timeout, env={**os.environ, "NO_COLOR": "1", **(env or {})})


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)


class Server:
    """`gameflow run` on a folder and a port that stay the same over restarts."""

    def __init__(self, folder, dataflow=FLAGSHIP, arguments=()):
        self.folder = pathlib.Path(folder)
        self.dataflow = dataflow
        self.arguments = list(map(str, arguments))
        self.prefix = []  # a command that runs the program
        self.port = free_port()
        self.token = None  # that requests have, for a server with --auth
        self.process = None
        self.log_path = self.folder / "server.log"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def launch(self):
        """Starts it without waiting for anything."""
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*self.prefix, PROGRAM, "run", str(self.dataflow), "--data", str(self.folder / "data"), "--listen",
             f"127.0.0.1:{self.port}", "--cache", str(cache_folder()), *self.arguments],
            stdout=subprocess.PIPE, stderr=log)
        log.close()

    def start(self):
        self.launch()
        line = self.process.stdout.readline().decode()
        if not line.startswith("listening on "):
            self.process.wait()
            raise AssertionError(f"the server did not start:\n{self.log_path.read_text()[-4000:]}")
        return self

    def kill(self):
        """kill -9."""
        self.process.send_signal(signal.SIGKILL)
        self._reap()

    def stop(self):
        """SIGTERM; returns the exit code."""
        if self.process is None:
            return None
        self.process.send_signal(signal.SIGTERM)
        return self._reap()

    def _reap(self):
        code = self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()
        self.process = None
        return code

    def request(self, method, path, body=None, headers=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        try:
            token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
            connection.request(method, path, body, {**token, **(headers or {})})
            reply = connection.getresponse()
            return Reply(reply.status, reply.headers, reply.read())
        finally:
            connection.close()

    def get(self, path):
        return self.request("GET", path)

    def produce(self, topic, lines, content_type="application/x-ndjson", headers=None, **query):
        """`lines`: bytes, or a list of texts that become NDJSON. Query: key_field, producer, sequence, …"""
        body = lines if isinstance(lines, bytes) else "".join(line + "\n" for line in lines).encode()
        parameters = urllib.parse.urlencode({name.replace("_", "-"): value for name, value in query.items()})
        path = f"/topics/{topic}/records" + ("?" + parameters if parameters else "")
        return self.request("POST", path, body, {"Content-Type": content_type, **(headers or {})})

    def topic(self, name):
        return self.get(f"/topics/{name}").json

    def records(self, topic):
        """Every record of the topic, partition by partition, as the API gives it."""
        records = []
        for partition in self.topic(topic)["partitions"]:
            offset = partition["begin"]
            while offset < partition["end"]:
                reply = self.get(f"/topics/{topic}/records?partition={partition['partition']}&offset={offset}&limit=10000")
                page = [json.loads(line) for line in reply.text.splitlines()]
                assert page, f"no records at {topic}/{partition['partition']}/{offset}"
                records += page
                offset = page[-1]["offset"] + 1
        return records

    def values(self, topic):
        return [record["value"] for record in self.records(topic)]

    def raw_values(self, topic):
        """The bytes of every record's value, as the API gives them, partition by partition."""
        values = []
        for partition in self.topic(topic)["partitions"]:
            offset = partition["begin"]
            while offset < partition["end"]:
                reply = self.get(f"/topics/{topic}/records?partition={partition['partition']}&offset={offset}&limit=10000")
                values += [line.partition(b',"value":')[2][:-1] for line in reply.body.split(b"\n")[:-1]]
                offset = int(reply.headers["Gameflow-Next-Offset"])
        return values

    def service(self, name):
        """The service's part of /dataflow, its counters beside the rest."""
        service = next(s for s in self.get("/dataflow").json["services"] if s["name"] == name)
        return {**service, **service["counters"]}

    def answers(self):
        try:
            return self.get("/healthz").status == 200
        except OSError:
            return False

    def is_alive(self):
        """Whether the process that was started still runs and answers."""
        return self.process.poll() is None and self.get("/healthz").status == 200


_cache = None


def cache_folder():
    """Operators are built once for all tests of a run, or of all runs where GAMEFLOW_TEST_CACHE names a folder."""
    global _cache
    if "GAMEFLOW_TEST_CACHE" in os.environ:
        return os.environ["GAMEFLOW_TEST_CACHE"]
    if _cache is None:
        _cache = tempfile.TemporaryDirectory(prefix="gameflow-test-cache-")
    return _cache.name


class SystemTest(unittest.TestCase):
    """A test with a folder of its own and servers that are stopped whatever happens."""

    maxDiff = 4000

    def setUp(self):
        temporary = tempfile.TemporaryDirectory(prefix="gameflow-test-")
        self.addCleanup(temporary.cleanup)
        self.folder = pathlib.Path(temporary.name)

    def server(self, dataflow=FLAGSHIP, arguments=(), start=True, folder=None):
        server = Server(folder or self.folder, dataflow, arguments)
        self.addCleanup(self._end, server)
        return server.start() if start else server

    def _end(self, server):
        if server.process:
            server.kill()
        log = server.log_path.read_text(errors="replace") if server.log_path.exists() else ""
        _, found, report = log.partition("WARNING: ThreadSanitizer: ")
        self.assertFalse(found, report[:8000])

    def refused_run(self, dataflow, *arguments, env=None):
        """The finished process of a `gameflow run` that must not come up."""
        arguments = list(map(str, arguments))
        if "--listen" not in arguments:
            arguments += ["--listen", "127.0.0.1:0"]
        if "--data" not in arguments:
            arguments += ["--data", str(self.folder / "data")]
        if "--cache" not in arguments:
            arguments += ["--cache", cache_folder()]
        done = run_cli("run", dataflow, *arguments, env=env)
        self.assertNotIn("listening", done.stdout)
        self.assertNotEqual(done.returncode, 0)
        return done

    def patient_flagship(self):
        """The flagship, but no partition is idle before the test is over: what is late then depends on the records only,
        not on how busy the machine is."""
        text = two_services()
        self.assertEqual(text.count("idleness: 5s"), 2)
        path = self.folder / "dataflow.yaml"
        path.write_text(text.replace("idleness: 5s", "idleness: 1h"))
        return path


def two_services():
    """The flagship's first two services, whose results every test knows."""
    text = FLAGSHIP.read_text().replace("file: tables/", f"file: {FLAGSHIP.parent}/tables/")
    text = re.sub(r"(?m)(?<=^  include: \[).*(?=\])", lambda names: ", ".join(f"{FLAGSHIP.parent}/{name}" for name in names[0].split(", ")), text)
    section = text.index("\nservices:\n")
    services = list(re.finditer(r"(?m)^(  # .*\n)*  [a-z-]+:\n", text[section:]))
    return text[:section + services[2].start()]


# Events, and what must come of them, written without a look at the engine.

def iso(ms):
    seconds, fraction = divmod(ms, 1000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{fraction:03d}Z"


def player_event(user, at_ms, kind="move"):
    return json.dumps({
        "event_name": "player_action",
        "parameters": {"player_id": user, "session_id": "session_1", "event_type": kind, "level_id": "level_02",
                       "map_id": "map_03"},
        "event_timestamp": iso(at_ms),
        "user_data": {"user_id": user, "platform": "PC"}})


def purchase_event(transaction, item, cents, at_ms, kind="purchase"):
    return json.dumps({
        "event_name": "transaction",
        "parameters": {"transaction_id": transaction, "transaction_type": kind, "currency": "USD",
                       "amount": cents / 100, "item_id": item, "item_type": "skin"},
        "event_timestamp": iso(at_ms),
        "user_data": {"user_id": "player_1", "platform": "PC"}})


def expected_sessions(events, size_ms=5000):
    """[(user, at_ms)] -> the summaries, window by window."""
    windows = {}
    for user, at in events:
        counts = windows.setdefault(at // size_ms, {})
        counts[user] = counts.get(user, 0) + 1
    return [[{"player_id": user, "event_count": count}
             for user, count in sorted(windows[number].items(), key=lambda pair: (-pair[1], pair[0]))]
            for number in sorted(windows)]


def expected_purchases(events, size_ms=10000):
    """[(item, cents, at_ms)] -> the summaries, window by window; refunds are negative cents."""
    windows = {}
    for item, cents, at in events:
        totals = windows.setdefault(at // size_ms, {})
        totals[item] = totals.get(item, 0) + cents
    return [[{"item_id": item, "total_amount": cents / 100, "currency": "USD"} for item, cents in sorted(windows[number].items())]
            for number in sorted(windows)]
