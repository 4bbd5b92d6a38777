// The encoding half of record/codec.h.
#include <array>
#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <simdjson.h>

#include <gameflow/decimal_text.h>
#include <gameflow/time.h>
#include <gameflow/types.h>

#include "record/base64.h"
#include "record/batch.h"
#include "record/codec.h"
#include "record/json_writer.h"
#include "record/raw.h"
#include "record/slot.h"
#include "record/type.h"
#include "record/utf8.h"
#include "record/visit.h"

namespace gameflow::record {
namespace {

template <class T>
void store(char* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

// What was just written into the room is a part.
void advance_by_part(std::size_t size, Part kind, JsonWriter& out) {
  const std::size_t begin = out.size();
  out.advance(size);
  if (PartNotes* const parts = out.parts()) parts->add(kind, begin, begin + size);
}
// The same, in quotes.
void advance_by_text(std::size_t size, JsonWriter& out) {
  const std::size_t begin = out.size() + 1;
  out.advance(size + 2);
  if (PartNotes* const parts = out.parts()) parts->add(Part::kText, begin, begin + size);
}

void spoil(JsonWriter& out) {
  if (PartNotes* const parts = out.parts()) parts->spoil();
}

template <class T>
void write_number(const void* value, JsonWriter& out) {
  const T number = load<T>(value);
  constexpr std::size_t kDigitsMax = 32;
  char* const digits = out.room(kDigitsMax);
  char* const limit = digits + kDigitsMax;
  char* end = digits;
  if constexpr (std::is_floating_point_v<T>) {
    const bool is_finite = std::isfinite(number);
    if (PartNotes* const parts = out.parts()) parts->choose(is_finite ? 1 : 0, 1);
    if (!is_finite) return out.append("null");
    // Without an exponent to_chars may write a whole number too large for a JSON integer of 64
    // bits.
    end = std::abs(number) < static_cast<T>(1e18)
              ? std::to_chars(digits, limit, number).ptr
              : std::to_chars(digits, limit, number, std::chars_format::scientific).ptr;
  } else {
    end = std::to_chars(digits, limit, number).ptr;
  }
  advance_by_part(static_cast<std::size_t>(end - digits), Part::kNumber, out);
}

// How a byte goes into a JSON string.
enum class Escape : std::uint8_t { kNone, kEscape, kNotAscii };

constexpr auto kEscapes = [] {
  std::array<Escape, 256> escapes{};
  for (std::size_t c = 0; c < 0x20; ++c) escapes[c] = Escape::kEscape;
  escapes['"'] = escapes['\\'] = Escape::kEscape;
  for (std::size_t c = 0x80; c < 0x100; ++c) escapes[c] = Escape::kNotAscii;
  return escapes;
}();

using Bytes16 = signed char __attribute__((vector_size(16)));
using Words2 = std::uint64_t __attribute__((vector_size(16)));

// Which of the bytes are not plain ASCII text: all of their bits.
Bytes16 odd_bytes(Bytes16 bytes) {
  // Signed, so that all beyond ASCII is less than a blank, too.
  return (bytes < ' ') | (bytes == '"') | (bytes == '\\');
}

bool is_any(Bytes16 bytes) {
  const auto words = std::bit_cast<Words2>(bytes);
  return (words[0] | words[1]) != 0;
}

// Copies `text` to `to` and says whether it is plain ASCII text, which goes into JSON as it is: ids
// and names are short and plain, so this decides nearly all of them. What is not a multiple of a
// word is copied by words that overlap.
bool copy_plain(std::string_view text, char* to) {
  const char* from = text.data();
  const std::size_t size = text.size();
  const auto copy = [&]<class Word>(std::size_t at) {
    const auto word = load<Word>(from + at);
    store(to + at, word);
    return word;
  };
  if (size >= 16) {
    Bytes16 odd{};
    for (std::size_t i = 0; i + 16 < size; i += 16)
      odd |= odd_bytes(copy.template operator()<Bytes16>(i));
    odd |= odd_bytes(copy.template operator()<Bytes16>(size - 16));
    return !is_any(odd);
  }
  Words2 words = std::bit_cast<Words2>(Bytes16{} + ' ');
  if (size >= 8) {
    words[0] = copy.template operator()<std::uint64_t>(0);
    words[1] = copy.template operator()<std::uint64_t>(size - 8);
  } else if (size >= 4) {
    words[0] = copy.template operator()<std::uint32_t>(0) |
               std::uint64_t{copy.template operator()<std::uint32_t>(size - 4)} << 32;
  } else {
    for (std::size_t i = 0; i < size; ++i)
      words[0] = words[0] << 8 | static_cast<std::uint8_t>(to[i] = from[i]);
  }
  return !is_any(odd_bytes(std::bit_cast<Bytes16>(words)));
}

std::string_view escape_of(char c, std::array<char, 6>& buffer) {
  switch (c) {
    case '"':
      return "\\\"";
    case '\\':
      return "\\\\";
    case '\b':
      return "\\b";
    case '\f':
      return "\\f";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      constexpr std::string_view kHex = "0123456789abcdef";
      buffer = {'\\',
                'u',
                '0',
                '0',
                kHex[static_cast<std::uint8_t>(c) >> 4],
                kHex[static_cast<std::uint8_t>(c) & 15]};
      return {buffer.data(), buffer.size()};
  }
}

// Of any text, without the quotes. Not inline, as the plain ones would save registers for it.
[[gnu::noinline]] void write_escaped(std::string_view text, JsonWriter& out) {
  const bool valid = is_valid_utf8(text);
  std::size_t copied = 0;  // text[0, copied) is in `out`
  for (std::size_t i = 0; i < text.size();) {
    const Escape escape = kEscapes[static_cast<std::uint8_t>(text[i])];
    if (escape == Escape::kNone || (escape == Escape::kNotAscii && valid)) {
      ++i;
      continue;
    }
    if (escape == Escape::kNotAscii) {
      if (const std::size_t size = utf8_sequence_size(text.substr(i)); size != 0) {
        i += size;
        continue;
      }
    }
    out.append(text.substr(copied, i - copied));
    std::array<char, 6> buffer;
    out.append(escape == Escape::kEscape ? escape_of(text[i], buffer) : "\uFFFD");
    copied = ++i;
  }
  out.append(text.substr(copied));
}

// Of text that an operator made.
bool is_json(std::string_view text) {
  thread_local Decoder decoder;
  std::string padded(text);
  padded.append(kPaddingBytes, ' ');
  return decoder.check(std::string_view(padded).substr(0, text.size()));
}

void write_string(std::string_view text, JsonWriter& out) {
  constexpr std::size_t kQuotes = 2;
  if (text.size() <= JsonWriter::kRoomMax - kQuotes) {
    char* const to = out.room(text.size() + kQuotes);
    if (copy_plain(text, to + 1)) {
      to[0] = to[text.size() + 1] = '"';
      return advance_by_text(text.size(), out);
    }
  }
  out.append('"');
  const std::size_t begin = out.size();
  write_escaped(text, out);
  if (PartNotes* const parts = out.parts()) {
    parts->add(Part::kText, begin, out.size());
    // Whatever is not written as it is grows.
    if (out.size() != begin + text.size()) parts->spoil();
  }
  out.append('"');
}

// A time outside of years 1 to 9999 has no text.
void write_time(i64 ms, JsonWriter& out) {
  char* const to = out.room(detail::kTimeBytesMax + 2);
  const std::size_t size = detail::write_time(ms, to + 1);
  if (PartNotes* const parts = out.parts()) parts->choose(size != 0 ? 1 : 0, 1);
  if (size == 0) return out.append("null");
  to[0] = to[size + 1] = '"';
  advance_by_text(size, out);
}

void write_json(const JsonSlot& json, JsonWriter& out) {
  spoil(out);
  if (json.size == 0) return out.append("null");
  const std::string_view text(json.data, json.size);
  if (json.is_of_record != 0 || is_json(text)) return out.append(text);
  write_string(text, out);
}

// Of a number that no variant has, which C++ can make, null.
void write_variant(const Type& type, std::size_t number, JsonWriter& out) {
  out.append(number < type.variants.size() ? std::string_view(type.variants[number].json) : "null");
}

void write_enum(const Type& type, std::size_t number, JsonWriter& out) {
  const std::size_t begin = out.size();
  write_variant(type, number, out);
  PartNotes* const parts = out.parts();
  if (parts == nullptr) return;
  const bool is_text = number < type.variants.size();
  parts->choose(is_text ? 1 : 0, 1);
  if (!is_text) return;
  parts->add(Part::kText, begin + 1, out.size() - 1);
  if (type.variants[number].json.find('\\') != std::string::npos) parts->spoil();
}

void write_union(const Type& type, const void* value, JsonWriter& out) {
  const auto number = load<u16>(static_cast<const char*>(value) + type.tag_offset);
  const Type* const of_variant =
      number < type.variants.size() ? type.variants[number].type : nullptr;
  // 0 is one without a value, which is noted as that of an enum.
  if (PartNotes* const parts = out.parts())
    parts->choose(of_variant == nullptr ? 0 : std::uint64_t{number} + 1, 17);
  if (of_variant == nullptr) return write_enum(type, number, out);
  out.append('{');
  write_variant(type, number, out);
  out.append(':');
  write_value(*of_variant, value, out);
  out.append('}');
}

void write_map(const Type& type, const void* value, JsonWriter& out) {
  const auto list = load<ListLayout>(value);
  const Type& entry = *type.item;
  spoil(out);
  out.append('{');
  for (std::uint32_t i = 0; i < list.size; ++i) {
    const char* const at = list.data + std::size_t{i} * entry.size;
    if (i != 0) out.append(',');
    write_string(load<Text>(at), out);
    out.append(':');
    write_value(*type.map_value(), at + entry.fields[1].offset, out);
  }
  out.append('}');
}

void write_list(const Type& type, const void* value, JsonWriter& out) {
  const auto list = load<ListLayout>(value);
  PartNotes* const parts = out.take_parts();
  const std::size_t begin = out.size();
  out.append('[');
  for (std::uint32_t i = 0; i < list.size; ++i) {
    if (i != 0) out.append(',');
    write_value(*type.item, list.data + std::size_t{i} * type.item->size, out);
  }
  out.append(']');
  out.give_back(parts);
  if (parts != nullptr) parts->add(Part::kJson, begin, out.size());
}

// `,"name":` but for its first byte, in blocks that may reach past its end.
void write_name(char separator, const JsonName& name, JsonWriter& out) {
  if (name.blocks() > JsonWriter::kRoomMax) {
    out.append(separator);
    return out.append(name.text().substr(1));
  }
  char* const to = out.room(name.blocks());
  for (std::size_t i = 0; i < name.blocks(); i += JsonName::kBlock)
    std::memcpy(to + i, name.data() + i, JsonName::kBlock);
  to[0] = separator;
  out.advance(name.text().size());
}

// Not inline, as write_value() would save its registers for every scalar.
[[gnu::noinline]] void write_object(const Type& type, const void* value, JsonWriter& out) {
  const char* object = static_cast<const char*>(value);
  char separator = '{';
  for (const Field& field : type.fields) {
    if (field.optional) {
      const bool is_there = object[field.flag_offset] != 0;
      if (PartNotes* const parts = out.parts()) parts->choose(is_there ? 1 : 0, 1);
      if (!is_there) continue;
    }
    write_name(std::exchange(separator, ','), field.json_name, out);
    if (field.type->kind == Kind::kString) {  // most are: without a call for each, 0.9 of the time
      write_string(load<Text>(object + field.offset), out);
    } else {
      write_value(*field.type, object + field.offset, out);
    }
  }
  if (separator == '{') out.append('{');
  out.append('}');
}

// No record has a sketch; this is what people see of one.
void write_sketch(const Distinct& sketch, JsonWriter& out) {
  spoil(out);
  const u64 estimate = sketch.estimate();
  write_number<u64>(&estimate, out);
}

// Estimates with as many digits as mean something.
void write_sketch(const Quantiles& sketch, JsonWriter& out) {
  constexpr int kDigits = 6;
  spoil(out);
  const u64 count = sketch.count();
  out.append("{\"count\":");
  write_number<u64>(&count, out);
  const auto write = [&](std::string_view name, double q) {
    out.append(name);
    char* const digits = out.room(32);
    out.advance(static_cast<std::size_t>(
        std::to_chars(digits, digits + 32, sketch.quantile(q), std::chars_format::general, kDigits)
            .ptr -
        digits));
  };
  if (count != 0) {
    write(",\"min\":", 0);
    write(",\"p50\":", 0.5);
    write(",\"p90\":", 0.9);
    write(",\"p99\":", 0.99);
    write(",\"max\":", 1);
  }
  out.append('}');
}

void write_bool(bool value, JsonWriter& out) {
  const std::string_view text = value ? "true" : "false";
  text.copy(out.room(text.size()), text.size());
  advance_by_part(text.size(), Part::kBool, out);
}

void write_bytes(const Bytes& bytes, JsonWriter& out) {
  out.append('"');
  const std::size_t begin = out.size();
  append_base64({bytes.data, bytes.size}, out.flushed());
  if (PartNotes* const parts = out.parts()) parts->add(Part::kText, begin, out.size());
  out.append('"');
}

}  // namespace

void write_value(const Type& type, const void* value, JsonWriter& out) {
  visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, bool>) {
      write_bool(load<bool>(value), out);
    } else if constexpr (NumberSlot<T>) {
      write_number<T>(value, out);
    } else if constexpr (std::same_as<T, Text>) {
      write_string(load<Text>(value), out);
    } else if constexpr (std::same_as<T, Bytes>) {
      write_bytes(load<Bytes>(value), out);
    } else if constexpr (std::same_as<T, TimestampSlot>) {
      write_time(load<TimestampSlot>(value).ms, out);
    } else if constexpr (std::same_as<T, DecimalSlot>) {
      char* const to = out.room(detail::kDecimalBytesMax);
      const std::size_t size =
          detail::write_decimal(load<DecimalSlot>(value).units, type.scale, to);
      advance_by_part(size, Part::kNumber, out);
    } else if constexpr (std::same_as<T, EnumSlot>) {
      write_enum(type, load<EnumSlot>(value).number, out);
    } else if constexpr (std::same_as<T, JsonSlot>) {
      write_json(load<JsonSlot>(value), out);
    } else if constexpr (std::same_as<T, UnionSlot>) {
      write_union(type, value, out);
    } else if constexpr (std::same_as<T, MapSlot>) {
      write_map(type, value, out);
    } else if constexpr (std::same_as<T, ObjectSlot>) {
      write_object(type, value, out);
    } else if constexpr (SketchSlot<T>) {
      write_sketch(*static_cast<const T*>(value), out);
    } else {
      write_list(type, value, out);
    }
  });
}

void encode_json(const Type& type, const void* value, std::string& out) {
  if (type.is_raw) return encode_raw(type, value, out);
  JsonWriter writer(out);
  write_value(type, value, writer);
  writer.flushed();
}

void encode_json_string(std::string_view text, std::string& out) {
  JsonWriter writer(out);
  write_string(text, writer);
  writer.flushed();
}

void minify_json(std::string_view json, std::string& out) {
  const std::size_t before = out.size();
  out.resize(before + json.size() + simdjson::SIMDJSON_PADDING);  // it writes whole registers
  std::size_t size = 0;
  // It fails for an unclosed string only, which valid JSON does not have.
  if (simdjson::minify(json.data(), json.size(), out.data() + before, size) != simdjson::SUCCESS) {
    size = 0;
  }
  out.resize(before + size);
}

bool is_valid_utf8(std::string_view text) {
  return simdjson::validate_utf8(text);
}

}  // namespace gameflow::record
