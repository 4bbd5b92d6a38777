#include "record/csv.h"

#include <algorithm>

#include "base/byte_order_mark.h"

namespace gameflow::record {

CsvReader::CsvReader(std::string_view text) : rest_(without_byte_order_mark(text)) {}

bool CsvReader::next(std::vector<std::string>& cells) {
  cells.clear();
  while (!rest_.empty() && (rest_.front() == '\n' || rest_.front() == '\r')) {
    if (rest_.front() == '\n') ++next_line_;
    rest_.remove_prefix(1);
  }
  if (rest_.empty() || !problem_.empty()) return false;
  line_ = next_line_;
  for (;;) {
    if (!read_cell(cells.emplace_back())) return false;
    if (rest_.empty()) return true;
    const char end = rest_.front();
    if (end == '\r' && rest_.starts_with("\r\n")) rest_.remove_prefix(1);
    rest_.remove_prefix(1);
    if (end == ',') continue;
    ++next_line_;
    return true;
  }
}

bool CsvReader::read_cell(std::string& cell) {
  if (rest_.empty() || rest_.front() != '"') {
    const std::size_t end = std::min(rest_.find_first_of(",\r\n"), rest_.size());
    cell = rest_.substr(0, end);
    rest_.remove_prefix(end);
    return true;
  }
  for (rest_.remove_prefix(1);;) {
    const std::size_t quote = rest_.find('"');
    if (quote == std::string_view::npos) {
      problem_ = "a quoted cell does not end";
      return false;
    }
    cell += rest_.substr(0, quote);
    rest_.remove_prefix(quote + 1);
    if (!rest_.starts_with('"')) break;
    cell += '"';
    rest_.remove_prefix(1);
  }
  next_line_ += static_cast<std::size_t>(std::ranges::count(cell, '\n'));
  if (rest_.empty() || rest_.front() == ',' || rest_.front() == '\n' || rest_.front() == '\r')
    return true;
  problem_ = "behind the quotes of a cell there has to be a comma";
  return false;
}

}  // namespace gameflow::record
