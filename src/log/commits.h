// What an epoch of the engine writes: its output and its state, at once.
//
// Threads  any but the commit thread: commit() waits for its result.
// Errors   returned. kDiskFull, kDataUnwritable, kClosed and kTopicNotFound leave nothing behind;
//          after kOutcomeUnknown the commit may or may not survive, and every later one fails the
//          same way until the store is reopened.
#pragma once

#include <vector>

#include "base/error.h"
#include "log/append.h"
#include "log/state_kv.h"

namespace gameflow::log {

// All of it happens, or none. Erasures are applied before puts.
struct Commit {
  std::vector<Append> appends;
  std::vector<KeyRange> erase;
  std::vector<KeyValue> put;
  // Who commits it would do the same again from what was durable before: without appends it gets no
  // fsync of its own. Power loss may take it back, with all that was committed behind it, until
  // another commit is durable, or for 1 s.
  bool is_repeatable = false;
};

class Commits {
 public:
  virtual ~Commits() = default;

  // Returns when the commit is readable and as durable as the store's setting says (where it is not
  // repeatable). It takes its turn behind what was submitted before it, however large it is.
  // kDiskFull, kDataUnwritable, kClosed, kTopicNotFound, kInvalidArgument (no such partition, an
  // empty batch), kOutcomeUnknown
  virtual Result<CommitAck> commit(Commit commit) = 0;
};

}  // namespace gameflow::log
