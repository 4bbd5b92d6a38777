#include "plan/plan.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gameflow::plan {
namespace {

// Words of C++20, and macros of the headers an operator sees, that cannot name anything.
constexpr auto kCppWords = std::to_array<std::string_view>({
    "EOF",
    "INFINITY",
    "NAN",
    "NULL",
    "alignas",
    "alignof",
    "and",
    "and_eq",
    "asm",
    "assert",
    "auto",
    "bitand",
    "bitor",
    "bool",
    "break",
    "case",
    "catch",
    "char",
    "char16_t",
    "char32_t",
    "char8_t",
    "class",
    "co_await",
    "co_return",
    "co_yield",
    "compl",
    "concept",
    "const",
    "const_cast",
    "consteval",
    "constexpr",
    "constinit",
    "continue",
    "decltype",
    "default",
    "delete",
    "do",
    "double",
    "dynamic_cast",
    "else",
    "enum",
    "errno",
    "explicit",
    "export",
    "extern",
    "false",
    "float",
    "for",
    "friend",
    "goto",
    "if",
    "inline",
    "int",
    "long",
    "mutable",
    "namespace",
    "new",
    "noexcept",
    "not",
    "not_eq",
    "nullptr",
    "operator",
    "or",
    "or_eq",
    "private",
    "protected",
    "public",
    "register",
    "reinterpret_cast",
    "requires",
    "return",
    "short",
    "signed",
    "sizeof",
    "static",
    "static_assert",
    "static_cast",
    "stderr",
    "stdin",
    "stdout",
    "struct",
    "switch",
    "template",
    "this",
    "thread_local",
    "throw",
    "true",
    "try",
    "typedef",
    "typeid",
    "typename",
    "union",
    "unsigned",
    "using",
    "virtual",
    "void",
    "volatile",
    "wchar_t",
    "while",
    "xor",
    "xor_eq",
});
static_assert(std::ranges::is_sorted(kCppWords));

// Names of the SDK that a type, state or service of the dataflow would hide from operators.
constexpr auto kSdkNames = std::to_array<std::string_view>({
    "Arena",      "Bytes", "List", "Optional", "Text", "Window", "abi",    "arena", "detail",
    "encode_key", "f32",   "f64",  "gameflow", "i16",  "i32",    "i64",    "i8",    "parse_time",
    "sql",        "std",   "u16",  "u32",      "u64",  "u8",     "window",
});
static_assert(std::ranges::is_sorted(kSdkNames));

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_alnum(char c) {
  return is_digit(c) || is_lower(c) || is_upper(c);
}
char to_upper(char c) {
  return is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
}
char to_lower(char c) {
  return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string valid_identifier(std::string name) {
  if (name.empty() || is_digit(name.front())) name.insert(0, 1, '_');
  if (std::ranges::binary_search(kCppWords, std::string_view(name))) name += '_';
  return name;
}

std::string free_of_sdk_names(std::string name) {
  if (std::ranges::binary_search(kSdkNames, std::string_view(name))) name += '_';
  return name;
}

}  // namespace

std::string to_pascal_case(std::string_view yaml_name) {
  std::string name;
  bool word_starts = true;
  for (const char c : yaml_name) {
    if (is_alnum(c)) name += word_starts ? to_upper(c) : c;
    word_starts = !is_alnum(c);
  }
  return free_of_sdk_names(valid_identifier(std::move(name)));
}

std::string to_snake_case(std::string_view yaml_name) {
  std::string name;
  char previous = '_';
  for (const char c : yaml_name) {
    const bool word_starts = is_upper(c) && (is_lower(previous) || is_digit(previous));
    if (word_starts || (!is_alnum(c) && !name.empty() && name.back() != '_')) name += '_';
    if (is_alnum(c)) name += to_lower(c);
    previous = c;
  }
  return free_of_sdk_names(valid_identifier(std::move(name)));
}

std::string cpp_field(std::string_view yaml_name) {
  std::string name(yaml_name);
  std::ranges::replace_if(
      name, [](char c) { return !is_alnum(c) && c != '_'; }, '_');
  return valid_identifier(std::move(name));
}

std::string cpp_type(const record::Type& type) {
  switch (type.kind) {
    case record::Kind::kString:
      return "Text";
    case record::Kind::kBytes:
      return "Bytes";
    case record::Kind::kObject:
      return to_pascal_case(type.name);
    case record::Kind::kList:
      return "List<" + cpp_type(*type.item) + ">";
    default:
      return std::string(record::to_string(type.kind));  // spelled the same in C++
  }
}

Plan make_plan(std::shared_ptr<const spec::Dataflow> dataflow) {
  Plan plan;
  for (const spec::Service& service : dataflow->services) {
    ServicePlan& planned = plan.services.emplace_back(
        ServicePlan{.spec = &service, .scope = to_snake_case(service.name), .states = {}});
    for (const spec::State& state : service.states) {
      planned.states.push_back({.name = state.name,
                                .table = to_snake_case(state.name),
                                .row_struct = to_pascal_case(state.name) + "Row",
                                .key = state.key,
                                .row = state.type});
    }
  }
  plan.dataflow = std::move(dataflow);
  return plan;
}

}  // namespace gameflow::plan
