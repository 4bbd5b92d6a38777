#include "spec/topic_reader.h"

#include <utility>

#include <fmt/format.h>

#include "spec/names.h"

namespace gameflow::spec {
namespace {

// As log::kPartitionsMax.
constexpr std::uint64_t kPartitionsMax = 1024;

bool is_key_kind(record::Kind kind) {
  return kind == record::Kind::kString || kind == record::Kind::kBool || record::is_integer(kind);
}

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
  const Node* name_node = &key;
  // Nothing below a topic's name: a topic with all defaults.
  if (body.kind != NodeKind::kNull) {
    const Fields fields(
        report_, body, "a topic", {"name", "schema", "partitions", "retention"},
        {{"retention-time", "a topic has no 'retention-time'", "write 'retention: { age: 7d }'"},
         {"consumer", "'consumer' of a topic is not supported yet",
          "write 'starting-offset' at the source, or 'consumer' in 'config'"},
         {"producer", "'producer' of a topic is not supported yet", "remove it"},
         {"segment-size", "a topic has no 'segment-size'",
          "for the size write 'retention: { bytes: 10GiB }'"}});
    if (const Node* const name = fields.find("name")) {
      entry.topic.name = read_text(report_, *name, "the name of a topic").value_or(key.text);
      name_node = name;
    }
    if (const Node* const schema = fields.find("schema")) read_schema(*schema, entry);
    if (const Node* const partitions = fields.find("partitions")) {
      entry.topic.partitions = static_cast<std::uint32_t>(
          read_count(report_, *partitions, "'partitions'", 1, kPartitionsMax).value_or(1));
    }
    if (const Node* const retention = fields.find("retention"))
      read_retention(*retention, entry.topic);
  }
  if (!is_topic_name(entry.topic.name)) {
    report_.error(*name_node,
                  fmt::format("'{}' cannot be the name of a topic", entry.topic.name.substr(0, 60)),
                  "letters, digits, '.', '_' and '-', at most 200");
  }
  by_key_[key.text] = entries_.size();
  entries_.push_back(std::move(entry));
}

void TopicReader::read_schema(const Node& node, TopicEntry& entry) {
  const Fields fields(report_, node, "a schema", {"key", "value"});
  if (const Node* const key = fields.find("key")) {
    const record::Type* const type = types_.read(*key, "the key of a topic", "");
    if (type != nullptr && !is_key_kind(type->kind))
      report_.error(*key, "the key of a topic has to be a string, an integer or a bool");
  }
  entry.has_schema = true;
  const Node* const value = fields.require("value", "for example 'value: { type: player-event }'");
  if (value == nullptr) return;
  entry.topic.type = types_.read(*value, "the value of a topic", "", {"converter"});
  if (const Node* const type = value->find("type")) entry.type_name = type->text;
  if (const Node* const converter = value->find("converter")) read_converter(report_, *converter);
}

void TopicReader::read_retention(const Node& node, Topic& topic) {
  const Fields fields(report_, node, "'retention'", {"age", "bytes"},
                      {{"time", "unknown key 'time' in 'retention'", "did you mean 'age'?"},
                       {"size", "unknown key 'size' in 'retention'", "did you mean 'bytes'?"}});
  if (const Node* const age = fields.find("age"))
    topic.retention_age = read_duration(report_, *age, "'age'", {1'000});
  if (const Node* const bytes = fields.find("bytes"))
    topic.retention_bytes = read_bytes(report_, *bytes, "'bytes'");
}

const TopicEntry* TopicReader::refer(const Node& node) const {
  const auto name = read_text(report_, node, "the name of a topic");
  if (!name) return nullptr;
  const auto found = by_key_.find(*name);
  if (found != by_key_.end()) return &entries_[found->second];
  std::vector<std::string_view> keys;
  for (const TopicEntry& entry : entries_) {
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
