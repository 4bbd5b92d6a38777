"""`kafka-source` and `kafka-sink` against a real broker: 200,000 records in and out, each once, over kill -9 of either side."""

import json
import os
import random
import threading
import time
import unittest

from connectors import Connector, Kafka, example
from harness import COUNTING, SystemTest, wait_until

RECORDS = int(os.environ.get("GAMEFLOW_KAFKA_RECORDS", "200000"))
SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))
MISSING = Kafka.is_missing()
PARTITIONS = 3


@unittest.skipIf(MISSING, MISSING)
class KafkaTest(SystemTest):
    def topic(self, server, name, partitions=PARTITIONS):
        reply = server.request("POST", "/topics", json.dumps({"name": name, "partitions": partitions}),
                               {"Content-Type": "application/json"})
        self.assertEqual(reply.status, 201, reply.text)

    @staticmethod
    def count(server, topic):
        return sum(partition["end"] for partition in server.topic(topic)["partitions"])

    def test_each_record_once_in_and_out_over_kills(self):
        rng = random.Random(SEED)
        kafka = Kafka(self)
        kafka.create_topic("game-events", PARTITIONS)
        kafka.create_topic("purchases", PARTITIONS)
        server = self.server(COUNTING)
        self.topic(server, "player-events")
        source = Connector(self, server, example("kafka-source", ("kafka-1:9092,kafka-2:9092", kafka.url)))
        sink = Connector(self, server, example("kafka-sink", ("kafka-1:9092,kafka-2:9092", kafka.url),
                                               ("topic: purchases-eur", "topic: player-events")))

        def line(number):
            key = f"player_{number % 997}"
            return f'{key}\t{{"n":{number},"player":"{key}","pad":"{"x" * (number % 50)}"}}'

        failures = []

        def produce():
            try:
                kafka.produce("game-events", map(line, range(RECORDS)))
            except Exception as failure:  # pylint: disable=broad-except
                failures.append(failure)

        producer = threading.Thread(target=produce)
        producer.start()
        self.addCleanup(producer.join)
        for number in range(6):
            before = self.count(server, "player-events")
            wait_until(lambda: self.count(server, "player-events") > min(before, RECORDS - 1) or failures, f"records in round {number}")
            time.sleep(rng.random())  # at any moment
            (source if number % 2 == 0 else sink).kill()
            (source if number % 2 == 0 else sink).start()
            if number % 3 == 2:
                kafka.kill()  # kcat waits for it and goes on
                kafka.start()
            if number == 4:
                server.kill()
                server.start()
        producer.join()
        self.assertEqual(failures, [])
        wait_until(lambda: self.count(server, "player-events") >= RECORDS, "all records came in", 300)

        # What kcat repeated when the broker was killed is twice in Kafka already: that is what has to come, in its order.
        sent = kafka.consume("game-events")
        self.assertGreaterEqual(len(sent), RECORDS)
        wait_until(lambda: self.count(server, "player-events") >= len(sent), "all records came in", 300)

        def by_key(records):
            keys = {}
            for key, value in records:
                keys.setdefault(key, []).append(value)
            return keys

        expected = by_key((key, value) for _, key, value in sent)
        came = by_key((record["key"], json.dumps(record["value"], separators=(",", ":"))) for record in server.records("player-events"))
        self.assertTrue(came == expected, f"{sum(map(len, came.values()))} came of {len(sent)}")
        wait_until(lambda: len(kafka.consume("purchases")) >= len(sent), "all records went out", 300)
        went = by_key((key, value) for _, key, value in kafka.consume("purchases"))
        self.assertTrue(went == expected, f"{sum(map(len, went.values()))} went of {len(sent)}")
        self.assertEqual(source.stop(), 0)
        self.assertEqual(sink.stop(), 0)

    def test_new_partitions_transactions_and_what_a_person_has_to_mend(self):
        kafka = Kafka(self)
        server = self.server(COUNTING)
        self.topic(server, "player-events")
        text = example("kafka-source", ("kafka-1:9092,kafka-2:9092", kafka.url))
        said = Connector(self, server, text).ends()
        self.assertIn("topic: Kafka has none that is called 'game-events'", said)
        said = Connector(self, server, text + "  options: { group.id: mine }\n").ends()
        self.assertIn("options: 'group.id' is set by the connector itself: remove it", said)
        said = Connector(self, server, text + "  options: { linger: soon }\n").ends()
        self.assertIn('options: No such configuration property: "linger"', said)

        kafka.create_topic("game-events", 1)
        kafka.create_topic("purchases", 1, "--config", "max.message.bytes=2000")
        kafka.produce("game-events", ['a\t{"n":1}', 'a\tno json'])
        source = Connector(self, server, text)
        wait_until(lambda: self.count(server, "player-events") == 1, "the record came in")
        wait_until(lambda: self.count(server, "dead-letters") == 1, "the other one is a dead letter")
        source.kill()
        kafka.admin("TopicCommand", "--alter", "--topic", "game-events", "--partitions", 4)
        kafka.produce("game-events", [f'k{n}\t{{"n":{n}}}' for n in range(100)])
        source.start()
        wait_until(lambda: self.count(server, "player-events") == 101, "those of the new partitions came, too")

        server.produce("player-events", [json.dumps({"n": 1, "pad": "x" * 3000})])
        Connector(self, server, example("kafka-sink", ("kafka-1:9092,kafka-2:9092", kafka.url),
                                        ("topic: purchases-eur", "topic: player-events")))
        wait_until(lambda: len(kafka.consume("purchases")) == 101, "the others went out")
        wait_until(lambda: self.count(server, "dead-letters") == 2, "the long one is a dead letter")


if __name__ == "__main__":
    unittest.main()
