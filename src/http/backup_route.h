// POST /backup?folder=DIR: a copy of the store at work.
#pragma once

#include "log/backups.h"
#include "serve/route.h"

namespace gameflow::http {

// `backups` outlives the server.
serve::Route backup_route(log::Backups& backups);

}  // namespace gameflow::http
