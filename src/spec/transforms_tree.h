// The `transforms` of a connector as a dataflow around them.
#pragma once

#include <optional>

#include "spec/yaml_tree.h"

namespace gameflow::spec {

// A dataflow of one service that reads topic `input`, of the type that the connector's `schema`
// says, else of any JSON; its source has the `transforms`, and it writes topic `output`. All nodes
// stand where they are in the connector's file. Nothing: it has no transforms.
std::optional<Node> transforms_tree(const Node& connector);

}  // namespace gameflow::spec
