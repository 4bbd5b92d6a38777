#include "http/request_json.h"

#include <algorithm>
#include <initializer_list>
#include <utility>
#include <vector>

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

Result<ForgetRequest> read_forget_request(std::string_view body) {
  GF_ASSIGN(const json::object object, parse_object(body));
  ForgetRequest request;
  for (const auto& [name, value] : object) {
    if (name == "player") {
      GF_ASSIGN(request.player, text(value, "player"));
    } else if (name == "dry_run") {
      if (!value.is_bool()) return fail(ErrorCode::kWrongType, "\"dry_run\" must be true or false");
      request.is_dry_run = value.get_bool();
    } else {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("unknown field \"{}\"; there are player and dry_run",
                              std::string_view(name.data(), name.size())));
    }
  }
  return request;
}

namespace {

constexpr std::size_t kErrorBytesMax = 4096, kTextBytesMax = 200, kTopicsMax = 1000;

std::string cut(std::string text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
  text.resize(bytes);
  return text;
}

Result<std::string> one_of(const json::value& value, std::string_view name,
                           std::initializer_list<std::string_view> allowed) {
  GF_ASSIGN(std::string found, text(value, name));
  if (std::ranges::find(allowed, found) == allowed.end())
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" must be one of {}, not \"{}\"", name, fmt::join(allowed, ", "),
                            cut(std::move(found), kTextBytesMax)));
  return found;
}

Result<Timestamp> time_of(const json::value& value, std::string_view name) {
  GF_ASSIGN(const std::uint64_t ms, whole_number(value, name));
  return Timestamp{static_cast<std::int64_t>(ms)};
}

Result<std::vector<std::string>> texts(const json::value& value, std::string_view name) {
  if (!value.is_array() || value.get_array().size() > kTopicsMax)
    return fail(ErrorCode::kWrongType,
                fmt::format("\"{}\" must be a list of at most {} strings", name, kTopicsMax));
  std::vector<std::string> all;
  for (const json::value& item : value.get_array()) {
    GF_ASSIGN(std::string found, text(item, name));
    all.push_back(cut(std::move(found), kTextBytesMax));
  }
  return all;
}

Status set_report_field(std::string_view name, const json::value& value,
                        api::ConnectorReport& report) {
  const bool is_null = value.is_null();
  if (name == "type") {
    GF_ASSIGN(std::string type, text(value, name));
    report.type = cut(std::move(type), kTextBytesMax);
  } else if (name == "version") {
    GF_ASSIGN(std::string version, text(value, name));
    report.version = cut(std::move(version), kTextBytesMax);
  } else if (name == "direction") {
    GF_ASSIGN(report.direction, one_of(value, name, {"source", "sink"}));
  } else if (name == "state") {
    GF_ASSIGN(report.state,
              one_of(value, name, {"starting", "running", "retrying", "failed", "stopped"}));
  } else if (name == "topics") {
    GF_ASSIGN(report.topics, texts(value, name));
  } else if (name == "since_ms") {
    GF_ASSIGN(report.since, time_of(value, name));
  } else if (name == "last_error" && !is_null) {
    GF_ASSIGN(std::string error, text(value, name));
    report.last_error = cut(std::move(error), kErrorBytesMax);
  } else if (name == "last_error_at_ms" && !is_null) {
    GF_ASSIGN(report.last_error_at, time_of(value, name));
  } else if (name == "lag" && !is_null) {
    GF_ASSIGN(report.lag, whole_number(value, name));
  } else if (name == "pid" && !is_null) {
    GF_ASSIGN(report.pid, whole_number(value, name));
  }
  using Report = api::ConnectorReport;
  for (const auto& [counter, member] :
       {std::pair{"records", &Report::records}, std::pair{"bytes", &Report::bytes},
        std::pair{"rejected", &Report::rejected}, std::pair{"retries", &Report::retries}}) {
    if (name != counter) continue;
    GF_ASSIGN(report.*member, whole_number(value, name));
  }
  return {};
}

}  // namespace

Result<api::ConnectorReport> read_connector_report(std::string_view body) {
  GF_ASSIGN(const json::object object, parse_object(body));
  for (const char* required : {"type", "direction", "state"}) {
    if (!object.contains(required))
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("the report of a connector lacks \"{}\"", required));
  }
  api::ConnectorReport report;
  for (const auto& [name, value] : object)
    GF_TRY(set_report_field({name.data(), name.size()}, value, report));
  return report;
}

