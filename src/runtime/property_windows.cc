// The model's windows.
#include <algorithm>
#include <iterator>
#include <numeric>
#include <stdexcept>
#include <tuple>
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

// Of a window near 1970.
std::int64_t first_start(const Window& window) {
  return window.offset % step_of(window) - (window.is_local ? kZoneOffset : 0);
}

// Of the windows that hold the time, in order.
std::vector<std::int64_t> window_starts(const Window& window, std::int64_t time) {
  std::vector<std::int64_t> starts;
  const std::int64_t step = step_of(window);
  for (std::int64_t start = floor_to(time, step, first_start(window)); start > time - window.size;
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
    std::vector<std::int64_t> starts;
    if (!window.has_sessions()) starts = window_starts(window, out.time);
    std::erase_if(starts,
                  [&](std::int64_t start) { return has_passed(gone_until, start + window.size); });
    if (window.has_sessions() ? is_late_for_sessions(service, out) : starts.empty()) {
      is_late = true;
      ++part.after.counters.late;
    } else if (!(window.has_sessions() ? join_session(service, out)
                                       : update(service, starts, out))) {
      ++failures;
    }
  }
  for (; failures > 0; --failures)
    part.dead.push_back(dead_letter(service, "update-state", from, record));
  if (is_late) write_late(service, record, from, part);
}

void Model::add(const Window& window, const Event& event, std::int64_t summand, std::int64_t pane,
                Row& row) {
  row.low = row.count == 0 ? event.n : std::min(row.low, event.n);
  ++row.count;
  row.sum += summand;
  row.deep = std::max(row.deep, event.depth);
  row.names.insert(event.name);
  row.sizes.push_back(event.n);
  if (!uses_lasts(window, event)) return;
  row.last_deep = std::max(row.last_deep, event.depth + 1);
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
  const std::int64_t pane = floor_to(emitted.time, step, first_start(window));
  for (const std::int64_t start : starts) {
    State& state = services_[service];
    const auto [entry, is_new] = state.windows.try_emplace(start);
    OpenWindow& open = entry->second;
    // What had closed without a row has no final result any more.
    if (is_new) open.has_fired = has_passed(state.memory.closed_until, start + window.size);
    open.has_changed = true;
    add(window, event, event.n, pane, open.rows[emitted.key]);
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
        window.in_panes ? floor_to(start, step_of(window), first_start(window)) : start;
    return has_passed(gone_until, last + window.size);
  });
  part.drops = dropped != 0;
}

// In the order in which the engine has them.
std::vector<Line> Model::lines_of(const Window& window, const Result& result) {
  std::vector<Line> lines;
  for (const auto& [key, row] : result.rows)
    lines.push_back({key, &row, result.start, result.start + window.size});
  for (const auto& [key, session] : result.sessions)
    lines.push_back({key, &session.row, session.first, session.last + window.gap});
  return lines;
}

std::vector<Event> Model::query(const Window& window, std::vector<Line> lines) {
  std::erase_if(lines, [](const Line& line) { return !line.row->has_totals(); });
  std::ranges::sort(lines, {}, [](const Line& line) {
    return std::tuple(-line.row->count, line.key, line.start);
  });
  std::vector<Event> events;
  for (const Line& line : lines) {
    const Row& row = *line.row;
    if (static_cast<std::int64_t>(events.size()) == window.limit) break;
    std::int64_t n = row.sum * 3 + row.count + row.low;
    if (window.has_sketches)
      n += static_cast<std::int64_t>(row.names.size()) * 7 + median(row.sizes);
    std::string_view name = "none";
    if (row.last) {
      name = row.last->first;
      n += row.last->second;
    }
    if (!window.has_second_state && !window.has_integer_key) name = constant_name(line.key.second);
    events.push_back({name, line.end - 1, n % 1000, row.deep + 1});
  }
  return events;
}

