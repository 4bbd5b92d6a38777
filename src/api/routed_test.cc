// Bodies whose records say where they go.
#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/api.h"
#include "api/fake_engine.h"
#include "api/produce_test_util.h"

namespace gameflow::api {
namespace {

class RoutedTest : public StoreTest {
 protected:
  RoutedTest() : StoreTest(Timestamp{1'000'000}) {
    EXPECT_TRUE(store_->create_topic({.name = "players", .partitions = 4}));
    for (const char* name : {"any", "other"}) EXPECT_TRUE(store_->create_topic({.name = name}));
  }

  Result<ProduceReply> produce(std::string_view body, const ProduceOptions& options = {}) {
    return answer_to(body, [&](std::string_view exact, auto done) {
      api_.produce_routed(exact, options, std::move(done));
    });
  }
  std::string outcome(std::string_view body, const ProduceOptions& options = {}) {
    return text_of(produce(body, options));
  }

  FakeEngine engine_;
  Api api_{*store_, &engine_, clock_};
};

TEST_F(RoutedTest, RecordsGoWhereTheySay) {
  EXPECT_EQ(outcome(R"({"topic":"any","key":"a","value":{"n":1}}
{"value":{"user":{"id":"ann"},"number":1},"topic":"players","partition":3}
{"topic":"any","key":null,"value":[ 1, 2 ]}
{"topic":"other","value":null}
{"topic":"a\u006ey","key":"\u00e9","value":"x"})"),
            "5/0/0");
  EXPECT_EQ(stored("any"), "a={\"n\":1} [ 1, 2 ] \xc3\xa9=\"x\"");
  EXPECT_EQ(stored("players"), R"({"user":{"id":"ann"},"number":1})");
  EXPECT_EQ(stored("other"), "null");
  EXPECT_EQ(store_->stats().commits, 1U) << "all of it at once";
  EXPECT_EQ(outcome(R"([{"topic":"other","value":true},
  {"topic":"other","value":{"a":
    1}}])",
                    {.format = BodyFormat::kJson}),
            "2/0/0");
  EXPECT_EQ(stored("other"), R"(null true {"a":1})");
  EXPECT_EQ(outcome(""), "0/0/0");
}

