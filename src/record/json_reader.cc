#include "record/json_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <functional>
#include <limits>
#include <new>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "base/check.h"
#include "record/batch.h"
#include "record/utf8.h"

namespace gameflow::record {
namespace {

namespace simd = simdjson::SIMDJSON_BUILTIN_IMPLEMENTATION;

static_assert(kPaddingBytes >= simdjson::SIMDJSON_PADDING);

// Tokens are 32-bit positions.
constexpr std::size_t kTextBytesMax = simdjson::SIMDJSON_MAXSIZE_BYTES - kPaddingBytes;
constexpr std::size_t kCapacityMin = 4096;
constexpr std::size_t kQuotedBytesMax = 40;

const std::uint8_t* as_bytes(const char* text) {
  return reinterpret_cast<const std::uint8_t*>(text);
}

// From 3.2 on, simdjson asks whether half of a pair of surrogates may be replaced: no.
template <class Parser>
std::uint8_t* parse_string(Parser& parser, const std::uint8_t* from, std::uint8_t* to) {
  if constexpr (requires { parser.parse_string(from, to, false); }) {
    return parser.parse_string(from, to, false);
  } else {
    return parser.parse_string(from, to);
  }
}

// `text` for a message: at most kQuotedBytesMax bytes of it, cut between characters.
std::string shorten(std::string_view text) {
  if (text.size() <= kQuotedBytesMax) return std::string(text);
  std::size_t size = kQuotedBytesMax;
  while (size > 0 && (static_cast<std::uint8_t>(text[size]) & 0xC0U) == 0x80) --size;
  return std::string(text.substr(0, size)) + "…";
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_number_start(char c) {
  return is_digit(c) || c == '-';
}

// The number that `text` begins with, as JSON writes it, if nothing of a word follows; else empty.
std::string_view number_at(const char* text) {
  const char* const begin = text;
  const auto digits = [&text] {
    const char* const first = text;
    while (is_digit(*text)) ++text;
    return text - first;
  };
  if (*text == '-') ++text;
  const char first = *text;
  const auto whole = digits();
  if (whole == 0 || (first == '0' && whole > 1)) return {};
  if (*text == '.' && (++text, digits() == 0)) return {};
  if (*text == 'e' || *text == 'E') {
    ++text;
    if (*text == '+' || *text == '-') ++text;
    if (digits() == 0) return {};
  }
  if (std::string_view(" \t\r\n,]}:[{").find(*text) == std::string_view::npos) return {};
  return {begin, text};
}

// One that simdjson refused for its size, or for what it is.
[[gnu::cold]] bool parse_large(const char* text, JsonNumber& number) {
  const std::string_view digits = number_at(text);
  if (digits.empty()) return false;
  number.kind = JsonNumber::Kind::kDouble;
  number.as_double = std::numeric_limits<double>::infinity();  // stays where it is too large
  std::from_chars(digits.data(), digits.data() + digits.size(), number.as_double);
  return true;
}

// What simdjson's parse_number writes to. It holds a pointer because simdjson copies it where a
// number has more than 19 digits.
struct NumberWriter {
  JsonNumber* number;
  void append_s64(std::int64_t value) {
    number->kind = JsonNumber::Kind::kSigned;
    number->as_signed = value;
  }
  void append_u64(std::uint64_t value) {
    number->kind = JsonNumber::Kind::kUnsigned;
    number->as_unsigned = value;
  }
  void append_double(double value) {
    number->kind = JsonNumber::Kind::kDouble;
    number->as_double = value;
  }
  void skip_double() {}
};

struct StringFault {
  std::size_t position;
  const char* reason;
};

// What stage 1 found wrong with strings, found again slowly to say where.
std::optional<StringFault> find_string_fault(std::string_view text) {
  std::optional<std::size_t> open;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"') {
      open = open ? std::nullopt : std::optional(i);
    } else if (open && static_cast<std::uint8_t>(c) < 0x20) {
      return StringFault{i, "a control character in a string must be written as an escape"};
    }
  }
  if (open) return StringFault{*open, "the string that begins here does not end"};
  return std::nullopt;
}

std::size_t find_invalid_utf8(std::string_view text) {
  std::size_t i = 0;
  while (const std::size_t size = utf8_sequence_size(text.substr(i))) i += size;
  return i;
}

}  // namespace

