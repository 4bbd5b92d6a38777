#include "record/csv.h"

#include <gtest/gtest.h>

namespace gameflow::record {
namespace {

struct Row {
  const char* name;
  std::string_view text;
  std::string_view shown;  // cells in <>, rows with their line, then what is wrong
};

TEST(Csv, IsReadAsRfc4180Says) {
  constexpr Row kRows[] = {
      {"nothing", "", ""},
      {"a row", "a,b", "1<a><b>"},
      {"line ends", "a\r\nb\n\nc\n", "1<a>2<b>4<c>"},
      {"empty cells", "a,,\n,b", "1<a><><>2<><b>"},
      {"quotes", "\"a,\"\"b\"\"\",c", "1<a,\"b\"><c>"},
      {"a line in quotes", "\"a\nb\",c\nd", "1<a\nb><c>3<d>"},
      {"a byte order mark", "\xef\xbb\xbf\x61,b", "1<a><b>"},
      {"an open quote", "a\n\"b", "1<a>: a quoted cell does not end"},
      {"text behind quotes", "\"a\"b", ": behind the quotes of a cell there has to be a comma"},
  };
  for (const Row& row : kRows) {
    CsvReader reader(row.text);
    std::vector<std::string> cells;
    std::string shown;
    while (reader.next(cells)) {
      shown += std::to_string(reader.line());
      for (const std::string& cell : cells) shown += '<' + cell + '>';
    }
    if (!reader.problem().empty()) shown += ": " + reader.problem();
    EXPECT_EQ(shown, row.shown) << row.name;
  }
}

}  // namespace
}  // namespace gameflow::record
