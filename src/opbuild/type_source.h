// The declared types of a dataflow as C++.
#pragma once

#include <string>
#include <unordered_set>

#include "opbuild/source_writer.h"
#include "record/type.h"

namespace gameflow::opbuild {

// The types that every block can name.
using SharedTypes = std::unordered_set<const record::Type*>;

// An object as a struct, an enum or a union, with this layout, and static_asserts about it.
void write_type(SourceWriter& out, const record::Type& type, const std::string& name);

}  // namespace gameflow::opbuild
