// How RocksDB keeps each kind of data: metadata and state, the log, ids.
#pragma once

#include <memory>

#include <rocksdb/options.h>

#include "log/rocksdb/id_expiry.h"

namespace gameflow::log {

// Of metadata and state.
rocksdb::ColumnFamilyOptions family_options(const std::shared_ptr<rocksdb::Cache>& cache);
rocksdb::ColumnFamilyOptions log_options(const std::shared_ptr<rocksdb::Cache>& cache);
rocksdb::ColumnFamilyOptions id_options(std::shared_ptr<IdExpiry> expiry);

}  // namespace gameflow::log
