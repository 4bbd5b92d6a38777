#!/usr/bin/env bash
# soak.sh MODULE: runs a test of tests/system that takes long, with the program that it builds first.
# MINUTES, SEED and RATE are for the test.
set -euo pipefail
cd "$(dirname "$0")/.."
tools/setup.sh test
tools/configure.sh program
ninja -C build -j "${JOBS:-$(nproc)}" gameflow
export GAMEFLOW_BIN="$PWD/build/gameflow" GAMEFLOW_TEST_CACHE="$PWD/build/opcache" PYTHONDONTWRITEBYTECODE=1
cd tests/system
exec python3 -W ignore -m unittest "$1"
