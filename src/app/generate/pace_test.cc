// Up to which time of a feed events are due, as the flags say.
#include <gtest/gtest.h>

#include "app/generate/feeds.h"

namespace gameflow::app {
namespace {

constexpr Timestamp kNow{1'731'406'530'000}, kLater{1'731'406'540'000};  // 10 s
constexpr Timestamp kLastWeek{kNow.ms - 7 * 86'400'000};

GenerateOptions game(std::optional<Timestamp> from, std::optional<std::uint64_t> days,
                     std::optional<std::uint64_t> speed) {
  GenerateOptions options;
  options.profile = GenerateProfile::kGame;
  options.from = from;
  options.days = days;
  options.speed = speed;
  return options;
}

Timestamp until(const GenerateOptions& options) {
  return Pace(options, options.from.value_or(kNow), kNow).until(kLater);
}

TEST(Pace, IsWhatTheFlagsSay) {
  EXPECT_EQ(until(game({}, {}, {})), kLater);
  EXPECT_EQ(until(game({}, 1, {})), kLater);
  EXPECT_EQ(until(game(kLastWeek, 1, {})), generate::kEndOfTime);
  EXPECT_EQ(until(game(kLastWeek, {}, {})), kLater);  // and live then
  EXPECT_EQ(until(game(kLastWeek, 1, 60)), kLastWeek + Duration{600'000});
  EXPECT_EQ(until(game(kLastWeek, {}, 1'000'000)), kLater);
  EXPECT_EQ(until(game({}, {}, 60)), kNow + Duration{600'000});
  GenerateOptions fast = game({}, {}, {});
  fast.rate.reset();
  EXPECT_EQ(until(fast), generate::kEndOfTime);
  // The uniform profile goes by its rate, from any time.
  GenerateOptions uniform;
  EXPECT_EQ(Pace(uniform, kLastWeek, kNow).until(kLater), kLastWeek + Duration{10'000});
}

TEST(Pace, WaitsAsLongAsItHasTo) {
  const GenerateOptions options = game(kLastWeek, 1, 60);
  const Pace pace(options, kLastWeek, kNow);
  EXPECT_EQ(pace.wait_for(kLastWeek, kNow), Duration{});
  EXPECT_EQ(pace.wait_for(kLastWeek + Duration{60'000}, kNow), Duration{1'000});
  EXPECT_EQ(pace.wait_for(kLastWeek + Duration{5}, kNow), Duration{1});
}

}  // namespace
}  // namespace gameflow::app
