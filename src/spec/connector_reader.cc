#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include <gameflow/connect/connector.h>

#include "spec/connector.h"
#include "spec/connector_sections.h"
#include "spec/kind_section.h"
#include "spec/names.h"
#include "spec/parse_tree.h"
#include "spec/reader.h"
#include "spec/secret_texts.h"
#include "spec/sections.h"
#include "spec/transforms_tree.h"

namespace gameflow::spec {
namespace {

using connect::Setting;
using connect::SettingKind;

constexpr std::uint64_t kBatchBytesMax = 4U << 20;
constexpr Duration kLingerMax = {10'000};

// "512KiB"
std::string format_size(std::int64_t bytes) {
  constexpr std::string_view kUnits[] = {"B", "KiB", "MiB", "GiB"};
  std::size_t unit = 0;
  for (; unit + 1 < std::size(kUnits) && bytes > 0 && bytes % 1024 == 0; ++unit) bytes /= 1024;
  return fmt::format("{}{}", bytes, kUnits[unit]);
}

class ConnectorReader {
 public:
  ConnectorReader(Report& report, std::span<const connect::Kind> kinds, const FindSecret& find)
      : report_(report), kinds_(kinds), find_(find) {}

  // `source`: the normalized text of the file.
  void read(const Node& root, std::string_view source, Connector& connector);

 private:
  const connect::Kind* find_kind(const Node& root);
  void read_meta(const Fields& fields, Connector& connector);
  void read_topics(const Fields& fields, Connector& connector);
  std::optional<std::string> read_topic(const Node& node);
  std::vector<std::string> read_secrets(const Fields& fields);
  void read_transfer(const Fields& fields, Connector& connector);
  std::uint64_t read_batch_bytes(const Fields& fields, std::string_view key);
  void read_route(const Fields& fields, Connector& connector);
  void read_settings(const Node& node, const Section& section, Connector& connector);
  void read_setting(const Fields& fields, const Setting& setting, connect::Settings& settings);
  bool is_within(const Node* node, const Setting& setting, std::int64_t value);
  std::vector<std::string> read_texts(const Node& node, std::string_view key);
  connect::Settings::Map read_map(const Node& node, std::string_view what);
  void read_transforms(const Node& root, std::string_view source, Connector& connector);
  void refuse_for(const Node& root, std::string_view key, std::string_view who);

  Report& report_;
  std::span<const connect::Kind> kinds_;
  const FindSecret& find_;
  std::vector<std::string> declared_;  // secrets
};

const connect::Kind* ConnectorReader::find_kind(const Node& root) {
  const Node* const meta = root.find("meta");
  const Node* const type = meta != nullptr ? meta->find("type") : nullptr;
  if (type == nullptr || type->kind != NodeKind::kScalar) return nullptr;  // told by its reader
  const auto found = std::ranges::find(kinds_, std::string_view(type->text), &connect::Kind::type);
  if (found != kinds_.end()) return &*found;
  std::vector<std::string_view> known;
  for (const connect::Kind& kind : kinds_) known.push_back(kind.type);
  report_.error(*type, fmt::format("there is no kind of connector '{}'", type->text.substr(0, 60)),
                did_you_mean(type->text, known));
  return nullptr;
}

std::optional<std::string> ConnectorReader::read_topic(const Node& node) {
  if (node.kind == NodeKind::kMap) {
    const Fields fields(report_, node, kConnectorTopic);
    const auto meta = fields.map("meta");
    return meta ? meta->text("name") : std::nullopt;
  }
  auto name = read_text(report_, node, "'topic'");
  if (name && !check_name(report_, node, kTopicName, *name)) return std::nullopt;
  return name;
}

std::vector<std::string> ConnectorReader::read_texts(const Node& node, std::string_view key) {
  std::vector<std::string> texts;
  if (node.kind != NodeKind::kList) {
    report_.error(node, fmt::format("'{}' has to be a list, this is {}", key, describe(node.kind)),
                  fmt::format("for example '{}: [a, b]'", key));
    return texts;
  }
  for (const Node& item : node.items) {
    if (auto text = read_text(report_, item, fmt::format("an item of '{}'", key)))
      texts.push_back(std::move(*text));
  }
  return texts;
}

connect::Settings::Map ConnectorReader::read_map(const Node& node, std::string_view key) {
  connect::Settings::Map map;
  if (node.kind != NodeKind::kMap) {
    report_.error(node, fmt::format("'{}' has to be a map, this is {}", key, describe(node.kind)));
    return map;
  }
  for (std::size_t i = 0; i < node.keys.size(); ++i) {
    if (auto text = read_text(report_, node.items[i], fmt::format("'{}'", node.keys[i].text)))
      map.emplace_back(node.keys[i].text, std::move(*text));
  }
  return map;
}

void ConnectorReader::read_topics(const Fields& fields, Connector& connector) {
  const Node* const one = fields.find("topic");
  const Node* const several = fields.find("topics");
  if (one != nullptr) {
    if (auto name = read_topic(*one)) connector.topics.push_back(std::move(*name));
  }
  if (several == nullptr) return;
  if (one != nullptr || connector.is_source()) {
    report_.error(*several,
                  one != nullptr ? "there are 'topic' and 'topics'" : "a source has one topic",
                  one != nullptr ? "keep one of them"
                                 : "write 'topic', and 'route' beside 'meta' for several");
    return;
  }
  for (std::string& name : read_texts(*several, "topics")) {
    if (!check_name(report_, *several, kTopicName, name)) continue;
    if (std::ranges::count(connector.topics, name) == 0)
      connector.topics.push_back(std::move(name));
  }
}

std::vector<std::string> ConnectorReader::read_secrets(const Fields& fields) {
  std::vector<std::string> names;
  for (const Node* node :
       maps_of(report_, fields.find("secrets"), "'secrets'", "for example '- name: TOKEN'")) {
    const auto name = Fields(report_, *node, kConnectorSecret).text("name");
    if (!name) continue;
    if (!is_identifier(*name)) {
      report_.error(*node, fmt::format("'{}' cannot be the name of a secret", name->substr(0, 60)),
                    "letters, digits and '_', no digit first");
    }
    names.push_back(*name);
  }
  return names;
}

std::uint64_t ConnectorReader::read_batch_bytes(const Fields& fields, std::string_view key) {
  const auto bytes = fields.bytes(key).value_or(kBatchBytesMax);
  if (bytes > kBatchBytesMax)
    report_.error(*fields.find(key), fmt::format("'{}' has to be at most 4MiB", key));
  return bytes;
}

// How much goes from one side to the other at a time.
void ConnectorReader::read_transfer(const Fields& fields, Connector& connector) {
  if (const auto producer = fields.map("producer")) {
    connector.batch_bytes = read_batch_bytes(*producer, "batch-size");
    connector.linger = producer->duration("linger").value_or(Duration{});
    if (connector.linger > kLingerMax)
      report_.error(*producer->find("linger"), "'linger' has to be at most 10s");
  }
  if (const auto consumer = fields.map("consumer")) {
    connector.batch_bytes = read_batch_bytes(*consumer, "max_bytes");
    if (const auto partition = consumer->count("partition"))
      connector.partition = static_cast<std::uint32_t>(*partition);
  }
}

void ConnectorReader::read_meta(const Fields& fields, Connector& connector) {
  connector.name = fields.text("name").value_or("");
  connector.version = fields.text("version").value_or("");
  fields.text("type");
  declared_ = read_secrets(fields);
  read_topics(fields, connector);
  read_transfer(fields, connector);
}

void ConnectorReader::read_route(const Fields& fields, Connector& connector) {
  const auto section = fields.map("route");
  if (!section || !section->is_map()) return;
  Route route;
  route.field = section->text("field").value_or("");
  if (const Node* const topics = section->find("topics")) {
    route.topics = read_map(*topics, "topics");
    for (const auto& [value, topic] : route.topics) {
      const Node* const at = topics->find(value);
      check_name(report_, at != nullptr ? *at : *topics, kTopicName, topic);
    }
  }
  route.otherwise = static_cast<RouteOtherwise>(section->word("otherwise").value_or(0));
  connector.route = std::move(route);
}

bool ConnectorReader::is_within(const Node* node, const Setting& setting, std::int64_t value) {
  if (node == nullptr || (value >= setting.min && (setting.max == 0 || value <= setting.max)))
    return true;
  const auto shown = [&](std::int64_t bound) {
    return setting.kind == SettingKind::kDuration ? format_duration({bound}) : format_size(bound);
  };
  report_.error(*node, setting.max == 0 ? fmt::format("'{}' has to be at least {}", setting.key,
                                                      shown(setting.min))
                                        : fmt::format("'{}' has to be {} to {}", setting.key,
                                                      shown(setting.min), shown(setting.max)));
  return false;
}

void ConnectorReader::read_setting(const Fields& fields, const Setting& setting,
                                   connect::Settings& settings) {
  const Node* const node = fields.find(setting.key);
  // What it will be is not known yet.
  if (!find_ && node != nullptr && refers_to_secret(node->text)) return;
  const auto set = [&](const auto& value) {
    if (value) settings.set(setting.key, *value);
  };
  const auto set_number = [&](std::optional<std::int64_t> value) {
    if (value && is_within(node, setting, *value)) settings.set(setting.key, *value);
  };
  const auto is_signed = [](std::uint64_t value) { return static_cast<std::int64_t>(value); };
  switch (setting.kind) {
    case SettingKind::kText:
      return set(fields.text(setting.key));
    case SettingKind::kWord:
      if (const auto word = fields.word(setting.key))
        settings.set(setting.key, std::string(setting.words[*word]));
      return;
    case SettingKind::kBool:
      return set(fields.flag(setting.key));
    case SettingKind::kNumber:
      if (const auto count = fields.count(setting.key)) set_number(is_signed(*count));
      return;
    case SettingKind::kDuration:
      if (const auto duration = fields.duration(setting.key)) set_number(duration->ms);
      return;
    case SettingKind::kBytes:
      if (const auto bytes = fields.bytes(setting.key)) set_number(is_signed(*bytes));
      return;
    case SettingKind::kTexts:
      if (node != nullptr) settings.set(setting.key, read_texts(*node, setting.key));
      return;
    case SettingKind::kMap:
      if (node != nullptr) settings.set(setting.key, read_map(*node, setting.key));
      return;
  }
}

void ConnectorReader::read_settings(const Node& node, const Section& section,
                                    Connector& connector) {
  Node filled = node;
  fill_secrets(report_, filled, declared_, find_);
  const Fields fields(report_, filled, section);
  if (!fields.is_map()) return;
  for (const Setting& setting : connector.kind.settings)
    read_setting(fields, setting, connector.settings);
}

// A dataflow around them, of which this file is the text.
void ConnectorReader::read_transforms(const Node& root, std::string_view source,
                                      Connector& connector) {
  const std::optional<Node> tree = transforms_tree(root);
  if (!tree) {
    for (const std::string_view key : {"types", "schema"}) {
      if (const Node* const at = root.find_key(key))
        report_.error(*at, fmt::format("'{}' is for 'transforms', and there are none", key),
                      "remove it");
    }
    return;
  }
  Dataflow dataflow;
  dataflow.file_name = connector.file_name;
  std::vector<SourceFile> files = {{connector.file_name,
                                    connector.file_name.substr(connector.file_name.rfind('/') + 1),
                                    std::string(source)}};
  read_dataflow_tree(report_, *tree, source, {}, files, dataflow);
  dataflow.files = std::move(files);
  connector.transforms = std::move(dataflow);
}

// A key that only the other direction has.
void ConnectorReader::refuse_for(const Node& root, std::string_view key, std::string_view who) {
  if (const Node* const at = root.find_key(key))
    report_.error(*at, fmt::format("'{}' is for sources, and {} is a sink", key, who), "remove it");
}

void ConnectorReader::read(const Node& root, std::string_view source, Connector& connector) {
  const connect::Kind* const kind = find_kind(root);
  std::vector<std::unique_ptr<KindSection>> sections;
  for (const connect::Kind& each : kinds_) {
    if (kind == nullptr || &each == kind) sections.push_back(std::make_unique<KindSection>(each));
  }
  std::vector<Field> keys;
  for (const auto& section : sections) keys.push_back(section->key());
  // Of which kind it is is told elsewhere: the section of any may be there, and none has to.
  for (Field& key : keys) key.is_required = key.is_required && kind != nullptr;
  const Fields fields(report_, root, kConnector, {}, keys);
  if (!fields.is_map()) return;
  if (kind != nullptr) connector.kind = *kind;
  fields.word("apiVersion");
  if (const auto meta = fields.map("meta")) read_meta(*meta, connector);
  connector.key_field = fields.text("key-field");
  connector.value_field = fields.text("value-field");
  read_route(fields, connector);
  if (kind == nullptr) return;
  if (!connector.is_source()) {
    for (const std::string_view key :
         {"key-field", "value-field", "route", "types", "schema", "transforms"})
      refuse_for(root, key, kind->type);
  }
  if (connector.is_source()) read_transforms(root, source, connector);
  static const Node kNothing = [] {
    Node node;
    node.kind = NodeKind::kMap;
    return node;
  }();
  const Node* const settings = fields.find(kind->section);
  if (settings != nullptr || !keys.front().is_required)
    read_settings(settings != nullptr ? *settings : kNothing, sections.front()->section(),
                  connector);
  const bool needs_topic = !connector.route || connector.route->otherwise == RouteOtherwise::kTopic;
  const Node* const meta = root.find("meta");
  if (connector.topics.empty() && needs_topic && meta != nullptr &&
      meta->find("topic") == nullptr && meta->find("topics") == nullptr) {
    report_.error(*meta, "'meta' needs 'topic'",
                  connector.route ? "or write 'otherwise: drop' or 'dead-letter' in 'route'"
                                  : "write 'topic: NAME'");
  }
}

}  // namespace

ConnectorResult parse_connector(std::string_view source, std::string file_name,
                                std::span<const connect::Kind> kinds, const FindSecret& find) {
  ConnectorResult result;
  Tree tree = read_yaml(source);
  Report report(std::move(tree.diagnostics));
  Connector connector;
  connector.file_name = std::move(file_name);
  if (tree.root && tree.root->kind != NodeKind::kNull) {
    ConnectorReader(report, kinds, find).read(*tree.root, normalized(source), connector);
  } else if (tree.root || report.is_empty()) {
    report.error(Position{}, "the file is empty",
                 "a connector starts with 'apiVersion: 0.1.0' and 'meta:'");
  }
  result.diagnostics = report.take();
  if (!has_errors(result.diagnostics)) result.connector = std::move(connector);
  return result;
}

}  // namespace gameflow::spec
