"""A data folder of an earlier version opens, and its windows close with the right numbers.

tests/data/README.md says what is in the folder. The numbers here are counted by hand from make_store.py.
"""

import json
import tarfile
import unittest

from harness import ROOT, SystemTest, wait_until

DATA = ROOT / "tests" / "data"
JUERGEN = "jürgen \"jk\" \U0001f3ae"
BASE = 1731405600000  # 2024-11-12T10:00:00Z

# What was written before the folder was left: the first window of `players`.
FIRST_WINDOW = [("ann", 1, 3, 1.5, "north ", True), ("bob", 1, 5, 2.5, "", True), ("cid", 1, 0, 0, "", False),
                ("ida", 1, 4, 2, "east ", True)]
# Rows of the windows that are open: seconds since BASE, key, columns.
OPEN_PLAYERS = [
    (10, "ann", 3, 19, 5, "south north again ", 1), (10, "bob", 1, 1, 0.5, "", 1), (10, "cid", 1, 8, 4, "west ", 1),
    (10, "dee", 1, 0, 0, "", 0), (10, "gus", 1, 2, 1, "roof ", 1), (10, "ida", 1, 6, 3, "", 1),
    (20, "ann", 2, 6, 2.5, "", 1), (20, "bob", 1, 2, 1, "", 1), (20, JUERGEN, 1, 4, 2, "süd ", 1),
    (30, "bob", 1, 3, 1.5, "far ", 1), (30, "hal", 1, 9, 4.5, "", 1)]
OPEN_TEAMS = [(0, -3, 7, "ann"), (0, 7, 5, "bob"), (0, 9, 1, ""), (0, 12, 3, "gus"), (0, 100, 2, "ida"),
              (30, -32768, 1, "hal"), (30, 7, 1, "bob")]
OPEN_FOULS = [(0, -3, 1), (0, 100, 1)]
# What comes once ann has scored again at :23 and every partition has passed 10:01:30.
PLAYER_WINDOWS = [
    FIRST_WINDOW,
    [("ann", 3, 19, 5, "south north again ", True), ("bob", 1, 1, 0.5, "", True), ("cid", 1, 8, 4, "west ", True),
     ("dee", 1, 0, 0, "", False), ("gus", 1, 2, 1, "roof ", True), ("ida", 1, 6, 3, "", True)],
    [("ann", 3, 10, 2.5, "new ", True), ("bob", 1, 2, 1, "", True), (JUERGEN, 1, 4, 2, "süd ", True)],
    [("bob", 1, 3, 1.5, "far ", True), ("hal", 1, 9, 4.5, "", True)]]
TEAM_WINDOWS = [
    [(-3, 8, "ann", 1), (7, 5, "bob", None), (9, 1, "", None), (12, 3, "gus", None), (100, 2, "ida", 1)],
    [(-32768, 1, "hal", None), (7, 1, "bob", None)]]
DEAD_LETTERS = [("players", "assign-timestamp", 0, 3), ("players", "update-state", 1, 4), ("players", "assign-key", 2, 2),
                ("teams", "assign-timestamp", 0, 3)]


def goal(player, team, second, points, **more):
    minute, second = divmod(second, 60)
    return json.dumps({"player": player, "team": team, "at": f"2024-11-12T10:{minute:02}:{second:02}Z", "points": points,
                       **more})


class Upgrade(SystemTest):
    def test_a_store_of_version_0_1_0(self):
        with tarfile.open(DATA / "store-0.1.0.tar.xz") as archive:
            archive.extractall(self.folder)
        server = self.server(DATA / "store-0.1.0.yaml")

        # All is there: records, results, rows of open windows, dead letters, counters.
        self.assertEqual([p["end"] for p in server.topic("goals")["partitions"]], [10, 8, 3, 2])
        self.assertEqual(self.player_windows(server), [FIRST_WINDOW])
        self.assertEqual(self.team_windows(server), [])
        self.assertEqual([(r["key"], r["value"]["points"]) for r in server.records("late-goals")], [("ann", 50), ("bob", 50)])
        self.assertEqual([(v["service"], v["operator"], v["partition"], v["offset"]) for v in server.values("broken")],
                         DEAD_LETTERS)
        self.assertEqual(self.rows(server, "_key, goals, points, best, places, scored from per_player"), OPEN_PLAYERS)
        self.assertEqual(self.rows(server, "_key, goals, last from per_team"), OPEN_TEAMS)
        self.assertEqual(self.rows(server, "_key, count from fouls"), OPEN_FOULS)
        self.assert_counters(server, "players", records_in=23, records_out=1, records_late=2, records_dead=3, windows_open=3,
                             windows_closed=1)
        self.assert_counters(server, "teams", records_in=23, records_out=0, records_late=0, records_dead=1, windows_open=2,
                             windows_closed=0)

        # One more goal in an open window, then the end of all of them, in each partition.
        self.send(server, [goal("ann", -3, 23, 4, place="new")])
        self.send(server, [goal(player, 1, 90, 1) for player in ("ann", "bob", "ida", "cid")])
        wait_until(lambda: len(self.player_windows(server)) == 4 and len(self.team_windows(server)) == 2, "windows close")
        self.assertEqual(self.player_windows(server), PLAYER_WINDOWS)
        self.assertEqual(self.team_windows(server), TEAM_WINDOWS)

        # What was closed stays closed, and the counters go on from where they were, also over a restart.
        self.send(server, [goal("bob", 7, 20, 5)])
        wait_until(lambda: server.service("teams")["records_in"] == 29, "the late goal is read")
        for _ in range(2):
            self.assert_counters(server, "players", records_in=29, records_out=4, records_late=3, records_dead=3,
                                 windows_open=1, windows_closed=4)
            self.assert_counters(server, "teams", records_in=29, records_out=2, records_late=1, records_dead=1,
                                 windows_open=1, windows_closed=2)
            self.assertEqual(self.player_windows(server), PLAYER_WINDOWS)
            self.assertEqual(len(server.values("late-goals")), 3)
            self.assertEqual(server.stop(), 0)
            server.start()

    def send(self, server, lines):
        self.assertEqual(server.produce("goals", lines, key_field="player").json["accepted"], len(lines))

    @staticmethod
    def player_windows(server):
        return [[(r["player"], r["goals"], r["points"], r["best"], r["places"], r["scored"]) for r in window]
                for window in server.values("by-player")]

    @staticmethod
    def team_windows(server):
        """In order of time: windows of even number are in partition 0."""
        return [[(r["team"], r["goals"], r["last"], r.get("fouls")) for r in window] for window in server.values("by-team")]

    def rows(self, server, what):
        reply = server.request("POST", "/sql", f"select (_window_start - {BASE}) / 1000, {what} order by 1, 2")
        self.assertEqual(reply.status, 200, reply.text)
        return [tuple(row) for row in reply.json["rows"]]

    def assert_counters(self, server, name, **wanted):
        counters = server.service(name)["counters"]
        self.assertEqual({counter: counters[counter] for counter in wanted}, wanted, name)


if __name__ == "__main__":
    unittest.main()
