#include "runtime/open_windows.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <span>
#include <utility>

#include "query/query.h"
#include "runtime/ended_sessions.h"
#include "state/shard.h"
#include "window/trigger.h"
#include "window/watermark.h"

namespace gameflow::runtime {
namespace {

std::size_t count_final(const std::vector<FlushedPtr>& results) {
  return static_cast<std::size_t>(
      std::ranges::count(results, window::Kind::kFinal, [](const auto& one) { return one->kind; }));
}

// Shards of which the first timer is due have something to do.
void decide_expiry(const BoundKeyed& keyed, std::span<const std::unique_ptr<state::Shard>> shards,
                   Timestamp now, ServiceEpoch& part) {
  if (keyed.layout.timed() == 0) return;
  const auto watermark = part.after.watermark.value();
  // The end of input is no time.
  if (keyed.plan->has_event_time && watermark != window::kEndOfTime) part.expired_until = watermark;
  if (!keyed.plan->has_event_time) part.expired_until = now;
  if (part.expired_until) part.has_expiring = add_due_shards(shards, *part.expired_until, part);
}

// Whether what is to be flushed takes longer than an epoch should.
bool is_large(const Panes& panes, const ServiceEpoch& part, std::size_t rows_max) {
  if (part.due.empty()) return false;
  std::size_t rows = 0;
  for (const Delivery* delivery : part.deliveries) rows += delivery->placement->exchange.size();
  for (const DueResult& result : part.due) {
    if (rows > rows_max) return true;
    rows += panes.rows(result.window);
  }
  return rows > rows_max;
}

void update_sessions(const Service& service, std::uint32_t number, state::Shard& shard,
                     const UpdateRules& rules, SessionUpdate& update, ShardOutcome& outcome,
                     RowValues& rows) {
  const BoundKeyed& keyed = *service.keyed;
  const SessionEpoch epoch{.layout = &keyed.layout,
                           .rules = *keyed.sessions,
                           .merges = &keyed.merges,
                           .update = keyed.update,
                           .operators = keyed.operators,
                           .first = keyed.first,
                           .deliveries = rules.deliveries,
                           .now = rules.now,
                           .closed_before = rules.closed_before,
                           .closed_until = rules.closed_until,
                           .reader = rules.reader};
  outcome.counts.resize(service.operators.size());
  update.run(epoch, number, shard.touch(window::kAlways.start), outcome);
  shard.drop_empty();
  add_rows(service, number, shard, rules, rows);
}

}  // namespace

OpenWindows::OpenWindows(const plan::Graph& graph, const Service& service, std::size_t number,
                         std::size_t rows_flushed_at_once, const RowSource& source)
    : service_(service),
      number_(number),
      rows_flushed_at_once_(rows_flushed_at_once),
      source_(source),
      panes_(service) {
  if (service_.has_windows()) flusher_.emplace(graph, service_, source);
}

void OpenWindows::begin(FlushPool& pool, ServiceEpoch& part) {
  std::ranges::move(pool.take(number_), std::back_inserter(results_));
  // Windows are flushed in order: results of earlier ones first.
  part.flushed = results_;
  Results& results = part.after.results;
  for (const FlushedPtr& flushed : results_) {
    if (flushed->kind == window::Kind::kFinal) {
      results.fired_until = std::max(results.fired_until, std::optional(flushed->window.end));
    } else {
      results.in_flight.erase(flushed->window.start);
    }
  }
}

void OpenWindows::decide(Timestamp now, const FlushPool& pool, ServiceEpoch& part) const {
  if (!service_.keyed) return;
  panes_.ask(now, part);
  if (service_.has_sessions()) {
    if (const auto until = part.after.closed.until)
      part.has_expiring = add_due_shards(panes_.shards(), *until, part);
  } else if (service_.has_windows()) {
    const window::Assigner& assigner = service_.keyed->assigner;
    const window::Closed& closed = part.after.closed;
    std::vector<window::Span> panes = panes_.ended(closed.until, part);
    panes.insert(panes.end(), part.asked.begin(), part.asked.end());
    std::ranges::sort(panes);
    part.due = DecidingResults(assigner, service_.keyed->results, part.before, closed)
                   .may_be_due(panes, part.asked, now, part.after.results);
    part.dropping.clear();
    std::ranges::copy_if(panes, std::back_inserter(part.dropping), [&](window::Span pane) {
      return window::has_passed(closed.gone_until, assigner.last_end(pane));
    });
  }
  decide_expiry(*service_.keyed, panes_.shards(), now, part);
  // Other services' rows must not change while a flush reads them.
  part.flushes_now = service_.reads_others || service_.has_sessions() ||
                     (!pool.is_busy(number_) && !is_large(panes_, part, rows_flushed_at_once_));
  panes_.decide_stores(part);
}

void OpenWindows::update_shard(std::uint32_t shard, Timestamp now, std::uint32_t number,
                               ShardWorker& worker, RowReader* reader, ServiceEpoch& part) {
  const UpdateRules rules{
      .deliveries = {part.deliveries.data(), part.deliveries.size()},
      .is_shared = part.shares_keys,
      .now = now,
      .refused = &part.refused,
      .forgotten_until = part.flushes_now ? part.after.closed.gone_until : std::nullopt,
      .expired_until = part.expired_until,
      .closed_before = part.before.until,
      .closed_until = part.after.closed.until,
      .rewritten = &part.rewritten,
      .reader = reader};
  if (service_.has_sessions())
    return update_sessions(service_, shard, *panes_.shards()[shard], rules, worker.sessions,
                           part.outcomes[shard], part.rows[number]);
  worker.update.run(service_, shard, *panes_.shards()[shard], rules, part.outcomes[shard],
                    part.rows[number]);
}

void OpenWindows::settle(Timestamp now, ServiceEpoch& part) const {
  if (!service_.has_windows()) return;
  if (service_.has_sessions()) return settle_ended(part);
  const BoundKeyed& keyed = *service_.keyed;
  Results& results = part.after.results;
  std::vector<window::Span> changed;
  if (keyed.results.follows_changes()) changed = panes_.changed(part);
  const auto has_rows = [&](window::Span window) { return panes_.has_rows(window, part); };
  DecidingResults(keyed.assigner, keyed.results, part.before, part.after.closed)
      .settle(changed, now, has_rows, part.due, results);
  bool gives_final = false;
  for (const DueResult& result : part.due) {
    gives_final = gives_final || result.kind == window::Kind::kFinal;
    if (!part.flushes_now && result.kind != window::Kind::kFinal)
      results.in_flight.insert(result.window.start);
  }
  // Nothing that has closed waits for its final result to be committed.
  if (part.flushes_now || (!gives_final && closing_ == count_final(results_)))
    results.fired_until = std::max(results.fired_until, part.after.closed.until);
}

void OpenWindows::flush(ServiceEpoch& part) {
  if (service_.has_sessions()) {
    WindowRows rows = gather_ended(part);
    rows.tables = source_.tables();
    part.flushed.push_back(flusher_->run(rows));
    return;
  }
  for (WindowRows& rows : panes_.gather(part, false)) {
    rows.tables = source_.tables();
    part.flushed.push_back(flusher_->run(rows));
  }
}

void OpenWindows::commit(FlushPool& pool, ServiceEpoch& part) {
  if (!service_.keyed) return;
  panes_.commit(part);
  if (part.ended != nullptr) {
    query::Shards ended;
    for (const PaneRows::Shard& shard : part.ended->shards) ended.push_back(shard.rows);
    part.visible.ended = std::make_shared<const query::Shards>(std::move(ended));
  }
  if (service_.has_sessions()) return;
  for (const FlushedPtr& result : part.flushed) {
    if (result->kind == window::Kind::kFinal) part.visible.last_fired = result->window;
  }
  closing_ -= count_final(results_);
  results_.clear();
  if (!part.flushes_now) {
    for (WindowRows& rows : panes_.gather(part, true)) {
      if (rows.kind == window::Kind::kFinal) ++closing_;
      rows.tables = source_.tables();
      pool.start(number_, *flusher_, std::move(rows));
    }
  }
  panes_.drop(part);
  if (!part.due.empty() || !part.dropping.empty() || !part.flushed.empty())
    part.visible.fired_until = part.after.results.fired_until;
}

void OpenWindows::revert() {
  for (const auto& shard : panes_.shards()) shard->revert();
}

VisibleChanges OpenWindows::seal() {
  VisibleChanges visible;
  const auto& shards = panes_.shards();
  for (std::uint32_t number = 0; number < shards.size(); ++number) {
    shards[number]->seal([&](Timestamp start, auto version) {
      visible.changes.push_back(
          {service_.keyed->assigner.pane_from(start), number, std::move(version)});
    });
  }
  return visible;
}

void OpenWindows::set_sealed() {
  for (const auto& shard : panes_.shards()) shard->set_sealed();
}

std::size_t OpenWindows::count(const Results& results) const {
  if (service_.has_sessions()) return count_sessions(panes_.shards());
  return service_.has_windows() ? panes_.count_windows(results.given_until) + closing_ : 0;
}

bool OpenWindows::waits_for_time() const {
  if (service_.has_sessions()) return runtime::has_sessions(panes_.shards());
  return service_.has_windows() && (!panes_.is_empty() || closing_ != 0);
}

std::uint64_t OpenWindows::bytes() const {
  std::uint64_t bytes = flusher_ ? flusher_->bytes() : 0;
  for (const auto& shard : panes_.shards()) bytes += shard->bytes();
  return bytes;
}

void OpenWindows::release_memory() {
  if (flusher_) flusher_->release_memory();
}

}  // namespace gameflow::runtime
