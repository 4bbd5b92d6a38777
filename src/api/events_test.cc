// Events of game clients: where they go, ids that come again, clocks that are off.
#include "api/events.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/produce_test_util.h"
#include "record/type.h"
#include "spec/ingest.h"

namespace gameflow::api {
namespace {

// 2024-11-12T10:15:30Z
constexpr Timestamp kNow{1'731'406'530'000};
constexpr Duration kDay{86'400'000};

const spec::Ingest kIngest{.routes = {{.event = "gone", .topic = "nowhere"},
                                      {.event = "move", .topic = "any", .platform = "platform"},
                                      {.event = "pay", .topic = "other", .key = "data.id"},
                                      {.event = "player", .topic = "players"},
                                      {.event = "tick", .topic = "any", .time = "at.time"}},
                           .events_max = 20,
                           .event_bytes_max = 1'000,
                           .clock_drift = Duration{60'000}};

class EventsTest : public StoreTest {
 protected:
  EventsTest() : StoreTest(kNow) {
    EXPECT_TRUE(store_->create_topic({.name = "players", .partitions = 4}));
    for (const char* name : {"any", "other", "dead-letters"})
      EXPECT_TRUE(store_->create_topic({.name = name}));
    const auto* user = types_.object("user", {{"id", types_.scalar(record::Kind::kString)}});
    player_ =
        types_.object("player", {{"user", user}, {"number", types_.scalar(record::Kind::kI64)}});
  }

  Result<Destination> find(std::string_view name) const {
    GF_ASSIGN(log::TopicInfo info, store_->topic(name));
    Destination to{.topic = std::move(info), .type = name == "players" ? player_ : nullptr};
    if (name == "players") to.ids = {{"user.id", kDay}};
    if (name == "any") to.ids = {{"event_id", kDay}, {"data.transaction_id", std::nullopt}};
    return to;
  }

  Result<ProduceReply> send(std::string_view body, ProduceOptions options = {}) {
    if (options.format == BodyFormat::kNdjson) options.format = BodyFormat::kAny;
    return answer_to(body, [&](std::string_view exact, auto done) {
      produce_.run_events(
          kIngest, [this](std::string_view name) { return find(name); }, exact, options,
          std::move(done));
    });
  }
  std::string outcome(std::string_view body, const ProduceOptions& options = {}) {
    return text_of(send(body, options));
  }
  std::string record(std::string_view topic, std::string_view body, ProduceOptions options = {}) {
    options.format = BodyFormat::kJson;
    const Destination to = *find(topic);
    return text_of(answer_to(body, [&](std::string_view exact, auto done) {
      produce_.run(to, exact, options, std::move(done));
    }));
  }

  record::TypeTable types_;
  const record::Type* player_ = nullptr;
  Produce produce_{*store_, clock_, [this] { return store_->topic("dead-letters")->id; }};
};

TEST_F(EventsTest, GoWhereTheirNamesSay) {
  EXPECT_EQ(outcome(R"({"event_name":"move","n":1}
{"data":{"id":7},"event_name":"pay"}
 { "event_name" : "move" , "n":2 }
{"event_name":"m\u006fve","n":3})"),
            "4/0/0");
  EXPECT_EQ(
      stored("any"),
      R"({"event_name":"move","n":1} { "event_name" : "move" , "n":2 } {"event_name":"m\u006fve","n":3})");
  EXPECT_EQ(stored("other"), R"(7={"data":{"id":7},"event_name":"pay"})");
  EXPECT_EQ(store_->stats().commits, 1U) << "all of it at once";
  EXPECT_EQ(outcome(R"({"event_name":"player","user":{"id":"ann"},"number":1})"), "1/0/0");
}

TEST_F(EventsTest, ABatchMayHaveAnotherName) {
  const ProduceOptions wrapped{.format = BodyFormat::kJson, .unwrap = "batch"};
  EXPECT_EQ(outcome(R"({"sent_at":"2024-11-12T09:15:30Z","batch":[{"event_name":"move",
      "event_timestamp":"2024-11-12T09:15:00Z"},{"event_name":"mov"}]})",
                    wrapped),
            "1/0/1 1:event_name:unknown_event corrected=1");
  EXPECT_EQ(outcome(R"([{"batch":[{"event_name":"move"}]},{"batch":[]}])", wrapped), "1/0/0");
  EXPECT_EQ(outcome(R"({"events":[{"event_name":"move"}]})", wrapped), "missing_field");
  EXPECT_EQ(outcome(R"({"batch":1})", wrapped), "wrong_type");
  const auto hinted = send(R"({"batch":[{"event_name":"move"}]})");
  ASSERT_EQ(hinted->errors.size(), 1U);
  EXPECT_NE(hinted->errors[0].message.find("add ?unwrap=batch"), std::string::npos);
}

