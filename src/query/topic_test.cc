// Topics in SQL.
#include "query/topic.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "query/query.h"
#include "record/type.h"

namespace gameflow::query {
namespace {

using record::Kind;
using record::Offset;

std::string show(const Value& value) {
  if (std::holds_alternative<std::nullptr_t>(value)) return "NULL";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* real = std::get_if<double>(&value)) return fmt::format("{}", *real);
  return std::get<std::string>(value);
}

std::string show(const Answer& answer) {
  std::string out;
  for (const auto& row : answer.rows) {
    if (!out.empty()) out += ';';
    for (std::size_t i = 0; i < row.size(); ++i) out += (i == 0 ? "" : ",") + show(row[i]);
  }
  return out;
}

// Batches in memory; notes what was read.
class FakeReader final : public TopicReader {
 public:
  explicit FakeReader(std::size_t partitions) : batches_(partitions) {}

  struct Record {
    std::int64_t time;
    std::optional<std::string> key;
    std::string value;
  };
  void add(std::uint32_t partition, const std::vector<Record>& records, std::uint64_t gap = 0) {
    record::BatchBuilder builder;
    for (const Record& r : records) {
      builder.add({r.time}, r.key ? std::optional<std::string_view>(*r.key) : std::nullopt,
                  r.value);
    }
    auto batch = builder.finish({records.front().time});
    auto& of_partition = batches_[partition];
    const Offset base{of_partition.empty() ? 0 : of_partition.back()->end_offset().value + gap};
    record::BatchBuilder::place(*batch, base);
    of_partition.push_back(std::move(batch));
  }

  Result<std::vector<Range>> partitions() const override {
    std::vector<Range> ranges;
    for (const auto& batches : batches_)
      ranges.push_back({{0}, batches.empty() ? Offset{0} : batches.back()->end_offset()});
    return ranges;
  }
  Result<Range> narrow(std::uint32_t, Range range, Timestamp from, Timestamp to) const override {
    narrowed += fmt::format("[{} {}]", from.ms, to.ms);
    return range;
  }
  Result<std::vector<record::BatchPtr>> read(std::uint32_t partition, Offset from,
                                             std::size_t) const override {
    ++reads;
    if (fails) return fail(ErrorCode::kDataCorrupt, "topic 't', partition 0, offset 7: damaged");
    for (const auto& batch : batches_[partition]) {
      if (batch->end_offset() > from) return std::vector<record::BatchPtr>{batch};
    }
    return std::vector<record::BatchPtr>{};
  }
  Result<record::BatchPtr> read_before(std::uint32_t partition, Offset end) const override {
    ++reads;
    record::BatchPtr found;
    for (const auto& batch : batches_[partition]) {
      if (batch->base_offset() < end) found = batch;
    }
    return found;
  }

  mutable int reads = 0;
  mutable std::string narrowed;
  bool fails = false;

 private:
  std::vector<std::vector<std::shared_ptr<record::Batch>>> batches_;
};

class TopicTest : public testing::Test {
 protected:
  TopicTest() {
    const record::Type* parameters = types_.object(
        "event-parameters",
        {{"amount", types_.scalar(Kind::kF64)}, {"item", types_.scalar(Kind::kString), true}});
    event_ = types_.object("event", {{"user", types_.scalar(Kind::kString)},
                                     {"parameters", parameters},
                                     {"extra", parameters, true},
                                     {"tags", types_.list_of(types_.scalar(Kind::kString)), true}});
  }

  // As text, or the error.
  std::string ask(std::string_view sql, const Limits& limits = {}) {
    const auto answer = database_.run(sql, limits);
    return answer ? show(*answer)
                  : fmt::format("{}: {}", to_string(answer.error().code), answer.error().message);
  }
  void add_topic(const char* name, const record::Type* type, const FakeReader& reader) {
    const Status added = database_.add_topic({name, type, &reader});
    ASSERT_TRUE(added) << added.error().message;
  }

