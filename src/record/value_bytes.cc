#include "record/value_bytes.h"

#include <cstring>

#include "base/check.h"
#include "record/slot.h"
#include "record/visit.h"

namespace gameflow::record {
namespace {

template <class T>
constexpr bool is_plain = NumberSlot<T> || std::same_as<T, TimestampSlot> ||
                          std::same_as<T, DecimalSlot> || std::same_as<T, EnumSlot>;

void write_object(const Type& type, const char* slot, ByteWriter& out) {
  for (const Field& field : type.fields) {
    if (field.optional) {
      const bool has_value = load<bool>(slot + field.flag_offset);
      out.fixed<std::uint8_t>(has_value);
      if (!has_value) continue;
    }
    write_value(*field.type, slot + field.offset, out);
  }
}

void write_items(const Type& type, const char* slot, ByteWriter& out) {
  const auto list = load<ListLayout>(slot);
  out.varint(list.size);
  for (std::uint32_t i = 0; i < list.size; ++i)
    write_value(*type.item, list.data + std::size_t{i} * type.item->size, out);
}

void write_union(const Type& type, const char* slot, ByteWriter& out) {
  const auto number = load<u16>(slot + type.tag_offset);
  out.fixed(number);
  const Type* const value = number < type.variants.size() ? type.variants[number].type : nullptr;
  if (value != nullptr) write_value(*value, slot, out);
}

template <class T>
bool put(const T& value, void* slot) {
  std::memcpy(slot, &value, sizeof value);
  return true;
}

bool read_object(const Type& type, ByteReader& in, Arena& arena, char* slot) {
  for (const Field& field : type.fields) {
    if (field.optional) {
      const auto flag = in.fixed<std::uint8_t>();
      put(flag == 1, slot + field.flag_offset);
      if (flag == 0) continue;
    }
    if (!read_value(*field.type, in, arena, slot + field.offset)) return false;
  }
  return in.ok();
}

bool read_items(const Type& type, ByteReader& in, Arena& arena, char* slot) {
  const Type& item = *type.item;
  const std::uint64_t count = in.varint();
  // Objects without fields take no bytes; of anything else an item takes one at least.
  if (!in.ok() || count > UINT32_MAX || (count > in.rest().size() && item.size > 1)) return false;
  const auto size = static_cast<std::uint32_t>(count);
  ListLayout list{nullptr, size, size};
  if (size != 0) {
    list.data = static_cast<char*>(arena.allocate(std::size_t{size} * item.size, item.align));
    for (std::uint32_t i = 0; i < size; ++i) {
      char* const at = list.data + std::size_t{i} * item.size;
      item.clear(at);
      if (!read_value(item, in, arena, at)) return false;
    }
  }
  return put(list, slot);
}

bool read_union(const Type& type, ByteReader& in, Arena& arena, char* slot) {
  const auto number = in.fixed<u16>();
  put(number, slot + type.tag_offset);
  // An operator may have made a number that is none.
  const Type* const value = number < type.variants.size() ? type.variants[number].type : nullptr;
  if (value == nullptr || !in.ok()) return in.ok();
  value->clear(slot);
  return read_value(*value, in, arena, slot);
}

}  // namespace

void write_value(const Type& type, const void* slot, ByteWriter& out) {
  const auto* const bytes = static_cast<const char*>(slot);
  visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, bool>) {
      out.fixed<std::uint8_t>(load<bool>(slot));
    } else if constexpr (is_plain<T>) {
      out.bytes({bytes, sizeof(T)});
    } else if constexpr (std::same_as<T, Text>) {
      out.text(load<Text>(slot).view());
    } else if constexpr (std::same_as<T, Bytes>) {
      const auto value = load<Bytes>(slot);
      out.text({reinterpret_cast<const char*>(value.data), value.size});
    } else if constexpr (std::same_as<T, JsonSlot>) {
      const auto value = load<JsonSlot>(slot);
      out.fixed<std::uint8_t>(value.is_of_record != 0);
      out.text({value.data, value.size});
    } else if constexpr (std::same_as<T, UnionSlot>) {
      write_union(type, bytes, out);
    } else if constexpr (std::same_as<T, ObjectSlot>) {
      write_object(type, bytes, out);
    } else if constexpr (SketchSlot<T>) {
      GF_CHECK(false);
    } else {
      write_items(type, bytes, out);
    }
  });
}

bool read_value(const Type& type, ByteReader& in, Arena& arena, void* slot) {
  auto* const bytes = static_cast<char*>(slot);
  return visit(type.kind, [&]<class T>(std::type_identity<T>) {
    if constexpr (std::same_as<T, bool>) {
      return put(in.fixed<std::uint8_t>() != 0, slot) && in.ok();
    } else if constexpr (is_plain<T>) {
      const std::string_view value = in.bytes(sizeof(T));
      if (!in.ok()) return false;
      std::memcpy(slot, value.data(), sizeof(T));
      return true;
    } else if constexpr (std::same_as<T, Text>) {
      return put(Text::view(in.text()), slot) && in.ok();
    } else if constexpr (std::same_as<T, Bytes>) {
      const std::string_view value = in.text();
      return put(Bytes{reinterpret_cast<const u8*>(value.data()), value.size()}, slot) && in.ok();
    } else if constexpr (std::same_as<T, JsonSlot>) {
      const auto is_of_record = in.fixed<std::uint8_t>();
      const std::string_view value = in.text();
      return put(JsonSlot{value.data(), static_cast<u32>(value.size()), is_of_record}, slot) &&
             in.ok();
    } else if constexpr (std::same_as<T, UnionSlot>) {
      return read_union(type, in, arena, bytes);
    } else if constexpr (std::same_as<T, ObjectSlot>) {
      return read_object(type, in, arena, bytes);
    } else if constexpr (SketchSlot<T>) {
      GF_CHECK(false);
      return false;
    } else {
      return read_items(type, in, arena, bytes);
    }
  });
}

}  // namespace gameflow::record
