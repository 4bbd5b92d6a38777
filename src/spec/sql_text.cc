#include "spec/sql_text.h"

#include <algorithm>
#include <utility>

namespace gameflow::spec {
namespace {

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\t';
}

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Goes through a file and knows where it is.
class Cursor {
 public:
  Cursor(std::string_view source, Position position) : source_(source), position_(position) {
    for (std::uint32_t line = 1; line < position.line && at_ < source.size(); ++line)
      at_ = std::min(source.find('\n', at_), source.size() - 1) + 1;
    at_ = std::min(at_ + position.column - 1, source.size());
  }

  bool is_at_end() const { return at_ == source_.size(); }
  char here() const { return source_[at_]; }
  Position position() const { return position_; }
  void step() {
    if (source_[at_++] == '\n') {
      ++position_.line;
      position_.column = 1;
    } else {
      ++position_.column;
    }
  }

 private:
  std::string_view source_;
  Position position_;
  std::size_t at_ = 0;
};

// Behind what `sql` has at `at`: a string or a quoted name, a comment, or one byte.
std::size_t end_of_part(std::string_view sql, std::size_t at) {
  const auto behind = [&](std::string_view end, std::size_t from) {
    const std::size_t found = sql.find(end, from);
    return found == std::string_view::npos ? sql.size() : found + end.size();
  };
  const std::string_view rest = sql.substr(at);
  if (rest.starts_with("--")) return behind("\n", at);
  if (rest.starts_with("/*")) return behind("*/", at + 2);
  if (rest[0] == '[') return behind("]", at);
  if (rest[0] == '\'' || rest[0] == '"' || rest[0] == '`') return behind(rest.substr(0, 1), at + 1);
  return at + 1;
}

}  // namespace

// YAML takes away indentation, folds lines and knows escapes; but what is no space stands in the
// file in the same order.
SqlText sql_text(const Node& node, std::string_view source) {
  SqlText sql{.text = node.text, .position = node.position, .length = node.length, .places = {}};
  Cursor cursor(source, node.position);
  if (node.style == ScalarStyle::kLiteral || node.style == ScalarStyle::kFolded) {
    while (!cursor.is_at_end() && cursor.here() != '\n') cursor.step();  // "|-"
  } else if (node.style == ScalarStyle::kQuoted && !cursor.is_at_end()) {
    cursor.step();
  }
  for (const char c : sql.text) {
    // An escape has one byte more before what it stands for.
    for (int skipped = 0; !is_space(c) && !cursor.is_at_end() && cursor.here() != c;) {
      if (!is_space(cursor.here()) && ++skipped > 1) return sql;
      cursor.step();
    }
    if (cursor.is_at_end()) return sql;
    sql.places.push_back(cursor.position());
    if (!is_space(c) || is_space(cursor.here())) cursor.step();
  }
  return sql;
}

Diagnostic SqlText::mistake(std::size_t byte, std::size_t bytes, std::string message,
                            std::string hint) const {
  Diagnostic mistake{.severity = Severity::kError,
                     .position = position,
                     .length = length,
                     .message = std::move(message),
                     .hint = std::move(hint)};
  std::ranges::replace(mistake.message, '\n', ' ');
  if (byte >= places.size()) return mistake;
  mistake.position = places[byte];
  mistake.length = static_cast<std::uint32_t>(std::max<std::size_t>(bytes, 1));
  return mistake;
}

std::vector<SqlParameter> sql_parameters(std::string_view sql) {
  std::vector<SqlParameter> parameters;
  for (std::size_t at = 0; at < sql.size();) {
    const bool is_mark = sql[at] == ':' || sql[at] == '@' || sql[at] == '$';
    std::size_t end = at + 1;
    while (is_mark && end < sql.size() && is_word(sql[end])) ++end;
    if (sql[at] == '?') {
      parameters.push_back({"", at++});
    } else if (is_mark && end > at + 1) {
      parameters.push_back({std::string(sql.substr(at + 1, end - at - 1)), at});
      at = end;
    } else if (is_word(sql[at])) {
      while (at < sql.size() && (is_word(sql[at]) || sql[at] == '$')) ++at;  // a$b is one name
    } else {
      at = end_of_part(sql, at);
    }
  }
  return parameters;
}

}  // namespace gameflow::spec
