#include "http/connector_routes.h"

#include <string>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "api/connectors.h"
#include "http/request_json.h"

namespace gameflow::http {
namespace {

namespace json = boost::json;

json::value or_null(const auto& value) {
  return value ? json::value(*value) : json::value(nullptr);
}

json::value time_or_null(const std::optional<Timestamp>& time) {
  return time ? json::value(time->ms) : json::value(nullptr);
}

json::object connector_json(const api::Connector& connector) {
  const api::ConnectorReport none;
  const api::ConnectorReport& report = connector.report ? *connector.report : none;
  const auto text = [](const std::string& of) {
    return of.empty() ? json::value(nullptr) : json::value(of);
  };
  const bool has_report = connector.report.has_value();
  return {{"name", connector.name},
          {"type", text(report.type)},
          {"direction", text(report.direction)},
          {"topics", json::array(report.topics.begin(), report.topics.end())},
          {"state", connector.state},
          {"since_ms", has_report ? json::value(report.since.ms) : json::value(nullptr)},
          {"reported_at_ms", time_or_null(connector.reported_at)},
          {"records", report.records},
          {"records_per_second", or_null(connector.records_per_second)},
          {"bytes", report.bytes},
          {"rejected", report.rejected},
          {"retries", report.retries},
          {"lag", or_null(connector.lag)},
          {"last_error", or_null(report.last_error)},
          {"last_error_at_ms", time_or_null(report.last_error_at)},
          {"pid", has_report ? json::value(report.pid) : json::value(nullptr)},
          {"version", text(report.version)},
          {"next_sequence", connector.stored.next_sequence},
          {"position", or_null(connector.stored.position)}};
}

Reply no_connector(std::string_view name) {
  return error_reply(404, "not_found",
                     fmt::format("there is no connector '{}'; GET /connectors lists them", name));
}

}  // namespace

Result<Reply> list_connectors(const Call& call) {
  json::array connectors;
  for (const api::Connector& connector : call.context.api.connectors().list())
    connectors.push_back(connector_json(connector));
  const Timestamp now = call.context.api.clock().now();
  return json_reply(200, json::object{{"now", now.ms}, {"connectors", std::move(connectors)}});
}

Result<Reply> describe_connector(const Call& call) {
  const auto connector = call.context.api.connectors().find(call.arguments[0]);
  if (!connector) return no_connector(call.arguments[0]);
  return json_reply(200, connector_json(*connector));
}

Result<Reply> report_connector(const Call& call) {
  GF_ASSIGN(api::ConnectorReport report, read_connector_report(call.request.body));
  GF_TRY(call.context.api.connectors().report(call.arguments[0], std::move(report)));
  Reply reply;
  reply.status = 204;
  return reply;
}

Result<Reply> delete_connector(const Call& call) {
  using Forgotten = api::Connectors::Forgotten;
  const std::string& name = call.arguments[0];
  GF_ASSIGN(const Forgotten outcome, call.context.api.connectors().forget(name));
  if (outcome == Forgotten::kUnknown) return no_connector(name);
  if (outcome == Forgotten::kStillReports)
    return error_reply(409, "connector_running",
                       fmt::format("connector '{}' is running: stop it first", name));
  Reply reply;
  reply.status = 204;
  return reply;
}

}  // namespace gameflow::http
