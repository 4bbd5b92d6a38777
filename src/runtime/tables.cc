#include "runtime/tables.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "runtime/task.h"

namespace gameflow::runtime {

query::Table make_table(const plan::Keyed& keyed, std::uint32_t number, std::string name) {
  plan::Table table = plan::table_of(keyed, keyed.states[number]);
  return {.name = std::move(name),
          .key = table.key,
          .row = table.row,
          .state = number,
          .session_gap = table.session_gap,
          .constant_names = std::move(table.constant_names),
          .segments = {}};
}

query::Table make_table(const plan::TableSource& source) {
  plan::Table table = plan::table_of(source);
  return {.name = std::move(table.name),
          .key = table.key,
          .row = table.row,
          .state = 0,
          .session_gap = {},
          .constant_names = {},
          .segments = {}};
}

namespace {

std::vector<std::int64_t> constants_of(window::Span span, bool closed) {
  if (span == window::kAlways) return {};
  return {span.start.ms, span.end.ms, closed ? 1 : 0};
}

}  // namespace

query::Segment make_segment(window::Span span, bool closed, query::Shards tables) {
  return {constants_of(span, closed), std::make_shared<const query::Shards>(std::move(tables))};
}

query::Segment make_session_segment(bool closed, std::shared_ptr<const query::Shards> tables) {
  return {{closed ? 1 : 0}, std::move(tables)};
}

std::vector<StateTable> state_tables(const plan::Graph& graph) {
  std::map<std::string_view, std::size_t> uses;
  for (const plan::TableSource& source : graph.tables) ++uses[source.accessor];
  const auto each_state = [&graph](auto use) {
    for (plan::ServiceId id = 0; id < graph.services.size(); ++id) {
      const plan::Keyed* const keyed = graph.keyed_of(id);
      for (std::uint32_t i = 0; keyed != nullptr && i < keyed->states.size(); ++i)
        use(id, *keyed, i);
    }
  };
  each_state([&](plan::ServiceId, const plan::Keyed& keyed, std::uint32_t state) {
    ++uses[keyed.states[state].table];
  });
  std::vector<StateTable> tables;
  each_state([&](plan::ServiceId id, const plan::Keyed& keyed, std::uint32_t state) {
    const plan::Service& service = graph.services[id];
    const std::string& own = keyed.states[state].table;
    std::string name = uses[own] > 1 ? fmt::format("{}__{}", service.scope, own) : own;
    tables.push_back({id, keyed.states[state].name, make_table(keyed, state, std::move(name))});
  });
  return tables;
}

VisibleTables::VisibleTables(const plan::Graph& graph, const std::vector<Service>& services,
                             const Tasks& tasks)
    : tasks_(tasks), windows_(services.size()) {
  for (StateTable& state : state_tables(graph)) {
    names_.push_back({state.table.name, graph.services[state.service].name, state.state});
    empty_.push_back(std::move(state.table));
    services_.push_back(state.service);
  }
  for (const plan::TableSource& source : graph.tables) {
    names_.push_back({source.accessor, "tables", source.name});
    empty_.push_back(make_table(source));
  }
}

void VisibleTables::show_sources(std::vector<std::shared_ptr<const query::Shards>> rows) {
  std::shared_ptr<const query::Tables> old_view;
  const MutexLock lock(mutex_);
  sources_.rows.swap(rows);
  ++sources_.changes;
  old_view.swap(view_);
}

void VisibleTables::begin() {
  const MutexLock lock(mutex_);
  is_changing_ = true;
}

void VisibleTables::end() {
  {
    const MutexLock lock(mutex_);
    is_changing_ = false;
  }
  changed_.notify_all();
}

void VisibleTables::publish(std::vector<VisibleChanges> changes) {
  const bool has_news = !std::ranges::all_of(changes, &VisibleChanges::empty);
  bool is_wanted = false;
  {
    const MutexLock lock(mutex_);
    for (std::size_t service = 0; service < changes.size(); ++service)
      windows_[service].changes += changes[service].empty() ? 0U : 1U;
    is_stale_ = is_stale_ || has_news;
    if (!is_stale_) return;
    is_wanted = std::exchange(was_read_, false);
  }
  std::vector<VisibleChanges> sealed;
  if (is_wanted) sealed = seal();
  std::vector<Pane> forgotten;  // their memory, and the view's, is freed behind the lock
  std::shared_ptr<const query::Tables> old_view;
  const MutexLock lock(mutex_);
  old_view = std::move(view_);
  apply(changes, forgotten);
  apply(sealed, forgotten);
  if (!is_wanted) return;
  set_sealed();
  is_stale_ = false;
}

std::vector<VisibleChanges> VisibleTables::seal() const {
  std::vector<VisibleChanges> changes;
  for (const auto& task : tasks_) changes.push_back(task->windows().seal());
  return changes;
}

void VisibleTables::set_sealed() const {
  for (const auto& task : tasks_) task->windows().set_sealed();
}

namespace {

// Windows of panes, merged when somebody looks: the panes are versions, so they may be merged at
// any time. What windows have in common is merged once for all that look at one view.
class MergedView {
 public:
  explicit MergedView(const BoundKeyed& keyed) : merger_(keyed.layout, keyed.merges) {}

  struct Pane {
    std::int64_t number;
    query::Shards tables;
  };
  void add(Pane pane) { panes_.push_back(std::move(pane)); }

