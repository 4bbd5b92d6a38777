"""gameflow connect with http-source: a web API read into topics while everything is killed, and everything that a web API can do wrong."""

import gzip
import http.server
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import urllib.parse
import urllib.request
import zlib

from harness import PATIENCE_SECONDS, PROGRAM, ROOT, SystemTest, cache_folder, free_port, run_cli, wait_until

DATAFLOW = """apiVersion: 0.5.0
meta: { name: inbox, version: 0.1.0 }
types:
  event: { type: object, properties: { n: { type: u64 }, name: { type: string } } }
topics:
  odd: { schema: { value: { type: event } } }
  even: { schema: { value: { type: event } } }
  rest: {}
"""


class Events(http.server.ThreadingHTTPServer):
    """A web API of `total` numbered records. `mode` says what it does to the next requests."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), Handler)
        self.total, self.pause, self.mode, self.requests, self.stopping = 0, 0.0, "fine", [], False
        self.times_each = 1
        self.name = ""
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def end(self):
        self.stopping = True
        self.shutdown()
        self.server_close()


def record(n):
    return json.dumps({"key": f"k{n % 7}", "event": {"n": n, "name": "odd" if n % 2 else "even"}}).encode()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def chunk(self, data):
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def begin(self, **headers):
        self.send_response(200)
        for name, value in {"Transfer-Encoding": "chunked", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_GET(self):
        server = self.server
        server.requests.append((self.path, dict(self.headers)))
        try:
            getattr(self, "answer_" + server.mode)()
        except (BrokenPipeError, ConnectionResetError):
            pass
        self.close_connection = True

    def stream(self):
        """The headers with which a server names its stream."""
        return {"Gameflow-Stream": self.server.name} if self.server.name else {}

    def after(self):
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
        return int(query.get("after", ["0"])[0])

    def answer_fine(self):
        """Records from `after` on, and no end."""
        n = self.after()
        server = self.server
        self.begin(**self.stream())
        while not server.stopping and server.mode == "fine":
            if n < server.total:
                count = min(50, server.total - n)
                data = b"".join(record(i // server.times_each) + b"\n\n" for i in range(n, n + count))
                # Chunks do not end where records do.
                self.chunk(data[:len(data) // 2])
                self.chunk(data[len(data) // 2:])
                n += count
                time.sleep(server.pause)
            else:
                self.chunk(b"\n\n")
                time.sleep(0.1)

    def answer_status(self):
        self.send_response(self.server.status)
        for name, value in getattr(self.server, "extra", {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", "4")
        self.end_headers()
        self.wfile.write(b"oops")

    def answer_hang(self):
        self.begin()
        while not self.server.stopping and self.server.mode == "hang":
            time.sleep(0.05)

    def answer_half(self):
        """Breaks off in the middle of the second record."""
        self.begin()
        n = self.after()
        self.chunk(record(n) + b"\n\n" + record(n + 1)[:20])

    def answer_short(self):
        """Promises more than comes."""
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        self.wfile.write(b'{"n":1}')

    def answer_body(self):
        body, tag = self.server.body, self.server.tag
        if tag and self.headers.get("If-None-Match") == tag:
            self.send_response(304)
            self.end_headers()
            return
        self.send_response(200)
        if tag:
            self.send_header("ETag", tag)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_zipped(self):
        data = gzip.compress(b"".join(record(i) + b"\n\n" for i in range(self.server.total)))
        self.send_response(200)
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def answer_coded(self):
        """A body that says of itself how it is packed."""
        coding, body = self.server.coded
        self.send_response(200)
        self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def answer_bomb(self):
        # Blank lines: nothing that a record would end.
        block = gzip.compress((b"\n" * 1023 + b" ") * 65536)
        self.begin(Content_Encoding="gzip")
        while not self.server.stopping and self.server.mode == "bomb":
            self.chunk(block)

    def answer_endless(self):
        self.begin()
        while not self.server.stopping and self.server.mode == "endless":
            self.chunk(b"x" * 65536)

    def answer_redirect(self):
        self.send_response(302)
        self.send_header("Location", self.server.url + "/elsewhere?token=s3cret-token")
        self.send_header("Content-Length", "0")
        self.end_headers()
        self.server.mode = "fine"


class Connector:
    def __init__(self, path, server_url, arguments=(), env=None):
        self.path, self.server_url, self.arguments, self.env, self.process = path, server_url, list(arguments), env, None
        self.log_path = path.with_suffix(".log")

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "connect", str(self.path), "--server", self.server_url, *map(str, self.arguments)],
                stdout=log, stderr=log, env={**os.environ, **(self.env or {})})
        return self

    @property
    def log(self):
        return self.log_path.read_text()

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(PATIENCE_SECONDS)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_SECONDS)

    def memory(self):
        """Its largest size so far, in bytes."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+)", status)[1]) * 1024


class ConnectTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.events = Events()
        self.addCleanup(self.events.end)
        self.dataflow = self.folder / "inbox.yaml"
        self.dataflow.write_text(DATAFLOW)

    def file(self, http="", more="", meta="", name="events", stream=True, allow=True, endpoint=None):
        path = self.folder / f"{name}.yaml"
        path.write_text(f"""apiVersion: 0.1.0
meta:
  name: {name}
  version: 0.1.0
  type: http-source
  topic: rest
{meta}
http:
  endpoint: {endpoint or self.events.url + "/stream_events"}
{'  stream: true' if stream else ''}
{'  allow-private-addresses: true' if allow else ''}
{http}
{more}
""")
        return path

    RESUMED = '  delimiter: "\\n\\n"\n  resume-parameter: after\n'
    ROUTED = "key-field: key\nvalue-field: event\nroute:\n  field: event.name\n  topics: { odd: odd, even: even }\n"

    def connector(self, path, server=None, *arguments, env=None):
        connector = Connector(path, server.url if server else "http://127.0.0.1:1", arguments, env).start()
        self.addCleanup(lambda: connector.process.poll() is None and connector.kill())
        return connector

    def ended(self, path, server=None, *arguments, env=None):
        """The log of a connector that has to end by itself, with an error."""
        connector = self.connector(path, server, *arguments, env=env)
        self.assertEqual(connector.process.wait(PATIENCE_SECONDS), 1, connector.log)
        return connector.log

    def numbers(self, server, topic):
        return sorted(value["n"] for value in server.values(topic))

    def stored(self, server):
        return len(server.records("odd")) + len(server.records("even"))

    def check_each_once(self, server, total):
        self.assertEqual(self.numbers(server, "odd"), list(range(1, total, 2)))
        self.assertEqual(self.numbers(server, "even"), list(range(0, total, 2)))
        self.assertEqual(server.records("rest"), [])


