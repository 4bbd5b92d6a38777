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
  add_stored(values, [&](ByteWriter& out) { layout_->encode(entry, out); });
}

void RowValues::add_changed(Timestamp window, const state::Table& table) {
  for (const state::Entry* entry : table.changes()) {
    // Rows that came and went within the epoch leave nothing to store: most of what changes where
    // windows are sessions.
    if (entry->live != 0 || entry->saved == state::Saved::kWithRows) add(entry, windows_[window]);
  }
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
  if (service.has_keyed_outputs()) outcome.arena = std::make_unique<record::BlockArena>();
  const Work work{service, number, shard, rules, outcome.arena ? *outcome.arena : arena_, outcome};
  outcome.counts.resize(service.operators.size());
  clear_batch();  // an epoch that ran out of memory may have left some
  numbers_ = {};
  if (rules.is_shared) {
    keys_.count(rules.deliveries, number);
    find_keys(shard, rules);
  }
  for (std::uint32_t d = 0; d < rules.deliveries.size(); ++d) take(work, d);
  if (!values_.empty()) apply(work);
  if (rules.expired_until) expire(work);
  shard.drop_empty();
  for (state::Shard::Window* window : shard.touched()) window->table.own_text();
  add_rows(service, number, shard, rules, rows);
  arena_.reset();  // only now: rows may have pointed at text that operators made
}

void add_rows(const Service& service, std::uint32_t number, state::Shard& shard,
              const UpdateRules& rules, RowValues& rows) {
  for (state::Shard::Window* window : shard.touched()) {
    const window::Assigner& assigner = service.keyed->assigner;
    const Timestamp last_end = assigner.last_end(assigner.pane_from(window->start));
    if (window::has_passed(rules.forgotten_until, last_end)) continue;
    const auto rewritten = rules.rewritten->find(window->start);
    if (rewritten == rules.rewritten->end() || (rewritten->second >> number & 1) == 0)
      rows.add_changed(window->start, window->table);
  }
  for (const auto& [start, shards] : *rules.rewritten) {
    if ((shards >> number & 1) == 0) continue;
    if (const auto* const window = shard.find(start)) rows.add_all(start, window->table);
  }
}

void ShardUpdate::take(const Work& work, std::uint32_t delivery) {
  const UpdateRules& rules = work.rules;
  const Delivery& from = *rules.deliveries[delivery];
  const Exchange& exchange = from.placement->exchange;
  const Exchange::Records placed = exchange.shard(work.number);
  // A pane that is part of many windows is none itself.
  const window::Assigner& assigner = work.keyed().assigner;
  const bool has_span = !assigner.is_always() && !assigner.is_merged();
  for (std::size_t begin = 0; begin < placed.size;) {
    const std::size_t end = placed.end_of_window(begin, kBatch - values_.size());
    const std::size_t count = end - begin;
    const window::Span span = exchange.windows()[placed.records[begin].window];
    if (rules.refused->contains(span.start)) {
      for (std::size_t i = begin; i < end; ++i) {
        work.service.add_failure(from.input, "assign-timestamp", work.outcome.counts);
        work.outcome.failed.push_back(
            {delivery, placed.records[i].record, placed.records[i].number, "assign-timestamp",
             fmt::format("the event's window, from {}, is far ahead of the clock, and too many "
                         "such windows are open: is a device's clock wrong?",
                         format_timestamp(span.start))});
      }
    } else {
      state::Shard::Window& window = work.shard.touch(span.start);
      find_entries(placed, begin, end, span.start, window.table);
      for (std::size_t i = begin; i < end; ++i) values_.push_back(placed.records[i].value);
      spans_.insert(spans_.end(), count,
                    has_span ? abi::WindowSpan{span.start.ms, span.end.ms} : abi::WindowSpan{});
      runs_.push_back({&window, count, delivery, placed.records + begin});
      add_columns(work, from, placed, begin, end);
      if (values_.size() == kBatch) apply(work);
    }
    if (rules.is_shared) numbers_ = numbers_.subspan(count);
    begin = end;
  }
}

