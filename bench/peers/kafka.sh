#!/usr/bin/env bash
# One Apache Kafka broker on loopback, for Kafka Streams.
#
#   kafka.sh start DIR PORT LIBS   data and log in DIR, jars in LIBS; listens on PORT, its controller on PORT+1
#   kafka.sh stop DIR
#
# KAFKA_HEAP: the heap of its JVM.
set -euo pipefail

command=${1:?start or stop}
dir=$(realpath -m "${2:?the folder of the broker}")

java_run() { # CLASS ARGS...: becomes java
  local heap=${KAFKA_HEAP:-1g}
  exec java "-Xms$heap" "-Xmx$heap" "-Dlog4j2.configurationFile=$dir/log4j2.properties" -cp "$libs/*" "$@"
}

write_config() { # PORT
  mkdir -p "$dir"
  cat > "$dir/log4j2.properties" <<'LOG'
status = error
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1}: %m%n
rootLogger.level = warn
rootLogger.appenderRef.out.ref = out
logger.raft.name = kafka.server.KafkaRaftServer
logger.raft.level = info
LOG
  cat > "$dir/server.properties" <<CONFIG
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$(($1 + 1))
listeners=PLAINTEXT://127.0.0.1:$1,CONTROLLER://127.0.0.1:$(($1 + 1))
advertised.listeners=PLAINTEXT://127.0.0.1:$1
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$dir/data
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
auto.create.topics.enable=false
# A window's list is one record of 4.5 MB.
message.max.bytes=16777216
CONFIG
}

start() { # PORT
  write_config "$1"
  (java_run kafka.tools.StorageTool format -t "$(head -c 16 /dev/urandom | base64 | tr '+/' A | tr -d '=')" \
    -c "$dir/server.properties") > "$dir/format.log" 2>&1
  (java_run kafka.Kafka "$dir/server.properties") > "$dir/log" 2>&1 < /dev/null &
  echo $! > "$dir/pid"
  # The port opens before the broker may serve; that it may it says in its log.
  for ((i = 0; i < 600; i++)); do
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || { tail -5 "$dir/log" >&2; echo "kafka died: $dir/log" >&2; exit 1; }
    grep -q "Kafka Server started" "$dir/log" && return
    sleep 0.1
  done
  echo "kafka is not ready after 60 s: $dir/log" >&2
  exit 1
}

stop() {
  local pid
  pid=$(cat "$dir/pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || return 0
  for ((i = 0; i < 300; i++)); do kill -0 "$pid" 2>/dev/null || return 0; sleep 0.1; done
  kill -9 "$pid"
}

case $command in
  start)
    libs=$(realpath "${4:?the folder of its jars}")
    start "${3:?the port}"
    ;;
  stop) stop ;;
  *) sed -n '2,7p' "$0"; exit 2 ;;
esac
