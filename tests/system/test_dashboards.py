"""Dashboards: read by HTTP, their queries followed, changed under --watch, and checked against the dataflow."""

import json
import unittest
from pathlib import Path

from harness import COUNTING, FLAGSHIP, SystemTest, run_cli, wait_until
from test_live_queries import LiveClient

BOARD = """title: Users
order: 2
time: { range: today, zone: Europe/Berlin }
variables:
  user: { query: select _key from per_user order by 1 }
rows:
  - panels:
      - title: Points
        type: top-list
        query: select _key, points from per_user where :user is null or _key = :user order by points desc
        link: { dashboard: user-page, variables: { user: _key } }
      - type: figure
        width: 4
        query: select count(*) as events from events where _time >= :from
"""
OTHER = """title: A user
variables: { user: }
rows: [{ panels: [{ type: figure, query: "select points from per_user where _key = :user" }] }]
"""


def event(user, points):
    return json.dumps({"user": user, "at": "2024-11-12T10:00:00Z", "points": points})


class Dashboards(SystemTest):
    def setUp(self):
        super().setUp()
        self.path = self.folder / "dataflow.yaml"
        # One long window, so that all rows stay in sight.
        self.path.write_text(COUNTING.read_text().replace("duration: 10s", "duration: 7d"))
        (self.folder / "dashboards").mkdir()
        self.write("users", BOARD)
        self.write("user-page", OTHER)

    def write(self, name, text):
        """As an editor does: another file in its place."""
        new = self.folder / "dashboards" / ".new.yaml"
        new.write_text(text)
        new.rename(self.folder / "dashboards" / f"{name}.yaml")

    def validate(self):
        return run_cli("validate", self.path)

    def names(self, server):
        return [each["name"] for each in server.get("/dashboards").json["dashboards"]]

    def test_they_are_read_by_http(self):
        server = self.server(self.path)
        self.assertEqual(server.get("/dashboards").json, {"dashboards": [
            {"name": "users", "title": "Users", "order": 2}, {"name": "user-page", "title": "A user"}]})
        board = server.get("/dashboards/users").json
        self.assertEqual(len(board.pop("version")), 16)
        points, events = board["rows"][0]["panels"]
        self.assertEqual(board["time"], {"range": "today", "zone": "Europe/Berlin"})
        self.assertEqual(board["every"], 1000)
        self.assertEqual([each["name"] for each in board["variables"]], ["user"])
        self.assertEqual(board["rows"][0]["height"], 7)
        # What is left out is filled in: widths, defaults.
        self.assertEqual({key: points[key] for key in ("width", "limit", "parameters", "link")},
                         {"width": 8, "limit": 10, "parameters": ["user"],
                          "link": {"dashboard": "user-page", "variables": {"user": "_key"}}})
        self.assertEqual((events["width"], events["parameters"]), (4, ["from"]))
        missing = server.get("/dashboards/usres")
        self.assertEqual((missing.status, missing.json["error"]["message"]),
                         (404, "there is no dashboard 'usres'; did you mean 'users'?"))

    def test_a_panel_is_followed(self):
        server = self.server(self.path)
        self.assertEqual(server.produce("events", [event("ann", 2)]).status, 200)
        panel = server.get("/dashboards/users").json["rows"][0]["panels"][0]
        client = LiveClient(server.port)
        client.subscribe(panel["query"], ["_key"], params={"user": None})
        client.take_until([["ann", 2]])
        server.produce("events", [event("bob", 5)])
        client.take_until([["bob", 5], ["ann", 2]])

    def test_changes_are_taken_over(self):
        server = self.server(self.path, ["--watch"])
        version = server.get("/dashboards/users").json["version"]
        self.write("users", BOARD.replace("title: Users", "title: All users"))
        wait_until(lambda: server.get("/dashboards/users").json["title"] == "All users", "another title")
        self.assertNotEqual(server.get("/dashboards/users").json["version"], version)
        # One that is added, and one that goes.
        self.write("third", OTHER.replace("A user", "Third"))
        wait_until(lambda: "third" in self.names(server), "a third one")
        (self.folder / "dashboards" / "third.yaml").unlink()
        wait_until(lambda: "third" not in self.names(server), "two again")
        # With mistakes: they are told, and the old ones stay.
        self.write("users", BOARD.replace("points from per_user", "pionts from per_user"))
        wait_until(lambda: "the dashboards as they were before this change stay" in server.log_path.read_text(), "a refusal")
        self.assertIn("no such column: pionts", server.log_path.read_text())
        self.assertEqual(server.get("/dashboards/users").json["title"], "All users")
        self.write("users", BOARD)
        wait_until(lambda: server.get("/dashboards/users").json["title"] == "Users", "the first title")

    def test_another_dataflow_checks_them_again(self):
        server = self.server(self.path, ["--watch"])
        self.path.write_text(self.path.read_text() + "dashboards: [dashboards/user-page.yaml]\n")
        wait_until(lambda: self.names(server) == ["user-page"], "only the one that is named")

    def test_mistakes_are_told_where_they_are(self):
        self.assertEqual(self.validate().returncode, 0)
        cases = [
            ("points from per_user", "points from per_usr",
             "10:41: error: no such table: per_usr; the tables are: per_user, _metrics, _progress, counts, dead-letters, dead_letters, events"),
            ("where :user is null", "where :usr is null", "10:56: error: there is no variable 'usr'"),
            ("user: _key } }", "user: key } }", "11:58: error: the query has no column 'key'"),
            ("select count(*) as events", "select cuont(*) as events", "no such function: cuont"),
            ("select _key, points from", "select _key from",
             "10:16: error: a top-list needs a column for 'value', and the query has no more"),
            ("dashboard: user-page", "dashboard: userpage", "11:28: error: there is no dashboard 'userpage'"),
            ("{ user: _key }", "{ usr: _key }", "11:52: error: dashboard 'user-page' has no variable 'usr'"),
        ]
        for before, after, expected in cases:
            with self.subTest(after):
                self.assertIn(before, BOARD)
                self.write("users", BOARD.replace(before, after))
                found = self.validate()
                self.assertEqual(found.returncode, 1, found.stderr)
                self.assertIn(expected, found.stderr)
                self.assertIn("1 dashboard has 1 mistake", found.stderr)
        found = run_cli("run", self.path, "--data", self.folder / "data", "--listen", "127.0.0.1:0")
        self.assertEqual(found.returncode, 1)
        self.assertIn("has no variable 'usr'", found.stderr)

    def test_files_that_are_no_dashboards(self):
        self.write("My Page", OTHER)
        self.assertIn("'My Page' cannot be the name of a dashboard", self.validate().stderr)
        (self.folder / "dashboards" / "My Page.yaml").unlink()
        dataflow = self.path.read_text()
        self.path.write_text(dataflow + "dashboards: [dashboards/users.yaml, dashboards/missing.yaml]\n")
        self.assertIn("missing.yaml", self.validate().stderr)
        (self.folder / "users.yaml").write_text(OTHER)
        self.path.write_text(dataflow + "dashboards: [users.yaml, dashboards/users.yaml, dashboards/user-page.yaml]\n")
        self.assertIn("two dashboards are called 'users'", self.validate().stderr)
        self.path.write_text(dataflow + "dashboards: dashboards/users.yaml\n")
        self.assertIn("'dashboards' has to be a list of files", self.validate().stderr)

    def test_an_address_leads_to_one_dashboard(self):
        self.write("users", "address: /stat/users.html\n" + BOARD)
        self.write("user-page", "address: /stat/users.html\n" + OTHER)
        self.assertRegex(self.validate().stderr, r"two dashboards have the address '/stat/users.html': \S+user-page.yaml and \S+users.yaml")
        found = json.loads(run_cli("validate", self.path, "--operators", "--json").stdout)
        self.assertEqual([(Path(mistake["file"]).name, mistake["hint"]) for mistake in found["mistakes"]], [("users.yaml", "remove one of them")])
        self.assertIs(found["operators_checked"], False)
        self.write("user-page", OTHER)
        self.assertEqual(self.validate().stderr, "")

    def test_those_of_the_flagship_are_right(self):
        found = run_cli("validate", FLAGSHIP)
        self.assertEqual(found.returncode, 0, found.stderr)
        self.assertEqual(found.stderr, "")


if __name__ == "__main__":
    unittest.main()
