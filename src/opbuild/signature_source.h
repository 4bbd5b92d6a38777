// What a package says of a function, as a check for the compiler.
#pragma once

#include <string>

#include "opbuild/source_writer.h"
#include "plan/graph.h"
#include "record/type.h"

namespace gameflow::opbuild {

// Behind the `kFunction` of a step that has a signature: a mistake is placed in the package's file.
void write_signature_check(SourceWriter& out, const plan::Graph& graph, const plan::Step& step);

// A type as operators spell it, by its name in the dataflow where it has one.
std::string friendly_type(const plan::Graph& graph, const record::Type& type);

}  // namespace gameflow::opbuild
