#include "log/rocksdb/commit_queue.h"

#include <atomic>
#include <future>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace gameflow::log {
namespace {

CommitQueue::Item commit_of(std::size_t bytes) {
  CommitQueue::Submission submission;
  submission.commit.memory_bytes = bytes;
  return submission;
}

CommitQueue::Deadline never() {
  return CommitQueue::Deadline::max();
}

TEST(CommitQueue, TakesGroupsAndTasksInOrder) {
  CommitQueue queue(100);
  for (const std::size_t bytes : {10, 10, 30}) EXPECT_TRUE(queue.push(commit_of(bytes)));
  EXPECT_TRUE(queue.push(CommitQueue::Task([] {})));
  EXPECT_TRUE(queue.push(commit_of(10)));
  for (const std::size_t count : {2, 1, 1, 1}) {
    const auto items = queue.take(25, never());
    EXPECT_EQ(items.size(), count);
    queue.release(items);
  }
  EXPECT_TRUE(queue.push(commit_of(1000)));  // one is always admitted
  queue.close();
  EXPECT_FALSE(queue.push(commit_of(1)));
  EXPECT_FALSE(queue.drained());
  EXPECT_EQ(queue.take(25, never()).size(), 1U);
  EXPECT_TRUE(queue.drained());
  EXPECT_TRUE(queue.take(25, never()).empty());
}

// As the commit of a large epoch must get in while clients send without a pause.
TEST(CommitQueue, ALargeCommitGetsInAmongSmallOnes) {
  constexpr int kEnough = 5'000;
  CommitQueue queue(100);
  std::atomic<bool> is_in = false;
  std::atomic<int> small_ones = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      while (!is_in && small_ones++ < kEnough) queue.push(commit_of(20));
    });
  }
  std::thread consumer([&] {
    while (!queue.drained()) {
      queue.release(queue.take(20, never()));
      // Slower than the clients, if they get on: room is mostly taken again.
      for (int seen = small_ones, i = 0; seen == small_ones && i < 1000; ++i) {
        std::this_thread::yield();
      }
    }
  });
  while (small_ones < 100) std::this_thread::yield();
  EXPECT_TRUE(queue.push(commit_of(95)));
  is_in = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_LT(small_ones, kEnough);
  queue.close();
  consumer.join();
}

}  // namespace
}  // namespace gameflow::log
