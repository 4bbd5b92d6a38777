// Which services get no input because memory is full, and how large epochs may be.
//
// A service whose state is more than its equal share of the limit is at fault; where there is none,
// the one with the largest state. Others go on. Who is held stays so until memory is no longer
// full: windows that close give it back.
//
// Threads  one, that runs epochs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/memory_watch.h"

namespace gameflow::runtime {

// By service, from the bytes of their states; none has a state: nobody.
std::vector<bool> services_at_fault(std::span<const std::uint64_t> state_bytes,
                                    std::uint64_t memory_max);

class MemoryHold {
 public:
  // `watch` outlives the hold; null: memory is never full.
  MemoryHold(MemoryWatch* watch, std::vector<std::string> services);

  // After each epoch, and before the first.
  void look(std::span<const std::uint64_t> state_bytes);
  // The epoch ran out of memory.
  void ran_out();

  // Whether the process has grown by a quarter, and 64 MiB, since note_given_back(): then what was
  // freed is worth giving back, which takes a while. False where nobody watches.
  bool has_grown() const;
  void note_given_back();

  bool holds(std::size_t service) const { return held_[service]; }
  // Of input for an epoch, which takes several times as much while it lasts.
  std::size_t input_bytes_max() const;

  // What the functions of an epoch may make, and what is decoded for them: half of what is left,
  // and at most 1 GiB where the epoch can be made smaller.
  std::uint64_t made_bytes_max() const;
  // Of so much input they made more than that: the next epochs are smaller. False: it was the least
  // already.
  bool made_too_much(std::size_t input_bytes, std::uint64_t made_bytes_max);
  // An epoch that was not: the next ones may be larger.
  void fitted();

 private:
  void hold(std::span<const std::uint64_t> state_bytes);
  void release();

  MemoryWatch* const watch_;
  const std::vector<std::string> services_;
  std::vector<bool> held_;
  std::uint64_t given_back_at_ = 0;         // what was used then
  std::size_t input_bytes_max_ = SIZE_MAX;  // for all that is made of it to have room
};

}  // namespace gameflow::runtime
