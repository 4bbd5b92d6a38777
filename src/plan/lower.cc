// The YAML model to the graph: the only place that knows the shapes of services.
#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "plan/graph.h"
#include "record/type.h"
#include "spec/names.h"

namespace gameflow::plan {
namespace {

Step step_of(const spec::Function& function, Place place = Place::kRecord) {
  return {function.kind,         spec::info_of(function.kind).key,
          function.code,         place,
          function.dependencies, function.position,
          function.signature};
}

void append(std::vector<Step>& steps, const std::vector<spec::Function>& functions,
            Place place = Place::kRecord) {
  for (const spec::Function& function : functions) steps.push_back(step_of(function, place));
}

class Lowering {
 public:
  Lowering(Graph& graph, const spec::Service& service)
      : graph_(graph), spec_(service), id_(static_cast<ServiceId>(graph.services.size())) {
    graph_.services.push_back({.name = spec_.name,
                               .scope = spec::to_snake_case(spec_.name),
                               .nodes = {},
                               .on_error = spec_.on_error});
  }

  void run() {
    std::vector<NodeId> ends;
    for (std::size_t i = 0; i < spec_.sources.size(); ++i) ends.push_back(add_source(i));
    if (spec_.partition) ends = {add_keyed(*spec_.partition, ends)};
    if (spec_.join) ends = {add_join(*spec_.join, ends)};
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
    Chain chain{
        .function = fmt::format("{}/source/{}", spec_.name, index), .steps = {}, .own_steps = 0};
    append(chain.steps, source.transforms);
    if (spec_.join) {
      const spec::JoinSide& side = index == 0 ? spec_.join->left : spec_.join->right;
      chain.steps.push_back(step_of(side.assign_timestamp));
      chain.steps.push_back(step_of(side.assign_key));
      chain.own_steps = chain.steps.size();
      return add_chain(std::move(chain), nullptr, {read});
    }
    chain.own_steps = chain.steps.size();
    append(chain.steps, spec_.transforms);
    if (spec_.window) {
      chain.steps.push_back(step_of(spec_.window->assign_timestamp));
      append(chain.steps, spec_.window->transforms);
    }
    if (spec_.partition) {
      const spec::Partition& partition = *spec_.partition;
      if (partition.assign_timestamp) chain.steps.push_back(step_of(*partition.assign_timestamp));
      chain.steps.push_back(step_of(partition.assign_key));
    }
    if (chain.steps.empty()) return read;
    return add_chain(std::move(chain), spec_.partition ? nullptr : spec_.output(), {read});
  }

  State state_of(const spec::State& state) const {
    State made{.name = state.name,
               .table = spec::to_snake_case(state.name),
               .key = state.key,
               .row = state.type,
               .is_primitive = state.is_primitive,
               .ttl = state.ttl};
    if (state.on_expire) {
      made.on_expire = step_of(*state.on_expire, Place::kExpired);
      made.expire_function = fmt::format("{}/expire/{}", spec_.name, state.name);
    }
    made.merges = state.merges;
    made.merges.resize(state.type->fields.size());
    const bool merges =
        std::ranges::all_of(made.merges, [](const auto& merge) { return merge.has_value(); });
    if (merges) made.merge_function = fmt::format("{}/merge/{}", spec_.name, state.name);
    return made;
  }

  NodeId add_keyed(const spec::Partition& partition, const std::vector<NodeId>& ends) {
    const NodeId exchange = add(Exchange{spec_.states.front().key}, output_of(ends.front()), ends);
    Keyed keyed{.states = {},
                .window = {},
                .has_event_time = spec_.window || partition.assign_timestamp,
                .steps = {},
                .update_function = spec_.name + "/update",
                .flush_function = {},
                .flush = {}};
    append(keyed.steps, partition.transforms, Place::kRows);
    if (partition.update_state)
      keyed.steps.push_back(step_of(*partition.update_state, Place::kRows));
    for (const spec::State& state : spec_.states) keyed.states.push_back(state_of(state));
    if (const auto& window = spec_.window) {
      keyed.window = {.shape = window->shape,
                      .grace = window->grace,
                      .reopen_for = window->reopen_for,
                      .emit_every = window->emit_every,
                      .idle_timeout = window->idle_timeout,
                      .late_topic = {}};
      if (window->late == spec::LatePolicy::kToTopic)
        keyed.window->late_topic = topic(window->late_topic);
      keyed.flush_function = spec_.name + "/flush";
      const bool is_each = window->flush.kind == FunctionKind::kFlushEach;
      keyed.flush = step_of(window->flush, is_each ? Place::kEach : Place::kFlush);
      return add(std::move(keyed), spec_.output(), {exchange});
    }
    // Records pass to the sinks as they are where nothing else would reach them.
    keyed.emits = !spec_.sinks.empty() && (!partition.transforms.empty() || !keyed.has_outputs());
    return add(std::move(keyed), nullptr, {exchange});
  }

  NodeId add_join(const spec::Join& of, const std::vector<NodeId>& ends) {
    const NodeId exchange = add(Exchange{}, nullptr, ends);
    Join join{.left = spec_.sources.at(0).topic,
              .right = spec_.sources.at(1).topic,
              .before = of.before,
              .after = of.after,
              .type = of.type,
              .grace = of.grace,
              .idle_timeout = of.idle_timeout,
              .late_topic = {},
              .function = spec_.name + "/join",
              .steps = {step_of(of.run, Place::kJoined)}};
    if (of.late == spec::LatePolicy::kToTopic) join.late_topic = topic(of.late_topic);
    append(join.steps, spec_.transforms, Place::kJoined);
    return add(std::move(join), spec_.output(), {exchange});
  }

