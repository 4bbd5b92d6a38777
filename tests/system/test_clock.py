"""Time: no clock and no pause may change the numbers.

Devices have right clocks and send what they have, in order, each into a partition of its own. Most tests run two servers on
the same beats; one of them is disturbed: it stands still, its disk does, or its clock steps. Both must count the same, and
what the test counts itself.
"""

import calendar
import collections
import contextlib
import json
import pathlib
import re
import signal
import subprocess
import threading
import time
import unittest

from disturb import BadDisk, FakeClock
from harness import SystemTest, cache_folder, run_cli, wait_until

CLOCKS = pathlib.Path(__file__).resolve().with_name("clock.yaml")
HOUR = 3600
PERIOD_MS = 200  # of a device: between two beats the engine looks and finds nothing
# How long a window may take to close, once it should: idleness, grace and a busy machine.
CLOSING_SECONDS = 20

KEYS = ("ann", "bob")  # of partitions 0 and 1 of two


def now_ms():
    return int(time.time() * 1000)


def beat(device, at_ms):
    return json.dumps({"device": device, "at": at_ms})


class Device(threading.Thread):
    """Beats from `start_ms` on and sends what is due, waiting for the server as long as it takes, until finish()."""

    def __init__(self, server, key, start_ms):
        super().__init__(daemon=True)
        self.server, self.key, self.start_ms = server, key, start_ms
        self.end_ms = None
        self.sent = 0
        self.failure = None

    def beats(self):
        return (self.end_ms - self.start_ms) // PERIOD_MS

    def run(self):
        try:
            while self.end_ms is None or self.sent < self.beats():
                due = (now_ms() - self.start_ms) // PERIOD_MS
                if self.end_ms is not None:
                    due = min(due, self.beats())
                if due > self.sent:
                    lines = [beat(self.key, self.start_ms + number * PERIOD_MS) for number in range(self.sent, due)]
                    reply = self.server.produce("beats", lines, key=self.key)
                    assert reply.status == 200 and reply.json["accepted"] == len(lines), reply.text
                    self.sent = due
                time.sleep(PERIOD_MS / 1000)
        except Exception as failure:  # pylint: disable=broad-except
            self.failure = failure


