#include "app/sql/output.h"

#include <algorithm>
#include <cstdio>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "app/table.h"
#include "app/terminal.h"
#include "client/json_text.h"

namespace gameflow::app {
namespace {

namespace json = boost::json;

// What with_digits() made of a number.
const json::array* number_of(const json::value& value) {
  return value.if_array();
}

std::string as_json(const json::value& value) {
  if (const auto* const number = number_of(value)) return std::string(number->at(0).get_string());
  return json::serialize(value);
}

// Text as it is, null as nothing, numbers as JSON.
std::string plain(const json::value& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return std::string(value.get_string());
  return as_json(value);
}

// RFC 4180: quoted where it must be.
std::string csv_cell(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"') out += '"';
    out += c;
  }
  out += '"';
  return out;
}

void print_table(const std::vector<std::string>& columns, const json::array& rows) {
  TextTable table(columns);
  std::vector<std::size_t> numbers;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (rows.empty()) continue;
    const json::value& first = rows[0].as_array().at(i);
    if (first.is_number() || number_of(first) != nullptr) numbers.push_back(i);
  }
  table.align_right(numbers);
  for (const json::value& row : rows) {
    std::vector<std::string> cells;
    for (const json::value& value : row.as_array()) cells.push_back(plain(value));
    table.add(std::move(cells));
  }
  table.print();
}

void print_csv(const std::vector<std::string>& columns, const json::array& rows) {
  std::string out;
  for (std::size_t i = 0; i < columns.size(); ++i) {
    if (i > 0) out += ',';
    out += csv_cell(columns[i]);
  }
  out += '\n';
  for (const json::value& row : rows) {
    bool first = true;
    for (const json::value& value : row.as_array()) {
      if (!first) out += ',';
      first = false;
      out += csv_cell(plain(value));
    }
    out += '\n';
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
}

// "a", "b", "a_2" for "a", "b", "a": an object has each name once.
std::vector<std::string> members_for(const std::vector<std::string>& columns) {
  std::set<std::string> seen, taken(columns.begin(), columns.end());
  std::vector<std::string> names;
  for (const std::string& column : columns) {
    std::string name = column;
    if (!seen.insert(column).second) {
      int number = 2;
      do name = fmt::format("{}_{}", column, number++);
      while (!taken.insert(name).second);
    }
    names.push_back(std::move(name));
  }
  return names;
}

// One object a line, so that it pipes into jq and `gameflow produce`.
void print_json(const std::vector<std::string>& columns, const json::array& rows) {
  const std::vector<std::string> names = members_for(columns);
  std::string out;
  for (const json::value& row : rows) {
    out += '{';
    for (std::size_t i = 0; i < columns.size(); ++i) {
      out += fmt::format("{}{}:{}", i == 0 ? "" : ",", json::serialize(json::string(names[i])),
                         as_json(row.as_array().at(i)));
    }
    out += "}\n";
  }
  std::fwrite(out.data(), 1, out.size(), stdout);
}

}  // namespace

std::string with_digits(std::string_view answer) {
  constexpr std::string_view kNumber = "+-.0123456789Ee";
  std::string out;
  for (std::size_t at = 0; at < answer.size();) {
    std::size_t end = at + 1;
    if (answer[at] == '"') {
      while (end < answer.size() && answer[end] != '"') end += answer[end] == '\\' ? 2 : 1;
      end = std::min(end + 1, answer.size());
    } else if (answer[at] == '-' || (answer[at] >= '0' && answer[at] <= '9')) {
      end = std::min(answer.find_first_not_of(kNumber, at), answer.size());
    }
    const std::string_view part = answer.substr(at, end - at);
    const bool has_point =
        part.front() != '"' && part.find_first_of(".Ee") != part.npos && part.size() > 1;
    out += has_point && part.find_first_not_of(kNumber) == part.npos ? fmt::format("[\"{}\"]", part)
                                                                     : std::string(part);
    at = end;
  }
  return out;
}

void print_answer(const json::object& answer, SqlFormat format) {
  std::vector<std::string> columns;
  for (const json::value& column : client::array_at(answer, "columns"))
    columns.push_back(plain(column));
  const json::array& rows = client::array_at(answer, "rows");
  switch (format) {
    case SqlFormat::kTable:
      print_table(columns, rows);
      break;
    case SqlFormat::kCsv:
      print_csv(columns, rows);
      break;
    case SqlFormat::kJson:
      print_json(columns, rows);
      break;
  }
  if (const auto* truncated = answer.if_contains("truncated"); truncated && *truncated == true) {
    print_note(fmt::format("only the first {} rows: the answer is over the limit of rows or bytes",
                           rows.size()));
  }
}

}  // namespace gameflow::app
