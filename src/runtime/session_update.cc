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
  const Exchange::Records placed =
      work.epoch.deliveries[delivery]->placement->exchange.shard(shard);
  for (std::size_t begin = 0; begin < placed.size;) {
    const std::size_t count = std::min(kBatch, placed.size - begin);
    found_.resize(count);
    work.table.find_or_insert({placed.probes + begin, count}, found_.data());
    for (std::size_t i = 0; i < count; ++i) {
      const Exchange::Record& record = placed.records[begin + i];
      add(work, {.latest = found_[i],
                 .time = record.time,
                 .value = record.value,
                 .delivery = delivery,
                 .record = record.record,
                 .number = record.number});
    }
    begin += count;
  }
}

void SessionUpdate::add(const Work& work, Record record) {
  using Way = state::Sessions::Way;
  const SessionEpoch& epoch = work.epoch;
  state::Entry* const latest = record.latest;
  const Timestamp time = record.time;
  Way way = work.sessions.in_order(latest, time);
  if (way == Way::kWait) {
    apply(work);
    way = work.sessions.in_order(latest, time);
  }
  record.is_in_place = way == Way::kInPlace;
  const state::SessionTimes& session = epoch.layout->session(latest);
  std::pair bounds(session.first, time);
  if (!record.is_in_place) {
    if (work.sessions.is_late(latest, time, epoch.closed_before)) {
      work.sessions.forget_pending(latest);
      work.outcome.late.push_back({record.delivery, record.record});
      return;
    }
    bounds = work.sessions.bounds_with(latest, time);
  }
  for (std::size_t state = 0; state < epoch.layout->state_count(); ++state) {
    if (record.is_in_place) {
      rows_.push_back(epoch.layout->row(latest, state));
      continue;
    }
    const state::RowCodec& codec = epoch.layout->codec(state);
    rows_.push_back(arena_.allocate(codec.size(), codec.align()));
    codec.initialize(rows_.back());
  }
  records_.push_back(record);
  values_.push_back(record.value);
  spans_.push_back({bounds.first.ms, (bounds.second + epoch.rules.gap).ms});
  add_columns(epoch, record);
  if (records_.size() == kBatch) apply(work);
}

// What only some functions ask for.
void SessionUpdate::add_columns(const SessionEpoch& epoch, const Record& record) {
  if ((epoch.update.asks & abi::kRowKeys) != 0)
    row_keys_.push_back(Text::view(epoch.layout->user_key(record.latest)));
  if ((epoch.update.asks & abi::kRecordKeys) != 0)
    record_keys_.push_back(epoch.deliveries[record.delivery]->record_key(record.number));
}

// `is_again`: it has run before, and been counted.
void SessionUpdate::apply(const Work& work, bool is_again) {
  const auto count = static_cast<u32>(records_.size());
  uses_.resize(std::max<std::size_t>(uses_.size(), count));
  errors_.resize(std::max<std::size_t>(errors_.size(), count));
  abi::Call call = call_with(arena_, work.epoch.reader);
  if (!work.outcome.counts.empty() && !is_again)
    call.counts = &work.outcome.counts[work.epoch.first];
  const auto column = [](const auto& values) { return values.empty() ? nullptr : values.data(); };
  const abi::KeyedRecords records{values_.data(),       rows_.data(),      spans_.data(), count,
                                  column(record_keys_), column(row_keys_), nullptr,       nullptr};
  List<abi::Emitted> out;
  const u32 failures =
      work.epoch.update.pointer(&call, &records, uses_.data(), &out, errors_.data());
  const abi::RecordError* failure = errors_.data();
  std::vector<state::Entry*> erased;
  std::vector<Record> again;
  for (u32 i = 0; i < count; ++i) {
    const Record& record = records_[i];
    const abi::RecordError* failed = nullptr;
    if (failure != errors_.data() + failures && failure->index == i) failed = failure++;
    work.sessions.forget_pending(record.latest);
    if (!erased.empty() && std::ranges::find(erased, record.latest) != erased.end()) {
      again.push_back(record);
    } else if (failed != nullptr) {
      fail(work, record, work.epoch.operators[failed->step], failed->message.str());
    } else {
      use(work, i);
      if (record.is_in_place && record.latest->live == 0) erased.push_back(record.latest);
    }
  }
  clear_batch();
  for (state::Entry* const latest : erased) work.sessions.tidy(latest, work.epoch.now);
  // Those behind a record that erased their session have run at rows that are gone.
  for (const Record& record : again) {
    add(work, record);
    if (!records_.empty()) apply(work, true);
  }
}

void SessionUpdate::use(const Work& work, std::size_t number) {
  const Record& record = records_[number];
  const abi::RowUse& use = uses_[number];
  const Timestamp now = work.epoch.now;
  if (record.is_in_place) {
    work.sessions.extend(record.latest, record.time, use.asked, now);
    if (const u32 erased = use.erased & record.latest->live; erased != 0)
      work.table.mark_erased(record.latest, erased, now);
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
