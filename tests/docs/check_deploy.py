"""What lies in deploy/ and compose.yaml fits the program: metrics that exist, dashboards that Grafana can load, files that are there.

With promtool at hand, it also has its say about the configuration, the alerts, their tests and every query of the dashboards.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
METRICS = set(re.findall(r"^\| `(\w+)` \|", (ROOT / "docs/reference/metrics.md").read_text(), re.M)) | {"up"}
# Those of the flagship's dashboards: of each, the names of its `metrics`.
METRICS |= {name for path in (ROOT / "games/gaming-analytics/dashboards").glob("*.yaml") for name in yaml.safe_load(path.read_text()).get("metrics", {})}
DASHBOARDS = sorted((DEPLOY / "grafana/dashboards").glob("*.json"))
# What Grafana puts in, as the query then reads.
VARIABLES = {"$__rate_interval": "1m", "$service": ".*", "$region": ".*"}


def metrics_of(expression):
    text = re.sub(r'"[^"]*"|\{[^}]*\}|\[[^\]]*\]|\b(by|on|without|ignoring)\s*\([^)]*\)', " ", expression)
    return {name.removesuffix("_bucket") for name in re.findall(r"\b(?:gameflow|process|game)_\w+|\bup\b", text)}


def check_dashboard(path):
    dashboard = json.loads(path.read_text())
    for key in ("uid", "title", "schemaVersion", "time", "templating", "panels"):
        if key not in dashboard:
            yield f"no {key}"
    uids = {source["uid"] for source in yaml.safe_load((DEPLOY / "grafana/provisioning/datasources/prometheus.yaml").read_text())["datasources"]}
    taken, ids = {}, set()
    for panel in dashboard["panels"]:
        name = panel["title"]
        if panel["id"] in ids:
            yield f"{name}: its id is another one's, too"
        ids.add(panel["id"])
        place = panel["gridPos"]
        if place["x"] + place["w"] > 24:
            yield f"{name}: wider than the page of 24 columns"
        for cell in ((x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])):
            if taken.setdefault(cell, name) != name:
                yield f"{name}: lies on {taken[cell]}"
                break
        for target in panel["targets"]:
            if target["datasource"]["uid"] not in uids:
                yield f"{name}: no data source {target['datasource']['uid']} is provisioned"
            for metric in metrics_of(target["expr"]) - METRICS:
                yield f"{name}: docs/reference/metrics.md knows no {metric}"
        if not any(metrics_of(target["expr"]) for target in panel["targets"]):
            yield f"{name}: asks for nothing"


def check_alerts(path):
    for group in yaml.safe_load(path.read_text())["groups"]:
        for rule in group["rules"]:
            for metric in metrics_of(rule["expr"]) - METRICS:
                yield f"{rule['alert']}: docs/reference/metrics.md knows no {metric}"


def check_compose(path):
    services = yaml.safe_load(path.read_text())["services"]
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and not (ROOT / source).exists():
                yield f"{name}: there is no {source}"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:"):
                yield f"{name}: {port} can be reached from other machines"
        for other in service.get("depends_on", []):
            if other not in services:
                yield f"{name}: there is no service {other}"


def check_promtool():
    queries = [target["expr"] for path in DASHBOARDS for panel in json.loads(path.read_text())["panels"] for target in panel["targets"]]
    for variable, value in VARIABLES.items():
        queries = [query.replace(variable, value) for query in queries]
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as rules:
        json.dump({"groups": [{"name": "dashboard", "rules": [{"record": f"query:{i}", "expr": query} for i, query in enumerate(queries)]}]}, rules)
        rules.flush()
        for command in (["check", "config", DEPLOY / "prometheus/prometheus.yml"], ["check", "rules", rules.name],
                        ["test", "rules", DEPLOY / "prometheus/game_alerts_test.yml"]):
            done = subprocess.run(["promtool", *command], capture_output=True, text=True)
            if done.returncode != 0:
                yield f"promtool {command[1]}: {done.stdout}{done.stderr}"


found = [f"{path.relative_to(ROOT)}: {message}" for path in DASHBOARDS for message in check_dashboard(path)]
for name in ("alerts.yml", "game_alerts.yml"):
    found += [f"deploy/prometheus/{name}: {message}" for message in check_alerts(DEPLOY / "prometheus" / name)]
found += [f"compose.yaml: {message}" for message in check_compose(ROOT / "compose.yaml")]
if shutil.which("promtool"):
    found += check_promtool()
else:
    print("deploy: there is no promtool (Debian's package prometheus has it), so the configuration, rules and queries were only read")
print("\n".join(found) if found else "deploy: dashboards, alerts and compose.yaml fit the program")
sys.exit(1 if found else 0)
