#include "runtime/session_update.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "window/assigner.h"

namespace gameflow::runtime {

void SessionUpdate::run(const SessionEpoch& epoch, std::uint32_t shard,
                        state::Shard::Window& window, ShardOutcome& outcome) {
  state::Sessions sessions(*epoch.layout, epoch.rules, *epoch.merges, window.table, window.timers);
  const Work work{epoch, window.table, sessions, outcome};
  clear_batch();  // an epoch that ran out of memory may have left some
  for (std::uint32_t d = 0; d < epoch.deliveries.size(); ++d) take(work, d, shard);
  if (!records_.empty()) apply(work);
  window.table.own_text();
  if (epoch.closed_until) end(work);
  arena_.reset();  // only now: rows may have pointed at text that operators made
}

void SessionUpdate::take(const Work& work, std::uint32_t delivery, std::uint32_t shard) {
  const Placement& placement = *work.epoch.deliveries[delivery]->placement;
  const Exchange::Records placed = placement.exchange.shard(shard);
  for (std::size_t begin = 0; begin < placed.size;) {
    const std::size_t count = std::min(kBatch, placed.size - begin);
    // Their times lie far apart, as the chain left them: without fetching ahead a fifth of an epoch
    // is spent waiting for them.
    for (std::size_t i = begin; i < begin + count; ++i)
      __builtin_prefetch(&placement.emitted[placed.numbers[i]].time);
    found_.resize(count);
    work.table.find_or_insert({placed.probes + begin, count}, found_.data());
    for (std::size_t i = 0; i < count; ++i) add(work, delivery, placed, begin + i, found_[i]);
    begin += count;
  }
}

void SessionUpdate::add(const Work& work, std::uint32_t delivery, const Exchange::Records& placed,
                        std::size_t i, state::Entry* latest) {
  using Way = state::Sessions::Way;
  const SessionEpoch& epoch = work.epoch;
  const Delivery& from = *epoch.deliveries[delivery];
  const Timestamp time{from.placement->emitted[placed.numbers[i]].time};
  Way way = work.sessions.in_order(latest, time);
  if (way == Way::kWait) {
    apply(work);
    way = work.sessions.in_order(latest, time);
  }
  const bool is_in_place = way == Way::kInPlace;
  const state::SessionTimes& session = epoch.layout->session(latest);
  std::pair bounds(session.first, time);
  if (!is_in_place) {
    if (work.sessions.is_late(latest, time, epoch.closed_before)) {
      work.sessions.forget_pending(latest);
      work.outcome.late.push_back({delivery, placed.records[i]});
      return;
    }
    bounds = work.sessions.bounds_with(latest, time);
  }
  for (std::size_t state = 0; state < epoch.layout->state_count(); ++state) {
    if (is_in_place) {
      rows_.push_back(epoch.layout->row(latest, state));
      continue;
    }
    const state::RowCodec& codec = epoch.layout->codec(state);
    rows_.push_back(arena_.allocate(codec.size(), codec.align()));
    codec.initialize(rows_.back());
  }
  records_.push_back({latest, is_in_place, time, delivery, placed.records[i], placed.numbers[i]});
  values_.push_back(placed.values[i]);
  spans_.push_back({bounds.first.ms, (bounds.second + epoch.rules.gap).ms});
  add_columns(epoch, from, placed, i);
  if (records_.size() == kBatch) apply(work);
}

// What only some functions ask for.
void SessionUpdate::add_columns(const SessionEpoch& epoch, const Delivery& delivery,
                                const Exchange::Records& placed, std::size_t i) {
  if ((epoch.update.asks & abi::kRowKeys) != 0) {
    const std::string_view key = placed.probes[i].key;
    row_keys_.push_back(Text::view(key.substr(0, key.size() - state::Layout::kSlotBytes)));
  }
  if ((epoch.update.asks & abi::kRecordKeys) != 0)
    record_keys_.push_back(delivery.record_key(placed.numbers[i]));
}

void SessionUpdate::apply(const Work& work) {
  const auto count = static_cast<u32>(records_.size());
  uses_.resize(count);
  errors_.resize(count);
  abi::Call call = call_with(arena_, work.epoch.reader);
  if (!work.outcome.counts.empty()) call.counts = &work.outcome.counts[work.epoch.first];
  const auto column = [](const auto& values) { return values.empty() ? nullptr : values.data(); };
  const abi::KeyedRecords records{values_.data(),       rows_.data(),      spans_.data(), count,
                                  column(record_keys_), column(row_keys_), nullptr,       nullptr};
  List<abi::Emitted> out;
  const u32 failures =
      work.epoch.update.pointer(&call, &records, uses_.data(), &out, errors_.data());
  const abi::RecordError* failure = errors_.data();
  for (u32 i = 0; i < count; ++i) {
    const bool has_failed = failure != errors_.data() + failures && failure->index == i;
    if (has_failed) {
      fail(work, records_[i], work.epoch.operators[failure->step], failure->message.str());
      ++failure;
    } else {
      use(work, i);
    }
    work.sessions.forget_pending(records_[i].latest);
  }
  clear_batch();
}

void SessionUpdate::use(const Work& work, std::size_t number) {
  const Record& record = records_[number];
  const abi::RowUse& use = uses_[number];
  const Timestamp now = work.epoch.now;
  if (record.is_in_place) {
    work.sessions.extend(record.latest, record.time, use.asked, now);
    if (const u32 erased = use.erased & record.latest->live; erased != 0) {
      work.table.mark_erased(record.latest, erased, now);
      work.sessions.tidy(record.latest, now);
    }
    return;
  }
  void* const* const rows = rows_.data() + number * work.epoch.layout->state_count();
  auto reason = work.sessions.take(record.latest, record.time, rows, use.asked, now, arena_);
  if (reason) fail(work, record, "merge", *std::move(reason));
}

void SessionUpdate::fail(const Work& work, const Record& record, std::string_view op,
                         std::string reason) {
  work.outcome.failed.push_back(
      {record.delivery, record.record, record.number, op, std::move(reason)});
}

// Those that have ended move to a table of their own; several of one key have slots there, too.
void SessionUpdate::end(const Work& work) {
  const state::Layout& layout = *work.epoch.layout;
  const auto move = [&](std::span<const state::Entry* const> ended) {
    if (ended.empty()) return;
    auto rows = std::make_unique<state::Table>(layout);
    rows->reserve(ended.size());
    window::Span span{layout.session(ended[0]).first, layout.session_end(ended.back())};
    for (const state::Entry* entry : ended) {
      span.start = std::min(span.start, layout.session(entry).first);
      state::Sessions::append(layout, entry, *rows);
    }
    rows->own_text();
    work.outcome.ended = {std::move(rows), span};
  };
  work.sessions.close(*work.epoch.closed_until, work.epoch.now, move);
}

void SessionUpdate::clear_batch() {
  records_.clear();
  values_.clear();
  rows_.clear();
  spans_.clear();
  record_keys_.clear();
  row_keys_.clear();
}

}  // namespace gameflow::runtime
