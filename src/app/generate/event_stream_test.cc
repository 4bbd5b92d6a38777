// The stream that all clients of the web API see.
#include "app/generate/event_stream.h"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace gameflow::app {
namespace {

using generate::EventKind;
using Kind = serve::Message::Kind;

// Event N arrives at N ms, up to `count`; every tenth is damaged.
class CountingFeed final : public generate::Feed {
 public:
  explicit CountingFeed(std::uint64_t count) : count_(count) {}

  std::span<const generate::FeedEvent> next(Timestamp until) override {
    events_.clear();
    texts_.clear();
    texts_.reserve(7);
    while (events_.size() < 7 && made_ < count_ && static_cast<std::int64_t>(made_) <= until.ms) {
      const bool corrupt = made_ % 10 == 9;
      texts_.push_back(corrupt ? fmt::format("{}\n\n\"", made_) : std::to_string(made_));
      events_.push_back({.kind = made_ % 2 == 0 ? EventKind::kPlayer : EventKind::kPurchase,
                         .is_corrupt = corrupt,
                         .at = {static_cast<std::int64_t>(made_)},
                         .key = "k",
                         .json = texts_.back()});
      ++made_;
    }
    return events_;
  }
  std::optional<Timestamp> next_time() override {
    if (made_ == count_) return std::nullopt;
    return Timestamp{static_cast<std::int64_t>(made_)};
  }
  void skip(const Counts&) override {}

 private:
  std::uint64_t count_, made_ = 0;
  std::vector<std::string> texts_;
  std::vector<generate::FeedEvent> events_;
};

std::string record(std::uint64_t number) {
  const std::string text = std::to_string(number);
  return R"({"key":"k","event":)" + (number % 10 == 9 ? '"' + text + R"(\n\n\"")" : text) + "}\n\n";
}

std::string records(std::uint64_t first, std::uint64_t end) {
  std::string text;
  for (std::uint64_t i = first; i < end; ++i) text += record(i);
  return text;
}

struct CountedWaiter final : serve::Waiter {
  int woken = 0;
  void wake() override { ++woken; }
};

// What there is for now, and then why there is no more: "none", "end" or a code.
std::string read(serve::Messages& messages) {
  std::string text;
  for (;;) {
    const auto message = messages.next();
    if (!message) return text + std::string(to_string(message.error().code));
    if (message->kind == Kind::kNone) return text + "none";
    if (message->kind == Kind::kEnd) return text + "end";
    text += message->text;
  }
}

struct Paced {
  std::int64_t now = -1;
  EventStream stream;
  std::shared_ptr<CountedWaiter> waiter = std::make_shared<CountedWaiter>();

  explicit Paced(std::uint64_t count, std::size_t bytes_max = 1U << 20, bool on_demand = false)
      : stream(std::make_unique<CountingFeed>(count), {.name = "counting",
                                                       .until = [this] { return Timestamp{now}; },
                                                       .on_demand = on_demand,
                                                       .bytes_max = bytes_max,
                                                       .block_bytes = 100}) {}

  void advance(std::int64_t to) {
    now = to;
    stream.advance();
  }
  std::unique_ptr<serve::Messages> follow(std::uint64_t first) {
    return stream.follow(first, waiter);
  }
};

TEST(EventStream, AllClientsSeeTheSame) {
  Paced paced(1000);
  const auto first = paced.follow(0);
  EXPECT_EQ(read(*first), "none");
  paced.advance(99);
  EXPECT_EQ(paced.waiter->woken, 1);
  EXPECT_EQ(read(*first), records(0, 100) + "none");
  for (const std::uint64_t begin : {0, 1, 7, 42, 99, 100})
    EXPECT_EQ(read(*paced.follow(begin)), records(begin, 100) + "none") << begin;
  paced.advance(99);
  EXPECT_EQ(paced.waiter->woken, 1);
  paced.advance(5000);
  EXPECT_EQ(read(*first), records(100, 1000) + "end");
}

TEST(EventStream, MemoryIsBounded) {
  Paced paced(100'000, 10'000);
  const auto slow = paced.follow(0);
  paced.advance(50);
  ASSERT_EQ(slow->next()->kind, Kind::kText);
  paced.advance(100'000);
  const auto [begin, end] = paced.stream.range();
  EXPECT_EQ(end, 100'000U);
  EXPECT_LE(records(begin, end).size(), 10'000U);
  EXPECT_GE(records(begin, end).size(), 9'000U);
  EXPECT_EQ(read(*slow), "offset_out_of_range");
  EXPECT_EQ(read(*paced.follow(begin)), records(begin, end) + "end");
}

TEST(EventStream, OnDemandTheFastestSetsThePace) {
  Paced paced(100'000, 1U << 20, /*on_demand=*/true);
  paced.now = 1'000'000;
  paced.stream.advance();
  EXPECT_EQ(paced.stream.range().end, 0U);
  const auto fast = paced.follow(0), slow = paced.follow(0);
  std::string text;
  for (int i = 0; i < 100; ++i) text += fast->next()->text;
  const std::uint64_t end = paced.stream.range().end;
  EXPECT_LT(end, 1000U);
  EXPECT_EQ(text, records(0, end));
  text.clear();
  while (text.size() < records(0, end).size()) text += slow->next()->text;
  EXPECT_EQ(text, records(0, end));
  EXPECT_EQ(read(*fast), records(end, 100'000) + "end");
}

TEST(EventStream, WhoIsAheadWaitsUntilItIsThere) {
  for (const bool on_demand : {false, true}) {
    Paced paced(100'000, 10'000, on_demand);
    paced.now = on_demand ? 1'000'000 : 99;
    const auto ahead = paced.follow(50'000);
    std::string text = "none";
    while (text == "none") {
      paced.advance(on_demand ? paced.now : paced.now + 10'000);
      text = read(*ahead);
    }
    EXPECT_TRUE(text.starts_with(record(50'000))) << on_demand << text.substr(0, 100);
  }
}

TEST(EventStream, NewestOfAKind) {
  Paced paced(1000);
  EXPECT_FALSE(paced.stream.newest(EventKind::kPlayer));
  paced.advance(99);
  EXPECT_EQ(paced.stream.newest(EventKind::kPlayer)->json, "98");
  EXPECT_EQ(paced.stream.newest(EventKind::kPurchase)->number, 97U);  // 99 is damaged
  EXPECT_FALSE(paced.stream.newest(EventKind::kServer));
  Paced demand(1000, 1U << 20, /*on_demand=*/true);
  demand.now = 1'000'000;
  const auto one = demand.stream.newest(EventKind::kPlayer);
  const auto two = demand.stream.newest(EventKind::kPlayer);
  EXPECT_LT(one->number, two->number);
}

}  // namespace
}  // namespace gameflow::app
