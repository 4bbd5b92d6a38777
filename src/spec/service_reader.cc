#include "spec/service_reader.h"

#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>

#include "spec/names.h"

namespace gameflow::spec {
namespace {

using record::Kind;

// As abi::kStatesMax.
constexpr std::size_t kStatesMax = 32;

constexpr std::string_view kSupported =
    "a service reads topics, keeps keyed states in a tumbling window and writes topics";

KnownButRefused not_yet(std::string_view key, std::string_view message) {
  return {key, message, kSupported};
}

// Whether `code` contains `word` as a whole word.
bool mentions(std::string_view code, std::string_view word) {
  const auto is_word = [](char c) { return is_identifier(std::string("a") + c); };
  for (std::size_t at = code.find(word); at != std::string_view::npos;
       at = code.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    if ((at == 0 || !is_word(code[at - 1])) && (end == code.size() || !is_word(code[end])))
      return true;
  }
  return false;
}

const Node* position_of(const Node& body, std::initializer_list<std::string_view> path) {
  const Node* node = &body;
  for (const std::string_view key : path) {
    const Node* const next = node->find(key);
    if (next == nullptr) break;
    node = next;
  }
  return node;
}

}  // namespace

void ServiceReader::read_section(const Node& section) {
  if (section.kind != NodeKind::kMap) {
    report_.error(section,
                  fmt::format("'services' has to be a map, this is {}", describe(section.kind)));
    return;
  }
  std::vector<std::pair<std::string, std::string>> namespaces;
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    const Node& key = section.keys[i];
    const std::string scope = to_snake_case(key.text);
    const auto clash = std::find_if(namespaces.begin(), namespaces.end(),
                                    [&](const auto& other) { return other.first == scope; });
    if (!is_lower_name(key.text)) {
      report_.error(
          key, fmt::format("'{}' cannot be the name of a service", key.text.substr(0, 60)),
          "small letters and digits, a letter first, single '-' or '_' between, at most 100");
    } else if (const auto reason = reserved_as(scope)) {
      report_.error(
          key,
          fmt::format("'{}' cannot be the name of a service: {} is {}", key.text, scope, *reason),
          "choose another name");
    } else if (clash != namespaces.end()) {
      report_.error(key,
                    fmt::format("services '{}' and '{}' are both called {} in C++", clash->second,
                                key.text, scope),
                    "rename one of them");
    }
    namespaces.emplace_back(scope, key.text);
    read_service(key, section.items[i]);
  }
}

void ServiceReader::read_service(const Node& key, const Node& body) {
  Service service;
  service.name = key.text;
  service.position = key.position;
  const Fields fields(report_, body, "a service", {"sources", "states", "window", "sinks"},
                      {not_yet("transforms", "'transforms' are not supported yet"),
                       not_yet("post-transforms", "'post-transforms' are not supported yet"),
                       not_yet("partition", "'partition' outside of 'window' is not supported yet"),
                       not_yet("imports", "'imports' are not supported yet"),
                       not_yet("merge", "'merge' is not supported yet"),
                       not_yet("split", "'split' is not supported yet"),
                       not_yet("join", "'join' is not supported yet"),
                       not_yet("schedule", "'schedule' is not supported yet")});
  if (!fields.is_map()) return;
  ExampleNames names;
  const Node* const sources =
      fields.require("sources", "for example '- { type: topic, id: player-events }'");
  if (sources != nullptr) read_sources(*sources, service, names);
  const Node* const sinks =
      fields.require("sinks", "for example '- { type: topic, id: summaries }'");
  if (sinks != nullptr) read_sinks(*sinks, service, names);
  const Node* const states =
      fields.require("states", "what the service counts or sums for each key");
  if (states != nullptr) read_states(*states, service);
  if (!service.states.empty()) names.state = &service.states.front();
  const Node* const window = body.find("window") == nullptr ? nullptr : fields.find("window");
  if (body.find("window") == nullptr) {
    report_.error(key,
                  fmt::format("service '{}' has no 'window', which is not supported yet", key.text),
                  std::string(kSupported));
  }
  if (window != nullptr) read_window(*window, service, names);
  check(key, body, service);
  services_.push_back(std::move(service));
}