// What only some functions ask for.
void ShardUpdate::add_columns(const Work& work, const Delivery& delivery,
                              const Exchange::Records& placed, std::size_t begin, std::size_t end) {
  const BoundKeyed& keyed = work.keyed();
  const bool has_outputs = work.service.has_keyed_outputs();
  const bool has_row_keys = (keyed.update.asks & abi::kRowKeys) != 0 || has_outputs;
  const bool has_record_keys = (keyed.update.asks & abi::kRecordKeys) != 0 || has_outputs;
  const bool is_timed = keyed.layout.timed() != 0;
  if (!has_row_keys && !has_record_keys && !is_timed) return;
  for (std::size_t i = begin; i < end; ++i) {
    if (has_row_keys) columns_.row_keys.push_back(Text::view(placed.probes[i].key));
    if (has_outputs) columns_.times.push_back(placed.records[i].time.ms);
    if (is_timed) {
      // An event counts for no more than the time when its record arrived.
      const Timestamp appended_at = delivery.chunk->origin(placed.records[i].record).appended_at();
      const Timestamp time = std::min(placed.records[i].time, appended_at);
      columns_.seen_times.push_back(keyed.plan->has_event_time ? time.ms : work.rules.now.ms);
    }
    if (has_record_keys)
      columns_.record_keys.push_back(delivery.record_key(placed.records[i].number));
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

void ShardUpdate::apply(const Work& work) {
  const BoundKeyed& keyed = work.keyed();
  const auto count = static_cast<u32>(values_.size());
  for (state::Entry* const entry : entries_) {
    for (std::size_t state = 0; state < keyed.layout.state_count(); ++state)
      rows_.push_back(keyed.layout.row(entry, state));
  }
  uses_.resize(count);
  errors_.resize(count);
  abi::Call call = call_with(work.arena, work.rules.reader);
  call.counts = &work.outcome.counts[keyed.first];
  // Outputs refer to the keys until the end of the epoch.
  const Optional<Text>* record_keys = nullptr;
  if (!columns_.record_keys.empty()) {
    const std::size_t bytes = sizeof(Optional<Text>) * count;
    void* const kept = work.arena.allocate(bytes, alignof(Optional<Text>));
    std::memcpy(kept, static_cast<const void*>(columns_.record_keys.data()), bytes);
    record_keys = static_cast<const Optional<Text>*>(kept);
  }
  const auto column = [](const auto& values) { return values.empty() ? nullptr : values.data(); };
  const abi::KeyedRecords records{values_.data(),
                                  rows_.data(),
                                  spans_.data(),
                                  count,
                                  record_keys,
                                  column(columns_.row_keys),
                                  column(columns_.times),
                                  column(columns_.seen_times)};
  List<abi::Emitted> out;
  const u32 failures = keyed.update.pointer(&call, &records, uses_.data(), &out, errors_.data());
  std::size_t begin = 0;
  const abi::RecordError* failure = errors_.data();
  const abi::Emitted* made = out.begin();
  for (const Run& run : runs_) {
    const std::size_t end = begin + run.size;
    for (std::size_t i = begin; i < end; ++i) note_use(work, *run.window, i);
    for (; failure != errors_.data() + failures && failure->index < end; ++failure) {
      const std::size_t at = failure->index - begin;
      work.outcome.failed.push_back({run.delivery, run.records[at].record, run.records[at].number,
                                     keyed.operators[failure->step], failure->message.str()});
    }
    for (; made != out.end() && made->origin < end; ++made) {
      const std::size_t at = made->origin - begin;
      work.outcome.outputs.push_back({run.delivery,
                                      {*made, columns_.row_keys[made->origin],
                                       run.records[at].record, run.records[at].number}});
    }
    begin = end;
  }
  clear_batch();
}

void ShardUpdate::note_use(const Work& work, state::Shard::Window& window, std::size_t number) {
  const BoundKeyed& keyed = work.keyed();
  const abi::RowUse use = uses_[number];
  state::Entry* const entry = entries_[number];
  if (const u32 erased = use.erased & entry->live; erased != 0)
    window.table.mark_erased(entry, erased, work.rules.now);
  const u32 changed = use.asked & (use.changed | ~entry->live);
  if (changed != 0) window.table.mark_changed(entry, changed, work.rules.now);
  // Rows get a timer when they come to be, or are found to run out earlier than thought.
  for (u32 timed = use.asked & keyed.layout.timed(); timed != 0; timed &= timed - 1) {
    const auto state = static_cast<u32>(std::countr_zero(timed));
    abi::RowTimes& times = keyed.layout.times(entry, state);
    if (times.seen_at == abi::kNever) continue;  // a later record of the batch has erased it
    const Timestamp due_at = keyed.layout.runs_out_at(entry, state);
    if (times.due_at != 0 && times.due_at <= due_at.ms) continue;
    times.due_at = due_at.ms;
    const std::string_view key = keyed.layout.key(entry);
    window.timers.add({due_at, *window.table.place_of(key, state::hash_key(key)), state});
  }
}

void ShardUpdate::expire(const Work& work) {
  const BoundKeyed& keyed = work.keyed();
  const Timestamp until = *work.rules.expired_until;
  state::Shard::Window* const known = work.shard.find(window::kAlways.start);
  if (known == nullptr) return;
  const auto next = known->timers.next();
  if (!state::Shard::is_touched(*known) && (!next || *next > until)) return;
  state::Shard::Window& window = work.shard.touch(window::kAlways.start);
  state::Table& table = window.table;
  std::vector<Expiring> expiring;
  window.timers.take_due(until, [&](const state::Timers::Timer& timer) {
    const state::Entry* const entry = table.entry_at(timer.place);
    const bool is_live = (entry->live >> timer.state & 1U) != 0;
    // The row may be gone, or another one with a timer of its own.
    if (!is_live || keyed.layout.times(entry, timer.state).due_at != timer.due_at.ms) return;
    const Timestamp at = keyed.layout.runs_out_at(entry, timer.state);
    state::Entry* const edited = table.edit(timer.place);
    if (at <= until) {
      // One that was erased and began anew may have two timers for the same time.
      keyed.layout.times(edited, timer.state).due_at = 0;
      expiring.push_back({at, timer.state, edited});
    } else {
      keyed.layout.times(edited, timer.state).due_at = at.ms;
      window.timers.add({at, timer.place, timer.state});
    }
  });
  std::ranges::sort(expiring, {}, [&](const Expiring& row) {
    return std::tuple(row.state, row.at, keyed.layout.key(row.entry));
  });
  for (u32 state = 0; state < keyed.layout.state_count(); ++state) {
    if (keyed.expires[state] != nullptr) run_on_expire(work, expiring, state);
  }
  for (const Expiring& row : expiring) {
    table.mark_erased(row.entry, 1U << row.state, work.rules.now);
    keyed.layout.initialize(row.entry, row.state);
  }
}

void ShardUpdate::run_on_expire(const Work& work, std::span<const Expiring> rows,
                                std::uint32_t state) {
  const BoundKeyed& keyed = work.keyed();
  clear_batch();
  for (const Expiring& row : rows) {
    if (row.state != state) continue;
    values_.push_back(keyed.layout.row(row.entry, state));
    columns_.times.push_back(row.at.ms);
    const std::string_view key = keyed.layout.key(row.entry);
    columns_.row_keys.push_back(Text::view({work.arena.copy(key.data(), key.size()), key.size()}));
  }
  if (values_.empty()) return;
  errors_.resize(values_.size());
  abi::Call call = call_with(work.arena, work.rules.reader);
  call.counts = &work.outcome.counts[keyed.first + keyed.plan->transforms() + 1 + state];
  const abi::Records records{values_.data(), columns_.times.data(),
                             static_cast<u32>(values_.size()), nullptr, columns_.row_keys.data()};
  List<abi::Emitted> out;
  const u32 failures = keyed.expires[state](&call, &records, &out, errors_.data());
  std::vector<ExpiredRow>& expired = work.outcome.expired;
  const auto row_of = [&](u32 i) {
    return ExpiredRow{
        .at = {columns_.times[i]}, .key = columns_.row_keys[i], .state = state, .reason = {}};
  };
  for (const abi::Emitted& made : out) {
    expired.push_back(row_of(made.origin));
    expired.back().made = made;
  }
  for (u32 i = 0; i < failures; ++i) {
    expired.push_back(row_of(errors_[i].index));
    expired.back().reason = errors_[i].message.str();
  }
  clear_batch();
}

void ShardUpdate::clear_batch() {
  runs_.clear();
  values_.clear();
  entries_.clear();
  rows_.clear();
  spans_.clear();
  columns_.record_keys.clear();
  columns_.row_keys.clear();
  columns_.times.clear();
  columns_.seen_times.clear();
}

}  // namespace gameflow::runtime
