"""The command line, as a person uses it: what goes in, what comes out, on which stream, and with which exit code."""

import csv
import datetime
import http.client
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from harness import COUNTING, FLAGSHIP, PROGRAM, ROOT, Server, SystemTest, cache_folder, player_event, run_cli, wait_until

FORGET = ROOT / "tests" / "system" / "forget.yaml"

FLAGS = {
    ("run",): ["--listen", "--allow-origin", "--insecure-no-auth", "--data", "--durability", "--disk-free-min", "--threads", "--clear-state", "--from", "--accept-loss", "--watch",
               "--package-path", "--cache", "--compiler", "--secrets", "--library", "--web", "--log-level", "--config"],
    ("build",): ["--package-path", "--cache", "--compiler"],
    ("validate",): ["--package-path", "--cache", "--compiler", "--library", "--operators"],
    ("explain",): ["--package-path", "--format"],
    ("test",): ["--filter", "--update", "--junit", "--threads", "--package-path", "--cache"],
    ("test", "function"): ["-v", "--value", "--value-file", "-k", "--key", "-s", "--state-key", "-o", "--output", "--cache"],
    ("service",): ["list", "reset-watermark", "forget"],
    ("service", "list"): ["--data"],
    ("service", "reset-watermark"): ["--data"],
    ("service", "forget"): ["--data"],
    ("backup",): ["--server", "--ca-file"],
    ("verify",): ["--data"],
    ("generate",): ["--profile", "--rate", "--events", "--seed", "--players", "--only", "--positions", "--start-time", "--to", "--ca-file", "--stdout", "--serve",
                    "--producer-id", "--game", "--from", "--days", "--speed", "--truth", "--threads"],
    ("topic",): ["list", "describe", "create", "delete"],
    ("topic", "list"): ["--server", "--ca-file"],
    ("topic", "describe"): ["--server", "--ca-file"],
    ("topic", "create"): ["--partitions", "--retention-age", "--retention-bytes", "--server", "--ca-file"],
    ("topic", "delete"): ["--server", "--ca-file"],
    ("connector",): ["list", "describe", "delete"],
    ("connector", "list"): ["--json", "--server", "--ca-file"],
    ("connector", "describe"): ["--server", "--ca-file"],
    ("connector", "delete"): ["--server", "--ca-file"],
    ("produce",): ["--key", "--key-field", "--server", "--ca-file"],
    ("consume",): ["-B", "--beginning", "-d", "--disable-continuous", "-n", "--num-records", "--offset", "-p", "--partition",
                   "-o", "--output", "--server", "--ca-file"],
    ("sql",): ["-c", "--command", "--format", "--server", "--ca-file"],
    ("dead-letters",): ["list", "show", "replay"],
    ("dead-letters", "list"): ["--service", "--operator", "--code", "--since", "--until", "-n", "--num-letters", "--counts",
                               "--format", "--server", "--ca-file"],
    ("dead-letters", "show"): ["--value", "--server", "--ca-file"],
    ("dead-letters", "replay"): ["--all", "--service", "--operator", "--code", "--since", "--until", "--again", "--dry-run",
                                 "--server", "--ca-file"],
    ("mcp",): ["--server", "--ca-file"],
    ("new",): ["--name", "--template"],
    ("schema",): ["dataflow|package|connector|game", "--library"],
    ("completion",): [],
    ("manual",): [],
    ("version",): [],
}

SCHEMAS = {
    "player_action": ("parameters", ["player_id", "session_id", "event_type", "level_id", "map_id"], "user_data",
                      ["user_id", "platform"]),
    "transaction": ("parameters", ["transaction_id", "transaction_type", "currency", "amount", "item_id", "item_type"],
                    "user_data", ["user_id", "platform"]),
    "server_metric": ("parameters", ["server_id", "cpu_load", "memory_usage", "latency"], "server_data",
                      ["region", "server_type"]),
}
NUMBERS = {"amount", "cpu_load", "memory_usage", "latency"}


