// `kafka-sink`: records into a topic of Apache Kafka, in transactions.
#pragma once

#include <gameflow/connect/connector.h>

namespace gameflow::connect {

extern const Kind kKafkaSink;

}  // namespace gameflow::connect
