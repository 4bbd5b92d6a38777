#!/usr/bin/env bash
# Builds and runs the benchmarks; build/bench.json has the same lines as JSON.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/configure.sh all
ninja -C build -j "${JOBS:-$(nproc)}" gameflow gameflow_bench
rm -f build/bench.json
build/gameflow_bench --out build/bench.json "$@"
