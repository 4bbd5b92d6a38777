#!/usr/bin/env python3
"""Checks who includes whom, which library is used where, and how large things are.

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
    "auth": (1, "base"),
    "record": (1, "base sdk"),
    "window": (1, "base"),
    "spec": (2, "base record sdk"),
    "log": (2, "base record"),
    "state": (2, "base record sdk"),
    "client": (2, "base"),
    "serve": (2, "record auth base"),
    "plan": (3, "spec record sdk base"),
    "opbuild": (3, "spec plan record sdk base"),
    "query": (3, "state record base sdk"),
    "runtime": (4, "plan query log state record window sdk base"),
    "connect": (4, "spec client serve record base sdk"),
    "generate": (4, "spec record base"),
    "api": (5, "runtime query plan spec log state record base sdk"),
    "live": (6, "api query spec record base"),
    "http": (7, "serve live api runtime query plan spec log record auth base"),
    "app": (8, None),
}

# Things that have one place. (what, pattern, folders where it is fine, what to do instead)
ONE_PLACE = [
    ("simdjson", r'#include\s*[<"]simdjson', ["src/record"], "go through record/codec.h"),
    ("yaml-cpp", r'#include\s*[<"]yaml-cpp', ["src/spec"], "go through spec/model.h"),
    ("RocksDB", r'#include\s*[<"]rocksdb/', ["src/log/rocksdb"], "go through log/store.h"),
    ("librdkafka", r'#include\s*[<"]librdkafka', ["src/connect/kafka"], "go through the kinds of connect/kafka"),
    ("libmosquitto", r'#include\s*[<"]mosquitto', ["src/connect/mqtt"], "go through the kind of connect/mqtt"),
    ("libpq", r'#include\s*[<"]libpq', ["src/connect/sql"], "go through connect/sql/pg_connection.h"),
    ("SQLite", r'#include\s*[<"]sqlite3', ["src/query"], "go through query/query.h"),
    ("Beast and Asio", r'#include\s*[<"]boost/(beast|asio)', ["src/serve"], "go through serve/server.h or client/http_client.h"),
    ("libcurl", r'#include\s*[<"]curl/', ["src/client"], "go through client/http_client.h"),
    ("libedit", r'#include\s*[<"](editline/|histedit)', ["src/app/sql"], "go through app/sql/line_editor.h"),
    ("dlopen", r"\bdl(m)?open\s*\(", ["src/opbuild", "src/connect"], "go through opbuild/opbuild.h"),
    ("a thread", r"\bstd::(jthread|thread)\b(?!::(hardware_concurrency|id))",
     ["src/runtime", "src/serve", "src/log", "src/app", "src/connect", "src/opbuild", "src/live"],
     "return to the caller and let runtime/ run it"),
    ("a mutex of the standard library", r"\bstd::(\w*mutex|lock_guard|unique_lock|scoped_lock|shared_lock)\b", ["src/base"],
     "take Mutex and MutexLock, and say what it guards (base/mutex.h)"),
    ("the system clock", r"\bsystem_clock\b|\bgettimeofday\b|\bCLOCK_REALTIME\b|\btime\((nullptr|NULL|0)\)", ["src/base"],
     "take a Clock (base/time.h) from the caller"),
    ("a concrete store", r'#include\s*"log/(rocksdb|memory|kafka)/', ["src/log", "src/app"],
     "take a log::Store& from the caller"),
]

COLUMNS_MAX, HEADER_MAX, SOURCE_MAX, FUNCTION_MAX = 100, 200, 500, 70
# Folders whose classes are counted too, and how much one may have.
COUNTED, METHODS_MAX, MEMBERS_MAX = ("runtime",), 15, 12
# What is larger than it should be and may not grow: "path kind[:name] count" in this file.
RATCHET = ROOT / "tools" / "lengths_allowed.txt"


def folder_of(path):
    parts = Path(path).parts
    if parts[0] == "sdk":
        return "sdk"
    return parts[1] if parts[0] == "src" and len(parts) > 2 else None


def is_test(path):
    """And what only tests use."""
    return re.search(r"(_test|_bench|_fuzz|test_util|/(fake|property)_\w+)\.(cc|h)$", str(path)) is not None


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
            if is_test(path) and what in ("Beast and Asio", "a thread", "a mutex of the standard library", "a concrete store"):
                continue
            if re.search(pattern, code) and not any(str(path).startswith(place + "/") for place in places):
                found.append(f"{path}:{number}: {what} has its place in {', '.join(places)}: {instead}")
    return found


def includes(text):
    return re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.M)


def without_words(text):
    """Without comments and the insides of strings."""
    text = re.sub(r"//.*", "", text)
    text = re.sub(r'R"(\w*)\(.*?\)\1"', '""', text, flags=re.S)
    return re.sub(r'"(\\.|[^"\\\n])*"', '""', text)


def check_names(path, text, header):
    """A folder's names come with its headers: a file that has them only through another folder's breaks when that one changes,
    and gets round the table of layers. `header`: the text of the one of the same name, whose includes count."""
    folder = folder_of(path)
    if is_test(path) or folder not in LAYERS:
        return []
    code = without_words(text)
    included = {name.split("/")[0] for name in includes(text) + includes(header)} | {folder}
    # A part of the SDK has the name of the folder that runs it: <gameflow/connect/connector.h>.
    included |= set(re.findall(r'^\s*#\s*include\s*<gameflow/(\w+)/', text + "\n" + header, re.M))
    found = {}
    for match in re.finditer(r"(?<![\w:.>])(\w+)::", code):
        name = match[1]
        if name in LAYERS and name not in included:
            found.setdefault(name, code.count("\n", 0, match.start()) + 1)
    return [f"{path}:{number}: {name}:: is used, but no header of src/{name} is included: include the one that has it"
            for name, number in found.items()]


def classes(text):
    """(name, line, methods, members) of every class. Constructors and what is defaulted do not count; nor do structs: plain data."""
    code = without_words(text)
    for match in re.finditer(r"\bclass\s+(?:GF_\w+\(.*?\)\s+)?(\w+)(?:\s+final)?(?:\s*:[^;{]*)?\s*\{", code):
        depth, at, body = 1, match.end(), ""
        while depth > 0 and at < len(code):
            depth += {"{": 1, "}": -1}.get(code[at], 0)
            # What is inside of inner braces leaves a mark: of a body, an initialiser or a nested type.
            body += code[at] if depth == 1 and code[at] != "}" else "\0" if depth == 1 else ""
            at += 1
        methods = members = 0
        for part in re.split(r"[;\0]", re.sub(r"\b(?:public|private|protected):", "", body)):
            part = re.sub(r"GF_\w+\([^()]*\)", "", part)
            while re.search(r"<[^<>]*>", part):  # not the () in std::function<void()>
                part = re.sub(r"<[^<>]*>", "", part)
            part = part.strip()
            if re.match(r"(using|friend|enum|class|struct|static constexpr|template\s*<[^>]*>\s*(class|struct)|static_assert)\b", part):
                continue
            if re.search(r"=\s*(default|delete)$", part) or not re.search(r"\w\s+[\w:<>*&\s]*\w|\(", part):
                continue
            if "(" in part:
                methods += not re.match(rf"(explicit\s+)?{match[1]}\(", part)
            else:
                members += 1 + part.count(",")
        yield match[1], code.count("\n", 0, match.start()) + 1, methods, members


def check_classes(path, text, allowed):
    if folder_of(path) not in COUNTED or path.suffix != ".h" or is_test(path):
        return []
    found = []
    for name, line, methods, members in classes(text):
        for what, count, bound in (("methods", methods, METHODS_MAX), ("members", members, MEMBERS_MAX)):
            found += over_limit(path, f"{what}:{name}", count, bound, line, "it is more than one thing", allowed)
    return found


def circles(graph):
    """The sets of nodes of which each leads to each other. `graph`: {node: nodes it leads to}"""
    def reached(start):
        seen, left = set(), [start]
        while left:
            for node in graph.get(left.pop(), ()):
                if node not in seen:
                    seen.add(node)
                    left.append(node)
        return seen

    reach = {node: reached(node) for node in graph}
    return sorted({tuple(sorted(other for other in reach[node] if node in reach.get(other, ()))) for node in graph if node in reach[node]})


def check_circles(texts):
    """Among headers, which include guards hide, and among folders with their subfolders. `texts`: {path: text}"""
    files = {path: [Path("src") / name for name in includes(text)] for path, text in texts.items()}
    folders = {}
    for path, included in files.items():
        if not is_test(path):
            folders.setdefault(path.parent, set()).update(name.parent for name in included if name.parent != path.parent)
    return [f"{circle[0]}:1: these include each other: {', '.join(map(str, circle))}; move what they share into one of its own"
            for graph in (files, folders) for circle in circles(graph)]


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


def over_limit(path, kind, actual, bound, line, advice, allowed):
    known = allowed.get((str(path), kind))
    if actual <= bound:
        return [f"{path}:{line}: {kind} is within its limit now: remove its line from {RATCHET.name}"] if known is not None else []
    unit = kind.split(":")[0] if kind.startswith("me") else "lines"
    if known is None:
        return [f"{path}:{line}: {kind} has {actual} {unit}, the limit is {bound}: {advice}"]
    return [f"{path}:{line}: {kind} grew from {known} to {actual} {unit}, the limit is {bound}: {advice}"] if actual > known else []


def check_lengths(path, lines, allowed):
    found, test = [], is_test(path)

    def limit(kind, actual, bound, where, advice):
        found.extend(over_limit(path, kind, actual, bound, where, advice, allowed))

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


def without_raw(text):
    """Without what stands in raw strings, which is of another program; lines keep their numbers."""
    return re.sub(r'R"(\w*)\(.*?\)\1"', lambda raw: '""' + "\n" * raw[0].count("\n"), text, flags=re.S)


def check(path, text, allowed, header=""):
    lines = text.splitlines()
    return (check_includes(path, without_raw(text).splitlines()) + check_one_place(path, lines) + check_names(path, text, header) +
            check_classes(path, text, allowed) + check_lengths(path, lines, allowed))


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
        ("sdk where it is not allowed", "src/log/a.cc", "#include <gameflow/abi.h>", "log may not include sdk"),
        ("sdk where it is", "src/record/a.cc", "#include <gameflow/types.h>", None),
        ("app includes all", "src/app/a.cc", '#include "http/server.h"', None),
        ("a test uses a fake of a lower layer", "src/query/a_test.cc", '#include "log/memory/memory_store.h"', None),
        ("unknown folder", "src/misc/a.cc", "", "not in the table"),
        ("library out of place", "src/api/a.cc", "#include <simdjson.h>", "record/codec.h"),
        ("library in place", "src/record/a.cc", "#include <simdjson.h>", None),
        ("beast in the client", "src/app/a.cc", "#include <boost/beast.hpp>", "src/serve"),
        ("dlopen", "src/runtime/a.cc", "void* p = dlopen(name, 0);", "opbuild"),
        ("a thread", "src/plan/a.cc", "std::jthread t;", "runtime/"),
        ("a count of cores is no thread", "src/plan/a.cc", "std::thread::hardware_concurrency();", None),
        ("a bare mutex", "src/log/a.h", "std::mutex mutex_;", "base/mutex.h"),
        ("a mutex of a test", "src/log/a_test.cc", "std::mutex mutex;", None),
        ("a name without its header", "src/http/a.cc", "log::Offset offset;", "no header of src/log"),
        ("a name with its header", "src/log/a.cc", '#include "record/batch.h"\nrecord::Batch batch;', None),
        ("a name in a comment", "src/http/a.cc", "// as log::Offset", None),
        ("members as many as may be", "src/runtime/a.h", "class A {\n" + "  int a_ = 0;\n" * 12 + "};\n", None),
        ("too many members", "src/runtime/a.h", "class A {\n" + "  int a_ GF_GUARDED_BY(m_) = 0;\n" * 13 + "};\n", "13 members"),
        ("too many methods", "src/runtime/a.h", "class A {\n" + "  int a() { return 1; }\n" * 16 + "};\n", "16 methods"),
        ("what is defaulted", "src/runtime/a.h", "class A {\n" + "  A& operator=(int) = default;\n" * 16 + "};\n", None),
        ("plain data", "src/runtime/a.h", "struct A {\n" + "  int a = 0;\n" * 13 + "};\n", None),
        ("a nested type counts for itself", "src/runtime/a.h",
         "class A {\n  struct B {\n" + "    int a;\n" * 12 + "  };\n  B b_;\n};\n", None),
        ("the clock", "src/runtime/a.cc", "std::chrono::system_clock::now();", "Clock"),
        ("the clock in a comment", "src/runtime/a.cc", "// not system_clock", None),
        ("a concrete store", "src/api/a.cc", '#include "log/rocksdb/rocksdb_store.h"', "log::Store&"),
        ("an include of a program in a raw string", "src/plan/a.cc", 'auto a = R"(#include "a.h"\n)";\n#include "spec/model.h"', None),
        ("an include behind one", "src/plan/a.cc", 'auto a = R"(\n)";\n#include "api/api.h"', "plan may not include api"),
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
    for name, texts, expected in (
            ("headers", {"src/log/a.h": '#include "log/b.h"', "src/log/b.h": '#include "log/a.h"'}, 1),
            ("folders", {"src/log/a.cc": '#include "log/x/b.h"', "src/log/x/b.h": "", "src/log/x/c.cc": '#include "log/d.h"'}, 1),
            ("none", {"src/log/a.cc": '#include "log/x/b.h"', "src/log/x/b.h": '#include "base/c.h"'}, 0)):
        found = check_circles({Path(path): text for path, text in texts.items()})
        if len(found) != expected:
            failed += 1
            print(f"self-test 'circle of {name}': expected {expected}, got {found}")
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
    print(f"check_layers self-test: {len(cases) + 6} cases, {failed} failed")
    return failed


def main():
    if sys.argv[1:] == ["--self-test"]:
        sys.exit(1 if self_test() else 0)
    allowed = read_ratchet()
    texts = {path: (ROOT / path).read_text() for path in sources()}
    found = check_circles(texts)
    for path, text in texts.items():
        found += check(path, text, allowed, texts.get(path.with_suffix(".h"), "") if path.suffix == ".cc" else "")
    print("\n".join(found) if found else f"layers: {len(texts)} files are fine")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
