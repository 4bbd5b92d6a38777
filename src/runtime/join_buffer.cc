#include "runtime/join_buffer.h"

#include <algorithm>

#include "base/check.h"

namespace gameflow::runtime {
namespace {

using Event = JoinBuffer::Event;

constexpr auto kTime = [](const Event* event) { return event->time; };

// Behind those of the same time.
void insert(std::vector<Event*>& events, Event& event) {
  events.insert(std::ranges::upper_bound(events, event.time, {}, kTime), &event);
}

}  // namespace

std::span<Event* const> JoinBuffer::Key::between(Side side, Timestamp from, Timestamp until) const {
  const std::vector<Event*>& events = sides[static_cast<std::size_t>(side)];
  const auto begin = std::ranges::lower_bound(events, from, {}, kTime);
  const auto end = std::ranges::upper_bound(begin, events.end(), until, {}, kTime);
  return {begin, end};
}

JoinBuffer::Key& JoinBuffer::touch(const state::Probe& probe) {
  auto found = keys_.find(probe);
  if (found == keys_.end()) {
    found = keys_.try_emplace(std::string(probe.key)).first;
    found->second.bytes = found->first;
    bytes_ += sizeof(*found) + found->first.capacity();
  }
  Key& key = found->second;
  if (!key.is_touched_) {
    touched_.push_back(&key);
    key.is_touched_ = true;
  }
  return key;
}

Event& JoinBuffer::add(Key& key, Side side, Timestamp time, window::Span bucket,
                       std::string_view stored) {
  Event& event = place(key, side, time, bucket, stored, next_++);
  added_.push_back(&event);
  return event;
}

Event& JoinBuffer::place(Key& key, Side side, Timestamp time, window::Span span,
                         std::string_view stored, std::uint64_t number) {
  const auto [found, is_new] = buckets_.try_emplace(span.start);
  Bucket& bucket = found->second;
  bucket.end = span.end;
  const std::size_t before = is_new ? 0 : bytes_of(bucket);
  Event& event = bucket.events.emplace_back();
  event.time = time;
  event.side = side;
  event.number = number;
  event.key = &key;
  ++events_[static_cast<std::size_t>(side)];
  event.stored = {bucket.arena.copy(stored.data(), stored.size()), stored.size()};
  insert(key.of(side), event);
  if (finds_lone_ && side == Side::kLeft) insert(bucket.left, event);
  bytes_ += bytes_of(bucket) - before;
  return event;
}

void JoinBuffer::note_met(Event& left) {
  if (left.has_met) return;
  if (left.number < committed_) met_.push_back(&left);
  left.has_met = true;
}

template <class Visit>
void JoinBuffer::for_each_lone(std::optional<Timestamp> after, Timestamp until,
                               Visit&& visit) const {
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

std::vector<Event*> JoinBuffer::lone(std::optional<Timestamp> after, Timestamp until) const {
  std::vector<Event*> found;
  for_each_lone(after, until, [&found](Event* event) {
    found.push_back(event);
    return true;
  });
  return found;
}

bool JoinBuffer::has_lone(std::optional<Timestamp> after, Timestamp until) const {
  bool has_some = false;
  for_each_lone(after, until, [&has_some](Event*) {
    has_some = true;
    return false;
  });
  return has_some;
}

void JoinBuffer::forget_decoded() {
  for (Event* const event : decoded_) event->value = nullptr;
  for (Event* const event : added_) event->value = nullptr;
  decoded_.clear();
  added_.clear();
}

void JoinBuffer::commit() {
  forget_decoded();
  for (Key* const key : touched_) key->is_touched_ = false;
  touched_.clear();
  met_.clear();
  committed_ = next_;
}

void JoinBuffer::revert() {
  forget_decoded();
  for (Event* const event : met_) event->has_met = false;
  met_.clear();
  const auto is_new = [this](const Event* event) { return event->number >= committed_; };
  for (Key* const key : touched_) {
    for (std::vector<Event*>& events : key->sides) std::erase_if(events, is_new);
  }
  for (auto& [start, bucket] : buckets_) {
    std::erase_if(bucket.left, is_new);
    while (!bucket.events.empty() && is_new(&bucket.events.back())) {
      --events_[static_cast<std::size_t>(bucket.events.back().side)];
      bucket.events.pop_back();
      bytes_ -= sizeof(Event) + sizeof(Event*);
    }
  }
  std::erase_if(buckets_, [this](const auto& bucket) {
    if (!bucket.second.events.empty()) return false;
    bytes_ -= bytes_of(bucket.second);
    return true;
  });
  for (Key* const key : touched_) {
    key->is_touched_ = false;
    forget(*key);
  }
  touched_.clear();
  next_ = committed_;
}

// If it has no events any more.
void JoinBuffer::forget(Key& key) {
  if (!key.sides[0].empty() || !key.sides[1].empty()) return;
  const auto found = keys_.find(state::Probe{key.bytes, state::hash_key(key.bytes)});
  bytes_ -= sizeof(*found) + found->first.capacity();
  keys_.erase(found);
}

void JoinBuffer::drop_until(Timestamp time) {
  GF_CHECK(touched_.empty());
  auto bucket = buckets_.begin();
  for (; bucket != buckets_.end() && bucket->second.end <= time; ++bucket) drop(bucket->second);
  buckets_.erase(buckets_.begin(), bucket);
}

// The events of the first bucket leave their keys.
void JoinBuffer::drop(const Bucket& bucket) {
  std::vector<Key*> keys;
  for (const Event& event : bucket.events) {
    --events_[static_cast<std::size_t>(event.side)];
    if (event.key->is_touched_) continue;
    event.key->is_touched_ = true;
    keys.push_back(event.key);
  }
  for (Key* const key : keys) {
    key->is_touched_ = false;
    for (std::vector<Event*>& events : key->sides) {
      events.erase(events.begin(), std::ranges::lower_bound(events, bucket.end, {}, kTime));
      if (events.capacity() > 16 && events.size() < events.capacity() / 4) events.shrink_to_fit();
    }
    forget(*key);
  }
  bytes_ -= bytes_of(bucket);
}

Event& JoinBuffer::restore(const state::Probe& probe, Side side, Timestamp time,
                           window::Span bucket, std::string_view stored, std::uint64_t number) {
  next_ = std::max(next_, number + 1);
  return place(touch(probe), side, time, bucket, stored, number);
}

// The vectors of the keys have a pointer to each event.
std::size_t JoinBuffer::bytes_of(const Bucket& bucket) const {
  return sizeof(Bucket) + bucket.arena.capacity_bytes() +
         bucket.events.size() * (sizeof(Event) + sizeof(Event*)) +
         bucket.left.capacity() * sizeof(Event*);
}

}  // namespace gameflow::runtime
