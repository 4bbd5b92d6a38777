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
# Where compose.yaml has the token of a container.
SECRET = "/run/secrets/gameflow-token"
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
    compose = yaml.safe_load(path.read_text())
    services = compose["services"]
    for name, service in services.items():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith(".") and not (ROOT / source).exists():
                yield f"{name}: there is no {source}"
            if not source.startswith(".") and source not in compose["volumes"]:
                yield f"{name}: there is no volume {source}"
        for port in service.get("ports", []):
            if not port.startswith("127.0.0.1:") and not (name == "gameflow" and port.startswith("${ADDRESS:-127.0.0.1}:")):
                yield f"{name}: {port} can be reached from other machines"
        for other in service.get("depends_on", []):
            if other not in services:
                yield f"{name}: there is no service {other}"
    yield from check_tokens(services)


def check_tokens(services):
    """Everybody needs a token, and has only their own: in a volume that else only `tokens` has, which writes it."""
    of = lambda name, key: services[name].get(key, {})
    if not {of(name, "environment").get("GAMEFLOW_AUTH") for name in ("gameflow", "tokens")} <= {"/var/lib/gameflow/tokens"}:
        yield "gameflow, tokens: GAMEFLOW_AUTH names no file, or not the same one, in the volume of both"
    if "--insecure-no-auth" in of("gameflow", "command"):
        yield "gameflow: would answer without its file of tokens"
    given = {volume.split(":")[0]: volume.split("/secrets/")[1] for volume in of("tokens", "volumes") if "/secrets/" in volume}
    made = set(re.findall(r"^give (\w+) ", (DEPLOY / "tokens.sh").read_text(), re.M))
    if made != set(given.values()):
        yield f"tokens: makes them of {made}, and has volumes for {set(given.values())}"
    for volume, owner in given.items():
        if f"/secrets/{owner}" not in (ROOT / "Dockerfile").read_text():
            yield f"tokens: may not write to {volume}: the image has no folder /secrets/{owner}"
        mounted = {name: mount for name in services if name != "tokens" for mount in of(name, "volumes") if mount.startswith(f"{volume}:")}
        if mounted != {owner: f"{volume}:/run/secrets:ro"}:
            yield f"{volume}: is mounted as {mounted}"
    waits = {name for name in services if of(name, "depends_on") and "tokens" in of(name, "depends_on")}
    if waits != {"gameflow", "prometheus"}:
        yield f"tokens: {waits} wait until they are made"
    if of("connector", "environment").get("GAMEFLOW_TOKEN") != f"@{SECRET}":
        yield "connector: does not take its token"
    for job in yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]:
        if job.get("authorization") != {"credentials_file": SECRET}:
            yield f"prometheus: job {job['job_name']} does not take its token"


def check_promtool():
    queries = [target["expr"] for path in DASHBOARDS for panel in json.loads(path.read_text())["panels"] for target in panel["targets"]]
    for variable, value in VARIABLES.items():
        queries = [query.replace(variable, value) for query in queries]
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w", suffix=".yml") as rules:
        # It wants to see the file with the token, too.
        shutil.copytree(DEPLOY / "prometheus", folder, dirs_exist_ok=True)
        configuration = pathlib.Path(folder, "prometheus.yml")
        configuration.write_text(configuration.read_text().replace(SECRET, rules.name))
        json.dump({"groups": [{"name": "dashboard", "rules": [{"record": f"query:{i}", "expr": query} for i, query in enumerate(queries)]}]}, rules)
        rules.flush()
        for command in (["check", "config", configuration], ["check", "rules", rules.name],
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
