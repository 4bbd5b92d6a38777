#include "http/dataflow_reply.h"

#include <algorithm>
#include <optional>
#include <utility>

#include <boost/json.hpp>

#include "plan/describe.h"
#include "runtime/stats.h"

namespace gameflow::http {

namespace json = boost::json;

namespace {

json::value or_null(const std::optional<Timestamp>& value) {
  if (!value) return nullptr;
  return value->ms;
}

json::object partition_json(const runtime::PartitionStats& partition) {
  return {{"partition", partition.partition},
          {"next_offset", partition.next_offset},
          {"end_offset", partition.end_offset},
          {"lag", partition.end_offset - std::min(partition.end_offset, partition.next_offset)},
          {"watermark", or_null(partition.watermark)},
          {"idle", partition.idle}};
}

json::object counters_json(const runtime::ServiceStats& stats) {
  return {{"records_in", stats.records_in},
          {"records_out", stats.records_out},
          {"records_late", stats.records_late},
          {"records_dead", stats.records_dead},
          {"records_future", stats.records_future},
          {"records_expired", stats.records_expired},
          {"records_skipped", stats.records_skipped},
          {"timestamp_fallbacks", stats.timestamp_fallbacks},
          {"windows_open", stats.windows_open},
          {"windows_closed", stats.windows_closed},
          {"results_early", stats.results_early},
          {"results_corrected", stats.results_corrected}};
}

json::object source_json(const plan::Topic& topic, const runtime::ServiceStats& stats) {
  json::array partitions;
  for (const auto& partition : stats.partitions)
    if (partition.topic == topic.name) partitions.push_back(partition_json(partition));
  return {{"topic", topic.name}, {"partitions", std::move(partitions)}};
}

json::array states_json(const plan::Keyed& keyed, const runtime::ServiceStats& stats) {
  json::array states;
  for (const auto& state : keyed.states) {
    json::object object{{"name", state.name}, {"table", state.table}};
    for (const auto& counted : stats.states) {
      if (counted.name != state.name) continue;
      object["rows"] = counted.rows;
      object["bytes"] = counted.bytes;
    }
    states.push_back(std::move(object));
  }
  return states;
}

// What is kept of one side; no table, as no query sees it.
json::object side_json(const std::string& topic, std::string_view side,
                       const runtime::ServiceStats& stats) {
  json::object object{{"topic", topic}, {"events", 0}, {"bytes", 0}};
  for (const runtime::StateStats& counted : stats.states) {
    if (counted.name != side) continue;
    object["events"] = counted.rows;
    object["bytes"] = counted.bytes;
  }
  return object;
}

json::object join_json(const plan::Graph& graph, const plan::Join& join,
                       const runtime::ServiceStats& stats) {
  const auto& late = join.late_topic;
  return {{"type", join.type == plan::JoinType::kLeft ? "left" : "inner"},
          {"before_ms", join.before.ms},
          {"after_ms", join.after.ms},
          {"grace_ms", join.grace.ms},
          {"late_topic", late ? json::value(graph.topics[*late].name) : json::value()},
          {"rule", join.events()},
          {"left", side_json(join.left, "left", stats)},
          {"right", side_json(join.right, "right", stats)}};
}

// All zero where there are none yet.
const runtime::ServiceStats& stats_of(const runtime::EngineStats& stats, std::string_view service) {
  static const runtime::ServiceStats kNone;
  const auto found = std::ranges::find(stats.services, service, &runtime::ServiceStats::name);
  return found == stats.services.end() ? kNone : *found;
}

json::array operators_json(const runtime::ServiceStats& stats) {
  json::array operators;
  for (const runtime::OperatorStats& counted : stats.operators) {
    operators.push_back(json::object{{"node", counted.node},
                                     {"step", counted.step},
                                     {"name", counted.name},
                                     {"in", counted.in},
                                     {"out", counted.out ? json::value(*counted.out) : nullptr},
                                     {"failed", counted.failed}});
  }
  return operators;
}

json::object late_json(const runtime::LateStats& late) {
  return {{"records", late.records}, {"late", late.late}, {"reason", late.reason}};
}

json::value stopped_json(const runtime::ServiceStats& stats) {
  if (!stats.stopped) return nullptr;
  return json::string(runtime::to_text(stats.name, *stats.stopped));
}

json::object service_json(const plan::Graph& graph, const plan::Service& service,
                          const runtime::ServiceStats& stats) {
  json::array sources, sinks;
  json::value window, join;
  json::array states;
  for (const plan::NodeId id : service.nodes) {
    const plan::NodeKind& node = graph.nodes[id].kind;
    if (const auto* read = std::get_if<plan::Read>(&node)) {
      sources.push_back(source_json(graph.topics[read->topic], stats));
    } else if (const auto* write = std::get_if<plan::Write>(&node)) {
      sinks.push_back(json::string(graph.topics[write->topic].name));
    } else if (const auto* of_two = std::get_if<plan::Join>(&node)) {
      join = join_json(graph, *of_two, stats);
    } else if (const auto* keyed = std::get_if<plan::Keyed>(&node)) {
      states = states_json(*keyed, stats);
      if (!keyed->window) continue;
      const auto& late = keyed->window->late_topic;
      json::object rules{
          {"kind", "tumbling"},
          {"duration_ms", keyed->window->duration().ms},
          {"grace_ms", keyed->window->grace.ms},
          {"late_topic", late ? json::value(graph.topics[*late].name) : json::value()},
          {"rule", plan::text_of(keyed->window->shape)}};
      if (const auto* const sliding = std::get_if<plan::Sliding>(&keyed->window->shape)) {
        rules["kind"] = "sliding";
        rules["slide_ms"] = sliding->slide.ms;
      } else if (const plan::Session* const session = keyed->window->session()) {
        rules["kind"] = "session";
        rules["gap_ms"] = session->gap.ms;
      }
      window = std::move(rules);
    }
  }
  return {{"name", service.name},
          {"window", std::move(window)},
          {"join", std::move(join)},
          {"sources", std::move(sources)},
          {"states", std::move(states)},
          {"sinks", std::move(sinks)},
          {"watermark", or_null(stats.watermark)},
          {"held", stats.is_held},
          {"on_error", json::string(plan::name_of(service.on_error))},
          {"stopped", stopped_json(stats)},
          {"late_last_minute", late_json(stats.last_minute)},
          {"counters", counters_json(stats)},
          {"operators", operators_json(stats)}};
}

json::array tables_json(const runtime::EngineStats& stats) {
  json::array tables;
  for (const runtime::TableStats& table : stats.tables) {
    tables.push_back(json::object{
        {"name", table.name},
        {"rows", table.rows},
        {"problem", table.problem.empty() ? json::value(nullptr) : json::value(table.problem)}});
  }
  return tables;
}

json::array clocks_json(const api::ClocksByPlatform& clocks) {
  json::array list;
  for (const auto& [platform, stats] : clocks)
    list.push_back(json::object{{"platform", platform},
                                {"events", stats.events},
                                {"corrected", stats.corrected},
                                {"unreadable", stats.unreadable},
                                {"drift_ms", stats.drift.ms}});
  return list;
}

json::value memory_json(const MemoryWatch* memory) {
  if (memory == nullptr) return nullptr;
  return json::object{{"used", memory->used()},
                      {"max", memory->max()},
                      {"full", memory->level() != MemoryLimit::Level::kFine}};
}

json::array strings(const std::vector<std::string>& texts) {
  json::array out;
  for (const std::string& text : texts) out.push_back(json::string(text));
  return out;
}

json::object node_json(const plan::NodeDescription& node) {
  json::array functions;
  for (const plan::FunctionDescription& function : node.functions)
    functions.push_back(json::object{{"name", function.name}, {"code", function.code}});
  return {{"id", node.id},
          {"kind", node.kind},
          {"label", node.label},
          {"type", node.type},
          {"functions", std::move(functions)},
          {"states", strings(node.states)},
          {"inputs", strings(node.inputs)}};
}

}  // namespace

Reply dataflow_reply(const runtime::Engine& engine, const MemoryWatch* memory,
                     const api::ClocksByPlatform& clocks, Timestamp now) {
  const plan::Graph& graph = engine.graph();
  const runtime::EngineStats stats = engine.stats();
  json::array services;
  for (const auto& service : graph.services)
    services.push_back(service_json(graph, service, stats_of(stats, service.name)));
  json::array topics;
  for (const auto& topic : graph.topics) topics.push_back(json::string(topic.name));
  return json_reply(
      200, json::object{{"name", graph.name},
                        {"version", graph.version},
                        {"namespace", graph.namespace_},
                        {"now", now.ms},
                        {"topics", std::move(topics)},
                        {"dead_letter_topic", graph.dead_letter_topic},
                        {"services", std::move(services)},
                        {"tables", tables_json(stats)},
                        {"memory", memory_json(memory)},
                        {"clocks", clocks_json(clocks)},
                        {"epochs", json::object{{"count", stats.epochs},
                                                {"read_seconds", stats.seconds.read},
                                                {"decode_seconds", stats.seconds.decode},
                                                {"update_seconds", stats.seconds.update},
                                                {"flush_seconds", stats.seconds.flush},
                                                {"commit_seconds", stats.seconds.commit}}}});
}

json::array joins_json(const runtime::Engine* engine) {
  json::array joins;
  if (engine == nullptr) return joins;
  const plan::Graph& graph = engine->graph();
  const runtime::EngineStats stats = engine->stats();
  for (plan::ServiceId id = 0; id < graph.services.size(); ++id) {
    const plan::Join* const join = graph.join_of(id);
    if (join == nullptr) continue;
    const std::string& name = graph.services[id].name;
    const runtime::ServiceStats& of_service = stats_of(stats, name);
    joins.push_back(json::object{{"service", name},
                                 {"left", side_json(join->left, "left", of_service)},
                                 {"right", side_json(join->right, "right", of_service)}});
  }
  return joins;
}

Reply graph_reply(const plan::Graph& graph) {
  const plan::Description described = plan::describe(graph);
  json::array services, topics;
  for (const plan::ServiceDescription& service : described.services) {
    json::array nodes;
    for (const plan::NodeDescription& node : service.nodes) nodes.push_back(node_json(node));
    services.push_back(json::object{{"name", service.name}, {"nodes", std::move(nodes)}});
  }
  for (const plan::TopicDescription& topic : described.topics)
    topics.push_back(
        json::object{{"name", topic.name}, {"type", topic.type}, {"partitions", topic.partitions}});
  return json_reply(200, json::object{{"name", described.name},
                                      {"version", described.version},
                                      {"services", std::move(services)},
                                      {"topics", std::move(topics)},
                                      {"dead_letter_topic", described.dead_letter_topic}});
}

}  // namespace gameflow::http
