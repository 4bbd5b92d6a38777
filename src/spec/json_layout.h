// JSON over several lines, for people.
#pragma once

#include <cstddef>
#include <string>

#include <boost/json.hpp>

namespace gameflow::spec {

// Whether a value that stands `indent` columns to the right stays on one line.
using IsFlat = bool (*)(const boost::json::value& value, std::size_t indent);

// With a line for each member and item of what is not flat, two columns to the right; ends in one.
// `is_flat` holds for all that is neither an object nor an array.
std::string json_lines(const boost::json::value& value, IsFlat is_flat);

}  // namespace gameflow::spec
