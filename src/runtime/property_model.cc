#include "runtime/property_model.h"

#include <algorithm>
#include <functional>
#include <stdexcept>
#include <string_view>

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

std::int64_t window_start(const Window& window, std::int64_t time) {
  const std::int64_t into = time % window.size;
  return time - (into < 0 ? into + window.size : into);
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
    close(i, parts[i]);
  }
  const auto has_work = [&parts] { return std::ranges::any_of(parts, &Part::has_work); };
  while (input_ends && !has_work() && end_next(parts)) {
  }
  Outcome outcome{.has_work = has_work(), .appended = {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    State& service = services_[i];
    if (!case_.flushes_beside)
      part.flushed.insert(part.flushed.end(), part.closing.begin(), part.closing.end());
    for (const auto& [start, rows] : part.flushed) flush(i, start, rows, part);
    service.flushing =
        case_.flushes_beside ? part.closing : std::vector<std::pair<std::int64_t, Rows>>();
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
  const auto closed_until = services_[service].memory.closed_until;
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
    const std::int64_t start = window_start(window, out.time);
    if (closed_until && start + window.size <= *closed_until) {
      is_late = true;
      ++part.after.counters.late;
    } else if (!update(service, start, out)) {
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

bool Model::update(std::size_t service, std::int64_t start, const Emitted& emitted) {
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
  Row& row = services_[service].windows[start][key];
  ++row.count;
  row.sum += event.n;
  row.deep = std::max(row.deep, event.depth);
  if (!window.has_second_state || event.n % 2 != 0) return true;
  if (window.is_last_ordered || !row.last || row.last->first < event.name)
    row.last = {event.name, window.is_last_ordered ? event.n : 0};
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

// Takes the windows out that the watermark has closed.
void Model::close(std::size_t service, Part& part) {
  const auto& window = case_.services[service].window;
  if (!window || !part.after.watermark) return;
  const std::int64_t reached = *part.after.watermark - window->grace;
  auto& closed_until = part.after.closed_until;
  closed_until = std::max(closed_until.value_or(reached), reached);
  auto& windows = services_[service].windows;
  while (!windows.empty() && windows.begin()->first + window->size <= *closed_until) {
    part.closing.emplace_back(windows.begin()->first, std::move(windows.begin()->second));
    windows.erase(windows.begin());
  }
}

// A service ends when all that feed it, directly or not, have ended and what they wrote is read.
// Those that feed each other end together.
bool Model::end_next(std::vector<Part>& parts) {
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
    close(i, parts[i]);
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

void Model::flush(std::size_t service, std::int64_t start, const Rows& rows, Part& part) {
  const Service& of = case_.services[service];
  ++part.after.counters.windows_closed;
  const auto add_failure = [&](std::string_view op) {
    part.dead.push_back(fmt::format(R"({{"service":"s{}","operator":"{}","window_start":{}}})",
                                    service, op, start));
  };
  try {
    check_flush(*of.window, start);
  } catch (const std::runtime_error&) {
    return add_failure("flush");
  }
  const std::vector<Event> result = query(*of.window, start, rows);
  for (const Sink& sink : of.sinks) {
    const Topic& topic = case_.topics[sink.topic];
    const auto to = static_cast<std::uint32_t>(static_cast<std::uint64_t>(start / of.window->size) %
                                               topic.partitions);
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
  return services_[service].windows.size() + services_[service].flushing.size();
}

std::size_t Model::rows(std::size_t service, std::size_t state) const {
  std::size_t count = 0;
  for (const auto& [start, rows] : services_[service].windows) {
    for (const auto& [key, row] : rows) count += state == 0 || row.last ? 1 : 0;
  }
  return count;
}

}  // namespace gameflow::runtime::property
