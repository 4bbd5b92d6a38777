#include "spec/code_reader.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/closest.h"
#include "spec/cpp_lexer.h"
#include "spec/names.h"
#include "spec/sections.h"

namespace gameflow::spec {
namespace {

bool is_word_char(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// The quote of a Rust lifetime, &'a str, with what C++ would take for its character.
bool is_lifetime(const Token& token) {
  if (token.kind == TokenKind::kUnclosed) return token.text.starts_with('\'');
  return token.kind == TokenKind::kCharacter && token.text.size() > 3 && token.text[1] != '\\';
}

// Words, numbers and symbols.
std::vector<Token> tokens_of(std::string_view code) {
  std::vector<Token> tokens;
  for (std::size_t start = 0; start < code.size();) {
    const std::size_t from = std::exchange(start, code.size());
    for (Token token : tokenize(code.substr(from))) {
      token.offset += from;
      if (is_lifetime(token)) {
        start = token.offset + 1;
        break;
      }
      const bool is_literal = token.kind == TokenKind::kString ||
                              token.kind == TokenKind::kCharacter ||
                              token.kind == TokenKind::kUnclosed;
      if (!is_literal) tokens.push_back(token);
    }
  }
  return tokens;
}

// An attribute, #[derive(…)] or #![allow(…)], is a directive to C++: of how many bytes; 0 if it is
// none.
std::size_t attribute_mark(std::string_view text) {
  return text.starts_with("#[") || text.starts_with("#![") ? 2 : 0;
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
        const Token &first = tokens_[at_], &last = tokens_[at_ + count - 1];
        RustSpan span{first.offset, last.offset + last.text.size() - first.offset, {}};
        if (const std::size_t mark = attribute_mark(first.text)) span.length = mark;
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
    if (attribute_mark(word(0)) != 0) return 1;
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
    if (before() == ">" && at_ > 1 && tokens_[at_ - 2].text == "=") return true;
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

// How a transform is written, for hints.
std::string transform_form(FunctionKind kind, const ExampleNames& names) {
  return fmt::format("for example\n- operator: {}\n  run: |\n    {}", info_of(kind).key,
                     example_of(kind, names, ""));
}

}  // namespace

std::optional<RustSpan> find_rust(std::string_view code) {
  return RustFinder(code).find();
}

Function FunctionReader::read(const Fields& fields, const Node& parent, FunctionKind kind,
                              const ExampleNames& names) {
  Function function = {kind, {}, {}};
  const std::string_view key = info_of(kind).key;
  if (const Node* const body = fields.find(key)) {
    function.position = parent.find_key(key)->position;
    read_body(*body, kFunction, function, names);
  }
  return function;
}

Function FunctionReader::read_flush(const Fields& fields, const Node& parent,
                                    const ExampleNames& names) {
  Function function = {FunctionKind::kFlush, {}, {}};
  const Node* const body = fields.find("flush");
  if (body == nullptr) return function;
  if (body->find_key("each") == nullptr) {
    function.position = parent.find_key("flush")->position;
    read_body(*body, kFlushing, function, names);
    return function;
  }
  const Fields of_flush(report_, *body, kFlushing);
  if (const Node* const run = body->find_key("run"))
    report_.error(*run, "'flush' has 'run' and 'each'", "remove one of them");
  return read(of_flush, *body, FunctionKind::kFlushEach, names);
}

Function FunctionReader::read_join(const Fields& fields, const Node& join,
                                   const ExampleNames& names) {
  Function function = {FunctionKind::kJoin, {}, {}};
  if (const Node* const list = fields.find("dependencies"))
    function.dependencies = read_dependencies(*list);
  const Node* const run = fields.find("run");
  if (run == nullptr) return function;
  function.position = join.find_key("run")->position;
  const auto code = read_code(*run, function.kind, names);
  if (code && check_code(*code, function.kind, names)) function.code = *code;
  return function;
}

std::vector<Function> FunctionReader::read_transforms(const Node& list, ExampleNames names) {
  if (list.kind != NodeKind::kList) {
    report_.error(list,
                  fmt::format("'transforms' has to be a list, this is {}", describe(list.kind)),
                  transform_form(FunctionKind::kFilter, names));
    return {Function{}};
  }
  std::vector<Function> transforms;
  for (const Node& node : list.items) {
    transforms.push_back(read_transform(node, names).value_or(Function{}));
    if (change_type(transforms)) names.event = nullptr, names.event_name.clear();
  }
  return transforms;
}

std::optional<Function> FunctionReader::read_transform(const Node& node,
                                                       const ExampleNames& names) {
  const Node* name = node.find("operator");
  const Node* body = &node;
  const Section* section = &kTransform;
  if (name == nullptr && node.keys.size() == 1) {  // - filter: { run: … }
    name = &node.keys[0];
    body = &node.items[0];
    section = &kFunction;
  }
  const auto info =
      std::ranges::find(all_functions(), name == nullptr ? "" : name->text, &FunctionInfo::key);
  if (body == &node && name != nullptr && node.keys.size() > 1) {
    for (const Node& key : node.keys) {
      const auto other = std::ranges::find(all_functions(), key.text, &FunctionInfo::key);
      if (other == all_functions().end()) continue;
      report_.error(
          key, fmt::format("a transform is one operator; this has 'operator' and '{}'", key.text),
          fmt::format(
              "write '- operator: {0}' with 'run' beside it, or '- {0}:' with 'run' below it",
              key.text));
      return std::nullopt;
    }
  }
  if (info != all_functions().end() && info->is_transform) {
    Function function{info->kind, {}, name->position};
    read_body(*body, *section, function, names);
    return function;
  }
  if (body == &node && name != nullptr) {
    const Field& field = kTransform.fields.front();
    read_word(report_, *name, field.what, field.words);
  } else {
    report_.error(node, "a transform needs 'operator' and 'run'",
                  transform_form(FunctionKind::kFilter, names));
  }
  return std::nullopt;
}

void FunctionReader::read_body(const Node& body, const Section& section, Function& function,
                               const ExampleNames& names) {
  const std::string what = fmt::format("'{}'", info_of(function.kind).key);
  const Fields fields(report_, body, section, what);
  if (!fields.is_map()) return;
  const Node* const run = body.find("run");
  const Node* const uses = fields.find("uses");
  if (const Node* const list = fields.find("dependencies"))
    function.dependencies = read_dependencies(*list);
  if (body.find_key("uses") != nullptr && run != nullptr) {
    report_.error(*body.find_key("uses"), fmt::format("{} has 'run' already", what),
                  "remove one of them");
    return;
  }
  if (uses != nullptr) return read_use(*uses, function);
  if (body.find_key("uses") != nullptr) return;
  if (run == nullptr) {
    if (fields.is_told("run")) return;
    report_.error(body, fmt::format("{} needs 'run'", what),
                  fmt::format("for example\nrun: |\n  {}", example_of(function.kind, names, "")));
    return;
  }
  const auto code = read_code(*run, function.kind, names);
  if (code && check_code(*code, function.kind, names)) function.code = *code;
}

void FunctionReader::read_use(const Node& uses, Function& function) {
  const auto name = read_text(report_, uses, "the name of a function");
  if (!name) return;
  const auto found = imports_.functions.find(*name);
  if (found == imports_.functions.end()) {
    std::vector<std::string_view> names;
    for (const auto& [known, imported] : imports_.functions) names.emplace_back(known);
    // One that is told to be missing in its package is probably this one.
    const auto meant = imports_.functions.find(closest(*name, names));
    if (meant != imports_.functions.end() && meant->second.signature == nullptr) return;
    report_.error(uses, fmt::format("no function '{}' is imported", name->substr(0, 60)),
                  names.empty() ? fmt::format("write 'imports: [{{ pkg: NAMESPACE/NAME@VERSION, "
                                              "functions: [{{ name: {} }}] }}]'",
                                              name->substr(0, 60))
                                : did_you_mean(*name, names));
    return;
  }
  const Function& imported = found->second;
  if (imported.signature == nullptr) return;  // it has mistakes, which are told
  if (imported.kind != function.kind) {
    report_.error(uses,
                  fmt::format("function '{}' of package '{}' is for '{}', not for '{}'", *name,
                              imported.signature->package, info_of(imported.kind).key,
                              info_of(function.kind).key),
                  "use it there");
    return;
  }
  std::vector<Dependency> dependencies = std::move(function.dependencies);
  dependencies.insert(dependencies.end(), imported.dependencies.begin(),
                      imported.dependencies.end());
  function.code = imported.code;
  function.dependencies = std::move(dependencies);
  function.signature = imported.signature;
  function.position = uses.position;
}

std::vector<Dependency> FunctionReader::read_dependencies(const Node& list) {
  if (list.kind != NodeKind::kList || list.items.empty()) {
    report_.error(list, "'dependencies' has to be a list of system libraries",
                  "for example '[{ name: re2 }]'");
    return {};
  }
  std::vector<Dependency> dependencies;
  for (const Node& node : list.items) {
    const Fields fields(report_, node, kDependency);
    const auto name = fields.is_map() ? fields.text("name") : std::nullopt;
    if (!name) continue;
    const Node& at = *node.find("name");
    // It goes to another program's command line.
    const bool is_fine = name->front() != '-' && std::ranges::all_of(*name, [](char c) {
                           return is_word_char(c) || c == '-' || c == '.' || c == '+';
                         });
    if (!is_fine) {
      report_.error(at, fmt::format("'{}' cannot be the name of a library", name->substr(0, 60)),
                    "write what pkg-config calls it: letters, digits, '.', '_', '+' and '-'");
      continue;
    }
    dependencies.push_back({*name, at.position});
  }
  return dependencies;
}

std::optional<Code> FunctionReader::read_code(const Node& run, FunctionKind kind,
                                              const ExampleNames& names) {
  const std::string example = fmt::format("write 'run: |' and below it, indented, for example\n{}",
                                          example_of(kind, names, ""));
  if (run.kind != NodeKind::kScalar) {
    report_.error(run, fmt::format("'run' has to be C++ code, this is {}", describe(run.kind)),
                  example);
    return std::nullopt;
  }
  if (run.text.find_first_not_of(" \t\n") == std::string::npos) {
    report_.error(run, "'run' has no code", example);
    return std::nullopt;
  }
  Code code;
  if (run.style == ScalarStyle::kLiteral) {
    code.position = {run.position.line + 1, 1, run.position.file};
    const auto lines = std::count(run.text.begin(), run.text.end(), '\n');
    const bool open_end = run.text.back() != '\n';
    code.text = lines_from(source_, code.position.line,
                           static_cast<std::size_t>(lines) + (open_end ? 1 : 0));
  } else if (run.length != run.text.size() + (run.style == ScalarStyle::kQuoted ? 2 : 0)) {
    report_.error(run, "written like this, YAML changes the code: it joins lines or reads escapes",
                  "write 'run: |'");
    return std::nullopt;
  } else {
    code.text = run.text;
    code.position = run.position;
    if (run.style == ScalarStyle::kQuoted) ++code.position.column;
  }
  return code;
}

bool FunctionReader::check_code(const Code& code, FunctionKind kind, const ExampleNames& names) {
  const auto rust = find_rust(code.text);
  if (rust) report_rust(code, *rust, kind, names);
  return !rust;
}

void FunctionReader::report_rust(const Code& code, const RustSpan& rust, FunctionKind kind,
                                 const ExampleNames& names) {
  const std::string_view before = std::string_view(code.text).substr(0, rust.offset);
  const auto line = static_cast<std::uint32_t>(std::count(before.begin(), before.end(), '\n'));
  const std::size_t start = before.rfind('\n');
  Position position = {code.position.line + line, 1, code.position.file};
  position.column = start == std::string_view::npos
                        ? code.position.column + static_cast<std::uint32_t>(rust.offset)
                        : static_cast<std::uint32_t>(rust.offset - start);
  std::string what = code.text.substr(rust.offset, rust.length);
  std::replace(what.begin(), what.end(), '\n', ' ');
  report_.add({Severity::kError, position, static_cast<std::uint32_t>(rust.length),
               fmt::format("this is Rust ('{}'): operators are written in C++ here", what),
               fmt::format("write for example\n{}", example_of(kind, names, rust.function))});
}

bool change_type(const std::vector<Function>& transforms) {
  return std::ranges::any_of(transforms,
                             [](const Function& f) { return f.kind != FunctionKind::kFilter; });
}

}  // namespace gameflow::spec
