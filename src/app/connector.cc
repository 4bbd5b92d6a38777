// gameflow connector list | describe | delete.
#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/document.h"
#include "app/table.h"
#include "app/terminal.h"
#include "base/time.h"
#include "base/url_encode.h"
#include "client/http_client.h"
#include "client/json_text.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;

Result<json::object> get(const client::ServerAddress& server, const std::string& target) {
  return client::object_of(client::request_once(server, "GET", target));
}

std::string or_dash(const std::string& text) {
  return text.empty() ? "-" : text;
}

// "1,200", or "-" where it is null.
std::string count_at(const json::object& object, std::string_view name) {
  const json::value* const value = object.if_contains(name);
  return value == nullptr || value->is_null() ? "-" : with_commas(client::number_at(object, name));
}

std::string rate_of(const json::object& connector) {
  const json::value* const rate = connector.if_contains("records_per_second");
  if (rate == nullptr || !rate->is_number()) return "-";
  return with_commas(static_cast<std::uint64_t>(std::llround(rate->to_number<double>())));
}

std::string time_at(const json::object& object, std::string_view name) {
  const auto ms = static_cast<std::int64_t>(client::number_at(object, name));
  return ms == 0 ? "-" : format_timestamp({ms});
}

// The first line of a message, so that a table stays one.
std::string first_line(std::string text) {
  constexpr std::size_t kWidth = 80;
  text.resize(std::min(text.size(), text.find('\n')));
  if (text.size() <= kWidth) return or_dash(text);
  std::size_t end = kWidth;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end) + "…";
}

void print_connectors(const json::object& answer) {
  const json::array& connectors = client::array_at(answer, "connectors");
  if (connectors.empty()) {
    fmt::print("no connector has been here yet; `gameflow connect FILE` runs one\n");
    return;
  }
  TextTable table({"NAME", "TYPE", "DIRECTION", "STATE", "RECORDS", "PER S", "LAG", "LAST ERROR"});
  table.align_right({4, 5, 6});
  for (const json::value& value : connectors) {
    const json::object& connector = value.as_object();
    const bool has_report = !client::text_at(connector, "type").empty();
    table.add({client::text_at(connector, "name"), or_dash(client::text_at(connector, "type")),
               or_dash(client::text_at(connector, "direction")),
               client::text_at(connector, "state"),
               has_report ? count_at(connector, "records") : "-", rate_of(connector),
               count_at(connector, "lag"), first_line(client::text_at(connector, "last_error"))});
  }
  table.print();
}

void print_connector(const json::object& of) {
  std::string topics;
  for (const json::value& topic : client::array_at(of, "topics")) {
    if (!topics.empty()) topics += ", ";
    topics += std::string_view(topic.as_string());
  }
  const auto line = [](std::string_view name, const std::string& text) {
    fmt::print("{:<13} {}\n", name, text);
  };
  line("connector", client::text_at(of, "name"));
  line("type", or_dash(client::text_at(of, "type")));
  line("direction", or_dash(client::text_at(of, "direction")));
  line("topics", or_dash(topics));
  line("state",
       fmt::format("{} (since {})", client::text_at(of, "state"), time_at(of, "since_ms")));
  line("last report", time_at(of, "reported_at_ms"));
  line("records", count_at(of, "records"));
  line("per second", rate_of(of));
  line("bytes", with_unit(client::number_at(of, "bytes")));
  line("rejected", count_at(of, "rejected"));
  line("retries", count_at(of, "retries"));
  line("lag", count_at(of, "lag"));
  line("process", count_at(of, "pid") == "-" ? "-" : std::to_string(client::number_at(of, "pid")));
  line("version", or_dash(client::text_at(of, "version")));
  line("next sequence", with_commas(client::number_at(of, "next_sequence")));
  line("position", or_dash(client::text_at(of, "position")));
  if (const std::string error = client::text_at(of, "last_error"); !error.empty())
    fmt::print("\nlast error, {}:\n{}\n", time_at(of, "last_error_at_ms"), error);
}

}  // namespace

int connector_list_command(const ConnectorListOptions& options) {
  const auto answer = get(options.server, "/connectors");
  if (!answer) return print_error(answer.error());
  print_document(*answer, options.json, print_connectors);
  return kExitFine;
}

int connector_describe_command(const ConnectorDescribeOptions& options) {
  const auto connector = get(options.server, "/connectors/" + url_encode(options.connector));
  if (!connector) return print_error(connector.error());
  print_document(*connector, options.json, print_connector);
  return kExitFine;
}

int connector_delete_command(const ConnectorDeleteOptions& options) {
  const auto reply = client::expect_success(client::request_once(
      options.server, "DELETE", "/connectors/" + url_encode(options.connector)));
  if (!reply) return print_error(reply.error());
  print_document(json::object{{"name", options.connector}, {"deleted", true}}, options.json,
                 [&](const auto&) {
                   fmt::print("connector {} and its position are forgotten\n", options.connector);
                 });
  return kExitFine;
}

}  // namespace gameflow::app
