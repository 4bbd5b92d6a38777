#include "spec/window_reader.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "record/type.h"
#include "spec/cpp_lexer.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

// In how many windows an event may be, where each has rows of its own; and of how many panes a
// window may be made.
constexpr std::int64_t kWindowsMax = 1'024, kPanesMax = 10'000;

constexpr std::string_view kShapes[] = {"tumbling", "sliding", "session"};

// The value at the path, or of the last key of it that is there.
const Node& at(const Node& body, std::initializer_list<std::string_view> path) {
  const Node* node = &body;
  for (const std::string_view key : path) {
    const Node* const next = node->find(key);
    if (next == nullptr) break;
    node = next;
  }
  return *node;
}

std::string_view key_of(const WindowShape& shape) {
  return kShapes[shape.index()];
}

// Whether the function calls window() or erase(): it is about a window as a whole.
bool is_about_windows(const Function& function) {
  const std::vector<Token> tokens = tokenize(function.code.text);
  for (std::size_t i = 0; i + 1 < tokens.size(); ++i) {
    if ((tokens[i].text == "window" || tokens[i].text == "erase") && is_symbol(tokens[i + 1], "("))
      return true;
  }
  return false;
}

// What most people would want of a column that does not say it.
std::string_view usual_merge(record::Kind kind) {
  using record::Kind;
  if (kind == Kind::kBool) return "any";
  if (kind == Kind::kTimestamp) return "max";
  const bool is_number = record::is_integer(kind) || kind == Kind::kF32 || kind == Kind::kF64 ||
                         kind == Kind::kDecimal;
  return is_number ? "sum" : "last";
}

bool says_how_to_merge(const State& state) {
  return state.type != nullptr && state.merges.size() == state.type->fields.size() &&
         std::ranges::all_of(state.merges, [](const auto& merge) { return merge.has_value(); });
}

}  // namespace

Duration length_of(const WindowShape& shape) {
  if (const auto* const session = std::get_if<Session>(&shape))
    return session->max.value_or(session->gap);
  const auto* const tumbling = std::get_if<Tumbling>(&shape);
  return tumbling != nullptr ? tumbling->duration : std::get<Sliding>(shape).duration;
}

void WindowReader::read(const Node& node, const Fields& fields, Service& service) {
  Window& window = *service.window;
  if (auto shape = read_shape(node, fields)) window.shape = std::move(*shape);
  if (const auto watermark = fields.map("watermark")) {
    window.grace = watermark->duration("grace-period").value_or(Duration{});
    window.idle_timeout = watermark->duration("idleness").value_or(Duration{});
  }
  if (const Node* const late = fields.find("late")) read_late(*late, service);
  if (const auto emit = fields.map("emit")) window.emit_every = emit->duration("every");
}

std::optional<WindowShape> WindowReader::read_shape(const Node& node, const Fields& fields) {
  const Node* first = nullptr;
  std::optional<WindowShape> shape;
  for (const std::string_view key : kShapes) {
    const Node* const name = node.find_key(key);
    if (name == nullptr) continue;
    if (first != nullptr) {
      report_.error(*name, fmt::format("a window is '{}' or '{}', not both", first->text, key),
                    "remove one of them");
      continue;
    }
    first = name;
    const auto inner = fields.map(key);
    if (!inner) continue;
    if (key == "tumbling") {
      shape =
          Tumbling{inner->duration("duration").value_or(Duration{}),
                   inner->duration("offset").value_or(Duration{}), inner->time_zone("timezone")};
    } else if (key == "session") {
      shape = Session{inner->duration("gap").value_or(Duration{}), inner->duration("max")};
    } else {
      shape = Sliding{inner->duration("duration").value_or(Duration{}),
                      inner->duration("slide").value_or(Duration{}),
                      inner->duration("offset").value_or(Duration{})};
    }
  }
  const bool is_told = node.find_key("gap") != nullptr || node.find_key("hopping") != nullptr ||
                       fields.is_told("tumbling") || fields.is_told("sliding") ||
                       fields.is_told("session");
  if (first == nullptr && !is_told) {
    report_.error(node, "a window needs 'tumbling', 'sliding' or 'session'",
                  "write 'tumbling: { duration: 5s }'");
  }
  return shape;
}

