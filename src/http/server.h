// The server of the API and the pages. Reference: docs/reference/http.md.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>

#include "api/api.h"
#include "api/players.h"
#include "base/error.h"
#include "http/quotas.h"
#include "log/backups.h"
#include "serve/server.h"

namespace gameflow::http {

struct ServerOptions : serve::ServerOptions {
  // Serve pages from this folder instead of those inside the program, for working on them.
  std::optional<std::filesystem::path> web_folder;
  Quota quota_of_address;           // of each
  api::Players* players = nullptr;  // who forgets some, if anybody; outlives the server
  log::Backups* backups = nullptr;  // of the store, if it can make some; outlives the server
};

// As serve::Server::listen. A compressed body may have four times `body_bytes_max` once unpacked.
Result<std::unique_ptr<serve::Server>> listen(api::Api& api, const ServerOptions& options);

}  // namespace gameflow::http
