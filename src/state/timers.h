// When rows with a `ttl` may have run out, or sessions may have ended.
//
// A row has one timer. Using the row does not touch it: when it is due, the row says whether it has
// run out, or when to ask again. So a row costs nothing until then, and an epoch what is due in it.
//
// Threads  one at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "base/time.h"

namespace gameflow::state {

class Timers {
 public:
  struct Timer {
    Timestamp due_at;
    std::uint32_t place;  // of the entry, in its table
    std::uint32_t state;
  };

  // When the first one is due, of those that are committed.
  std::optional<Timestamp> next() const {
    return heap_.empty() ? std::nullopt : std::optional(heap_.front().due_at);
  }

  // Of this epoch.
  void add(const Timer& timer) { added_.push_back(timer); }
  // Calls visit(timer) for those that are due at `now`; they are gone. It may add others, which are
  // due later.
  template <class Visit>
  void take_due(Timestamp now, Visit&& visit) {
    while (!heap_.empty() && heap_.front().due_at <= now) {
      std::ranges::pop_heap(heap_, later);
      taken_.push_back(heap_.back());
      heap_.pop_back();
      visit(taken_.back());
    }
    std::vector<Timer> due;
    std::erase_if(added_, [&](const Timer& timer) {
      if (timer.due_at > now) return false;
      due.push_back(timer);
      return true;
    });
    for (const Timer& timer : due) visit(timer);
  }

  void commit() {
    taken_.clear();
    push(added_);
  }
  void revert() {
    added_.clear();
    push(taken_);
  }

 private:
  static bool later(const Timer& a, const Timer& b) { return a.due_at > b.due_at; }
  void push(std::vector<Timer>& timers) {
    for (const Timer& timer : timers) {
      heap_.push_back(timer);
      std::ranges::push_heap(heap_, later);
    }
    timers.clear();
  }

  std::vector<Timer> heap_;   // the first one in front
  std::vector<Timer> added_;  // in this epoch
  std::vector<Timer> taken_;
};

}  // namespace gameflow::state
