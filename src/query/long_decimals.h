// Decimals of more than 15 digits in the SQL of one query.
//
// To SQLite each is a REAL, as all decimals are, so that it compares, sorts, groups and calculates
// with them by value, wherever that is. But several of them may be nearest to one double, and one
// may be nearest to that of a decimal with few digits. So each that the query meets is given a
// double of its own: the nearest, or one beside it, such that they are ordered as the decimals are,
// also among those of few digits; and that double says which decimal it was. Where one finds no
// room between two that came before it, the query is run once more, with room for all that it has
// met. If there is none, as dozens are nearest to one double, it fails and says so: what a query
// gives is right or not at all.
//
// Threads  one.
// Errors   std::bad_alloc: its memory is in the budget of the query.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gameflow/decimal_text.h>

#include "base/error.h"
#include "query/sqlite_process.h"

struct sqlite3;
struct sqlite3_context;

namespace gameflow::query {

class LongDecimals {
 public:
  struct Decimal {
    detail::i128 units = 0;   // of 10^-kExactScale
    std::uint32_t scale = 0;  // digits behind the point that it is shown with

    std::string text() const;
    // Shown with so many digits, as far as none gets lost.
    Decimal with_scale(std::optional<std::uint32_t> wanted) const;
  };

  // The decimal that the double stands for; null where it is none of these.
  const Decimal* find(double value) const {
    if (decimals_.empty()) return nullptr;
    const auto found = decimals_.find(value);
    return found == decimals_.end() ? nullptr : &found->second;
  }
  // The double of any decimal.
  double double_of(const Decimal& decimal);
  // The same as the result of a function.
  void give(sqlite3_context* context, const Decimal& decimal);

  // Runs the query, and again where there was no room. kSqlInvalid: there is none.
  Status run(const std::function<Status()>& query);
  void clear() {
    decimals_.clear();
    without_room_.clear();
  }

 private:
  using Entry = std::pair<const double, Decimal>;
  using ByDouble = std::map<double, Decimal, std::less<>, SqliteAllocator<Entry>>;
  using List = std::vector<Decimal, SqliteAllocator<Decimal>>;

  bool place(const Decimal& decimal, double& at);
  bool make_room();

  ByDouble decimals_;
  List without_room_;
};

// Adds exact_decimal('1.50'), which a number of many digits in a statement becomes.
void add_exact_decimal(sqlite3* db, LongDecimals& decimals);

}  // namespace gameflow::query
