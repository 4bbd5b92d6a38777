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
          .constant_names = std::move(table.constant_names),
          .segments = {}};
}

query::Table make_table(const plan::TableSource& source) {
  plan::Table table = plan::table_of(source);
  return {.name = std::move(table.name),
          .key = table.key,
          .row = table.row,
          .state = 0,
          .constant_names = {},
          .segments = {}};
}

query::Segment make_segment(window::Span span, bool closed, query::Shards tables) {
  auto shards = std::make_shared<const query::Shards>(std::move(tables));
  if (span == window::kAlways) return {{}, std::move(shards)};
  return {{span.start.ms, span.end.ms, closed ? 1 : 0}, std::move(shards)};
}

VisibleTables::VisibleTables(const plan::Graph& graph, const std::vector<Service>& services,
                             const Tasks& tasks)
    : tasks_(tasks), windows_(services.size()) {
  std::map<std::string_view, std::size_t> uses;
  for (const plan::TableSource& source : graph.tables) ++uses[source.accessor];
  for (const Service& service : services) {
    if (!service.keyed) continue;
    for (const plan::State& state : service.keyed->plan->states) ++uses[state.table];
  }
  for (std::size_t number = 0; number < services.size(); ++number) {
    const Service& service = services[number];
    if (!service.keyed) continue;
    const std::vector<plan::State>& states = service.keyed->plan->states;
    for (std::uint32_t i = 0; i < states.size(); ++i) {
      const std::string& own = states[i].table;
      std::string name = uses[own] > 1 ? fmt::format("{}__{}", service.scope, own) : own;
      names_.push_back({name, std::string(service.name), states[i].name});
      empty_.push_back(make_table(*service.keyed->plan, i, std::move(name)));
      services_.push_back(number);
    }
  }
  for (const plan::TableSource& source : graph.tables) {
    names_.push_back({source.accessor, "tables", source.name});
    empty_.push_back(make_table(source));
  }
}

void VisibleTables::show_sources(std::vector<std::shared_ptr<const query::Shards>> rows) {
  std::shared_ptr<const query::Tables> old_view;
  const MutexLock lock(mutex_);
  sources_.swap(rows);
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
    is_stale_ = is_stale_ || has_news;
    if (!is_stale_) return;
    is_wanted = std::exchange(was_read_, false);
  }
  std::vector<VisibleChanges> sealed;
  if (is_wanted) sealed = seal();
  std::vector<Window> forgotten;  // their memory, and the view's, is freed behind the lock
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

void VisibleTables::apply(std::vector<VisibleChanges>& changes,
                          std::vector<Window>& forgotten) const {
  for (std::size_t service = 0; service < changes.size(); ++service) {
    ServiceWindows& windows = windows_[service];
    for (VisibleChanges::Change& change : changes[service].changes) {
      auto window = windows.open.find(change.span.start);
      if (window == windows.open.end()) {
        if (change.version == nullptr) continue;
        Window made{change.span, query::Shards(state::kShards)};
        window = windows.open.emplace(change.span.start, std::move(made)).first;
      }
      std::swap(window->second.tables[change.shard], change.version);
    }
    for (const window::Span& span : changes[service].forgotten) {
      if (auto gone = windows.open.extract(span.start); !gone.empty())
        forgotten.push_back(std::move(gone.mapped()));
    }
    for (const window::Span& span : changes[service].flushed) {
      auto closed = windows.open.extract(span.start);
      if (closed.empty()) continue;
      if (windows.last_flushed) forgotten.push_back(std::move(*windows.last_flushed));
      windows.last_flushed = std::move(closed.mapped());
    }
  }
}

std::vector<query::Segment> VisibleTables::segments_of(const ServiceWindows& windows) {
  std::vector<query::Segment> segments;
  if (const auto& last = windows.last_flushed)
    segments.push_back(make_segment(last->span, true, last->tables));
  for (const auto& [start, window] : windows.open)
    segments.push_back(make_segment(window.span, false, window.tables));
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
    std::vector<Window> forgotten;
    apply(sealed, forgotten);
    set_sealed();
    is_stale_ = false;
    view_ = nullptr;
  }
  if (view_ != nullptr) return view_;
  auto view = std::make_shared<query::Tables>();
  std::vector<std::vector<query::Segment>> segments;
  for (const ServiceWindows& windows : windows_) segments.push_back(segments_of(windows));
  for (std::size_t i = 0; i < empty_.size(); ++i) {
    auto table = std::make_shared<query::Table>(empty_[i]);
    if (i < services_.size()) {
      table->segments = segments[services_[i]];
    } else if (i - services_.size() < sources_.size()) {
      table->segments = {{{}, sources_[i - services_.size()]}};
    }
    view->push_back(std::move(table));
  }
  view_ = std::move(view);
  return view_;
}

}  // namespace gameflow::runtime
