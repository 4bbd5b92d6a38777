"""`mqtt-source` against a real mosquitto: with QoS 1 each message once, over kill -9 of the connector, restarts of the broker, and pauses."""

import json
import os
import random
import time
import unittest

from connectors import Connector, Mosquitto, example
from harness import COUNTING, SystemTest, wait_until

ROUNDS = int(os.environ.get("GAMEFLOW_KILL_ROUNDS", "10"))
SEED = int(os.environ.get("GAMEFLOW_KILL_SEED", str(int(time.time()))))


@unittest.skipUnless(Mosquitto.is_installed(), "mosquitto and its clients are not installed: tools/setup.sh test")
class Mqtt(SystemTest):
    def test_each_message_once(self):
        rng = random.Random(SEED)
        broker = Mosquitto(self)
        server = self.server(COUNTING)
        reply = server.request("POST", "/topics", '{"name":"player-events","partitions":2}', {"Content-Type": "application/json"})
        self.assertEqual(reply.status, 201, reply.text)
        connector = Connector(self, server, example("mqtt-source", ("mqtt://127.0.0.1:1883", f"mqtt://127.0.0.1:{broker.port}")),
                              {"MQTT_PASSWORD": "anything"})

        def count():
            return sum(partition["end"] for partition in server.topic("player-events")["partitions"])

        # The broker knows the session once the first message has come.
        probe = [0]

        def has_come():
            broker.publish("game/eu/events", [json.dumps({"probe": probe[0]})])
            probe[0] += 1
            return count() > 0

        wait_until(has_come, "the first message")
        published = 0
        for number in range(ROUNDS):
            lines = [json.dumps({"n": n, "user_data": {"user_id": f"p{n % 7}"}}) for n in range(published, published + 500)]
            broker.publish(f"game/{rng.choice(['eu', 'us'])}/events", lines)
            published += len(lines)
            time.sleep(rng.random() * 0.2)  # at any moment
            if number % 3 == 2:
                broker.restart()
            else:
                connector.kill()
                connector.start()
            if number == 4:
                server.kill()
                server.start()
        wait_until(lambda: count() >= published + probe[0], "all have come")
        numbers = [record["value"]["n"] for record in server.records("player-events") if "n" in record["value"]]
        self.assertEqual(sorted(numbers), list(range(published)))
        for partition in (0, 1):  # in order, as those of a key are
            keys = {}
            for record in server.records("player-events"):
                if record["partition"] == partition and "n" in record["value"]:
                    keys.setdefault(record["key"], []).append(record["value"]["n"])
            self.assertTrue(all(numbers == sorted(numbers) for numbers in keys.values()))
        self.assertEqual(connector.stop(), 0)


if __name__ == "__main__":
    unittest.main()
