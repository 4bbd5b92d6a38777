// What an `expect` wanted beside what came, line by line.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gameflow::app::flow_test {

using Lines = std::vector<std::string>;

// One `expect` that did not hold.
struct Difference {
  std::size_t step = 0;  // index in Case::steps
  Lines expected, came;
};

// Lines that both have, with "- " what was expected only and with "+ " what came only, in one
// order; of long runs that both have only the ends. Each line ends with a line break.
std::string render(const Lines& expected, const Lines& came, bool colour);

}  // namespace gameflow::app::flow_test
