// Types of dataflow.yaml as the engine sees them: schema plans with the exact C++ layout.
//
// A Type is immutable once its TypeTable is finished and lives as long as the table. `size`,
// `align` and `offset` are those of the SDK types (sdk/include/gameflow/types.h) that generated
// code uses; generated static_asserts compare the two.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "record/arena.h"

namespace gameflow::record {

enum class Kind : std::uint8_t {
  kBool,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kF32,
  kF64,
  kString,
  kBytes,
  kTimestamp,
  kJson,
  // Those that a Type has more to say of.
  kDecimal,
  kEnum,   // variants without values
  kUnion,  // variants, some with values
  kObject,
  kList,
  kMap,
  // Of columns of rows alone.
  kDistinct,
  kQuantiles,
};
inline constexpr std::size_t kKinds = static_cast<std::size_t>(Kind::kQuantiles) + 1;

// As written in YAML: "u32", "string", "object".
std::string_view to_string(Kind kind);
bool is_integer(Kind kind);
bool is_signed(Kind kind);
constexpr bool is_sketch(Kind kind) {
  return kind == Kind::kDistinct || kind == Kind::kQuantiles;
}

struct Type;

// `,"name":` as encode_json() copies it: whole blocks, which is one instruction for most names.
class JsonName {
 public:
  static constexpr std::size_t kBlock = 16;

  JsonName() = default;
  explicit JsonName(std::string_view name);

  std::string_view text() const { return std::string_view(padded_).substr(0, size_); }
  // The text and what fills its last block.
  const char* data() const { return padded_.data(); }
  std::size_t blocks() const { return padded_.size(); }  // bytes

 private:
  std::string padded_;
  std::size_t size_ = 0;
};

struct Field {
  std::string name;  // as in YAML
  const Type* type = nullptr;
  bool optional = false;          // then the slot is an Optional<T>: the value, then a bool
  std::uint32_t offset = 0;       // of the slot in the struct, bytes
  std::uint32_t flag_offset = 0;  // optional only: of the bool in the struct, bytes
  JsonName json_name{};           // that it is written by
  // Where one is empty, it is `name`: in C++ and SQL, and in JSON that is read and written.
  std::string cpp_name{}, read_name{}, write_name{};
  // The value where the field is absent or null, as the bytes of its slot. Empty: it is required,
  // unless it is optional.
  std::vector<char> fallback{};

  bool is_required() const { return !optional && fallback.empty(); }
};

struct Variant {
  std::string name;                                   // as in YAML
  const Type* type = nullptr;                         // null: it has no value
  std::string cpp_name{}, read_name{}, write_name{};  // as those of a Field
  std::string json{};                                 // write_name as a string of JSON
};

// Of the numbers that a timestamp may be written as in JSON.
enum class TimeUnit : std::uint8_t { kNone, kSeconds, kMilliseconds, kMicroseconds };

struct Type {
  Kind kind = Kind::kBool;
  std::string name{};      // the YAML name of a named or nested object type; empty for others
  std::uint32_t size = 0;  // bytes
  std::uint32_t align = 1;
  std::vector<Field> fields{};      // kObject
  std::vector<Variant> variants{};  // kEnum, kUnion
  const Type* item = nullptr;       // kList; kMap: of its entries, objects of a `key` and a `value`
  std::uint32_t scale = 0;          // kDecimal: digits after the point
  std::uint32_t accuracy = 0;       // kQuantiles: in millionths
  TimeUnit unit = TimeUnit::kNone;  // kTimestamp
  std::uint32_t tag_offset = 0;     // kUnion: of the number of its variant, a u16
  bool is_raw = false;              // of a topic: its records are no JSON, see raw.h
  // What a slot holds before it is filled, `size` bytes; empty: zeros.
  std::vector<char> blank{};
  // Position among the table's declared types; the SDK's TypeId. kObject, kEnum, kUnion.
  std::uint32_t id = 0;

  // By its name in YAML or in C++; null.
  const Field* find(std::string_view field) const;
  const Variant* find_variant(std::string_view variant) const;
  // Of the values of a map.
  const Type* map_value() const { return item->fields[1].type; }

  // Makes a slot ready to be filled.
  void clear(void* slot) const {
    if (blank.empty()) {
      std::memset(slot, 0, size);
    } else {
      std::memcpy(slot, blank.data(), size);
    }
  }
};

// Owns types. Those without a name are made once: types that have the same C++ type and the same
// JSON are one.
class TypeTable {
 public:
  TypeTable();
  TypeTable(const TypeTable&) = delete;
  TypeTable& operator=(const TypeTable&) = delete;

  const Type* scalar(Kind kind) const;  // up to kJson
  // The same type for records that are its bytes; null where it has no such form.
  const Type* raw(const Type* type);
  const Type* timestamp(TimeUnit unit);
  const Type* decimal(std::uint32_t scale);
  const Type* distinct();
  const Type* quantiles(std::uint32_t accuracy);
  const Type* list_of(const Type* item);
  const Type* map_of(const Type* value);
  // An object with computed layout; the offsets and JSON names given in `fields` are ignored. Field
  // types must be finished.
  const Type* object(std::string name, std::vector<Field> fields);
  // An enum or, where a variant has a value, a union; at least one variant, at most kVariantsMax.
  static constexpr std::size_t kVariantsMax = 10'000;
  const Type* enumeration(std::string name, std::vector<Variant> variants);
  // Every object, enum and union in order of creation: a type comes after the types it contains.
  // Index = Type::id.
  const std::vector<const Type*>& declared() const { return declared_; }
  // Where what fallbacks point to lives.
  Arena& arena() { return arena_; }

 private:
  const Type* add(Type type);
  const Type* declare(Type type);

  BlockArena arena_{4096};
  std::vector<std::unique_ptr<Type>> types_;
  std::vector<const Type*> declared_;
};

// True where values of both have the same bytes and meaning: kinds, names and order of fields and
// variants, optionality. The names of types do not matter, nor how they are written in JSON.
bool same_shape(const Type& a, const Type& b);

// One line that two types share exactly where same_shape holds: "{count:u32,last?:string}".
// Persisted with state.
std::string shape_of(const Type& type);

}  // namespace gameflow::record
