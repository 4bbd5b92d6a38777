// Where RocksDB tells about itself: in the server's log, at level debug.
//
// Threads  any.
#pragma once

#include <memory>

#include <rocksdb/env.h>

namespace gameflow::log {

// Instead of its own, a file LOG in the data folder: once that could not be written, as on a full
// disk, the next line of it runs into an assertion, and with a RocksDB that has those (Debian's)
// the process ends.
std::shared_ptr<rocksdb::Logger> make_info_log();

}  // namespace gameflow::log
