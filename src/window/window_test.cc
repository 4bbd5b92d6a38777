#include <vector>

#include <gtest/gtest.h>

#include "window/assigner.h"
#include "window/trigger.h"
#include "window/watermark.h"

namespace gameflow::window {
namespace {

struct AssignCase {
  const char* name;
  std::int64_t size_ms, at_ms, start_ms;
};

constexpr AssignCase kAssign[] = {
    {"Inside", 100, 42, 0},
    {"OnBegin", 100, 100, 100},
    {"LastInstant", 100, 199, 100},
    {"BeforeEpoch", 100, -1, -100},
    {"OnBeginBeforeEpoch", 100, -100, -100},
    {"FiveSeconds", 5'000, 1'731'406'533'250, 1'731'406'530'000},
    {"EarliestTime", 7, kTimeMin.ms, -62'135'596'800'004},
};

std::vector<Span> panes_of(const Assigner& assigner, Timestamp time) {
  std::vector<Span> panes;
  const Span alike = assigner.for_each_pane(time, [&](Span pane) { panes.push_back(pane); });
  EXPECT_TRUE(alike.contains(time));
  return panes;
}
std::vector<Span> windows_of(const Assigner& assigner, Span pane) {
  std::vector<Span> windows;
  assigner.for_each_window(pane, [&](Span window) { windows.push_back(window); });
  return windows;
}

TEST(Assigner, AssignsHalfOpenWindows) {
  for (const AssignCase& row : kAssign) {
    const auto panes = panes_of(Assigner::tumbling({row.size_ms}), {row.at_ms});
    ASSERT_EQ(panes.size(), 1U);
    EXPECT_EQ(panes[0].start.ms, row.start_ms) << row.name;
    EXPECT_EQ((panes[0].end - panes[0].start).ms, row.size_ms) << row.name;
  }
}

TEST(Assigner, BeginsAtTheOffset) {
  const Assigner assigner = Assigner::tumbling({100}, {30});
  EXPECT_EQ(panes_of(assigner, {29})[0], (Span{{-70}, {30}}));
  EXPECT_EQ(panes_of(assigner, {30})[0], (Span{{30}, {130}}));
  EXPECT_EQ(assigner.pane_from({-70}), (Span{{-70}, {30}}));
  EXPECT_EQ(assigner.window_number({130}) - assigner.window_number({30}), 1);
  EXPECT_EQ(Assigner::tumbling({100}, {130}), assigner);
}

// Every kind of window against its definition, for every time and pane around zero.
TEST(Assigner, GivesEveryWindowThatHoldsATime) {
  struct Rules {
    std::int64_t size, slide, offset;
    bool in_panes;
  };
  constexpr Rules kRules[] = {{10, 10, 0, false}, {10, 10, 3, true}, {10, 5, 0, false},
                              {10, 5, 0, true},   {10, 4, 1, false}, {10, 4, 1, true},
                              {12, 9, 2, true},   {7, 1, 0, true},   {7, 3, 0, false}};
  for (const Rules& rules : kRules) {
    const Assigner assigner =
        Assigner::sliding({rules.size}, {rules.slide}, {rules.offset}, rules.in_panes);
    SCOPED_TRACE(rules.size * 10'000 + rules.slide * 100 + rules.offset);
    for (std::int64_t time = -40; time < 40; ++time) {
      std::vector<Span> expected, got;
      for (std::int64_t start = -100 + rules.offset - 100 % rules.slide; start <= time; ++start) {
        const std::int64_t into = (start - rules.offset) % rules.slide;
        if (into == 0 && time < start + rules.size)
          expected.push_back({{start}, {start + rules.size}});
      }
      const auto panes = panes_of(assigner, {time});
      EXPECT_LE(panes.size(), assigner.is_copied() ? assigner.panes_max() : 1);
      for (const Span pane : panes) {
        EXPECT_TRUE(pane.contains({time}));
        EXPECT_EQ(assigner.pane_from(pane.start), pane);
        const auto windows = windows_of(assigner, pane);
        got.insert(got.end(), windows.begin(), windows.end());
        ASSERT_FALSE(windows.empty());
        EXPECT_EQ(assigner.first_end(pane), windows.front().end);
        EXPECT_EQ(assigner.last_end(pane), windows.back().end);
        for (const Span window : windows) EXPECT_EQ(assigner.window_from(window.start), window);
      }
      EXPECT_EQ(got, expected) << time;
      const Span alike = assigner.for_each_pane({time}, [](Span) {});
      for (Timestamp other = alike.start; other < alike.end; ++other.ms)
        EXPECT_EQ(panes_of(assigner, other), panes) << time;
    }
  }
}

// Berlin's days of 2024 on which clocks change, and one of Newfoundland, where they were put back
// to the day before.
TEST(Assigner, FollowsLocalDays) {
  constexpr std::int64_t kHour = 3'600'000;
  const auto zone = [](const char* name) { return *TimeZone::load(name); };
  const Assigner berlin = Assigner::tumbling({24 * kHour}, {}, zone("Europe/Berlin"));
  struct Day {
    std::int64_t start, hours;
  };
  for (const Day& day : {Day{1'711'753'200'000, 24}, Day{1'711'839'600'000, 23},
                         Day{1'711'922'400'000, 24}, Day{1'729'980'000'000, 25}}) {
    const Span span{{day.start}, {day.start + day.hours * kHour}};
    for (const std::int64_t time : {span.start.ms, span.start.ms + 3 * kHour, span.end.ms - 1}) {
      EXPECT_EQ(panes_of(berlin, {time})[0], span);
      EXPECT_NE(panes_of(berlin, {time + day.hours * kHour})[0], span);
    }
    EXPECT_EQ(berlin.pane_from(span.start), span);
    EXPECT_EQ(berlin.window_number(span.end) - berlin.window_number(span.start), 1);
  }
  // 2006-10-29T00:01 became 2006-10-28T23:01: the new day had begun.
  const Assigner newfoundland = Assigner::tumbling({24 * kHour}, {}, zone("America/St_Johns"));
  const Timestamp midnight{1'162'089'000'000};
  const Span day = panes_of(newfoundland, midnight)[0];
  EXPECT_EQ(day.start, midnight);
  EXPECT_EQ(panes_of(newfoundland, {midnight.ms + kHour / 2})[0], day);
  EXPECT_EQ((day.end - day.start).ms, 25 * kHour);
}

TEST(Trigger, ClosesWhenTheWatermarkReachesEndPlusGrace) {
  constexpr Trigger trigger({20});
  constexpr Timestamp end{200};
  const auto closed = [&](std::int64_t watermark) {
    return has_passed(trigger.advance({}, Timestamp{watermark}).until, end);
  };
  EXPECT_FALSE(has_passed(std::nullopt, end));
  EXPECT_FALSE(closed(219));
  EXPECT_TRUE(closed(220));
  EXPECT_TRUE(closed(kEndOfTime.ms));
}

TEST(Trigger, WhatWasClosedStaysClosedUnderALongerGracePeriod) {
  const Closed closed = Trigger({20}).advance({}, Timestamp{220});
  EXPECT_EQ(Trigger({50}).advance(closed, Timestamp{221}).until, Timestamp{200});
  EXPECT_EQ(Trigger({50}).advance(closed, std::nullopt).until, Timestamp{200});
  EXPECT_EQ(Trigger({50}).advance(closed, Timestamp{251}).until, Timestamp{201});
}

TEST(Trigger, KeepsRowsThatMayBeCorrected) {
  constexpr Trigger trigger({20}, {100});
  const Closed closed = trigger.advance({}, Timestamp{220});
  EXPECT_EQ(closed.until, Timestamp{200});
  EXPECT_EQ(closed.gone_until, Timestamp{100});
  // What is gone stays gone, where they are kept for longer from now on.
  EXPECT_EQ(Trigger({20}, {500}).advance(closed, Timestamp{230}).gone_until, Timestamp{100});
  EXPECT_EQ(Trigger({20}).advance(closed, Timestamp{220}).gone_until, Timestamp{200});
}

// Each step: at attention `now`, partition `partition` (or -1: none) shows `event`; then the
// watermark is `want`
// (-1: none yet). Two partitions, idle after 10.
struct Step {
  std::int64_t now;
  int partition;
  std::int64_t event;
  std::int64_t want;
};
struct WatermarkCase {
  const char* name;
  std::vector<Step> steps;
};

const std::vector<WatermarkCase> kWatermarks{
    {"MinimumOfPartitions", {{0, 0, 100, -1}, {1, 1, 40, 40}, {2, 1, 120, 100}}},
    {"NeverGoesBack", {{0, 0, 30, -1}, {1, 1, 40, 30}, {2, 0, 10, 30}}},
    {"UnseenPartitionHoldsUntilIdle",
     {{0, 0, 20, -1}, {5, 0, 21, -1}, {9, 0, 22, -1}, {10, 0, 23, 23}}},
    {"SilentPartitionIsLeftOut", {{0, 0, 20, -1}, {0, 1, 5, 5}, {9, 0, 30, 5}, {10, 0, 31, 31}}},
    {"SilenceIsMeasuredFromTheLastRecord",
     {{0, 0, 20, -1}, {8, 1, 5, 5}, {17, 0, 30, 5}, {18, 0, 31, 31}}},
    {"AllSilentGoesOnByTheClock",
     {{0, 0, 20, -1}, {0, 1, 5, 5}, {9, -1, 0, 5}, {10, -1, 0, 30}, {15, -1, 0, 35}}},
    {"NothingSeenNothingKnown", {{0, -1, 0, -1}, {100, -1, 0, -1}}},
};

TEST(Watermark, FollowsThePartitions) {
  for (const WatermarkCase& row : kWatermarks) {
    Watermark watermark(2, {10}, {0});
    for (std::size_t i = 0; i < row.steps.size(); ++i) {
      const Step& step = row.steps[i];
      if (step.partition >= 0) {
        watermark.observe(static_cast<std::size_t>(step.partition), {step.event}, {step.now});
      }
      const auto value = watermark.advance({step.now});
      EXPECT_EQ(value ? value->ms : -1, step.want) << row.name << ", step " << i;
    }
  }
}

TEST(Watermark, RestoreKeepsValueAndProgressButNotSilence) {
  Watermark watermark(2, {10}, {1'000});
  watermark.restore(Timestamp{70}, {Timestamp{70}, std::nullopt}, {1'000});
  EXPECT_EQ(watermark.advance({1'000})->ms, 70);
  watermark.observe(1, {60}, {1'001});
  EXPECT_EQ(watermark.advance({1'001})->ms, 70);
  EXPECT_FALSE(watermark.is_idle(0, {1'009}));
  EXPECT_TRUE(watermark.is_idle(0, {1'010}));
}

TEST(Watermark, ForgivenSilenceCountsFromThen) {
  Watermark watermark(2, {10}, {0});
  watermark.observe(0, {20}, {0});
  watermark.observe(1, {5}, {0});
  watermark.forgive({8});
  watermark.observe(0, {30}, {15});
  EXPECT_EQ(watermark.advance({17})->ms, 5);
  EXPECT_EQ(watermark.advance({18})->ms, 30);
}

}  // namespace
}  // namespace gameflow::window
