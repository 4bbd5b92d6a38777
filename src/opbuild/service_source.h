// The part of the translation unit that is about one service: its blocks, their checks, and the
// functions of the library around them.
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "opbuild/source_writer.h"
#include "plan/graph.h"
#include "record/type.h"

namespace gameflow::opbuild {

// The types that every block can name: all but the rows of states, which belong to update-state.
using SharedTypes = std::unordered_set<const record::Type*>;

// Appends the service's rows of abi::Library::functions, as plan::functions_of names them, to
// `table`.
void write_service(SourceWriter& out, const plan::Graph& graph, const plan::Service& service,
                   const SharedTypes& shared, std::vector<std::string>& table);

}  // namespace gameflow::opbuild
