#include "runtime/panes.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "plan/graph.h"
#include "query/query.h"
#include "window/trigger.h"

namespace gameflow::runtime {
namespace {

// Panes that only clocks far ahead ask for stay open until time gets there, maybe for years: so
// many of them, and no more.
constexpr std::ptrdiff_t kFuturePanesMax = 1000;

using Shards = std::vector<std::unique_ptr<state::Shard>>;

template <class Open>
StoredRows stored_of(const Open& open, Timestamp start) {
  const auto found = open.find(start);
  return found == open.end() ? StoredRows{} : found->second.stored;
}

constexpr bool is_part(window::Span pane, window::Span window) {
  return window.start <= pane.start && pane.end <= window.end;
}

// The rows of panes, each taken once for all windows that it is part of.
class Gathered {
 public:
  Gathered(const Shards& shards, const window::Assigner& assigner, bool as_committed)
      : shards_(shards), assigner_(assigner), as_committed_(as_committed) {}

  void add(Timestamp start) { panes_.try_emplace(start, nullptr); }

  WindowRows of(const DueResult& result) {
    WindowRows rows{.window = result.window, .kind = result.kind, .panes = {}};
    for (auto at = panes_.lower_bound(result.window.start);
         at != panes_.end() && at->first < result.window.end; ++at) {
      // Those of windows that overlap may be windows of their own.
      if (!assigner_.is_merged() && at->first != result.window.start) break;
      if (at->second == nullptr) at->second = gather(at->first);
      rows.panes.push_back(at->second);
    }
    return rows;
  }

 private:
  std::shared_ptr<const PaneRows> gather(Timestamp start) const {
    auto rows = std::make_shared<PaneRows>();
    rows->number = assigner_.pane_number(start);
    rows->shards.resize(shards_.size());
    for (std::size_t number = 0; number < shards_.size(); ++number) {
      state::Shard::Window* const shard = shards_[number]->find(start);
      if (shard == nullptr) continue;
      rows->shards[number] = {as_committed_ ? shard->table.seal() : shard->table.peek(),
                              shard->stamp};
    }
    return rows;
  }

