#include "runtime/keyed.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
#include "runtime/checkpoint.h"
#include "runtime/step.h"
#include "window/trigger.h"

namespace gameflow::runtime {
namespace {

// A window's changes are rewritten as all its rows after so many values, or when they outweigh the
// rows: a restart has little to read.
constexpr std::uint64_t kStoredValuesMax = 256;
constexpr std::uint64_t kStoredBytesMin = (16U << 20) / state::kShards;

// Rows on their way into stored values of at most kStoredBytesMax.
class RowValues {
 public:
  explicit RowValues(const state::Layout& layout) : layout_(&layout) {}

  void add(const state::Entry* entry) {
    row_.clear();
    ByteWriter out(row_);
    layout_->encode(entry, out);
    bytes_ += row_.size();
    if (values_.empty() || values_.back().size() + row_.size() > kStoredBytesMax)
      values_.emplace_back();
    values_.back() += row_;
  }
  std::vector<std::string>& values() { return values_; }
  std::size_t bytes() const { return bytes_; }

 private:
  const state::Layout* layout_;
  std::string row_;
  std::vector<std::string> values_;
  std::size_t bytes_ = 0;
};

RowValues changed_rows(const state::Table& table, const state::Layout& layout) {
  RowValues rows(layout);
  for (const state::Entry* entry : table.changes()) rows.add(entry);
  return rows;
}

RowValues all_rows(const state::Table& table, const state::Layout& layout) {
  RowValues rows(layout);
  table.peek()->for_each([&rows](const state::Entry* entry) {
    if (entry->live != 0) rows.add(entry);
  });
  return rows;
}

}  // namespace

void store_rows(std::string_view service, std::uint32_t shard, const state::Layout& layout,
                bool all, state::Shard::Window& window, ShardOutcome& outcome) {
  if (!all && !window.table.has_changes()) return;
  state::StoredRows& stored = window.stored;
  RowValues rows = changed_rows(window.table, layout);
  all = all || stored.count() + rows.values().size() > kStoredValuesMax ||
        stored.bytes_since_full + rows.bytes() > kStoredBytesMin + 4 * stored.bytes_full;
  if (all) {
    rows = all_rows(window.table, layout);
    erase_rows(service, shard, window.start, stored, outcome.erase);
    stored = {stored.next, stored.next, rows.bytes(), 0};
  } else {
    stored.bytes_since_full += rows.bytes();
  }
  for (std::string& value : rows.values()) {
    outcome.put.push_back(
        {rows_key(service, {shard, window.start, stored.next++}), std::move(value)});
  }
}

void erase_rows(std::string_view service, std::uint32_t shard, Timestamp window,
                const state::StoredRows& stored, std::vector<log::KeyRange>& erase) {
  if (stored.count() == 0) return;
  erase.push_back({rows_key(service, {shard, window, stored.first}),
                   rows_key(service, {shard, window, stored.next})});
}

void ShardUpdate::run(const Service& service, std::uint32_t number, state::Shard& shard,
                      const UpdateRules& rules, ShardOutcome& outcome) {
  const BoundKeyed& keyed = *service.keyed;
  clear_batch();  // an epoch that ran out of memory may have left some
  for (std::uint32_t d = 0; d < rules.deliveries.size(); ++d)
    take(service, *rules.deliveries[d], d, number, shard, rules, outcome);
  if (!values_.empty()) apply(keyed, rules.now, outcome);
  shard.drop_empty();
  for (state::Shard::Window* window : shard.touched()) {
    window->table.own_text();
    outcome.windows.push_back(window->start);
    const window::Span span = keyed.assigner.span_from(window->start);
    if (window::Trigger::is_closed(span, rules.flushed_until)) continue;
    store_rows(service.name, number, keyed.layout, false, *window, outcome);
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
