// Reads the topics at open, and checks that the log is what the metadata says.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/time.h"
#include "log/catalog.h"
#include "log/rocksdb/database.h"

namespace gameflow::log {

struct Loaded {
  Catalog catalog;
  std::uint32_t next_topic_id = 1;
  // The newest time in the store, of a batch or of a producer.
  std::optional<Timestamp> newest;
};

// kDataCorrupt, naming topic, partition and offset.
Result<Loaded> load(Database& database);

}  // namespace gameflow::log
