"""`gameflow generate --serve`: the events as the mission has them, one stream for all clients, and what must not disturb it."""

import http.client
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import PATIENCE_SECONDS, PROGRAM, SystemTest, run_cli, wait_until

SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))

# Of the mission: each field, and what its value looks like.
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"
MISSION = {
    "player_action": ("player-events", {
        "parameters": {"player_id": r"player_\d+", "session_id": r"session_\d+", "event_type": r"[a-z_]+", "level_id": r"level_\d\d",
                       "map_id": r"map_\d\d"},
        "event_timestamp": TIME, "user_data": {"user_id": r"player_\d+", "platform": r"[A-Za-z]+"}}, ("user_data", "user_id")),
    "transaction": ("purchase-events", {
        "parameters": {"transaction_id": r"trans_\w+", "transaction_type": "purchase|refund", "currency": "[A-Z]{3}", "amount": (int, float),
                       "item_id": r"\w+", "item_type": r"\w+"},
        "event_timestamp": TIME, "user_data": {"user_id": r"player_\d+", "platform": r"[A-Za-z]+"}}, ("parameters", "transaction_id")),
    "server_metric": ("server-metrics", {
        "parameters": {"server_id": r"server_\d+", "cpu_load": (int, float), "memory_usage": (int, float), "latency": (int, float)},
        "event_timestamp": TIME, "server_data": {"region": r"[a-z-]+", "server_type": r"\w+"}}, ("parameters", "server_id"))}


