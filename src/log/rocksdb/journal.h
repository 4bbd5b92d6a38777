// A look at RocksDB's journals (write-ahead logs, MANIFEST) before RocksDB reads them.
//
// RocksDB finds a changed byte by the checksum of its record, with one exception: a header that
// points past the end of the file, or that looks like one of an older use of the file, is the end
// of the journal to it. It leaves out what follows without a word, acknowledged or not.
#pragma once

#include <filesystem>
#include <string_view>

#include "base/error.h"

namespace gameflow::log {

// By its name, as 000123.log.
bool is_write_ahead_log(const std::filesystem::path& file);

// Whether the journal ends as one does whose writer was stopped at any moment: behind a whole
// record, or in the middle of its last write. kDataCorrupt, naming the file and the byte.
Status check_journal(const std::filesystem::path& file);

// Of all journals in the folder.
Status check_journals(const std::filesystem::path& folder);

}  // namespace gameflow::log
