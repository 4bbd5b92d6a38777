#include "app/table.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace gameflow::app {
namespace {

// Characters of UTF-8 text, taken as one column each.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

}  // namespace

TextTable::TextTable(std::vector<std::string> header) : right_(header.size()) {
  add(std::move(header));
}

void TextTable::align_right(const std::vector<std::size_t>& columns) {
  for (const std::size_t column : columns) right_[column] = true;
}

void TextTable::add(std::vector<std::string> row) {
  row.resize(right_.size());
  for (std::string& cell : row) {
    for (char& c : cell) {
      // A cell must not move the cursor or break the line.
      if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    }
  }
  rows_.push_back(std::move(row));
}

std::string TextTable::str() const {
  std::vector<std::size_t> widths(right_.size());
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string blanks(widths[i] - width_of(row[i]), ' ');
      if (i > 0) line += "  ";
      line += right_[i] ? blanks + row[i] : row[i] + blanks;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

void TextTable::print() const {
  const std::string text = str();
  std::fwrite(text.data(), 1, text.size(), stdout);
}

}  // namespace gameflow::app
