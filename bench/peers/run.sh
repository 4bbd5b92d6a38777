#!/usr/bin/env bash
# The flagship's first service on gameflow, Flink and Kafka Streams, on the same events and one core each: `make bench-peers`.
# Takes about ten minutes. WINDOWS: how many windows of 500,000 events (default 6). PORT: for Kafka (default 29092).
set -euo pipefail
cd "$(dirname "$0")/../.."

windows=${WINDOWS:-6}
port=${PORT:-29092}
peers=bench/peers
java_libs=build/peers/java
work=$(mktemp -d "${TMPDIR:-/tmp}/gameflow-peers-XXXXXX")
trap '$peers/kafka.sh stop "$work/kafka"; rm -rf "$work"' EXIT

need() { # COMMAND PACKAGE
  command -v "$1" > /dev/null || { echo "bench-peers: '$1' is missing: install $2" >&2; exit 1; }
}
need java "a JDK 17 or later (openjdk-17-jdk-headless)"
need javac "a JDK 17 or later (openjdk-17-jdk-headless)"
need mvn "Maven (maven)"

version() { sed -n "s:.*<$1.version>\(.*\)</$1.version>.*:\1:p" $peers/pom.xml; }

# --- Build ----------------------------------------------------------------------------------------

tools/configure.sh all
ninja -C build -j "${JOBS:-$(nproc)}" gameflow_peer > /dev/null
# Maven writes beside the sources it reads, so it gets a copy.
mkdir -p $java_libs
cp -r $peers/pom.xml $peers/common $peers/flink $peers/streams $peers/broker $java_libs/
mvn -q -B -ntp -f $java_libs/pom.xml package > "$work/mvn.log" || { cat "$work/mvn.log" >&2; exit 1; }

# --- Run, one after the other, each on the first core ---------------------------------------------

on_one_core() { taskset -c 0 "$@"; }

# Java's own logging to a file: only "step" lines come through.
java_peer() { # NAME ARGUMENTS...
  local name=$1
  shift
  on_one_core java -Xmx2g --add-opens=java.base/java.lang=ALL-UNNAMED --add-opens=java.base/java.util=ALL-UNNAMED \
    --add-opens=java.base/java.time=ALL-UNNAMED "$@" 2> "$work/$name.log" ||
    { tail -20 "$work/$name.log" >&2; exit 1; }
}

echo "gameflow ..."
build/gameflow_peer "$work/events.ndjson" "$work/gameflow.results" "$windows" 7 | grep '^step' > "$work/gameflow.steps"
events=$((windows * 500000))

echo "Flink $(version flink) ..."
java_peer flink -cp "$java_libs/flink/target/classes:$java_libs/flink/target/libs/*" gameflow.peers.flink.PlayerSessions \
  "$work/events.ndjson" "$work/flink.results" "$work/checkpoints" 4 | grep '^step' > "$work/flink.steps"

echo "Kafka Streams $(version kafka) ..."
# The broker is not counted, and has the other cores.
$peers/kafka.sh start "$work/kafka" "$port" $java_libs/broker/target/libs
streams_libs="$java_libs/streams/target/classes:$java_libs/streams/target/libs/*"
java -cp "$streams_libs" gameflow.peers.streams.Load "127.0.0.1:$port" "$work/events.ndjson" player-events summaries \
  > "$work/load.log" 2>&1 || { tail -20 "$work/load.log" >&2; exit 1; }
java_peer streams -cp "$streams_libs" gameflow.peers.streams.PlayerSessions "127.0.0.1:$port" player-events summaries \
  "$events" "$work/streams.results" "$work/streams-state" | grep '^step' > "$work/streams.steps"

# --- Compare --------------------------------------------------------------------------------------

for peer in flink streams; do
  cmp "$work/gameflow.results" "$work/$peer.results" ||
    { echo "bench-peers: the results of $peer are not gameflow's" >&2; exit 1; }
done

# Ours: the median of its runs. A peer's: the best of its steps, since the JVM needs some to warm up.
rates() { awk '{ printf "%.0f\n", $2 / $3 }' "$work/$1.steps" | sort -n; }
ours=$(rates gameflow | awk '{ all[NR] = $1 } END { print all[int((NR + 1) / 2)] }')

row() { # NAME RATE
  awk -v name="$1" -v rate="$2" -v ours="$ours" \
    'BEGIN { printf "%-22s %9.0f k events/CPU-s%s\n", name, rate / 1000, ours == rate ? "" : sprintf("   gameflow: %.1f x", ours / rate) }'
}
echo
echo "$events events, $windows windows, the same results byte for byte:"
row "gameflow $(sed -n 's/^project(gameflow VERSION \([0-9.]*\).*/\1/p' CMakeLists.txt)" "$ours"
row "Flink $(version flink)" "$(rates flink | tail -1)"
row "Kafka Streams $(version kafka)" "$(rates streams | tail -1)"
echo "$(java -version 2>&1 | head -1), one core each. What is unfair to whom: $peers/README.md"
