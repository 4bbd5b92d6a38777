#!/usr/bin/env python3
"""Writes docs/metrics-glossary.md, what each figure of the flagship's dashboards means, from their panels' definitions.
--check changes nothing: it fails where the page is not what it would write, or a panel has no definition."""

import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parent.parent
DASHBOARDS = ROOT / "games/gaming-analytics/dashboards"
PAGE = ROOT / "docs/metrics-glossary.md"

HEAD = """# What the figures mean

Every figure of the flagship's dashboards, as its panel says to those who ask. Words that are used here (a session, an attempt, a flag) are
explained in [the flagship's README](../games/gaming-analytics/README.md#what-the-numbers-mean). `tools/glossary.py` makes this page from
[the dashboards](../games/gaming-analytics/dashboards): change a definition there.
"""


def cell(text):
    return " ".join(str(text).split()).replace("|", "\\|")


def table(head, rows):
    return [f"| {' | '.join(head)} |", "|" + "---|" * len(head), *(f"| {' | '.join(map(cell, row))} |" for row in rows), ""]


def section(dashboard):
    """Of one dashboard: its lines, and the panels that say nothing of themselves."""
    panels = [panel for row in dashboard["rows"] for panel in row["panels"] if panel["type"] != "text"]
    lines = [f"## {dashboard['title']}", "", cell(dashboard.get("description", "")), ""]
    lines += table(("Figure", "Unit", "What it is"), [(panel.get("title", ""), panel.get("unit", ""), panel.get("definition", "")) for panel in panels])
    metrics = dashboard.get("metrics", {})
    if metrics:
        lines += table(("In `/metrics`", "What it is"), [(f"`{name}`", metric["help"]) for name, metric in metrics.items()])
    return lines, [panel.get("title", "without a title") for panel in panels if not panel.get("definition")]


def main():
    files = [(path, yaml.safe_load(path.read_text())) for path in sorted(DASHBOARDS.glob("*.yaml"))]
    files.sort(key=lambda one: (one[1].get("order", sys.maxsize), one[1]["title"]))
    lines, mistakes = [HEAD], []
    for path, dashboard in files:
        more, silent = section(dashboard)
        lines += more
        mistakes += [f"{path.relative_to(ROOT)}: panel '{title}' has no definition: say what exactly it shows" for title in silent]
    text = "\n".join(lines)
    if "--check" not in sys.argv[1:]:
        PAGE.write_text(text)
    elif not PAGE.exists() or PAGE.read_text() != text:
        mistakes.append(f"{PAGE.relative_to(ROOT)} is not what the dashboards say: run tools/glossary.py")
    print("\n".join(mistakes) if mistakes else f"glossary: {len(files)} dashboards")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