class Api:
    def __init__(self, folder, *arguments):
        self.log = folder / "generate.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "generate", "--serve", "127.0.0.1:0", *map(str, arguments)],
                                            stdout=subprocess.PIPE, stderr=log)
        line = self.process.stdout.readline().decode()
        assert line.startswith("listening on http://127.0.0.1:"), line + self.log.read_text()
        self.port = int(line.rsplit(":", 1)[1])

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def open(self, path, method="GET"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
        connection.request(method, path)
        return connection.getresponse()

    def get(self, path):
        reply = self.open(path)
        return reply.status, reply.headers, reply.read()

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            return int(re.search(r"VmRSS:\s+(\d+)", status.read())[1])

    def end(self, with_signal=signal.SIGTERM):
        if self.process is None:
            return None
        self.process.send_signal(with_signal)
        code = self.process.wait(PATIENCE_SECONDS)
        self.process.stdout.close()
        self.process = None
        return code


def records(reply, count):
    """The next records of a stream, as text without the blank line."""
    found = []
    while len(found) < count:
        line = reply.readline()
        assert line.endswith(b"\n"), f"the stream ended: {line!r}"
        assert reply.readline() == b"\n", "a record is one line and a blank one"
        found.append(line[:-1])
    return found


class WebApi(SystemTest):
    def api(self, *arguments):
        api = Api(self.folder, *arguments)
        self.addCleanup(lambda: api.end(signal.SIGKILL))
        return api

    def check_shape(self, value, shape, path=""):
        if isinstance(shape, dict):
            self.assertLessEqual(set(shape), set(value), path)
            for name, inner in shape.items():
                self.check_shape(value[name], inner, f"{path}.{name}")
        elif isinstance(shape, tuple):
            self.assertIsInstance(value, shape, path)
        else:
            self.assertRegex(value, f"^(?:{shape})$", path)

    def check_event(self, event, exact):
        _, shape, key = MISSION[event["event_name"]]
        self.check_shape(event, shape)
        if exact:
            self.assertEqual(set(event), {*shape, "event_name"})
            self.assertEqual(set(event["parameters"]), set(shape["parameters"]))
        return event[key[0]][key[1]]

    def test_events_are_those_of_the_mission(self):
        for arguments, exact in ((["--rate", "1000"], True), (["--profile", "game", "--rate", "2000"], False)):
            api = self.api(*arguments)
            names = set()
            for record in records(api.open("/stream_events"), 600):
                record = json.loads(record)
                self.assertEqual(list(record), ["key", "event"])
                if isinstance(record["event"], str):
                    continue  # damaged on its way
                self.assertEqual(record["key"], self.check_event(record["event"], exact))
                names.add(record["event"]["event_name"])
            for path, name in (("/player_event", "player_action"), ("/purchase_event", "transaction"), ("/server_metric", "server_metric")):
                status, headers, body = wait_until(
                    lambda path=path: (lambda reply: reply[0] == 200 and reply)(api.get(path)), f"there is one at {path}")
                self.assertEqual((status, headers["Content-Type"]), (200, "application/json"))
                event = json.loads(body)
                self.assertEqual(event["event_name"], name)
                self.check_event(event, exact)
            self.assertEqual(api.get("/player_position")[0], 404)
            self.assertIn(b"GET /stream_events", api.get("/")[2])
            if exact:
                self.assertEqual(names, set(MISSION))
            self.assertEqual(api.end(), 0)

    def test_the_same_seed_is_the_same_stream(self):
        arguments = ["--seed", "7", "--rate", "max", "--events", "5000", "--start-time", "2024-11-12T10:00:00Z"]
        status, headers, body = self.api(*arguments).get("/stream_events?after=0")
        self.assertEqual((status, headers["Gameflow-Stream-Position"], headers["Transfer-Encoding"]), (200, "0", "chunked"))
        served = [json.loads(record)["event"] for record in body.decode().split("\n\n")[:-1]]
        self.assertEqual(len(served), 15_000)
        self.assertTrue(body.endswith(b"}}\n\n"))
        printed = [json.loads(line) for line in run_cli("generate", "--stdout", *arguments).stdout.splitlines()]
        for name in MISSION:
            self.assertEqual([event for event in served if event["event_name"] == name],
                             [event for event in printed if event["event_name"] == name])

    def test_many_clients_see_one_stream_and_continue_it(self):
        api = self.api("--rate", "2000", "--seed", "1")
        first = api.open("/stream_events?after=0")
        whole = records(first, 6000)
        failures = []

        def client(seed):
            rng = random.Random(seed)
            try:
                # Comes and goes; where it goes on is what it has counted.
                position, seen = rng.randrange(0, 1000), []
                start = position
                while len(seen) < 3000:
                    reply = api.open(f"/stream_events?after={position}")
                    assert reply.status == 200, reply.read()
                    assert int(reply.headers["Gameflow-Stream-Position"]) == position
                    part = records(reply, rng.randrange(1, 1500))
                    reply.close()
                    seen += part
                    position += len(part)
                assert seen[:3000] == whole[start:start + 3000], f"seed {seed}"
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)

        clients = [threading.Thread(target=client, args=[SEED + n]) for n in range(30)]
        for each in clients:
            each.start()
        for each in clients:
            each.join(PATIENCE_SECONDS)
        self.assertEqual(failures, [])
        now = api.open("/stream_events")  # without a position: from now on
        position = int(now.headers["Gameflow-Stream-Position"])
        self.assertGreater(position, 3000)
        self.assertEqual(records(now, 5), records(api.open(f"/stream_events?after={position}"), 5))

    def test_a_slow_reader_slows_only_itself(self):
        api = self.api("--rate", "max")
        slow = socket.create_connection(("127.0.0.1", api.port))
        self.addCleanup(slow.close)
        slow.sendall(b"GET /stream_events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        received = slow.recv(65536)  # and reads no more
        self.assertIn(b"200 OK", received)
        fast = api.open("/stream_events")
        size, largest = 0, 0
        while size < 600 << 20:
            size += len(fast.read(1 << 20))
            largest = max(largest, api.memory_kib())
        # 256 MiB of the stream, what readers hold, and the program itself.
        self.assertLess(largest, 340 << 10)
        self.assertEqual(api.get("/healthz")[0], 200)
        # What it missed is gone, and it is told so: its body breaks off before the last chunk.
        slow.settimeout(PATIENCE_SECONDS)
        while piece := slow.recv(1 << 20):
            received = (received + piece)[-100:]
        self.assertFalse(received.endswith(b"0\r\n\r\n"))
        status, headers, body = api.get("/stream_events?after=0")
        self.assertEqual(status, 410, body)
        oldest = int(headers["Gameflow-Stream-Oldest"])
        self.assertGreater(oldest, 0)
        self.assertIn(f"begins at {oldest}", json.loads(body)["error"]["message"])
        self.assertIn("reads too slowly", api.log.read_text())
        self.assertEqual(api.end(), 0)

    def test_stopping_ends_all_streams(self):
        api = self.api("--rate", "100")
        streams = [api.open("/stream_events") for _ in range(20)]
        for stream in streams:
            records(stream, 2)
        stuck = socket.create_connection(("127.0.0.1", api.port))
        self.addCleanup(stuck.close)
        stuck.sendall(b"GET /stream_events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(api.end(), 0)
        for stream in streams:
            rest = stream.read()  # up to the last chunk: http.client raises where there is none
            self.assertTrue(rest == b"" or rest.endswith(b"}}\n\n"), rest[-50:])

    def test_it_answers_under_any_name(self):
        # As a service of a compose file, or behind a proxy.
        api = self.api("--rate", "1000")
        connection = http.client.HTTPConnection("127.0.0.1", api.port, timeout=PATIENCE_SECONDS)
        self.addCleanup(connection.close)
        connection.request("GET", "/stream_events", headers={"Host": "generator:8000"})
        records(connection.getresponse(), 2)

    def test_garbage(self):
        print(f"seed {SEED}")
        api = self.api("--rate", "1000")
        stream = api.open("/stream_events?after=0")
        for path, status in (("/stream_events?after=-1", 400), ("/stream_events?after=x", 400), ("/stream_events?after=1&after=2", 400),
                             ("/stream_events?before=1", 400), ("/stream_events?after=999999999999", 416),
                             ("/stream_events?after=99999999999999999999", 400), ("/stream_events/", 404), ("/nothing", 404),
                             ("/player_event?a=1", 400), ("/healthz", 200)):
            self.assertEqual(api.get(path)[0], status, path)
        self.assertEqual(api.open("/stream_events", "POST").status, 405)
        head = api.open("/stream_events", "HEAD")
        self.assertEqual((head.status, head.read()), (200, b""))
        rng = random.Random(SEED)
        good = b"GET /stream_events?after=0 HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for _ in range(300):
            text = bytearray(good * rng.randrange(1, 3))
            for _ in range(rng.randrange(1, 8)):
                text[rng.randrange(len(text))] = rng.randrange(256)
            with socket.create_connection(("127.0.0.1", api.port), timeout=PATIENCE_SECONDS) as connection:
                connection.sendall(rng.choice([bytes(text), rng.randbytes(100), bytes(text[:rng.randrange(len(text))])]))
                if rng.random() < 0.5:
                    connection.shutdown(socket.SHUT_WR)
                    reply = connection.recv(12)
                    self.assertTrue(reply == b"" or re.match(rb"HTTP/1.[01] [2-5]\d\d$", reply), reply)
        self.assertIsNone(api.process.poll())
        records(stream, 500)  # undisturbed
        elsewhere = subprocess.run([PROGRAM, "generate", "--serve", f"127.0.0.1:{api.port}"], capture_output=True, text=True,
                                   timeout=PATIENCE_SECONDS)
        self.assertIn(f"is in use by another program; stop it, or choose another port with --serve 127.0.0.1:{api.port + 1}",
                      elsewhere.stderr)
        self.assertNotEqual(elsewhere.returncode, 0)

    @unittest.skipUnless(shutil.which("curl"), "curl is not installed")
    def test_curl_reads_it(self):
        api = self.api("--rate", "1000")
        curl = subprocess.Popen(["curl", "-sN", api.url + "/stream_events"], stdout=subprocess.PIPE)
        self.addCleanup(curl.wait)
        self.addCleanup(curl.stdout.close)
        for record in records(curl.stdout, 500):
            self.assertEqual(list(json.loads(record)), ["key", "event"])
        curl.kill()


if __name__ == "__main__":
    unittest.main()
