"""`gameflow test`: what it finds, shows, updates and writes for others."""

import json
import os
import pty
import subprocess
import unittest
import xml.etree.ElementTree

from harness import COUNTING, PROGRAM, ROOT, SystemTest, cache_folder, run_cli

GOOD = """# Ann and her record.
at 2024-11-12T10:00:13Z
dataflow counting.yaml

send events
{"user":"ann","at":"2024-11-12T10:00:01Z"}
end
expect counts
# One window.
[{"user":"ann", "count":1, "points":0}]

expect stats counting in=1 late=0
expect sql select 1, 2
1 2
"""
BAD = (GOOD.replace('"count":1', '"count":7').replace("in=1", "in=4").replace("1 2\n", "1 2\n3 4\n")
       .replace("Ann", "Bob"))


class Test(SystemTest):
    def setUp(self):
        super().setUp()
        (self.folder / "counting.yaml").write_text(COUNTING.read_text())
        (self.folder / "good.test").write_text(GOOD)

    def run_test(self, *arguments):
        return run_cli("test", *arguments, "--cache", cache_folder())

    def with_bad(self):
        path = self.folder / "bad.test"
        path.write_text(BAD)
        return path

    def test_folders(self):
        below = self.folder / "below"
        below.mkdir()
        (below / "also.test").write_text(GOOD.replace("counting.yaml", "../counting.yaml"))
        done = self.run_test(self.folder)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)
        self.assertEqual(done.stdout, f"ok     {below}/also.test\nok     {self.folder}/good.test\n2 passed, 0 failed\n")
        here = subprocess.run([PROGRAM, "test", "--cache", cache_folder()], cwd=self.folder, capture_output=True, text=True)
        self.assertEqual((here.returncode, here.stdout), (0, "ok     below/also.test\nok     good.test\n2 passed, 0 failed\n"))
        empty = self.folder / "empty"
        empty.mkdir()
        done = self.run_test(empty)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn(f"there is no case in folder '{empty}'", done.stderr)

    def test_filter(self):
        self.with_bad()
        for text, names in (("good", ["good"]), ("Bob", ["bad"]), ("*.test", ["bad", "good"]), ("g*", ["good"]),
                            ("her record", ["bad", "good"])):
            done = self.run_test(self.folder, "--filter", text)
            found = [line.split("/")[-1][:-5] for line in done.stdout.splitlines() if line.startswith(("ok ", "FAILED"))]
            self.assertEqual(found, names, text)
        done = self.run_test(self.folder, "--filter", "zebra")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("no case has 'zebra'", done.stderr)

    def test_differences(self):
        path = self.with_bad()
        done = self.run_test(path)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stdout, f"""FAILED {path}
  {path}:8: expect counts (- expected, + came; threads: 1)
    - [{{"user":"ann","count":7,"points":0}}]
    + [{{"user":"ann","count":1,"points":0}}]
  {path}:12: expect stats … (- expected, + came; threads: 1)
    - in=4
    + in=1
      late=0
  {path}:13: expect sql … (- expected, + came; threads: 1)
      1 2
    - 3 4
0 passed, 1 failed
""")

    def test_colour_on_a_terminal(self):
        path = self.with_bad()
        ours, theirs = pty.openpty()
        env = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
        process = subprocess.Popen([PROGRAM, "test", path, "--cache", cache_folder()], stdout=theirs,
                                   env={**env, "TERM": "xterm"})
        os.close(theirs)
        shown = b""
        try:
            while block := os.read(ours, 4096):
                shown += block
        except OSError:
            pass
        os.close(ours)
        self.assertEqual(process.wait(), 1)
        self.assertIn(b"\x1b[31m- in=4\x1b[0m", shown)
        self.assertIn(b"\x1b[32m+ in=1\x1b[0m", shown)

    def test_update(self):
        path = self.with_bad()
        done = self.run_test(self.folder, "--update")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, f"update {path} (3 expectations)\nok     {self.folder}/good.test\n"
                                      "2 passed, 0 failed, 1 of them updated\n")
        # What is the same JSON stays as it was written; a comment stays too.
        self.assertEqual((self.folder / "good.test").read_text(), GOOD)
        self.assertEqual(path.read_text(), GOOD.replace("Ann", "Bob").replace('", "count', '","count').replace(', "p', ',"p'))
        self.assertEqual(self.run_test(path).returncode, 0)

    def test_update_leaves_what_it_cannot_mend(self):
        path = self.with_bad()
        text = BAD.replace("end\n", "advance nowhere\n")
        path.write_text(text)
        done = self.run_test(path, "--update")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{path}:7: advance wants a duration", done.stdout)
        self.assertEqual(path.read_text(), text)

    def test_junit(self):
        path = self.with_bad()
        report = self.folder / "report.xml"
        self.assertEqual(self.run_test(self.folder, "--junit", report).returncode, 1)
        suites = xml.etree.ElementTree.parse(report).getroot()
        self.assertEqual((suites.tag, suites.get("tests"), suites.get("failures")), ("testsuites", "2", "1"))
        bad, good = suites.iter("testcase")
        self.assertEqual((bad.get("name"), good.get("name")), (str(path), f"{self.folder}/good.test"))
        self.assertEqual(len(good), 0)
        self.assertIn(f"{path}:8: expect counts", bad.find("failure").get("message"))
        self.assertIn('- [{"user":"ann","count":7', bad.find("failure").text)
        done = self.run_test(self.folder, "--junit", self.folder / "no" / "report.xml")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write", done.stderr)


