// The one stream of events that all clients of the web API see: numbered from 0, the newest of them
// in memory.
//
// A record is `{"key":…,"event":…}` and a blank line. An event that was damaged on its way, and is
// no JSON, stands there as a text.
//
// Threads  any.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/mutex.h"
#include "base/time.h"
#include "generate/feed.h"
#include "serve/messages.h"

namespace gameflow::app {

struct EventStreamOptions {
  std::string name;
  // Up to which time of the feed events have arrived by now.
  std::function<Timestamp()> until;
  // They are made when somebody wants them, not when advance() is called.
  bool on_demand = false;
  std::size_t bytes_max = 256U << 20;    // in memory
  std::size_t block_bytes = 128U << 10;  // of a message, about
};

class EventStream {
 public:
  using Options = EventStreamOptions;
  EventStream(std::unique_ptr<generate::Feed> feed, Options options);

  const std::string& name() const { return options_.name; }

  // Makes what has arrived by now; where that happens on demand, tells those that wait for it.
  // Called again and again.
  void advance();

  struct Range {
    std::uint64_t begin, end;  // of the records in memory
  };
  Range range() const;

  // Records from number `first` on, as they come; where it was dropped, or is dropped before it was
  // sent, next() fails with kOffsetOutOfRange.
  std::unique_ptr<serve::Messages> follow(std::uint64_t first,
                                          const std::shared_ptr<serve::Waiter>& waiter);

  struct Event {
    std::uint64_t number;
    std::string json;
  };
  // The newest of its kind; nothing: there is none yet.
  std::optional<Event> newest(generate::EventKind kind);

 private:
  // Records one behind the other.
  struct Block {
    std::uint64_t first = 0, count = 0;
    std::string text;
    std::uint64_t end() const { return first + count; }
  };
  using BlockPtr = std::shared_ptr<const Block>;
  class Cursor;

  struct Found {
    BlockPtr block;      // null: the record does not exist yet,
    bool never = false;  // and never will
  };
  Result<Found> find(std::uint64_t number);
  // Some events of those that have arrived; false: there are none.
  bool make() GF_REQUIRES(mutex_);
  void append(Block block) GF_REQUIRES(mutex_);
  void wake() GF_REQUIRES(mutex_);

  const Options options_;
  mutable Mutex mutex_;
  std::unique_ptr<generate::Feed> feed_ GF_GUARDED_BY(mutex_);
  std::deque<BlockPtr> blocks_ GF_GUARDED_BY(mutex_);
  std::size_t bytes_ GF_GUARDED_BY(mutex_) = 0;
  std::uint64_t end_ GF_GUARDED_BY(mutex_) = 0;
  bool ended_ GF_GUARDED_BY(mutex_) = false;
  std::array<std::optional<Event>, generate::kEventKinds> newest_ GF_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<serve::Waiter>> waiters_ GF_GUARDED_BY(mutex_);
};

}  // namespace gameflow::app
