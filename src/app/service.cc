// gameflow service list | reset-watermark | forget: on the data folder of a server that is stopped.

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/table.h"
#include "app/terminal.h"
#include "base/time.h"
#include "log/rocksdb/rocksdb_store.h"
#include "runtime/stored_services.h"

namespace gameflow::app {
namespace {

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

Status list(const log::Store& store) {
  GF_ASSIGN(const std::vector<std::string> names, runtime::stored_services(store));
  TextTable table({"SERVICE", "WATERMARK", "RECORDS IN", "OUT", "LATE", "DEAD"});
  table.align_right({2, 3, 4, 5});
  for (const std::string& name : names) {
    GF_ASSIGN(const runtime::StoredService service, runtime::stored_service(name, store));
    const runtime::Counters& counters = service.counters;
    table.add({name, service.watermark ? format_timestamp(*service.watermark) : "-",
               with_commas(counters.records_in), with_commas(counters.records_out),
               with_commas(counters.records_late), with_commas(counters.records_dead)});
  }
  table.print();
  return {};
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
  return with_store(options.data_folder,
                    [](const log::Store& store, Timestamp) { return list(store); });
}

int service_reset_watermark_command(const ServiceResetWatermarkOptions& options) {
  return with_store(options.data_folder, [&options](log::Store& store, Timestamp now) -> Status {
    GF_TRY(runtime::reset_watermark(options.service, now, store));
    fmt::print("watermark of service {} reset\n", options.service);
    return {};
  });
}

int service_forget_command(const ServiceForgetOptions& options) {
  return with_store(options.data_folder, [&options](log::Store& store, Timestamp) -> Status {
    GF_TRY(runtime::forget_service(options.service, store));
    fmt::print("service {} forgotten\n", options.service);
    return {};
  });
}

}  // namespace gameflow::app
