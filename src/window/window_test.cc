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

TEST(Assigner, AssignsHalfOpenWindows) {
  for (const AssignCase& row : kAssign) {
    const Span span = Assigner({row.size_ms}).span_of({row.at_ms});
    EXPECT_EQ(span.start.ms, row.start_ms) << row.name;
    EXPECT_EQ((span.end - span.start).ms, row.size_ms) << row.name;
  }
}

TEST(Trigger, ClosesWhenTheWatermarkReachesEndPlusGrace) {
  constexpr Trigger trigger({20});
  constexpr Span span{{100}, {200}};
  const auto closed = [&](std::int64_t watermark) {
    return Trigger::is_closed(span, trigger.advance(std::nullopt, Timestamp{watermark}));
  };
  EXPECT_FALSE(Trigger::is_closed(span, std::nullopt));
  EXPECT_FALSE(closed(219));
  EXPECT_TRUE(closed(220));
  EXPECT_TRUE(closed(kEndOfTime.ms));
}

TEST(Trigger, WhatWasClosedStaysClosedUnderALongerGracePeriod) {
  const auto closed_until = Trigger({20}).advance(std::nullopt, Timestamp{220});
  EXPECT_EQ(Trigger({50}).advance(closed_until, Timestamp{221}), Timestamp{200});
  EXPECT_EQ(Trigger({50}).advance(closed_until, std::nullopt), Timestamp{200});
  EXPECT_EQ(Trigger({50}).advance(closed_until, Timestamp{251}), Timestamp{201});
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
