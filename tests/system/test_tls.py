"""TLS: clients of a server behind it, whose certificate they believe, and that one they do not believe is final; and a server that
speaks it itself."""

import http.client
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import unittest

from harness import COUNTING, PATIENCE_SECONDS, SystemTest, run_cli, wait_until


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


class Terminator:
    """Takes TLS off and hands the bytes to a server, as a proxy in front of it does."""

    def __init__(self, certificate, key, port):
        self.port = port
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self.listener.getsockname()[1]}"
        self.refused = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with self.context.wrap_socket(connection, server_side=True) as client, \
                    socket.create_connection(("127.0.0.1", self.port)) as server:
                back = threading.Thread(target=self.copy, args=(server, client), daemon=True)
                back.start()
                self.copy(client, server)
                back.join()
        except ssl.SSLError:
            self.refused += 1
        except OSError:
            pass

    @staticmethod
    def copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Authorities(SystemTest):
    """Makes certificates in the test's folder: NAME.pem and NAME.key."""

    def authority(self, name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.pem")

    def certificate(self, names, name="server"):
        """Signed by `ours`, for `names`."""
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", 2,
                "-subj", f"/CN={name}", "-addext", f"subjectAltName={names}", "-addext", "basicConstraints=CA:FALSE",
                "-CA", self.folder / "ours.pem", "-CAkey", self.folder / "ours.key", "-keyout", key, "-out", certificate)
        return certificate, key


class TlsTest(Authorities):
    def setUp(self):
        super().setUp()
        self.gameflow = self.server(COUNTING)
        self.authority("ours")
        self.authority("other")
        self.proxy = self.terminator("IP:127.0.0.1")
        self.ours = self.folder / "ours.pem"

    def terminator(self, names):
        terminator = Terminator(*self.certificate(names), self.gameflow.port)
        self.addCleanup(terminator.listener.close)
        return terminator

    def test_with_the_authority_every_client_command_works(self):
        to = ["--server", self.proxy.url, "--ca-file", self.ours]
        self.assertIn("late-events", run_cli("topic", "list", *to).stdout)
        done = run_cli("produce", "events", *to, stdin='{"user":"ann","at":"2024-11-12T10:00:00Z"}\n')
        self.assertEqual((done.returncode, done.stderr), (0, "gameflow: 1 records stored in events\n"))
        self.assertIn('"ann"', run_cli("consume", "events", "-B", "-d", *to).stdout)
        self.assertEqual(run_cli("sql", "select 1 as one", *to).stdout, "one\n1\n")
        # By the variable, too.
        done = run_cli("topic", "describe", "events", env={"GAMEFLOW_SERVER": self.proxy.url, "GAMEFLOW_CA_FILE": str(self.ours)})
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_certificate_that_cannot_be_trusted_is_final(self):
        elsewhere = self.terminator("DNS:gameflow.example")
        for name, url, ca_file, message in (
                ("nobody knows its authority", self.proxy.url, None, "If it was signed by an authority of your own, name that with --ca-file"),
                ("another authority", self.proxy.url, self.folder / "other.pem", "cannot be trusted"),
                ("another name", elsewhere.url, self.ours, "127.0.0.1")):
            ca = ["--ca-file", ca_file] if ca_file else []
            for command in (["topic", "list", "--server", url], ["generate", "--to", url, "--only", "player"],
                            ["consume", "events", "--server", url], ["produce", "events", "--server", url]):
                with self.subTest(name, command=command[0]):
                    done = run_cli(*command, *ca, stdin='{"user":"ann","at":""}\n')
                    self.assertEqual(done.returncode, 1)
                    self.assertIn(f"the certificate of {url} cannot be trusted: ", done.stderr)
                    self.assertIn(message, done.stderr)
        # Once for each request, not again and again.
        wait_until(lambda: self.proxy.refused >= 8, "the refusals")
        self.assertLessEqual(self.proxy.refused, 8)

    def test_a_file_without_certificates_is_told(self):
        empty = self.folder / "empty.pem"
        empty.write_text("nothing\n")
        for ca_file, message in ((self.folder / "none.pem", "none.pem, cannot be read: No such file"),
                                 (empty, "holds no certificates in PEM")):
            done = run_cli("topic", "list", "--server", self.proxy.url, "--ca-file", ca_file)
            self.assertEqual(done.returncode, 1)
            self.assertIn(message, done.stderr)


RECORD = '{"user":"ann","at":"2024-11-12T10:00:00Z"}'


