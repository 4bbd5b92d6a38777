#include "connect/support/path_template.h"

#include <stdexcept>

#include <fmt/format.h>

namespace gameflow::connect {

PathTemplate::PathTemplate(std::string_view text) {
  const auto wrong = [whole = text](std::string_view what) {
    return std::runtime_error(fmt::format("'{}': {}", whole, what));
  };
  while (!text.empty()) {
    const std::size_t open = text.find('{');
    const std::string_view plain = text.substr(0, open);
    if (plain.find('}') != std::string_view::npos) throw wrong("a '}' has no '{' before it");
    if (!plain.empty()) parts_.push_back({std::string(plain), false});
    if (open == std::string_view::npos) break;
    const std::size_t close = text.find('}', open);
    if (close == std::string_view::npos) throw wrong("a '{' has no '}' behind it");
    const std::string_view field = text.substr(open + 1, close - open - 1);
    if (field.empty() || field.find('{') != std::string_view::npos)
      throw wrong("between '{' and '}' stands the path of a field");
    parts_.push_back({std::string(field), true});
    text.remove_prefix(close + 1);
  }
}

std::optional<std::string> PathTemplate::fill(const JsonValue& record,
                                              std::string (*clean)(std::string),
                                              std::string& missing) const {
  using Kind = JsonValue::Kind;
  std::string out;
  for (const auto& [text, is_field] : parts_) {
    if (!is_field) {
      out += text;
      continue;
    }
    const auto value = record.at(text);
    if (!value || value->is(Kind::kNull) || value->is(Kind::kList) || value->is(Kind::kObject)) {
      missing = text;
      return std::nullopt;
    }
    out += clean(value->text());
  }
  return out;
}

}  // namespace gameflow::connect
