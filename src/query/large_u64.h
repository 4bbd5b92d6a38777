// A u64 above 2^63 - 1 in SQL, whose INTEGER ends there: its 20 digits as TEXT, with a space for
// the first where there are only 19.
//
// SQLite puts TEXT behind all numbers and compares two by their bytes, so such texts are equal and
// ordered as the numbers are, wherever SQLite compares them: in ORDER BY, GROUP BY, min(), a join.
// A column of u64 has no affinity, as SQLite would make a REAL of the digits for a comparison.
// Calculations skip the space and take the nearest REAL.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gameflow::query {

// What columns of u64 are declared as: by "BLOB" they have no affinity.
inline constexpr const char* kU64Type = "U64_BLOB";

inline constexpr std::uint64_t kLargeU64Min = std::uint64_t{1} << 63;

std::string large_u64_text(std::uint64_t value);

// The number that the text stands for; nothing where it is none of large_u64_text().
std::optional<std::uint64_t> large_u64(std::string_view text);

// The digits alone, where it is such a text.
std::string_view without_padding(std::string_view text);

}  // namespace gameflow::query
