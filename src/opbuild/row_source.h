// The rows of a service's states: their structs, and how two of them become one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "opbuild/source_writer.h"
#include "opbuild/type_source.h"
#include "plan/graph.h"

namespace gameflow::opbuild {

// The struct of the state's rows.
std::string row_struct(const plan::State& state);

// The structs, in the service's namespace: other services may read them.
void write_rows(SourceWriter& out, const plan::Graph& graph, const plan::Service& service,
                const SharedTypes& shared);

// What functions see of the rows of each state, in order: as gameflow::detail::RowOf, with a comma
// in front of each; and in words: "SeenRow, i64".
struct SeenRows {
  std::string types, words;
};
SeenRows write_seen_rows(SourceWriter& out, const plan::Keyed& keyed);

// For each state of which all columns say how they are merged its abi::MergeFn.
struct MergeSource {
  std::string_view function;  // as in the plan
  std::string pointer;        // what it is called in the service's namespace
};
std::vector<MergeSource> write_merges(SourceWriter& out, const plan::Keyed& keyed);

}  // namespace gameflow::opbuild
