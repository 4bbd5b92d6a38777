"""Mistakes in a dataflow.yaml, and places where no server can be: told with position and way out, nothing left behind."""

import os
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import unittest

from harness import COUNTING, FLAGSHIP, PATIENCE_SECONDS, PROGRAM, SystemTest, cache_folder, run_cli, two_services

GOOD = two_services()
TIMESTAMP = "return parse_time(event.event_timestamp);"


def position_of(text, part, within=None, after=""):
    """LINE:COLUMN of `within` in the first `part` behind `after`."""
    at = text.index(part, text.index(after))
    at += part.index(within) if within else 0
    line = text.count("\n", 0, at) + 1
    return f"{line}:{at - (text.rfind(chr(10), 0, at))}"


# name: (what of the flagship, what it becomes, the word the message points at, parts of the message)
MISTAKES = {
    "a list that does not end": (
        "apiVersion: 0.5.0", "apiVersion: [0.5.0", None, ["this is not YAML"]),
    "a tab": (
        "  name: gaming-analytics", "\tname: gaming-analytics", None, ["this is not YAML", "indent with spaces, not tabs"]),
    "a quote that does not end": ("version: 0.1.0", 'version: "0.1.0', None, ["this is not YAML"]),
    "a duplicate key": (
        "  version: 0.1.0", "  version: 0.1.0\n  version: 0.2.0", None, ["duplicate key 'version', first at"]),
    "a type that refers to itself": (
        "user_id: { type: string }", "user_id: { type: user-data }", "user-data }",
        ["type refers to itself: user-data -> user-data"]),
    "types in a circle": (
        "event_count: { type: u32 }", "event_count: { type: events-count }", "events-count }",
        ["type refers to itself: events-count -> player-event-count -> events-count"]),
    "an unknown section": ("services:", "servcies:", "servcies", ["unknown key 'servcies'", "did you mean 'services'?"]),
    "an unknown key": ("grace-period: 2s", "grace-perod: 2s", "grace-perod", ["grace-perod", "did you mean 'grace-period'?"]),
    "an unknown type": ("amount: { type: f64 }", "amount: { type: f46 }", "f46", ["unknown type 'f46'", "did you mean 'f64'?"]),
    "an unknown topic": (
        "        id: player-events\n", "        id: player-event\n", "player-event\n",
        ["player-event", "did you mean 'player-events'?"]),
    "a bad duration": ("duration: 5s", "duration: 5 seconds", "5 seconds", ["5 seconds"]),
    "a Rust timestamp": (
        TIMESTAMP, "let t = event.event_timestamp.unwrap();", None, ["this is Rust", "operators are written in C++ here"]),
    "a Rust key": (
        "Text assign_event_key(const PlayerEvent& event) { return event.user_data.user_id; }",
        "fn assign_event_key(event: PlayerEvent) -> Result<String> { Ok(event.user_data.user_id) }",
        "fn assign_event_key",
        ["this is Rust", "write for example", "Text assign_event_key(const PlayerEvent& event) { return "]),
    "SQL that does not parse": (
        "select _key as player_id, count as event_count from", "selct _key as player_id, count as event_count from",
        "selct", ["selct"]),
    "SQL with an unknown table": (
        "count as event_count from events_per_user", "count as event_count from event_per_user",
        "event_per_user", ["event_per_user", "events_per_user"]),
    "SQL with an unknown column": (
        "count as event_count", "counts as event_count", "counts", ["counts"]),
    "SQL that leaves out a field": (
        "_key as player_id, count as event_count", "_key as player_id, count as even_count",
        '"select _key as player_id', ["event_count"]),
    "SQL that writes": (
        "select _key as player_id, count as event_count from events_per_user order by count desc, _key",
        "delete from events_per_user", '"delete', []),
}

# C++ that does not compile: (what, becomes, the line is that of, parts of the message)
DOES_NOT_COMPILE = {
    "an unknown field": (
        "return event.user_data.user_id;", "return event.user_data.user_idd;", "user_idd", ["user_idd"]),
    "a forgotten semicolon": (
        "events_per_user().count += 1;", "events_per_user().count += 1", "events_per_user().count", ["';'"]),
    "a wrong type": (TIMESTAMP, 'return "today";', '"today"', []),
    "an unknown function": (TIMESTAMP, "return parse_tiem(event.event_timestamp);", "parse_tiem", ["parse_tiem"]),
    "an unclosed brace": ("const bool is_refund =", "{ const bool is_refund =", None, []),
    "a state of another service": (
        "events_per_user().count += 1;", "revenue_per_item().total_cents += 1;", "revenue_per_item", ["revenue_per_item"]),
}


