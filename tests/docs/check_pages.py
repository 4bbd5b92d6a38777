#!/usr/bin/env python3
"""Checks the pages: links lead somewhere, every page is linked, tables say what the code says.

Every message says where and what. Exit code 1 if there is one.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked(*patterns):
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout.split()
    return [ROOT / path for path in sorted(set(listed)) if (ROOT / path).is_file()]


def without_code(text):
    """The same lines, those of fenced blocks and code spans empty: what looks like a link there is none."""
    lines, fenced = [], False
    for line in text.splitlines():
        fence = line.startswith("```")
        lines.append("" if fenced or fence else re.sub(r"`[^`]*`", "", line))
        fenced ^= fence
    return lines


def anchors(page):
    """The names that GitHub gives the headings of a page."""
    found, fenced = set(), False
    for line in page.read_text().splitlines():
        fenced ^= line.startswith("```")
        if not fenced and (match := re.match(r"#+ (.*)", line)):
            words = re.sub(r"[^\w\- ]", "", match[1].strip().lower())
            found.add(words.replace(" ", "-"))
    return found


def links(page):
    """(line, target) of every link and picture that leads to a file or heading."""
    for number, line in enumerate(without_code(page.read_text()), 1):
        for target in re.findall(r"\]\(([^)\s]+)\)", line):
            if not re.match(r"[a-z]+:", target):
                yield number, target


def check_links(pages):
    linked = {ROOT / "README.md"}
    for page in pages:
        for number, target in links(page):
            path, _, anchor = target.partition("#")
            to = (page.parent / path).resolve() if path else page
            where = f"{page.relative_to(ROOT)}:{number}"
            if not to.exists():
                yield f"{where}: {target} does not exist"
            elif anchor and to.suffix == ".md" and anchor not in anchors(to):
                yield f"{where}: {path or 'this page'} has no heading #{anchor}"
            if to != page:
                linked.add(to / "README.md" if to.is_dir() else to)
    for page in pages:
        if page not in linked:
            yield f"{page.relative_to(ROOT)}: no page links to it: nobody will find it"


def check_readmes():
    """Each folder with sources says what it is."""
    folders = {path.parent for path in tracked("src/*.cc", "src/*.h", "bench/*.cc", "games/*.yaml") if "testdata" not in path.parts}
    for folder in sorted(folders | {ROOT / "tests", ROOT / "sdk", ROOT / "web"}):
        if not (folder / "README.md").is_file():
            yield f"{folder.relative_to(ROOT)}: has no README.md: purpose, main types, which thread owns what"


def check_layers():
    """The table in ARCHITECTURE.md is that of tools/check_layers.py."""
    tree = ast.parse((ROOT / "tools/check_layers.py").read_text())
    layers = next(ast.literal_eval(node.value) for node in tree.body
                  if isinstance(node, ast.Assign) and node.targets[0].id == "LAYERS")
    exists = {name for name in layers if (ROOT / "src" / name).is_dir() or name == "sdk"}
    listed = {}
    for level, folder, includes in re.findall(r"^\| (\d) \| \[`(?:src/)?(\w+)[/\w]*`\]\([^)]*\) \|[^|]*\| ([^|]*?) \|$",
                                              (ROOT / "ARCHITECTURE.md").read_text(), re.M):
        listed[folder] = (int(level), None if includes == "all" else set(re.findall(r"\w+", includes.replace("—", ""))))
    for name in sorted(exists | listed.keys()):
        level, includes = layers.get(name, (None, ""))
        wanted = (level, None if includes is None else set(includes.split()))
        if listed.get(name) != wanted or name not in exists:
            yield f"ARCHITECTURE.md: the layers table says {listed.get(name)} of {name}, tools/check_layers.py {wanted}"


def check_routes():
    """http.md has every route of the table in the code."""
    page = (ROOT / "docs/reference/http.md").read_text()
    routes = re.findall(r'Route\{Method::k(\w+), "([^"]+)"', (ROOT / "src/http/routes.cc").read_text())
    if len(routes) < 10:
        yield "tests/docs/check_pages.py: cannot read the routes of src/http/routes.cc any more"
    for method, path in routes:
        pattern = "/".join("[A-Z]+" if part in ("*", "**") else re.escape(part) for part in path.split("/"))
        if path != "/favicon.ico" and not re.search(rf"{method.upper()} [^\n]*?{pattern}[`,?]|`{pattern}`", page):
            yield f"docs/reference/http.md: describe {method.upper()} {path} (src/http/routes.cc)"


def check_benchmarks():
    """README.md names every case that is measured."""
    page = (ROOT / "README.md").read_text()
    for source in tracked("bench/*_cases.cc"):
        for name in re.findall(r'push_back\(\s*\{(?:\.name = )?"([\w/-]+)"', source.read_text()):
            if f"`{name}`" not in page:
                yield f"README.md: the table of benchmarks lacks `{name}` ({source.relative_to(ROOT)})"


def main():
    pages = tracked("*.md")
    found = [*check_links(pages), *check_readmes(), *check_layers(), *check_routes(), *check_benchmarks()]
    print("\n".join(found) if found else f"pages: {len(pages)} are fine")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
