// What an operator can do to stored services while no engine runs.
//
// Threads  any, but no engine has the store.
// Errors   kInvalidArgument: the store has no such service; the message names those it has.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/functions.h"
#include "plan/graph.h"
#include "runtime/positions.h"

namespace gameflow::runtime {

struct StoredService {
  std::optional<Timestamp> watermark;
  Counters counters;
};

// Names of the services that the store holds.
Result<std::vector<std::string>> stored_services(const log::StateKv& store);
// How far one of them is. kDataCorrupt, or kStateMismatch for a format of a newer gameflow.
Result<StoredService> stored_service(std::string_view service, const log::StateKv& store);

// Whether an engine of this graph, with these functions, could go on with what is stored, as far as
// that can be said without it: also while another one has the store. kStateMismatch says of what it
// could not.
Status check_stored(const plan::Graph& graph, const plan::Functions& functions,
                    const log::StateKv& store);

// Sets back a watermark that is ahead of `now`; rows, offsets and counters stay.
Status reset_watermark(std::string_view service, Timestamp now, log::Store& store);
// Throws away offsets, state, windows and counters of a service.
Status forget_service(std::string_view service, log::Store& store);

}  // namespace gameflow::runtime
