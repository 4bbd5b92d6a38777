#include "record/type.h"

#include <algorithm>
#include <array>
#include <utility>

#include <gameflow/types.h>

#include "record/codec.h"
#include "record/visit.h"

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
constexpr std::array<KindInfo, kKinds> kInfos{{
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
    info<TimestampSlot>("timestamp"),
    info<JsonSlot>("json"),
    info<DecimalSlot>("decimal"),
    info<EnumSlot>("enum"),
    KindInfo{"enum", 0, 1},
    KindInfo{"object", 0, 1},
    info<List<u8>>("list"),
    info<List<u8>>("map"),
    info<Distinct>("distinct"),
    info<Quantiles>("quantiles"),
}};

const KindInfo& info_of(Kind kind) {
  return kInfos[static_cast<std::size_t>(kind)];
}

std::uint32_t round_up(std::uint32_t value, std::uint32_t align) {
  return (value + align - 1) / align * align;
}

// Of a Field or a Variant.
template <class Named>
void set_names(Named& named) {
  for (std::string* name : {&named.cpp_name, &named.read_name, &named.write_name}) {
    if (name->empty()) *name = named.name;
  }
}

// Makes `type` an object of these fields.
void lay_out(Type& type, std::vector<Field> fields) {
  std::uint32_t offset = 0;
  bool is_zero = true;
  for (Field& field : fields) {
    const Type& slot = *field.type;
    set_names(field);
    field.json_name = JsonName(field.write_name);
    field.offset = offset = round_up(offset, slot.align);
    offset += slot.size;
    if (field.optional) {
      field.flag_offset = offset;
      offset = field.offset + round_up(slot.size + 1, slot.align);
    }
    type.align = std::max(type.align, slot.align);
    is_zero = is_zero && field.fallback.empty() && slot.blank.empty();
  }
  // An empty struct is one byte.
  type.size = std::max<std::uint32_t>(1, round_up(offset, type.align));
  type.fields = std::move(fields);
  if (is_zero) return;
  type.blank.resize(type.size);
  for (const Field& field : type.fields) {
    const std::vector<char>& bytes = field.fallback.empty() ? field.type->blank : field.fallback;
    std::ranges::copy(bytes, type.blank.begin() + field.offset);
  }
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
  const auto found = std::ranges::find_if(
      fields, [&](const Field& f) { return f.name == field || f.cpp_name == field; });
  return found == fields.end() ? nullptr : &*found;
}

const Variant* Type::find_variant(std::string_view variant) const {
  const auto found = std::ranges::find(variants, variant, &Variant::name);
  return found == variants.end() ? nullptr : &*found;
}

TypeTable::TypeTable() {
  for (auto kind = Kind::kBool; kind <= Kind::kJson;
       kind = static_cast<Kind>(static_cast<int>(kind) + 1)) {
    add({.kind = kind});
  }
}

const Type* TypeTable::add(Type type) {
  const KindInfo& info = info_of(type.kind);
  if (info.size != 0) {
    type.size = info.size;
    type.align = info.align;
  }
  types_.push_back(std::make_unique<Type>(std::move(type)));
  return types_.back().get();
}

const Type* TypeTable::declare(Type type) {
  type.id = static_cast<std::uint32_t>(declared_.size());
  declared_.push_back(add(std::move(type)));
  return declared_.back();
}

const Type* TypeTable::scalar(Kind kind) const {
  return types_[static_cast<std::size_t>(kind)].get();
}

const Type* TypeTable::raw(const Type* type) {
  if (type->kind > Kind::kBytes) return nullptr;
  for (const auto& known : types_) {
    if (known->kind == type->kind && known->is_raw) return known.get();
  }
  return add({.kind = type->kind, .is_raw = true});
}

const Type* TypeTable::timestamp(TimeUnit unit) {
  for (const auto& type : types_) {
    if (type->kind == Kind::kTimestamp && type->unit == unit) return type.get();
  }
  return add({.kind = Kind::kTimestamp, .unit = unit});
}

