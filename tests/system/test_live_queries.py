"""Queries that clients follow over /ws/sql, against the real program."""

import json
import os
import re
import socket
import struct
import unittest

from harness import PATIENCE_SECONDS, ROOT, SystemTest, run_cli, wait_until

QUERY = "select _key, count from per_user order by count desc, _key"


class LiveClient:
    """Follows queries, and keeps their rows as the reference page says."""

    def __init__(self, port, path="/ws/sql"):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        self.stream = self.socket.makefile("rb")
        if not self.stream.readline().startswith(b"HTTP/1.1 101"):
            raise AssertionError("no WebSocket")
        while self.stream.readline() != b"\r\n":
            pass
        self.key, self.rows, self.version, self.changes = [], None, None, 0

    def subscribe(self, sql, key, **more):
        self.key = key
        self.send(json.dumps({"subscribe": "q", "sql": sql, "key": key, "every": "100ms", **more}))

    def send(self, text):
        data, mask = text.encode(), os.urandom(4)
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + struct.pack(">H", len(data))
        self.socket.sendall(b"\x81" + size + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def receive(self):
        """The next message."""
        while True:
            first, size = self.stream.read(2)
            if size == 126:
                size, = struct.unpack(">H", self.stream.read(2))
            elif size == 127:
                size, = struct.unpack(">Q", self.stream.read(8))
            data = self.stream.read(size)
            if first == 0x81:
                return json.loads(data)
            if first == 0x89:
                self.socket.sendall(b"\x8a\x80\0\0\0\0")  # a pong

    def take(self):
        """Takes one message into the rows."""
        message = self.receive()
        if "error" in message:
            raise AssertionError(message["error"])
        if "rows" in message:
            self.columns, self.rows = message["columns"], message["rows"]
        else:
            if message["after"] != self.version:
                raise AssertionError(f"{message['after']} does not follow on {self.version}")
            self.changes += 1
            places = [self.columns.index(name) for name in self.key]
            gone = {tuple(key) for key in message["removed"]}
            gone |= {tuple(row[place] for place in places) for _, row in message["changed"]}
            self.rows = [row for row in self.rows if tuple(row[place] for place in places) not in gone]
            for place, row in message["changed"]:
                self.rows.insert(place, row)
        self.version = message["version"]

    def take_until(self, rows):
        while self.rows != rows:
            self.take()

    def close(self):
        self.stream.close()
        self.socket.close()


class LiveQueries(SystemTest):
    def client(self):
        client = LiveClient(self.instance.port)
        self.addCleanup(client.close)
        return client

    def produce(self, *users):
        reply = self.instance.produce("visits", ['{"user":"%s"}' % user for user in users])
        self.assertEqual(reply.status, 200, reply.text)

    def sql(self, query):
        return self.instance.request("POST", "/sql", query, {"Content-Type": "text/plain"}).json["rows"]

    def asked(self):
        return int(re.search(r"^gameflow_live_queries_asked_total (\d+)", self.instance.get("/metrics").text, re.M)[1])

    def setUp(self):
        super().setUp()
        self.instance = self.server(ROOT / "tests" / "system" / "visits.yaml")

    def test_rows_and_then_what_changes(self):
        self.produce(*(f"user-{number:02}" for number in range(30)))
        client = self.client()
        client.subscribe(QUERY, ["_key"])
        client.take_until([[f"user-{number:02}", 1] for number in range(30)])
        self.produce("user-17", "user-17", "zoe")
        client.take_until([["user-17", 3]] + [[f"user-{number:02}", 1] for number in range(30) if number != 17] + [["zoe", 1]])
        self.assertGreater(client.changes, 0)
        self.assertEqual(client.rows, self.sql(QUERY))

    def test_many_clients_cost_what_one_does(self):
        clients = [self.client() for _ in range(500)]
        for client in clients:
            client.subscribe(QUERY, ["_key"])
        for client in clients:
            client.take_until([])
        rounds = 4
        before = self.asked()
        for number in range(1, rounds + 1):
            self.produce("ann")
            for client in clients:
                client.take_until([["ann", number]])
        # A change may be looked at twice, and so may what was there at first; each client for itself would be 2,000 times.
        self.assertLessEqual(self.asked() - before, 2 * rounds + 1)

    def test_goes_on_after_a_lost_connection_and_a_killed_server(self):
        self.produce("ann", "bob", "cyd")
        client = self.client()
        client.subscribe(QUERY, ["_key"])
        client.take_until([["ann", 1], ["bob", 1], ["cyd", 1]])
        client.close()
        self.produce("bob")
        again = self.client()
        again.columns, again.rows, again.version = client.columns, client.rows, client.version
        again.subscribe(QUERY, ["_key"], version=client.version)
        again.take_until([["bob", 2], ["ann", 1], ["cyd", 1]])
        self.instance.kill()
        self.instance.start()
        after = self.client()
        after.version = again.version
        after.subscribe(QUERY, ["_key"], version=again.version)
        after.take_until([["bob", 2], ["ann", 1], ["cyd", 1]])
        self.assertEqual(after.changes, 0)  # another server knows no version of that one

    def test_parameters_of_the_command_line(self):
        self.produce("ann", "bob", "ann")
        wait_until(lambda: self.sql("select sum(count) from per_user") == [[3]], "three events")
        asked = ["sql", "select _key from per_user where count >= :least and _key <> :not", "--server", self.instance.url]
        self.assertEqual(run_cli(*asked, "-p", "least=1", "-p", "not=bob").stdout, "_key\nann\n")
        self.assertIn("there is no parameter 'not'", run_cli(*asked, "-p", "least=1").stderr)
        self.assertIn("write NAME=VALUE", run_cli(*asked, "-p", "least").stderr)


if __name__ == "__main__":
    unittest.main()
