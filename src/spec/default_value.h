// The value of `default:`, as the bytes of a slot.
#pragma once

#include <string>
#include <vector>

#include "record/type.h"
#include "spec/yaml_tree.h"

namespace gameflow::spec {

// Without bytes, what is wrong with it.
struct DefaultValue {
  std::vector<char> bytes;
  std::string mistake, hint;
};

// What the bytes point to lives as long as `types`.
DefaultValue read_default_value(const Node& node, const record::Type& type,
                                record::TypeTable& types);

}  // namespace gameflow::spec
