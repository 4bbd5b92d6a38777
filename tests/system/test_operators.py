"""What `GET /dataflow` and `/metrics` count of each operator, against what its input says; and over a restart."""

import unittest

from harness import SystemTest, wait_until

FLOW = """apiVersion: 0.6.0
meta: { name: counted, version: 0.1.0 }
types: { total: { type: object, properties: { value: { type: i32 } } } }
topics:
  numbers: { schema: { value: { type: i32 } } }
  steps: { schema: { value: { type: i32 } } }
  evens: { schema: { value: { type: i32 } } }
  sums: { schema: { value: { type: i32 } } }
services:
  steps:
    sources: [{ type: topic, id: numbers }]
    transforms: &begin
      - operator: filter
        run: |
          bool is_positive(const i32& number) { return number > 0; }
      - operator: flat-map
        run: |
          List<i32> with_next(const i32& number) { return {number, number + 1}; }
      - operator: map
        run: |
          i32 no_three(const i32& number) {
            if (number == 3) throw std::domain_error("three");
            return number;
          }
    sinks:
      - { type: topic, id: steps }
      - type: topic
        id: evens
        transforms:
          - operator: filter
            run: |
              bool is_even(const i32& number) { return number % 2 == 0; }
  again:
    sources: [{ type: topic, id: numbers }]
    transforms: *begin
    sinks: [{ type: topic, id: steps }]
  sums:
    sources: [{ type: topic, id: numbers }]
    transforms: *begin
    states:
      sum: { type: keyed-state, properties: { key: { type: i32 }, value: { type: primitive, properties: { value: i32 } } } }
    window:
      tumbling: { duration: 10s }
      watermark: { grace-period: 0s, idleness: 1s }
      assign-timestamp:
        run: |
          i64 second(const i32& number) { return number * 1000; }
      partition:
        assign-key:
          run: |
            i32 parity(const i32& number) { return number % 2; }
        update-state:
          run: |
            void add(const i32& number) {
              if (number == 6) throw std::domain_error("six");
              sum() += number;
            }
      flush:
        run: |
          Optional<i32> total() {
            return sql<List<Total>>("select sum(value) as value from sum")[0].value;
          }
    sinks: [{ type: topic, id: sums }]
  rows:
    sources: [{ type: topic, id: numbers }]
    transforms: *begin
    states:
      part: { type: keyed-state, properties: { key: { type: i32 }, value: { type: primitive, properties: { value: i32 } } } }
    window:
      tumbling: { duration: 10s }
      watermark: { grace-period: 0s, idleness: 1s }
      assign-timestamp:
        run: "i64 second(const i32& number) { return number * 1000; }"
      partition:
        assign-key:
          run: "i32 parity(const i32& number) { return number % 2; }"
        update-state:
          run: "void add(const i32& number) { part() += number; }"
      flush:
        each:
          run: |
            Optional<i32> odd(const i32& part) {
              if (key() == 0) return {};
              return part;
            }
    sinks: [{ type: topic, id: sums }]
"""


class Operators(SystemTest):
    def counts(self, service):
        services = {s["name"]: s for s in self.instance.get("/dataflow").json["services"]}
        return {f"{o['node'].removeprefix(service + '/')} {o['step']} {o['name']}": (o["in"], o["out"], o["failed"])
                for o in services[service]["operators"]}

    def wait_for(self, service, counts):
        wait_until(lambda: self.counts(service) == counts, f"{counts}, but {self.counts(service)}", seconds=20)

    def test_counts(self):
        path = self.folder / "dataflow.yaml"
        path.write_text(FLOW)
        self.instance = self.server(path)
        # 2 becomes 2 and 3, which throws: so nothing of it goes on, though the 2 was on its way.
        self.instance.produce("numbers", ["-1", "0", "5", "2", "8"])
        begin = {"source/0 0 filter": (5, 3, 0), "source/0 1 flat-map": (3, 6, 0), "source/0 2 map": (6, 5, 1)}
        self.wait_for("steps", {**begin, "write/steps 0 write": (4, None, 0), "sink/1 0 filter": (4, 2, 0),
                                "write/evens 0 write": (2, None, 0)})
        # It begins like the one before, and shares what that made: it is counted for both.
        self.wait_for("again", {**begin, "write/steps 0 write": (4, None, 0)})
        placed = {"source/0 3 assign-timestamp": (5, 5, 0), "source/0 4 assign-key": (5, 5, 0)}
        self.wait_for("sums", {**begin, **placed, "window 0 update-state": (4, None, 1), "window 1 flush": (0, 0, 0),
                               "write/sums 0 write": (0, None, 0)})

        self.instance.produce("numbers", ["20"])
        wait_until(lambda: sorted(r["value"] for r in self.instance.records("sums")) == [14, 22], "the sums")
        begin = {"source/0 0 filter": (6, 4, 0), "source/0 1 flat-map": (4, 8, 0), "source/0 2 map": (8, 7, 1)}
        placed = {"source/0 3 assign-timestamp": (7, 7, 0), "source/0 4 assign-key": (7, 7, 0)}
        self.wait_for("sums", {**begin, **placed, "window 0 update-state": (6, None, 1), "window 1 flush": (1, 1, 0),
                               "write/sums 0 write": (1, None, 0)})

        self.wait_for("rows", {**begin, **placed, "window 0 update-state": (6, None, 0), "window 1 each": (2, 1, 0),
                               "write/sums 0 write": (1, None, 0)})

        labels = 'service="steps",node="steps/source/0",step="2",operator="map"'
        metrics = self.instance.get("/metrics").text
        for name, value in {"in": 8, "out": 7, "failed": 1}.items():
            self.assertIn(f"gameflow_operator_{name}_total{{{labels}}} {value}\n", metrics)
        self.assertNotIn('gameflow_operator_out_total{service="sums",node="sums/window",step="0"', metrics)

        # They count since the start of the program, unlike those of services.
        self.instance.kill()
        self.instance.start()
        self.assertEqual(set(self.counts("steps").values()), {(0, 0, 0), (0, None, 0)})
        service = self.instance.get("/dataflow").json["services"][0]
        self.assertEqual(service["counters"]["records_in"], 6)


if __name__ == "__main__":
    unittest.main()
