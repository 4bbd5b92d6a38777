#include "spec/names.h"

#include <algorithm>
#include <array>

namespace gameflow::spec {
namespace {

bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

constexpr auto kKeywords =
    std::to_array<std::string_view>({"alignas",       "alignof",     "and",
                                     "and_eq",        "asm",         "auto",
                                     "bitand",        "bitor",       "bool",
                                     "break",         "case",        "catch",
                                     "char",          "char16_t",    "char32_t",
                                     "char8_t",       "class",       "co_await",
                                     "co_return",     "co_yield",    "compl",
                                     "concept",       "const",       "const_cast",
                                     "consteval",     "constexpr",   "constinit",
                                     "continue",      "decltype",    "default",
                                     "delete",        "do",          "double",
                                     "dynamic_cast",  "else",        "enum",
                                     "explicit",      "export",      "extern",
                                     "false",         "float",       "for",
                                     "friend",        "goto",        "if",
                                     "inline",        "int",         "long",
                                     "mutable",       "namespace",   "new",
                                     "noexcept",      "not",         "not_eq",
                                     "nullptr",       "operator",    "or",
                                     "or_eq",         "private",     "protected",
                                     "public",        "register",    "reinterpret_cast",
                                     "requires",      "return",      "short",
                                     "signed",        "sizeof",      "static",
                                     "static_assert", "static_cast", "struct",
                                     "switch",        "template",    "this",
                                     "thread_local",  "throw",       "true",
                                     "try",           "typedef",     "typeid",
                                     "typename",      "union",       "unsigned",
                                     "using",         "virtual",     "void",
                                     "volatile",      "wchar_t",     "while",
                                     "xor",           "xor_eq"});

// What gameflow/operator.h and the code around operators declare.
constexpr auto kSdkNames = std::to_array<std::string_view>({"Arena",
                                                            "KeyValue",
                                                            "Bytes",
                                                            "Decimal",
                                                            "Distinct",
                                                            "Json",
                                                            "List",
                                                            "Map",
                                                            "MapEntry",
                                                            "Optional",
                                                            "Quantiles",
                                                            "Text",
                                                            "Timestamp",
                                                            "Window",
                                                            "abi",
                                                            "arena",
                                                            "assign_key_block",
                                                            "assign_key_operator",
                                                            "assign_timestamp_block",
                                                            "assign_timestamp_operator",
                                                            "decode_signed_key",
                                                            "decode_unsigned_key",
                                                            "detail",
                                                            "encode_key",
                                                            "f32",
                                                            "f64",
                                                            "flush_block",
                                                            "flush_operator",
                                                            "gameflow",
                                                            "gameflow_library",
                                                            "i16",
                                                            "i32",
                                                            "i64",
                                                            "i8",
                                                            "parse_time",
                                                            "sdk_types",
                                                            "sql",
                                                            "std",
                                                            "to_text",
                                                            "u16",
                                                            "u32",
                                                            "u64",
                                                            "u8",
                                                            "update_state_block",
                                                            "update_state_operator",
                                                            "window"});

// Macros of the standard headers that operators see.
constexpr auto kMacros =
    std::to_array<std::string_view>({"EOF", "FP_NAN", "HUGE_VAL", "INFINITY", "NAN", "NULL",
                                     "assert", "errno", "offsetof", "stderr", "stdin", "stdout"});

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

std::string to_pascal_case(std::string_view yaml_name) {
  std::string name;
  bool word_start = true;
  for (const char c : yaml_name) {
    if (c == '-' || c == '_') {
      word_start = true;
      continue;
    }
    name += word_start && is_lower(c) ? static_cast<char>(c - 'a' + 'A') : c;
    word_start = false;
  }
  return name;
}

std::string to_snake_case(std::string_view yaml_name) {
  std::string name;
  for (std::size_t i = 0; i < yaml_name.size(); ++i) {
    const char c = yaml_name[i];
    if (!is_upper(c)) {
      name += c == '-' ? '_' : c;
      continue;
    }
    // A word starts behind a small letter or digit, and where an acronym ends.
    const bool is_behind_small =
        i > 0 && (is_lower(yaml_name[i - 1]) || is_digit(yaml_name[i - 1]));
    const bool ends_acronym = i > 0 && is_upper(yaml_name[i - 1]) && i + 1 < yaml_name.size() &&
                              is_lower(yaml_name[i + 1]);
    if (is_behind_small || ends_acronym) name += '_';
    name += static_cast<char>(c - 'A' + 'a');
  }
  return name;
}

std::string to_member_name(std::string_view yaml_name) {
  std::string name = to_snake_case(yaml_name);
  if (reserved_as(name)) name += '_';
  return name;
}

bool is_type_name(std::string_view name) {
  return !name.empty() && name.size() <= 100 && (is_lower(name[0]) || is_upper(name[0])) &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_lower(c) || is_upper(c) || is_digit(c) || c == '-' || c == '_';
         });
}

bool is_lower_name(std::string_view name) {
  const auto is_joint = [](char c) { return c == '-' || c == '_'; };
  return is_type_name(name) && std::none_of(name.begin(), name.end(), is_upper) &&
         !is_joint(name.back()) &&
         std::adjacent_find(name.begin(), name.end(), [&](char a, char b) {
           return is_joint(a) && is_joint(b);
         }) == name.end();
}

bool is_topic_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && name != "." && name != ".." &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_lower(c) || is_upper(c) || is_digit(c) || c == '.' || c == '_' || c == '-';
         });
}

bool is_field_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && !is_digit(name[0]) && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return is_lower(c) || is_upper(c) || is_digit(c) || c == '_' || c == '-';
         });
}

bool is_event_name(std::string_view name) {
  return !name.empty() && name.size() <= 200 && std::ranges::none_of(name, [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7F;
  });
}

bool is_identifier(std::string_view name) {
  return !name.empty() && name.size() <= 200 && !is_digit(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [](char c) { return is_lower(c) || is_upper(c) || is_digit(c) || c == '_'; });
}

std::optional<std::string_view> reserved_as(std::string_view identifier) {
  if (contains(kKeywords, identifier)) return "a C++ keyword";
  if (contains(kSdkNames, identifier)) return "a name of the SDK";
  if (contains(kMacros, identifier)) return "a C++ macro";
  if (identifier.starts_with("__") ||
      (identifier.size() > 1 && identifier[0] == '_' && is_upper(identifier[1])))
    return "a name reserved for the C++ compiler";
  return std::nullopt;
}

std::optional<std::string_view> reserved_as_accessor(std::string_view identifier) {
  if (identifier == "key" || identifier == "erase") return "a name of the SDK";
  return reserved_as(identifier);
}

}  // namespace gameflow::spec