TEST_F(EventsTest, BodiesHaveManyForms) {
  const std::string one = R"({"event_name":"move"})", bad = R"({"event_name":"x"})";
  struct Row {
    const char* what;
    std::string body;
    BodyFormat format;
    const char* outcome;
  };
  const Row rows[] = {
      {"one", one, BodyFormat::kJson, "1/0/0"},
      {"an array", "[" + one + " ,\n" + one + "]", BodyFormat::kJson, "2/0/0"},
      {"an empty array", "[]", BodyFormat::kJson, "0/0/0"},
      {"a batch", R"({"events":[)" + one + "," + bad + R"(],"sent_at":null})", BodyFormat::kJson,
       "1/0/1 1:event_name:unknown_event"},
      {"an empty batch", R"({"sent_at":1,"events":[]})", BodyFormat::kJson, "0/0/0"},
      {"text: a batch over several lines", "{\"events\":\n[" + one + "\n]}\n", BodyFormat::kAny,
       "1/0/0"},
      {"text: an array", "\xef\xbb\xbf [" + one + "]", BodyFormat::kAny, "1/0/0"},
      {"text: lines", one + "\r\n\n" + one + "\n", BodyFormat::kAny, "2/0/0"},
      {"lines of batches", R"({"events":[)" + one + "]}\n" + one + "\n[1]\n", BodyFormat::kAny,
       "2/0/1 2:event_name:missing_field"},
      {"a batch that does not end", R"({"events":[)" + one + "}", BodyFormat::kJson,
       "0/0/1 0::invalid_json"},
      {"two arrays", R"({"events":[)" + one + R"(],"\u0065vents":[)" + one + "]}", BodyFormat::kAny,
       "0/0/1 0:events:wrong_type"},
      {"a batch and a comma", R"({"events":[)" + one + "],}", BodyFormat::kJson,
       "0/0/1 0:events:invalid_json"},
      {"no JSON beside it", R"({"x":01,"events":[)" + one + "]}", BodyFormat::kAny,
       "0/0/1 0:events:invalid_json"},
      {"two batches in a line", R"({"events":[)" + one + R"(]} {"events":[)" + one + "]}",
       BodyFormat::kAny, "0/0/1 0:events:invalid_json"},
      {"nothing", " \n", BodyFormat::kAny, "invalid_json"},
      {"an array that does not end", "[" + one, BodyFormat::kJson, "invalid_json"},
      {"too many",
       "[" + one +
           [&] {
             std::string more;
             for (int i = 0; i < 20; ++i) more += "," + one;
             return more + "]";
           }(),
       BodyFormat::kJson, "payload_too_large"},
  };
  for (const Row& row : rows)
    EXPECT_EQ(outcome(row.body, {.format = row.format}), row.outcome) << row.what;
}

TEST_F(EventsTest, BadOnesAreRejectedOneByOne) {
  const std::string large(1'000, 'x');
  EXPECT_EQ(outcome(R"({"event_name":"move"}
{"event_name":"mov"}
{"name":"move"}
{"event_name":7}
{"event_name":"move",}
nonsense
"text"
{"event_name":"gone"}
{"event_name":"pay"}
{"event_name":"player","user":{"id":"a"},"number":"x"}
{"event_name":"move","a":")" +
                    large + R"("}
{"event_name":"move")"),
            "1/0/11 1:event_name:unknown_event 2:event_name:missing_field "
            "3:event_name:missing_field 4::invalid_json 5::invalid_json 6:event_name:missing_field "
            "7:event_name:topic_not_found 8:data.id:missing_field 9:number:wrong_type "
            "10::payload_too_large 11::invalid_json");
  EXPECT_EQ(send(R"({"event_name":"mov"})")->errors.at(0).message,
            "no events are called 'mov' here; did you mean 'move'?");
}

TEST_F(EventsTest, HaveOneName) {
  EXPECT_EQ(outcome(R"({"event_name":"move","event_name":"pay","data":{"id":1}}
{"event_name":"move","n":"\"event_name\"","a":{"event_name":"pay"}}
{"event_name":"move","event\u005fname":"move"}
)"),
            "1/0/2 0:event_name:wrong_type 2:event_name:wrong_type");
}

TEST_F(EventsTest, ComeAgainAndAreStoredOnce) {
  const std::string first = R"({"event_name":"move","event_id":"a","n":1})";
  EXPECT_EQ(outcome(first), "1/0/0");
  EXPECT_EQ(outcome(first), "0/1/0");
  EXPECT_EQ(
      outcome(
          R"({ "event_name":"move", "event_id":"a", "n":1, "sent_at": "2024-11-12T10:15:00Z" })"),
      "0/1/0")
      << "white space and sent_at are no content";
  EXPECT_EQ(outcome(R"([{"event_name":"move","event_id":"b"},{"event_name":"move","event_id":"b"},
                       {"event_name":"move","event_id":"b","n":2},{"event_name":"move","event_id":""},
                       {"event_name":"move","event_id":null},{"event_name":"move"}])"),
            "4/1/1 2:event_id:id_clash");
  EXPECT_EQ(record("any", first), "0/1/0") << "by any route";
  EXPECT_EQ(record("any", first, {.deduplicates = false}), "1/0/0");
  EXPECT_EQ(
      stored("dead-letters"),
      R"({"service":"","operator":"deduplicate","code":"id_clash","field":"event_id",)"
      R"("reason":"an earlier record of the request has the same event_id, and other content: )"
      R"(this one went to the dead letters","topic":"any","timestamp":1731406530000,)"
      R"("value":"{\"event_name\":\"move\",\"event_id\":\"b\",\"n\":2}"})");
  EXPECT_EQ(outcome(R"({"event_name":"move","event_id":"b","n":2})"), "0/1/0");
  EXPECT_EQ(
      send(R"({"event_name":"move","event_id":"b","n":3})")->errors.at(0).message,
      "the record at partition 0, offset 1 has the same event_id, and other content: this one "
      "went to the dead letters");
  clock_.advance(kDay);
  EXPECT_EQ(outcome(R"({"event_name":"move","event_id":"b","n":3})"), "1/0/0");
}

