#include "api/progress.h"

#include <algorithm>
#include <set>
#include <utility>
#include <variant>

#include "plan/graph.h"
#include "runtime/stats.h"

namespace gameflow::api {
namespace {

using plan::ServiceId;

class Pipeline {
 public:
  Pipeline(const plan::Graph& graph, const runtime::EngineStats& stats)
      : graph_(graph), stats_(stats) {}

  // A row for each service that writes the topic, as results or as what came too late; one without
  // where none does.
  void add_topic(const std::string& table, plan::TopicId topic, std::vector<Progress>& rows) const {
    const std::vector<ServiceId> writers = writers_of(topic);
    for (const ServiceId service : writers) rows.push_back(of(table, service));
    if (writers.empty()) rows.push_back({.table = table});
  }

  Progress of(const std::string& table, ServiceId service) const {
    std::set<ServiceId> way;
    collect(service, way, Reach::kAll);
    Progress progress{.table = table, .service = graph_.services[service].name};
    std::set<ServiceId> sources;
    collect(service, sources, Reach::kRecords);
    for (const ServiceId id : sources) {
      const runtime::ServiceStats* const stats = stats_of(id);
      if (stats == nullptr || !stats->watermark) continue;
      progress.complete_to =
          std::min(progress.complete_to.value_or(*stats->watermark), *stats->watermark);
    }
    for (const ServiceId id : way) {
      const runtime::ServiceStats* const stats = stats_of(id);
      if (stats == nullptr) continue;
      for (const runtime::PartitionStats& partition : stats->partitions) {
        progress.lag +=
            partition.end_offset - std::min(partition.end_offset, partition.next_offset);
      }
      progress.late = std::max(progress.late, stats->last_minute.ratio());
      if (stats->stopped && !progress.stopped)
        progress.stopped = runtime::to_text(stats->name, *stats->stopped);
    }
    return progress;
  }

 private:
  // Through the topics that services read; also through the rows that they look up.
  enum class Reach : std::uint8_t { kRecords, kAll };

  const runtime::ServiceStats* stats_of(ServiceId service) const {
    const auto found = std::ranges::find(stats_.services, graph_.services[service].name,
                                         &runtime::ServiceStats::name);
    return found == stats_.services.end() ? nullptr : &*found;
  }

  std::vector<ServiceId> writers_of(plan::TopicId topic) const {
    std::vector<ServiceId> writers;
    for (ServiceId id = 0; id < graph_.services.size(); ++id) {
      const bool writes = std::ranges::any_of(
          graph_.services[id].nodes,
          [&](const plan::NodeId node) { return writes_to(graph_.nodes[node].kind, topic); });
      if (writes) writers.push_back(id);
    }
    return writers;
  }

  static bool writes_to(const plan::NodeKind& node, plan::TopicId topic) {
    if (const auto* const write = std::get_if<plan::Write>(&node)) return write->topic == topic;
    if (const auto* const join = std::get_if<plan::Join>(&node)) return join->late_topic == topic;
    const auto* const keyed = std::get_if<plan::Keyed>(&node);
    return keyed != nullptr && keyed->window && keyed->window->late_topic == topic;
  }

  void collect_writers(plan::TopicId topic, std::set<ServiceId>& way, Reach reach) const {
    for (const ServiceId writer : writers_of(topic)) collect(writer, way, reach);
  }

  // Services may read each other's rows, so the way may be a circle.
  void collect(ServiceId service, std::set<ServiceId>& way, Reach reach) const {
    if (!way.insert(service).second) return;
    for (const plan::NodeId node : graph_.services[service].nodes) {
      if (const auto* const read = std::get_if<plan::Read>(&graph_.nodes[node].kind))
        collect_writers(read->topic, way, reach);
    }
    if (reach == Reach::kRecords) return;
    for (const plan::Reference& reference : graph_.services[service].reads) {
      if (const auto* const state = std::get_if<plan::Reference::OfState>(&reference.to)) {
        collect(state->service, way, reach);
      } else {
        const auto& table = graph_.tables[std::get<plan::Reference::OfTable>(reference.to).table];
        if (table.topic) collect_writers(*table.topic, way, reach);
      }
    }
  }

  const plan::Graph& graph_;
  const runtime::EngineStats& stats_;
};

// Why a table is not as its file says.
std::optional<std::string> problem_of(const runtime::EngineStats& stats, std::string_view table) {
  const auto found = std::ranges::find(stats.tables, table, &runtime::TableStats::name);
  if (found == stats.tables.end() || found->problem.empty()) return std::nullopt;
  return found->problem;
}

}  // namespace

std::vector<Progress> progress_of(const runtime::Engine& engine,
                                  const std::vector<TopicName>& topics) {
  const plan::Graph& graph = engine.graph();
  const runtime::EngineStats stats = engine.stats();
  const Pipeline pipeline(graph, stats);
  std::vector<Progress> rows;
  for (const runtime::Engine::TableName& table : engine.tables()) {
    const auto service = std::ranges::find(graph.services, table.service, &plan::Service::name);
    if (service == graph.services.end()) {
      rows.push_back({.table = table.table, .stopped = problem_of(stats, table.state)});
    } else {
      rows.push_back(
          pipeline.of(table.table, static_cast<ServiceId>(service - graph.services.begin())));
    }
  }
  for (const TopicName& name : topics) {
    const auto topic = std::ranges::find(graph.topics, name.topic, &plan::Topic::name);
    if (topic == graph.topics.end()) {
      rows.push_back({.table = name.name});
    } else {
      pipeline.add_topic(name.name, static_cast<plan::TopicId>(topic - graph.topics.begin()), rows);
    }
  }
  return rows;
}

}  // namespace gameflow::api
