#include "runtime/epoch_size.h"

#include <gtest/gtest.h>

namespace gameflow::runtime {
namespace {

constexpr std::size_t kMiB = 1U << 20;

// Reads a backlog of which so much is worked off in a second, epoch by epoch.
void read_backlog(EpochSize& size, double bytes_per_second, int epochs) {
  for (int i = 0; i < epochs; ++i)
    size.note(size.bytes(), 0, static_cast<double>(size.bytes()) / bytes_per_second);
}

TEST(EpochSize, FollowsHowFastABacklogIsRead) {
  EpochSize size(128 * kMiB);
  EXPECT_EQ(size.bytes(), 8 * kMiB);
  read_backlog(size, 20.0 * kMiB, 5);
  EXPECT_EQ(size.bytes(), 10 * kMiB);
  read_backlog(size, 1000.0 * kMiB, 3);
  EXPECT_EQ(size.bytes(), 80 * kMiB);  // at most twice as much each time
  read_backlog(size, 1000.0 * kMiB, 5);
  EXPECT_EQ(size.bytes(), 128 * kMiB);
  read_backlog(size, 0.1 * kMiB, 20);
  EXPECT_EQ(size.bytes(), 1 * kMiB);
}

TEST(EpochSize, OneThatWaitedForTheDiskIsForgottenSoon) {
  EpochSize size(128 * kMiB);
  read_backlog(size, 100.0 * kMiB, 10);
  ASSERT_EQ(size.bytes(), 50 * kMiB);
  size.note(50 * kMiB, 0, 60);
  EXPECT_EQ(size.bytes(), 25 * kMiB);
  read_backlog(size, 100.0 * kMiB, 1);
  EXPECT_EQ(size.bytes(), 50 * kMiB);
}

// Of a byte of input twenty are made: half a second of it would make 1,000 MiB.
TEST(EpochSize, WhatIsMadeOfItIsNotTooLarge) {
  EpochSize size(128 * kMiB);
  for (int i = 0; i < 5; ++i)
    size.note(size.bytes(), size.bytes() * 20, static_cast<double>(size.bytes()) / (100.0 * kMiB));
  EXPECT_NEAR(static_cast<double>(size.bytes()), EpochSize::kMadeBytes / 20.0, 100);
}

TEST(EpochSize, SmallEpochsSayNothingUnlessTheyAreTooLong) {
  EpochSize size(128 * kMiB);
  size.note(1'000, 0, 0.005);
  EXPECT_EQ(size.bytes(), 8 * kMiB);
  size.note(2 * kMiB, 0, 1.0);
  EXPECT_EQ(size.bytes(), 4 * kMiB);
  size.note(0, 0, 0);
  EXPECT_EQ(size.bytes(), 4 * kMiB);
}

TEST(EpochSize, IsNeverMoreThanItMayBe) {
  EpochSize size(1'000);
  EXPECT_EQ(size.bytes(), 1'000);
  size.note(1'000, 0, 0.000'001);
  EXPECT_EQ(size.bytes(), 1'000);
  size.note(1'000, 0, 100);
  EXPECT_EQ(size.bytes(), 1'000);
}

}  // namespace
}  // namespace gameflow::runtime
