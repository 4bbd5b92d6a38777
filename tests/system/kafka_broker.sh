#!/usr/bin/env bash
# One Apache Kafka broker, or a cluster of three, on loopback: for tests.
#
#   kafka_broker.sh start DIR PORT      one node (broker and controller): brokers listen on PORT
#   kafka_broker.sh start3 DIR PORT     three nodes: brokers on PORT, PORT+1, PORT+2
#   kafka_broker.sh stop DIR            all nodes of DIR, cleanly
#   kafka_broker.sh kill DIR [NODE]     as a crash would; all nodes, or the one of that number
#   kafka_broker.sh up DIR NODE         starts a node of DIR again
#   kafka_broker.sh install             only fetches the jars
#
# Controllers listen on PORT+10 and up. The jars come from the Maven client as it is set up on this
# machine, once, into KAFKA_CACHE (default ~/.cache/gameflow-kafka); KAFKA_VERSION picks the version,
# KAFKA_HEAP the heap of each node, KAFKA_EXTRA adds lines to its configuration. Needs java 17 or later, and
# mvn for the first time only. KAFKA_JAVA_OPTS: without -XX:TieredStopAtLevel=1 for measurements.
set -euo pipefail

version=${KAFKA_VERSION:-4.4.0}
log4j=2.25.5 # the binding that the broker's own jars lack: without it it logs nothing
heap=${KAFKA_HEAP:-256m}
cache=${KAFKA_CACHE:-$HOME/.cache/gameflow-kafka}
jars=$cache/$version-tools

install() {
  [[ -e $jars/complete ]] && return
  mkdir -p "$cache"
  local work
  work=$(mktemp -d "$cache/install.XXXXXX")
  cat > "$work/pom.xml" <<POM
<project>
  <modelVersion>4.0.0</modelVersion>
  <groupId>gameflow</groupId><artifactId>kafka</artifactId><version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version>
    </dependency>
    <dependency>
      <groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>$log4j</version>
    </dependency>
  </dependencies>
</project>
POM
  (cd "$work" && mvn -q -B dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$work/lib") >&2
  touch "$work/lib/complete"
  # Whoever comes first wins: two installs at once do no harm.
  mv -T "$work/lib" "$jars" 2>/dev/null || true
  rm -rf "$work"
  [[ -e $jars/complete ]]
}

java_run() { # CLASS ARGS...: becomes java
  exec java "-Xms$heap" "-Xmx$heap" ${KAFKA_JAVA_OPTS:--XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto} \
    "-Dlog4j2.configurationFile=$dir/log4j2.properties" -cp "$jars/*" "$@"
}

write_log_config() {
  cat > "$dir/log4j2.properties" <<'LOG'
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1}: %m%n
rootLogger.level = ${sys:kafka.log:-warn}
rootLogger.appenderRef.out.ref = out
logger.raft.name = kafka.server.KafkaRaftServer
logger.raft.level = info
LOG
}

write_config() { # NODE NODES PORT
  local node=$1 nodes=$2 port=$3 replicas=1 in_sync=1 voters='' i
  if (( nodes >= 3 )); then replicas=3 in_sync=2; fi
  for ((i = 1; i <= nodes; i++)); do voters+="${voters:+,}$i@127.0.0.1:$((port + 9 + i))"; done
  mkdir -p "$dir/node$node"
  cat > "$dir/node$node/server.properties" <<CONFIG
process.roles=broker,controller
node.id=$node
controller.quorum.voters=$voters
listeners=PLAINTEXT://127.0.0.1:$((port - 1 + node)),CONTROLLER://127.0.0.1:$((port + 9 + node))
advertised.listeners=PLAINTEXT://127.0.0.1:$((port - 1 + node))
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/node$node/data
offsets.topic.replication.factor=$replicas
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$replicas
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=$replicas
share.coordinator.state.topic.min.isr=$in_sync
default.replication.factor=$replicas
min.insync.replicas=$in_sync
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
# A test's groups form at once, and members that died are noticed quickly.
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
# Nothing appears because somebody asked for it.
auto.create.topics.enable=false
num.network.threads=2
num.io.threads=4
num.replica.fetchers=1
log.cleaner.threads=1
log.cleaner.dedupe.buffer.size=16777216
log.segment.bytes=67108864
message.max.bytes=${KAFKA_MESSAGE_MAX:-8388608}
replica.fetch.max.bytes=${KAFKA_MESSAGE_MAX:-8388608}
CONFIG
  if [[ -n ${KAFKA_EXTRA:-} ]]; then printf '%s\n' "$KAFKA_EXTRA" >> "$dir/node$node/server.properties"; fi
}

up() { # NODE
  local home=$dir/node$1
  if [[ -e $home/log ]]; then cat "$home/log" >> "$home/log.old"; fi
  (java_run kafka.Kafka "$home/server.properties") > "$home/log" 2>&1 < /dev/null &
  echo $! > "$home/pid"
}

wait_ready() { # PORT NODE
  # The port opens before the broker may serve; that it may (is unfenced) it says in its log.
  local home=$dir/node$2 i
  for ((i = 0; i < 600; i++)); do
    kill -0 "$(cat "$home/pid")" 2>/dev/null || { echo "node $2 died: $home/log" >&2; tail -5 "$home/log" >&2; return 1; }
    if (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && grep -q "Kafka Server started" "$home/log"; then return 0; fi
    sleep 0.1
  done
  echo "node $2 is not ready after 60 s: $home/log" >&2
  return 1
}

start() { # NODES PORT
  local nodes=$1 port=$2 node
  install
  mkdir -p "$dir"
  write_log_config
  [[ -e $dir/cluster-id ]] || head -c 16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=' |
    sed 's/^-/A/' > "$dir/cluster-id" # an id that starts with '-' reads as an option
  echo "$port $nodes" > "$dir/ports"
  for ((node = 1; node <= nodes; node++)); do
    write_config "$node" "$nodes" "$port"
    [[ -e $dir/node$node/data/meta.properties ]] ||
      (java_run kafka.tools.StorageTool format -t "$(cat "$dir/cluster-id")" \
        -c "$dir/node$node/server.properties") > "$dir/node$node/format.log" 2>&1
    : > "$dir/node$node/log"
  done
  for ((node = 1; node <= nodes; node++)); do up "$node"; done
  for ((node = 1; node <= nodes; node++)); do wait_ready $((port - 1 + node)) "$node"; done
}

signal() { # SIGNAL PIDFILE
  local pid
  pid=$(cat "$2" 2>/dev/null) || return 0
  kill "-$1" "$pid" 2>/dev/null || return 0
  local i
  for ((i = 0; i < 300; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  kill -0 "$pid" 2>/dev/null && kill -9 "$pid"
  rm -f "$2"
}

command=${1:?start, start3, stop, kill, up or install}
if [[ $command == install ]]; then install; exit; fi
dir=$(realpath -m "${2:?the folder of the cluster}")
case $command in
  start) start 1 "${3:?the port}" ;;
  start3) start 3 "${3:?the port}" ;;
  up) up "${3:?the node}"; read -r port _ < "$dir/ports"; wait_ready $((port - 1 + $3)) "$3" ;;
  stop) for f in "$dir"/node*/pid; do [[ -e $f ]] && signal TERM "$f" & done; wait ;;
  kill) for f in "$dir"/node${3:-*}/pid; do [[ -e $f ]] && signal KILL "$f"; done ;;
  *) sed -n '2,14p' "$0"; exit 2 ;;
esac
