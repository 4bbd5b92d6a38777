#include "query/exact_literals.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <vector>

#include "query/large_u64.h"
#include "query/sql_tokens.h"

namespace gameflow::query {
namespace {

constexpr std::size_t kDigitsOfDouble = 15;
// Tells what is ours from what others wrote.
constexpr std::string_view kWholeBegin = "/*u64*/'", kWholeEnd = "'/*u64*/";
constexpr std::string_view kDecimalBegin = "exact_decimal(/**/'", kDecimalEnd = "'/**/)";

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

bool has_many_digits(std::string_view sql) {
  std::size_t run = 0;
  for (const char c : sql) {
    run = is_digit(c) || c == '.' ? run + 1 : 0;
    if (run > kDigitsOfDouble) return true;
  }
  return false;
}

// How SQLite is told the number exactly; empty where it reads it exactly anyway.
std::string exact(std::string_view number) {
  if (number.find('.') != std::string_view::npos) {
    if (number.size() <= kDigitsOfDouble + 1) return "";
    return std::string(kDecimalBegin) + std::string(number) + std::string(kDecimalEnd);
  }
  std::uint64_t value = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), value);
  if (parsed.ec != std::errc{} || value < kLargeU64Min) return "";
  return std::string(kWholeBegin) + large_u64_text(value) + std::string(kWholeEnd);
}

}  // namespace

std::string with_exact_literals(std::string_view sql) {
  if (!has_many_digits(sql)) return "";
  const std::vector<SqlToken> tokens = sql_tokens(sql);
  const auto is_number = [&](std::size_t at) {
    return at < tokens.size() && std::ranges::all_of(tokens[at].text, is_digit) &&
           tokens[at].text.size() == tokens[at].end - tokens[at].begin;
  };
  const auto follows = [&](std::size_t at) {
    return at < tokens.size() && tokens[at].begin == tokens[at - 1].end;
  };
  std::string out;
  std::size_t written = 0;
  for (std::size_t at = 0; at < tokens.size(); ++at) {
    if (!is_number(at)) continue;
    const std::size_t begin = tokens[at].begin;
    if (follows(at + 1) && tokens[at + 1].text == ".") {
      if (!follows(at + 2) || !is_number(at + 2)) continue;
      at += 2;
    }
    const std::string number = exact(sql.substr(begin, tokens[at].end - begin));
    if (number.empty()) continue;
    out += sql.substr(written, begin - written);
    out += number;
    written = tokens[at].end;
  }
  if (written == 0) return "";
  return out + std::string(sql.substr(written));
}

std::string as_written(std::string_view sql) {
  std::string text(sql);
  for (std::size_t at = 0; (at = text.find(kWholeBegin, at)) != std::string::npos;) {
    text.erase(at, kWholeBegin.size());
    if (text[at] == ' ') text.erase(at, 1);
  }
  for (const std::string_view part : {kWholeEnd, kDecimalBegin, kDecimalEnd}) {
    for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos;)
      text.erase(at, part.size());
  }
  return text;
}

}  // namespace gameflow::query
