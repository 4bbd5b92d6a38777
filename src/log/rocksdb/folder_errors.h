// What is wrong with the folder of a store: each error names the folder, says whether anything was
// changed, and what to do.
#pragma once

#include <filesystem>
#include <string_view>

#include <rocksdb/status.h>

#include "base/error.h"

namespace gameflow::log {

// "The data in FOLDER is damaged: WHAT. ..." and the way out.
Error damaged(const std::filesystem::path& folder, std::string_view what);
// The same of what --accept-loss does not look at.
Error damaged_end(const std::filesystem::path& folder, std::string_view what);
// "In FOLDER, WHAT. ...": acknowledged writes are missing.
Error lost(const std::filesystem::path& folder, std::string_view what);
// What the system says is no word about the data. kDataUnwritable
Error unreachable(const std::filesystem::path& folder, std::string_view what);
// kDataLocked
Error in_use(const std::filesystem::path& folder);

// A status of reading, with where and the way out: kDataCorrupt only where a check of the bytes
// failed or a file is gone; kDataUnwritable where the system gives an error, and kDiskFull.
Error read_error(const std::filesystem::path& folder, const rocksdb::Status& status);
// A status of opening: kDataLocked, or as read_error().
Error open_error(const std::filesystem::path& folder, const rocksdb::Status& status);
// An error that does not know the folder: kDataCorrupt, or what the system says.
Error in_folder(const std::filesystem::path& folder, const Error& error);
// Whether it is one of the system, and not what the bytes are.
bool is_system_error(const rocksdb::Status& status);

}  // namespace gameflow::log
