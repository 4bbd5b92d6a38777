"""Quotas: what one address and one token may bring in a second; what is over it is refused as a whole, and clients wait for it."""

import re
import unittest

from harness import COUNTING, SystemTest, run_cli


def lines(count):
    return "".join(f'{{"user":"user-{i}","at":"2024-11-12T10:00:00Z"}}\n' for i in range(count))


class QuotaTest(SystemTest):
    def stored(self, server):
        return sum(partition["end"] for partition in server.topic("events")["partitions"])

    def metric(self, server, name):
        return int(re.search(rf"^{name} (\d+)", server.get("/metrics").text, re.M)[1])

    def test_an_address_over_its_quota_waits(self):
        server = self.server(COUNTING, ["--quota-records", 1000])
        self.assertEqual(server.produce("events", lines(3000).encode()).json["accepted"], 3000)
        refused = server.produce("events", lines(7).encode())
        self.assertEqual((refused.status, refused.json["error"]["code"]), (429, "quota_exceeded"), refused.text)
        self.assertIn("address 127.0.0.1 may send 1000 records a second, and has sent more. This request brings 7 records",
                      refused.json["error"]["message"])
        self.assertIn(int(refused.headers["Retry-After"]), (1, 2, 3))
        # So are those to several topics.
        routed = b'{"topic":"events","value":{"user":"ann","at":"2024-11-12T10:00:00Z"}}'
        self.assertEqual(server.request("POST", "/records", routed).status, 429)
        self.assertEqual(self.stored(server), 3000)
        self.assertEqual(self.metric(server, "gameflow_quota_refused_requests_total"), 2)
        self.assertEqual(self.metric(server, "gameflow_quota_refused_records_total"), 8)
        self.assertEqual(server.get("/livez").status, 200)
        # Commands wait, and say so once.
        done = run_cli("produce", "events", "--server", server.url, stdin=lines(20))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(done.stderr.count("going on as fast as that allows"), 1, done.stderr)
        self.assertEqual(self.stored(server), 3020)

    def test_a_token_has_one_of_its_own(self):
        tokens = self.folder / "tokens"
        made = run_cli("token", "create", "game", "--role", "ingest", "--quota-records", 100, "--quota-bytes", "1MiB", "--auth", tokens)
        game = made.stdout.strip()
        admin = run_cli("token", "create", "ann", "--role", "admin", "--auth", tokens).stdout.strip()
        self.assertIn("quota-records=100 quota-bytes=1048576", tokens.read_text())
        self.assertRegex(run_cli("token", "list", "--auth", tokens).stdout, r"(?m)^game .*100 records, 1\.0 MiB|1 MiB")
        server = self.server(COUNTING, ["--auth", tokens])

        def send(token, count):
            return server.produce("events", lines(count).encode(), headers={"Authorization": f"Bearer {token}"})
        self.assertEqual(send(game, 500).status, 200)
        refused = send(game, 1)
        self.assertEqual(refused.status, 429)
        self.assertIn("token 'game' may send 100 records a second", refused.json["error"]["message"])
        self.assertEqual(send(admin, 500).status, 200)
        self.assertEqual(send(admin, 500).status, 200)


if __name__ == "__main__":
    unittest.main()