TEST_F(RoutedTest, BadRecordsAreRejectedOneByOne) {
  EXPECT_EQ(outcome(R"({"topic":"any","value":1}
{"value":1}
{"topic":"anny","value":1}
{"topic":"any"}
{"topic":"any","key":7,"value":1}
{"topic":7,"value":1}
{"topic":"players","value":{"user":{"id":"a"},"number":"x"}}
{"topic":"players","value":7}
{"topic":"any","value":}
nonsense
[]
{"topic":"anny","value":2}
{"topic":"any","value":2}
{"topic":"any","value":3,"topic":"other"}
)"),
            "2/0/12 1:topic:missing_field 2:topic:topic_not_found 3:value:missing_field "
            "4:key:wrong_type 5:topic:wrong_type 6:value.number:wrong_type 7:value:wrong_type "
            "8:value:invalid_json 9::invalid_json 10::wrong_type 11:topic:topic_not_found "
            "13:topic:wrong_type");
  EXPECT_EQ(stored("any"), "1 2");
  const auto reply = produce(R"({"topic":"player","value":1})");
  EXPECT_EQ(reply->errors.at(0).message, "there is no topic 'player'; did you mean 'players'?");
  const std::string key(40'000, 'k');
  EXPECT_EQ(outcome(fmt::format(R"({{"topic":"any","key":"{}","value":1}})", key)),
            "0/0/1 0:key:payload_too_large");
}

TEST_F(RoutedTest, PositionsAreStoredWithTheRecords) {
  const auto send = [&](std::uint64_t first, std::string_view body, std::string position) {
    return outcome(body, {.producer = "c", .first_sequence = first, .position = position});
  };
  const std::string two = "{\"topic\":\"any\",\"value\":1}\n{\"topic\":\"other\",\"value\":2}\n";
  EXPECT_EQ(api_.producer("c").value(), log::ProducerState{});
  EXPECT_EQ(send(0, two, "after 2"), "2/0/0");
  EXPECT_EQ(api_.producer("c").value(), (log::ProducerState{2, "after 2"}));
  EXPECT_EQ(send(0, two, "after 2"), "0/2/0");
  EXPECT_EQ(send(4, two, "after 6"), "sequence_gap");
  EXPECT_EQ(send(2, "{\"topic\":\"nosuch\",\"value\":1}\n", "after 3"),
            "0/0/1 0:topic:topic_not_found");
  EXPECT_EQ(api_.producer("c").value(), (log::ProducerState{3, "after 3"}));
  // Alone; and one that is late changes nothing.
  EXPECT_EQ(send(3, "", "elsewhere"), "0/0/0");
  EXPECT_EQ(api_.producer("c").value(), (log::ProducerState{3, "elsewhere"}));
  EXPECT_EQ(send(2, "", "long ago"), "0/0/0");
  EXPECT_EQ(send(0, two, "long ago"), "0/2/0");
  EXPECT_EQ(api_.producer("c").value(), (log::ProducerState{3, "elsewhere"}));
  EXPECT_EQ(outcome(two, {.producer = "c", .first_sequence = 3}), "2/0/0");
  EXPECT_EQ(api_.producer("c").value(), (log::ProducerState{5, "elsewhere"})) << "none: as before";
  store_->fail_next_commits(1, ErrorCode::kDiskFull);
  EXPECT_EQ(send(5, two, "after 7"), "disk_full");
  EXPECT_EQ(api_.producer("c").value(), (log::ProducerState{5, "elsewhere"}));
  EXPECT_EQ(stored("any"), "1 1");
  EXPECT_EQ(stored("other"), "2 2");
  EXPECT_EQ(api_.next_sequence("any", "c").value(), 0U) << "of all topics, not of one";
}

// A client that loses answers and sends again, with more or fewer records than before: each record
// is stored once, in its order, whatever is wrong with those around it.
TEST_F(RoutedTest, EachOnceOverRetries) {
  for (unsigned seed = 0; seed < 30; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto pick = [&](int end) {
      return std::uniform_int_distribution<int>(0, end - 1)(random);
    };
    std::vector<std::string> lines;
    std::map<std::string, std::string> expected{{"any", ""}, {"other", ""}};
    for (const auto& [topic, none] : expected) {
      EXPECT_TRUE(store_->delete_topic(topic));
      EXPECT_TRUE(store_->create_topic({.name = topic}));
    }
    for (int i = 0; i < 200; ++i) {
      const std::string topic = pick(2) == 0 ? "any" : "other";
      const std::string value =
          pick(20) == 0 ? "\"" + std::string(20'000, 'x') + "\"" : fmt::format("{{\"n\":{}}}", i);
      switch (pick(8)) {
        case 0:
          lines.push_back(fmt::format(R"({{"topic":"no","value":{}}})", value));
          break;
        case 1:
          lines.push_back(fmt::format(R"({{"topic":"{}","value":{})", topic, value));
          break;
        default:
          lines.push_back(fmt::format(R"({{"topic":"{}","value":{}}})", topic, value));
          expected[topic] += (expected[topic].empty() ? "" : " ") + value;
      }
    }
    const std::string producer = fmt::format("p{}", seed);
    std::uint64_t next = 0, accepted = 0;
    std::optional<std::string> position;
    while (next < lines.size()) {
      const std::uint64_t first = next - std::min<std::uint64_t>(next, pick(3) == 0 ? pick(40) : 0);
      const std::uint64_t end = std::min<std::uint64_t>(lines.size(), first + pick(30));
      std::string body;
      for (std::uint64_t i = first; i < end; ++i) body += lines[i] + '\n';
      const std::string sent = fmt::format("before {}", end);
      const bool fails = pick(5) == 0;
      if (fails) store_->fail_next_commits(1, ErrorCode::kUnavailable);
      const auto reply =
          produce(body, {.producer = producer, .first_sequence = first, .position = sent});
      const bool stores = end > next || (end == next && first == next);
      if (fails && !stores) store_->fail_next_commits(0, ErrorCode::kUnavailable);
      ASSERT_EQ(reply.has_value(), !(fails && stores));
      if (!reply) continue;
      ASSERT_EQ(reply->accepted + reply->duplicates + reply->rejected, end - first);
      accepted += reply->accepted;
      if (stores) position = sent;
      next = std::max(next, end);
      ASSERT_EQ(api_.producer(producer).value(), (log::ProducerState{next, position}));
    }
    for (const auto& [topic, values] : expected) ASSERT_EQ(stored(topic), values);
    ASSERT_EQ(accepted, store_->topic("any")->partitions[0].end.value +
                            store_->topic("other")->partitions[0].end.value);
  }
}

}  // namespace
}  // namespace gameflow::api
