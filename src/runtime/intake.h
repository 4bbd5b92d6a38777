// Fetches what is new for all services, and cuts it into chunks. A partition that several services
// read from one place is read once.
//
// Threads  one; reading itself runs on the pool.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <span>
#include <tuple>
#include <vector>

#include "base/error.h"
#include "log/store.h"
#include "plan/graph.h"
#include "record/batch.h"
#include "runtime/epoch.h"
#include "runtime/epoch_size.h"
#include "runtime/task.h"
#include "runtime/worker_pool.h"

namespace gameflow::runtime {

class Intake {
 public:
  struct Limits {
    std::size_t epoch_bytes_max;    // an epoch has no more input
    std::size_t epoch_bytes_small;  // one of less, which might have been larger, is small
  };
  Intake(log::Store& store, WorkerPool& pool, const Limits& limits)
      : store_(store),
        pool_(pool),
        small_bytes_(limits.epoch_bytes_small),
        size_(limits.epoch_bytes_max) {}

  // Fills the epoch's readings, and of each service its deliveries and next offsets. As much
  // as EpochSize says, `bytes_max` at most, and at least one batch of each partition that has one;
  // every partition gets an equal share, and what some leave goes to those that have more. Nothing
  // for services that are held: a partition that has something for them is not silent. Behind a
  // small epoch it reads without the help of workers. Errors as log::Store::read.
  Status read(std::span<const std::unique_ptr<ServiceTask>> tasks, std::size_t bytes_max,
              EpochMemory& memory, Epoch& epoch);
  bool was_small() const { return was_small_; }
  // What was read is worked off, and so many bytes were made of it.
  void note(const Epoch& epoch, std::uint64_t made_bytes) {
    size_.note(epoch.bytes, made_bytes, epoch.seconds.sum());
  }

 private:
  struct Reader {
    std::size_t service;
    std::uint32_t input;
  };
  // A partition from one offset on.
  struct Feed {
    const plan::Topic* topic;
    log::TopicId id;
    std::uint32_t partition;
    log::Offset from, next;
    std::vector<Reader> readers;
    std::vector<record::BatchPtr> batches;
    std::size_t bytes = 0;
    std::uint64_t expired = 0;  // offsets that retention took before they were read
  };
  using Feeds = std::vector<Feed>;

  Result<Feeds> find_feeds(std::span<const std::unique_ptr<ServiceTask>> tasks, Epoch& epoch) const;
  Status hold_back(const Input& input, std::uint32_t number, const Epoch& epoch,
                   Positions& positions) const;
  Status fetch(const std::vector<Feed*>& feeds, std::size_t bytes_max);
  Status fetch(Feed& feed, std::size_t bytes_max) const;
  static void cut(Feed& feed, EpochMemory& memory, Epoch& epoch);
  static void deliver(const Feed& feed, Epoch& epoch);

  log::Store& store_;
  WorkerPool& pool_;
  const std::size_t small_bytes_;
  EpochSize size_;
  bool was_small_ = true;
};

}  // namespace gameflow::runtime
