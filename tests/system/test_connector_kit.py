"""The tutorial of docs/connectors: its commands, in its order, end in a connector that works."""

import json
import os
import re
import shlex
import signal
import subprocess

from harness import PATIENCE_SECONDS, PROGRAM, ROOT, SystemTest, wait_until

DATAFLOW = "apiVersion: 0.5.0\nmeta: { name: empty, version: 0.1.0 }\ntopics: { archive: {} }\n"


class KitTest(SystemTest):
    def cli(self, *arguments, code=0):
        done = subprocess.run([os.path.abspath(PROGRAM), *arguments], cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def connect(self, server, file, library):
        process = subprocess.Popen([os.path.abspath(PROGRAM), "connect", file, "--library", library, "--server", server.url], cwd=self.folder,
                                   stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: process.poll() is None and (process.kill(), process.wait()))
        return process

    def test_the_tutorial(self):
        (self.folder / "dataflow.yaml").write_text(DATAFLOW)
        server = self.server(self.folder / "dataflow.yaml")
        page = (ROOT / "docs" / "connectors" / "tutorial.md").read_text()
        commands = [line for block in re.findall(r"```sh\n(.*?)```", page, re.S) for line in block.splitlines()]
        self.assertEqual(len(commands), 7, commands)
        for command in commands:
            arguments = shlex.split(command)[1:]
            if arguments[0] == "connect" and "--check" not in arguments:
                process = self.connect(server, arguments[1], arguments[3])
                wait_until(lambda: len(server.records("ticks")) >= 2, "records")
                process.kill()
                process.wait()
                process = self.connect(server, arguments[1], arguments[3])
                wait_until(lambda: len(server.records("ticks")) >= 4, "more records")
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(PATIENCE_SECONDS), 0)
                values = server.values("ticks")
                self.assertEqual(values, [{"tick": n, "says": "hello"} for n in range(1, len(values) + 1)])
            else:
                if arguments[0] == "topic":
                    arguments += ["--server", server.url]
                said = self.cli(*arguments)
                self.assertIn("all is well" if arguments[1] in ("test", "package") else "", said)
        self.assertTrue((self.folder / "ticks/build/ticks-interface-2.so").exists())

    def test_a_sink(self):
        (self.folder / "dataflow.yaml").write_text(DATAFLOW)
        server = self.server(self.folder / "dataflow.yaml")
        self.cli("connector", "new", "archive", "--sink")
        made = subprocess.run([os.path.abspath(PROGRAM), "connector", "package", "archive", "--json"], cwd=self.folder, capture_output=True,
                              text=True, timeout=PATIENCE_SECONDS)
        self.assertIn("all is well", made.stderr)
        packaged = json.loads(made.stdout)
        self.assertEqual((packaged["library"], packaged["types"]), (str(self.folder.resolve() / "archive/build/archive.so"), ["archive-sink"]))
        self.assertEqual(os.path.getsize(packaged["package"]), packaged["bytes"])
        self.assertEqual(server.produce("archive", ['{"n":1}', '{"n":2}']).status, 200)
        process = self.connect(server, "archive/archive.yaml", "archive/build/archive.so")
        out = self.folder / "out.ndjson"
        wait_until(lambda: out.exists() and out.read_text() == '{"n":1}\n{"n":2}\n', "lines")
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(PATIENCE_SECONDS), 0)

    def test_what_is_wrong_is_told(self):
        self.assertIn("cannot be the name of a connector", self.cli("connector", "new", "My_Connector", code=1))
        self.cli("connector", "new", "broken")
        self.assertIn("exists and is not empty", self.cli("connector", "new", "broken", code=1))
        self.assertIn("has no connector.cc", self.cli("connector", "build", ".", code=1))
        source = self.folder / "broken" / "connector.cc"
        source.write_text(source.read_text().replace("++count_;", "++cuont_;"))
        self.assertIn("cuont_", self.cli("connector", "build", "broken", code=1))
        source.write_text("int main() {}\n")
        (self.folder / "c.yaml").write_text("apiVersion: 0.1.0\n")
        self.assertIn("cannot be used", self.cli("connect", "c.yaml", "--library", "nosuch.so", code=1))
