// gameflow backup: a copy of the data of a running server. gameflow verify: all that is in a data
// folder, read against its checksums.

#include <chrono>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/table.h"
#include "app/terminal.h"
#include "base/url_encode.h"
#include "client/http_client.h"
#include "client/json_text.h"
#include "log/rocksdb/backup.h"

namespace gameflow::app {

int backup_command(const BackupOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  const std::string folder = std::filesystem::absolute(options.folder).lexically_normal().string();
  const auto made = client::object_of(
      client::request_once(options.server, "POST", "/backup?folder=" + url_encode(folder)));
  if (!made) return print_error(made.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  fmt::print("{}: {} files, {}, of which {} files are shared with the server's; {:.1f} s\n", folder,
             with_commas(client::number_at(*made, "files")),
             with_unit(client::number_at(*made, "bytes")),
             with_commas(client::number_at(*made, "files_linked")), took.count());
  return kExitFine;
}

int verify_command(const VerifyOptions& options) {
  const auto found = log::verify_store(options.data_folder);
  if (!found) return print_error(found.error());
  fmt::print(
      "{}: read {} tables, {}, and the write-ahead log\n"
      "{} topics with {} records in {} batches; {} keys of state; {} ids\n",
      options.data_folder.string(), with_commas(found->tables), with_unit(found->table_bytes),
      with_commas(found->topics), with_commas(found->records), with_commas(found->batches),
      with_commas(found->state_keys), with_commas(found->ids));
  if (found->damages.empty()) {
    fmt::print("no damage\n");
    return kExitFine;
  }
  for (const std::string& damage : found->damages) fmt::print("damaged: {}\n", damage);
  return print_error(
      {ErrorCode::kDataCorrupt,
       fmt::format("{} of {} is damaged, as listed: restore the folder from a backup",
                   with_commas(found->damages.size()), options.data_folder.string())});
}

}  // namespace gameflow::app