void WindowReader::read_late(const Node& node, Service& service) {
  if (node.kind != NodeKind::kMap) {
    if (node.text != "drop") {
      report_.error(
          node,
          fmt::format("'late' has to be 'drop', or a map with 'topic' or 'reopen-for', not '{}'",
                      node.text.substr(0, 60)),
          "write 'late: drop', 'late: { topic: late-events }' or 'late: { reopen-for: 1h }'");
    }
    return;
  }
  const Fields fields(report_, node, kLate);
  const Node* const topic = fields.find("topic");
  if (topic != nullptr) read_late_topic(*topic, service);
  service.window->reopen_for = fields.duration("reopen-for").value_or(Duration{});
  if (node.find_key("topic") == nullptr && node.find_key("reopen-for") == nullptr &&
      !fields.is_told("topic") && !fields.is_told("reopen-for"))
    report_.error(node, "'late' needs 'topic' or 'reopen-for'",
                  "for example 'late: { reopen-for: 1h }'");
}

void WindowReader::read_late_topic(const Node& topic, Service& service) {
  const TopicEntry* const entry = topics_.refer(topic);
  if (entry == nullptr) return;
  Window& window = *service.window;
  window.late = LatePolicy::kToTopic;
  window.late_topic = entry->topic.name;
  // They go there as they came, whatever transforms make of them.
  const bool is_other = std::ranges::any_of(service.sources, [entry](const Source& source) {
    return source.type != nullptr && source.type != entry->topic.type;
  });
  if (entry->topic.type != nullptr && is_other) {
    report_.error(topic,
                  fmt::format("late events keep their type, but topic '{}' has type '{}'",
                              topic.text, entry->type_and_converter()),
                  "give the topic the type and converter of the sources, or no schema");
  }
  for (const Source& source : service.sources) {
    if (source.topic == window.late_topic)
      report_.error(topic,
                    fmt::format("topic '{}' is a source: late events would come back", topic.text),
                    "send them to another topic");
  }
}

void WindowReader::check(const Node& key, const Node& node, const Node* states, Service& service) {
  if (length_of(service.window->shape).ms == 0) return;
  check_offset(node, service.window->shape);
  check_watermark(key, node, *service.window);
  check_retention(node, service);
  if (auto* const sliding = std::get_if<Sliding>(&service.window->shape);
      sliding != nullptr && sliding->slide.ms != 0)
    check_sliding(node, service, *sliding);
  if (const auto* const session = std::get_if<Session>(&service.window->shape))
    check_session(node, states, service, *session);
}

// It is as good as the rest of its division.
void WindowReader::check_offset(const Node& node, const WindowShape& shape) {
  if (std::holds_alternative<Session>(shape)) return;
  const auto* const sliding = std::get_if<Sliding>(&shape);
  const Duration step = sliding != nullptr ? sliding->slide : length_of(shape);
  const Duration offset = sliding != nullptr ? sliding->offset : std::get<Tumbling>(shape).offset;
  if (step.ms == 0 || offset < step) return;
  report_.warning(
      at(node, {key_of(shape), "offset"}),
      fmt::format("'offset' ({}) is not shorter than '{}' ({})", format_duration(offset),
                  sliding != nullptr ? "slide" : "duration", format_duration(step)),
      offset.ms % step.ms == 0
          ? std::string("remove it: it changes nothing")
          : fmt::format("'{}' means the same", format_duration({offset.ms % step.ms})));
}

void WindowReader::check_watermark(const Node& key, const Node& node, const Window& window) {
  const Node* const watermark = node.find("watermark");
  if (watermark == nullptr || watermark->find("grace-period") == nullptr) {
    report_.warning(watermark == nullptr ? at(node, {key_of(window.shape)}) : *watermark,
                    fmt::format("service '{}' has no 'grace-period': an event that arrives after a "
                                "later one may be late",
                                key.text),
                    "write 'watermark: { grace-period: 2s }', or 0s if events arrive in order");
  } else if (window.idle_timeout < window.grace) {
    report_.warning(
        at(*watermark, {"idleness"}),
        fmt::format("'idleness' ({}) is shorter than 'grace-period' ({})",
                    format_duration(window.idle_timeout), format_duration(window.grace)),
        "a partition that pauses is left behind before its events are late");
  }
}

