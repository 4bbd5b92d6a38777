# shellcheck shell=bash
# Processes by pid file, for start.sh and stop.sh. Sourced, not run.
run_folder=.run
declare -A log_begins # by name: the size of its log when this script started it

# The pid in NAME's file, if that process runs and is our program; a recycled pid is somebody else's.
running_pid() {
  local pid exe
  pid=$(cat "$run_folder/$1.pid" 2>/dev/null) || return 1
  [[ $pid =~ ^[0-9]+$ ]] && exe=$(readlink "/proc/$pid/exe" 2>/dev/null) || return 1
  # After a rebuild the running file is "(deleted)".
  [ "${exe% (deleted)}" = "$PWD/build/gameflow" ] || return 1
  echo "$pid"
}

# start_process NAME COMMAND…: in a session of its own, so that it outlives this shell.
start_process() {
  local name=$1
  shift
  mkdir -p "$run_folder"
  touch "$run_folder/$name.log"
  log_begins[$name]=$(stat -c %s "$run_folder/$name.log")
  setsid nohup "$@" >>"$run_folder/$name.log" 2>&1 </dev/null &
  echo $! >"$run_folder/$name.pid"
}

# What a process that this script started has logged since.
logged_by() { tail -c "+$((log_begins[$1] + 1))" "$run_folder/$1.log"; }

# stop_process NAME SECONDS: SIGTERM, then waits; SIGKILL only after SECONDS.
stop_process() {
  local name=$1 deadline=$((SECONDS + $2)) pid
  pid=$(running_pid "$name") || {
    rm -f "$run_folder/$name.pid"
    echo "$name: not running"
    return 0
  }
  kill -TERM "$pid"
  while running_pid "$name" >/dev/null; do
    if [ $SECONDS -ge $deadline ]; then
      kill -KILL "$pid"
      rm -f "$run_folder/$name.pid"
      echo "$name: did not stop within $2 s and was killed; nothing acknowledged is lost" >&2
      return 1
    fi
    sleep 0.05
  done
  rm -f "$run_folder/$name.pid"
  echo "$name: stopped"
}
