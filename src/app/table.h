// A table of text for a terminal: columns as wide as their widest cell.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace gameflow::app {

class TextTable {
 public:
  explicit TextTable(std::vector<std::string> header);
  void align_right(const std::vector<std::size_t>& columns);
  void add(std::vector<std::string> row);  // as many cells as the header; control characters go
  // Header, rows, each with a newline; no trailing blanks.
  std::string str() const;
  void print() const;  // on stdout

 private:
  std::vector<std::vector<std::string>> rows_;  // the first is the header
  std::vector<bool> right_;
};

}  // namespace gameflow::app
