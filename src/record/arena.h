// The engine's side of gameflow::Arena: owns the blocks that operators and decoders bump through.
//
// Threads  one thread at a time.
// Errors   no more memory, or the allowance of the thread's work has ended (base/memory_reserve.h).
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include <gameflow/arena.h>

#include "base/memory_reserve.h"

namespace gameflow::record {

class BlockArena final : public Arena {
 public:
  // The first blocks are `block_bytes_min` large; they grow with what is held, up to 4 MiB.
  explicit BlockArena(std::size_t block_bytes_min = 64U << 10);
  BlockArena(const BlockArena&) = delete;  // `grow` knows this object by its address
  BlockArena& operator=(const BlockArena&) = delete;

  // Forgets everything allocated so far. Keeps blocks for reuse, up to `keep_bytes_max` bytes.
  void reset(std::size_t keep_bytes_max = 64U << 20);

  // True where `data` lies in a block of this arena.
  bool contains(const char* data) const;

  // Bytes of all blocks held.
  std::size_t capacity_bytes() const { return capacity_bytes_; }

 private:
  struct Block {
    std::unique_ptr<char[]> data;
    std::size_t size;
  };
  static bool grow_block(Arena* self, std::size_t size);
  void use(const Block& block);

  std::vector<Block> blocks_;
  std::size_t block_bytes_min_;
  std::size_t used_ = 0;  // blocks_[0, used_) have been handed out since the last reset
  std::size_t capacity_bytes_ = 0;
  AllowanceShare allowance_;  // for the blocks that have been handed out
};

}  // namespace gameflow::record
