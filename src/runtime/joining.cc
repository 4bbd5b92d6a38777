#include "runtime/joining.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "record/codec.h"
#include "record/player.h"
#include "record/value_bytes.h"
#include "state/layout.h"
#include "window/trigger.h"

namespace gameflow::runtime {
namespace {

// As many as windows that only clocks far ahead ask for.
constexpr std::ptrdiff_t kFutureBucketsMax = 1000;

}  // namespace

Joining::Joining(const Service& service) : service_(service) {
  for (std::uint32_t shard = 0; shard < state::kShards; ++shard)
    shards_.push_back(std::make_unique<JoinBuffer>(service_.join->finds_lone()));
}

Error Joining::damaged() const {
  return {ErrorCode::kDataCorrupt,
          fmt::format("what is stored of the join of service '{}' is damaged: restore the data "
                      "folder from a copy, or start with --clear-state SERVICE",
                      service_.name)};
}

Status Joining::restore(const log::Store& store, const FormerSides& former, Forgetting* forgetting,
                        log::Commit& commit) {
  EventsById read;
  forgetting_ = forgetting;
  std::optional<Timestamp> at;
  GF_TRY(store.scan(
      rows_range(service_.name), [&](std::string_view key, std::string_view value) -> Status {
        const auto place = parse_rows_key(service_.name, key);
        if (!place) return fail(damaged());
        // What has met one lies behind the event, and in the same bucket.
        if (at != place->window) read.clear();
        at = place->window;
        StoredRows& stored = stored_[place->window];
        if (stored.count() == 0) stored.first = place->number;
        stored.next = place->number + 1;
        stored.bytes_since_full += value.size();
        return restore_value(service_.join->assigner.pane_from(place->window), value, former, read);
      }));
  forgetting_ = nullptr;
  if (former.left != nullptr || former.right != nullptr || has_forgotten_) rewrite(commit);
  for (const auto& shard : shards_) shard->commit();
  return {};
}

// An event of the player, or one that has them in it: it meets nobody any more.
bool Joining::is_forgotten(std::string_view key, const record::Type& type, const void* event) {
  const record::Player& player = forgetting_->player();
  std::string json, rest;
  record::encode_json(type, event, json);
  if (!forgetting_->is_key(service_.name, service_.join->sides.key, key) &&
      player.part_of(json, rest) == record::Player::Part::kNone)
    return false;
  has_forgotten_ = true;
  ++forgetting_->of(service_.name).events;
  return true;
}

// All events in the form of now.
void Joining::rewrite(log::Commit& commit) {
  RowValues::ByWindow values;
  for (std::uint32_t shard = 0; shard < shards_.size(); ++shard) {
    for (const JoinBuffer::Event* const event : shards_[shard]->added()) {
      const window::Span bucket = service_.join->bucket_of(event->time);
      JoinEntries::add(shard, *event, values[bucket.start]);
    }
  }
  for (auto& [bucket, stored] : stored_) {
    stored.rewrite = {.from = stored.next, .shards = state::kShards};
    store_rows(service_.name, bucket, std::move(values[bucket]), stored, commit);
  }
}

Status Joining::restore_value(window::Span bucket, std::string_view value,
                              const FormerSides& former, EventsById& read) {
  JoinEntries entries(value);
  record::BlockArena arena;
  std::string bytes;
  while (const auto entry = entries.next()) {
    const std::pair id(entry->shard, entry->number);
    if (entry->shard >= shards_.size()) return fail(damaged());
    if (entry->is_now_met) {
      const auto event = read.find(id);
      if (event == read.end()) return fail(damaged());
      if (event->second != nullptr) event->second->has_met = true;
      continue;
    }
    // It will be read when it meets one.
    const record::Type& type = service_.join->type_of(entry->side);
    void* const slot = arena.allocate(type.size, std::max<std::size_t>(type.align, 8));
    type.clear(slot);
    ByteReader in(entry->stored);
    Optional<Text> record_key;
    if (in.fixed<std::uint8_t>() != 0) record_key = Text::view(in.text());
    const auto& grown = entry->side == Side::kLeft ? former.left : former.right;
    const bool is_value =
        grown == nullptr ? record::read_value(type, in, arena, slot) : grown->read(in, arena, slot);
    if (!is_value || !in.at_end() || !bucket.contains(entry->time) || read.contains(id))
      return fail(damaged());
    if (grown != nullptr) {
      bytes.clear();
      ByteWriter out(bytes);
      JoinEntries::write_event(record_key, type, slot, out);
    }
    const bool goes = forgetting_ != nullptr && is_forgotten(entry->key, type, slot);
    arena.reset();
    if (goes) {
      read.emplace(id, nullptr);
      continue;
    }
    const state::Probe key{entry->key, state::hash_key(entry->key)};
    JoinBuffer& buffer = *shards_[entry->shard];
    JoinBuffer::Event& event = buffer.add(buffer.touch(key), entry->side, entry->time, bucket,
                                          grown == nullptr ? entry->stored : bytes, entry->number);
    event.has_met = entry->has_met;
    read.emplace(id, &event);
  }
  return entries.ok() ? Status{} : fail(damaged());
}

void Joining::decide(Timestamp now, ServiceEpoch& part) const {
  const BoundJoin& join = *service_.join;
  const Timestamp future_from = now + service_.future_max + Duration{1};
  auto far_ahead = std::distance(stored_.lower_bound(future_from), stored_.end());
  std::set<Timestamp> asked;
  for (const Delivery* delivery : part.deliveries) {
    for (const window::Span bucket : delivery->placement->exchange.windows()) {
      if (!asked.insert(bucket.start).second || stored_.contains(bucket.start)) continue;
      if (bucket.start >= future_from && ++far_ahead > kFutureBucketsMax)
        part.refused.insert(bucket.start);
    }
    part.shards |= delivery->placement->exchange.shards();
  }
  const auto until = part.after.closed.until;
  part.dropping.clear();
  if (!until) return;
  for (const auto& [start, stored] : stored_) {
    const window::Span bucket = join.assigner.pane_from(start);
    if (join.kept_from(*until) < bucket.end) break;
    part.dropping.push_back(bucket);
  }
  if (!join.finds_lone()) return;
  const auto decided = join.decided(part.before.until, *until);
  for (std::uint32_t shard = 0; shard < shards_.size(); ++shard) {
    shards_[shard]->for_each_lone(decided.after, decided.until, [&](JoinBuffer::Event*) {
      part.has_expiring = true;
      part.shards |= std::uint64_t{1} << shard;
      return false;
    });
  }
}

void Joining::update_shard(std::uint32_t shard, std::uint32_t worker, JoinUpdate& update,
                           RowReader* reader, ServiceEpoch& part) {
  const JoinRules rules{.deliveries = {part.deliveries.data(), part.deliveries.size()},
                        .refused = &part.refused,
                        .decided_before = part.before.until,
                        .decided_until = part.after.closed.until,
                        .reader = reader};
  update.run(service_, shard, *shards_[shard], rules, part.outcomes[shard], part.joined[worker]);
}

void Joining::write(ServiceEpoch& part, log::Commit& commit) const {
  RowValues::ByWindow joined;
  for (RowValues::ByWindow& of_worker : part.joined) {
    for (auto& [bucket, values] : of_worker)
      std::ranges::move(values, std::back_inserter(joined[bucket]));
  }
  for (auto& [bucket, values] : joined) {
    const auto known = stored_.find(bucket);
    StoredRows& stored =
        part.stored.emplace(bucket, known == stored_.end() ? StoredRows{} : known->second)
            .first->second;
    store_rows(service_.name, bucket, std::move(values), stored, commit);
  }
  for (const window::Span bucket : part.dropping)
    erase_rows(service_.name, bucket.start, stored_.at(bucket.start), commit);
}

void Joining::commit(ServiceEpoch& part) {
  for (const auto& shard : shards_) shard->commit();
  for (const auto& [bucket, stored] : part.stored) stored_[bucket] = stored;
  const auto until = part.after.closed.until;
  for (const window::Span bucket : part.dropping) stored_.erase(bucket.start);
  for (const auto& shard : shards_) {
    if (until) shard->drop_until(service_.join->kept_from(*until));
  }
}

void Joining::revert() {
  for (const auto& shard : shards_) shard->revert();
}

std::uint64_t Joining::bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->size().bytes;
  return bytes;
}

void Joining::add_to(ServiceStats& stats) const {
  for (const Side side : {Side::kLeft, Side::kRight}) {
    StateStats& of_side =
        stats.states.emplace_back(StateStats{side == Side::kLeft ? "left" : "right", 0, 0});
    for (const auto& shard : shards_) {
      of_side.rows += shard->size().events[static_cast<std::size_t>(side)];
      of_side.bytes += shard->size().bytes / 2;
    }
  }
}

}  // namespace gameflow::runtime
