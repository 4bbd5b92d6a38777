#include "connect/support/positions_json.h"

#include <fmt/format.h>

#include "base/number.h"
#include "connect/support/json_value.h"

namespace gameflow::connect {
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
    if (slash == std::string::npos) return std::nullopt;
    const auto partition = to_number<std::uint32_t>(std::string_view(name).substr(slash + 1));
    const auto next = to_number<std::uint64_t>(offset.raw());
    if (!partition || !next) return std::nullopt;
    positions[{name.substr(0, slash), *partition}] = *next;
  }
  return positions;
}

}  // namespace gameflow::connect
