"""`http-sink` against web servers of all kinds: sound ones, busy ones, ones that refuse, hang, or are not there."""

import http.server
import json
import threading
import time
import unittest

from connectors import ClickHouse, Connector, example
from harness import COUNTING, FLAGSHIP, SystemTest, free_port, iso, wait_until


class Web:
    """A web server whose `answer(path, headers, body)` gives (status, headers, text); it remembers what it answered 2xx."""

    def __init__(self, test, answer=lambda *_: (200, {}, "")):
        self.test, self.answer, self.taken, self.seen, self.port = test, answer, [], [], free_port()
        self.server, self.protocol, self.connections = None, "HTTP/1.0", 0
        test.addCleanup(self.stop)

    def start(self):
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = self.protocol

            def setup(self):
                web.connections += 1
                super().setup()

            def do_POST(self):  # pylint: disable=invalid-name
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                web.seen.append((self.path, dict(self.headers), body))
                status, headers, text = web.answer(self.path, self.headers, body)
                if 200 <= status < 300:
                    web.taken.append((self.headers["Idempotency-Key"], body))
                try:
                    self.send_response(status)
                    for name, value in headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(text)))
                    self.end_headers()
                    self.wfile.write(text.encode())
                except OSError:
                    pass  # it did not wait for the answer

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def stop(self):
        if self.server:
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def values(self):
        return [json.loads(line) for _, body in self.taken for line in body.splitlines()]


class FlagshipAlerts(SystemTest):
    """What the flagship tells of its servers reaches a web hook, and what people say to it by `POST /events` keeps it from that."""

    def test_a_server_gets_slow_and_people_silence_another(self):
        gameflow, web = self.server(), Web(self).start()
        text = (FLAGSHIP.parent / "connectors" / "server-alerts.yaml").read_text()
        self.assertIn("https://hooks.example.com/alerts", text)
        Connector(self, gameflow, text.replace("https://hooks.example.com/alerts", f"http://127.0.0.1:{web.port}/alerts\n  allow-private-addresses: true"),
                  {"ALERTS_TOKEN": "hush-hush"})

        def say(action, target):
            reply = gameflow.request("POST", "/events", json.dumps({
                "event_name": "alert_action", "event_timestamp": iso(begin), "parameters": {"action": action, "target": target, "by": "ann"}}))
            self.assertEqual(reply.status, 200, reply.text)

        begin = int(time.time() * 1000) // 10_000 * 10_000 - 600_000
        say("silence", "server server_8")
        wait_until(lambda: gameflow.service("server-alerts")["records_in"] == 1, "the silence counts")
        lines = []
        for i in range(28):
            for server, region, latency in (("server_1", "us-west", 200), ("server_2", "us-east", 20), ("server_8", "us-east", 200)):
                lines.append(json.dumps({
                    "event_name": "server_metric", "event_timestamp": iso(begin + i * 10_000), "server_data": {"region": region, "server_type": "dedicated"},
                    "parameters": {"server_id": server, "cpu_load": 10, "memory_usage": 10, "latency": latency if 5 <= i < 15 else 20}}))
        gameflow.produce("server-metrics", lines)
        # One of two servers of us-east is not most of them; their objective the regions miss by too few samples.
        wait_until(lambda: len(web.taken) == 2, "that it fires and that it has recovered")
        told = web.values()
        self.assertEqual([(alert["state"], alert["target"], alert["metric"], alert["value"]) for alert in told],
                         [("firing", "server server_1", "latency_p95", 200), ("recovered", "server server_1", "latency_p95", 20)])
        self.assertEqual([alert["since"] for alert in told], [iso(begin + 60_000).replace(".000", "")] * 2)
        self.assertEqual(web.seen[0][1]["Authorization"], "Bearer hush-hush")
        wait_until(lambda: gameflow.service("server-alarms")["records_in"] >= 27, "all windows are judged")
        self.assertEqual(len(web.taken), 2)
        self.assertEqual({alert["target"] for alert in gameflow.values("server-alarms")}, {"server server_1", "server server_8"})