  void add_sink(std::size_t index, std::vector<NodeId> ends) {
    const spec::Sink& sink = spec_.sinks[index];
    const TopicId to = topic(sink.topic);
    if (!sink.transforms.empty()) {
      Chain chain{
          .function = fmt::format("{}/sink/{}", spec_.name, index), .steps = {}, .own_steps = 0};
      append(chain.steps, sink.transforms, of_sinks());
      chain.own_steps = chain.steps.size();
      ends = {add_chain(std::move(chain), sink.type, ends)};
    }
    add(Write{to, sink.position}, sink.type != nullptr ? sink.type : output_of(ends.front()), ends);
  }

  Place of_sinks() const {
    if (spec_.join) return Place::kJoined;
    return spec_.partition ? Place::kSink : Place::kRecord;
  }

  Graph& graph_;
  const spec::Service& spec_;
  const ServiceId id_;
};

// The tables, then the states of others in the order of the YAML, then its own.
void add_reads(Graph& graph, ServiceId id, const spec::Service& service) {
  std::vector<Reference>& reads = graph.services[id].reads;
  for (TableId table = 0; table < graph.tables.size(); ++table)
    reads.push_back(
        {graph.tables[table].accessor, graph.tables[table].name, Reference::OfTable{table}});
  const auto add = [&](const std::string& name, ServiceId owner, std::string_view state_name) {
    const Keyed* const keyed = graph.keyed_of(owner);
    if (keyed == nullptr) return;
    const auto state = std::ranges::find(keyed->states, state_name, &State::name);
    if (state == keyed->states.end()) return;
    reads.push_back(
        {spec::to_snake_case(name), name,
         Reference::OfState{owner, static_cast<std::size_t>(state - keyed->states.begin())}});
  };
  for (const spec::StateReference& reference : service.references) {
    const auto owner = std::ranges::find(graph.services, reference.service, &Service::name);
    if (owner == graph.services.end()) continue;
    add(reference.name, static_cast<ServiceId>(owner - graph.services.begin()), reference.state);
  }
  for (const spec::State& state : service.states) add(state.name, id, state.name);
}

// In order of reading; one that is on the way to itself comes first.
class Ranking {
 public:
  explicit Ranking(Graph& graph) : graph_(graph), progress_(graph.services.size()) {}

  void run() {
    for (ServiceId id = 0; id < graph_.services.size(); ++id) visit(id);
  }

 private:
  enum class Progress : std::uint8_t { kNone, kOnTheWay, kDone };

  void visit(ServiceId id) {
    if (progress_[id] != Progress::kNone) return;
    progress_[id] = Progress::kOnTheWay;
    Service& service = graph_.services[id];
    for (const Reference& reference : service.reads) {
      const auto* const state = std::get_if<Reference::OfState>(&reference.to);
      if (state == nullptr || state->service == id) continue;
      visit(state->service);
      if (progress_[state->service] == Progress::kDone)
        service.rank = std::max(service.rank, graph_.services[state->service].rank + 1);
    }
    progress_[id] = Progress::kDone;
  }

  Graph& graph_;
  std::vector<Progress> progress_;
};

TableSource table_of(const Graph& graph, const spec::Table& table) {
  TableSource made{.name = table.name,
                   .accessor = spec::to_snake_case(table.name),
                   .file = table.file,
                   .topic = {},
                   .row = table.type};
  if (!table.topic.empty())
    made.topic = static_cast<TopicId>(graph.find_topic(table.topic) - graph.topics.data());
  const auto key = std::ranges::find(table.type->fields, table.key, &record::Field::name);
  made.key_field = static_cast<std::size_t>(key - table.type->fields.begin());
  made.key = key->type->kind;
  return made;
}

}  // namespace

Graph lower(const spec::Dataflow& dataflow) {
  Graph graph{.name = dataflow.name,
              .version = dataflow.version,
              .namespace_ = dataflow.namespace_,
              .file_name = dataflow.file_name,
              .files = dataflow.files,
              .types = dataflow.types,
              .named_types = {},
              .topics = {},
              .tables = {},
              .schedules = {},
              .ingest = dataflow.ingest,
              .players = dataflow.players,
              .headers = {},
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
                            .is_compacted = topic.is_compacted,
                            .ids = topic.ids,
                            .readers = {}});
  }
  for (const spec::Schedule& schedule : dataflow.schedules) {
    const Topic* const topic = graph.find_topic(schedule.topic);
    graph.schedules.push_back(
        {.name = schedule.name,
         .topic = static_cast<TopicId>(topic - graph.topics.data()),
         .text = fmt::format("{} in {}", schedule.cron_text, schedule.zone->name()),
         .cron = schedule.cron,
         .zone = schedule.zone,
         .catches_up = schedule.catches_up});
  }
  for (const spec::Table& table : dataflow.tables) graph.tables.push_back(table_of(graph, table));
  for (const spec::Dataflow::Include& include : dataflow.includes)
    graph.headers.push_back({include.file, include.position});
  for (const spec::Service& service : dataflow.services) Lowering(graph, service).run();
  for (ServiceId id = 0; id < graph.services.size(); ++id)
    add_reads(graph, id, dataflow.services[id]);
  Ranking(graph).run();
  return graph;
}

}  // namespace gameflow::plan
