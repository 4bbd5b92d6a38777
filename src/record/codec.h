// JSON to and from the structs of a schema plan. The only door to simdjson.
//
// Decoding fills the struct in place: text without escapes is a view into the input, everything
// else (escaped text, lists, bytes) goes to the arena. It accepts exactly what simdjson's DOM
// parser accepts (a test compares them), and numbers of any size; then checks the schema: required
// fields present, kinds right, numbers in range. Unknown fields are skipped, though they must be
// valid JSON. Repeated fields: the last one counts. null stands for an absent optional field.
// Numbers: an integer field takes whole numbers only, also as 5.0; a float field any number that is
// not too large for it; u64 the whole range.
//
// Of a raw type (raw.h) both sides are its bytes instead of JSON.
//
// Threads  a Decoder holds a parser and belongs to one thread; encode is a pure function.
// Errors   never thrown. Positions in messages are bytes from the beginning of the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"
#include "record/arena.h"
#include "record/outlined.h"
#include "record/type.h"

namespace gameflow::record {

// What is wrong with a record: a 2xxx code, the dotted path of the field ("parameters.amount",
// "items[3].id"; empty for the whole value) and a sentence for a person.
struct DecodeError {
  ErrorCode code = ErrorCode::kInvalidJson;
  std::string field;
  std::string message;
};

// A member of an object, at a dotted path.
struct JsonMember {
  std::string_view path;                 // empty: none
  std::optional<std::string_view> json;  // as it stands in the text; nothing: there is none
};

class Decoder {
 public:
  Decoder();
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // Decodes one JSON value of type `type` (which must live as long as the decoder: it is prepared
  // once and known by its address) into `out` (type.size bytes, aligned; need not be
  // initialised). `json` must be readable for kPaddingBytes past its end and outlive `out`. Returns
  // false and describes the mistake in error() otherwise; then `out` holds no promise.
  bool decode(const Type& type, std::string_view json, Arena& arena, void* out);

  // Checks that `json` is one valid JSON value and no more, for topics without a schema.
  bool check(std::string_view json);
  // The same, and finds members on the way, kMembersMax at most. Of names that repeat the last one
  // counts.
  bool check(std::string_view json, std::span<JsonMember> members);
  static constexpr std::size_t kMembersMax = 4;

  // Announces the texts of the next calls: objects that lie one behind the other in `texts`, with
  // nothing, white space or commas between them. Changes no result and makes small ones cheaper;
  // about kLookAheadBytes of several at a time are good. `texts` must stay as it is until the last
  // of them was decoded; empty, it takes back what was announced.
  void look_ahead(std::string_view texts);

  // What the last call that returned true found of the text, as far as it did. Until the next call.
  Outlined outlined() const;

  // The mistake of the last call that returned false.
  const DecodeError& error() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// So many bytes of JSON and their tokens fit a first-level cache.
inline constexpr std::size_t kLookAheadBytes = 16U << 10;

// Depth of nested arrays and objects above which JSON is refused.
inline constexpr std::size_t kJsonDepthMax = 128;

// Appends the JSON of a value: fields in schema order, absent optionals left out, floats in the
// shortest form that reads back the same, NaN and infinities as null, bytes as base64.
void encode_json(const Type& type, const void* value, std::string& out);

// Appends `text` as a JSON string with quotes. Bytes that are not UTF-8 become U+FFFD.
void encode_json_string(std::string_view text, std::string& out);

// Appends `json`, a valid JSON value, without insignificant white space: one line.
void minify_json(std::string_view json, std::string& out);

bool is_valid_utf8(std::string_view text);

}  // namespace gameflow::record