bool JsonReader::reserve(std::size_t size) {
  if (parser_ != nullptr && size <= parser_->capacity()) return true;
  if (size > kTextBytesMax) {
    return fail(ErrorCode::kPayloadTooLarge, "the JSON text is larger than 4 GiB");
  }
  const std::size_t capacity = std::min(
      std::max({kCapacityMin, size, parser_ ? 2 * parser_->capacity() : 0}), kTextBytesMax);
  const auto error = parser_ == nullptr
                         ? simdjson::get_active_implementation()->create_dom_parser_implementation(
                               capacity, kJsonDepthMax, parser_)
                         : parser_->allocate(capacity, kJsonDepthMax);
  if (error == simdjson::SUCCESS) return true;
  parser_.reset();
  return fail(ErrorCode::kPayloadTooLarge, "there is not enough memory to read the JSON text");
}

bool JsonReader::open(std::string_view json) {
  text_ = json.data();
  size_ = json.size();
  next_ = end_ = nullptr;
  announced_ = ahead_ = {};
  if (json.empty()) return fail_json(0, "the text is empty");
  if (!reserve(json.size())) return false;
  if (const auto error = parser_->stage1(as_bytes(text_), size_, simdjson::stage1_mode::regular)) {
    return fail_stage1(error);
  }
  const std::size_t count = parser_->n_structural_indexes;
  Position* tokens = parser_->structural_indexes.get();
  if (count == 0) return fail_json(0, "the text is empty");
  next_ = tokens;
  end_ = tokens + count;
  has_backslash_ = std::memchr(text_, '\\', size_) != nullptr;

  const char first = at(tokens[0]);
  if (first != '{' && first != '[') {
    tokens[count] = static_cast<Position>(size_);
    if (first != '"') copy_scalar();
    return true;
  }
  // The text ends with a bracket, so nothing that stands before it is read past its end.
  const Position last = tokens[count - 1];
  const char closing = first == '{' ? '}' : ']';
  if (at(last) != closing) {
    next_ = end_;
    return fail_expected(last, fmt::format("'{}' at the end", closing));
  }
  tokens[count] = tokens[0];
  return true;
}

void JsonReader::look_ahead(std::string_view texts) {
  announced_ = texts;
  ahead_ = {};
}

bool JsonReader::find_ahead(std::string_view texts) {
  if (!reserve(texts.size()) ||
      parser_->stage1(as_bytes(texts.data()), texts.size(), simdjson::stage1_mode::regular) !=
          simdjson::SUCCESS) {
    return false;
  }
  const std::size_t count = parser_->n_structural_indexes;
  Position* tokens = parser_->structural_indexes.get();
  // The bounds of take(), for all texts as for one.
  if (count == 0 || texts[tokens[0]] != '{' || texts[tokens[count - 1]] != '}') return false;
  tokens[count] = tokens[0];
  text_ = texts.data();
  size_ = texts.size();
  next_ = tokens;
  end_ = tokens + count;
  ahead_has_backslash_ = std::memchr(text_, '\\', size_) != nullptr;
  return true;
}

// A text's tokens are what stage 1 finds in it alone if no string is open where it begins, and so
// its '{' is a token. If its '}' is one too, no string is open where it ends. Control characters
// and UTF-8 were checked in all texts.
bool JsonReader::open_ahead(std::string_view json) {
  if (!announced_.empty()) {
    const std::string_view texts = std::exchange(announced_, {});
    if (find_ahead(texts)) ahead_ = texts;
  }
  if (json.empty() || ahead_.empty() || std::less<>()(json.data(), ahead_.data()) ||
      std::less<>()(ahead_.data() + ahead_.size(), json.data() + json.size())) {
    return false;
  }
  const auto first = static_cast<Position>(json.data() - ahead_.data());
  while (next_ < end_ && *next_ < first) ++next_;
  if (next_ >= end_ || *next_ != first || json.front() != '{' || json.back() != '}') return false;
  last_ = static_cast<Position>(first + json.size() - 1);
  has_backslash_ = ahead_has_backslash_ && std::memchr(json.data(), '\\', json.size()) != nullptr;
  return true;
}

void JsonReader::copy_scalar() {
  scalar_.assign(text_, size_).append(kPaddingBytes, ' ');
  text_ = scalar_.data();
}

