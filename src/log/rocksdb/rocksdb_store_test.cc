// What only the durable store does: survive, and refuse what did not.
//
// The tests that kill a writer start this binary again, as the writer, by the environment variable
// GAMEFLOW_TEST_WRITER: a forked child would lack the background threads that RocksDB has started.
#include "log/rocksdb/rocksdb_store.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <spawn.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log/rocksdb/database.h"
#include "log/rocksdb/high_water.h"
#include "log/rocksdb/keys.h"
#include "log/test_util.h"

namespace gameflow::log {
namespace {

namespace fs = std::filesystem;

const SystemClock kClock;

std::unique_ptr<Store> open(const fs::path& folder, Durability durability = Durability::kFsync) {
  RocksdbOptions options = test_options(folder, kClock);
  options.durability = durability;
  options.tail_cache_bytes = 0;  // what is read comes from disk
  auto store = open_rocksdb_store(options);
  EXPECT_TRUE(store) << store.error().message;
  return store ? *std::move(store) : nullptr;
}

Error open_fails(const fs::path& folder) {
  const auto store = open_rocksdb_store(test_options(folder, kClock));
  EXPECT_FALSE(store);
  return store ? Error{} : store.error();
}

bool mentions(const Error& error, std::string_view text) {
  return error.message.find(text) != std::string::npos;
}

// The record at an offset says where it belongs, so a reader sees every hole and every double.
std::string value_at(std::uint32_t partition, std::uint64_t offset) {
  return fmt::format("{}/{}", partition, offset);
}

std::string end_key(std::uint32_t partition) {
  return fmt::format("end/{}", partition);
}

// Clients write to the first two, the engine to the last one.
constexpr std::uint32_t kPartitions = 3, kEnginesPartition = 2;

std::vector<std::string> next_values(std::uint32_t partition, std::uint64_t end,
                                     std::uint64_t count) {
  std::vector<std::string> values;
  for (std::uint64_t offset = end; offset < end + count; ++offset) {
    values.push_back(value_at(partition, offset));
  }
  return values;
}

// `count` records that go on at `end`; where they end is noted in the same commit, as a stamp or as
// the engine's key.
ProduceRequest next_request(TopicId topic, std::uint32_t partition, std::uint64_t end,
                            std::uint64_t count) {
  return request(topic, partition, next_values(partition, end, count),
                 ProducerStamp{topic, end_key(partition), end, count});
}
Commit next_commit(TopicId topic, std::uint64_t end, std::uint64_t count) {
  Commit commit = append(topic, kEnginesPartition, next_values(kEnginesPartition, end, count));
  commit.put.push_back({end_key(kEnginesPartition), std::to_string(end + count)});
  return commit;
}

// The ends of the partitions of topic "a", after a look at every record.
std::vector<std::uint64_t> check_history(const Store& store) {
  std::vector<std::uint64_t> ends;
  const TopicInfo topic = store.topic("a").value();
  for (std::uint32_t p = 0; p < topic.partitions.size(); ++p) {
    const std::uint64_t end = topic.partitions[p].end.value;
    const auto values = values_from(store, topic.id, p, {0});
    EXPECT_TRUE(values) << values.error().message;
    if (!values) return ends;
    EXPECT_EQ(values->size(), end);
    for (std::uint64_t offset = 0; offset < values->size(); ++offset) {
      if ((*values)[offset] != value_at(p, offset)) {
        ADD_FAILURE() << "at " << value_at(p, offset) << " is " << (*values)[offset];
        return ends;
      }
    }
    if (p == kEnginesPartition) {
      EXPECT_EQ(store.get(end_key(p)).value().value_or("0"), std::to_string(end));
    } else {
      EXPECT_EQ(store.producer(topic.id, end_key(p))->next_sequence, end);
    }
    ends.push_back(end);
  }
  return ends;
}

// Makes topic "a" of `commits` commits of 5 records and closes the store. The data is in the WAL.
void write_history(const fs::path& folder, int commits) {
  const auto store = open(folder);
  const TopicId topic = store->create_topic({.name = "a"}).value().id;
  for (int i = 0; i < commits; ++i) {
    const std::uint64_t end = 5 * static_cast<std::uint64_t>(i);
    ASSERT_TRUE(produce(*store, next_request(topic, 0, end, 5)));
  }
}

fs::path largest(const fs::path& folder, std::string_view extension) {
  fs::path found;
  std::uintmax_t size = 0;
  for (const auto& file : fs::directory_iterator(folder)) {
    if (file.path().extension() != extension || file.file_size() < size) continue;
    found = file.path();
    size = file.file_size();
  }
  return found;
}

void flip_byte(const fs::path& file, std::uint64_t at) {
  std::fstream stream(file, std::ios::in | std::ios::out | std::ios::binary);
  stream.seekg(static_cast<std::streamoff>(at));
  const char byte = static_cast<char>(stream.get() ^ 0x40);
  stream.seekp(static_cast<std::streamoff>(at));
  stream.put(byte);
}

// ---- The writer process.

struct Ack {
  std::uint32_t partition;
  std::uint64_t end;
};

constexpr std::ptrdiff_t kWaitingMax = 100;

// Commits for ever, several at a time, and reports each acknowledgement on standard output.
int write_until_killed(const char* folder) {
  auto store = open(folder);
  if (!store) return 1;
  if (!store->topic("a")) (void)store->create_topic({.name = "a", .partitions = kPartitions});
  const TopicInfo topic = store->topic("a").value();
  std::vector<std::uint64_t> ends;
  for (const PartitionInfo& partition : topic.partitions) ends.push_back(partition.end.value);
  std::mt19937 random(static_cast<unsigned>(ends[0] + 1));
  std::counting_semaphore waiting(kWaitingMax);
  for (;;) {
    const auto partition = static_cast<std::uint32_t>(random() % kPartitions);
    const std::uint64_t count = 1 + random() % 200;
    std::uint64_t& end = ends[partition];
    const auto report = [ack = Ack{partition, end + count}](const auto& result) {
      if (!result || ::write(STDOUT_FILENO, &ack, sizeof ack) != sizeof ack) std::_Exit(1);
    };
    if (partition == kEnginesPartition) {
      report(store->commit(next_commit(topic.id, end, count)));
    } else {
      waiting.acquire();
      store->submit(next_request(topic.id, partition, end, count), [&, report](const auto& result) {
        report(result);
        waiting.release();
      });
    }
    end += count;
  }
}

// Commits until a write fails, as RLIMIT_FSIZE makes the log's do. Exit code 0: all as promised.
int write_until_it_fails(const char* folder) {
  const auto store = open(folder, Durability::kNone);
  const TopicId topic = store->create_topic({.name = "a"}).value().id;
  const rlimit limit{1U << 20, 1U << 20};
  std::signal(SIGXFSZ, SIG_IGN);
  if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
  std::mt19937_64 random;
  for (int i = 0; i < 1000; ++i) {
    std::string value(100'000, '\0');
    std::ranges::generate(value, [&] { return static_cast<char>(random()); });
    const auto ack = store->commit(append(topic, 0, {value}));
    if (ack) continue;
    if (code_of(ack) != ErrorCode::kOutcomeUnknown) return 3;
    if (code_of(store->health()) != ErrorCode::kOutcomeUnknown) return 4;
    if (code_of(store->commit(append(topic, 0, {"x"}))) != ErrorCode::kOutcomeUnknown) return 5;
    return 0;
  }
  return 6;
}

// Fills more tables than files may be open, and reads from each. Exit code 0: it could.
int write_with_few_files(const char* folder) {
  RocksdbOptions options = test_options(folder, kClock);
  options.durability = Durability::kNone;
  options.open_files_max = 32;
  const rlimit limit{96, 96};
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) return 2;
  const auto store = open_rocksdb_store(options).value();
  const TopicId topic = store->create_topic({.name = "a", .partitions = 512}).value().id;
  std::mt19937_64 random;
  std::string value(32'000, '\0');
  const auto tables = [&] {
    return std::ranges::count_if(fs::directory_iterator(folder), [](const auto& file) {
      return file.path().extension() == ".sst";
    });
  };
  for (std::uint32_t i = 0; i % 512 != 0 || tables() <= 600; ++i) {
    if (i > 40 * 512) return 3;
    std::ranges::generate(value, [&] { return static_cast<char>(random()); });
    if (!store->commit(append(topic, i % 512, {value}))) return 4;
  }
  for (std::uint32_t i = 0; i < 512; ++i) {
    if (!store->read(topic, i, {0}, 0)) return 5;
  }
  return 0;
}

class Writer {
 public:
  Writer(const fs::path& folder, const char* kind) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    std::string name = "writer", role = fmt::format("GAMEFLOW_TEST_WRITER={}", kind),
                where = fmt::format("GAMEFLOW_TEST_FOLDER={}", folder.string());
    std::vector<char*> arguments = {name.data(), nullptr};
    std::vector<char*> environment = {role.data(), where.data(), nullptr};
    if (::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr, arguments.data(),
                      environment.data()) != 0) {
      std::abort();
    }
    posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    acks_ = ends[0];
  }
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;
  ~Writer() {
    ::close(acks_);
    if (pid_ != 0) kill();
  }
  std::optional<Ack> next_ack() {
    Ack ack{};
    if (::read(acks_, &ack, sizeof ack) != sizeof ack) return std::nullopt;
    return ack;
  }
  void kill() {
    ::kill(pid_, SIGKILL);
    (void)wait();
  }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return status;
  }

