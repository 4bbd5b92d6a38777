// The commit thread: the only writer of the store. It takes what is queued, writes it as one group
// with one fsync, shows it to readers, and answers.
//
// Threads  methods: any; change() and close() not on the commit thread itself, as they wait for it.
#pragma once

#include <chrono>
#include <functional>
#include <span>
#include <thread>
#include <vector>

#include <rocksdb/write_batch.h>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "log/catalog.h"
#include "log/listeners.h"
#include "log/rocksdb/commit_queue.h"
#include "log/rocksdb/database.h"
#include "log/rocksdb/disk_space.h"
#include "log/rocksdb/group.h"
#include "log/rocksdb/tail_cache.h"
#include "log/store.h"

namespace gameflow::log {

// What readers see. Only the commit thread changes it, with the lock held: for moments, never
// while it writes.
struct Contents {
  mutable Mutex mutex;
  Catalog catalog GF_GUARDED_BY(mutex);
  TailCache tail;  // has its own lock

  // For the commit thread: what it alone changes it may read without the lock.
  const Catalog& catalog_unlocked() const GF_UNCHECKED { return catalog; }
};

class Committer {
 public:
  // Starts the thread. `ages`: age_clock_options(). All references outlive the committer.
  Committer(Database& database, DiskSpace& disk, Contents& contents, Listeners& listeners,
            Durability durability, const Clock& clock, const Clock& ages);
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;
  ~Committer() { close(); }

  // As Producing::submit.
  void submit(PreparedCommit commit, Producing::Callback done);

  // A change to the topics themselves, in its turn among the commits. `fill` says what to write,
  // seeing the topics as they are then, or refuses; the write is fsynced; then `apply` shows it.
  // kClosed, kOutcomeUnknown, and what `fill` returns.
  using Fill = std::function<Status(const Catalog&, rocksdb::WriteBatch&)>;
  using Apply = std::function<void(Catalog&)>;
  Status change(const Fill& fill, const Apply& apply);

  // As StoreHealth.
  Status health() const;
  StoreHealth::Stats stats() const;
  void close();

 private:
  using Instant = std::chrono::steady_clock::time_point;

  void run();
  void commit_group(std::span<CommitQueue::Item> items);
  std::vector<Result<CommitAck>> write_group(std::span<CommitQueue::Item> items);
  void publish(std::span<CommitQueue::Item> items, const std::vector<Result<CommitAck>>& outcomes,
               const Group& group);
  Status write(rocksdb::WriteBatch& batch, bool sync);
  Instant next_sync() const;
  void sync_log();
  Status note_synced();
  Status can_write() const;
  Status fail_for_good(const rocksdb::Status& status);

  Database& database_;
  DiskSpace& disk_;
  Contents& contents_;
  Listeners& listeners_;
  const Durability durability_;
  const Clock &clock_, &ages_;
  CommitQueue queue_;

  // Of the commit thread.
  bool unsynced_ = false;  // written since the last fsync
  Instant synced_at_;

  mutable Mutex mutex_;  // never held during I/O
  // The write error after which nothing more is written.
  Status failure_ GF_GUARDED_BY(mutex_);
  bool closed_ GF_GUARDED_BY(mutex_) = false;
  StoreHealth::Stats stats_ GF_GUARDED_BY(mutex_);

  Mutex closing_;  // held while close() waits for the thread
  std::thread thread_ GF_GUARDED_BY(closing_);
};

}  // namespace gameflow::log
