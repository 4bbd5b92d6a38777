// Helpers of the store's tests.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/time.h"
#include "log/rocksdb/rocksdb_store.h"
#include "log/store.h"

namespace gameflow::log {

// The code of a failed result, or nothing.
template <class T>
std::optional<ErrorCode> code_of(const Result<T>& result) {
  if (result) return std::nullopt;
  return result.error().code;
}

class TempFolder {
 public:
  TempFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "gameflow-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) std::abort();
    path_ = pattern;
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(path_); }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline RocksdbOptions test_options(const std::filesystem::path& folder, const Clock& clock) {
  RocksdbOptions options;
  options.folder = folder;
  options.disk_free_bytes_min = 0;
  options.clock = &clock;
  return options;
}

inline record::BatchBuilder batch_of(const std::vector<std::string>& values, Timestamp time = {}) {
  record::BatchBuilder builder;
  for (const std::string& value : values) builder.add(time, std::nullopt, value);
  return builder;
}

inline Commit append(TopicId topic, std::uint32_t partition,
                     const std::vector<std::string>& values) {
  Commit commit;
  commit.appends.push_back({topic, partition, batch_of(values)});
  return commit;
}

// All values from `from` to the end, in as many reads as it takes. The reads must connect.
inline Result<std::vector<std::string>> values_from(const Store& store, TopicId topic,
                                                    std::uint32_t partition, Offset from,
                                                    std::size_t bytes_max = 1U << 20) {
  std::vector<std::string> values;
  for (;;) {
    GF_ASSIGN(const auto batches, store.read(topic, partition, from, bytes_max));
    if (batches.empty()) return values;
    EXPECT_LE(batches.front()->base_offset(), from);
    for (const BatchPtr& batch : batches) {
      EXPECT_GT(batch->end_offset(), from);
      for (Offset at = from; at < batch->end_offset(); ++at.value) {
        values.emplace_back((*batch)[at.value - batch->base_offset().value].value);
      }
      from = batch->end_offset();
    }
  }
}

}  // namespace gameflow::log
