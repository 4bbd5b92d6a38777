// Records on their way to the shards of their keys.
//
// One worker places the records of a chunk: its builder takes them in order, then sorts them by
// shard into the exchange. Each shard then takes its own from all chunks, in order of chunk. What
// an update needs of a record is copied out while it is in the cache: fetched from columns, record
// by record, it costs four cache misses each (update 390 to 210 ms per 2 M events). It is copied as
// one, beside its key: there are so many shards that each column more is a cache line more to
// write.
//
// Threads  an exchange is filled by one worker, then read by many; a builder is a worker's own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <boost/container/vector.hpp>

#include "base/time.h"
#include "record/arena.h"
#include "state/layout.h"
#include "state/table.h"
#include "window/assigner.h"

namespace gameflow::runtime {

class Exchange {
 public:
  struct Record {
    const void* value;
    Timestamp time;
    std::uint32_t window;  // number in windows()
    std::uint32_t record;  // in the chunk
    std::uint32_t number;  // among what left the chain
  };
  // Of one shard: of each record its key, and the rest.
  struct Records {
    const state::Probe* probes;
    const Record* records;
    std::size_t size;

    // Behind `begin`, at most `most` records further, where another window begins.
    std::size_t end_of_window(std::size_t begin, std::size_t most) const;
  };

  void clear();

  Records shard(std::uint32_t number) const;
  // Bit s: shard s has records.
  std::uint64_t shards() const { return shards_mask_; }
  // The windows that records fall into, each once.
  const std::vector<window::Span>& windows() const { return windows_; }
  std::size_t size() const { return shard_begin_[state::kShards]; }

 private:
  friend class ExchangeBuilder;

  // Room that is not filled as it is made.
  template <class T>
  using Column = boost::container::vector<T>;

  std::vector<window::Span> windows_;
  // By shard.
  Column<state::Probe> probes_;
  Column<Record> records_;
  Column<char> key_bytes_;
  std::uint32_t shard_begin_[state::kShards + 1] = {};
  std::uint64_t shards_mask_ = 0;
  static_assert(state::kShards == 64);
};

// Fills one exchange after the other; what has not been sorted lies in the same memory, for each
// chunk, so that it is in the caches.
class ExchangeBuilder {
 public:
  // `out` is empty; all keys get `suffix` behind them.
  void begin(Exchange& out, std::string_view suffix);
  // Of a window in out.windows(), where it is from now on.
  std::uint32_t number_of(window::Span window);
  // `key` and `value` must stay until finish(); `window` is a number of one.
  void add(std::string_view key, std::uint32_t window, const void* value, Timestamp time,
           std::uint32_t record, std::uint32_t number);
  void finish();

 private:
  std::string_view with_suffix(std::string_view key);
  void count();

  // As it was added.
  struct Placed {
    state::Probe probe;
    Exchange::Record record;
  };

  // Where the next record of a shard goes: a place in the two columns, and in key_bytes_.
  struct Place {
    std::uint32_t record = 0, key = 0;
  };

  Exchange* out_ = nullptr;
  std::string suffix_;
  std::vector<Placed> placed_;
  std::vector<std::uint8_t> shards_;  // of placed_, once counted
  Place next_[state::kShards];
  record::BlockArena keys_;  // those that have got a suffix
};

}  // namespace gameflow::runtime
