// The encoding half of record/codec.h.
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>

#include <simdjson.h>

#include <gameflow/types.h>

#include "record/base64.h"
#include "record/codec.h"
#include "record/utf8.h"

namespace gameflow::record {
namespace {

template <class T>
T load(const void* value) {
  T loaded;
  std::memcpy(&loaded, value, sizeof loaded);
  return loaded;
}

template <class T>
void append_number(const void* value, std::string& out) {
  const T number = load<T>(value);
  char digits[32];
  char* end = digits;
  if constexpr (std::is_floating_point_v<T>) {
    if (!std::isfinite(number)) {
      out += "null";
      return;
    }
    // Without an exponent to_chars may write a whole number too large for a JSON integer of 64
    // bits.
    end = std::abs(number) < static_cast<T>(1e18)
              ? std::to_chars(digits, digits + sizeof digits, number).ptr
              : std::to_chars(digits, digits + sizeof digits, number, std::chars_format::scientific)
                    .ptr;
  } else {
    end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  }
  out.append(digits, static_cast<std::size_t>(end - digits));
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

// Eight bytes at a time: whether one of them is not plain ASCII text. Ids and names are short and
// plain, so this decides nearly all of them.
bool is_plain(std::string_view text) {
  constexpr std::uint64_t kOnes = 0x0101010101010101, kTops = 0x8080808080808080;
  const auto odd_bytes = [](std::uint64_t word) {
    const std::uint64_t quote = word ^ (kOnes * '"'), backslash = word ^ (kOnes * '\\');
    return (word | (word - kOnes * 0x20) | ((quote - kOnes) & ~quote) |
            ((backslash - kOnes) & ~backslash)) &
           kTops;
  };
  const char* begin = text.data();
  const std::size_t size = text.size();
  std::uint64_t odd = 0;
  if (size >= 8) {
    for (std::size_t i = 0; i + 8 < size; i += 8) odd |= odd_bytes(load<std::uint64_t>(begin + i));
    odd |= odd_bytes(load<std::uint64_t>(begin + size - 8));  // overlaps the one before
  } else if (size >= 4) {
    odd = odd_bytes(load<std::uint32_t>(begin) |
                    std::uint64_t{load<std::uint32_t>(begin + size - 4)} << 32);
  } else {
    for (const char c : text) odd |= odd_bytes(kOnes * static_cast<std::uint8_t>(c));
  }
  return odd == 0;
}

void append_escape(char c, std::string& out) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      constexpr std::string_view kHex = "0123456789abcdef";
      out += "\\u00";
      out += kHex[static_cast<std::uint8_t>(c) >> 4];
      out += kHex[static_cast<std::uint8_t>(c) & 15];
  }
}

void append_list(const Type& type, const void* value, std::string& out) {
  struct {
    const char* data;
    std::uint32_t size;
    std::uint32_t capacity;
  } list;
  static_assert(sizeof list == sizeof(List<u64>));
  std::memcpy(&list, value, sizeof list);
  out += '[';
  for (std::uint32_t i = 0; i < list.size; ++i) {
    if (i != 0) out += ',';
    encode_json(*type.item, list.data + std::size_t{i} * type.item->size, out);
  }
  out += ']';
}

void append_object(const Type& type, const void* value, std::string& out) {
  const char* object = static_cast<const char*>(value);
  char separator = '{';
  for (const Field& field : type.fields) {
    if (field.optional && object[field.flag_offset] == 0) continue;
    out += separator;
    separator = ',';
    encode_json_string(field.name, out);
    out += ':';
    encode_json(*field.type, object + field.offset, out);
  }
  if (separator == '{') out += '{';
  out += '}';
}

}  // namespace

void encode_json(const Type& type, const void* value, std::string& out) {
  switch (type.kind) {
    case Kind::kBool:
      out += load<bool>(value) ? "true" : "false";
      return;
    case Kind::kI8:
      return append_number<i8>(value, out);
    case Kind::kI16:
      return append_number<i16>(value, out);
    case Kind::kI32:
      return append_number<i32>(value, out);
    case Kind::kI64:
      return append_number<i64>(value, out);
    case Kind::kU8:
      return append_number<u8>(value, out);
    case Kind::kU16:
      return append_number<u16>(value, out);
    case Kind::kU32:
      return append_number<u32>(value, out);
    case Kind::kU64:
      return append_number<u64>(value, out);
    case Kind::kF32:
      return append_number<f32>(value, out);
    case Kind::kF64:
      return append_number<f64>(value, out);
    case Kind::kString:
      return encode_json_string(load<Text>(value), out);
    case Kind::kBytes: {
      const auto bytes = load<Bytes>(value);
      out += '"';
      append_base64({bytes.data, bytes.size}, out);
      out += '"';
      return;
    }
    case Kind::kObject:
      return append_object(type, value, out);
    case Kind::kList:
      return append_list(type, value, out);
  }
}

void encode_json_string(std::string_view text, std::string& out) {
  out += '"';
  if (is_plain(text)) {
    out += text;
    out += '"';
    return;
  }
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
    out += text.substr(copied, i - copied);
    if (escape == Escape::kEscape) {
      append_escape(text[i], out);
    } else {
      out += "\uFFFD";
    }
    copied = ++i;
  }
  out += text.substr(copied);
  out += '"';
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
