#include "base/cron.h"

#include <chrono>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gameflow {
namespace {

Timestamp at(int year, unsigned month, unsigned day, int hour = 0, int minute = 0) {
  using namespace std::chrono;
  const sys_days date{std::chrono::year{year} / std::chrono::month{month} / std::chrono::day{day}};
  return {((date.time_since_epoch().count() * 24 + hour) * 60 + minute) * 60'000LL};
}

struct Row {
  const char* cron;
  const char* zone;
  Timestamp after;
  std::vector<Timestamp> next;
};

TEST(Crons, TellTheNextTimes) {
  const Row rows[] = {
      {"0 8 * * *", "UTC", at(2024, 11, 12, 7, 59), {at(2024, 11, 12, 8), at(2024, 11, 13, 8)}},
      {"0 8 * * *", "UTC", at(2024, 11, 12, 8), {at(2024, 11, 13, 8)}},
      {"*/20 * * * *",
       "UTC",
       at(2024, 12, 31, 23, 30),
       {at(2024, 12, 31, 23, 40), at(2025, 1, 1), at(2025, 1, 1, 0, 20)}},
      {"5/20 9-10 * * *",
       "UTC",
       at(2024, 11, 12),
       {at(2024, 11, 12, 9, 5), at(2024, 11, 12, 9, 25), at(2024, 11, 12, 9, 45),
        at(2024, 11, 12, 10, 5)}},
      {"0 0 29 feb *", "UTC", at(2024, 3, 1), {at(2028, 2, 29)}},
      {"30 12 * * MON-fri",
       "UTC",
       at(2024, 11, 15, 13),
       {at(2024, 11, 18, 12, 30), at(2024, 11, 19, 12, 30)}},
      {"0 0 * * 7", "UTC", at(2024, 11, 12), {at(2024, 11, 17), at(2024, 11, 24)}},
      // One of the days is enough.
      {"0 0 13 * 5", "UTC", at(2024, 11, 12), {at(2024, 11, 13), at(2024, 11, 15)}},
      {"@monthly", "UTC", at(2024, 11, 12), {at(2024, 12, 1), at(2025, 1, 1)}},
      {"0 8 * * *", "Europe/Berlin", at(2024, 7, 1), {at(2024, 7, 1, 6), at(2024, 7, 2, 6)}},
      // Left out: when the clock is put forward, from 2 to 3.
      {"30 2 * * *",
       "Europe/Berlin",
       at(2024, 3, 30, 2),
       {at(2024, 3, 31, 1), at(2024, 4, 1, 0, 30)}},
      {"0 * * * *", "Europe/Berlin", at(2024, 3, 31), {at(2024, 3, 31, 1), at(2024, 3, 31, 2)}},
      // Twice: the first one, or both of every hour.
      {"30 2 * * *",
       "Europe/Berlin",
       at(2024, 10, 26, 12),
       {at(2024, 10, 27, 0, 30), at(2024, 10, 28, 1, 30)}},
      {"30 * * * *",
       "Europe/Berlin",
       at(2024, 10, 27),
       {at(2024, 10, 27, 0, 30), at(2024, 10, 27, 1, 30)}},
  };
  for (const Row& row : rows) {
    const auto cron = Cron::parse(row.cron);
    ASSERT_TRUE(cron) << cron.error().message;
    const auto zone = TimeZone::load(row.zone);
    ASSERT_TRUE(zone);
    Timestamp time = row.after;
    for (const Timestamp wanted : row.next) {
      const auto next = cron->next(time, **zone);
      ASSERT_TRUE(next) << row.cron;
      EXPECT_EQ(format_timestamp(*next), format_timestamp(wanted)) << row.cron;
      time = *next;
    }
  }
}

TEST(Crons, MayNeverCome) {
  const auto zone = TimeZone::load("UTC");
  ASSERT_TRUE(zone);
  for (const char* text : {"0 0 30 2 *", "* * 31 4,6 *"})
    EXPECT_FALSE(Cron::parse(text)->next(at(2024, 1, 1), **zone)) << text;
}

TEST(Crons, SayWhatIsWrong) {
  const std::pair<const char*, const char*> rows[] = {
      {"",
       "a cron has 5 parts, this has 0: minute, hour, day of the month, month and day of the "
       "week"},
      {"0 0 8 * * *",
       "a cron has 5 parts, this has 6: minute, hour, day of the month, month and "
       "day of the week"},
      {"60 * * * *", "'60' is no minute: it is 0 to 59, '*', a range or a list"},
      {"0 9-8 * * *", "'9-8' is no hour: it is 0 to 23, '*', a range or a list"},
      {"0 0 0 * *", "'0' is no day of the month: it is 1 to 31, '*', a range or a list"},
      {"0 0 * june *",
       "'june' is no month: it is 1 to 12, a name such as 'jan', '*', a range or a list"},
      {"0 0 * * 8",
       "'8' is no day of the week: it is 0 to 7, a name such as 'sun', '*', a range or a list"},
      {"*/0 * * * *", "'*/0' is no minute: it is 0 to 59, '*', a range or a list"},
      {"*/60 * * * *", "'*/60' is no minute: it is 0 to 59, '*', a range or a list"},
      {"1,,2 * * * *", "'1,,2' is no minute: it is 0 to 59, '*', a range or a list"},
      {"1/2/3 * * * *", "'1/2/3' is no minute: it is 0 to 59, '*', a range or a list"},
  };
  for (const auto& [text, message] : rows) {
    const auto cron = Cron::parse(text);
    ASSERT_FALSE(cron) << text;
    EXPECT_EQ(cron.error().message, message);
  }
}

}  // namespace
}  // namespace gameflow
