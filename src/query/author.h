// Who runs a statement, and until when.
#pragma once

#include <chrono>
#include <cstdint>

namespace gameflow::query {

// Operators get longer strings and more memory, and their rows always in order of key, but nothing
// whose result differs from run to run: no random(), no clock.
enum class Author : std::uint8_t { kPerson, kOperator };

using Deadline = std::chrono::steady_clock::time_point;

}  // namespace gameflow::query
