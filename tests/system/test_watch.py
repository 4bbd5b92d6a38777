"""`gameflow run --watch`: an edited dataflow takes the place of the running one; nothing is lost, and nothing stops."""

import json
import threading
import time
import unittest

from harness import COUNTING, SystemTest, wait_until

TEXT = COUNTING.read_text()
GROWN = "properties: { best: { type: i64 }, count: { type: u32 }, points: { type: i64 }, name: { type: string } }"


def event(user, points=1):
    return json.dumps({"user": user, "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "points": points})


class Watch(SystemTest):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "dataflow.yaml"
        # One long window, so that the test sees everything in one row.
        self.text = TEXT.replace("duration: 10s", "duration: 7d")
        self.path.write_text(self.text)
        self.instance = self.server(self.path, ["--watch"])

    def log(self):
        return self.instance.log_path.read_text()

    def edit(self, *pairs):
        """Writes the dataflow with these changes, as an editor does: another file in its place."""
        for before, after in pairs:
            self.assertIn(before, self.text)
            self.text = self.text.replace(before, after)
        new = self.folder / "new.yaml"
        new.write_text(self.text)
        new.rename(self.path)

    def count_of_log(self, text):
        return self.log().count(text)

    def edit_and_wait(self, *pairs, told="took over the changed"):
        before = self.count_of_log(told)
        begin = time.monotonic()
        self.edit(*pairs)
        wait_until(lambda: self.count_of_log(told) > before, f"'{told}' in the log")
        return time.monotonic() - begin

    def rows(self, columns="count, points"):
        body = self.instance.request("POST", "/sql", f"select _key, {columns} from per_user order by _key",
                                     {"Content-Type": "text/plain"}).json
        return body.get("rows", body)

    def send(self, *events):
        reply = self.instance.produce("events", list(events))
        self.assertEqual(reply.status, 200, reply.text)

    def test_an_operator(self):
        self.send(event("ann"))
        wait_until(lambda: self.rows() == [["ann", 1, 1]], "a row")
        seconds = self.edit_and_wait(("count += 1;", "count += 100;"))
        print(f"(an edited operator ran after {seconds:.2f} s)", flush=True)
        self.send(event("ann"))
        wait_until(lambda: self.rows() == [["ann", 101, 2]], "the new operator's result, and what the old one counted")
        # The same after a restart.
        self.instance.stop()
        self.instance.start()
        self.assertEqual(self.rows(), [["ann", 101, 2]])

    def test_mistakes_stop_nothing(self):
        self.send(event("ann"))
        for before, after, told in (("grace-period", "grace-perod", "did you mean 'grace-period'"),
                                    ("count += 1;", "cuont += 1;", "cuont"),
                                    ("per_user order by", "per_userr order by", "per_userr"),
                                    ("count: { type: u32 }, points: { type: i64 } } }",
                                     "count: { type: u64 }, points: { type: i64 } } }", "state 'per-user' of service 'counting' is"),
                                    ("duration: 7d", "duration: 6d", "has stored tumbling 7d, the dataflow asks for tumbling 6d")):
            good = self.text
            self.edit_and_wait((before, after), told="the dataflow as it was before this change goes on")
            self.assertIn(told, self.log())
            self.assertEqual(self.count_of_log("took over"), 0)
            self.text = good
        self.send(event("ann"))
        wait_until(lambda: self.rows() == [["ann", 2, 2]], "the old operators' result")
        self.edit_and_wait(told="is what runs already")
        self.edit_and_wait(("count += 1;", "count += 10;"))
        self.send(event("ann"))
        wait_until(lambda: self.rows() == [["ann", 12, 3]], "the new operators' result")

    def test_columns_that_grow(self):
        self.send(event("ann", 5), event("bob", 7))
        wait_until(lambda: self.rows() == [["ann", 1, 5], ["bob", 1, 7]], "two rows")
        self.edit_and_wait(("properties: { count: { type: u32 }, points: { type: i64 } } }\n    window", GROWN + " }\n    window"),
                           ("per_user().count += 1;", "per_user().count += 1; per_user().name = \"n\" + event.user; "
                                                      "per_user().best = 9;"))
        self.assertEqual(self.rows("count, points, best, name"), [["ann", 1, 5, 0, ""], ["bob", 1, 7, 0, ""]])
        self.send(event("ann", 1))
        wait_until(lambda: self.rows("count, points, best, name") == [["ann", 2, 6, 9, "nann"], ["bob", 1, 7, 0, ""]], "a grown row")
        self.assertIn("rows of state 'per-user'", self.log())
        # All of it is stored in the new form.
        self.instance.kill()
        self.instance.start()
        self.assertEqual(self.rows("count, points, best, name"), [["ann", 2, 6, 9, "nann"], ["bob", 1, 7, 0, ""]])

    def test_under_load(self):
        """Producers and queries notice nothing, and each record counts once."""
        stop, failures, sent = threading.Event(), [], [0]

        def produce():
            while not stop.is_set():
                reply = self.instance.produce("events", [event("ann")] * 10)
                sent[0] += 10
                if reply.status != 200:
                    failures.append(reply.text)

        def query():
            while not stop.is_set():
                reply = self.instance.request("POST", "/sql", "select sum(count) from per_user", {"Content-Type": "text/plain"})
                if reply.status not in (200, 429):
                    failures.append(reply.text)

        threads = [threading.Thread(target=produce), threading.Thread(target=query)]
        for thread in threads:
            thread.start()
        try:
            for number in range(3):
                # Another library each time, which counts alike.
                self.edit_and_wait((f"count += 1;{' ' * number}", f"count += 1;{' ' * (number + 1)}"),
                                   ("UserCounts totals()", f"constexpr int kTry{number} = 0;\n          UserCounts totals()"))
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(failures, [])
        wait_until(lambda: self.rows("count") == [["ann", sent[0]]], f"each of {sent[0]} records counted once")

    def test_services_that_come_and_go(self):
        self.send(event("ann"))
        wait_until(lambda: self.rows() == [["ann", 1, 1]], "a row")
        self.edit_and_wait(("services:\n", "services:\n  copies:\n    sources: [{ type: topic, id: events }]\n"
                                           "    sinks: [{ type: topic, id: copied }]\n"),
                           ("  late-events: {}\n", "  late-events: {}\n  copied: { schema: { value: { type: event } } }\n"))
        wait_until(lambda: self.instance.topic("copied").get("records") == 1, "a copy of what was there before")
        self.assertEqual([service["name"] for service in self.instance.get("/dataflow").json["services"]], ["copies", "counting"])
        self.assertEqual(self.rows(), [["ann", 1, 1]])


class WatchOfPackages(SystemTest):
    def test_files_of_packages(self):
        """Files of packages and headers are watched as the dataflow is; mistakes are told where they are."""
        package = self.folder / "packages" / "words"
        package.mkdir(parents=True)
        (self.folder / "helpers.h").write_text("inline Text mark() { return \"?\"; }\n")
        (package / "shout.h").write_text("Text shout(const Text& text) { return text.str() + mark().str(); }\n")
        (package / "gameflow-package.yaml").write_text("""apiVersion: 0.6.0
meta: { namespace: tests, name: words, version: 0.1.0 }
functions:
  shout: { operator: map, inputs: [{ name: text, type: string }], output: { type: string }, source: shout.h }
""")
        path = self.folder / "dataflow.yaml"
        path.write_text("""apiVersion: 0.6.0
meta: { name: shouting, version: 0.1.0 }
imports: [{ pkg: tests/words@0.1.0, path: packages/words, functions: [{ name: shout }] }]
functions: { include: [helpers.h] }
topics:
  in: { schema: { value: { type: string } } }
  out: { schema: { value: { type: string } } }
services:
  shouting:
    sources: [{ type: topic, id: in }]
    transforms: [{ operator: map, uses: shout }]
    sinks: [{ type: topic, id: out }]
""")
        instance = self.server(path, ["--watch"])
        log = lambda: instance.log_path.read_text()
        values = lambda: [record["value"] for record in instance.records("out")]

        def edit(file, text, told):
            before = log().count(told)
            file.write_text(text)
            wait_until(lambda: log().count(told) > before, f"'{told}' in the log")

        def send_and_expect(*wanted):
            self.assertEqual(instance.produce("in", ['"hi"']).status, 200)
            wait_until(lambda: values() == list(wanted), f"{wanted}")

        send_and_expect("hi?")
        edit(package / "shout.h", "Text shout(const Text& text) { return text.str() + mark().str() + \"!\"; }\n",
             "took over the changed")
        send_and_expect("hi?", "hi?!")
        edit(self.folder / "helpers.h", "inline Text mark() { return \"-\"; }\n", "took over the changed")
        send_and_expect("hi?", "hi?!", "hi-!")
        edit(package / "shout.h", "Text shout(const Text& text) { return txet.str(); }\n",
             "the dataflow as it was before this change goes on")
        self.assertIn(f"{package / 'shout.h'}:1:39: error: 'txet' was not declared in this scope", log())
        send_and_expect("hi?", "hi?!", "hi-!", "hi-!")


if __name__ == "__main__":
    unittest.main()
