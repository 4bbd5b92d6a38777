// Connectors' files: what is read, and every mistake with its place.
#include "spec/connector.h"

#include <map>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "spec/test_util.h"

namespace gameflow::spec {
namespace {

using connect::Setting;
using connect::SettingKind;

constexpr std::string_view kMethods[] = {"GET", "POST"};
constexpr Setting kSettings[] = {
    {.key = "endpoint", .kind = SettingKind::kText, .is_required = true, .example = "http://a/b"},
    {.key = "method", .kind = SettingKind::kWord, .fallback = "GET", .words = kMethods},
    {.key = "stream", .kind = SettingKind::kBool, .fallback = "false"},
    {.key = "retries", .kind = SettingKind::kNumber, .min = 1, .max = 9},
    {.key = "interval",
     .kind = SettingKind::kDuration,
     .fallback = "10s",
     .min = 100,
     .max = 60'000},
    {.key = "size", .kind = SettingKind::kBytes, .fallback = "1KiB", .max = 1 << 20},
    {.key = "headers", .kind = SettingKind::kTexts},
    {.key = "tags", .kind = SettingKind::kMap},
};
const connect::Kind kKinds[] = {
    {.type = "http-source",
     .section = "http",
     .doc = "",
     .settings = kSettings,
     .make_source = [](const connect::Settings&,
                       connect::Host&) { return std::unique_ptr<connect::Source>(); }},
    {.type = "file-sink",
     .section = "file",
     .doc = "",
     .settings = {},
     .make_sink = [](const connect::Settings&,
                     connect::Host&) { return std::unique_ptr<connect::Sink>(); }},
};

constexpr std::string_view kGood = R"(apiVersion: 0.1.0
meta:
  version: 0.4.3
  name: gaming-events
  type: http-source
  topic: gaming-events
  secrets:
    - name: TOKEN
http:
  endpoint: http://localhost:8000/stream_events
  method: GET
  headers:
    - "Authorization: Bearer ${{ secrets.TOKEN }}"
    - "X-Env: ${env:WHERE}-${file:id.txt} $${x}"
  tags: { a: b }
  interval: 1s
)";

Result<std::string> find_secret(const SecretReference& reference) {
  if (reference.name == "TOKEN") return "s3cret";
  if (reference.name == "WHERE") return "here";
  if (reference.name == "id.txt") return "7";
  if (reference.name == "NUMBER") return "3";
  return fail(ErrorCode::kInvalidArgument, "there is no secret '" + reference.name + "'");
}

// A file without mistakes.
Connector read(std::string_view source) {
  ConnectorResult result = parse_connector(source, "f", kKinds, find_secret);
  EXPECT_EQ(render(result.diagnostics, "f", source), "");
  return std::move(result.connector).value();
}

TEST(Connector, IsReadWithItsSecrets) {
  const Connector connector = read(kGood);
  EXPECT_EQ(connector.name, "gaming-events");
  EXPECT_EQ(connector.kind.type, "http-source");
  EXPECT_TRUE(connector.is_source());
  EXPECT_EQ(connector.topics, std::vector<std::string>{"gaming-events"});
  const connect::Settings& settings = connector.settings;
  EXPECT_EQ(settings.text("endpoint"), "http://localhost:8000/stream_events");
  EXPECT_EQ(settings.text("method"), "GET");
  EXPECT_FALSE(settings.flag("stream"));
  EXPECT_FALSE(settings.has("retries"));
  EXPECT_EQ(settings.duration("interval").count(), 1'000);
  EXPECT_EQ(settings.number("size"), 1'024);
  EXPECT_EQ(settings.texts("headers"),
            (std::vector<std::string>{"Authorization: Bearer s3cret", "X-Env: here-7 ${x}"}));
  EXPECT_EQ(settings.map("tags"), (connect::Settings::Map{{"a", "b"}}));
}

TEST(Connector, IsCheckedWithoutSecrets) {
  EXPECT_TRUE(parse_connector(kGood, "f", kKinds, nullptr).connector);
}

TEST(Connector, HasTheTopicInBothSpellings) {
  std::string source(kGood);
  const std::string_view topic = "topic: gaming-events";
  source.replace(source.find(topic), topic.size(), "topic: { meta: { name: others } }");
  source.replace(source.find("0.1.0"), 5, "0.2.0");
  EXPECT_EQ(read(source).topics, std::vector<std::string>{"others"});
}

TEST(Connector, OfASinkHasSeveralTopics) {
  const std::string source =
      "apiVersion: 0.1.0\n"
      "meta: { name: a, version: 0.1.0, type: file-sink, topics: [a, b, a],\n"
      "        consumer: { partition: 3, max_bytes: 1MB } }\n";
  const Connector connector = read(source);
  EXPECT_EQ(connector.topics, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(connector.partition, 3);
  EXPECT_EQ(connector.batch_bytes, 1'000'000);
}

TEST(Connector, Routes) {
  std::string source(kGood);
  source +=
      "key-field: key\nvalue-field: event\n"
      "route:\n  field: event.event_name\n  topics: { player_action: players }\n"
      "  otherwise: drop\n";
  const Connector connector = read(source);
  EXPECT_EQ(connector.key_field, "key");
  EXPECT_EQ(connector.value_field, "event");
  EXPECT_EQ(connector.route->field, "event.event_name");
  EXPECT_EQ(connector.route->topics[0].second, "players");
  EXPECT_EQ(connector.route->otherwise, RouteOtherwise::kDrop);
}

class ConnectorMistake : public testing::TestWithParam<Edit> {};

TEST_P(ConnectorMistake, IsToldAtItsPlace) {
  const Edit& edit = GetParam();
  const ConnectorResult result = parse_connector(edited(kGood, edit), "f", kKinds, find_secret);
  std::string told;
  for (const Diagnostic& each : result.diagnostics) {
    told += fmt::format("{}:{} {} = {}\n", each.position.line, each.position.column, each.message,
                        each.hint);
  }
  EXPECT_EQ(told, edit.expected);
}

INSTANTIATE_TEST_SUITE_P(
    All, ConnectorMistake,
    testing::ValuesIn({
        Edit{"Version", "0.1.0", "0.7.0",
             "1:13 unknown 'apiVersion' '0.7.0' = did you mean '0.1.0'?\n"},
        Edit{"Type", "http-source", "htp-source",
             "5:9 there is no kind of connector 'htp-source' = did you mean 'http-source'?\n"},
        Edit{"Name", "name: gaming-events", "name: Gaming",
             "4:9 'Gaming' cannot be the name of a connector = small letters and digits, a letter "
             "first, single '-' or '_' between, at most 100\n"},
        Edit{"Key", "  method:", "  methode:",
             "11:3 unknown key 'methode' in 'http' = did you mean 'method'?\n"},
        Edit{"Word", "method: GET", "method: GTE",
             "11:11 unknown 'method' 'GTE' = did you mean 'GET'?\n"},
        Edit{"Required", "  endpoint: http://localhost:8000/stream_events\n", "",
             "10:3 'http' needs 'endpoint' = for example 'endpoint: http://a/b'\n"},
        Edit{"Duration", "interval: 1s", "interval: 1ms",
             "16:13 'interval' has to be 100ms to 36500d = \n"},
        Edit{"Size", "interval: 1s", "size: 2MiB", "16:9 'size' has to be 0B to 1MiB = \n"},
        Edit{"Number", "interval: 1s", "retries: many",
             "16:12 'retries' has to be a whole number from 1 to 9 = \n"},
        Edit{"NumberOfASecret", "interval: 1s", "retries: ${env:NUMBER}", ""},
        Edit{"WrongNumberOfASecret", "interval: 1s", "retries: ${env:WHERE}",
             "16:12 'retries' has to be a whole number from 1 to 9 = \n"},
        Edit{"List", "tags: { a: b }", "headers2: x",
             "15:3 unknown key 'headers2' in 'http' = did you mean 'headers'?\n"},
        Edit{"Map", "tags: { a: b }", "tags: x",
             "15:9 'tags' has to be a map, this is a single value = \n"},
        Edit{"NoSection", "http:", "htp:",
             "9:1 unknown key 'htp' in a connector's file = did you mean 'http'?\n"},
        Edit{"NoTopic", "  topic: gaming-events\n", "",
             "3:3 'meta' needs 'topic' = write 'topic: NAME'\n"},
        Edit{
            "TopicsOfASource", "topic: gaming-events", "topics: [a]",
            "6:11 a source has one topic = write 'topic', and 'route' beside 'meta' for several\n"},
        Edit{"CreateTopic", "topic: gaming-events", "topic: gaming-events\n  create-topic: true",
             "7:3 a connector makes no topics = declare the topic in dataflow.yaml, or make it "
             "with 'gameflow topic create'\n"},
        Edit{"TopicSettings", "topic: gaming-events",
             "topic: { meta: { name: a }, partition: { count: 1 } }",
             "6:31 a topic is made elsewhere: in dataflow.yaml, or with 'gameflow topic create' = "
             "remove it\n"},
        Edit{"Producer", "topic: gaming-events",
             "topic: gaming-events\n  producer: { compression: gzip, linger: 20s, batch-size: 1GiB "
             "}",
             "7:15 topics are always compressed = remove it\n7:42 'linger' has to be at most 10s = "
             "\n7:59 'batch-size' has to be at most 4MiB = \n"},
        Edit{"SecretNotDeclared", "name: TOKEN", "name: OTHER",
             "13:7 secret 'TOKEN' is not among 'secrets' of 'meta' = add it there: 'secrets: [{ "
             "name: TOKEN }]'\n"},
        Edit{"SecretNotThere", "${env:WHERE}", "${env:NOWHERE}",
             "14:7 there is no secret 'NOWHERE' = \n"},
        Edit{"NoReference", "${env:WHERE}", "${WHERE}",
             "14:7 '${' begins a reference to a secret, but this is none = write '${env:NAME}', "
             "'${file:PATH}', '${{ secrets.NAME }}', or '$${' for '${' itself\n"},
        Edit{"Empty", kGood.data(), "",
             "0:0 the file is empty = a connector starts with 'apiVersion: 0.1.0' and 'meta:'\n"},
    }),
    name_of);

}  // namespace
}  // namespace gameflow::spec
