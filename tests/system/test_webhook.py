"""`webhook-source`: the example of its page, and senders that send until they have an answer, over kill -9 of connector and server."""

import hashlib
import hmac
import http.client
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import threading
import time
import unittest

from harness import COUNTING, PATIENCE_SECONDS, PROGRAM, ROOT, SystemTest, free_port, wait_until

ROUNDS = int(os.environ.get("GAMEFLOW_KILL_ROUNDS", "5"))
SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))
PAGE = ROOT / "docs" / "connectors" / "webhook-source.md"


class Connector:
    """`gameflow connect` on a port that stays the same over restarts."""

    def __init__(self, server, file, port):
        self.server, self.file, self.port, self.process = server, file, port, None

    def launch(self):
        with open(self.server.folder / "connector.log", "ab") as log:
            self.process = subprocess.Popen([PROGRAM, "connect", self.file, "--server", self.server.url], stdout=log, stderr=log,
                                            env={**os.environ, "WEBHOOK_SECRET": "secret"})

    def start(self):
        self.launch()
        wait_until(self.answers, "the connector listens")
        return self

    def answers(self):
        assert self.process.poll() is None, (self.server.folder / "connector.log").read_text()[-2000:]
        try:
            return post(self.port, "", b"", method="GET", path="/healthz")[0] == 200
        except OSError:
            return False

    def end(self, with_signal):
        if self.process is None:
            return None
        self.process.send_signal(with_signal)
        code = self.process.wait(PATIENCE_SECONDS)
        self.process = None
        return code


def post(port, header, body, method="POST", path="/in", timeout=PATIENCE_SECONDS):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    try:
        connection.request(method, path, body, {"X-Signature": header})
        reply = connection.getresponse()
        return reply.status, reply.read()
    finally:
        connection.close()


def sign(body):
    now = str(int(time.time()))
    return f"t={now},v1=" + hmac.new(b"secret", f"{now}.".encode() + body, hashlib.sha256).hexdigest()


class Sender(threading.Thread):
    """Sends numbered events, some at a time, again and again until they are acknowledged."""

    def __init__(self, port, name, rng):
        super().__init__(daemon=True)
        self.port, self.user, self.rng = port, name, rng
        self.acknowledged, self.failure = 0, None
        self.finish = threading.Event()

    def run(self):
        try:
            while not self.finish.is_set():
                count = self.rng.randrange(1, 4)
                events = [{"user": self.user, "at": "2024-11-12T10:15:30Z", "points": self.acknowledged + n} for n in range(count)]
                body = (json.dumps(events) if self.rng.random() < 0.5 else "\n".join(map(json.dumps, events))).encode()
                while not self.finish.is_set() and not self.send(body, count):
                    time.sleep(0.02)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure

    def send(self, body, count):
        try:
            status, answer = post(self.port, sign(body), body, timeout=5)
        except (OSError, http.client.HTTPException):
            return False
        assert status in (200, 503), (status, answer)
        if status == 200:
            assert json.loads(answer) == {"accepted": count}, answer
            self.acknowledged += count
        return status == 200


class Webhook(SystemTest):
    def connector(self, server, text):
        port = free_port()
        file = self.folder / "webhook.yaml"
        file.write_text(re.sub(r"listen: [^,\n]+", f"listen: 127.0.0.1:{port}", text))
        connector = Connector(server, file, port)
        self.addCleanup(lambda: connector.end(signal.SIGKILL))
        return connector

    def test_the_example_of_the_page(self):
        page = PAGE.read_text()
        example = re.search(r"```yaml\n(apiVersion.*?)```", page, re.S)[1]
        dataflow = self.folder / "dataflow.yaml"
        dataflow.write_text(COUNTING.read_text().replace("  late-events: {}", "  late-events: {}\n  purchase-events: {}"))
        server = self.server(dataflow)
        connector = self.connector(server, example).start()
        commands = re.search(r"```sh\n(body=.*?)```", page, re.S)[1].replace("127.0.0.1:9000", f"127.0.0.1:{connector.port}")
        done = subprocess.run(["sh", "-ec", commands], capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        self.assertEqual(done.stdout, '{"accepted":1}\n', done.stderr)
        records = server.records("purchase-events")
        self.assertEqual([(record["key"], record["value"]["parameters"]["amount"]) for record in records], [("trans_789", 4.99)])
        forged = subprocess.run(["sh", "-ec", commands.replace("-hmac secret", "-hmac other")], capture_output=True, text=True)
        self.assertIn("unauthorized", forged.stdout)
        self.assertEqual(len(server.records("purchase-events")), 1)
        self.assertEqual(connector.end(signal.SIGTERM), 0)

    def test_nothing_acknowledged_is_lost(self):
        print(f"seed {SEED}")
        rng = random.Random(SEED)
        server = self.server(COUNTING)
        connector = self.connector(server, """
apiVersion: 0.1.0
meta: { name: webhook, version: 0.1.0, type: webhook-source, topic: events }
webhook: { listen: x, path: /in, secrets: ["${env:WEBHOOK_SECRET}"] }
key-field: user
""").start()
        senders = [Sender(connector.port, f"user_{n}", random.Random(rng.random())) for n in range(4)]
        for sender in senders:
            sender.start()
        for _ in range(ROUNDS):
            before = [sender.acknowledged for sender in senders]
            wait_until(lambda before=before: all(sender.failure or sender.acknowledged >= old + 5
                                                 for sender, old in zip(senders, before)), "all are answered")
            self.assertEqual([sender.failure for sender in senders], [None] * 4)
            time.sleep(rng.random() * 0.2)
            connector.end(signal.SIGKILL)
            if rng.random() < 0.7:
                server.kill()
                server.start()
            connector.start()
            time.sleep(rng.random() * 0.2)
            server.kill()  # while the connector goes on
            server.start()
        for sender in senders:
            sender.finish.set()
        for sender in senders:
            sender.join(PATIENCE_SECONDS)
            self.assertIsNone(sender.failure)
        stored = [(value["user"], value["points"]) for value in server.values("events")]
        for sender in senders:
            points = [number for user, number in stored if user == sender.user]
            self.assertEqual(set(points) >= set(range(sender.acknowledged)), True, "an acknowledged event is missing")
            # First comes first; what is there twice was sent twice.
            first = list(dict.fromkeys(points))
            self.assertEqual(first, sorted(first))
        self.assertEqual(connector.end(signal.SIGTERM), 0)

    def test_garbage(self):
        server = self.server(COUNTING)
        connector = self.connector(server, """
apiVersion: 0.1.0
meta: { name: webhook, version: 0.1.0, type: webhook-source, topic: events }
webhook: { listen: x, path: /in, secrets: ["${env:WEBHOOK_SECRET}"] }
""").start()
        rng = random.Random(SEED)
        for _ in range(200):
            body = rng.randbytes(rng.randrange(0, 200))
            header = rng.choice([sign(body), "t=1", "", "v1=" + "0" * 64])
            status, answer = post(connector.port, header, body)
            self.assertIn(status, (400, 401), answer)
        # A record that its topic does not take is no reason to send it again.
        body = b'{"user":7}'
        self.assertEqual(post(connector.port, sign(body), body)[0], 200)
        self.assertEqual(server.values("events"), [])
        self.assertTrue(connector.answers())


if __name__ == "__main__":
    unittest.main()
