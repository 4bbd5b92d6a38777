// How many files the process may have open at a time, and who gets them.
#pragma once

#include <cstdint>

namespace gameflow::app {

// Raises the limit of the process to what the system lets it have: 1,024 is a common default.
// Returns it.
std::uint64_t raise_open_files_limit();

// How many of `wanted` connections there may be, each an open file, under that limit. The store
// comes first: once it cannot open its next file, it writes nothing more until a restart.
std::uint32_t connections_within(std::uint64_t open_files_max, std::uint32_t wanted);

}  // namespace gameflow::app
