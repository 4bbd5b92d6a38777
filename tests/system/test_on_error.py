"""`on-error: fail`: a service stops at its first bad record and says so everywhere; what is mended goes on, each record once. And
schedules: their times come on the clock of the machine."""

import time
import unittest

from harness import SystemTest, wait_until

FLOW = """apiVersion: 0.6.0
meta: { name: halves, version: 0.1.0 }
topics:
  numbers: { schema: { value: { type: i32 } } }
  halves: { schema: { value: { type: i32 } } }
  copies: { schema: { value: { type: i32 } } }
services:
  halving:
    on-error: fail
    sources: [{ type: topic, id: numbers }]
    transforms:
      - operator: map
        run: |
          i32 half(const i32& number) {
            if (number % 2 != 0) throw std::domain_error("an odd number");
            return number / 2;
          }
    sinks: [{ type: topic, id: halves }]
  copying:
    sources: [{ type: topic, id: numbers }]
    sinks: [{ type: topic, id: copies }]
"""


class OnError(SystemTest):
    def values(self, topic):
        return [record["value"] for record in self.instance.records(topic)]

    def service(self, name):
        return next(s for s in self.instance.get("/dataflow").json["services"] if s["name"] == name)

    def test_a_service_that_stops(self):
        path = self.folder / "dataflow.yaml"
        path.write_text(FLOW)
        self.instance = self.server(path, ["--watch"])
        self.assertEqual(self.instance.get("/readyz").json, {"status": "ready"})
        self.instance.produce("numbers", ["2", "4"])
        wait_until(lambda: self.values("halves") == [1, 2], "two halves")
        self.instance.produce("numbers", ["6", "7", "8"])
        wait_until(lambda: self.service("halving")["stopped"], "the service to stop")
        wait_until(lambda: self.values("copies") == [2, 4, 6, 7, 8], "the other one to go on")
        told = "service 'halving' has stopped at topic 'numbers' partition 0 offset 3: 'map' failed: an odd number."
        self.assertTrue(self.service("halving")["stopped"].startswith(told))
        self.assertIsNone(self.service("copying")["stopped"])
        self.assertEqual(self.values("halves"), [1, 2])
        ready = self.instance.get("/readyz")
        self.assertEqual((ready.status, ready.json["status"], len(ready.json["stopped"])), (200, "ready", 1))
        self.assertTrue(ready.json["stopped"][0].startswith(told))
        metrics = self.instance.get("/metrics").text
        self.assertIn('gameflow_service_stopped{service="halving"} 1\n', metrics)
        self.assertIn('gameflow_service_stopped{service="copying"} 0\n', metrics)
        self.assertIn('gameflow_service_lag_records{service="halving",topic="numbers",partition="0"} 3\n', metrics)
        self.assertIn(told, self.instance.log_path.read_text())
        # The same record after a crash.
        self.instance.kill()
        self.instance.start()
        wait_until(lambda: self.service("halving")["stopped"], "the service to stop again")
        self.assertEqual(self.values("halves"), [1, 2])
        # Mended while it runs.
        path.write_text(FLOW.replace("if (number % 2 != 0) throw std::domain_error(\"an odd number\");", ""))
        wait_until(lambda: self.values("halves") == [1, 2, 3, 3, 4], "all halves, each once", seconds=60)
        self.assertIsNone(self.service("halving")["stopped"])
        self.assertEqual(self.instance.get("/readyz").json, {"status": "ready"})
        self.assertEqual(self.values("copies"), [2, 4, 6, 7, 8])


class Schedule(SystemTest):
    def test_times_come(self):
        path = self.folder / "dataflow.yaml"
        path.write_text("""apiVersion: 0.6.0
meta: { name: minutes, version: 0.1.0 }
topics:
  minutes: { schema: { value: { type: i64 } } }
schedule:
  each-minute: { cron: "* * * * *" }
services:
  tell:
    sources: [{ type: schedule, id: each-minute }]
    sinks: [{ type: topic, id: minutes }]
""")
        instance = self.server(path)
        begin = time.time()
        wait_until(lambda: instance.records("minutes"), "a minute to begin", seconds=75)
        minute = instance.records("minutes")[0]["value"]
        self.assertEqual(minute % 60_000, 0)
        self.assertLessEqual(begin - 1, minute / 1000)
        self.assertLess(time.time() - minute / 1000, 5)


if __name__ == "__main__":
    unittest.main()
