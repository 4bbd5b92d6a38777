#include "spec/topic_reader.h"

#include <utility>

#include <fmt/format.h>

#include "record/type.h"
#include "spec/ingest_reader.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

// Times that have been given are kept so long.
constexpr Duration kScheduleAge{7LL * 86'400'000};
constexpr const char* kCronHint = "for example '0 8 * * *', eight o'clock each day";

}  // namespace

void TopicReader::read_section(const Node& section) {
  if (section.kind != NodeKind::kMap) {
    report_.error(section,
                  fmt::format("'topics' has to be a map, this is {}", describe(section.kind)),
                  "for example 'player-events: { schema: { value: { type: player-event } } }'");
    return;
  }
  for (std::size_t i = 0; i < section.keys.size(); ++i)
    read_topic(section.keys[i], section.items[i]);
  std::unordered_map<std::string_view, const TopicEntry*> names;
  for (const TopicEntry& entry : entries_) {
    const auto [first, is_new] = names.emplace(entry.topic.name, &entry);
    if (is_new) continue;
    report_.error(*entry.key,
                  fmt::format("topics '{}' and '{}' have the same name '{}'",
                              first->second->key->text, entry.key->text, entry.topic.name),
                  "change 'name' of one of them");
  }
}

void TopicReader::read_topic(const Node& key, const Node& body) {
  TopicEntry entry;
  entry.key = &key;
  entry.topic.name = key.text;
  entry.topic.position = key.position;
  // Nothing below a topic's name: a topic with all defaults.
  if (body.kind != NodeKind::kNull) {
    const Fields fields(report_, body, kTopic);
    if (const auto name = fields.text("name")) entry.topic.name = *name;
    if (const Node* const schema = fields.find("schema")) read_schema(*schema, entry);
    if (const auto consumer = fields.map("consumer")) {
      if (const Node* const offset = consumer->find("default_starting_offset"))
        entry.start = read_offset(report_, *offset);
    }
    entry.topic.partitions = static_cast<std::uint32_t>(fields.count("partitions").value_or(1));
    entry.topic.is_compacted = fields.flag("compaction").value_or(false);
    entry.topic.allows_cycle = fields.flag("allow-cycle").value_or(false);
    if (const Node* const ids = fields.find("deduplicate"))
      entry.topic.ids = read_id_rules(report_, *ids, entry.topic.type, entry.type_name);
    if (const auto retention = fields.map("retention")) {
      entry.topic.retention_age = retention->duration("age");
      entry.topic.retention_bytes = retention->bytes("bytes");
    }
  }
  if (body.find("name") == nullptr) check_name(report_, key, kTopicName, key.text);
  by_key_[key.text] = entries_.size();
  entries_.push_back(std::move(entry));
}

void TopicReader::read_schema(const Node& node, TopicEntry& entry) {
  const Fields fields(report_, node, kSchema);
  if (const Node* const key = fields.find("key")) {
    const record::Type* const type = types_.read(*key, kKeyType, "the key of a topic", "");
    if (type != nullptr && !is_key_kind(type->kind))
      report_.error(*key, "the key of a topic has to be a string, an integer or a bool");
  }
  entry.has_schema = true;
  const Node* const value = fields.find("value");
  if (value == nullptr) return;
  entry.topic.type = types_.read(*value, kTopicValue, kTopicValue.name, "");
  const Node* const converter = value->find("converter");
  const bool is_raw = converter == nullptr ? is_raw_ : converter->text == "raw";
  if (is_raw && entry.topic.type != nullptr) {
    entry.topic.type = types_.table().raw(entry.topic.type);
    if (entry.topic.type == nullptr)
      report_.error(converter == nullptr ? *value : *converter,
                    "converter 'raw' takes strings, bytes, numbers and bools only",
                    "write 'converter: json'");
  }
  if (const Node* const type = value->find("type")) entry.type_name = type->text;
}

