#!/usr/bin/env bash
# Stops what start.sh started: the generator first, so that it has no reason to complain.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/process.sh
status=0
stop_process generator 10 || status=1
stop_process gameflow 30 || status=1
exit $status