 private:
  pid_t pid_ = 0;
  int acks_ = -1;
};

TEST(RocksdbStore, SurvivesKills) {
  const TempFolder folder;
  std::mt19937 random(1);
  std::vector<std::uint64_t> acked(kPartitions, 0);
  for (int round = 0; round < 12; ++round) {
    SCOPED_TRACE(round);
    Writer writer(folder.path(), "until-killed");
    const auto acks_max = 1 + random() % 300;
    const auto note = [&](const std::optional<Ack>& ack) {
      if (ack) acked[ack->partition] = ack->end;
      return ack.has_value();
    };
    for (unsigned i = 0; i < acks_max; ++i) ASSERT_TRUE(note(writer.next_ack()));
    writer.kill();
    while (note(writer.next_ack())) continue;  // acknowledged before the kill

    const auto store = open(folder.path());
    ASSERT_TRUE(store);
    const auto ends = check_history(*store);
    ASSERT_EQ(ends.size(), kPartitions);
    for (std::uint32_t p = 0; p < kPartitions; ++p) EXPECT_GE(ends[p], acked[p]);
  }
}

TEST(RocksdbStore, LocksItsFolder) {
  const TempFolder folder;
  Writer writer(folder.path(), "until-killed");
  ASSERT_TRUE(writer.next_ack());
  const Error other_process = open_fails(folder.path());
  EXPECT_EQ(other_process.code, ErrorCode::kDataLocked) << other_process.message;
  EXPECT_TRUE(mentions(other_process, folder.path().string()));
  writer.kill();
  const auto store = open(folder.path());
  const Error same_process = open_fails(folder.path());
  EXPECT_EQ(same_process.code, ErrorCode::kDataLocked) << same_process.message;
}

