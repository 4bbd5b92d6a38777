#include "base/calm_clock.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gameflow {
namespace {

constexpr Timestamp kStart{1'731'406'530'000};
constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute;

// Both in ms: the system's clock is set by so much, then so much time passes; then the calm clock
// says what is true (in ms from kStart, if the system's clock had never been set) plus `ahead`.
struct Look {
  std::int64_t set_by = 0, passes = 0;
  std::int64_t ahead = 0;
  int told = 0;  // lines so far
};

struct Row {
  const char* what;
  CalmClockOptions options;
  std::vector<Look> looks;
};

const std::vector<Row> kRows{
    {"time passes", {}, {{0, 5}, {0, kHour}, {0, 365 * 24 * kHour}}},
    {"drift is followed, either way", {}, {{1'000, 10, 1'000}, {-1'000, 10, 0}, {-900, 0, -900}}},
    {"drift adds up", {}, {{900, 10, 900}, {900, 10, 1'800}, {900, 10, 2'700}}},
    {"more than a second is a step", {}, {{1'001, 0, 0, 1}, {0, kMinute, 1'001, 2}}},
    {"a step forward counts after a minute",
     {},
     {{kHour, 0, 0, 1}, {0, kMinute - 1, 0, 1}, {0, 1, kHour, 2}, {0, kHour, kHour, 2}}},
    {"a step back, too",
     {},
     {{-kHour, 0, 0, 1}, {0, kMinute - 1, 0, 1}, {0, 1, -kHour, 2}, {0, kHour, -kHour, 2}}},
    {"a step that goes away leaves nothing behind",
     {},
     {{kHour, 0, 0, 1}, {0, 2'000, 0, 1}, {-kHour, 0, 0, 1}, {0, kHour, 0, 1}}},
    {"each step lasts from its own beginning",
     {},
     {{kHour, 0, 0, 1},
      {0, kMinute - 1, 0, 1},
      {kHour, 0, 0, 2},
      {0, kMinute - 1, 0, 2},
      {0, 1, 2 * kHour, 3}}},
    {"one that comes again, as well",
     {},
     {{kHour, kMinute - 1, 0, 1}, {-kHour, 1, 0, 1}, {kHour, 1, 0, 2}, {0, kMinute, kHour, 3}}},
    {"drift during a step is part of it",
     {},
     {{kHour, 30'000, 0, 1},
      {800, 20'000, 0, 1},
      {800, 10'000, 0, 1},
      {0, kMinute, kHour + 1'600, 2}}},
    {"nobody looks for long: it lasts from the first look",
     {},
     {{kHour, 10 * kMinute, 0, 1}, {0, kMinute, kHour, 2}}},
    {"forward at once",
     {.adopt_forward_after = {0}},
     {{kHour, 0, kHour, 1}, {-kHour, 0, kHour, 2}, {0, kMinute, 0, 3}}},
    {"back at once",
     {.adopt_backward_after = {0}},
     {{-kHour, 0, -kHour, 1}, {kHour, 0, -kHour, 2}, {0, kMinute, 0, 3}}},
    {"a start behind the clock is a step from the beginning",
     {.start = kStart - Duration{kHour}},
     {{0, 0, -kHour, 1}, {0, kMinute - 1, -kHour, 1}, {0, 1, 0, 2}}},
};

TEST(CalmClock, TakesOverWhatLasts) {
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.what);
    ManualClock source(kStart);
    std::vector<std::string> lines;
    const CalmClock clock(source, row.options,
                          [&lines](const std::string& line) { lines.push_back(line); });
    std::int64_t passed = 0;
    for (std::size_t i = 0; i < row.looks.size(); ++i) {
      SCOPED_TRACE(i);
      const Look& look = row.looks[i];
      source.set(source.now() + Duration{look.set_by});
      source.advance({look.passes});
      passed += look.passes;
      EXPECT_EQ((clock.now() - kStart).ms, passed + look.ahead);
      EXPECT_EQ(clock.steady(), source.steady());
      EXPECT_EQ(lines.size(), static_cast<std::size_t>(look.told));
    }
  }
}

TEST(CalmClock, TellsFromWhenToWhen) {
  ManualClock source(kStart);
  std::vector<std::string> lines;
  const CalmClock clock(source, {}, [&](const std::string& line) { lines.push_back(line); });
  source.set(kStart + Duration{kHour});
  (void)clock.now();
  source.advance({kMinute});
  (void)clock.now();
  EXPECT_EQ(lines,
            (std::vector<std::string>{"the system's clock was set from 2024-11-12T10:15:30Z to "
                                      "2024-11-12T11:15:30Z: this counts once it has lasted 1m",
                                      "the system's clock stays as it was set: the time goes from "
                                      "2024-11-12T10:16:30Z to 2024-11-12T11:16:30Z"}));
}

TEST(SystemClock, SteadyTimeRises) {
  const SystemClock clock;
  const Duration before = clock.steady();
  EXPECT_GT(before.ms, 0);
  while (clock.steady() == before) continue;
  EXPECT_GT(clock.steady(), before);
}

TEST(ManualClock, IsMovedOrSet) {
  ManualClock clock(kStart);
  const Duration steady = clock.steady();
  clock.advance({5});
  EXPECT_EQ(clock.now(), kStart + Duration{5});
  EXPECT_EQ(clock.steady() - steady, Duration{5});
  clock.set(kStart);
  EXPECT_EQ(clock.now(), kStart);
  EXPECT_EQ(clock.steady() - steady, Duration{5});
}

}  // namespace
}  // namespace gameflow
