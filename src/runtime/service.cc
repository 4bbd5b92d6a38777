#include "runtime/service.h"

#include <algorithm>
#include <string>
#include <utility>

#include "plan/describe.h"

namespace gameflow::runtime {
namespace {

window::Assigner assigner_of(const plan::Keyed& keyed) {
  if (!keyed.window) return window::Assigner::always();
  const plan::WindowShape& shape = keyed.window->shape;
  if (const auto* const tumbling = std::get_if<plan::Tumbling>(&shape))
    return window::Assigner::tumbling(tumbling->duration, tumbling->offset, tumbling->zone);
  if (keyed.window->session() != nullptr) return window::Assigner::sessions();
  const auto& sliding = std::get<plan::Sliding>(shape);
  return window::Assigner::sliding(sliding.duration, sliding.slide, sliding.offset,
                                   sliding.in_panes);
}

// Walks the nodes of one service.
class Binder {
 public:
  Binder(const plan::Graph& graph, const plan::Functions& functions, const log::Store& store)
      : graph_(graph), functions_(functions), store_(store) {}

  Status bind(plan::ServiceId id, Service& service) {
    for (const plan::NodeId node_id : graph_.services[id].nodes) {
      const plan::Node& node = graph_.nodes[node_id];
      if (const auto* read = std::get_if<plan::Read>(&node.kind)) {
        GF_TRY(add_source(*read, node, service));
      } else if (const auto* keyed = std::get_if<plan::Keyed>(&node.kind)) {
        GF_TRY(add_keyed(*keyed, node, service));
      } else if (const auto* join = std::get_if<plan::Join>(&node.kind)) {
        GF_TRY(add_join(*join, node, id, service));
      } else if (const auto* write = std::get_if<plan::Write>(&node.kind)) {
        GF_TRY(add_sink(*write, node_id, service));
      }
    }
    GF_ASSIGN(service.dead_letters, target(graph_.dead_letter_topic));
    return {};
  }

 private:
  Result<Target> target(std::string_view topic) const {
    GF_ASSIGN(const log::TopicInfo info, store_.topic(topic));
    return Target{info.id, info.config.partitions};
  }

  BoundChain bind_chain(const plan::Chain& chain, const plan::Node& node, Service& service) const {
    const auto function = functions_.chain(chain.function);
    BoundChain bound{function.pointer, function.asks, service.operators.size(), {}};
    for (const plan::Step& step : chain.steps) bound.operators.push_back(step.name);
    add_operators(bound.operators, node, service);
    return bound;
  }

  void add_operators(const std::vector<std::string_view>& names, const plan::Node& node,
                     Service& service) const {
    for (const std::string_view name : names)
      service.operators.push_back({plan::id_of(graph_, node), name});
  }

  Status add_source(const plan::Read& read, const plan::Node& node, Service& service) const {
    const plan::Topic& topic = graph_.topics[read.topic];
    BoundSource source{&topic, read.start, {}};
    for (const plan::NodeId next : node.outputs) {
      const plan::Node& after = graph_.nodes[next];
      const auto* chain = std::get_if<plan::Chain>(&after.kind);
      if (chain != nullptr && is_of_source(after))
        source.chain = bind_chain(*chain, after, service);
    }
    GF_ASSIGN(const log::TopicInfo info, store_.topic(topic.name));
    const auto number = static_cast<std::uint32_t>(service.sources.size());
    for (std::uint32_t partition = 0; partition < info.config.partitions; ++partition)
      service.inputs.push_back({number, info.id, partition});
    service.sources.push_back(std::move(source));
    return {};
  }

  Status add_keyed(const plan::Keyed& keyed, const plan::Node& node, Service& service) const {
    std::vector<const record::Type*> rows;
    std::vector<Duration> ttls;
    std::vector<std::string_view> operators;
    std::vector<abi::ExpireFn> expires;
    for (const plan::Step& step : keyed.steps) operators.push_back(step.name);
    operators.resize(keyed.transforms() + 1);
    for (const plan::State& state : keyed.states) {
      rows.push_back(state.row);
      ttls.push_back(state.ttl.value_or(Duration{}));
      operators.push_back(state.on_expire ? state.on_expire->name : std::string_view());
      expires.push_back(state.on_expire ? functions_.expire(state.expire_function).pointer
                                        : nullptr);
    }
    const std::size_t first = service.operators.size();
    add_operators(operators, node, service);
    if (keyed.flush) add_operators({keyed.flush->name}, node, service);
    const auto& window = keyed.window;
    window::Assigner assigner = assigner_of(keyed);
    std::vector<abi::MergeFn> merges;
    const bool merges_rows = assigner.is_merged() || assigner.has_sessions();
    for (const plan::State& state : keyed.states) {
      if (merges_rows) merges.push_back(functions_.merge(state.merge_function).pointer);
    }
    std::optional<state::SessionRules> sessions;
    if (const plan::Session* const rules = window ? window->session() : nullptr)
      sessions = {.gap = rules->gap, .max = rules->max};
    const bool is_each = keyed.flushes_each();
    service.keyed.emplace(BoundKeyed{
        .plan = &keyed,
        .layout = state::Layout(rows, ttls, sessions ? std::optional(sessions->gap) : std::nullopt),
        .update = functions_.update(keyed.update_function),
        .first = first,
        .operators = std::move(operators),
        .expires = std::move(expires),
        .merges = std::move(merges),
        .flush = window && !is_each ? functions_.flush(keyed.flush_function).pointer : nullptr,
        .each = is_each ? functions_.each(keyed.flush_function).pointer : nullptr,
        .assigner = std::move(assigner),
        .sessions = sessions,
        .trigger = window ? window::Trigger(window->grace, window->reopen_for)
                          : window::Trigger(Duration{}),
        .results =
            window ? ResultRules{window->emit_every, window->reopen_for.ms != 0} : ResultRules{},
        .late = std::nullopt});
    if (window && window->late_topic) {
      GF_ASSIGN(service.keyed->late, target(graph_.topics[*window->late_topic].name));
    }
    return {};
  }