const TopicEntry* ServiceReader::read_endpoint(const Node& node, std::string_view what,
                                               const std::vector<std::string_view>& more_keys) {
  if (node.kind == NodeKind::kScalar) {
    report_.error(node, fmt::format("{} has to be a map", what),
                  fmt::format("write {{ type: topic, id: {} }}", node.text.substr(0, 60)));
    return nullptr;
  }
  std::vector<std::string_view> keys = {"type", "id"};
  keys.insert(keys.end(), more_keys.begin(), more_keys.end());
  const Fields fields(report_, node, std::string(what), keys,
                      {{"transforms", "'transforms' are not supported yet", kSupported}});
  const Node* const type = fields.require("type", "write 'type: topic'");
  if (type != nullptr &&
      (type->text == "state" || type->text == "connector" || type->text == "http")) {
    report_.error(*type, fmt::format("{} of type '{}' is not supported yet", what, type->text),
                  "write 'type: topic'");
    return nullptr;
  }
  if (type != nullptr) read_word(report_, *type, fmt::format("type of {}", what), {"topic"});
  const Node* const id = fields.require("id", "the name of a topic");
  return id == nullptr ? nullptr : topics_.refer(*id);
}

void ServiceReader::read_sources(const Node& list, Service& service, ExampleNames& names) {
  if (list.kind != NodeKind::kList || list.items.empty()) {
    report_.error(list, "'sources' has to be a list with at least one topic",
                  "for example '- { type: topic, id: player-events }'");
    return;
  }
  const TopicEntry* first = nullptr;
  for (const Node& node : list.items) {
    const TopicEntry* const entry = read_endpoint(node, "a source", {"starting-offset"});
    StartOffset start = start_;
    if (const Node* const offset = node.find("starting-offset"))
      start = read_offset(report_, *offset).value_or(start_);
    if (entry == nullptr) continue;
    const Node& id = *node.find("id");
    for (const Source& other : service.sources) {
      if (other.topic == entry->topic.name)
        report_.error(id, fmt::format("topic '{}' is a source already", id.text), "remove one");
    }
    service.sources.push_back({entry->topic.name, node.position, start});
    if (!entry->has_schema) {
      report_.error(id,
                    fmt::format("topic '{}' has no schema, so operators cannot read it", id.text),
                    "give the topic a 'schema: { value: { type: … } }'");
    }
    if (entry->topic.type == nullptr) continue;
    if (first != nullptr && first->topic.type != entry->topic.type) {
      report_.error(id,
                    fmt::format("topic '{}' has type '{}', but source '{}' has type '{}'", id.text,
                                entry->type_name, first->key->text, first->type_name),
                    "the sources of one service share a type: make two services");
    }
    if (first == nullptr) first = entry;
  }
  if (first == nullptr) return;
  service.event = names.event = first->topic.type;
  names.event_name = first->type_name;
}

void ServiceReader::read_sinks(const Node& list, Service& service, ExampleNames& names) {
  if (list.kind != NodeKind::kList || list.items.empty()) {
    report_.error(list, "'sinks' has to be a list with at least one topic",
                  "for example '- { type: topic, id: summaries }'");
    return;
  }
  const TopicEntry* first = nullptr;
  for (const Node& node : list.items) {
    const TopicEntry* const entry = read_endpoint(node, "a sink", {});
    if (entry == nullptr) continue;
    const Node& id = *node.find("id");
    const std::string& topic = entry->topic.name;
    if (std::find(service.sinks.begin(), service.sinks.end(), topic) != service.sinks.end())
      report_.error(id, fmt::format("topic '{}' is a sink already", id.text), "remove one");
    for (const Source& source : service.sources) {
      if (source.topic == topic)
        report_.error(
            id,
            fmt::format("topic '{}' is a source and a sink: the service would feed itself",
                        id.text),
            "write to another topic");
    }
    service.sinks.push_back(topic);
    if (!entry->has_schema) {
      report_.error(
          id,
          fmt::format("topic '{}' has no schema, so there is no type for 'flush' to return",
                      id.text),
          "give the topic a 'schema: { value: { type: … } }'");
    }
    if (entry->topic.type == nullptr) continue;
    if (first != nullptr && first->topic.type != entry->topic.type) {
      report_.error(id,
                    fmt::format("topic '{}' has type '{}', but sink '{}' has type '{}'", id.text,
                                entry->type_name, first->key->text, first->type_name),
                    "'flush' returns one type: make two services");
    }
    if (first == nullptr) first = entry;
  }
  if (first == nullptr) return;
  service.output = names.output = first->topic.type;
  names.output_name = first->type_name;
}