void WindowReader::check_retention(const Node& node, const Service& service) {
  const Window& window = *service.window;
  for (const Source& source : service.sources) {
    for (const TopicEntry& entry : topics_.entries()) {
      const auto age = entry.topic.retention_age;
      if (entry.topic.name != source.topic || !age ||
          *age >= length_of(window.shape) + window.grace)
        continue;
      const bool is_session = std::holds_alternative<Session>(window.shape);
      report_.warning(at(node, {key_of(window.shape), is_session ? "gap" : "duration"}),
                      fmt::format("the window is longer than topic '{}' keeps its records ({})",
                                  source.topic, format_duration(*age)),
                      "after a stop, records may be gone before they were read");
    }
  }
}

void WindowReader::check_sliding(const Node& node, const Service& service, Sliding& sliding) {
  const Node& slide = at(node, {"sliding", "slide"});
  if (sliding.slide > sliding.duration) {
    report_.error(slide,
                  fmt::format("'slide' ({}) is longer than 'duration' ({}): events between two "
                              "windows would be in none",
                              format_duration(sliding.slide), format_duration(sliding.duration)),
                  "make it shorter, or write 'tumbling'");
    return;
  }
  const bool is_whole = service.partition && service.partition->update_state &&
                        is_about_windows(*service.partition->update_state);
  sliding.in_panes =
      !is_whole && std::ranges::all_of(service.states, says_how_to_merge) &&
      !(service.partition && std::ranges::any_of(service.partition->transforms, is_about_windows));
  const std::int64_t panes = sliding.duration.ms / std::gcd(sliding.duration.ms, sliding.slide.ms);
  const std::int64_t windows = (sliding.duration.ms + sliding.slide.ms - 1) / sliding.slide.ms;
  if (sliding.in_panes && panes > kPanesMax) {
    report_.error(slide,
                  fmt::format("a window of {} every {} is made of {} parts; the limit is {}",
                              format_duration(sliding.duration), format_duration(sliding.slide),
                              panes, kPanesMax),
                  "choose a longer 'slide', of which 'duration' is a multiple");
  } else if (!sliding.in_panes && windows > kWindowsMax) {
    report_.error(slide,
                  fmt::format("each event would be in {} windows, each with rows of its own; the "
                              "limit is {}",
                              windows, kWindowsMax),
                  "give every column of the states a 'merge', or choose a longer 'slide'");
  }
}

void WindowReader::check_session(const Node& node, const Node* states, const Service& service,
                                 const Session& session) {
  if (session.max && *session.max < session.gap) {
    report_.warning(at(node, {"session", "max"}),
                    fmt::format("'max' ({}) is shorter than 'gap' ({}): it alone ends sessions",
                                format_duration(*session.max), format_duration(session.gap)),
                    "make it longer");
  }
  if (const Node* const emit = node.find_key("emit")) {
    report_.error(*emit, "'emit' is for 'tumbling' and 'sliding' windows",
                  "remove it: SQL sees the sessions that are open");
  }
  if (service.window->reopen_for.ms != 0) {
    report_.error(*at(node, {"late"}).find_key("reopen-for"),
                  "'reopen-for' is for 'tumbling' and 'sliding' windows",
                  "choose a longer 'grace-period', for which sessions wait for late events");
  }
  if (states == nullptr) return;
  for (const State& state : service.states) check_merges(*states, state);
}

// Two sessions of a key become one where an event joins them.
void WindowReader::check_merges(const Node& states, const State& state) {
  if (says_how_to_merge(state)) return;
  const Node* const name = states.find_key(state.name);
  const Node& body = at(states, {state.name, "properties", "value"});
  const Node* const columns = body.find("properties");
  for (std::size_t i = 0; state.type != nullptr && i < state.type->fields.size(); ++i) {
    if (i < state.merges.size() && state.merges[i]) continue;
    const record::Field& field = state.type->fields[i];
    const std::string_view merge = usual_merge(field.type->kind);
    const Node* const column = columns == nullptr ? nullptr : columns->find_key(field.name);
    const Node* const place = column != nullptr ? column : body.find_key("type");
    report_.error(
        place != nullptr ? *place : *name,
        fmt::format("column '{}' of state '{}' needs a 'merge': an event may join two "
                    "sessions to one",
                    field.name, state.name),
        state.is_primitive
            ? fmt::format("write 'type: primitive, properties: {{ value: {{ type: {}, "
                          "merge: {} }} }}'",
                          record::to_string(field.type->kind), merge)
            : fmt::format("write 'merge: {}' beside its 'type', or how else the values of "
                          "the two become one",
                          merge));
  }
}

}  // namespace gameflow::spec
