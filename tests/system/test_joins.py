"""A join from outside: what `GET /dataflow` and `/states` show of it, and changes that it cannot take over."""

import json
import time
import unittest

from harness import ROOT, SystemTest, wait_until

EXAMPLE = ROOT / "examples" / "purchase-clicks" / "dataflow.yaml"
KEY = "Text player(const {0}& {1}) {{ return {1}.player; }}"
OTHER_KEY = "u32 player(const {0}& {1}) {{ return {1}.player.size(); }}"


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class Joins(SystemTest):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "dataflow.yaml"
        self.text = EXAMPLE.read_text()
        self.path.write_text(self.text)
        self.instance = self.server(self.path, ["--watch"])

    def send(self, topic, **values):
        reply = self.instance.produce(topic, [json.dumps({"player": "ann", "at": now(), **values})])
        self.assertEqual(reply.status, 200, reply.text)

    def events(self):
        join = self.instance.get("/dataflow").json["services"][0]["join"]
        return join["left"]["events"], join["right"]["events"]

    def count_of_log(self, text):
        return self.instance.log_path.read_text().count(text)

    def edit_and_wait(self, text, told):
        before = self.count_of_log(told)
        new = self.folder / "new.yaml"
        new.write_text(text)
        new.rename(self.path)
        wait_until(lambda: self.count_of_log(told) > before, f"'{told}' in the log")

    def test_what_is_kept(self):
        service = self.instance.get("/dataflow").json["services"][0]
        self.assertEqual((service["window"], service["states"]), (None, []))
        self.assertEqual(service["join"], {
            "type": "left", "before_ms": 1800000, "after_ms": 0, "grace_ms": 10000, "late_topic": None,
            "rule": "events of 'purchases' and 'clicks', joined within 30m before and 0ms after",
            "left": {"topic": "purchases", "events": 0, "bytes": 0}, "right": {"topic": "clicks", "events": 0, "bytes": 0}})
        self.send("clicks", banner="a")
        self.send("clicks", banner="b")
        self.send("purchases", item="sword", price=1)
        wait_until(lambda: self.events() == (1, 2), f"three events, but {self.events()}")
        states = self.instance.get("/states").json
        self.assertEqual(states["states"], [])
        [join] = states["joins"]
        self.assertEqual((join["service"], join["left"]["topic"], join["left"]["events"], join["right"]["events"]),
                         ("influence", "purchases", 1, 2))
        self.assertGreater(join["right"]["bytes"], 0)

    def test_changes(self):
        self.send("clicks", banner="a")
        wait_until(lambda: self.events() == (0, 1), "a click")
        other = self.text
        for type_and_name in (("Purchase", "purchase"), ("Click", "click")):
            self.assertIn(KEY.format(*type_and_name), other)
            other = other.replace(KEY.format(*type_and_name), OTHER_KEY.format(*type_and_name))
        # Told before the old one stops.
        self.edit_and_wait(other, "the dataflow as it was before this change goes on")
        self.assertEqual(self.count_of_log("the events that service 'influence' keeps have keys of type string, the dataflow asks for i64"), 1)
        self.assertEqual(self.count_of_log("took over"), 0)
        grown = self.text.replace("banner: { type: string }, at:", "banner: { type: string }, size: { type: u8, default: 3 }, at:")
        self.assertNotEqual(grown, self.text)
        self.edit_and_wait(grown, "took over the changed")
        self.send("purchases", item="sword", price=1)
        wait_until(lambda: [r["value"]["banner"] for r in self.instance.records("influences")] == ["a"], "the click that was kept")


if __name__ == "__main__":
    unittest.main()
