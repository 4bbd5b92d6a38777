// ORDER BY on the rows must be the order that SQLite's own sorter gives.

#include <algorithm>
#include <chrono>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <gameflow/types.h>

#include "query/query.h"
#include "query/test_util.h"
#include "record/arena.h"
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

const record::Type* order_row(record::TypeTable& types) {
  using record::Kind;
  return types.object("row", {{"small", types.scalar(Kind::kI32)},
                              {"large", types.scalar(Kind::kU64)},
                              {"maybe", types.scalar(Kind::kI64), true},
                              {"real", types.scalar(Kind::kF64)},
                              {"text", types.scalar(Kind::kString)},
                              {"bytes", types.scalar(Kind::kBytes)},
                              {"flag", types.scalar(Kind::kBool)}});
}

// The same kind of rows as table `rows` of four windows, one empty, and as `single` of one.
class OrderTest : public testing::Test {
 protected:
  OrderTest() {
    EXPECT_EQ(windows_.table.row->size, sizeof(OrderRow));
    fill();
    for (TestTable* test : {&windows_, &single_}) {
      test->publish();
      test->table.constant_names = {"_window_start"};
      EXPECT_TRUE(database_.set_table(&test->table));
    }
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
    for (std::size_t s = 0; s < 4; ++s)
      windows_.table.segments[s].constants = {static_cast<std::int64_t>(100 - 10 * (s % 2))};
    single_.table.segments[0].constants = {7};
    for (int i = 0; i < kRows; ++i) {
      OrderRow row{};
      row.small = static_cast<i32>(random() % 9) - 4;
      row.large = random() % 5;
      if (random() % 4 != 0) row.maybe = Optional<i64>(pick(integers));
      row.real = pick(reals);
      row.text = pick(texts);
      const Text bytes = pick(texts);
      row.bytes = {reinterpret_cast<const u8*>(bytes.data()), bytes.size()};
      row.flag = random() % 2 == 0;
      const Timestamp at{static_cast<std::int64_t>(random() % 50)};
      windows_.add(static_cast<std::size_t>(i) % 3, fmt::format("k{}", i / 3), &row, at);
      single_.add(0, fmt::format("player_{}", i), &row, at);
    }
  }

