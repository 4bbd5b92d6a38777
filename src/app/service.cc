// gameflow service list | reset-watermark | forget: on the data folder of a server that is stopped.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/document.h"
#include "app/table.h"
#include "app/terminal.h"
#include "base/time.h"
#include "client/json_text.h"
#include "log/rocksdb/rocksdb_store.h"
#include "runtime/stored_services.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;

// Unlike a server it makes no folder: a mistyped name is not an empty store.
Result<std::unique_ptr<log::Store>> open_store(const std::filesystem::path& folder,
                                               const Clock& clock) {
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    return fail(ErrorCode::kFileUnreadable,
                fmt::format("there is no data folder {}: say where it is with --data DIR",
                            folder.string()));
  }
  return log::open_rocksdb_store({.folder = folder, .clock = &clock});
}

// As in the answer of GET /dataflow.
Result<json::object> services_in(const log::Store& store) {
  GF_ASSIGN(const std::vector<std::string> names, runtime::stored_services(store));
  json::array services;
  for (const std::string& name : names) {
    GF_ASSIGN(const runtime::StoredService service, runtime::stored_service(name, store));
    const runtime::Counters& counters = service.counters;
    services.push_back(json::object{
        {"name", name},
        {"watermark", service.watermark ? json::value(service.watermark->ms) : json::value()},
        {"counters",
         {{"records_in", counters.records_in},
          {"records_out", counters.records_out},
          {"records_late", counters.records_late},
          {"records_dead", counters.records_dead},
          {"records_future", counters.records_future},
          {"records_expired", counters.records_expired},
          {"records_skipped", counters.records_skipped},
          {"windows_closed", counters.windows_closed},
          {"results_early", counters.results_early},
          {"results_corrected", counters.results_corrected}}}});
  }
  return json::object{{"services", std::move(services)}};
}

void print_services(const json::object& answer) {
  TextTable table({"SERVICE", "WATERMARK", "RECORDS IN", "OUT", "LATE", "DEAD"});
  table.align_right({2, 3, 4, 5});
  for (const json::value& value : client::array_at(answer, "services")) {
    const json::object& service = value.as_object();
    const json::object& counters = service.at("counters").as_object();
    const json::value& watermark = service.at("watermark");
    table.add({client::text_at(service, "name"),
               watermark.is_null() ? "-" : format_timestamp({watermark.as_int64()}),
               with_commas(client::number_at(counters, "records_in")),
               with_commas(client::number_at(counters, "records_out")),
               with_commas(client::number_at(counters, "records_late")),
               with_commas(client::number_at(counters, "records_dead"))});
  }
  table.print();
}

// Opens the folder, has `act` do something to the store and say so, and closes it.
template <class Act>
int with_store(const std::filesystem::path& folder, Act&& act) {
  const SystemClock clock;
  const auto store = open_store(folder, clock);
  if (!store) return print_error(store.error());
  const Status status = act(**store, clock.now());
  (*store)->close();
  return status ? kExitFine : print_error(status.error());
}

}  // namespace

int service_list_command(const ServiceListOptions& options) {
  return with_store(options.data_folder, [&options](const log::Store& store, Timestamp) -> Status {
    GF_ASSIGN(const json::object services, services_in(store));
    print_document(services, options.json, print_services);
    return {};
  });
}

int service_reset_watermark_command(const ServiceResetWatermarkOptions& options) {
  return with_store(options.data_folder, [&options](log::Store& store, Timestamp now) -> Status {
    GF_TRY(runtime::reset_watermark(options.service, now, store));
    print_document(
        json::object{{"name", options.service}, {"watermark", nullptr}}, options.json,
        [&](const auto&) { fmt::print("watermark of service {} reset\n", options.service); });
    return {};
  });
}

int service_forget_command(const ServiceForgetOptions& options) {
  return with_store(options.data_folder, [&options](log::Store& store, Timestamp) -> Status {
    GF_TRY(runtime::forget_service(options.service, store));
    print_document(json::object{{"name", options.service}, {"forgotten", true}}, options.json,
                   [&](const auto&) { fmt::print("service {} forgotten\n", options.service); });
    return {};
  });
}

}  // namespace gameflow::app
