#include "app/flow_test/operators.h"

#include <algorithm>
#include <map>
#include <string_view>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/closest.h"
#include "base/number.h"
#include "base/time.h"
#include "opbuild/block.h"
#include "spec/function.h"
#include "spec/names.h"

namespace gameflow::app::flow_test {
namespace {

using plan::Graph;
using plan::Step;

// Longer than any test: nothing is late, and nothing too early.
constexpr Duration kForEver{std::int64_t{3650} * 24 * 3600 * 1000};

Operator make_operator(const Graph& graph, plan::ServiceId service, plan::NodeId node,
                       std::size_t index, const Step& step) {
  const opbuild::Block block = opbuild::parse_block(step.code, step.name);
  const bool is_lambda = block.form == opbuild::Block::Form::kLambda;
  return {.service = service,
          .node = node,
          .index = index,
          .step = &step,
          .id = fmt::format("{}/{}", graph.services[service].name, step.name),
          .function = is_lambda ? "" : block.function};
}

std::string_view behind_service(std::string_view id) {
  return id.substr(id.find('/') + 1);
}

std::string listed(const std::vector<Operator>& operators) {
  std::string text;
  for (const Operator& found : operators) {
    text += fmt::format("\n  {}{} (line {})", found.id,
                        found.function.empty() ? "" : ": " + found.function,
                        found.step->code.position.line);
  }
  return text;
}

plan::TopicId add_topic(Graph& graph, std::string name, const record::Type* type) {
  graph.topics.push_back({.name = std::move(name),
                          .type = type,
                          .type_name = plan::type_name(graph, type),
                          .partitions = 1,
                          .retention_age = {},
                          .retention_bytes = {},
                          .readers = {}});
  return static_cast<plan::TopicId>(graph.topics.size() - 1);
}

// Of the service under test, unless `service` says otherwise.
plan::NodeId add_node(Graph& graph, plan::NodeKind kind, const record::Type* output,
                      std::vector<plan::NodeId> inputs, plan::ServiceId service = 0) {
  const auto id = static_cast<plan::NodeId>(graph.nodes.size());
  for (const plan::NodeId input : inputs) graph.nodes[input].outputs.push_back(id);
  graph.nodes.push_back({.kind = std::move(kind),
                         .service = service,
                         .output = output,
                         .inputs = std::move(inputs),
                         .outputs = {}});
  graph.services[service].nodes.push_back(id);
  return id;
}

// Copies the nodes of `from` up to `last`, or all, and gives the number of the last one.
plan::NodeId copy_nodes(const Graph& from_graph, const plan::Service& from, Graph& graph,
                        plan::ServiceId service, std::optional<plan::NodeId> last = {}) {
  std::map<plan::NodeId, plan::NodeId> numbers;
  plan::NodeId copied = 0;
  for (const plan::NodeId id : from.nodes) {
    const plan::Node& node = from_graph.nodes[id];
    std::vector<plan::NodeId> inputs;
    for (const plan::NodeId input : node.inputs) inputs.push_back(numbers.at(input));
    numbers[id] = copied = add_node(graph, node.kind, node.output, std::move(inputs), service);
    if (const auto* const read = std::get_if<plan::Read>(&node.kind))
      graph.topics[read->topic].readers.push_back(copied);
    if (id == last) break;
  }
  return copied;
}

// The service under test, whose nodes are still to come, and those whose rows it can read, with
// all topics and tables.
Graph graph_around(const Graph& graph, const Operator& found) {
  Graph probe{.name = graph.name,
              .version = graph.version,
              .namespace_ = graph.namespace_,
              .file_name = graph.file_name,
              .files = graph.files,
              .types = graph.types,
              .named_types = graph.named_types,
              .topics = graph.topics,
              .tables = graph.tables,
              .headers = graph.headers,
              .services = {},
              .nodes = {},
              .dead_letter_topic = "dead-letters",
              .future_max = kForEver};
  for (plan::Topic& topic : probe.topics) topic.readers.clear();
  std::vector<plan::ServiceId> kept = {found.service};
  for (std::size_t i = 0; i < kept.size(); ++i) {
    plan::Service service = graph.services[kept[i]];
    service.nodes.clear();
    service.on_error = plan::ErrorPolicy::kDeadLetter;  // what fails is told
    for (plan::Reference& reference : service.reads) {
      auto* const state = std::get_if<plan::Reference::OfState>(&reference.to);
      if (state == nullptr) continue;
      const auto place = std::ranges::find(kept, state->service);
      const auto number = static_cast<plan::ServiceId>(place - kept.begin());
      if (place == kept.end()) kept.push_back(state->service);
      state->service = number;
    }
    probe.services.push_back(std::move(service));
  }
  for (plan::ServiceId id = 1; id < kept.size(); ++id)
    copy_nodes(graph, graph.services[kept[id]], probe, id);
  return probe;
}

// Rows that nothing in the graph keeps.
void forget_own_states(Graph& probe) {
  std::erase_if(probe.services[0].reads,
                [](const plan::Reference& reference) { return plan::is_own(reference, 0); });
}

plan::NodeId add_read(Graph& graph, const record::Type* in) {
  const plan::TopicId topic = add_topic(graph, kProbeInput, in);
  const plan::NodeId read =
      add_node(graph, plan::Read{topic, plan::StartOffset::kBeginning, {1, 1}}, in, {});
  graph.topics[topic].readers.push_back(read);
  return read;
}

void add_write(Graph& graph, plan::NodeId from) {
  const plan::TopicId topic = add_topic(graph, kProbeOutput, nullptr);
  add_node(graph, plan::Write{topic, {1, 1}}, graph.nodes[from].output, {from});
}

plan::NodeId add_chain(Graph& graph, std::vector<Step> steps, plan::NodeId from) {
  const bool changes = std::ranges::any_of(steps, plan::changes_type, &Step::kind);
  const std::size_t count = steps.size();
  return add_node(graph,
                  plan::Chain{.function = graph.services[0].name + "/source/0",
                              .steps = std::move(steps),
                              .own_steps = count},
                  changes ? nullptr : graph.nodes[from].output, {from});
}

Step step_of_kind(spec::FunctionKind kind, spec::Code code) {
  return {kind, spec::info_of(kind).key, std::move(code)};
}

// The key as a C++ literal of its type, or nothing if it is none.
std::optional<std::string> key_literal(const std::string& text, record::Kind kind) {
  if (kind == record::Kind::kString) {
    std::string literal = "Text(std::string_view(\"";
    for (const char c : text) literal += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
    return literal + fmt::format("\", {}))", text.size());
  }
  if (kind == record::Kind::kBool)
    return text == "true" || text == "false" ? std::optional(text) : std::nullopt;
  const auto number = to_number<std::int64_t>(text);
  if (!number) return std::nullopt;
  return fmt::format("static_cast<{}>({}ll)", record::to_string(kind), *number);
}

// The Keyed behind a chain, and what its rows' keys are.
const plan::Exchange* exchange_of(const Graph& graph, const Operator& found) {
  for (const plan::NodeId id : graph.services[found.service].nodes) {
    if (const auto* const exchange = std::get_if<plan::Exchange>(&graph.nodes[id].kind))
      return exchange;
  }
  return nullptr;
}

const Step* step_of_service(const Graph& graph, const Operator& found, spec::FunctionKind kind) {
  for (const Step* step : plan::steps_of(graph, graph.services[found.service])) {
    if (step->kind == kind) return step;
  }
  return nullptr;
}

constexpr std::string_view kTakesThem = "requires { GAMEFLOW_PROBED(in...); }";
constexpr std::string_view kTakesTime = "requires { GAMEFLOW_PROBED(in..., i64{}); }";

// C++ that defines `result NAME(in...)` behind the block, for what its function may be called with:
// `is_fine`.
spec::Code called_by(const Step& step, const std::string& result, std::string_view is_fine,
                     std::string_view body) {
  const opbuild::Block block = opbuild::parse_block(step.code, step.name);
  spec::Code code = step.code;
  const bool is_lambda = block.form == opbuild::Block::Form::kLambda;
  if (is_lambda) code.text = "constexpr auto probed_ = " + code.text + "\n;";
  const std::string name = is_lambda ? "probed_" : block.function;
  code.text += fmt::format(
      "\n#define GAMEFLOW_PROBED {}\n{} call_probed_(const auto&... in) requires({}) {{ {} }}\n",
      name, result, is_fine, body);
  return code;
}

}  // namespace

std::vector<Operator> operators_of(const Graph& graph) {
  std::vector<Operator> found;
  for (plan::ServiceId i = 0; i < graph.services.size(); ++i) {
    bool is_first_source = true;
    for (const plan::NodeId id : graph.services[i].nodes) {
      const plan::NodeKind& kind = graph.nodes[id].kind;
      if (const auto* const chain = std::get_if<plan::Chain>(&kind)) {
        // What sources share stands in the chain of each.
        const bool shares = chain->own_steps < chain->steps.size();
        const std::size_t count =
            shares && !is_first_source ? chain->own_steps : chain->steps.size();
        if (shares) is_first_source = false;
        for (std::size_t step = 0; step < count; ++step)
          found.push_back(make_operator(graph, i, id, step, chain->steps[step]));
      } else if (const auto* const keyed = std::get_if<plan::Keyed>(&kind)) {
        for (std::size_t step = 0; step < keyed->steps.size(); ++step)
          found.push_back(make_operator(graph, i, id, step, keyed->steps[step]));
        for (const plan::State& state : keyed->states) {
          if (state.on_expire) found.push_back(make_operator(graph, i, id, 0, *state.on_expire));
        }
        if (keyed->flush) found.push_back(make_operator(graph, i, id, 0, *keyed->flush));
      } else if (const auto* const join = std::get_if<plan::Join>(&kind)) {
        for (std::size_t step = 0; step < join->steps.size(); ++step)
          found.push_back(make_operator(graph, i, id, step, join->steps[step]));
      }
    }
  }
  std::map<std::string, std::size_t> total, number;
  for (const Operator& one : found) ++total[one.id];
  for (Operator& one : found) {
    const std::string id = one.id;
    if (total[id] > 1) one.id += fmt::format("/{}", ++number[id]);
  }
  return found;
}

Result<Operator> find_operator(const Graph& graph, const std::string& name) {
  const std::vector<Operator> all = operators_of(graph);
  const std::string function = spec::to_snake_case(name);
  std::vector<Operator> found;
  for (const Operator& one : all) {
    const auto& signature = one.step->signature;
    if (one.id == name || behind_service(one.id) == name ||
        (!one.function.empty() && one.function == function) ||
        (signature != nullptr && signature->name == name))
      found.push_back(one);
  }
  if (found.size() == 1) return found.front();
  // A package's function is the same wherever it is used, and best tried where no rows are.
  const bool is_one = std::ranges::all_of(found, [&found](const Operator& one) {
    return one.step->signature != nullptr && one.step->signature == found.front().step->signature;
  });
  const auto without_rows = std::ranges::find(found, plan::Place::kRecord,
                                              [](const Operator& one) { return one.step->place; });
  if (is_one && without_rows != found.end()) return *without_rows;
  if (!found.empty()) {
    return fail(ErrorCode::kInvalidArgument,
                fmt::format("'{}' is more than one operator: name one of{}", name, listed(found)));
  }
  std::vector<std::string_view> names;
  for (const Operator& one : all) {
    names.insert(names.end(), {one.id, behind_service(one.id)});
    if (!one.function.empty()) names.emplace_back(one.function);
  }
  const std::string_view guess = closest(name, names);
  return fail(
      ErrorCode::kInvalidArgument,
      fmt::format("there is no operator '{}'{}; there are{}", name,
                  guess.empty() ? "" : fmt::format(" (did you mean '{}'?)", guess), listed(all)));
}

Graph pipe_around(const Graph& graph, const Operator& found, const record::Type* in,
                  std::vector<Step> steps) {
  Graph probe = graph_around(graph, found);
  forget_own_states(probe);
  add_write(probe, add_chain(probe, std::move(steps), add_read(probe, in)));
  return probe;
}

Step as_transform(const Graph& graph, const Operator& found) {
  using spec::FunctionKind;
  const Step& step = *found.step;
  switch (step.kind) {
    case FunctionKind::kFilter:  // a map to true and false
      return step_of_kind(FunctionKind::kMap, step.code);
    case FunctionKind::kAssignKey: {
      const plan::Exchange* const exchange = exchange_of(graph, found);
      // A join takes any key.
      const record::Kind key =
          exchange != nullptr && exchange->key ? *exchange->key : record::Kind::kString;
      const std::string type = exchange != nullptr && !exchange->key ? "auto"
                               : key == record::Kind::kString        ? "Text"
                                                              : std::string(record::to_string(key));
      return step_of_kind(FunctionKind::kMap,
                          called_by(step, type, kTakesThem, "return GAMEFLOW_PROBED(in...);"));
    }
    case FunctionKind::kAssignTimestamp:
      return step_of_kind(
          FunctionKind::kMap,
          called_by(step, "i64", fmt::format("{} || {}", kTakesThem, kTakesTime),
                    fmt::format("if constexpr ({}) return "
                                "static_cast<i64>(GAMEFLOW_PROBED(in..., i64{{{}}})); else return "
                                "static_cast<i64>(GAMEFLOW_PROBED(in...));",
                                kTakesTime, kRecordTime)));
    default:
      return step;
  }
}

Result<Graph> rows_around(const Graph& graph, const Operator& found, const record::Type* in,
                          const std::optional<std::string>& key) {
  Graph probe = graph_around(graph, found);
  plan::Keyed keyed = std::get<plan::Keyed>(graph.nodes[found.node].kind);
  if (keyed.window) {
    // One row for each key and window: sliding ones overlap.
    if (keyed.window->session() == nullptr)
      keyed.window->shape = spec::Tumbling{keyed.window->duration(), {}};
    keyed.window->grace = kForEver;
    keyed.window->reopen_for = {};
    keyed.window->emit_every.reset();
    keyed.window->late_topic.reset();
  }
  const bool is_whole = found.index + 1 == keyed.steps.size();
  keyed.steps.erase(keyed.steps.begin() + static_cast<std::ptrdiff_t>(found.index + 1),
                    keyed.steps.end());
  const plan::Exchange& exchange = *exchange_of(graph, found);
  std::vector<Step> steps;
  if (const Step* time = step_of_service(graph, found, spec::FunctionKind::kAssignTimestamp))
    steps.push_back(*time);
  steps.push_back(*step_of_service(graph, found, spec::FunctionKind::kAssignKey));
  if (key) {
    const auto literal = key_literal(*key, *exchange.key);
    if (!literal) {
      return fail(ErrorCode::kInvalidArgument,
                  fmt::format("--state-key '{}' is no {}", *key, record::to_string(*exchange.key)));
    }
    steps.back().code.text = fmt::format("[](const auto&) {{ return {}; }}", *literal);
  }
  const plan::NodeId chain = add_chain(probe, std::move(steps), add_read(probe, in));
  const plan::NodeId exchanged = add_node(probe, exchange, in, {chain});
  add_write(probe, add_node(probe, std::move(keyed),
                            is_whole ? graph.nodes[found.node].output : nullptr, {exchanged}));
  return probe;
}

Graph service_without_sinks(const Graph& graph, const Operator& found) {
  Graph probe = graph_around(graph, found);
  add_write(probe, copy_nodes(graph, graph.services[found.service], probe, 0, found.node));
  return probe;
}

}  // namespace gameflow::app::flow_test
