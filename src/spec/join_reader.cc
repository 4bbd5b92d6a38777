#include "spec/join_reader.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "spec/sections.h"

namespace gameflow::spec {

void JoinReader::read(const Node& node, Service& service) {
  const Fields fields(report_, node, kJoining);
  if (!fields.is_map()) return;
  Join& join = service.join.emplace();
  join.position = node.position;
  Side left = read_side(fields, "left", join.left, service);
  const Side right = read_side(fields, "right", join.right, service);
  if (const auto within = fields.map("within")) {
    join.before = within->duration("before").value_or(Duration{});
    join.after = within->duration("after").value_or(Duration{});
    const Node& map = *node.find("within");
    const bool has_span = map.find_key("before") != nullptr || map.find_key("after") != nullptr;
    if (map.kind == NodeKind::kMap && !has_span && !within->has_unknown())
      report_.error(map, "'within' needs 'before' or 'after'",
                    "write 'within: { before: 30m, after: 0s }'");
  }
  join.type = static_cast<JoinType>(fields.word("type").value_or(0));
  if (const auto watermark = fields.map("watermark")) {
    join.grace = watermark->duration("grace-period").value_or(Duration{});
    join.idle_timeout = watermark->duration("idleness").value_or(Duration{});
  }
  check_watermark(node, service);
  if (const Node* const late = fields.find("late")) read_late(*late, left, right, service);
  left.names.output = right.names.event;
  left.names.output_name = right.names.event_name;
  join.run = functions_.read_join(fields, node, left.names);
}

JoinReader::Side JoinReader::read_side(const Fields& join, std::string_view key, JoinSide& side,
                                       Service& service) {
  const Node* const node = join.find(key);
  if (node == nullptr) return {};
  const Fields fields(report_, *node, kJoinSide, fmt::format("'{}'", key));
  if (!fields.is_map()) return {};
  Side read;
  const Node* const topic = fields.find("topic");
  if (topic != nullptr) read.entry = topics_.refer(*topic);
  if (read.entry != nullptr)
    read.names = {.event = read.entry->topic.type,
                  .output = nullptr,
                  .event_name = read.entry->type_name,
                  .output_name = {},
                  .state = nullptr};
  StartOffset start = start_;
  if (const Node* const offset = fields.find("starting-offset"))
    start = read_offset(report_, *offset).value_or(start_);
  std::vector<Function> transforms;
  if (const Node* const list = fields.find("transforms"))
    transforms = functions_.read_transforms(*list, read.names);
  read.is_changed = change_type(transforms);
  if (read.is_changed) read.names = {};
  side.assign_timestamp =
      functions_.read(fields, *node, FunctionKind::kAssignTimestamp, read.names);
  side.assign_key = functions_.read(fields, *node, FunctionKind::kAssignKey, read.names);
  if (read.entry == nullptr) return read;
  const Topic& of = read.entry->topic;
  if (!read.entry->has_schema) {
    report_.error(*topic,
                  fmt::format("topic '{}' has no schema, so operators cannot read it", topic->text),
                  "give the topic a 'schema: { value: { type: … } }'");
  }
  if (std::ranges::count(service.sources, of.name, &Source::topic) != 0) {
    report_.error(*topic, fmt::format("topic '{}' is the other side already", topic->text),
                  "to join a topic with itself, let another service copy it to a second one");
  }
  service.sources.push_back({of.name, node->position, start, of.type, std::move(transforms)});
  return read;
}

void JoinReader::read_late(const Node& node, const Side& left, const Side& right,
                           Service& service) {
  if (node.kind != NodeKind::kMap) {
    if (node.text != "drop") {
      report_.error(
          node,
          fmt::format("'late' has to be 'drop' or a topic, not '{}'", node.text.substr(0, 60)),
          "write 'late: drop' or 'late: { topic: late-events }'");
    }
    return;
  }
  const Fields fields(report_, node, kJoinLate);
  const Node* const topic = fields.find("topic");
  const TopicEntry* const entry = topic == nullptr ? nullptr : topics_.refer(*topic);
  if (entry == nullptr) return;
  service.join->late = LatePolicy::kToTopic;
  service.join->late_topic = entry->topic.name;
  if (std::ranges::count(service.sources, entry->topic.name, &Source::topic) != 0) {
    if (!entry->has_schema) return;  // told of the side
    report_.error(
        *topic,
        fmt::format("topic '{}' is a side of the join: late events would come back", topic->text),
        "send them to another topic");
    return;
  }
  for (const Side* const side : {&left, &right}) {
    if (entry->topic.type == nullptr || side->entry == nullptr ||
        side->entry->topic.type == entry->topic.type)
      continue;
    report_.error(
        *topic,
        fmt::format("late events keep their type, but topic '{}' has type '{}', and topic "
                    "'{}' has type '{}'",
                    topic->text, entry->type_and_converter(), side->entry->key->text,
                    side->entry->type_and_converter()),
        "send them to a topic without schema");
    break;
  }
}

void JoinReader::check_watermark(const Node& node, const Service& service) {
  const Node* const watermark = node.find("watermark");
  const Node* const key = watermark == nullptr ? node.find_key("within") : watermark;
  if (key == nullptr || (watermark != nullptr && watermark->find("grace-period") != nullptr))
    return;
  report_.warning(*key,
                  fmt::format("service '{}' has no 'grace-period': a left event that arrives after "
                              "a later one may be late",
                              service.name),
                  "write 'watermark: { grace-period: 2s }', or 0s if events arrive in order");
}

void JoinReader::check(const Node& body) {
  for (const std::string_view key : {"partition", "window"}) {
    if (const Node* const at = body.find_key(key)) {
      report_.error(
          *at, fmt::format("a service with 'join' cannot have a '{}'", key),
          fmt::format("write the joined records to a topic, and let a second service with the "
                      "'{}' read it",
                      key));
    }
  }
}

}  // namespace gameflow::spec