void ServiceReader::read_states(const Node& map, Service& service) {
  if (map.kind != NodeKind::kMap || map.keys.empty()) {
    report_.error(map, "'states' has to be a map with at least one state");
    return;
  }
  std::set<std::string> accessors, rows;
  for (std::size_t i = 0; i < map.keys.size(); ++i) {
    const Node& key = map.keys[i];
    const std::string accessor = to_snake_case(key.text);
    const std::string row = to_pascal_case(key.text) + "Row";
    if (!is_lower_name(key.text)) {
      report_.error(
          key, fmt::format("'{}' cannot be the name of a state", key.text.substr(0, 60)),
          "small letters and digits, a letter first, single '-' or '_' between, at most 100");
    } else if (const auto reason = reserved_as(accessor)) {
      report_.error(
          key,
          fmt::format("'{}' cannot be the name of a state: {} is {}", key.text, accessor, *reason),
          "choose another name");
    } else if (!accessors.insert(accessor).second) {
      report_.error(key, fmt::format("two states are called {} in C++", accessor), "rename one");
    } else if (!rows.insert(row).second) {
      report_.error(key, fmt::format("the rows of two states are called {} in C++", row),
                    "rename one");
    } else if (types_.has_struct(row)) {
      report_.error(
          key,
          fmt::format("the rows of state '{}' are called {} in C++, as a type is", key.text, row),
          "rename the state or the type");
    }
    read_state(key, map.items[i], service);
  }
  if (map.keys.size() > kStatesMax)
    report_.error(map, fmt::format("a service has at most {} states", kStatesMax));
  for (const State& state : service.states) {
    const State& first = service.states.front();
    if (state.key == first.key) continue;
    report_.error(
        *position_of(map, {state.name, "properties", "key"}),
        fmt::format("state '{}' has a key of type {}, but state '{}' of type {}", state.name,
                    record::to_string(state.key), first.name, record::to_string(first.key)),
        "'assign-key' makes one key, which all states of the service share");
  }
}

void ServiceReader::read_state(const Node& key, const Node& body, Service& service) {
  State state;
  state.name = key.text;
  state.position = key.position;
  const Fields fields(report_, body, "a state", {"type", "properties"},
                      {{"from", "a state of another service is not supported yet",
                        "write to a topic that the other service reads"},
                       {"ttl", "'ttl' is not supported yet", "a row lives as long as its window"}});
  if (body.find("from") != nullptr) return;
  const Node* const type_node = fields.require("type", "write 'type: keyed-state'");
  if (type_node != nullptr && (type_node->text == "ref" || type_node->text == "system")) {
    report_.error(*type_node,
                  fmt::format("a state of type '{}' is not supported yet", type_node->text),
                  "write 'type: keyed-state'");
    return;
  }
  if (type_node != nullptr) read_word(report_, *type_node, "type of a state", {"keyed-state"});
  const Node* const properties =
      fields.require("properties", "write 'properties: { key: …, value: … }'");
  if (properties == nullptr) return;
  const Fields inner(report_, *properties, "'properties' of a state", {"key", "value"});
  bool is_complete = false;
  if (const Node* const node = inner.require("key", "write 'key: { type: string }'")) {
    const record::Type* const type = types_.read(*node, "the key of a state", "");
    if (type != nullptr && type->kind != Kind::kString && type->kind != Kind::kBool &&
        !record::is_integer(type->kind)) {
      report_.error(*node, "the key of a state has to be a string, an integer or a bool");
    } else if (type != nullptr) {
      state.key = type->kind;
      is_complete = true;
    }
  }
  const Node* const value =
      inner.require("value", "write 'value: { type: arrow-row, properties: … }'");
  if (value == nullptr) return;
  const Fields row(report_, *value, "the value of a state", {"type", "properties"});
  const Node* const type = row.require("type", "write 'type: arrow-row'");
  if (type == nullptr) return;
  if (type->text != "arrow-row") {
    report_.error(
        *type,
        fmt::format("the value of a state cannot be of type '{}' yet", type->text.substr(0, 60)),
        "write 'type: arrow-row' and 'properties: { value: { type: … } }'");
    return;
  }
  const Node* const columns =
      row.require("properties", "write 'properties: { count: { type: u32 } }'");
  if (columns == nullptr) return;
  state.type = types_.read_row(*columns);
  if (is_complete && state.type != nullptr) service.states.push_back(std::move(state));
}

