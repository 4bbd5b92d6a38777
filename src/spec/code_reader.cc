#include "spec/code_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "spec/names.h"

namespace gameflow::spec {
namespace {

using record::Kind;
using record::Type;

struct Token {
  std::string_view text;
  std::size_t offset = 0;
};

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Where the comment, string or character that starts at `at` ends; `at` if there is none.
std::size_t skip_opaque(std::string_view code, std::size_t at) {
  const auto after = [&](std::size_t found, std::size_t length) {
    return found == std::string_view::npos ? code.size() : found + length;
  };
  if (code.substr(at).starts_with("//")) return after(code.find('\n', at), 0);
  if (code.substr(at).starts_with("/*")) return after(code.find("*/", at + 2), 2);
  if (code.substr(at).starts_with("R\"")) {
    const std::size_t open = code.find('(', at);
    if (open == std::string_view::npos || open - at > 18) return at;
    const std::string close = fmt::format("){}\"", code.substr(at + 2, open - at - 2));
    return after(code.find(close, open), close.size());
  }
  if (code[at] == '"') {
    std::size_t end = at + 1;
    while (end < code.size() && code[end] != '"' && code[end] != '\n')
      end += code[end] == '\\' ? 2 : 1;
    return std::min(end + 1, code.size());
  }
  // 'a' and '\n', but not the lifetime in Rust's &'a str.
  if (code[at] == '\'') {
    const std::size_t end = code.find('\'', at + (code.substr(at + 1, 1) == "\\" ? 3 : 2));
    if (end != std::string_view::npos && end - at <= 12 && (end - at == 2 || code[at + 1] == '\\'))
      return end + 1;
  }
  return at;
}

std::vector<Token> tokens_of(std::string_view code) {
  std::vector<Token> tokens;
  for (std::size_t at = 0; at < code.size();) {
    if (const std::size_t end = skip_opaque(code, at); end != at) {
      at = end;
    } else if (is_word_char(code[at])) {
      const bool is_number = std::isdigit(static_cast<unsigned char>(code[at])) != 0;
      std::size_t end_word = at + 1;
      while (end_word < code.size() &&
             (is_word_char(code[end_word]) || (is_number && code[end_word] == '\'')))
        ++end_word;
      tokens.push_back({code.substr(at, end_word - at), at});
      at = end_word;
    } else {
      if (code[at] > ' ') {
        const std::string_view two = code.substr(at, 2);
        const std::size_t length = two == "->" || two == "::" || two == "=>" ? 2 : 1;
        tokens.push_back({code.substr(at, length), at});
        at += length;
      } else {
        ++at;
      }
    }
  }
  return tokens;
}

template <std::size_t N>
bool one_of(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr auto kMacros = std::to_array<std::string_view>(
    {"println", "print", "eprintln", "format", "vec", "panic", "anyhow", "bail", "assert_eq"});
constexpr auto kRustScalars = std::to_array<std::string_view>(
    {"i8", "i16", "i32", "i64", "u8", "u16", "u32", "u64", "f32", "f64", "usize", "isize"});

class RustFinder {
 public:
  explicit RustFinder(std::string_view code) : tokens_(tokens_of(code)) {}

  std::optional<RustSpan> find() {
    for (at_ = 0; at_ < tokens_.size(); ++at_) {
      if (const std::size_t count = match(); count != 0) {
        const Token& last = tokens_[at_ + count - 1];
        RustSpan span{
            tokens_[at_].offset, last.offset + last.text.size() - tokens_[at_].offset, {}};
        if (is("fn")) span.function = word(1);
        return span;
      }
    }
    return std::nullopt;
  }

 private:
  std::string_view word(std::size_t ahead) const {
    return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead].text : std::string_view();
  }
  std::string_view before() const { return at_ > 0 ? tokens_[at_ - 1].text : std::string_view(); }
  bool is(std::string_view a, std::string_view b = {}, std::string_view c = {}) const {
    return word(0) == a && (b.empty() || word(1) == b) && (c.empty() || word(2) == c);
  }
  bool is_name(std::size_t ahead) const {
    const std::string_view text = word(ahead);
    return !text.empty() && is_word_char(text[0]) && text[0] > '9' && !reserved_as(text);
  }

  // How many tokens from here on can only be Rust; 0 if none.
  std::size_t match() const {
    if (is("fn") && is_name(1) && (word(2) == "(" || word(2) == "<")) return 2;
    if ((is("->", "Result", "<") || is("->", "Option", "<")) &&
        (before() == ")" || before() == "|"))
      return 2;
    if (is("let", "mut")) return 2;
    if (is("let") && is_name(1) && (word(2) == "=" || word(2) == ":")) return 2;
    if (is("use") && is_name(1) && word(2) == "::") return 3;
    if (is("#", "[") || (is("#", "!") && word(2) == "[")) return 2;
    if (is(".", "unwrap", "(")) return 2;
    if (one_of(word(0), kMacros) && word(1) == "!" &&
        (word(2) == "(" || word(2) == "[" || word(2) == "{"))
      return 2;
    // `count as u32`: no two words stand like this in C++.
    if (is("as") && one_of(word(1), kRustScalars) && !before().empty() &&
        (is_word_char(before().back()) || before() == ")"))
      return 2;
    // `name: &str`, but not the address of a variable in `a ? b : &str`.
    if (is(":", "&", "str") && !after_question()) return 3;
    if (is("<", "&", "str") && word(3) == ">") return 4;
    if (is("Ok", "(") && is_result()) return 1;
    return 0;
  }

  bool after_question() const {
    for (std::size_t i = at_; i-- > 0;) {
      const std::string_view text = tokens_[i].text;
      if (text == "?") return true;
      if (text == ";" || text == "{" || text == "}") return false;
    }
    return false;
  }

  // An `Ok(...)` that is the value of a block: nothing but its end follows.
  bool is_result() const {
    if (before() == "=>") return true;
    if (!before().empty() && before() != "{" && before() != "}" && before() != ";") return false;
    std::size_t open = 0;
    for (std::size_t i = at_ + 1; i < tokens_.size(); ++i) {
      if (tokens_[i].text == "(") ++open;
      if (tokens_[i].text == ")" && --open == 0)
        return i + 1 == tokens_.size() || tokens_[i + 1].text == "}";
    }
    return false;
  }

  std::vector<Token> tokens_;
  std::size_t at_ = 0;
};

std::string cpp_name(const Type& type) {
  switch (type.kind) {
    case Kind::kString:
      return "Text";
    case Kind::kBytes:
      return "Bytes";
    case Kind::kObject:
      return to_pascal_case(type.name);
    case Kind::kList:
      return fmt::format("List<{}>", cpp_name(*type.item));
    default:
      return std::string(record::to_string(type.kind));
  }
}

std::string cpp_name(const Type* type, const std::string& yaml_name, std::string_view otherwise) {
  if (!yaml_name.empty() && is_type_name(yaml_name) && !reserved_as(yaml_name) &&
      yaml_name != "string" && yaml_name != "bytes")
    return to_pascal_case(yaml_name);
  return type == nullptr ? std::string(otherwise) : cpp_name(*type);
}

// The path of a field of this kind whose name contains `part`, in the event or one level below.
std::string find_field(const Type* type, Kind kind, std::string_view part) {
  if (type == nullptr || type->kind != Kind::kObject) return {};
  for (const record::Field& field : type->fields) {
    if (field.type->kind == kind && !field.optional && field.name.find(part) != std::string::npos)
      return field.name;
  }
  for (const record::Field& field : type->fields) {
    if (field.type->kind != Kind::kObject || field.optional) continue;
    for (const record::Field& inner : field.type->fields) {
      if (inner.type->kind == kind && !inner.optional && inner.name.find(part) != std::string::npos)
        return fmt::format("{}.{}", field.name, inner.name);
    }
  }
  return {};
}

std::string first_of(std::initializer_list<std::string> candidates) {
  for (const std::string& candidate : candidates) {
    if (!candidate.empty()) return candidate;
  }
  return {};
}

std::string update_of(const State* state) {
  if (state == nullptr) return "count_per_key().count += 1;";
  const std::string row = to_snake_case(state->name);
  if (state->type != nullptr) {
    for (const record::Field& field : state->type->fields) {
      if (field.type->kind != Kind::kString && field.type->kind != Kind::kBool)
        return fmt::format("{}().{} += 1;", row, field.name);
    }
  }
  return fmt::format("auto& row = {}(); /* change row */", row);
}

std::string_view default_function(Operator op) {
  switch (op) {
    case Operator::kAssignTimestamp:
      return "assign_timestamp";
    case Operator::kAssignKey:
      return "assign_key";
    case Operator::kUpdateState:
      return "update_state";
    case Operator::kFlush:
      return "compute";
  }
  return "";
}

// Lines [first, first + count) of the file, each with its line feed.
std::string lines_from(std::string_view source, std::uint32_t first, std::size_t count) {
  std::size_t start = 0;
  for (std::uint32_t line = 1; line < first && start < source.size(); ++line)
    start = std::min(source.find('\n', start), source.size() - 1) + 1;
  std::size_t end = start;
  for (std::size_t i = 0; i < count && end < source.size(); ++i)
    end = std::min(source.find('\n', end), source.size() - 1) + 1;
  return std::string(source.substr(start, end - start));
}

void report_rust(Report& report, const Code& code, const RustSpan& rust, Operator op,
                 const ExampleNames& names) {
  const std::string_view before = std::string_view(code.text).substr(0, rust.offset);
  const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t start = before.rfind('\n');
  Position position = {code.position.line + line, 1};
  position.column = start == std::string_view::npos
                        ? code.position.column + static_cast<std::uint32_t>(rust.offset)
                        : static_cast<std::uint32_t>(rust.offset - start);
  std::string what = code.text.substr(rust.offset, rust.length);
  std::replace(what.begin(), what.end(), '\n', ' ');
  report.add({Severity::kError, position, static_cast<std::uint32_t>(rust.length),
              fmt::format("this is Rust ('{}'): operators are written in C++ here", what),
              fmt::format("write for example\n{}", example_of(op, names, rust.function))});
}

}  // namespace

std::optional<RustSpan> find_rust(std::string_view code) {
  return RustFinder(code).find();
}

std::string example_of(Operator op, const ExampleNames& names, std::string_view function) {
  const std::string_view name = function.empty() ? default_function(op) : function;
  const std::string event = cpp_name(names.event, names.event_name, "Event");
  const std::string output = cpp_name(names.output, names.output_name, "Output");
  switch (op) {
    case Operator::kAssignTimestamp: {
      const std::string field = find_field(names.event, Kind::kString, "time");
      return fmt::format(
          "i64 {}(const {}& event, i64 record_time) {{ return {}; }}", name, event,
          field.empty() ? "record_time" : fmt::format("parse_time(event.{}, record_time)", field));
    }
    case Operator::kAssignKey: {
      const Kind kind = names.state == nullptr ? Kind::kString : names.state->key;
      const std::string field =
          first_of({find_field(names.event, kind, "id"), find_field(names.event, kind, ""), "id"});
      return fmt::format("{} {}(const {}& event) {{ return event.{}; }}",
                         kind == Kind::kString ? "Text" : record::to_string(kind), name, event,
                         field);
    }
    case Operator::kUpdateState:
      return fmt::format("void {}(const {}& event) {{ {} }}", name, event, update_of(names.state));
    case Operator::kFlush: {
      const std::string table =
          names.state == nullptr ? "count_per_key" : to_snake_case(names.state->name);
      return fmt::format("{0} {1}() {{ return sql<{0}>(\"select … from {2}\"); }}", output, name,
                         table);
    }
  }
  return {};
}

std::optional<Code> read_code(Report& report, const Node& node, std::string_view source,
                              Operator op, const ExampleNames& names) {
  const std::string example = fmt::format("write 'run: |' and below it, indented, for example\n{}",
                                          example_of(op, names, ""));
  if (node.kind != NodeKind::kScalar) {
    report.error(node, fmt::format("'run' has to be C++ code, this is {}", describe(node.kind)),
                 example);
    return std::nullopt;
  }
  if (node.text.find_first_not_of(" \t\n") == std::string::npos) {
    report.error(node, "'run' has no code", example);
    return std::nullopt;
  }
  Code code;
  if (node.style == ScalarStyle::kLiteral) {
    code.position = {node.position.line + 1, 1};
    const auto lines = std::count(node.text.begin(), node.text.end(), '\n');
    const bool open_end = node.text.back() != '\n';
    code.text = lines_from(source, code.position.line,
                           static_cast<std::size_t>(lines) + (open_end ? 1 : 0));
  } else if (node.length != node.text.size() + (node.style == ScalarStyle::kQuoted ? 2 : 0)) {
    report.error(node, "written like this, YAML changes the code: it joins lines or reads escapes",
                 "write 'run: |'");
    return std::nullopt;
  } else {
    code.text = node.text;
    code.position = node.position;
    if (node.style == ScalarStyle::kQuoted) ++code.position.column;
  }
  if (const auto rust = find_rust(code.text)) {
    report_rust(report, code, *rust, op, names);
    return std::nullopt;
  }
  return code;
}

}  // namespace gameflow::spec
