// How far what SQL shows is: which service makes a table, up to which time it has counted, and what
// is still on the way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "api/topic_tables.h"
#include "base/time.h"
#include "runtime/engine.h"

namespace gameflow::api {

// Of a table and a service that makes it.
struct Progress {
  std::string table;                        // a name of it in SQL
  std::optional<std::string> service = {};  // nothing: its records or rows come from outside
  // The watermark, of it and of the services whose topics it reads: the earliest. Nothing: none of
  // them has windows, or no record has come yet.
  std::optional<Timestamp> complete_to = {};
  std::uint64_t lag = 0;  // records on the way to it that are not read yet
  double late = 0;  // 0 to 1: share of the last minute's that came too late; the largest there
  // Why a service on the way has stopped, or the table is not as its file says.
  std::optional<std::string> stopped = {};
};

// Of states, tables and `topics`, as of the last epoch. On the way are the services whose topics it
// reads, directly or not, and those whose rows it looks up.
std::vector<Progress> progress_of(const runtime::Engine& engine,
                                  const std::vector<TopicName>& topics);

}  // namespace gameflow::api
