#include "runtime/join_update.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "base/check.h"
#include "plan/join.h"
#include "record/value_bytes.h"
#include "runtime/checkpoint.h"
#include "runtime/step.h"
#include "state/table.h"
#include "window/trigger.h"

namespace gameflow::runtime {
namespace {

using Event = JoinBuffer::Event;

// An entry of what is stored: docs/formats/state.md.
constexpr std::uint8_t kMetBit = 2, kNowMet = 4;

// Arrivals lie where the worker of their chunk left them, those of one shard far apart.
constexpr std::size_t kFetchAhead = 8;
void fetch(const void* arrival) {
  constexpr std::size_t kLine = 64, kLines = 4;
  for (std::size_t line = 0; line < kLines; ++line)
    __builtin_prefetch(static_cast<const char*>(arrival) + line * kLine);
}

}  // namespace

void JoinUpdate::run(const Service& service, std::uint32_t shard, JoinBuffer& buffer,
                     const JoinRules& rules, ShardOutcome& outcome, RowValues::ByWindow& stored) {
  const Work work{service, shard, buffer, rules, outcome};
  outcome.arena = std::make_unique<record::BlockArena>();
  outcome.counts.resize(service.operators.size());
  clear_batch();  // an epoch that ran out of memory may have left some
  for (std::uint32_t d = 0; d < rules.deliveries.size(); ++d) take(work, d);
  apply(work);
  give_lone(work);
  store(work, stored);
}

void JoinUpdate::take(const Work& work, std::uint32_t delivery) {
  const Delivery& from = *work.rules.deliveries[delivery];
  const Exchange& exchange = from.placement->exchange;
  const Exchange::Records placed = exchange.shard(work.shard);
  const Side side = work.service.side_of(from.input);
  for (std::size_t i = 0; i < placed.size; ++i) {
    if (i + kFetchAhead < placed.size) fetch(placed.records[i + kFetchAhead].value);
    const auto& arrival = *static_cast<const JoinArrival*>(placed.records[i].value);
    at_ = {delivery, placed.records[i].record, placed.records[i].number};
    const window::Span bucket = exchange.windows()[placed.records[i].window];
    if (work.rules.refused->contains(bucket.start)) {
      work.outcome.failed.push_back(
          {delivery, at_.record, at_.number, "assign-timestamp",
           fmt::format("the event, at {}, is far ahead of the clock, and too much is kept for such "
                       "times: is a device's clock wrong?",
                       format_timestamp(placed.records[i].time))});
      continue;
    }
    meet(work, keep(work, arrival, placed.records[i].time, placed.probes[i], bucket, side));
  }
}

// Puts the event into the buffer.
Event& JoinUpdate::keep(const Work& work, const JoinArrival& arrival, Timestamp time,
                        const state::Probe& key, window::Span bucket, Side side) {
  Event& event = work.buffer.add(work.buffer.touch(key), side, time, bucket, arrival.stored);
  event.value = arrival.value;
  event.record_key = arrival.record_key;
  return event;
}

void JoinUpdate::meet(const Work& work, Event& event) {
  const plan::Join& plan = *work.join().plan;
  if (event.side == Side::kLeft) {
    for (Event* const right :
         event.key->between(Side::kRight, event.time - plan.before, event.time + plan.after))
      add_pair(work, event, right);
    return;
  }
  for (Event* const left :
       event.key->between(Side::kLeft, event.time - plan.after, event.time + plan.before)) {
    const bool is_decided =
        window::has_passed(work.rules.decided_before, work.join().end_of(Side::kLeft, left->time));
    if (!is_decided) add_pair(work, *left, &event);
  }
}

void JoinUpdate::add_pair(const Work& work, Event& left, Event* right) {
  decode(work, left);
  if (right != nullptr) {
    decode(work, *right);
    work.buffer.note_met(left);
  }
  left_.push_back(left.value);
  right_.push_back(right == nullptr ? nullptr : right->value);
  times_.push_back(right == nullptr ? left.time.ms : std::max(left.time, right->time).ms);
  record_keys_.push_back(left.record_key);
  row_keys_.push_back(Text::view(left.key->bytes));
  records_.push_back(at_);
  if (right != nullptr && left_.size() == kBatch) apply(work);
}

void JoinUpdate::decode(const Work& work, Event& event) {
  if (event.value != nullptr) return;
  record::BlockArena& arena = *work.outcome.arena;
  const record::Type& type = work.join().type_of(event.side);
  void* const slot = arena.allocate(type.size, std::max<std::size_t>(type.align, 8));
  type.clear(slot);
  ByteReader in(event.stored);
  event.record_key = {};
  if (in.fixed<std::uint8_t>() != 0) event.record_key = Text::view(in.text());
  GF_CHECK(record::read_value(type, in, arena, slot));
  event.value = slot;
  work.buffer.note_decoded(event);
}

// The number of those that failed.
std::uint32_t JoinUpdate::call(const Work& work, List<abi::Emitted>& out) {
  const auto count = static_cast<u32>(left_.size());
  record::BlockArena& arena = *work.outcome.arena;
  // What comes out refers to the keys until the end of the epoch.
  const std::size_t bytes = sizeof(Optional<Text>) * count;
  void* const keys = arena.allocate(bytes, alignof(Optional<Text>));
  std::memcpy(keys, static_cast<const void*>(record_keys_.data()), bytes);
  errors_.resize(count);
  abi::Call call = call_with(arena, work.rules.reader);
  call.counts = &work.outcome.counts[work.join().first];
  const abi::Pairs pairs{left_.data(),     right_.data(),
                         times_.data(),    static_cast<const Optional<Text>*>(keys),
                         row_keys_.data(), count};
  return work.join().function(&call, &pairs, &out, errors_.data());
}

void JoinUpdate::apply(const Work& work) {
  if (left_.empty()) return;
  List<abi::Emitted> out;
  const std::uint32_t failures = call(work, out);
  for (std::uint32_t i = 0; i < failures; ++i) {
    const Record& record = records_[errors_[i].index];
    work.outcome.failed.push_back({record.delivery, record.record, record.number,
                                   work.join().operators[errors_[i].step],
                                   errors_[i].message.str()});
  }
  for (const abi::Emitted& made : out) {
    const Record& record = records_[made.origin];
    work.outcome.outputs.push_back(
        {record.delivery, {made, row_keys_[made.origin], record.record, record.number}});
  }
  clear_batch();
}

void JoinUpdate::clear_batch() {
  left_.clear();
  right_.clear();
  times_.clear();
  record_keys_.clear();
  row_keys_.clear();
  records_.clear();
}

// Left events that have met none, and will not any more.
void JoinUpdate::give_lone(const Work& work) {
  const BoundJoin& join = work.join();
  if (!join.finds_lone() || !work.rules.decided_until) return;
  const auto decided = join.decided(work.rules.decided_before, *work.rules.decided_until);
  std::vector<Event*> lone;
  work.buffer.for_each_lone(decided.after, decided.until, [&lone](Event* event) {
    lone.push_back(event);
    return true;
  });
  std::ranges::stable_sort(lone, {}, &Event::time);
  for (std::size_t begin = 0; begin < lone.size(); begin += kBatch) {
    const std::size_t end = std::min(begin + kBatch, lone.size());
    for (std::size_t i = begin; i < end; ++i) add_pair(work, *lone[i], nullptr);
    List<abi::Emitted> out;
    const std::uint32_t failures = call(work, out);
    const auto row_of = [&](u32 i) {
      return ExpiredRow{.at = {times_[i]}, .key = row_keys_[i], .reason = {}};
    };
    for (const abi::Emitted& made : out) {
      work.outcome.expired.push_back(row_of(made.origin));
      work.outcome.expired.back().made = made;
    }
    for (std::uint32_t i = 0; i < failures; ++i) {
      ExpiredRow& row = work.outcome.expired.emplace_back(row_of(errors_[i].index));
      row.op = join.operators[errors_[i].step];
      row.reason = errors_[i].message.str();
    }
    clear_batch();
  }
}

void JoinUpdate::store(const Work& work, RowValues::ByWindow& stored) {
  const BoundJoin& join = work.join();
  const auto is_needed = [&](window::Span bucket) {
    return !work.rules.decided_until || join.kept_from(*work.rules.decided_until) < bucket.end;
  };
  for (const Event* const event : work.buffer.added()) {
    const window::Span bucket = join.bucket_of(event->time);
    if (is_needed(bucket)) JoinEntries::add(work.shard, *event, stored[bucket.start]);
  }
  for (const Event* const event : work.buffer.met()) {
    const window::Span bucket = join.bucket_of(event->time);
    if (is_needed(bucket)) JoinEntries::add_met(work.shard, *event, stored[bucket.start]);
  }
}

void JoinEntries::add(std::uint32_t shard, const Event& event, std::vector<std::string>& values) {
  add_stored(values, [&](ByteWriter& out) {
    const std::uint8_t met = event.has_met ? kMetBit : 0;
    out.fixed(static_cast<std::uint8_t>(static_cast<std::uint8_t>(event.side) | met));
    out.fixed(static_cast<std::uint8_t>(shard));
    out.varint(event.number);
    out.signed_varint(event.time.ms);
    out.text(event.key->bytes);
    out.text(event.stored);
  });
}

void JoinEntries::add_met(std::uint32_t shard, const Event& event,
                          std::vector<std::string>& values) {
  add_stored(values, [&](ByteWriter& out) {
    out.fixed(kNowMet);
    out.fixed(static_cast<std::uint8_t>(shard));
    out.varint(event.number);
  });
}

void JoinEntries::write_event(const Optional<Text>& record_key, const record::Type& type,
                              const void* value, ByteWriter& out) {
  out.fixed<std::uint8_t>(record_key.has_value());
  if (record_key) out.text(record_key->view());
  record::write_value(type, value, out);
}

std::optional<JoinEntries::Entry> JoinEntries::next() {
  if (in_.at_end()) return std::nullopt;
  const auto kind = in_.fixed<std::uint8_t>();
  Entry entry{.shard = in_.fixed<std::uint8_t>(),
              .number = in_.varint(),
              .is_now_met = kind == kNowMet,
              .side = static_cast<Side>(kind & 1),
              .has_met = (kind & kMetBit) != 0};
  if (!entry.is_now_met) {
    entry.time = {in_.signed_varint()};
    entry.key = in_.text();
    entry.stored = in_.text();
  }
  if (!in_.ok()) return std::nullopt;
  return entry;
}

}  // namespace gameflow::runtime
