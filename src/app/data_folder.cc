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

// What was counted is null where nothing could be.
json::object document_of(const Result<log::Verified>& found, const std::string& folder) {
  json::object document = {{"folder", folder}};
  const auto add = [&](const char* name, std::uint64_t log::Verified::*count) {
    document[name] = found ? json::value((*found).*count) : json::value();
  };
  add("tables", &log::Verified::tables);
  add("table_bytes", &log::Verified::table_bytes);
  add("topics", &log::Verified::topics);
  add("records", &log::Verified::records);
  add("batches", &log::Verified::batches);
  add("state_keys", &log::Verified::state_keys);
  add("ids", &log::Verified::ids);
  json::array damages;
  if (found) {
    damages = json::value_from(found->damages).as_array();
  } else if (found.error().code == ErrorCode::kDataCorrupt) {
    damages.emplace_back(found.error().message);
  }
  document["damages"] = std::move(damages);
  return document;
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
  const std::string folder = options.data_folder.string();
  json::object document = document_of(found, folder);
  const std::size_t damages = document.at("damages").as_array().size();
  if (found && damages == 0) {
    print_document(document, options.json, print_verified);
    return kExitFine;
  }
  const Error error = found ? Error{ErrorCode::kDataCorrupt,
                                    fmt::format("{} of {} is damaged, as listed: restore the "
                                                "folder from a backup",
                                                with_commas(damages), folder)}
                            : found.error();
  document["error"] = {{"code", to_string(error.code)}, {"message", error.message}};
  if (found || options.json) print_document(document, options.json, print_verified);
  return print_error(error);
}

}  // namespace gameflow::app