TEST_F(EventsTest, HaveSeveralIds) {
  const auto pay = [](std::string_view event, std::string_view transaction) {
    return fmt::format(R"({{"event_name":"move","event_id":"{}","data":{{"transaction_id":{}}}}})",
                       event, transaction);
  };
  EXPECT_EQ(outcome(pay("a", "1")), "1/0/0");
  EXPECT_EQ(outcome(pay("a", "1")), "0/1/0");
  EXPECT_EQ(outcome(pay("b", "1")), "0/0/1 0:data.transaction_id:id_clash");
  EXPECT_EQ(outcome(pay("b", "2")), "1/0/0");
  clock_.advance({2 * kDay.ms});
  EXPECT_EQ(outcome(pay("a", "1")), "0/1/0") << "known for as long as the topic keeps it";
}

TEST_F(EventsTest, OfProducersAreNumbered) {
  const ProduceOptions first{.producer = "c", .first_sequence = 0};
  const std::string body = R"([{"event_name":"move","event_id":"a"},{"event_name":"oops"},
                               {"event_name":"player","user":{"id":"ann"},"number":1}])";
  EXPECT_EQ(outcome(body, first), "2/0/1 1:event_name:unknown_event");
  EXPECT_EQ(outcome(body, first), "0/2/1 1:event_name:unknown_event");
  EXPECT_EQ(store_->producer(log::kAllTopics, "c")->next_sequence, 3U);
  EXPECT_EQ(outcome(body, {.producer = "c", .first_sequence = 4}), "sequence_gap");
}