class ClockTest(SystemTest):
    def setUp(self):
        super().setUp()
        built = run_cli("build", CLOCKS, "--cache", cache_folder())
        self.assertEqual(built.returncode, 0, built.stderr)

    def fake_clock(self):
        clock = FakeClock(self.folder)
        self.addCleanup(clock.clean_up)  # after the servers, which are made later, have ended
        return clock

    def make_server(self, name, disturbance=None, arguments=()):
        folder = self.folder / name
        folder.mkdir()
        server = self.server(CLOCKS, arguments, start=False, folder=folder)
        if disturbance is not None:
            disturbance.use_in(server)
        return server.start()

    def counts(self, server):
        """{start of the window in ms: {device: beats}}"""
        seconds = {}
        for second in server.values("seconds"):
            self.assertNotIn(second["start"], seconds, "a window has one result")
            seconds[second["start"]] = {device["device"]: device["beats"] for device in second["devices"]}
        return seconds

    def state(self, server):
        counters = server.service("counting")["counters"]
        return {name: counters[name] for name in ("records_in", "records_late", "records_dead", "windows_open")}

    def assert_same(self, servers, devices):
        """The devices have ended; what came out of each server is what they sent."""
        wanted = collections.defaultdict(collections.Counter)
        for device in devices[servers[0]]:
            for number in range(device.beats()):
                at = device.start_ms + number * PERIOD_MS
                wanted[at // 1000 * 1000][device.key] += 1
        total = sum(sum(second.values()) for second in wanted.values())
        states = {}
        for server in servers:
            wait_until(lambda of=server: self.state(of)["records_in"] == total, "all beats are read", CLOSING_SECONDS)
            with contextlib.suppress(AssertionError):  # the comparison below says more
                wait_until(lambda of=server: self.state(of)["windows_open"] == 0, "all windows close", CLOSING_SECONDS)
            states[server.folder.name] = self.state(server)
        fine = {"records_in": total, "records_late": 0, "records_dead": 0, "windows_open": 0}
        self.assertEqual(states, {server.folder.name: fine for server in servers})
        for server in servers:
            self.assertEqual(self.counts(server), dict(wanted), server.folder.name)
            self.assertEqual(server.values("dead-letters"), [])

    def start_devices(self, servers):
        start = now_ms()
        devices = {server: [Device(server, key, start) for key in KEYS] for server in servers}
        for device in sum(devices.values(), []):
            device.start()
        return devices

    def finish(self, devices):
        end = now_ms()
        for device in sum(devices.values(), []):
            device.end_ms = device.end_ms or end
        for device in sum(devices.values(), []):
            device.join(60)
            self.assertFalse(device.is_alive())
            self.assertIsNone(device.failure)

    def run_twins(self, disturbance, disturb, before=1.5, after=1.5):
        """Two servers on the same beats, one of them disturbed; `disturb` gets that one."""
        quiet, disturbed = self.make_server("quiet"), self.make_server("disturbed", disturbance)
        devices = self.start_devices([quiet, disturbed])
        time.sleep(before)
        disturb(disturbed)
        time.sleep(after)
        self.finish(devices)
        self.assert_same([quiet, disturbed], devices)


class Pauses(ClockTest):
    """Longer than a partition may be silent."""

    def test_the_process_stands_still(self):
        def stand_still(server):
            server.process.send_signal(signal.SIGSTOP)
            time.sleep(5)
            server.process.send_signal(signal.SIGCONT)

        self.run_twins(None, stand_still)

    def test_the_disk_stands_still(self):
        disk = BadDisk(self.folder)

        def stall(_server):
            disk.stall(5)
            time.sleep(1)
            disk.stall(0)
            time.sleep(5)

        self.run_twins(disk, stall)


class Devices(ClockTest):
    def test_fast_devices_make_nobody_late(self):
        """Ten events stamped 290 s ahead, within what is allowed, then a thousand honest ones."""
        server = self.make_server("server")
        for key in KEYS:
            server.produce("beats", [beat("fast", now_ms() + 290_000)] * 5, key=key)
        wait_until(lambda: self.state(server)["records_in"] == 10, "the fast ones are read")
        sent = collections.Counter()
        for _ in range(50):
            for key in KEYS:
                at = now_ms()
                sent[at // 1000 * 1000] += 10
                self.assertEqual(server.produce("beats", [beat("honest", at)] * 10, key=key).json["accepted"], 10)
            time.sleep(0.02)
        wait_until(lambda: self.state(server)["records_in"] == 1010, "all are read")
        self.assertEqual(self.state(server)["records_late"], 0)

        def honest():
            return {start: second["honest"] for start, second in self.counts(server).items() if "honest" in second}

        wait_until(lambda: sum(honest().values()) == 1000, "the honest windows close", CLOSING_SECONDS)
        self.assertEqual(honest(), dict(sent))
        self.assertEqual(self.state(server)["records_late"], 0)

    def test_most_of_a_minute_is_late(self):
        """It is told once, with the likely reason: the partition that leads the watermark."""
        server = self.make_server("server")

        def send(devices_at, key):
            lines = [beat("d", at) for at in devices_at]
            self.assertEqual(server.produce("beats", lines, key=key).json["accepted"], len(lines))

        send([now_ms()], KEYS[0])
        wait_until(lambda: server.service("counting")["watermark"], "the silent partition is idle", CLOSING_SECONDS)

        def send_hundred(on_time):
            send([now_ms()] * on_time, KEYS[0])
            send([now_ms() - 600_000] * 89, KEYS[1])  # after a night without a network

        send_hundred(10)
        wait_until(lambda: self.state(server)["records_in"] == 100, "a hundred are read")
        self.assertEqual(self.state(server)["records_late"], 89)
        late = server.service("counting").get("late_last_minute")
        self.assertEqual((late["records"], late["late"]), (100, 89))
        self.assertIn("partition 0", late["reason"])
        metric = re.search(r'^gameflow_service_late_ratio\{service="counting"\} (\S+)$', server.get("/metrics").text, re.M)
        self.assertIsNotNone(metric, "the metric")
        self.assertAlmostEqual(float(metric[1]), 0.89)

        def told():
            return [line for line in server.log_path.read_text().splitlines() if "of the last minute was late" in line]

        def told_while_sending():
            send_hundred(11)
            time.sleep(0.5)
            return told()

        line = wait_until(told_while_sending, "the log says so", 75)[0]
        self.assertRegex(line, r"\b(8[4-9]|9[0-4]) % of the last minute was late")
        self.assertIn("counting", line)
        self.assertRegex(line, r"partition 0\b")
        self.assertRegex(line.lower(), r"warn")
        for _ in range(6):
            self.assertEqual(len(told_while_sending()), 1, "one line, not one an epoch")


class Steps(ClockTest):
    """The server's clock steps; the devices' clocks are right."""

    def test_an_hour_ahead_and_back(self):
        clock = self.fake_clock()

        def step(_server):
            clock.step(HOUR)
            time.sleep(2)
            clock.step(0)

        self.run_twins(clock, step, after=3)

    def test_an_hour_back_while_a_partition_is_silent(self):
        clock = self.fake_clock()
        quiet, disturbed = self.make_server("quiet"), self.make_server("disturbed", clock)
        devices = self.start_devices([quiet, disturbed])
        time.sleep(1.5)
        silent_from = now_ms()
        for server in devices:
            devices[server][1].end_ms = silent_from
        clock.step(-HOUR)
        # Windows that begin after the last beat of the silent partition: they close once it is idle.
        wait_until(lambda: sum(start > silent_from for start in self.counts(quiet)) >= 3, "as usual", CLOSING_SECONDS)
        then = time.monotonic()
        wait_until(lambda: sum(start > silent_from for start in self.counts(disturbed)) >= 3, "as without the step", 10)
        print(f"windows closed {time.monotonic() - then:.1f} s after those of the server without the step")
        self.finish(devices)
        self.assert_same([quiet, disturbed], devices)


class Ahead(ClockTest):
    """A watermark from a time when the clock was wrong: told at the start, with the way out, which loses no state."""

    def test_reset_watermark(self):
        clock = self.fake_clock()
        clock.step(HOUR)
        server = self.make_server("server", clock)
        at = now_ms() + HOUR * 1000
        for key in KEYS:
            server.produce("beats", [beat("old", at), beat("old", at + 5_000)], key=key)
        wait_until(lambda: (server.service("counting")["watermark"] or 0) >= at, "the watermark is an hour ahead")
        wait_until(lambda: self.state(server)["records_in"] == 4, "all are read")
        self.assertEqual(server.stop(), 0)
        clock.step(0)

        # Twice: a refusal changes nothing.
        for _ in range(2):
            refused = self.run_refused(server)
            self.assertIn("counting", refused.stderr)
            self.assertIn("gameflow service reset-watermark counting", refused.stderr)
            times = [calendar.timegm(time.strptime(text, "%Y-%m-%dT%H:%M:%S"))
                     for text in re.findall(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.\d+)?Z", self.message(refused))]
            self.assertGreaterEqual(len(times), 2, "the watermark and the clock")
            self.assertTrue(HOUR - 60 < max(times) - min(times) < HOUR + 60, times)

        # The command: offline, on the folder; it knows its services.
        unknown = run_cli("service", "reset-watermark", "countin", "--data", server.folder / "data")
        self.assertEqual(unknown.returncode, 1)
        self.assertIn("counting", unknown.stderr)
        reset = run_cli("service", "reset-watermark", "counting", "--data", server.folder / "data")
        self.assertEqual(reset.returncode, 0, reset.stderr)

        server.prefix = []
        server.start()
        rows = server.request("POST", "/sql", "select sum(beats) from per_device").json["rows"]
        results = self.counts(server)
        closed = sum(sum(second.values()) for second in results.values())
        self.assertEqual((rows[0][0] or 0) + closed, 4, "no row is lost")
        locked = run_cli("service", "reset-watermark", "counting", "--data", server.folder / "data")
        self.assertEqual(locked.returncode, 1, "not while a server has the folder open")

        # Events of now are counted and their windows close.
        devices = self.start_devices([server])
        time.sleep(1.5)
        self.finish(devices)
        total = sum(device.beats() for device in devices[server])

        def fresh():
            return sum(beats for start, second in self.counts(server).items() for device, beats in second.items()
                       if device in KEYS)

        wait_until(lambda: fresh() == total, "all beats are in results", CLOSING_SECONDS)
        self.assertEqual(self.state(server)["records_late"], 0)
        self.assertEqual(server.stop(), 0)
        server.start()
        self.assertEqual(server.stop(), 0)

    def run_refused(self, server):
        """`gameflow run` on the server's folder, which must end by itself, with 1."""
        try:
            refused = run_cli("run", CLOCKS, "--data", server.folder / "data", "--listen", "127.0.0.1:0",
                              "--cache", cache_folder(), timeout=30)
        except subprocess.TimeoutExpired:
            self.fail("it runs, though the watermark is an hour ahead of the clock")
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertNotIn("listening", refused.stdout)
        return refused

    @staticmethod
    def message(refused):
        """The lines of the error, without those of the log, which begin with the time of now."""
        return "\n".join(line for line in refused.stderr.splitlines() if line.startswith("gameflow: error")) or refused.stderr


class RetentionByAge(ClockTest):
    def test_a_clock_that_is_a_year_ahead(self):
        """Nothing is deleted that would not be an hour later, neither of a silent topic nor of one that goes on."""
        clock = self.fake_clock()
        server = self.make_server("server", clock)
        for config in ({"name": "silent", "retention_age": "7d"}, {"name": "busy", "retention_age": "7d"},
                       {"name": "small", "retention_bytes": 1}):
            self.assertEqual(server.request("POST", "/topics", json.dumps(config)).status, 201)

        def send(topic, number):
            self.assertEqual(server.produce(topic, [json.dumps({"n": number})]).status, 200)

        for number in range(10):
            for topic in ("silent", "busy", "small"):
                send(topic, number)
        clock.step(365 * 24 * HOUR)
        numbers = iter(range(10, 10_000))

        def looked():  # it looks once a minute; that the small topic is cut says that it did
            send("busy", next(numbers))
            time.sleep(0.2)
            return server.topic("small")["partitions"][0]["begin"] > 0

        wait_until(looked, "retention has run", 90)
        clock.step(0)
        sent = next(numbers)
        self.assertEqual([v["n"] for v in server.values("silent")], list(range(10)))
        self.assertEqual([v["n"] for v in server.values("busy")], list(range(sent)))
        server.kill()
        server.start()
        self.assertEqual(server.topic("silent")["records"], 10)
        self.assertEqual(server.topic("busy")["records"], sent)


if __name__ == "__main__":
    unittest.main()
