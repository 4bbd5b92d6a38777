#include "runtime/task.h"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/check.h"
#include "query/query.h"
#include "record/batch.h"
#include "runtime/output.h"
#include "window/trigger.h"
#include "window/watermark.h"

namespace gameflow::runtime {
namespace {

// Windows that only clocks far ahead ask for stay open until time gets there, maybe for years: so
// many of them, and no more.
constexpr std::ptrdiff_t kFutureWindowsMax = 1000;

template <class OpenWindows>
StoredRows stored_of(const OpenWindows& open, Timestamp window) {
  const auto found = open.find(window);
  return found == open.end() ? StoredRows{} : found->second.stored;
}

}  // namespace

ServiceTask::ServiceTask(const plan::Graph& graph, Service service, std::size_t number,
                         std::size_t rows_flushed_at_once)
    : service_(std::move(service)), number_(number), rows_flushed_at_once_(rows_flushed_at_once) {
  if (!service_.keyed) return;
  for (std::uint32_t shard = 0; shard < state::kShards; ++shard)
    shards_.push_back(std::make_unique<state::Shard>(service_.keyed->layout));
  flusher_.emplace(graph, service_);
}

void ServiceTask::begin(FlushPool& pool, ServiceEpoch& epoch) {
  std::ranges::move(pool.take(number_), std::back_inserter(results_));
  epoch.after = positions_;
  // Windows are flushed in order: results of earlier ones first.
  epoch.flushed = results_;
}

void ServiceTask::advance(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part) {
  Positions& after = part.after;
  for (const Delivery* delivery : part.deliveries) {
    if (delivery->progress)
      after.watermark.observe(delivery->input, *delivery->progress, epoch.attention);
    after.counters.records_in += delivery->chunk->records_read();
    after.counters.records_future += delivery->records_future;
    after.counters.records_late += delivery->records_late;
    after.counters.records_out += delivery->records_out;
  }
  after.watermark.advance(epoch.attention);
  decide_windows(epoch, pool, part);
}

void ServiceTask::finish(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part) {
  part.after.watermark.finish();
  decide_windows(epoch, pool, part);
}

// Which of the windows that records ask for open, and which windows the watermark has closed.
void ServiceTask::decide_windows(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part) {
  if (!service_.keyed) return;
  Positions& after = part.after;
  GF_CHECK(after.watermark.value() >= positions_.watermark.value());  // nothing is the least
  after.closed_until = service_.keyed->trigger.advance(after.closed_until, after.watermark.value());
  const Timestamp future_from = epoch.now + service_.future_max + Duration{1};
  std::map<Timestamp, window::Span> asked;
  std::size_t rows = 0;  // no more than these close
  auto far_ahead = std::distance(open_.lower_bound(future_from), open_.end());
  for (const Delivery* delivery : part.deliveries) {
    for (const window::Span span : delivery->exchange.windows()) {
      if (!asked.try_emplace(span.start, span).second || open_.contains(span.start)) continue;
      if (span.start >= future_from && ++far_ahead > kFutureWindowsMax)
        part.refused.insert(span.start);
    }
    rows += delivery->exchange.size();
  }
  for (const auto& [start, window] : open_) {
    const window::Span span = service_.keyed->assigner.span_from(start);
    if (!window::Trigger::is_closed(span, after.closed_until)) break;
    part.closing.push_back(span);
    rows += window.rows;
  }
  for (const auto& [start, span] : asked) {
    const bool opens = !open_.contains(start) && !part.refused.contains(start);
    if (opens && window::Trigger::is_closed(span, after.closed_until)) part.closing.push_back(span);
  }
  std::ranges::sort(part.closing);
  part.flushes_now = rows <= rows_flushed_at_once_ && !pool.is_busy(number_);

  // A window is rewritten in an epoch that changes it, which visits all shards for it.
  for (const auto& [start, span] : asked) {
    const bool is_flushed =
        part.flushes_now && window::Trigger::is_closed(span, after.closed_until);
    if (!is_flushed && stored_of(open_, start).is_long()) part.rewritten.insert(start);
  }
  for (const Delivery* delivery : part.deliveries) part.shards |= delivery->exchange.shards();
  if (!part.rewritten.empty()) part.shards = ~std::uint64_t{0};
}

void ServiceTask::update_shard(std::uint32_t shard, Timestamp now, std::uint32_t worker,
                               ShardUpdate& update, ServiceEpoch& part) {
  const UpdateRules rules{
      .deliveries = {part.deliveries.data(), part.deliveries.size()},
      .now = now,
      .refused = &part.refused,
      .flushed_until = part.flushes_now ? part.after.closed_until : std::nullopt,
      .rewritten = &part.rewritten};
  update.run(service_, shard, *shards_[shard], rules, part.outcomes[shard], part.rows[worker]);
}

// The rows of a window that takes no more records, until the epoch ends; nothing where there are
// none.
std::optional<ClosedWindow> ServiceTask::look_at(window::Span span, const StoredRows& stored) {
  ClosedWindow closed{.span = span, .tables = query::Shards(state::kShards), .stored = stored};
  bool has_rows = false;
  for (std::uint32_t number = 0; number < shards_.size(); ++number) {
    state::Shard::Window* const window = shards_[number]->find(span.start);
    if (window == nullptr) continue;
    closed.tables[number] = window->table.peek();
    has_rows = true;
  }
  if (!has_rows) return std::nullopt;
  return closed;
}

// The same for good: the window leaves the shards.
std::optional<ClosedWindow> ServiceTask::close(window::Span span, const StoredRows& stored,
                                               VisibleChanges& visible) {
  ClosedWindow closed{.span = span, .tables = query::Shards(state::kShards), .stored = stored};
  bool has_rows = false;
  for (std::uint32_t number = 0; number < shards_.size(); ++number) {
    const auto window = shards_[number]->take(span.start);
    if (window == nullptr) continue;
    closed.tables[number] = window->table.seal();
    visible.changes.push_back({span, number, closed.tables[number]});
    has_rows = true;
  }
  if (!has_rows) return std::nullopt;
  return closed;
}

void ServiceTask::flush(ServiceEpoch& part) {
  if (!part.flushes_now) return;
  for (const window::Span span : part.closing) {
    if (auto closed = look_at(span, stored_of(open_, span.start)))
      part.flushed.push_back(flusher_->run(std::move(*closed)));
  }
}

void ServiceTask::write(const Epoch& epoch, ServiceEpoch& part, log::Commit& commit) const {
  write_output(service_, epoch.now, part, commit);
  for (auto& [start, values] : join(part.rows)) {
    const auto rows = part.stored.emplace(start, stored_of(open_, start)).first;
    store_rows(service_.name, start, std::move(values), part.rewritten.contains(start),
               rows->second, commit);
  }
  commit.put.push_back({service_key(service_.name), encode(record(part.after))});
}

void ServiceTask::commit(const Epoch& epoch, FlushPool& pool, ServiceEpoch& part) {
  const Counters before = positions_.counters;
  positions_ = std::move(part.after);
  const Counters& after = positions_.counters;
  late_.add(epoch.attention, after.records_in - before.records_in,
            after.records_late - before.records_late);
  if (late_.should_warn(epoch.attention)) {
    const LateStats late = late_stats(epoch.attention);
    spdlog::warn("service '{}': {:.0f} % of the last minute was late ({} of {} records): {}",
                 service_.name, 100 * late.ratio(), late.late, late.records, late.reason);
  }

  for (std::uint32_t number = 0; number < shards_.size(); ++number) {
    shards_[number]->commit([&](Timestamp start, std::size_t new_keys, bool was_sealed) {
      open_[start].rows += new_keys;
      if (was_sealed)
        part.visible.changes.push_back(
            {service_.keyed->assigner.span_from(start), number, nullptr});
    });
  }
  for (const auto& [start, rows] : part.stored) open_[start].stored = rows;
  for (const FlushedPtr& result : part.flushed) part.visible.flushed.push_back(result->window.span);
  flushing_ -= results_.size();
  results_.clear();
  for (const window::Span span : part.closing) {
    auto closed = close(span, stored_of(open_, span.start), part.visible);
    open_.erase(span.start);
    if (part.flushes_now || !closed) continue;
    ++flushing_;
    pool.start(number_, *flusher_, std::move(*closed));
  }
}

void ServiceTask::revert(Duration attention) {
  for (const auto& shard : shards_) shard->revert();
  positions_.watermark.forgive(attention);
}

VisibleChanges ServiceTask::seal() {
  VisibleChanges visible;
  for (std::uint32_t number = 0; number < shards_.size(); ++number) {
    shards_[number]->seal([&](Timestamp start, auto version) {
      visible.changes.push_back(
          {service_.keyed->assigner.span_from(start), number, std::move(version)});
    });
  }
  return visible;
}

void ServiceTask::set_sealed() {
  for (const auto& shard : shards_) shard->set_sealed();
}

ServiceRecord ServiceTask::record(const Positions& positions) const {
  ServiceRecord record{.window_size = service_.keyed ? service_.keyed->assigner.size() : Duration{},
                       .states = stored_states(service_),
                       .watermark = positions.watermark.value(),
                       .closed_until = positions.closed_until,
                       .inputs = former_inputs_,
                       .counters = positions.counters};
  for (std::size_t i = 0; i < service_.inputs.size(); ++i) {
    const Input& input = service_.inputs[i];
    record.inputs.push_back({service_.sources[input.source].topic->name, input.topic,
                             input.partition, positions.next[i],
                             positions.watermark.partitions()[i].progress});
  }
  return record;
}

ServiceStats ServiceTask::stats(Duration attention) const {
  const Counters& counters = positions_.counters;
  ServiceStats stats{.name = std::string(service_.name),
                     .records_in = counters.records_in,
                     .records_out = counters.records_out,
                     .records_late = counters.records_late,
                     .records_dead = counters.records_dead,
                     .records_future = counters.records_future,
                     .records_expired = counters.records_expired,
                     .windows_open = open_.size() + flushing_,
                     .windows_closed = counters.windows_closed,
                     .watermark = positions_.watermark.value(),
                     .is_held = false,
                     .last_minute = late_stats(attention),
                     .partitions = {},
                     .states = {}};
  for (std::size_t i = 0; i < service_.inputs.size(); ++i) {
    const Input& input = service_.inputs[i];
    const std::string& topic = service_.sources[input.source].topic->name;
    const auto progress = positions_.watermark.partitions()[i].progress;
    stats.partitions.push_back({topic, input.partition, positions_.next[i].value,
                                positions_.next[i].value, progress,
                                positions_.watermark.is_idle(i, attention)});
  }
  if (!service_.keyed) return stats;
  const std::vector<plan::State>& states = service_.keyed->plan->states;
  for (std::size_t state = 0; state < states.size(); ++state) {
    StateStats& of_state = stats.states.emplace_back(StateStats{states[state].name, 0, 0});
    for (const auto& shard : shards_) {
      of_state.rows += shard->rows(state);
      of_state.bytes += shard->bytes() / states.size();
    }
  }
  return stats;
}

std::uint64_t ServiceTask::state_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->bytes();
  return bytes;
}

// The watermark is where the partition is whose events are the furthest ahead, if the others are
// silent or behind by more than the grace period.
LateStats ServiceTask::late_stats(Duration attention) const {
  const LateMeter::Count count = late_.last_minute(attention);
  LateStats late{count.records, count.late, {}};
  const auto& partitions = positions_.watermark.partitions();
  const auto leader =
      std::ranges::max_element(partitions, {}, &window::Watermark::Partition::progress);
  if (leader == partitions.end() || !leader->progress) return late;
  const Input& input = service_.inputs[static_cast<std::size_t>(leader - partitions.begin())];
  late.reason = fmt::format("partition {} of topic '{}' leads the watermark, its events are at {}",
                            input.partition, service_.sources[input.source].topic->name,
                            format_timestamp(*leader->progress));
  return late;
}

void ServiceTask::release_memory() {
  if (flusher_) flusher_->release_memory();
}

}  // namespace gameflow::runtime
