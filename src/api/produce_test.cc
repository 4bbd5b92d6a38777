#include "api/produce.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/api.h"
#include "api/fake_engine.h"
#include "api/produce_test_util.h"
#include "log/partitioning.h"
#include "record/codec.h"

namespace gameflow::api {
namespace {

class ProduceTest : public StoreTest {
 protected:
  ProduceTest() : StoreTest(Timestamp{1'000'000}) {
    EXPECT_TRUE(store_->create_topic({.name = "players", .partitions = 4}));
    EXPECT_TRUE(store_->create_topic({.name = "any"}));
    EXPECT_TRUE(store_->create_topic({.name = "wide", .partitions = 3}));
  }

  Result<ProduceReply> produce(std::string_view topic, std::string_view body,
                               const ProduceOptions& options = {}) {
    return answer_to(body, [&](std::string_view exact, auto done) {
      api_.produce(topic, exact, options, std::move(done));
    });
  }
  std::string outcome(std::string_view topic, std::string_view body,
                      const ProduceOptions& options = {}) {
    return text_of(produce(topic, body, options));
  }

  FakeEngine engine_;
  Api api_{*store_, &engine_, clock_};
};

TEST_F(ProduceTest, IsRefusedWhileMemoryIsTight) {
  MemoryUse use{.resident = 95 << 20};
  const MemoryWatch memory(MemoryLimit(100 << 20, {}), clock_, [&use] { return use; });
  engine_.stats_.services[0].is_held = true;
  Api api(*store_, &engine_, clock_, &memory);
  const auto outcome = [&api] {
    return text_of(answer_to("1\n", [&](std::string_view body, auto done) {
      api.produce("any", body, {}, std::move(done));
    }));
  };
  EXPECT_EQ(outcome(), "memory_full");
  const Status ready = api.ready();
  ASSERT_FALSE(ready);
  EXPECT_EQ(ready.error().code, ErrorCode::kMemoryFull);
  EXPECT_NE(ready.error().message.find("service 'sessions' gets no input"), std::string::npos);
  use.resident = 10 << 20;
  clock_.advance(Duration{100});
  EXPECT_EQ(outcome(), "1/0/0");
  EXPECT_TRUE(api.ready());
}

TEST_F(ProduceTest, KeysOfTableRowsHaveALimit) {
  ASSERT_TRUE(store_->create_topic({.name = "items"}));
  FakeEngine engine;
  plan::Graph& graph = engine.graph();
  const auto* row =
      graph.types->object("item", {{"id", graph.types->scalar(record::Kind::kString)}});
  graph.topics.push_back({.name = "items", .type = row, .type_name = "item"});
  graph.tables.push_back({.name = "items",
                          .accessor = "items",
                          .file = {},
                          .topic = graph.topics.size() - 1,
                          .row = row});
  Api api(*store_, &engine, clock_);
  const auto outcome = [&api](std::size_t size) {
    return text_of(answer_to(fmt::format(R"({{"id":"{}"}})", std::string(size, 'x')),
                             [&](std::string_view body, auto done) {
                               api.produce("items", body, {}, std::move(done));
                             }));
  };
  EXPECT_EQ(outcome(32U << 10), "1/0/0");
  EXPECT_EQ(outcome((32U << 10) + 1), "0/0/1 0:id:payload_too_large");
}

TEST_F(ProduceTest, Bodies) {
  struct Case {
    const char* name;
    BodyFormat format;
    std::string body, outcome, stored;
  };
  const auto json = BodyFormat::kJson;
  const auto lines = BodyFormat::kNdjson;
  const Case cases[] = {
      {"lines", lines, "{\"a\":1}\n{\"a\":2}\n", "2/0/0", R"({"a":1} {"a":2})"},
      {"no newline at the end", lines, "1\n2", "2/0/0", "1 2"},
      {"blank lines", lines, "\n1\n \t\n\r\n2\n\n", "2/0/0", "1 2"},
      {"lines of Windows", lines, "1\r\n2\r\n", "2/0/0", "1 2"},
      {"CR within a line", lines, "{\"a\":\r1}\n[\r]\r\n", "2/0/0", R"({"a":1} [])"},
      {"byte order mark", lines, "\xef\xbb\xbf{}\n", "1/0/0", "{}"},
      {"nothing", lines, "", "0/0/0", ""},
      {"bytes are kept", lines, "{ \"a\" :\t1.50e0 }\n", "1/0/0", "{ \"a\" :\t1.50e0 }"},
      {"and numbers of any size", lines, "{\"a\":100000000000000000000,\"b\":[-1e400]}\n", "1/0/0",
       R"({"a":100000000000000000000,"b":[-1e400]})"},
      {"bad among good", lines, "1\n{\"a\":\n3\nnul\n5\n", "3/0/2 1::invalid_json 3::invalid_json",
       "1 3 5"},
      {"two values on a line", lines, "1 2\n3\n", "1/0/1 0::invalid_json", "3"},
      {"object", json, " {\"a\":1}\n", "1/0/0", R"({"a":1})"},
      {"object over lines", json, "{\n  \"a\": \"x y\"\r\n}", "1/0/0", R"({"a":"x y"})"},
      {"array", json, "[{\"a\":1}, 2 ,\"x,]\"]", "3/0/0", R"({"a":1} 2 "x,]")"},
      {"empty array", json, "[]", "0/0/0", ""},
      {"bad among good in an array", json, "[1,{\"a\":},3]", "2/0/1 1::invalid_json", "1 3"},
      {"comma at the end", json, "[1,]", "1/0/1 1::invalid_json", "1"},
      {"array without an end", json, "[1,2", "invalid_json", ""},
      {"array and more", json, "[1]2", "invalid_json", ""},
      {"nothing where JSON should be", json, " \n", "invalid_json", ""},
      {"lines where JSON should be", json, "{}\n{}", "0/0/1 0::invalid_json", ""},
  };
  for (const Case& c : cases) {
    EXPECT_TRUE(store_->delete_topic("any"));
    EXPECT_TRUE(store_->create_topic({.name = "any"}));
    EXPECT_EQ(outcome("any", c.body, {.format = c.format}), c.outcome) << c.name;
    EXPECT_EQ(stored("any"), c.stored) << c.name;
  }
}

// Of many shapes and sizes, so that the decoder finds their tokens by what is announced to it.
TEST_F(ProduceTest, LinesOfManySizes) {
  std::string body, all, outcomes;
  std::size_t accepted = 0, rejected = 0;
  for (std::size_t i = 0; i < 4000; ++i) {
    const std::size_t size = i % 97 == 0   ? 9'000 + i
                             : i % 31 == 0 ? record::kLookAheadBytes
                                           : i % 60;
    std::string value =
        fmt::format("{{\"f{}\":[{}],\"t\":\"{}\"}}", i % 613, i, std::string(size, 'x'));
    const bool is_bad = i % 501 == 500;
    if (is_bad) value.back() = ']';
    body += fmt::format("{}{}{}", i % 7 == 0 ? " " : "", value, i % 11 == 0 ? "\r\n \n" : "\n");
    ++(is_bad ? rejected : accepted);
    if (is_bad) outcomes += fmt::format(" {}::invalid_json", i);
    if (!is_bad) all += (all.empty() ? "" : " ") + value;
  }
  EXPECT_EQ(outcome("any", body), fmt::format("{}/0/{}{}", accepted, rejected, outcomes));
  EXPECT_EQ(stored("any"), all);
}

TEST_F(ProduceTest, RecordsAreCheckedWithTheSchema) {
  EXPECT_EQ(outcome("players",
                    R"({"user":{"id":"ann","level":3},"number":1,"extra":[1]}
{"user":{"id":"bob"},"number":"x"}
{"user":{"level":3},"number":1}
{"user":{"id":"cyd","level":300},"number":1}
{"user":{"id":"dan"},"number":2}
[]
)"),
            "2/0/4 1:number:wrong_type 2:user.id:missing_field 3:user.level:wrong_type "
            "5::wrong_type");
  EXPECT_EQ(
      stored("players"),
      R"({"user":{"id":"ann","level":3},"number":1,"extra":[1]} {"user":{"id":"dan"},"number":2})");
}

TEST_F(ProduceTest, MistakesInTheRequest) {
  EXPECT_EQ(outcome("nosuch", "1"), "topic_not_found");
  EXPECT_EQ(produce("player", "1").error().message,
            "there is no topic 'player'; did you mean 'players'?");
  EXPECT_EQ(outcome("any", "1", {.key = "a", .key_field = "b"}), "invalid_argument");
}

TEST_F(ProduceTest, TooLargeRecordsAreRejectedByIndex) {
  const std::string large(log::kRecordBytesMax - 1, 'x');  // with its quotes one too many
  EXPECT_EQ(outcome("any", fmt::format("1\n\"{}\"\n2\n", large)), "2/0/1 1::payload_too_large");
  EXPECT_EQ(outcome("any", fmt::format("\"{}\"", large.substr(1))), "1/0/0");
}

TEST_F(ProduceTest, OnlyTheFirstErrorsAreListed) {
  std::string body;
  for (int i = 0; i < 250; ++i) body += "x\n";
  const auto reply = produce("any", body);
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->rejected, 250u);
  EXPECT_EQ(reply->errors.size(), kRejectedListed);
}

