#!/usr/bin/env bash
# Builds and runs every test. A stage is one line of `stages`; its tests are those of one ctest run.
# Ends with the last lines of each test that failed and "N passed, N failed" over all stages, and
# exits 1 if one failed.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
passed=0 failed=0
failures=$(mktemp)
trap 'rm -f "$failures"' EXIT

# last_lines LOG: of what ctest printed, each failed test and the last 40 lines of its output.
last_lines() {
  awk '
    function show(  i) {
      if (!name) return
      print name
      for (i = (n > 40 ? n - 40 : 0); i < n; ++i) print "  " line[i]
      name = ""
    }
    / Test +#[0-9]+: |^ +Start +[0-9]+: |tests passed, / { show() }
    / Test +#[0-9]+: .*\*\*\*/ { name = $0; n = 0; next }
    name && NF { line[n++] = $0 }
  ' "$1"
}

# stage NAME FOLDER CTEST-ARGUMENTS…: adds to the totals.
stage() {
  local name=$1 folder=$2 log
  shift 2
  echo "== $name"
  log=$(mktemp)
  ctest --test-dir "$folder" --output-on-failure -j "$jobs" "$@" 2>&1 | tee "$log" || true
  local line total bad
  line=$(grep -E 'tests passed, [0-9]+ tests? failed out of [0-9]+' "$log" | tail -n 1) || true
  last_lines "$log" >>"$failures"
  rm -f "$log"
  if [ -z "$line" ]; then
    echo "$name: no tests were run" >&2
    failed=$((failed + 1))
    return
  fi
  bad=$(sed -E 's/.*, ([0-9]+) tests? failed.*/\1/' <<<"$line")
  total=$(sed -E 's/.*out of ([0-9]+).*/\1/' <<<"$line")
  passed=$((passed + total - bad)) failed=$((failed + bad))
}

tools/configure.sh all
ninja -C build -j "$jobs"
[ -f build-asan/build.ninja ] || cmake --preset asan >/dev/null
ninja -C build-asan -j "$jobs"
# Of the folders whose threads share the most. Their tests take 5 to 15 times as long as without.
threaded=(log state runtime live)
[ -f build-tsan/build.ninja ] || cmake --preset tsan >/dev/null
ninja -C build-tsan -j "$jobs" gameflow "${threaded[@]/%/_test}"

stage "tests" build
# The address sanitizer of GCC 12 gets the bounds of a loaded library's thread-local memory wrong when
# many threads begin and end, and its search for leaks then reads address 0x1bd0 (3 of 48 runs of the
# dataflow tests, none of 96 without): it is not to look there.
export ASAN_OPTIONS="intercept_tls_get_addr=0"
stage "unit and dataflow tests, and fuzzing, with address and undefined behaviour sanitizers" build-asan \
  -L 'unit|dataflow|fuzz'
# Without the four longest of those that have but one thread.
export GTEST_FILTER='-*.ManyLogs:*.RetentionGivesSpaceBack:*.GetsAlongWithFewOpenFiles:*.ATornEndIsNoDamage'
export TSAN_OPTIONS="suppressions=$PWD/tools/tsan_suppressions.txt second_deadlock_stack=1"
stage "unit tests of what has threads, and a server that is killed, with the thread sanitizer" build-tsan \
  -R "^(unit/($(IFS='|'; echo "${threaded[*]}"))|system/torture)\$"

cat "$failures"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