class BadDataflow(SystemTest):
    def write(self, text):
        path = self.folder / "dataflow.yaml"
        if isinstance(text, str):
            text = text.encode()
        path.write_bytes(text)
        return path

    def edited(self, before, after):
        self.assertIn(before, GOOD)
        return GOOD.replace(before, after, 1)

    def assert_told(self, text, path, parts, position=None, *flags):
        """`validate` and `run` both say so, with position and caret, and leave nothing behind."""
        validated = run_cli("validate", path, "--cache", cache_folder(), *flags)
        ran = self.refused_run(path, "--data", self.folder / "data")
        self.assertFalse((self.folder / "data").exists(), "data was made for a dataflow that cannot run")
        for done in (validated, ran):
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(done.stdout, "")
            # Each starts a line, where editors and CI look for it; the last line sums up.
            self.assertRegex(done.stderr, rf"(?m)^{re.escape(str(path))}:\d+:\d+: error: ")
            self.assertRegex(done.stderr, rf"\ngameflow: error: {re.escape(str(path))} has \d+ mistakes?\n$")
            self.assertRegex(done.stderr, r"\n *\d+ \| .*\n *\|[ \t]*\^")
            for part in parts:
                self.assertIn(part, done.stderr)
            if position:
                self.assertIn(f"{path}:{position}: error: ", done.stderr)
            # The excerpt is the line that the position names.
            for line, excerpt in re.findall(r":(\d+):\d+: error: .*\n *\d+ \| (.*)", done.stderr):
                self.assertIn(text.split("\n")[int(line) - 1].strip()[:60], excerpt)

    def test_mistakes(self):
        for name, (before, after, word, parts) in MISTAKES.items():
            with self.subTest(name):
                text = self.edited(before, after)
                position = position_of(text, after, word) if word and word in after else None
                if word and not position:  # further left on the line
                    position = position_of(text, word)
                self.assert_told(text, self.write(text), parts, position)

    def test_operators_that_do_not_compile(self):
        for name, (before, after, word, parts) in DOES_NOT_COMPILE.items():
            with self.subTest(name):
                text = self.edited(before, after)
                path = self.write(text)
                self.assert_told(text, path, parts, None, "--operators")
                if word:
                    line = position_of(text, after, word).split(":")[0]
                    self.assertIn(f"{path}:{line}:", run_cli("build", path, "--cache", cache_folder()).stderr)

    def test_all_at_once(self):
        text = (GOOD.replace("amount: { type: f64 }", "amount: { type: f46 }")
                .replace("grace-period: 2s", "grace-perod: 2s")
                .replace("id: player-session-summaries", "id: player-sesion-summaries")
                .replace("tumbling:", "tumblign:"))
        done = run_cli("validate", self.write(text))
        self.assertEqual(done.returncode, 1)
        lines = [int(line) for line in re.findall(r"dataflow\.yaml:(\d+):\d+: error: ", done.stderr)]
        self.assertGreaterEqual(len(lines), 6)
        self.assertEqual(lines, sorted(lines))
        for part in ("did you mean 'f64'", "did you mean 'grace-period'", "did you mean 'player-session-summaries'",
                     "did you mean 'tumbling'", f"has {len(lines)} mistakes"):
            self.assertIn(part, done.stderr)
        # So are mistakes of C++ in several blocks.
        text = GOOD.replace("event.user_data.user_id", "event.user_data.no_such_user")
        text = text.replace("event.parameters.item_id", "event.parameters.no_such_item")
        text = text.replace("total_cents / 100.0", "total_pence / 100.0")  # and in its SQL
        done = run_cli("build", self.write(text), "--cache", cache_folder())
        self.assertEqual(done.returncode, 1)
        self.assertIn("has 3 mistakes", done.stderr)
        for word in ("no_such_user", "no_such_item", "total_pence"):
            self.assertIn(f"dataflow.yaml:{position_of(text, word).split(':')[0]}:", done.stderr)

    def test_files_that_are_no_dataflow(self):
        (self.folder / "folder").mkdir()
        for content, part in ((b"", "error"), (b"\0\1\2\xff" * 100, "error"), (b"just text", "error"), (b"[]", "error"),
                              (b"a: &a [*a]", "error"), (b"{" * 10_000, "error"), (b"- " * 10_000, "error"),
                              (b"a: &a [x,x]\n" + b"".join(b"%c: &%c [*%c,*%c,*%c,*%c]\n" % (c + 1, c + 1, c, c, c, c)
                                                        for c in range(97, 117)), "error"),
                              (b"# " + b"x" * (5 << 20), "larger than")):
            done = run_cli("validate", self.write(content))
            self.assertEqual(done.returncode, 1, (content[:50], done.stderr[:500]))
            self.assertIn(part, done.stderr)
            self.assertLess(len(done.stderr), 20_000)
        for path, file in ((self.folder / "missing.yaml", "missing.yaml"), (self.folder / "folder", "folder/dataflow.yaml")):
            done = run_cli("validate", path)
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"cannot read '{self.folder / file}'", done.stderr)

    def test_no_compiler(self):
        with tempfile.TemporaryDirectory() as empty:
            for command in ("build", "run"):
                arguments = ["--data", str(self.folder / "data"), "--listen", "127.0.0.1:0"] if command == "run" else []
                done = run_cli(command, FLAGSHIP, "--cache", self.folder / "cache", *arguments, env={"PATH": empty})
                self.assertEqual((done.returncode, done.stdout), (1, ""))
                self.assertIn("there is no C++ compiler 'c++'", done.stderr)
                self.assertIn("apt-get install g++", done.stderr)
                self.assertIn("GAMEFLOW_CXX", done.stderr)
            # Checking the file alone needs none.
            self.assertEqual(run_cli("validate", FLAGSHIP, env={"PATH": empty}).returncode, 0)
        for compiler in ("/nonexistent/g++", "/bin/false", str(self.folder)):
            done = run_cli("build", FLAGSHIP, "--cache", self.folder / "cache", "--compiler", compiler)
            self.assertEqual(done.returncode, 1)
            self.assertIn(compiler, done.stderr)