  Status add_join(const plan::Join& join, const plan::Node& node, plan::ServiceId id,
                  Service& service) const {
    std::vector<std::string_view> operators;
    for (const plan::Step& step : join.steps) operators.push_back(step.name);
    const std::size_t first = service.operators.size();
    add_operators(operators, node, service);
    service.join.emplace(
        BoundJoin{.plan = &join,
                  .function = functions_.join(join.function).pointer,
                  .first = first,
                  .operators = std::move(operators),
                  .sides = functions_.sides_of(graph_, id),
                  .assigner = window::Assigner::tumbling(BoundJoin::bucket_size(join)),
                  .trigger = window::Trigger(join.grace),
                  .late = std::nullopt});
    if (join.late_topic) {
      GF_ASSIGN(service.join->late, target(graph_.topics[*join.late_topic].name));
    }
    return {};
  }

  // A sink's values come from its chain, or as they are from the node before.
  Status add_sink(const plan::Write& write, plan::NodeId id, Service& service) const {
    BoundSink sink{{}, functions_.output_of(graph_, id), {}};
    GF_ASSIGN(sink.target, target(graph_.topics[write.topic].name));
    const plan::Node& before = graph_.nodes[graph_.nodes[id].inputs.front()];
    const auto* chain = std::get_if<plan::Chain>(&before.kind);
    if (chain != nullptr && !is_of_source(before)) {
      sink.chain = bind_chain(*chain, before, service);
    } else {
      sink.chain.first = service.operators.size();
    }
    add_operators({"write"}, graph_.nodes[id], service);
    service.sinks.push_back(std::move(sink));
    return {};
  }

  // Whether a chain is all that becomes of the values of one source, before they meet those of
  // others. The rest are chains of sinks.
  bool is_of_source(const plan::Node& chain) const {
    if (chain.inputs.size() != 1) return false;
    const plan::Node& before = graph_.nodes[chain.inputs.front()];
    return std::holds_alternative<plan::Read>(before.kind) && before.outputs.size() == 1;
  }

  const plan::Graph& graph_;
  const plan::Functions& functions_;
  const log::Store& store_;
};

}  // namespace

void add(const OperatorCounts& more, OperatorCounts& to) {
  if (to.size() < more.size()) to.resize(more.size());
  for (std::size_t i = 0; i < more.size(); ++i) {
    to[i].in += more[i].in;
    to[i].out += more[i].out;
    to[i].failed += more[i].failed;
    to[i].unread_times += more[i].unread_times;
  }
}

void Service::add_failure(std::uint32_t input, std::string_view op, OperatorCounts& counts) const {
  const BoundChain& chain = sources[inputs[input].source].chain;
  const auto found = std::ranges::find(chain.operators, op);
  if (found == chain.operators.end()) return;
  ++counts[chain.first + static_cast<std::size_t>(found - chain.operators.begin())].failed;
}

bool Service::writes(log::TopicId topic) const {
  return (late() != nullptr && late()->id == topic) ||
         std::ranges::any_of(sinks,
                             [topic](const BoundSink& sink) { return sink.target.id == topic; });
}

const Target* Service::late() const {
  if (join) return join->late ? &*join->late : nullptr;
  return keyed && keyed->late ? &*keyed->late : nullptr;
}

Duration Service::idle_timeout() const {
  if (join) return join->plan->idle_timeout;
  return keyed ? keyed->plan->idle_timeout() : Duration{1};
}

Result<Service> bind_service(const plan::Graph& graph, plan::ServiceId id,
                             const plan::Functions& functions, const log::Store& store) {
  Service service{.name = graph.services[id].name,
                  .id = id,
                  .rank = graph.services[id].rank,
                  .reads_others = graph.services[id].reads_others(id),
                  .sources = {},
                  .inputs = {},
                  .keyed = std::nullopt,
                  .join = std::nullopt,
                  .sinks = {},
                  .operators = {},
                  .dead_letters = {},
                  .on_error = graph.services[id].on_error,
                  .future_max = graph.future_max};
  GF_TRY(Binder(graph, functions, store).bind(id, service));
  return service;
}

}  // namespace gameflow::runtime
