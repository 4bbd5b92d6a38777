#include "record/value_bytes.h"

#include <algorithm>
#include <cstring>
#include <utility>

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

// read_item(at) fills the cleared slot of an item.
template <class ReadItem>
bool read_items(const Type& type, ByteReader& in, Arena& arena, char* slot, ReadItem&& read_item) {
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
      if (!read_item(at)) return false;
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
      return read_items(type, in, arena, bytes,
                        [&](char* at) { return read_value(*type.item, in, arena, at); });
    }
  });
}

std::vector<std::string_view> columns_of(std::string_view shape) {
  std::vector<std::string_view> columns;
  if (shape.size() < 2 || shape.front() != '{' || shape.back() != '}') return columns;
  shape = shape.substr(1, shape.size() - 2);
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= shape.size(); ++i) {
    if (i == shape.size() || (shape[i] == ',' && depth == 0)) {
      if (i > begin) columns.push_back(shape.substr(begin, i - begin));
      begin = i + 1;
    } else if (std::string_view("{[(<").find(shape[i]) != std::string_view::npos) {
      ++depth;
    } else if (std::string_view("}])>").find(shape[i]) != std::string_view::npos) {
      --depth;
    }
  }
  return columns;
}

std::unique_ptr<const GrownValue> GrownValue::from(const Type& now, std::string_view shape) {
  if (shape_of(now) == shape) return std::unique_ptr<const GrownValue>(new GrownValue(now));
  if (now.kind == Kind::kObject) return object(now, shape);
  constexpr std::string_view kMap = "map";
  const bool is_map = now.kind == Kind::kMap && shape.starts_with(kMap);
  if (is_map) shape.remove_prefix(kMap.size());
  if ((!is_map && now.kind != Kind::kList) || shape.size() < 2 || shape.front() != '[')
    return nullptr;
  shape = shape.substr(1, shape.size() - 2);
  auto value = from(is_map ? *now.map_value() : *now.item, shape);
  if (value == nullptr || !is_map) return items(now, std::move(value));
  std::unique_ptr<GrownValue> entry(new GrownValue(*now.item));
  entry->has_grown_ = true;
  const Field& key = now.item->fields[0];
  entry->parts_.push_back({&key, std::unique_ptr<const GrownValue>(new GrownValue(*key.type))});
  entry->parts_.push_back({&now.item->fields[1], std::move(value)});
  return items(now, std::move(entry));
}

std::unique_ptr<const GrownValue> GrownValue::items(const Type& now,
                                                    std::unique_ptr<const GrownValue> item) {
  if (item == nullptr) return nullptr;
  std::unique_ptr<GrownValue> grown(new GrownValue(now));
  grown->has_grown_ = true;
  grown->item_ = std::move(item);
  return grown;
}

std::unique_ptr<const GrownValue> GrownValue::object(const Type& now, std::string_view shape) {
  const std::vector<std::string_view> columns = columns_of(shape);
  if (columns.empty()) return nullptr;
  std::unique_ptr<GrownValue> grown(new GrownValue(now));
  grown->has_grown_ = true;
  for (const std::string_view column : columns) {
    const std::size_t colon = column.find(':');
    if (colon == std::string_view::npos) return nullptr;
    std::string_view name = column.substr(0, colon);
    const bool is_optional = name.ends_with('?');
    if (is_optional) name.remove_suffix(1);
    const auto field = std::ranges::find(now.fields, name, &Field::name);
    if (field == now.fields.end() || field->optional != is_optional) return nullptr;
    auto value = from(*field->type, column.substr(colon + 1));
    if (value == nullptr) return nullptr;
    grown->parts_.push_back({&*field, std::move(value)});
  }
  const bool lacks_one = std::ranges::any_of(now.fields, [&](const Field& field) {
    return field.is_required() && std::ranges::count(grown->parts_, &field, &Part::field) == 0;
  });
  return lacks_one ? nullptr : std::move(grown);
}

bool GrownValue::read(ByteReader& in, Arena& arena, void* slot) const {
  auto* const bytes = static_cast<char*>(slot);
  if (!has_grown_) return read_value(type_, in, arena, slot);
  if (item_ == nullptr) return read_parts(in, arena, bytes);
  return read_items(type_, in, arena, bytes, [&](char* at) { return item_->read(in, arena, at); });
}

bool GrownValue::read_parts(ByteReader& in, Arena& arena, char* slot) const {
  type_.clear(slot);
  for (const Part& part : parts_) {
    if (part.field->optional) {
      const auto flag = in.fixed<std::uint8_t>();
      put(flag == 1, slot + part.field->flag_offset);
      if (flag == 0) continue;
    }
    if (!part.value->read(in, arena, slot + part.field->offset)) return false;
  }
  return in.ok();
}

}  // namespace gameflow::record
