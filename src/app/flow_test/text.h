// The words and records in cases.
#pragma once

#include <string>

namespace gameflow::app::flow_test {

// JSON without the white space between its parts, so that this does not matter; what is no JSON as
// it is.
std::string one_line(const std::string& json);

}  // namespace gameflow::app::flow_test
