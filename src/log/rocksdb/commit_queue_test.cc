#include "log/rocksdb/commit_queue.h"

#include <vector>

#include <gtest/gtest.h>

namespace gameflow::log {
namespace {

CommitQueue::Item commit_of(std::size_t bytes) {
  CommitQueue::Submission submission;
  submission.commit.memory_bytes = bytes;
  return submission;
}

CommitQueue::Instant never() {
  return CommitQueue::Instant::max();
}

TEST(CommitQueue, TakesGroupsAndTasksInOrder) {
  CommitQueue queue;
  for (const std::size_t bytes : {10, 10, 30}) EXPECT_TRUE(queue.push(commit_of(bytes)));
  EXPECT_TRUE(queue.push(CommitQueue::Task([] {})));
  EXPECT_TRUE(queue.push(commit_of(10)));
  for (const std::size_t count : {2, 1, 1, 1}) {
    const auto items = queue.take(25, never());
    EXPECT_EQ(items.size(), count);
    queue.release();
  }
  EXPECT_TRUE(queue.push(commit_of(1000)));  // one is always taken
  queue.close();
  EXPECT_FALSE(queue.push(commit_of(1)));
  EXPECT_FALSE(queue.drained());
  EXPECT_EQ(queue.take(25, never()).size(), 1U);
  EXPECT_TRUE(queue.drained());
  EXPECT_TRUE(queue.take(25, never()).empty());
}

// As the commit of a large epoch among those of clients: it neither waits for room nor loses its
// turn.
TEST(CommitQueue, ALargeCommitKeepsItsPlace) {
  CommitQueue queue;
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.push(commit_of(20)));
  EXPECT_TRUE(queue.push(commit_of(1'000'000)));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.push(commit_of(20)));
  for (const std::size_t count : {4, 1, 4}) {
    EXPECT_EQ(queue.take(100, never()).size(), count);
    queue.release();
  }
}

TEST(CommitQueue, TellsWhatIsNotDoneYet) {
  CommitQueue queue;
  EXPECT_EQ(queue.waiting().since, std::nullopt);
  EXPECT_TRUE(queue.push(commit_of(20)));
  const auto first = queue.waiting().since;
  EXPECT_TRUE(queue.push(commit_of(10)));
  EXPECT_EQ(queue.waiting().bytes, 30U);
  EXPECT_EQ(queue.take(20, never()).size(), 1U);
  EXPECT_EQ(queue.waiting().bytes, 30U);
  EXPECT_EQ(queue.waiting().since, first);
  queue.release();
  EXPECT_EQ(queue.waiting().bytes, 10U);
  EXPECT_GE(queue.waiting().since, first);
  EXPECT_EQ(queue.take(20, never()).size(), 1U);
  queue.release();
  EXPECT_EQ(queue.waiting().bytes, 0U);
  EXPECT_EQ(queue.waiting().since, std::nullopt);
}

}  // namespace
}  // namespace gameflow::log
