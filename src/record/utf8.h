// UTF-8, where simdjson only says yes or no. Internal to src/record.
#pragma once

#include <cstddef>
#include <string_view>

namespace gameflow::record {

// Bytes of the well-formed sequence that `text` starts with, 1 to 4; 0 if it starts with none.
std::size_t utf8_sequence_size(std::string_view text);

}  // namespace gameflow::record
