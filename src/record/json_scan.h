// Where values of JSON end, found without tokens, and the comparison of what lies between them.
// Internal to src/record.
//
// All texts are readable for kPaddingBytes past their end.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <simdjson.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "record/batch.h"

namespace gameflow::record {

// Bytes of a gap that are compared at once.
inline constexpr std::size_t kGapHeadBytes = 32;

namespace scan {

static_assert(std::endian::native == std::endian::little);

// Of a block of kBlock bytes: where quotes, backslashes, control characters and bytes beyond ASCII
// are, kBits for each byte, the first one lowest; exact up to the first one that is set.
#ifdef __SSE2__
inline constexpr std::size_t kBlock = 16, kBits = 1;

inline __m128i load(const char* at) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
}

inline std::uint64_t stops_of(const char* at) {
  const __m128i block = load(at);
  // Signed, so that all beyond ASCII is less than a blank, too.
  const __m128i odd = _mm_cmplt_epi8(block, _mm_set1_epi8(' '));
  const __m128i quotes = _mm_cmpeq_epi8(block, _mm_set1_epi8('"'));
  const __m128i escapes = _mm_cmpeq_epi8(block, _mm_set1_epi8('\\'));
  return static_cast<std::uint32_t>(
      _mm_movemask_epi8(_mm_or_si128(odd, _mm_or_si128(quotes, escapes))));
}

// Whether the kGapHeadBytes at `at` are those of `head` wherever `mask` has ones.
inline bool is_masked(const char* at, const char* head, const char* mask) {
  const auto differ = [&](std::size_t i) {
    return _mm_xor_si128(_mm_and_si128(load(at + i), load(mask + i)), load(head + i));
  };
  const __m128i none = _mm_cmpeq_epi8(_mm_or_si128(differ(0), differ(16)), _mm_setzero_si128());
  return _mm_movemask_epi8(none) == 0xFFFF;
}
#else
inline constexpr std::size_t kBlock = 8, kBits = 8;

inline std::uint64_t stops_of(const char* at) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kHighs = 0x8080808080808080;
  std::uint64_t word;
  std::memcpy(&word, at, sizeof word);
  const std::uint64_t quotes = word ^ (kOnes * '"'), escapes = word ^ (kOnes * '\\');
  return (((quotes - kOnes) & ~quotes) | ((escapes - kOnes) & ~escapes) | (word - kOnes * ' ') |
          word) &
         kHighs;
}

inline bool is_masked(const char* at, const char* head, const char* mask) {
  char differ = 0;
  for (std::size_t i = 0; i < kGapHeadBytes; ++i) differ |= (at[i] & mask[i]) ^ head[i];
  return differ == 0;
}
#endif
static_assert(kBlock <= kPaddingBytes && kGapHeadBytes + 8 <= kPaddingBytes);

// As end_of_string(), for one that has bytes beyond ASCII.
[[gnu::noinline]] inline const char* end_of_other_string(const char* begin, const char* end) {
  const std::string_view rest(begin, static_cast<std::size_t>(end - begin));
  const std::string_view text = rest.substr(0, rest.find('"'));
  bool odd = text.size() == rest.size();
  for (const char c : text) odd |= static_cast<unsigned char>(c) < 0x20 || c == '\\';
  if (odd || !simdjson::validate_utf8(text.data(), text.size())) return nullptr;
  return text.data() + text.size();
}

// The closing quote of the string whose first byte is at `begin`; null if there is none before
// `end`, or an escape or a control character before it, or no UTF-8.
inline const char* end_of_string(const char* const begin, const char* end) {
  for (const char* at = begin; at < end; at += kBlock) {
    const std::uint64_t stops = stops_of(at);
    if (stops == 0) continue;
    const char* stop = at + static_cast<std::size_t>(std::countr_zero(stops)) / kBits;
    if (stop >= end) return nullptr;
    if (*stop == '"') return stop;
    return (*stop & 0x80) != 0 ? end_of_other_string(begin, end) : nullptr;
  }
  return nullptr;
}

inline bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

inline bool is_of_number(char c) {
  return (c >= '0' && c <= '9') || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E';
}

// One past the number at `at`, whether it is right or not; null if it might go on behind `end`.
inline const char* end_of_number(const char* at, const char* end) {
  while (at < end && is_of_number(*at)) ++at;
  return at < end ? at : nullptr;
}

// One past `true` or `false`, or null. May be behind the end of the text.
inline const char* end_of_bool(const char* at) {
  if (std::memcmp(at, "true", 4) == 0) return at + 4;
  return std::memcmp(at, "false", 5) == 0 ? at + 5 : nullptr;
}

}  // namespace scan

// What lies between two values. The head is compared under its mask, without a branch; only what a
// longer one has beyond that needs memcmp.
struct Gap {
  char head[kGapHeadBytes] = {};
  char mask[kGapHeadBytes] = {};
  std::uint32_t size = 0;
  std::uint32_t begin = 0;  // of the rest, in a string shared by many

  // The rest is appended to `rests`.
  static Gap of(std::string_view text, std::string& rests) {
    Gap gap;
    const std::size_t head = std::min(text.size(), kGapHeadBytes);
    gap.size = static_cast<std::uint32_t>(text.size());
    gap.begin = static_cast<std::uint32_t>(rests.size());
    std::memcpy(gap.head, text.data(), head);
    std::memset(gap.mask, 0xFF, head);
    rests.append(text, head);
    return gap;
  }

  // Whether the text from `at` to `end` begins with it.
  bool begins(const char* at, const char* end, const char* rests) const {
    if (!scan::is_masked(at, head, mask) || end - at < static_cast<std::ptrdiff_t>(size)) {
      return false;
    }
    return size <= kGapHeadBytes ||
           std::memcmp(at + kGapHeadBytes, rests + begin, size - kGapHeadBytes) == 0;
  }
};

}  // namespace gameflow::record
