#include "record/raw.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include <fmt/format.h>

#include <gameflow/types.h>

#include "record/visit.h"

namespace gameflow::record {
namespace {

static_assert(std::endian::native == std::endian::little);

template <class T>
bool put(const T& value, void* slot) {
  std::memcpy(slot, &value, sizeof value);
  return true;
}

bool fail(DecodeError& error, ErrorCode code, std::string message) {
  error = {code, {}, std::move(message)};
  return false;
}

}  // namespace

bool decode_raw(const Type& type, std::string_view bytes, void* slot, DecodeError& error) {
  return visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, Text>) {
      if (!is_valid_utf8(bytes))
        return fail(error, ErrorCode::kInvalidEncoding, "the record is no UTF-8 text");
      return put(Text::view(bytes), slot);
    } else if constexpr (std::same_as<T, Bytes>) {
      return put(Bytes{reinterpret_cast<const u8*>(bytes.data()), bytes.size()}, slot);
    } else if constexpr (std::same_as<T, bool> || NumberSlot<T>) {
      if (bytes.size() != sizeof(T)) {
        return fail(error, ErrorCode::kWrongType,
                    fmt::format("expected {} as {} bytes, found {}", to_string(type.kind),
                                sizeof(T), bytes.size()));
      }
      if (std::same_as<T, bool> && static_cast<unsigned char>(bytes[0]) > 1)
        return fail(error, ErrorCode::kWrongType, "expected bool as a byte 0 or 1");
      std::array<char, sizeof(T)> native{};
      std::ranges::reverse_copy(bytes, native.begin());
      std::memcpy(slot, native.data(), native.size());
      return true;
    } else {
      return fail(error, ErrorCode::kWrongType, "there are no raw values of this type");
    }
  });
}

void encode_raw(const Type& type, const void* value, std::string& out) {
  visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, Text>) {
      out += load<Text>(value).view();
    } else if constexpr (std::same_as<T, Bytes>) {
      const auto bytes = load<Bytes>(value);
      out.append(reinterpret_cast<const char*>(bytes.data), bytes.size);
    } else if constexpr (std::same_as<T, bool> || NumberSlot<T>) {
      std::array<char, sizeof(T)> native{};
      std::memcpy(native.data(), value, native.size());
      std::ranges::reverse(native);
      out.append(native.data(), native.size());
    }
  });
}

}  // namespace gameflow::record