std::vector<Schedule> TopicReader::read_schedules(const Node& section) {
  std::vector<Schedule> schedules;
  if (section.kind != NodeKind::kMap) {
    report_.error(section,
                  fmt::format("'schedule' has to be a map, this is {}", describe(section.kind)),
                  "for example 'daily: { cron: \"0 8 * * *\" }'");
    return schedules;
  }
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    const Node& key = section.keys[i];
    check_name(report_, key, kScheduleName, key.text);
    auto schedule = read_schedule(key, section.items[i]);
    TopicEntry entry;
    entry.key = &key;
    entry.topic.name = "schedule." + key.text;
    entry.topic.position = key.position;
    entry.topic.type = types_.table().scalar(record::Kind::kI64);
    entry.topic.retention_age = kScheduleAge;
    entry.type_name = "i64";
    entry.has_schema = true;
    for (const TopicEntry& other : entries_) {
      if (other.topic.name != entry.topic.name) continue;
      report_.error(key,
                    fmt::format("topic '{}' has the name of the topic of schedule '{}'",
                                other.key->text, key.text),
                    "rename one of them");
    }
    schedules_[key.text] = entries_.size();
    entries_.push_back(std::move(entry));
    if (schedule) schedules.push_back(std::move(*schedule));
  }
  return schedules;
}

std::optional<Schedule> TopicReader::read_schedule(const Node& key, const Node& body) {
  const Fields fields(report_, body, kSchedule, fmt::format("schedule '{}'", key.text));
  if (!fields.is_map()) return std::nullopt;
  const auto text = fields.text("cron");
  auto zone = fields.time_zone("timezone");
  const bool catches_up = fields.flag("catch-up").value_or(false);
  auto cron = text ? Cron::parse(*text) : Result<Cron>(fail(ErrorCode::kInvalidArgument, ""));
  if (text && !cron) report_.error(*body.find("cron"), cron.error().message, kCronHint);
  if (!cron || zone == nullptr) return std::nullopt;
  if (!cron->next(Timestamp{}, *zone)) {
    report_.error(*body.find("cron"), fmt::format("'{}' never comes", *text),
                  "no month that is named has such a day");
    return std::nullopt;
  }
  return Schedule{.name = key.text,
                  .position = key.position,
                  .topic = "schedule." + key.text,
                  .cron_text = *text,
                  .cron = *cron,
                  .zone = std::move(zone),
                  .catches_up = catches_up};
}

const TopicEntry* TopicReader::refer_schedule(const Node& node) const {
  const auto name = read_text(report_, node, "the name of a schedule");
  if (!name) return nullptr;
  const auto found = schedules_.find(*name);
  if (found != schedules_.end()) return &entries_[found->second];
  std::vector<std::string_view> names;
  for (const auto& [known, entry] : schedules_) names.emplace_back(known);
  report_.error(
      node, fmt::format("there is no schedule '{}'", name->substr(0, 60)),
      names.empty()
          ? fmt::format("write 'schedule: {{ {}: {{ cron: \"0 8 * * *\" }} }}' at the top "
                        "of the file",
                        name->substr(0, 60))
          : did_you_mean(*name, names));
  return nullptr;
}

const TopicEntry* TopicReader::find(const std::string& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : &entries_[found->second];
}

const TopicEntry* TopicReader::refer(const Node& node) const {
  const auto name = read_text(report_, node, "the name of a topic");
  if (!name) return nullptr;
  const auto found = by_key_.find(*name);
  if (found != by_key_.end()) return &entries_[found->second];
  if (schedules_.contains(*name)) {
    report_.error(node, fmt::format("there is no topic '{}'", *name),
                  "it is a schedule: write 'type: schedule'");
    return nullptr;
  }
  std::vector<std::string_view> keys;
  for (const TopicEntry& entry : entries_) {
    if (schedules_.contains(entry.key->text)) continue;
    if (entry.topic.name == *name) {
      report_.error(node,
                    fmt::format("topic '{}' is called '{}' in this file", *name, entry.key->text),
                    fmt::format("write '{}'", entry.key->text));
      return nullptr;
    }
    keys.push_back(entry.key->text);
  }
  report_.error(node, fmt::format("there is no topic '{}'", name->substr(0, 60)),
                did_you_mean(*name, keys));
  return nullptr;
}

}  // namespace gameflow::spec
