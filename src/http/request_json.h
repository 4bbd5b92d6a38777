// Request bodies that are one JSON object. Read strictly: a field that is not known is an error,
// but in reports, which a later version may send.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "api/api.h"
#include "base/error.h"
#include "log/topics.h"

namespace gameflow::http {

// {"name":…,"partitions":…,"retention_age":…,"retention_bytes":…}. kInvalidJson, kInvalidArgument,
// kWrongType, kOutOfRange. The store checks the name and how many partitions there may be.
Result<log::TopicConfig> read_topic_config(std::string_view body);

struct SqlRequest {
  std::string sql;
  std::optional<std::uint64_t> limit;  // rows
};

// {"sql":…,"limit":…}. kInvalidJson, kInvalidArgument, kWrongType.
Result<SqlRequest> read_sql_request(std::string_view body);

// As docs/reference/http.md has it. kInvalidJson, kInvalidArgument, kWrongType.
Result<api::ConnectorReport> read_connector_report(std::string_view body);

}  // namespace gameflow::http
