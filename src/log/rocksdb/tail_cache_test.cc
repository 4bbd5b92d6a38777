#include "log/rocksdb/tail_cache.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "record/batch.h"

namespace gameflow::log {
namespace {

constexpr TopicId kTopic{1};
constexpr std::size_t kMuch = 1U << 20;

BatchPtr batch_of(std::uint64_t base, int records) {
  record::BatchBuilder builder;
  for (int i = 0; i < records; ++i) builder.add({0}, std::nullopt, "{}");
  std::shared_ptr<record::Batch> batch = builder.finish({0});
  record::BatchBuilder::place(*batch, Offset{base});
  return batch;
}

// Where the batches of what is read begin.
std::string bases(const TailCache& cache, std::uint64_t from, std::uint64_t end,
                  std::size_t bytes_max = kMuch) {
  std::string text;
  for (const BatchPtr& batch : cache.read(kTopic, 0, Offset{from}, Offset{end}, bytes_max))
    text += std::to_string(batch->base_offset().value) + " ";
  return text;
}

TEST(TailCache, GivesTheBatchesFromAnOffset) {
  TailCache cache(kMuch);
  EXPECT_EQ(bases(cache, 0, 9), "");
  for (const std::uint64_t base : {3U, 6U, 9U}) cache.add(kTopic, 0, batch_of(base, 3));
  EXPECT_EQ(bases(cache, 3, 12), "3 6 9 ");
  EXPECT_EQ(bases(cache, 7, 12), "6 9 ");
  EXPECT_EQ(bases(cache, 3, 12, 1), "3 ") << "at least one";
  EXPECT_EQ(bases(cache, 2, 12), "") << "it is on disk";
  cache.remove(kTopic);
  EXPECT_EQ(bases(cache, 3, 12), "");
}

// A batch is here before the partition's end says so. Who read it then would ask for what is behind
// it, and be told that it does not exist yet.
TEST(TailCache, GivesNothingBehindTheEndThatTheReaderKnows) {
  TailCache cache(kMuch);
  for (const std::uint64_t base : {0U, 3U, 6U}) cache.add(kTopic, 0, batch_of(base, 3));
  EXPECT_EQ(bases(cache, 0, 6), "0 3 ");
  EXPECT_EQ(bases(cache, 3, 6), "3 ");
  EXPECT_EQ(bases(cache, 0, 3), "0 ");
}

TEST(TailCache, TheOldestMakeRoom) {
  TailCache cache(2 * batch_of(0, 3)->memory_bytes());
  for (const std::uint64_t base : {0U, 3U, 6U}) cache.add(kTopic, 0, batch_of(base, 3));
  EXPECT_EQ(bases(cache, 0, 9), "");
  EXPECT_EQ(bases(cache, 3, 9), "3 6 ");
}

}  // namespace
}  // namespace gameflow::log
