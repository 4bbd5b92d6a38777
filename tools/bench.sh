#!/usr/bin/env bash
# Builds and runs the benchmarks; build/bench.json has the same lines as JSON.
set -euo pipefail
cd "$(dirname "$0")/.."
[ -f build/build.ninja ] || cmake --preset release >/dev/null
ninja -C build -j "${JOBS:-$(nproc)}" gameflow gameflow_bench
rm -f build/bench.json
build/gameflow_bench --json build/bench.json "$@"