TEST_F(EventsTest, TimesByWrongClocksAreCorrected) {
  struct Row {
    const char* what;
    const char* body;
    const char* outcome;
    const char* stored;
  };
  const Row rows[] = {
      {"right",
       R"({"event_name":"move","event_timestamp":"2024-11-12T10:15:00Z","sent_at":"2024-11-12T10:15:29Z"})",
       "1/0/0", nullptr},
      {"off by what is allowed",
       R"({"event_name":"move","event_timestamp":"x","sent_at":"2024-11-12T10:14:30Z"})", "1/0/0",
       nullptr},
      {"an hour behind",
       R"({"events":[{"event_name":"move","event_timestamp":"2024-11-12T09:15:00.250Z","n":1}],"sent_at":"2024-11-12T09:15:30Z"})",
       "1/0/0 corrected=1",
       R"({"event_name":"move","event_timestamp":"2024-11-12T10:15:00.250Z","event_timestamp_raw":"2024-11-12T09:15:00.250Z","n":1})"},
      {"two weeks ahead",
       R"({"sent_at":"2024-11-26T10:15:30Z","event_name":"move","event_timestamp":"2024-11-26T10:15:29+00:00"})",
       "1/0/0 corrected=1",
       R"({"sent_at":"2024-11-26T10:15:30Z","event_name":"move","event_timestamp":"2024-11-12T10:15:29Z","event_timestamp_raw":"2024-11-26T10:15:29+00:00"})"},
      {"a phone that begins in 1970",
       R"({"events":[{"event_name":"move","event_timestamp":240000}],"sent_at":300000})",
       "1/0/0 corrected=1",
       R"({"event_name":"move","event_timestamp":1731406470000,"event_timestamp_raw":240000})"},
      {"an event of 1970 by a clock that is right since",
       R"({"event_name":"move","event_timestamp":"1970-01-01T00:04:00Z","sent_at":1731406530000})",
       "1/0/0", nullptr},
      {"a time further inside",
       R"({"event_name":"tick","at":{"time":"2024-11-12T09:00:00Z"},"sent_at":"2024-11-12T09:15:30Z"})",
       "1/0/0 corrected=1",
       R"({"event_name":"tick","at":{"time":"2024-11-12T10:00:00Z","time_raw":"2024-11-12T09:00:00Z"},"sent_at":"2024-11-12T09:15:30Z"})"},
      {"sent_at that cannot be read",
       R"({"event_name":"move","event_timestamp":"2024-11-12T09:00:00Z","sent_at":"noon"})",
       "1/0/0 warns 0:sent_at:wrong_type", nullptr},
      {"sent_at of another kind", R"({"event_name":"move","sent_at":[1]})",
       "1/0/0 warns 0:sent_at:wrong_type", nullptr},
      {"sent_at beyond all years", R"({"event_name":"move","sent_at":9223372036854775807})",
       "1/0/0 warns 0:sent_at:wrong_type", nullptr},
      {"no time to correct", R"({"event_name":"move","sent_at":0})",
       "1/0/0 warns 0:event_timestamp:missing_field", nullptr},
      {"a time that cannot be read",
       R"({"event_name":"move","event_timestamp":"soon","sent_at":0})",
       "1/0/0 warns 0:event_timestamp:wrong_type", nullptr},
      {"a time that would be past year 9999",
       R"({"event_name":"move","event_timestamp":"9999-01-01T00:00:00Z","sent_at":0})",
       "1/0/0 warns 0:event_timestamp:wrong_type", nullptr},
  };
  std::string all;
  for (const Row& row : rows) {
    EXPECT_EQ(outcome(row.body), row.outcome) << row.what;
    const std::string now = stored("any");
    EXPECT_EQ(now.substr(all.size() + (all.empty() ? 0 : 1)),
              row.stored != nullptr ? row.stored : row.body)
        << row.what;
    all = now;
  }
}

TEST_F(EventsTest, TheRequestSaysWhenItWasSent) {
  EXPECT_EQ(outcome(R"({"events":[{"event_name":"move","event_timestamp":"2024-11-12T09:15:00Z"}],
                       "sent_at":"2024-11-12T09:15:30Z"})",
                    {.sent_at = "2024-11-12T10:15:29Z"}),
            "1/0/0")
      << "a stored body that is sent again says the old time: the request counts";
  EXPECT_EQ(outcome(R"({"event_name":"move","event_timestamp":"2024-11-12T09:15:00Z"})",
                    {.sent_at = "1731402930000"}),
            "1/0/0 corrected=1");
}

// The clock is off by another second each time: still the same event.
TEST_F(EventsTest, ARetryOfACorrectedEventIsADuplicate) {
  const std::string events =
      R"("events":[{"event_name":"move","event_id":"a","event_timestamp":"2024-11-12T09:15:00Z"}])";
  EXPECT_EQ(outcome(fmt::format(R"({{{},"sent_at":"2024-11-12T09:15:30Z"}})", events)),
            "1/0/0 corrected=1");
  clock_.advance({7'000});
  EXPECT_EQ(outcome(fmt::format(R"({{{},"sent_at":"2024-11-12T09:15:36Z"}})", events)),
            "0/1/0 corrected=1");
}

TEST_F(EventsTest, ClocksAreCountedByPlatform) {
  outcome(
      R"({"events":[{"event_name":"move","platform":"ios","event_timestamp":"2024-11-12T09:15:00Z"},
                     {"event_name":"move","event_timestamp":"2024-11-12T09:15:01Z"}],"sent_at":"2024-11-12T09:15:30Z"})");
  outcome(R"({"event_name":"move","platform":"ios","sent_at":"2024-11-12T10:15:30Z"})");
  outcome(R"({"event_name":"move","platform":"ios","sent_at":"?"})");
  outcome(R"({"event_name":"move","platform":"pc"})");
  ClocksByPlatform clocks = produce_.clocks();
  ASSERT_EQ(clocks.size(), 1U);
  EXPECT_EQ(clocks["ios"].events, 4U);
  EXPECT_EQ(clocks["ios"].corrected, 2U);
  EXPECT_EQ(clocks["ios"].unreadable, 1U);
  EXPECT_EQ(clocks["ios"].drift, Duration{3'600'000});
  for (int i = 0; i < 100; ++i)
    outcome(fmt::format(R"({{"event_name":"move","platform":"p{}","sent_at":0}})", i));
  clocks = produce_.clocks();
  EXPECT_EQ(clocks.size(), ClockStats::kPlatformsMax + 1);
  EXPECT_EQ(clocks["other"].events, 51U);
}

}  // namespace
}  // namespace gameflow::api
