#!/usr/bin/env python3
"""`gameflow schema` accepts every dataflow, connector and game of this repository, and refuses what an editor can see to be wrong."""

import json
import os
import re
import subprocess
import unittest
from pathlib import Path

import jsonschema
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
SCHEMA, PACKAGE_SCHEMA, CONNECTOR_SCHEMA, GAME_SCHEMA = (
    json.loads(subprocess.run([os.environ["GAMEFLOW_BIN"], "schema", *kind], check=True, capture_output=True).stdout)
    for kind in ([], ["package"], ["connector"], ["game"]))
FLAGSHIP = ROOT / "games/gaming-analytics/dataflow.yaml"


def dataflows():
    """(where it stands, text) of each."""
    for folder in ("games", "examples", "bench", "tests", "src"):
        for path in sorted((ROOT / folder).rglob("*.yaml")):
            if not {"node_modules", "connectors"} & set(path.parts) and "apiVersion:" in path.read_text():
                yield str(path.relative_to(ROOT)), path.read_text()
    page = (ROOT / "docs/reference/dataflow-yaml.md").read_text()
    for number, block in enumerate(re.findall(r"^```yaml\n(apiVersion.*?)^```", page, re.M | re.S), 1):
        yield f"example {number} of docs/reference/dataflow-yaml.md", block


def connectors():
    """(where it stands, text) of each."""
    for folder in ("games", "deploy", "examples"):
        for path in sorted((ROOT / folder).rglob("connectors/*.yaml")):
            yield str(path.relative_to(ROOT)), path.read_text()
    for page in sorted((ROOT / "docs/connectors").glob("*.md")):
        for number, block in enumerate(re.findall(r"^```yaml\n(apiVersion.*?)^```", page.read_text(), re.M | re.S), 1):
            yield f"example {number} of {page.name}", block


def games():
    for path in sorted((ROOT / "games").rglob("game.yaml")):
        yield str(path.relative_to(ROOT)), path.read_text()
    page = (ROOT / "docs/reference/simulated-game.md").read_text()
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```", page, re.M | re.S), 1):
        yield f"example {number} of simulated-game.md", block


def mistakes(text, schema=SCHEMA):
    validator = jsonschema.Draft202012Validator(schema)
    return [error.message for error in validator.iter_errors(yaml.safe_load(text))]


# What of the flagship, and what it becomes.
WRONG = {
    "an unknown section": ("services:", "servcies:"),
    "no apiVersion": ("apiVersion: 0.5.0\n", ""),
    "an unknown version": ("apiVersion: 0.5.0", "apiVersion: 0.7.0"),
    "an unknown key": ("grace-period: 2s", "grace-perod: 2s"),
    "a duration without unit": ("grace-period: 2s", "grace-period: 2"),
    "a window of no length": ("duration: 5s", "duration: 0s"),
    "a size with a wrong unit": ("bytes: 4GiB", "bytes: 4 gigs"),
    "no partition at all": ("partitions: 2", "partitions: 0"),
    "a type that is only another name": ("type: object", "type: string"),
    "a source that is not a topic": ("- type: topic", "- type: http"),
    "a state without key": ("key: { type: string }", "keys: { type: string }"),
    "a row of objects": ("count: { type: u32 }", "count: { type: object }"),
    "a name with a capital": ("  name: gaming-analytics", "  name: GamingAnalytics"),
    "an operator without code": ("assign-key:\n          run: |", "assign-key:\n          rum: |"),
    "a transform of no kind": ("    states:", "    transforms: [{ operator: flip, run: x }]\n    states:"),
}


# What of the example on the page of http-source, and what it becomes.
WRONG_CONNECTOR = {
    "a kind that there is not": ("type: http-source", "type: http-sauce"),
    "no kind": ("  type: http-source\n", ""),
    "settings of another kind": ("type: http-source", "type: http-sink"),
    "settings under another name": ("http:\n", "https:\n"),
    "a setting that there is not": ("resume-parameter:", "resume-param:"),
    "no endpoint": ("  endpoint: https://events.example.com/stream\n", ""),
    "a flag that is none": ("stream: true", "stream: maybe"),
    "a duration without a unit": ("  stream: true", "  stream: true\n  interval: 10"),
    "no apiVersion": ("apiVersion: 0.1.0\n", ""),
    "a route to nowhere": ("http:\n", "route: { feld: a, topics: {} }\nhttp:\n"),
}
WRONG_GAME = {
    "an unknown key": ("players:", "palyers:"),
    "a share over 1": ("duplicates: 0.02", "duplicates: 2"),
    "an anomaly that there is not": ("burst-account:", "burst-acount:"),
    "a duration without a unit": ("at: 1h", "at: 1"),
}


class Schema(unittest.TestCase):
    def test_is_a_schema(self):
        for schema in (SCHEMA, PACKAGE_SCHEMA, CONNECTOR_SCHEMA, GAME_SCHEMA):
            jsonschema.Draft202012Validator.check_schema(schema)

    def test_accepts_every_connector_and_game(self):
        for schema, files, least in ((CONNECTOR_SCHEMA, list(connectors()), 14), (GAME_SCHEMA, list(games()), 2)):
            for name, text in files:
                with self.subTest(name):
                    self.assertEqual(mistakes(text, schema), [])
            self.assertGreaterEqual(len(files), least)

    def test_a_setting_may_be_said_elsewhere(self):
        text = dict(connectors())["example 1 of http-source.md"].replace("stream: true", "stream: ${env:STREAM}")
        self.assertEqual(mistakes(text, CONNECTOR_SCHEMA), [])

    def test_refuses_connectors_and_games(self):
        for schema, text, wrong in ((CONNECTOR_SCHEMA, dict(connectors())["example 1 of http-source.md"], WRONG_CONNECTOR),
                                    (GAME_SCHEMA, dict(games())["example 1 of simulated-game.md"], WRONG_GAME)):
            for name, (old, new) in wrong.items():
                with self.subTest(name):
                    self.assertIn(old, text)
                    self.assertNotEqual(mistakes(text.replace(old, new, 1), schema), [])

    def test_accepts_every_dataflow(self):
        seen = 0
        for name, text in dataflows():
            with self.subTest(name):
                is_package = name.endswith("gameflow-package.yaml")
                self.assertEqual(mistakes(text, PACKAGE_SCHEMA if is_package else SCHEMA), [])
                seen += 1
        self.assertGreaterEqual(seen, 8)

    def test_accepts_both_forms_of_a_transform(self):
        text = FLAGSHIP.read_text()
        for form in ("{ operator: filter, run: x }", "{ filter: { run: x } }"):
            self.assertEqual(mistakes(text.replace("    states:", f"    transforms: [{form}]\n    states:", 1)), [])

    def test_refuses(self):
        text = FLAGSHIP.read_text()
        for name, (old, new) in WRONG.items():
            with self.subTest(name):
                self.assertIn(old, text)
                self.assertNotEqual(mistakes(text.replace(old, new, 1)), [])


if __name__ == "__main__":
    unittest.main()
