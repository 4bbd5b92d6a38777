#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "record/type.h"
#include "spec/ingest_reader.h"
#include "spec/model.h"
#include "spec/packages.h"
#include "spec/parse_tree.h"
#include "spec/reader.h"
#include "spec/sections.h"
#include "spec/service_reader.h"
#include "spec/table_reader.h"
#include "spec/topic_reader.h"
#include "spec/type_reader.h"
#include "spec/yaml_tree.h"

namespace gameflow::spec {
namespace {

void read_meta(const Fields& fields, Dataflow& dataflow) {
  dataflow.name = fields.text("name").value_or("");
  dataflow.version = fields.text("version").value_or("");
  dataflow.namespace_ = fields.text("namespace").value_or("");
}

// What counts where sources and topics do not say.
struct Defaults {
  StartOffset start = StartOffset::kBeginning;
  bool is_raw = false;
};

Defaults read_config(Report& report, const Fields& fields, Dataflow& dataflow) {
  Defaults defaults;
  defaults.is_raw = fields.word("converter") == 1;
  if (const auto consumer = fields.map("consumer")) {
    if (const Node* const offset = consumer->find("default_starting_offset"))
      defaults.start = read_offset(report, *offset).value_or(defaults.start);
  }
  dataflow.dead_letter_topic = fields.text("dead-letter-topic").value_or("");
  if (const auto watermark = fields.map("watermark"))
    dataflow.future_max = watermark->duration("future-max").value_or(Duration{});
  return defaults;
}

// The dead letters have a format of their own, and nobody else may write there.
void check_dead_letters(Report& report, const Dataflow& dataflow, const TopicReader& topics) {
  const std::string& name = dataflow.dead_letter_topic;
  for (const TopicEntry& entry : topics.entries()) {
    if (entry.topic.name == name && entry.has_schema) {
      report.error(*entry.key,
                   fmt::format("topic '{}' gets the dead letters and cannot have a schema", name),
                   "remove the schema, or set 'dead-letter-topic' in 'config'");
    }
  }
  for (const Service& service : dataflow.services) {
    const bool is_late_topic = (service.window && service.window->late == LatePolicy::kToTopic &&
                                service.window->late_topic == name) ||
                               (service.join && service.join->late == LatePolicy::kToTopic &&
                                service.join->late_topic == name);
    if (is_late_topic)
      report.error(service.position,
                   fmt::format("service '{}' sends late events to the dead-letter topic '{}'",
                               service.name, name),
                   "choose another topic");
  }
}

// Ids are looked at where records come in over HTTP only.
void check_ids(Report& report, const Dataflow& dataflow) {
  for (const Service& service : dataflow.services) {
    for (const Sink& sink : service.sinks) {
      const Topic* const topic = dataflow.find_topic(sink.topic);
      if (topic == nullptr || topic->ids.empty()) continue;
      report.error(sink.position,
                   fmt::format("service '{}' writes topic '{}', which has 'deduplicate'",
                               service.name, sink.topic),
                   "only records that come in over HTTP are looked at: remove 'deduplicate', or "
                   "write another topic");
    }
  }
}

void read_includes(Report& report, const Fields& fields, Dataflow& dataflow) {
  const Node* const list = fields.find("include");
  if (list == nullptr) return;
  if (list->kind != NodeKind::kList || list->items.empty()) {
    report.error(*list, "'include' has to be a list of headers",
                 "for example 'include: [helpers.h]'");
    return;
  }
  for (const Node& node : list->items) {
    if (const auto file = read_text(report, node, "a header"))
      dataflow.includes.push_back({*file, node.position});
  }
}

// The files that a list names.
std::vector<Dataflow::File> read_files(Report& report, const Fields& fields, std::string_view key,
                                       std::string_view what) {
  std::vector<Dataflow::File> files;
  const Node* const list = fields.find(key);
  if (list == nullptr) return files;
  if (list->kind != NodeKind::kList || list->items.empty()) {
    report.error(*list, fmt::format("'{}' has to be a list of files", key),
                 std::string(fields.hint(key)));
    return files;
  }
  for (const Node& node : list->items) {
    if (const auto file = read_text(report, node, what)) files.push_back({*file, node.position});
  }
  return files;
}

// The texts of a list that `check` lets pass; each once.
template <class Check>
std::vector<std::string> read_names(Report& report, const Fields& fields, std::string_view key,
                                    const Check& check) {
  std::vector<std::string> names;
  const Node* const list = fields.find(key);
  if (list == nullptr) return names;
  if (list->kind != NodeKind::kList || list->items.empty()) {
    report.error(*list, fmt::format("'{}' has to be a list of names", key),
                 std::string(fields.hint(key)));
    return names;
  }
  for (const Node& node : list->items) {
    const auto name = read_text(report, node, "a name");
    if (!name || !check(node, *name) || std::ranges::count(names, *name) != 0) continue;
    names.push_back(*name);
  }
  return names;
}

void collect_fields(const record::Type& type, std::set<std::string_view>& names,
                    std::set<const record::Type*>& seen) {
  if (!seen.insert(&type).second) return;
  for (const record::Field& field : type.fields) {
    names.insert(field.read_name);
    collect_fields(*field.type, names, seen);
  }
  if (type.item != nullptr) collect_fields(*type.item, names, seen);
}

void read_players(Report& report, const Fields& section, Dataflow& dataflow) {
  std::set<std::string_view> known;
  std::set<const record::Type*> seen;
  for (const record::Type* type : dataflow.named_types) collect_fields(*type, known, seen);
  for (const Service& service : dataflow.services)
    for (const State& state : service.states) collect_fields(*state.type, known, seen);
  const std::vector<std::string_view> of_types(known.begin(), known.end());
  Players players;
  // A field that no type has may still be in records: those of topics without a type, say.
  const auto check_field = [&](const Node& at, std::string_view name) {
    if (!known.contains(name))
      report.warning(at, fmt::format("no type or state has a field '{}'", name),
                     did_you_mean(name, of_types));
    return true;
  };
  players.fields = read_names(report, section, "fields", check_field);
  players.mentions = read_names(report, section, "mentions", check_field);
  std::vector<std::string_view> keyed;
  for (const Topic& topic : dataflow.topics) keyed.emplace_back(topic.name);
  for (const Service& service : dataflow.services) keyed.emplace_back(service.name);
  players.keys = read_names(report, section, "keys", [&](const Node& at, std::string_view name) {
    if (std::ranges::count(keyed, name) != 0) return true;
    report.error(at, fmt::format("there is no service or topic '{}'", name.substr(0, 60)),
                 did_you_mean(name, keyed));
    return false;
  });
  dataflow.players = std::move(players);
}

}  // namespace

void read_dataflow_tree(Report& report, const Node& root, std::string_view source,
                        const PackageSearch& search, std::vector<SourceFile>& files,
                        Dataflow& dataflow) {
  const Fields fields(report, root, kDataflow);
  if (!fields.is_map()) return;
  Naming naming = Naming::kAsSdf5;
  if (const Node* const version = fields.find("apiVersion")) {
    if (version->text == kApiVersions[2]) naming = Naming::kAsWritten;
    if (std::ranges::count(kApiVersions, std::string_view(version->text)) == 0) {
      report.error(*version, fmt::format("unknown apiVersion '{}'", version->text.substr(0, 60)),
                   "known are 0.4.0, 0.5.0 and 0.6.0");
    }
  }
  if (const auto meta = fields.map("meta")) read_meta(*meta, dataflow);
  Defaults defaults;
  if (const auto config = fields.map("config")) defaults = read_config(report, *config, dataflow);

  TypeSpace space;
  TypeReader types(report, naming, space);
  PackageReader packages(report, search, space, files);
  const Imports imports = packages.import(fields.find("imports"), fields.find("dev"), 0, types);
  if (const Node* const section = fields.find("topics")) types.find_names_in(*section);
  if (const Node* const section = fields.find("types")) types.read_section(*section);
  TopicReader topics(report, types, defaults.is_raw);
  if (const Node* const section = fields.find("topics")) topics.read_section(*section);
  if (const Node* const section = fields.find("schedule"))
    dataflow.schedules = topics.read_schedules(*section);
  if (const Node* const section = fields.find("ingest"))
    dataflow.ingest = IngestReader(report, topics).read_section(*section);
  if (const Node* const section = fields.find("tables"))
    dataflow.tables = TableReader(report, types, topics).read_section(*section);
  ServiceReader services(report, types, topics, source, imports, defaults.start);
  if (const Node* const section = fields.find("services")) services.read_section(*section);
  services.check_all(dataflow.tables);
  if (const auto functions = fields.map("functions")) read_includes(report, *functions, dataflow);
  types.warn_unused(services.code());
  dataflow.connectors = read_files(report, fields, "connectors", "a connector's file");
  if (root.find("dashboards") != nullptr)
    dataflow.dashboards = read_files(report, fields, "dashboards", "a dashboard's file");

  dataflow.types = space.table;
  dataflow.named_types = std::move(space.named);
  dataflow.type_names = std::move(space.names);
  for (const TopicEntry& entry : topics.entries()) dataflow.topics.push_back(entry.topic);
  dataflow.services = services.take();
  if (const auto players = fields.map("players")) read_players(report, *players, dataflow);
  check_dead_letters(report, dataflow, topics);
  check_ids(report, dataflow);
}

const record::Type* Service::output() const {
  const auto takes_output = [](const Sink& sink) {
    return sink.type != nullptr && sink.transforms.empty();
  };
  const auto found = std::ranges::find_if(sinks, takes_output);
  return found == sinks.end() ? nullptr : found->type;
}

const Topic* Dataflow::find_topic(std::string_view topic_name) const {
  for (const Topic& topic : topics) {
    if (topic.name == topic_name) return &topic;
  }
  return nullptr;
}

ParseResult parse(std::string_view source, std::string file_name, const PackageSearch& search) {
  ParseResult result;
  // The last part of the path: what it is called must not depend on where it was named from.
  result.files.push_back(
      {file_name, file_name.substr(file_name.rfind('/') + 1), std::string(source)});
  Tree tree = read_yaml(source);
  Report report(std::move(tree.diagnostics));
  Dataflow dataflow;
  dataflow.file_name = std::move(file_name);
  if (tree.root && tree.root->kind != NodeKind::kNull) {
    read_dataflow_tree(report, *tree.root, normalized(source), search, result.files, dataflow);
  } else if (tree.root || (report.is_empty())) {
    report.error(Position{}, "the file is empty",
                 "a dataflow starts with 'apiVersion: 0.5.0' and 'meta:'");
  }
  result.diagnostics = report.take();
  dataflow.files = result.files;
  if (!has_errors(result.diagnostics)) result.dataflow = std::move(dataflow);
  return result;
}

}  // namespace gameflow::spec
