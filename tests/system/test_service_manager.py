"""What systemd is told (Type=notify), with a socket that stands in for it."""

import os
import shutil
import socket
import unittest

from harness import COUNTING, SystemTest, wait_until


class Manager:
    """The other end of $NOTIFY_SOCKET."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(path)
        self.socket.setblocking(False)
        self.told = []

    def messages(self):
        while True:
            try:
                self.told.append(dict(line.split("=", 1) for line in self.socket.recv(4096).decode().splitlines()))
            except BlockingIOError:
                return self.told

    def heard(self, name):
        return [message for message in self.messages() if name in message]


class ServiceManagerTest(SystemTest):
    def managed(self, socket_name, arguments=(), **variables):
        manager = Manager("\0" + socket_name[1:] if socket_name.startswith("@") else socket_name)
        self.addCleanup(manager.socket.close)
        dataflow = self.folder / "dataflow.yaml"
        shutil.copy(COUNTING, dataflow)
        server = self.server(dataflow, arguments, start=False)
        server.prefix = ["env", f"NOTIFY_SOCKET={socket_name}", *(f"{name}={value}" for name, value in variables.items())]
        return manager, server

    def test_it_is_ready_once_it_answers_and_says_when_it_stops(self):
        for name in (str(self.folder / "notify"), f"@gameflow-test-{os.getpid()}"):
            with self.subTest(name):
                manager, server = self.managed(name)
                server.launch()
                ready = wait_until(lambda: manager.heard("READY"), "ready")
                self.assertEqual(server.get("/readyz").status, 200)
                self.assertEqual(ready, [{"READY": "1", "STATUS": f"listening on {server.url}"}])
                self.assertEqual(server.process.stdout.readline().decode(), f"listening on {server.url}\n")
                self.assertEqual(server.stop(), 0)
                self.assertEqual([set(message) for message in manager.messages()],
                                 [{"READY", "STATUS"}, {"STOPPING", "STATUS"}])

    def test_a_change_of_the_dataflow_is_a_reload(self):
        manager, server = self.managed(str(self.folder / "notify"), ["--watch"])
        server.start()
        text = server.dataflow.read_text()
        server.dataflow.write_text(text + "# another line\n")
        wait_until(lambda: len(manager.heard("READY")) == 2, "ready again")
        self.assertEqual([next(iter(message)) for message in manager.messages()], ["READY", "RELOADING", "READY"])
        self.assertGreater(int(manager.heard("RELOADING")[0]["MONOTONIC_USEC"]), 0)
        server.dataflow.write_text("nonsense: [\n")
        wait_until(lambda: len(manager.heard("READY")) == 3, "ready as before, though the file is broken")
        self.assertTrue(server.is_alive())

    def test_the_watchdog_hears_from_it(self):
        manager, server = self.managed(str(self.folder / "notify"), WATCHDOG_USEC=200_000)
        server.start()
        wait_until(lambda: len(manager.heard("WATCHDOG")) >= 3, "three signs of life")


class UnmanagedTest(SystemTest):
    def test_a_manager_that_is_gone_changes_nothing(self):
        for name in (str(self.folder / "nobody"), "x" * 200, ""):
            with self.subTest(name):
                server = self.server(COUNTING, start=False)
                server.prefix = ["env", f"NOTIFY_SOCKET={name}", "WATCHDOG_USEC=soon"]
                server.start()
                self.assertEqual(server.stop(), 0)


if __name__ == "__main__":
    unittest.main()
