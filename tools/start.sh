#!/usr/bin/env bash
# Starts gameflow with the flagship dataflow, and the generator as a client of it. PORT is where.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/process.sh
port=${PORT:-3001}
url=http://127.0.0.1:$port
dataflow=${DATAFLOW:-games/gaming-analytics/dataflow.yaml}

# died NAME: the process is gone; show why.
died() {
  echo "$1 did not start. The end of $run_folder/$1.log:" >&2
  tail -n 15 "$run_folder/$1.log" >&2
  rm -f "$run_folder/$1.pid"
  exit 1
}

start_server() {
  if running_pid gameflow >/dev/null; then
    # It may listen elsewhere than PORT says now.
    url=$(cat "$run_folder/url")
    echo "gameflow: runs already ($url); 'make stop' stops it"
    return
  fi
  start_process gameflow build/gameflow run "$dataflow" --data data --listen "127.0.0.1:$port"
  echo "$url" >"$run_folder/url"
  # The first start compiles the operators; a big log takes a while to open.
  local pid
  pid=$(cat "$run_folder/gameflow.pid")
  until curl -fs -o /dev/null --max-time 2 "$url/readyz"; do
    readlink "/proc/$pid/exe" >/dev/null || died gameflow
    sleep 0.1
  done
  # Something else may answer on that port while ours has died.
  running_pid gameflow >/dev/null || died gameflow
  echo "gameflow: started, log in $run_folder/gameflow.log"
}

start_generator() {
  if running_pid generator >/dev/null; then
    echo "generator: runs already"
    return
  fi
  start_process generator build/gameflow generate --to "$url" --rate "${RATE:-100}" --positions
  echo "generator: started, ${RATE:-100} events a second of each kind"
}

start_server
start_generator
echo
echo "Open $url/"
