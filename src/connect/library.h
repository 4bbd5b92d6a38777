// Kinds of connectors from a library of the user's: see GAMEFLOW_CONNECTORS.
#pragma once

#include <filesystem>
#include <vector>

#include <gameflow/connect/connector.h>

#include "base/error.h"

namespace gameflow::connect {

// The kinds that come with the program, and those of `library`, if it is not empty. It stays
// loaded. kLibraryInvalid: it does not load, was made for another version, or is at odds with
// itself or the others.
Result<std::vector<Kind>> kinds_with(const std::filesystem::path& library);

}  // namespace gameflow::connect