EVENT = '{"user":"ann","at":"2024-11-12T10:00:01Z","points":3}'
SHOTS = ROOT / "tests" / "dataflow" / "shots.yaml"
SESSIONS = ROOT / "tests" / "dataflow" / "sessions.yaml"


class Function(SystemTest):
    """`gameflow test function`."""

    def run_function(self, name, *arguments, dataflow=COUNTING):
        return run_cli("test", "function", name, dataflow, "--cache", cache_folder(), *arguments)

    def test_every_kind(self):
        for name, arguments, printed in (
                ("user", ["-v", EVENT], '"ann"\n'), ("counting/assign-key", ["-v", EVENT], '"ann"\n'),
                ("assign-timestamp", ["-v", EVENT, "--value", EVENT], "1731405601000\n" * 2),
                ("event-time", ["-v", EVENT], "1731405601000\n"),
                ("count", ["-v", EVENT, "-v", EVENT.replace("10:00", "09:00")],  # of two windows
                 '{"_key":"ann","count":1,"points":3}\n' * 2),
                ("count", ["-v", EVENT, "-v", EVENT.replace("ann", "cid"), "--state-key", 'b"\\'],
                 '{"_key":"b\\"\\\\","count":2,"points":6}\n'),
                ("totals", ["-v", EVENT, "-v", EVENT.replace("3", "4")],
                 '[{"user":"ann","count":2,"points":7}]\n')):
            done = self.run_function(name, *arguments)
            self.assertEqual((done.returncode, done.stdout), (0, printed), (name, done.stderr))

    def test_with_what_is_read(self):
        """Tables are there with their rows, states of others without any; what a keyed transform gives comes before its row."""
        examples = ROOT / "examples"
        for name, dataflow, value, printed in (
                ("complete", "maker-lookup", '{"maker":1,"price":3.5}',
                 '{"maker":"Falcon Works","country":"DE","price":3.5,"makers_there":2}\n'),
                ("answer", "cars", '{"plate":"X"}', '{"plate":"X","cars_there":0}\n'),
                ("too-fast", "cars", '{"plate":"X","camera":7,"speed":150}',
                 '{"plate":"X","camera":7,"speed":150,"times":1}\n{"_key":"X","camera":7,"speed":150,"warnings":1}\n')):
            done = self.run_function(name, "-v", value, dataflow=examples / dataflow / "dataflow.yaml")
            self.assertEqual((done.returncode, done.stdout), (0, printed), (name, done.stderr))

    def test_behind_what_changes_the_type(self):
        shot = '{"player":"ann","damage":30}'
        for name, value, printed in (
                ("scoring/filter", shot, "true\n"), ("filter", shot.replace("30", "0"), "false\n"),
                ("map", shot, '{"player":"ann","points":300}\n')):
            done = self.run_function(name, "-v", value, dataflow=SHOTS)
            self.assertEqual((done.returncode, done.stdout), (0, printed), (name, done.stderr))
        points = self.run_function("map", "-v", shot, dataflow=SHOTS).stdout
        kept = self.run_function("filter-map", "-v", points, dataflow=SHOTS)
        self.assertEqual((kept.returncode, kept.stdout), (0, '{"player":"ann","points":301}\n'), kept.stderr)
        none = self.run_function("filter-map", "-v", points.replace("300", "-300"), dataflow=SHOTS)
        self.assertEqual((none.returncode, none.stdout), (0, "null\n"), none.stderr)
        many = self.run_function("flat-map", "-v", kept.stdout, "-o", "kv", "-k", "k", dataflow=SHOTS)
        self.assertEqual(many.returncode, 0, many.stderr)
        self.assertEqual([json.loads(line)["value"]["points"] for line in many.stdout.splitlines()], [100, 100, 100, 1])

    def test_sessions(self):
        """A row for each session, and what `flush` says of each."""
        begin, soon, later = ('{"user":"ann","at":"2024-11-12T10:00:%s","points":%d}' % at for at in (("00Z", 1), ("05Z", 2), ("30Z", 4)))
        row = '{"_key":"ann","count":%d,"first":"","last":"","points":%d,"levels":1}\n'
        visit = '{"user":"ann","count":%d,"first":"","last":"","points":%d,"levels":1,"from":"2024-11-12T10:00:%sZ","to":"2024-11-12T10:00:%sZ"}\n'
        for name, values, printed in (
                ("user", [begin], '"ann"\n'), ("event-time", [soon], "1731405605000\n"),
                ("play", [later, begin, soon], row % (2, 3) + row % (1, 4)),
                ("result", [later, begin, soon], visit % (2, 3, "00", "15") + visit % (1, 4, "30", "40"))):
            done = self.run_function(name, *(a for value in values for a in ("-v", value)), dataflow=SESSIONS)
            self.assertEqual((done.returncode, done.stdout), (0, printed), (name, done.stderr))

    def test_text(self):
        """A value of a text type needs no quotes, and a name may be written as in YAML."""
        path = self.folder / "text.yaml"
        path.write_text("""apiVersion: 0.6.0
meta: { name: mask, version: 0.1.0 }
topics:
  in: { schema: { value: { type: string } } }
  out: { schema: { value: { type: string } } }
services:
  masking:
    sources: [{ type: topic, id: in }]
    transforms:
      - operator: map
        run: |
          Text mask_ssn(const Text& text) {
            std::string masked = text.str();
            for (char& c : masked) if (c >= '0' && c <= '9') c = '*';
            return masked;
          }
      - operator: filter
        run: "[](const Text& text) { return text.size() > 3; }"
    sinks: [{ type: topic, id: out }]
""")
        for name, arguments, printed in (
                ("mask-ssn", ["--value", "My SSN is 534-34-3443."], '"My SSN is ***-**-****."\n'),
                ("mask_ssn", ["--value", '"a \\"1\\""'], '"a \\"*\\""\n'),
                ("masking/filter", ["--value", "abc", "--value", "abcd"], "false\ntrue\n"),
                ("mask-ssn", ["-v", "hi 5", "-k", "k", "-o", "kv"], '{"key":"k","value":"hi *"}\n')):
            done = self.run_function(name, *arguments, dataflow=path)
            self.assertEqual((done.returncode, done.stdout), (0, printed), (name, done.stderr))

    def test_of_packages(self):
        """By the name that the package gives it, in a dataflow that uses it and in the package itself."""
        transit = ROOT / "examples" / "transit"
        position = '{"vehicle":"bus 1","route":"1","at":"2024-11-12T10:00:00Z","lat":60.1,"long":24.9,"kmh":%d}'
        for name, arguments, printed in (
                ("too-fast", ["-v", position % 61, "-v", position % 60],
                 '{"vehicle":"bus 1","route":"1","kmh":61}\nnull\n'),
                ("has-position", ["-v", position % 0], "true\n"), ("vehicle-of-position", ["-v", position % 0], '"bus 1"\n'),
                ("time-of-position", ["-v", position % 0], "1731405600000\n"),
                ("keep-position", ["-v", position % 0],
                 '"_key":"%s","route":"1","at":1731405600000,"lat":60.1,"long":24.9,"meters":0}\n')):
            for file, key in ((transit / "dataflow.yaml", "bus 1"), (transit / "packages" / "vehicles" / "gameflow-package.yaml", "")):
                done = self.run_function(name, *arguments, dataflow=file)
                wanted = "{" + printed % key if "%s" in printed else printed
                self.assertEqual((done.returncode, done.stdout), (0, wanted), (name, file, done.stderr))

    def test_of_a_package_in_several_places(self):
        """Also at rows, and behind them: it is the same function."""
        (self.folder / "gameflow-package.yaml").write_text("""apiVersion: 0.6.0
meta: { name: words, version: 0.1.0, namespace: tests }
types:
  word: { type: object, properties: { word: { type: string } } }
functions:
  twice:
    operator: map
    inputs: [{ name: word, type: word }]
    output: { type: word }
    run: "Word twice(const Word& word) { return {word.word + word.word}; }"
""")
        (self.folder / "dataflow.yaml").write_text("""apiVersion: 0.6.0
meta: { name: demo, version: 0.1.0 }
imports:
  - { pkg: tests/words@0.1.0, path: ., types: [{ name: word }], functions: [{ name: twice }] }
topics:
  in: { schema: { value: { type: word } } }
  out: { schema: { value: { type: word } } }
services:
  count:
    sources: [{ type: topic, id: in, transforms: [{ operator: map, uses: twice }] }]
    states:
      seen: { type: keyed-state, properties: { key: { type: string }, value: { type: u32 } } }
    partition:
      assign-key: { run: "Text word(const Word& word) { return word.word; }" }
      transforms: [{ operator: map, uses: twice }]
      update-state: { run: "void count(const Word&) { seen() += 1; }" }
    sinks: [{ type: topic, id: out, transforms: [{ operator: map, uses: twice }] }]
""")
        done = run_cli("test", "function", "twice", "-v", '{"word":"ab"}', "--cache", cache_folder(), cwd=self.folder)
        self.assertEqual((done.returncode, done.stdout), (0, '{"word":"abab"}\n'), done.stderr)

    def test_mistakes(self):
        for arguments, part in (
                (["user", "-v", '{"user":"","at":""}'], "error: user: an event without a user"),
                (["user", "-v", '{"user":1,"at":""}'], "error: --value user: expected string, found number 1"),
                (["user", "-v", "{"], "error: --value"), (["user"], "counting/assign-key takes a value"),
                (["usr", "-v", EVENT], "there is no operator 'usr' (did you mean 'user'?)"),
                (["usr", "-v", EVENT], "counting/update-state: count (line "),
                (["user", "--value-file", self.folder / "none"], "cannot read")):
            done = self.run_function(*arguments)
            self.assertEqual((done.returncode, done.stdout), (1, ""), arguments)
            self.assertIn(part, done.stderr)


if __name__ == "__main__":
    unittest.main()
