#include "runtime/property_model.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "log/partitioning.h"
#include "state/layout.h"

namespace gameflow::runtime::property {
namespace {

constexpr std::int64_t kYear1 = -62'135'596'800'000, kYear9999 = 253'402'300'799'999;
constexpr std::size_t kKeyBytes = 32U << 10;
constexpr std::int64_t kViewIdle = 5'000;

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out;
}

}  // namespace

Model::Model(const Case& modelled)
    : case_(modelled),
      table_states_(modelled.tables.size()),
      tables_(modelled.tables.size()),
      services_(modelled.services.size()) {
  std::set<std::size_t> seen;
  for (std::size_t i = 0; i < services_.size(); ++i) order(i, seen);
  for (std::size_t i = 0; i < tables_.size(); ++i) table_states_[i].file = modelled.tables[i].rows;
  for (std::size_t i = 0; i < services_.size(); ++i) {
    Position& start = services_[i].stored;
    start.next.resize(inputs_of(i).size());
    start.progress.resize(start.next.size());
  }
}

// Where two read each other, the one that comes first sees what the other had before.
void Model::order(std::size_t service, std::set<std::size_t>& seen) {
  if (!seen.insert(service).second) return;
  for (const std::size_t owner : case_.services[service].references) order(owner, seen);
  order_.push_back(service);
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
    return writer.late_topic() == source.topic ||
           std::ranges::any_of(writer.sinks,
                               [&](const Sink& sink) { return sink.topic == source.topic; });
  });
}

void Model::append(Partition partition, Record record) {
  topics_[partition].push_back(std::move(record));
}

void Model::write(std::size_t table, std::optional<std::vector<Event>> rows) {
  table_states_[table].file = std::move(rows);
}

void Model::refresh_tables() {
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    TableState& table = table_states_[i];
    auto& rows = tables_[i];
    const auto& topic = case_.tables[i].topic;
    if (!topic && table.file) {
      rows.clear();
      for (const Event& row : *table.file) rows[row.name] = row;
    }
    if (!topic) continue;
    table.next.resize(case_.topics[*topic].partitions);
    for (std::uint32_t p = 0; p < table.next.size(); ++p) {
      for (const Record& record : topics_[{*topic, p}]) {
        if (record.offset < table.next[p]) continue;
        table.next[p] = record.offset + 1;
        if (!record.is_broken) rows[record.value.front().name] = record.value.front();
      }
    }
  }
}

LookUp Model::look_up_of(std::size_t service, const Result* window) const {
  return [this, service, window](std::int64_t reference, const Event& by) -> std::optional<Found> {
    const Service& of = case_.services[service];
    if (reference == kOwn && of.view) return find_in_view(service, by);
    if (reference == kOwn) {
      const auto key = of.window->has_integer_key ? Key{key_number_of(false, by), {}}
                                                  : Key{0, std::string(by.name)};
      std::optional<Found> ended;
      for (const auto& [of_key, session] : window->sessions) {
        if (of_key == key && session.row.has_totals())
          ended = Found{session.row.sum * 3 + session.row.count};
      }
      if (of.window->has_sessions()) return ended;
      const auto row = window->rows.find(key);
      if (row == window->rows.end()) return std::nullopt;
      return Found{row->second.sum * 3 + row->second.count};
    }
    const auto number = static_cast<std::size_t>(reference);
    if (number >= tables_.size()) return find_in_view(of.references[number - tables_.size()], by);
    const auto& table = window == nullptr ? tables_[number] : window->tables[number];
    const auto row = table.find(by.name);
    if (row == table.end()) return std::nullopt;
    return found_in(row->second);
  };
}

std::optional<Found> Model::find_in_view(std::size_t owner, const Event& by) const {
  const bool has_integer_key = case_.services[owner].view->has_integer_key;
  const auto& rows = services_[owner].view;
  const auto row =
      rows.find(has_integer_key ? Key{key_number_of(false, by), {}} : Key{0, std::string(by.name)});
  if (row == rows.end() || !row->second.is_live) return std::nullopt;
  return found_in(row->second.kept);
}

void Model::open(std::int64_t steady) {
  for (TableState& table : table_states_) table.next.clear();
  for (auto& rows : tables_) rows.clear();
  refresh_tables();
  for (std::size_t i = 0; i < services_.size(); ++i) {
    State& service = services_[i];
    service.timers.clear();
    for (auto& [key, row] : service.view) {
      if (!row.is_live || !row.seen) continue;
      row.due = *row.seen + case_.services[i].view->ttl;
      service.timers.emplace(row.due, key);
    }
    // Early results that were not committed wait for the next time.
    std::erase_if(service.flushing, [&service](const Result& result) {
      if (result.counter != &Counters::early) return false;
      service.stored.unsaid.insert(result.start);
      return true;
    });
    for (Result& result : service.flushing) result.tables = tables_;
    service.memory = service.stored;
    service.heard.assign(service.memory.next.size(), steady);
  }
}

void Model::fail(std::int64_t steady) {
  refresh_tables();
  for (State& service : services_) std::ranges::fill(service.heard, steady);
}

