// What one shard of a join keeps: events that may still meet others, by key and time.
//
// An event lies in the bucket of its time, with its stored form; buckets go as a whole. Each key
// has the events of both sides in order of time, then arrival. An epoch adds events and notes which
// have met one; it ends with commit() or revert().
//
// Threads  one at a time.
// Errors   running out of memory throws std::bad_alloc; then only revert() is allowed.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <gameflow/types.h>

#include "base/time.h"
#include "record/arena.h"
#include "runtime/bound_join.h"
#include "state/layout.h"
#include "state/table.h"
#include "window/assigner.h"

namespace gameflow::runtime {

class JoinBuffer {
 public:
  struct Key;
  struct Event {
    Timestamp time;
    Side side = Side::kLeft;
    bool has_met = false;      // of a left one: a right one
    std::uint64_t number = 0;  // of the shard's events in order of arrival
    Key* key = nullptr;
    std::string_view stored;  // the key of its record, and its value
    // Decoded, where it has been in this epoch.
    const void* value = nullptr;
    Optional<Text> record_key{};
  };
  struct Key {
    std::string_view bytes;
    std::vector<Event*> sides[2];  // in order of time, then arrival

    std::vector<Event*>& of(Side side) { return sides[static_cast<std::size_t>(side)]; }
    // Those of the side in [from, until].
    std::span<Event* const> between(Side side, Timestamp from, Timestamp until) const;

   private:
    friend class JoinBuffer;
    bool is_touched_ = false;  // this epoch has added events
  };

  // `finds_lone`: left events that have met none are asked for.
  explicit JoinBuffer(bool finds_lone) : finds_lone_(finds_lone) {}

  // Made if there is none, to get an event in this epoch.
  Key& touch(const state::Probe& key);
  // `stored` is copied. `number`: of an event that is read back; commit() ends that.
  Event& add(Key& key, Side side, Timestamp time, window::Span bucket, std::string_view stored,
             std::optional<std::uint64_t> number = std::nullopt);
  // That it has met one.
  void note_met(Event& left);
  // That it was decoded, for as long as the epoch lasts.
  void note_decoded(Event& event) { decoded_.push_back(&event); }

  // Of this epoch: new events, in order of arrival; older ones that have now met one.
  const std::vector<Event*>& added() const { return added_; }
  const std::vector<Event*>& met() const { return met_; }
  // The left events of this time, `after` < time <= `until`, that have met none, in order of time,
  // while visit(event) says so. Nothing: no limit.
  template <class Visit>
  void for_each_lone(std::optional<Timestamp> after, Timestamp until, Visit&& visit) const;

  void commit();
  void revert();
  // Behind commit(): buckets that end at or before `time` are needed no more.
  void drop_until(Timestamp time);

  struct Size {
    std::size_t events[2] = {};  // by side
    std::size_t bytes = 0;
  };
  const Size& size() const { return size_; }

 private:
  struct Bucket {
    // Of what operators may see: blocks start small, as there are many buckets.
    record::BlockArena arena{1U << 10};
    std::deque<Event> events;  // in order of arrival
    std::vector<Event*> left;  // in order of time; only where lone ones are asked for
    Timestamp end;

    std::size_t bytes() const;
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const state::Probe& key) const { return key.hash; }
    std::size_t operator()(const std::string& key) const { return state::hash_key(key); }
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const std::string& a, const std::string& b) const { return a == b; }
    bool operator()(const state::Probe& a, const std::string& b) const { return a.key == b; }
    bool operator()(const std::string& a, const state::Probe& b) const { return a == b.key; }
  };

  void drop(const Bucket& bucket);
  void forget(Key& key);

  const bool finds_lone_;
  std::unordered_map<std::string, Key, Hash, Equal> keys_;
  std::map<Timestamp, Bucket> buckets_;  // by start
  std::uint64_t next_ = 0;               // number of the next event…
  std::uint64_t committed_ = 0;          // …and of the first one of this epoch
  Size size_;
  // Of this epoch.
  std::vector<Key*> touched_;
  std::vector<Event*> added_, met_, decoded_;
};

template <class Visit>
void JoinBuffer::for_each_lone(std::optional<Timestamp> after, Timestamp until,
                               Visit&& visit) const {
  constexpr auto kTime = [](const Event* event) { return event->time; };
  if (after && *after >= until) return;
  auto bucket = buckets_.begin();
  if (after) {
    bucket = buckets_.upper_bound(*after);
    if (bucket != buckets_.begin()) --bucket;
  }
  for (; bucket != buckets_.end() && bucket->first <= until; ++bucket) {
    const std::vector<Event*>& left = bucket->second.left;
    auto event = after ? std::ranges::upper_bound(left, *after, {}, kTime) : left.begin();
    for (; event != left.end() && (*event)->time <= until; ++event) {
      if (!(*event)->has_met && !visit(*event)) return;
    }
  }
}

}  // namespace gameflow::runtime
