// A dataflow from a tree that need not be a whole file.
#pragma once

#include <string_view>
#include <vector>

#include "spec/model.h"
#include "spec/reader.h"
#include "spec/yaml_tree.h"

namespace gameflow::spec {

// What parse() does with the root of a file. `source`: the normalized text of files[0], which the
// positions of nodes are of.
void read_dataflow_tree(Report& report, const Node& root, std::string_view source,
                        const PackageSearch& search, std::vector<SourceFile>& files,
                        Dataflow& dataflow);

}  // namespace gameflow::spec
