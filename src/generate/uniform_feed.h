// The uniform profile as a feed: so many events a second of each kind, for ever or up to a number.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "generate/feed.h"
#include "generate/generator.h"

namespace gameflow::generate {

struct UniformOptions {
  WorldOptions world;
  std::vector<EventKind> kinds;         // each once
  std::uint64_t rate = 100;             // of each kind, a second
  std::optional<std::uint64_t> events;  // of each kind; nothing: no end
  Timestamp start;
  // The times of events, instead of `rate`: they are made as somebody asks for them.
  const Clock* clock = nullptr;
};

class UniformFeed final : public Feed {
 public:
  explicit UniformFeed(UniformOptions options);

  std::span<const FeedEvent> next(Timestamp until) override;
  std::optional<Timestamp> next_time() override;
  void skip(const Counts& counts) override;

 private:
  Timestamp time_of(std::uint64_t index) const;

  UniformOptions options_;
  std::vector<Generator> generators_;  // by options_.kinds
  Counts skipped_{};
  std::uint64_t round_ = 0;  // the next one: an event of each kind, at one time
  std::string text_;
  std::vector<FeedEvent> events_;
};

}  // namespace gameflow::generate
