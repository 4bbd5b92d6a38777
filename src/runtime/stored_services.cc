#include "runtime/stored_services.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/closest.h"
#include "runtime/checkpoint.h"

namespace gameflow::runtime {
namespace {

Error unknown(std::string_view service, const std::vector<std::string>& stored) {
  if (stored.empty()) {
    return {ErrorCode::kInvalidArgument,
            fmt::format("no service is stored here, so there is no '{}'", service)};
  }
  const std::vector<std::string_view> candidates(stored.begin(), stored.end());
  const std::string_view guess = closest(service, candidates);
  return {ErrorCode::kInvalidArgument,
          fmt::format("there is no service '{}'.{} There are: {}", service,
                      guess.empty() ? "" : fmt::format(" Did you mean '{}'?", guess),
                      fmt::join(stored, ", "))};
}

Result<ServiceRecord> read_record(std::string_view service, const log::StateKv& store) {
  GF_ASSIGN(const auto stored, store.get(service_key(service)));
  if (stored) return decode_service_record(*stored, service);
  GF_ASSIGN(const std::vector<std::string> names, stored_services(store));
  return fail(unknown(service, names));
}

void erase_all(std::string_view service, log::Commit& commit) {
  const std::string key = service_key(service);
  commit.erase.push_back({key, key + '\0'});
  commit.erase.push_back(rows_range(service));
}

}  // namespace

Result<std::vector<std::string>> stored_services(const log::StateKv& store) {
  std::vector<std::string> names;
  GF_TRY(store.scan(service_keys(), [&names](std::string_view key, std::string_view) -> Status {
    names.emplace_back(service_of(key));
    return {};
  }));
  return names;
}

Result<StoredService> stored_service(std::string_view service, const log::StateKv& store) {
  GF_ASSIGN(const ServiceRecord record, read_record(service, store));
  return StoredService{record.watermark, record.counters};
}

Status check_stored(const plan::Graph& graph, const plan::Functions& functions,
                    const log::StateKv& store) {
  for (const plan::Service& service : graph.services) {
    GF_ASSIGN(const auto stored, store.get(service_key(service.name)));
    if (!stored) continue;
    GF_ASSIGN(const ServiceRecord record, decode_service_record(*stored, service.name));
    const auto id = static_cast<plan::ServiceId>(&service - graph.services.data());
    GF_ASSIGN(const bool keeps, keeps_rows(service.name, store));
    if (const plan::Join* const join = graph.join_of(id)) {
      GF_TRY(match_join(record, service.name, *join, functions.sides_of(graph, id), keeps));
    } else {
      GF_TRY(match_states(record, service.name, graph.keyed_of(service), keeps));
    }
  }
  return {};
}

Status reset_watermark(std::string_view service, Timestamp now, log::Store& store) {
  GF_ASSIGN(ServiceRecord record, read_record(service, store));
  record.watermark.reset();
  for (StoredInput& input : record.inputs) input.progress.reset();
  // What was flushed stays closed, up to now; windows that end later may open again.
  for (auto* const until : {&record.closed.until, &record.closed.gone_until, &record.fired_until}) {
    if (*until) *until = std::min(**until, now);
  }
  log::Commit commit;
  commit.put.push_back({service_key(service), encode(record)});
  GF_TRY(store.commit(std::move(commit)));
  return {};
}

Status forget_service(std::string_view service, log::Store& store) {
  GF_ASSIGN(const std::vector<std::string> names, stored_services(store));
  if (std::ranges::find(names, service) == names.end()) return fail(unknown(service, names));
  log::Commit commit;
  erase_all(service, commit);
  GF_TRY(store.commit(std::move(commit)));
  return {};
}

}  // namespace gameflow::runtime
