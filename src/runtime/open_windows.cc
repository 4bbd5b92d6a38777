#include "runtime/open_windows.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "query/query.h"
#include "window/trigger.h"

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

// What is gathered of the shards: those that have the window.
class Gathered {
 public:
  Gathered(window::Span span, const StoredRows& stored)
      : closed_{.span = span, .tables = query::Shards(state::kShards), .stored = stored} {}

  const auto& add(std::uint32_t shard, std::shared_ptr<const state::TableVersion> rows) {
    has_rows_ = true;
    return closed_.tables[shard] = std::move(rows);
  }
  // Nothing where there are none.
  std::optional<ClosedWindow> take() {
    if (!has_rows_) return std::nullopt;
    return std::move(closed_);
  }

 private:
  ClosedWindow closed_;
  bool has_rows_ = false;
};

}  // namespace

OpenWindows::OpenWindows(const plan::Graph& graph, const Service& service, std::size_t number,
                         std::size_t rows_flushed_at_once)
    : service_(service), number_(number), rows_flushed_at_once_(rows_flushed_at_once) {
  if (!service_.keyed) return;
  for (std::uint32_t shard = 0; shard < state::kShards; ++shard)
    shards_.push_back(std::make_unique<state::Shard>(service_.keyed->layout));
  flusher_.emplace(graph, service_);
}

void OpenWindows::begin(FlushPool& pool, ServiceEpoch& part) {
  std::ranges::move(pool.take(number_), std::back_inserter(results_));
  // Windows are flushed in order: results of earlier ones first.
  part.flushed = results_;
}

void OpenWindows::decide(Timestamp now, const FlushPool& pool, ServiceEpoch& part) const {
  if (!service_.keyed) return;
  const Positions& after = part.after;
  const Timestamp future_from = now + service_.future_max + Duration{1};
  std::map<Timestamp, window::Span> asked;
  std::size_t rows = 0;  // no more than these close
  auto far_ahead = std::distance(open_.lower_bound(future_from), open_.end());
  for (const Delivery* delivery : part.deliveries) {
    for (const window::Span span : delivery->placement->exchange.windows()) {
      if (!asked.try_emplace(span.start, span).second || open_.contains(span.start)) continue;
      if (span.start >= future_from && ++far_ahead > kFutureWindowsMax)
        part.refused.insert(span.start);
    }
    rows += delivery->placement->exchange.size();
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

  // Windows are rewritten in epochs that change them, which visit some more shards for it.
  for (const Delivery* delivery : part.deliveries)
    part.shards |= delivery->placement->exchange.shards();
  for (const auto& [start, span] : asked) {
    const bool is_flushed =
        part.flushes_now && window::Trigger::is_closed(span, after.closed_until);
    if (is_flushed) continue;
    StoredRows stored = stored_of(open_, start);
    const std::uint64_t shards = stored.rewrite_shards();
    if (shards == 0) continue;
    part.rewritten.emplace(start, shards);
    part.stored.emplace(start, stored);
    part.shards |= shards;
  }
}

void OpenWindows::update_shard(std::uint32_t shard, Timestamp now, std::uint32_t worker,
                               ShardUpdate& update, ServiceEpoch& part) {
  const UpdateRules rules{
      .deliveries = {part.deliveries.data(), part.deliveries.size()},
      .is_shared = part.shares_keys,
      .now = now,
      .refused = &part.refused,
      .flushed_until = part.flushes_now ? part.after.closed_until : std::nullopt,
      .rewritten = &part.rewritten};
  update.run(service_, shard, *shards_[shard], rules, part.outcomes[shard], part.rows[worker]);
}

// The window leaves the shards.
std::optional<ClosedWindow> OpenWindows::close(window::Span span, const StoredRows& stored,
                                               VisibleChanges& visible) {
  Gathered gathered(span, stored);
  for (std::uint32_t number = 0; number < shards_.size(); ++number) {
    const auto window = shards_[number]->take(span.start);
    if (window == nullptr) continue;
    visible.changes.push_back({span, number, gathered.add(number, window->table.seal())});
  }
  return gathered.take();
}

// The windows stay in the shards until the epoch is committed.
void OpenWindows::flush(ServiceEpoch& part) {
  if (!part.flushes_now) return;
  for (const window::Span span : part.closing) {
    Gathered gathered(span, stored_of(open_, span.start));
    for (std::uint32_t number = 0; number < shards_.size(); ++number) {
      state::Shard::Window* const window = shards_[number]->find(span.start);
      if (window != nullptr) gathered.add(number, window->table.peek());
    }
    if (auto closed = gathered.take()) part.flushed.push_back(flusher_->run(std::move(*closed)));
  }
}

void OpenWindows::write(ServiceEpoch& part, log::Commit& commit) const {
  RowValues::ByWindow values = join(part.rows);
  for (const auto& [start, shards] : part.rewritten) values[start];  // also where they have no rows
  for (auto& [start, of_window] : values) {
    const auto stored = part.stored.emplace(start, stored_of(open_, start)).first;
    store_rows(service_.name, start, std::move(of_window), stored->second, commit);
  }
}

void OpenWindows::commit(FlushPool& pool, ServiceEpoch& part) {
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

void OpenWindows::revert() {
  for (const auto& shard : shards_) shard->revert();
}

VisibleChanges OpenWindows::seal() {
  VisibleChanges visible;
  for (std::uint32_t number = 0; number < shards_.size(); ++number) {
    shards_[number]->seal([&](Timestamp start, auto version) {
      visible.changes.push_back(
          {service_.keyed->assigner.span_from(start), number, std::move(version)});
    });
  }
  return visible;
}

void OpenWindows::set_sealed() {
  for (const auto& shard : shards_) shard->set_sealed();
}

void OpenWindows::add_to(ServiceStats& stats) const {
  stats.windows_open = count();
  if (!service_.keyed) return;
  const std::vector<plan::State>& states = service_.keyed->plan->states;
  for (std::size_t state = 0; state < states.size(); ++state) {
    StateStats& of_state = stats.states.emplace_back(StateStats{states[state].name, 0, 0});
    for (const auto& shard : shards_) {
      of_state.rows += shard->rows(state);
      of_state.bytes += shard->bytes() / states.size();
    }
  }
}

std::uint64_t OpenWindows::bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->bytes();
  return bytes;
}

void OpenWindows::release_memory() {
  if (flusher_) flusher_->release_memory();
}

}  // namespace gameflow::runtime
