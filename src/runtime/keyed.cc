#include "runtime/keyed.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "base/bytes.h"
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
  if (service.has_keyed_outputs()) outcome.arena = std::make_unique<record::BlockArena>();
  Arena& arena = outcome.arena != nullptr ? *outcome.arena : arena_;
  clear_batch();  // an epoch that ran out of memory may have left some
  for (std::uint32_t d = 0; d < rules.deliveries.size(); ++d)
    take(service, *rules.deliveries[d], d, number, shard, rules, arena, outcome);
  if (!values_.empty()) apply(service, rules.now, arena, outcome);
  if (rules.expired_until) expire(service, shard, rules, arena, outcome);
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
                       const UpdateRules& rules, Arena& arena, ShardOutcome& outcome) {
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
      add_run(*service.keyed, {begin, end}, delivery_number, span, shard.touch(span.start));
      add_columns(service, delivery, {begin, end}, rules.now);
      if (values_.size() == kBatch) apply(service, rules.now, arena, outcome);
    }
    begin = end;
  }
}

void ShardUpdate::add_run(const BoundKeyed& keyed, std::span<const Exchange::Placed> run,
                          std::uint32_t delivery_number, window::Span span,
                          state::Shard::Window& window) {
  probes_.clear();
  for (const Exchange::Placed& record : run) probes_.push_back({record.key(), record.hash});
  entries_.resize(run.size());
  window.table.find_or_insert(probes_, entries_.data());
  for (std::size_t i = 0; i < run.size(); ++i) {
    values_.push_back(run[i].value);
    for (std::size_t state = 0; state < keyed.layout.state_count(); ++state)
      rows_.push_back(keyed.layout.row(entries_[i], state));
    spans_.push_back({span.start.ms, span.end.ms});
    places_.push_back({&window, entries_[i], delivery_number, run[i].record});
  }
}

// What only some functions ask for.
void ShardUpdate::add_columns(const Service& service, const Delivery& delivery,
                              std::span<const Exchange::Placed> run, Timestamp now) {
  const BoundKeyed& keyed = *service.keyed;
  const bool has_outputs = service.has_keyed_outputs();
  if ((keyed.update.asks & abi::kRowKeys) != 0 || has_outputs) {
    for (const Exchange::Placed& record : run) row_keys_.push_back(Text::view(record.key()));
  }
  if (has_outputs) {
    for (const Exchange::Placed& record : run)
      times_.push_back(delivery.emitted[record.number].time);
  }
  if (keyed.layout.timed() != 0) {
    // An event counts for no more than the time when its record arrived.
    for (const Exchange::Placed& record : run) {
      const Timestamp arrived = delivery.chunk->origin(record.record).appended_at();
      const Timestamp time{delivery.emitted[record.number].time};
      seen_times_.push_back(keyed.plan->has_event_time ? std::min(time, arrived).ms : now.ms);
    }
  }
  if ((keyed.update.asks & abi::kRecordKeys) == 0 && !has_outputs) return;
  for (const Exchange::Placed& record : run) {
    const Optional<Text>* const said = delivery.emitted[record.number].record_key;
    const Origin& origin = delivery.chunk->origin(record.record);
    const auto key = origin.batch->key(origin.index);
    record_keys_.push_back(said != nullptr ? *said
                           : key          ? Optional<Text>(Text::view(*key))
                                          : Optional<Text>());
  }
}

void ShardUpdate::apply(const Service& service, Timestamp now, Arena& arena,
                        ShardOutcome& outcome) {
  const BoundKeyed& keyed = *service.keyed;
  const auto count = static_cast<u32>(values_.size());
  uses_.resize(count);
  errors_.resize(count);
  abi::Call call = call_with(arena);
  // Outputs refer to the keys until the end of the epoch.
  const Optional<Text>* record_keys = nullptr;
  if (!record_keys_.empty()) {
    const std::size_t bytes = sizeof(Optional<Text>) * count;
    auto* const kept = arena.allocate(bytes, alignof(Optional<Text>));
    std::memcpy(kept, record_keys_.data(), bytes);
    record_keys = static_cast<const Optional<Text>*>(kept);
  }
  const auto column = [](const auto& values) { return values.empty() ? nullptr : values.data(); };
  const abi::KeyedRecords records{values_.data(),      rows_.data(),  spans_.data(),
                                  count,               record_keys,   column(row_keys_),
                                  column(times_),      column(seen_times_)};
  List<abi::Emitted> out;
  const u32 failures = keyed.update.pointer(&call, &records, uses_.data(), &out, errors_.data());
  for (u32 i = 0; i < count; ++i) note_use(keyed, i, now);
  for (const abi::Emitted& made : out) {
    const Place& place = places_[made.origin];
    outcome.outputs.push_back({place.delivery, {made, row_keys_[made.origin], place.record}});
  }
  for (u32 i = 0; i < failures; ++i) {
    const Place& place = places_[errors_[i].index];
    outcome.failed.push_back({place.delivery, place.record, keyed.operators[errors_[i].step],
                              errors_[i].message.str()});
  }
  clear_batch();
}

