// The two profiles of `gameflow generate`, once its options are read. Each function returns the
// exit code.
#pragma once

#include <cstdint>

#include "app/client_commands.h"

namespace gameflow::app {

int generate_uniform(const GenerateOptions& options, std::uint64_t seed);
int generate_game(const GenerateOptions& options);
// Either of them as a web API, until a signal comes. `seed`: of the uniform profile.
int generate_served(const GenerateOptions& options, std::uint64_t seed);

}  // namespace gameflow::app
