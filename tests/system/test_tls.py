"""Clients of a server behind TLS: whose certificate they believe, and that one they do not believe is final."""

import socket
import ssl
import subprocess
import threading
import unittest

from harness import COUNTING, SystemTest, run_cli, wait_until


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


class TlsTest(SystemTest):
    def setUp(self):
        super().setUp()
        self.gameflow = self.server(COUNTING)
        self.authority("ours")
        self.authority("other")
        self.proxy = self.terminator("IP:127.0.0.1")
        self.ours = self.folder / "ours.pem"

    def authority(self, name):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
                "-subj", f"/CN={name}", "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.pem")

    def terminator(self, names, days=2):
        certificate, key = self.folder / "server.pem", self.folder / "server.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", days,
                "-subj", "/CN=server", "-addext", f"subjectAltName={names}", "-addext", "basicConstraints=CA:FALSE",
                "-CA", self.folder / "ours.pem", "-CAkey", self.folder / "ours.key", "-keyout", key, "-out", certificate)
        terminator = Terminator(certificate, key, self.gameflow.port)
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


if __name__ == "__main__":
    unittest.main()
