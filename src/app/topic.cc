// gameflow topic list | describe | create | delete.

#include <algorithm>
#include <string>
#include <vector>

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

Result<json::object> call(const client::ServerAddress& server, std::string_view method,
                          const std::string& target, std::string_view body = {}) {
  return client::object_of(client::request_once(server, method, target, body));
}

// "7d, 1.0 GiB" or "for ever".
std::string retention_of(const json::object& topic) {
  const std::uint64_t age = client::number_at(topic, "retention_age_ms");
  const std::uint64_t bytes = client::number_at(topic, "retention_bytes");
  std::string text;
  if (age > 0) text = format_duration({static_cast<std::int64_t>(age)});
  if (bytes > 0) text += (text.empty() ? "" : ", ") + with_unit(bytes) + " a partition";
  return text.empty() ? "for ever" : text;
}

std::string schema_of(const json::object& topic) {
  const std::string schema = client::text_at(topic, "schema");
  return schema.empty() ? "-" : schema;
}

void print_topics(const json::object& answer) {
  TextTable table({"TOPIC", "PARTITIONS", "RECORDS", "SIZE", "SCHEMA", "KEPT"});
  table.align_right({1, 2, 3});
  for (const json::value& value : client::array_at(answer, "topics")) {
    const json::object& topic = value.as_object();
    table.add({client::text_at(topic, "name"),
               std::to_string(client::array_at(topic, "partitions").size()),
               with_commas(client::number_at(topic, "records")),
               with_unit(client::number_at(topic, "bytes")), schema_of(topic),
               retention_of(topic)});
  }
  table.print();
}

void print_topic(const json::object& topic) {
  fmt::print("topic    {}\nschema   {}\nrecords  {}\nsize     {}\nkept     {}\ncreated  {}\n\n",
             client::text_at(topic, "name"), schema_of(topic),
             with_commas(client::number_at(topic, "records")),
             with_unit(client::number_at(topic, "bytes")), retention_of(topic),
             client::text_at(topic, "created_at"));
  TextTable table({"PARTITION", "BEGIN", "END", "SIZE"});
  table.align_right({0, 1, 2, 3});
  for (const json::value& value : client::array_at(topic, "partitions")) {
    const json::object& partition = value.as_object();
    table.add({std::to_string(client::number_at(partition, "partition")),
               std::to_string(client::number_at(partition, "begin")),
               std::to_string(client::number_at(partition, "end")),
               with_unit(client::number_at(partition, "bytes"))});
  }
  table.print();
}

}  // namespace

int topic_list_command(const TopicListOptions& options) {
  const auto answer = call(options.server, "GET", "/topics");
  if (!answer) return print_error(answer.error());
  print_document(*answer, options.json, print_topics);
  return kExitFine;
}

int topic_describe_command(const TopicDescribeOptions& options) {
  const auto topic = call(options.server, "GET", "/topics/" + url_encode(options.topic));
  if (!topic) return print_error(topic.error());
  print_document(*topic, options.json, print_topic);
  return kExitFine;
}

int topic_create_command(const TopicCreateOptions& options) {
  json::object request{{"name", options.topic}, {"partitions", options.partitions}};
  if (!options.retention_age.empty()) request["retention_age"] = options.retention_age;
  if (options.retention_bytes) request["retention_bytes"] = *options.retention_bytes;
  const auto topic = call(options.server, "POST", "/topics", json::serialize(request));
  if (!topic) return print_error(topic.error());
  print_document(*topic, options.json, [](const json::object& created) {
    fmt::print("topic {} created\n", client::text_at(created, "name"));
  });
  return kExitFine;
}

int topic_delete_command(const TopicDeleteOptions& options) {
  const auto reply = client::expect_success(
      client::request_once(options.server, "DELETE", "/topics/" + url_encode(options.topic)));
  if (!reply) return print_error(reply.error());
  print_document(json::object{{"name", options.topic}, {"deleted", true}}, options.json,
                 [&](const auto&) { fmt::print("topic {} deleted\n", options.topic); });
  return kExitFine;
}

}  // namespace gameflow::app
