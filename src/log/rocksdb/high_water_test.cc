// A write-ahead log or MANIFEST that is lost, cut, renamed or changed: each is told, or nothing is
// missing. What was never acknowledged may be.
#include "log/rocksdb/high_water.h"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "log/rocksdb/journal.h"
#include "log/test_util.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

const SystemClock kClock;

std::string content_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const fs::path& file, std::string_view content) {
  std::ofstream(file, std::ios::binary) << content;
}

void copy_folder(const fs::path& from, const fs::path& to) {
  fs::remove_all(to);
  fs::create_directory(to);
  for (const auto& file : fs::directory_iterator(from)) {
    if (file.path().filename() != "LOCK") fs::copy(file.path(), to / file.path().filename());
  }
}

std::vector<fs::path> files_in(const fs::path& folder,
                               const std::function<bool(const fs::path&)>& which) {
  std::vector<fs::path> files;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (which(file.path())) files.push_back(file.path());
  }
  std::ranges::sort(files);
  return files;
}

std::vector<fs::path> logs_in(const fs::path& folder) {
  return files_in(folder, is_write_ahead_log);
}

std::vector<fs::path> manifests_in(const fs::path& folder) {
  return files_in(folder, [](const fs::path& file) {
    return file.filename().string().starts_with("MANIFEST-");
  });
}

// A store at work, whose folder is copied as a kill would leave it. Each record says which it is.
class Killed {
 public:
  explicit Killed(const fs::path& folder) : folder_(folder) { open(); }

  void open() {
    store_ = open_rocksdb_store(test_options(folder_, kClock)).value();
    if (!store_->topic("a")) (void)store_->create_topic({.name = "a"});
  }
  void restart() {
    store_.reset();
    open();
  }
  // Until there are `count` records; each has `bytes`, which do not compress.
  void append_until(std::uint64_t count, std::size_t bytes) {
    for (; count_ < count; ++count_) {
      std::string value(bytes, '\0');
      std::ranges::generate(value, [this] { return static_cast<char>(random_()); });
      Commit commit = append({1}, 0, {fmt::format("{} {}", count_, value)});
      commit.put.push_back({"count", std::to_string(count_ + 1)});
      ASSERT_TRUE(store_->commit(std::move(commit)));
    }
  }
  void copy_to(const fs::path& to) const { copy_folder(folder_, to); }
  std::uint64_t count() const { return count_; }

 private:
  fs::path folder_;
  std::unique_ptr<Store> store_;
  std::mt19937_64 random_{5};
  std::uint64_t count_ = 0;
};

// How many records are in the folder; nothing, where it is refused.
std::optional<std::uint64_t> count_in(const fs::path& folder, Error* refused = nullptr,
                                      bool accept_loss = false) {
  RocksdbOptions options = test_options(folder, kClock);
  options.accept_loss = accept_loss;
  const auto store = open_rocksdb_store(options);
  if (!store) {
    if (refused != nullptr) *refused = store.error();
    return std::nullopt;
  }
  const auto values = values_from(**store, {1}, 0, {0});
  if (!values) return std::nullopt;  // told, too
  EXPECT_EQ((*store)->get("count")->value_or("0"), std::to_string(values->size()));
  for (std::size_t i = 0; i < values->size(); ++i)
    EXPECT_TRUE((*values)[i].starts_with(fmt::format("{} ", i)));
  return values->size();
}

struct Damage {
  std::string what;
  std::function<void()> act;
};

// Of one journal.
std::vector<Damage> damages_of(const fs::path& file, int places) {
  const std::string good = content_of(file), name = file.filename().string();
  std::vector<Damage> damages = {
      {name + " lost", [=] { fs::remove(file); }},
      {name + " renamed", [=] { fs::rename(file, file.string() + ".bak"); }},
      {name + " with an older number",
       [=] { fs::rename(file, file.parent_path() / "000001.log"); }},
      {name + " empty", [=] { fs::resize_file(file, 0); }},
  };
  std::mt19937_64 random(3);
  std::set<std::size_t> cuts = {1, 7, 100};
  for (int i = 0; i < places; ++i)
    cuts.insert(1 + random() % std::max<std::size_t>(1, good.size()));
  for (const std::size_t cut : cuts) {
    if (cut >= good.size()) continue;
    damages.push_back({fmt::format("{}, the last {} of {} bytes cut", name, cut, good.size()),
                       [=] { fs::resize_file(file, good.size() - cut); }});
    damages.push_back(
        {fmt::format("{}, the last {} of {} bytes zero", name, cut, good.size()), [=] {
           fs::resize_file(file, good.size() - cut);
           fs::resize_file(file, good.size());
         }});
    damages.push_back(
        {fmt::format("{}, byte {} of {} changed", name, good.size() - cut, good.size()), [=] {
           std::string changed = good;
           changed[good.size() - cut] ^= 0x20;
           write(file, changed);
         }});
  }
  return damages;
}