class KillTest(ConnectTest):
    def test_every_event_once_though_connector_and_server_are_killed_five_times(self):
        total = 20_000
        self.events.total, self.events.pause = total, 0.01
        server = self.server(self.dataflow)
        connector = self.connector(self.file(self.RESUMED, self.ROUTED), server)
        for kills in range(1, 6):
            wait_until(lambda: self.stored(server) >= kills * total // 8, f"records after {kills - 1} kills")
            connector.kill()
            connector.start()
            wait_until(lambda: self.stored(server) >= kills * total // 8 + total // 16, "more records")
            server.kill()
            server.start()
        wait_until(lambda: self.stored(server) >= total, "all records")
        self.assertEqual(connector.stop(), 0, connector.log)
        self.check_each_once(server, total)
        # The keys came along.
        self.assertEqual({r["key"] for r in server.records("odd")}, {f"k{i}" for i in range(7)})

    def test_a_web_api_that_restarts_costs_nothing(self):
        total = 3_000
        self.events.total, self.events.pause = total, 0.01
        server = self.server(self.dataflow)
        self.connector(self.file(self.RESUMED, self.ROUTED), server)
        wait_until(lambda: self.stored(server) >= 200, "the first records")
        port = self.events.server_address[1]
        self.events.end()
        time.sleep(0.5)
        self.events = Events(port)
        self.events.total = total
        wait_until(lambda: self.stored(server) >= total, "all records")
        self.check_each_once(server, total)


class WebApiTest(SystemTest):
    """The mission's other path: generator, web API, connector, topics."""

    TOPICS = ("player-events", "purchase-events", "server-metrics")

    def events(self, server):
        return [value for topic in self.TOPICS for value in server.values(topic)]

    def test_the_generators_events_once_though_connector_and_server_are_killed_five_times(self):
        dataflow = self.folder / "inbox.yaml"
        dataflow.write_text("apiVersion: 0.5.0\nmeta: { name: inbox, version: 0.1.0 }\ntopics: { "
                            + ", ".join(f"{topic}: {{}}" for topic in self.TOPICS) + " }\n")
        server = self.server(dataflow)
        api = subprocess.Popen([PROGRAM, "generate", "--serve", "127.0.0.1:0", "--seed", "7", "--rate", "500"],
                               stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (api.kill(), api.wait(), api.stdout.close()))
        url = api.stdout.readline().decode().split()[-1]
        path = self.folder / "gaming-events.yaml"
        path.write_text((ROOT / "games/gaming-analytics/connectors/gaming-events.yaml").read_text()
                        .replace("http://127.0.0.1:8000", url))
        connector = Connector(path, server.url).start()
        self.addCleanup(lambda: connector.process.poll() is None and connector.kill())

        def wait_for_more():
            before = len(self.events(server))
            wait_until(lambda: len(self.events(server)) > before + 200, f"more events: {connector.log}")

        for _ in range(5):
            wait_for_more()
            connector.kill()
            connector.start()
            wait_for_more()
            server.kill()
            server.start()
        wait_for_more()
        self.assertEqual(connector.stop(), 0)
        stored = sorted(json.dumps({**event, "event_timestamp": None}, sort_keys=True) for event in self.events(server))
        position = server.get("/producers/connector%2Fgaming-events").json
        name = urllib.request.urlopen(url + "/stream_events").headers["Gameflow-Stream"]
        self.assertEqual(position, {"next_sequence": len(stored), "position": f"s:{name}|n:{len(stored)}"})
        # The same from the web API itself, whose clock alone has gone on.
        with urllib.request.urlopen(url + "/stream_events?after=0") as reply:
            text = b""
            while text.count(b"\n\n") < len(stored):
                text += reply.read1(65536)
        sent = [json.loads(part)["event"] for part in text.split(b"\n\n")[:len(stored)]]
        self.assertEqual(stored, sorted(json.dumps({**event, "event_timestamp": None}, sort_keys=True) for event in sent))


class StreamTest(SystemTest):
    """A generator that is started anew, with the same stream or another one."""

    def setUp(self):
        super().setUp()
        dataflow = self.folder / "inbox.yaml"
        dataflow.write_text("apiVersion: 0.5.0\nmeta: { name: inbox, version: 0.1.0 }\ntopics: { player-events: {} }\n")
        self.instance = self.server(dataflow)
        self.port, self.api = free_port(), None
        self.addCleanup(lambda: self.api and self.end_generator())
        self.path = self.folder / "gaming-events.yaml"
        self.path.write_text((ROOT / "games/gaming-analytics/connectors/gaming-events.yaml").read_text()
                             .replace("127.0.0.1:8000", f"127.0.0.1:{self.port}").split("route:")[0])

    def generate(self, *arguments):
        self.api = subprocess.Popen([PROGRAM, "generate", "--serve", f"127.0.0.1:{self.port}", *map(str, arguments)],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.assertIn(b"listening", self.api.stdout.readline())

    def end_generator(self):
        self.api.kill()
        self.api.wait()
        self.api.stdout.close()
        self.api = None

    def connect(self):
        connector = Connector(self.path, self.instance.url).start()
        self.addCleanup(lambda: connector.process.poll() is None and connector.kill())
        return connector

    def events(self):
        return self.instance.values("player-events")

    def report(self):
        return self.instance.get("/connectors/gaming-events").json

    def wait_for(self, count, connector):
        wait_until(lambda: len(self.events()) >= count, f"{count} events, {len(self.events())} so far: {connector.log}")

    @staticmethod
    def printed(*arguments):
        """All events of the stream in its order, which is that of a uniform one: a round of each kind after the other."""
        return [json.loads(line) for line in run_cli("generate", "--stdout", *arguments).stdout.splitlines()]

    def test_the_same_stream_is_continued_and_another_one_is_begun(self):
        first = ("--seed", 7, "--only", "player", "--start-time", "2024-11-12", "--events", 3000)
        other = ("--seed", 8, "--only", "player", "--start-time", "2024-11-12", "--events", 1000)
        expected = self.printed(*first, "--rate", 1000)
        self.generate(*first, "--rate", 1000)
        connector = self.connect()
        self.wait_for(1000, connector)
        self.end_generator()
        # It plays the same from its beginning: until it is where the connector is, that one waits.
        self.generate(*first, "--rate", 1000)
        self.wait_for(2000, connector)
        connector.kill()
        self.end_generator()
        self.generate(*first, "--rate", 1000)
        connector.start()
        self.wait_for(3000, connector)
        self.assertEqual(self.events(), expected)
        self.assertNotIn("another stream", connector.log)
        self.end_generator()
        # Another seed is another story.
        self.generate(*other, "--rate", 1000)
        self.wait_for(4000, connector)
        self.assertEqual(self.events(), expected + self.printed(*other, "--rate", 1000))
        self.assertEqual(connector.log.count("another stream"), 1, connector.log)
        wait_until(lambda: "another stream than the one that was read so far" in self.report()["last_error"], "it is reported")
        connector.kill()
        connector.start()
        wait_until(lambda: self.report()["pid"] == connector.process.pid and self.report()["state"] == "running", "it runs")
        self.assertEqual(connector.stop(), 0, connector.log)
        self.assertEqual(len(self.events()), 4000)
        self.assertEqual(connector.log.count("another stream"), 1, connector.log)

    def test_it_goes_on_in_a_stream_that_is_made_on_demand(self):
        stream = ("--seed", 7, "--only", "player", "--start-time", "2024-11-12", "--events", 30000, "--rate", "max")
        self.generate(*stream)
        connector = self.connect()
        self.wait_for(5000, connector)
        connector.kill()
        self.end_generator()
        self.generate(*stream)
        connector.start()
        self.wait_for(30_000, connector)
        self.assertEqual(self.events(), self.printed(*stream))

    def test_another_stream_that_has_come_further(self):
        """Its records behind the position are not taken for those of the first."""
        self.generate("--seed", 1, "--only", "player", "--rate", 100)
        connector = self.connect()
        self.wait_for(100, connector)
        self.assertEqual(connector.stop(), 0)
        before = len(self.events())
        self.end_generator()
        other = ("--seed", 2, "--only", "player", "--start-time", "2024-11-12", "--rate", 1000, "--events", 2000)
        self.generate(*other)
        wait_until(lambda: int(urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stream_events")
                               .headers["Gameflow-Stream-Position"]) >= 2000, "all of it")
        connector.start()
        self.wait_for(before + 2000, connector)
        self.assertEqual(self.events()[before:], self.printed(*other))


class NamedStreamTest(ConnectTest):
    """Servers that name their streams, rightly or not."""

    def test_what_it_sends(self):
        self.events.total, self.events.name = 100, "a"
        server = self.server(self.dataflow)
        connector = self.connector(self.file(self.RESUMED, self.ROUTED), server)
        wait_until(lambda: self.stored(server) == 100, "the records")
        connector.kill()
        connector.start()
        wait_until(lambda: len(self.events.requests) == 2, "it goes on")
        (path, headers), (path_again, headers_again) = self.events.requests
        self.assertEqual((path, headers.get("Gameflow-Stream")), ("/stream_events?after=0", None))
        self.assertEqual((path_again, headers_again.get("Gameflow-Stream")), ("/stream_events?after=100", "a"))

    def test_records_that_the_server_has_not_kept_are_told(self):
        self.events.total, self.events.name = 100, "a"
        server = self.server(self.dataflow)
        connector = self.connector(self.file(self.RESUMED, self.ROUTED), server)
        wait_until(lambda: self.stored(server) == 100, "the records")
        connector.kill()
        self.events.total, self.events.mode, self.events.status = 200, "status", 410
        self.events.extra = {"Gameflow-Stream": "a", "Gameflow-Stream-Oldest": "150"}
        connector.start()
        wait_until(lambda: "has not kept its records 100 to 149: they are lost" in connector.log, connector.log)
        self.events.mode = "fine"
        wait_until(lambda: self.stored(server) == 150, "the rest")
        self.assertIn("/stream_events?after=150", [path for path, _ in self.events.requests])

    def test_one_that_is_another_each_time_is_not_asked_again_at_once(self):
        self.events.total, self.events.name = 10, "a"
        server = self.server(self.dataflow)
        connector = self.connector(self.file(self.RESUMED + "  interval: 1h\n", self.ROUTED), server)
        wait_until(lambda: self.stored(server) == 10, "the records")
        connector.kill()
        # The first change is taken at once, one without a record in between is not.
        self.events.mode, self.events.status = "status", 412
        for name in ("b", "c"):
            self.events.extra = {"Gameflow-Stream": name}
            connector.start()
            wait_until(lambda name=name: f"s:{name}|n:0" == server.get("/producers/connector%2Fevents").json["position"], connector.log)
            connector.kill()
        self.events.mode = "fine"
        self.events.name = "d"
        connector.start()
        wait_until(lambda: "trying again, next in 3600.0 s" in connector.log, connector.log)

    def test_a_name_that_is_none(self):
        self.events.total, self.events.name = 10, "a|b"
        server = self.server(self.dataflow)
        self.assertIn("'Gameflow-Stream: a|b': a stream's name has at most 128 visible characters",
                      self.ended(self.file(self.RESUMED, self.ROUTED), server))


class TransformTest(ConnectTest):
    TRANSFORMED = """types:
  wrapped: { type: object, properties: { key: { type: string }, event: { type: inner } } }
  inner: { type: object, properties: { n: { type: u64 }, name: { type: string } } }
schema: { value: { type: wrapped } }
transforms:
  - operator: filter
    run: |
      [](const Wrapped& w) {
        if (w.event.n == 13) throw std::runtime_error("thirteen");
        return w.event.n % 3 == 0;
      }
key-field: key
value-field: event
route:
  field: event.name
  topics: { odd: odd, even: even }
"""

    def test_transforms_are_those_of_a_dataflow(self):
        total = 3_000
        self.events.total, self.events.pause = total, 0.01
        server = self.server(self.dataflow)
        connector = self.connector(self.file(self.RESUMED, self.TRANSFORMED), server)
        wait_until(lambda: self.stored(server) > 100, "records")
        connector.kill()
        connector.start()
        expected = [n for n in range(total) if n % 3 == 0]
        wait_until(lambda: self.stored(server) >= len(expected), "all records")
        self.assertEqual(connector.stop(), 0)
        self.assertEqual(self.numbers(server, "odd"), [n for n in expected if n % 2])
        self.assertEqual(self.numbers(server, "even"), [n for n in expected if n % 2 == 0])
        (letter,) = server.values("dead-letters")
        self.assertEqual((letter["service"], letter["operator"], letter["reason"]), ("connector/events", "filter", "thirteen"))
        self.assertEqual(json.loads(letter["value"])["event"]["n"], 13)

    def test_mistakes_of_transforms_have_their_place(self):
        path = self.file(self.RESUMED, self.TRANSFORMED.replace("filter\n", "fliter\n"))
        done = run_cli("connect", "--check", path)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, re.escape(str(path)) + r":\d+:15: error: .*fliter")
        path = self.file(self.RESUMED, self.TRANSFORMED.replace("w.event.n % 3", "w.event.m % 3"))
        done = run_cli("connect", "--check", path)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, re.escape(str(path)) + r":\d+:\d+: error: .*'m'")


class RunTest(ConnectTest):
    def test_connectors_of_a_dataflow_live_and_die_with_it(self):
        total = 2_000
        self.events.total, self.events.pause = total, 0.02
        path = self.file(self.RESUMED, self.ROUTED)
        self.dataflow.write_text(DATAFLOW + f"connectors: [{path.name}]\n")
        self.assertEqual(run_cli("validate", self.dataflow).returncode, 0)
        server = self.server(self.dataflow)

        def pid():
            found = re.findall(r"started as process (\d+)", server.log_path.read_text())
            return int(found[-1]) if found else 0

        wait_until(lambda: self.stored(server) > 0, "records")
        first = pid()
        os.kill(first, signal.SIGKILL)
        wait_until(lambda: pid() != first, "another process")
        self.assertIn("it was ended by signal 9; starting it again", server.log_path.read_text())
        second = pid()
        server.kill()
        wait_until(lambda: not pathlib.Path(f"/proc/{second}").exists(), "its end with the server")
        server.start()
        wait_until(lambda: self.stored(server) >= total, "all records")
        self.check_each_once(server, total)
        third = pid()
        self.assertEqual(server.stop(), 0)
        self.assertFalse(pathlib.Path(f"/proc/{third}").exists())
        self.assertIn("connector " + str(path) + ": events: ", server.log_path.read_text())

    def test_watch_follows_the_list_of_connectors_and_their_files(self):
        self.events.total = 100
        path = self.file(self.RESUMED + '  headers: ["Token: ${{ secrets.TOKEN }}"]\n', self.ROUTED, meta="  secrets: [{ name: TOKEN }]")
        secrets = self.folder / "secrets.txt"
        secrets.write_text("TOKEN=s3cret\n")
        server = self.server(self.dataflow, ["--watch", "--secrets", secrets, "--compiler", "g++"])

        def log():
            return server.log_path.read_text()

        def pids():
            return [int(pid) for pid in re.findall(r"started as process (\d+)", log())]

        self.dataflow.write_text(DATAFLOW + f"connectors: [{path.name}]\n")
        wait_until(lambda: self.stored(server) == 100, f"records of a connector that was added: {log()}")
        self.assertEqual(self.events.requests[0][1]["Token"], "s3cret")
        arguments = pathlib.Path(f"/proc/{pids()[0]}/cmdline").read_text().split("\0")
        for flag, value in (("--secrets", str(secrets)), ("--compiler", "g++"), ("--cache", str(cache_folder()))):
            self.assertEqual(arguments[arguments.index(flag) + 1], value)
        # Its file changes: first to what is wrong.
        right = path.read_text()
        path.write_text(right.replace("delimiter", "delimeter"))
        wait_until(lambda: "the connectors as they were before this change go on" in log(), "the mistake")
        self.assertEqual(len(pids()), 1)
        path.write_text(right.replace("/stream_events", "/stream_events?other=1"))
        wait_until(lambda: any("other=1" in where for where, _ in self.events.requests), f"the changed one: {log()}")
        self.assertIn("stopping, its file has changed", log())
        # It goes from the list, and its file with it.
        self.dataflow.write_text(DATAFLOW)
        path.unlink()
        wait_until(lambda: not pathlib.Path(f"/proc/{pids()[-1]}").exists(), "its end")
        self.assertIn("stopping, the dataflow does not name it any more", log())
        self.assertEqual(len(pids()), 2)
        self.assertEqual(server.stop(), 0)
        self.check_each_once(server.start(), 100)

    def test_mistakes_of_connectors_are_told_with_the_dataflow(self):
        path = self.file(self.RESUMED + "  methd: GET\n")
        self.dataflow.write_text(DATAFLOW + "connectors: [events.yaml, nosuch.yaml]\n")
        done = run_cli("validate", self.dataflow)
        self.assertEqual(done.returncode, 1)
        self.assertIn("error: unknown key 'methd' in 'http'", done.stderr)
        self.assertIn("nosuch.yaml' cannot be read", done.stderr)
        self.assertIn("2 of its connectors cannot run", done.stderr)
        self.assertIn("cannot run", self.refused_run(self.dataflow).stderr)
        self.file(self.RESUMED)
        (self.folder / "again.yaml").write_text(path.read_text())
        self.dataflow.write_text(DATAFLOW + "connectors: [events.yaml, again.yaml]\n")
        self.assertIn("its name 'events' is that of", run_cli("validate", self.dataflow).stderr)


class BadInputTest(ConnectTest):
    def test_what_passes_is_waited_for_and_loses_nothing(self):
        server = self.server(self.dataflow)
        self.events.total = 100
        connector = self.connector(self.file(self.RESUMED + "  idle-timeout: 500ms\n", self.ROUTED), server)
        wait_until(lambda: self.stored(server) == 100, "the first records")
        for mode, told in (("half", "the answer broke off before its end"), ("short", "the answer broke off before its end"),
                           ("hang", "nothing has come for 0.5 s"), ("status", "answers with status 503")):
            with self.subTest(mode):
                self.events.status = 503
                self.events.mode = mode
                wait_until(lambda: told in connector.log, f"{told!r} in the log:\n{connector.log}")
                self.events.total += 100
                self.events.mode = "fine"
                wait_until(lambda: self.stored(server) >= self.events.total, f"records after {mode}: {connector.log}")
        self.assertEqual(connector.stop(), 0)
        self.check_each_once(server, self.events.total)

    def test_an_endpoint_that_is_down(self):
        server = self.server(self.dataflow)
        port = self.events.server_address[1]
        self.events.end()
        connector = self.connector(self.file(self.RESUMED, self.ROUTED), server)
        wait_until(lambda: "trying again" in connector.log, "a word about it")
        self.assertIn(f"http://127.0.0.1:{port}/stream_events: ", connector.log)
        begin = time.monotonic()
        self.assertEqual(connector.stop(), 0)
        self.assertLess(time.monotonic() - begin, 20)

    def test_events_that_come_twice_are_stored_once_and_disturb_nothing(self):
        dataflow = self.folder / "once.yaml"
        dataflow.write_text(DATAFLOW.replace("event } } }", "event } }, deduplicate: [{ field: n }] }"))
        server = self.server(dataflow)
        self.events.times_each = 2
        connector = self.connector(self.file(self.RESUMED, self.ROUTED), server)
        for total in range(200, 2001, 200):  # a request each, at least
            self.events.total = total
            wait_until(lambda: self.stored(server) == total // 2, f"the records of {total} events:\n{connector.log}")
        self.assertEqual(connector.stop(), 0)
        self.check_each_once(server, 1000)

    def test_retry_after_is_honoured(self):
        server = self.server(self.dataflow)
        self.events.mode, self.events.status, self.events.extra = "status", 429, {"Retry-After": "3"}
        self.connector(self.file(self.RESUMED, self.ROUTED), server)
        wait_until(lambda: self.events.requests, "a request")
        begin = time.monotonic()
        wait_until(lambda: len(self.events.requests) > 1, "another one")
        self.assertGreater(time.monotonic() - begin, 2)

    def test_what_does_not_pass_ends_it_with_a_clear_message(self):
        server = self.server(self.dataflow)
        where = self.events.url + "/stream_events"
        for mode, status, told in (
                ("status", 404, f"{where} answers with status 404: trying again would not help; it says: oops"),
                ("status", 401, f"{where} answers with status 401: is the secret in 'headers' the right one?"),
                ("redirect", 0, f"{where} redirects to '{self.events.url}/elsewhere' (status 302): write that as 'endpoint', or "
                                "'allow-redirects: true'"),
                ("endless", 0, "a record of the stream has no end after 65536 bytes: look at 'delimiter', or raise 'record-bytes-max'"),
                ("bomb", 0, "the answer is compressed to less than a 200th")):
            with self.subTest(f"{mode} {status}"):
                self.events.mode, self.events.status = mode, status
                log = self.ended(self.file(self.RESUMED + "  record-bytes-max: 64KiB\n", name=f"c{mode}{status}"), server)
                self.assertIn(told, log)

    def test_private_addresses_are_not_connected_to(self):
        server = self.server(self.dataflow)
        port = self.events.server_address[1]
        # A name that leads to this machine, too.
        for host in ("127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f000001"):
            log = self.ended(self.file(allow=False, endpoint=f'"http://{host}:{port}/"'), server)
            self.assertIn("is an address of this machine or of a private network: write 'allow-private-addresses: true' if that "
                          "is meant", log)
        self.assertEqual(self.events.requests, [])

    def test_memory_stays_bounded(self):
        server = self.server(self.dataflow)
        path = self.file(self.RESUMED + "  record-bytes-max: 3MiB\n", name="bounded")
        for mode in ("endless", "bomb"):
            self.events.mode = mode
            connector = self.connector(path, server)
            largest = 0
            while connector.process.poll() is None:
                try:
                    largest = max(largest, connector.memory())
                except (OSError, TypeError):
                    break
                time.sleep(0.005)
            self.assertEqual(connector.process.wait(PATIENCE_SECONDS), 1)
            self.assertLess(largest, 150 << 20)

    def test_bad_records_are_dead_letters(self):
        server = self.server(self.dataflow)
        self.events.mode, self.events.tag = "body", None
        self.events.body = b'{"key":"a","event":{"n":1,"name":"odd"}}\nno json\n{"key":"b"}\n{"key":"c","event":{"n":-1,"name":"even"}}\n'
        self.connector(self.file("  interval: 1h\n", self.ROUTED + "  otherwise: dead-letter\n"), server)
        wait_until(lambda: len(server.records("dead-letters")) == 3, "dead letters")
        self.assertEqual(self.numbers(server, "odd"), [1])
        letters = server.values("dead-letters")
        self.assertEqual(sorted(letter["code"] for letter in letters), ["invalid_json", "missing_field", "wrong_type"])
        self.assertEqual({letter["service"] for letter in letters}, {"connector/events"})
        bad = next(letter for letter in letters if letter["code"] == "wrong_type")
        self.assertEqual((bad["topic"], bad["key"], bad["field"], json.loads(bad["value"])), ("even", "c", "n", {"n": -1, "name": "even"}))

    def test_files_with_mistakes(self):
        path = self.folder / "wrong.yaml"
        path.write_text("apiVersion: 0.1.0\nmeta: { name: a, version: 1, type: http-source, topic: t }\nhttp:\n"
                        "  endpoint: http://a\n  methd: GET\n  interval: soon\n")
        done = run_cli("connect", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{path}:5:3: error: unknown key 'methd' in 'http'", done.stderr)
        self.assertIn("did you mean 'method'?", done.stderr)
        self.assertIn(f"{path}:6:13: error: 'interval' has to be a duration", done.stderr)
        path.write_text("apiVersion: 0.1.0\nmeta: { name: a\nhttp:\n")
        done = run_cli("connect", "--check", path)
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{path}:3:", done.stderr)
        self.assertEqual(run_cli("connect", "--check", ROOT / "games/gaming-analytics/connectors/gaming-events.yaml").returncode, 0)

    def test_secrets_reach_the_other_side_and_nobody_else(self):
        server = self.server(self.dataflow)
        (self.folder / "secrets.txt").write_text("TOKEN=s3cret-token\n")
        (self.folder / "part").write_text("s3cret-part\n")
        path = self.file('  headers:\n    - "Authorization: Bearer ${{ secrets.TOKEN }}"\n    - "X-Part: ${file:part}"\n'
                         '    - "X-Env: ${env:OF_THE_ENVIRONMENT}"\n', meta="  secrets: [{ name: TOKEN }]",
                         endpoint=self.events.url + "/${{ secrets.TOKEN }}")
        self.events.mode, self.events.status = "status", 403
        log = self.ended(path, server, "--secrets", self.folder / "secrets.txt", env={"OF_THE_ENVIRONMENT": "s3cret-env"})
        target, headers = self.events.requests[0]
        self.assertEqual(target, "/s3cret-token")
        self.assertEqual((headers["Authorization"], headers["X-Part"], headers["X-Env"]), ("Bearer s3cret-token", "s3cret-part", "s3cret-env"))
        self.assertIn("/*** answers with status 403: is the secret in 'headers' the right one?", log)
        self.assertNotIn("s3cret", log)
        missing = run_cli("connect", "--check", path)
        self.assertIn("secret 'TOKEN' is neither in a file given with --secrets nor in the environment", missing.stderr)


class PollTest(ConnectTest):
    def test_an_answer_is_stored_when_it_has_changed(self):
        server = self.server(self.dataflow)
        self.events.mode, self.events.tag, self.events.body = "body", '"one"', b'{\n  "n": 1\n}\n'
        path = self.file("  interval: 50ms\n", stream=False)
        connector = self.connector(path, server)
        wait_until(lambda: len(self.events.requests) > 3, "requests")
        connector.kill()
        connector.start()
        wait_until(lambda: len(self.events.requests) > 8, "requests")
        self.events.body, self.events.tag = b'{"n":2}', '"two"'
        wait_until(lambda: len(server.records("rest")) > 1, "the second answer")
        wait_until(lambda: len(self.events.requests) > 20, "requests")
        self.assertEqual(connector.stop(), 0)
        self.assertEqual(sorted(value["n"] for value in server.values("rest")), [1, 2])

    def test_texts_become_json(self):
        server = self.server(self.dataflow)
        self.events.mode, self.events.tag, self.events.body = "body", '"t"', b"It's 20 degrees\n"
        self.connector(self.file("  interval: 1h\n  output_type: json\n  output_parts: full\n", stream=False), server)
        (value,) = wait_until(lambda: server.values("rest"), "a record")
        self.assertEqual((value["body"], value["status"]), ("It's 20 degrees\n", {"version": "HTTP/1.1", "code": 200}))
        self.assertEqual(value["header"]["etag"], '"t"')

    def test_packed_answers_that_cannot_be_unpacked_end_it(self):
        server = self.server(self.dataflow)
        self.events.mode = "coded"
        packed = gzip.compress(record(1) + b"\n")
        damaged = packed[:20] + bytes([packed[20] ^ 1]) + packed[21:]
        for number, (coding, body, told) in enumerate((
                ("br", b"\x0b\x02\x80", "the answer's Content-Encoding is 'br', but only gzip and deflate were asked for"),
                ("gzip", record(1), "the answer cannot be unpacked: incorrect header check"),
                ("gzip", damaged, "the answer cannot be unpacked: "))):
            with self.subTest(f"{coding} {body[:8]}"):
                self.events.coded = coding, body
                self.assertIn(told, self.ended(self.file("  interval: 1h\n", self.ROUTED, name=f"coded{number}", stream=False), server))

    def test_a_packed_answer_that_is_cut_off_is_asked_for_again(self):
        server = self.server(self.dataflow)
        body = b"".join(record(i) + b"\n" for i in range(100))
        self.events.mode, self.events.coded = "coded", ("gzip", gzip.compress(body)[:-9])
        connector = self.connector(self.file('  delimiter: "\\n"\n  interval: 1h\n', self.ROUTED), server)
        wait_until(lambda: "the answer broke off before the end of what it packs" in connector.log_path.read_text(), "the failure to be told")
        for coding, whole in (("deflate", zlib.compress(body)), ("GZIP", gzip.compress(body))):
            self.events.coded = coding, whole
            wait_until(lambda: self.stored(server) >= 100, "all records")

    def test_a_stream_that_packs_well_is_not_unpacked_ahead(self):
        # 100 MB in 1 or 2: more than a reader holds, of what no reader should call a bomb.
        server = self.server(self.dataflow)
        chance = random.Random(1)
        blanks = [bytes(chance.choice(b" \t") for _ in range(1_000)) + b" " * 19_000 for _ in range(50)]
        self.events.coded = "gzip", gzip.compress(b"".join(record(i) + chance.choice(blanks) + b"\n\n" for i in range(5_000)))
        self.events.mode = "coded"
        connector = self.connector(self.file('  delimiter: "\\n\\n"\n  interval: 1h\n', self.ROUTED), server)
        wait_until(lambda: self.stored(server) >= 5_000, "all records")
        self.check_each_once(server, 5_000)
        self.assertLess(connector.memory(), 150 << 20)

    def test_a_compressed_stream(self):
        server = self.server(self.dataflow)
        self.events.total, self.events.mode = 5_000, "zipped"
        self.connector(self.file('  delimiter: "\\n\\n"\n  interval: 1h\n', self.ROUTED), server)
        wait_until(lambda: self.stored(server) >= 5_000, "all records")
        self.check_each_once(server, 5_000)