Outcome Model::run(std::int64_t now, std::int64_t steady, const AllTold& told, bool input_ends) {
  refresh_tables();
  std::vector<Part> parts(services_.size());
  for (const std::size_t i : order_) {
    parts[i].told = told[i];
    parts[i].after = services_[i].memory;
    parts[i].flushed = services_[i].flushing;
    read(i, now, steady, parts[i]);
    move_watermark(i, steady, parts[i]);
    decide(i, now, parts[i]);
    if (case_.services[i].view) finish_view(i, now, parts[i]);
  }
  const auto has_work = [&parts] { return std::ranges::any_of(parts, &Part::has_work); };
  while (input_ends && !has_work() && end_next(now, parts)) {
  }
  Outcome outcome{.has_work = has_work(), .appended = {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    Part& part = parts[i];
    State& service = services_[i];
    const Service& of = case_.services[i];
    // Others' rows must not change while a flush reads them; sessions are gone at once.
    const bool flushes_beside =
        case_.flushes_beside && of.references.empty() && !(of.window && of.window->has_sessions());
    for (Result& result : part.due) result.tables = tables_;
    if (!flushes_beside) part.flushed.insert(part.flushed.end(), part.due.begin(), part.due.end());
    for (const Result& result : part.flushed) flush(i, result, part);
    service.flushing = flushes_beside ? part.due : std::vector<Result>();
    (of.skips ? part.after.counters.skipped : part.after.counters.dead) += part.dead.size();
    if (of.skips) part.dead.clear();
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

void Model::decide(std::size_t service, std::int64_t now, Part& part) {
  const Service& of = case_.services[service];
  if (of.join) return finish_join(service, part);
  if (!of.window) return;
  move_closed(of.window->grace, of.window->reopen, part.after);
  if (of.window->has_sessions()) {
    end_sessions(service, part);
  } else {
    close(service, now, part);
  }
}

void Model::read(std::size_t service, std::int64_t now, std::int64_t steady, Part& part) {
  const std::vector<Partition> inputs = inputs_of(service);
  for (std::size_t input = 0; input < inputs.size(); ++input) {
    std::optional<std::int64_t> progress;
    for (const Record& record : topics_[inputs[input]]) {
      if (record.offset < part.after.next[input] || record.offset >= part.told.next[input])
        continue;
      part.has_input = true;
      ++part.after.counters.in;
      take(service, input, record, now, progress, part);
    }
    part.after.next[input] = part.told.next[input];
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
  const bool has_passed = of.view || of.join;
  if (has_passed) part.passed.push_back({&record, from, {}, {}, {}});
  std::vector<std::string>& dead = has_passed ? part.passed.back().dead : part.dead;
  if (record.is_broken) return dead.push_back(dead_letter(service, "decode", from, record));
  std::vector<Step> steps = source_of(service, input).steps;
  if (!of.join) steps.insert(steps.end(), of.steps.begin(), of.steps.end());
  std::vector<Emitted> emitted;
  const auto failed = pass_all(steps, record.value, look_up_of(service), [&](const Event& event) {
    Emitted out{event, record.time, {}};
    const std::string_view problem = assign(of, event, out);
    if (problem.empty()) emitted.push_back(std::move(out));
    return problem;
  });
  if (!failed.empty()) return dead.push_back(dead_letter(service, failed, from, record));
  if (of.window) {
    place(service, emitted, record, from, now, progress, part);
  } else if (of.view) {
    use(service, emitted, now, progress, part.passed.back(), part);
  } else if (of.join) {
    const bool is_left = &source_of(service, input) == &of.sources.front();
    meet(service, is_left, emitted, now, progress, part.passed.back(), part);
  } else {
    write(service, emitted, record, from, part.dead, part);
  }
}

// Time and key. Returns what failed; or nothing.
std::string_view Model::assign(const Service& service, const Event& event, Emitted& out) const {
  if (service.is_pipe()) return {};
  const Assigning assigning = assigning_of(service);
  try {
    if (assigning.has_time) out.time = time_of(assigning.throws, event);
  } catch (const std::runtime_error&) {
    return "assign-timestamp";
  }
  try {
    if (assigning.has_integer_key) {
      out.key.first = key_number_of(assigning.throws, event);
    } else {
      out.key.second = key_text_of(assigning.throws, event);
    }
  } catch (const std::runtime_error&) {
    return "assign-key";
  }
  return {};
}

// Whether there may be rows at that time and key. It tells the time.
bool Model::is_placeable(std::size_t service, const Emitted& out, const Record& record,
                         Partition from, std::int64_t now, std::optional<std::int64_t>& progress,
                         Counters& counters, std::vector<std::string>& dead) const {
  if (out.time < kYear1 || out.time > kYear9999) {
    dead.push_back(dead_letter(service, "assign-timestamp", from, record));
    return false;
  }
  if (out.key.second.size() > kKeyBytes) {
    dead.push_back(dead_letter(service, "assign-key", from, record));
    return false;
  }
  if (out.time > now + kFutureMax) {
    ++counters.future;
  } else {
    const std::int64_t shown = std::min(out.time, record.appended_at);
    progress = std::max(progress.value_or(shown), shown);
  }
  return true;
}

void Model::write(std::size_t service, const std::vector<Emitted>& emitted, const Record& record,
                  Partition from, std::vector<std::string>& dead, Part& part) {
  for (const Sink& sink : case_.services[service].sinks) {
    const Topic& topic = case_.topics[sink.topic];
    for (const Emitted& out : emitted) {
      auto key = out.has_record_key ? record.key : std::nullopt;
      std::uint64_t spread = from.second;
      if (out.is_joined) {
        key = out.record_key;
        const bool is_integer = case_.services[service].join->has_integer_key;
        spread = state::hash_key(encoded(is_integer, out.key));
      }
      const auto to = key ? log::partition_of(*key, topic.partitions)
                          : static_cast<std::uint32_t>(spread % topic.partitions);
      std::vector<Event> made;
      const auto failed =
          pass_all(sink.steps, {out.event}, look_up_of(service), [&made](const Event& event) {
            made.push_back(event);
            return std::string_view();
          });
      if (!failed.empty()) {
        dead.push_back(dead_letter(service, failed, from, record));
        continue;
      }
      for (const Event& event : made) {
        ++part.after.counters.out;
        part.out.push_back({{sink.topic, to},
                            {.time = out.is_joined ? out.time : record.time,
                             .key = key,
                             .text = text_of(topic.content, {event}, false),
                             .value = {event}}});
      }
    }
  }
}

// A record of which something was late, as it came.
void Model::write_late(std::size_t service, const Record& record, Partition from,
                       Part& part) const {
  const auto& late_topic = case_.services[service].late_topic();
  if (!late_topic) return;
  const std::uint32_t partitions = case_.topics[*late_topic].partitions;
  const auto to =
      record.key ? log::partition_of(*record.key, partitions) : from.second % partitions;
  part.out.push_back({{*late_topic, to}, record});
}

// What has closed, and what is gone.
void Model::move_closed(std::int64_t grace, std::int64_t reopen, Position& after) {
  if (!after.watermark) return;
  const std::int64_t reached = *after.watermark - grace;
  after.closed_until = std::max(after.closed_until.value_or(reached), reached);
  const std::int64_t gone = *after.closed_until - reopen;
  after.gone_until = std::max(after.gone_until.value_or(gone), gone);
}

void Model::move_watermark(std::size_t service, std::int64_t steady, Part& part) const {
  const Service& of = case_.services[service];
  if (of.is_pipe()) return;
  const std::int64_t idle = of.window ? of.window->idle : of.join ? of.join->idle : kViewIdle;
  const std::vector<std::int64_t>& heard = services_[service].heard;
  const auto& progress = part.after.progress;
  std::optional<std::int64_t> lowest, highest;
  std::int64_t highest_heard = 0;
  bool all_idle = true, is_unknown = false;
  for (std::size_t i = 0; i < progress.size(); ++i) {
    if (steady - heard[i] < idle) {
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
    decide(i, now, parts[i]);
  }
  return !ending.empty();
}

std::string Model::dead_letter(std::size_t service, std::string_view op, Partition from,
                               const Record& record) const {
  std::string text = fmt::format(
      R"({{"service":"s{}","operator":"{}","topic":"{}","partition":{},"offset":{},"timestamp":{})",
      service, op, case_.topics[from.first].name, from.second, record.offset, record.time);
  if (record.key) text += fmt::format(R"(,"key":"{}")", escaped(*record.key));
  return text + fmt::format(R"(,"value":"{}"}})", escaped(record.text));
}

std::optional<std::int64_t> Model::watermark(std::size_t service) const {
  return services_[service].memory.watermark;
}

std::size_t Model::rows(std::size_t service, std::size_t state) const {
  const State& of = services_[service];
  std::size_t count = 0;
  for (const Waiting& one : state == 0 ? of.left : of.right)
    count += of.buckets.contains(bucket_of(one.time)) ? 1 : 0;
  for (const auto& [key, row] : of.view)
    count += (state == 0 ? row.is_live : row.has_sketches) ? 1 : 0;
  const auto& window = case_.services[service].window;
  const auto has_row = [&](const Row& row) {
    if (state == 0) return row.has_totals();
    return window->has_second_state && state == 1 ? row.last.has_value() : !row.sizes.empty();
  };
  for (const auto& [start, open] : of.windows) {
    for (const auto& [key, row] : open.rows) count += has_row(row) ? 1 : 0;
  }
  for (const auto& [key, sessions] : of.sessions) {
    for (const Session& session : sessions) count += has_row(session.row) ? 1 : 0;
  }
  return count;
}

std::string Model::encoded(bool is_integer, const Key& key) {
  if (!is_integer) return key.second;
  const std::uint64_t bits = static_cast<std::uint64_t>(key.first) ^ (std::uint64_t{1} << 63);
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(bits >> shift & 255);
  return bytes;
}

}  // namespace gameflow::runtime::property