void ServiceReader::read_window(const Node& node, Service& service, const ExampleNames& names) {
  const Fields fields(
      report_, node, "a window",
      {"tumbling", "assign-timestamp", "watermark", "late", "partition", "flush"},
      {{"sliding", "sliding windows are not supported yet", "write 'tumbling: { duration: 5s }'"},
       {"session", "session windows are not supported yet", "write 'tumbling: { duration: 5s }'"},
       {"hopping", "hopping windows are not supported yet", "write 'tumbling: { duration: 5s }'"},
       not_yet("transforms", "'transforms' in a window are not supported yet"),
       {"grace-period", "'grace-period' stands in 'watermark'",
        "write 'watermark: { grace-period: 2s }'"},
       {"idleness", "'idleness' stands in 'watermark'", "write 'watermark: { idleness: 5s }'"},
       {"assign-key", "'assign-key' stands in 'partition'", "indent it below 'partition:'"},
       {"update-state", "'update-state' stands in 'partition'", "indent it below 'partition:'"}});
  if (!fields.is_map()) return;
  TumblingWindow& window = service.window;
  const bool other_window = node.find("sliding") || node.find("session") || node.find("hopping");
  const Node* const tumbling =
      other_window ? fields.find("tumbling")
                   : fields.require("tumbling", "write 'tumbling: { duration: 5s }'");
  if (tumbling != nullptr) {
    const Fields inner(report_, *tumbling, "'tumbling'", {"duration"},
                       {{"offset", "'offset' is not supported yet",
                         "windows start at multiples of their duration since 1970, UTC"}});
    if (const Node* const duration = inner.require("duration", "write 'duration: 5s'"))
      window.duration = read_duration(report_, *duration, "'duration'", {1}).value_or(Duration{});
  }
  window.assign_timestamp =
      read_operator(fields.require("assign-timestamp", "the C++ that tells the time of an event"),
                    Operator::kAssignTimestamp, "'assign-timestamp'", names);
  if (const Node* const watermark = fields.find("watermark")) read_watermark(*watermark, window);
  if (const Node* const late = fields.find("late")) read_late(*late, service);
  if (const Node* const partition =
          fields.require("partition", "write 'assign-key' and 'update-state' below it")) {
    const Fields inner(
        report_, *partition, "'partition'", {"assign-key", "update-state"},
        {not_yet("transforms", "'transforms' in a partition are not supported yet")});
    service.assign_key =
        read_operator(inner.require("assign-key", "the C++ that tells the key of an event"),
                      Operator::kAssignKey, "'assign-key'", names);
    service.update_state =
        read_operator(inner.require("update-state", "the C++ that puts an event into the state"),
                      Operator::kUpdateState, "'update-state'", names);
  }
  service.flush =
      read_operator(fields.require("flush", "the C++ that makes the result of a window"),
                    Operator::kFlush, "'flush'", names);
}

void ServiceReader::read_watermark(const Node& node, TumblingWindow& window) {
  const Fields fields(report_, node, "'watermark'", {"grace-period", "idleness"});
  if (const Node* const grace = fields.find("grace-period"))
    window.grace = read_duration(report_, *grace, "'grace-period'", {0}).value_or(Duration{});
  if (const Node* const idleness = fields.find("idleness")) {
    window.idle_timeout =
        read_duration(report_, *idleness, "'idleness'", {1}).value_or(window.idle_timeout);
  }
}

