// Sketches in SQL.
#include <cmath>
#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <gameflow/distinct.h>
#include <gameflow/quantiles.h>

#include "query/test_util.h"
#include "record/arena.h"

namespace gameflow::query {
namespace {

using record::Kind;

struct MapRow {
  u32 count;
  Distinct players;
  Quantiles latency{10'000};
  Quantiles rough{100'000};
};

class SketchTest : public testing::Test {
 protected:
  SketchTest() {
    detail::current_arena = &arena_;
    add("desert", 100, 0, 1000);
    add("forest", 1500, 500, 10);
    add("nobody", 0, 0, 0);
    maps_.publish();
    EXPECT_TRUE(database_.set_table(&maps_.table));
  }
  ~SketchTest() override { detail::current_arena = nullptr; }

  void add(const char* map, u32 players, u32 first, u32 numbers) {
    MapRow row{};
    row.count = players;
    for (u32 i = 0; i < players; ++i) row.players.add(first + i);
    for (u32 i = 0; i < numbers; ++i) row.latency.add(i);
    row.rough.add(1);
    detail::SketchAccess::settle(row.players, arena_);
    detail::SketchAccess::settle(row.latency, arena_);
    detail::SketchAccess::settle(row.rough, arena_);
    maps_.add(0, map, &row);
  }

  std::string run(std::string_view sql) {
    const auto answer = database_.run(sql, {});
    if (!answer) return answer.error().message;
    std::string out;
    for (const auto& row : answer->rows) {
      for (const Value& value : row) {
        if (const auto* number = std::get_if<std::int64_t>(&value)) {
          out += fmt::format("{} ", *number);
        } else if (const auto* real = std::get_if<double>(&value)) {
          out += fmt::format("{:.0f} ", *real);
        } else if (const auto* text = std::get_if<std::string>(&value)) {
          out += *text + " ";
        } else {
          out += "null ";
        }
      }
    }
    return out;
  }

  record::BlockArena arena_;
  record::TypeTable types_;
  TestTable maps_{"maps", Kind::kString,
                  types_.object("map", {{"count", types_.scalar(Kind::kU32)},
                                        {"players", types_.distinct()},
                                        {"latency", types_.quantiles(10'000)},
                                        {"rough", types_.quantiles(100'000)}})};
  Database database_;
};

TEST_F(SketchTest, AreAskedByFunctions) {
  EXPECT_EQ(run("select estimate(players) from maps where _key in ('desert', 'nobody')"), "100 0 ");
  EXPECT_EQ(run("select abs(estimate(players) - 1500) < 75 from maps where _key = 'forest'"), "1 ");
  EXPECT_EQ(run("select abs(quantile(latency, 0.5) - 499) <= 5, quantile(latency, 0), "
                "quantile(latency, 1) from maps where _key = 'desert'"),
            "1 0 999 ");
  EXPECT_EQ(run("select quantile(latency, 0.5) from maps where _key = 'nobody'"), "null ");
  EXPECT_EQ(run("select estimate(null), quantile(null, 0.5)"), "null null ");
  EXPECT_EQ(run("select _key from maps where estimate(players) > 5 order by estimate(players)"),
            "desert forest ");
}

// Through subqueries, sorting and grouping.
TEST_F(SketchTest, AreValues) {
  EXPECT_EQ(run("select estimate(p) from (select _key as k, players as p from maps limit 5) "
                "where k = 'desert' order by length(k), k desc"),
            "100 ");
  EXPECT_EQ(run("select count > 0, max(estimate(players)) < 1000 from maps group by count > 0"),
            "0 1 1 0 ");
}

TEST_F(SketchTest, AreMerged) {
  EXPECT_EQ(run("select abs(estimate(merge(players)) - 1600) < 80 from maps"), "1 ");
  EXPECT_EQ(run("select estimate(merge(players)) from maps where _key in ('desert', 'nobody')"),
            "100 ");
  EXPECT_EQ(run("select quantile(merge(latency), 1) from maps"), "999 ");
  EXPECT_EQ(run("select merge(players) from maps where count = 17"), "null ");
  constexpr const char* kNot =
      "merge(x): x has to be a column of type distinct or quantiles, all of one accuracy";
  EXPECT_EQ(run("select merge(count) from maps"), kNot);
  EXPECT_EQ(run("select merge(s) from (select rough as s from maps union all "
                "select latency from maps)"),
            kNot);
  EXPECT_EQ(run("select merge(s) from (select rough as s from maps union all "
                "select players from maps)"),
            kNot);
}

TEST_F(SketchTest, AreShown) {
  EXPECT_EQ(run("select players, latency from maps where _key <> 'forest' order by _key"),
            R"(100 {"count":1000,"min":0,"p50":497.779,"p90":907.031,"p99":982.578,"max":999} 0 )"
            R"({"count":0} )");
}

TEST_F(SketchTest, RefuseWhatMeansNothing) {
  EXPECT_EQ(run("select estimate(latency) from maps"),
            "estimate(x): x has to be a column of type distinct");
  EXPECT_EQ(run("select estimate(count) from maps"),
            "estimate(x): x has to be a column of type distinct");
  EXPECT_EQ(run("select quantile(players, 0.5) from maps where _key = 'desert'"),
            "quantile(x, q): x has to be a column of type quantiles");
  for (const char* q : {"1.5", "-0.1", "null", "'a'", "1e999"})
    EXPECT_EQ(run(fmt::format("select quantile(latency, {}) from maps", q)),
              "quantile(x, q): q has to be a number from 0 to 1");
  EXPECT_EQ(run("select _key from maps where players > 100"),
            "column players is a distinct: write estimate(players)");
  EXPECT_EQ(run("select _key from maps order by latency"),
            "column latency is quantiles: write quantile(latency, 0.5)");
  EXPECT_EQ(run("select _key from maps where players is not null limit 1"), "desert ");
  for (const char* blob : {"x'44'", "x'4400000000000000'", "x'4401000000000000ffffffff'", "x'51'"})
    EXPECT_EQ(run(fmt::format("select estimate({})", blob)),
              "estimate(x): x has to be a column of type distinct")
        << blob;
}

TEST_F(SketchTest, FitNoField) {
  record::TypeTable types;
  const auto message = [&](const char* sql, const record::Type* type) {
    const Status status = database_.check(sql, *types.object("line", {{"n", type}}));
    return status ? std::string() : status.error().message;
  };
  EXPECT_EQ(
      message("select players as n from maps", types.scalar(Kind::kU32)),
      "column 'n' is DISTINCT_SKETCH and does not fit the u32 field of that name; use estimate()");
  EXPECT_EQ(message("select latency as n from maps", types.scalar(Kind::kString)),
            "column 'n' is QUANTILES_SKETCH and does not fit the string field of that name; use "
            "quantile()");
  EXPECT_EQ(message("select estimate(players) as n from maps", types.scalar(Kind::kU32)), "");
}

}  // namespace
}  // namespace gameflow::query
