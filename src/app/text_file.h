// Files that people write.
#pragma once

#include <string>

#include "base/error.h"

namespace gameflow::app {

// Up to 4 MiB. kFileUnreadable.
Result<std::string> read_text_file(const std::string& name);

}  // namespace gameflow::app