  record::TypeTable types_;
  const record::Type* event_;
  FakeReader reader_{2};
  Database database_;
};

std::string event(const char* user, double amount, const char* more = "") {
  return fmt::format(R"({{"user":"{}","parameters":{{"amount":{}}}{}}})", user, amount, more);
}

TEST_F(TopicTest, RowsAreKnownAgain) {
  reader_.add(0, {{1000, {}, "[5,6]"}, {2000, {}, "[]"}, {3000, {}, "[7]"}});
  reader_.add(1, {{1500, {}, "[6]"}});
  add_topic("numbers", types_.list_of(types_.scalar(Kind::kI64)), reader_);
  EXPECT_EQ(ask("select value, _partition, _offset, _item from numbers order by 1, 2"),
            "5,0,0,0;6,0,0,1;6,1,0,0;7,0,2,0");
  EXPECT_EQ(ask("select value from numbers order by _partition desc, _offset desc"), "6;7;5;6");
  EXPECT_EQ(ask("select a.value, b.value, b._partition from numbers a right join numbers b "
                "on a._offset = b._offset and a._partition = 1 order by 2, 3"),
            "6,5,0;6,6,0;6,6,1;NULL,7,0");
  EXPECT_EQ(ask("select value from numbers where _offset = 0 or _offset = 2 order by 1"),
            "5;6;6;7");
  EXPECT_TRUE(ask("select rowid from numbers").starts_with("sql_invalid: no such column: rowid"));
}

TEST_F(TopicTest, NestedFieldsAreColumns) {
  reader_.add(0, {{1000, "k", event("ann", 1.5)},
                  {2000, {}, event("bob", 2, R"(,"extra":{"amount":7,"item":"x"},"tags":["a"])")}});
  reader_.add(1, {{1500, {}, event("cid", 3)}});
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select user, parameters_amount, parameters_item, extra_amount, extra_item, tags, "
                "_time, _partition, _offset, _key from events"),
            "ann,1.5,NULL,NULL,NULL,NULL,1000,0,0,k;"
            "bob,2,NULL,7,x,[\"a\"],2000,0,1,NULL;"
            "cid,3,NULL,NULL,NULL,NULL,1500,1,0,NULL");
  EXPECT_EQ(ask("select count(*), sum(parameters_amount) from events where user >= 'b'"), "2,5");
}

TEST_F(TopicTest, RecordsThatAreNotOfTheTypeAreNoRows) {
  reader_.add(0, {{1, {}, event("ann", 1)}, {2, {}, "{}"}, {3, {}, event("bob", 1)}});
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select user, _offset from events"), "ann,0;bob,2");
}

TEST_F(TopicTest, AListIsARowPerItem) {
  reader_.add(0, {{1, {}, "[" + event("a", 1) + "," + event("b", 2) + "]"},
                  {2, {}, "[]"},
                  {3, {}, "[" + event("c", 3) + "]"}});
  add_topic("tables", types_.list_of(event_), reader_);
  EXPECT_EQ(ask("select user, _offset from tables"), "a,0;b,0;c,2");
  EXPECT_EQ(ask("select user from tables order by _offset desc"), "c;a;b");
}

TEST_F(TopicTest, WhatIsNoObjectIsAValue) {
  reader_.add(0, {{1, {}, "7"}, {2, {}, "-1"}});
  add_topic("numbers", types_.scalar(Kind::kI64), reader_);
  EXPECT_EQ(ask("select value, _time from numbers"), "7,1;-1,2");
}

TEST_F(TopicTest, TwoFieldsOfOneNameAreBothThere) {
  const record::Type* inner = types_.object("inner", {{"b", types_.scalar(Kind::kI64)}});
  const record::Type* outer =
      types_.object("outer", {{"a_b", types_.scalar(Kind::kI64)}, {"a", inner}});
  reader_.add(0, {{1, {}, R"({"a_b":1,"a":{"b":2}})"}});
  add_topic("t", outer, reader_);
  EXPECT_EQ(ask("select a_b, a_b_ from t"), "1,2");
}