class HttpSink(SystemTest):
    def setUp(self):
        super().setUp()
        self.gameflow = self.server(COUNTING)
        reply = self.gameflow.request("POST", "/topics", '{"name":"alerts"}', {"Content-Type": "application/json"})
        self.assertEqual(reply.status, 201, reply.text)

    def connector(self, web, *more, path="/"):
        lines = "".join(f"  {line}\n" for line in more)
        return Connector(self, self.gameflow, f"""
apiVersion: 0.1.0
meta: {{ name: alerts, version: 0.1.0, type: http-sink, topic: alerts }}
http:
  endpoint: "http://127.0.0.1:{web.port}{path}"
  allow-private-addresses: true
{lines}""")

    def produce(self, begin, end):
        reply = self.gameflow.produce("alerts", [json.dumps({"n": n}) for n in range(begin, end)])
        self.assertEqual(reply.status, 200, reply.text)

    def test_requests_share_a_connection_while_the_server_keeps_it(self):
        web = Web(self)
        web.protocol = "HTTP/1.1"
        # Every hundredth answer is the last of its connection: the next request opens another one.
        web.answer = lambda *_: (200, {"Connection": "close"} if len(web.seen) % 100 == 0 else {}, "")
        web.start()
        self.connector(web, "body: each")
        self.produce(0, 250)
        wait_until(lambda: len(web.taken) >= 250, "all requests")
        self.assertEqual([value["n"] for value in web.values()], list(range(250)))
        self.assertEqual(web.connections, 3)

    def letters(self):
        return [json.dumps(letter) for letter in self.gameflow.values("dead-letters")]

    def test_batches_over_kills_of_the_connector(self):
        web = Web(self).start()
        connector = self.connector(web, "batch-records: 100")
        for begin in range(0, 2000, 200):
            self.produce(begin, begin + 200)
            connector.kill()
            connector.start()
        wait_until(lambda: {value["n"] for value in web.values()} == set(range(2000)), "all of them")
        # What comes again is known by its name, where it was cut alike.
        by_name = {}
        for name, body in web.taken:
            self.assertEqual(by_name.setdefault(name, body), body)
            begin, _, end = name.removeprefix("alerts/0/").partition("-")
            self.assertEqual(int(begin) // 100, int(end) // 100)
        self.assertEqual(connector.stop(), 0)

    def test_the_example_sends_each_alone(self):
        web = Web(self).start()
        text = example("http-sink", ("https://hooks.example.com/alerts", f"http://127.0.0.1:{web.port}/alerts"),
                       ("topic: server-alerts", "topic: alerts"), ("body: each", "body: each\n  allow-private-addresses: true"))
        Connector(self, self.gameflow, text, {"TOKEN": "hush-hush"})
        self.produce(0, 3)
        wait_until(lambda: len(web.taken) == 3, "three requests")
        self.assertEqual(web.taken, [("alerts/0/0", '{"n": 0}'), ("alerts/0/1", '{"n": 1}'), ("alerts/0/2", '{"n": 2}')])
        self.assertEqual(web.seen[0][1]["Authorization"], "Bearer hush-hush")

    def test_a_name_in_the_endpoint_as_clickhouse_takes_it(self):
        web = Web(self).start()
        self.produce(0, 3)
        self.connector(web, path="/?query=INSERT%20INTO%20t%20FORMAT%20JSONEachRow&insert_deduplication_token={batch}")
        wait_until(lambda: web.taken, "a request")
        self.assertEqual(web.seen[0][0],
                         "/?query=INSERT%20INTO%20t%20FORMAT%20JSONEachRow&insert_deduplication_token=alerts%2F0%2F0-2")
        self.assertEqual(web.seen[0][2], '{"n": 0}\n{"n": 1}\n{"n": 2}\n')

    @unittest.skipUnless(ClickHouse.is_installed(), "clickhouse-server is not installed, and is large: apt-get install clickhouse-server")
    def test_a_real_clickhouse(self):
        clickhouse = ClickHouse(self)
        clickhouse.query("CREATE TABLE alerts (n UInt32) ENGINE = MergeTree ORDER BY n")
        self.produce(0, 1000)
        self.connector(clickhouse, path="/?query=INSERT%20INTO%20alerts%20FORMAT%20JSONEachRow")
        wait_until(lambda: clickhouse.query("SELECT count() FROM alerts") == "1000", "all rows")
        self.assertEqual(clickhouse.query("SELECT sum(n), uniqExact(n) FROM alerts"), "499500\t1000")

    def test_a_record_that_is_refused_costs_no_other(self):
        def answer(_, __, body):
            return (422, {}, "seven is not welcome") if any(json.loads(line)["n"] == 7 for line in body.splitlines()) else (204, {}, "")

        web = Web(self, answer).start()
        self.produce(0, 50)
        self.connector(web)
        wait_until(lambda: len(web.values()) == 49, "the others")
        self.assertEqual(sorted(value["n"] for value in web.values()), [n for n in range(50) if n != 7])
        letters = wait_until(self.letters, "a dead letter")
        self.assertEqual(len(letters), 1)
        self.assertIn("answers 422: seven is not welcome", letters[0])

    def test_a_server_that_is_away_busy_or_hangs_is_waited_for(self):
        state = {"status": 500, "hang": False}
        release = threading.Event()

        def answer(*_):
            if state["hang"]:
                release.wait(60)
            return state["status"], {"Retry-After": "1"} if state["status"] == 429 else {}, "not now"

        web = Web(self, answer)
        connector = self.connector(web, "timeout: 1s")
        self.produce(0, 10)
        connector.says("127.0.0.1")
        web.start()
        connector.says("answers 500")
        state["status"] = 429
        connector.says("answers 429")
        state["hang"] = True
        seen = len(web.seen)
        wait_until(lambda: len(web.seen) > seen + 1, "it gives up and tries again")
        self.assertEqual(web.taken, [])
        state.update(status=200, hang=False)
        release.set()
        wait_until(lambda: web.taken, "it is taken")
        self.assertEqual({value["n"] for value in web.values()}, set(range(10)))
        self.assertEqual(self.letters(), [])
        self.assertEqual(connector.stop(), 0)

    def test_says_what_a_person_has_to_mend(self):
        for status, said in ((401, "answers 401: who are you"), (302, "redirects (302): write where it leads to")):
            web = Web(self, lambda *_, code=status: (code, {"Location": "/other"}, "who are you")).start()
            self.produce(0, 1)
            self.assertIn(said, self.connector(web).ends())
        web = Web(self).start()
        private = self.connector(web)
        private.kill()
        private.path.write_text(private.path.read_text().replace("allow-private-addresses: true", "allow-private-addresses: false"))
        self.assertIn("allow-private-addresses", private.start().ends())


if __name__ == "__main__":
    unittest.main()
