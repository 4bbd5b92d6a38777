#include "base/time_zone.h"

#include <algorithm>
#include <chrono>

#include <gtest/gtest.h>

namespace gameflow {
namespace {

constexpr std::int64_t kHour = 3'600'000;

// ms of a date, UTC.
Timestamp at(int year, unsigned month, unsigned day, std::int64_t hour = 0) {
  using namespace std::chrono;
  const sys_days date{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}};
  return {date.time_since_epoch().count() * 24 * kHour + hour * kHour};
}

std::shared_ptr<const TimeZone> zone(std::string_view name) {
  auto loaded = TimeZone::load(name);
  EXPECT_TRUE(loaded) << name;
  return loaded ? *loaded : nullptr;
}

struct Row {
  const char* name;
  Timestamp utc;
  std::int64_t minutes;  // east
};

TEST(TimeZones, KnowTheirOffsets) {
  const Row rows[] = {
      {"UTC", at(2024, 7, 1), 0},
      {"Europe/Berlin", at(2024, 1, 1), 60},
      {"Europe/Berlin", {at(2024, 3, 31, 1).ms - 1}, 60},
      {"Europe/Berlin", at(2024, 3, 31, 1), 120},
      {"Europe/Berlin", {at(2024, 10, 27, 1).ms - 1}, 120},
      {"Europe/Berlin", at(2024, 10, 27, 1), 60},
      {"Europe/Berlin", at(2024, 7, 1), 120},
      {"Europe/Berlin", at(1950, 1, 1), 60},
      {"Europe/Berlin", at(2500, 7, 1), 120},  // by the rule, behind the table
      {"Europe/Berlin", at(2500, 12, 1), 60},
      {"Europe/Dublin", at(2100, 7, 1), 60},  // its saving time is in winter
      {"Europe/Dublin", at(2100, 1, 1), 0},
      {"America/New_York", at(2100, 7, 1), -240},
      {"Asia/Kolkata", at(2024, 7, 1), 330},
      {"Australia/Sydney", at(2100, 1, 1), 660},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(std::string(row.name) + " " + format_timestamp(row.utc));
    EXPECT_EQ(zone(row.name)->offset_at(row.utc).ms, row.minutes * 60'000);
  }
}

TEST(TimeZones, FindLocalTimes) {
  const auto berlin = zone("Europe/Berlin");
  EXPECT_EQ(berlin->first_at(at(2024, 1, 1)), at(2023, 12, 31, 23));
  EXPECT_EQ(berlin->first_at(at(2024, 3, 31)), at(2024, 3, 30, 23));
  EXPECT_EQ(berlin->first_at(at(2024, 4, 1)), at(2024, 3, 31, 22));  // 23 hours later
  // 02:30 is left out on that day; it comes twice on the other.
  EXPECT_EQ(berlin->first_at({at(2024, 3, 31, 2).ms + kHour / 2}), at(2024, 3, 31, 1));
  EXPECT_EQ(berlin->first_at({at(2024, 10, 27, 2).ms + kHour / 2}),
            (Timestamp{at(2024, 10, 27).ms + kHour / 2}));
  // A day that begins at 01:00, and one whose first hour comes twice.
  EXPECT_EQ(zone("America/Sao_Paulo")->first_at(at(2018, 11, 4)), at(2018, 11, 4, 3));
  EXPECT_EQ(zone("America/Havana")->first_at(at(2024, 11, 3)), at(2024, 11, 3, 4));
}

TEST(TimeZones, ThatAreNotThereAreTold) {
  for (const char* name : {"Europe/Berlim", "", "..", "/etc/passwd", "../../../etc/passwd",
                           "Europe", "zone.tab", "Europe/Berlin\n"}) {
    const auto loaded = TimeZone::load(name);
    ASSERT_FALSE(loaded) << name;
    EXPECT_EQ(loaded.error().message, "there is no time zone '" + std::string(name) + "'");
  }
  const auto names = TimeZone::names();
  EXPECT_TRUE(std::ranges::binary_search(names, "Europe/Berlin"));
  EXPECT_TRUE(std::ranges::binary_search(names, "UTC"));
  EXPECT_EQ(TimeZone::parse("x", "TZif2"), nullptr);
}

}  // namespace
}  // namespace gameflow
