#include "spec/json_layout.h"

#include <string_view>

#include <fmt/format.h>

namespace gameflow::spec {
namespace {

namespace json = boost::json;

void print(const json::value& value, IsFlat is_flat, const std::string& indent, std::string& out) {
  if (is_flat(value, indent.size())) {
    out += json::serialize(value);
    return;
  }
  const std::string inner = indent + "  ";
  std::string_view separator = "\n";
  out += value.is_object() ? "{" : "[";
  const auto print_one = [&](std::string_view key, const json::value& item) {
    out += separator;
    out += inner;
    if (value.is_object()) out += json::serialize(json::string(key)) + ": ";
    print(item, is_flat, inner, out);
    separator = ",\n";
  };
  if (value.is_object()) {
    for (const auto& member : value.get_object()) print_one(member.key(), member.value());
  } else {
    for (const json::value& item : value.get_array()) print_one({}, item);
  }
  out += fmt::format("\n{}{}", indent, value.is_object() ? "}" : "]");
}

}  // namespace

std::string json_lines(const json::value& value, IsFlat is_flat) {
  std::string out;
  print(value, is_flat, "", out);
  return out + "\n";
}

}  // namespace gameflow::spec
