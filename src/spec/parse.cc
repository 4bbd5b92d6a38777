#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "spec/model.h"
#include "spec/names.h"
#include "spec/reader.h"
#include "spec/service_reader.h"
#include "spec/topic_reader.h"
#include "spec/type_reader.h"
#include "spec/yaml_tree.h"

namespace gameflow::spec {
namespace {

const std::vector<std::string_view> kApiVersions = {"0.4.0", "0.5.0", "0.6.0"};

void read_meta(Report& report, const Node& node, Dataflow& dataflow) {
  const Fields fields(report, node, "'meta'", {"name", "version", "namespace"});
  if (const Node* const name = fields.require("name", "write 'name: gaming-analytics'")) {
    dataflow.name = read_text(report, *name, "the name of a dataflow").value_or("");
    if (!dataflow.name.empty() && !is_lower_name(dataflow.name)) {
      report.error(
          *name, fmt::format("'{}' cannot be the name of a dataflow", dataflow.name.substr(0, 60)),
          "small letters and digits, a letter first, single '-' or '_' between, at most 100");
    }
  }
  if (const Node* const version = fields.require("version", "write 'version: 0.1.0'"))
    dataflow.version = read_text(report, *version, "'version'").value_or("");
  if (const Node* const name_space = fields.find("namespace"))
    dataflow.namespace_ = read_text(report, *name_space, "'namespace'").value_or("");
}

StartOffset read_config(Report& report, const Node& node, Dataflow& dataflow) {
  StartOffset start = StartOffset::kBeginning;
  const Fields fields(report, node, "'config'",
                      {"converter", "consumer", "dead-letter-topic", "watermark"},
                      {{"producer", "'producer' is not supported yet", "remove it"}});
  if (const Node* const converter = fields.find("converter")) read_converter(report, *converter);
  if (const Node* const consumer = fields.find("consumer")) {
    const Fields inner(report, *consumer, "'consumer'", {"default_starting_offset"});
    if (const Node* const offset = inner.find("default_starting_offset"))
      start = read_offset(report, *offset).value_or(start);
  }
  if (const Node* const topic = fields.find("dead-letter-topic")) {
    const auto name = read_text(report, *topic, "'dead-letter-topic'");
    if (name && !is_topic_name(*name)) {
      report.error(*topic, fmt::format("'{}' cannot be the name of a topic", name->substr(0, 60)),
                   "letters, digits, '.', '_' and '-', at most 200");
    }
    dataflow.dead_letter_topic = name.value_or(dataflow.dead_letter_topic);
  }
  if (const Node* const watermark = fields.find("watermark")) {
    const Fields inner(
        report, *watermark, "'watermark'", {"future-max"},
        {{"grace-period", "'grace-period' is set per window",
          "move it to the 'window' of a service"},
         {"idleness", "'idleness' is set per window", "move it to the 'window' of a service"}});
    if (const Node* const future = inner.find("future-max")) {
      dataflow.future_max =
          read_duration(report, *future, "'future-max'", {0}).value_or(dataflow.future_max);
    }
  }
  return start;
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
    if (service.window.late == LatePolicy::kTopic && service.window.late_topic == name)
      report.error(service.position,
                   fmt::format("service '{}' sends late events to the dead-letter topic '{}'",
                               service.name, name),
                   "choose another topic");
  }
}

void read_root(Report& report, const Node& root, std::string_view source, Dataflow& dataflow) {
  const Fields fields(
      report, root, "a dataflow", {"apiVersion", "meta", "config", "types", "topics", "services"},
      {{"imports", "'imports' are not supported yet",
        "write the types and functions into this file"},
       {"schedule", "'schedule' is not supported yet", "remove it"},
       {"dev", "a 'dev' section has no meaning here", "remove it"},
       {"functions", "'functions' are not supported yet", "write the code into the 'run' blocks"},
       {"states", "states stand in their service", "move them there"}});
  if (!fields.is_map()) return;
  if (const Node* const version = fields.require("apiVersion", "write 'apiVersion: 0.5.0'")) {
    if (std::find(kApiVersions.begin(), kApiVersions.end(), version->text) == kApiVersions.end()) {
      report.error(*version, fmt::format("unknown apiVersion '{}'", version->text.substr(0, 60)),
                   "known are 0.4.0, 0.5.0 and 0.6.0");
    }
  }
  if (const Node* const meta = fields.require("meta", "write 'meta: { name: …, version: 0.1.0 }'"))
    read_meta(report, *meta, dataflow);
  StartOffset start = StartOffset::kBeginning;
  if (const Node* const config = fields.find("config"))
    start = read_config(report, *config, dataflow);

  TypeReader types(report);
  if (const Node* const section = fields.find("types")) types.read_section(*section);
  TopicReader topics(report, types);
  if (const Node* const section = fields.require("topics", "what the dataflow reads and writes"))
    topics.read_section(*section);
  ServiceReader services(report, types, topics, source, start);
  if (const Node* const section = fields.find("services")) services.read_section(*section);
  types.warn_unused(services.code());

  dataflow.types = types.table();
  dataflow.named_types = types.named();
  dataflow.type_names = types.names();
  for (const TopicEntry& entry : topics.entries()) dataflow.topics.push_back(entry.topic);
  dataflow.services = services.take();
  check_dead_letters(report, dataflow, topics);
}

}  // namespace

const Topic* Dataflow::find_topic(std::string_view topic_name) const {
  for (const Topic& topic : topics) {
    if (topic.name == topic_name) return &topic;
  }
  return nullptr;
}

ParseResult parse(std::string_view source, std::string file_name) {
  ParseResult result;
  Tree tree = read_yaml(source);
  Report report(std::move(tree.diagnostics));
  Dataflow dataflow;
  dataflow.file_name = std::move(file_name);
  if (tree.root && tree.root->kind != NodeKind::kNull) {
    read_root(report, *tree.root, normalized(source), dataflow);
  } else if (tree.root || (report.is_empty())) {
    report.error(Position{}, "the file is empty",
                 "a dataflow starts with 'apiVersion: 0.5.0' and 'meta:'");
  }
  result.diagnostics = report.take();
  if (!has_errors(result.diagnostics)) result.dataflow = std::move(dataflow);
  return result;
}

}  // namespace gameflow::spec
