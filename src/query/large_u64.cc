#include "query/large_u64.h"

#include <charconv>

#include <fmt/format.h>

namespace gameflow::query {
namespace {

constexpr std::size_t kDigits = 20;

}  // namespace

std::string large_u64_text(std::uint64_t value) {
  return fmt::format("{:>{}}", value, kDigits);
}

std::optional<std::uint64_t> large_u64(std::string_view text) {
  if (text.size() != kDigits) return std::nullopt;
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data() + (text.front() == ' ' ? 1 : 0), end, value);
  if (parsed.ec != std::errc{} || parsed.ptr != end || value < kLargeU64Min) return std::nullopt;
  return value;
}

std::string_view without_padding(std::string_view text) {
  if (text.starts_with(' ') && large_u64(text)) text.remove_prefix(1);
  return text;
}

}  // namespace gameflow::query
