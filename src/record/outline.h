// What values that are alike have in common. Internal to src/record.
//
// Threads  an Outline is immutable and shared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "record/json_scan.h"
#include "record/outlined.h"

namespace gameflow::record {

// What stands between two gaps.
enum class Part : std::uint8_t {
  kText,    // between the quotes of a string that has no escapes and is valid UTF-8
  kNumber,  // made of the characters of numbers, right or not
  kBool,    // true or false
  kJson,    // anything; in an outline a list
};

// An object without its parts.
struct Outline {
  // What needs more is stored as text.
  static constexpr std::size_t kPartsMax = 128;
  static constexpr std::size_t kGapBytesMax = 8U << 10;

  std::vector<std::string> gap_texts;  // one more than parts
  std::vector<Part> kinds;
  // The gaps to compare with, made of the texts.
  std::vector<Gap> gaps;
  std::string rests;

  void compile() {
    for (const std::string& text : gap_texts) gaps.push_back(Gap::of(text, rests));
  }
  bool operator==(const Outline& other) const {
    return gap_texts == other.gap_texts && kinds == other.kinds;
  }
};

}  // namespace gameflow::record
