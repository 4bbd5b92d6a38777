// The keys of the records that one shard takes in an epoch, numbered by window: services that begin
// alike look each of them up once, not once a record.
//
// Ten services over 2 M events of 100,000 keys: 72 ns a record and service without it.
//
// Threads  belongs to one worker.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "runtime/delivery.h"
#include "state/table.h"

namespace gameflow::runtime {

class KeyNumbers {
 public:
  struct Window {
    Timestamp start;
    std::vector<state::Probe> keys;  // by number, each once, in order of their first records
  };

  // The keys and texts of the deliveries' exchanges must stay. Once more for the same does nothing,
  // until forget().
  void count(std::span<const Delivery* const> deliveries, std::uint32_t shard);
  void forget() { placements_.clear(); }

  std::span<const Window> windows() const { return {windows_.data(), windows_used_}; }
  // Of the records of all deliveries, in their order: the numbers of their keys in their windows.
  std::span<const std::uint32_t> numbers() const { return numbers_; }

 private:
  struct Slot {
    std::uint32_t window = 0;
    std::uint32_t number_and_one = 0;  // 0: free
  };

  std::uint32_t window_number(Timestamp start);
  std::uint32_t number_of(const state::Probe& probe, std::uint32_t window);

  std::uint32_t shard_ = 0;
  std::vector<const Placement*> placements_;
  std::vector<Window> windows_;  // kept for their memory
  std::size_t windows_used_ = 0;
  std::vector<std::uint32_t> numbers_;
  std::vector<Slot> slots_;  // a power of two, by hash
};

// Whether services that get these have the same records.
bool are_alike(std::span<const Delivery* const> one, std::span<const Delivery* const> other);

}  // namespace gameflow::runtime
