// Which partition a record with a key goes to. Part of the format: docs/formats/partitioning.md.
#pragma once

#include <cstdint>
#include <string_view>

namespace gameflow::log {

// `partitions` >= 1.
std::uint32_t partition_of(std::string_view key, std::uint32_t partitions);

}  // namespace gameflow::log