bool JsonReader::close() {
  return next_ == end_ || fail_json(peek(), "something stands behind the value");
}

char* JsonReader::unescape(std::string_view raw, char* out) {
  auto* end = parse_string(*parser_, as_bytes(raw.data()), reinterpret_cast<std::uint8_t*>(out));
  if (end == nullptr) {
    fail_json(static_cast<Position>(raw.data() - text_), "the string has an invalid escape");
  }
  return reinterpret_cast<char*>(end);
}

bool JsonReader::parse_number(const char* text, JsonNumber& number) {
  NumberWriter writer{&number};
  return simd::numberparsing::parse_number(as_bytes(text), writer) == simdjson::SUCCESS ||
         parse_large(text, number);
}

bool JsonReader::number(Position position, JsonNumber& number) {
  return parse_number(text_ + position, number) || fail_json(position, "malformed number");
}

bool JsonReader::true_or_false(Position position, bool& value) {
  const std::uint8_t* text = as_bytes(text_ + position);
  value = *text == 't';
  return (value ? simd::atomparsing::is_valid_true_atom(text)
                : simd::atomparsing::is_valid_false_atom(text)) ||
         fail_expected(position, "a value");
}

bool JsonReader::null(Position position) {
  return simd::atomparsing::is_valid_null_atom(as_bytes(text_ + position)) ||
         fail_expected(position, "a value");
}

bool JsonReader::skip_from(Position position, std::size_t depth) {
  JsonNumber ignored_number;
  bool ignored_bool;
  switch (at(position)) {
    case '"':
      return skip_string(position);
    case '{':
      return depth < kJsonDepthMax ? skip_object(depth + 1) : fail_depth(position);
    case '[':
      return depth < kJsonDepthMax ? skip_list(depth + 1) : fail_depth(position);
    case 't':
    case 'f':
      return true_or_false(position, ignored_bool);
    case 'n':
      return null(position);
    default:
      return is_number_start(at(position)) ? number(position, ignored_number)
                                           : fail_expected(position, "a value");
  }
}

bool JsonReader::any_value(Position position, std::size_t depth, std::string_view& text,
                           bool& is_copy) {
  if (!skip_from(position, depth)) return false;
  text = text_of_taken(position);
  is_copy = text_ == scalar_.data();
  return true;
}

// Of the value that begins at `position` and was taken last.
std::string_view JsonReader::text_of_taken(Position position) const {
  const char* const begin = text_ + position;
  const char* end = begin;
  if (*begin == '{' || *begin == '[') {
    end = text_ + next_[-1] + 1;
  } else if (*begin == '"') {
    const std::string_view raw = raw_string(position);
    end = raw.data() + raw.size() + 1;
  } else {
    const std::string_view rest(begin, size_ - position);
    end = begin + std::min(rest.find_first_not_of("+-.eE0123456789truefalsn"), rest.size());
  }
  return {begin, static_cast<std::size_t>(end - begin)};
}

bool JsonReader::find(std::span<JsonMember> members) {
  GF_CHECK(members.size() <= Decoder::kMembersMax);
  std::array<Wanted, Decoder::kMembersMax> wanted;
  std::size_t count = 0;
  for (JsonMember& member : members) {
    member.json.reset();
    if (!member.path.empty()) wanted[count++] = {&member, member.path};
  }
  return find_from(take(), std::span(wanted).first(count), 0);
}

bool JsonReader::find_from(Position position, std::span<const Wanted> wanted, std::size_t depth) {
  const bool is_object = at(position) == '{' && depth < kJsonDepthMax;
  if (wanted.empty() || !is_object) {
    if (!skip_from(position, depth)) return false;
  } else if (!find_in_object(wanted, depth + 1)) {
    return false;
  }
  for (const Wanted& one : wanted) {
    if (one.path.empty()) one.member->json = text_of_taken(position);
  }
  return true;
}