TEST_F(ProduceTest, Keys) {
  struct Case {
    const char* name;
    const char* topic;
    const char* path;
    const char* body;
    const char* outcome;
    const char* stored;
  };
  const Case cases[] = {
      {"from the schema", "players", "user.id", R"({"user":{"id":"a\u0041"},"number":1})", "1/0/0",
       R"(aA={"user":{"id":"a\u0041"},"number":1})"},
      {"a number", "players", "number", R"({"user":{"id":"a"},"number":-7})", "1/0/0",
       R"(-7={"user":{"id":"a"},"number":-7})"},
      {"optional, absent", "players", "user.level", R"({"user":{"id":"a"},"number":1})",
       "0/0/1 0:user.level:missing_field", ""},
      {"beyond the schema", "players", "extra.x",
       R"({"user":{"id":"a"},"number":1,"extra":{"x":5}})", "1/0/0",
       R"(5={"user":{"id":"a"},"number":1,"extra":{"x":5}})"},
      {"an object", "players", "user", R"({"user":{"id":"a"},"number":1})",
       "0/0/1 0:user:missing_field", ""},
      {"without a schema", "any", "a.b", R"({"a":{"b":"k"}})", "1/0/0", R"(k={"a":{"b":"k"}})"},
      {"missing without a schema", "any", "a.b", "{\"a\":1}\n{\"a\":{\"b\":true}}",
       "1/0/1 0:a.b:missing_field", R"(true={"a":{"b":true}})"},
  };
  for (const Case& c : cases) {
    for (const char* topic : {"any", "players"}) {
      const std::uint32_t partitions = store_->topic(topic)->config.partitions;
      EXPECT_TRUE(store_->delete_topic(topic));
      EXPECT_TRUE(store_->create_topic({.name = topic, .partitions = partitions}));
    }
    EXPECT_EQ(outcome(c.topic, c.body, {.key_field = c.path}), c.outcome) << c.name;
    EXPECT_EQ(stored(c.topic), c.stored) << c.name;
  }
  EXPECT_EQ(outcome("wide", "1\n2\n", {.key = "k"}), "2/0/0");
  EXPECT_EQ(stored("wide"), "k=1 k=2");
  EXPECT_EQ(
      outcome("any", fmt::format("{{\"k\":\"{}\"}}", std::string(40'000, 'x')), {.key_field = "k"}),
      "0/0/1 0:k:payload_too_large");
}

// The examples of docs/formats/partitioning.md. They may never change.
TEST(Partition, IsFixed) {
  const std::pair<std::string_view, std::uint32_t> cases[] = {
      {"", 2}, {"player_1", 1}, {"player_2", 4}, {"42", 1}, {"h\xc3\xa9", 5}};
  for (const auto& [key, partition] : cases) EXPECT_EQ(log::partition_of(key, 8), partition) << key;
  EXPECT_EQ(log::partition_of("anything", 1), 0u);
}

TEST_F(ProduceTest, RecordsWithoutAKeySpreadByTopic) {
  // Requests to another topic in between change nothing.
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(outcome("wide", "1"), "1/0/0");
    EXPECT_EQ(outcome("any", "1"), "1/0/0");
    EXPECT_EQ(outcome("any", "1"), "1/0/0");
  }
  const auto info = store_->topic("wide");
  for (const log::PartitionInfo& partition : info->partitions) {
    EXPECT_EQ(partition.end.value, 2u);
  }
}

TEST_F(ProduceTest, LargeBodiesBecomeSeveralBatches) {
  std::string body;
  const std::string record = fmt::format("\"{}\"\n", std::string(998, 'x'));
  for (int i = 0; i < 5000; ++i) body += record;
  EXPECT_EQ(outcome("wide", body), "5000/0/0");
  const auto info = store_->topic("wide");
  std::uint64_t records = 0;
  for (std::uint32_t p = 0; p < 3; ++p) {
    EXPECT_GT(info->partitions[p].end.value, 0u);
    records += info->partitions[p].end.value;
    const auto read = store_->read(info->id, p, {}, 1U << 30);
    for (const auto& batch : read->batches) EXPECT_LE(batch->size(), kBatchBytes / 1000 + 1);
  }
  EXPECT_EQ(records, 5000u);
}

TEST_F(ProduceTest, RetriesAreNotStoredTwice) {
  const auto send = [&](std::uint64_t first, std::string_view body) {
    return outcome("any", body, {.producer = "p", .first_sequence = first});
  };
  EXPECT_EQ(api_.next_sequence("any", "p").value(), 0u);
  EXPECT_EQ(send(0, "1\n2\n3\n"), "3/0/0");
  EXPECT_EQ(send(0, "1\n2\n3\n"), "0/3/0");
  EXPECT_EQ(send(2, "3\n4\n"), "1/1/0");
  EXPECT_EQ(stored("any"), "1 2 3 4");
  EXPECT_EQ(api_.next_sequence("any", "p").value(), 4u);
  EXPECT_EQ(send(6, "7\n"), "sequence_gap");
  const auto gap = produce("any", "7", {.producer = "p", .first_sequence = 6});
  EXPECT_NE(gap.error().message.find("4 is next"), std::string::npos) << gap.error().message;
  EXPECT_EQ(send(0, "1\n"), "0/1/0");
  // Rejected records take their numbers, even where nothing is left to store.
  EXPECT_EQ(send(4, "x\n6\n"), "1/0/1 0::invalid_json");
  EXPECT_EQ(send(6, "x\ny\n"), "0/0/2 0::invalid_json 1::invalid_json");
  // A retry is told what the first request was: its answer may be lost.
  EXPECT_EQ(send(4, "x\n6\n"), "0/1/1 0::invalid_json");
  EXPECT_EQ(send(6, "x\ny\n"), "0/0/2 0::invalid_json 1::invalid_json");
  EXPECT_EQ(api_.next_sequence("any", "p").value(), 8u);
  // A body that cannot be split takes none; another producer and another topic have their own.
  EXPECT_EQ(
      outcome("any", "[1", {.format = BodyFormat::kJson, .producer = "p", .first_sequence = 8}),
      "invalid_json");
  EXPECT_EQ(api_.next_sequence("any", "p").value(), 8u);
  EXPECT_EQ(api_.next_sequence("any", "q").value(), 0u);
  EXPECT_EQ(api_.next_sequence("wide", "p").value(), 0u);
  EXPECT_EQ(api_.next_sequence("wied", "p").error().code, ErrorCode::kTopicNotFound);
}

// A store that remembers less than it holds for a moment: what a request sees that was sent again
// while the first one was still being committed.
class Racing final : public log::Producing {
 public:
  explicit Racing(log::Producing& inner) : inner_(inner) {}
  std::optional<std::uint64_t> stale_;  // the sequence that the next call of producer() says

  Result<log::ProducerState> producer(log::TopicId topic,
                                      std::string_view producer) const override {
    auto& self = const_cast<Racing&>(*this);
    if (const auto stale = std::exchange(self.stale_, {})) return log::ProducerState{*stale};
    return inner_.producer(topic, producer);
  }
  Result<std::vector<log::NamedProducer>> positions() const override { return inner_.positions(); }
  Status forget_producer(log::TopicId topic, std::string_view producer) override {
    return inner_.forget_producer(topic, producer);
  }
  void submit(log::ProduceRequest request, Callback done) override {
    inner_.submit(std::move(request), std::move(done));
  }

 private:
  log::Producing& inner_;
};

TEST_F(ProduceTest, ARetryThatRacesItsFirstSendIsNotStoredTwice) {
  Racing racing(*store_);
  Produce produce(racing, clock_, [] { return std::nullopt; });
  const Destination to{store_->topic("any").value()};
  const auto send = [&](std::uint64_t first, std::string_view body) {
    return text_of(answer_to(body, [&](std::string_view exact, auto done) {
      produce.run(to, exact, {.producer = "p", .first_sequence = first}, std::move(done));
    }));
  };
  EXPECT_EQ(send(0, "1\n2\n"), "2/0/0");
  racing.stale_ = 0;
  EXPECT_EQ(send(0, "1\n2\n"), "0/2/0");
  racing.stale_ = 0;
  EXPECT_EQ(send(0, "1\n2\n3\n"), "unavailable");  // a part of it is new: sent again, it is known
  EXPECT_EQ(send(0, "1\n2\n3\n"), "1/2/0");
  EXPECT_EQ(stored("any"), "1 2 3");
  EXPECT_EQ(send(3, "4\nx\n"), "1/0/1 1::invalid_json");
  racing.stale_ = 3;
  EXPECT_EQ(send(3, "4\nx\n"), "0/1/1 1::invalid_json");
}

TEST_F(ProduceTest, FailuresOfTheStoreStoreNothing) {
  for (const ErrorCode code :
       {ErrorCode::kDiskFull, ErrorCode::kClosed, ErrorCode::kOutcomeUnknown}) {
    store_->fail_next_commits(1, code);
    EXPECT_EQ(outcome("any", "1\n", {.producer = "p"}), to_string(code));
  }
  EXPECT_EQ(stored("any"), "");
}

TEST_F(ProduceTest, CountsWhatItDid) {
  outcome("any", "1\nx\n2\n", {.producer = "p"});
  outcome("any", "1\nx\n2\n", {.producer = "p"});
  outcome("nosuch", "1");
  const ProduceStats stats = api_.produce_stats();
  EXPECT_EQ(stats.requests, 3u);
  EXPECT_EQ(stats.accepted, 2u);
  EXPECT_EQ(stats.rejected, 2u);
  EXPECT_EQ(stats.duplicates, 2u);
  EXPECT_EQ(stats.bytes, 13u);
  EXPECT_EQ(stats.rejected_by.at(ErrorCode::kInvalidJson), 2u);
}

}  // namespace
}  // namespace gameflow::api
