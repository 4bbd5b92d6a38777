#!/usr/bin/env bash
# Everything that can be said about the source without running it. clang-tidy takes 10 to 20 s a file, so it reads what the
# last commit and the working tree changed; FULL=1 has it read all sources, SINCE=REV those changed since REV.
set -euo pipefail
cd "$(dirname "$0")/.."
jobs=${JOBS:-$(nproc)}
failed=0

step() {
  echo "== $1"
  shift
  "$@" || failed=1
}

sources() { git ls-files --cached --others --exclude-standard -- "$@" | while read -r f; do [ -f "$f" ] && echo "$f"; done; }

format() {
  local bad
  bad=$(sources '*.h' '*.cc' | xargs -r -P "$jobs" -n 20 clang-format --dry-run -Werror 2>&1 |
    sed -n 's/: error: code should be clang-formatted.*//p' | cut -d: -f1 | sort -u) || true
  [ -z "$bad" ] && return 0
  echo "These are not formatted; run: clang-format -i" $bad
  return 1
}

tidy_files() {
  local since
  if [ -n "${FULL:-}" ]; then
    sources 'src/*.cc'
  else
    since=${SINCE:-$(git rev-list --max-count=2 HEAD | tail -n 1)}
    { git diff --name-only --diff-filter=d "$since" -- 'src/*.cc'; git ls-files --others --exclude-standard -- 'src/*.cc'; } | sort -u
  fi | grep -vE '_test\.cc$' || true
}

# clang-tidy reads the build's compile commands, so the build must be configured, not built.
tidy() {
  tools/configure.sh all
  # A file that the build does not know (yet) cannot be read.
  tidy_files | while read -r f; do
    grep -q "/$f\"" build/compile_commands.json && echo "$f"
  done | xargs -r -P "$jobs" -n 1 clang-tidy -p build --quiet 2> >(grep -vE 'warnings? (generated|treated)|^Suppressed|^Use -header' >&2)
}

# Every mutex names what it guards (src/base/mutex.h), and clang checks each use. All sources that lock are read each time,
# as a change of a header is felt in them; --config: this alone, with one cheap check as clang-tidy wants one.
locks() {
  tools/configure.sh all
  sources 'src/*.cc' | grep -vE '_test\.cc$' | xargs grep -lE 'MutexLock|GF_REQUIRES' |
    xargs -P "$jobs" -n 1 clang-tidy -p build --quiet --config='{}' --warnings-as-errors='*' \
      --checks='-*,misc-unconventional-assign-operator,clang-diagnostic-error,clang-diagnostic-thread-safety*' \
      --extra-arg=-Wthread-safety --extra-arg=-Wno-unknown-warning-option 2> >(grep -vE 'warnings? (generated|treated)' >&2)
}

step "layers and lengths" python3 tools/check_layers.py
step "layers: the check itself" python3 tools/check_layers.py --self-test
step "reference pages" python3 tools/check_reference.py
step "shell scripts" shellcheck --severity=warning tools/*.sh bench/peers/*.sh deploy/*.sh .ci/run
step "format" format
step "what mutexes guard" locks
step "clang-tidy" tidy
[ $failed -eq 0 ] && echo "lint: fine" || echo "lint: see above" >&2
exit $failed
