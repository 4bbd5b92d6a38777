#include "plan/describe.h"

#include <algorithm>

#include <fmt/format.h>

#include "record/type.h"
#include "spec/model.h"

namespace gameflow::plan {
namespace {

std::string fields_of(const Graph& graph, const record::Type& row) {
  std::string text;
  for (const record::Field& field : row.fields) {
    text += fmt::format("{}{}{}: {}", text.empty() ? "" : ", ", field.cpp_name,
                        field.optional ? "?" : "", type_name(graph, field.type));
  }
  return text;
}

std::string late_text(const Graph& graph, std::optional<TopicId> topic) {
  return fmt::format(", late records {}", topic ? "go to topic " + graph.topics[*topic].name
                                                : "are dropped and counted");
}

std::string window_text(const Graph& graph, const WindowRules& window) {
  std::string text =
      fmt::format("{}, grace {}, a partition is idle after {}", text_of(window.shape),
                  format_duration(window.grace), format_duration(window.idle_timeout));
  if (window.emit_every)
    text += fmt::format(", early results every {}", format_duration(*window.emit_every));
  if (window.reopen_for.ms != 0)
    text += fmt::format(", corrected for {}", format_duration(window.reopen_for));
  return text + late_text(graph, window.late_topic);
}

std::string join_text(const Graph& graph, const Join& join) {
  std::string text = fmt::format(
      "{}, within {} before and {} after, grace {}, a partition is idle after {}",
      join.type == spec::JoinType::kLeft ? "left" : "inner", format_duration(join.before),
      format_duration(join.after), format_duration(join.grace), format_duration(join.idle_timeout));
  return text + late_text(graph, join.late_topic);
}

std::string lasting_text(const Keyed& keyed) {
  std::string text = keyed.has_event_time ? "rows by event time" : "rows";
  for (const Step& step : keyed.steps)
    text += fmt::format("{}{}", &step == keyed.steps.data() ? ": " : ", ", step.name);
  return text;
}

// Writes what the kind of a node has to say.
struct Describer {
  const Graph& graph;
  NodeDescription& out;

  void add(const Step& step) const {
    out.functions.push_back({std::string(step.name), step.code.text});
  }
  void operator()(const Read& read) const {
    out.kind = "read";
    out.topic = graph.topics[read.topic].name;
    if (const Schedule* const schedule = graph.schedule_of(read.topic)) {
      out.label = fmt::format("schedule {}: {}{}", schedule->name, schedule->text,
                              schedule->catches_up ? ", catching up" : "");
      return;
    }
    const std::string distance = read.start.records == 0
                                     ? ""
                                     : fmt::format("{} records {} ", read.start.records,
                                                   read.start.is_from_end ? "before" : "after");
    out.label = fmt::format("{}: {}, from {}the {}", graph.topics[read.topic].name,
                            graph.topics[read.topic].type_name, distance,
                            read.start.is_from_end ? "end" : "beginning");
  }
  void operator()(const Chain& chain) const {
    out.kind = "chain";
    for (const Step& step : chain.steps) {
      out.label += fmt::format("{}{}", out.label.empty() ? "" : ", ", step.name);
      add(step);
    }
  }
  void operator()(const Exchange& exchange) const {
    out.kind = "exchange";
    out.label = exchange.key ? fmt::format("by {}", record::to_string(*exchange.key)) : "by key";
  }
  void operator()(const Keyed& keyed) const {
    out.kind = "keyed";
    out.label = keyed.window ? window_text(graph, *keyed.window) : lasting_text(keyed);
    for (const State& state : keyed.states) {
      out.states.push_back(fmt::format(
          "{}: {{{}}} by {}, in SQL {}{}", state.name, fields_of(graph, *state.row),
          record::to_string(state.key), state.table,
          state.ttl ? ", runs out after " + format_duration(*state.ttl) : std::string()));
    }
    for (const Step& step : keyed.steps) add(step);
    for (const State& state : keyed.states) {
      if (state.on_expire) add(*state.on_expire);
    }
    if (keyed.flush) add(*keyed.flush);
  }
  void operator()(const Join& join) const {
    out.kind = "join";
    out.label = join_text(graph, join);
    for (const Step& step : join.steps) add(step);
  }
  void operator()(const Write& write) const {
    out.kind = "write";
    out.label = out.topic = graph.topics[write.topic].name;
  }
};

// The part of an id behind the service: what a node is called among its kind.
std::string local_id(const Graph& graph, const Node& node) {
  return std::visit(
      [&]<class Kind>(const Kind& kind) -> std::string {
        if constexpr (std::is_same_v<Kind, Read>) {
          return "read/" + graph.topics[kind.topic].name;
        } else if constexpr (std::is_same_v<Kind, Write>) {
          return "write/" + graph.topics[kind.topic].name;
        } else if constexpr (std::is_same_v<Kind, Chain>) {
          return kind.function.substr(graph.services[node.service].name.size() + 1);
        } else if constexpr (std::is_same_v<Kind, Exchange>) {
          return "exchange";
        } else if constexpr (std::is_same_v<Kind, Join>) {
          return "join";
        } else {
          return kind.window ? "window" : "partition";
        }
      },
      node.kind);
}

NodeDescription describe_node(const Graph& graph, const Node& node) {
  NodeDescription out{.id = id_of(graph, node),
                      .type = node.output == nullptr ? "" : type_name(graph, node.output)};
  for (const NodeId input : node.inputs) out.inputs.push_back(id_of(graph, graph.nodes[input]));
  std::visit(Describer{graph, out}, node.kind);
  return out;
}

}  // namespace

std::string id_of(const Graph& graph, const Node& node) {
  return fmt::format("{}/{}", graph.services[node.service].name, local_id(graph, node));
}

std::string_view name_of(ErrorPolicy policy) {
  switch (policy) {
    case ErrorPolicy::kDeadLetter:
      return "dead-letter";
    case ErrorPolicy::kSkip:
      return "skip";
    case ErrorPolicy::kFail:
      return "fail";
  }
  return "";
}

Description describe(const Graph& graph) {
  Description out{.name = graph.name,
                  .version = graph.version,
                  .services = {},
                  .topics = {},
                  .dead_letter_topic = graph.dead_letter_topic};
  for (const Service& service : graph.services) {
    ServiceDescription& described = out.services.emplace_back(
        ServiceDescription{service.name, std::string(name_of(service.on_error)), {}});
    for (const NodeId id : service.nodes)
      described.nodes.push_back(describe_node(graph, graph.nodes[id]));
  }
  for (const Topic& topic : graph.topics)
    out.topics.push_back({topic.name, topic.type_name, topic.partitions});
  return out;
}

}  // namespace gameflow::plan
