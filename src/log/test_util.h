// Helpers of the store's tests.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <future>
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

inline std::vector<KeyValue> scan_all(const StateKv& store, const KeyRange& range) {
  std::vector<KeyValue> entries;
  const Status status = store.scan(range, [&entries](std::string_view key, std::string_view value) {
    entries.push_back({std::string(key), std::string(value)});
    return Status{};
  });
  EXPECT_TRUE(status);
  return entries;
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

// A store on disk, on the machine's clock.
inline std::unique_ptr<DurableStore> open_store(const std::filesystem::path& folder) {
  static const SystemClock kMachineClock;
  auto store = open_rocksdb_store(test_options(folder, kMachineClock));
  EXPECT_TRUE(store) << store.error().message;
  return store ? *std::move(store) : nullptr;
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

// As the same records from a client.
inline ProduceRequest request(TopicId topic, std::uint32_t partition,
                              const std::vector<std::string>& values,
                              std::optional<ProducerStamp> producer = {}) {
  ProduceRequest request{.appends = {}, .producer = std::move(producer)};
  request.appends.push_back({topic, partition, batch_of(values)});
  return request;
}

// Submits, and waits for the outcome.
inline Result<CommitAck> produce(Producing& store, ProduceRequest request) {
  std::promise<Result<CommitAck>> promise;
  auto outcome = promise.get_future();
  store.submit(std::move(request),
               [&promise](Result<CommitAck> ack) { promise.set_value(std::move(ack)); });
  return outcome.get();
}

// All values from `from` to the end, in as many reads as it takes. The reads must connect, and
// offsets rise.
inline Result<std::vector<std::string>> values_from(const Log& store, TopicId topic,
                                                    std::uint32_t partition, Offset from,
                                                    std::size_t bytes_max = 1U << 20) {
  std::vector<std::string> values;
  for (;;) {
    GF_ASSIGN(const ReadResult read, store.read(topic, partition, from, bytes_max));
    for (const BatchPtr& batch : read.batches) {
      const std::size_t first = batch->index_of(from);
      EXPECT_LT(first, batch->size());
      for (std::size_t i = first; i < batch->size(); ++i) {
        EXPECT_GE(batch->offset(i), from);
        values.emplace_back((*batch)[i].value);
        from = {batch->offset(i).value + 1};
      }
      EXPECT_GE(batch->end_offset(), from);
      from = batch->end_offset();
    }
    EXPECT_GE(read.next, from);
    from = read.next;
    EXPECT_TRUE(read.at_end || !read.batches.empty());
    if (read.at_end) return values;
  }
}

}  // namespace gameflow::log
