"""`graphite-sink` against real Carbon, read as Grafana reads Graphite: the render API of graphite-web."""

import http.client
import json
import time
import unittest
import urllib.parse

from connectors import Carbon, Connector, example
from harness import FLAGSHIP, SystemTest, iso, wait_until


def metric(server, region, at_ms, cpu, latency):
    return json.dumps({
        "event_name": "server_metric",
        "parameters": {"server_id": server, "cpu_load": cpu, "memory_usage": 50.5, "latency": latency},
        "event_timestamp": iso(at_ms),
        "server_data": {"region": region, "server_type": "match"}})


@unittest.skipUnless(Carbon.is_installed(), "graphite-carbon and graphite-web are not installed: tools/setup.sh test")
class Graphite(SystemTest):
    def render(self, carbon, target, begin_s, end_s):
        """As Grafana's data source asks."""
        body = urllib.parse.urlencode({"target": target, "from": begin_s, "until": end_s, "format": "json", "maxDataPoints": 10_000})
        connection = http.client.HTTPConnection("127.0.0.1", carbon.web_port, timeout=60)
        connection.request("POST", "/render", body, {"Content-Type": "application/x-www-form-urlencoded"})
        reply = connection.getresponse()
        self.assertEqual(reply.status, 200)
        series = json.loads(reply.read())
        connection.close()
        return {one["target"]: [point for point in one["datapoints"] if point[0] is not None] for one in series}

    def test_grafana_is_answered_also_after_carbon_was_killed(self):
        carbon = Carbon(self)
        server = self.server(FLAGSHIP)
        connector = Connector(self, server, example("graphite-sink", ("127.0.0.1:2003", f"127.0.0.1:{carbon.port}")))
        base = int(time.time()) - 600
        expected = {}

        def produce(begin, end):
            lines = []
            for second in range(begin, end):
                for name, region in (("server_01", "us-east"), ("server.02", "eu west")):
                    lines.append(metric(name, region, (base + second) * 1000, second + 0.5, second * 2))
                    path = f"servers.{region.replace(' ', '_')}.{name.replace('.', '_')}"
                    expected.setdefault(path + ".cpu_load", []).append([second + 0.5, base + second])
                    expected.setdefault(path + ".latency", []).append([second * 2, base + second])
            reply = server.produce("server-metrics", lines)
            self.assertEqual(reply.status, 200, reply.text)
            self.assertEqual(reply.json["accepted"], len(lines), reply.text)

        def is_answered():
            answer = {**self.render(carbon, "servers.*.*.cpu_load", base - 1, base + 400),
                      **self.render(carbon, "servers.*.*.latency", base - 1, base + 400)}
            return answer == expected

        produce(0, 100)
        wait_until(is_answered, "the first metrics are there")
        carbon.process.kill()
        produce(100, 200)
        connector.says("127.0.0.1")
        carbon.start()
        wait_until(is_answered, "the others are there")
        self.assertEqual(connector.stop(), 0)


if __name__ == "__main__":
    unittest.main()
