"""Bad input: broken records are told by index with a reason, good ones stored byte for byte, and the server goes on.

What is good is decided here by Python's JSON reader, made strict, and a schema check written for this test.
"""

import gzip
import http.client
import json
import pathlib
import re
import socket
import tempfile
import unittest

from harness import COUNTING, Server, SystemTest, run_cli, two_services, wait_until

BODY_BYTES_MAX = 8 << 20
ERRORS_LISTED = 100

# The examples of the three kinds of events.
EVENTS = {
    "player-events": {
        "event_name": "player_action",
        "parameters": {"player_id": "player_123", "session_id": "session_456", "event_type": "move",
                       "level_id": "level_02", "map_id": "map_03"},
        "event_timestamp": "2024-11-12T10:15:30Z",
        "user_data": {"user_id": "player_123", "platform": "PC"}},
    "purchase-events": {
        "event_name": "transaction",
        "parameters": {"transaction_id": "trans_789", "transaction_type": "purchase", "currency": "USD", "amount": 4.99,
                       "item_id": "skin_dragon", "item_type": "skin"},
        "event_timestamp": "2024-11-12T10:16:05Z",
        "user_data": {"user_id": "player_123", "platform": "PC"}},
    "server-metrics": {
        "event_name": "server_metric",
        "parameters": {"server_id": "server_1", "cpu_load": 78, "memory_usage": 65, "latency": 120},
        "event_timestamp": "2024-11-12T10:16:30Z",
        "server_data": {"region": "us-west", "server_type": "dedicated"}},
}


def schema_of(example):
    """A type for each field: a schema is str, float or a map of fields."""
    if isinstance(example, dict):
        return {name: schema_of(value) for name, value in example.items()}
    return str if isinstance(example, str) else float


SCHEMAS = {topic: schema_of(event) for topic, event in EVENTS.items()}


def refuse_constant(text):
    raise ValueError(f"{text} is not JSON")


def check(value, schema, path=""):
    """None for a value of the schema, else (code, field) of its mistake."""
    if isinstance(schema, dict):
        if not isinstance(value, dict):
            return ("wrong_type", path)
        for name, of_field in schema.items():
            field = f"{path}.{name}" if path else name
            if name not in value:
                return ("missing_field", field)
            if mistake := check(value[name], of_field, field):
                return mistake
        return None
    good = isinstance(value, str) if schema is str else isinstance(value, (int, float)) and not isinstance(value, bool)
    return None if good else ("wrong_type", path)


def verdict(line, schema):
    """None for a good line of bytes, else (code, field); (None, None) for what is not JSON."""
    try:
        value = json.loads(line.decode("utf-8"), parse_constant=refuse_constant)
    except ValueError:
        return (None, None)
    return check(value, schema)


def as_stored(line):
    """Byte for byte, but for white space around it, and all insignificant white space where it holds a line end."""
    return re.sub(rb'("(?:\\.|[^"\\])*")|\s+', rb"\1", line) if b"\r" in line else line.strip()


# What replaces each byte of an event in turn: what JSON is made of, and what it must not hold.
BYTES = [bytes([b]) for b in b'\0\xff\xc3\x7f\t\r "{}[],:\\-0n']


def broken_at_every_byte(event):
    for at in range(len(event)):
        if at > 0:
            yield event[:at]
        yield event[:at] + event[at + 1:]
        for byte in BYTES:
            if event[at:at + 1] != byte:
                yield event[:at] + byte + event[at + 1:]


def leaves(event, path=()):
    """The path of every field, objects before what is in them."""
    for name, value in event.items():
        yield path + (name,), value
        if isinstance(value, dict):
            yield from leaves(value, path + (name,))


def changed(event, path, change):
    """A copy of the event in which change(object, name) was applied at the path."""
    copy = json.loads(json.dumps(event))
    at = copy
    for name in path[:-1]:
        at = at[name]
    change(at, path[-1])
    return copy


