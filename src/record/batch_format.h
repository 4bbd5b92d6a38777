// The bytes of a batch (docs/formats/batch.md), as both sides need them. Internal to src/record.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <xxhash.h>

#include "record/batch.h"

namespace gameflow::record {

static_assert(std::endian::native == std::endian::little,
              "batches are little-endian, as in memory");

inline constexpr char kMagic[3] = {'G', 'F', 'B'};
// Of the values in the body, and what is behind the header: as it is, or compressed.
enum class BodyCodec : std::uint8_t { kText = 0, kTextLz4 = 1, kColumns = 2, kColumnsLz4 = 3 };

inline bool is_compressed(BodyCodec codec) {
  return codec == BodyCodec::kTextLz4 || codec == BodyCodec::kColumnsLz4;
}
inline bool has_columns(BodyCodec codec) {
  return codec == BodyCodec::kColumns || codec == BodyCodec::kColumnsLz4;
}
// Columns came with version 2.
inline std::uint8_t version_of(BodyCodec codec) {
  return has_columns(codec) ? 2 : 1;
}
inline constexpr int kVersionMax = 2;

struct Header {
  char magic[3];
  std::uint8_t version;
  std::uint32_t checksum_low, checksum_high;  // two halves: as one number it would need padding
  BodyCodec codec;
  std::uint8_t reserved[3];
  std::uint32_t count;
  std::uint32_t entries_size, keys_size, values_size;  // as they lie in the body
  std::int64_t appended_at_ms, first_timestamp_ms;

  std::uint64_t body_size() const { return std::uint64_t{entries_size} + keys_size + values_size; }
};
static_assert(sizeof(Header) == 48 && std::is_trivially_copyable_v<Header>);
inline constexpr std::size_t kChecksumEnd = 12;

// An entry is two or three varints: at least a byte each, at most ten.
inline constexpr std::size_t kEntryBytesMin = 2;
inline constexpr std::size_t kEntryBytesMax = 30;
static_assert(kEntryBytesMax <= kPaddingBytes, "read_varint relies on it");

// LZ4 cannot make more than 255 bytes of one. It keeps a forged header from reserving gigabytes.
inline constexpr std::uint64_t kLz4RatioMax = 255;

inline std::uint64_t zigzag(std::uint64_t delta) {
  return (delta << 1) ^ (0 - (delta >> 63));
}

inline std::uint64_t unzigzag(std::uint64_t code) {
  return (code >> 1) ^ (0 - (code & 1));
}

inline char* write_varint(char* out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) *out++ = static_cast<char>(value | 0x80);
  *out++ = static_cast<char>(value);
  return out;
}

// Reads up to ten bytes without a bound: the caller checks afterwards that it stayed inside, as the
// buffer is padded. Bits past 64 are lost; what a wrong number leads to is checked by the caller.
inline const char* read_varint(const char* in, std::uint64_t& value) {
  auto byte = static_cast<std::uint8_t>(*in++);
  value = byte & 0x7FU;
  for (unsigned shift = 7; (byte & 0x80U) != 0 && shift < 64; shift += 7) {
    byte = static_cast<std::uint8_t>(*in++);
    value |= std::uint64_t{byte & 0x7FU} << shift;
  }
  return in;
}

inline std::uint64_t checksum_of(std::string_view encoded) {
  return XXH3_64bits(encoded.data() + kChecksumEnd, encoded.size() - kChecksumEnd);
}

inline void write_checksum(std::string& encoded) {
  const std::uint64_t checksum = checksum_of(encoded);
  std::memcpy(encoded.data() + offsetof(Header, checksum_low), &checksum, sizeof checksum);
}

}  // namespace gameflow::record
