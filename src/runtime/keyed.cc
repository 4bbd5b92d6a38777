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
  numbers_ = {};
  if (rules.is_shared) {
    keys_.count(rules.deliveries, number);
    find_keys(shard, rules);
  }
  for (std::uint32_t d = 0; d < rules.deliveries.size(); ++d)
    take(service, rules.deliveries[d]->placement->exchange, d, number, shard, rules, outcome);
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

void ShardUpdate::take(const Service& service, const Exchange& exchange, std::uint32_t delivery,
                       std::uint32_t number, state::Shard& shard, const UpdateRules& rules,
                       ShardOutcome& outcome) {
  const Exchange::Records placed = exchange.shard(number);
  for (std::size_t begin = 0; begin < placed.size;) {
    const std::size_t end = placed.end_of_window(begin, kBatch - values_.size());
    const std::size_t count = end - begin;
    const window::Span span = exchange.windows()[placed.windows[begin]];
    if (rules.refused->contains(span.start)) {
      for (std::size_t i = begin; i < end; ++i) {
        outcome.failed.push_back(
            {delivery, placed.records[i], "assign-timestamp",
             fmt::format("the event's window, from {}, is far ahead of the clock, and too many "
                         "such windows are open: is a device's clock wrong?",
                         format_timestamp(span.start))});
      }
    } else {
      state::Table& table = shard.touch(span.start).table;
      find_entries(placed, begin, end, span.start, table);
      values_.insert(values_.end(), placed.values + begin, placed.values + end);
      spans_.insert(spans_.end(), count, {span.start.ms, span.end.ms});
      runs_.push_back({&table, count, delivery, placed.records + begin});
      if (values_.size() == kBatch) apply(*service.keyed, rules.now, outcome);
    }
    if (rules.is_shared) numbers_ = numbers_.subspan(count);
    begin = end;
  }
}

void ShardUpdate::find_keys(state::Shard& shard, const UpdateRules& rules) {
  numbers_ = keys_.numbers();
  const auto windows = keys_.windows();
  if (entries_of_keys_.size() < windows.size()) entries_of_keys_.resize(windows.size());
  for (std::size_t i = 0; i < windows.size(); ++i) {
    const auto& [start, keys] = windows[i];
    entries_of_keys_[i].resize(keys.size());
    if (!rules.refused->contains(start))
      shard.touch(start).table.find_or_insert(keys, entries_of_keys_[i].data());
  }
}

// Those of records of one window.
void ShardUpdate::find_entries(const Exchange::Records& placed, std::size_t begin, std::size_t end,
                               Timestamp window, state::Table& table) {
  const std::size_t count = end - begin;
  if (numbers_.empty()) {
    entries_.resize(entries_.size() + count);
    table.find_or_insert({placed.probes + begin, count}, &entries_[entries_.size() - count]);
    return;
  }
  const auto known = std::ranges::find(keys_.windows(), window, &KeyNumbers::Window::start);
  const auto& entries = entries_of_keys_[static_cast<std::size_t>(known - keys_.windows().begin())];
  for (const std::uint32_t number : numbers_.first(count)) entries_.push_back(entries[number]);
}

void ShardUpdate::apply(const BoundKeyed& keyed, Timestamp now, ShardOutcome& outcome) {
  const auto count = static_cast<u32>(values_.size());
  for (state::Entry* const entry : entries_) {
    for (std::size_t state = 0; state < keyed.layout.state_count(); ++state)
      rows_.push_back(keyed.layout.row(entry, state));
  }
  uses_.resize(count);
  errors_.resize(count);
  abi::Call call = call_with(arena_);
  const u32 failures = keyed.update(&call, values_.data(), rows_.data(), spans_.data(), count,
                                    uses_.data(), errors_.data());
  std::size_t begin = 0;
  const abi::RecordError* failure = errors_.data();
  for (const Run& run : runs_) {
    const std::size_t end = begin + run.size;
    for (std::size_t i = begin; i < end; ++i) {
      state::Entry* const entry = entries_[i];
      const u32 changed = uses_[i].changed | (uses_[i].asked & ~entry->live);
      if (changed != 0) run.table->mark_changed(entry, changed, now);
    }
    for (; failure != errors_.data() + failures && failure->index < end; ++failure) {
      outcome.failed.push_back({run.delivery, run.records[failure->index - begin], "update-state",
                                failure->message.str()});
    }
    begin = end;
  }
  clear_batch();
}

void ShardUpdate::clear_batch() {
  runs_.clear();
  values_.clear();
  entries_.clear();
  rows_.clear();
  spans_.clear();
}

}  // namespace gameflow::runtime
