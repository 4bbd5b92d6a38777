#include "query/answer_json.h"

#include <cmath>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

#include "record/codec.h"

namespace gameflow::query {

void append_json(const Value& value, std::string& out) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    fmt::format_to(std::back_inserter(out), "{}", *integer);
  } else if (const auto* real = std::get_if<double>(&value);
             real != nullptr && std::isfinite(*real)) {
    fmt::format_to(std::back_inserter(out), "{}", *real);
  } else if (const auto* digits = std::get_if<Digits>(&value)) {
    out += digits->text;
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    record::encode_json_string(*text, out);
  } else {
    out += "null";
  }
}

void append_json(std::span<const Value> row, std::string& out) {
  out += '[';
  for (const Value& value : row) {
    if (&value != row.data()) out += ',';
    append_json(value, out);
  }
  out += ']';
}

}  // namespace gameflow::query
