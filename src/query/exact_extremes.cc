#include "query/exact_extremes.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include <sqlite3.h>

#include "query/decimal_value.h"
#include "query/sql_tokens.h"

namespace gameflow::query {
namespace {

using detail::i128;
using detail::u128;

constexpr std::string_view kNumber = "exact_number(", kOrder = "exact_order(";
constexpr std::string_view kEnd = "/**/)";  // tells a parenthesis of ours from those of others

// What a number is sorted by, big-endian, and behind it the number itself.
constexpr std::size_t kOrderBytes = sizeof(u128) + sizeof(std::uint64_t);

void append_big_endian(std::string& out, u128 bits, std::size_t bytes) {
  while (bytes-- > 0) out += static_cast<char>(bits >> 8 * bytes);
}

void append_order(std::string& out, i128 units, double value) {
  append_big_endian(out, static_cast<u128>(units) ^ u128{1} << 127, sizeof units);
  const auto bits = std::bit_cast<std::uint64_t>(value + 0.0);
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  append_big_endian(out, (bits & kSign) != 0 ? ~bits : bits | kSign, sizeof bits);
}

// Of a number that is no decimal of few digits: as near as it goes.
i128 nearest_units(double value) {
  constexpr double kEndOfRange = 1e20;
  const double inside = std::clamp(value, -kEndOfRange, kEndOfRange);
  constexpr i128 kOne = detail::power_of_ten(kExactScale);
  const double whole = std::floor(inside);
  return static_cast<i128>(whole) * kOne +
         static_cast<i128>((inside - whole) * static_cast<double>(kOne));
}

// One argument. What is no number is given back as it is.
void order_of(sqlite3_context* context, int, sqlite3_value** values) {
  std::string key;
  const double value = sqlite3_value_double(values[0]);
  switch (sqlite3_value_type(values[0])) {
    case SQLITE_INTEGER: {
      const std::int64_t whole = sqlite3_value_int64(values[0]);
      append_order(key, i128{whole} * detail::power_of_ten(kExactScale), value);
      key += 'i';
      append_big_endian(key, static_cast<std::uint64_t>(whole), sizeof whole);
      break;
    }
    case SQLITE_FLOAT:
      append_order(key, exact_decimal(value).value_or(nearest_units(value)), value);
      key += 'r';
      append_big_endian(key, std::bit_cast<std::uint64_t>(value), sizeof value);
      break;
    case SQLITE_TEXT: {
      const std::string_view text(reinterpret_cast<const char*>(sqlite3_value_text(values[0])),
                                  static_cast<std::size_t>(sqlite3_value_bytes(values[0])));
      const auto decimal = exact_decimal(text);
      if (!decimal) return sqlite3_result_value(context, values[0]);
      append_order(key, decimal->units, value);
      key += 't';
      key += text;
      break;
    }
    default:
      return sqlite3_result_value(context, values[0]);
  }
  sqlite3_result_blob64(context, key.data(), key.size(), SQLITE_TRANSIENT);
}

// One argument: the number of what order_of() gave.
void number_of(sqlite3_context* context, int, sqlite3_value** values) {
  const bool is_key = sqlite3_value_type(values[0]) == SQLITE_BLOB &&
                      static_cast<std::size_t>(sqlite3_value_bytes(values[0])) > kOrderBytes;
  if (!is_key) return sqlite3_result_value(context, values[0]);
  const auto* const data = static_cast<const char*>(sqlite3_value_blob(values[0]));
  const std::string_view rest(
      data + kOrderBytes + 1,
      static_cast<std::size_t>(sqlite3_value_bytes(values[0])) - kOrderBytes - 1);
  const char type = data[kOrderBytes];
  if (type == 't')
    return sqlite3_result_text64(context, rest.data(), rest.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  std::uint64_t bits = 0;
  if (rest.size() != sizeof bits) return sqlite3_result_value(context, values[0]);
  std::memcpy(&bits, rest.data(), sizeof bits);
  bits = __builtin_bswap64(bits);
  if (type == 'i') return sqlite3_result_int64(context, static_cast<sqlite3_int64>(bits));
  sqlite3_result_double(context, std::bit_cast<double>(bits));
}

class Rewriter {
 public:
  Rewriter(std::string_view sql, const IsDecimal& is_decimal)
      : sql_(sql), is_decimal_(is_decimal), tokens_(sql_tokens(sql)) {
    find_names();
  }

  std::string rewrite() {
    write(0, tokens_.size());
    if (!has_any_) return "";
    return out_ + std::string(sql_.substr(written_));
  }

 private:
  bool is(std::size_t at, std::string_view text) const {
    return at < tokens_.size() && tokens_[at].text == text;
  }
  bool has_decimal(std::size_t from, std::size_t to) const {
    for (; from < to; ++from) {
      if (names_.contains(tokens_[from].text) || is_decimal_(tokens_[from].text)) return true;
    }
    return false;
  }

  // What decimals are called behind AS.
  void find_names() {
    for (std::size_t at = 1; at + 1 < tokens_.size(); ++at) {
      if (tokens_[at].text != "as" || is(at + 1, "(") || is(at + 1, "materialized")) continue;
      std::size_t from = at;
      for (int depth = 0; from > 0; --from) {
        const std::string& before = tokens_[from - 1].text;
        if (before == ")") ++depth;
        if (depth == 0 && (before == "," || before == "select" || before == "(")) break;
        if (before == "(") --depth;
      }
      if (has_decimal(from, at)) names_.insert(tokens_[at + 1].text);
    }
  }

  // Behind the parenthesis that closes the one at `at`.
  std::size_t skip_parentheses(std::size_t at) const {
    int depth = 0;
    for (; at < tokens_.size(); ++at) {
      if (tokens_[at].text == "(") ++depth;
      if (tokens_[at].text == ")" && --depth == 0) return at + 1;
    }
    return at;
  }

  void copy_to(std::size_t offset) {
    out_ += sql_.substr(written_, offset - written_);
    written_ = offset;
  }

  void write(std::size_t from, std::size_t to) {
    while (from < to) from = is_extreme(from, to) ? write_extreme(from) : from + 1;
  }

  bool is_extreme(std::size_t at, std::size_t to) const {
    if (!(is(at, "min") || is(at, "max")) || !is(at + 1, "(") || (at > 0 && is(at - 1, ".")))
      return false;
    const std::size_t end = skip_parentheses(at + 1);
    const auto arguments = std::span(tokens_).subspan(at + 2, std::max(end, at + 3) - 1 - (at + 2));
    const bool is_own_order = std::ranges::any_of(arguments, [](const SqlToken& token) {
      return token.text == "collate" || token.text == "select";
    });
    return end <= to && is(end - 1, ")") && !is_own_order && has_decimal(at + 2, end - 1);
  }

  // Returns the token behind it.
  std::size_t write_extreme(std::size_t at) {
    has_any_ = true;
    copy_to(tokens_[at].begin);
    out_ += kNumber;
    const std::size_t close = skip_parentheses(at + 1) - 1;
    std::size_t begin = at + 2;
    if (is(begin, "distinct") || is(begin, "all")) ++begin;
    for (std::size_t end = begin; end <= close; ++end) {
      if (tokens_[end].text == "(") end = skip_parentheses(end);
      if (end < close && tokens_[end].text != ",") continue;
      copy_to(tokens_[begin].begin);
      out_ += kOrder;
      write(begin, end);
      copy_to(tokens_[end].begin);
      out_ += kEnd;
      begin = end + 1;
    }
    std::size_t behind = close + 1;
    if (is(behind, "filter") && is(behind + 1, "(")) behind = skip_parentheses(behind + 1);
    if (is(behind, "over"))
      behind = is(behind + 1, "(") ? skip_parentheses(behind + 1) : behind + 2;
    behind = std::min(behind, tokens_.size());
    copy_to(tokens_[behind - 1].end);
    out_ += kEnd;
    return behind;
  }

  std::string_view sql_;
  const IsDecimal& is_decimal_;
  std::vector<SqlToken> tokens_;
  std::set<std::string, std::less<>> names_;
  std::string out_;
  std::size_t written_ = 0;  // of sql_
  bool has_any_ = false;
};

}  // namespace

void add_exact_extremes(sqlite3* db) {
  constexpr int kFlags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  sqlite3_create_function_v2(db, "exact_order", 1, kFlags, nullptr, &order_of, nullptr, nullptr,
                             nullptr);
  sqlite3_create_function_v2(db, "exact_number", 1, kFlags, nullptr, &number_of, nullptr, nullptr,
                             nullptr);
}

std::string with_exact_extremes(std::string_view sql, const IsDecimal& is_decimal) {
  return Rewriter(sql, is_decimal).rewrite();
}

std::string as_written(std::string_view sql) {
  std::string text(sql);
  for (const std::string_view part : {kNumber, kOrder, kEnd}) {
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos;)
      text.erase(at, part.size());
  }
  return text;
}

}  // namespace gameflow::query
