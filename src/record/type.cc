#include "record/type.h"

#include <algorithm>
#include <array>
#include <utility>

#include <gameflow/types.h>

#include "record/codec.h"

namespace gameflow::record {
namespace {

struct KindInfo {
  std::string_view name;
  std::uint32_t size, align;
};

template <class T>
constexpr KindInfo info(std::string_view name) {
  return {name, sizeof(T), alignof(T)};
}

// In the order of Kind.
constexpr std::array<KindInfo, 15> kKinds{{
    info<bool>("bool"),
    info<i8>("i8"),
    info<i16>("i16"),
    info<i32>("i32"),
    info<i64>("i64"),
    info<u8>("u8"),
    info<u16>("u16"),
    info<u32>("u32"),
    info<u64>("u64"),
    info<f32>("f32"),
    info<f64>("f64"),
    info<Text>("string"),
    info<Bytes>("bytes"),
    KindInfo{"object", 0, 1},
    info<List<u8>>("list"),
}};

const KindInfo& info_of(Kind kind) {
  return kKinds[static_cast<std::size_t>(kind)];
}

std::uint32_t round_up(std::uint32_t value, std::uint32_t align) {
  return (value + align - 1) / align * align;
}

}  // namespace

std::string_view to_string(Kind kind) {
  return info_of(kind).name;
}

bool is_signed(Kind kind) {
  return kind >= Kind::kI8 && kind <= Kind::kI64;
}

bool is_integer(Kind kind) {
  return kind >= Kind::kI8 && kind <= Kind::kU64;
}

JsonName::JsonName(std::string_view name) : padded_(1, ',') {
  encode_json_string(name, padded_);
  padded_ += ':';
  size_ = padded_.size();
  padded_.resize((size_ + kBlock - 1) / kBlock * kBlock);
}

const Field* Type::find(std::string_view field) const {
  const auto found = std::ranges::find(fields, field, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

TypeTable::TypeTable() {
  for (std::size_t i = 0; i < kKinds.size(); ++i) {
    const auto kind = static_cast<Kind>(i);
    types_.push_back(std::make_unique<Type>(
        Type{.kind = kind, .size = kKinds[i].size, .align = kKinds[i].align}));
  }
}

const Type* TypeTable::scalar(Kind kind) const {
  return types_[static_cast<std::size_t>(kind)].get();
}

const Type* TypeTable::list_of(const Type* item) {
  for (const auto& type : types_) {
    if (type->kind == Kind::kList && type->item == item) return type.get();
  }
  const KindInfo& list = info_of(Kind::kList);
  types_.push_back(std::make_unique<Type>(
      Type{.kind = Kind::kList, .size = list.size, .align = list.align, .item = item}));
  return types_.back().get();
}

const Type* TypeTable::object(std::string name, std::vector<Field> fields) {
  auto type = std::make_unique<Type>(Type{.kind = Kind::kObject, .name = std::move(name)});
  std::uint32_t offset = 0;
  for (Field& field : fields) {
    const Type& slot = *field.type;
    field.json_name = JsonName(field.name);
    field.offset = offset = round_up(offset, slot.align);
    offset += slot.size;
    if (field.optional) {
      field.flag_offset = offset;
      offset = field.offset + round_up(slot.size + 1, slot.align);
    }
    type->align = std::max(type->align, slot.align);
  }
  type->size =
      std::max<std::uint32_t>(1, round_up(offset, type->align));  // an empty struct is one byte
  type->fields = std::move(fields);
  type->id = static_cast<std::uint32_t>(objects_.size());
  objects_.push_back(type.get());
  types_.push_back(std::move(type));
  return objects_.back();
}

bool same_shape(const Type& a, const Type& b) {
  return shape_of(a) == shape_of(b);
}

std::string shape_of(const Type& type) {
  if (type.kind == Kind::kList) return std::string("[").append(shape_of(*type.item)).append("]");
  if (type.kind != Kind::kObject) return std::string(to_string(type.kind));
  std::string text = "{";
  for (const Field& field : type.fields) {
    if (text.size() > 1) text += ',';
    text.append(field.name).append(field.optional ? "?:" : ":").append(shape_of(*field.type));
  }
  return text + "}";
}

}  // namespace gameflow::record
