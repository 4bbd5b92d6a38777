// The graph of a case, and its operators behind the ABI: what generated code does, by hand. A
// function without a context must know its steps, so there is a trampoline for each number.
//
// Threads  make_graph and bind belong to one thread, and one case at a time is bound.
#pragma once

#include <memory>

#include "plan/functions.h"
#include "plan/graph.h"
#include "runtime/property_case.h"

namespace gameflow::runtime::property {

// Chains, or services with a window, of one case.
inline constexpr std::size_t kFunctionsMax = 64;

std::shared_ptr<const plan::Graph> make_graph(const Case& made);
// `made` outlives the engines that use them.
plan::Functions bind(const Case& made, const plan::Graph& graph);

}  // namespace gameflow::runtime::property
