"""The images, and what compose.yaml starts, with a Docker engine, if there is one that answers.

They hold the program that was built (PACKAGE=prebuilt). The engine must have the images that the Dockerfile begins with, or get them.
Prometheus and Grafana are started too where GAMEFLOW_TEST_MONITORING says so: their images are large.
"""

import json
import os
import pathlib
import shutil
import subprocess
import unittest
import urllib.error
import urllib.request

from harness import PROGRAM, ROOT, SystemTest, free_port, wait_until

LONG_SECONDS = 600


def docker(*arguments, check=True, **variables):
    done = subprocess.run(["docker", *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, errors="replace", timeout=LONG_SECONDS,
                          env={**os.environ, "DOCKER_BUILDKIT": "1", **{name: str(value) for name, value in variables.items()}})
    if check and done.returncode != 0:
        raise AssertionError(f"docker {arguments}:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
    return done


def has_engine():
    return bool(shutil.which("docker")) and docker("info", check=False).returncode == 0


@unittest.skipUnless(shutil.which("dh") and has_engine(), "needs debhelper, and a Docker engine that answers")
class ImageTest(SystemTest):
    # Of this test alone, whatever else the engine runs.
    NAME = f"gameflow-test-{os.getpid()}"

    @classmethod
    def setUpClass(cls):
        if pathlib.Path(PROGRAM).parent != ROOT / "build":
            raise unittest.SkipTest("tools/deb.sh packs build/")
        package = subprocess.run([ROOT / "tools" / "deb.sh"], check=True, capture_output=True, text=True).stdout.strip()
        shutil.copy(package, ROOT / "build/deb/gameflow.deb")
        for target in ("run", "slim"):
            docker("build", "--build-arg", "PACKAGE=prebuilt", "--target", target, "-t", f"gameflow:{target}", ".")

    def compose(self, *arguments, check=True):
        return docker("compose", "--project-name", self.NAME, *arguments, check=check, PORT=self.port, PROMETHEUS_PORT=self.prometheus_port,
                      GRAFANA_PORT=self.grafana_port, TARGET=self.target)

    def up(self, target):
        self.target = target
        self.port, self.prometheus_port, self.grafana_port = free_port(), free_port(), free_port()
        self.addCleanup(self.compose, "down", "--volumes", check=False)
        services = json.loads(self.compose("config", "--format", "json").stdout)["services"].keys()
        if "GAMEFLOW_TEST_MONITORING" not in os.environ:
            services -= {"prometheus", "grafana"}
        self.compose("up", "--detach", "--no-build", "--wait", *services)

    def get(self, path, port=None):
        request = urllib.request.Request(f"http://127.0.0.1:{port or self.port}{path}", headers={"Authorization": f"Bearer {self.token}"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return json.load(reply)

    def sign_in(self):
        """As docs/deploy says: a token of one's own, without which there is nothing to see."""
        with self.assertRaises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/topics", timeout=60)
        self.assertEqual(refused.exception.code, 401)
        refused.exception.close()
        self.token = self.compose("exec", "-T", "gameflow", "gameflow", "token", "create", "ann", "--role", "admin").stdout.strip()
        self.assertRegex(self.token, "^gf_[0-9a-f]{64}$")
        wait_until(lambda: self.status("/topics") == 200, "the new token is known")

    def status(self, path):
        try:
            self.get(path)
            return 200
        except urllib.error.HTTPError as refused:
            refused.close()
            return refused.code

    def records(self, topic):
        return self.get(f"/topics/{topic}")["records"]

    def check(self, target, has_compiler):
        self.up(target)
        self.sign_in()
        wait_until(lambda: self.records("player-session-summaries") >= 1, "the first window of players")
        for topic in ("player-events", "purchase-events", "server-metrics"):
            wait_until(lambda: self.records(topic) > 0, topic)
        inside = lambda *command: self.compose("exec", "-T", "gameflow", *command, check=False)
        self.assertEqual(inside("id", "-u").stdout, "10001\n")
        self.assertIn("Read-only file system", inside("touch", "/usr/x").stderr)
        self.assertIn("CapEff:\t0000000000000000", inside("cat", "/proc/1/status").stdout)
        self.assertEqual(inside("sh", "-c", "command -v c++").returncode == 0, has_compiler)
        # Nobody sees another's token.
        for service, folder in (("connector", "/run/secrets"), ("gameflow", "/secrets/*")):
            seen = self.compose("exec", "-T", service, "sh", "-c", f"cat {folder}/gameflow-token", check=False).stdout
            self.assertEqual(seen.count("gf_"), service == "connector", service)
        self.assertNotIn("gf_", self.compose("logs").stdout)
        if "GAMEFLOW_TEST_MONITORING" in os.environ:
            up = lambda: [sample["value"][1] for sample in self.get("/api/v1/query?query=up", self.prometheus_port)["data"]["result"]]
            wait_until(lambda: up() == ["1"], "Prometheus scrapes")
        # What was stored stays, over a stop and with another container, and so do the tokens.
        before = self.records("player-events")
        self.compose("stop", "gameflow")
        self.compose("up", "--detach", "--no-build", "--force-recreate", "--wait", "gameflow")
        self.assertGreaterEqual(self.records("player-events"), before)
        wait_until(lambda: self.records("player-events") > before, "the simulated game goes on")
        self.compose("up", "--detach", "--no-build", "tokens")
        wait_until(lambda: "connector has a token" in self.compose("logs", "tokens").stdout, "no other tokens are made")
        self.compose("down", "--volumes")
        self.assertNotIn(self.NAME, docker("volume", "ls").stdout)

    def test_the_image_with_a_compiler(self):
        self.check("run", has_compiler=True)

    def test_the_image_without(self):
        self.check("slim", has_compiler=False)


if __name__ == "__main__":
    unittest.main()
