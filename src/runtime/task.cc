#include "runtime/task.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "base/check.h"
#include "runtime/output.h"
#include "window/watermark.h"

namespace gameflow::runtime {
namespace {

// The watermark is where the partition is whose events are the furthest ahead, if the others are
// silent or behind by more than the grace period.
LateStats late_stats(const Service& service, const Positions& positions, LateMeter::Count count) {
  LateStats late{count.records, count.late, {}};
  const auto& partitions = positions.watermark.partitions();
  const auto leader =
      std::ranges::max_element(partitions, {}, &window::Watermark::Partition::progress);
  if (leader == partitions.end() || !leader->progress) return late;
  const Input& input = service.inputs[static_cast<std::size_t>(leader - partitions.begin())];
  late.reason = fmt::format("partition {} of topic '{}' leads the watermark, its events are at {}",
                            input.partition, service.sources[input.source].topic->name,
                            format_timestamp(*leader->progress));
  return late;
}

}  // namespace

ServiceTask::ServiceTask(const plan::Graph& graph, Service service, std::size_t number,
                         std::size_t rows_flushed_at_once, const RowSource& source)
    : service_(std::move(service)),
      windows_(graph, service_, number, rows_flushed_at_once, source),
      counts_(service_.operators.size()) {
  if (service_.join) join_.emplace(service_);
}

void ServiceTask::begin(FlushPool& pool, ServiceEpoch& part) {
  part.after = positions_;
  part.before = positions_.closed;
  if (!stop_) windows_.begin(pool, part);
}

void ServiceTask::advance(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part) {
  if (stop_) return;
  Positions& after = part.after;
  for (const Delivery* delivery : part.deliveries) {
    const Placement& placement = *delivery->placement;
    if (placement.progress)
      after.watermark.observe(delivery->input, *placement.progress, epoch.attention);
    after.counters.records_in += delivery->chunk->records_read();
    after.counters.records_future += placement.records_future;
    after.counters.records_late += placement.records_late;
  }
  after.watermark.advance(epoch.attention);
  decide_windows(epoch, pool, part);
}

void ServiceTask::finish(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part) {
  part.after.watermark.finish();
  decide_windows(epoch, pool, part);
}

void ServiceTask::decide_windows(const Epoch& epoch, const FlushPool& pool, ServiceEpoch& part) {
  if (!service_.keyed && !join_) return;
  Positions& after = part.after;
  GF_CHECK(after.watermark.value() >= positions_.watermark.value());  // nothing is the least
  if (join_) {
    after.closed = service_.join->trigger.advance(after.closed, after.watermark.value());
    return join_->decide(epoch.now, part);
  }
  if (service_.has_windows())
    after.closed = service_.keyed->trigger.advance(after.closed, after.watermark.value());
  windows_.decide(epoch.now, pool, part);
}

void ServiceTask::write(const Epoch& epoch, ServiceEpoch& part, log::Commit& commit) const {
  write_output(service_, epoch.now, part, commit);
  windows_.write(part, commit);
  if (join_) join_->write(part, commit);
  commit.put.push_back(
      {service_key(service_.name), encode(record_of(service_, part.after, former_inputs_))});
}

void ServiceTask::commit(const Epoch& epoch, FlushPool& pool, ServiceEpoch& part) {
  if (!part.has_work()) {
    positions_ = std::move(part.after);
    positions_.results.given_until = positions_.closed.until;
    return;
  }
  for (const Delivery* delivery : part.deliveries) add(delivery->counts, counts_);
  for (const ShardOutcome& outcome : part.outcomes) add(outcome.counts, counts_);
  for (const FlushedPtr& flushed : part.flushed) add(flushed->counts, counts_);
  add(part.expired_counts, counts_);
  const Counters before = positions_.counters;
  windows_.commit(pool, part);
  if (join_) join_->commit(part);
  positions_ = std::move(part.after);
  const Counters& after = positions_.counters;
  late_.add(epoch.attention, after.records_in - before.records_in,
            after.records_late - before.records_late);
  if (late_.should_warn(epoch.attention)) {
    const LateStats late = late_stats(service_, positions_, late_.last_minute(epoch.attention));
    spdlog::warn("service '{}': {:.0f} % of the last minute was late ({} of {} records): {}",
                 service_.name, 100 * late.ratio(), late.late, late.records, late.reason);
  }
}

void ServiceTask::revert(Duration attention) {
  windows_.revert();
  if (join_) join_->revert();
  positions_.watermark.forgive(attention);
}

void ServiceTask::stop(Stop stop, Duration attention, ServiceEpoch& part) {
  part = {};
  part.after = positions_;
  revert(attention);
  spdlog::error("{}", to_text(service_.name, stop));
  stop_ = std::move(stop);
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
                     .windows_open = windows_.count(positions_.results),
                     .windows_closed = counters.windows_closed,
                     .results_early = counters.results_early,
                     .results_corrected = counters.results_corrected,
                     .watermark = positions_.watermark.value(),
                     .records_skipped = counters.records_skipped,
                     .stopped = stop_,
                     .is_held = false,
                     .last_minute = late_stats(service_, positions_, late_.last_minute(attention)),
                     .partitions = {},
                     .states = {},
                     .operators = {}};
  for (std::size_t i = 0; i < service_.inputs.size(); ++i) {
    const Input& input = service_.inputs[i];
    const std::string& topic = service_.sources[input.source].topic->name;
    const auto progress = positions_.watermark.partitions()[i].progress;
    stats.partitions.push_back({topic, input.partition, positions_.next[i].value,
                                positions_.next[i].value, progress,
                                positions_.watermark.is_idle(i, attention)});
  }
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    stats.timestamp_fallbacks += counts_[i].unread_times;
    const BoundOperator& op = service_.operators[i];
    if (op.name.empty()) continue;
    const bool is_first = stats.operators.empty() || stats.operators.back().node != op.node;
    const abi::StepCount& count = counts_[i];
    stats.operators.push_back({.node = op.node,
                               .step = is_first ? 0 : stats.operators.back().step + 1,
                               .name = std::string(op.name),
                               .in = count.in,
                               .out = std::optional(count.out),
                               .failed = count.failed});
    if (op.name == "update-state" || op.name == "write") stats.operators.back().out.reset();
  }
  windows_.panes().add_to(stats);
  if (join_) join_->add_to(stats);
  return stats;
}

ServiceRecord record_of(const Service& service, const Positions& positions,
                        const std::vector<StoredInput>& former) {
  const plan::Keyed* const keyed = service.keyed ? service.keyed->plan : nullptr;
  const Results& results = positions.results;
  ServiceRecord record{.windows = keyed == nullptr ? "" : keyed->windows(),
                       .states = stored_states(keyed),
                       .watermark = positions.watermark.value(),
                       .closed = positions.closed,
                       .fired_until = results.fired_until,
                       .unsaid = {},
                       .emit_at = results.emit_at,
                       .inputs = former,
                       .counters = positions.counters};
  if (service.join) {
    record.windows = service.join->plan->events();
    record.states = stored_sides(service.join->sides);
  }
  std::ranges::set_union(results.unsaid, results.in_flight, std::back_inserter(record.unsaid));
  for (std::size_t i = 0; i < service.inputs.size(); ++i) {
    const Input& input = service.inputs[i];
    record.inputs.push_back({service.sources[input.source].topic->name, input.topic,
                             input.partition, positions.next[i],
                             positions.watermark.partitions()[i].progress});
  }
  return record;
}

}  // namespace gameflow::runtime
