#include "connect/support/json_value.h"

#include <charconv>
#include <cstdint>

#include <fmt/format.h>

namespace gameflow::connect {
namespace {

constexpr int kDepthMax = 128;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_hex(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

// Walks over values; each function says whether what it should take was there.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::size_t position() const { return at_; }
  bool is_at_end() const { return at_ == text_.size(); }
  char peek() const { return is_at_end() ? '\0' : text_[at_]; }
  void skip_space() {
    while (!is_at_end() && is_space(text_[at_])) ++at_;
  }
  bool take(char c) {
    if (peek() != c || is_at_end()) return false;
    ++at_;
    return true;
  }

  bool value(int depth) {
    switch (peek()) {
      case '{':
        return container('}', depth, true);
      case '[':
        return container(']', depth, false);
      case '"':
        return text();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool text() {
    if (!take('"')) return false;
    while (!is_at_end()) {
      const char c = text_[at_++];
      if (c == '"') return true;
      if (static_cast<unsigned char>(c) < 0x20) return false;
      if (c == '\\' && !escape()) return false;
    }
    return false;
  }

 private:
  bool escape() {
    if (is_at_end()) return false;
    const char c = text_[at_++];
    if (c != 'u') return std::string_view("\"\\/bfnrt").find(c) != std::string_view::npos;
    for (int i = 0; i < 4; ++i)
      if (is_at_end() || !is_hex(text_[at_++])) return false;
    return true;
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) return false;
    at_ += expected.size();
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return false;
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (peek() != 'e' && peek() != 'E') return true;
    ++at_;
    if (!take('+')) take('-');
    return digits();
  }

  bool container(char end, int depth, bool has_names) {
    if (depth == kDepthMax) return false;
    ++at_;
    skip_space();
    if (take(end)) return true;
    do {
      skip_space();
      if (has_names) {
        if (!text()) return false;
        skip_space();
        if (!take(':')) return false;
        skip_space();
      }
      if (!value(depth + 1)) return false;
      skip_space();
    } while (take(','));
    return take(end);
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

unsigned hex_at(std::string_view text, std::size_t at) {
  unsigned value = 0;
  std::from_chars(text.data() + at, text.data() + at + 4, value, 16);
  return value;
}

void append_utf8(std::string& out, unsigned code) {
  const auto add = [&](unsigned byte) { out += static_cast<char>(byte); };
  if (code < 0x80) {
    add(code);
  } else if (code < 0x800) {
    add(0xC0 | code >> 6);
    add(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    add(0xE0 | code >> 12);
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  } else {
    add(0xF0 | code >> 18);
    add(0x80 | (code >> 12 & 0x3F));
    add(0x80 | (code >> 6 & 0x3F));
    add(0x80 | (code & 0x3F));
  }
}

// `raw` without quotes. Halves of pairs that stand alone become U+FFFD.
std::string unescape(std::string_view raw) {
  std::string out;
  out.reserve(raw.size());
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      out += raw[i];
      continue;
    }
    const char c = raw[++i];
    if (c != 'u') {
      constexpr std::string_view kFrom = "bfnrt", kTo = "\b\f\n\r\t";
      const std::size_t at = kFrom.find(c);
      out += at == std::string_view::npos ? c : kTo[at];
      continue;
    }
    unsigned code = hex_at(raw, i + 1);
    i += 4;
    if (code >= 0xD800 && code < 0xE000) {
      const bool has_low =
          code < 0xDC00 && i + 6 < raw.size() && raw[i + 1] == '\\' && raw[i + 2] == 'u';
      const unsigned low = has_low ? hex_at(raw, i + 3) : 0;
      if (low >= 0xDC00 && low < 0xE000) {
        code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
        i += 6;
      } else {
        code = 0xFFFD;
      }
    }
    append_utf8(out, code);
  }
  return out;
}

}  // namespace

std::optional<JsonValue> JsonValue::parse(std::string_view text) {
  Scanner scanner(text);
  scanner.skip_space();
  const std::size_t begin = scanner.position();
  if (!scanner.value(0)) return std::nullopt;
  const std::size_t end = scanner.position();
  scanner.skip_space();
  if (!scanner.is_at_end()) return std::nullopt;
  return JsonValue(text.substr(begin, end - begin));
}

JsonValue::Kind JsonValue::kind() const {
  switch (raw_.front()) {
    case '{':
      return Kind::kObject;
    case '[':
      return Kind::kList;
    case '"':
      return Kind::kText;
    case 't':
    case 'f':
      return Kind::kBool;
    case 'n':
      return Kind::kNull;
    default:
      return Kind::kNumber;
  }
}

std::string JsonValue::text() const {
  if (!is(Kind::kText)) return std::string(raw_);
  return unescape(raw_.substr(1, raw_.size() - 2));
}

std::optional<double> JsonValue::number() const {
  if (!is(Kind::kNumber)) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(raw_.data(), raw_.data() + raw_.size(), value);
  if (error != std::errc() || end != raw_.data() + raw_.size()) return std::nullopt;
  return value;
}

std::optional<JsonValue> JsonValue::at(std::string_view path) const {
  if (path.empty() || path == ".") return *this;
  std::optional<JsonValue> value = *this;
  while (value) {
    const std::size_t dot = path.find('.');
    value = value->field(path.substr(0, dot));
    if (dot == std::string_view::npos) break;
    path.remove_prefix(dot + 1);
  }
  return value;
}

// Calls visit(name as it stands, value) for each.
template <class Visit>
void JsonValue::each_member(Visit visit) const {
  if (!is(Kind::kObject)) return;
  Scanner scanner(raw_);
  scanner.take('{');
  scanner.skip_space();
  while (scanner.peek() == '"') {
    std::size_t begin = scanner.position();
    scanner.text();
    const std::string_view name = raw_.substr(begin + 1, scanner.position() - begin - 2);
    scanner.skip_space();
    scanner.take(':');
    scanner.skip_space();
    begin = scanner.position();
    scanner.value(0);
    visit(name, JsonValue(raw_.substr(begin, scanner.position() - begin)));
    scanner.skip_space();
    scanner.take(',');
    scanner.skip_space();
  }
}

std::optional<JsonValue> JsonValue::field(std::string_view name) const {
  std::optional<JsonValue> found;
  each_member([&](std::string_view raw_name, JsonValue value) {
    const bool has_escape = raw_name.find('\\') != std::string_view::npos;
    if (has_escape ? unescape(raw_name) == name : raw_name == name) found = value;
  });
  return found;
}

std::vector<std::pair<std::string, JsonValue>> JsonValue::members() const {
  std::vector<std::pair<std::string, JsonValue>> members;
  each_member(
      [&](std::string_view name, JsonValue value) { members.emplace_back(unescape(name), value); });
  return members;
}

std::vector<JsonValue> JsonValue::items() const {
  std::vector<JsonValue> items;
  if (!is(Kind::kList)) return items;
  Scanner scanner(raw_);
  scanner.take('[');
  scanner.skip_space();
  if (scanner.peek() == ']') return items;
  do {
    scanner.skip_space();
    const std::size_t begin = scanner.position();
    scanner.value(0);
    items.push_back(JsonValue(raw_.substr(begin, scanner.position() - begin)));
    scanner.skip_space();
  } while (scanner.take(','));
  return items;
}

void append_json_text(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string json_text(std::string_view text) {
  std::string out;
  append_json_text(out, text);
  return out;
}

std::vector<JsonValue> items_of(const JsonValue& record, std::string_view path) {
  const std::optional<JsonValue> value = record.at(path);
  if (!value) return {};
  if (value->is(JsonValue::Kind::kList)) return value->items();
  if (!path.empty() && value->is(JsonValue::Kind::kNull)) return {};
  return {*value};
}

}  // namespace gameflow::connect
