// The YAML model to the graph: the only place that knows the shapes of services.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "plan/graph.h"
#include "record/type.h"
#include "spec/names.h"

namespace gameflow::plan {
namespace {

using fmt::format;

Step step_of(const spec::Function& function) {
  return {function.kind, spec::info_of(function.kind).key, function.code};
}

void append(std::vector<Step>& steps, const std::vector<spec::Function>& functions) {
  for (const spec::Function& function : functions) steps.push_back(step_of(function));
}

class Lowering {
 public:
  Lowering(Graph& graph, const spec::Service& service)
      : graph_(graph), spec_(service), id_(static_cast<ServiceId>(graph.services.size())) {
    graph_.services.push_back(
        {.name = spec_.name, .scope = spec::to_snake_case(spec_.name), .nodes = {}});
  }

  void run() {
    std::vector<NodeId> ends;
    for (std::size_t i = 0; i < spec_.sources.size(); ++i) ends.push_back(add_source(i));
    if (spec_.window) ends = {add_window(*spec_.window, ends)};
    for (std::size_t i = 0; i < spec_.sinks.size(); ++i) add_sink(i, ends);
  }

 private:
  const record::Type* output_of(NodeId node) const { return graph_.nodes[node].output; }

  NodeId add(NodeKind kind, const record::Type* output, const std::vector<NodeId>& inputs) {
    const auto node = static_cast<NodeId>(graph_.nodes.size());
    graph_.nodes.push_back({.kind = std::move(kind),
                            .service = id_,
                            .output = output,
                            .inputs = inputs,
                            .outputs = {}});
    for (const NodeId input : inputs) graph_.nodes[input].outputs.push_back(node);
    graph_.services[id_].nodes.push_back(node);
    return node;
  }

  TopicId topic(std::string_view name) const {
    return static_cast<TopicId>(graph_.find_topic(name) - graph_.topics.data());
  }

  // `otherwise`: the type behind functions that change it, if it is known.
  NodeId add_chain(Chain chain, const record::Type* otherwise, const std::vector<NodeId>& inputs) {
    const bool changes = std::ranges::any_of(chain.steps, changes_type, &Step::kind);
    const record::Type* const output = changes ? otherwise : output_of(inputs.front());
    return add(std::move(chain), output, inputs);
  }

  // The last node of the source.
  NodeId add_source(std::size_t index) {
    const spec::Source& source = spec_.sources[index];
    const TopicId from = topic(source.topic);
    const NodeId read =
        add(Read{from, source.start, source.position}, graph_.topics[from].type, {});
    graph_.topics[from].readers.push_back(read);
    Chain chain{.function = format("{}/source/{}", spec_.name, index), .steps = {}, .own_steps = 0};
    append(chain.steps, source.transforms);
    chain.own_steps = chain.steps.size();
    append(chain.steps, spec_.transforms);
    if (spec_.window) {
      chain.steps.push_back(step_of(spec_.window->assign_timestamp));
      chain.steps.push_back(step_of(spec_.window->assign_key));
    }
    if (chain.steps.empty()) return read;
    return add_chain(std::move(chain), spec_.window ? nullptr : spec_.output(), {read});
  }

  NodeId add_window(const spec::Window& window, const std::vector<NodeId>& ends) {
    const NodeId exchange = add(Exchange{spec_.states.front().key}, output_of(ends.front()), ends);
    Keyed keyed{.states = {},
                .window = {.duration = window.duration,
                           .grace = window.grace,
                           .idle_timeout = window.idle_timeout,
                           .late_topic = {}},
                .update_function = spec_.name + "/update",
                .flush_function = spec_.name + "/flush",
                .update = step_of(window.update_state),
                .flush = step_of(window.flush)};
    if (window.late == spec::LatePolicy::kToTopic)
      keyed.window.late_topic = topic(window.late_topic);
    for (const spec::State& state : spec_.states) {
      keyed.states.push_back({.name = state.name,
                              .table = spec::to_snake_case(state.name),
                              .key = state.key,
                              .row = state.type});
    }
    return add(std::move(keyed), spec_.output(), {exchange});
  }

  void add_sink(std::size_t index, std::vector<NodeId> ends) {
    const spec::Sink& sink = spec_.sinks[index];
    const TopicId to = topic(sink.topic);
    if (!sink.transforms.empty()) {
      Chain chain{.function = format("{}/sink/{}", spec_.name, index), .steps = {}, .own_steps = 0};
      append(chain.steps, sink.transforms);
      chain.own_steps = chain.steps.size();
      ends = {add_chain(std::move(chain), sink.type, ends)};
    }
    add(Write{to, sink.position}, sink.type != nullptr ? sink.type : output_of(ends.front()), ends);
  }

  Graph& graph_;
  const spec::Service& spec_;
  const ServiceId id_;
};

}  // namespace

Graph lower(const spec::Dataflow& dataflow) {
  Graph graph{.name = dataflow.name,
              .version = dataflow.version,
              .namespace_ = dataflow.namespace_,
              .file_name = dataflow.file_name,
              .types = dataflow.types,
              .named_types = {},
              .topics = {},
              .services = {},
              .nodes = {},
              .dead_letter_topic = dataflow.dead_letter_topic,
              .future_max = dataflow.future_max};
  for (std::size_t i = 0; i < dataflow.named_types.size(); ++i)
    graph.named_types.push_back({dataflow.type_names[i], dataflow.named_types[i]});
  for (const spec::Topic& topic : dataflow.topics) {
    graph.topics.push_back({.name = topic.name,
                            .type = topic.type,
                            .type_name = type_name(graph, topic.type),
                            .partitions = topic.partitions,
                            .retention_age = topic.retention_age,
                            .retention_bytes = topic.retention_bytes,
                            .readers = {}});
  }
  for (const spec::Service& service : dataflow.services) Lowering(graph, service).run();
  return graph;
}

}  // namespace gameflow::plan