  const Shards& shards_;
  const window::Assigner& assigner_;
  const bool as_committed_;
  std::map<Timestamp, std::shared_ptr<const PaneRows>> panes_;
};

// Operators may have erased all that there was.
bool has_live_rows(const Shards& shards, const state::Layout& layout, window::Span pane) {
  return std::ranges::any_of(shards, [&](const auto& shard) {
    const state::Shard::Window* const rows = shard->find(pane.start);
    if (rows == nullptr) return false;
    for (std::size_t state = 0; state < layout.state_count(); ++state) {
      if (rows->table.rows(state) != 0) return true;
    }
    return false;
  });
}

// Whether a restart would have to make a result of it.
bool is_needed(const window::Assigner& assigner, window::Span pane, const Results& results) {
  if (!window::has_passed(results.fired_until, assigner.last_end(pane))) return true;
  if (results.in_flight.empty()) return false;
  bool is_in_flight = false;
  assigner.for_each_window(pane, [&](window::Span window) {
    is_in_flight = is_in_flight || results.in_flight.contains(window.start);
  });
  return is_in_flight;
}

}  // namespace

Panes::Panes(const Service& service) : service_(service) {
  if (!service_.keyed) return;
  for (std::uint32_t shard = 0; shard < state::kShards; ++shard)
    shards_.push_back(std::make_unique<state::Shard>(service_.keyed->layout));
}

void Panes::ask(Timestamp now, ServiceEpoch& part) const {
  const Timestamp future_from = now + service_.future_max + Duration{1};
  auto far_ahead = std::distance(open_.lower_bound(future_from), open_.end());
  std::map<Timestamp, window::Span> asked;
  for (const Delivery* delivery : part.deliveries) {
    for (const window::Span pane : delivery->placement->exchange.windows()) {
      if (!asked.try_emplace(pane.start, pane).second || open_.contains(pane.start)) continue;
      if (pane.start >= future_from && ++far_ahead > kFuturePanesMax)
        part.refused.insert(pane.start);
    }
    part.shards |= delivery->placement->exchange.shards();
  }
  part.asked.clear();
  for (const auto& [start, pane] : asked) {
    if (!part.refused.contains(start)) part.asked.push_back(pane);
  }
}

std::vector<window::Span> Panes::ended(std::optional<Timestamp> until,
                                       const ServiceEpoch& part) const {
  const window::Assigner& assigner = service_.keyed->assigner;
  std::vector<window::Span> panes;
  for (const auto& [start, pane] : open_) {
    const window::Span span = assigner.pane_from(start);
    if (!window::has_passed(until, assigner.first_end(span))) break;
    if (!std::ranges::binary_search(part.asked, span)) panes.push_back(span);
  }
  return panes;
}

// Panes are rewritten in epochs that change them, which visit some more shards for it.
void Panes::decide_stores(ServiceEpoch& part) const {
  const window::Assigner& assigner = service_.keyed->assigner;
  for (const window::Span pane : part.asked) {
    const bool is_forgotten = part.flushes_now && window::has_passed(part.after.closed.gone_until,
                                                                     assigner.last_end(pane));
    if (is_forgotten) continue;
    StoredRows stored = stored_of(open_, pane.start);
    const std::uint64_t shards = stored.rewrite_shards();
    if (shards == 0) continue;
    part.rewritten.emplace(pane.start, shards);
    part.stored.emplace(pane.start, stored);
    part.shards |= shards;
  }
}

std::vector<window::Span> Panes::changed(const ServiceEpoch& part) const {
  std::vector<window::Span> changed;
  std::ranges::copy_if(part.asked, std::back_inserter(changed), [this](window::Span pane) {
    return std::ranges::any_of(shards_, [&](const auto& shard) {
      const state::Shard::Window* const rows = shard->find(pane.start);
      return rows != nullptr && rows->table.has_changes();
    });
  });
  return changed;
}

bool Panes::has_rows(window::Span window, const ServiceEpoch& part) const {
  const BoundKeyed& keyed = *service_.keyed;
  const auto has_some = [&](window::Span pane) {
    return is_part(pane, window) && has_live_rows(shards_, keyed.layout, pane);
  };
  for (auto at = open_.lower_bound(window.start); at != open_.end() && at->first < window.end;
       ++at) {
    if (has_some(keyed.assigner.pane_from(at->first))) return true;
  }
  return std::ranges::any_of(part.asked, has_some);
}

std::size_t Panes::rows(window::Span window) const {
  std::size_t rows = 0;
  for (auto at = open_.lower_bound(window.start); at != open_.end() && at->first < window.end;
       ++at) {
    if (is_part(service_.keyed->assigner.pane_from(at->first), window)) rows += at->second.rows;
  }
  return rows;
}

std::vector<WindowRows> Panes::gather(const ServiceEpoch& part, bool as_committed) const {
  if (part.due.empty()) return {};
  Gathered gathered(shards_, service_.keyed->assigner, as_committed);
  for (const auto& [start, pane] : open_) gathered.add(start);
  for (const window::Span pane : part.asked) gathered.add(pane.start);
  std::vector<WindowRows> rows;
  for (const DueResult& result : part.due) rows.push_back(gathered.of(result));
  return rows;
}

std::size_t Panes::count_windows(std::optional<Timestamp> until) const {
  const window::Assigner& assigner = service_.keyed->assigner;
  std::size_t windows = 0;
  std::optional<Timestamp> counted;
  for (const auto& [start, pane] : open_) {
    assigner.for_each_window(assigner.pane_from(start), [&](window::Span window) {
      if ((counted && window.start <= *counted) || window::has_passed(until, window.end)) return;
      counted = window.start;
      ++windows;
    });
  }
  return windows;
}

void Panes::write(ServiceEpoch& part, log::Commit& commit) const {
  if (!service_.keyed) return;
  RowValues::ByWindow values = join(part.rows);
  const window::Assigner& assigner = service_.keyed->assigner;
  const Results& results = part.after.results;
  for (const window::Span pane : part.dropping) {
    if (is_needed(assigner, pane, results)) continue;
    values.erase(pane.start);
    part.rewritten.erase(pane.start);
    erase_rows(service_.name, pane.start, stored_of(open_, pane.start), commit);
  }
  for (const auto& [start, stored] : leaving_) {
    if (!is_needed(assigner, assigner.pane_from(start), results))
      erase_rows(service_.name, start, stored, commit);
  }
  for (const auto& [start, shards] : part.rewritten) values[start];  // also where they have no rows
  for (auto& [start, of_pane] : values) {
    const auto stored = part.stored.emplace(start, stored_of(open_, start)).first;
    store_rows(service_.name, start, std::move(of_pane), stored->second, commit);
  }
}

void Panes::commit(ServiceEpoch& part) {
  for (std::uint32_t number = 0; number < shards_.size(); ++number) {
    shards_[number]->commit([&](Timestamp start, std::size_t new_keys, bool was_sealed) {
      open_[start].rows += new_keys;
      if (was_sealed)
        part.visible.changes.push_back(
            {service_.keyed->assigner.pane_from(start), number, nullptr});
    });
  }
  for (const auto& [start, rows] : part.stored) open_[start].stored = rows;
}

void Panes::drop(ServiceEpoch& part) {
  const window::Assigner& assigner = service_.keyed->assigner;
  const Results& results = part.after.results;
  std::erase_if(leaving_, [&](const auto& pane) {
    return !is_needed(assigner, assigner.pane_from(pane.first), results);
  });
  for (const window::Span pane : part.dropping) {
    for (std::uint32_t number = 0; number < shards_.size(); ++number) {
      if (const auto rows = shards_[number]->take(pane.start))
        part.visible.changes.push_back({pane, number, rows->table.seal()});
    }
    const StoredRows stored = stored_of(open_, pane.start);
    if (stored.count() != 0 && is_needed(assigner, pane, results))
      leaving_.emplace(pane.start, stored);
    open_.erase(pane.start);
  }
}

void Panes::add_to(ServiceStats& stats) const {
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

}  // namespace gameflow::runtime