# Lines of a case behind `dataflow counting.yaml`: what is said, and of which line.
CASE_MISTAKES = {
    "run\nexpct counts\n": (3, "unknown command 'expct'; did you mean 'expect'?"),
    "expect stats counting in=0\nfoo\n": (3, "unknown command 'foo'; there are: dataflow, at, "),
    "run now\n": (2, "'now' does not belong to run"),
    "send events partition x\n{}\n": (2, "send wants 'partition N', 'key TEXT' or 'times N' (1 to 10000), not 'partition x'"),
    "send events times 0\n{}\n": (2, "not 'times 0'"),
    "send events times 10001\n{}\n": (2, "not 'times 10001'"),
    "send events partition\n{}\n": (2, "not 'partition'"),
    "send events partition 99\n{}\n": (2, "topic 'events' has no partition 99"),
    "send events\n": (2, "send wants records"),
    "send event\n{}\n": (2, "topic 'event' does not exist"),
    "fail-commits\n": (2, "fail-commits wants a number"),
    "fail-commits x\n": (2, "fail-commits wants a number"),
    "advance 5\n": (2, "advance wants a duration"),
    "at noon\n": (2, "at wants a time"),
    "expect\n": (2, "expect what?"),
    "expect sql select nope\n": (2, "no such column: nope"),
    "dataflow\napiVersion: 0.5.0\n": (2, "the dataflow lacks its end, a line '---'"),
}


class Cases(SystemTest):
    """Mistakes in a dataflow test."""

    def run_case(self, text, name="case.test"):
        path = self.folder / name
        path.write_text(text)
        (self.folder / "counting.yaml").write_text(COUNTING.read_text())
        done = run_cli("test", path, "--cache", cache_folder())
        self.assertEqual(done.returncode, 1, done.stdout)
        return path, done

    def test_mistakes(self):
        for lines, (line, part) in CASE_MISTAKES.items():
            with self.subTest(lines):
                path, done = self.run_case("dataflow counting.yaml\n" + lines)
                self.assertIn(f"{path}:{line}: ", done.stdout)
                self.assertIn(part, done.stdout)
        path, done = self.run_case("# nothing\n")
        self.assertIn("there is no command in this case", done.stdout)

    def test_mistakes_in_a_dataflow_inside(self):
        for before, after in (("apiVersion", "apiVersoin"), ("per_user().count", "per_user().cuont")):
            text = "# A case.\n\ndataflow\n" + COUNTING.read_text().replace(before, after, 1) + "---\nrun\n"
            path, done = self.run_case(text)
            self.assertIn(f"{path}:{position_of(text, after, after.split('.')[-1])}: error: ", done.stderr)

    def test_lines_may_end_as_on_windows(self):
        path = self.folder / "case.test"
        path.write_text("dataflow\n" + COUNTING.read_text() + "---\nrun\nexpect sql select 1\n1\n", newline="\r\n")
        done = run_cli("test", path, "--cache", cache_folder())
        self.assertEqual((done.returncode, done.stdout), (0, f"ok     {path}\n1 passed, 0 failed\n"))


