#include "http/request_json.h"

#include <algorithm>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace gameflow::http {

namespace json = boost::json;

namespace {

constexpr Duration kRetentionAgeMin{1'000};

Result<json::object> parse_object(std::string_view body) {
  json::error_code error;
  const json::value value = json::parse({body.data(), body.size()}, error);
  if (error)
    return fail(ErrorCode::kInvalidJson,
                fmt::format("the body is not valid JSON: {}", error.message()));
  if (!value.is_object()) return fail(ErrorCode::kInvalidJson, "the body must be a JSON object");
  return value.get_object();
}

Result<std::string> text(const json::value& value, std::string_view name) {
  if (!value.is_string())
    return fail(ErrorCode::kWrongType, fmt::format("\"{}\" must be a string", name));
  return std::string(value.get_string().data(), value.get_string().size());
}

Result<std::uint64_t> whole_number(const json::value& value, std::string_view name) {
  json::error_code error;
  const auto number = value.to_number<std::uint64_t>(error);
  if (error) return fail(ErrorCode::kWrongType, fmt::format("\"{}\" must be a whole number", name));
  return number;
}

Result<Duration> retention_age(const json::value& value) {
  const auto written = text(value, "retention_age");
  const auto age = written ? parse_duration(*written) : std::nullopt;
  if (!age)
    return fail(ErrorCode::kWrongType,
                "\"retention_age\" must be a duration such as \"7d\", \"12h\" or \"30m\"");
  if (*age < kRetentionAgeMin)
    return fail(ErrorCode::kOutOfRange,
                "\"retention_age\" must be at least 1s; leave it out to keep records for ever");
  return *age;
}

Status set_topic_field(std::string_view name, const json::value& value, log::TopicConfig& config) {
  if (name == "name") {
    GF_ASSIGN(config.name, text(value, name));
  } else if (name == "partitions") {
    GF_ASSIGN(const std::uint64_t partitions, whole_number(value, name));
    config.partitions = static_cast<std::uint32_t>(std::min<std::uint64_t>(partitions, UINT32_MAX));
  } else if (name == "retention_bytes") {
    if (value.is_null()) return {};
    GF_ASSIGN(config.retention_bytes, whole_number(value, name));
    if (*config.retention_bytes == 0)
      return fail(ErrorCode::kOutOfRange,
                  "\"retention_bytes\" must be at least 1; leave it out to keep all records");
  } else if (name == "retention_age") {
    if (value.is_null()) return {};
    GF_ASSIGN(config.retention_age, retention_age(value));
  } else {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("unknown field \"{}\"; a topic has name, partitions, retention_age and "
                            "retention_bytes",
                            name));
  }
  return {};
}

}  // namespace

Result<log::TopicConfig> read_topic_config(std::string_view body) {
  GF_ASSIGN(const json::object object, parse_object(body));
  log::TopicConfig config;
  for (const auto& [name, value] : object)
    GF_TRY(set_topic_field({name.data(), name.size()}, value, config));
  return config;
}

Result<SqlRequest> read_sql_request(std::string_view body) {
  GF_ASSIGN(const json::object object, parse_object(body));
  SqlRequest request;
  for (const auto& [name, value] : object) {
    if (name == "limit") {
      GF_ASSIGN(request.limit, whole_number(value, "limit"));
    } else if (name == "sql") {
      GF_ASSIGN(request.sql, text(value, "sql"));
    } else {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("unknown field \"{}\"; a query has sql and limit",
                              std::string_view(name.data(), name.size())));
    }
  }
  if (!object.contains("sql"))
    return fail(ErrorCode::kInvalidArgument,
                R"(the body must be {"sql":"select …"}, or plain text)");
  return request;
}

}  // namespace gameflow::http
