// A cursor over the tokens of one JSON text. Internal to src/record.
//
// simdjson's stage 1 (SIMD, chosen for the machine at run time) finds where every token begins and
// checks UTF-8 and the strings' ends and control characters; this class walks those tokens. That
// the grammar is ours is deliberate: On-Demand accepts text behind the value, unbounded depth and
// garbage in what it skips, and the DOM writes a tape that we would only read once. Numbers, atoms
// and escapes are checked by simdjson's own functions, so both agree to the byte; but for numbers
// beyond 64 bits or a double, which it refuses and JSON has.
//
// Positions  bytes from the beginning of the text, under 4 GiB.
// Errors     functions returning bool return false after calling fail(); see error().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include <simdjson.h>

#include "record/codec.h"

namespace gameflow::record {

struct JsonNumber {
  enum class Kind : std::uint8_t { kSigned, kUnsigned, kDouble };
  // kUnsigned: above the signed range; kDouble: has a point or an exponent, or is an integer beyond
  // 64 bits. One too large for a double is infinity, whatever its sign.
  Kind kind = Kind::kSigned;
  union {
    std::int64_t as_signed = 0;
    std::uint64_t as_unsigned;
    double as_double;
  };
};

class JsonReader {
 public:
  using Position = std::uint32_t;

  // Finds the tokens of `json`, which must be readable for kPaddingBytes past its end; what is
  // there has no influence. Afterwards the first token is next.
  bool open(std::string_view json);

  // Announces many texts, whose tokens the first open_ahead() finds in one go: `texts` are objects,
  // one behind the other, with nothing, white space or commas between them. A player event decodes
  // in 133 ns that way and in 155 ns alone. Until the next open().
  void look_ahead(std::string_view texts);
  // As open() for one of these texts. False where there is doubt: then open() it alone.
  bool open_ahead(std::string_view json);
  // Instead of close(): whether the value was exactly the text. If not, or if something failed
  // since open_ahead(), a text that does not end where it should may have been read on into the
  // next: open() it alone.
  bool close_ahead() const { return next_[-1] == last_; }

  // Takes the next token. Behind the last one of an object or list comes the first one again, which
  // no rule allows there: so walking needs no check of the bound.
  Position take() { return *next_++; }
  Position peek() const { return *next_; }
  // The tokens from the next one on, for loops that keep them in registers, and back.
  const Position* tokens() const { return next_; }
  void continue_at(const Position* next) { next_ = next; }
  char at(Position position) const { return text_[position]; }
  const char* text() const { return text_; }
  const char* data(Position position) const { return text_ + position; }
  const char* end() const { return text_ + size_; }
  std::size_t size() const { return size_; }

  // Checks that all tokens are taken: nothing stands behind the value.
  bool close();

  // Of the string whose token was taken last: what stands between its quotes, escapes and all. No
  // search: the closing quote is the last byte before the next token that is not white space.
  std::string_view raw_string(Position open_quote) const {
    return string_between(text_, open_quote, peek());
  }
  static std::string_view string_between(const char* text, Position open_quote, Position next) {
    const char* end = text + next - 1;
    while (*end != '"') --end;
    const char* begin = text + open_quote + 1;
    return {begin, static_cast<std::size_t>(end - begin)};
  }
  // One memchr per text finds most texts free of escapes; then no string is searched again.
  bool has_escapes() const { return has_backslash_; }
  bool has_escape(std::string_view raw) const {
    return has_backslash_ && raw.find('\\') != std::string_view::npos;
  }
  // Resolves escapes into `out`, which has room for raw.size() + kPaddingBytes. Null if one is
  // invalid, with the error set; else the end of what was written.
  char* unescape(std::string_view raw, char* out);

  // The number that begins at `text`, of any size; false if it is none. Reads up to the first byte
  // that can be in no number.
  static bool parse_number(const char* text, JsonNumber& number);

  // The number, or true, false or null, whose token was taken last.
  bool number(Position position, JsonNumber& number);
  bool true_or_false(Position position, bool& value);
  bool null(Position position);

  // Takes and checks one value of any kind, `depth` containers deep. Then the same for one whose
  // first token is taken.
  bool skip(std::size_t depth) { return skip_from(take(), depth); }
  bool skip_from(Position position, std::size_t depth);
  // Takes and checks one value likewise, and gives its text, which is gone with the text that was
  // opened; `is_copy`: with the next open().
  bool any_value(Position position, std::size_t depth, std::string_view& text, bool& is_copy);

  // Takes and checks the next value likewise, and finds members of it.
  bool find(std::span<JsonMember> members);

  // The mistake of the last function that returned false.
  DecodeError& error() { return error_; }
  [[gnu::cold]] bool fail(ErrorCode code, std::string message);
  // "invalid JSON at byte 7: …"
  [[gnu::cold]] bool fail_json(Position position, std::string_view reason);
  // The same with what stands there: "…, found '}'".
  [[gnu::cold]] bool fail_expected(Position position, std::string_view expected);
  [[gnu::cold]] bool fail_depth(Position position);
  // For messages: `string "abc"`, `number 12`, `null`, `object`, shortened.
  [[gnu::cold]] std::string describe(Position position) const;

 private:
  bool reserve(std::size_t size);
  bool find_ahead(std::string_view texts);
  void copy_scalar();
  bool fail_stage1(simdjson::error_code error);
  // A member that is looked for in a value: at `path` of it, or empty: the value itself.
  struct Wanted {
    JsonMember* member = nullptr;
    std::string_view path;
  };
  bool find_from(Position position, std::span<const Wanted> wanted, std::size_t depth);
  bool find_in_object(std::span<const Wanted> wanted, std::size_t depth);
  std::string_view text_of_taken(Position position) const;
  // Of the string whose token was taken last, until the next call.
  bool unescaped(Position position, std::string_view& text);
  bool skip_string(Position position);
  bool skip_list(std::size_t depth);
  bool skip_object(std::size_t depth);

  // Used up to stage 1 only: no tape is ever allocated.
  std::unique_ptr<simdjson::internal::dom_parser_implementation> parser_;
  const char* text_ = nullptr;
  const Position* next_ = nullptr;  // token to take
  const Position* end_ = nullptr;   // of the tokens; the first one stands here again
  std::size_t size_ = 0;            // of the text
  std::string_view announced_;      // by look_ahead(), their tokens not yet found
  std::string_view ahead_;  // texts whose tokens are found: `next_` and `end_` are of them all
  bool ahead_has_backslash_ = false;
  Position last_ = 0;  // byte of the text of open_ahead()
  bool has_backslash_ = false;
  std::string scratch_;  // unescaped text that only had to be checked
  // A root number or atom, copied so that the text behind it cannot continue it.
  std::string scalar_;
  DecodeError error_;
};

}  // namespace gameflow::record