class Usage(SystemTest):
    """Without a server."""

    def test_help(self):
        everything = run_cli("--help")
        self.assertEqual((everything.returncode, everything.stderr), (0, ""))
        for command, flags in FLAGS.items():
            done = run_cli(*command, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), command)
            self.assertIn("Examples:", done.stdout, command)
            for flag in flags:
                self.assertRegex(done.stdout, rf"(?<![\w-]){flag}(?![\w-])", command)
            self.assertIn(f"  {command[0]} ", everything.stdout)
            self.assertLessEqual(max(map(len, done.stdout.split("\n"))), 115, command)

    def test_version(self):
        for arguments in (["version"], ["--version"]):
            done = run_cli(*arguments)
            self.assertRegex(done.stdout, r"^gameflow \d+\.\d+\.\d+\n$")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_the_dataflow_may_be_a_folder_or_left_out(self):
        folder = pathlib.Path(FLAGSHIP).parent
        for arguments, where in ((["explain"], folder), (["explain", "."], folder), (["explain", str(folder)], None)):
            done = run_cli(*arguments, cwd=where)
            self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
            self.assertIn("player-session-analytics", done.stdout)
        package = self.folder / "package"
        package.mkdir()
        (package / "gameflow-package.yaml").write_text(
            "apiVersion: 0.5.0\nmeta: { name: words, version: 0.1.0, namespace: tests }\ntypes: { word: { type: string } }\n")
        for arguments in (["validate", str(package)], ["validate"]):
            self.assertEqual(run_cli(*arguments, cwd=package).returncode, 0, arguments)
        for arguments, name in ((["run"], "dataflow.yaml"), (["validate", str(self.folder)], str(self.folder / "dataflow.yaml"))):
            done = run_cli(*arguments, cwd=self.folder)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"cannot read '{name}': No such file or directory", done.stderr)

    def test_wrong_usage(self):
        for arguments, part in (
                ([], "--help"), (["rum"], "did you mean 'run'?"),
                (["--flag"], "'--flag' is not a flag"),
                (["run", "f.yaml", "--lisen", "x"], "did you mean '--listen'?"), (["topic"], "gameflow topic --help"),
                (["topic", "lsit"], "did you mean 'list'?"), (["topic", "create", "a", "--partitions", "0"], "--partitions"),
                (["topic", "create", "a", "--retention-age", "a week"], "such as 30m, 12h or 7d"),
                (["topic", "create"], "topic is required"),
                (["service", "forget"], "service is required"), (["generate", "--rate", "fast"], "nor max"),
                (["generate", "--rate", "0"], "--rate"), (["generate", "--events", "-5"], "--events"),
                (["generate", "--only", "boss"], "--only"), (["generate", "--start-time", "noon"], "2024-11-12T10:15:30Z"),
                (["consume", "a", "-n", "0"], "--num-records"), (["consume", "a", "-B", "--offset", "3"], "--offset"),
                (["consume", "a", "-o", "xml"], "--output"), (["produce"], "topic is required"),
                (["produce", "a", "--key", "b", "--key-field", "c"], "--key"), (["sql", "a", "-c", "b"], "excludes"),
                (["new", "a", "--template", "b"], "--template"), (["dead-letters"], "subcommand is required"),
                (["dead-letters", "show"], "id is required"),
                (["sql", "select 1", "--format", "xml"], "--format"),
                (["build", "a", "b"], "'b' is one argument too many"),
                (["run", "f.yaml", "--durability", "some"], "--durability"), (["run", "f.yaml", "--threads", "-1"], "--threads"),
                (["run", "f.yaml", "--disk-free-min", "much"], "--disk-free-min"), (["version", "--verbose"], "--verbose")):
            done = run_cli(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), (arguments, done.stderr))
            self.assertIn(part, done.stderr, arguments)
            self.assertRegex(done.stderr, r"Try 'gameflow.* --help'", arguments)

    def test_no_server(self):
        nowhere = ["--server", "http://127.0.0.1:9"]
        for arguments in (["topic", "list", *nowhere], ["topic", "describe", "a", *nowhere], ["sql", "select 1", *nowhere],
                          ["consume", "a", "-B", "-d", *nowhere], ["produce", "a", *nowhere]):
            done = run_cli(*arguments, stdin="{}\n")
            self.assertEqual((done.returncode, done.stdout), (1, ""), arguments)
            self.assertIn("127.0.0.1:9", done.stderr)
        for server in ("127.0.0.1:9", "ftp://127.0.0.1:9", "", "http://"):
            done = run_cli("topic", "list", "--server", server)
            self.assertIn(done.returncode, (1, 2), server)
            self.assertNotEqual(done.stderr, "")

    def test_build_and_validate(self):
        self.assertRegex(run_cli("validate", FLAGSHIP).stdout, "no mistakes")
        cache = ["--cache", self.folder / "cache"]
        built, again = run_cli("build", COUNTING, *cache), run_cli("build", COUNTING, *cache)
        self.assertEqual((built.returncode, again.returncode), (0, 0), built.stderr)
        self.assertRegex(built.stdout, r"\(built in [\d.]+ s\)")
        self.assertIn("(cached)", again.stdout)
        for word in ("counting", "events", "counts", "per-user"):
            self.assertIn(word, built.stdout)
        self.assertEqual(run_cli("validate", "--operators", FLAGSHIP, *cache).returncode, 0)

    def test_explain(self):
        text = run_cli("explain", FLAGSHIP)
        self.assertEqual((text.returncode, text.stderr), (0, ""))
        for line in ("service purchase-analytics", "    source  player-events: player-event, from the beginning, 2 partitions",
                     "    chain   assign-timestamp, assign-key, fused into one loop", "  exchange by string",
                     "    sink    purchase-summaries: item-totals, 1 partition"):
            self.assertIn(line + "\n", text.stdout)
        graph = json.loads(run_cli("explain", "--format", "json", FLAGSHIP).stdout)
        written = FLAGSHIP.read_text().split("\nservices:\n")[1]
        self.assertEqual([service["name"] for service in graph["services"]], re.findall(r"^  ([\w-]+):$", written, re.MULTILINE))
        nodes = graph["services"][0]["nodes"]
        self.assertEqual([node["kind"] for node in nodes], ["read", "chain", "exchange", "keyed", "write", "chain", "write"])
        self.assertEqual(nodes[1]["inputs"], [nodes[0]["id"]])
        self.assertIn("parse_time", nodes[1]["functions"][0]["code"])
        self.assertTrue(run_cli("explain", "--format", "dot", FLAGSHIP).stdout.startswith('digraph "gaming-analytics" {\n'))
        self.assertTrue(run_cli("explain", "--format", "mermaid", FLAGSHIP).stdout.startswith("flowchart LR\n"))
        bad = run_cli("explain", self.folder)
        self.assertEqual((bad.returncode, bad.stdout), (1, ""))

    def assert_matches_schema(self, event):
        parameters, fields, data, data_fields = SCHEMAS[event["event_name"]]
        self.assertEqual(set(event), {"event_name", parameters, "event_timestamp", data})
        self.assertEqual(list(event[parameters]), fields)
        self.assertEqual(list(event[data]), data_fields)
        self.assertRegex(event["event_timestamp"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        for name, value in {**event[parameters], **event[data]}.items():
            self.assertIsInstance(value, (int, float) if name in NUMBERS else str)
        return event

    def test_generated_events(self):
        arguments = ["generate", "--stdout", "--rate", "max", "--events", "2000", "--seed", "7", "--start-time",
                     "2024-11-12T10:00:00Z"]
        first, second = run_cli(*arguments), run_cli(*arguments)
        self.assertEqual((first.returncode, first.stdout), (0, second.stdout))
        self.assertNotEqual(first.stdout, run_cli(*[a.replace("7", "8") if a == "7" else a for a in arguments]).stdout)
        events = [self.assert_matches_schema(json.loads(line)) for line in first.stdout.splitlines()]
        by_name = {name: [e for e in events if e["event_name"] == name] for name in SCHEMAS}
        self.assertEqual([len(kind) for kind in by_name.values()], [2000] * 3)
        for event in by_name["player_action"]:
            self.assertEqual(event["parameters"]["player_id"], event["user_data"]["user_id"])
            self.assertIn(event["parameters"]["event_type"], ("move", "interaction", "level_complete"))
        purchases = [e["parameters"] for e in by_name["transaction"]]
        self.assertEqual(len({p["transaction_id"] for p in purchases}), 2000)
        self.assertEqual({p["transaction_type"] for p in purchases}, {"purchase", "refund"})
        # Event time goes on at 100 a second.
        times = [e["event_timestamp"] for e in by_name["player_action"]]
        self.assertEqual((times[0][:19], times[-1][:19]), ("2024-11-12T10:00:00", "2024-11-12T10:00:19"))
        self.assertEqual(times, sorted(times))
        only = run_cli(*arguments, "--only", "player").stdout.splitlines()
        self.assertEqual([json.loads(line) for line in only], by_name["player_action"])

    def test_output_that_cannot_be_written_is_an_error(self):
        for arguments in (["version"], ["--help"], ["validate", FLAGSHIP],
                          ["generate", "--stdout", "--rate", "max", "--events", "5"]):
            with open("/dev/full", "w") as full:
                done = subprocess.run([PROGRAM, *map(str, arguments)], stdout=full, stderr=subprocess.PIPE, text=True)
            self.assertEqual(done.returncode, 1, arguments)
            self.assertIn("cannot write to stdout: No space left on device", done.stderr, arguments)
        # Messages that nobody can read end nothing.
        with open("/dev/full", "w") as full:
            done = subprocess.run([PROGRAM, "topic", "list", "--server", "http://127.0.0.1:9"], stderr=full)
        self.assertEqual(done.returncode, 1)

    def test_a_closed_pipe_ends_it_quietly(self):
        generator = subprocess.Popen([PROGRAM, "generate", "--stdout", "--rate", "max"], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE)
        self.assertTrue(generator.stdout.readline())
        generator.stdout.close()
        errors = generator.stderr.read().decode()
        generator.stderr.close()
        self.assertIn(generator.wait(60), (0, -signal.SIGPIPE))
        self.assertEqual(errors, "")


# Of all commands these have no --json: they print other things than answers, or JSON in any case. Those of the kit for connectors are
# tried where they are built (test_connector_kit.py).
NO_JSON = {"run", "generate", "connect", "mcp", "schema", "completion", "manual", "test function"}
OF_THE_KIT = {"connector build", "connector test", "connector package"}


class Json(SystemTest):
    """--json of every command that has it: on stdout is JSON and nothing else, with the names of the HTTP API."""

    def commands(self, path=()):
        """Every command that does something."""
        subcommands = run_cli(*path, "--help").stdout.partition("\nSubcommands:\n")[2].partition("\n\n")[0]
        names = re.findall(r"(?m)^  ([a-z-]+)", subcommands)
        own = [" ".join(path)] if path and (not names or path == ("test",)) else []
        return own + [command for name in names for command in self.commands((*path, name))]

    def lines(self, command, *arguments, code=0, stdin=None):
        done = run_cli(*command.split(), *arguments, "--json", stdin=stdin)
        self.assertEqual(done.returncode, code, (command, done.stdout, done.stderr))
        self.seen.add(command)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def one(self, command, *arguments, **how):
        [document] = self.lines(command, *arguments, **how)
        return document

    def test_every_command(self):
        self.seen = set()
        self.without_a_server()
        server = self.server(FORGET)
        self.of_topics(server, ["--server", server.url])
        self.of_dead_letters(server, ["--server", server.url])
        self.of_the_rest(server, ["--server", server.url])
        server.stop()
        self.of_the_data_folder()
        self.assertEqual(sorted(self.seen), sorted(set(self.commands()) - NO_JSON - OF_THE_KIT))
        for command in self.commands():
            self.assertEqual("--json" in run_cli(*command.split(), "--help").stdout, command not in NO_JSON, command)

    def without_a_server(self):
        self.assertRegex(self.one("version")["version"], r"^\d+\.\d+\.\d+$")
        self.assertEqual(self.one("explain", FORGET)["name"], "forget")
        built = self.one("build", FORGET, "--cache", cache_folder())
        self.assertEqual((built["dataflow"]["name"], type(built["cached"]), os.path.exists(built["operators"])), ("forget", bool, True))
        self.assertEqual(self.one("validate", FORGET), {"file": str(FORGET), "valid": True, "operators_checked": False, "mistakes": []})
        wrong = self.folder / "wrong.yaml"
        wrong.write_text(FORGET.read_text().replace("partitions: 2", "partitons: 2"))
        found = self.one("validate", wrong, code=1)
        self.assertEqual((found["valid"], found["error"]["code"]), (False, "invalid_dataflow"))
        line = 1 + wrong.read_text().partition("partitons")[0].count("\n")
        self.assertEqual([(m["file"], m["line"], m["severity"], m["hint"]) for m in found["mistakes"]],
                         [(str(wrong), line, "error", "did you mean 'partitions'?")])
        # A name of a file need not be UTF-8; a document is.
        odd = os.fsdecode(os.fsencode(self.folder) + b"/gr\xf6\xdfe.yaml")
        Path(odd).write_text(wrong.read_text())
        done = subprocess.run([PROGRAM, "validate", odd, "--json"], capture_output=True, check=False)
        found = json.loads(done.stdout.decode())
        self.assertEqual({found["file"], found["mistakes"][0]["file"]}, {str(self.folder / "gr\ufffd\ufffde.yaml")})
        made = self.one("new", self.folder / "scores", "--template", "filter")
        self.assertEqual((made["name"], made["template"]), ("scores", "filter"))
        tested = self.one("test", self.folder / "scores", "--threads", "1", "--cache", cache_folder())
        self.assertEqual([(case["file"], case["passed"], case["failure"]) for case in tested["cases"]],
                         [(str(self.folder / "scores" / "filter.test"), True, "")])
        self.assertEqual((tested["passed"], tested["failed"]), (1, 0))
        self.assertEqual(self.one("connector new", self.folder / "orders")["direction"], "source")
        tokens = ["--auth", self.folder / "tokens"]
        created = self.one("token create", "game", "--role", "ingest", "--topic", "a*", "--quota-records", "5", *tokens)
        self.assertRegex(created["token"], "^gf_[0-9a-f]{64}$")
        self.assertEqual(self.one("token list", *tokens)["tokens"], [
            {"name": "game", "roles": ["ingest"], "topics": ["a*"], "quota_records": 5, "quota_bytes": 0, "created_at": created["created_at"]}])
        self.assertEqual(self.one("token revoke", "game", *tokens), {"name": "game", "revoked": True})

    def of_topics(self, server, on):
        self.assertEqual(self.one("topic create", "scores", "--partitions", "3", *on)["name"], "scores")
        self.assertEqual(self.one("produce", "scores", "--key", "k", *on, stdin='{"n":1}\n{\n{"n":2}\n', code=1),
                         {"topic": "scores", "accepted": 2, "rejected": 1})
        self.assertEqual([(r["key"], r["value"]) for r in self.lines("consume", "scores", "-B", "-d", *on)], [("k", {"n": 1}), ("k", {"n": 2})])
        for name in ("topic list", "connector list", "player receipts"):
            path = {"topic list": "/topics", "connector list": "/connectors", "player receipts": "/players/receipts"}[name]
            self.assertEqual({**self.one(name, *on), "now": 0}, {**server.get(path).json, "now": 0})
        self.assertEqual({**self.one("topic describe", "scores", *on), "now": 0}, {**server.topic("scores"), "now": 0})
        self.assertEqual(self.one("topic delete", "scores", *on), {"name": "scores", "deleted": True})
        gone = run_cli("topic", "describe", "scores", "--json", *on)
        self.assertEqual((gone.returncode, gone.stdout), (1, ""))
        self.assertIn("there is no topic 'scores'", gone.stderr)

    def of_dead_letters(self, server, on):
        hit = {"user": {"user_id": "ann"}, "item": "a", "at": "2024-11-12T10:00:00Z"}
        server.produce("hits", [json.dumps({**hit, "coins": coins}) for coins in (1, 9999)])
        wait_until(lambda: server.topic("dead-letters")["records"] > 0, "a dead letter")
        [kind] = self.lines("dead-letters list", "--counts", "--service", "by-item", *on)
        self.assertEqual((kind["count"], kind["operator"], kind["reason"]), (1, "update-state", "too much"))
        [letter] = self.lines("dead-letters list", "--service", "by-item", *on)
        shown = self.one("dead-letters show", letter["id"], *on)
        self.assertEqual(shown, {**letter, "replayed": False})
        self.assertEqual(self.one("dead-letters replay", letter["id"], *on),
                         {"dry_run": False, "replayed": [{"id": letter["id"], "topic": "hits"}], "replayed_before": 0, "failed": 0})
        wait_until(lambda: server.service("by-item")["records_dead"] == 2, "a second one of it")

    def of_the_rest(self, server, on):
        wait_until(lambda: self.lines("sql", "select _key, count from items", *on) == [{"_key": "a", "count": 1}], "its row")
        self.assertEqual(self.lines("sql", "select 1 as a, 2 as a, 3 as b, 4 as a_2, 5 as a", *on), [{"a": 1, "a_2": 4, "a_3": 2, "b": 3, "a_4": 5}])
        forgotten = self.one("player forget", "ann", *on)
        self.assertEqual(forgotten["step"], "done")
        for name in ("asked_at", "done_at"):
            self.assertRegex(forgotten[name], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$")
        server.request("PUT", "/connectors/archive", json.dumps({"type": "file-sink", "direction": "sink", "topics": [], "state": "stopped"}))
        self.assertEqual(self.one("connector describe", "archive", *on)["state"], "stopped")
        self.assertEqual(self.one("connector delete", "archive", *on), {"name": "archive", "deleted": True})
        made = self.one("backup", self.folder / "copy", *on)
        self.assertEqual(made["folder"], str(self.folder / "copy"))
        self.assertGreater(made["files"], 0)

    def of_the_data_folder(self):
        data = ["--data", self.folder / "data"]
        found = self.one("verify", *data)
        self.assertEqual((found["damages"], found["folder"]), ([], str(self.folder / "data")))
        services = self.one("service list", *data)["services"]
        counters = {service["name"]: service["counters"] for service in services}["by-item"]
        self.assertEqual((counters["records_in"], counters["records_dead"]), (3, 2))
        self.assertEqual(self.one("service reset-watermark", "by-item", *data), {"name": "by-item", "watermark": None})
        self.assertEqual(self.one("service forget", "by-item", *data), {"name": "by-item", "forgotten": True})
        again = run_cli("service", "forget", "by-item", "--json", *data)
        self.assertEqual((again.returncode, again.stdout), (1, ""))


class FileOfFlags(SystemTest):
    """gameflow run takes flags out of a file, which says least of all."""

    def run_in(self, folder, *arguments, env=None):
        """The log of a server that came up in `folder`, and of which address it said."""
        process = subprocess.Popen([os.path.abspath(PROGRAM), "run", *map(str, arguments)], cwd=folder, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1", "GAMEFLOW_CACHE": str(cache_folder()), **(env or {})})
        self.addCleanup(lambda: process.poll() is None and process.kill())
        said = process.stdout.readline()
        process.terminate()
        log = process.communicate(timeout=120)[1]
        self.assertEqual(process.returncode, 0, log)
        return said, log

    def test_what_counts(self):
        here, beside = self.folder / "here", self.folder / "beside"
        for folder in (here, beside):
            folder.mkdir()
        (beside / "dataflow.yaml").write_text(COUNTING.read_text())
        flags = f"listen: 127.0.0.1:0\ndata: {self.folder}/of-file\npublic-url: [https://a.example, https://b.example]\nwatch: true\ninsecure-no-auth: false\n"
        (beside / "gameflow.yaml").write_text(flags)
        said, log = self.run_in(here, beside / "dataflow.yaml")
        self.assertIn("listening on http://127.0.0.1:", said)
        self.assertIn(f"flags from {beside}/gameflow.yaml: listen, data, public-url, watch, insecure-no-auth\n", log)
        self.assertIn("watching ", log)
        self.assertTrue((self.folder / "of-file").is_dir())
        # The one in this folder comes first, and names the dataflow, too; environment and command line count more.
        (here / "gameflow.yaml").write_text(f"dataflow: {beside}/dataflow.yaml\n{flags}threads: 1\n")
        said, log = self.run_in(here, "--data", self.folder / "of-flag", env={"GAMEFLOW_THREADS": "2"})
        self.assertIn("flags from gameflow.yaml: dataflow, listen, public-url, watch, insecure-no-auth\n", log)
        self.assertTrue((self.folder / "of-flag").is_dir())
        _, log = self.run_in(here, beside / "dataflow.yaml", "--listen", "127.0.0.1:0", "--config", "/dev/null", "--data", self.folder / "of-flag")
        self.assertIn("flags from /dev/null: none\n", log)
        # A dataflow may have that name.
        (here / "gameflow.yaml").write_text(COUNTING.read_text())
        _, log = self.run_in(here, "gameflow.yaml", "--listen", "127.0.0.1:0", "--data", self.folder / "of-flag")
        self.assertNotIn("flags from", log)

    def test_mistakes(self):
        file = self.folder / "flags.yaml"
        for text, *parts in (
                ("listen: 127.0.0.1:0\nlisen: x\n", ":2:1: error: there is no flag 'lisen'", "did you mean 'listen'?"),
                ("--listen: 127.0.0.1:0\n", ":1:1: error: there is no flag '--listen'", "did you mean 'listen'?"),
                ("apiVersion: 0.6.0\nmeta: {}\n", ":1:1: error: this is a dataflow, no list of flags", "with --config"),
                ("threads: many\n", ":1:10: error: --threads: 'many' is not a whole number from 0 to 256"),
                ("watch: 1\n", "it is '1': it must be true or false"), ("listen: [a, b]\n", ":1:9: error: it must be a text"),
                ("listen:\n", "it must be a text"), ("clear-state: a\n", "'clear-state' is for one start"), ("- listen\n", "no list of flags"),
                ("listen: x\nlisten: y\n", ":2:1: error: "), ("listen: [\n", "error: "), ("config: x\n", "'config' is for one start"),
                ("tls-cert: a.pem\n", "--tls-cert requires --tls-key"), ("help: true\n", "'help'")):
            file.write_text(text)
            done = run_cli("run", COUNTING, "--config", file)
            self.assertEqual((done.returncode, done.stdout), (2, ""), (text, done.stderr))
            for part in parts:
                self.assertIn(part, done.stderr, text)
        missing = run_cli("run", COUNTING, "--config", self.folder / "none.yaml")
        self.assertEqual(missing.returncode, 2)
        self.assertIn("none.yaml': No such file", missing.stderr)
        # Other commands and the help do not look at it.
        self.assertEqual(run_cli("run", "--help", env={"GAMEFLOW_CONFIG": str(file)}).returncode, 0)
        self.assertEqual(run_cli("version", env={"GAMEFLOW_CONFIG": str(file)}).returncode, 0)


class Client(SystemTest):
    """Against one server of topics and a small dataflow."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="gameflow-test-")
        cls.addClassCleanup(folder.cleanup)
        cls.instance = Server(folder.name)
        cls.addClassCleanup(lambda: cls.instance.process and cls.instance.kill())
        cls.instance.start()

    def cli(self, *arguments, stdin=None, code=0):
        done = run_cli(*arguments, "--server", self.instance.url, stdin=stdin)
        self.assertEqual(done.returncode, code, (arguments, done.stdout, done.stderr))
        return done

    def lines(self, *arguments):
        return self.cli(*arguments).stdout.splitlines()

    def test_topics(self):
        self.assertEqual(self.cli("topic", "create", "scores", "--partitions", "3", "--retention-age", "7d",
                                  "--retention-bytes", "1GiB").stdout, "topic scores created\n")
        self.assertIn("exists", self.cli("topic", "create", "scores", code=1).stderr)
        self.cli("produce", "scores", stdin='{"x":1}\n' * 5)
        listed = self.cli("topic", "list").stdout
        self.assertRegex(listed, r"(?m)^scores +3 +5 +[\d.]+ \w+ +- +7d, 1\.0 GiB")
        self.assertRegex(listed, r"(?m)^player-events +2 +.* player-event +3d")
        described = self.cli("topic", "describe", "scores").stdout
        self.assertRegex(described, r"(?m)^records +5$")
        self.assertEqual(len(re.findall(r"(?m)^ +[012] +0 +\d+ +", described)), 3)
        self.assertEqual(self.cli("topic", "delete", "scores").stdout, "topic scores deleted\n")
        self.assertNotIn("scores", self.cli("topic", "list").stdout)
        for arguments in (["describe", "scores"], ["delete", "scores"]):
            self.assertIn("there is no topic 'scores'", self.cli("topic", *arguments, code=1).stderr)
        self.assertIn("did you mean 'player-events'", self.cli("topic", "describe", "player-event", code=1).stderr)
        self.assertIn("dataflow", self.cli("topic", "delete", "player-events", code=1).stderr)
        self.assertIn("player-events", self.cli("topic", "list").stdout)

    def test_connectors(self):
        server = self.server(COUNTING)
        on = ["--server", server.url]
        self.assertIn("no connector has been here yet", run_cli("connector", "list", *on).stdout)
        report = {"type": "file-sink", "direction": "sink", "topics": ["events"], "state": "retrying", "records": 1200, "bytes": 4096,
                  "lag": 17, "last_error": "the disk is full\nsecond line", "last_error_at_ms": 1731406500000, "pid": 4711, "version": "1.2.3"}
        self.assertEqual(server.request("PUT", "/connectors/archive", json.dumps(report)).status, 204)
        self.assertEqual(server.request("POST", "/records?producer=connector%2Fold&sequence=0&position=line+7", b"").status, 200)
        lines = run_cli("connector", "list", *on).stdout.splitlines()
        self.assertEqual(lines[0].split(), ["NAME", "TYPE", "DIRECTION", "STATE", "RECORDS", "PER", "S", "LAG", "LAST", "ERROR"])
        self.assertEqual(lines[1].split(), ["archive", "file-sink", "sink", "retrying", "1,200", "0", "17", *"the disk is full".split()])
        self.assertEqual(lines[2].split(), ["old", "-", "-", "not", "running", "-", "-", "-", "-"])
        listed = json.loads(run_cli("connector", "list", "--json", *on).stdout)["connectors"]
        self.assertEqual([(one["name"], one["records"], one["records_per_second"]) for one in listed],
                         [("archive", 1200, 0), ("old", 0, None)])
        described = run_cli("connector", "describe", "archive", *on).stdout
        for line in (r"topics +events\n", r"records +1,200\n", r"process +4711\n", r"position +-\n", r"last error, 2024-11-12T10:15:00Z:\nthe disk is full\nsecond"):
            self.assertRegex(described, line)
        self.assertRegex(run_cli("connector", "describe", "old", *on).stdout, r"position +line 7\n")
        refused = run_cli("connector", "delete", "archive", *on)
        self.assertEqual(refused.returncode, 1)
        self.assertIn("is running: stop it first", refused.stderr)
        self.assertEqual(run_cli("connector", "delete", "old", *on).stdout, "connector old and its position are forgotten\n")
        self.assertIn("there is no connector 'old'", run_cli("connector", "describe", "old", *on).stderr)
        # One that runs.
        (self.folder / "in.ndjson").write_text('{"n":1}\n')
        (self.folder / "feed.yaml").write_text(
            "apiVersion: 0.1.0\nmeta: { version: 0.1.0, name: feed, type: file-source, topic: late-events }\n"
            f"file: {{ path: {self.folder}/in.ndjson }}\n")
        feed = subprocess.Popen([PROGRAM, "connect", self.folder / "feed.yaml", *on], stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: feed.poll() is None and feed.kill())
        wait_until(lambda: re.search(r"feed +file-source +source +running +1 ", run_cli("connector", "list", *on).stdout), "its report")
        feed.terminate()
        feed.wait()
        self.assertRegex(run_cli("connector", "describe", "feed", *on).stdout, r"state +stopped ")
        self.assertEqual(run_cli("connector", "delete", "feed", *on).returncode, 0)
        self.assertRegex(server.get("/metrics").text, r'gameflow_connector_lag\{connector="archive",type="file-sink"\} 17\n')

    def test_produce(self):
        good = player_event("ann", 1_731_406_530_000)
        lines = [good, "", "{", good.replace('"map_03"', "7"), "  ", good, "[]"]
        reports = (r"{}:3: .*\n", r"{}:4: parameters\.map_id: expected string, found number 7\n", r"{}:7: .*\n")
        before = self.instance.topic("player-events")["records"]
        file = self.folder / "events.ndjson"
        file.write_text("\n".join(lines))  # without an end of the last line
        for arguments, stdin, name in ((["produce", "player-events", "--key", "k"], "\n".join(lines) + "\n", "stdin"),
                                       (["produce", "player-events", "-"], "\r\n".join(lines), "stdin"),
                                       (["produce", "player-events", file, "--key-field", "user_data.user_id"], None, file)):
            done = self.cli(*arguments, stdin=stdin, code=1)
            self.assertEqual(done.stdout, "")
            for report in reports:
                self.assertRegex(done.stderr, report.format(re.escape(str(name))))
            self.assertIn("2 records stored in player-events, 3 rejected", done.stderr)
        self.assertEqual(self.instance.topic("player-events")["records"], before + 6)
        keys = {record["key"] for record in self.instance.records("player-events")}
        self.assertLessEqual({"k", "ann", None}, keys)
        done = self.cli("produce", "player-events", stdin=good + "\n")
        self.assertIn("1 records stored", done.stderr)
        self.assertIn("0 records stored", self.cli("produce", "player-events", stdin="").stderr)
        # 1,000 broken lines do not make 1,000 lines of messages without end.
        done = self.cli("produce", "player-events", stdin="{}\n" * 1000, code=1)
        self.assertLess(done.stderr.count("\n"), 110)
        self.assertIn("1,000 rejected", done.stderr)
        # What cannot be sent at all.
        self.assertIn("did you mean 'player-events'", self.cli("produce", "player-event", stdin=good, code=1).stderr)
        self.assertIn("cannot open", self.cli("produce", "player-events", self.folder / "missing", code=1).stderr)
        self.assertIn("cannot read", self.cli("produce", "player-events", self.folder, code=1).stderr)
        self.assertIn("longer than", self.cli("produce", "player-events", stdin="x" * (18 << 20), code=1).stderr)

    def test_produce_makes_requests_that_the_server_takes(self):
        """However long and short lines follow each other, up to the longest that may be a record."""
        limit = 8 << 20
        lines = ["x" * 1000] * 1500 + ["y" * (7 << 20), "z", "w" * (limit - 2), "z"]
        self.cli("topic", "create", "large")
        done = self.cli("produce", "large", "--key", "k", stdin="".join(f'"{line}"\n' for line in lines))
        self.assertIn("1,504 records stored", done.stderr)
        stored = self.instance.raw_values("large")
        self.assertEqual([len(value) - 2 for value in stored], [len(line) for line in lines])
        # One byte more, between lines that are fine: those before it are stored.
        done = self.cli("produce", "large", stdin='1\n2\n"' + "w" * (limit - 1) + '"\n3\n', code=1)
        self.assertIn("2 records stored in large before the error", done.stderr)
        self.assertIn("line 3 is longer than 8.0 MiB", done.stderr)

    def test_produce_sends_lines_as_they_come(self):
        self.cli("topic", "create", "slow")
        producer = subprocess.Popen([PROGRAM, "produce", "slow", "--server", self.instance.url], stdin=subprocess.PIPE,
                                    stderr=subprocess.PIPE)
        self.addCleanup(lambda: producer.poll() is None and producer.kill())
        for number in range(3):
            producer.stdin.write(b'{"n":%d}\n' % number)
            producer.stdin.flush()
            wait_until(lambda: self.instance.topic("slow")["records"] == number + 1, f"line {number}")
        producer.communicate()
        self.assertEqual(producer.returncode, 0)

    def test_consume(self):
        self.cli("topic", "create", "numbers", "--partitions", "3")
        values = [f'{{"n": {n},"text":"\\u00e9 \\"value\\":"}}' for n in range(60)]
        for n, value in enumerate(values):  # one by one: each its own time
            self.assertEqual(self.instance.produce("numbers", [value], key=f'k{n % 7},"value":').status, 200)
        everything = self.lines("consume", "numbers", "-B", "-d")
        self.assertEqual(sorted(everything), sorted(values), "byte for byte")
        records = [json.loads(line) for line in self.lines("consume", "numbers", "--beginning", "-d", "--output", "json")]
        self.assertEqual([record["value"] for record in records], [json.loads(value) for value in everything])
        self.assertEqual(set(records[0]), {"partition", "offset", "timestamp", "key", "value"})
        times = [record["timestamp"] for record in records]
        self.assertEqual(times, sorted(times), "merged by time")
        self.assertTrue(all(record["key"] == f'k{record["value"]["n"] % 7},"value":' for record in records))
        self.assertEqual(self.lines("consume", "numbers", "-B", "-d", "-n", "7"), everything[:7])
        self.assertEqual(self.lines("consume", "numbers", "-B", "-n", "60"), everything)
        self.assertEqual(self.lines("consume", "numbers", "-d"), [], "there is nothing new")
        self.assertEqual(self.lines("consume", "numbers", "-d", "--offset", "end"), [])
        self.assertEqual(self.lines("consume", "numbers", "-d", "--offset", "beginning"), everything)
        for partition in range(3):
            own = [json.dumps(r) for r in records if r["partition"] == partition]
            part = ["consume", "numbers", "-p", str(partition), "-d", "-o", "json"]
            for offset, wanted in (("0", own), ("2", own[2:]), ("-1", own[-1:]), ("-1000", own), ("1000000", [])):
                got = self.lines(*part, "--offset", offset)
                self.assertEqual([json.loads(line) for line in got], [json.loads(line) for line in wanted], offset)
        for arguments, code, part in ((["numbers", "-p", "3"], 1, "no partition 3"), (["nummbers"], 1, "did you mean 'numbers'"),
                                      (["numbers", "--offset", "middle"], 2, "--offset")):
            self.assertIn(part, self.cli("consume", *arguments, "-d", code=code).stderr)

    def test_consume_from_a_time_on(self):
        self.cli("topic", "create", "hours", "--partitions", "2")
        before, later = ['{"n":0}', '{"n":1}', '{"n":2}'], ['{"n":3}', '{"n":4}']
        for value in before:
            self.instance.produce("hours", [value])
        between = int(time.time() * 1000) + 1  # the server's clock is this one
        wait_until(lambda: time.time() * 1000 > between + 1, "another millisecond")
        for value in later:
            self.instance.produce("hours", [value])
        moment = datetime.datetime.fromtimestamp(between / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds")
        for text in (moment.replace("+00:00", "Z"), str(between)):
            self.assertEqual(sorted(self.lines("consume", "hours", "-d", "--offset", "@" + text)), later, text)
        self.assertEqual(sorted(self.lines("consume", "hours", "-d", "--offset", "@-1h")), before + later)
        self.assertEqual(self.lines("consume", "hours", "-d", "--offset", "@2100-01-01"), [])
        for query in (f"from={between}", f"offset=@{between}"):
            pages = [self.instance.get(f"/topics/hours/records?partition={n}&{query}").body.decode() for n in (0, 1)]
            self.assertEqual(sorted(json.dumps(json.loads(line)["value"], separators=(",", ":"))
                                    for page in pages for line in page.splitlines()), later, query)
        for arguments, part in ((["--offset", "@noon"], 'offset @ is "noon"; it must be a time'), (["--offset", "@-5x"], "-5m")):
            self.assertIn(part, self.cli("consume", "hours", "-d", *arguments, code=1).stderr)
        self.assertEqual(self.instance.get("/topics/hours/records?from=-1m&offset=3").status, 400)

    def test_consume_follows(self):
        self.cli("topic", "create", "followed", "--partitions", "2")
        consumer = subprocess.Popen([PROGRAM, "consume", "followed", "-B", "--server", self.instance.url],
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(lambda: (consumer.poll() is None and consumer.kill(), consumer.wait(), consumer.stdout.close()))
        sent = [f'{{"n":{n}}}' for n in range(20)]
        got = []
        for line in sent:
            self.instance.produce("followed", [line])
            got.append(consumer.stdout.readline().rstrip("\n"))  # each arrives before the next is sent
        self.assertEqual(got, sent)
        consumer.send_signal(signal.SIGINT)
        self.assertIn(consumer.wait(60), (0, -signal.SIGINT))

    def test_clients_of_a_topic_that_began_anew(self):
        """The data folder is another one after a restart: lines go on into it, and what is there now is printed."""
        with tempfile.TemporaryDirectory(prefix="gameflow-test-") as folder:
            server = Server(folder)
            self.addCleanup(lambda: server.process and server.kill())
            server.start()

            def client(*arguments):
                process = subprocess.Popen([PROGRAM, *arguments, "--server", server.url], stdin=subprocess.PIPE,
                                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
                self.addCleanup(lambda: (process.poll() is None and process.kill(), process.communicate()))
                return process

            producer = client("produce", "player-positions", "--key", "k")
            consumer = client("consume", "player-positions", "-B")
            for line in ('{"x":1}\n', '{"x":2}\n', '{"x":3}\n'):
                producer.stdin.write(line)
                self.assertEqual(consumer.stdout.readline(), line)
            server.stop()
            (server.folder / "data").rename(server.folder / "old")
            server.start()
            producer.stdin.write('{"x":4}\n')
            self.assertEqual(consumer.stdout.readline(), '{"x":4}\n')
            consumer.kill()
            self.assertIn("the topic is a new one", consumer.stderr.read())
            messages = producer.communicate()[1]
            self.assertEqual(producer.returncode, 0, messages)
            self.assertIn("4 records stored", messages)
            self.assertEqual(server.stop(), 0)

    def test_sql(self):
        users = {"sql_ann": 3, "sql_bob": 1, "sql_\"quoted, é": 2}
        at = (int(time.time()) + 3600) * 1000  # a window that stays open
        for user, count in users.items():
            self.instance.produce("player-events", [player_event(user, at)] * count)
        query = ("select _key, count, 0.5 as half, null as nil from events_per_user where _key like 'sql_%' "
                 "order by count desc")
        wait_until(lambda: len(self.instance.request("POST", "/sql", query).json["rows"]) == 3 and
                   self.instance.request("POST", "/sql", query).json["rows"][0][1] == 3, "counted")
        table = self.lines("sql", query, "--format", "table")
        self.assertRegex(table[0].lower(), r"^_key +count +half +nil")
        self.assertTrue(any(re.match(r"^sql_ann +3 +0.5", line) for line in table), table)
        rows = list(csv.reader(io.StringIO(self.cli("sql", query).stdout)))
        self.assertEqual(rows, [["_key", "count", "half", "nil"], ["sql_ann", "3", "0.5", ""],
                                ["sql_\"quoted, é", "2", "0.5", ""], ["sql_bob", "1", "0.5", ""]])
        lines = self.cli("sql", "-", "--format", "json", stdin=query).stdout.splitlines()
        self.assertEqual(lines[0], '{"_key":"sql_ann","count":3,"half":0.5,"nil":null}')
        self.assertEqual(json.loads(lines[1]), {"_key": "sql_\"quoted, é", "count": 2, "half": 0.5, "nil": None})
        for query, part in (("selct 1", "selct"), ("select * from event_per_user", "events_per_user"),
                            ("select counts from events_per_user", "counts"), ("delete from events_per_user", ""),
                            ("", "SELECT"), ("attach 'x' as y", ""), ("select load_extension('x')", ""),
                            ("pragma table_list", ""),
                            ("with recursive c(x) as (select 1 union all select x + 1 from c) select sum(x) from c",
                             "too long")):
            done = self.cli("sql", query, code=1)
            self.assertEqual(done.stdout, "")
            self.assertIn(part, done.stderr, query)

    def test_generate_sends_exactly_so_many(self):
        before = {topic: self.instance.topic(topic)["records"] for topic in ("player-positions", "server-metrics")}
        done = run_cli("generate", "--to", self.instance.url, "--rate", "max", "--events", "1234", "--only", "position",
                       "--only", "server", "--players", "5")
        self.assertEqual((done.returncode, done.stdout), (0, ""))
        self.assertIn("2,468 events", done.stderr)
        for topic, count in before.items():
            self.assertEqual(self.instance.topic(topic)["records"], count + 1234, topic)
        # Continued under the same id, it is one stream.
        for events in ("300", "700", "700"):
            run_cli("generate", "--to", self.instance.url, "--rate", "max", "--events", events, "--only", "position",
                    "--producer-id", "stream", "--start-time", "2024-11-12T10:00:00Z", "--seed", "3")
        self.assertEqual(self.instance.topic("player-positions")["records"], before["player-positions"] + 1234 + 700)
        whole = run_cli("generate", "--stdout", "--rate", "max", "--events", "700", "--only", "position", "--start-time",
                        "2024-11-12T10:00:00Z", "--seed", "3").stdout.splitlines()
        stored = [value.decode() for value in self.instance.raw_values("player-positions")]
        self.assertEqual(sorted(line for line in stored if "2024-11-12T10:00:0" in line), sorted(whole))
        # A topic that is not there ends it, and says so.
        done = run_cli("generate", "--to", self.instance.url + "/nothing", "--events", "5")
        self.assertEqual(done.returncode, 1)


class Restarts(SystemTest):
    def test_generate_while_the_server_is_killed(self):
        """Exactly so many events, each once, over several kill -9."""
        server = self.server()
        events = 6000
        generator = subprocess.Popen([PROGRAM, "generate", "--to", server.url, "--rate", "2000", "--events", str(events)],
                                     stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.addCleanup(lambda: (generator.poll() is None and generator.kill(), generator.wait(), generator.stderr.close()))
        for part in (0.1, 0.4, 0.7):
            wait_until(lambda: server.topic("purchase-events")["records"] >= events * part, f"{part} of the events")
            server.kill()
            server.start()
        self.assertEqual(generator.wait(600), 0)
        for topic in ("player-events", "purchase-events", "server-metrics"):
            self.assertEqual(server.topic(topic)["records"], events, topic)
        ids = {value["parameters"]["transaction_id"] for value in server.values("purchase-events")}
        self.assertEqual(len(ids), events)
        self.assertRegex(generator.stderr.read().decode(), r"18,000 events in .* \d+ retries")
        self.assertEqual(server.stop(), 0)

    def test_closed_standard_streams(self):
        """The data folder's files must not get their numbers: what is printed would go into them."""
        server = self.server(start=False)
        server.prefix = ["sh", "-c", 'exec "$0" "$@" 0>&- 1>&- 2>&-']
        server.launch()
        wait_until(server.answers, "it answers")
        for number in (0, 1, 2):
            self.assertEqual(os.readlink(f"/proc/{server.process.pid}/fd/{number}"), "/dev/null")
        self.assertEqual(server.stop(), 0)
        for file in (server.folder / "data").iterdir():
            self.assertNotIn(b"listening on", file.read_bytes() if file.is_file() else b"", file)

    def test_sigterm_under_load(self):
        """It stops at once with 0, and what was acknowledged is there."""
        server = self.server()
        acknowledged, stop = [0] * 4, threading.Event()

        def load(worker):
            lines = [player_event(f"w{worker}", 1_731_406_530_000 + n) for n in range(200)]
            while not stop.is_set():
                try:
                    reply = server.produce("player-events", lines, key_field="user_data.user_id", producer=f"w{worker}",
                                           sequence=acknowledged[worker])
                except (OSError, http.client.HTTPException):
                    return  # the server is gone
                if reply.status != 200:
                    assert reply.status == 503, reply.text
                    return
                acknowledged[worker] += len(lines)

        workers = [threading.Thread(target=load, args=(n,), daemon=True) for n in range(len(acknowledged))]
        for worker in workers:
            worker.start()
        wait_until(lambda: min(acknowledged) > 1000, "load")
        began = time.monotonic()
        self.assertEqual(server.stop(), 0)
        self.assertLess(time.monotonic() - began, 30)
        stop.set()
        for worker in workers:
            worker.join(60)
        server.start()
        for number, count in enumerate(acknowledged):
            # The last batch may have been stored without its answer getting through.
            known = server.get(f"/topics/player-events/producers/w{number}").json["next_sequence"]
            self.assertIn(known, (count, count + 200))
        stored = server.topic("player-events")["records"]
        self.assertEqual(stored, sum(server.get(f"/topics/player-events/producers/w{n}").json["next_sequence"]
                                     for n in range(len(acknowledged))))
        wait_until(lambda: server.service("player-session-analytics")["records_in"] == stored, "the dataflow goes on")
        self.assertEqual(server.stop(), 0)

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            server = self.server(COUNTING)
            server.process.send_signal(number)
            self.assertEqual(server.process.wait(60), 0, number)
            server.stop()
        # So does a generator, with a summary.
        server = self.server()
        generator = subprocess.Popen([PROGRAM, "generate", "--to", server.url], stdout=subprocess.DEVNULL,
                                     stderr=subprocess.PIPE)
        wait_until(lambda: server.topic("server-metrics")["records"] > 0, "events")
        generator.send_signal(signal.SIGTERM)
        summary = generator.communicate(timeout=60)[1].decode()
        self.assertEqual(generator.returncode, 0)
        sent = int(re.search(r"([\d,]+) events in", summary)[1].replace(",", ""))
        self.assertEqual(sent, sum(server.topic(topic)["records"]
                                   for topic in ("player-events", "purchase-events", "server-metrics")))


if __name__ == "__main__":
    unittest.main()
