#include "log/partitioning.h"

#include <xxhash.h>

namespace gameflow::log {

std::uint32_t partition_of(std::string_view key, std::uint32_t partitions) {
  return static_cast<std::uint32_t>(XXH3_64bits(key.data(), key.size()) % partitions);
}

}  // namespace gameflow::log
