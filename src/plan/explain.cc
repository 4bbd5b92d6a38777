#include <algorithm>

#include <fmt/format.h>

#include "plan/plan.h"

namespace gameflow::plan {
namespace {

using fmt::format;

// A type as a person wrote it: "u32", "player-event", "events-count", "list of player-event".
std::string type_name(const spec::Dataflow& dataflow, const record::Type* type) {
  if (type == nullptr) return "any JSON";
  const auto named = std::ranges::find(dataflow.named_types, type);
  if (named != dataflow.named_types.end()) {
    return dataflow.type_names[static_cast<std::size_t>(named - dataflow.named_types.begin())];
  }
  if (type->kind == record::Kind::kList) return "list of " + type_name(dataflow, type->item);
  if (type->kind == record::Kind::kObject) return type->name;
  return std::string(record::to_string(type->kind));
}

std::string topic_type(const spec::Dataflow& dataflow, std::string_view name) {
  const auto topic = std::ranges::find(dataflow.topics, name, &spec::Topic::name);
  return type_name(dataflow, topic == dataflow.topics.end() ? nullptr : topic->type);
}

std::string fields_of(const spec::Dataflow& dataflow, const record::Type& row) {
  std::string text;
  for (const record::Field& field : row.fields) {
    text += format("{}{}{}: {}", text.empty() ? "" : ", ", field.name, field.optional ? "?" : "",
                   type_name(dataflow, field.type));
  }
  return text;
}

std::string window_text(const spec::TumblingWindow& window) {
  return format("tumbling {}, grace {}, a partition is idle after {}, late records {}",
                format_duration(window.duration), format_duration(window.grace),
                format_duration(window.idle_timeout),
                window.late == spec::LatePolicy::kTopic ? "go to topic " + window.late_topic
                                                        : "are dropped and counted");
}

}  // namespace

std::string explain(const Plan& plan) {
  const spec::Dataflow& dataflow = *plan.dataflow;
  std::string text = format("dataflow {} {}\n", dataflow.name, dataflow.version);
  for (const ServicePlan& planned : plan.services) {
    const spec::Service& service = *planned.spec;
    text += format("\nservice {}\n", service.name);
    for (const spec::Source& source : service.sources) {
      text += format("  source  {}: {}, from the {}\n", source.topic,
                     topic_type(dataflow, source.topic),
                     source.start == spec::StartOffset::kBeginning ? "beginning" : "end");
    }
    text += format("  window  {}\n", window_text(service.window));
    for (const StatePlan& state : planned.states) {
      text += format("  state   {}: {{{}}} by {}, in SQL {}\n", state.name,
                     fields_of(dataflow, *state.row), record::to_string(state.key), state.table);
    }
    text += format("  flush   {}\n", type_name(dataflow, service.output));
    for (const std::string& sink : service.sinks) text += format("  sink    {}\n", sink);
  }
  text += "\n";
  for (const spec::Topic& topic : dataflow.topics) {
    text += format("topic {}: {}, {} partition{}\n", topic.name, type_name(dataflow, topic.type),
                   topic.partitions, topic.partitions == 1 ? "" : "s");
  }
  return text + format("dead letters go to topic {}\n", dataflow.dead_letter_topic);
}

}  // namespace gameflow::plan