// What is said of a row. It may throw.
Event Model::said_of(const Window& window, const Line& line) {
  const Row& row = *line.row;
  const auto said = [&](std::int64_t number, std::int64_t deep, std::string_view name) {
    check_each(window, number);
    return Event{name, line.end - 1, number % 1000, deep};
  };
  if (window.has_second_state) return said(row.last->second, row.last_deep, row.last->first);
  return said(row.sum * 3 + row.count + row.low, row.deep + 1,
              window.has_integer_key ? "none" : constant_name(line.key.second));
}

namespace {

// As dead letters tell what `each` is given.
std::string about(const Window& window, const Line& line) {
  std::string text = fmt::format(R"("window_start":{})", line.start);
  if (!window.has_sessions()) return text;
  const std::string key = window.has_integer_key ? std::to_string(line.key.first) : line.key.second;
  return text + fmt::format(R"(,"window_end":{},"row_key":"{}")", line.end, key);
}

}  // namespace

// What leaves a flush for the sinks; failures are told.
std::vector<Said> Model::flushed(std::size_t service, const Result& due, Part& part) {
  const Window& window = *case_.services[service].window;
  const std::vector<Line> lines = lines_of(window, due);
  std::vector<Said> all;
  if (window.flushes_each) {
    for (const Line& line : lines) {
      if (!(window.has_second_state ? line.row->last.has_value() : line.row->has_totals()))
        continue;
      try {
        all.push_back({{said_of(window, line)}, line.end, about(window, line)});
      } catch (const std::runtime_error&) {
        fail(service, "each", about(window, line), part);
      }
    }
    return all;
  }
  std::int64_t end = due.start + window.size;
  std::string about = fmt::format(R"("window_start":{})", due.start);
  if (window.has_sessions()) {
    end = lines.back().end;
    about += fmt::format(R"(,"window_end":{})", end);
  }
  try {
    check_flush(window, due.start);
    all.push_back({query(window, lines), end, about});
  } catch (const std::runtime_error&) {
    fail(service, "flush", about, part);
  }
  return all;
}

void Model::fail(std::size_t service, std::string_view op, std::string_view about, Part& part) {
  part.dead.push_back(fmt::format(R"({{"service":"s{}","operator":"{}",{}}})", service, op, about));
}

void Model::flush(std::size_t service, const Result& due, Part& part) {
  const Service& of = case_.services[service];
  const Window& window = *of.window;
  part.after.counters.*due.counter += window.has_sessions() ? due.sessions.size() : 1;
  const std::vector<Said> results = flushed(service, due, part);
  const std::int64_t step = step_of(window);
  const std::int64_t number = window.has_sessions() ? 0 : (due.start - first_start(window)) / step;
  for (const Sink& sink : of.sinks) {
    const Topic& topic = case_.topics[sink.topic];
    const auto to =
        static_cast<std::uint32_t>(static_cast<std::uint64_t>(number) % topic.partitions);
    for (const auto& [result, end, about] : results) {
      const auto add = [&](const std::vector<Event>& value, bool is_list) {
        ++part.after.counters.out;
        part.out.push_back({{sink.topic, to},
                            {.time = end,
                             .key = {},
                             .text = text_of(topic.content, value, is_list),
                             .value = value}});
      };
      if (of.gives_lists() && sink.steps.empty()) {
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
        fail(service, failed, about, part);
        continue;
      }
      for (const Event& event : made) add({event}, false);
    }
  }
}

std::size_t Model::windows_open(std::size_t service) const {
  const State& state = services_[service];
  std::size_t sessions = 0;
  for (const auto& [key, of_key] : state.sessions) sessions += of_key.size();
  if (sessions != 0) return sessions;
  const auto open = std::ranges::count_if(
      state.windows, [](const auto& window) { return !window.second.has_fired; });
  const auto closing = std::ranges::count_if(state.flushing, [](const Result& result) {
    return result.counter == &Counters::windows_closed;
  });
  return static_cast<std::size_t>(open + closing);
}

}  // namespace gameflow::runtime::property
