// Whole numbers as text.
#pragma once

#include <charconv>
#include <concepts>
#include <optional>
#include <string_view>
#include <system_error>

namespace gameflow {

// Nothing unless all of `text` is digits, with '-' before them where the type has a sign, of a
// number that fits.
template <std::integral Integer>
std::optional<Integer> to_number(std::string_view text) {
  Integer number{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && rest == end ? std::optional(number) : std::nullopt;
}

}  // namespace gameflow
