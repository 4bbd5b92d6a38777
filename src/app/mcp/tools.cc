#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <boost/json.hpp>
#include <fmt/format.h>

#include "app/dataflow_file.h"
#include "app/mcp/server.h"
#include "base/url_encode.h"
#include "client/http_client.h"
#include "client/json_text.h"
#include "plan/describe.h"
#include "plan/explain.h"

namespace gameflow::app::mcp {
namespace {

namespace json = boost::json;
using Answer = Result<json::value>;

constexpr std::uint64_t kTailMax = 100, kRowsMax = 1'000;

tl::unexpected<Error> wrong(std::string what) {
  return fail(ErrorCode::kInvalidArgument, std::move(what));
}

// An argument that has to be there.
Result<std::string> text_argument(const json::object& arguments, std::string_view name) {
  std::string text = client::text_at(arguments, name);
  if (text.empty()) return wrong(fmt::format("argument '{}' is missing: a text", name));
  return text;
}

Result<std::uint64_t> number_argument(const json::object& arguments, std::string_view name,
                                      std::uint64_t otherwise, std::uint64_t most) {
  if (!arguments.contains(name)) return otherwise;
  const json::value& value = arguments.at(name);
  boost::system::error_code error;
  const auto number = value.is_number() ? value.to_number<std::uint64_t>(error) : 0;
  if (!value.is_number() || error || number < 1 || number > most)
    return wrong(fmt::format("argument '{}' must be a number from 1 to {}", name, most));
  return number;
}

json::object schema(json::object properties, json::array required = {}) {
  json::object out{
      {"type", "object"}, {"properties", std::move(properties)}, {"additionalProperties", false}};
  if (!required.empty()) out["required"] = std::move(required);
  return out;
}

json::object property(const char* type, const char* description) {
  return {{"type", type}, {"description", description}};
}

// Asks a server, on one connection.
class Source {
 public:
  explicit Source(client::ServerAddress server) : server_(std::move(server)) {}

  Result<json::object> get(const std::string& target) {
    GF_ASSIGN(client::Http* const http, connection());
    return client::object_of(http->get(target));
  }
  Result<std::string> get_text(const std::string& target) {
    GF_ASSIGN(client::Http* const http, connection());
    GF_ASSIGN(const client::HttpReply reply, client::expect_success(http->get(target)));
    return reply.body;
  }
  Result<std::string> post(const std::string& target, const json::object& body) {
    GF_ASSIGN(client::Http* const http, connection());
    GF_ASSIGN(const client::HttpReply reply,
              client::expect_success(
                  http->request("POST", target, "application/json", json::serialize(body))));
    return reply.body;
  }
  // None, where the server has topics only.
  Result<json::object> dataflow() {
    auto dataflow = get("/dataflow");
    if (!dataflow && dataflow.error().code != ErrorCode::kUnavailable) return json::object();
    return dataflow;
  }

 private:
  Result<client::Http*> connection() {
    if (!http_) {
      GF_ASSIGN(http_, client::HttpClient::open(server_));
    }
    return http_.get();
  }