// As skip_object.
bool JsonReader::find_in_object(std::span<const Wanted> wanted, std::size_t depth) {
  if (at(peek()) == '}') return take(), true;
  while (true) {
    const Position key = take();
    if (at(key) != '"') return fail_expected(key, "a key in quotes");
    std::string_view name;
    if (!unescaped(key, name)) return false;
    std::array<Wanted, Decoder::kMembersMax> inside;
    std::size_t count = 0;
    for (const Wanted& one : wanted) {
      const std::size_t dot = std::min(one.path.find('.'), one.path.size());
      if (one.path.empty() || one.path.substr(0, dot) != name) continue;
      one.member->json.reset();  // of an earlier member of this name
      inside[count++] = {one.member, one.path.substr(std::min(dot + 1, one.path.size()))};
    }
    if (const Position colon = take(); at(colon) != ':') return fail_expected(colon, "':'");
    if (!find_from(take(), std::span(inside).first(count), depth)) return false;
    const Position after = take();
    if (at(after) == '}') return true;
    if (at(after) != ',') return fail_expected(after, "',' or '}'");
  }
}

bool JsonReader::unescaped(Position position, std::string_view& text) {
  text = raw_string(position);
  if (!has_escape(text)) return true;
  if (scratch_.size() < text.size() + kPaddingBytes) scratch_.resize(text.size() + kPaddingBytes);
  const char* const end = unescape(text, scratch_.data());
  if (end != nullptr) text = {scratch_.data(), static_cast<std::size_t>(end - scratch_.data())};
  return end != nullptr;
}

bool JsonReader::skip_string(Position position) {
  std::string_view ignored;
  return unescaped(position, ignored);
}

bool JsonReader::skip_list(std::size_t depth) {
  if (at(peek()) == ']') return take(), true;
  while (true) {
    if (!skip(depth)) return false;
    const Position after = take();
    if (at(after) == ']') return true;
    if (at(after) != ',') return fail_expected(after, "',' or ']'");
  }
}

bool JsonReader::skip_object(std::size_t depth) {
  if (at(peek()) == '}') return take(), true;
  while (true) {
    const Position key = take();
    if (at(key) != '"') return fail_expected(key, "a key in quotes");
    if (!skip_string(key)) return false;
    if (const Position colon = take(); at(colon) != ':') return fail_expected(colon, "':'");
    if (!skip(depth)) return false;
    const Position after = take();
    if (at(after) == '}') return true;
    if (at(after) != ',') return fail_expected(after, "',' or '}'");
  }
}

bool JsonReader::fail(ErrorCode code, std::string message) {
  error_ = {code, {}, std::move(message)};
  return false;
}

bool JsonReader::fail_json(Position position, std::string_view reason) {
  return fail(ErrorCode::kInvalidJson,
              fmt::format("invalid JSON at byte {}: {}", position, reason));
}

bool JsonReader::fail_expected(Position position, std::string_view expected) {
  if (next_ > end_) {  // the first token again: see take()
    return fail_json(static_cast<Position>(size_),
                     fmt::format("expected {}, but the text ends", expected));
  }
  return fail_json(position, fmt::format("expected {}, found {}", expected, describe(position)));
}

bool JsonReader::fail_depth(Position position) {
  return fail_json(position,
                   fmt::format("objects and lists are nested deeper than {}", kJsonDepthMax));
}

bool JsonReader::fail_stage1(simdjson::error_code error) {
  const std::string_view text(text_, size_);
  if (error == simdjson::UTF8_ERROR) {
    return fail(ErrorCode::kInvalidEncoding,
                fmt::format("invalid UTF-8 at byte {}", find_invalid_utf8(text)));
  }
  if (error == simdjson::EMPTY) return fail_json(0, "the text is empty");
  if (const auto fault = find_string_fault(text)) {
    return fail_json(static_cast<Position>(fault->position), fault->reason);
  }
  return fail_json(0, simdjson::error_message(error));
}

std::string JsonReader::describe(Position position) const {
  const char first = at(position);
  const std::string_view rest(text_ + position, size_ - position);
  if (first == '"') return fmt::format("string \"{}\"", shorten(raw_string(position)));
  if (first == '{') return "an object";
  if (first == '[') return "a list";
  if (is_number_start(first)) {
    return "number " + shorten(rest.substr(0, rest.find_first_not_of("+-.eE0123456789")));
  }
  for (const std::string_view atom : {"true", "false", "null"}) {
    if (rest.starts_with(atom)) return std::string(atom);
  }
  if (first > 0x20 && first < 0x7F) return fmt::format("'{}'", first);
  return fmt::format("byte 0x{:02X}", static_cast<std::uint8_t>(first));
}

}  // namespace gameflow::record
