"""`sql-sink` against a real PostgreSQL: the flagship's purchase summaries, row for row, over kill -9 of the connector and of the database."""

import os
import random
import threading
import time
import unittest

from connectors import Connector, Postgres, example
from harness import COUNTING, SystemTest, purchase_event, wait_until

ROUNDS = int(os.environ.get("GAMEFLOW_KILL_ROUNDS", "10"))
SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))
BASE = (int(time.time()) - 86_400) // 60 * 60 * 1000


@unittest.skipUnless(Postgres.is_installed(), "PostgreSQL is not installed: tools/setup.sh test")
class Sql(SystemTest):
    def file(self, database, *more):
        return example("sql-sink", ("postgresql://game:${env:PGPASSWORD}@127.0.0.1:5432/analytics", database.url), *more)

    def test_purchase_summaries_row_for_row_over_kills(self):
        rng = random.Random(SEED)
        database = Postgres(self)
        server = self.server(self.patient_flagship())
        connector = Connector(self, server, self.file(database))
        finish, failures = threading.Event(), []

        def sell():
            at = BASE
            try:
                while not finish.is_set():
                    lines = []
                    for _ in range(100):
                        at += 200
                        lines.append(purchase_event(f"t{at}", f"item_{random.randrange(20)}", random.randrange(1, 10_000), at))
                    reply = server.produce("purchase-events", lines, key_field="parameters.transaction_id")
                    assert reply.status == 200, reply.text
                    finish.wait(0.03)
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)

        seller = threading.Thread(target=sell)
        seller.start()
        self.addCleanup(seller.join)
        self.addCleanup(finish.set)

        def count():
            rows = database.query("SELECT count(*) FROM purchase_summaries")
            return int(rows[0][0]) if rows else 0

        for number in range(ROUNDS):
            before = count()
            wait_until(lambda: count() > before or failures, f"rows in round {number}")
            time.sleep(rng.random() * 0.3)  # at any moment
            if number % 2 == 0:
                connector.kill()
                connector.start()
            else:
                database.kill()
                database.start()
        finish.set()
        seller.join()
        self.assertEqual(failures, [])

        def summaries():
            return [[record["partition"], record["offset"], item, entry["item_id"], entry["total_amount"]]
                    for record in server.records("purchase-summaries") for item, entry in enumerate(record["value"])]

        def stored():
            rows = database.query("SELECT partition, \"offset\", item, item_id, total_amount FROM purchase_summaries ORDER BY 1, 2, 3")
            return [[int(row[0]), int(row[1]), int(row[2]), row[3], float(row[4])] for row in rows or []]

        wait_until(lambda: len(stored()) == len(summaries()), "all rows are there")
        self.assertEqual(stored(), sorted(summaries()))
        self.assertGreater(len(stored()), ROUNDS * 20)
        self.assertEqual(connector.stop(), 0)

    def test_what_the_database_refuses_goes_to_the_dead_letters(self):
        database = Postgres(self)
        database.query("CREATE TABLE counts (n smallint)")
        server = self.server(COUNTING)
        reply = server.request("POST", "/topics", '{"name":"numbers"}', {"Content-Type": "application/json"})
        self.assertEqual(reply.status, 201, reply.text)
        server.produce("numbers", ['{"n":1}', '{"n":"many"}', '{"n":70000}', '{"n":4}'])
        connector = Connector(self, server, f"""
apiVersion: 0.1.0
meta: {{ name: numbers, version: 0.1.0, type: sql-sink, topic: numbers }}
sql: {{ url: "{database.url}", table: counts, columns: {{ n: n }} }}
""")
        wait_until(lambda: database.query("SELECT n FROM counts ORDER BY n") == [["1"], ["4"]], "the others are stored")
        reasons = wait_until(lambda: (lambda found: found if len(found) == 2 else None)(
            [letter["error"]["message"] if "error" in letter else str(letter) for letter in server.values("dead-letters")]), "two letters")
        self.assertIn("out of range", " ".join(map(str, reasons)))
        self.assertEqual(connector.stop(), 0)

    def test_says_what_a_person_has_to_mend(self):
        database = Postgres(self)
        server = self.server(COUNTING)
        server.request("POST", "/topics", '{"name":"numbers"}', {"Content-Type": "application/json"})
        text = f"""
apiVersion: 0.1.0
meta: {{ name: numbers, version: 0.1.0, type: sql-sink, topic: numbers }}
sql: {{ url: "postgresql://intruder:${{env:PGSECRET}}@127.0.0.1:{database.port}/postgres", table: counts, columns: {{ n: n }} }}
"""
        said = Connector(self, server, text, {"PGSECRET": "hush-hush"}).ends()
        self.assertIn('role "intruder" does not exist', said)
        self.assertNotIn("hush-hush", said)
        said = Connector(self, server, text.replace("intruder:${env:PGSECRET}", "game")).ends()
        self.assertIn("table 'counts' does not exist: create it, or write 'create: true'", said)


if __name__ == "__main__":
    unittest.main()
