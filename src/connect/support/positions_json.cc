#include "connect/support/positions_json.h"

#include <charconv>

#include <fmt/format.h>

#include "connect/support/json_value.h"

namespace gameflow::connect {
namespace {

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

}  // namespace

std::string to_json(const Positions& positions) {
  std::string out = "{";
  for (const auto& [place, offset] : positions) {
    if (out.size() > 1) out += ',';
    append_json_text(out, fmt::format("{}/{}", place.first, place.second));
    out += fmt::format(":{}", offset);
  }
  return out + "}";
}

std::optional<Positions> positions_from_json(std::string_view json) {
  const std::optional<JsonValue> value = JsonValue::parse(json);
  if (!value || !value->is(JsonValue::Kind::kObject)) return std::nullopt;
  Positions positions;
  for (const auto& [name, offset] : value->members()) {
    const std::size_t slash = name.rfind('/');
    std::uint32_t partition = 0;
    std::uint64_t next = 0;
    if (slash == std::string::npos ||
        !read_number(std::string_view(name).substr(slash + 1), partition) ||
        !read_number(offset.raw(), next))
      return std::nullopt;
    positions[{name.substr(0, slash), partition}] = next;
  }
  return positions;
}

}  // namespace gameflow::connect
