#include "base/memory_limit.h"

#include <fstream>

#include <malloc.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/control_groups.h"

namespace gameflow {
namespace {

// Of address space a fifth stays free, for what nobody counts beforehand: a stack, a mapped file, a
// table that doubles.
constexpr std::uint64_t part_to_take(std::uint64_t bytes) {
  return bytes / 5 * 4;
}

constexpr std::uint64_t percent(std::uint64_t bytes, int percent) {
  return bytes / 100 * static_cast<std::uint64_t>(percent);
}

}  // namespace

std::uint64_t MemoryBounds::default_max() const {
  std::uint64_t least = UINT64_MAX;
  for (const auto& bound : {machine, control_group, address_space})
    least = std::min(least, bound.value_or(least));
  return part_to_take(least);
}

MemoryBounds read_memory_bounds(const std::string& root) {
  MemoryBounds bounds;
  std::ifstream info(root + "/proc/meminfo");
  for (std::string word; info >> word;) {
    std::uint64_t kib = 0;
    if (word == "MemTotal:" && info >> kib) bounds.machine = kib << 10;
  }
  bounds.control_group = control_group_memory_max(root);
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
    bounds.address_space = limit.rlim_cur;
  return bounds;
}

MemoryUse read_memory_use(bool counts_address_space) {
  static const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::uint64_t size = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  MemoryUse use{.resident = resident * page, .address_space = 0};
  if (counts_address_space) {
    // Blocks that were freed are there to be used again, though they may never be given back.
    const std::uint64_t free_in_heap = ::mallinfo2().fordblks;
    use.address_space = size * page - std::min(size * page, free_in_heap);
  }
  return use;
}

MemoryLimit::MemoryLimit(std::uint64_t bytes_max, std::optional<std::uint64_t> address_space_max)
    : max_(std::min(bytes_max, part_to_take(address_space_max.value_or(UINT64_MAX)))),
      address_space_max_(address_space_max) {}

MemoryLimit::Level MemoryLimit::observe(const MemoryUse& use, Duration steady) {
  used_ = use.resident;
  if (address_space_max_) {
    const std::uint64_t most = part_to_take(*address_space_max_);
    const std::uint64_t left = most - std::min(most, use.address_space);
    used_ = std::max(used_, max_ - std::min(max_, left));
  }
  // What a level that has begun needs to go on is less than what it needs to begin.
  const auto reaches = [this](Level level, int from) {
    return used_ >= percent(max_, level_ >= level ? from * kBelowPercent / 100 : from);
  };
  if (full_until_ && *full_until_ <= steady) full_until_.reset();
  if (full_until_ || reaches(Level::kFull, kFullPercent)) {
    level_ = Level::kFull;
  } else if (reaches(Level::kTight, kTightPercent)) {
    level_ = Level::kTight;
  } else {
    level_ = Level::kFine;
  }
  return level_;
}

void MemoryLimit::ran_out(Duration steady) {
  full_until_ = steady + kRanOutTime;
  level_ = Level::kFull;
}

}  // namespace gameflow
