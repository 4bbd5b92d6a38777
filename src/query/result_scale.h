// How many digits behind the point the results of a query are shown with, where they are decimals.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::query {

// The digits that decimals of a column have; nothing where none is called so, or not one thing.
using ScaleOfColumn = std::function<std::optional<std::uint32_t>(std::string_view column)>;

// For each of the `columns` results of the query: sum(c), min(c), max(c), lag(c), lead(c),
// first_value(c) and last_value(c) of a column are shown as the column is. All else has the digits
// that it has.
std::vector<std::optional<std::uint32_t>> scales_of_results(std::string_view sql,
                                                            std::size_t columns,
                                                            const ScaleOfColumn& scale_of);

}  // namespace gameflow::query
