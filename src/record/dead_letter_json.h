// A dead letter as JSON, member by member: docs/formats/dead-letter.md.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "base/hex.h"
#include "record/codec.h"

namespace gameflow::record {

class DeadLetterJson {
 public:
  // What is longer of a reason is cut off.
  static constexpr std::size_t kReasonBytesMax = 4096;

  explicit DeadLetterJson(std::string_view service) : json_("{\"service\":") {
    encode_json_string(service, json_);
  }

  void text(std::string_view name, std::string_view value) {
    fmt::format_to(std::back_inserter(json_), ",\"{}\":", name);
    encode_json_string(value, json_);
  }
  template <class Number>
  void number(std::string_view name, Number value) {
    fmt::format_to(std::back_inserter(json_), ",\"{}\":{}", name, value);
  }
  // As text where they are text, else as hexadecimal digits, so that nothing is lost.
  void bytes(std::string_view name, std::string_view value) {
    if (is_valid_utf8(value)) return text(name, value);
    fmt::format_to(std::back_inserter(json_), ",\"{}_hex\":\"{}\"", name, to_hex(value));
  }
  // `about` follows the reason in parentheses.
  void reason(std::string_view value, std::string_view about = {}) {
    std::string whole(value.substr(0, kReasonBytesMax));
    if (!about.empty()) whole += fmt::format(" ({})", about);
    text("reason", whole);
  }

  std::string take() && { return std::move(json_) + "}"; }

 private:
  std::string json_;
};

}  // namespace gameflow::record