// Where a record of a journal ends, and another may begin.
std::vector<std::size_t> borders_of(const std::string& journal) {
  std::vector<std::size_t> borders;
  std::size_t at = 0;
  while (at + 7 <= journal.size()) {
    if (const std::size_t left = 32768 - at % 32768; left < 7) {
      at += left;
      continue;
    }
    at += 7U + static_cast<std::uint8_t>(journal[at + 4]) +
          256U * static_cast<std::uint8_t>(journal[at + 5]);
    borders.push_back(at);
  }
  return borders;
}

class DamagedAfterAKill : public ::testing::Test {
 protected:
  // Each damage is told, or everything is there.
  void expect_told(const fs::path& killed, std::uint64_t count, int places = 5) {
    ASSERT_EQ(check(killed, count, "no damage", [] {}), std::nullopt);  // starts
    int told = 0;
    const auto try_one = [&](const std::string& what, const std::function<void()>& act) {
      if (const auto refused = check(killed, count, what, act)) ++told;
    };
    copy_folder(killed, copy_);
    std::vector<fs::path> files = logs_in(copy_);
    std::ranges::copy(manifests_in(copy_), std::back_inserter(files));
    for (const fs::path& file : files) {
      const std::string good = content_of(file);
      for (const Damage& damage : damages_of(file, places)) try_one(damage.what, damage.act);
      const std::vector<std::size_t> borders = borders_of(good);
      const std::size_t step = 1 + borders.size() / static_cast<std::size_t>(places);
      for (std::size_t i = borders.size() - 1; i < borders.size(); i -= step) {
        if (borders[i] >= good.size()) continue;
        try_one(fmt::format("{} cut behind record {} of {}", file.filename().string(), i,
                            borders.size()),
                [&] { fs::resize_file(file, borders[i]); });
      }
    }
    EXPECT_GT(told, 20);
  }

  // The error with which a copy is refused that `act` has damaged.
  std::optional<Error> check(const fs::path& killed, std::uint64_t count, const std::string& what,
                             const std::function<void()>& act) {
    SCOPED_TRACE(what);
    copy_folder(killed, copy_);
    act();
    Error refused;
    const auto found = count_in(copy_, &refused);
    if (found) {
      EXPECT_EQ(*found, count) << "a silent loss";
      return std::nullopt;
    }
    EXPECT_EQ(refused.code, ErrorCode::kDataCorrupt) << refused.message;
    // As where the MANIFEST is too short to name our column families.
    EXPECT_EQ(refused.message.find("another program"), std::string::npos) << refused.message;
    return refused;
  }

  const TempFolder folder_;
  const fs::path data_ = folder_.path() / "data", killed_ = folder_.path() / "killed",
                 copy_ = folder_.path() / "copy";
};

TEST_F(DamagedAfterAKill, OneLog) {
  Killed store(data_);
  store.append_until(60, 300);
  store.copy_to(killed_);
  expect_told(killed_, store.count());
}

// The log is of this start; what came before is in tables.
TEST_F(DamagedAfterAKill, AnotherStart) {
  Killed store(data_);
  store.append_until(40, 300);
  store.restart();
  store.append_until(60, 300);
  store.copy_to(killed_);
  expect_told(killed_, store.count());
}

// More than a write buffer holds: logs that are closed, and tables that were written meanwhile.
TEST_F(DamagedAfterAKill, ManyLogs) {
  Killed store(data_);
  store.append_until(24, 1U << 20);
  store.copy_to(killed_);
  expect_told(killed_, store.count(), /*places=*/4);
}

