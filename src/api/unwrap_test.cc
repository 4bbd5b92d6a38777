// Bodies whose records lie in an array inside of an object.
#include "api/unwrap.h"

#include <string>
#include <string_view>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/api.h"
#include "api/fake_engine.h"
#include "api/produce_test_util.h"

namespace gameflow::api {
namespace {

class UnwrapTest : public StoreTest {
 protected:
  UnwrapTest() : StoreTest(Timestamp{1'000'000}) {
    EXPECT_TRUE(store_->create_topic({.name = "players", .partitions = 1}));
    EXPECT_TRUE(store_->create_topic({.name = "any"}));
  }

  Result<ProduceReply> produce(std::string_view topic, std::string_view body,
                               const ProduceOptions& options) {
    return answer_to(body, [&](std::string_view exact, auto done) {
      if (topic.empty())
        api_.produce_routed(exact, options, std::move(done));
      else
        api_.produce(topic, exact, options, std::move(done));
    });
  }
  // What the first record that is refused, or else the body, is told.
  std::string told(std::string_view topic, std::string_view body, const ProduceOptions& options) {
    const auto reply = produce(topic, body, options);
    if (!reply) return reply.error().message;
    return reply->errors.empty() ? "nothing" : reply->errors[0].message;
  }

  FakeEngine engine_;
  Api api_{*store_, &engine_, clock_};
};

constexpr std::string_view kGood = R"({"user":{"id":"ann"},"number":1})";

TEST_F(UnwrapTest, RecordsLieInAnArray) {
  struct Row {
    const char *what, *topic;
    std::string body;
    BodyFormat format;
    const char *path, *outcome;
  };
  const Row rows[] = {
      {"an object", "any", R"({"events":[1,{"a":2}],"sent_at":7})", BodyFormat::kJson, "events",
       "2/0/0"},
      {"over several lines, with white space", "any",
       "\xef\xbb\xbf {\n\"events\" : [\n1 ,\n2]\n}\n", BodyFormat::kAny, "events", "2/0/0"},
      {"deeper", "any", R"({"data":{"events":[1,2]}})", BodyFormat::kJson, "data.events", "2/0/0"},
      {"empty", "any", R"({"events":[]})", BodyFormat::kJson, "events", "0/0/0"},
      {"lines of objects", "any", "{\"e\":[1,2]}\n\n{\"x\":1,\"e\":[3]}\n", BodyFormat::kNdjson,
       "e", "3/0/0"},
      {"an array of objects", "any", R"([{"e":[1]},{"e":[2,3]}])", BodyFormat::kJson, "e", "3/0/0"},
      {"numbers count all records", "players",
       fmt::format("{{\"e\":[{}]}}\n{{\"e\":[{},7]}}\n", kGood, kGood), BodyFormat::kNdjson, "e",
       "2/0/1 2::wrong_type"},
      {"each says where it goes", "", R"({"batch":[{"topic":"any","value":1},{"value":1}]})",
       BodyFormat::kJson, "batch", "1/0/1 1:topic:missing_field"},
      {"one of several has none", "any", "{\"e\":[1]}\n{\"f\":[2]}\n", BodyFormat::kNdjson, "e",
       "missing_field"},
      {"no such member", "any", R"({"event":[1]})", BodyFormat::kJson, "events", "missing_field"},
      {"no array", "any", R"({"events":{"a":1}})", BodyFormat::kJson, "events", "wrong_type"},
      {"no object", "any", "[1,2]", BodyFormat::kJson, "events", "invalid_json"},
      {"members are found as JSON has them", "any",
       R"({"\u0065v":0,"\u0065vents":[1],"data":{"events":7}})", BodyFormat::kJson, "events",
       "1/0/0"},
      {"commas behind it", "any", R"({"events":[1],,,})", BodyFormat::kJson, "events",
       "invalid_json"},
      {"no colon before it", "any", R"({"a" 1,"events":[1]})", BodyFormat::kJson, "events",
       "missing_field"},
      {"a word beside it", "any", R"({"events":[1],"a":tru})", BodyFormat::kJson, "events",
       "invalid_json"},
      {"a word behind it", "any", R"({"events":[1] x})", BodyFormat::kJson, "events",
       "invalid_json"},
      {"another bracket at its end", "any", R"({"events":[1}})", BodyFormat::kJson, "events",
       "invalid_json"},
      {"an escape that is none", "any", R"({"\x":0,"events":[1]})", BodyFormat::kJson, "events",
       "invalid_json"},
      {"twice", "any", R"({"events":[1],"events":[2]})", BodyFormat::kJson, "events", "wrong_type"},
      {"twice, one with an escape", "any", R"({"events":[1],"event\u0073":[2]})", BodyFormat::kJson,
       "events", "wrong_type"},
      {"in an object that is there twice", "any", R"({"a":{"e":[1]},"a":{}})", BodyFormat::kJson,
       "a.e", "wrong_type"},
      {"a number of any size beside it", "any", R"({"id":123456789012345678901,"events":[1]})",
       BodyFormat::kJson, "events", "1/0/0"},
      {"nothing", "any", "", BodyFormat::kJson, "events", "invalid_json"},
      {"cut short", "any", R"({"events":[1],"sent_at":1)", BodyFormat::kJson, "events",
       "invalid_json"},
      {"the array does not end", "any", R"({"events":[1,{"a":2})", BodyFormat::kJson, "events",
       "invalid_json"},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(text_of(produce(row.topic, row.body, {.format = row.format, .unwrap = row.path})),
              row.outcome)
        << row.what;
  }
  EXPECT_EQ(stored("any"), R"(1 {"a":2} 1 2 1 2 1 2 3 1 2 3 1 1 1)");
}

TEST_F(UnwrapTest, MistakesSayWhatThereIs) {
  const ProduceOptions events{.format = BodyFormat::kJson, .unwrap = "events"};
  EXPECT_EQ(told("any", R"({"event":[1],"sent_at":1})", events),
            "the records should lie in 'events', but the body has no member 'events'; did you mean "
            "'event'?");
  EXPECT_EQ(told("any", R"({"batch":[1],"sent_at":1})", events),
            "the records should lie in 'events', but the body has no member 'events'; the members "
            "are: batch, sent_at");
  const auto deep = [&](const char* body, const char* path) {
    return told("any", body, {.format = BodyFormat::kJson, .unwrap = path});
  };
  EXPECT_EQ(
      deep(R"({"a":{"b":{"d":[1]}}})", "a.b.c"),
      "the records should lie in 'a.b.c', but 'a.b' in it has no member 'c'; the members are: d");
  EXPECT_EQ(deep(R"({"a":[{"b":[1]}]})", "a.b"),
            "the records should lie in 'a.b', but 'a' in it is no object");
  EXPECT_EQ(deep(R"({'events':[1]})", "events"),
            "the records should lie in 'events', but the body has no member 'events'; it is no "
            "valid JSON");
  EXPECT_EQ(told("any", "{}", events),
            "the records should lie in 'events', but the body has no member 'events'; it is empty");
  EXPECT_EQ(told("any", R"({"events":[1],,})", events),
            "what stands around 'events' is no JSON; with [] in its place: "
            "invalid JSON at byte 13: expected a key in quotes, found ','");
  EXPECT_EQ(told("any", R"({"events":[1],"events":[2]})", events),
            "the object has 'events' twice: send the records in one array");
  EXPECT_EQ(told("any", " ", events), "the body is empty: send an object such as {\"events\":[…]}");
}

TEST_F(UnwrapTest, RecordsAsKafkasRestHasThem) {
  const ProduceOptions kafka{.format = BodyFormat::kAny, .unwrap = "records", .are_keyed = true};
  EXPECT_EQ(text_of(produce("any", R"({"records":[{"key":"k","value":{"a":1}},{"value":[2]},
      {"key":null,"value":3,"partition":null}],"value_schema_id":1})",
                            kafka)),
            "3/0/0");
  EXPECT_EQ(stored("any"), R"(k={"a":1} [2] 3)");
  EXPECT_EQ(text_of(produce(
                "any", R"({"records":[{"value":null},{"key":"k"},{"key":7,"value":1},8]})", kafka)),
            "0/0/4 0:value:wrong_type 1:value:missing_field 2:key:wrong_type 3::wrong_type");
  EXPECT_EQ(text_of(produce("players",
                            fmt::format(R"({{"records":[{{"key":"k","value":{}}},)"
                                        R"({{"value":{{"user":{{"id":"a"}},"number":"x"}}}}]}})",
                                        kGood),
                            kafka)),
            "1/0/1 1:value.number:wrong_type");
  EXPECT_EQ(stored("players"), fmt::format("k={}", kGood));
  EXPECT_EQ(
      text_of(produce("any", R"({"records":[{"value":1,"partition":0},{"value":2}]})", kafka)),
      "1/0/1 0:partition:invalid_argument");
  EXPECT_EQ(text_of(produce("any", R"({"records":[{"value":1,"value":2},{"key":"a","value":1,
      "k\u0065y":"b"},{"value":{"key":1,"value":2},"key":"k"},{"value":"long enough to lie inside",
      "value":"long enough to lie there, too"},{"key":null,"key":null,"value":"a \"value\":1"}]})",
                            kafka)),
            "1/0/4 0:value:wrong_type 1:key:wrong_type 3:value:wrong_type 4:key:wrong_type");
  EXPECT_EQ(told("any", R"({"record":[]})", kafka),
            "the records should lie in 'records', but the body has no member 'records'; did you "
            "mean 'record'?");
  EXPECT_EQ(text_of(produce("any", "", kafka)), "invalid_json");
  EXPECT_EQ(text_of(produce("", "", kafka)), "invalid_json");
  EXPECT_EQ(
      text_of(produce("", R"({"records":[{"topic":"any","value":null},{"value":1}]})", kafka)),
      "0/0/2 0:value:wrong_type 1:topic:missing_field");
}

