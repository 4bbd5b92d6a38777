// A service that throws away what it has counted, and where it goes on then: the way out of
// kStateMismatch. In two parts, so that one can say what will happen before it does.
//
// Threads  any, but no engine has the store.
#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "base/time.h"
#include "log/store.h"
#include "plan/graph.h"

namespace gameflow::runtime {

// Where it goes on: at the end of what it has read, so that no result is published twice; at the
// beginning of its topics; or with what was appended at a time or later.
struct EndOfRead {};
struct Beginning {};
using StartsFrom = std::variant<EndOfRead, Beginning, Timestamp>;

struct FreshStart {
  std::string told;    // for a person: what `commit` does
  log::Commit commit;  // empty where nothing is stored of it
};

// Of a service or schedule of the graph. kInvalidArgument: there is none of that name.
// kStateMismatch, kDataCorrupt: what is stored does not say how far it has read, which EndOfRead
// wants to know.
Result<FreshStart> plan_fresh_start(const plan::Graph& graph, std::string_view name,
                                    const StartsFrom& from, const log::Store& store);

}  // namespace gameflow::runtime
