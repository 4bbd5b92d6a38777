// The graph of a case, and its operators behind the ABI: what generated code does, by hand but for
// functions at rows. A function without a context must know its steps, so there is a trampoline for
// each number.
//
// Threads  make_graph and bind belong to one thread, and one case at a time is bound.
#pragma once

#include <memory>
#include <string>

#include "plan/functions.h"
#include "plan/graph.h"
#include "runtime/property_case.h"

namespace gameflow::runtime::property {

// Of one case.
inline constexpr std::size_t kFunctionsMax = 64;

// The name of a table's file, which lies in `folder`.
std::string table_file(std::size_t table);
std::shared_ptr<const plan::Graph> make_graph(const Case& made, const std::string& folder);
// `made` outlives the engines that use them.
plan::Functions bind(const Case& made, const plan::Graph& graph);

}  // namespace gameflow::runtime::property