TEST_F(UnwrapTest, AMissingFieldHintsAtIt) {
  const ProduceOptions plain{.format = BodyFormat::kJson};
  const std::string hint = "missing field; if the records are what lies in \"{}\", add ?unwrap={}";
  for (const std::string name : {"records", "events", "batch"}) {
    const std::string body = fmt::format(R"({{"{}":[{}]}})", name, kGood);
    const std::string hinted = fmt::format(fmt::runtime(hint), name, name);
    EXPECT_EQ(told("players", body, plain), hinted);
    EXPECT_EQ(told("", body, plain), hinted);
  }
  EXPECT_NE(told("any", R"({"events":[1]})", {.format = BodyFormat::kJson, .key_field = "player"})
                .find("add ?unwrap=events"),
            std::string::npos);
  EXPECT_EQ(
      told("players", fmt::format(R"({{"records":[{{"value":{}}}]}})", kGood), plain),
      "missing field; if the records are the \"value\" of what lies in \"records\", send it as "
      "application/vnd.kafka.json.v2+json");
  EXPECT_EQ(told("players", R"({"events":7})", plain), "missing field");
  EXPECT_EQ(told("players", R"({"user":{"id":"a"},"others":[]})", plain), "missing field");
  EXPECT_EQ(told("any", R"({"events":[1]})", plain), "nothing") << "it may be a record";
  EXPECT_EQ(
      told("players", R"({"e":[{"events":[]}]})", {.format = BodyFormat::kJson, .unwrap = "e"}),
      "missing field");
}

}  // namespace
}  // namespace gameflow::api
