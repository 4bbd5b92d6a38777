// SQL that stands in YAML: where its bytes are in the file, and which parameters it has.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spec/diagnostic.h"
#include "spec/yaml_tree.h"

namespace gameflow::spec {

struct SqlText {
  std::string text;
  Position position;
  std::uint32_t length = 1;      // columns on its first line
  std::vector<Position> places;  // of each byte of `text`

  // An error about `length` bytes from this one on; beyond the text, about all of it.
  Diagnostic mistake(std::size_t byte, std::size_t bytes, std::string message,
                     std::string hint = {}) const;
};

// `source`: the normalized text of the file that the node is of.
SqlText sql_text(const Node& node, std::string_view source);

// `:name`, also `@name` and `$name`; or `?`.
struct SqlParameter {
  std::string name;        // empty: it has none
  std::size_t offset = 0;  // of what marks it
};
// All that stand in it, in order, some perhaps more than once. Comments and strings do not count.
std::vector<SqlParameter> sql_parameters(std::string_view sql);

}  // namespace gameflow::spec
