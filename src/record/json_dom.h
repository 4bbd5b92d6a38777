// What simdjson's DOM parser says of a text, for tests that compare.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "record/codec.h"

namespace gameflow::record {

// JSON has numbers of any size and the DOM refuses those beyond 64 bits or a double. So it gets
// each run of digits outside of strings without what follows its second one: as right or wrong as
// before.
inline std::string shorten_numbers(std::string_view json) {
  std::string out;
  bool in_string = false;
  std::size_t digits = 0;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    digits = c >= '0' && c <= '9' ? digits + 1 : 0;
    if (in_string || digits <= 2) out += c;
    if (c == '"') in_string = !in_string;
    if (c == '\\' && i + 1 < json.size()) out += json[++i];
  }
  return out;
}

inline bool dom_accepts(std::string_view json) {
  // simdjson 3.12 skips it.
  if (json.starts_with("\xEF\xBB\xBF")) return false;
  static simdjson::dom::parser parser;
  // Its limit counts the level of scalars too.
  static const simdjson::error_code error =
      parser.allocate(std::size_t{1} << 20, kJsonDepthMax + 1);
  return error == simdjson::SUCCESS &&
         parser.parse(simdjson::padded_string(shorten_numbers(json))).error() == simdjson::SUCCESS;
}

}  // namespace gameflow::record