  const client::ServerAddress server_;
  std::unique_ptr<client::HttpClient> http_;
};

json::object topic_in_short(const json::object& topic) {
  return {{"name", client::text_at(topic, "name")},
          {"schema", topic.contains("schema") ? topic.at("schema") : json::value()},
          {"partitions", client::array_at(topic, "partitions").size()},
          {"records", client::number_at(topic, "records")}};
}

Answer list(Source& source) {
  GF_ASSIGN(const json::object topics, source.get("/topics"));
  GF_ASSIGN(const json::object dataflow, source.dataflow());
  GF_ASSIGN(const json::object states, source.get("/states"));
  json::object out{{"dataflow", client::text_at(dataflow, "name")}};
  json::array& all_topics = (out["topics"] = json::array()).get_array();
  for (const json::value& topic : client::array_at(topics, "topics"))
    all_topics.emplace_back(topic_in_short(topic.as_object()));
  json::array& services = (out["services"] = json::array()).get_array();
  for (const json::value& value : client::array_at(dataflow, "services")) {
    const json::object& service = value.as_object();
    json::array sources;
    for (const json::value& from : client::array_at(service, "sources"))
      sources.emplace_back(client::text_at(from.as_object(), "topic"));
    services.emplace_back(json::object{{"name", client::text_at(service, "name")},
                                       {"sources", std::move(sources)},
                                       {"sinks", client::array_at(service, "sinks")}});
  }
  out["states"] = client::array_at(states, "states");
  return json::value(std::move(out));
}

// The element of an array of objects whose `key` is `name`; null where there is none.
const json::object* find(const json::array& items, std::string_view key, std::string_view name) {
  for (const json::value& item : items) {
    if (item.is_object() && client::text_at(item.get_object(), key) == name)
      return &item.get_object();
  }
  return nullptr;
}

Answer describe(Source& source, const json::object& arguments) {
  GF_ASSIGN(const std::string name, text_argument(arguments, "name"));
  GF_ASSIGN(const json::object topics, source.get("/topics"));
  GF_ASSIGN(const json::object dataflow, source.dataflow());
  GF_ASSIGN(const json::object states, source.get("/states"));
  json::object out;
  if (const auto* topic = find(client::array_at(topics, "topics"), "name", name))
    out["topic"] = *topic;
  if (const auto* service = find(client::array_at(dataflow, "services"), "name", name))
    out["service"] = *service;
  for (const char* key : {"table", "state"}) {
    const auto* state = find(client::array_at(states, "states"), key, name);
    if (state != nullptr && !out.contains("state")) out["state"] = *state;
  }
  if (out.empty())
    return wrong(
        fmt::format("there is no topic, service or state '{}': 'list' has their names", name));
  return json::value(std::move(out));
}

// As the server wrote it: in JSON that is read and written again, numbers lose digits.
Answer sql(Source& source, const json::object& arguments) {
  GF_ASSIGN(const std::string query, text_argument(arguments, "query"));
  GF_ASSIGN(const std::uint64_t limit, number_argument(arguments, "limit", 100, kRowsMax));
  GF_ASSIGN(const std::string answer, source.post("/sql", {{"sql", query}, {"limit", limit}}));
  return json::value(answer);
}

// The last records of all partitions by the time of their arrival, as the server wrote them.
Answer tail(Source& source, const json::object& arguments) {
  GF_ASSIGN(const std::string topic, text_argument(arguments, "topic"));
  GF_ASSIGN(const std::uint64_t count, number_argument(arguments, "count", 10, kTailMax));
  const std::string target = "/topics/" + url_encode(topic);
  GF_ASSIGN(const json::object described, source.get(target));
  std::vector<std::pair<std::uint64_t, std::string>> records;
  for (const json::value& partition : client::array_at(described, "partitions")) {
    GF_ASSIGN(const std::string body,
              source.get_text(fmt::format("{}/records?partition={}&offset=-{}&limit={}", target,
                                          client::number_at(partition.as_object(), "partition"),
                                          count, count)));
    std::string_view rest = body;
    while (!rest.empty()) {
      const std::size_t end = std::min(rest.find('\n'), rest.size());
      const std::string line(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      boost::system::error_code error;
      const json::value record = json::parse(line, error);
      if (!error && record.is_object())
        records.emplace_back(client::number_at(record.get_object(), "timestamp"), line);
    }
  }
  std::ranges::stable_sort(records, {}, &std::pair<std::uint64_t, std::string>::first);
  if (records.size() > count)
    records.erase(records.begin(), records.end() - static_cast<std::ptrdiff_t>(count));
  std::string text;
  for (const auto& [time, line] : records) text += line + "\n";
  return json::value(text.empty() ? "there are no records" : text);
}

Answer explain(Source& source, const std::vector<std::string>& package_folders,
               const json::object& arguments) {
  const std::string file = client::text_at(arguments, "file");
  if (file.empty()) {
    GF_ASSIGN(json::object dataflow, source.get("/dataflow"));
    return json::value(std::move(dataflow));
  }
  if (!file.ends_with(".yaml") && !file.ends_with(".yml"))
    return wrong(fmt::format("'{}' is no dataflow: its name must end in .yaml", file));
  Mistakes mistakes;
  const auto read = read_dataflow(file, package_folders, &mistakes);
  if (!read) return wrong(mistakes.text + read.error().message);
  return json::value(plan::explain(plan::describe(*read->graph)));
}

}  // namespace

std::vector<Tool> tools_of(const client::ServerAddress& server,
                           const std::vector<std::string>& package_folders) {
  const auto source = std::make_shared<Source>(server);
  std::vector<Tool> tools;
  tools.push_back({"list", "List topics, services and states",
                   "What this gameflow has: topics with their number of records and partitions, "
                   "services with their sources and sinks, and states, each with the name of its "
                   "SQL table, its rows and its columns.",
                   schema({}), [source](const json::object&) { return list(*source); }});
  tools.push_back(
      {"describe", "Describe a topic, a service or a state",
       "All about what has this name: a topic's partitions, offsets and retention; a service's "
       "window, watermark, lag, late records and counters; a state's columns and size.",
       schema({{"name", property("string", "of a topic, a service, a state or an SQL table")}},
              {"name"}),
       [source](const json::object& arguments) { return describe(*source, arguments); }});
  tools.push_back(
      {"sql", "Query live state",
       "Runs one SELECT (SQLite's dialect) over the tables of states. Tables have _key, the "
       "columns "
       "of the state, _updated_at, and for windows _window_start, _window_end (ms since 1970, UTC) "
       "and _window_closed; they hold the open windows and the last closed one.",
       schema({{"query", property("string", "a SELECT")},
               {"limit", property("integer", "rows at most, 1 to 1000; default 100")}},
              {"query"}),
       [source](const json::object& arguments) { return sql(*source, arguments); }});
  tools.push_back(
      {"tail", "The last records of a topic",
       "The last records by arrival, oldest first, a JSON object a line: partition, offset, "
       "timestamp, key, value. 'dead-letters' has the records that could not be processed.",
       schema({{"topic", property("string", "its name")},
               {"count", property("integer", "how many, 1 to 100; default 10")}},
              {"topic"}),
       [source](const json::object& arguments) { return tail(*source, arguments); }});
  tools.push_back(
      {"explain", "Explain a dataflow",
       "Without a file: the running dataflow with watermarks, lag and counters. With one: the "
       "graph of that dataflow.yaml (sources, fused operators, exchanges, windows, states, sinks), "
       "or its mistakes with line and column.",
       schema({{"file", property("string", "path of a dataflow.yaml on this machine")}}),
       [source, package_folders](const json::object& arguments) {
         return explain(*source, package_folders, arguments);
       }});
  return tools;
}

}  // namespace gameflow::app::mcp