const Type* TypeTable::decimal(std::uint32_t scale) {
  for (const auto& type : types_) {
    if (type->kind == Kind::kDecimal && type->scale == scale) return type.get();
  }
  return add({.kind = Kind::kDecimal, .scale = scale});
}

const Type* TypeTable::distinct() {
  for (const auto& type : types_) {
    if (type->kind == Kind::kDistinct) return type.get();
  }
  return add({.kind = Kind::kDistinct});
}

const Type* TypeTable::quantiles(std::uint32_t accuracy) {
  for (const auto& type : types_) {
    if (type->kind == Kind::kQuantiles && type->accuracy == accuracy) return type.get();
  }
  Type type{.kind = Kind::kQuantiles, .accuracy = accuracy};
  const Quantiles blank(accuracy);
  type.blank.resize(sizeof blank);
  std::memcpy(type.blank.data(), static_cast<const void*>(&blank), sizeof blank);
  return add(std::move(type));
}

const Type* TypeTable::list_of(const Type* item) {
  for (const auto& type : types_) {
    if (type->kind == Kind::kList && type->item == item) return type.get();
  }
  return add({.kind = Kind::kList, .item = item});
}

const Type* TypeTable::map_of(const Type* value) {
  for (const auto& type : types_) {
    if (type->kind == Kind::kMap && type->map_value() == value) return type.get();
  }
  Type entry{.kind = Kind::kObject};
  lay_out(entry, {{"key", scalar(Kind::kString)}, {"value", value}});
  return add({.kind = Kind::kMap, .item = add(std::move(entry))});
}

const Type* TypeTable::object(std::string name, std::vector<Field> fields) {
  Type type{.kind = Kind::kObject, .name = std::move(name)};
  lay_out(type, std::move(fields));
  return declare(std::move(type));
}

const Type* TypeTable::enumeration(std::string name, std::vector<Variant> variants) {
  Type type{.kind = Kind::kEnum, .name = std::move(name)};
  std::uint32_t size = 1, align = 1;  // of the values
  for (Variant& variant : variants) {
    set_names(variant);
    encode_json_string(variant.write_name, variant.json);
    if (variant.type == nullptr) continue;
    type.kind = Kind::kUnion;
    size = std::max(size, variant.type->size);
    align = std::max(align, variant.type->align);
  }
  type.variants = std::move(variants);
  if (type.kind == Kind::kUnion) {
    type.align = std::max<std::uint32_t>(align, alignof(u16));
    type.tag_offset = round_up(size, alignof(u16));
    type.size = round_up(type.tag_offset + sizeof(u16), type.align);
  }
  return declare(std::move(type));
}

bool same_shape(const Type& a, const Type& b) {
  return shape_of(a) == shape_of(b);
}

std::string shape_of(const Type& type) {
  std::string text(to_string(type.kind));
  switch (type.kind) {
    case Kind::kList:
      return std::string("[").append(shape_of(*type.item)).append("]");
    case Kind::kMap:
      return std::string("map[").append(shape_of(*type.map_value())).append("]");
    case Kind::kDecimal:
      return text.append("(").append(std::to_string(type.scale)).append(")");
    case Kind::kQuantiles:
      return text.append("(").append(std::to_string(type.accuracy)).append(")");
    case Kind::kEnum:
    case Kind::kUnion:
      for (const Variant& variant : type.variants) {
        text.append(&variant == type.variants.data() ? "(" : "|").append(variant.name);
        if (variant.type != nullptr) text.append(":").append(shape_of(*variant.type));
      }
      return text + ")";
    case Kind::kObject:
      text = "{";
      for (const Field& field : type.fields) {
        if (text.size() > 1) text += ',';
        text.append(field.name).append(field.optional ? "?:" : ":").append(shape_of(*field.type));
      }
      return text + "}";
    default:
      return text;
  }
}

}  // namespace gameflow::record
