#include "runtime/join_buffer.h"

#include <algorithm>

#include "base/check.h"

namespace gameflow::runtime {
namespace {

using Event = JoinBuffer::Event;

constexpr std::size_t kPointer = sizeof(void*);
constexpr auto kTime = [](const Event* event) { return event->time; };

void forget_values(std::vector<Event*>& events) {
  for (Event* const event : events) event->value = nullptr;
  events.clear();
}

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
    size_.bytes += sizeof(*found) + found->first.capacity();
  }
  Key& key = found->second;
  if (!key.is_touched_) {
    touched_.push_back(&key);
    key.is_touched_ = true;
  }
  return key;
}

Event& JoinBuffer::add(Key& key, Side side, Timestamp time, window::Span span,
                       std::string_view stored, std::optional<std::uint64_t> number) {
  const auto [found, is_new] = buckets_.try_emplace(span.start);
  Bucket& bucket = found->second;
  bucket.end = span.end;
  const std::size_t before = is_new ? 0 : bucket.bytes();
  Event& event = bucket.events.emplace_back();
  event.time = time;
  event.side = side;
  event.number = number.value_or(next_);
  event.key = &key;
  next_ = std::max(next_, event.number + 1);
  ++size_.events[static_cast<std::size_t>(side)];
  event.stored = {bucket.arena.copy(stored.data(), stored.size()), stored.size()};
  insert(key.of(side), event);
  if (finds_lone_ && side == Side::kLeft) insert(bucket.left, event);
  size_.bytes += bucket.bytes() - before;
  added_.push_back(&event);
  return event;
}

void JoinBuffer::note_met(Event& left) {
  if (left.has_met) return;
  if (left.number < committed_) met_.push_back(&left);
  left.has_met = true;
}

void JoinBuffer::commit() {
  forget_values(decoded_);
  forget_values(added_);
  for (Key* const key : touched_) key->is_touched_ = false;
  touched_.clear();
  met_.clear();
  committed_ = next_;
}

void JoinBuffer::revert() {
  forget_values(decoded_);
  forget_values(added_);
  for (Event* const event : met_) event->has_met = false;
  met_.clear();
  const auto is_new = [this](const Event* event) { return event->number >= committed_; };
  for (Key* const key : touched_) {
    for (std::vector<Event*>& events : key->sides) std::erase_if(events, is_new);
  }
  for (auto& [start, bucket] : buckets_) {
    std::erase_if(bucket.left, is_new);
    while (!bucket.events.empty() && is_new(&bucket.events.back())) {
      --size_.events[static_cast<std::size_t>(bucket.events.back().side)];
      bucket.events.pop_back();
      size_.bytes -= sizeof(Event) + kPointer;
    }
  }
  std::erase_if(buckets_, [this](const auto& bucket) {
    if (!bucket.second.events.empty()) return false;
    size_.bytes -= bucket.second.bytes();
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
  size_.bytes -= sizeof(*found) + found->first.capacity();
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
    --size_.events[static_cast<std::size_t>(event.side)];
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
  size_.bytes -= bucket.bytes();
}

// The vectors of the keys have a pointer to each event.
std::size_t JoinBuffer::Bucket::bytes() const {
  return sizeof(Bucket) + arena.capacity_bytes() + events.size() * (sizeof(Event) + kPointer) +
         left.capacity() * kPointer;
}

}  // namespace gameflow::runtime
