// What a start that accepts a loss leaves out for good, kept for whoever can still read it.
//
// Threads  any.
#pragma once

#include <filesystem>

#include "base/error.h"

namespace gameflow::log {

// Copies write-ahead logs, MANIFEST and high-water mark of `folder`, as they are, to a new folder
// in its `lost`, "data/lost/1", and logs that. They are on disk then. kDiskFull, kDataUnwritable:
// there is no copy, and nothing else was changed.
Status keep_journals(const std::filesystem::path& folder);

}  // namespace gameflow::log
