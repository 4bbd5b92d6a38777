// A row of CSV as a record: an object whose fields are named by the header.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gameflow::connect {

enum class CsvType { kAuto, kText };

class CsvHeader {
 public:
  // std::runtime_error with what is wrong with the header. `types`: of columns by name; all others
  // are kAuto.
  CsvHeader(std::string_view line, const std::map<std::string, CsvType, std::less<>>& types);

  // The record of `line`: a cell of an auto column that is a number, true or false as JSON writes
  // them is one, an empty one is left out, and all else is text. `problem` says why there is none.
  bool read(std::string_view line, std::string& record, std::string& problem) const;

 private:
  struct Column {
    std::string prefix;  // `"name":`
    CsvType type;
  };
  std::vector<Column> columns_;
};

}  // namespace gameflow::connect