  // Of panes with these numbers, the last one included.
  query::Shards window(std::int64_t first, std::int64_t last) {
    const MutexLock lock(mutex_);
    query::Shards merged(state::kShards);
    std::vector<state::MergeFailure> failures;  // told where the window is flushed
    std::vector<state::PaneMerger::Pane> panes;
    for (std::uint32_t shard = 0; shard < state::kShards; ++shard) {
      panes.clear();
      for (const Pane& pane : panes_) {
        if (pane.number < first || pane.number > last || pane.tables[shard] == nullptr) continue;
        panes.push_back({pane.number, &pane.tables[shard], 1});
      }
      if (!panes.empty()) merged[shard] = merger_.merge(shard, panes, failures);
    }
    return merged;
  }

 private:
  Mutex mutex_;
  state::PaneMerger merger_ GF_GUARDED_BY(mutex_);
  std::vector<Pane> panes_;  // in order, all added before the first window
};

}  // namespace

void VisibleTables::apply(std::vector<VisibleChanges>& changes,
                          std::vector<Pane>& forgotten) const {
  for (std::size_t service = 0; service < changes.size(); ++service) {
    ServiceWindows& windows = windows_[service];
    for (VisibleChanges::Change& change : changes[service].changes) {
      auto pane = windows.panes.find(change.pane.start);
      if (pane == windows.panes.end()) {
        if (change.version == nullptr) continue;
        Pane made{change.pane, query::Shards(state::kShards)};
        pane = windows.panes.emplace(change.pane.start, std::move(made)).first;
      }
      std::swap(pane->second.tables[change.shard], change.version);
    }
    if (changes[service].ended != nullptr) std::swap(windows.ended, changes[service].ended);
    if (const auto& fired = changes[service].last_fired) windows.last_fired = fired;
    const auto& fired_until = changes[service].fired_until;
    if (!fired_until) continue;
    windows.fired_until = fired_until;
    const window::Assigner& assigner = tasks_[service]->service().keyed->assigner;
    std::erase_if(windows.panes, [&](auto& entry) {
      const window::Span pane = entry.second.span;
      const auto& last = windows.last_fired;
      const bool is_of_last = last && last->start <= pane.start && pane.end <= last->end;
      if (is_of_last || !window::has_passed(fired_until, assigner.last_end(pane))) return false;
      forgotten.push_back(std::move(entry.second));
      return true;
    });
  }
}

std::vector<query::Segment> VisibleTables::segments_of(const BoundKeyed& keyed,
                                                       const ServiceWindows& windows) {
  const window::Assigner& assigner = keyed.assigner;
  std::vector<query::Segment> segments;
  if (assigner.has_sessions()) {
    if (windows.ended != nullptr) segments.push_back(make_session_segment(true, windows.ended));
    for (const auto& [start, pane] : windows.panes) {
      segments.push_back(
          make_session_segment(false, std::make_shared<const query::Shards>(pane.tables)));
    }
    return segments;
  }
  std::shared_ptr<MergedView> merged;
  if (assigner.is_merged()) merged = std::make_shared<MergedView>(keyed);
  std::map<std::pair<Timestamp, Timestamp>, const Pane*>
      shown;  // by end and start; of its last pane
  for (const auto& entry : windows.panes) {
    const Pane& pane = entry.second;
    if (merged != nullptr) merged->add({assigner.pane_number(entry.first), pane.tables});
    assigner.for_each_window(pane.span, [&](window::Span window) {
      const bool is_open = !window::has_passed(windows.fired_until, window.end);
      if (is_open || window == windows.last_fired) shown[{window.end, window.start}] = &pane;
    });
  }
  for (const auto& [ends, pane] : shown) {
    const window::Span window{ends.second, ends.first};
    const bool is_closed = window::has_passed(windows.fired_until, window.end);
    if (merged == nullptr) {
      segments.push_back(make_segment(window, is_closed, pane->tables));
      continue;
    }
    const std::int64_t first = assigner.pane_number(window.start);
    const std::int64_t last = assigner.pane_number(pane->span.start);
    segments.push_back(
        {constants_of(window, is_closed), query::SegmentShards::made_by([merged, first, last] {
           return merged->window(first, last);
         })});
  }
  return segments;
}

std::shared_ptr<const query::Tables> VisibleTables::view(
    std::chrono::steady_clock::time_point deadline) const {
  MutexLock lock(mutex_);
  was_read_ = true;
  changed_.wait_until(lock.native(), deadline,
                      [this]() GF_REQUIRES(mutex_) { return !is_stale_ || !is_changing_; });
  if (is_stale_) {
    if (is_changing_) return nullptr;
    std::vector<VisibleChanges> sealed = seal();
    std::vector<Pane> forgotten;
    apply(sealed, forgotten);
    set_sealed();
    is_stale_ = false;
    view_ = nullptr;
  }
  if (view_ != nullptr) return view_;
  auto view = std::make_shared<query::Tables>();
  std::vector<std::vector<query::Segment>> segments;
  for (std::size_t service = 0; service < windows_.size(); ++service) {
    const auto& keyed = tasks_[service]->service().keyed;
    segments.push_back(keyed ? segments_of(*keyed, windows_[service])
                             : std::vector<query::Segment>());
  }
  for (std::size_t i = 0; i < empty_.size(); ++i) {
    auto table = std::make_shared<query::Table>(empty_[i]);
    if (i < services_.size()) {
      table->segments = segments[services_[i]];
    } else if (i - services_.size() < sources_.rows.size()) {
      table->segments = {{{}, sources_.rows[i - services_.size()]}};
    }
    view->push_back(std::move(table));
  }
  view_ = std::move(view);
  return view_;
}

std::vector<std::uint64_t> VisibleTables::changes() const {
  const MutexLock lock(mutex_);
  std::vector<std::uint64_t> changes;
  changes.reserve(names_.size());
  for (const std::size_t service : services_) changes.push_back(windows_[service].changes);
  changes.resize(names_.size(), sources_.changes);
  return changes;
}

}  // namespace gameflow::runtime
