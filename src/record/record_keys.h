// Internal to src/record.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace gameflow::record {

// When the records of a batch were made, and their keys.
struct RecordKeys {
  struct Entry {
    std::int64_t timestamp_ms;
    std::uint32_t key_begin, key_size;  // key_size == kNoKey: the record has none
  };
  static constexpr std::uint32_t kNoKey = UINT32_MAX;

  const Entry* entries = nullptr;
  const char* bytes = nullptr;  // where key_begin counts from

  bool has(std::size_t record) const { return entries[record].key_size != kNoKey; }
  std::string_view operator[](std::size_t record) const {
    return {bytes + entries[record].key_begin, entries[record].key_size};
  }
};

}  // namespace gameflow::record
