// Waiting for another program, in slices: a stop is noticed behind each.
#pragma once

#include <chrono>

namespace gameflow::connect {

inline constexpr std::chrono::milliseconds kSlice{200};

}  // namespace gameflow::connect
