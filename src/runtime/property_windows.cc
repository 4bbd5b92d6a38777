// The model's windows.
#include <algorithm>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include <gameflow/quantiles.h>

#include "log/partitioning.h"
#include "record/arena.h"
#include "runtime/property_model.h"

namespace gameflow::runtime::property {
namespace {

std::int64_t floor_to(std::int64_t time, std::int64_t step, std::int64_t offset) {
  const std::int64_t into = (time - offset) % step;
  return time - (into < 0 ? into + step : into);
}

// Of the windows that hold the time, in order.
std::vector<std::int64_t> window_starts(const Window& window, std::int64_t time) {
  std::vector<std::int64_t> starts;
  const std::int64_t step = step_of(window);
  for (std::int64_t start = floor_to(time, step, window.offset); start > time - window.size;
       start -= step)
    starts.insert(starts.begin(), start);
  return starts;
}

bool has_passed(std::optional<std::int64_t> until, std::int64_t end) {
  return until && end <= *until;
}

// As the sketch has it.
std::int64_t median(const std::vector<std::int64_t>& numbers) {
  record::BlockArena arena;
  detail::current_arena = &arena;
  Quantiles sketch;
  for (const std::int64_t number : numbers) sketch.add(static_cast<f64>(number));
  const auto found = static_cast<std::int64_t>(sketch.quantile(0.5));
  detail::current_arena = nullptr;
  return found;
}

}  // namespace

void Model::place(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
                  Partition from, std::int64_t now, std::optional<std::int64_t>& progress,
                  Part& part) {
  const Window& window = *case_.services[service].window;
  const auto gone_until = services_[service].memory.gone_until;
  std::size_t failures = 0;
  bool is_late = false;
  for (const Emitted& out : emitted) {
    if (!is_placeable(service, out, record, from, now, progress, part.after.counters, part.dead))
      continue;
    std::vector<std::int64_t> starts = window_starts(window, out.time);
    std::erase_if(starts,
                  [&](std::int64_t start) { return has_passed(gone_until, start + window.size); });
    if (starts.empty()) {
      is_late = true;
      ++part.after.counters.late;
    } else if (!update(service, starts, out)) {
      ++failures;
    }
  }
  for (; failures > 0; --failures)
    part.dead.push_back(dead_letter(service, "update-state", from, record));
  if (!is_late || !window.late_topic) return;
  const std::uint32_t partitions = case_.topics[*window.late_topic].partitions;
  const auto to =
      record.key ? log::partition_of(*record.key, partitions) : from.second % partitions;
  part.out.push_back({{*window.late_topic, to}, record});
}

void Model::add(const Window& window, const Event& event, std::int64_t pane, Row& row) {
  row.low = row.count == 0 ? event.n : std::min(row.low, event.n);
  ++row.count;
  row.sum += event.n;
  row.deep = std::max(row.deep, event.depth);
  row.names.insert(event.name);
  row.sizes.push_back(event.n);
  if (!window.has_second_state || event.n % 2 != 0) return;
  switch (window.lasts) {
    case Lasts::kByArrival:
      row.last = {event.name, event.n};
      return;
    case Lasts::kGreatest:
      if (!row.last || row.last->first < event.name) row.last = {event.name, 0};
      return;
    case Lasts::kByTime:
      break;
  }
  if (!row.last) {
    row.last = {event.name, event.n};
    row.first_pane = row.last_pane = pane;
    return;
  }
  if (pane < row.first_pane) row.last->second = event.n;
  if (pane >= row.last_pane) row.last->first = event.name;
  row.first_pane = std::min(row.first_pane, pane);
  row.last_pane = std::max(row.last_pane, pane);
}

bool Model::update(std::size_t service, const std::vector<std::int64_t>& starts,
                   const Emitted& emitted) {
  const Window& window = *case_.services[service].window;
  const Event& event = emitted.event;
  try {
    check_update(window, event);
  } catch (const std::runtime_error&) {
    return false;
  }
  if (is_ignored(event)) return true;
  const std::int64_t step = std::gcd(window.size, step_of(window));
  const std::int64_t pane = floor_to(emitted.time, step, window.offset);
  for (const std::int64_t start : starts) {
    State& state = services_[service];
    const auto [entry, is_new] = state.windows.try_emplace(start);
    OpenWindow& open = entry->second;
    // What had closed without a row has no final result any more.
    if (is_new) open.has_fired = has_passed(state.memory.closed_until, start + window.size);
    open.has_changed = true;
    add(window, event, pane, open.rows[emitted.key]);
  }
  if (window.in_panes) {
    services_[service].panes.insert(pane);
  } else {
    services_[service].panes.insert(starts.begin(), starts.end());
  }
  return true;
}

// Which windows give a result, and what is gone behind that.
void Model::close(std::size_t service, std::int64_t now, Part& part) {
  const auto& window = case_.services[service].window;
  Position& after = part.after;
  if (after.watermark) {
    const std::int64_t reached = *after.watermark - window->grace;
    after.closed_until = std::max(after.closed_until.value_or(reached), reached);
    const std::int64_t gone = *after.closed_until - window->reopen;
    after.gone_until = std::max(after.gone_until.value_or(gone), gone);
  }
  bool is_early_due = false;
  if (after.emit_at && *after.emit_at <= now) {
    is_early_due = !after.unsaid.empty();
    after.emit_at = now + window->emit - (now - *after.emit_at) % window->emit;
  }
  part.due.clear();
  for (auto& [start, open] : services_[service].windows) {
    const bool is_open = !has_passed(after.closed_until, start + window->size);
    if (std::exchange(open.has_changed, false) &&
        (is_open ? window->emit != 0 : window->reopen != 0 && open.has_fired))
      after.unsaid.insert(start);
  }
  if (window->emit != 0 && !after.emit_at && !after.unsaid.empty())
    after.emit_at = now + window->emit;
  for (auto& [start, open] : services_[service].windows) {
    if (!has_passed(after.closed_until, start + window->size)) {
      if (is_early_due && after.unsaid.erase(start) != 0)
        part.due.push_back({start, open.rows, &Counters::early});
    } else if (!open.has_fired) {
      open.has_fired = true;
      after.unsaid.erase(start);
      part.due.push_back({start, open.rows, &Counters::windows_closed});
    } else if (after.unsaid.erase(start) != 0) {
      part.due.push_back({start, open.rows, &Counters::corrected});
    }
  }
  drop(service, part);
}

void Model::drop(std::size_t service, Part& part) {
  const Window& window = *case_.services[service].window;
  const auto gone_until = part.after.gone_until;
  State& state = services_[service];
  std::erase_if(state.windows,
                [&](const auto& open) { return has_passed(gone_until, open.first + window.size); });
  const auto dropped = std::erase_if(state.panes, [&](std::int64_t start) {
    const std::int64_t last =
        window.in_panes ? floor_to(start, step_of(window), window.offset) : start;
    return has_passed(gone_until, last + window.size);
  });
  part.drops = dropped != 0;
}

std::vector<Event> Model::query(const Window& window, std::int64_t start, const Rows& rows) const {
  std::vector<std::pair<Rows::key_type, Row>> sorted(rows.begin(), rows.end());
  std::ranges::stable_sort(
      sorted, [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  std::vector<Event> events;
  for (const auto& [key, row] : sorted) {
    if (static_cast<std::int64_t>(events.size()) == window.limit) break;
    std::int64_t n = row.sum * 3 + row.count + row.low;
    if (window.has_sketches)
      n += static_cast<std::int64_t>(row.names.size()) * 7 + median(row.sizes);
    std::string_view name = "none";
    if (row.last) {
      name = row.last->first;
      n += row.last->second;
    }
    if (!window.has_second_state && !window.has_integer_key) name = constant_name(key.second);
    events.push_back({name, start + window.size - 1, n % 1000, row.deep + 1});
  }
  return events;
}

void Model::flush(std::size_t service, const Result& due, Part& part) {
  const Service& of = case_.services[service];
  const std::int64_t start = due.start;
  ++(part.after.counters.*due.counter);
  const auto add_failure = [&](std::string_view op) {
    part.dead.push_back(fmt::format(R"({{"service":"s{}","operator":"{}","window_start":{}}})",
                                    service, op, start));
  };
  try {
    check_flush(*of.window, start);
  } catch (const std::runtime_error&) {
    return add_failure("flush");
  }
  const std::vector<Event> result = query(*of.window, start, due.rows);
  for (const Sink& sink : of.sinks) {
    const Topic& topic = case_.topics[sink.topic];
    const std::int64_t step = step_of(*of.window);
    const std::int64_t number = (start - of.window->offset % step) / step;
    const auto to =
        static_cast<std::uint32_t>(static_cast<std::uint64_t>(number) % topic.partitions);
    const auto add = [&](const std::vector<Event>& value, bool is_list) {
      ++part.after.counters.out;
      part.out.push_back({{sink.topic, to},
                          {.time = start + of.window->size,
                           .key = {},
                           .text = text_of(topic.content, value, is_list),
                           .value = value}});
    };
    if (sink.steps.empty()) {
      add(result, true);
      continue;
    }
    std::vector<Event> made;
    const auto failed =
        pass_all(sink.steps, result, look_up_of(service, &due), [&made](const Event& event) {
          made.push_back(event);
          return std::string_view();
        });
    if (!failed.empty()) {
      add_failure(failed);
      continue;
    }
    for (const Event& event : made) add({event}, false);
  }
}

std::size_t Model::windows_open(std::size_t service) const {
  const State& state = services_[service];
  const auto open = std::ranges::count_if(
      state.windows, [](const auto& window) { return !window.second.has_fired; });
  const auto closing = std::ranges::count_if(state.flushing, [](const Result& result) {
    return result.counter == &Counters::windows_closed;
  });
  return static_cast<std::size_t>(open + closing);
}

}  // namespace gameflow::runtime::property
