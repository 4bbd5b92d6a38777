#include "log/rocksdb/families.h"

#include <utility>

#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/sst_partitioner.h>
#include <rocksdb/table.h>

namespace gameflow::log {
namespace {

constexpr std::size_t kIdCacheBytes = 32U << 20;

}  // namespace

// Rows are written anew in every epoch that changes them: the longer the memtable takes them, the
// fewer leave it. The flagship at 40,000 events/s writes 5.0 GB of tables in 30 s with 8 MiB, 2.7
// GB with 32 MiB, and flushes and compactions take 6 instead of 14 s of CPU. Rows of windows mostly
// go before they leave the upper levels; compressing them there was 7 % of the samples of a profile
// at full ingest.
rocksdb::ColumnFamilyOptions family_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;
  table.block_cache = cache;
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kLZ4Compression;
  options.compression_per_level = {rocksdb::kNoCompression, rocksdb::kNoCompression,
                                   rocksdb::kLZ4Compression};
  options.write_buffer_size = 32U << 20;
  options.max_write_buffer_number = 2;
  return options;
}

// Batches arrive compressed, are never overwritten, and each partition only grows at its end. Files
// cut at partition borders (8 bytes: topic and partition) never overlap below level 1, so from
// there on RocksDB moves them by name only: a byte is written to the WAL, to level 0, and once or
// twice into level 1. Such files also go at once when retention has passed them.
rocksdb::ColumnFamilyOptions log_options(const std::shared_ptr<rocksdb::Cache>& cache) {
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;
  table.block_cache = cache;
  table.format_version = 5;
  table.block_size = 32U << 10;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = 16U << 20;
  options.max_write_buffer_number = 2;  // more has a flush-order bug in 7.8
  // A compaction writes anew what it reads before it removes it. Small levels bound what that takes
  // to about 128 MiB, half of the default floor of free space: RocksDB 7.8 may abort if it fills
  // the disk itself.
  options.target_file_size_base = 16U << 20;
  options.max_bytes_for_level_base = 64U << 20;
  options.max_compaction_bytes = 64U << 20;
  options.sst_partitioner_factory = rocksdb::NewSstPartitionerFixedPrefixFactory(8);
  return options;
}

// Keys are digests: each look-up is somewhere else, and mostly finds nothing. So filters answer it,
// of the memtable too, and what of filters and indexes is in memory is bounded. A file is written
// anew after a while even where nothing changes: then ids that are forgotten go.
rocksdb::ColumnFamilyOptions id_options(std::shared_ptr<IdExpiry> expiry) {
  rocksdb::BlockBasedTableOptions table;
  table.checksum = rocksdb::kXXH3;
  table.format_version = 5;
  table.block_cache = rocksdb::NewLRUCache(kIdCacheBytes);
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  table.cache_index_and_filter_blocks = true;
  table.index_type = rocksdb::BlockBasedTableOptions::kTwoLevelIndexSearch;
  table.partition_filters = true;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  options.compression = rocksdb::kNoCompression;  // digests are random
  options.write_buffer_size = 8U << 20;
  options.max_write_buffer_number = 2;
  options.memtable_whole_key_filtering = true;
  options.memtable_prefix_bloom_size_ratio = 0.05;
  options.target_file_size_base = 16U << 20;
  options.max_bytes_for_level_base = 64U << 20;
  options.max_compaction_bytes = 64U << 20;
  options.periodic_compaction_seconds = 6ULL * 60 * 60;
  options.compaction_filter_factory = std::move(expiry);
  return options;
}

}  // namespace gameflow::log