TEST(RocksdbStore, FailsForGoodAfterAWriteError) {
  const TempFolder folder;
  Writer writer(folder.path(), "until-it-fails");
  const int status = writer.wait();
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(RocksdbStore, GetsAlongWithFewOpenFiles) {
  const TempFolder folder;
  Writer writer(folder.path(), "with-few-files");
  const int status = writer.wait();
  ASSERT_TRUE(WIFEXITED(status)) << "signal " << WTERMSIG(status);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST(RocksdbStore, RefusesAFolderItCannotUse) {
  const TempFolder folder;
  const fs::path file = folder.path() / "file";
  std::ofstream(file) << "x";
  for (const fs::path& path : {file, file / "below"}) {
    const Error error = open_fails(path);
    EXPECT_EQ(error.code, ErrorCode::kDataUnwritable) << error.message;
    EXPECT_TRUE(mentions(error, path.string()));
  }
}

TEST(RocksdbStore, MakesItsFolder) {
  const TempFolder folder;
  EXPECT_TRUE(open(folder.path() / "a" / "b"));
}

// Of a power loss before the last fsync: nobody was told of these commits.
TEST(RocksdbStore, AcceptsATornTail) {
  const TempFolder folder;
  write_history(folder.path() / "data", 20);
  HighWater mark = **read_high_water(folder.path() / "data");
  mark.log_bytes -= 500;
  ASSERT_TRUE(write_high_water(folder.path() / "data", mark));
  const auto log_size = fs::file_size(largest(folder.path() / "data", ".log"));
  std::vector<std::uint64_t> ends;
  for (std::uint64_t cut = 1; cut < 120; cut += 7) {
    SCOPED_TRACE(cut);
    const fs::path copy = folder.path() / "copy";
    fs::remove_all(copy);
    fs::copy(folder.path() / "data", copy);
    fs::resize_file(largest(copy, ".log"), log_size - cut);
    const auto store = open(copy);
    ASSERT_TRUE(store);
    ends.push_back(check_history(*store).at(0));
  }
  EXPECT_EQ(ends.front(), 95U);  // only the torn commit is gone
  EXPECT_TRUE(std::ranges::is_sorted(ends, std::greater()));
}

// Nothing acknowledged may be lost without a word, wherever a bit flips.
TEST(RocksdbStore, RefusesADamagedLog) {
  const TempFolder folder;
  write_history(folder.path() / "data", 100);
  const auto log_size = fs::file_size(largest(folder.path() / "data", ".log"));
  std::mt19937 random(3);
  for (int i = 0; i < 40; ++i) {
    const std::uint64_t at = i == 0 ? log_size - 3 : random() % log_size;
    SCOPED_TRACE(fmt::format("byte {} of {}", at, log_size));
    const fs::path copy = folder.path() / "copy";
    fs::remove_all(copy);
    fs::copy(folder.path() / "data", copy);
    flip_byte(largest(copy, ".log"), at);
    const Error error = open_fails(copy);
    EXPECT_EQ(error.code, ErrorCode::kDataCorrupt) << error.message;
    EXPECT_TRUE(mentions(error, copy.string()));
    EXPECT_TRUE(mentions(error, "backup"));
  }
}

TEST(RocksdbStore, RefusesAFolderWithoutItsParts) {
  for (const std::string part : {"CURRENT", "MANIFEST", ".log", ".sst"}) {
    SCOPED_TRACE(part);
    const TempFolder folder;
    write_history(folder.path(), 10);
    ASSERT_TRUE(open(folder.path()));  // recovery moves the records from the WAL to tables
    for (const auto& file : fs::directory_iterator(folder.path())) {
      if (file.path().filename().string().find(part) != std::string::npos) fs::remove(file.path());
    }
    const Error error = open_fails(folder.path());
    EXPECT_EQ(error.code, ErrorCode::kDataCorrupt) << error.message;
    EXPECT_FALSE(largest(folder.path(), part == ".log" ? ".sst" : ".log").empty());  // is kept
  }
}

TEST(RocksdbStore, NamesTheDamagedBatch) {
  const TempFolder folder;
  write_history(folder.path(), 100);
  ASSERT_TRUE(open(folder.path()));  // recovery moves the records from the WAL to tables
  std::string table;
  for (const auto& file : fs::directory_iterator(folder.path())) {
    std::ifstream stream(file.path(), std::ios::binary);
    const std::string content{std::istreambuf_iterator<char>(stream), {}};
    const auto at = content.find("GFB");
    if (file.path().extension() != ".sst" || at == std::string::npos) continue;
    flip_byte(file.path(), at + 20);
    table = file.path().filename();
  }
  ASSERT_FALSE(table.empty());
  const auto store = open_rocksdb_store(test_options(folder.path(), kClock));
  const Error error = store ? values_from(**store, {1}, 0, {0}).error() : store.error();
  EXPECT_EQ(error.code, ErrorCode::kDataCorrupt) << error.message;
  for (const std::string& part : {std::string("partition 0"), std::string("offset 0"), table}) {
    EXPECT_TRUE(mentions(error, part)) << error.message;
  }
}

// What a lost or swapped file would look like.
TEST(RocksdbStore, RefusesALogThatIsNotWhatTheMetadataSays) {
  const TopicId topic{1};
  struct Row {
    const char* what;
    std::function<void(Database&)> damage;
    const char* message;
  };
  const auto remove = [&](Database& db, std::uint64_t base) {
    (void)db.db().Delete({}, db.log(), log_key(topic, 0, {base}));
  };
  const Row rows[] = {
      {"last batch lost", [&](Database& db) { remove(db, 45); },
       "topic 'a', partition 0, offset 50"},
      {"first batch lost", [&](Database& db) { remove(db, 0); },
       "topic 'a', partition 0, offset 0"},
      {"all lost",
       [&](Database& db) {
         for (std::uint64_t base = 0; base < 50; base += 5) remove(db, base);
       },
       "topic 'a', partition 0, offset 0"},
      {"metadata older than the log",
       [&](Database& db) {
         (void)db.db().Put({}, db.meta(), partition_key(topic, 0), encode_partition({}));
       },
       "topic 'a', partition 0, offset 0"},
      {"partition forgotten",
       [&](Database& db) { (void)db.db().Delete({}, db.meta(), partition_key(topic, 0)); },
       "topic 'a', partition 0"},
      {"a newer format",
       [&](Database& db) {
         (void)db.db().Put({}, db.meta(), slice(kFormatKey), encode_number(kStoreFormat + 1));
       },
       "format 2"},
      {"no format", [&](Database& db) { (void)db.db().Delete({}, db.meta(), slice(kFormatKey)); },
       "format"},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const TempFolder folder;
    write_history(folder.path(), 10);
    row.damage(**Database::open(folder.path()));
    const Error error = open_fails(folder.path());
    EXPECT_EQ(error.code, ErrorCode::kDataCorrupt);
    EXPECT_TRUE(mentions(error, row.message)) << error.message;
  }
}

TEST(RocksdbStore, FindsAHoleWhenItIsRead) {
  const TempFolder folder;
  write_history(folder.path(), 10);
  {
    const auto database = Database::open(folder.path()).value();
    (void)database->db().Delete({}, database->log(), log_key({1}, 0, {20}));
  }
  const auto store = open(folder.path());
  ASSERT_TRUE(store);
  for (const std::uint64_t from : {0, 19, 20, 22}) {
    const auto read = values_from(*store, {1}, 0, {from}, 100);
    ASSERT_EQ(code_of(read), ErrorCode::kDataCorrupt);
    EXPECT_TRUE(mentions(read.error(), "offset 20")) << read.error().message;
  }
  EXPECT_EQ(values_from(*store, {1}, 0, {25})->size(), 25U);
}

TEST(RocksdbStore, DamageInOneTopicHoldsUpNoOther) {
  const TempFolder folder;
  ManualClock clock({0});
  auto store = open_rocksdb_store(test_options(folder.path(), clock)).value();
  for (const char* name : {"a", "b"}) {
    const TopicConfig config{.name = name, .retention_age = Duration{1000}};
    const TopicId topic = store->create_topic(config).value().id;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(store->commit(append(topic, 0, {"x"})));
  }
  store.reset();
  {
    const auto database = Database::open(folder.path()).value();
    (void)database->db().Put({}, database->log(), log_key({1}, 0, {0}), "GFB nonsense");
  }
  store = open_rocksdb_store(test_options(folder.path(), clock)).value();
  clock.advance({10'000});
  const Status status = store->apply_retention();
  ASSERT_EQ(code_of(status), ErrorCode::kDataCorrupt);
  EXPECT_TRUE(mentions(status.error(), "topic 'a', partition 0, offset 0"));
  EXPECT_EQ(store->topic("a")->partitions[0].begin, Offset{0});
  EXPECT_EQ(store->topic("b")->partitions[0].begin, Offset{3});
}

// RocksDB itself would open them, and add our column families.
TEST(RocksdbStore, LeavesDatabasesOfOthersAlone) {
  struct Row {
    const char* what;
    std::vector<std::string> families;
    bool key;
    bool accepted;
  };
  const Row rows[] = {
      {"another program's", {}, true, false},
      {"with column families", {"columns"}, false, false},
      {"a newer version's", {"log", "state", "index"}, true, false},
      {"a store's making that was cut short", {"log"}, false, true},
      {"the same, a moment earlier", {}, false, true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const TempFolder folder;
    rocksdb::Options options;
    options.create_if_missing = true;
    rocksdb::DB* db = nullptr;
    ASSERT_TRUE(rocksdb::DB::Open(options, folder.path().string(), &db).ok());
    for (const std::string& family : row.families) {
      rocksdb::ColumnFamilyHandle* handle = nullptr;
      ASSERT_TRUE(db->CreateColumnFamily(options, family, &handle).ok());
      ASSERT_TRUE(db->DestroyColumnFamilyHandle(handle).ok());
    }
    if (row.key) {
      ASSERT_TRUE(db->Put({}, "key", "value").ok());
    }
    delete db;
    if (row.accepted) {
      EXPECT_TRUE(open(folder.path()));
      continue;
    }
    const Error error = open_fails(folder.path());
    EXPECT_EQ(error.code, ErrorCode::kDataCorrupt);
    EXPECT_TRUE(mentions(error, "another program")) << error.message;
    std::vector<std::string> families;
    ASSERT_TRUE(rocksdb::DB::ListColumnFamilies(options, folder.path().string(), &families).ok());
    EXPECT_EQ(families.size(), 1 + row.families.size());
  }
}

TEST(RocksdbStore, WritesNothingOnceItsFolderIsGone) {
  const TempFolder folder;
  const fs::path data = folder.path() / "data", aside = folder.path() / "aside";
  const auto store = open(data);
  const TopicId topic = store->create_topic({.name = "a"}).value().id;
  ASSERT_TRUE(store->commit(append(topic, 0, {"x"})));
  fs::rename(data, aside);
  for (const bool made_anew : {false, true}) {
    if (made_anew) fs::create_directory(data);
    const auto ack = store->commit(append(topic, 0, {"y"}));
    ASSERT_EQ(code_of(ack), ErrorCode::kDataUnwritable);
    EXPECT_TRUE(mentions(ack.error(), data.string())) << ack.error().message;
    EXPECT_EQ(code_of(store->health()), ErrorCode::kDataUnwritable);
    EXPECT_EQ(code_of(store->create_topic({.name = "b"})), ErrorCode::kDataUnwritable);
  }
  fs::remove(data);
  fs::rename(aside, data);
  while (!store->health()) std::this_thread::yield();
  EXPECT_EQ(store->commit(append(topic, 0, {"y"}))->base_offsets[0], Offset{1});
}

// The fsync of what came before finds the folder gone, too, and is none that failed.
TEST(RocksdbStore, AFolderThatIsGoneMeanwhileIsNoFailure) {
  const TempFolder folder;
  const fs::path data = folder.path() / "data", aside = folder.path() / "aside";
  const auto store = open(data, Durability::kInterval);
  const TopicId topic = store->create_topic({.name = "a"}).value().id;
  ASSERT_TRUE(store->commit(append(topic, 0, {"x"})));
  const std::uint64_t before = store->stats().fsyncs;
  fs::rename(data, aside);
  while (store->stats().fsyncs == before) std::this_thread::yield();
  while (code_of(store->health()) != ErrorCode::kDataUnwritable) std::this_thread::yield();
  fs::rename(aside, data);
  while (!store->health()) std::this_thread::yield();
  EXPECT_TRUE(store->commit(append(topic, 0, {"y"})));
}

TEST(RocksdbStore, SyncsAsItsDurabilitySays) {
  struct Row {
    Durability durability;
    std::uint64_t fsyncs_min, fsyncs_max;
  };
  // The topic's creation is one more in each.
  for (const Row& row : {Row{Durability::kFsync, 101, 101}, Row{Durability::kInterval, 1, 50},
                         Row{Durability::kNone, 1, 1}}) {
    const TempFolder folder;
    auto store = open(folder.path(), row.durability);
    const TopicId topic = store->create_topic({.name = "a"}).value().id;
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(store->commit(append(topic, 0, {"x"})));
    EXPECT_GE(store->stats().fsyncs, row.fsyncs_min);
    EXPECT_LE(store->stats().fsyncs, row.fsyncs_max);
    store->close();
    store.reset();
    EXPECT_EQ(open(folder.path())->topic(topic)->partitions[0].end, Offset{100});
  }
}

TEST(RocksdbStore, WhatIsRepeatableIsFsyncedWithTheNextOrSoon) {
  const TempFolder folder;
  const auto store = open(folder.path());
  const TopicId topic = store->create_topic({.name = "a"}).value().id;
  const auto repeat = [&](bool appends) {
    Commit commit = appends ? append(topic, 0, {"x"}) : Commit{};
    commit.put.push_back({"k", "v"});
    commit.is_repeatable = true;
    ASSERT_TRUE(store->commit(std::move(commit)));
  };
  std::uint64_t before = store->stats().fsyncs;
  for (int i = 0; i < 100; ++i) repeat(/*appends=*/true);
  EXPECT_EQ(store->stats().fsyncs, before + 100);  // records are shown
  before = store->stats().fsyncs;
  for (int i = 0; i < 100; ++i) repeat(/*appends=*/false);
  EXPECT_LT(store->stats().fsyncs, before + 50);  // one a second
  before = store->stats().fsyncs;
  repeat(/*appends=*/false);
  while (store->stats().fsyncs == before) std::this_thread::yield();
}

TEST(RocksdbStore, RetentionGivesSpaceBack) {
  const TempFolder folder;
  const auto store = open(folder.path(), Durability::kNone);
  const TopicId topic = store->create_topic({.name = "a", .retention_bytes = 4U << 20}).value().id;
  std::mt19937_64 random;
  std::string value(1U << 20, '\0');  // does not compress
  std::uint64_t used_bytes_max = 0;
  for (int i = 1; i <= 320; ++i) {
    std::ranges::generate(value, [&] { return static_cast<char>(random()); });
    ASSERT_TRUE(store->commit(append(topic, 0, {value})));
    if (i % 40 != 0) continue;
    ASSERT_TRUE(store->apply_retention());
    used_bytes_max = std::max(used_bytes_max, store->stats().disk_used_bytes);
  }
  const PartitionInfo info = store->topic(topic)->partitions[0];
  EXPECT_EQ(info.end, Offset{320});
  EXPECT_EQ(info.begin, Offset{317});
  EXPECT_EQ(values_from(*store, topic, 0, info.begin)->back(), value);
  EXPECT_LT(used_bytes_max, 320U << 20);  // the log, level 0, and what is left
}

// A wrong clock when the store is opened, as after a boot without a battery, or a right one after
// days off.
TEST(RocksdbStore, AnOpenDeletesNothingForAnHour) {
  constexpr Timestamp kStart{1'700'000'000'000};
  constexpr std::int64_t kMinute = 60'000, kHour = 60 * kMinute, kDay = 24 * kHour;
  struct Row {
    const char* what;
    std::int64_t off_for, clock_set_by, back_after;  // ms; 0: not set back
    bool appends_meanwhile;
    bool left_an_hour_later;
  };
  const Row rows[] = {
      {"right, at once again", 0, 0, 0, false, true},
      {"right, after two days", 2 * kDay, 0, 0, false, false},
      {"a year ahead for a minute", 0, 365 * kDay, kMinute, false, true},
      {"a year ahead for a minute, and records come", 0, 365 * kDay, kMinute, true, true},
      {"a year ahead for good", 0, 365 * kDay, 0, false, false},
      {"a year behind for a minute", 0, -365 * kDay, kMinute, true, true},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const TempFolder folder;
    ManualClock clock(kStart);
    auto store = open_rocksdb_store(test_options(folder.path(), clock)).value();
    const TopicId topic =
        store->create_topic({.name = "a", .retention_age = Duration{kDay}}).value().id;
    ASSERT_TRUE(produce(*store, request(topic, 0, {"x"}, ProducerStamp{topic, "p", 0, 1})));
    const auto reopen = [&] {
      store.reset();
      store = open_rocksdb_store(test_options(folder.path(), clock)).value();
    };
    const auto is_there = [&] {
      EXPECT_TRUE(store->apply_retention());
      return store->partition(topic, 0)->begin == Offset{0};
    };
    store.reset();
    clock.advance({row.off_for});
    clock.set(clock.now() + Duration{row.clock_set_by});
    reopen();
    EXPECT_TRUE(is_there());
    if (row.appends_meanwhile) {
      ASSERT_TRUE(store->commit(append(topic, 0, {"y"})));
    }
    if (row.back_after != 0) {
      clock.advance({row.back_after});
      EXPECT_TRUE(is_there());
      clock.set(clock.now() - Duration{row.clock_set_by});
      EXPECT_TRUE(is_there());
      reopen();
    }
    clock.advance({kHour - 1});
    EXPECT_TRUE(is_there());
    clock.advance({1});
    EXPECT_EQ(is_there(), row.left_an_hour_later);
    const bool year_ahead = row.clock_set_by > 0 && row.back_after == 0;
    EXPECT_EQ(store->producer(topic, "p")->next_sequence, year_ahead ? 0U : 1U);
  }
}

// A file system of its own, 96 MiB large.
class SmallDisk {
 public:
  SmallDisk() { mounted_ = ::mount("tmpfs", folder_.path().c_str(), "tmpfs", 0, "size=96m") == 0; }
  ~SmallDisk() {
    if (mounted_) ::umount2(folder_.path().c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }
  const fs::path& path() const { return folder_.path(); }

 private:
  TempFolder folder_;
  bool mounted_ = false;
};

TEST(RocksdbStore, RefusesCommitsUnderTheFloorAndRecovers) {
  const SmallDisk disk;
  if (!disk.mounted()) GTEST_SKIP() << "mounting a tmpfs needs root: " << std::strerror(errno);
  RocksdbOptions options = test_options(disk.path() / "data", kClock);
  options.disk_free_bytes_min = 32U << 20;
  const auto store = open_rocksdb_store(options).value();
  const TopicId topic = store->create_topic({.name = "a"}).value().id;
  std::mt19937_64 random;
  std::string value(1U << 20, '\0');  // does not compress
  std::vector<std::string> acked;
  std::optional<ErrorCode> failure;
  while (!failure && acked.size() < 200) {
    std::ranges::generate(value, [&] { return static_cast<char>(random()); });
    failure = code_of(store->commit(append(topic, 0, {value})));
    if (!failure) acked.push_back(value);
  }
  EXPECT_EQ(failure, ErrorCode::kDiskFull);
  EXPECT_GT(acked.size(), 10U);
  EXPECT_EQ(code_of(store->health()), ErrorCode::kDiskFull);
  EXPECT_EQ(code_of(store->create_topic({.name = "b"})), ErrorCode::kDiskFull);
  EXPECT_EQ(*values_from(*store, topic, 0, {0}), acked);

  ASSERT_EQ(::mount("tmpfs", disk.path().c_str(), "tmpfs", MS_REMOUNT, "size=192m"), 0);
  while (!store->health()) std::this_thread::yield();
  EXPECT_EQ(store->commit(append(topic, 0, {"more"}))->base_offsets[0], Offset{acked.size()});
}

}  // namespace
}  // namespace gameflow::log

int main(int argc, char** argv) {
  const char* folder = std::getenv("GAMEFLOW_TEST_FOLDER");
  if (const char* role = std::getenv("GAMEFLOW_TEST_WRITER"); role != nullptr) {
    if (std::string_view(role) == "until-killed") return gameflow::log::write_until_killed(folder);
    return std::string_view(role) == "until-it-fails" ? gameflow::log::write_until_it_fails(folder)
                                                      : gameflow::log::write_with_few_files(folder);
  }
  ::testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
