// A look at RocksDB's journals (write-ahead logs, MANIFEST) before RocksDB reads them.
//
// RocksDB finds a changed byte by the checksum of its record, with one exception: a header that
// points past the end of the file, or that looks like one of an older use of the file, is the end
// of the journal to it. It leaves out what follows without a word, acknowledged or not.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>

#include "base/error.h"

namespace gameflow::log {

// By its name, as 000123.log.
bool is_write_ahead_log(const std::filesystem::path& file);

// Up to which byte the journal is whole, if it ends as one does whose writer was stopped at any
// moment: behind a whole record, or in the middle of its last write. kDataCorrupt, naming the file
// and the byte; kDataUnwritable: it cannot be read now.
Result<std::uint64_t> check_journal(const std::filesystem::path& file);

// The journals of a folder by name, each with the bytes that are whole.
using Journals = std::map<std::string, std::uint64_t>;

// Of all that there are, or of the MANIFESTs only. As check_journal(). kDataCorrupt also where the
// write-ahead logs do not follow each other in the order of their numbers, as one does not that was
// renamed: RocksDB may end the program over that.
enum class JournalKinds : std::uint8_t { kAll, kManifest };
Result<Journals> check_journals(const std::filesystem::path& folder,
                                JournalKinds kinds = JournalKinds::kAll);

// Whether each whole record of these journals is what its checksum says: RocksDB, which looks at
// all of them, says neither the file nor the place. kDataCorrupt, naming both; kDataUnwritable
Status check_checksums(const std::filesystem::path& folder, JournalKinds kinds);

}  // namespace gameflow::log
