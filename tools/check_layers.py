#!/usr/bin/env python3
"""Checks who includes whom, which library is used where, and how long things are.

Every message says what to do. Exit code 1 if there is one. `--self-test` tests this file.
The layers are those of ARCHITECTURE.md; change both together.
"""
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# folder: (level, folders it may include). "sdk" is <gameflow/...>. `app` may include all.
LAYERS = {
    "sdk": (0, ""),
    "base": (0, ""),
    "record": (1, "base sdk"),
    "window": (1, "base"),
    "spec": (2, "base record"),
    "log": (2, "base record"),
    "state": (2, "base record sdk"),
    "client": (2, "base"),
    "plan": (3, "spec record sdk base"),
    "opbuild": (3, "spec plan record sdk base"),
    "query": (3, "state record base sdk"),
    "runtime": (4, "plan query log state record window sdk base"),
    "connect": (4, "client record base sdk"),
    "generate": (4, "record base"),
    "api": (5, "runtime query plan spec log state record base"),
    "http": (6, "api record base"),
    "app": (7, None),
}

# Things that have one place. (what, pattern, folders where it is fine, what to do instead)
ONE_PLACE = [
    ("simdjson", r'#include\s*[<"]simdjson', ["src/record"], "go through record/codec.h"),
    ("yaml-cpp", r'#include\s*[<"]yaml-cpp', ["src/spec"], "go through spec/model.h"),
    ("RocksDB", r'#include\s*[<"]rocksdb/', ["src/log/rocksdb"], "go through log/store.h"),
    ("librdkafka", r'#include\s*[<"]librdkafka', ["src/log/kafka"], "go through log/store.h"),
    ("SQLite", r'#include\s*[<"]sqlite3', ["src/query"], "go through query/query.h"),
    ("Beast and Asio", r'#include\s*[<"]boost/(beast|asio)', ["src/http"], "go through api/api.h or client/http_client.h"),
    ("libcurl", r'#include\s*[<"]curl/', ["src/client"], "go through client/http_client.h"),
    ("dlopen", r"\bdl(m)?open\s*\(", ["src/opbuild"], "go through opbuild/opbuild.h"),
    ("a thread", r"\bstd::(jthread|thread)\b(?!::(hardware_concurrency|id))",
     ["src/runtime", "src/http", "src/log", "src/app", "src/connect", "src/opbuild"],
     "return to the caller and let runtime/ run it"),
    ("the system clock", r"\bsystem_clock\b|\bgettimeofday\b|\bCLOCK_REALTIME\b|\btime\((nullptr|NULL|0)\)", ["src/base"],
     "take a Clock (base/time.h) from the caller"),
    ("a concrete store", r'#include\s*"log/(rocksdb|memory|kafka)/', ["src/log", "src/app"],
     "take a log::Store& from the caller"),
]

COLUMNS_MAX, HEADER_MAX, SOURCE_MAX, FUNCTION_MAX = 100, 200, 500, 70
# What is longer than it should be and may not grow: "path kind[:function] lines" in this file.
RATCHET = ROOT / "tools" / "lengths_allowed.txt"


def folder_of(path):
    parts = Path(path).parts
    if parts[0] == "sdk":
        return "sdk"
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def is_test(path):
    return re.search(r"(_test|_bench|_fuzz|test_util)\.(cc|h)$", str(path)) is not None


def check_includes(path, lines):
    folder = folder_of(path)
    if folder not in LAYERS:
        return [f"{path}:1: folder src/{folder} is not in the table of layers: give it a row in tools/check_layers.py"]
    allowed = LAYERS[folder][1]
    found = []
    for number, line in enumerate(lines, 1):
        match = re.match(r'\s*#\s*include\s*(["<])([^">]+)', line)
        if not match:
            continue
        quote, name = match.groups()
        target = "sdk" if name.startswith("gameflow/") else name.split("/")[0]
        if ".." in name.split("/") or (quote == '"' and "/" not in name) or (quote == "<" and target in LAYERS and target != "sdk"):
            found.append(f'{path}:{number}: write "FOLDER/FILE.h" as seen from src/, or <gameflow/FILE.h>: this check reads no other way')
            continue
        if allowed is None:
            continue
        # Tests may use the fakes that ship with a lower layer.
        if target == folder or target in allowed.split() or target not in LAYERS:
            continue
        if is_test(path) and LAYERS[target][0] <= LAYERS[folder][0]:
            continue
        found.append(f"{path}:{number}: {folder} may not include {target}: it may include "
                     f"{', '.join(allowed.split()) or 'nothing of ours'}; move the shared part down, or turn the dependence round")
    return found


