#include "connect/kinds.h"

#include <vector>

#include "connect/file/file_sink.h"
#include "connect/file/file_source.h"
#include "connect/graphite/graphite_sink.h"
#include "connect/http_sink/http_sink.h"
#include "connect/http_source/http_source.h"
#include "connect/kafka/kafka_sink.h"
#include "connect/kafka/kafka_source.h"
#include "connect/mqtt/mqtt_source.h"
#include "connect/sql/sql_sink.h"
#include "connect/webhook/webhook_source.h"

namespace gameflow::connect {

std::span<const Kind> kinds() {
  static const std::vector<Kind> kKinds = {kFileSource, kFileSink,     kGraphiteSink, kHttpSource,
                                           kHttpSink,   kKafkaSource,  kKafkaSink,    kMqttSource,
                                           kSqlSink,    kWebhookSource};
  return kKinds;
}

}  // namespace gameflow::connect
