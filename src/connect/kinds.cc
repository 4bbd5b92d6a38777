#include "connect/kinds.h"

#include <vector>

#include "connect/file/file_sink.h"
#include "connect/file/file_source.h"
#include "connect/graphite/graphite_sink.h"
#include "connect/http_source/http_source.h"
#include "connect/mqtt/mqtt_source.h"
#include "connect/sql/sql_sink.h"

namespace gameflow::connect {

std::span<const Kind> kinds() {
  static const std::vector<Kind> kKinds = {kFileSource, kFileSink,   kGraphiteSink,
                                           kHttpSource, kMqttSource, kSqlSink};
  return kKinds;
}

}  // namespace gameflow::connect