def check_one_place(path, lines):
    found = []
    for number, line in enumerate(lines, 1):
        code = line.split("//")[0] if not line.lstrip().startswith("#include") else line
        for what, pattern, places, instead in ONE_PLACE:
            if is_test(path) and what in ("a thread", "a concrete store"):
                continue
            if re.search(pattern, code) and not any(str(path).startswith(place + "/") for place in places):
                found.append(f"{path}:{number}: {what} has its place in {', '.join(places)}: {instead}")
    return found


def functions(lines):
    """(name, first line, length) of every function that begins in column 0."""
    start, name = None, None
    for number, line in enumerate(lines, 1):
        if start is None:
            if re.match(r"[A-Za-z_~].*[{(,]$", line) and not re.match(
                    r"(namespace|class|struct|enum|union|extern|using|template|#|public|private)\b", line) and " = " not in line:
                match = re.search(r"([A-Za-z_~][\w:~]*)\s*\(", line)
                start, name = number, match[1] if match else line.strip()
        elif re.match(r"\}", line):
            yield name, start, number - start + 1
            start = None
        elif re.search(r";\s*$", line) and line[:1].strip() and not line.startswith(" "):
            start = None
        elif re.search(r"\);\s*$", line) and number - start < 6 and not any("{" in l for l in lines[start - 1:number]):
            start = None


def check_lengths(path, lines, allowed):
    found, test = [], is_test(path)

    def limit(kind, actual, bound, where, advice):
        known = allowed.get((str(path), kind))
        if actual <= bound:
            if known is not None:
                found.append(f"{path}:{where}: {kind} is within its limit now: remove its line from {RATCHET.name}")
        elif known is None:
            found.append(f"{path}:{where}: {kind} has {actual} lines, the limit is {bound}: {advice}")
        elif actual > known:
            found.append(f"{path}:{where}: {kind} grew from {known} to {actual} lines, the limit is {bound}: {advice}")

    if path.suffix == ".h":
        limit("header", len(lines), HEADER_MAX, 1, "one main class a header; split it")
    elif not test:
        limit("source", len(lines), SOURCE_MAX, 1, "split it by what the parts do")
    if not test:
        for name, start, length in functions(lines):
            limit(f"function:{name}", length, FUNCTION_MAX, start, "name its parts and call them")
    raw = False
    for number, line in enumerate(lines, 1):
        was_raw, raw = raw, bool(re.search(r'R"\w*\(', line)) or (raw and not re.search(r'\)\w*"', line))
        if len(line) > COLUMNS_MAX and not (was_raw or raw or 'R"' in line or "://" in line or "#include" in line):
            found.append(f"{path}:{number}: {len(line)} columns, the limit is {COLUMNS_MAX}: run clang-format -i, break the string")
    return found


def check(path, text, allowed):
    lines = text.splitlines()
    return check_includes(path, lines) + check_one_place(path, lines) + check_lengths(path, lines, allowed)


def read_ratchet():
    allowed = {}
    if RATCHET.exists():
        for line in RATCHET.read_text().splitlines():
            if line and not line.startswith("#"):
                path, kind, value = line.split()
                allowed[(path, kind)] = int(value)
    return allowed


def sources():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "src", "sdk"],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return [Path(p) for p in listed if p.endswith((".h", ".cc")) and (ROOT / p).exists()]


