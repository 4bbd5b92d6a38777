#include "runtime/property_case.h"

#include <algorithm>
#include <array>
#include <stdexcept>

#include <fmt/format.h>

namespace gameflow::runtime::property {
namespace {

std::string describe(const std::vector<Step>& steps) {
  constexpr std::array<std::string_view, 11> kOps = {
      "map n+{}",      "map at+{}",         "map name {}",     "map depth+{}",
      "map throws/{}", "filter n%{}",       "filter depth<{}", "filter-map half {}",
      "flat-map n%{}", "flat-map items {}", "map look-up {}"};
  std::string text;
  for (const Step& step : steps)
    text +=
        " | " + fmt::format(fmt::runtime(kOps[static_cast<std::size_t>(step.op)]), step.argument);
  return text;
}

std::string describe(const Window& window, const Case& shown) {
  constexpr std::array<std::string_view, 3> kLasts = {"by arrival", "greatest", "by time"};
  return fmt::format(
      "  window {} ms{}{}, offset {}{}, reopened for {}, early every {}, grace {}, idle {}, {} "
      "key, "
      "{} states{} ({}), limit {}{}{}{}\n",
      window.size, window.slide == 0 ? "" : fmt::format(" every {}", window.slide),
      window.in_panes ? " in panes" : "", window.offset, window.is_local ? " local" : "",
      window.reopen, window.emit, window.grace, window.idle,
      window.has_integer_key ? "integer" : "string", window.has_second_state ? 2 : 1,
      window.has_sketches ? ", sketches" : "", kLasts[static_cast<std::size_t>(window.lasts)],
      window.limit, window.flushes_each ? ", each" : "", window.throws ? ", throws" : "",
      window.late_topic ? ", late to " + shown.topics[*window.late_topic].name : "");
}

std::string describe_sessions(const Window& window, const Case& shown) {
  return fmt::format(
      "  sessions gap {} ms{}, grace {}, idle {}, {} key, {} states{} ({}), limit {}{}{}{}{}{}\n",
      window.gap, window.max == 0 ? "" : fmt::format(", max {}", window.max), window.grace,
      window.idle, window.has_integer_key ? "integer" : "string", window.has_second_state ? 2 : 1,
      window.has_sketches ? ", sketches" : "",
      window.lasts == Lasts::kByTime ? "by time" : "greatest", window.limit,
      window.flushes_each ? ", each" : "", window.erases ? ", erases" : "",
      window.tells_bounds ? ", tells bounds" : "", window.throws ? ", throws" : "",
      window.late_topic ? ", late to " + shown.topics[*window.late_topic].name : "");
}

std::string describe(const Join& join, const Case& shown) {
  return fmt::format("  {} join {} ms before, {} ms after, grace {}, idle {}, {} key{}{}{}\n",
                     join.is_left ? "left" : "inner", join.before, join.after, join.grace,
                     join.idle, join.has_integer_key ? "integer" : "string",
                     join.throws ? ", throws" : "", join.throws_pairs ? ", throws for pairs" : "",
                     join.late_topic ? ", late to " + shown.topics[*join.late_topic].name : "");
}

std::string describe(const View& view) {
  return fmt::format(
      "  view {} key, {}, {}, {}, ttl {}{}{}\n", view.has_integer_key ? "integer" : "string",
      view.is_primitive ? "primitive" : "rows", view.has_event_time ? "event time" : "clock",
      view.has_transform ? "filter-map" : "update-state", view.ttl,
      view.has_on_expire ? " on-expire" : "", view.throws ? ", throws" : "");
}

std::string describe(const Event& event) {
  return fmt::format("name '{}' at +{} n {}\n", event.name, event.at - kStart, event.n);
}

std::string describe(const Action& action, const Case& shown) {
  switch (action.kind) {
    case Action::Kind::kRun:
      return fmt::format("run {} epochs, {} failing\n", action.count, action.failures);
    case Action::Kind::kAdvance:
      return fmt::format("advance {} ms\n", action.count);
    case Action::Kind::kRestart:
      return "restart\n";
    case Action::Kind::kEndInput:
      return "end of input\n";
    case Action::Kind::kSend:
    case Action::Kind::kWrite:
      break;
  }
  std::string text =
      action.kind == Action::Kind::kWrite
          ? fmt::format("write table{}\n", action.topic)
          : fmt::format("send to {}/{}\n", shown.topics[action.topic].name, action.partition);
  for (const Input& input : action.records) {
    text += fmt::format("  key {} time +{} ", input.key ? "'" + *input.key + "'" : "none",
                        input.time - kStart);
    text += input.broken.empty() ? describe(input.event) : input.broken + "\n";
  }
  return text;
}

}  // namespace

KeepResult keep(const View& view, const Event& event, Kept& row) {
  using Row = KeepResult::Row;
  KeepResult result;
  ++row.count;
  row.sum += event.n;
  row.deep = std::max(row.deep, event.depth);
  row.last = event.name;
  if (modulo(event.n, 3) == 1) result.row = event.n % 2 == 0 ? Row::kBeginsAnew : Row::kIsErased;
  throw_if(view.throws && modulo(event.n, 17) == 0);
  if (modulo(row.sum, 3) == 0) return result;
  result.passed = event;
  result.passed->n = modulo(row.sum * 3 + row.count, 1'000);
  return result;
}

std::optional<Event> expired(const View& view, const Kept& row) {
  throw_if(view.throws && modulo(row.sum, 5) == 0);
  if (modulo(row.sum, 4) == 1) return std::nullopt;
  const std::int64_t depth = view.is_primitive ? 9 : row.deep + 1;
  return Event{row.last, kStart, modulo(row.sum, 1'000), depth};
}

Found found_in(const Kept& row) {
  return {row.sum * 3 + row.count, row.last};
}

Found found_in(const Event& row) {
  return {row.n * 7 + row.depth, {}};
}

void check_update(const Window& window, const Event& event) {
  throw_if(window.throws && modulo(event.n, 17) == 0);
}

void check_flush(const Window& window, std::int64_t start) {
  throw_if(window.throws && modulo(start / window.size, 5) == 0);
}

void check_each(const Window& window, std::int64_t number) {
  throw_if(window.throws && modulo(number, 5) == 0);
}

std::int64_t summand(const Window& window, const Event& event, std::int64_t start,
                     std::int64_t end) {
  return window.tells_bounds ? event.n + modulo(start, 7) + modulo(end, 5) : event.n;
}

bool erases(const Window& window, const Event& event) {
  return window.erases && modulo(event.n, 5) == 1;
}

// In sessions `first` and `last` go by the times of the session, which are those of all its rows.
bool uses_lasts(const Window& window, const Event& event) {
  const bool always = window.has_sessions() && window.lasts == Lasts::kByTime;
  return window.has_second_state && (always || event.n % 2 == 0);
}

Event joined(const Join& join, const Event& left, const Event* right) {
  throw_if(right == nullptr ? join.throws && modulo(left.n, 11) == 0
                            : join.throws_pairs && modulo(left.n + right->n, 7) == 0);
  Event made = left;
  ++made.depth;
  if (right == nullptr) return made;
  made.n = modulo(left.n * 3 + right->n, 1'000);
  made.depth = std::max(left.depth, right->depth) + 1;
  if (modulo(right->n, 2) == 0) made.name = right->name;
  return made;
}

const std::optional<std::size_t>& Service::late_topic() const {
  static const std::optional<std::size_t> kNone;
  if (join) return join->late_topic;
  return window ? window->late_topic : kNone;
}

Assigning assigning_of(const Service& service) {
  if (const auto& window = service.window) return {true, window->has_integer_key, window->throws};
  if (const auto& join = service.join) return {true, join->has_integer_key, join->throws};
  const View& view = *service.view;
  return {view.has_event_time, view.has_integer_key, view.throws};
}

std::string describe(const Case& shown) {
  std::string text = fmt::format(
      "seed {}: {} threads, {} epochs, windows are flushed {}, {}{}\n", shown.seed, shown.threads,
      shown.epoch_bytes == 1 ? "small" : "large",
      shown.flushes_beside ? "beside the epochs" : "at once",
      shown.gaps ? fmt::format("gaps {}", *shown.gaps) : "no gaps", shown.is_calm ? ", calm" : "");
  for (std::size_t t = 0; t < shown.tables.size(); ++t) {
    const Table& table = shown.tables[t];
    text += fmt::format("table{} {}\n", t,
                        table.topic ? "of " + shown.topics[*table.topic].name : "of a file");
    for (const Event& row : table.rows) text += "  " + describe(row);
  }
  for (std::size_t s = 0; s < shown.services.size(); ++s) {
    const Service& service = shown.services[s];
    text += fmt::format("service s{}{}\n", s, service.skips ? ", skips what fails" : "");
    for (const Source& source : service.sources) {
      const Topic& topic = shown.topics[source.topic];
      text += fmt::format("  source {} ({} partitions){}\n", topic.name, topic.partitions,
                          describe(source.steps));
    }
    text += fmt::format("  transforms{}\n", describe(service.steps));
    if (const auto& window = service.window)
      text += window->has_sessions() ? describe_sessions(*window, shown) : describe(*window, shown);
    if (service.join) text += describe(*service.join, shown);
    if (service.view) text += describe(*service.view);
    for (const std::size_t owner : service.references) text += fmt::format("  reads s{}\n", owner);
    for (const Sink& sink : service.sinks) {
      const Topic& topic = shown.topics[sink.topic];
      text += fmt::format("  sink {} ({} partitions){}\n", topic.name, topic.partitions,
                          describe(sink.steps));
    }
  }
  for (const Action& action : shown.actions) text += describe(action, shown);
  return text;
}

}  // namespace gameflow::runtime::property
