// Comma-separated values, as RFC 4180 has them: cells may stand in quotes, a quote in them is
// doubled, and then they may hold commas and line breaks.
//
// Threads  one at a time.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::record {

class CsvReader {
 public:
  // `text` outlives the reader. A byte order mark is no part of it.
  explicit CsvReader(std::string_view text);

  // The cells of the next row; empty lines are none. False at the end, and where problem() says
  // what is wrong.
  bool next(std::vector<std::string>& cells);
  std::size_t line() const { return line_; }  // where the last row began
  const std::string& problem() const { return problem_; }

 private:
  bool read_cell(std::string& cell);

  std::string_view rest_;
  std::size_t line_ = 0, next_line_ = 1;
  std::string problem_;
};

}  // namespace gameflow::record