// Started, and nothing was written since.
TEST_F(DamagedAfterAKill, NothingSinceTheStart) {
  Killed store(data_);
  store.append_until(40, 300);
  store.restart();
  store.copy_to(killed_);
  EXPECT_EQ(count_in(killed_), 40U);
  // A start that is killed before it has made its own mark leaves the one of the start before.
  const std::string old_mark = content_of(killed_ / kHighWaterName);
  store.restart();
  store.copy_to(killed_);
  write(killed_ / kHighWaterName, old_mark);
  EXPECT_EQ(count_in(killed_), 40U);
}

TEST_F(DamagedAfterAKill, SaysWhatIsMissing) {
  Killed store(data_);
  store.append_until(60, 300);
  store.copy_to(killed_);
  const std::string log = logs_in(killed_).front().filename().string();
  const std::size_t size = fs::file_size(killed_ / log);
  const auto cut = check(killed_, 60, "cut", [&] { fs::resize_file(copy_ / log, size / 2); });
  ASSERT_TRUE(cut);
  for (const std::string& part :
       {log, fmt::format("had {}", size), std::string("acknowledged up to number"),
        std::string("the last one that is there"), std::string("--accept-loss"),
        std::string("backup"), std::string("Nothing was changed")}) {
    EXPECT_NE(cut->message.find(part), std::string::npos) << cut->message;
  }
  // So it is: once the file is back, everything is.
  write(copy_ / log, content_of(killed_ / log));
  EXPECT_EQ(count_in(copy_), 60U);
}

// RocksDB finds the byte, and says nothing of where it is.
TEST_F(DamagedAfterAKill, SaysWhereAByteIsWrong) {
  Killed store(data_);
  store.append_until(20, 300);
  store.restart();  // so that the MANIFEST has tables to list
  store.append_until(40, 300);
  store.copy_to(killed_);
  const std::string log = logs_in(killed_).back().filename().string();
  const std::string manifest = manifests_in(killed_).back().filename().string();
  for (const std::string& name : {log, manifest}) {
    const std::string good = content_of(killed_ / name);
    const std::vector<std::size_t> borders = borders_of(good);
    const std::size_t number = borders.size() / 2, begin = borders[number - 1];
    ASSERT_GT(borders[number], begin + 8);
    struct Row {
      const char* what;
      std::size_t at;
      std::string says;
    };
    for (const Row& row :
         {Row{"in the record", begin + 8, fmt::format("the record at byte {} of {} ", begin, name)},
          Row{"in its size", begin + 5, fmt::format("at byte {} of {} is wrong", begin, name)}}) {
      std::string changed = good;
      changed[row.at] = static_cast<char>(~changed[row.at]);
      const std::string what = fmt::format("{} of {}", row.what, name);
      const auto told = check(killed_, 40, what, [&] { write(copy_ / name, changed); });
      ASSERT_TRUE(told);
      EXPECT_NE(told->message.find(row.says), std::string::npos) << what << ": " << told->message;
      EXPECT_EQ(told->message.find("--accept-loss") != std::string::npos, name == log)
          << what << ": " << told->message;
      EXPECT_EQ(count_in(copy_, nullptr, /*accept_loss=*/true).has_value(), name == log) << what;
    }
  }
}

TEST_F(DamagedAfterAKill, GoesOnKnowingly) {
  Killed store(data_);
  store.append_until(60, 300);
  store.copy_to(killed_);
  const std::string log = logs_in(killed_).front().filename().string();
  const std::size_t size = fs::file_size(killed_ / log);
  std::string changed = content_of(killed_ / log);
  changed[size / 2] ^= 0x20;
  const std::pair<const char*, std::function<void()>> rows[] = {
      {"cut", [&] { fs::resize_file(copy_ / log, size / 2); }},
      {"a changed byte", [&] { write(copy_ / log, changed); }},
  };
  for (const auto& [what, act] : rows) {
    SCOPED_TRACE(what);
    ASSERT_TRUE(check(killed_, 60, what, act));
    const std::string damaged = content_of(copy_ / log);
    const auto left = count_in(copy_, nullptr, /*accept_loss=*/true);
    ASSERT_TRUE(left);
    EXPECT_GT(*left, 20U);
    EXPECT_LT(*left, 40U);
    EXPECT_EQ(count_in(copy_), left);  // from then on that is what was acknowledged
    EXPECT_EQ(content_of(copy_ / "lost/1" / log), damaged);  // and the rest is kept
  }
}

