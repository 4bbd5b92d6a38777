#include "runtime/late_meter.h"

#include <gtest/gtest.h>

namespace gameflow::runtime {
namespace {

constexpr Duration seconds(std::int64_t count) {
  return {count * 1'000};
}

TEST(LateMeter, CountsTheLastMinute) {
  LateMeter meter;
  EXPECT_EQ(meter.last_minute(seconds(0)).records, 0U);
  EXPECT_EQ(meter.last_minute(seconds(0)).ratio(), 0);
  meter.add(seconds(0), 100, 100);
  meter.add(seconds(30), 100, 0);
  EXPECT_EQ(meter.last_minute(seconds(30)).records, 200U);
  EXPECT_EQ(meter.last_minute(seconds(30)).ratio(), 0.5);
  EXPECT_EQ(meter.last_minute(seconds(61)).late, 0U);
  EXPECT_EQ(meter.last_minute(seconds(61)).records, 100U);
  EXPECT_EQ(meter.last_minute(seconds(600)).records, 0U);
  meter.add(seconds(600), 1, 1);  // where the first ones were counted
  EXPECT_EQ(meter.last_minute(seconds(600)).records, 1U);
}

TEST(LateMeter, WarnsOnceAMinuteWhileMostIsLate) {
  struct Row {
    std::int64_t second;
    std::uint64_t records, late;
    bool warns;
  };
  const Row rows[] = {
      {0, 19, 19, false},                              // too few to say anything
      {5, 100, 10, false},                             // 29 of 119
      {10, 100, 100, true},                            // 129 of 219
      {15, 100, 100, false},                           // it was said
      {69, 100, 100, false},    {70, 100, 100, true},  // a minute ago
      {200, 1'000, 100, false},
  };
  LateMeter meter;
  for (const Row& row : rows) {
    meter.add(seconds(row.second), row.records, row.late);
    EXPECT_EQ(meter.should_warn(seconds(row.second)), row.warns) << "second " << row.second;
  }
}

}  // namespace
}  // namespace gameflow::runtime
