#include "runtime/fresh_start.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/closest.h"
#include "runtime/checkpoint.h"
#include "runtime/schedules.h"

namespace gameflow::runtime {
namespace {

void erase_key(const std::string& key, log::Commit& commit) {
  commit.erase.push_back({key, key + '\0'});
}

Error unknown(const plan::Graph& graph, std::string_view name) {
  std::vector<std::string_view> names;
  for (const plan::Service& service : graph.services) names.emplace_back(service.name);
  for (const plan::Schedule& schedule : graph.schedules) names.emplace_back(schedule.name);
  const std::string_view guess = closest(name, names);
  return {ErrorCode::kInvalidArgument,
          fmt::format("--clear-state: the dataflow has no service '{}'{}", name,
                      guess.empty() ? "" : fmt::format(". Did you mean '{}'?", guess))};
}

// What of a record says how its rows are to be read: as the dataflow wants them, so that it fits.
ServiceRecord empty_record(const plan::Graph& graph, plan::ServiceId id) {
  ServiceRecord record;
  if (const plan::Join* const join = graph.join_of(id)) {
    record.windows = join->events();
  } else if (const plan::Keyed* const keyed = graph.keyed_of(id)) {
    record.windows = keyed->windows();
    record.states = stored_states(keyed);
  }
  return record;
}

// One input for each partition that the service reads and that is there.
Result<std::vector<StoredInput>> inputs_from(const plan::Graph& graph, plan::ServiceId id,
                                             const StartsFrom& from, const log::Store& store) {
  std::vector<StoredInput> inputs;
  for (const plan::NodeId number : graph.services[id].nodes) {
    const auto* const read = std::get_if<plan::Read>(&graph.nodes[number].kind);
    if (read == nullptr) continue;
    const auto topic = store.topic(graph.topics[read->topic].name);
    if (!topic) continue;  // made when the dataflow starts: its source says where
    for (std::uint32_t i = 0; i < topic->partitions.size(); ++i) {
      StoredInput input{.topic = topic->config.name, .topic_id = topic->id, .partition = i};
      input.next = topic->partitions[i].begin;
      if (const auto* const time = std::get_if<Timestamp>(&from)) {
        GF_ASSIGN(input.next, store.find_appended(topic->id, i, *time));
      }
      inputs.push_back(std::move(input));
    }
  }
  return inputs;
}

// Where it has read to. What was published stays closed.
Status go_on(std::string_view stored, std::string_view service, ServiceRecord& record) {
  auto former = decode_service_record(stored, service);
  if (!former) {
    return fail(former.error().code,
                fmt::format("how far service '{}' has read cannot be told ({}). Say where it shall "
                            "go on: --from beginning, or --from TIME",
                            service, former.error().message));
  }
  record.inputs = std::move(former->inputs);
  record.watermark = former->watermark;
  record.closed = {.until = former->closed.until, .gone_until = former->closed.until};
  record.fired_until = former->closed.until;
  return {};
}

std::uint64_t offsets_ahead(const std::vector<StoredInput>& inputs, const log::Store& store) {
  std::uint64_t count = 0;
  for (const StoredInput& input : inputs) {
    const auto partition = store.partition(input.topic_id, input.partition);
    if (partition) count += partition->end.value - std::min(partition->end, input.next).value;
  }
  return count;
}

std::string tell(std::string_view service, std::uint64_t bytes, const StartsFrom& from,
                 std::uint64_t ahead) {
  const std::string begin = fmt::format(
      "service '{}' starts afresh: what it has counted ({} bytes of state) is thrown away. ",
      service, bytes);
  if (std::holds_alternative<EndOfRead>(from)) {
    return fmt::format(
        "{}It goes on where it has read to, with {} records that wait. Results that "
        "it has published stay, and none of them is published again; windows that "
        "are open lose what came before",
        begin, ahead);
  }
  const auto* const time = std::get_if<Timestamp>(&from);
  return fmt::format(
      "{}It reads its topics again from {}, {} records, and publishes their results once more, "
      "beside those that are there",
      begin, time == nullptr ? "the beginning" : "what was appended at " + format_timestamp(*time),
      ahead);
}

}  // namespace

Result<FreshStart> plan_fresh_start(const plan::Graph& graph, std::string_view name,
                                    const StartsFrom& from, const log::Store& store) {
  FreshStart fresh;
  if (std::ranges::count(graph.schedules, name, &plan::Schedule::name) != 0) {
    erase_key(schedule_key(name), fresh.commit);
    fresh.told = fmt::format("schedule '{}' starts afresh: it goes on from now", name);
    return fresh;
  }
  const auto found = std::ranges::find(graph.services, name, &plan::Service::name);
  if (found == graph.services.end()) return fail(unknown(graph, name));
  const auto id = static_cast<plan::ServiceId>(found - graph.services.begin());
  const std::string key = service_key(name);
  GF_ASSIGN(const auto stored, store.get(key));
  if (!stored && std::holds_alternative<EndOfRead>(from)) {
    fresh.told =
        fmt::format("nothing is stored of service '{}': it starts where its sources say", name);
    return fresh;
  }
  ServiceRecord record = empty_record(graph, id);
  if (std::holds_alternative<EndOfRead>(from)) {
    GF_TRY(go_on(*stored, name, record));
  } else {
    GF_ASSIGN(record.inputs, inputs_from(graph, id, from, store));
  }
  std::uint64_t bytes = 0;
  GF_TRY(store.scan(rows_range(name), [&bytes](std::string_view, std::string_view value) {
    bytes += value.size();
    return Status{};
  }));
  fresh.told = tell(name, bytes, from, offsets_ahead(record.inputs, store));
  fresh.commit.erase.push_back(rows_range(name));
  fresh.commit.put.push_back({key, encode(record)});
  return fresh;
}

}  // namespace gameflow::runtime
