// `kafka-source`: the records of a topic of Apache Kafka.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kKafkaSource;

}  // namespace gameflow::connect