void ServiceReader::read_late(const Node& node, Service& service) {
  TumblingWindow& window = service.window;
  if (node.kind != NodeKind::kMap) {
    if (node.text != "drop") {
      report_.error(
          node,
          fmt::format("'late' has to be 'drop' or a topic, not '{}'", node.text.substr(0, 60)),
          "write 'late: drop' or 'late: { topic: late-events }'");
    }
    return;
  }
  const Fields fields(report_, node, "'late'", {"topic"});
  const Node* const topic = fields.require("topic", "where late events go");
  const TopicEntry* const entry = topic == nullptr ? nullptr : topics_.refer(*topic);
  if (entry == nullptr) return;
  window.late = LatePolicy::kTopic;
  window.late_topic = entry->topic.name;
  if (entry->topic.type != nullptr && service.event != nullptr &&
      entry->topic.type != service.event) {
    report_.error(*topic,
                  fmt::format("late events keep their type, but topic '{}' has type '{}'",
                              topic->text, entry->type_name),
                  "give the topic the type of the sources, or no schema");
  }
  for (const Source& source : service.sources) {
    if (source.topic == window.late_topic)
      report_.error(*topic,
                    fmt::format("topic '{}' is a source: late events would come back", topic->text),
                    "send them to another topic");
  }
}

Code ServiceReader::read_operator(const Node* node, Operator op, std::string_view what,
                                  const ExampleNames& names) {
  if (node == nullptr) return {};
  const Fields fields(report_, *node, std::string(what), {"run"},
                      {not_yet("uses", "functions of packages ('uses') are not supported yet")});
  const Node* const run = node->find("run");
  if (!fields.is_map() || (run == nullptr && node->find("uses") != nullptr)) return {};
  if (run == nullptr) {
    report_.error(*node, fmt::format("{} needs 'run'", what),
                  fmt::format("for example\nrun: |\n  {}", example_of(op, names, "")));
    return {};
  }
  return read_code(report_, *run, source_, op, names).value_or(Code{});
}

void ServiceReader::check(const Node& key, const Node& body, const Service& service) {
  const TumblingWindow& window = service.window;
  const Node* const node = body.find("window");
  if (node == nullptr || node->kind != NodeKind::kMap || window.duration.ms == 0) return;
  const Node* const watermark = node->find("watermark");
  if (watermark == nullptr || watermark->find("grace-period") == nullptr) {
    report_.warning(watermark == nullptr ? *position_of(*node, {"tumbling"}) : *watermark,
                    fmt::format("service '{}' has no 'grace-period': an event that arrives after a "
                                "later one may be late",
                                key.text),
                    "write 'watermark: { grace-period: 2s }', or 0s if events arrive in order");
  } else if (window.idle_timeout < window.grace) {
    report_.warning(
        *position_of(*watermark, {"idleness"}),
        fmt::format("'idleness' ({}) is shorter than 'grace-period' ({})",
                    format_duration(window.idle_timeout), format_duration(window.grace)),
        "a partition that pauses is left behind before its events are late");
  }
  for (const Source& source : service.sources) {
    for (const TopicEntry& entry : topics_.entries()) {
      const auto age = entry.topic.retention_age;
      if (entry.topic.name != source.topic || !age || *age >= window.duration + window.grace)
        continue;
      report_.warning(*position_of(*node, {"tumbling", "duration"}),
                      fmt::format("the window is longer than topic '{}' keeps its records ({})",
                                  source.topic, format_duration(*age)),
                      "after a stop, records may be gone before they were read");
    }
  }
  if (service.update_state.text.empty() || service.flush.text.empty()) return;
  for (const State& state : service.states) {
    const std::string accessor = to_snake_case(state.name);
    if (mentions(service.update_state.text, accessor)) continue;
    if (const Node* const states = body.find("states")) {
      for (const Node& name : states->keys) {
        if (name.text == state.name)
          report_.warning(name, fmt::format("state '{}' is never changed", state.name),
                          fmt::format("use {}() in 'update-state' or remove the state", accessor));
      }
    }
  }
}

std::string ServiceReader::code() const {
  std::string text;
  for (const Service& service : services_) {
    for (const Code* code : {&service.window.assign_timestamp, &service.assign_key,
                             &service.update_state, &service.flush})
      text += code->text + "\n";
  }
  return text;
}

}  // namespace gameflow::spec