  static constexpr int kRows = 3000;
  record::TypeTable types_;
  TestTable windows_{"rows", record::Kind::kString, order_row(types_), 4};
  TestTable single_{"single", record::Kind::kString, order_row(types_)};
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
      "small desc, _key",
      "small, _key desc",
      "text, _key, real",
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
    for (const char* table : {"rows", "single"}) {
      const auto columns = fmt::format(
          "select _key, small, large, maybe, real, text, hex(bytes), _updated_at from {}", table);
      const auto ours = database_.run(fmt::format("{} order by {}", columns, order), {});
      // A WHERE leaves the sorting to SQLite.
      const auto theirs =
          database_.run(fmt::format("{} where large >= 0 order by {}", columns, order), {});
      ASSERT_TRUE(ours) << order << ": " << ours.error().message;
      ASSERT_TRUE(theirs) << order << ": " << theirs.error().message;
      EXPECT_EQ(ours->rows.size(), kRows);
      EXPECT_TRUE(ours->rows == theirs->rows) << order << " of " << table;
    }
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

TEST_F(OrderTest, LargeNumbersSortAsNumbers) {
  OrderRow row{};
  row.large = 9'300'000'000'000'000'000U;
  single_.add(0, "x", &row);
  row.large = 18'000'000'000'000'000'000U;
  single_.add(0, "y", &row);
  single_.publish();
  const auto answer = database_.run("select large from single order by large desc limit 3", {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<std::string>(answer->rows[0][0]), "18000000000000000000");
  EXPECT_EQ(std::get<std::string>(answer->rows[1][0]), "9300000000000000000");
  EXPECT_EQ(std::get<std::int64_t>(answer->rows[2][0]), 4);
}

// Numbers that need all bits of a rank, and texts and keys that differ only far behind.
TEST_F(OrderTest, IsSqlitesWhereRanksDecideLittle) {
  const std::string same(30, 'x');
  const std::string texts[] = {same, same + 'a', same + "ab", same + '\0', same + "\xff"};
  TestTable test("deep", record::Kind::kString, order_row(types_));
  std::mt19937_64 random(3);
  for (int i = 0; i < kRows; ++i) {
    OrderRow row{};
    row.small = static_cast<i32>(random());
    row.large = random() / 2 >> random() % 2 * 60;
    if (i % 3 != 0) row.maybe = Optional<i64>(static_cast<i64>(random()));
    row.real = static_cast<f64>(static_cast<std::int64_t>(random())) * (random() % 2 == 0 ? 1 : 0);
    row.text = Text::view(texts[random() % std::size(texts)]);
    test.add(0,
             fmt::format("{}/{}/{}", i % 2, std::string(9, 'k'),
                         std::string(i % 40, 'y') + std::to_string(i)),
             &row);
  }
  test.publish();
  ASSERT_TRUE(database_.set_table(&test.table));
  for (const char* order :
       {"_key", "_key desc", "large", "large desc, small", "maybe, real desc", "real, large",
        "text", "text desc, small", "large, text, real desc", "flag, text, _key desc", "flag"}) {
    const auto ours = database_.run(fmt::format("select * from deep order by {}", order), {});
    const auto theirs =
        database_.run(fmt::format("select * from deep where large >= 0 order by {}", order), {});
    ASSERT_TRUE(ours && theirs) << order;
    EXPECT_EQ(ours->rows.size(), kRows);
    EXPECT_TRUE(ours->rows == theirs->rows) << order;
  }
}

// More rows than SortedRows sorts in its first steps, and than a person gets in order unasked.
class ManyRowsTest : public testing::Test {
 protected:
  ManyRowsTest() {
    std::mt19937 random(2);
    for (int i = 0; i < kRows; ++i) {
      const u32 count = random() % 1000;
      test_.add(0, key(i), &count);
    }
    test_.publish();
    EXPECT_TRUE(database_.set_table(&test_.table));
  }

  static std::string key(int i) { return fmt::format("player_{:06}", i); }

  // The `key` of each row, as an operator gets them.
  std::vector<std::string> operators(const std::string& sql) {
    struct Item {
      Text key;
    };
    const auto* item = types_.object("item", {{"key", types_.scalar(record::Kind::kString)}});
    record::BlockArena arena;
    List<Item> list;
    const Status status = database_.select_into(sql, *item, arena, &list);
    EXPECT_TRUE(status) << sql << ": " << status.error().message;
    std::vector<std::string> keys;
    for (const Item& row : list) keys.push_back(row.key.str());
    return keys;
  }

  static constexpr int kRows = 60'000;
  record::TypeTable types_;
  TestTable test_{"t", record::Kind::kString,
                  types_.object("row", {{"count", types_.scalar(record::Kind::kU32)}})};
  Database database_;
};

TEST_F(ManyRowsTest, OperatorsSeeThemInOrderOfKey) {
  std::vector<std::string> keys;
  for (int i = 0; i < kRows; ++i) keys.push_back(key(i));
  EXPECT_EQ(operators("select _key as key from t"), keys);
  EXPECT_EQ(operators("select distinct _key as key from t"), keys);
  EXPECT_EQ(operators("select _key as key from t where count >= 0"), keys);
  EXPECT_EQ(operators("select _key as key from t where count >= 0 order by _key"), keys);
  std::ranges::reverse(keys);
  EXPECT_EQ(operators("select _key as key from t order by _key desc"), keys);
}

TEST_F(ManyRowsTest, OrderIsTheSameHoweverManyAreRead) {
  const auto all = operators("select _key as key from t order by count desc");
  ASSERT_EQ(all.size(), static_cast<std::size_t>(kRows));
  for (const std::size_t limit : {1, 20, 1'024, 1'025, 20'000}) {
    auto some =
        operators(fmt::format("select _key as key from t order by count desc limit {}", limit));
    EXPECT_TRUE(std::ranges::equal(some, std::span(all).first(limit))) << limit;
  }
  EXPECT_EQ(operators("select _key as key from t where count >= 0 order by count desc"), all);
  EXPECT_EQ(operators("select _key as key from t order by count desc, _key"), all);
  EXPECT_EQ(operators("select _key as key from t where count >= 0 order by count desc, _key"), all);
}

TEST_F(ManyRowsTest, PersonsSeeThemAllOnce) {
  const auto answer = database_.run(
      "select count(*), count(distinct _key), (select count from t where _key = 'player_000007') "
      "from t",
      {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(std::get<std::int64_t>(answer->rows[0][0]), kRows);
  EXPECT_EQ(std::get<std::int64_t>(answer->rows[0][1]), kRows);
}

TEST_F(ManyRowsTest, SortingEndsInTime) {
  const auto answer = database_.run("select * from t order by count, _key limit 1",
                                    {.time_max = std::chrono::milliseconds(0)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, ErrorCode::kSqlLimit);
}

}  // namespace
}  // namespace gameflow::query
