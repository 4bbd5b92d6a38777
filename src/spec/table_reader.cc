#include "spec/table_reader.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "record/type.h"
#include "spec/names.h"
#include "spec/sections.h"

namespace gameflow::spec {

std::vector<Table> TableReader::read_section(const Node& section) {
  if (section.kind != NodeKind::kMap) {
    report_.error(section,
                  fmt::format("'tables' has to be a map, this is {}", describe(section.kind)),
                  "for example 'items: { file: items.csv, key: item_id, type: item }'");
    return {};
  }
  std::set<std::string> accessors;
  for (std::size_t i = 0; i < section.keys.size(); ++i) {
    const Node& key = section.keys[i];
    const std::string accessor = to_snake_case(key.text);
    if (!check_name(report_, key, kTableName, key.text)) {
      // told
    } else if (const auto reason = reserved_as_accessor(accessor)) {
      report_.error(
          key,
          fmt::format("'{}' cannot be the name of a table: {} is {}", key.text, accessor, *reason),
          "choose another name");
    } else if (!accessors.insert(accessor).second) {
      report_.error(key, fmt::format("two tables are called {} in C++", accessor), "rename one");
    }
    read_table(key, section.items[i]);
  }
  return std::move(tables_);
}

void TableReader::read_table(const Node& key, const Node& body) {
  const Fields fields(report_, body, kTable);
  if (!fields.is_map()) return;
  Table table;
  table.name = key.text;
  table.position = key.position;
  const Node* const file = fields.find("file");
  const Node* const topic = fields.find("topic");
  if (body.find_key("file") != nullptr && body.find_key("topic") != nullptr) {
    report_.error(*body.find_key("topic"),
                  fmt::format("table '{}' has a 'file' and a 'topic'", key.text),
                  "remove one of them");
    return;
  }
  if (body.find_key("file") == nullptr && body.find_key("topic") == nullptr) {
    if (fields.is_told("file") || fields.is_told("topic")) return;
    report_.error(key, fmt::format("table '{}' needs a 'file' or a 'topic'", key.text),
                  "for example 'file: items.csv'");
    return;
  }
  if (file != nullptr) read_file(*file, fields, body, table);
  if (topic != nullptr) read_topic(*topic, body, table);
  read_key(fields, table);
  if (table.type != nullptr) tables_.push_back(std::move(table));
}

void TableReader::read_file(const Node& node, const Fields& fields, const Node& body,
                            Table& table) {
  table.file = read_text(report_, node, "'file'").value_or("");
  const auto ends_with = [&table](std::string_view end) { return table.file.ends_with(end); };
  if (!table.file.empty() && !ends_with(".csv") && !ends_with(".json") && !ends_with(".jsonl") &&
      !ends_with(".ndjson")) {
    report_.error(node, fmt::format("the format of '{}' is not known", table.file.substr(0, 60)),
                  "files of tables end with .csv, .json, .jsonl or .ndjson");
  }
  if (fields.require("type") == nullptr) return;
  const Node& name = *body.find("type");
  table.type = types_.read_type_of(body, "the type of a table");
  if (table.type != nullptr && table.type->kind != record::Kind::kObject) {
    report_.error(name, "the rows of a table have to be objects", "name an object of 'types'");
    table.type = nullptr;
  }
}

void TableReader::read_topic(const Node& node, const Node& body, Table& table) {
  const TopicEntry* const entry = topics_.refer(node);
  const Node* const type = body.find("type");
  const record::Type* const said =
      type == nullptr ? nullptr : types_.read_type_of(body, "the type of a table");
  if (entry == nullptr) return;
  table.topic = entry->topic.name;
  table.type = entry->topic.type;
  if (said != nullptr && table.type != nullptr && said != table.type) {
    report_.error(
        *type, fmt::format("the records of topic '{}' are of type {}", node.text, entry->type_name),
        "remove 'type', or write that one");
  }
  if (!entry->has_schema || (table.type != nullptr && table.type->kind != record::Kind::kObject)) {
    report_.error(node, fmt::format("the records of topic '{}' have to be objects", node.text),
                  "give it a 'schema' with an object type");
    table.type = nullptr;
  }
}

void TableReader::read_key(const Fields& fields, Table& table) {
  const auto text = fields.text("key");
  if (!text || table.type == nullptr) return;
  const Node& node = *fields.find("key");
  table.key = to_snake_case(*text);
  const auto field = std::ranges::find_if(table.type->fields, [&](const record::Field& of_type) {
    return of_type.name == *text || of_type.name == table.key || of_type.cpp_name == table.key;
  });
  if (field == table.type->fields.end()) {
    std::vector<std::string_view> names;
    for (const record::Field& other : table.type->fields) names.emplace_back(other.name);
    report_.error(node, fmt::format("the type of table '{}' has no field '{}'", table.name, *text),
                  did_you_mean(table.key, names));
    return;
  }
  table.key = field->name;
  if (!is_key_kind(field->type->kind) || field->optional)
    report_.error(node,
                  fmt::format("the key of a table has to be a string, an integer or a bool that is "
                              "always there; '{}' is not",
                              field->name));
}

}  // namespace gameflow::spec
