#include "plan/graph.h"

#include <algorithm>
#include <numeric>

#include <fmt/format.h>

namespace gameflow::plan {
namespace {

std::string offset_text(Duration offset) {
  return offset.ms == 0 ? "" : ", offset " + format_duration(offset);
}

}  // namespace

std::string text_of(const spec::WindowShape& shape) {
  if (const auto* const tumbling = std::get_if<spec::Tumbling>(&shape)) {
    return fmt::format("tumbling {}{}{}", format_duration(tumbling->duration),
                       offset_text(tumbling->offset),
                       tumbling->zone == nullptr ? "" : ", in " + tumbling->zone->name());
  }
  if (const auto* const session = std::get_if<spec::Session>(&shape)) {
    return fmt::format("sessions with a gap of {}{}", format_duration(session->gap),
                       session->max ? ", at most " + format_duration(*session->max) : "");
  }
  const auto& sliding = std::get<spec::Sliding>(shape);
  const Duration pane{std::gcd(sliding.duration.ms, sliding.slide.ms)};
  return fmt::format("sliding {} every {}{}, {}", format_duration(sliding.duration),
                     format_duration(sliding.slide), offset_text(sliding.offset),
                     sliding.in_panes ? "merged from panes of " + format_duration(pane)
                                      : "each with rows of its own");
}

const Topic* Graph::find_topic(std::string_view topic_name) const {
  const auto found = std::ranges::find(topics, topic_name, &Topic::name);
  return found == topics.end() ? nullptr : &*found;
}

const Schedule* Graph::schedule_of(TopicId topic) const {
  const auto found = std::ranges::find(schedules, topic, &Schedule::topic);
  return found == schedules.end() ? nullptr : &*found;
}

bool Service::reads_others(ServiceId self) const {
  return std::ranges::any_of(reads, [self](const Reference& reference) {
    return std::holds_alternative<Reference::OfState>(reference.to) && !is_own(reference, self);
  });
}

const Keyed* Graph::keyed_of(ServiceId service) const {
  return keyed_of(services[service]);
}

const Keyed* Graph::keyed_of(const Service& service) const {
  for (const NodeId node : service.nodes) {
    if (const auto* const keyed = std::get_if<Keyed>(&nodes[node].kind)) return keyed;
  }
  return nullptr;
}

const Join* Graph::join_of(ServiceId service) const {
  for (const NodeId node : services[service].nodes) {
    if (const auto* const join = std::get_if<Join>(&nodes[node].kind)) return join;
  }
  return nullptr;
}

std::string Join::events() const {
  return fmt::format("events of '{}' and '{}', joined within {} before and {} after", left, right,
                     format_duration(before), format_duration(after));
}

std::vector<const Step*> steps_of(const Graph& graph, const Service& service) {
  std::vector<const Step*> steps;
  bool is_first_source = true;
  for (const NodeId id : service.nodes) {
    const Node& node = graph.nodes[id];
    if (const auto* const chain = std::get_if<Chain>(&node.kind)) {
      const bool of_source = chain->own_steps < chain->steps.size();
      const std::size_t count =
          of_source && !is_first_source ? chain->own_steps : chain->steps.size();
      for (std::size_t i = 0; i < count; ++i) steps.push_back(&chain->steps[i]);
      if (of_source) is_first_source = false;
    } else if (const auto* const keyed = std::get_if<Keyed>(&node.kind)) {
      for (const Step& step : keyed->steps) steps.push_back(&step);
      for (const State& state : keyed->states) {
        if (state.on_expire) steps.push_back(&*state.on_expire);
      }
      if (keyed->flush) steps.push_back(&*keyed->flush);
    } else if (const auto* const join = std::get_if<Join>(&node.kind)) {
      for (const Step& step : join->steps) steps.push_back(&step);
    }
  }
  return steps;
}

bool changes_type(FunctionKind kind) {
  return kind == FunctionKind::kMap || kind == FunctionKind::kFilterMap ||
         kind == FunctionKind::kFlatMap;
}

std::string type_name(const Graph& graph, const record::Type* type) {
  if (type == nullptr) return "any JSON";
  // Lists and maps have no names of their own; what scalars are called here is another name only.
  if (type->kind == record::Kind::kList || type->kind == record::Kind::kMap) {
    const auto named = std::ranges::find(graph.named_types, type, &NamedType::type);
    if (named != graph.named_types.end()) return named->name;
  }
  if (type->kind == record::Kind::kList) return "list of " + type_name(graph, type->item);
  if (type->kind == record::Kind::kMap) return "map of " + type_name(graph, type->map_value());
  if (!type->name.empty()) return type->name;
  if (type->kind == record::Kind::kDecimal) return "decimal(" + std::to_string(type->scale) + ")";
  if (type->kind == record::Kind::kQuantiles)
    return fmt::format("quantiles({})", type->accuracy / 1e6);
  return std::string(record::to_string(type->kind));
}

}  // namespace gameflow::plan