def self_test():
    long_function = "int f(int a) {\n" + "  a += 1;\n" * 80 + "}\n"
    cases = [  # (name, path, text, part of the message or None)
        ("allowed include", "src/plan/a.cc", '#include "spec/model.h"', None),
        ("own folder", "src/plan/a.cc", '#include "plan/plan.h"', None),
        ("own folder by name alone", "src/plan/a.cc", '#include "plan.h"', "as seen from src/"),
        ("round the check by a relative path", "src/window/a.cc", '#include "../runtime/engine.h"', "as seen from src/"),
        ("round the check by way of a folder", "src/window/a.cc", '#include "base/../api/api.h"', "as seen from src/"),
        ("round the check by brackets", "src/window/a.cc", "#include <runtime/engine.h>", "as seen from src/"),
        ("a library", "src/window/a.cc", "#include <sys/stat.h>", None),
        ("include upwards", "src/record/a.cc", '#include "api/api.h"', "record may not include api"),
        ("include of the same level", "src/log/a.h", '#include "spec/model.h"', "log may not include spec"),
        ("sdk where it is not allowed", "src/spec/a.cc", "#include <gameflow/abi.h>", "spec may not include sdk"),
        ("sdk where it is", "src/record/a.cc", "#include <gameflow/types.h>", None),
        ("app includes all", "src/app/a.cc", '#include "http/server.h"', None),
        ("a test uses a fake of a lower layer", "src/query/a_test.cc", '#include "log/memory/memory_store.h"', None),
        ("unknown folder", "src/misc/a.cc", "", "not in the table"),
        ("library out of place", "src/api/a.cc", "#include <simdjson.h>", "record/codec.h"),
        ("library in place", "src/record/a.cc", "#include <simdjson.h>", None),
        ("beast in the client", "src/app/a.cc", "#include <boost/beast.hpp>", "src/http"),
        ("dlopen", "src/runtime/a.cc", "void* p = dlopen(name, 0);", "opbuild"),
        ("a thread", "src/plan/a.cc", "std::jthread t;", "runtime/"),
        ("a count of cores is no thread", "src/plan/a.cc", "std::thread::hardware_concurrency();", None),
        ("the clock", "src/runtime/a.cc", "std::chrono::system_clock::now();", "Clock"),
        ("the clock in a comment", "src/runtime/a.cc", "// not system_clock", None),
        ("a concrete store", "src/api/a.cc", '#include "log/rocksdb/rocksdb_store.h"', "log::Store&"),
        ("long line", "src/base/a.cc", "// " + "x" * 100, "103 columns"),
        ("long URL", "src/base/a.cc", "// https://" + "x" * 100, None),
        ("long header", "src/base/a.h", "\n" * 201, "header has 201"),
        ("long source", "src/base/a.cc", "\n" * 501, "source has 501"),
        ("long test", "src/base/a_test.cc", "\n" * 501, None),
        ("long function", "src/base/a.cc", long_function, "function:f has 82"),
        ("long namespace", "src/base/a.cc", "namespace a {\n" + "int x;\n" * 80 + "}\n", None),
        ("a table is no function", "src/base/a.cc", "constexpr auto kWords = make({\n" + '    "x",\n' * 80 + "});\n", None),
        ("declarations are no function", "src/base/a.cc", "int f(int a,\n      int b);\n" * 40, None),
    ]
    failed = 0
    for name, path, text, expected in cases:
        found = check(Path(path), text, {})
        good = not found if expected is None else any(expected in message for message in found)
        if not good:
            failed += 1
            print(f"self-test '{name}': expected {expected!r}, got {found}")
    ratchet = {("src/base/a.cc", "source"): 510}
    for length, expected in ((510, None), (511, "grew"), (400, "remove its line")):
        found = check(Path("src/base/a.cc"), "\n" * length, ratchet)
        if (expected is None and found) or (expected and not any(expected in m for m in found)):
            failed += 1
            print(f"self-test 'ratchet at {length}': expected {expected!r}, got {found}")
    for folder, (level, allowed) in LAYERS.items():
        for target in (allowed or "").split():
            if LAYERS[target][0] > level:
                failed += 1
                print(f"self-test: {folder} (level {level}) includes {target} above it")
    print(f"check_layers self-test: {len(cases) + 3} cases, {failed} failed")
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(1 if self_test() else 0)
    allowed = read_ratchet()
    found = [message for path in sources() for message in check(path, (ROOT / path).read_text(), allowed)]
    print("\n".join(found) if found else f"layers: {len(sources())} files are fine")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
