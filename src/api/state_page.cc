#include "api/state_page.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "record/type.h"

namespace gameflow::api {
namespace {

constexpr std::string_view kWindowStart = "_window_start";

std::string sql_quoted(std::string_view text, char quote) {
  std::string out(1, quote);
  for (const char c : text) out.append(c == quote ? 2 : 1, c);
  return out + quote;
}

template <class Integer>
std::optional<Integer> parse(std::string_view text) {
  Integer value{};
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec != std::errc{} || parsed.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

bool has_windows(const query::Table& table) {
  return std::ranges::find(table.constant_names, kWindowStart) != table.constant_names.end();
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

std::optional<std::string> from_hex(std::string_view hex) {
  std::string out;
  for (; hex.size() >= 2; hex.remove_prefix(2)) {
    unsigned char byte = 0;
    const auto parsed = std::from_chars(hex.data(), hex.data() + 2, byte, 16);
    if (parsed.ec != std::errc{} || parsed.ptr != hex.data() + 2) return std::nullopt;
    out += static_cast<char>(byte);
  }
  if (!hex.empty()) return std::nullopt;
  return out;
}

// What pages are ordered and compared by. Without the plus SQLite would turn the text that stands
// for a large u64 into a floating-point number.
std::string_view order_key(record::Kind kind) {
  return kind == record::Kind::kString ? "_key" : "+_key";
}

// A key that a page ended with, for a comparison with order_key(). Any bytes may be in a text.
std::optional<std::string> after_literal(record::Kind kind, const std::string& key) {
  if (kind == record::Kind::kString) return fmt::format("cast(x'{}' as text)", to_hex(key));
  if (const auto number = parse<std::int64_t>(key)) return fmt::format("{}", *number);
  if (const auto large = parse<std::uint64_t>(key)) return fmt::format("'{}'", *large);
  return std::nullopt;
}

// "START.KEY", the key in hexadecimal, as a query parameter has no control characters.
Result<std::string> behind(const query::Table& table, const std::string& after) {
  const std::size_t dot = after.find('.');
  const std::string_view text = after;
  const auto key = dot == std::string::npos ? std::nullopt : from_hex(text.substr(dot + 1));
  const auto literal = key ? after_literal(table.key, *key) : std::nullopt;
  const std::string_view order = order_key(table.key);
  if (literal && !has_windows(table) && dot == 0) return fmt::format("{} > {}", order, *literal);
  if (literal && has_windows(table)) {
    if (const auto start = parse<std::int64_t>(text.substr(0, dot)))
      return fmt::format("({0} > {1} or ({0} = {1} and {2} > {3}))", kWindowStart, *start, order,
                         *literal);
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' is no place in this state; after is what an answer calls next",
                          after.substr(0, 100)));
}

}  // namespace

Result<std::string> key_literal(record::Kind kind, const std::string& key) {
  if (kind == record::Kind::kString) {
    if (key.find('\0') == std::string::npos) return sql_quoted(key, '\'');
  } else if (kind == record::Kind::kBool) {
    if (key == "true" || key == "false") return key;
  } else if (record::is_signed(kind) ? parse<std::int64_t>(key).has_value()
                                     : parse<std::uint64_t>(key).has_value()) {
    return sql_quoted(key, '\'');  // as text: SQLite has no number for the largest
  }
  return fail(ErrorCode::kInvalidArgument,
              fmt::format("'{}' cannot be a key of type {}", key, to_string(kind)));
}

Result<std::string> page_sql(const query::Table& table, const StateQuery& wanted) {
  std::vector<std::string> conditions;
  if (wanted.key) {
    GF_ASSIGN(const std::string literal, key_literal(table.key, *wanted.key));
    conditions.push_back("_key = " + literal);
  }
  if (wanted.prefix && !wanted.prefix->empty()) {
    GF_ASSIGN(const std::string literal, key_literal(record::Kind::kString, *wanted.prefix));
    conditions.push_back(fmt::format("substr(cast(_key as text), 1, length({0})) = {0}", literal));
  }
  if (wanted.window_start) {
    if (!has_windows(table))
      return fail(ErrorCode::kInvalidArgument, "this state has no windows: leave window out");
    conditions.push_back(fmt::format("{} = {}", kWindowStart, wanted.window_start->ms));
  }
  if (!wanted.after.empty()) {
    GF_ASSIGN(std::string condition, behind(table, wanted.after));
    conditions.push_back(std::move(condition));
  }
  std::string sql = fmt::format("select * from {}", sql_quoted(table.name, '"'));
  for (std::size_t i = 0; i < conditions.size(); ++i)
    sql += fmt::format(" {} {}", i == 0 ? "where" : "and", conditions[i]);
  // One row more than is wanted tells whether there are more.
  return sql + fmt::format(" order by {}{} limit {}", has_windows(table) ? "_window_start, " : "",
                           order_key(table.key), wanted.limit + 1);
}

std::string next_page(const query::Table& table, const query::Answer& answer) {
  if (!answer.truncated || answer.rows.empty()) return {};
  const std::vector<query::Value>& last = answer.rows.back();
  const auto text_of = [&](std::string_view name) {
    const auto column = std::ranges::find(answer.columns, name) - answer.columns.begin();
    const query::Value& value = last[static_cast<std::size_t>(column)];
    const auto* number = std::get_if<std::int64_t>(&value);
    return number != nullptr ? std::to_string(*number) : std::get<std::string>(value);
  };
  return fmt::format("{}.{}", has_windows(table) ? text_of(kWindowStart) : "",
                     to_hex(text_of("_key")));
}

}  // namespace gameflow::api
