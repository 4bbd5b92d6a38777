#include "connect/positions.h"

#include <charconv>

#include <boost/json.hpp>
#include <fmt/format.h>

namespace gameflow::connect {

namespace json = boost::json;

std::string to_json(const Positions& positions) {
  json::object object;
  for (const auto& [place, offset] : positions)
    object[fmt::format("{}/{}", place.first, place.second)] = offset;
  return json::serialize(object);
}

Result<Positions> parse_positions(std::string_view text) {
  Positions positions;
  if (text.empty()) return positions;
  const auto corrupt = [&] {
    return fail(ErrorCode::kDataCorrupt,
                "the stored position of this connector is not that of a sink: another connector "
                "has had its name. Choose another one, or remove it with 'gameflow connector "
                "delete'");
  };
  boost::system::error_code error;
  const json::value value = json::parse(text, error);
  if (error || !value.is_object()) return corrupt();
  for (const auto& item : value.get_object()) {
    const std::string_view key = item.key();
    const std::size_t slash = key.rfind('/');
    if (slash == std::string_view::npos) return corrupt();
    const std::string_view digits = key.substr(slash + 1);
    std::uint32_t partition = 0;
    const auto [end, parse_error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), partition);
    const auto offset = item.value().to_number<std::uint64_t>(error);
    if (parse_error != std::errc() || end != digits.data() + digits.size() || error)
      return corrupt();
    positions[{std::string(key.substr(0, slash)), partition}] = offset;
  }
  return positions;
}

}  // namespace gameflow::connect