// Logs that are closed hold what others build upon.
TEST_F(DamagedAfterAKill, WhatCannotBeGoneOnWithStaysAsItIs) {
  Killed store(data_);
  store.append_until(60, 300);
  store.restart();
  store.append_until(100, 300);
  store.copy_to(killed_);
  copy_folder(killed_, copy_);
  for (const auto& file : fs::directory_iterator(copy_)) {
    if (file.path().extension() == ".sst") fs::remove(file.path());
  }
  std::map<std::string, std::string> before, after;
  const auto look = [&](std::map<std::string, std::string>& files) {
    for (const auto& file : fs::directory_iterator(copy_))
      files[file.path().filename()] = content_of(file.path());
  };
  look(before);
  before["LOCK"];
  EXPECT_EQ(count_in(copy_, nullptr, /*accept_loss=*/true), std::nullopt);
  look(after);
  EXPECT_EQ(before, after);
}

// A power loss may tear writes that nobody was told of, wherever it likes.
TEST_F(DamagedAfterAKill, ATornEndOfWhatWasNotAcknowledgedIsNoLoss) {
  Killed store(data_);
  store.append_until(30, 300);
  store.copy_to(killed_);
  const std::string mark = content_of(killed_ / kHighWaterName);
  const std::string log = logs_in(killed_).front().filename().string();
  const std::size_t acknowledged = fs::file_size(killed_ / log);
  store.append_until(60, 300);
  store.copy_to(killed_);
  const std::size_t size = fs::file_size(killed_ / log);
  for (std::size_t cut = 1; cut <= size - acknowledged; cut += 499) {
    SCOPED_TRACE(cut);
    copy_folder(killed_, copy_);
    write(copy_ / kHighWaterName, mark);
    fs::resize_file(copy_ / log, size - cut);
    const auto found = count_in(copy_);
    ASSERT_TRUE(found);
    EXPECT_GE(*found, 30U);
  }
}

TEST_F(DamagedAfterAKill, TheMarkItself) {
  Killed store(data_);
  store.append_until(30, 300);
  store.copy_to(killed_);
  const std::string mark = content_of(killed_ / kHighWaterName);
  const auto newest = **read_high_water(killed_);
  for (std::size_t slot = 0; slot < 2; ++slot) {  // one of the two may be torn
    std::string torn = mark;
    torn[slot * 512 + 20] ^= 0x01;
    write(killed_ / kHighWaterName, torn);
    const auto left = read_high_water(killed_);
    ASSERT_TRUE(left);
    EXPECT_GE(newest.sequence - (*left)->sequence, 0U);
    EXPECT_EQ(count_in(killed_), 30U);
    store.copy_to(killed_);
  }
  write(killed_ / kHighWaterName, std::string(1024, 'x'));
  EXPECT_EQ(code_of(read_high_water(killed_)), ErrorCode::kDataCorrupt);
  EXPECT_EQ(count_in(killed_), std::nullopt);
  EXPECT_EQ(count_in(killed_, nullptr, /*accept_loss=*/true), 30U);
  EXPECT_EQ(count_in(killed_), 30U);
  // One that is missing is one of a store from before there were marks.
  store.copy_to(killed_);
  fs::remove(killed_ / kHighWaterName);
  EXPECT_EQ(count_in(killed_), 30U);
  EXPECT_TRUE(fs::exists(killed_ / kHighWaterName));
}

// The worked example of docs/formats/store.md.
TEST(HighWater, Bytes) {
  const TempFolder folder;
  const HighWater mark{.sequence = 7,
                       .at = {1731406530000},
                       .log = 4,
                       .log_bytes = 700,
                       .manifest = 5,
                       .manifest_bytes = 500};
  EXPECT_EQ(mark.log_name(), "000004.log");
  EXPECT_EQ(mark.manifest_name(), "MANIFEST-000005");
  ASSERT_TRUE(write_high_water(folder.path(), mark));
  EXPECT_EQ(**read_high_water(folder.path()), mark);
  const std::string bytes = content_of(folder.path() / kHighWaterName);
  EXPECT_EQ(bytes.size(), 1024U);
  std::string hex;
  for (const char byte : bytes.substr(0, 64))
    hex += fmt::format("{:02x}", static_cast<unsigned char>(byte));
  EXPECT_EQ(hex,
            "47464857010000000000000000000000"
            "0700000000000000d005df1f93010000"
            "0400000000000000bc02000000000000"
            "0500000000000000f401000000000000");
}

