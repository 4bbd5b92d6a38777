"""clients/cpp against the real program, through a proxy that cuts connections, over kill -9 of the server and of the client.

The server asks for tokens. (clients/js likewise: tests/browser/clients.mjs.)
"""

import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import COUNTING, PATIENCE_SECONDS, PROGRAM, SystemTest, run_cli

SEND_LINES = os.environ.get("GAMEFLOW_SEND_LINES", str(pathlib.Path(PROGRAM).parent / "send_lines"))
SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))


class Proxy(threading.Thread):
    """Takes a request a connection; cuts it off before the server has seen it, after that, or amid the answer."""

    def __init__(self, port, rng):
        super().__init__(daemon=True)
        self.target, self.rng, self.faults, self.is_calm = port, rng, 0, False
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def run(self):
        while True:
            try:
                connection = self.socket.accept()[0]
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    @staticmethod
    def message(stream):
        """A whole request or answer, or None."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = stream.readline()
            if not line:
                return None
            head += line
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
        body = stream.read(length)
        return head + body if len(body) == length else None

    def serve(self, connection):
        fault = "none" if self.is_calm else self.rng.choice(["none", "none", "before", "after", "amid"])
        self.faults += fault != "none"
        with connection, connection.makefile("rb") as stream:
            request = self.message(stream)
            if request is None or fault == "before":
                return
            try:
                with socket.create_connection(("127.0.0.1", self.target), PATIENCE_SECONDS) as onward, onward.makefile("rb") as answers:
                    onward.sendall(request)
                    answer = self.message(answers)
                if answer is not None and fault != "after":
                    connection.sendall(answer if fault == "none" else answer[:len(answer) // 2])
            except OSError:
                return  # the server is away


class Clients(SystemTest):
    def start(self):
        tokens = self.folder / "tokens"
        admin, self.token = (run_cli("token", "create", role, "--role", role, *topics, "--auth", tokens).stdout.strip()
                             for role, topics in (("admin", []), ("ingest", ["--topic", "t"])))
        server = self.server(COUNTING, ["--auth", tokens], start=False)
        server.token = admin
        server.start()
        reply = server.request("POST", "/topics", json.dumps({"name": "t"}), {"Content-Type": "application/json"})
        self.assertEqual(reply.status, 201, reply.text)
        proxy = Proxy(server.port, random.Random(SEED))
        proxy.start()
        self.addCleanup(proxy.socket.close)
        return server, proxy

    def client(self, proxy, source):
        process = subprocess.Popen([SEND_LINES, proxy.url, "t", str(self.folder / "queue")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                   env={**os.environ, "GAMEFLOW_TOKEN": self.token})
        self.addCleanup(process.stdout.close)
        self.addCleanup(lambda: process.poll() is None and process.kill())

        def feed():
            with contextlib.suppress(OSError, ValueError):  # it was killed
                with process.stdin as lines:
                    for line in source:
                        lines.write(line + "\n")

        threading.Thread(target=feed, daemon=True).start()
        return process

    def test_each_event_once_and_in_order_over_kills_of_the_server(self):
        server, proxy = self.start()
        finish = threading.Event()
        count = 0

        def events():
            nonlocal count
            while not finish.is_set():
                yield json.dumps({"n": count})
                count += 1

        client = self.client(proxy, events())
        client.stdout.readline()  # some are stored
        for _ in range(5):
            server.kill()
            server.start()
            for _ in range(2):
                client.stdout.readline()
        finish.set()
        proxy.is_calm = True
        last = client.stdout.read().splitlines()[-1]
        self.assertEqual(client.wait(PATIENCE_SECONDS), 0, last)
        print(f"seed {SEED}: {count} events, {proxy.faults} faults, {last}")
        self.assertEqual([value["n"] for value in server.values("t")], list(range(count)))
        self.assertEqual(server.stop(), 0)

    def test_a_client_that_is_killed_leaves_its_events_to_the_next_one(self):
        server, proxy = self.start()
        stored = []  # ranges that were said to be
        for number in range(6):
            first = number * 1_000_000
            client = self.client(proxy, (json.dumps({"n": first + i}) for i in range(1_000_000)))
            lines = [int(client.stdout.readline()) for _ in range(3)]
            time.sleep(random.uniform(0, 0.05))
            client.send_signal(signal.SIGKILL)
            client.wait()
            rest = [int(line) for line in client.stdout.read().splitlines()]
            stored.append(range(first, first + (lines + rest)[-1]))
        proxy.is_calm = True
        last = self.client(proxy, [])
        self.assertEqual(last.wait(PATIENCE_SECONDS), 0)
        self.assertFalse((self.folder / "queue").exists())
        numbers = [value["n"] for value in server.values("t")]
        self.assertEqual(len(numbers), len(set(numbers)), "one is there twice")
        self.assertEqual(set().union(*stored) - set(numbers), set(), "missing")
        self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