def with_value(event, path, value):
    return changed(event, path, lambda at, name: at.__setitem__(name, value))


def with_text(event, path, text):
    """The event as JSON with `text` as the value of a field, whatever it is."""
    mark = "this value is replaced"
    return json.dumps(with_value(event, path, mark)).replace(f'"{mark}"', text)


class BadRecords(SystemTest):
    @classmethod
    def setUpClass(cls):
        # One server for all: it has to survive the lot.
        folder = tempfile.TemporaryDirectory(prefix="gameflow-test-")
        cls.addClassCleanup(folder.cleanup)
        # The first two services alone: `purchases` sends amounts that are no money to the dead letters.
        dataflow = pathlib.Path(folder.name) / "dataflow.yaml"
        dataflow.write_text(two_services())
        cls.instance = Server(folder.name, dataflow)
        cls.addClassCleanup(lambda: cls.instance.process and cls.instance.kill())
        cls.instance.start()

    @classmethod
    def tearDownClass(cls):
        if (code := cls.instance.stop()) != 0:
            raise AssertionError(f"exit code {code}")

    def tearDown(self):
        self.assertTrue(self.instance.is_alive())
        # Times are text to the door, and read by the services.
        letters = [letter for letter in self.instance.values("dead-letters") if not letter["reason"].startswith("not a timestamp: ")]
        self.assertEqual(letters, [], "what is bad stops at the door")

    def ends(self, topic):
        return [partition["end"] for partition in self.instance.topic(topic)["partitions"]]

    def produce(self, topic, lines, **how):
        """One body of NDJSON; its records go to one partition, so that they can be compared in order."""
        # The examples are sent over and over, with one id.
        return self.instance.produce(topic, b"".join(line + b"\n" for line in lines), key="k", deduplicate="false", **how)

    def stored_since(self, topic, before):
        """The raw values behind the ends `before`; all in one partition."""
        values = []
        for partition, begin in enumerate(before):
            end = self.ends(topic)[partition]
            while begin < end:
                reply = self.instance.get(f"/topics/{topic}/records?partition={partition}&offset={begin}&limit=10000")
                values += [line.partition(b',"value":')[2][:-1] for line in reply.body.split(b"\n")[:-1]]
                begin = int(reply.headers["Gameflow-Next-Offset"])
        return values

    def assert_errors(self, errors, wanted):
        """wanted: [(index, (code, field))]"""
        self.assertEqual([error["index"] for error in errors], [index for index, _ in wanted])
        for error, (index, (code, field)) in zip(errors, wanted):
            self.assertTrue(error["message"], error)
            if code is None:
                # Where a text stops to be JSON, a mistake of the schema may have come before.
                self.assertIn(error["code"], ("invalid_json", "invalid_encoding", "wrong_type", "missing_field",
                                              "out_of_range"))
            else:
                self.assertEqual((error["code"], error["field"]), (code, field), (index, error))

    def refuse(self, topic, line, code, field):
        """The line is refused, alone and between good ones."""
        good = json.dumps(EVENTS[topic]).encode()
        line = line if isinstance(line, bytes) else line.encode()
        reply = self.produce(topic, [good, line, good])
        self.assertEqual((reply.status, reply.json["accepted"], reply.json["rejected"]), (200, 2, 1), (line, reply.text))
        self.assert_errors(reply.json["errors"], [(1, (code, field))])

    def accept(self, topic, line):
        before = self.ends(topic)
        reply = self.produce(topic, [line.encode()])
        self.assertEqual((reply.status, reply.json["accepted"]), (200, 1), (line, reply.text))
        self.assertEqual(self.stored_since(topic, before), [line.encode()])

    def test_events_broken_at_every_byte(self):
        for topic, event in EVENTS.items():
            with self.subTest(topic):
                lines = list(broken_at_every_byte(json.dumps(event).encode()))
                verdicts = [verdict(line, SCHEMAS[topic]) for line in lines]
                good = [as_stored(line) for line, mistake in zip(lines, verdicts) if not mistake]
                bad = [(index, mistake) for index, mistake in enumerate(verdicts) if mistake]
                self.assertGreater(len(good), 500)
                self.assertGreater(len(bad), 2000)

                before = self.ends(topic)
                reply = self.produce(topic, lines)
                self.assertEqual(reply.status, 200, reply.text)
                stored = self.stored_since(topic, before)
                for line in set(good) ^ set(stored):
                    what = "not stored" if line in good else "stored"
                    self.fail(f"{what}: {line}, here: {verdict(line, SCHEMAS[topic])}")
                self.assertEqual(stored, good)
                self.assertEqual((reply.json["accepted"], reply.json["rejected"]), (len(good), len(bad)))
                self.assert_errors(reply.json["errors"], bad[:ERRORS_LISTED])

                # Every one has its reason, not only those that fit into one answer.
                for start in range(0, len(bad), ERRORS_LISTED):
                    part = bad[start:start + ERRORS_LISTED]
                    reply = self.produce(topic, [lines[index] for index, _ in part])
                    self.assertEqual((reply.status, reply.json["accepted"]), (400, 0))
                    self.assert_errors(reply.json["errors"], [(i, mistake) for i, (_, mistake) in enumerate(part)])

    def test_wrong_types(self):
        wrong = {str: ["1", "1.5", "true", "{}", "[]", '["text"]'],
                 float: ['"4.99"', "true", "false", "{}", "[]", "[1]"],
                 dict: ['"text"', "1", "true", "[]", "[{}]"]}
        for topic, event in EVENTS.items():
            lines, wanted = [], []
            for path, value in leaves(event):
                kind = float if isinstance(value, (int, float)) else type(value)
                for text in wrong[kind]:
                    wanted.append((len(lines), ("wrong_type", ".".join(path))))
                    lines.append(with_text(event, path, text).encode())
            # The whole record, too.
            for text in (b'"text"', b"1", b"true", b"null", b"[]", b"[{}]"):
                wanted.append((len(lines), ("wrong_type", "")))
                lines.append(text)
            self.assertLess(len(lines), ERRORS_LISTED)
            reply = self.produce(topic, lines)
            self.assertEqual((reply.status, reply.json["accepted"]), (400, 0))
            self.assert_errors(reply.json["errors"], wanted)
            for error in reply.json["errors"]:
                self.assertRegex(error["message"], "expected .*, found ")

    def test_missing_fields(self):
        for topic, event in EVENTS.items():
            paths = [path for path, _ in leaves(event)]
            for absent, code in ((lambda at, name: at.pop(name), "missing_field"),
                                 (lambda at, name: at.__setitem__(name, None), "wrong_type")):
                reply = self.produce(topic, [json.dumps(changed(event, path, absent)).encode() for path in paths])
                self.assertEqual((reply.status, reply.json["accepted"]), (400, 0))
                self.assert_errors(reply.json["errors"],
                                   [(index, (code, ".".join(path))) for index, path in enumerate(paths)])
            self.refuse(topic, "{}", "missing_field", "event_name")

    def test_unknown_fields_are_kept(self):
        for topic, event in EVENTS.items():
            nested = {"a": None, "b": [None, {"c": None}, 1.5e-7, True], "": "", "é\U0001f600": "\n\"\\"}
            self.accept(topic, json.dumps({"before": nested, **event, "after": [nested, nested]}))
            self.accept(topic, json.dumps(with_value(event, ("parameters", "extra"), nested), ensure_ascii=False))
            # Order, white space and escapes are the producer's.
            text = json.dumps(dict(reversed(event.items())), separators=("  ,\t", " :  "))
            self.accept(topic, text.replace("event_name", "\\u0065vent_name"))
            # Of a repeated field the last one counts, and it is the last one that must fit.
            name = json.dumps(event["event_name"])
            self.accept(topic, json.dumps(event)[:-1] + f', "event_name": {name}}}')
            self.refuse(topic, json.dumps(event)[:-1] + ', "event_name": 7}', "wrong_type", "event_name")
            self.accept(topic, json.dumps(event)[:-1] + ', "extra": [1e999, 100000000000000000000]}')
            # Unknown fields must be JSON, too.
            for text in ("nul", "01", "1.", "[1,]", '{"a"}', '"\\x"', "'a'", "NaN", "1e999x", '"\t"'):
                self.refuse(topic, json.dumps(event)[:-1] + f', "extra": {text}}}', None, None)

    def test_numbers(self):
        field = ("parameters", "amount")
        event = EVENTS["purchase-events"]
        for text in ("0", "-0", "-0.0", "4", "4.99", "1E5", "1e+5", "1e-400", "1.7976931348623157e308",
                     "9223372036854775808", "18446744073709551615", "-9223372036854775808", "0." + "3" * 400):
            self.accept("purchase-events", with_text(event, field, text))
        for text in ("1e309", "-1e309", "1" + "0" * 400):
            self.refuse("purchase-events", with_text(event, field, text), "out_of_range", "parameters.amount")
        for text in ("01", "-", "-01", "+1", ".5", "5.", "1e", "1e+", "0x10", "1_000", "1,5", "NaN", "Infinity",
                     "-Infinity", "nan", "1 2", "١"):
            self.refuse("purchase-events", with_text(event, field, text), None, None)

    def test_texts(self):
        field = ("parameters", "level_id")
        event = EVENTS["player-events"]
        for text in ('""', '"é\U0001f600"', '"\\ud83d\\ude00"', '"\\u0000"', '"\\/\\b\\f\\n\\r\\t\\"\\\\"', '"\u2028"',
                     '"\x7f"', json.dumps("x" * 1_000_000)):
            self.accept("player-events", with_text(event, field, text))
        for text in (b'"\xc0\xaf"', b'"\xed\xa0\x80"', b'"\xf4\x90\x80\x80"', b'"\x80"', b'"\xe2\x82"', b'"\xff"'):
            line = with_text(event, field, '"??"').encode().replace(b'"??"', text)
            self.refuse("player-events", line, "invalid_encoding", "")
        for text in ('"\\x41"', '"\\u12"', '"\\u12g4"', '"\x01"', '"\\', '"a"b"', "'a'", '"\\ud800"'):
            self.refuse("player-events", with_text(event, field, text), None, None)

    def test_nesting(self):
        event = json.dumps(EVENTS["player-events"])[:-1]
        for depth in (1, 100, 126):
            for begin, end in (("[", "]"), ('{"a":', "}")):
                self.accept("player-events", f'{event}, "deep": {begin * depth}1{end * depth}}}')
        for depth in (130, 2000, 200_000):
            for begin, end in (("[", "]"), ('{"a":', "}"), ("[", ""), ('{"a":', "")):
                self.refuse("player-events", f'{event}, "deep": {begin * depth}1{end * depth}}}', "invalid_json", "")

    def test_a_topic_without_a_schema_takes_any_json(self):
        good = [b"7", b"null", b'"text"', b"[]", b'{"x":1,"y":2}', b"-0.5e-3", b"[[[]]]", b'{"a":1,"a":2}', b" true "]
        bad = [b"tru", b"nul", b"[", b"{", b'"', b"[1,]", b"{]", b'{"a":1,}', b"1 2", b"\xff", b"NaN", b"''", b"01", b"\0"]
        self.assertEqual(run_cli("topic", "create", "anything", "--server", self.instance.url).returncode, 0)
        before = self.ends("anything")
        lines = [line for pair in zip(bad, good + good) for line in pair]
        reply = self.produce("anything", lines)
        self.assertEqual((reply.status, reply.json["accepted"], reply.json["rejected"]), (200, len(bad), len(bad)))
        self.assert_errors(reply.json["errors"], [(2 * index, (None, None)) for index in range(len(bad))])
        stored = self.stored_since("anything", before)
        self.assertEqual([value.strip() for value in stored], [value.strip() for value in (good + good)[:len(bad)]])

    def test_lines(self):
        """Line ends of both kinds, blank lines, and a last line without an end."""
        event = json.dumps(EVENTS["server-metrics"]).encode()
        for body, accepted, rejected in (
                (event, 1, []),
                (event + b"\r\n" + event + b"\r\n", 2, []),
                (b"\n\r\n  \t\n" + event + b"\n\n\n" + event + b"\n \n", 2, []),
                (b"\n\n{}\n\n" + event + b"\r\n\r\n[", 1, [0, 2]),
                (b"  " + event + b"  \r\n", 1, []),
                (b"\xef\xbb\xbf" + event, 1, []),
        ):
            before = self.ends("server-metrics")
            reply = self.instance.produce("server-metrics", body, key="k")
            self.assertEqual((reply.status, reply.json["accepted"]), (200, accepted), (body, reply.text))
            self.assertEqual([error["index"] for error in reply.json["errors"]], rejected, (body, reply.text))
            self.assertEqual([value.strip() for value in self.stored_since("server-metrics", before)], [event] * accepted)

    def test_bodies_of_json(self):
        event = EVENTS["server-metrics"]
        broken = with_value(event, ("parameters", "latency"), "fast")
        one = json.dumps(event)
        for body, status, accepted, rejected in (
                (one, 200, 1, []),
                (json.dumps(event, indent=2), 200, 1, []),
                (json.dumps([event, event, event]), 200, 3, []),
                (json.dumps([event, broken, event, 7, None, [event]]), 200, 2, [1, 3, 4, 5]),
                (json.dumps([event, broken], indent=2), 200, 1, [1]),
                (json.dumps(broken), 400, 0, [0]),
                (json.dumps([broken]), 400, 0, [0]),
                (f"[{one},]", 200, 1, [1]), (f"[,{one},nul,{one}]", 200, 2, [0, 2]),
                ("[]", 200, 0, []),
        ):
            before = self.ends("server-metrics")
            reply = self.instance.produce("server-metrics", body.encode(), "application/json", key="k")
            self.assertEqual((reply.status, reply.json.get("accepted")), (status, accepted), (body, reply.text))
            self.assertEqual([error["index"] for error in reply.json["errors"]], rejected, (body, reply.text))
            self.assertEqual([json.loads(value) for value in self.stored_since("server-metrics", before)], [event] * accepted)
        for body in ("[", f"[{one}", f"[{one} {one}]", f"[{one}]]", f"{one} {one}", "{", "", " \n ", "nothing"):
            before = self.ends("server-metrics")
            reply = self.instance.produce("server-metrics", body.encode(), "application/json")
            self.assertEqual(reply.status, 400, (body, reply.text))
            answer = reply.json
            codes = [answer["error"]["code"]] if "error" in answer else [error["code"] for error in answer["errors"]]
            self.assertIn(codes[0], ("invalid_json", "invalid_argument"), (body, reply.text))
            self.assertEqual(self.ends("server-metrics"), before, body)

    def test_empty_bodies(self):
        """Nothing was sent, nothing is stored, and the answer says so in one way or the other."""
        for body in (b"", b"\n", b"\r\n \n"):
            before = self.ends("server-metrics")
            reply = self.instance.produce("server-metrics", body)
            self.assertIn(reply.status, (200, 400), (body, reply.text))
            if reply.status == 200:
                self.assertEqual(reply.json, {"accepted": 0, "duplicates": 0, "rejected": 0, "errors": []})
            self.assertEqual(self.ends("server-metrics"), before)

    def test_unknown_topics(self):
        for name, similar in (("player-event", "player-events"), ("purchase_events", "purchase-events")):
            reply = self.instance.produce(name, ["{}"])
            self.assertEqual((reply.status, reply.json["error"]["code"]), (404, "topic_not_found"))
            self.assertIn(f"did you mean '{similar}'", reply.json["error"]["message"])
            self.assertEqual(self.instance.get(f"/topics/{name}/records").status, 404)
        for name in ("nothing-like-it", "..", "%00", "a" * 5000, "%C3%A9", "%ff", "%"):
            self.assertIn(self.instance.produce(name, ["{}"]).status, (400, 404), name)

    def test_content_types(self):
        line = json.dumps(EVENTS["server-metrics"]) + "\n"
        for name in ("application/json", "application/x-ndjson", "application/jsonl", "text/plain",
                     "text/plain; charset=utf-8", "Application/JSON", "application/x-www-form-urlencoded"):
            self.assertEqual(self.instance.produce("server-metrics", line.encode(), name).json["accepted"], 1, name)
        for name in ("image/png", "application/xml", "text/html", "multipart/form-data", "json"):
            reply = self.instance.produce("server-metrics", line.encode(), name)
            self.assertEqual((reply.status, reply.json["error"]["code"]), (415, "unsupported_media_type"), name)
            self.assertIn("application/x-ndjson", reply.json["error"]["message"])
        for name in ("br", "deflate", "zstd", "gzip, gzip"):
            reply = self.instance.produce("server-metrics", line.encode(), headers={"Content-Encoding": name})
            self.assertEqual((reply.status, reply.json["error"]["code"]), (415, "unsupported_media_type"), name)
            self.assertIn("gzip", reply.json["error"]["message"])

    def test_gzip(self):
        lines = [json.dumps(EVENTS["server-metrics"]).encode() + b"\n"] * 500
        packed = gzip.compress(b"".join(lines))

        def send(body):
            return self.instance.produce("server-metrics", body, headers={"Content-Encoding": "gzip"}, key="k")

        self.assertEqual(send(packed).json["accepted"], 500)
        self.assertEqual(send(packed + gzip.compress(lines[0])).json["accepted"], 501, "members follow each other")
        before = self.ends("server-metrics")
        damaged = bytearray(packed)
        damaged[len(packed) // 2] ^= 0xff
        for what, body in (("cut short", packed[:-1]), ("half", packed[:len(packed) // 2]), ("only a header", packed[:10]),
                           ("damaged", bytes(damaged)), ("wrong checksum", packed[:-8] + b"\0" * 8), ("text", lines[0]),
                           ("rubbish behind it", packed + b"rubbish"), ("empty", b"")):
            reply = send(body)
            self.assertEqual((reply.status, reply.json.get("error", {}).get("code")), (400, "invalid_encoding"), what)
        bomb = gzip.compress(b" " * (64 << 20))
        for body in (bomb, bomb * 50):
            reply = send(body)
            self.assertEqual((reply.status, reply.json["error"]["code"]), (413, "payload_too_large"))
            self.assertIn(str(4 * BODY_BYTES_MAX), reply.json["error"]["message"])
        self.assertEqual(self.ends("server-metrics"), before)

    def test_a_record_over_the_limit(self):
        """Small enough as a body, too large as a record, once it is unpacked: refused by index like any other."""
        good = b'{"x":1,"y":1}\n'
        large = b'{"x":"' + b"x" * (9 << 20) + b'"}\n'
        before = self.ends("player-positions")
        reply = self.instance.produce("player-positions", gzip.compress(good + large + good), key="k",
                                      headers={"Content-Encoding": "gzip"})
        self.assertEqual((reply.status, reply.json["accepted"], reply.json["rejected"]), (200, 2, 1), reply.text)
        self.assertEqual([(e["index"], e["code"]) for e in reply.json["errors"]], [(1, "payload_too_large")])
        self.assertRegex(reply.json["errors"][0]["message"], r"8388608|8(\.0)? MiB")
        self.assertEqual(self.stored_since("player-positions", before), [good[:-1]] * 2)

    def post_by_hand(self, header, pieces):
        """The reply to a POST whose body the server may refuse to read to its end."""
        with socket.create_connection(("127.0.0.1", self.instance.port), timeout=60) as connection:
            request = f"POST /topics/player-positions/records HTTP/1.1\r\nHost: localhost\r\n{header}\r\n\r\n"
            connection.sendall(request.encode())
            try:
                for piece in pieces:
                    connection.sendall(piece)
            except OSError:
                pass  # it has heard enough
            reply = http.client.HTTPResponse(connection, method="POST")
            reply.begin()
            return reply.status, json.loads(reply.read())

    def test_bodies_over_the_limit(self):
        size, piece = 10 << 20, b'{"x":1,"y":2}\n' * 4681
        pieces = [piece] * (size // len(piece) + 1)
        length = len(piece) * len(pieces)
        chunks = [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]
        before = self.ends("player-positions")
        for header, body in ((f"Content-Length: {length}", pieces), ("Transfer-Encoding: chunked", chunks),
                             (f"Content-Length: {length}\r\nExpect: 100-continue", []),
                             ("Content-Length: 18446744073709551615", []),
                             ("Transfer-Encoding: chunked", [b"fffffffffffffff0\r\n", piece])):
            status, answer = self.post_by_hand(header, body)
            self.assertEqual((status, answer["error"]["code"]), (413, "payload_too_large"), header)
            self.assertIn(str(BODY_BYTES_MAX), answer["error"]["message"])
        for header in ("Content-Length: -1", "Content-Length: ten", "Content-Length: 5\r\nTransfer-Encoding: chunked",
                       "Content-Length: 5\r\nContent-Length: 6", "Content-Length: 99999999999999999999"):
            self.assertIn(self.post_by_hand(header, [b"{}\n{}\n"])[0], (400, 413), header)
        self.assertEqual(self.ends("player-positions"), before)

    def test_what_is_not_a_request(self):
        for text in (b"hello\r\n\r\n", b"\0" * 1000, b"GET / HTTP/9.9\r\n\r\n",
                     b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000, b"POST /topics HTTP/1.1\r\nHost: a\r\n\r\n",
                     b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"):
            with socket.create_connection(("127.0.0.1", self.instance.port), timeout=60) as connection:
                try:
                    connection.sendall(text)
                    connection.shutdown(socket.SHUT_WR)
                    while piece := connection.recv(65536):
                        self.assertNotIn(b" 200 ", piece.split(b"\r\n")[0])
                except OSError:
                    pass
            self.assertTrue(self.instance.is_alive())

    def test_parameters_and_requests_that_make_no_sense(self):
        for method, path, body, status in (
                ("POST", "/topics/player-events/records?sequenze=1", "{}", 400),
                ("POST", "/topics/player-events/records?sequence=1", "{}", 400),
                ("POST", "/topics/player-events/records?producer=&sequence=1", "{}", 400),
                ("POST", f"/topics/player-events/records?producer={'p' * 201}&sequence=1", "{}", 400),
                ("POST", "/topics/player-events/records?producer=p&sequence=-1", "{}", 400),
                ("POST", "/topics/player-events/records?producer=p&sequence=99999999999999999999", "{}", 400),
                ("POST", "/topics/player-events/records?producer=gap&sequence=5", json.dumps(EVENTS["player-events"]), 409),
                ("POST", "/topics/player-events/records?key=a&key-field=b", "{}", 400),
                ("GET", "/topics/player-events/records?partition=2", None, 400),
                ("GET", "/topics/player-events/records?partition=x", None, 400),
                ("GET", "/topics/player-events/records?offset=middle", None, 400),
                ("GET", "/topics/player-events/records?offset=99999999999999", None, 416),
                ("GET", "/topics/player-events/records?limit=-1", None, 400),
                ("GET", "/topics/player-events/records?limit=10001", None, 400),
                ("GET", "/topics/player-events/records?limit=1&limit=2", None, 400),
                ("GET", "/nothing", None, 404), ("PUT", "/topics", "{}", 405), ("DELETE", "/topics", None, 405),
                ("DELETE", "/topics/player-events", None, 400), ("DELETE", "/topics/nothing", None, 404),
                ("POST", "/topics", "{", 400), ("POST", "/topics", "[]", 400), ("POST", "/topics", "{}", 400),
                ("POST", "/topics", '{"name":"a/b"}', 400), ("POST", "/topics", '{"name":"..","partitions":1}', 400),
                ("POST", "/topics", '{"name":"a","partitions":0}', 400),
                ("POST", "/topics", '{"name":"a","partitions":1025}', 400),
                ("POST", "/topics", '{"name":"a","partitions":1e99}', 400), ("POST", "/topics", '{"name":"a","nmae":1}', 400),
                ("POST", "/topics", '{"name":"a","retention_age":"1 week"}', 400), ("POST", "/topics", '{"name":7}', 400),
                ("POST", "/topics", '{"name":"player-events"}', 409),
                ("GET", "/stat/../../etc/passwd", None, 404), ("GET", "/stat/%2e%2e/%2e%2e/etc/passwd", None, 404),
                ("GET", "/states/nothing/here", None, 404), ("POST", "/sql", "", 400), ("POST", "/sql", "selct 1", 400),
                ("POST", "/sql", "select * from nothing", 400), ("POST", "/sql", "delete from events_per_user", 403),
                ("POST", "/sql", "select * from events_per_user; select 1", 400), ("GET", "/ws/player-events", None, 426)):
            reply = self.instance.request(method, path, body)
            self.assertEqual(reply.status, status, (method, path, body, reply.text))
            self.assertTrue(reply.json["error"]["code"] and reply.json["error"]["message"], reply.text)


class DeadLetters(SystemTest):
    def test_an_operator_that_throws(self):
        """The record goes to the dead letters with origin and reason; the others are counted."""
        instance = self.server(COUNTING)
        good = {"user": "ann", "at": "2024-11-12T10:00:01Z", "points": 5}
        bad = [({**good, "user": ""}, "assign-key", "an event without a user"),
               ({**good, "at": "yesterday"}, "assign-timestamp", "yesterday"),
               ({**good, "points": -6}, "update-state", "points below zero")]
        lines = [good] + [event for event, _, _ in bad] + [{**good, "points": 1}, {**good, "user": "bob"}]
        reply = instance.produce("events", [json.dumps(line) for line in lines], key="k")
        self.assertEqual(reply.json["accepted"], len(lines))
        letters = wait_until(lambda: len(found := instance.values("dead-letters")) >= len(bad) and found, "dead letters")

        origins = {json.dumps(record["value"]): record for record in instance.records("events")}
        self.assertEqual(len(letters), len(bad))
        for event, operator, reason in bad:
            letter = next(letter for letter in letters if letter["operator"] == operator)
            origin = origins[json.dumps(event)]
            self.assertEqual((letter["service"], letter["code"], letter["topic"], letter["key"]),
                             ("counting", "operator_failed", "events", "k"))
            self.assertEqual(json.loads(letter["value"]), event)
            self.assertEqual([letter[name] for name in ("partition", "offset", "timestamp")],
                             [origin[name] for name in ("partition", "offset", "timestamp")])
            self.assertIn(reason, letter["reason"])
        service = wait_until(lambda: (s := instance.service("counting"))["records_in"] == len(lines) and s, "all were read")
        self.assertEqual((service["records_dead"], service["records_late"]), (len(bad), 0))
        rows = instance.request("POST", "/sql", "select _key, count, points from per_user order by _key").json["rows"]
        self.assertEqual(rows, [["ann", 2, 6], ["bob", 1, 5]])
        self.assertIn("records_dead", instance.get("/dataflow").text)
        self.assertEqual(instance.stop(), 0)


if __name__ == "__main__":
    unittest.main()
