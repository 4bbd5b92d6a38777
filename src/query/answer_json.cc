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

namespace {

template <class T, class Append>
void append_list(std::span<const T> items, Append append, std::string& out) {
  out += '[';
  for (const T& item : items) {
    if (&item != items.data()) out += ',';
    append(item, out);
  }
  out += ']';
}

}  // namespace

void append_json(std::span<const Value> row, std::string& out) {
  append_list(
      row, [](const Value& value, std::string& to) { append_json(value, to); }, out);
}

void append_json(std::span<const std::string> texts, std::string& out) {
  append_list(texts, record::encode_json_string, out);
}

}  // namespace gameflow::query
