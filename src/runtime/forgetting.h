// A player who is forgotten as an engine takes its state from the store: rows and events that are
// theirs do not come back, and what is stored is written anew without them, in one commit.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "log/commits.h"
#include "record/player.h"
#include "record/type.h"

namespace gameflow::runtime {

class Forgetting {
 public:
  // `services`: those whose keys are players, or hold one.
  Forgetting(const record::Player& player, std::set<std::string, std::less<>> services)
      : player_(player), services_(std::move(services)) {}

  const record::Player& player() const { return player_; }

  // Whether an encoded key of the service is the player's.
  bool is_key(std::string_view service, record::Kind kind, std::string_view key) const;

  struct Erased {
    std::uint64_t rows = 0;     // of the player; keys where a service has several states
    std::uint64_t emptied = 0;  // of others, that named the player
    std::uint64_t events = 0;   // that waited in a join
  };
  // By service, where there was something.
  const std::map<std::string, Erased, std::less<>>& erased() const { return erased_; }
  Erased& of(std::string_view service) { return erased_[std::string(service)]; }

  // What else the commit holds that makes it last.
  std::function<void(log::Commit&)> note;

 private:
  const record::Player& player_;
  std::set<std::string, std::less<>> services_;
  std::map<std::string, Erased, std::less<>> erased_;
};

}  // namespace gameflow::runtime