class Places(SystemTest):
    """Where a server cannot be."""

    def test_port_in_use(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = self.refused_run(COUNTING, "--listen", address)
        self.assertEqual(done.returncode, 1)
        self.assertIn(address, done.stderr)
        self.assertIn("--listen", done.stderr)

    def test_data_folder_in_the_way(self):
        file = self.folder / "file"
        file.write_text("mine")
        for data in (file, file / "below", "/proc/gameflow"):
            done = self.refused_run(COUNTING, "--data", data)
            self.assertEqual(done.returncode, 1)
            self.assertIn(str(data), done.stderr)
            self.assertRegex(done.stderr, "cannot (create|read|write)")
        self.assertEqual(file.read_text(), "mine")

    def test_cache_folder_in_the_way(self):
        file = self.folder / "file"
        file.write_text("mine")
        done = run_cli("build", COUNTING, "--cache", file)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(file), done.stderr)
        self.assertEqual(file.read_text(), "mine")

    def test_no_home_folder(self):
        for home in ("/nonexistent", "", "relative"):
            done = run_cli("build", COUNTING, env={"HOME": home, "XDG_CACHE_HOME": "", "GAMEFLOW_CACHE": ""})
            self.assertEqual(done.returncode, 1)
            self.assertIn("this user has no home folder for built operators", done.stderr)
            self.assertIn("--cache DIR", done.stderr)
        self.assertFalse(pathlib.Path("/nonexistent").exists())

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"), "becoming another user takes root")
    def test_a_cache_of_root_serves_another_user(self):
        """As in a container whose image is built by root and run by somebody else, without a compiler."""
        program = pathlib.Path(PROGRAM).resolve()

        def as_nobody(*arguments):
            command = [shutil.which("setpriv"), "--reuid=65534", "--regid=65534", "--clear-groups", program, "build", *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS,
                                  env={"PATH": "/nowhere", "NO_COLOR": "1"})

        dataflow = self.folder / "counting.yaml"
        shutil.copy(COUNTING, dataflow)
        cache = self.folder / "cache"
        self.folder.chmod(0o755)
        if any(not folder.stat().st_mode & 0o001 for folder in program.parents):
            self.skipTest("others cannot reach the program")
        self.assertEqual(run_cli("build", dataflow, "--cache", cache).returncode, 0)
        hidden = as_nobody(dataflow, "--cache", cache)
        self.assertEqual(hidden.returncode, 1)
        self.assertIn("user 65534 may not read there, it belongs to user 0", hidden.stderr)
        self.assertIn("chmod -R a+rX", hidden.stderr)
        subprocess.run(["chmod", "-R", "a+rX", cache], check=True)
        done = as_nobody(dataflow, "--cache", cache)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("(cached)", done.stdout)

    def test_a_damaged_cache_is_built_anew(self):
        cache = self.folder / "cache"
        self.assertEqual(run_cli("build", COUNTING, "--cache", cache).returncode, 0)
        libraries = [path for path in cache.rglob("*") if path.is_file() and path.read_bytes()[:4] == b"\x7fELF"]
        self.assertEqual(len(libraries), 1)
        libraries[0].write_bytes(b"not a library")
        done = run_cli("build", COUNTING, "--cache", cache)
        self.assertTrue(done.returncode == 0 or str(cache) in done.stderr, done.stderr)

    def test_a_second_process_on_the_same_data(self):
        server = self.server(COUNTING)
        done = self.refused_run(COUNTING)
        self.assertEqual(done.returncode, 1)
        self.assertIn(str(self.folder / "data"), done.stderr)
        self.assertIn("in use by another process", done.stderr)
        self.assertTrue(server.is_alive())
        self.assertEqual(server.stop(), 0)

    def test_listening_for_everybody_is_refused(self):
        for address in ("0.0.0.0:0", "[::]:0", "192.0.2.1:3001", "198.51.100.7:0"):
            done = self.refused_run(COUNTING, "--listen", address)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn("--insecure-no-auth", done.stderr)
        for address in ("127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x", ":3001", "",
                        "example.com:80", "127.0.0.1:-1"):
            done = self.refused_run(COUNTING, "--listen", address)
            self.assertEqual(done.returncode, 2, (address, done.stderr))
            self.assertIn("--listen", done.stderr)
        self.assertFalse((self.folder / "data").exists())
        # An address that this machine does not have.
        done = self.refused_run(COUNTING, "--listen", "192.0.2.1:0", "--insecure-no-auth")
        self.assertEqual(done.returncode, 1)
        self.assertIn("192.0.2.1", done.stderr)

    def test_web_folder_that_is_not_there(self):
        done = self.refused_run(COUNTING, "--web", self.folder / "nothing")
        self.assertEqual(done.returncode, 2)
        self.assertIn(f"--web: Directory does not exist: {self.folder / 'nothing'}", done.stderr)


if __name__ == "__main__":
    unittest.main()
