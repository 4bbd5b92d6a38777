// What waits for the commit thread: commits, and tasks that change the store in another way.
//
// Units    bytes are of memory.
// Threads  push() and close(): any; take() and release(): the commit thread.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <variant>
#include <vector>

#include "log/catalog.h"
#include "log/store.h"

namespace gameflow::log {

class CommitQueue {
 public:
  struct Submission {
    PreparedCommit commit;
    Store::CommitCallback done;
  };
  using Task = std::function<void()>;
  using Item = std::variant<Submission, Task>;
  using Deadline = std::chrono::steady_clock::time_point;

  explicit CommitQueue(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  // Waits while more than bytes_max are queued or in work, unless nothing is, or the caller is the
  // consumer itself (a callback that submits). Who waits longer goes first, so that a large commit
  // does not starve among small ones. False once closed; `item` is then untouched.
  bool push(Item&& item);

  // From the front: all submissions up to `bytes_max` (at least one), or one task. Waits for them,
  // not past `deadline`. Empty at the deadline, or when closed and everything has been taken.
  std::vector<Item> take(std::size_t bytes_max, Deadline deadline);
  // The submissions taken are done with: others may use their room.
  void release(const std::vector<Item>& items);

  void close();
  bool drained() const;  // closed, and everything has been taken

 private:
  static std::size_t bytes_of(const Item& item);

  const std::size_t bytes_max_;
  mutable std::mutex mutex_;  // guards everything below
  std::condition_variable filled_, emptied_;
  std::deque<Item> items_;
  std::size_t bytes_ = 0;                   // of what is queued or in work
  std::uint64_t tickets_ = 0, served_ = 0;  // who pushes takes a ticket; they are served in turn
  std::thread::id consumer_;
  bool closed_ = false;
};

}  // namespace gameflow::log
