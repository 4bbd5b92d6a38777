#include "opbuild/block.h"

#include <gtest/gtest.h>

#include "spec/cpp_lexer.h"

namespace gameflow::opbuild {
namespace {

struct BlockRow {
  std::string_view name, code;
  std::string_view function;  // "[" for a lambda, empty for a mistake
  spec::Position position;    // the block starts at 10:1
  std::string_view mistake = "";
};

TEST(Block, FindsTheOperator) {
  const BlockRow kRows[] = {
      {"one function", "void f() {}", "f", {10, 6}},
      {"the last one", "int a() { return 1; }\nvoid b() {}\n", "b", {11, 6}},
      {"comments and strings hide nothing",
       "// void x() {}\n/* void y() { */ const char* s = \"void z() {\"; void f() {}",
       "f",
       {11, 53}},
      {"raw string", "const char* s = R\"x(}} )\" )x\"; void f() {}", "f", {10, 37}},
      {"attributes",
       "[[nodiscard]] __attribute__((pure)) i64 f(int x) { return x; }",
       "f",
       {10, 41}},
      {"template before and as return type",
       "template <class T, int N = (1 > 0)>\nT g(T t) { return t; }\nList<List<Text>> f() { return "
       "{}; }",
       "f",
       {12, 18}},
      {"trailing return", "auto f(int a) -> decltype(g(a)) { return g(a); }", "f", {10, 6}},
      {"noexcept and requires",
       "template <class T> requires (sizeof(T) > 4) T f(T t) noexcept(true) { return t; }",
       "f",
       {10, 47}},
      {"struct after the function",
       "void f() {}\nstruct A { int g() { return 1; } };",
       "f",
       {10, 6}},
      {"helper namespace", "namespace h { void g() {} }\nvoid f() {}", "f", {11, 6}},
      {"a function-try block", "void f() try {} catch (...) {}", "f", {10, 6}},
      {"variables are not functions",
       "const int t[] = {1, 2}; std::array<int, 2> u{1, 2}; void f() {}\nauto l = [](int) {};",
       "f",
       {10, 58}},
      {"operators of helpers",
       "void f(A a) {}\nbool operator==(A, A) { return true; }",
       "f",
       {10, 6}},
      {"digit separators", "int f() { return 1'000'000; }", "f", {10, 5}},
      {"lambda", "  [](const E& e) { return e.x; }", "[", {10, 3}},
      {"lambda after a comment", "// by x\n[] { return 1; }", "[", {11, 1}},
      {"unclosed brace",
       "void f() {\n  if (x) {\n}",
       "",
       {10, 10},
       "'{' is not closed in this run: block"},
      {"one brace too many",
       "void f() {\n}}",
       "",
       {11, 2},
       "'}' closes nothing in this run: block"},
      {"wrong bracket", "void f(int a] {}", "", {10, 13}, "']' does not close the '(' of line 10"},
      {"unclosed string",
       "void f() {\n  if (t == \"a) g();\n}",
       "",
       {11, 12},
       "this string does not end"},
      {"unclosed character", "void f() {\n  g('a);\n}", "", {11, 5}, "this character does not end"},
      {"unclosed comment", "void f() {\n  /* }\n", "", {11, 3}, "this comment does not end"},
      {"unclosed raw string",
       "auto s = R\"(x\";\nvoid f() {}",
       "",
       {10, 10},
       "this string does not end"},
      {"quotes under #if are the compiler's", "#if 0\nit's\n#endif\nvoid f() {}", "f", {13, 6}},
      {"a declaration", "void f();", "", {10, 1}, "update-state has no function"},
      {"nothing", "  // later\n", "", {10, 1}, "update-state has no function"},
      {"brackets under #if are the compiler's",
       "#if 1\nvoid f() {\n#else\nvoid f() {{\n#endif\n}",
       "f",
       {11, 6}},
  };
  for (const BlockRow& row : kRows) {
    SCOPED_TRACE(row.name);
    const spec::Code code{.text = std::string(row.code), .position = {10, 1}};
    const Block block = parse_block(code, "update-state");
    if (!row.mistake.empty()) {
      ASSERT_EQ(block.mistakes.size(), 1u);
      EXPECT_EQ(block.mistakes[0].message, row.mistake);
      EXPECT_EQ(block.mistakes[0].position, row.position);
      continue;
    }
    EXPECT_TRUE(block.mistakes.empty());
    EXPECT_EQ(block.form == Block::Form::kLambda ? "[" : block.function, row.function);
    EXPECT_EQ(block.operator_position, row.position);
  }
}

TEST(Block, HoistsIncludesAndKeepsEveryLineAndColumn) {
  const spec::Code code{.text = "  #include <map>\n  # include \"x.h\" // why\n  void f() {}",
                        .position = {7, 1}};
  const Block block = parse_block(code, "flush");
  ASSERT_EQ(block.includes.size(), 2u);
  EXPECT_EQ(block.includes[0].text, "#include <map>");
  EXPECT_EQ(block.includes[0].position, (spec::Position{7, 3}));
  EXPECT_EQ(block.includes[1].text, "# include \"x.h\" // why");
  EXPECT_EQ(block.includes[1].position, (spec::Position{8, 3}));
  EXPECT_EQ(block.text, std::string(16, ' ') + "\n" + std::string(24, ' ') + "\n  void f() {}\n");
}

TEST(Block, KnowsItsMacros) {
  const spec::Code code{.text = "#define N 3\n  #  define SUM(a, b) ((a) + \\\n (b))\nvoid f() {}",
                        .position = {7, 1}};
  EXPECT_EQ(parse_block(code, "flush").macros, (std::vector<std::string>{"N", "SUM"}));
}

TEST(Block, RefusesWhatIsKeptBetweenCalls) {
  struct Row {
    std::string_view code;
    std::uint32_t column;  // 0: none
  };
  constexpr Row kRows[] = {
      {"void f() { static int n = 0; ++n; }", 12},
      {"void f() { static std::map<int, List<Text>> m; }", 12},
      {"void f() { thread_local std::string s; }", 12},
      {"static thread_local int n; void f() {}", 1},
      {"struct A { inline static int n{}; }; void f() {}", 19},
      {"void f() { static const Text t = g(); }", 12},
      {"void f() { static const List<Text> t{g()}; }", 12},
      {"void f() { static constexpr int n = 1; static const std::regex r{\"x\"}; }", 0},
      {"void f() { constexpr static Text t = \"x\"; static_assert(true); }", 0},
      {"struct A { static Text g() { return {}; } }; static Text h(int) { return {}; } void f() {}",
       0},
      {"const List<u32> k{1, 2}; void f() {}", 0},
      {"#line 3 \"x.c\"\nvoid f() {}", 1},
  };
  for (const Row& row : kRows) {
    const Block block =
        parse_block({.text = std::string(row.code), .position = {1, 1}}, "update-state");
    ASSERT_EQ(block.mistakes.size(), row.column == 0 ? 0u : 1u) << row.code;
    if (row.column == 0) continue;
    EXPECT_EQ(block.mistakes[0].position.column, row.column) << row.code;
  }
}

TEST(Block, FindsCallsOfWhatItCannotUse) {
  struct Row {
    std::string_view code;
    std::uint32_t column;  // 0: none
  };
  constexpr Row kRows[] = {
      {"Text f() { return sql<Rows>(\"x\"); }", 19},
      {"Text f() { return gameflow::sql< List<Row> >(query); }", 29},
      {"Text f() { if (sql(1)) { g(); } }", 16},
      {"Text f() { return a.sql(1) + b->sql(2); }", 0},
      {"Text f() { return sql + 1; /* sql<Rows>(1) */ }", 0},
      {"Row& sql(int i) { return rows[i]; } Text f() { return sql(1); }", 0},
      {"template <class T> T sql(int) {} Text f() { return sql<Text>(1); }", 0},
      {"Text f() { auto sql = [] {}; sql(); }", 0},
      {"Text f() { return sql<", 0},
      {"Text f() { return std::sql(1) + ::other::sql(2) + sql(); }", 0},
  };
  for (const Row& row : kRows) {
    const spec::Code code{.text = std::string(row.code), .position = {1, 1}};
    const auto found = find_forbidden(code, {"sql", true, "not here", ""});
    ASSERT_EQ(found.size(), row.column == 0 ? 0u : 1u) << row.code;
    if (row.column == 0) continue;
    EXPECT_EQ(found[0].position.column, row.column) << row.code;
    EXPECT_EQ(found[0].length, 3u);
  }
}

TEST(Block, KnowsWhereAFlowScalarStarts) {
  const spec::Code code{.text = "void f() {}", .position = {7, 20}};
  EXPECT_EQ(parse_block(code, "flush").operator_position, (spec::Position{7, 25}));
}

TEST(Lexer, ReadsStringLiterals) {
  constexpr std::pair<std::string_view, std::string_view> kRows[] = {
      {R"("plain")", "plain"},
      {R"("a\"b\\c\n\t")", "a\"b\\c\n\t"},
      {R"("\x41\101\u00e9\U0001F600")", "AA\xc3\xa9\xf0\x9f\x98\x80"},
      {"R\"(a \\n \"b\")\"", "a \\n \"b\""},
      {"u8R\"sql(select ')')sql\"", "select ')'"},
      {"u8\"x\"", "x"},
      {"\"joined \\\nline\"", "joined line"},
      {"\"open", "open"},
      {"R\"(open", "open"},
  };
  for (const auto& [literal, value] : kRows)
    EXPECT_EQ(spec::string_value(literal), value) << literal;
}

TEST(Lexer, SurvivesEveryPrefixOfCode) {
  constexpr std::string_view kCode =
      "#define A \\\n 1\nauto s = u8R\"q(x)q\" \"a\\\"\" 'b' '\\'' 1'0e+3 .5 a->b ::c /* d */ // "
      "e\n";
  for (std::size_t size = 0; size <= kCode.size(); ++size) {
    const std::string_view prefix = kCode.substr(0, size);
    for (const spec::Token& token : spec::tokenize(prefix)) {
      EXPECT_LE(token.offset + token.text.size(), size);
      spec::string_value(token.text);
    }
    parse_block({.text = std::string(prefix), .position = {1, 1}}, "flush");
  }
}

}  // namespace
}  // namespace gameflow::opbuild
