#include "connect/support/record_time.h"

#include <gameflow/time.h>

namespace gameflow::connect {

std::optional<std::int64_t> time_ms_of(const JsonValue& value) {
  if (const auto number = value.number()) {
    constexpr double kSecondsMax = 1e11;
    const double ms = *number < kSecondsMax ? *number * 1000 : *number;
    if (ms < 0 || ms >= kSecondsMax * 1000) return std::nullopt;
    return static_cast<std::int64_t>(ms);
  }
  const std::string text = value.text();
  std::int64_t ms = 0;
  if (!parse_time(std::string_view(text), &ms)) return std::nullopt;
  return ms;
}

}  // namespace gameflow::connect
