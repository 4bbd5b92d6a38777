// `gameflow generate --serve`: the events as a web API, until a signal comes.
#pragma once

#include <cstdint>

#include "app/client_commands.h"

namespace gameflow::app {

// Returns the exit code. `seed`: of the uniform profile.
int generate_served(const GenerateOptions& options, std::uint64_t seed);

}  // namespace gameflow::app
