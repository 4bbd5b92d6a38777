#include "query/arguments.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>

#include "query/decimal_value.h"
#include "query/large_u64.h"

namespace gameflow::query {
namespace {

// A number as it is written.
void bind_number(sqlite3_stmt* statement, int number, std::string_view digits,
                 LongDecimals& decimals) {
  if (digits.find('.') == std::string_view::npos) {
    std::uint64_t value = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (value <= INT64_MAX) {
      sqlite3_bind_int64(statement, number, static_cast<std::int64_t>(value));
      return;
    }
    const std::string text = large_u64_text(value);
    sqlite3_bind_text64(statement, number, text.data(), text.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
    return;
  }
  if (const auto decimal = exact_decimal(digits))
    sqlite3_bind_double(statement, number, decimals.double_of(*decimal));
}

void bind_one(sqlite3_stmt* statement, int number, const abi::SqlArgument& argument,
              LongDecimals& decimals) {
  using Kind = abi::SqlArgument::Kind;
  switch (argument.kind) {
    case Kind::kNull:
      sqlite3_bind_null(statement, number);
      break;
    case Kind::kInteger:
      sqlite3_bind_int64(statement, number, argument.integer);
      break;
    case Kind::kReal:
      sqlite3_bind_double(statement, number, argument.real);
      break;
    case Kind::kText:
      sqlite3_bind_text64(statement, number, argument.text.data(), argument.text.size(),
                          SQLITE_STATIC, SQLITE_UTF8);
      break;
    case Kind::kNumber:
      bind_number(statement, number, argument.text.view(), decimals);
      break;
  }
}

void bind_one(sqlite3_stmt* statement, int number, const Value& value, LongDecimals& decimals) {
  if (const auto* integer = std::get_if<std::int64_t>(&value)) {
    sqlite3_bind_int64(statement, number, *integer);
  } else if (const auto* real = std::get_if<double>(&value)) {
    sqlite3_bind_double(statement, number, *real);
  } else if (const auto* text = std::get_if<std::string>(&value)) {
    sqlite3_bind_text64(statement, number, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  } else if (const auto* digits = std::get_if<Digits>(&value)) {
    bind_number(statement, number, digits->text, decimals);
  } else {
    sqlite3_bind_null(statement, number);
  }
}

// Of its places, in order, without what marks them; empty where one has none.
std::vector<std::string_view> names_of(sqlite3_stmt* statement) {
  std::vector<std::string_view> names;
  for (int number = 1; number <= sqlite3_bind_parameter_count(statement); ++number) {
    const char* const name = sqlite3_bind_parameter_name(statement, number);
    names.emplace_back(name == nullptr || name[0] == '?' ? "" : name + 1);
  }
  return names;
}

}  // namespace

Status check_count(sqlite3_stmt* statement, std::size_t given) {
  const auto wanted = static_cast<std::size_t>(sqlite3_bind_parameter_count(statement));
  if (wanted == given) return {};
  return fail(ErrorCode::kSqlInvalid,
              fmt::format("the query has {} '?', but there {} {} argument{}", wanted,
                          given == 1 ? "is" : "are", given, given == 1 ? "" : "s"));
}

void bind(sqlite3_stmt* statement, std::span<const abi::SqlArgument> arguments,
          LongDecimals& decimals) {
  for (std::size_t i = 0; i < arguments.size(); ++i)
    bind_one(statement, static_cast<int>(i) + 1, arguments[i], decimals);
}

Status check_names(sqlite3_stmt* statement, std::span<const Parameter> parameters) {
  const std::vector<std::string_view> names = names_of(statement);
  for (const std::string_view name : names) {
    if (name.empty())
      return fail(ErrorCode::kSqlInvalid,
                  "the statement has a '?': give each parameter a name, as :level");
    if (std::ranges::find(parameters, name, &Parameter::name) == parameters.end())
      return fail(ErrorCode::kSqlInvalid,
                  fmt::format("the statement has :{0}, but there is no parameter '{0}'", name));
  }
  for (const Parameter& parameter : parameters) {
    if (parameter.is_ambient || std::ranges::count(names, parameter.name) > 0) continue;
    return fail(
        ErrorCode::kSqlInvalid,
        fmt::format("the parameter '{0}' is of no use: the statement has no :{0}{1}{2}",
                    parameter.name, names.empty() ? "" : ", but :", fmt::join(names, ", :")));
  }
  return {};
}

bool has_ambient(sqlite3_stmt* statement, std::span<const Parameter> parameters) {
  const std::vector<std::string_view> names = names_of(statement);
  return std::ranges::any_of(parameters, [&](const Parameter& parameter) {
    return parameter.is_ambient && std::ranges::count(names, parameter.name) > 0;
  });
}

void bind(sqlite3_stmt* statement, std::span<const Parameter> parameters, LongDecimals& decimals) {
  int number = 0;
  for (const std::string_view name : names_of(statement)) {
    const auto parameter = std::ranges::find(parameters, name, &Parameter::name);
    bind_one(statement, ++number, parameter->value, decimals);
  }
}

}  // namespace gameflow::query
