#include "record/arena.h"

#include <algorithm>
#include <new>
#include <utility>

namespace gameflow::record {
namespace {

constexpr std::size_t kBlockBytesMax = 4U << 20;
}  // namespace

BlockArena::BlockArena(std::size_t block_bytes_min) : block_bytes_min_(block_bytes_min) {
  grow = &grow_block;
}

void BlockArena::use(const Block& block) {
  cursor = block.data.get();
  end = cursor + block.size;
}

bool BlockArena::grow_block(Arena* arena, std::size_t size) {
  auto& self = *static_cast<BlockArena*>(arena);
  for (std::size_t i = self.used_; i < self.blocks_.size(); ++i) {
    if (self.blocks_[i].size < size) continue;
    if (!self.allowance_.take(self.blocks_[i].size)) return false;
    std::swap(self.blocks_[i], self.blocks_[self.used_]);
    self.use(self.blocks_[self.used_++]);
    return true;
  }
  const std::size_t wanted =
      std::clamp(self.capacity_bytes_, self.block_bytes_min_, kBlockBytesMax);
  Block block{nullptr, std::max(size, wanted)};
  if (!self.allowance_.take(block.size)) return false;
  block.data.reset(new (std::nothrow) char[block.size]);
  if (block.data == nullptr) return false;
  self.blocks_.push_back(std::move(block));  // may throw
  self.capacity_bytes_ += self.blocks_.back().size;
  self.use(self.blocks_.back());
  std::swap(self.blocks_.back(), self.blocks_[self.used_++]);
  return true;
}

bool BlockArena::contains(const char* data) const {
  return std::ranges::any_of(blocks_, [data](const Block& block) {
    return data >= block.data.get() && data < block.data.get() + block.size;
  });
}

void BlockArena::reset(std::size_t keep_bytes_max) {
  while (capacity_bytes_ > keep_bytes_max && !blocks_.empty()) {
    capacity_bytes_ -= blocks_.back().size;
    blocks_.pop_back();
  }
  used_ = 0;
  cursor = end = nullptr;
  allowance_.give_back();
}

}  // namespace gameflow::record
