"""Topics whose records are no JSON (`converter: raw`) over HTTP: sent as JSON or as lines, stored as bytes, read as JSON."""

import base64
import json
import unittest

from harness import SystemTest, wait_until

FLOW = """apiVersion: 0.6.0
meta: { name: raw, version: 0.1.0 }
config: { converter: raw }
topics:
  texts: { schema: { value: { type: string } } }
  pictures: { schema: { value: { type: bytes } } }
  levels: { schema: { value: { type: u16 } } }
  flags: { schema: { value: { type: bool } } }
  copies: { schema: { value: { type: u16 } } }
services:
  copy:
    sources: [{ type: topic, id: levels }]
    sinks: [{ type: topic, id: copies }]
"""
JSON = "application/json"


class Raw(SystemTest):
    def setUp(self):
        super().setUp()
        path = self.folder / "dataflow.yaml"
        path.write_text(FLOW)
        self.instance = self.server(path)

    def send(self, topic, values):
        return self.instance.produce(topic, json.dumps(values).encode(), JSON).json

    def values(self, topic):
        return [record["value"] for record in self.instance.records(topic)]

    def test_what_is_sent_as_json_is_read_as_json(self):
        png = bytes.fromhex("89504e470d0a1a0a00ff")
        for topic, values in {"texts": ["two\nlines", " spaces ", "", "\u20ac \"quoted\"", "[1]"],
                              "pictures": [base64.b64encode(b).decode() for b in (png, b"plain", b"")],
                              "levels": [10, 0, 65535, 0x4137], "flags": [True, False]}.items():
            with self.subTest(topic):
                self.assertEqual(self.send(topic, values)["accepted"], len(values))
                self.assertEqual(self.values(topic), values)
        wait_until(lambda: self.values("copies") == [10, 0, 65535, 0x4137], "the service to read them, and to write such")
        # One record that is no array, too.
        self.assertEqual(self.send("levels", 7)["accepted"], 1)
        self.assertEqual(self.values("levels")[-1], 7)

    def test_bytes_are_read_as_they_are_stored(self):
        stored = {"texts": ("string", ["two\nlines", ""], [b"two\nlines", b""]), "levels": ("u16", [0x4137], [b"A7"]),
                  "pictures": ("bytes", ["iVBORw=="], [b"\x89PNG"]), "flags": ("bool", [True], [b"\x01"])}
        for topic, (kind, values, expected) in stored.items():
            with self.subTest(topic):
                self.send(topic, values)
                self.assertEqual(self.instance.get(f"/topics/{topic}").json["raw"], kind)
                lines = self.instance.get(f"/topics/{topic}/records?values=base64").text.splitlines()
                self.assertEqual([base64.b64decode(json.loads(line)["value"], validate=True) for line in lines], expected)
        self.assertEqual(self.instance.get("/topics/texts/records?values=hex").status, 400)
        self.assertIsNone(self.instance.get("/topics/dead-letters").json["raw"])

    def test_lines_are_stored_as_they_are(self):
        self.assertEqual(self.instance.produce("texts", ["{\"a\": 1}", "\"quoted\""]).json["accepted"], 2)
        self.assertEqual(self.values("texts"), ["{\"a\": 1}", "\"quoted\""])
        self.assertEqual(self.instance.produce("levels", [b"A7".decode()]).json["accepted"], 1)
        self.assertEqual(self.values("levels"), [0x4137])

    def test_what_is_no_such_value_is_told(self):
        for topic, value, code in [("levels", 70000, "wrong_type"), ("levels", "7", "wrong_type"), ("levels", -1, "wrong_type"),
                                   ("texts", 5, "wrong_type"), ("texts", {"a": 1}, "wrong_type"), ("pictures", "no base64!", "invalid_encoding"),
                                   ("flags", 1, "wrong_type")]:
            with self.subTest(topic=topic, value=value):
                answer = self.send(topic, [value])
                self.assertEqual((answer["accepted"], answer["rejected"]), (0, 1))
                self.assertEqual(answer["errors"][0]["code"], code, answer)
        self.assertIn("u16 (0 to 65535)", self.send("levels", [70000])["errors"][0]["message"])
        self.assertEqual([e["index"] for e in self.send("levels", [1, "x", 2, None])["errors"]], [1, 3])
        self.assertEqual(self.values("levels"), [1, 2])
        # There is no field in a raw record that could hold its key.
        reply = self.instance.produce("texts", ["{\"a\": 1"], key_field="a").json
        self.assertEqual(reply["errors"][0]["code"], "missing_field")


if __name__ == "__main__":
    unittest.main()
