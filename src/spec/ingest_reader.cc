#include "spec/ingest_reader.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "record/type.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

using fmt::format;

constexpr std::size_t kRulesMax = 4;

// Whether `path` leads to a text, a number or a bool in values of the type; else a report. Without
// a type it may.
bool check_path(Report& report, const Node& at, std::string_view path, const record::Type* type,
                std::string_view type_name) {
  if (type == nullptr) return true;
  const record::Type* value = type;
  std::string_view rest = path;
  while (!rest.empty()) {
    const std::size_t dot = std::min(rest.find('.'), rest.size());
    const std::string_view name = rest.substr(0, dot);
    rest.remove_prefix(std::min(dot + 1, rest.size()));
    const auto field = std::ranges::find(value->fields, name, &record::Field::read_name);
    if (field == value->fields.end()) {
      std::vector<std::string_view> names;
      for (const record::Field& other : value->fields) names.emplace_back(other.read_name);
      report.error(at, format("type {} has no field '{}'", type_name, path),
                   did_you_mean(name, names));
      return false;
    }
    value = field->type;
  }
  if (is_key_kind(value->kind)) return true;
  report.error(at, format("field '{}' has to be a text, a whole number or a bool", path));
  return false;
}

}  // namespace

std::vector<IdRule> read_id_rules(Report& report, const Node& list, const record::Type* type,
                                  std::string_view type_name) {
  std::vector<IdRule> rules;
  if (type != nullptr && type->is_raw) {
    report.error(list, "raw records have no fields that could be ids", "remove 'deduplicate'");
    return rules;
  }
  for (const Node* const node :
       maps_of(report, &list, "'deduplicate'", "- { field: event_id, within: 24h }")) {
    const Fields fields(report, *node, kDeduplicate);
    const auto field = fields.text("field");
    const auto within = fields.duration("within");
    if (!field) continue;
    const Node& at = *node->find("field");
    if (!check_path(report, at, *field, type, type_name)) continue;
    if (std::ranges::count(rules, *field, &IdRule::field) != 0) {
      report.error(at, format("field '{}' stands in 'deduplicate' twice", *field), "remove one");
      continue;
    }
    rules.push_back({*field, within});
  }
  if (rules.size() > kRulesMax)
    report.error(list, format("a topic has at most {} kinds of ids", kRulesMax));
  return rules;
}

std::optional<Ingest> IngestReader::read_section(const Node& section) {
  const Fields fields(report_, section, kIngest);
  if (!fields.is_map()) return std::nullopt;
  Ingest ingest;
  ingest.events_max = fields.count("events-max").value_or(1);
  ingest.event_bytes_max = fields.bytes("event-bytes-max").value_or(1);
  ingest.clock_drift = fields.duration("clock-drift").value_or(Duration{});
  const Node* const routes = fields.find("routes");
  if (routes == nullptr) return ingest;
  if (routes->kind != NodeKind::kMap || routes->keys.empty()) {
    report_.error(*routes, "'routes' has to be a map from names of events to where they go",
                  "for example 'player_action: { topic: player-events }'");
    return ingest;
  }
  for (std::size_t i = 0; i < routes->keys.size(); ++i)
    read_route(routes->keys[i], routes->items[i], ingest);
  std::ranges::sort(ingest.routes, {}, &EventRoute::event);
  return ingest;
}

void IngestReader::read_route(const Node& name, const Node& body, Ingest& ingest) {
  check_name(report_, name, kEventName, name.text);
  const Fields fields(report_, body, kEventRoute);
  if (!fields.is_map()) return;
  EventRoute route{.event = name.text,
                   .topic = {},
                   .key = fields.text("key"),
                   .time = fields.text("time").value_or(""),
                   .platform = fields.text("platform")};
  const Node* const topic = fields.find("topic");
  const TopicEntry* const entry = topic != nullptr ? topics_.refer(*topic) : nullptr;
  if (entry == nullptr) return;
  route.topic = entry->topic.name;
  if (entry->topic.type != nullptr && entry->topic.type->is_raw) {
    report_.error(*topic,
                  format("topic '{}' has raw records, and an event is an object", topic->text),
                  "name another topic");
    return;
  }
  for (const std::string_view key : {"key", "platform"}) {
    if (const Node* const path = body.find(key))
      check_path(report_, *path, path->text, entry->topic.type, entry->type_name);
  }
  ingest.routes.push_back(std::move(route));
}

}  // namespace gameflow::spec
