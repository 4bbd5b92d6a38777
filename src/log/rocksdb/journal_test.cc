// No changed byte may pass for the end of a journal, and no torn end for damage.
#include "log/rocksdb/journal.h"

#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/test_util.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

const SystemClock kClock;
constexpr std::size_t kBlockBytes = 32768, kHeaderBytes = 7;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, std::string_view content) {
  std::ofstream(file, std::ios::binary) << content;
}

fs::path journal_in(const fs::path& folder, std::string_view name_part) {
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().filename().string().find(name_part) != std::string::npos) return file.path();
  }
  return {};
}

// Values from `bytes_min` to `bytes_max` large, which do not compress, one commit each. The data is
// in the write-ahead log, as after a kill.
constexpr std::uint64_t kCommits = 40;
void write_history(const fs::path& folder, std::size_t bytes_min, std::size_t bytes_max) {
  const auto store = open_rocksdb_store(test_options(folder, kClock)).value();
  const TopicId topic = store->create_topic({.name = "a"}).value().id;
  std::mt19937_64 random(7);
  for (std::uint64_t i = 0; i < kCommits; ++i) {
    std::string value(bytes_min + random() % (bytes_max - bytes_min), '\0');
    for (char& byte : value) byte = static_cast<char>(random());
    ASSERT_TRUE(store->commit(append(topic, 0, {value})));
  }
}

// Where the headers of a good journal are.
std::vector<std::size_t> headers_of(std::string_view journal) {
  std::vector<std::size_t> headers;
  std::size_t at = 0;
  while (at + kHeaderBytes <= journal.size()) {
    if (const std::size_t left = kBlockBytes - at % kBlockBytes; left < kHeaderBytes) {
      at += left;
      continue;
    }
    headers.push_back(at);
    at += kHeaderBytes + static_cast<std::uint8_t>(journal[at + 4]) +
          256U * static_cast<std::uint8_t>(journal[at + 5]);
  }
  return headers;
}

// Nothing is there any more, or all of it.
bool is_refused_or_whole(const fs::path& folder) {
  if (!check_journals(folder)) return true;
  const auto store = open_rocksdb_store(test_options(folder, kClock));
  if (!store) return store.error().code == ErrorCode::kDataCorrupt;
  const auto topic = (*store)->topic("a");
  return topic && topic->partitions[0].end == Offset{kCommits};
}

class ChangedJournal : public ::testing::Test {
 protected:
  // A copy of the data whose journal `name_part` holds `content`.
  const fs::path& changed(std::string_view name_part, std::string_view content) {
    fs::remove_all(copy_);
    fs::copy(original_, copy_);
    write(journal_in(copy_, name_part), content);
    return copy_;
  }

  const TempFolder folder_;
  const fs::path original_ = folder_.path() / "original", copy_ = folder_.path() / "copy";
};

TEST_F(ChangedJournal, WhateverBitOfAHeaderFlips) {
  struct Row {
    const char* what;
    std::size_t bytes_min, bytes_max;  // of a value
    std::size_t step;                  // headers are looked at
  };
  for (const Row& row : {Row{"in one block", 1, 300, 11}, Row{"over many blocks", 1, 60'000, 17}}) {
    fs::remove_all(original_);
    write_history(original_, row.bytes_min, row.bytes_max);
    const std::string good = content_of(journal_in(original_, ".log"));
    std::vector<std::size_t> headers = headers_of(good);
    ASSERT_GT(headers.size(), kCommits);
    for (std::size_t i = headers.size() - 1; i < headers.size(); i -= row.step) {
      for (std::size_t bit = 30; bit < 8 * kHeaderBytes; ++bit) {  // two of the checksum's
        std::string content = good;
        content[headers[i] + bit / 8] ^= static_cast<char>(1U << bit % 8);
        EXPECT_TRUE(is_refused_or_whole(changed(".log", content)))
            << row.what << ": bit " << bit << " of header " << i << " of " << headers.size();
      }
    }
  }
}

TEST_F(ChangedJournal, WhateverBitOfTheManifestFlips) {
  write_history(original_, 1, 300);
  ASSERT_TRUE(open_rocksdb_store(test_options(original_, kClock)));  // now it has tables to list
  const std::string good = content_of(journal_in(original_, "MANIFEST-"));
  for (const std::size_t header : headers_of(good)) {
    for (std::size_t bit = 32; bit < 8 * kHeaderBytes; ++bit) {
      std::string content = good;
      content[header + bit / 8] ^= static_cast<char>(1U << bit % 8);
      EXPECT_TRUE(is_refused_or_whole(changed("MANIFEST-", content)))
          << "bit " << bit << " of the header at " << header << " of " << good.size();
    }
  }
}

TEST_F(ChangedJournal, NamesFileAndByte) {
  write_history(original_, 1, 300);
  const fs::path journal = journal_in(original_, ".log");
  const std::size_t header = headers_of(content_of(journal))[20];
  std::string content = content_of(journal);
  content[header + 5] ^= 0x40;
  const auto store = open_rocksdb_store(test_options(changed(".log", content), kClock));
  ASSERT_EQ(code_of(store), ErrorCode::kDataCorrupt);
  for (const std::string& part : {journal.filename().string(), fmt::format("byte {}", header)}) {
    EXPECT_NE(store.error().message.find(part), std::string::npos) << store.error().message;
  }
}

// A sector that reads as zeros, where records happen to begin and end at its borders.
TEST_F(ChangedJournal, ZerosBetweenRecordsAreNoEnd) {
  write_history(original_, 1, 300);
  std::string content = content_of(journal_in(original_, ".log"));
  const std::vector<std::size_t> headers = headers_of(content);
  content.replace(headers[20], headers[22] - headers[20], headers[22] - headers[20], '\0');
  EXPECT_EQ(code_of(check_journals(changed(".log", content))), ErrorCode::kDataCorrupt);
}

TEST_F(ChangedJournal, ATornEndIsNoDamage) {
  write_history(original_, 1, 60'000);
  const std::string good = content_of(journal_in(original_, ".log"));
  const fs::path torn = folder_.path() / "000001.log";
  std::mt19937_64 random(11);
  for (std::size_t cut = 0; cut < 2000; ++cut) {
    const std::size_t size = cut < 100 ? good.size() - cut : random() % good.size();
    write(torn, std::string_view(good).substr(0, size));
    if (const auto status = check_journal(torn); !status) {
      ADD_FAILURE() << "cut to " << size << ": " << status.error().message;
    }
  }
  // A file system may have made the file longer before it knew the bytes.
  write(torn, good.substr(0, good.size() / 2) + std::string(100'000, '\0'));
  EXPECT_TRUE(check_journal(torn));
  write(torn, good + std::string(10, '\0'));
  EXPECT_TRUE(check_journal(torn));
}

TEST_F(ChangedJournal, OtherFilesAreNotLookedAt) {
  fs::create_directory(original_);
  for (const char* name : {"server.log", "LOG", "LOG.old.17", "1a.log", "OPTIONS-000007"}) {
    write(original_ / name, "\x01\x02\x03\x04\x05\x06\x07\x08 of somebody else");
  }
  EXPECT_TRUE(check_journals(original_));
  write(original_ / "000017.log", "\x01\x02\x03\x04\x05\x06\x07\x08 of ours");
  EXPECT_FALSE(check_journals(original_));
}

}  // namespace
}  // namespace gameflow::log