namespace {

Result<query::Value> parameter_value(std::string_view name, const json::value& value) {
  if (value.is_null()) return query::Value(nullptr);
  if (value.is_bool()) return query::Value(std::int64_t{value.get_bool()});
  if (value.is_int64()) return query::Value(value.get_int64());
  if (value.is_uint64()) return query::Value(query::Digits{std::to_string(value.get_uint64())});
  if (value.is_double()) return query::Value(value.get_double());
  if (value.is_string()) return query::Value(std::string(value.get_string()));
  return fail(ErrorCode::kWrongType,
              fmt::format("parameter \"{}\" must be a text, a number, true, false or null", name));
}

Result<query::Parameters> parameters_of(const json::value& value) {
  if (!value.is_object())
    return fail(ErrorCode::kWrongType, R"("params" must be an object, as {"level":"level_03"})");
  query::Parameters parameters;
  for (const auto& [name, one] : value.get_object()) {
    GF_ASSIGN(query::Value of_sql, parameter_value(name, one));
    parameters.push_back({std::string(name), std::move(of_sql)});
  }
  std::ranges::sort(parameters, {}, &query::Parameter::name);
  return parameters;
}

// Whether it was one of a query's fields.
Result<bool> set_sql_field(std::string_view name, const json::value& value, SqlRequest& request) {
  if (name == "limit") {
    GF_ASSIGN(request.limit, whole_number(value, name));
  } else if (name == "sql") {
    GF_ASSIGN(request.sql, text(value, name));
  } else if (name == "params") {
    GF_ASSIGN(request.parameters, parameters_of(value));
  } else {
    return false;
  }
  return true;
}

Result<bool> set_subscribe_field(std::string_view name, const json::value& value,
                                 Subscribe& subscribe) {
  if (name == "subscribe") {
    GF_ASSIGN(subscribe.id, text(value, name));
  } else if (name == "version") {
    GF_ASSIGN(subscribe.version, text(value, name));
  } else if (name == "key") {
    GF_ASSIGN(subscribe.question.key, texts(value, name));
  } else if (name == "every") {
    GF_ASSIGN(const std::string written, text(value, name));
    const auto every = parse_duration(written);
    if (!every || every->ms < live::kEveryMin.count() || every->ms > live::kEveryMax.count())
      return fail(ErrorCode::kOutOfRange, "\"every\" must be a duration from \"100ms\" to \"1h\"");
    subscribe.every = std::chrono::milliseconds(every->ms);
  } else {
    return false;
  }
  return true;
}

Error unknown_field(std::string_view name, std::string_view known) {
  return {ErrorCode::kInvalidArgument, fmt::format("unknown field \"{}\"; {}", name, known)};
}

}  // namespace

Result<SqlRequest> read_sql_request(std::string_view body) {
  GF_ASSIGN(const json::object object, parse_object(body));
  SqlRequest request;
  for (const auto& [name, value] : object) {
    GF_ASSIGN(const bool is_known, set_sql_field(name, value, request));
    if (!is_known) return fail(unknown_field(name, "a query has sql, params and limit"));
  }
  if (!object.contains("sql"))
    return fail(ErrorCode::kInvalidArgument,
                R"(the body must be {"sql":"select …"}, or plain text)");
  return request;
}

Result<std::variant<Subscribe, Unsubscribe>> read_live_request(std::string_view message) {
  GF_ASSIGN(const json::object object, parse_object(message));
  using Request = std::variant<Subscribe, Unsubscribe>;
  if (const json::value* const id = object.if_contains("unsubscribe")) {
    GF_ASSIGN(std::string name, text(*id, "unsubscribe"));
    return Request(Unsubscribe{std::move(name)});
  }
  SqlRequest request;
  Subscribe subscribe;
  for (const auto& [name, value] : object) {
    GF_ASSIGN(const bool is_of_query, set_sql_field(name, value, request));
    if (is_of_query) continue;
    GF_ASSIGN(const bool is_known, set_subscribe_field(name, value, subscribe));
    if (!is_known)
      return fail(unknown_field(
          name, "a subscription has subscribe, sql, params, key, every, limit and version"));
  }
  if (!object.contains("subscribe") || !object.contains("sql"))
    return fail(ErrorCode::kInvalidArgument,
                R"(a message is {"subscribe":"ID","sql":"select …"} or {"unsubscribe":"ID"})");
  constexpr std::uint64_t kRowsMax = query::Limits{}.rows_max;
  subscribe.question.sql = std::move(request.sql);
  subscribe.question.parameters = std::move(request.parameters);
  subscribe.question.rows_max = std::min(request.limit.value_or(kRowsMax), kRowsMax);
  return Request(std::move(subscribe));
}

}  // namespace gameflow::http
