// What the engine does when memory is full.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/memory_hold.h"

namespace gameflow::runtime {
namespace {

constexpr std::uint64_t kMiB = 1U << 20;

struct Case {
  std::string name;
  std::vector<std::uint64_t> state_mib;
  std::vector<bool> at_fault;  // of 900 MiB
};

const std::vector<Case> kCases = {
    {"no services", {}, {}},
    {"no states: nobody can give anything back", {0, 0}, {false, false}},
    {"the only one with a state", {0, 10, 0}, {false, true, false}},
    {"more than an equal share", {500, 100, 0, 100}, {true, false, false, false}},
    {"two with more than an equal share", {310, 310, 200}, {true, true, false}},
    {"nobody has: the largest", {100, 150, 20}, {false, true, false}},
    {"of equal ones the first", {100, 100, 0}, {true, false, false}},
};

TEST(ServicesAtFault, HaveMoreThanTheirShareOrTheMost) {
  for (const Case& c : kCases) {
    std::vector<std::uint64_t> bytes;
    for (const std::uint64_t mib : c.state_mib) bytes.push_back(mib * kMiB);
    EXPECT_EQ(services_at_fault(bytes, 900 * kMiB), c.at_fault) << c.name;
  }
}

class MemoryHoldTest : public testing::Test {
 protected:
  ManualClock clock_{Timestamp{0}};
  MemoryUse use_;
  MemoryWatch watch_{MemoryLimit(100 * kMiB, {}), clock_, [this] { return use_; }};
  MemoryHold hold_{&watch_, {"large", "small"}};
  const std::vector<std::uint64_t> state_bytes_{60 * kMiB, 10 * kMiB};

  std::string held_at(std::uint64_t resident_mib) {
    use_.resident = resident_mib * kMiB;
    hold_.look(state_bytes_);
    return std::string(hold_.holds(0) ? "large " : "") + (hold_.holds(1) ? "small" : "");
  }
};

TEST_F(MemoryHoldTest, LastsUntilMemoryIsWellBelow) {
  EXPECT_EQ(held_at(99), "") << "producers are refused; what they have sent is read";
  EXPECT_EQ(held_at(100), "large ");
  EXPECT_EQ(held_at(96), "large ");
  EXPECT_EQ(held_at(94), "");
}

TEST_F(MemoryHoldTest, AnEpochThatRanOutHoldsForAWhile) {
  EXPECT_EQ(held_at(10), "");
  hold_.ran_out();
  EXPECT_EQ(held_at(10), "large ");
  clock_.advance(MemoryLimit::kRanOutTime);
  EXPECT_EQ(held_at(10), "");
}

TEST_F(MemoryHoldTest, WhatIsFreeIsWorthGivingBackOnceTheProcessHasGrown) {
  MemoryWatch watch(MemoryLimit(1'000 * kMiB, {}), clock_, [this] { return use_; });
  MemoryHold hold(&watch, {"one"});
  const auto has_grown_at = [&](std::uint64_t resident_mib) {
    use_.resident = resident_mib * kMiB;
    clock_.advance(Duration{100});
    return hold.has_grown();
  };
  EXPECT_FALSE(has_grown_at(64));
  EXPECT_TRUE(has_grown_at(400));
  use_.resident = 300 * kMiB;  // as it is at once, not what was read a moment ago
  hold.note_given_back();
  EXPECT_FALSE(has_grown_at(375));
  EXPECT_TRUE(has_grown_at(376));
  MemoryHold unwatched(nullptr, {"one"});
  unwatched.note_given_back();
  EXPECT_FALSE(unwatched.has_grown());
}

TEST_F(MemoryHoldTest, EpochsAreSmallWhereLittleIsLeft) {
  held_at(20);
  EXPECT_EQ(hold_.input_bytes_max(), 10 * kMiB);
  held_at(100);
  EXPECT_EQ(hold_.input_bytes_max(), 1 * kMiB);
  EXPECT_EQ(MemoryHold(nullptr, {"any"}).input_bytes_max(), SIZE_MAX);
}

TEST_F(MemoryHoldTest, EpochsOfWhichTooMuchIsMadeAreSmaller) {
  held_at(20);
  MemoryHold hold(nullptr, {"any"});
  EXPECT_EQ(hold.made_bytes_max(), 1024 * kMiB);
  EXPECT_EQ(MemoryHold(&watch_, {"any"}).made_bytes_max(), 64 * kMiB) << "half is too little";
  EXPECT_TRUE(hold.made_too_much(100 * kMiB, 1024 * kMiB));
  EXPECT_EQ(hold.input_bytes_max(), 25 * kMiB);
  EXPECT_TRUE(hold.made_too_much(28 * kMiB, 1024 * kMiB)) << "at least a batch is read";
  EXPECT_EQ(hold.input_bytes_max(), 25 * kMiB / 4);
  for (int i = 0; i < 30; ++i) hold.fitted();
  EXPECT_GT(hold.input_bytes_max(), 128 * kMiB);
  int pieces = 0;
  while (hold.made_too_much(128 * kMiB, 1024 * kMiB)) ++pieces;
  EXPECT_EQ(pieces, 6);
}

}  // namespace
}  // namespace gameflow::runtime
