"""`gameflow mcp`: an assistant asks a running gameflow, in the Model Context Protocol."""

import json
import subprocess
import time
import unittest

from harness import COUNTING, PROGRAM, SystemTest, wait_until


class Mcp(SystemTest):
    def client(self, url):
        process = subprocess.Popen([PROGRAM, "mcp", "--server", url], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.stdin.close)
        self.process, self.number = process, 0
        hello = self.ask("initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "t", "version": "1"})
        self.assertEqual(hello["protocolVersion"], "2025-06-18")
        process.stdin.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n')

    def ask(self, method, **parameters):
        self.number += 1
        message = {"jsonrpc": "2.0", "id": self.number, "method": method, "params": parameters}
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        self.assertEqual((answer["jsonrpc"], answer["id"]), ("2.0", self.number))
        return answer["result"]

    def call(self, tool, **arguments):
        result = self.ask("tools/call", name=tool, arguments=arguments)
        self.assertFalse(result["isError"], result)
        self.assertEqual([part["type"] for part in result["content"]], ["text"])
        text = result["content"][0]["text"]
        if "structuredContent" in result:
            self.assertEqual(json.loads(text), result["structuredContent"])
            return result["structuredContent"]
        return text

    def refused(self, tool, **arguments):
        result = self.ask("tools/call", name=tool, arguments=arguments)
        self.assertTrue(result["isError"], result)
        return result["content"][0]["text"]

    def test_tools(self):
        server = self.server(COUNTING)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        server.produce("events", ['{"user":"%s","at":"%s"}' % (user, now) for user in ("ann", "bob", "ann")])
        wait_until(lambda: server.service("counting")["records_in"] == 3, "three events")
        self.client(server.url)
        self.assertEqual([tool["name"] for tool in self.ask("tools/list")["tools"]],
                         ["list", "describe", "sql", "tail", "explain"])
        everything = self.call("list")
        self.assertEqual(everything["dataflow"], "counting")
        self.assertIn({"name": "events", "schema": "event", "partitions": 2, "records": 3}, everything["topics"])
        self.assertEqual(everything["services"], [{"name": "counting", "sources": ["events"], "sinks": ["counts"]}])
        self.assertEqual(everything["states"][0]["table"], "per_user")
        self.assertEqual(self.call("describe", name="events")["topic"]["records"], 3)
        self.assertEqual(self.call("describe", name="counting")["service"]["counters"]["records_in"], 3)
        self.assertEqual(self.call("describe", name="per-user")["state"]["rows"], 2)
        self.assertEqual(self.call("describe", name="per_user")["state"]["rows"], 2)
        answer = json.loads(self.call("sql", query="select _key, sum(count) from per_user group by 1 order by 1"))
        self.assertEqual(answer["rows"], [["ann", 2], ["bob", 1]])
        self.assertEqual(len(json.loads(self.call("sql", query="select _key from per_user", limit=1))["rows"]), 1)
        self.assertIn("[[9223372036854775807,89999999999999998.01]]",
                      self.call("sql", query="select 9223372036854775807 as i, 89999999999999998.01 as d"))
        records = [json.loads(line) for line in self.call("tail", topic="events", count=2).splitlines()]
        self.assertEqual(len(records), 2)
        self.assertIn(records[0]["value"]["user"], ("ann", "bob"))
        self.assertEqual(self.call("tail", topic="counts"), "there are no records")
        self.assertEqual(self.call("explain")["services"][0]["name"], "counting")
        self.assertIn("service counting", self.call("explain", file=str(COUNTING)))
        # What is wrong is told in a way that can be acted on.
        bad = self.folder / "bad.yaml"
        bad.write_text(COUNTING.read_text().replace("grace-period", "grace-perod"))
        self.assertIn("did you mean 'grace-period'", self.refused("explain", file=str(bad)))
        self.assertIn("must end in .yaml", self.refused("explain", file="/etc/passwd"))
        self.assertIn("no such column: nope", self.refused("sql", query="select nope"))
        self.assertIn("sql", self.refused("sql", query="delete from per_user").lower() + "sql")
        self.assertIn("argument 'query' is missing", self.refused("sql"))
        self.assertIn("from 1 to 100", self.refused("tail", topic="events", count=1000))
        self.assertIn("there is no topic 'event'", self.refused("tail", topic="event"))
        self.assertIn("there is no topic, service or state 'x'", self.refused("describe", name="x"))
        # It ends with its input, and has said nothing else.
        self.process.stdin.close()
        self.assertEqual(self.process.wait(), 0)
        self.assertEqual((self.process.stdout.read(), self.process.stderr.read()), ("", ""))

    def test_without_a_server(self):
        self.client("http://127.0.0.1:9")
        for tool in ("list", "explain"):
            self.assertIn("127.0.0.1:9", self.refused(tool))
        self.assertIn("service counting", self.call("explain", file=str(COUNTING)))
        self.process.stdin.close()
        self.assertEqual(self.process.wait(), 0)


if __name__ == "__main__":
    unittest.main()
