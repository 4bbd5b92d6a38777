#include "runtime/property_model.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "log/partitioning.h"

namespace gameflow::runtime::property {
namespace {

constexpr std::int64_t kYear1 = -62'135'596'800'000, kYear9999 = 253'402'300'799'999;
constexpr std::size_t kKeyBytes = 32U << 10;

using Out = std::function<std::string_view(const Event&)>;

// Hands an event to the steps from `at` on, and what leaves them to `out`. Functions call each
// other: each thing that a flat-map makes goes all the way before the next. Returns what failed; or
// nothing.
std::string_view pass(const std::vector<Step>& steps, std::size_t at, const Event& event,
                      const Out& out) {
  if (at == steps.size()) return out(event);
  std::vector<Event> made;
  try {
    apply(steps[at], event, made);
  } catch (const std::runtime_error&) {
    return kind_of(steps[at].op);
  }
  for (const Event& next : made) {
    if (const auto failed = pass(steps, at + 1, next, out); !failed.empty()) return failed;
  }
  return {};
}

// The same of a record: of each of its events, where it is a list.
std::string_view pass_all(std::vector<Step> steps, const std::vector<Event>& events,
                          const Out& out) {
  std::erase_if(steps, [](const Step& step) { return step.op == Step::Op::kExplode; });
  for (const Event& event : events) {
    if (const auto failed = pass(steps, 0, event, out); !failed.empty()) return failed;
  }
  return {};
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

// How a record of a topic is written.
std::string text_of(Content content, const std::vector<Event>& events, bool is_list) {
  return content == Content::kLists || is_list ? json_of(events) : json_of(events.front());
}

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

}  // namespace

std::string json_of(const Event& event) {
  return fmt::format(R"({{"name":"{}","at":{},"n":{},"depth":{}}})", event.name, event.at, event.n,
                     event.depth);
}

std::string json_of(const std::vector<Event>& events) {
  std::string text = "[";
  for (const Event& event : events) text += (text.size() > 1 ? "," : "") + json_of(event);
  return text + "]";
}

Model::Model(const Case& modelled) : case_(modelled), services_(modelled.services.size()) {
  for (std::size_t i = 0; i < services_.size(); ++i) {
    Position& start = services_[i].stored;
    start.next.resize(inputs_of(i).size());
    start.progress.resize(start.next.size());
  }
}

std::vector<Partition> Model::inputs_of(std::size_t service) const {
  std::vector<Partition> inputs;
  for (const Source& source : case_.services[service].sources) {
    for (std::uint32_t p = 0; p < case_.topics[source.topic].partitions; ++p)
      inputs.emplace_back(source.topic, p);
  }
  return inputs;
}

const Source& Model::source_of(std::size_t service, std::size_t input) const {
  for (const Source& source : case_.services[service].sources) {
    const std::size_t partitions = case_.topics[source.topic].partitions;
    if (input < partitions) return source;
    input -= partitions;
  }
  throw std::logic_error("no such input");
}

bool Model::feeds(std::size_t from, std::size_t to) const {
  const Service& writer = case_.services[from];
  return std::ranges::any_of(case_.services[to].sources, [&](const Source& source) {
    return (writer.window && writer.window->late_topic == source.topic) ||
           std::ranges::any_of(writer.sinks,
                               [&](const Sink& sink) { return sink.topic == source.topic; });
  });
}

void Model::append(Partition partition, Record record) {
  topics_[partition].push_back(std::move(record));
}

void Model::open(std::int64_t steady) {
  for (State& service : services_) {
    // Early results that were not committed wait for the next time.
    std::erase_if(service.flushing, [&service](const Result& result) {
      if (result.counter != &Counters::early) return false;
      service.stored.unsaid.insert(result.start);
      return true;
    });
    service.memory = service.stored;
    service.heard.assign(service.memory.next.size(), steady);
  }
}

void Model::fail(std::int64_t steady) {
  for (State& service : services_) std::ranges::fill(service.heard, steady);
}

Model::Outcome Model::run(std::int64_t now, std::int64_t steady, const Cut& cut, bool input_ends) {
  std::vector<Part> parts(services_.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i].after = services_[i].memory;
    parts[i].flushed = services_[i].flushing;
    read(i, now, steady, cut, parts[i]);
    move_watermark(i, steady, parts[i]);
    close(i, now, parts[i]);
  }
  const auto has_work = [&parts] { return std::ranges::any_of(parts, &Part::has_work); };
  while (input_ends && !has_work() && end_next(now, parts)) {
  }
  Outcome outcome{.has_work = has_work(), .appended = {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    State& service = services_[i];
    if (!case_.flushes_beside)
      part.flushed.insert(part.flushed.end(), part.due.begin(), part.due.end());
    for (const Result& result : part.flushed) flush(i, result, part);
    service.flushing = case_.flushes_beside ? part.due : std::vector<Result>();
    part.after.counters.dead += part.dead.size();
    for (std::string& text : part.dead)
      outcome.appended[{dead_topic(), 0}].push_back(
          {.time = now, .key = {}, .text = std::move(text), .value = {}});
    for (auto& [partition, record] : part.out)
      outcome.appended[partition].push_back(std::move(record));
    service.memory = part.after;
    if (part.has_work()) service.stored = part.after;
  }
  return outcome;
}

void Model::read(std::size_t service, std::int64_t now, std::int64_t steady, const Cut& cut,
                 Part& part) {
  const std::vector<Partition> inputs = inputs_of(service);
  for (std::size_t input = 0; input < inputs.size(); ++input) {
    std::optional<std::int64_t> progress;
    for (const Record& record : topics_[inputs[input]]) {
      if (record.offset < part.after.next[input] || record.offset >= cut[service][input]) continue;
      part.has_input = true;
      ++part.after.counters.in;
      take(service, input, record, now, progress, part);
    }
    part.after.next[input] = cut[service][input];
    if (!progress) continue;
    services_[service].heard[input] = steady;
    auto& known = part.after.progress[input];
    known = std::max(known.value_or(*progress), *progress);
  }
}

void Model::take(std::size_t service, std::size_t input, const Record& record, std::int64_t now,
                 std::optional<std::int64_t>& progress, Part& part) {
  const Service& of = case_.services[service];
  const Partition from = inputs_of(service)[input];
  if (record.is_broken) return add_dead(service, "decode", from, record, part);
  std::vector<Step> steps = source_of(service, input).steps;
  steps.insert(steps.end(), of.steps.begin(), of.steps.end());
  std::vector<Emitted> emitted;
  const auto failed = pass_all(steps, record.value, [&](const Event& event) -> std::string_view {
    Emitted out{event, record.time, {}, 0};
    try {
      if (of.window) out.time = time_of(*of.window, event);
    } catch (const std::runtime_error&) {
      return "assign-timestamp";
    }
    try {
      if (of.window && !of.window->has_integer_key) out.key = key_text_of(*of.window, event);
      if (of.window && of.window->has_integer_key) out.number = key_number_of(*of.window, event);
    } catch (const std::runtime_error&) {
      return "assign-key";
    }
    emitted.push_back(std::move(out));
    return {};
  });
  if (!failed.empty()) return add_dead(service, failed, from, record, part);
  if (of.window) {
    place(service, emitted, record, from, now, progress, part);
  } else {
    write(service, emitted, record, from, part);
  }
}

void Model::place(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
                  Partition from, std::int64_t now, std::optional<std::int64_t>& progress,
                  Part& part) {
  const Window& window = *case_.services[service].window;
  const auto gone_until = services_[service].memory.gone_until;
  std::size_t failures = 0;
  bool is_late = false;
  for (const Emitted& out : emitted) {
    if (out.time < kYear1 || out.time > kYear9999) {
      add_dead(service, "assign-timestamp", from, record, part);
      continue;
    }
    if (!window.has_integer_key && out.key.size() > kKeyBytes) {
      add_dead(service, "assign-key", from, record, part);
      continue;
    }
    if (out.time > now + kFutureMax) {
      ++part.after.counters.future;
    } else {
      const std::int64_t shown = std::min(out.time, record.appended_at);
      progress = std::max(progress.value_or(shown), shown);
    }
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
  for (; failures > 0; --failures) add_dead(service, "update-state", from, record, part);
  if (!is_late || !window.late_topic) return;
  const std::uint32_t partitions = case_.topics[*window.late_topic].partitions;
  const auto to =
      record.key ? log::partition_of(*record.key, partitions) : from.second % partitions;
  part.out.push_back({{*window.late_topic, to}, record});
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
  const auto key =
      window.has_integer_key ? Rows::key_type{emitted.number, {}} : Rows::key_type{0, emitted.key};
  for (const std::int64_t start : starts) {
    State& state = services_[service];
    const auto [entry, is_new] = state.windows.try_emplace(start);
    OpenWindow& open = entry->second;
    // What had closed without a row has no final result any more.
    if (is_new) open.has_fired = has_passed(state.memory.closed_until, start + window.size);
    open.has_changed = true;
    Row& row = open.rows[key];
    ++row.count;
    row.sum += event.n;
    row.deep = std::max(row.deep, event.depth);
    if (!window.has_second_state || event.n % 2 != 0) continue;
    if (window.is_last_ordered || !row.last || row.last->first < event.name)
      row.last = {event.name, window.is_last_ordered ? event.n : 0};
  }
  const std::int64_t pane = std::gcd(window.size, step_of(window));
  if (window.in_panes) {
    services_[service].panes.insert(floor_to(emitted.time, pane, window.offset));
  } else {
    services_[service].panes.insert(starts.begin(), starts.end());
  }
  return true;
}

void Model::write(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
                  Partition from, Part& part) {
  for (const Sink& sink : case_.services[service].sinks) {
    const Topic& topic = case_.topics[sink.topic];
    const auto to = record.key ? log::partition_of(*record.key, topic.partitions)
                               : from.second % topic.partitions;
    for (const Emitted& out : emitted) {
      std::vector<Event> made;
      const auto failed = pass_all(sink.steps, {out.event}, [&made](const Event& event) {
        made.push_back(event);
        return std::string_view();
      });
      if (!failed.empty()) {
        add_dead(service, failed, from, record, part);
        continue;
      }
      for (const Event& event : made) {
        ++part.after.counters.out;
        part.out.push_back({{sink.topic, to},
                            {.time = record.time,
                             .key = record.key,
                             .text = text_of(topic.content, {event}, false),
                             .value = {event}}});
      }
    }
  }
}

void Model::move_watermark(std::size_t service, std::int64_t steady, Part& part) const {
  const auto& window = case_.services[service].window;
  if (!window) return;
  const std::vector<std::int64_t>& heard = services_[service].heard;
  const auto& progress = part.after.progress;
  std::optional<std::int64_t> lowest, highest;
  std::int64_t highest_heard = 0;
  bool all_idle = true, is_unknown = false;
  for (std::size_t i = 0; i < progress.size(); ++i) {
    if (steady - heard[i] < window->idle) {
      all_idle = false;
      if (!progress[i]) is_unknown = true;
      if (progress[i]) lowest = std::min(lowest.value_or(*progress[i]), *progress[i]);
    }
    if (!progress[i]) continue;
    if (!highest || *progress[i] > *highest) highest_heard = heard[i];
    if (highest == progress[i]) highest_heard = std::max(highest_heard, heard[i]);
    highest = std::max(highest.value_or(*progress[i]), *progress[i]);
  }
  std::optional<std::int64_t> next;
  if (all_idle && highest) next = *highest + (steady - highest_heard);
  if (!all_idle && !is_unknown) next = lowest;
  auto& watermark = part.after.watermark;
  if (next) watermark = std::max(watermark.value_or(*next), *next);
}

// Which windows give a result, and what is gone behind that.
void Model::close(std::size_t service, std::int64_t now, Part& part) {
  const auto& window = case_.services[service].window;
  if (!window) return;
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

// A service ends when all that feed it, directly or not, have ended and what they wrote is read.
// Those that feed each other end together.
bool Model::end_next(std::int64_t now, std::vector<Part>& parts) {
  const std::size_t count = services_.size();
  const auto is_left = [&parts](std::size_t i) { return parts[i].after.watermark != kEndOfTime; };
  std::vector<std::vector<bool>> reaches(count, std::vector<bool>(count));
  for (std::size_t a = 0; a < count; ++a) {
    for (std::size_t b = 0; b < count; ++b) reaches[a][b] = is_left(a) && is_left(b) && feeds(a, b);
  }
  for (std::size_t via = 0; via < count; ++via) {
    for (std::size_t a = 0; a < count; ++a) {
      for (std::size_t b = 0; b < count; ++b)
        reaches[a][b] = reaches[a][b] || (reaches[a][via] && reaches[via][b]);
    }
  }
  std::vector<std::size_t> ending;
  for (std::size_t i = 0; i < count; ++i) {
    bool ends = is_left(i);
    for (std::size_t other = 0; other < count; ++other)
      ends = ends && (!reaches[other][i] || reaches[i][other]);
    if (ends) ending.push_back(i);
  }
  for (const std::size_t i : ending) {
    parts[i].after.watermark = kEndOfTime;
    close(i, now, parts[i]);
  }
  return !ending.empty();
}

std::vector<Event> Model::query(const Window& window, std::int64_t start, const Rows& rows) const {
  std::vector<std::pair<Rows::key_type, Row>> sorted(rows.begin(), rows.end());
  std::ranges::stable_sort(
      sorted, [](const auto& a, const auto& b) { return a.second.count > b.second.count; });
  std::vector<Event> events;
  for (const auto& [key, row] : sorted) {
    if (static_cast<std::int64_t>(events.size()) == window.limit) break;
    std::int64_t n = row.sum * 3 + row.count;
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
    const auto failed = pass_all(sink.steps, result, [&made](const Event& event) {
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

void Model::add_dead(std::size_t service, std::string_view op, Partition from, const Record& record,
                     Part& part) const {
  std::string text = fmt::format(
      R"({{"service":"s{}","operator":"{}","topic":"{}","partition":{},"offset":{},"timestamp":{})",
      service, op, case_.topics[from.first].name, from.second, record.offset, record.time);
  if (record.key) text += fmt::format(R"(,"key":"{}")", escaped(*record.key));
  part.dead.push_back(text + fmt::format(R"(,"value":"{}"}})", escaped(record.text)));
}

std::optional<std::int64_t> Model::watermark(std::size_t service) const {
  return services_[service].memory.watermark;
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

std::size_t Model::rows(std::size_t service, std::size_t state) const {
  std::size_t count = 0;
  for (const auto& [start, open] : services_[service].windows) {
    for (const auto& [key, row] : open.rows) count += state == 0 || row.last ? 1 : 0;
  }
  return count;
}

}  // namespace gameflow::runtime::property
