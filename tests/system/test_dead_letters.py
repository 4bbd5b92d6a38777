"""`gameflow dead-letters`: what could not be processed is found, read, and sent once more, exactly once."""

import json
import unittest

from harness import COUNTING, SystemTest, run_cli, wait_until

GOOD = '{"user":"ann","at":"2024-11-12T10:00:01Z"}'
NOBODY = '{ "user":"", "at":"2024-11-12T10:00:02Z" , "points": 1 }'
BAD_TIME = '{"user":"bob","at":"noon \\u00e4\\"\\\\"}'


class DeadLetters(SystemTest):
    def setUp(self):
        super().setUp()
        self.instance = self.server(COUNTING)
        self.instance.produce("events", [GOOD, NOBODY], key="k&ä 1")
        self.instance.produce("events", [BAD_TIME])
        wait_until(lambda: self.instance.topic("dead-letters")["records"] == 2, "two dead letters")

    def letters(self, *arguments):
        return run_cli("dead-letters", *arguments, "--server", self.instance.url)

    def id_of(self, operator):
        found = [json.loads(line) for line in self.letters("list", "--format", "json").stdout.splitlines()]
        return next(letter["id"] for letter in found if letter["operator"] == operator)

    def test_list(self):
        done = self.letters("list")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^COUNT +SERVICE +OPERATOR +CODE +FIELD +FIRST +LAST$")
        self.assertRegex(done.stdout, r"(?m)^ +1 +counting +assign-key +operator_failed +- +20")
        self.assertRegex(done.stdout, r"(?m)^0:\d +20\S+ +counting +assign-key +operator_failed +events/\d:\d+ +- +an event "
                                      "without a user$")
        for arguments, count in ((["--service", "counting"], 2), (["--service", "other"], 0), (["--operator", "assign-key"], 1),
                                 (["--code", "operator_failed"], 2), (["--code", "wrong_type"], 0), (["--since", "1h"], 2),
                                 (["--until", "1h"], 0), (["--since", "2099-01-01T00:00:00Z"], 0), (["-n", "1"], 1)):
            found = self.letters("list", "--format", "json", *arguments)
            self.assertEqual((found.returncode, len(found.stdout.splitlines())), (0, count), arguments)
        self.assertEqual(self.letters("list", "--service", "other").stdout, "no dead letters\n")
        self.assertNotRegex(self.letters("list", "--counts").stdout, r"(?m)^\d+:\d+ ")
        wrong = self.letters("list", "--since", "yesterday")
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))
        self.assertIn("--since is 'yesterday'", wrong.stderr)

    def test_show(self):
        letter = self.id_of("assign-key")
        done = self.letters("show", letter)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for line in (f"id        {letter}", "operator  assign-key", "reason    an event without a user", "key       k&ä 1",
                     "replayed  no", NOBODY):
            self.assertIn(line + "\n", done.stdout)
        self.assertEqual(self.letters("show", letter, "--value").stdout, NOBODY)
        for bad in ("7", "0:99", "9:0", "x", "0:1x"):
            wrong = self.letters("show", bad)
            self.assertEqual((wrong.returncode, wrong.stdout), (1, ""), bad)
            self.assertIn("dead letter", wrong.stderr)

    def replayed(self):
        return [(record["key"], record["value"]) for record in self.instance.records("events")]

    def test_replay(self):
        before = self.replayed()
        letter = self.id_of("assign-key")
        dry = self.letters("replay", letter, "--dry-run")
        self.assertEqual((dry.returncode, dry.stdout),
                         (0, f"{letter} to events\nwould be: 1 replayed, 0 replayed before, 0 failed\n"))
        self.assertEqual(self.replayed(), before)
        done = self.letters("replay", letter)
        self.assertEqual((done.returncode, done.stdout), (0, "1 replayed, 0 replayed before, 0 failed\n"), done.stderr)
        self.assertCountEqual(self.replayed(), before + [("k&ä 1", json.loads(NOBODY))])
        # Byte for byte what it was: the same text is there twice.
        self.assertEqual(self.instance.raw_values("events").count(NOBODY.encode()), 2)
        # Not a second time by accident, also after a restart; but if asked for.
        self.instance.stop()
        self.instance.start()
        again = self.letters("replay", letter)
        self.assertEqual((again.returncode, again.stdout), (0, "0 replayed, 1 replayed before, 0 failed\n"))
        self.assertIn(f"{letter} was replayed before; --again does it", again.stderr)
        self.assertIn("replayed  yes\n", self.letters("show", letter).stdout)
        self.assertEqual(self.letters("replay", letter, "--again").stdout, "1 replayed, 0 replayed before, 0 failed\n")
        self.assertEqual(self.instance.raw_values("events").count(NOBODY.encode()), 3)

    def test_replay_all(self):
        done = self.letters("replay", "--all", "--operator", "assign-timestamp")
        self.assertEqual((done.returncode, done.stdout), (0, "1 replayed, 0 replayed before, 0 failed\n"), done.stderr)
        self.assertEqual(self.instance.raw_values("events").count(BAD_TIME.encode()), 2)
        self.assertIn((None, json.loads(BAD_TIME)), self.replayed())
        # It fails again, which is a new letter.
        wait_until(lambda: self.instance.topic("dead-letters")["records"] == 3, "a third dead letter")
        done = self.letters("replay", "--all", "--until", "2099-01-01T00:00:00Z")
        self.assertEqual(done.stdout, "2 replayed, 1 replayed before, 0 failed\n")
        for arguments in ([], ["0:0", "--all"], ["--service", "counting"]):
            wrong = self.letters("replay", *arguments)
            self.assertEqual((wrong.returncode, wrong.stdout), (2, ""), arguments)
            self.assertIn("say which", wrong.stderr)

    def test_a_record_with_several_letters(self):
        """Each service that fails at a record writes a letter; the record is replayed once."""
        self.instance.stop()
        service = """
  NAME:
    sources:
      - type: topic
        id: events
        transforms:
          - operator: filter
            run: |
              [](const Event& event) { return event.user.empty() ? throw std::domain_error("nobody") : true; }
    sinks: [{ type: topic, id: rest }]"""
        changed = self.folder / "changed.yaml"
        changed.write_text(COUNTING.read_text()
                           .replace("\ntopics:", "\ntopics:\n  rest: { schema: { value: { type: event } } }", 1)
                           .replace("\nservices:", "\nservices:" + service.replace("NAME", "one") + service.replace("NAME", "two"), 1))
        self.instance.dataflow = changed
        self.instance.start()
        self.instance.produce("events", [NOBODY])
        wait_until(lambda: self.instance.topic("dead-letters")["records"] == 7, "of two records three letters, of one one")
        before = self.instance.raw_values("events").count(NOBODY.encode())
        dry = self.letters("replay", "--all", "--since", "1h", "--dry-run").stdout
        self.assertIn("would be: 3 replayed, 4 replayed before, ", dry)
        done = self.letters("replay", "--all", "--since", "1h", "--until", "2099-01-01T00:00:00Z")
        self.assertEqual((done.returncode, done.stdout.split(",")[0]), (0, "3 replayed"), done.stderr)
        self.assertEqual(self.instance.raw_values("events").count(NOBODY.encode()), before + 2)

    def test_what_the_topic_does_not_take(self):
        """A record from before its type changed; it can be replayed once the type takes it again."""
        self.instance.stop()
        changed = self.folder / "changed.yaml"
        changed.write_text(COUNTING.read_text().replace("at: { type: string }", "at: { type: string }\n      map: { type: u8 }"))
        self.instance.dataflow = changed
        self.instance.start()
        letter = self.id_of("assign-key")
        done = self.letters("replay", letter)
        self.assertEqual((done.returncode, done.stdout), (1, "0 replayed, 0 replayed before, 1 failed\n"))
        self.assertIn(f"{letter}: topic 'events' does not take it: map: ", done.stderr)
        self.instance.stop()
        self.instance.dataflow = COUNTING
        self.instance.start()
        self.assertEqual(self.letters("replay", letter).stdout, "1 replayed, 0 replayed before, 0 failed\n")


if __name__ == "__main__":
    unittest.main()
