// Records that are erased: what readers see, what a restart finds, what is on disk.
#include "log/rocksdb/erased.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/rocksdb/backup.h"
#include "log/rocksdb/rocksdb_store.h"
#include "log/test_util.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

// "offset:value" of all records, read a batch at a time.
std::vector<std::string> all(const Store& store, TopicId topic) {
  std::vector<std::string> found;
  const PartitionInfo info = store.partition(topic, 0).value();
  for (Offset at = info.begin; at < info.end;) {
    const auto read = store.read(topic, 0, at, 1);
    EXPECT_TRUE(read) << read.error().message;
    if (!read) break;
    for (const BatchPtr& batch : read->batches) {
      for (std::size_t i = batch->index_of(at); i < batch->size(); ++i)
        found.push_back(fmt::format("{}:{}", batch->offset(i).value, batch->value(i)));
    }
    EXPECT_GT(read->next, at);
    at = read->next;
    EXPECT_EQ(read->at_end, at == info.end);
  }
  return found;
}

bool is_on_disk(const fs::path& folder, const std::string& text) {
  for (const auto& file : fs::directory_iterator(folder)) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    if (bytes.find(text) != std::string::npos) return true;
  }
  return false;
}

Edit without_ann(const record::RecordView& record) {
  if (record.value == "ann-in-the-log") return {Edit::Kind::kErase};
  if (record.value == "ann-and-bob") return {Edit::Kind::kReplace, "bob"};
  return {};
}

const Erasures::Note kNoNote = [](const Erased&) { return std::vector<KeyValue>(); };

TEST(Erased, LeavesGapsThatReadersGoPast) {
  const TempFolder folder;
  auto store = open_store(folder.path());
  const TopicId topic = store->create_topic({.name = "a"})->id;
  const std::vector<std::vector<std::string>> batches = {
      {"0", "ann-in-the-log", "2"}, {"ann-in-the-log", "ann-in-the-log"},
      {"ann-and-bob", "6"},         {"ann-in-the-log", "8"},
      {"ann-in-the-log"},
  };
  for (const auto& values : batches) ASSERT_TRUE(store->commit(append(topic, 0, values)));
  const std::uint64_t bytes_before = store->partition(topic, 0)->bytes;

  const auto counted = store->count(topic, 0, {0}, {10}, without_ann);
  ASSERT_TRUE(counted);
  EXPECT_EQ(counted->erased, 5U);
  EXPECT_EQ(store->partition(topic, 0)->bytes, bytes_before);

  std::uint64_t noted = 0;
  const auto erased = store->erase(topic, 0, {0}, {9}, without_ann, [&noted](const Erased& so_far) {
    noted = so_far.erased;
    return std::vector<KeyValue>{{"note", "there"}};
  });
  ASSERT_TRUE(erased) << erased.error().message;
  EXPECT_EQ(erased->erased, 4U);
  EXPECT_EQ(erased->replaced, 1U);
  EXPECT_EQ(erased->next, Offset{9});
  EXPECT_EQ(noted, 4U);
  const std::vector<std::string> rest = {"0:0", "2:2", "5:bob", "6:6", "8:8", "9:ann-in-the-log"};
  EXPECT_EQ(all(*store, topic), rest);

  // Also the last one, so that the log ends in a gap; twice is once.
  ASSERT_TRUE(store->erase(topic, 0, {9}, {10}, without_ann, kNoNote));
  EXPECT_EQ(store->erase(topic, 0, {0}, {10}, without_ann, kNoNote)->erased, 0U);
  ASSERT_TRUE(store->purge(std::vector{topic}));
  EXPECT_FALSE(is_on_disk(folder.path(), "ann-"));
  const PartitionInfo info = store->partition(topic, 0).value();
  EXPECT_EQ(info.end, Offset{10});

  store.reset();
  const auto verified = verify_store(folder.path());
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_TRUE(verified->damages.empty());
  EXPECT_EQ(verified->records, 5U);
  store = open_store(folder.path());
  EXPECT_EQ(store->get("note").value(), "there");
  EXPECT_EQ(store->partition(topic, 0)->bytes, info.bytes);
  EXPECT_EQ(store->partition(topic, 0)->end, info.end);
  EXPECT_EQ(all(*store, topic), (std::vector<std::string>{"0:0", "2:2", "5:bob", "6:6", "8:8"}));
  ASSERT_TRUE(store->commit(append(topic, 0, {"10"})));
  EXPECT_EQ(all(*store, topic).back(), "10:10");
  // Where something lies is found past gaps as well.
  EXPECT_EQ(store->find_appended(topic, 0, {0}), Offset{0});
}

TEST(Erased, IsDamagedWhereAByteChanges) {
  record::BatchBuilder builder = batch_of({"1", "3"});
  const std::string good = encode_left({{5}, 4}, {1, 3}, builder);
  const auto stored = decode_stored(good, {10});
  ASSERT_TRUE(stored);
  EXPECT_EQ(stored->batch->offset(1), Offset{13});
  EXPECT_EQ(stored->end, Offset{14});
  EXPECT_EQ(peek_stored(good)->offsets, 4U);
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 1);
    EXPECT_FALSE(decode_stored(bad, {10})) << i;
    EXPECT_FALSE(decode_stored(std::string_view(good).substr(0, i), {10})) << i;
  }
}

TEST(Erased, DocumentedExample) {
  record::BatchBuilder none;
  std::string value = encode_left({{1'731'406'530'000}, 3}, {}, none);
  ASSERT_EQ(value.size(), 28U);
  value.erase(4, 8);  // the checksum
  EXPECT_EQ(value, std::string("GFE\1"
                               "\xd0\x05\xdf\x1f\x93\x01\0\0"
                               "\3\0\0\0"
                               "\0\0\0\0",
                               20));
}

}  // namespace
}  // namespace gameflow::log