class ServerTest(Authorities):
    """gameflow run --tls-cert --tls-key."""

    def setUp(self):
        super().setUp()
        self.authority("ours")
        self.ours = self.folder / "ours.pem"
        # The connectors that it starts reach it by an address that its certificate has not.
        self.certificate("DNS:gameflow.example,DNS:localhost", "first")
        self.use("first")
        (self.folder / "lines.ndjson").write_text(RECORD.replace("ann", "from-a-file") + "\n")
        (self.folder / "source.yaml").write_text(
            "apiVersion: 0.1.0\nmeta: { name: lines, version: 0.1.0, type: file-source, topic: events }\n"
            f"file: {{ path: {self.folder / 'lines.ndjson'} }}\n")
        dataflow = self.folder / "dataflow.yaml"
        dataflow.write_text(COUNTING.read_text() + "connectors: [source.yaml]\n")
        self.tokens = self.folder / "tokens"
        self.token = run_cli("token", "create", "ann", "--role", "admin", "--auth", self.tokens).stdout.strip()
        self.gameflow = self.server(dataflow, self.files() + ["--auth", self.tokens])
        self.context = ssl.create_default_context(cafile=self.ours)
        self.url = f"https://localhost:{self.gameflow.port}"

    def files(self, certificate="server.pem", key="server.key"):
        return ["--tls-cert", self.folder / certificate, "--tls-key", self.folder / key]

    def use(self, name):
        """The server's files from now on; it is to be told."""
        for ending in ("pem", "key"):
            shutil.copy(self.folder / f"{name}.{ending}", self.folder / f"server.{ending}")

    def log(self):
        return self.gameflow.log_path.read_text()

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.gameflow.port), timeout=PATIENCE_SECONDS)
        self.addCleanup(connection.close)
        return self.context.wrap_socket(connection, server_hostname="localhost")

    def shown_name(self):
        """Of the certificate that a new connection is shown."""
        with self.connect() as connection:
            return dict(field[0] for field in connection.getpeercert()["subject"])["commonName"]

    def run_client(self, *arguments, **options):
        return run_cli(*arguments, "--server", self.url, "--ca-file", self.ours, "--token", self.token, **options)

    def follow_events(self):
        """A WebSocket over TLS, as a function that returns the next message."""
        connection = self.connect()
        connection.sendall(f"GET /ws/events?offset=beginning HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           f"Authorization: Bearer {self.token}\r\nSec-WebSocket-Version: 13\r\n"
                           f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode())
        stream = connection.makefile("rb")
        self.addCleanup(stream.close)
        self.assertIn(b" 101 ", stream.readline())
        while stream.readline().strip():
            pass

        def receive():
            kind, size = stream.read(2)
            self.assertEqual(kind, 0x81)
            size = int.from_bytes(stream.read(2), "big") if size == 126 else size
            return stream.read(size).decode()
        return receive

    def test_all_that_it_does_goes_over_tls(self):
        receive = self.follow_events()
        self.assertIn("from-a-file", receive())  # of its own connector
        self.assertEqual(self.run_client("produce", "events", stdin=RECORD + "\n").returncode, 0)
        self.assertIn("ann", receive())
        self.assertEqual(self.run_client("consume", "events", "-B", "-d").stdout.count("\n"), 2)
        # What keeps a person signed in never leaves TLS; a page without it is one of another site.
        client = http.client.HTTPSConnection("localhost", self.gameflow.port, context=self.context, timeout=PATIENCE_SECONDS)
        self.addCleanup(client.close)
        kept = client.request("POST", "/sign-in", b"", {"Authorization": f"Bearer {self.token}"}) or client.getresponse()
        self.assertTrue(kept.read() == b"" and kept.headers["Set-Cookie"].endswith("; Secure"), kept.headers)
        client.request("POST", "/sign-in", b"", {"Authorization": f"Bearer {self.token}", "Origin": f"http://localhost:{self.gameflow.port}"})
        refused = client.getresponse()
        self.assertEqual(refused.status, 403, refused.read())
        # Who speaks http is told so; probes come over https, too.
        reply = self.gameflow.get("/livez")
        self.assertEqual(reply.status, 400)
        self.assertIn("this port speaks https", reply.json["error"]["message"])
        refused.read()
        client.request("GET", "/livez")
        self.assertEqual(client.getresponse().status, 200)

    def test_a_signal_has_another_certificate_read(self):
        receive = self.follow_events()
        self.assertIn("from-a-file", receive())
        self.assertEqual(self.shown_name(), "first")
        # Service managers tell all processes of a service: that is nothing to connectors.
        (connector,) = re.findall(r"started as process (\d+)", self.log())
        os.kill(int(connector), signal.SIGHUP)
        self.certificate("DNS:localhost", "second")
        self.use("second")
        self.gameflow.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.shown_name() == "second", "the other certificate")
        # One that cannot be used changes nothing, and neither ends a connection.
        shutil.copy(self.folder / "first.key", self.folder / "server.key")
        self.gameflow.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "the certificate as it was before goes on" in self.log(), "the mistake in the log")
        self.assertIn("is not that of the first certificate in", self.log())
        self.assertEqual(self.shown_name(), "second")
        self.assertEqual(self.run_client("produce", "events", stdin=RECORD + "\n").returncode, 0)
        self.assertIn("ann", receive())
        self.assertEqual(self.log().count("started as process"), 1)
        self.assertEqual(self.gameflow.stop(), 0)

    def test_files_that_cannot_be_used_are_told_at_the_start(self):
        for arguments, message in ((self.files(key="ours.key"), "is not that of the first certificate in"),
                                   (self.files(certificate="none.pem"), "none.pem, cannot be read: No such file"),
                                   (self.files(certificate="server.key"), "holds no certificate in PEM"),
                                   (("--tls-cert", "", "--tls-key", ""), "--tls-cert: it names no file"),
                                   (self.files()[:2], "--tls-cert requires --tls-key")):
            done = self.refused_run(COUNTING, *arguments, "--data", self.folder / "other")
            self.assertIn(message, done.stderr)


if __name__ == "__main__":
    unittest.main()
