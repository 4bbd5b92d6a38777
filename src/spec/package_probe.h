// A dataflow around a package, so that it can be checked, built and tested by itself.
#pragma once

#include <string>

#include "spec/yaml_tree.h"

namespace gameflow::spec {

// The text of a dataflow beside the package's file whose root this is: it imports all of it, and
// has a service named after each function that uses it. An on-expire is only imported.
std::string dataflow_around(const Node& package);

}  // namespace gameflow::spec
