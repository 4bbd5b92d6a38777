#include "record/expected.h"

#include <algorithm>
#include <cstdint>

#include <fmt/format.h>

#include <gameflow/decimal_text.h>

namespace gameflow::record {

std::string range_of(const Type& type) {
  if (type.kind == Kind::kTimestamp) return "of years 1 to 9999";
  if (type.kind == Kind::kDecimal) {
    char digits[detail::kDecimalBytesMax];
    const auto text = [&](i64 units) {
      return std::string(digits, detail::write_decimal(units, type.scale, digits));
    };
    return fmt::format("{} to {}", text(INT64_MIN), text(INT64_MAX));
  }
  if (type.kind == Kind::kF64) return "up to 1.7976931348623157e308";
  if (type.kind == Kind::kF32) return "up to 3.4028235e38";
  const unsigned unused = 64 - 8 * type.size;
  if (!is_signed(type.kind)) return fmt::format("0 to {}", UINT64_MAX >> unused);
  return fmt::format("{} to {}", INT64_MIN >> unused, INT64_MAX >> unused);
}

std::string variants_of(const Type& type) {
  constexpr std::size_t kShownMax = 20;
  std::string text;
  for (std::size_t i = 0; i < std::min(type.variants.size(), kShownMax); ++i) {
    const Variant& variant = type.variants[i];
    text += fmt::format(fmt::runtime(variant.type == nullptr ? "{}{}" : "{}{{\"{}\": …}}"),
                        text.empty() ? "one of " : ", ", variant.read_name);
  }
  return type.variants.size() > kShownMax ? text + ", …" : text;
}

std::string expected(const Type& type) {
  switch (type.kind) {
    case Kind::kObject:
    case Kind::kMap:
      return "an object";
    case Kind::kList:
      return "a list";
    case Kind::kTimestamp:
      return type.unit == TimeUnit::kNone ? "a timestamp as ISO 8601 text"
                                          : "a timestamp as a number or ISO 8601 text";
    case Kind::kDecimal:
      return fmt::format("a number with at most {} digits after the point", type.scale);
    case Kind::kEnum:
    case Kind::kUnion:
      return variants_of(type);
    default:
      return std::string(to_string(type.kind));
  }
}

}  // namespace gameflow::record