TEST_F(TopicTest, OffsetsAndPartitionsDecideWhatIsRead) {
  for (int i = 0; i < 10; ++i) reader_.add(0, {{i, {}, event("a", i)}, {i, {}, event("b", i)}});
  reader_.add(1, {{1, {}, event("c", 1)}});
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select user, parameters_amount from events where _partition = 0 and _offset = 13"),
            "b,6");
  EXPECT_EQ(reader_.reads, 1);
  EXPECT_EQ(ask("select _offset from events where _partition = 0 and _offset > 2.5 and "
                "_offset <= 5"),
            "3;4;5");
  EXPECT_EQ(ask("select count(*) from events where _partition > 0"), "1");
  EXPECT_EQ(ask("select count(*) from events where _partition < 0 or _offset < 0"), "0");
  EXPECT_EQ(ask("select count(*) from events where _offset >= '3'"), "17");
  EXPECT_EQ(ask("select count(*) from events where _offset > null"), "0");
}

TEST_F(TopicTest, TheLastOnesAreReadFromTheEnd) {
  for (int i = 0; i < 100; ++i) reader_.add(0, {{i, {}, event("a", i)}, {i, {}, event("b", i)}});
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select _offset from events where _partition = 0 order by _offset desc limit 3"),
            "199;198;197");
  EXPECT_EQ(reader_.reads, 2);
  EXPECT_EQ(ask("select _offset from events where _partition = 0 and _offset < 3 "
                "order by _offset desc"),
            "2;1;0");
}

TEST_F(TopicTest, AllPartitionsInOrder) {
  reader_.add(0, {{1, {}, event("a", 1)}});
  reader_.add(1, {{1, {}, event("b", 1)}, {1, {}, event("c", 1)}});
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select user from events order by _partition desc, _offset desc"), "c;b;a");
  EXPECT_EQ(ask("select user from events order by _partition, _offset"), "a;b;c");
  EXPECT_EQ(ask("select user from events order by _offset desc, user"), "c;a;b");
}

TEST_F(TopicTest, GapsBetweenOffsets) {
  reader_.add(0, {{1, {}, event("a", 1)}});
  reader_.add(0, {{2, {}, event("b", 1)}}, 1000);
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select user, _offset from events"), "a,0;b,1001");
  EXPECT_EQ(ask("select user from events order by _partition desc, _offset desc"), "b;a");
}

TEST_F(TopicTest, TimesAreHandedToTheLog) {
  reader_.add(0, {{10, {}, event("a", 1)}, {20, {}, event("b", 1)}, {15, {}, event("c", 1)}});
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select user from events where _partition = 0 and _time > 10 and _time < 20.5"),
            "b;c");
  EXPECT_EQ(reader_.narrowed, "[10 21]");
}

TEST_F(TopicTest, HowMuchIsReadIsBounded) {
  for (int i = 0; i < 100; ++i) reader_.add(0, {{i, {}, event("a", i)}});
  add_topic("events", event_, reader_);
  EXPECT_EQ(
      ask("select count(*) from events", {.topic_bytes_max = 1}),
      "sql_limit: the query read more than 0 MiB of topics; narrow it with `where _time > …`, "
      "_offset or _partition");
  EXPECT_EQ(ask("select count(*) from events"), "100");
}

TEST_F(TopicTest, FailuresOfTheLogAreTold) {
  reader_.add(0, {{1, {}, event("a", 1)}});
  reader_.fails = true;
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select * from events"), "data_corrupt: topic 't', partition 0, offset 7: damaged");
  reader_.fails = false;
  EXPECT_EQ(ask("select user from events"), "a");
}

TEST_F(TopicTest, JoinedWithItself) {
  for (int i = 0; i < 3; ++i) reader_.add(0, {{i, {}, event(i == 1 ? "b" : "a", i)}});
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select a._offset, b._offset from events a join events b on a.user = b.user and "
                "a._offset < b._offset"),
            "0,2");
}

TEST_F(TopicTest, MistakesNameTopicsToo) {
  add_topic("events", event_, reader_);
  EXPECT_EQ(ask("select 1 from event"),
            "sql_invalid: no such table: event; the tables are: events");
  EXPECT_EQ(ask("select users from events").substr(0, 60),
            "sql_invalid: no such column: users; events has: user, parame");
}

}  // namespace
}  // namespace gameflow::query
