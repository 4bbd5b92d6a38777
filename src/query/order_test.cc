// ORDER BY on the rows must be the order that SQLite's own sorter gives.

#include <algorithm>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <gameflow/types.h>

#include "query/query.h"
#include "record/type.h"

namespace gameflow::query {
namespace {

struct OrderRow {
  i32 small;
  u64 large;
  Optional<i64> maybe;
  f64 real;
  Text text;
  Bytes bytes;
  bool flag;
};

class OrderTest : public testing::Test {
 protected:
  OrderTest() {
    using record::Kind;
    table_.name = "rows";
    table_.constant_names = {"_window_start"};
    table_.row = types_.object("row", {{"small", types_.scalar(Kind::kI32)},
                                       {"large", types_.scalar(Kind::kU64)},
                                       {"maybe", types_.scalar(Kind::kI64), true},
                                       {"real", types_.scalar(Kind::kF64)},
                                       {"text", types_.scalar(Kind::kString)},
                                       {"bytes", types_.scalar(Kind::kBytes)},
                                       {"flag", types_.scalar(Kind::kBool)}});
    EXPECT_EQ(table_.row->size, sizeof(OrderRow));
    fill();
    EXPECT_TRUE(database_.set_table(&table_));
  }

  void fill() {
    std::mt19937 random(1);
    const auto pick = [&](const auto& from) { return from[random() % std::size(from)]; };
    const i64 integers[] = {INT64_MIN, -5, -1, 0, 1, 7, INT64_MAX};
    const f64 reals[] = {-1e300,
                         -1.5,
                         -0.0,
                         0.0,
                         1e-300,
                         2.5,
                         1e300,
                         std::numeric_limits<f64>::infinity(),
                         std::numeric_limits<f64>::quiet_NaN()};
    const Text texts[] = {"",          "a",         "ab",       "abcdefgh",
                          "abcdefghi", "abcdefghj", "\xc3\xa9", "abcdefg\0"};
    rows_.resize(3000);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      OrderRow& row = rows_[i];
      row.small = static_cast<i32>(random() % 9) - 4;
      row.large = random() % 5;
      if (random() % 4 != 0) row.maybe = Optional<i64>(pick(integers));
      row.real = pick(reals);
      row.text = pick(texts);
      const Text bytes = pick(texts);
      row.bytes = {reinterpret_cast<const u8*>(bytes.data()), bytes.size()};
      row.flag = random() % 2 == 0;
      keys_.push_back(fmt::format("k{}", random() % 200));
    }
    table_.segments.resize(4);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
      table_.segments[i % 3].rows.push_back(
          {keys_[i], &rows_[i], Timestamp{static_cast<std::int64_t>(random() % 50)}});
    }
    for (std::size_t s = 0; s < 4; ++s) {
      table_.segments[s].constants = {static_cast<std::int64_t>(100 - 10 * (s % 2))};
    }
  }

  record::TypeTable types_;
  std::vector<OrderRow> rows_;
  std::vector<std::string> keys_;
  Table table_;
  Database database_;
};

TEST_F(OrderTest, IsSqlites) {
  const char* const orders[] = {
      "small",
      "small desc",
      "large desc, small",
      "maybe",
      "maybe desc",
      "real",
      "real desc",
      "text",
      "text desc",
      "bytes, text desc",
      "flag desc, maybe, real",
      "_key",
      "_key desc, small desc",
      "_updated_at desc",
      "_window_start, _updated_at",
      "_window_start desc",
      "small nulls last",
      "maybe desc nulls first",
      "text collate nocase",
      "2",
      "small + 1",
  };
  for (const char* order : orders) {
    const auto columns =
        "select _key, small, large, maybe, real, text, hex(bytes), _updated_at "
        "from rows ";
    const auto ours = database_.run(fmt::format("{} order by {}", columns, order), {});
    // A WHERE leaves the sorting to SQLite.
    const auto theirs =
        database_.run(fmt::format("{} where large >= 0 order by {}", columns, order), {});
    ASSERT_TRUE(ours) << order << ": " << ours.error().message;
    ASSERT_TRUE(theirs) << order << ": " << theirs.error().message;
    EXPECT_EQ(ours->rows.size(), rows_.size());
    EXPECT_TRUE(ours->rows == theirs->rows) << order;
  }
}

TEST_F(OrderTest, ServesGroupsAndLimitsToo) {
  const char* const statements[] = {
      "select _key, count(*), sum(small) from rows {} group by _key order by _key",
      "select text, flag, count(*) from rows {} group by text, flag order by 1, 2",
      "select distinct maybe from rows {} order by maybe desc",
      "select max(real), min(_key) from rows {}",
      "select max(small) from rows {}",
      "select _key, small from rows {} order by small desc, _key limit 7 offset 3",
      "select count(*) from (select distinct text, small from rows {})",
      "select sum(n) from (select row_number() over (order by small) n from rows {})",
  };
  for (const char* statement : statements) {
    const auto ours = database_.run(fmt::format(fmt::runtime(statement), ""), {});
    const auto theirs = database_.run(fmt::format(fmt::runtime(statement), "where large >= 0"), {});
    ASSERT_TRUE(ours) << statement << ": " << ours.error().message;
    ASSERT_TRUE(theirs) << statement;
    EXPECT_TRUE(ours->rows == theirs->rows) << statement;
  }
}

TEST_F(OrderTest, IsTheSameWhereKeysAreInOrderAlready) {
  Table sorted = table_;
  sorted.segments.resize(1);
  std::vector<Row>& rows = sorted.segments[0].rows;
  std::ranges::stable_sort(rows, {}, &Row::key);
  rows.erase(std::ranges::unique(rows, {}, &Row::key).begin(), rows.end());
  ASSERT_TRUE(database_.set_table(&sorted));
  for (const char* order : {"_key", "_key desc", "small desc, _key", "small, _key desc",
                            "_key, small", "text, _key, real", "maybe desc"}) {
    const std::string sql = fmt::format("select * from rows order by {}", order);
    sorted.in_key_order = false;
    const auto compared = database_.run(sql, {});
    sorted.in_key_order = true;
    const auto promised = database_.run(sql, {});
    ASSERT_TRUE(compared && promised) << order;
    EXPECT_EQ(promised->rows.size(), rows.size());
    EXPECT_TRUE(promised->rows == compared->rows) << order;
  }
}

TEST_F(OrderTest, LargeNumbersSortAsNumbers) {
  rows_[0].large = 9'300'000'000'000'000'000U;
  rows_[1].large = 18'000'000'000'000'000'000U;
  const auto answer = database_.run("select large from rows order by large desc limit 3", {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<std::string>(answer->rows[0][0]), "18000000000000000000");
  EXPECT_EQ(std::get<std::string>(answer->rows[1][0]), "9300000000000000000");
  EXPECT_EQ(std::get<std::int64_t>(answer->rows[2][0]), 4);
}

}  // namespace
}  // namespace gameflow::query
