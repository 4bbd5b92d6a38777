#!/usr/bin/env bash
# Configures build/ for "program" (what `make start` needs) or for "all", with tests and benchmarks,
# which need more packages. Never takes tests away again.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-program}" = all ]; then
  grep -qs 'GAMEFLOW_TESTS:BOOL=ON' build/CMakeCache.txt && [ -f build/build.ninja ] && exit 0
  cmake --preset release -DGAMEFLOW_TESTS=ON -DGAMEFLOW_BENCH=ON >/dev/null
else
  [ -f build/build.ninja ] || cmake --preset release -DGAMEFLOW_TESTS=OFF -DGAMEFLOW_BENCH=OFF >/dev/null
fi
