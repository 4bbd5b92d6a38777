// Rust is recognised, C++ is never taken for it.
#include "spec/code_reader.h"

#include <gtest/gtest.h>

namespace gameflow::spec {
namespace {

struct Case {
  const char* name;
  const char* code;
  const char* found;  // "": this is C++
};

void PrintTo(const Case& test, std::ostream* out) {
  *out << test.name;
}

class FindRust : public testing::TestWithParam<Case> {};

TEST_P(FindRust, Finds) {
  const Case& test = GetParam();
  const auto rust = find_rust(test.code);
  EXPECT_EQ(rust ? std::string(test.code).substr(rust->offset, rust->length) : "", test.found);
}

const Case kRust[] = {
    {"Function", "fn assign_event_key(event: PlayerEvent) -> Result<String> {",
     "fn assign_event_key"},
    {"PublicFunction", "pub fn key(e: Event) -> String { e.id }", "fn key"},
    {"GenericFunction", "fn key<T>(e: T) -> String", "fn key"},
    {"ResultType", "|e| -> Result<i64>", "-> Result"},
    {"OptionType", "|e| -> Option<i64>", "-> Option"},
    {"LetMut", "let mut count = 0;", "let mut"},
    {"Let", "let count = counts();", "let count"},
    {"LetWithType", "let count: u32 = 5;", "let count"},
    {"Use", "use sdf::window;", "use sdf::"},
    {"Attribute", "#[sdf(op)]", "#["},
    {"InnerAttribute", "#![allow(dead_code)]", "#!"},
    {"Unwrap", "auto x = event.value.unwrap();", ".unwrap"},
    {"BorrowedText", "auto f(name: &str)", ": &str"},
    {"BorrowedTextArgument", "Vec<&str> parts", "<&str>"},
    {"ValueOfBlock", "{ Ok(event.user_id) }", "Ok"},
    {"ValueOfArm", "Some(x) => Ok(x),", "Ok"},
    {"Macro", "println!(\"{}\", x)", "println!"},
    {"VectorMacro", "return vec![1, 2];", "vec!"},
    {"Cast", "x = count as u32;", "as u32"},
    {"CastOfCall", "x = count() as i64;", "as i64"},
    {"AfterLifetime", "f<'a>(x: i64, y: &str)", ": &str"},
    {"AfterComment", "// fn no(\nfn yes() {}", "fn yes"},
};

const Case kCpp[] = {
    {"Plain", "Text key(const PlayerEvent& event) { return event.user_data.user_id; }", ""},
    {"TrailingReturn", "auto key(const Event& e) -> Text { return e.id; }", ""},
    {"TrailingReturnTemplate", "auto f() -> List<Text> { return {}; }", ""},
    {"Lambda", "auto f = [&](const Event& e) -> i64 { return e.time; };", ""},
    {"AddressOfStr", "parse(&str); g(a ? b : &str); int x = a & str;", ""},
    {"ReferenceNamedStr", "void f(const Text &str) {}", ""},
    {"Comment", "/* fn key(e) -> Result<String> */ return 1; // let mut x", ""},
    {"String", R"x(sql<T>("select count as u32 from t -- fn key( let mut .unwrap()");)x", ""},
    {"EscapedQuote", R"x(f("a \" fn key(", 'a', '"', '\''); let_me();)x", ""},
    {"RawString", "sql<T>(R\"q(\nlet mut \" fn key( as u32\n)q\")", ""},
    {"UnterminatedString", "f(\"fn key(", ""},
    {"FunctionNamedOk", "if (Ok(event)) { x = 1; } Ok(event); return Ok(event);", ""},
    {"NotExpressions", "if (a && !(b)) return !(c); if (not(x)) y = !format(z);", ""},
    {"VariablesNamedLikeRust", "int let = 1, mut = 2, fn = 3, use = 4; fn = let + mut;", ""},
    {"Preprocessor", "#if 1\n#define X [1]\n#endif", ""},
    {"DigitSeparators", "i64 day = 86'400'000; Text t = \"fn key(\";", ""},
    {"Pointer", "p->Result = 1; if (p->Result < 2) {}", ""},
    {"Scope", "std::llround(x); using namespace std; namespace a = b::c;", ""},
    {"Cast", "static_cast<u32>(x); auto as = u32{}; as = u32(5); (u32)as;", ""},
    {"Nothing", "", ""},
};

std::string name_of(const testing::TestParamInfo<Case>& info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Rust, FindRust, testing::ValuesIn(kRust), name_of);
INSTANTIATE_TEST_SUITE_P(Cpp, FindRust, testing::ValuesIn(kCpp), name_of);

}  // namespace
}  // namespace gameflow::spec
