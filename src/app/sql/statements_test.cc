#include "app/sql/statements.h"

#include <gtest/gtest.h>

#include "app/sql/output.h"

namespace gameflow::app {
namespace {

using Words = std::vector<std::string>;

TEST(Statements, EndAtTheSemicolonsThatEndThem) {
  struct Row {
    const char* text;
    Words statements;
    const char* rest;
  };
  const Row rows[] = {
      {"select 1;", {"select 1"}, ""},
      {"select 1; select 2", {"select 1"}, " select 2"},
      {"select ';'; select \";\" ; select `;`;",
       {"select ';'", " select \";\" ", " select `;`"},
       ""},
      {"select 'it''s; one';", {"select 'it''s; one'"}, ""},
      {"select 1 -- one; or two\n;", {"select 1 -- one; or two\n"}, ""},
      {"select 1 -- goes on;", {}, "select 1 -- goes on;"},
      {"select /* ; */ 1;;  ;", {"select /* ; */ 1"}, ""},
      {"-- nothing\n;", {}, ""},
      {"select 'open;", {}, "select 'open;"},
      {"", {}, ""},
  };
  for (const Row& row : rows) {
    std::string text = row.text;
    EXPECT_EQ(take_statements(text), row.statements) << row.text;
    EXPECT_EQ(text, row.rest) << row.text;
  }
}

TEST(Statements, ToBeCompleted) {
  const std::vector<SqlTable> tables{{"per_user", {{"_key", "string"}, {"count", "u32"}}},
                                     {"per_item", {{"_key", "string"}, {"cents", "i64"}}}};
  struct Row {
    const char* line;
    Words words;
  };
  const Row rows[] = {
      {"sel", {"select"}},
      {"SEL", {"select"}},
      {".s", {".schema"}},
      {".schema per_u", {"per_user"}},
      {"select * from per", {"per_item", "per_user"}},
      {"select * from ", {"per_item", "per_user"}},
      {"select c", {"case", "cast", "cents", "coalesce", "count", "cross"}},
      {"select * from per_item where ce", {"cents"}},
      {"select * from per_item where cou", {"count"}},  // the function
      {"select per_user.cou", {"count"}},
      {"select 'from' fr", {"from"}},
      {"select nothing_like", {}},
  };
  for (const Row& row : rows) EXPECT_EQ(completions(row.line, tables), row.words) << row.line;
}

TEST(Answers, KeepTheDigitsOfNumbers) {
  EXPECT_EQ(
      with_digits(R"({"columns":["9.80","a\"1.5"],"rows":[[9.80,-7,1.2e+19,"3.0",null,true]]})"),
      R"({"columns":["9.80","a\"1.5"],"rows":[[["9.80"],-7,["1.2e+19"],"3.0",null,true]]})");
}

}  // namespace
}  // namespace gameflow::app
