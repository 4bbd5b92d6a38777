// gameflow backup: a copy of the data of a running server. gameflow verify: all that is in a data
// folder, read against its checksums.

#include <chrono>
#include <filesystem>
#include <string>

#include <fmt/format.h>

#include "app/commands.h"
#include "app/document.h"
#include "app/table.h"
#include "app/terminal.h"
#include "base/url_encode.h"
#include "client/http_client.h"
#include "client/json_text.h"
#include "log/rocksdb/backup.h"

namespace gameflow::app {

namespace {

namespace json = boost::json;
using client::number_at;

void print_backup(const json::object& made) {
  fmt::print("{}: {} files, {}, of which {} files are shared with the server's; {:.1f} s\n",
             client::text_at(made, "folder"), with_commas(number_at(made, "files")),
             with_unit(number_at(made, "bytes")), with_commas(number_at(made, "files_linked")),
             made.at("seconds").as_double());
}

json::object document_of(const log::Verified& found, const std::string& folder) {
  return {{"folder", folder},
          {"tables", found.tables},
          {"table_bytes", found.table_bytes},
          {"topics", found.topics},
          {"records", found.records},
          {"batches", found.batches},
          {"state_keys", found.state_keys},
          {"ids", found.ids},
          {"damages", json::value_from(found.damages)}};
}

void print_verified(const json::object& found) {
  const auto count = [&](std::string_view name) { return with_commas(number_at(found, name)); };
  fmt::print(
      "{}: read {} tables, {}, and the write-ahead log\n"
      "{} topics with {} records in {} batches; {} keys of state; {} ids\n",
      client::text_at(found, "folder"), count("tables"), with_unit(number_at(found, "table_bytes")),
      count("topics"), count("records"), count("batches"), count("state_keys"), count("ids"));
  const json::array& damages = client::array_at(found, "damages");
  if (damages.empty()) fmt::print("no damage\n");
  for (const json::value& damage : damages)
    fmt::print("damaged: {}\n", std::string_view(damage.as_string()));
}

}  // namespace

int backup_command(const BackupOptions& options) {
  const auto started = std::chrono::steady_clock::now();
  const std::string folder = std::filesystem::absolute(options.folder).lexically_normal().string();
  auto made = client::object_of(
      client::request_once(options.server, "POST", "/backup?folder=" + url_encode(folder)));
  if (!made) return print_error(made.error());
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
  (*made)["folder"] = folder;
  (*made)["seconds"] = took.count();
  print_document(*made, options.json, print_backup);
  return kExitFine;
}

int verify_command(const VerifyOptions& options) {
  const auto found = log::verify_store(options.data_folder);
  if (!found) return print_error(found.error());
  print_document(document_of(*found, options.data_folder.string()), options.json, print_verified);
  if (found->damages.empty()) return kExitFine;
  return print_error(
      {ErrorCode::kDataCorrupt,
       fmt::format("{} of {} is damaged, as listed: restore the folder from a backup",
                   with_commas(found->damages.size()), options.data_folder.string())});
}

}  // namespace gameflow::app
