// What goes on while the disk does not: everything but the commits themselves.
#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include "log/rocksdb/rocksdb_store.h"
#include "log/test_util.h"

namespace gameflow::log {
namespace {

// Holds up every fsync of the write-ahead log while it is closed.
class Gate {
 public:
  void close() { set(true); }
  void open() { set(false); }
  void pass() {
    std::unique_lock lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return !closed_; });
    --waiting_;
  }
  void wait_for_somebody() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return waiting_ > 0; });
  }

 private:
  void set(bool closed) {
    const std::lock_guard lock(mutex_);
    closed_ = closed;
    changed_.notify_all();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool closed_ = false;
  int waiting_ = 0;
};

class StallingFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  StallingFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, Gate& gate)
      : FSWritableFileOwnerWrapper(std::move(file)), gate_(gate) {}
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options, rocksdb::IODebugContext* dbg) override {
    gate_.pass();
    return FSWritableFileOwnerWrapper::Sync(options, dbg);
  }

 private:
  Gate& gate_;
};

class StallingDisk final : public rocksdb::FileSystemWrapper {
 public:
  explicit StallingDisk(Gate& gate)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), gate_(gate) {}
  const char* Name() const override { return "StallingDisk"; }
  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* dbg) override {
    auto status = FileSystemWrapper::NewWritableFile(name, options, file, dbg);
    if (status.ok() && name.ends_with(".log")) {
      *file = std::make_unique<StallingFile>(std::move(*file), gate_);
    }
    return status;
  }

 private:
  Gate& gate_;
};

TEST(StalledDisk, HoldsUpCommitsAndNothingElse) {
  Gate gate;
  const std::unique_ptr<rocksdb::Env> env =
      rocksdb::NewCompositeEnv(std::make_shared<StallingDisk>(gate));
  const SystemClock clock;
  const TempFolder folder;
  RocksdbOptions options = test_options(folder.path(), clock);
  options.env = env.get();
  const auto store = open_rocksdb_store(options).value();
  const TopicId topic = store->create_topic({.name = "a"}).value().id;
  ASSERT_TRUE(produce(*store, request(topic, 0, {"before"})));

  gate.close();
  // More than may be held of anything else, and nobody to wait for: each call returns.
  constexpr int kRequests = 200;
  const std::string value(1U << 20, 'x');
  std::atomic<int> answered = 0;
  std::vector<Offset> offsets;  // in the order of the answers
  std::promise<void> all_answered;
  for (int i = 0; i < kRequests; ++i) {
    store->submit(request(topic, 0, {value}), [&](const Result<CommitAck>& ack) {
      EXPECT_TRUE(ack);
      if (ack) offsets.push_back(ack->base_offsets[0]);
      if (++answered == kRequests) all_answered.set_value();
    });
  }
  gate.wait_for_somebody();
  EXPECT_EQ(answered, 0);
  auto epoch = std::async(std::launch::async, [&] {
    Commit commit = append(topic, 0, {"epoch"});
    commit.put.push_back({"k", "v"});
    return store->commit(std::move(commit));
  });

  // Readers see what was there, operators what is waiting.
  EXPECT_EQ(store->topic("a")->partitions[0].end, Offset{1});
  EXPECT_EQ(store->topics().size(), 1U);
  EXPECT_EQ(store->partition(topic, 0)->end, Offset{1});
  EXPECT_EQ(*values_from(*store, topic, 0, {0}), std::vector<std::string>{"before"});
  EXPECT_EQ(store->producer(topic, "p")->next_sequence, 0U);
  EXPECT_EQ(*store->get("k"), std::nullopt);
  store->unlisten(store->listen([](TopicId) {}));
  EXPECT_TRUE(store->health());
  const Store::Stats stats = store->stats();
  EXPECT_EQ(stats.commits, 1U);
  EXPECT_GT(stats.queue_bytes, std::uint64_t{kRequests} << 20);
  EXPECT_GT(stats.queue_seconds, 0);
  EXPECT_GT(stats.disk_free_bytes, 0U);
  EXPECT_EQ(answered, 0);

  gate.open();
  all_answered.get_future().wait();
  EXPECT_TRUE(epoch.get());
  ASSERT_EQ(offsets.size(), std::size_t{kRequests});
  for (std::size_t i = 0; i < offsets.size(); ++i) EXPECT_EQ(offsets[i], Offset{1 + i});
  EXPECT_EQ(store->stats().commits, std::uint64_t{kRequests} + 2);
  EXPECT_EQ(*store->get("k"), "v");

  // What is repeatable does not wait for the disk.
  gate.close();
  Commit repeatable;
  repeatable.put.push_back({"k", "w"});
  repeatable.is_repeatable = true;
  EXPECT_TRUE(store->commit(std::move(repeatable)));
  EXPECT_EQ(*store->get("k"), "w");
  gate.open();
}

}  // namespace
}  // namespace gameflow::log