void ShardUpdate::note_use(const BoundKeyed& keyed, std::size_t number, Timestamp now) {
  const abi::RowUse use = uses_[number];
  const auto [window, entry, delivery, record] = places_[number];
  if (const u32 erased = use.erased & entry->live; erased != 0)
    window->table.mark_erased(entry, erased, now);
  const u32 changed = use.asked & (use.changed | ~entry->live);
  if (changed != 0) window->table.mark_changed(entry, changed, now);
  // Rows get a timer when they come to be, or are found to run out earlier than thought.
  for (u32 timed = use.asked & keyed.layout.timed(); timed != 0; timed &= timed - 1) {
    const auto state = static_cast<u32>(std::countr_zero(timed));
    abi::RowTimes& times = keyed.layout.times(entry, state);
    if (times.seen_at == abi::kNever) continue;  // a later record of the batch has erased it
    const Timestamp due_at = keyed.layout.runs_out_at(entry, state);
    if (times.due_at != 0 && times.due_at <= due_at.ms) continue;
    times.due_at = due_at.ms;
    const std::string_view key = keyed.layout.key(entry);
    window->timers.add({due_at, *window->table.place_of(key, state::hash_key(key)), state});
  }
}

void ShardUpdate::expire(const Service& service, state::Shard& shard, const UpdateRules& rules,
                         Arena& arena, ShardOutcome& outcome) {
  const BoundKeyed& keyed = *service.keyed;
  const Timestamp until = *rules.expired_until;
  const auto next = shard.next_timer(window::kAlways.start);
  state::Shard::Window* window = shard.find(window::kAlways.start);
  const bool has_news = window != nullptr && shard.is_touched(*window);
  if (window == nullptr || (!has_news && (!next || *next > until))) return;
  window = &shard.touch(window::kAlways.start);
  state::Table& table = window->table;
  expiring_.clear();
  window->timers.take_due(until, [&](const state::Timers::Timer& timer) {
    const state::Entry* const entry = table.entry_at(timer.place);
    const bool is_live = (entry->live >> timer.state & 1U) != 0;
    // The row may be gone, or another one with a timer of its own.
    if (!is_live || keyed.layout.times(entry, timer.state).due_at != timer.due_at.ms) return;
    const Timestamp at = keyed.layout.runs_out_at(entry, timer.state);
    state::Entry* const edited = table.edit(timer.place);
    if (at <= until) {
      expiring_.push_back({at, timer.place, timer.state, edited});
    } else {
      keyed.layout.times(edited, timer.state).due_at = at.ms;
      window->timers.add({at, timer.place, timer.state});
    }
  });
  std::ranges::sort(expiring_, {}, [&](const Expiring& row) {
    return std::tuple(row.state, row.at, keyed.layout.key(row.entry));
  });
  for (u32 state = 0; state < keyed.layout.state_count(); ++state) {
    if (keyed.expires[state] != nullptr) run_on_expire(keyed, state, arena, outcome);
  }
  for (const Expiring& row : expiring_) {
    table.mark_erased(row.entry, 1U << row.state, rules.now);
    keyed.layout.initialize(row.entry, row.state);
  }
}

void ShardUpdate::run_on_expire(const BoundKeyed& keyed, std::uint32_t state, Arena& arena,
                                ShardOutcome& outcome) {
  clear_batch();
  std::vector<const Expiring*> rows;
  for (const Expiring& row : expiring_) {
    if (row.state != state) continue;
    rows.push_back(&row);
    values_.push_back(keyed.layout.row(row.entry, state));
    times_.push_back(row.at.ms);
    const std::string_view key = keyed.layout.key(row.entry);
    row_keys_.push_back(Text::view({arena.copy(key.data(), key.size()), key.size()}));
  }
  if (rows.empty()) return;
  errors_.resize(rows.size());
  abi::Call call = call_with(arena);
  const abi::Records records{values_.data(), times_.data(), static_cast<u32>(rows.size()), nullptr,
                             row_keys_.data()};
  List<abi::Emitted> out;
  const u32 failures = keyed.expires[state](&call, &records, &out, errors_.data());
  for (const abi::Emitted& made : out)
    outcome.expired.push_back({rows[made.origin]->at, row_keys_[made.origin], state, made, {}});
  for (u32 i = 0; i < failures; ++i) {
    const u32 row = errors_[i].index;
    outcome.expired.push_back(
        {rows[row]->at, row_keys_[row], state, {}, errors_[i].message.str()});
  }
  clear_batch();
}

void ShardUpdate::clear_batch() {
  values_.clear();
  rows_.clear();
  spans_.clear();
  places_.clear();
  record_keys_.clear();
  row_keys_.clear();
  times_.clear();
  seen_times_.clear();
}

}  // namespace gameflow::runtime
