// A copy of a store at work is a store of one moment; and what verify_store says of damage.
#include "log/rocksdb/backup.h"

#include <algorithm>
#include <atomic>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/test_util.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

const SystemClock kClock;

// Records that say which they are, and their count as the engine's key, in one commit each.
Status append_next(Store& store, std::uint64_t number, std::size_t bytes = 100) {
  Commit commit = append({1}, 0, {fmt::format("{} {}", number, std::string(bytes, 'x'))});
  commit.put.push_back({"count", std::to_string(number + 1)});
  const auto ack = store.commit(std::move(commit));
  if (!ack) return fail(ack.error());
  return {};
}

// How many records are in the copy, all in their place, and as many as its state says.
std::uint64_t count_in(const fs::path& folder) {
  const auto store = open_store(folder);
  if (!store) return 0;
  const auto values = values_from(*store, {1}, 0, {0}).value();
  for (std::size_t i = 0; i < values.size(); ++i)
    EXPECT_TRUE(values[i].starts_with(fmt::format("{} ", i)));
  EXPECT_EQ(store->get("count")->value_or("0"), std::to_string(values.size()));
  return values.size();
}

TEST(Backup, HoldsAllThatWasAcknowledgedBefore) {
  const TempFolder folder;
  auto store = open_store(folder.path() / "data");
  ASSERT_TRUE(store->create_topic({.name = "a"}));
  std::atomic<std::uint64_t> acknowledged = 0;
  std::jthread writer([&](const std::stop_token& stop) {
    for (std::uint64_t i = 0; !stop.stop_requested(); ++i) {
      EXPECT_TRUE(append_next(*store, i, 20'000));
      acknowledged = i + 1;
    }
  });
  for (int copies = 0; copies < 3; ++copies) {
    while (acknowledged < 40U * static_cast<unsigned>(copies + 1)) std::this_thread::yield();
    const std::uint64_t before = acknowledged;
    const fs::path copy = folder.path() / fmt::format("copy{}", copies);
    const auto backup = store->back_up(copy);
    ASSERT_TRUE(backup) << backup.error().message;
    const auto verified = verify_store(copy);
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_TRUE(verified->damages.empty());
    EXPECT_GE(verified->records, before);
    EXPECT_EQ(count_in(copy), verified->records);
  }
  writer.request_stop();
  writer.join();
  EXPECT_EQ(store->topic("a")->partitions[0].end, Offset{acknowledged});  // the store went on
}

TEST(Backup, SharesTables) {
  const TempFolder folder;
  auto store = open_store(folder.path() / "data");
  ASSERT_TRUE(store->create_topic({.name = "a"}));
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(append_next(*store, i));
  store.reset();
  store = open_store(folder.path() / "data");  // what was in the log is in tables now
  const auto backup = store->back_up(folder.path() / "copy");
  ASSERT_TRUE(backup);
  EXPECT_GT(backup->files_linked, 0U);
  EXPECT_GT(backup->files, backup->files_linked);
  EXPECT_GT(backup->bytes, 0U);
}

// A copy that somebody cut is told as a store is.
TEST(Backup, HasAMark) {
  const TempFolder folder;
  const auto store = open_store(folder.path() / "data");
  ASSERT_TRUE(store->create_topic({.name = "a"}));
  for (std::uint64_t i = 0; i < 20; ++i) ASSERT_TRUE(append_next(*store, i));
  const fs::path copy = folder.path() / "copy";
  ASSERT_TRUE(store->back_up(copy));
  for (const auto& file : fs::directory_iterator(copy)) {
    if (file.path().extension() == ".log") fs::resize_file(file.path(), file.file_size() / 2);
  }
  const auto opened = open_rocksdb_store(test_options(copy, kClock));
  ASSERT_EQ(code_of(opened), ErrorCode::kDataCorrupt);
  EXPECT_NE(opened.error().message.find("acknowledged records are missing"), std::string::npos);
  EXPECT_EQ(code_of(verify_store(copy)), ErrorCode::kDataCorrupt);
}

TEST(Backup, RefusesOtherPlaces) {
  const TempFolder folder;
  const fs::path data = folder.path() / "data";
  const auto store = open_store(data);
  ASSERT_TRUE(store->create_topic({.name = "a"}));
  ASSERT_TRUE(append_next(*store, 0));
  fs::create_symlink(data, folder.path() / "link");
  const std::pair<fs::path, const char*> rows[] = {
      {"relative", "absolute"},
      {folder.path(), "there already"},
      {folder.path() / "none" / "copy", "no folder"},
      {data / "copy", "inside the data folder"},
      {folder.path() / "link" / "copy", "inside the data folder"},
  };
  for (const auto& [place, why] : rows) {
    const auto backup = store->back_up(place);
    ASSERT_EQ(code_of(backup), ErrorCode::kInvalidArgument) << place;
    EXPECT_NE(backup.error().message.find(why), std::string::npos) << backup.error().message;
  }
  EXPECT_TRUE(store->back_up(folder.path() / "copy"));
}

// RocksDB itself would work in FOLDER.tmp, and remove what is there first.
TEST(Backup, LeavesFoldersOfOthersAlone) {
  const TempFolder folder;
  const auto store = open_store(folder.path() / "live.tmp");
  ASSERT_TRUE(store->create_topic({.name = "a"}));
  ASSERT_TRUE(append_next(*store, 0));
  const fs::path notes = folder.path() / "monday.tmp" / "notes.txt";
  fs::create_directory(notes.parent_path());
  std::ofstream(notes) << "precious";
  ASSERT_TRUE(store->back_up(folder.path() / "live"));
  ASSERT_TRUE(store->back_up(folder.path() / "monday" / ""));
  EXPECT_EQ(fs::file_size(notes), 8U);
  EXPECT_TRUE(append_next(*store, 1));
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder.path()))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  EXPECT_EQ(names, (std::vector<std::string>{"live", "live.tmp", "monday", "monday.tmp"}));
}

