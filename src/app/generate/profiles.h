// The two profiles of `gameflow generate`, once its options are read. Each function returns the
// exit code.
#pragma once

#include <cstdint>

#include "app/client_commands.h"

namespace gameflow::app {

int generate_uniform(const GenerateOptions& options, std::uint64_t seed);
int generate_game(const GenerateOptions& options);

}  // namespace gameflow::app
