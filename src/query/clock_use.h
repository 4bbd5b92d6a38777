// Where a statement may ask for the time of the system, by how it is written.
#pragma once

#include <string_view>
#include <vector>

namespace gameflow::query {

// The calls of functions of dates, each from its name to its ')'.
std::vector<std::string_view> time_calls(std::string_view sql);

// Whether such a call takes 'now', in any case, or no time at all, which means the same. What only
// comes to that, such as 'n' || 'ow', is not seen.
bool asks_for_now(std::string_view call);

}  // namespace gameflow::query