TEST(Backup, OfTwoOfOneNameOneIsMade) {
  const TempFolder folder;
  const auto store = open_store(folder.path() / "data");
  ASSERT_TRUE(store->create_topic({.name = "a"}));
  for (int round = 0; round < 10; ++round) {
    ASSERT_TRUE(append_next(*store, static_cast<std::uint64_t>(round)));
    const fs::path copy = folder.path() / fmt::format("copy{}", round);
    std::optional<ErrorCode> codes[2];
    {
      std::jthread other([&] { codes[0] = code_of(store->back_up(copy)); });
      codes[1] = code_of(store->back_up(copy));
    }
    EXPECT_EQ(std::ranges::count(codes, std::optional(ErrorCode::kInvalidArgument)), 1) << round;
    EXPECT_EQ(std::ranges::count(codes, std::optional<ErrorCode>()), 1) << round;
    const auto verified = verify_store(copy);
    ASSERT_TRUE(verified) << verified.error().message;
    EXPECT_TRUE(verified->damages.empty());
  }
}

TEST(Verify, ChangesNothing) {
  const TempFolder folder;
  const auto store = open_store(folder.path() / "data");
  ASSERT_TRUE(store->create_topic({.name = "a"}));
  ASSERT_TRUE(append_next(*store, 0));
  const fs::path copy = folder.path() / "copy";
  ASSERT_TRUE(store->back_up(copy));
  const auto content = [&] {
    std::map<std::string, std::uintmax_t> files;
    for (const auto& file : fs::directory_iterator(copy))
      files[file.path().filename().string()] = file.file_size();
    return files;
  };
  const auto before = content();
  EXPECT_TRUE(verify_store(copy)->damages.empty());
  EXPECT_EQ(content(), before);
  for (const auto& [name, size] : before) {
    if (name.ends_with(".log") || name == "HIGH-WATER") fs::remove(copy / name);
  }
  EXPECT_EQ(code_of(verify_store(copy)), ErrorCode::kDataCorrupt);  // as a start says
}

TEST(Verify, SaysWhatItReadAndWhereDamageIs) {
  const TempFolder folder;
  const fs::path data = folder.path() / "data";
  auto store = open_store(data);
  ASSERT_TRUE(store->create_topic({.name = "a", .partitions = 2}));
  for (std::uint64_t i = 0; i < 50; ++i) ASSERT_TRUE(append_next(*store, i, 2'000));
  EXPECT_EQ(code_of(verify_store(data)), ErrorCode::kDataLocked);
  store.reset();
  store = open_store(data);  // what was in the log is in tables now
  for (std::uint64_t i = 50; i < 60; ++i) ASSERT_TRUE(append_next(*store, i));
  store.reset();

  const auto fine = verify_store(data);
  ASSERT_TRUE(fine) << fine.error().message;
  EXPECT_TRUE(fine->damages.empty());
  EXPECT_GT(fine->tables, 0U);
  EXPECT_GT(fine->table_bytes, 50U * 2'000 / 20);
  EXPECT_EQ(std::pair(fine->topics, fine->records), std::pair(1UL, 60UL));
  EXPECT_EQ(std::pair(fine->batches, fine->state_keys), std::pair(60UL, 1UL));

  // A byte in the middle of each table.
  for (const auto& file : fs::directory_iterator(data)) {
    if (file.path().extension() != ".sst") continue;
    std::fstream stream(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(file.file_size() / 3);
    stream.seekg(at);
    const char byte = static_cast<char>(stream.get() ^ 0x10);
    stream.seekp(at);
    stream.put(byte);
    stream.close();
    const auto damaged = verify_store(data);
    const std::string name = file.path().filename().string();
    std::string said;
    if (damaged) {
      for (const std::string& damage : damaged->damages) said += damage + "\n";
    } else {
      EXPECT_EQ(damaged.error().code, ErrorCode::kDataCorrupt);
      said = damaged.error().message;
    }
    EXPECT_NE(said.find(name), std::string::npos) << said;
    stream.open(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    stream.seekp(at);
    stream.put(static_cast<char>(byte ^ 0x10));
  }
  EXPECT_TRUE(verify_store(data)->damages.empty());
}

TEST(Verify, MakesNoFolder) {
  const TempFolder folder;
  EXPECT_EQ(code_of(verify_store(folder.path() / "none")), ErrorCode::kFileUnreadable);
  EXPECT_EQ(code_of(verify_store(folder.path())), ErrorCode::kFileUnreadable);
  EXPECT_FALSE(fs::exists(folder.path() / "none"));
  EXPECT_TRUE(fs::is_empty(folder.path()));
}

}  // namespace
}  // namespace gameflow::log
