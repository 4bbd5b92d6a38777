#!/usr/bin/env bash
# Starts gameflow with the flagship dataflow, and the generator as a client of it. PORT is where.
set -euo pipefail
cd "$(dirname "$0")/.."
source tools/process.sh
port=${PORT:-3001}
url=http://127.0.0.1:$port
dataflow=${DATAFLOW:-games/gaming-analytics/dataflow.yaml}
rate=${RATE:-100}

# check_alive NAME: if the process just started has died, shows what it said and gives up.
check_alive() {
  # Not running_pid: for a moment it is still setsid or nohup.
  readlink "/proc/$(cat "$run_folder/$1.pid")/exe" >/dev/null && return
  echo "$1 did not start:" >&2
  logged_by "$1" | head -n 200 >&2
  if grep -q 'is in use by another program' < <(logged_by "$1"); then
    echo "'PORT=8000 make start' takes another port." >&2
  fi
  rm -f "$run_folder/$1.pid"
  exit 1
}

# Waits until gameflow is ready. Says why, once, where that may take a while: a full disk, for example.
wait_until_ready() {
  local answer told=
  # In its own words first: another program may answer on that port.
  until grep -q '^listening on ' < <(logged_by gameflow); do
    check_alive gameflow
    sleep 0.05
  done
  until answer=$(curl -sS --fail-with-body --max-time 2 "$url/readyz" 2>/dev/null); do
    check_alive gameflow
    [ -n "$told" ] || echo "gameflow: not ready yet: $answer" >&2
    told=yes
    sleep 0.1
  done
}

start_server() {
  if running_pid gameflow >/dev/null; then
    # It may listen elsewhere than PORT says now.
    url=$(cat "$run_folder/url")
    echo "gameflow: already running at $url; to start it anew: make stop, make start"
    return
  fi
  start_process gameflow build/gameflow run "$dataflow" --data data --listen "127.0.0.1:$port"
  echo "$url" >"$run_folder/url"
  # The first start compiles the operators; a big log takes a while to open.
  wait_until_ready
  echo "gameflow: started, log in $run_folder/gameflow.log"
}

start_generator() {
  if running_pid generator >/dev/null; then
    echo "generator: already running"
    return
  fi
  start_process generator build/gameflow generate --profile game --to "$url" --rate "$rate" --positions
  sleep 0.2  # what is wrong with its flags it says at once
  check_alive generator
  echo "generator: started, a game of about $rate events a second"
}

start_server
start_generator
echo
echo "Open $url/"
