#!/usr/bin/env python3
"""Checks that pages list what there is: every error code, every flag of a command, every alarm."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def check_errors():
    header = (ROOT / "src/base/error.h").read_text()
    names = re.findall(r"Name\{ErrorCode::(k\w+),\s*\"(\w+)\"\}", (ROOT / "src/base/error.cc").read_text())
    numbers = dict(re.findall(r"^  (k\w+) = (\d+),", header, re.M))
    page = (ROOT / "docs/reference/errors.md").read_text()
    listed = dict(re.findall(r"^\| `(\w+)` \| (\d{4}) \|", page, re.M))
    wanted = {name: numbers[constant] for constant, name in names}
    for name, number in wanted.items():
        if listed.get(name) != number:
            yield f"docs/reference/errors.md: add the row of `{name}`, {number} (src/base/error.h)"
    for name in listed.keys() - wanted.keys():
        yield f"docs/reference/errors.md: `{name}` is not in src/base/error.h: remove its row"
    for source in sorted([*(ROOT / "src/http").glob("*.cc"), *(ROOT / "src/serve").glob("*.cc")]):
        if source.name.endswith("_test.cc"):
            continue
        for name in re.findall(r"error_reply\(\s*\d+,\s*\"(\w+)\"", source.read_text()):
            if f"| `{name}` |" not in page:
                yield f"docs/reference/errors.md: add the row of `{name}` ({source.relative_to(ROOT)})"
    for constant in numbers.keys() - {c for c, _ in names}:
        yield f"src/base/error.cc: to_string has no case for {constant}"


def check_flags():
    code = "".join(path.read_text() for path in sorted((ROOT / "src/app").glob("cli*.cc")))
    page = (ROOT / "docs/reference/cli.md").read_text()
    for names in re.findall(r"add_(?:option|flag|option_function<std::string>)\(\s*\"([^\"]+)\"", code):
        for name in names.split(","):
            if name.startswith("-") and f"`{name}" not in page:
                yield f"docs/reference/cli.md: describe the flag {name} (src/app/cli*.cc)"
    for name in re.findall(r"envname\(\"(\w+)\"\)", code):
        if f"`{name}`" not in page:
            yield f"docs/reference/cli.md: describe the variable {name} (src/app/cli*.cc)"


def check_alarms():
    page = (ROOT / "docs/operations.md").read_text()
    named = re.findall(r"^\| `(\w+)` \|", page, re.M)
    rules = [path for path in sorted((ROOT / "deploy/prometheus").glob("*alerts.yml"))]
    alarms = [name for path in rules for name in re.findall(r"alert: (\w+)", path.read_text())]
    for name in alarms:
        if name not in named:
            yield f"docs/operations.md: say what the alarm {name} means (deploy/prometheus)"
    for name in named:
        if name not in alarms and not name.islower():
            yield f"docs/operations.md: there is no alarm {name} in deploy/prometheus: remove its row"


found = [*check_errors(), *check_flags(), *check_alarms()]
print("\n".join(found) if found else "reference: errors.md, cli.md and operations.md list all there is")
sys.exit(1 if found else 0)
