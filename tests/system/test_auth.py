"""Who may do what: tokens and their roles against every route of the real program, and what becomes of those that are revoked."""

import pathlib
import re
import shutil
import socket
import subprocess
import unittest

from harness import COUNTING, PATIENCE_SECONDS, PROGRAM, ROOT, SystemTest, cache_folder, run_cli, wait_until

# What a token of each kind may do, by what a route says that it needs.
MAY = {
    "nobody": {"open"},
    "game": {"open", "ingest"},
    "source": {"open", "ingest", "ingest-all"},
    "reader": {"open", "read"},
    "ann": {"open", "ingest", "ingest-all", "read", "admin"},
}


class AuthTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.tokens = self.folder / "tokens"
        self.text = {"nobody": None}
        self.create("game", "--role", "ingest", "--topic", "eve*")
        self.create("source", "--role", "ingest")
        self.create("reader", "--role", "read")
        self.create("ann", "--role", "admin")
        self.gameflow = self.server(COUNTING, ["--auth", self.tokens, "--log-level", "debug"])

    def create(self, name, *arguments):
        done = run_cli("token", "create", name, *arguments, "--auth", self.tokens)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.text[name] = done.stdout.strip()
        self.assertRegex(self.text[name], "^gf_[0-9a-f]{64}$")
        self.assertNotIn(self.text[name], done.stderr + self.tokens.read_text())

    def test_a_file_may_be_named_without_a_folder(self):
        done = subprocess.run([pathlib.Path(PROGRAM).resolve(), "token", "create", "ann", "--role", "admin", "--auth", "new"], cwd=self.folder,
                              capture_output=True, text=True, timeout=PATIENCE_SECONDS)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.folder / "new").is_file())

    def revoke(self, name):
        done = run_cli("token", "revoke", name, "--auth", self.tokens)
        self.assertEqual(done.returncode, 0, done.stderr)

    def ask(self, who, method, path, body=None, headers=None):
        token = self.text.get(who, who)
        return self.gameflow.request(method, path, body, {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})})

    def tearDown(self):
        log = self.gameflow.log_path.read_text()
        for name, token in self.text.items():
            if token:
                self.assertNotIn(token, log, f"the token of {name} is in the log")
        super().tearDown()

    def follow(self, headers):
        """The status with which a WebSocket is answered, and its connection."""
        connection = socket.create_connection(("127.0.0.1", self.gameflow.port), timeout=PATIENCE_SECONDS)
        self.addCleanup(connection.close)
        fields = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        connection.sendall(f"GET /ws/events HTTP/1.1\r\nHost: 127.0.0.1:{self.gameflow.port}\r\nUpgrade: websocket\r\n"
                           f"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                           f"{fields}\r\n".encode())
        header = b""
        while b"\r\n\r\n" not in header:
            header += connection.recv(1)
        return int(header.split()[1]), connection

    def routes(self):
        return [(route["method"], route["pattern"], route["access"]) for route in self.ask("reader", "GET", "/routes").json["routes"]]

    def test_every_role_on_every_route(self):
        routes = self.routes()
        self.assertGreater(len(routes), 40)
        self.assertEqual({access for _, _, access in routes}, MAY["ann"])
        for method, pattern, access in routes:
            path = pattern.replace("**", "none").replace("*", "none")
            for who, may in MAY.items():
                with self.subTest(route=f"{method} {pattern}", who=who):
                    reply = self.ask(who, method, path, b"" if method != "GET" else None)
                    if reply.status == 303:  # a page, which asks who it is
                        self.assertNotIn(access, may)
                        self.assertIn("sign-in", reply.headers["Location"])
                    elif access in may:
                        # What is asked for is mostly not there, which only those learn who may.
                        self.assertNotIn(reply.status, (401, 303), reply.text)
                        self.assertFalse(reply.status == 403 and "Authenticate" in str(reply.headers), reply.text)
                    elif who == "nobody":
                        self.assertEqual(reply.status, 401)
                        self.assertIn("Bearer", reply.headers["WWW-Authenticate"])
                    else:
                        self.assertEqual(reply.status, 403, reply.text)
                        self.assertIn(access.removesuffix("-all"), reply.json["error"]["message"])

    def test_the_page_on_security_has_every_route(self):
        page = (ROOT / "docs" / "security.md").read_text()
        written = dict(re.findall(r"^\| `((?:GET|POST|PUT|DELETE) [^`]+)` \| ([a-z-]+) \|", page, re.M))
        self.assertEqual(written, {f"{method} {pattern}": access for method, pattern, access in self.routes()})

    def test_a_token_of_topics_writes_to_those_alone(self):
        record = b'{"user":"ann","at":"2024-11-12T10:00:00Z"}'
        self.assertEqual(self.ask("game", "POST", "/topics/events/records", record).json["accepted"], 1)
        # It does not even learn which others there are.
        for topic in ("late-events", "none"):
            reply = self.ask("game", "POST", f"/topics/{topic}/records", record)
            self.assertEqual((reply.status, reply.json["error"]["code"]), (403, "forbidden"), reply.text)
            self.assertEqual(self.ask("game", "GET", f"/topics/{topic}/producers/x").status, 403)
        lines = b"".join(b'{"topic":"%s","value":%s}\n' % (topic, record) for topic in (b"events", b"late-events", b"none"))
        reply = self.ask("game", "POST", "/records", lines).json
        self.assertEqual((reply["accepted"], [(error["index"], error["code"]) for error in reply["errors"]]),
                         (1, [(1, "forbidden"), (2, "forbidden")]))
        self.assertIn("the token 'game' may not write to topic 'late-events'; only to eve*", reply["errors"][0]["message"])
        # Where connectors are is theirs.
        for path in ("/records", "/topics/events/records"):
            reply = self.ask("game", "POST", f"{path}?producer=connector/x&sequence=0", lines)
            self.assertEqual(reply.status, 403, reply.text)
        self.assertEqual(self.ask("source", "POST", "/records?producer=connector/x&sequence=0", lines).status, 200)

    def test_a_revoked_token_is_refused_and_its_streams_end(self):
        self.create("wall", "--role", "read")
        cookie = f"gameflow-{self.gameflow.port}={self.text['wall']}"
        wait_until(lambda: self.ask("wall", "GET", "/version").status == 200, "a new token to be known")
        status, follower = self.follow({"Cookie": cookie, "Origin": self.gameflow.url})
        self.assertEqual(status, 101)
        self.assertEqual(self.follow({})[0], 401)
        self.assertEqual(self.follow({"Cookie": cookie, "Origin": "http://evil.example"})[0], 403)
        self.revoke("wall")
        # Who only listens is not let listen on: the connection is closed from there.
        frames = b""
        while data := follower.recv(65536):
            frames += data
        self.assertEqual(frames[:4], b"\x88" + frames[1:2] + (1001).to_bytes(2, "big"))
        self.assertEqual(self.ask("wall", "GET", "/version").status, 401)
        self.assertEqual(self.ask("reader", "GET", "/version").status, 200)

    def test_a_broken_file_changes_nothing_and_is_told(self):
        before = self.tokens.read_text()
        self.tokens.write_text(before + "eve rood sha256:\n")
        line = len(before.splitlines()) + 1
        wait_until(lambda: f"{self.tokens}:{line}:5: 'rood' is no role" in self.gameflow.log_path.read_text(), "the mistake to be told")
        self.assertEqual(self.ask("reader", "GET", "/version").status, 200)
        self.tokens.unlink()
        wait_until(lambda: "is not there any more" in self.gameflow.log_path.read_text(), "the loss to be told")
        self.assertEqual(self.ask("reader", "GET", "/version").status, 200)
        self.tokens.write_text("".join(line for line in before.splitlines(True) if not line.startswith("reader ")))
        wait_until(lambda: self.ask("reader", "GET", "/version").status == 401, "the mended file to be read")
        refused = self.refused_run(COUNTING, "--auth", self.folder / "none")
        self.assertIn("there is no file of tokens", refused.stderr)

    def test_people_sign_in(self):
        server = self.gameflow
        reply = server.request("GET", "/dash/x?range=1h", headers={"Accept": "text/html"})
        self.assertEqual((reply.status, reply.headers["Location"]), (303, "../sign-in?to=dash%2Fx%3Frange%3D1h"))
        for path in ("/sign-in?to=dash%2Fx", "/stat/sign_in.js", "/stat/style.css"):
            self.assertEqual(server.get(path).status, 200, path)
        own = {"Origin": server.url}
        self.assertEqual(self.ask("wrong", "POST", "/sign-in", b"", own).status, 401)
        self.assertEqual(self.ask("game", "POST", "/sign-in", b"", own).status, 403)
        self.assertEqual(self.ask("reader", "POST", "/sign-in", b"", {"Origin": "http://evil.example"}).status, 403)
        reply = self.ask("reader", "POST", "/sign-in", b"", own)
        self.assertEqual(reply.status, 204)
        cookie, *attributes = reply.headers["Set-Cookie"].split("; ")
        self.assertEqual(attributes, ["Path=/", "Max-Age=2592000", "HttpOnly", "SameSite=Strict"])
        signed_in = {"Cookie": cookie}
        self.assertEqual(server.request("GET", "/dash/x", headers=signed_in).status, 200)
        self.assertEqual(server.request("POST", "/sql", b"select 1", {**signed_in, **own}).status, 200)
        # A page elsewhere does nothing in their name, whatever the browser sends with it.
        self.assertEqual(server.request("GET", "/topics", headers={**signed_in, "Origin": "http://evil.example"}).status, 401)
        # What came over TLS stays on it.
        reply = self.ask("reader", "POST", "/sign-in", b"", {"Origin": "https://localhost", "Host": "localhost"})
        self.assertTrue(reply.headers["Set-Cookie"].endswith("; Secure"))
        gone = server.request("POST", "/sign-out", b"", {**signed_in, **own}).headers["Set-Cookie"]
        self.assertIn(f"gameflow-{server.port}=; Path=/; Max-Age=0", gone)

    def test_wrong_tokens_are_counted_and_slowed(self):
        for _ in range(12):
            self.assertEqual(self.ask("gf_wrong", "GET", "/topics").status, 401)
        self.ask("nobody", "GET", "/topics")
        metrics = self.ask("reader", "GET", "/metrics").text
        for line in ('gameflow_http_denied_total{why="unknown-token"} 12', 'gameflow_http_denied_total{why="no-token"} 1',
                     "gameflow_http_denied_slowly_total 2"):
            self.assertIn(line + "\n", metrics)
        self.assertIn("127.0.0.1 sends tokens that are not known", self.gameflow.log_path.read_text())

    def test_commands_take_a_token(self):
        server = ["--server", self.gameflow.url]
        done = run_cli("topic", "list", *server)
        self.assertEqual(done.returncode, 1)
        self.assertIn("this needs a token", done.stderr)
        secret = self.folder / "secret"
        secret.write_text(self.text["ann"] + "\n")
        for token in (["--token", self.text["ann"]], ["--token", f"@{secret}"]):
            self.assertIn("late-events", run_cli("topic", "list", *server, *token).stdout)
        env = {"GAMEFLOW_TOKEN": self.text["game"]}
        done = run_cli("produce", "events", *server, stdin='{"user":"ann","at":"2024-11-12T10:00:00Z"}\n', env=env)
        self.assertEqual((done.returncode, done.stderr), (0, "gameflow: 1 records stored in events\n"))
        done = run_cli("consume", "events", "-B", "-d", *server, env=env)
        self.assertEqual(done.returncode, 1)
        self.assertIn("the token 'game' may not do this: it needs the role read", done.stderr)
        self.assertIn("ann", run_cli("consume", "events", "-B", "-d", *server, env={"GAMEFLOW_TOKEN": f"@{secret}"}).stdout)
        # What is no token is told without being repeated.
        for wrong, message in (("a b", "without blanks"), ("@/none", "/none"), ("@/dev/null", "without blanks")):
            done = run_cli("topic", "list", *server, "--token", wrong)
            self.assertEqual(done.returncode, 2)
            self.assertIn(message, done.stderr)
            self.assertNotIn("a b", done.stderr)
        listed = run_cli("token", "list", env={"GAMEFLOW_AUTH": str(self.tokens)}).stdout
        self.assertRegex(listed, r"(?m)^game +ingest +eve\* +- +20..-..-..T")

    @unittest.skipUnless(shutil.which("node"), "node is not installed")
    def test_the_javascript_client_sends_its_token(self):
        script = f"""
            import {{GameflowClient}} from '{(ROOT / "clients/js/gameflow.js").as_uri()}';
            const [url, token] = process.argv.slice(1);
            let client;
            const told = new Promise((resolve) => {{
              client = new GameflowClient({{url, token: token || null, topic: 'events', onError: resolve}});
            }});
            client.send({{user: 'ann', at: '2024-11-12T10:00:00Z'}});
            if (!await client.flush({{timeout: token ? {PATIENCE_SECONDS * 1000} : 0}})) console.log(String(await told));
            console.log(await client.close({{timeout: 0}}));"""

        def send(token):
            return subprocess.run(["node", "--input-type=module", "-e", script, self.gameflow.url, token], capture_output=True, text=True,
                                  timeout=2 * PATIENCE_SECONDS)

        self.assertRegex(send("").stdout, r"(?s)this needs a token.*\n1\n$")
        done = send(self.text["game"])
        self.assertEqual((done.stdout, done.stderr), ("0\n", ""))
        self.assertEqual(self.ask("reader", "GET", "/topics/events").json["records"], 1)

    def test_services_of_compose_get_theirs(self):
        """deploy/tokens.sh: what is there stays; what gameflow does not know, or whose text is lost, is made anew."""
        texts = {name: self.folder / "secrets" / name / "gameflow-token" for name in ("connector", "prometheus")}
        for path in texts.values():
            path.parent.mkdir(parents=True)
        (self.folder / "bin").mkdir()
        (self.folder / "bin" / "gameflow").symlink_to(pathlib.Path(PROGRAM).resolve())

        def run():
            done = subprocess.run(["sh", ROOT / "deploy" / "tokens.sh"], capture_output=True, text=True, timeout=PATIENCE_SECONDS,
                                  env={"PATH": f"{self.folder}/bin:/usr/bin:/bin", "SECRETS": f"{self.folder}/secrets", "GAMEFLOW_AUTH": str(self.tokens)})
            self.assertNotIn("gf_", done.stdout + done.stderr)
            return done

        def status(name):
            return self.gameflow.request("GET", "/metrics", headers={"Authorization": f"Bearer {texts[name].read_text().strip()}"}).status

        before = self.tokens.read_text()
        self.assertEqual(run().returncode, 0)
        self.assertTrue(self.tokens.read_text().startswith(before), "those of others stay")
        listed = run_cli("token", "list", "--auth", self.tokens).stdout
        self.assertRegex(listed, r"(?m)^connector +ingest, read +all +-")
        self.assertRegex(listed, r"(?m)^prometheus +read +- +-")
        wait_until(lambda: {status(name) for name in texts} == {200}, "the server knows them")

        made, first = self.tokens.read_text(), {name: path.read_text() for name, path in texts.items()}
        self.assertIn("connector has a token\n", run().stdout)
        self.assertEqual((self.tokens.read_text(), {name: path.read_text() for name, path in texts.items()}), (made, first))

        texts["connector"].unlink()
        self.revoke("prometheus")
        self.assertEqual(run().returncode, 0)
        wait_until(lambda: {status(name) for name in texts} == {200}, "the server knows the new ones")
        for name, text in first.items():
            self.assertNotEqual(texts[name].read_text(), text)
            self.assertEqual(self.ask(text.strip(), "GET", "/metrics").status, 401)

        texts["connector"].unlink()
        self.tokens.write_text(self.tokens.read_text() + "ann no-role\n")
        done = run()
        self.assertEqual(done.returncode, 1)
        self.assertIn("no-role", done.stderr)
        self.assertFalse(texts["connector"].exists())

    def test_connectors_of_the_server_are_let_in(self):
        log, out = self.folder / "log.ndjson", self.folder / "out"
        log.write_text('{"user":"ann","at":"2024-11-12T10:00:00Z"}\n')
        for kind, path in (("source", log), ("sink", out)):
            (self.folder / f"{kind}.yaml").write_text(f"apiVersion: 0.1.0\nmeta:\n  name: {kind}\n  version: 0.1.0\n  type: file-{kind}\n"
                                                      f"  topic: events\nfile:\n  path: {path}\n")
        dataflow = self.folder / "dataflow.yaml"
        dataflow.write_text(COUNTING.read_text() + "connectors: [source.yaml, sink.yaml]\n")
        folder = self.folder / "other"
        folder.mkdir()
        server = self.server(dataflow, ["--auth", self.tokens], folder=folder)
        written = wait_until(lambda: "".join(path.read_text() for path in self.folder.glob("out-*")), "the record to come out again")
        self.assertIn('"ann"', written)
        listed = run_cli("connector", "list", "--server", server.url, env={"GAMEFLOW_TOKEN": self.text["reader"]}).stdout
        self.assertRegex(listed, r"(?m)^sink .*running")
        # Neither on their command line nor in the log.
        for pid in re.findall(r"started as process (\d+)", server.log_path.read_text()):
            self.assertNotIn("gf_", pathlib.Path(f"/proc/{pid}/cmdline").read_text())
        self.assertNotIn("gf_", server.log_path.read_text())

    def test_with_tokens_others_may_reach_it(self):
        done = self.refused_run(COUNTING, "--listen", "0.0.0.0:0")
        self.assertIn("--auth FILE", done.stderr)
        process = subprocess.Popen([PROGRAM, "run", COUNTING, "--auth", self.tokens, "--listen", "0.0.0.0:0", "--data", self.folder / "other",
                                    "--cache", cache_folder()], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.assertRegex(process.stdout.readline(), "^listening on http://0.0.0.0:")


if __name__ == "__main__":
    unittest.main()
