#include "runtime/keyed.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "runtime/step.h"
#include "window/trigger.h"

namespace gameflow::runtime {

void RowValues::add(const state::Entry* entry, std::vector<std::string>& values) const {
  if (values.empty()) values.emplace_back();
  const std::size_t before = values.back().size();
  ByteWriter out(values.back());
  layout_->encode(entry, out);
  if (values.back().size() <= kStoredBytesMax || before == 0) return;
  std::string row = values.back().substr(before);
  values.back().resize(before);
  values.push_back(std::move(row));
}

void RowValues::add_changed(Timestamp window, const state::Table& table) {
  if (!table.has_changes()) return;
  std::vector<std::string>& values = windows_[window];
  for (const state::Entry* entry : table.changes()) add(entry, values);
}

void RowValues::add_all(Timestamp window, const state::Table& table) {
  std::vector<std::string>& values = windows_[window];
  table.peek()->for_each([&](const state::Entry* entry) {
    if (entry->live != 0) add(entry, values);
  });
}

RowValues::ByWindow join(std::span<RowValues> parts) {
  RowValues::ByWindow joined;
  for (RowValues& part : parts) {
    for (auto& [window, values] : part.windows())
      std::ranges::move(values, std::back_inserter(joined[window]));
  }
  return joined;
}

void store_rows(std::string_view service, Timestamp window, std::vector<std::string> values,
                StoredRows& stored, log::Commit& commit) {
  for (std::string& value : values) {
    stored.bytes_since_full += value.size();
    if (stored.rewrite) stored.rewrite->bytes += value.size();
    commit.put.push_back({rows_key(service, {window, stored.next++}), std::move(value)});
  }
  if (!stored.rewrite || stored.rewrite->shards < state::kShards) return;
  const StoredRows::Rewrite rewritten = *std::exchange(stored.rewrite, std::nullopt);
  StoredRows replaced = stored;
  replaced.next = rewritten.from;
  erase_rows(service, window, replaced, commit);
  stored.first = rewritten.from;
  stored.bytes_full = rewritten.bytes;
  stored.bytes_since_full = 0;
}

void erase_rows(std::string_view service, Timestamp window, const StoredRows& stored,
                log::Commit& commit) {
  if (stored.count() == 0) return;
  commit.erase.push_back(
      {rows_key(service, {window, stored.first}), rows_key(service, {window, stored.next})});
}

void ShardUpdate::run(const Service& service, std::uint32_t number, state::Shard& shard,
                      const UpdateRules& rules, ShardOutcome& outcome, RowValues& rows) {
  const BoundKeyed& keyed = *service.keyed;
  clear_batch();  // an epoch that ran out of memory may have left some
  for (std::uint32_t d = 0; d < rules.deliveries.size(); ++d)
    take(service, *rules.deliveries[d], d, number, shard, rules, outcome);
  if (!values_.empty()) apply(keyed, rules.now, outcome);
  shard.drop_empty();
  for (state::Shard::Window* window : shard.touched()) {
    window->table.own_text();
    const window::Span span = keyed.assigner.span_from(window->start);
    if (window::Trigger::is_closed(span, rules.flushed_until)) continue;
    const auto rewritten = rules.rewritten->find(window->start);
    if (rewritten == rules.rewritten->end() || (rewritten->second >> number & 1) == 0)
      rows.add_changed(window->start, window->table);
  }
  for (const auto& [start, shards] : *rules.rewritten) {
    if ((shards >> number & 1) == 0) continue;
    if (const auto* const window = shard.find(start)) rows.add_all(start, window->table);
  }
  arena_.reset();  // only now: rows may have pointed at text that operators made
}

void ShardUpdate::take(const Service& service, const Delivery& delivery,
                       std::uint32_t delivery_number, std::uint32_t number, state::Shard& shard,
                       const UpdateRules& rules, ShardOutcome& outcome) {
  const auto placed = delivery.exchange.shard(number);
  for (auto begin = placed.begin(); begin != placed.end();) {
    const auto most = static_cast<std::ptrdiff_t>(kBatch - values_.size());
    const auto limit = begin + std::min(most, placed.end() - begin);
    const auto end = std::find_if(begin, limit, [begin](const Exchange::Placed& record) {
      return record.window != begin->window;
    });
    const window::Span span = delivery.exchange.windows()[begin->window];
    if (rules.refused->contains(span.start)) {
      for (auto record = begin; record != end; ++record) {
        outcome.failed.push_back(
            {delivery_number, record->record, "assign-timestamp",
             fmt::format("the event's window, from {}, is far ahead of the clock, and too many "
                         "such windows are open: is a device's clock wrong?",
                         format_timestamp(span.start))});
      }
    } else {
      add_run(*service.keyed, {begin, end}, delivery_number, span, shard.touch(span.start).table);
      if (values_.size() == kBatch) apply(*service.keyed, rules.now, outcome);
    }
    begin = end;
  }
}

void ShardUpdate::add_run(const BoundKeyed& keyed, std::span<const Exchange::Placed> run,
                          std::uint32_t delivery_number, window::Span span, state::Table& table) {
  probes_.clear();
  for (const Exchange::Placed& record : run) probes_.push_back({record.key(), record.hash});
  entries_.resize(run.size());
  table.find_or_insert(probes_, entries_.data());
  for (std::size_t i = 0; i < run.size(); ++i) {
    values_.push_back(run[i].value);
    for (std::size_t state = 0; state < keyed.layout.state_count(); ++state)
      rows_.push_back(keyed.layout.row(entries_[i], state));
    spans_.push_back({span.start.ms, span.end.ms});
    places_.push_back({&table, entries_[i], delivery_number, run[i].record});
  }
}

void ShardUpdate::apply(const BoundKeyed& keyed, Timestamp now, ShardOutcome& outcome) {
  const auto count = static_cast<u32>(values_.size());
  uses_.resize(count);
  errors_.resize(count);
  abi::Call call = call_with(arena_);
  const u32 failures = keyed.update(&call, values_.data(), rows_.data(), spans_.data(), count,
                                    uses_.data(), errors_.data());
  for (u32 i = 0; i < count; ++i) {
    const u32 changed = uses_[i].changed | (uses_[i].asked & ~places_[i].entry->live);
    if (changed != 0) places_[i].table->mark_changed(places_[i].entry, changed, now);
  }
  for (u32 i = 0; i < failures; ++i) {
    const Place& place = places_[errors_[i].index];
    outcome.failed.push_back(
        {place.delivery, place.record, "update-state", errors_[i].message.str()});
  }
  clear_batch();
}

void ShardUpdate::clear_batch() {
  values_.clear();
  rows_.clear();
  spans_.clear();
  places_.clear();
}

}  // namespace gameflow::runtime
