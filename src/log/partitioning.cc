#include "log/partitioning.h"

#include <bit>

#include <xxhash.h>

namespace gameflow::log {

std::uint32_t partition_of(std::string_view key, std::uint32_t partitions) {
  const std::uint64_t hash = XXH3_64bits(key.data(), key.size());
  // The same without a division, for the usual numbers.
  if (std::has_single_bit(partitions)) return static_cast<std::uint32_t>(hash) & (partitions - 1);
  return static_cast<std::uint32_t>(hash % partitions);
}

}  // namespace gameflow::log
