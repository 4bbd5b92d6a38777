#include "base/memory_limit.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/memory_reserve.h"
#include "base/memory_watch.h"

namespace gameflow {
namespace {

using Level = MemoryLimit::Level;
constexpr std::uint64_t kMiB = 1U << 20;

struct Step {
  std::int64_t at_ms;
  std::uint64_t resident_mib;
  std::uint64_t address_space_mib;
  Level level;
  bool runs_out = false;  // before the reading
};

struct Case {
  std::string name;
  std::optional<std::uint64_t> address_space_mib;
  std::vector<Step> steps;  // with --memory-max 1000MiB
};

const std::vector<Case> kCases = {
    {"tight at 90 %, full at 100 %",
     {},
     {{0, 899, 0, Level::kFine},
      {1, 900, 0, Level::kTight},
      {2, 999, 0, Level::kTight},
      {3, 1000, 0, Level::kFull}}},
    {"a level ends where 95 % of its beginning are left",
     {},
     {{0, 1000, 0, Level::kFull},
      {1, 951, 0, Level::kFull},
      {2, 949, 0, Level::kTight},
      {3, 999, 0, Level::kTight},
      {4, 860, 0, Level::kTight},
      {5, 849, 0, Level::kFine},
      {6, 899, 0, Level::kFine}}},
    {"from full to fine at once", {}, {{0, 1200, 0, Level::kFull}, {1, 100, 0, Level::kFine}}},
    {"address space is no matter without a limit of it", {}, {{0, 10, 1 << 20, Level::kFine}}},
    {"a fifth of the address space stays free",
     1500,
     {{0, 100, 1000, Level::kFine},
      {1, 100, 1100, Level::kTight},
      {2, 100, 1200, Level::kFull},
      {3, 100, 1149, Level::kTight},
      {4, 100, 1000, Level::kFine}}},
    {"memory may be scarcer than address space", 4000, {{0, 950, 1000, Level::kTight}}},
    {"more than the address space takes cannot be had",
     500,
     {{0, 100, 350, Level::kFine},
      {1, 100, 360, Level::kTight},
      {2, 100, 400, Level::kFull},
      {3, 100, 600, Level::kFull}}},
    {"after an allocation failed it is full for 5 s",
     {},
     {{0, 100, 0, Level::kFull, true},
      {4999, 100, 0, Level::kFull},
      {5000, 100, 0, Level::kFine},
      {6000, 990, 0, Level::kFull, true},
      {11'000, 990, 0, Level::kFull},
      {11'001, 940, 0, Level::kTight}}},
};

TEST(MemoryLimit, TellsHowCloseItIs) {
  for (const Case& c : kCases) {
    std::optional<std::uint64_t> address_space;
    if (c.address_space_mib) address_space = *c.address_space_mib * kMiB;
    MemoryLimit limit(1000 * kMiB, address_space);
    for (const Step& step : c.steps) {
      if (step.runs_out) limit.ran_out(Duration{step.at_ms});
      const MemoryUse use{step.resident_mib * kMiB, step.address_space_mib * kMiB};
      EXPECT_EQ(limit.observe(use, Duration{step.at_ms}), step.level)
          << c.name << ", " << step.at_ms;
    }
  }
}

TEST(MemoryLimit, SaysWhatIsLeftOfTheScarcerOne) {
  MemoryLimit limit(1000 * kMiB, 1250 * kMiB);
  limit.observe({100 * kMiB, 900 * kMiB}, {});
  EXPECT_EQ(limit.left(), 100 * kMiB);
  EXPECT_EQ(limit.used(), 900 * kMiB);
  limit.observe({990 * kMiB, 900 * kMiB}, {});
  EXPECT_EQ(limit.left(), 10 * kMiB);
  limit.observe({1990 * kMiB, 900 * kMiB}, {});
  EXPECT_EQ(limit.left(), 0U);
}

TEST(MemoryLimit, TheDefaultIs80PercentOfTheLeast) {
  EXPECT_EQ((MemoryBounds{1000, 500, std::nullopt}.default_max()), 400U);
  EXPECT_EQ((MemoryBounds{1000, UINT64_MAX, std::nullopt}.default_max()), 800U);
  EXPECT_EQ((MemoryBounds{1000, 500, 100}.default_max()), 80U);
}

TEST(MemoryLimit, ReadsThisProcess) {
  const MemoryBounds bounds = read_memory_bounds();
  ASSERT_TRUE(bounds.machine);
  EXPECT_GT(*bounds.machine, 64 * kMiB);
  const MemoryUse use = read_memory_use(true);
  EXPECT_GT(use.resident, kMiB);
  EXPECT_LT(use.resident, *bounds.machine);
  EXPECT_GT(use.address_space, kMiB);
}

TEST(MemoryWatch, ReadsAnewAfter100Ms) {
  ManualClock clock{Timestamp{0}};
  MemoryUse use;
  int readings = 0;
  const MemoryWatch watch(MemoryLimit(100 * kMiB, {}), clock, [&] {
    ++readings;
    return use;
  });
  use.resident = 95 * kMiB;
  EXPECT_TRUE(watch.status());
  clock.advance(Duration{99});
  EXPECT_TRUE(watch.status());
  EXPECT_EQ(readings, 1);
  clock.advance(Duration{1});
  const Status status = watch.status();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, ErrorCode::kMemoryFull);
  EXPECT_TRUE(status.error().message.starts_with("memory is full: 95 of 100 MiB are in use"))
      << status.error().message;
  EXPECT_EQ(readings, 2);
  EXPECT_EQ(watch.left(), 5 * kMiB);
}

TEST(MemoryWatch, LooksAtOnceForTheEngine) {
  ManualClock clock{Timestamp{0}};
  MemoryUse use;
  MemoryWatch watch(MemoryLimit(100 * kMiB, {}), clock, [&] { return use; });
  use.resident = 100 * kMiB;
  EXPECT_EQ(watch.look(), Level::kFull);
  use.resident = 1 * kMiB;
  EXPECT_EQ(watch.look(), Level::kFine);
  watch.ran_out();
  EXPECT_EQ(watch.level(), Level::kFull);
}

// The reserve is one for the whole process: this is all that the tests do with it.
TEST(MemoryReserve, IsForThoseWhoCannotGiveUp) {
  install_memory_reserve(kMiB);
  const std::new_handler handler = std::get_new_handler();
  ASSERT_NE(handler, nullptr);
  EXPECT_TRUE(refill_memory_reserve());
  {
    const CanRunOut scope;
    EXPECT_THROW(handler(), std::bad_alloc);
  }
  EXPECT_TRUE(refill_memory_reserve()) << "nobody has used it";
  EXPECT_NO_THROW(handler());
  EXPECT_THROW(handler(), std::bad_alloc) << "there is no more of it";
  EXPECT_FALSE(refill_memory_reserve());
  EXPECT_TRUE(refill_memory_reserve());
  EXPECT_THROW(run_or_run_out(nullptr, [&] { handler(); }), std::bad_alloc);
  EXPECT_EQ(memory_failures(), 0U) << "memory is not scarce: what failed asked for too much";
  std::set_new_handler(nullptr);
}

}  // namespace
}  // namespace gameflow
