// What waits for the commit thread: commits, and tasks that change the store in another way. First
// come, first served: a large commit waits no longer than a small one.
//
// Units    bytes are of memory.
// Threads  push(), waiting() and close(): any; take() and release(): the commit thread. The lock is
//          held for moments only, so nobody waits for what the commit thread does.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <optional>
#include <variant>
#include <vector>

#include "base/mutex.h"
#include "log/catalog.h"
#include "log/producing.h"

namespace gameflow::log {

class CommitQueue {
 public:
  struct Submission {
    PreparedCommit commit;
    Producing::Callback done;
  };
  using Task = std::function<void()>;
  using Item = std::variant<Submission, Task>;
  using Instant = std::chrono::steady_clock::time_point;

  // False once closed; `item` is then untouched.
  bool push(Item&& item);

  // From the front: all submissions up to `bytes_max` (at least one), or one task. Waits for them,
  // not past `deadline`. Empty at the deadline, or when closed and everything has been taken.
  std::vector<Item> take(std::size_t bytes_max, Instant deadline);
  // What was taken last is done with.
  void release();

  // What is queued or in work.
  struct Waiting {
    std::size_t bytes = 0;
    std::optional<Instant> since;  // the oldest was pushed then
  };
  Waiting waiting() const;

  void close();
  bool drained() const;  // closed, and everything has been taken

 private:
  struct Entry {
    Item item;
    std::size_t bytes;
    Instant pushed_at;
  };

  mutable Mutex mutex_;
  std::condition_variable filled_;
  std::deque<Entry> entries_ GF_GUARDED_BY(mutex_);
  std::size_t bytes_ GF_GUARDED_BY(mutex_) = 0;  // of what is queued or in work
  std::size_t in_work_bytes_ GF_GUARDED_BY(mutex_) = 0;
  std::optional<Instant> in_work_since_ GF_GUARDED_BY(mutex_);
  bool closed_ GF_GUARDED_BY(mutex_) = false;
};

}  // namespace gameflow::log
