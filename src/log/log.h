// Reading topics, and hearing that there is more to read.
//
// Units    sizes are bytes of memory.
// Threads  every method may be called from any thread. None waits for a commit; reading may wait
//          for the disk. Listeners run on the store's commit thread: they must be quick, and may
//          submit but not wait for it.
// Errors   returned.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/error.h"
#include "log/topics.h"
#include "record/batch.h"

namespace gameflow::log {

using record::BatchPtr;

// What a read found.
struct ReadResult {
  std::vector<BatchPtr> batches;  // whole ones, oldest first
  Offset next;                    // where to go on, past gaps behind the last record as well
  bool at_end = false;            // `next` is where the partition ended
};

class Log {
 public:
  virtual ~Log() = default;

  // What there is to read. kTopicNotFound, kInvalidArgument (no such partition)
  virtual Result<PartitionInfo> partition(TopicId topic, std::uint32_t partition) const = 0;

  // Batches from the one with the first record at or after `from`: at least one if there is such a
  // record, then more up to `bytes_max` of memory. The first one may begin with earlier records
  // (Batch::index_of tells). No batch: there is no more record for now. Recent batches come from
  // memory.
  //   kTopicNotFound, kInvalidArgument (no such partition)
  //   kOffsetOutOfRange  `from` is before begin (retention) or past end
  //   kDataCorrupt       a stored batch fails its checksum; the message names topic, partition
  //                      and offset
  virtual Result<ReadResult> read(TopicId topic, std::uint32_t partition, Offset from,
                                  std::size_t bytes_max) const = 0;

  // Where the batches begin that were appended at `time` or later; the partition's end if there are
  // none. Append times never fall, so it is found in a few looks. Errors as read().
  virtual Result<Offset> find_appended(TopicId topic, std::uint32_t partition,
                                       Timestamp time) const = 0;

  // `changed(topic)` runs after every commit with records for the topic, once they are readable,
  // and when the topic is deleted. Returns a number for unlisten; unlisten returns after the last
  // call has.
  using ListenerId = std::uint64_t;
  using Listener = std::function<void(TopicId)>;
  virtual ListenerId listen(Listener changed) = 0;
  virtual void unlisten(ListenerId id) = 0;
};

}  // namespace gameflow::log
