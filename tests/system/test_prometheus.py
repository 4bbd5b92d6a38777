"""Figures of dashboards in /metrics: what validate says of them, what promtool and Debian's Prometheus make of them."""

import json
import re
import shutil
import subprocess
import time
import unittest
import urllib.parse

from harness import FLAGSHIP, SystemTest, free_port, iso, player_event, run_cli, wait_until

DEPLOY = FLAGSHIP.parents[2] / "deploy" / "prometheus"


class Metrics(SystemTest):
    def test_mistakes_are_told_with_their_place(self):
        shutil.copytree(FLAGSHIP.parent, self.folder / "game")
        dashboard = self.folder / "game" / "dashboards" / "more.yaml"
        rows = "rows: [{ panels: [{ type: text, text: t }] }]\n"

        def told(metrics):
            dashboard.write_text(f"title: More\nmetrics:\n{metrics}{rows}")
            done = run_cli("validate", self.folder / "game" / "dataflow.yaml")
            self.assertEqual(done.returncode, 1, done.stdout)
            return done.stderr

        self.assertIn("more.yaml:3:25: error: the query has no column 'value'", told("  a: { help: A., query: select count(*) as n from day }\n"))
        self.assertIn("nothing", told("  a: { help: A., query: select nothing as value from day }\n"))
        self.assertIn("column 'a b' cannot be a label", told("  a: { help: A., query: 'select 1 as value, 2 as \"a b\"' }\n"))
        self.assertIn("cannot use :from", told("  a: { help: A., query: select :from as value }\n"))
        self.assertIn("two metrics are called 'game_alerts'", told("  game_alerts: { help: A., query: select 1 as value }\n"))

    def play(self, arguments=(), token=None):
        """A flagship where server_1 is slow, and two players are there."""
        gameflow = self.server(arguments=arguments, start=False)
        gameflow.token = token
        gameflow.start()
        begin = int(time.time() * 1000) - 120_000
        gameflow.produce("server-metrics", [json.dumps({
            "event_name": "server_metric", "event_timestamp": iso(begin + i * 5_000), "server_data": {"region": region, "server_type": "dedicated"},
            "parameters": {"server_id": server, "cpu_load": 10, "memory_usage": 10, "latency": latency}})
            for i in range(24) for server, region, latency in (("server_1", "us-west", 200), ("server_2", "us-east", 20))])
        gameflow.produce("player-events", [player_event(user, begin + i * 10_000) for i in range(12) for user in ("ann", "bob")])
        text = lambda: gameflow.get("/metrics").text
        # Until they have been asked again, behind the windows: every 15 s.
        wait_until(lambda: 'told="firing"' in text() and "game_players_today" in text(), "the figures are there")
        return gameflow, text

    def test_figures_of_the_flagship(self):
        gameflow, text = self.play()
        shown = text()
        self.assertRegex(shown, r'\ngame_alerts\{target="server server_1",region="us-west",metric="latency_p95",state="firing",told="firing",acknowledged="no",silenced="no"\} 1\n')
        self.assertRegex(shown, r'\ngame_players_today\{kind="new"\} 2\n')
        self.assertIn("# TYPE game_alerts gauge\n", shown)
        self.assertNotRegex(shown, r"gameflow_dashboard_metric_up\{[^}]*\} 0")
        self.assertNotRegex(shown, r"gameflow_dashboard_metric_left_out\{[^}]*\} [1-9]")
        # A scrape asks for nothing.
        asked = lambda: float(re.search(r'gameflow_sql_queries_total\{outcome="succeeded"\} (\d+)', text())[1])
        before = asked()
        for _ in range(200):
            text()
        self.assertLess(asked() - before, 50)
        if shutil.which("promtool"):
            done = subprocess.run(["promtool", "check", "metrics"], input=shown, capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))
        self.assertEqual(gameflow.stop(), 0)

    @unittest.skipUnless(shutil.which("prometheus"), "prometheus is not installed: apt-get install prometheus")
    def test_prometheus_scrapes_them_and_its_alerts_fire(self):
        tokens, secret = self.folder / "tokens", self.folder / "secret"
        admin = run_cli("token", "create", "ann", "--role", "admin", "--auth", tokens).stdout.strip()
        secret.write_text(run_cli("token", "create", "prometheus", "--role", "read", "--auth", tokens).stdout)
        gameflow, _ = self.play(["--auth", tokens], admin)
        port = free_port()
        for name in ("alerts.yml", "game_alerts.yml"):
            shutil.copy(DEPLOY / name, self.folder)
        configuration = (DEPLOY / "prometheus.yml").read_text().replace("gameflow:3001", f"127.0.0.1:{gameflow.port}").replace("scrape_interval: 5s", "scrape_interval: 1s\n  evaluation_interval: 1s")
        self.assertIn("/run/secrets/gameflow-token", configuration)
        configuration = configuration.replace("/run/secrets/gameflow-token", str(secret))
        (self.folder / "prometheus.yml").write_text(configuration)
        with open(self.folder / "prometheus.log", "wb") as log:
            process = subprocess.Popen(["prometheus", f"--config.file={self.folder}/prometheus.yml", f"--storage.tsdb.path={self.folder}/tsdb",
                                        f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

        def ask(path):
            done = subprocess.run(["curl", "-sf", f"http://127.0.0.1:{port}/api/v1/{path}"], capture_output=True, text=True)
            return json.loads(done.stdout)["data"] if done.returncode == 0 else None

        def value_of(query):
            data = ask("query?query=" + urllib.parse.quote(query))
            return [float(sample["value"][1]) for sample in data["result"]] if data else None

        wait_until(lambda: value_of("up") == [1], "the first scrape")
        self.assertEqual(value_of('game_players_today{kind="new"}'), [2])
        self.assertEqual(value_of('game_alerts{told="firing"}'), [1])

        def alerts():
            return {(alert["labels"]["alertname"], alert["labels"].get("target")) for alert in (ask("alerts") or {"alerts": []})["alerts"] if alert["state"] == "firing"}

        wait_until(lambda: alerts() == {("GameServer", "server server_1")}, "the alert, and no other")
        # Acknowledged: nobody has to look any more.
        gameflow.request("POST", "/events", json.dumps({
            "event_name": "alert_action", "event_timestamp": iso(int(time.time() * 1000)),
            "parameters": {"action": "acknowledge", "target": "server server_1", "metric": "latency_p95", "by": "ann"}}))
        wait_until(lambda: not alerts(), "it is acknowledged")
        self.assertEqual(gameflow.stop(), 0)


if __name__ == "__main__":
    unittest.main()
