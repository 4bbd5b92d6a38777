// Request bodies that are one JSON object. Read strictly: a field that is not known is an error,
// but in reports, which a later version may send.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "api/api.h"
#include "base/error.h"
#include "live/live.h"
#include "log/topics.h"
#include "query/query.h"

namespace gameflow::http {

// {"name":…,"partitions":…,"retention_age":…,"retention_bytes":…}. kInvalidJson, kInvalidArgument,
// kWrongType, kOutOfRange. The store checks the name and how many partitions there may be.
Result<log::TopicConfig> read_topic_config(std::string_view body);

struct ForgetRequest {
  std::string player;
  bool is_dry_run = false;
};
// {"player":…,"dry_run":…}. kInvalidJson, kInvalidArgument, kWrongType.
Result<ForgetRequest> read_forget_request(std::string_view body);

struct SqlRequest {
  std::string sql;
  query::Parameters parameters;        // in order of their names
  std::optional<std::uint64_t> limit;  // rows
};

// {"sql":…,"params":{…},"limit":…}. kInvalidJson, kInvalidArgument, kWrongType, kPayloadTooLarge.
Result<SqlRequest> read_sql_request(std::string_view body);

// What a client sends over /ws/sql.
struct Subscribe {
  std::string id;
  live::Question question;
  std::chrono::milliseconds every{1'000};
  std::string version;  // that it has already; or empty
};
struct Unsubscribe {
  std::string id;
};
// {"subscribe":ID,"sql":…,…} or {"unsubscribe":ID}; errors as of read_sql_request.
Result<std::variant<Subscribe, Unsubscribe>> read_live_request(std::string_view text);

// As docs/reference/http.md has it. kInvalidJson, kInvalidArgument, kWrongType.
Result<api::ConnectorReport> read_connector_report(std::string_view body);

}  // namespace gameflow::http