// Gives errors of the system for files of a kind.
class FailingDisk final : public rocksdb::FileSystemWrapper {
 public:
  FailingDisk(std::string part, rocksdb::IOStatus error)
      : FileSystemWrapper(rocksdb::FileSystem::Default()),
        part_(std::move(part)),
        error_(std::move(error)) {}
  const char* Name() const override { return "FailingDisk"; }
  rocksdb::IOStatus NewSequentialFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* dbg) override {
    return fails(name) ? error_ : FileSystemWrapper::NewSequentialFile(name, options, file, dbg);
  }
  rocksdb::IOStatus NewRandomAccessFile(const std::string& name,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* dbg) override {
    return fails(name) ? error_ : FileSystemWrapper::NewRandomAccessFile(name, options, file, dbg);
  }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* dbg) override {
    return fails(name) ? error_ : FileSystemWrapper::NewWritableFile(name, options, file, dbg);
  }
  rocksdb::IOStatus GetFileSize(const std::string& name, const rocksdb::IOOptions& options,
                                std::uint64_t* size, rocksdb::IODebugContext* dbg) override {
    return fails(name) ? error_ : FileSystemWrapper::GetFileSize(name, options, size, dbg);
  }

 private:
  bool fails(const std::string& name) const { return name.find(part_) != std::string::npos; }
  const std::string part_;
  const rocksdb::IOStatus error_;
};

TEST(ErrorsOfTheSystem, AreNoDamage) {
  const TempFolder folder;
  {
    Killed store(folder.path() / "data");
    store.append_until(30, 300);
    store.restart();  // with tables
    store.append_until(60, 300);
    store.copy_to(folder.path() / "killed");
  }
  const auto no_space = rocksdb::IOStatus::NoSpace("a file", "No space left on device");
  for (const std::string part : {".sst", "MANIFEST", ".log", "CURRENT", "OPTIONS"}) {
    for (const std::string error :
         {"Input/output error", "Too many open files", "Permission denied",
          "Cannot allocate memory", "No space left on device"}) {
      SCOPED_TRACE(part + ": " + error);
      const bool is_full = error.starts_with("No space");
      copy_folder(folder.path() / "killed", folder.path() / "copy");
      const auto env = rocksdb::NewCompositeEnv(std::make_shared<FailingDisk>(
          part, is_full ? no_space : rocksdb::IOStatus::IOError("a file", error)));
      RocksdbOptions options = test_options(folder.path() / "copy", kClock);
      options.env = env.get();
      const auto store = open_rocksdb_store(options);
      ASSERT_FALSE(store);
      EXPECT_EQ(store.error().code, is_full ? ErrorCode::kDiskFull : ErrorCode::kDataUnwritable)
          << store.error().message;
      if (!is_full) {
        EXPECT_NE(store.error().message.find(error), std::string::npos);
      }
      EXPECT_EQ(store.error().message.find("is damaged:"), std::string::npos)
          << store.error().message;
      EXPECT_EQ(count_in(folder.path() / "copy"), 60U);  // once the disk is well
    }
  }
}

// Ours are read before RocksDB's.
TEST(ErrorsOfTheSystem, AreNoDamageInOurOwnReading) {
  const TempFolder folder;
  for (const std::string& name :
       {std::string("000004.log"), std::string("MANIFEST-000005"), std::string(kHighWaterName)}) {
    SCOPED_TRACE(name);
    const fs::path data = folder.path() / "data";
    fs::remove_all(data);
    {
      Killed store(folder.path() / "store");
      store.append_until(5, 300);
      store.copy_to(data);
    }
    fs::remove_all(folder.path() / "store");
    fs::remove(data / name);
    fs::create_directory(data / name);  // reading it gives EISDIR
    const auto store = open_rocksdb_store(test_options(data, kClock));
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code, ErrorCode::kDataUnwritable) << store.error().message;
    EXPECT_NE(store.error().message.find("Is a directory"), std::string::npos);
  }
}

}  // namespace
}  // namespace gameflow::log
