// The part of the translation unit that is about one service: its blocks, their checks, and the
// functions of the library around them.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "opbuild/source_writer.h"
#include "plan/graph.h"

namespace gameflow::opbuild {

// What has been written of the library.
struct LibraryTable {
  std::vector<std::string> rows;              // of abi::Library::functions
  std::map<std::string, std::string> chains;  // of sources: what they say, and their functions
};

// Appends the service's rows, as plan::functions_of names them, to `table`. Where its sources'
// chains say what another service's do, they are that one's functions.
void write_service(SourceWriter& out, const plan::Graph& graph, const plan::Service& service,
                   LibraryTable& table);

}  // namespace gameflow::opbuild
