#include "generate/uniform_feed.h"

#include <map>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace gameflow::generate {
namespace {

constexpr Timestamp kStart{1'731'406'530'000};

struct Seen {
  EventKind kind;
  std::int64_t at;
  std::string key, json;
  friend bool operator==(const Seen&, const Seen&) = default;
};

std::vector<Seen> read(Feed& feed, Timestamp until = kEndOfTime) {
  std::vector<Seen> seen;
  for (auto events = feed.next(until); !events.empty(); events = feed.next(until)) {
    for (const FeedEvent& event : events)
      seen.push_back({event.kind, event.at.ms, std::string(event.key), std::string(event.json)});
  }
  return seen;
}

UniformOptions options(std::uint64_t events) {
  return {
      .world = {.seed = 7},
      .kinds = {EventKind::kPlayer, EventKind::kPurchase, EventKind::kServer, EventKind::kPosition},
      .events = events,
      .start = kStart};
}

TEST(UniformFeed, HasTheGeneratorsEventsInOrderOfTime) {
  UniformFeed feed(options(3'000));
  const auto seen = read(feed);
  EXPECT_EQ(feed.next_time(), std::nullopt);
  ASSERT_EQ(seen.size(), 12'000U);
  std::map<EventKind, std::string> text, alone;
  for (std::size_t i = 0; i < seen.size(); ++i) {
    EXPECT_EQ(seen[i].at, kStart.ms + static_cast<std::int64_t>(i / 4 * 10));
    text[seen[i].kind] += seen[i].json + "\n";
  }
  for (const EventKind kind : options(0).kinds) {
    Generator generator(kind, {.seed = 7});
    for (int i = 0; i < 3'000; ++i) generator.append(kStart + Duration{i * 10}, alone[kind]);
  }
  EXPECT_EQ(text, alone);
}

TEST(UniformFeed, KeysAreThoseOfTheirFields) {
  UniformFeed feed(options(100));
  for (const Seen& event : read(feed)) {
    const std::string_view path = key_field_of(event.kind);
    const std::string field(path.substr(path.find('.') == path.npos ? 0 : path.find('.') + 1));
    EXPECT_NE(event.json.find("\"" + field + "\":\"" + event.key + "\""), std::string::npos)
        << event.key << " " << event.json;
  }
}

TEST(UniformFeed, GivesWhatIsDue) {
  UniformFeed feed(options(1'000));
  EXPECT_EQ(feed.next_time(), kStart);
  EXPECT_TRUE(feed.next(kStart - Duration{1}).empty());
  EXPECT_EQ(read(feed, kStart + Duration{99}).size(), 40U);
  EXPECT_EQ(feed.next_time(), kStart + Duration{100});
  EXPECT_EQ(read(feed).size(), 4'000U - 40U);
}

TEST(UniformFeed, SkipsOfEachKindItsOwn) {
  UniformFeed whole(options(500)), rest(options(500));
  std::vector<Seen> expected;
  Feed::Counts left{10, 0, 400, 77};
  for (const Seen& event : read(whole)) {
    std::uint64_t& of_kind = left[static_cast<std::size_t>(event.kind)];
    if (of_kind > 0) {
      --of_kind;
    } else {
      expected.push_back(event);
    }
  }
  rest.skip({10, 0, 400, 77});
  EXPECT_EQ(read(rest), expected);
}

}  // namespace
}  // namespace gameflow::generate
